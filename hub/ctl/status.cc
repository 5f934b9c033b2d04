#include <algorithm>
#include <map>
#include <memory>
#include <set>

#include "hub/ctl/cli.h"
#include "hub/ctl/cluster.h"
#include "hub/ctl/exceptions_filter.h"
#include "hub/ctl/loads.h"
#include "hub/ctl/lookup.h"
#include "hub/ctl/program.h"
#include "hub/ctl/reconciled.h"
#include "hub/ctl/status_findings.h"
#include "hub/ctl/text.h"
#include "shared/base/json.h"
#include "shared/wire/standby_subjects.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

constexpr std::size_t kPartitionRows = 20;

struct StatusOptions {
    bool watch = false;
    std::string interval = "2s";
};

bool held(const Cluster& cluster, const PartitionView& view) {
    return view.mark && std::ranges::any_of(cluster.hubs, [&](const Presence& hub) {
               return hub.id == view.mark->holder.text;
           });
}

Value presence_value(const Presence& presence, const char* id) {
    Value::Map out = presence.said.fields();
    out.insert_or_assign(id, presence.id);
    out.insert_or_assign("heard_at", presence.heard_at);
    return out;
}

void set_data(Output& out, const Cluster& cluster, const Session& session) {
    Value::List hubs;
    for (const Presence& hub : cluster.hubs) hubs.push_back(presence_value(hub, "hub"));
    Value::List agents;
    for (const Presence& agent : cluster.agents) {
        agents.push_back(presence_value(agent, "platform"));
    }
    Value::List partitions;
    for (const PartitionView& view : cluster.marks) {
        Value::Map sources;
        if (view.mark) {
            for (const auto& source : view.mark->sources) {
                sources.emplace(source.platform.text, text_of(source.seq));
            }
        }
        partitions.push_back(
            Value::Map{{"partition", number(view.partition.value)},
                       {"held", held(cluster, view)},
                       {"holder", view.mark ? view.mark->holder.text : std::string{}},
                       {"fence", number(view.mark ? view.mark->fence : 0)},
                       {"floor", number(view.mark ? view.mark->floor : 0)},
                       {"lag", number(view.lag)},
                       {"sources", std::move(sources)}});
    }
    Value::List streams;
    for (const StreamView& stream : cluster.streams) {
        Value::Map map{{"stream", stream.name}, {"exists", stream.info.has_value()}};
        if (stream.info) {
            map.emplace("messages", number(stream.info->messages));
            map.emplace("bytes", number(stream.info->bytes));
            map.emplace("last_sequence", number(stream.info->last_sequence));
            map.emplace("created", stream.info->created);
        }
        streams.push_back(std::move(map));
    }
    std::map<std::string, std::uint64_t> kinds;
    for (const ExceptionView& view : cluster.open_exceptions) ++kinds[view.record.kind];
    Value::Map exceptions;
    for (const auto& [kind, count] : kinds) exceptions.emplace(kind, number(count));
    const Waiting waiting = waiting_of(cluster);
    Value::Map severities;
    for (const auto& [severity, count] : waiting.by_severity) {
        severities.emplace(name_of(severity), number(count));
    }
    out.set("server",
            Value::Map{{"url", session.server_text()}, {"version", cluster.server_version}});
    out.set("hubs", std::move(hubs));
    out.set("agents", std::move(agents));
    out.set("partitions", std::move(partitions));
    out.set("streams", std::move(streams));
    out.set("open_exceptions", std::move(exceptions));
    out.set("exceptions", Value::Map{{"by_severity", std::move(severities)},
                                     {"overdue", number(waiting.overdue)},
                                     {"unassigned", number(waiting.unassigned)},
                                     {"immaterial", number(waiting.immaterial)}});
}

