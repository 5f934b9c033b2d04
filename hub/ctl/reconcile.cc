#include <algorithm>
#include <memory>

#include "hub/ctl/cli.h"
#include "hub/ctl/describe_parts.h"
#include "hub/ctl/lookup.h"
#include "hub/ctl/program.h"
#include "hub/ctl/reconciled.h"
#include "hub/ctl/text.h"
#include "shared/base/json.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

constexpr std::size_t kDriftRows = 50;

struct RunOptions {
    std::vector<std::string> platforms;
    ReconcileMode mode = ReconcileMode::kHeal;
    std::string wait = "0s";
};

struct ShowOptions {
    std::string object;
    std::string platform;
};

Cell bad_count(std::uint64_t count, Style style) {
    Cell cell = number_cell(count);
    if (count > 0) cell.style = style;
    return cell;
}

Value value_of(const ReconciledView& view) {
    const hub::ReconciledObject& sum = view.sum;
    Value::Map out{
        {"platform", view.platform.text},
        {"object", view.object.text},
        {"partitions", number(view.partitions)},
        {"began_at", view.began_at},
        {"compared_at", view.compared_at},
        {"records", number(sum.records)},
        {"known", number(sum.known)},
        {"unlinked", number(sum.unlinked)},
        {"buckets", number(sum.buckets)},
        {"buckets_differing", number(sum.differing)},
        {"unseen_fields", names_value(sum.unseen)},
        {"verified_through", sum.verified_through.ns == 0 ? Value{} : Value{sum.verified_through}}};
    for (std::size_t kind = 0; kind < kDriftKinds; ++kind) {
        out.emplace(name_of(static_cast<DriftKind>(kind)), number(sum.found[kind]));
    }
    for (std::size_t kind = 0; kind < hub::kAgreements; ++kind) {
        out.emplace(hub::name_of(static_cast<hub::Agreement>(kind)), number(sum.agreements[kind]));
    }
    return Value{std::move(out)};
}

/// Reads and judges; findings go to the output.
Result<std::vector<ReconciledView>> read(Program& program, Session& session,
                                         std::uint16_t partitions) {
    std::vector<std::string> damaged;
    const auto all = read_reconciliations(session, damaged);
    if (!all) return fail(all.error());
    for (const std::string& what : damaged) {
        program.out().add({Level::kError,
                           "reconcile.damaged",
                           "a result cannot be read: " + what,
                           "Is this synclinectl older than the hub?",
                           {}});
    }
    return gather(*all, partitions);
}

void show_table(Output& out, const std::vector<ReconciledView>& views, Timestamp now) {
    Table table{{"OBJECT", "PLATFORM", "RECORDS", "DIFFERENT", "MISSING", "EXTRA", "UNREADABLE",
                 "UNLINKED", "WAITING", "OPEN", "LEFT", "COMPARED", "VERIFIED THROUGH"},
                {}};
    for (const ReconciledView& view : views) {
        const hub::ReconciledObject& sum = view.sum;
        const Timestamp through = sum.verified_through;
        table.rows.push_back({view.object.text, view.platform.text, number_cell(sum.records),
                              bad_count(sum.count(DriftKind::kDifferent), Style::kYellow),
                              bad_count(sum.count(DriftKind::kMissing), Style::kYellow),
                              bad_count(sum.count(DriftKind::kExtra), Style::kYellow),
                              bad_count(sum.count(DriftKind::kUnreadable), Style::kRed),
                              bad_count(sum.unlinked, Style::kRed),
                              bad_count(sum.count(hub::Agreement::kWaiting), Style::kYellow),
                              bad_count(sum.count(hub::Agreement::kOpen), Style::kRed),
                              number_cell(sum.count(hub::Agreement::kLeft)),
                              right_cell(age_text(view.compared_at, now)),
                              through.ns == 0 ? Cell{"never", Style::kRed}
                                              : Cell{time_text(through), Style::kGreen}});
    }
    out.table(table);
}

