#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include "hub/ctl/cli.h"
#include "hub/ctl/cluster.h"
#include "hub/ctl/exceptions_filter.h"
#include "hub/ctl/memory.h"
#include "hub/ctl/program.h"
#include "hub/ctl/rates.h"
#include "hub/ctl/status_findings.h"
#include "hub/ctl/text.h"

// What flows at this moment, a line for each platform and each hub; `status` has what there is.

namespace syncline::ctl {
namespace {

constexpr std::array kHubCounts{"inputs", "decisions", "commands", "conflicts"};
constexpr std::array kAgentCounts{"changes", "commands_applied", "commands_failed"};

struct TopOptions {
    std::string interval = "2s";
    std::uint64_t times = 0;
};

void note(Rates& rates, const Cluster& cluster) {
    for (const Presence& hub : cluster.hubs) {
        const Announced counts = hub.said.inner("counts");
        Rates::Counts now;
        for (const char* name : kHubCounts) now.emplace(name, counts.count(name));
        rates.note("hub " + hub.id, hub.said.text("started_at"), hub.heard_at, std::move(now));
    }
    for (const Presence& agent : cluster.agents) {
        Rates::Counts now;
        for (const char* name : kAgentCounts) now.emplace(name, agent.said.count(name));
        rates.note("agent " + agent.id, agent.said.text("run"), agent.heard_at, std::move(now));
    }
}

/// "1204", "0.4", "-" for none.
std::string rate_text(std::optional<double> rate) {
    if (!rate) return "-";
    char text[32];
    const int digits = *rate < 9.95 && *rate > 0 ? 1 : 0;
    const auto end =
        std::to_chars(text, text + sizeof text, *rate, std::chars_format::fixed, digits);
    return {text, end.ptr};
}

Value rate_value(std::optional<double> rate) {
    if (!rate) return {};
    const auto text = rate_text(rate);
    const auto value = Decimal::parse(text);
    return value ? Value{*value} : Value{};
}

/// Worst first: what a person must see stands where the eye begins.
std::vector<const Presence*> sorted_agents(const Cluster& cluster) {
    std::vector<const Presence*> all;
    for (const Presence& agent : cluster.agents) all.push_back(&agent);
    std::ranges::stable_sort(all, std::less{}, [](const Presence* agent) {
        return std::pair{agent->said.text("trouble").empty(), agent->id};
    });
    return all;
}

std::string state_of(const Presence& agent) {
    const Announced& said = agent.said;
    if (said.flag("needs_credentials")) return "denied";
    if (const std::string breaker = said.text("breaker"); breaker != "closed") {
        return "breaker " + breaker;
    }
    if (const auto* held = said.find("held_lanes")) {
        if (const auto* list = held->get<Value::List>(); list && !list->empty()) return "held";
    }
    if (said.find("load") != nullptr) return "loading";
    if (!said.text("reconciling").empty()) return "reconciling";
    if (said.count("paused_ms") > 0) return "throttled";
    return "well";
}

Cell state_cell(const Presence& agent) {
    const std::string state = state_of(agent);
    const bool fine = state == "well" || state == "loading" || state == "reconciling";
    return Cell{state, fine ? Style::kPlain : state == "throttled" ? Style::kYellow : Style::kRed};
}

void show_agents_of(Output& out, const Cluster& cluster, const Rates& rates) {
    out.heading("Platforms");
    if (cluster.agents.empty()) return out.line("none");
    Table table{{"PLATFORM", "STATE", "CHANGES/S", "APPLIED/S", "FAILED/S", "COMMANDS", "DOUBT",
                 "WAITING", "SPOOL", "QUOTA", "HEARD", "TROUBLE"},
                {}};
    for (const Presence* agent : sorted_agents(cluster)) {
        const Announced& said = agent->said;
        const std::string who = "agent " + agent->id;
        const auto rate = [&](const char* count) {
            return right_cell(rate_text(rates.of(who, count)));
        };
        const Announced quota = said.inner("quota");
        const std::uint64_t limit = quota.count("limit");
        table.rows.push_back(
            {agent->id, state_cell(*agent), rate("changes"), rate("commands_applied"),
             rate("commands_failed"),
             number_cell(said.count("commands_waiting") + said.count("commands_running")),
             number_cell(said.count("commands_in_doubt") + said.count("operations_in_doubt")),
             number_cell(said.count("waiting_entries")),
             right_cell(bytes_text(said.count("spool_bytes"))),
             right_cell(limit == 0 ? "-"
                                   : std::to_string(quota.count("used") * 100 / limit) + " %"),
             right_cell(age_text(agent->heard_at, cluster.now)), said.text("trouble")});
    }
    out.table(table);
}

void show_hubs_of(Output& out, const Cluster& cluster, const Rates& rates) {
    out.heading("Hubs");
    if (cluster.hubs.empty()) return out.line("none", Style::kRed);
    Table table{
        {"HUB", "INPUTS/S", "DECISIONS/S", "COMMANDS/S", "CONFLICTS/S", "HELD", "IN WORK", "HEARD"},
        {}};
    for (const Presence& hub : cluster.hubs) {
        const Value* held = hub.said.find("partitions");
        const auto* list = held == nullptr ? nullptr : held->get<Value::List>();
        std::vector<Cell> row{hub.id};
        for (const char* name : kHubCounts) {
            row.push_back(right_cell(rate_text(rates.of("hub " + hub.id, name))));
        }
        row.push_back(number_cell(list == nullptr ? 0 : list->size()));
        row.push_back(number_cell(hub.said.count("in_work")));
        row.push_back(right_cell(age_text(hub.heard_at, cluster.now)));
        table.rows.push_back(std::move(row));
    }
    out.table(table);
}

std::uint64_t waiting_inputs(const Cluster& cluster) {
    std::uint64_t all = 0;
    for (const PartitionView& view : cluster.marks) all += view.lag;
    return all;
}

void show_head(Output& out, const Cluster& cluster, const Session& session, const Rates& rates) {
    out.line("NATS " + session.server_text() + ", " + time_text(cluster.now) + ": " +
             count_text(cluster.hubs.size(), "hub", "hubs") + ", " +
             count_text(cluster.agents.size(), "agent", "agents"));
    const Waiting waiting = waiting_of(cluster);
    std::string open;
    for (const auto& [severity, count] : waiting.by_severity) {
        open = std::to_string(count) + " " + name_of(severity) + (open.empty() ? "" : ", ") + open;
    }
    out.line("inputs/s " + rate_text(rates.sum("hub ", "inputs")) + ", commands/s " +
             rate_text(rates.sum("hub ", "commands")) + ", inputs that wait " +
             std::to_string(waiting_inputs(cluster)) +
             ", exceptions: " + (open.empty() ? "none" : open));
}

void set_top(Output& out, const Cluster& cluster, const Rates& rates) {
    Value::List hubs;
    for (const Presence& hub : cluster.hubs) {
        Value::Map map{{"hub", hub.id}, {"heard_at", hub.heard_at}};
        for (const char* name : kHubCounts) {
            map.emplace(std::string{name} + "_per_second",
                        rate_value(rates.of("hub " + hub.id, name)));
        }
        hubs.emplace_back(std::move(map));
    }
    Value::List agents;
    for (const Presence* agent : sorted_agents(cluster)) {
        Value::Map map{{"platform", agent->id},
                       {"heard_at", agent->heard_at},
                       {"state", state_of(*agent)},
                       {"waiting_entries", number(agent->said.count("waiting_entries"))},
                       {"spool_bytes", number(agent->said.count("spool_bytes"))},
                       {"trouble", agent->said.text("trouble")}};
        for (const char* name : kAgentCounts) {
            map.emplace(std::string{name} + "_per_second",
                        rate_value(rates.of("agent " + agent->id, name)));
        }
        agents.emplace_back(std::move(map));
    }
    out.set("hubs", std::move(hubs));
    out.set("agents", std::move(agents));
    out.set("inputs_waiting", number(waiting_inputs(cluster)));
    out.set("exceptions_open", number(cluster.open_exceptions.size()));
}

Result<Exit> top(Program& program, const TopOptions& options) {
    const auto interval = parse_duration(options.interval);
    if (!interval || interval->count() == 0) {
        return fail(ErrorKind::kInvalid,
                    "--interval: " + (interval ? "zero" : interval.error().what));
    }
    const auto session = program.connect();
    if (!session) return fail(session.error());
    Memory memory{std::make_shared<ExceptionBoard>()};  // They are read once, then what changes.
    Rates rates;
    for (std::uint64_t shown = 1;; ++shown) {
        Output& out = program.out();
        const auto cluster = read_cluster(**session, &memory);
        if (cluster) {
            note(rates, *cluster);
            out.clear_screen();
            show_head(out, *cluster, **session, rates);
            show_agents_of(out, *cluster, rates);
            show_hubs_of(out, *cluster, rates);
            set_top(out, *cluster, rates);
            out.finish(program.command(), Exit::kFine, nullptr);
        } else if (!interrupted()) {
            out.finish(program.command(), exit_of(cluster.error().kind), &cluster.error());
        }
        const bool is_last = options.times != 0 && shown >= options.times;
        if (!is_last) std::ignore = (*session)->until([] { return interrupted(); }, *interval);
        if (!is_last && !interrupted() && !out.broken()) continue;
        program.already_told();
        return cluster ? Exit::kFine : exit_of(cluster.error().kind);
    }
}

}  // namespace

void add_top(CLI::App& app, Program& program) {
    auto* command =
        app.add_subcommand("top", "What flows at this moment: rates of platforms and hubs, live");
    const auto options = std::make_shared<TopOptions>();
    command->add_option("--interval", options->interval, "How often: 2s, 1m")
        ->capture_default_str();
    command->add_option("--times", options->times, "How many times, then it ends; 0: until Ctrl-C")
        ->capture_default_str();
    command->callback([&program, options] {
        program.choose("top", [options](Program& p) { return top(p, *options); });
    });
}

}  // namespace syncline::ctl