void show_hubs(Output& out, const Cluster& cluster) {
    out.heading("Hubs");
    if (cluster.hubs.empty()) return out.line("none");
    Table table{{"HUB", "VERSION", "POLICY", "HELD", "IN WORK", "INPUTS", "DECISIONS", "COMMANDS",
                 "CONFLICTS", "HEARD"},
                {}};
    for (const Presence& hub : cluster.hubs) {
        const Announced counts = hub.said.inner("counts");
        const Value* list = hub.said.find("partitions");
        const auto* held_list = list == nullptr ? nullptr : list->get<Value::List>();
        table.rows.push_back(
            {hub.id, hub.said.text("version"),
             policy_text(hub.said.count("policy_version"), hub.said.text("policy")),
             number_cell(held_list == nullptr ? 0 : held_list->size()),
             number_cell(hub.said.count("in_work")), number_cell(counts.count("inputs")),
             number_cell(counts.count("decisions")), number_cell(counts.count("commands")),
             number_cell(counts.count("conflicts")),
             right_cell(age_text(hub.heard_at, cluster.now))});
    }
    out.table(table);
}

void show_partitions(Output& out, const Cluster& cluster) {
    if (cluster.marks.empty()) return;
    const auto held_count = static_cast<std::uint64_t>(std::ranges::count_if(
        cluster.marks, [&](const PartitionView& view) { return held(cluster, view); }));
    std::uint64_t lag = 0;
    for (const PartitionView& view : cluster.marks) lag += view.lag;
    out.heading("Partitions");
    out.line(std::to_string(held_count) + " of " + std::to_string(cluster.marks.size()) +
             " held, " + count_text(lag, "input waits", "inputs wait"));
    std::vector<const PartitionView*> shown;
    for (const PartitionView& view : cluster.marks) {
        if (view.lag > 0) shown.push_back(&view);
    }
    if (shown.empty()) return;
    std::ranges::stable_sort(shown, std::greater{}, &PartitionView::lag);
    Table table{{"PARTITION", "HOLDER", "FLOOR", "WAITING"}, {}};
    for (const PartitionView* view : shown) {
        if (table.rows.size() == kPartitionRows) break;
        const bool is_held = held(cluster, *view);
        table.rows.push_back({number_cell(view->partition.value),
                              is_held ? Cell{view->mark->holder.text} : Cell{"nobody", Style::kRed},
                              number_cell(view->mark ? view->mark->floor : 0),
                              number_cell(view->lag)});
    }
    out.table(table);
    if (shown.size() > kPartitionRows) {
        out.line("and " + std::to_string(shown.size() - kPartitionRows) + " more", Style::kDim);
    }
}

Cell warning_count(std::uint64_t count) {
    Cell cell = number_cell(count);
    if (count > 0) cell.style = Style::kYellow;
    return cell;
}

/// "88 % of 15000": of all that the platform allows.
Cell quota_cell(const Announced& quota) {
    const std::uint64_t limit = quota.count("limit");
    if (limit == 0) return right_cell("-");
    const double part = static_cast<double>(quota.count("used")) / static_cast<double>(limit);
    Cell cell = right_cell(std::to_string(static_cast<std::uint64_t>(part * 100)) + " % of " +
                           std::to_string(limit));
    if (!quota.inner("slowed").fields().empty()) cell.style = Style::kYellow;
    return cell;
}

void show_agents(Output& out, const Cluster& cluster) {
    out.heading("Agents");
    if (cluster.agents.empty()) return out.line("none");
    Table table{{"PLATFORM", "VERSION", "EPOCH", "WAITING", "SPOOL", "READ", "BREAKER", "DOUBT",
                 "REJECTS", "HEARD"},
                {}};
    const bool has_quota = std::ranges::any_of(cluster.agents, [](const Presence& agent) {
        return agent.said.inner("quota").count("limit") > 0;
    });
    if (has_quota) table.header.emplace_back("QUOTA");
    for (const Presence& agent : cluster.agents) {
        const Announced& said = agent.said;
        const std::string breaker = said.text("breaker");
        table.rows.push_back(
            {agent.id, said.text("version"), right_cell(std::to_string(said.count("epoch"))),
             number_cell(said.count("waiting_entries")),
             right_cell(bytes_text(said.count("spool_bytes"))),
             right_cell(age_text(said.time("last_read_at"), cluster.now)),
             Cell{breaker, breaker == "closed" ? Style::kPlain : Style::kYellow},
             warning_count(said.count("commands_in_doubt")), warning_count(said.count("rejects")),
             right_cell(age_text(agent.heard_at, cluster.now))});
        if (has_quota) table.rows.back().push_back(quota_cell(said.inner("quota")));
    }
    out.table(table);
}