/// What keeps a view from being proven, for people.
void judge(Output& out, const ReconciledView& view, std::uint16_t partitions) {
    const std::string where = view.platform.text + " " + view.object.text;
    if (!view.differing.empty()) {
        out.add({Level::kError, "reconcile.not_the_same",
                 "the hub knows other records than the agent in " +
                     count_text(view.differing.size(), "partition", "partitions"),
                 "Have the agent send what it knows again and compare once more: synclinectl "
                 "reconcile run " +
                     view.platform.text,
                 where});
    }
    if (!view.sum.unseen.empty()) {
        std::string names;
        for (const FieldName& field : view.sum.unseen) {
            names += (names.empty() ? "`" : ", `") + field.text + "`";
        }
        out.add({Level::kWarning, "reconcile.unseen_fields",
                 "nothing is proven, as the platform's records do not have " + names,
                 "Bring it back, or correct the mapping; where it may be in no record, say "
                 "`optional = true` of it in the agent's mapping",
                 where});
    }
    if (view.partitions < partitions) {
        out.add({Level::kInfo,
                 "reconcile.under_way",
                 "the newest run has results of " + std::to_string(view.partitions) + " of " +
                     std::to_string(partitions) + " partitions",
                 {},
                 where});
    }
}

Result<Exit> list(Program& program) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto partitions = partition_count(**session);
    if (!partitions) return fail(partitions.error());
    const auto views = read(program, **session, *partitions);
    if (!views) return fail(views.error());
    Output& out = program.out();
    Value::List values;
    for (const ReconciledView& view : *views) {
        values.push_back(value_of(view));
        judge(out, view, *partitions);
    }
    out.set("reconciliations", std::move(values));
    if (views->empty()) {
        out.line("nothing was reconciled yet: synclinectl reconcile run");
        out.set("pairs", Value::List{});
        return verdict(out);
    }
    show_table(out, *views, program.clock().now());
    show_pairs(out, *views);
    return verdict(out);
}

Result<Exit> show(Program& program, const ShowOptions& options) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto partitions = partition_count(**session);
    if (!partitions) return fail(partitions.error());
    const auto views = read(program, **session, *partitions);
    if (!views) return fail(views.error());
    const auto view = std::ranges::find_if(*views, [&](const ReconciledView& one) {
        return one.object.text == options.object && one.platform.text == options.platform;
    });
    if (view == views->end()) {
        return fail(ErrorKind::kNotFound,
                    options.object + " on " + options.platform +
                        " was not reconciled yet: synclinectl reconcile run " + options.platform);
    }
    Output& out = program.out();
    show_table(out, {*view}, program.clock().now());
    Value::List drifts;
    Table table{{"RECORD", "WAS", "PARTITION"}, {}};
    for (const auto& [partition, drift] : view->drifts) {
        drifts.push_back(Value::Map{{"record", drift.record.text},
                                    {"was", std::string{name_of(drift.kind)}},
                                    {"partition", number(partition.value)}});
        if (table.rows.size() == kDriftRows) continue;
        table.rows.push_back({drift.record.text, Cell{name_of(drift.kind), Style::kYellow},
                              number_cell(partition.value)});
    }
    if (!table.rows.empty()) {
        out.heading("What was found");
        out.table(table);
    }
    if (view->drifts.size() > kDriftRows) {
        out.line("and " + std::to_string(view->drifts.size() - kDriftRows) + " more: --json",
                 Style::kDim);
    }
    Value::List differing;
    for (const Partition partition : view->differing) differing.push_back(number(partition.value));
    out.set("reconciliation", value_of(*view));
    out.set("drifts", std::move(drifts));
    out.set("partitions_differing", std::move(differing));
    return verdict(out);
}

/// The platforms that are meant: those of the agents that are there, if none is named.
Result<std::vector<PlatformId>> chosen(Session& session, const RunOptions& options) {
    std::vector<PlatformId> out;
    for (const std::string& name : options.platforms) out.push_back(PlatformId{name});
    nats::ConsumeSpec spec;
    spec.stream = subjects::kStreamAgent;
    spec.filters = {subjects::all_agent_presence()};
    spec.last_per_subject = true;
    const auto agents = session.read_all(std::move(spec));
    if (!agents) return fail(agents.error());
    std::vector<PlatformId> present;
    for (const nats::StoredMessage& agent : *agents) {
        const auto name = subjects::last_token(agent.subject);
        if (name && !agent.deleted) present.push_back(PlatformId{*name});
    }
    for (const PlatformId& platform : out) {
        if (std::ranges::find(present, platform) == present.end()) {
            return fail(ErrorKind::kNotFound, "no agent of platform " + platform.text +
                                                  " is there; synclinectl status lists them");
        }
    }
    if (out.empty()) out = present;
    if (out.empty()) return fail(ErrorKind::kNotFound, "no agent is there");
    return out;
}