void show_streams(Output& out, const Cluster& cluster) {
    out.heading("Streams");
    Table table{{"STREAM", "MESSAGES", "BYTES", "LAST"}, {}};
    for (const StreamView& stream : cluster.streams) {
        if (stream.info) {
            table.rows.push_back({stream.name, number_cell(stream.info->messages),
                                  right_cell(bytes_text(stream.info->bytes)),
                                  number_cell(stream.info->last_sequence)});
        } else {
            table.rows.push_back({stream.name, Cell{"missing", Style::kRed}});
        }
    }
    out.table(table);
}

void show_exceptions(Output& out, const Cluster& cluster) {
    out.heading("Open exceptions");
    struct Kind {
        ExceptionSeverity severity = ExceptionSeverity::kInfo;  ///< The highest of them.
        std::uint64_t count = 0;
        std::uint64_t overdue = 0;
        Timestamp oldest;
    };
    std::map<std::string, Kind> kinds;
    for (const ExceptionView& view : cluster.open_exceptions) {
        if (!view.record.care.material) continue;
        Kind& kind = kinds[view.record.kind];
        const Timestamp opened = view.record.opened_at;
        kind.oldest = kind.count == 0 ? opened : std::min(kind.oldest, opened);
        kind.severity = std::max(kind.severity, view.record.care.severity);
        kind.overdue += is_overdue(view.record, cluster.now) ? 1 : 0;
        ++kind.count;
    }
    const Waiting waiting = waiting_of(cluster);
    if (kinds.empty()) {
        out.line("none");
    } else {
        Table table{{"KIND", "SEVERITY", "COUNT", "OVERDUE", "OLDEST"}, {}};
        for (const auto& [name, kind] : kinds) {
            table.rows.push_back({name, Cell{name_of(kind.severity), style_of(kind.severity)},
                                  number_cell(kind.count), warning_count(kind.overdue),
                                  right_cell(age_text(kind.oldest, cluster.now))});
        }
        out.table(table);
        std::string all;
        for (const auto& [severity, count] : waiting.by_severity) {
            all = std::to_string(count) + " " + name_of(severity) + (all.empty() ? "" : ", ") + all;
        }
        out.line(all + "; " + std::to_string(waiting.overdue) + " overdue, " +
                     std::to_string(waiting.unassigned) + " seen to by nobody",
                 Style::kDim);
    }
    if (waiting.immaterial > 0) {
        out.line(std::to_string(waiting.immaterial) + " not material", Style::kDim);
    }
}

/// Up to when which platforms are proven equal; nothing where nothing was reconciled yet.
Result<void> show_proven(Output& out, Session& session) {
    std::vector<std::string> damaged;  // `reconcile list` tells of it.
    const auto all = read_reconciliations(session, damaged);
    if (!all && all.error().kind == ErrorKind::kNotFound) return {};
    if (!all) return fail(all.error());
    const auto partitions = partition_count(session);
    if (!partitions) return fail(partitions.error());
    show_pairs(out, gather(*all, *partitions));
    return {};
}

/// An agent that has the lease of its platform, or waits for it.
struct Standby {
    Announced said;
    Timestamp heard_at;
    bool active = false;
};

Result<std::vector<Standby>> read_standbys(Session& session) {
    std::vector<Standby> out;
    for (const bool active : {true, false}) {
        const auto all = session.read_all(
            {.stream = std::string{active ? subjects::kStreamLease : subjects::kStreamAgent},
             .filters = {active ? subjects::all_agent_leases() : subjects::all_agent_standbys()},
             .last_per_subject = true});
        if (!all && all.error().kind == ErrorKind::kNotFound) continue;  // No hub has made it yet.
        if (!all) return fail(all.error());
        for (const nats::StoredMessage& message : *all) {
            const auto json = message.deleted ? Result<Value>{Value{}} : parse_json(message.body);
            const auto* map = json ? json->get<Value::Map>() : nullptr;
            if (map == nullptr) continue;
            out.push_back({Announced{*map}, message.stored_at, active});
        }
    }
    std::ranges::stable_sort(out, {}, [](const Standby& one) { return one.said.text("platform"); });
    return out;
}

/// Nothing where no agent has a stand-by.
Result<void> show_standbys(Output& out, Session& session, Timestamp now) {
    const auto all = read_standbys(session);
    if (!all) return fail(all.error());
    if (all->empty()) return {};
    out.heading("Stand-by");
    Table table{{"PLATFORM", "HOST", "STATE", "SINCE", "STORE", "VERSION", "HEARD"}, {}};
    Value::List list;
    std::set<std::string> active;
    std::set<std::string> waiting;
    for (const auto& [said, heard_at, is_active] : *all) {
        const std::string platform = said.text("platform");
        (is_active ? active : waiting).insert(platform);
        table.rows.push_back({platform, said.text("host"),
                              is_active ? Cell{"active", Style::kGreen} : Cell{"stands by"},
                              is_active ? time_text(said.time("since")) : std::string{"-"},
                              said.text("store"), said.text("version"),
                              right_cell(age_text(heard_at, now))});
        Value::Map map = said.fields();
        map.insert_or_assign("active", is_active);
        map.insert_or_assign("heard_at", heard_at);
        list.emplace_back(std::move(map));
    }
    out.table(table);
    out.set("standbys", std::move(list));
    for (const std::string& platform : active) {
        if (waiting.contains(platform)) continue;
        out.add({Level::kWarning, "status.standby_missing",
                 "the active agent has a lease, and no other is heard of that waits for it",
                 "Start syncline-agent@" + platform +
                     " on the other machine; systemd/README.md, \"A stand-by\"",
                 "agent " + platform});
    }
    return {};
}

Result<Exit> show_once(Program& program, Session& session) {
    const auto cluster = read_cluster(session, program.memory());
    if (!cluster) return fail(cluster.error());
    Output& out = program.out();
    out.clear_screen();
    set_data(out, *cluster, session);
    const std::string& version = cluster->server_version;
    out.line("NATS " + session.server_text() + (version.empty() ? "" : ", server " + version) +
             ", " + time_text(cluster->now));
    show_hubs(out, *cluster);
    show_partitions(out, *cluster);
    show_agents(out, *cluster);
    if (auto shown = show_standbys(out, session, cluster->now); !shown) return fail(shown.error());
    show_loads(out, *cluster);
    show_streams(out, *cluster);
    show_exceptions(out, *cluster);
    if (auto shown = show_proven(out, session); !shown) return fail(shown.error());
    for (Finding& finding : judge(*cluster)) out.add(std::move(finding));
    return verdict(out);
}

Result<Exit> status(Program& program, const StatusOptions& options) {
    const auto interval = parse_duration(options.interval);
    if (!interval || interval->count() == 0) {
        return fail(ErrorKind::kInvalid,
                    "--interval: " + (interval ? "zero" : interval.error().what));
    }
    const auto session = program.connect();
    if (!session) return fail(session.error());
    for (;;) {
        const auto shown = show_once(program, **session);
        if (!options.watch) return shown;
        if (shown) {
            program.out().finish(program.command(), *shown, nullptr);
        } else if (!interrupted()) {
            const Exit exit = exit_of(shown.error().kind);
            program.out().finish(program.command(), exit, &shown.error());
        }
        std::ignore = (*session)->until([] { return interrupted(); }, *interval);
        if (!interrupted() && !program.out().broken()) continue;
        program.already_told();
        return Exit::kFine;
    }
}

}  // namespace

void add_status(CLI::App& app, Program& program) {
    auto* command = app.add_subcommand("status", "Hubs, partitions, agents, streams, exceptions");
    const auto options = std::make_shared<StatusOptions>();
    command->add_flag("--watch,-w", options->watch, "Show it again and again, until Ctrl-C");
    command->add_option("--interval", options->interval, "How often with --watch: 2s, 1m")
        ->capture_default_str();
    command->callback([&program, options] {
        program.choose("status", [options](Program& p) { return status(p, *options); });
    });
}

}  // namespace syncline::ctl