/// Has each platform a result of `request` in all partitions?
Result<bool> all_compared(Session& session, const std::vector<PlatformId>& platforms,
                          const ReconcileRequest& request, std::uint16_t partitions) {
    std::vector<std::string> damaged;
    const auto all = read_reconciliations(session, damaged);
    if (!all) return fail(all.error());
    return std::ranges::all_of(platforms, [&](const PlatformId& platform) {
        return std::ranges::count_if(*all, [&](const hub::Reconciliation& one) {
                   return one.platform == platform && one.request == request &&
                          one.compared_at.ns != 0;
               }) >= partitions;
    });
}

const char* what_becomes_of_it(ReconcileMode mode) {
    if (mode == ReconcileMode::kReport) return ", and to change nothing";
    return mode == ReconcileMode::kReview ? ", and a person to decide what differs" : "";
}

Result<Exit> run(Program& program, const RunOptions& options) {
    const auto wait = parse_duration(options.wait);
    if (!wait) return fail(wait.error(), "--wait");
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto platforms = chosen(**session, options);
    if (!platforms) return fail(platforms.error());
    const auto partitions = partition_count(**session);
    if (!partitions) return fail(partitions.error());
    const ReconcileRequest request{program.clock().now(), options.mode};
    Output& out = program.out();
    Value::List asked;
    for (const PlatformId& platform : *platforms) {
        const std::string subject = subjects::again(platform, subjects::Again::kReconcile);
        const std::string body = to_text(request);
        const auto published = (*session)->publish({.subject = subject, .body = body});
        if (!published) return fail(published.error());
        out.line("asked " + platform.text + " to read everything and compare" +
                 what_becomes_of_it(options.mode));
        asked.push_back(platform.text);
    }
    out.flush();
    out.set("asked", std::move(asked));
    out.set("run", std::to_string(request.asked_at.ns));
    if (wait->count() == 0) {
        out.line("synclinectl reconcile list shows what it comes to");
        return verdict(out);
    }
    const Duration end = (*session)->clock().steady() + *wait;
    for (;;) {
        const auto done = all_compared(**session, *platforms, request, *partitions);
        if (!done) return fail(done.error());
        if (*done) return list(program);
        if ((*session)->clock().steady() >= end || interrupted()) break;
        std::ignore = (*session)->until([] { return interrupted(); }, std::chrono::seconds{1});
    }
    out.add({Level::kWarning,
             "reconcile.not_done_yet",
             "it is not done after " + duration_text(*wait),
             "It goes on: synclinectl reconcile list; what an agent is doing: synclinectl status",
             {}});
    return verdict(out);
}

}  // namespace

void add_reconcile(CLI::App& app, Program& program) {
    auto* group = app.add_subcommand(
        "reconcile", "Compare everything that platforms hold with what is known of it");
    group->require_subcommand(1);
    auto* run_command = group->add_subcommand("run", "Have platforms read and compared now");
    const auto run_options = std::make_shared<RunOptions>();
    run_command->add_option("PLATFORM", run_options->platforms, "Which; without it, all");
    const auto choose_mode = [run_options](ReconcileMode mode) {
        return [run_options, mode](std::int64_t) { run_options->mode = mode; };
    };
    auto* report = run_command->add_flag("--report", choose_mode(ReconcileMode::kReport),
                                         "Only count and list what differs; change nothing");
    run_command
        ->add_flag("--review", choose_mode(ReconcileMode::kReview),
                   "Have a person decide about each record that differs")
        ->excludes(report);
    run_command->add_option("--wait", run_options->wait, "How long to wait for the result: 30s, 2h")
        ->capture_default_str();
    run_command->callback([&program, run_options] {
        program.choose("reconcile run", [run_options](Program& p) { return run(p, *run_options); });
    });
    auto* list_command = group->add_subcommand("list", "What the newest runs came to");
    list_command->callback(
        [&program] { program.choose("reconcile list", [](Program& p) { return list(p); }); });
    auto* show_command = group->add_subcommand("show", "The records that differed");
    const auto show_options = std::make_shared<ShowOptions>();
    show_command->add_option("OBJECT", show_options->object, "The object: customer")->required();
    show_command->add_option("PLATFORM", show_options->platform, "The platform: crm")->required();
    show_command->callback([&program, show_options] {
        program.choose("reconcile show",
                       [show_options](Program& p) { return show(p, *show_options); });
    });
}

}  // namespace syncline::ctl
