#include <algorithm>
#include <memory>

#include "hub/ctl/actor.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/field_values.h"
#include "hub/ctl/instances.h"
#include "hub/ctl/text.h"
#include "hub/instance_view.h"
#include "hub/workflow/instance_codec.h"
#include "hub/workflow/triggers.h"
#include "shared/base/base64.h"
#include "shared/policy/ask.h"
#include "shared/policy/policy_version.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

using hub::workflow::Acted;
using hub::workflow::Instance;
using hub::workflow::Status;

struct ListOptions {
    std::string workflow;
    std::string status;
    bool held = false;
    std::size_t limit = 100;
    std::string after;
};

struct ActOptions {
    Acted::What what = Acted::What::kPause;
    std::string instance;
    std::string step;
    std::string reason;
    std::vector<std::string> fields;
};

struct StartOptions {
    std::string workflow;
    std::vector<std::string> fields;
    std::string input;
};

Cell status_cell(const Instance& one) {
    if (!one.exceptions.empty()) return {"needs a person", Style::kRed};
    if (one.is_held() && one.status == Status::kRunning) return {"paused", Style::kYellow};
    const Style style = one.status == Status::kDone          ? Style::kGreen
                        : one.status == Status::kRunning     ? Style::kPlain
                        : one.status == Status::kCompensated ? Style::kDim
                                                             : Style::kYellow;
    return {hub::workflow::name_of(one.status), style};
}

/// Where it stands: its first step that waits for something.
std::string stands_at(const Instance& one) {
    const std::vector<hub::StepView> steps = hub::steps_of(one);
    if (steps.empty()) return {};
    const std::string more =
        steps.size() > 1 ? " and " + std::to_string(steps.size() - 1) + " more" : "";
    const std::string waits = steps.front().waits_for;
    return steps.front().path + (waits.empty() ? "" : ": waits for " + waits) + more;
}

/// The newer, the greater; with the id, so that no two are at one place.
std::string place_of_instance(const Instance& one) {
    std::string number = std::to_string(std::max<std::int64_t>(one.clock.ns, 0));
    number.insert(0, 20 - std::min<std::size_t>(20, number.size()), '0');
    return number + one.id;
}

Result<Exit> list(Program& program, const ListOptions& options) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    auto all = read_instances(**session);
    if (!all) return fail(all.error());
    std::erase_if(*all, [&](const Instance& one) {
        return (!options.workflow.empty() && one.workflow.text != options.workflow) ||
               (!options.status.empty() && options.status != hub::workflow::name_of(one.status)) ||
               (options.held && one.exceptions.empty());
    });
    std::ranges::sort(*all, std::greater{}, place_of_instance);
    const std::size_t found = all->size();
    if (!options.after.empty()) {
        const auto place = parse_base64url(options.after);
        if (!place) return fail(place.error(), "--after");
        std::erase_if(*all, [&](const Instance& one) { return place_of_instance(one) >= *place; });
    }
    const bool more = all->size() > options.limit;
    if (more) all->resize(options.limit);
    const Timestamp now = program.clock().now();
    Table table{{"INSTANCE", "WORKFLOW", "STATUS", "AT", "SINCE", "STARTED"}, {}};
    Value::List values;
    for (const Instance& one : *all) {
        table.rows.push_back({one.id, one.workflow.text, status_cell(one), stands_at(one),
                              age_text(one.clock, now), age_text(one.started_at, now)});
        values.emplace_back(hub::view_of(one));
    }
    Output& out = program.out();
    out.set("instances", std::move(values));
    out.set("count", number(found));
    out.set("next",
            more && !all->empty() ? Value{base64url(place_of_instance(all->back()))} : Value{});
    if (found == 0) {
        out.line("no instance of a workflow is like that");
    } else {
        out.table(table);
    }
    if (more) out.line("there are more; --limit shows them", Style::kDim);
    return Exit::kFine;
}

// ---- One. --------------------------------------------------------------------------------------

/// Its log, the oldest first; what was told twice once.
Result<std::vector<hub::workflow::LogEntry>> history_of(Session& session, const Instance& one) {
    nats::ConsumeSpec spec;
    spec.stream = subjects::kStreamLog;
    spec.filters = {subjects::log(hub::workflow::entity_of(one.id))};
    const auto stored = session.read_all(std::move(spec));
    if (!stored) return fail(stored.error());
    std::map<std::uint64_t, hub::workflow::LogEntry> entries;
    for (const nats::StoredMessage& message : *stored) {
        auto entry = hub::workflow::decode_log_entry(message.body);
        if (entry) entries.emplace(entry->revision, *std::move(entry));
    }
    std::vector<hub::workflow::LogEntry> all;
    for (auto& [revision, entry] : entries) all.push_back(std::move(entry));
    return all;
}

void show_facts(Output& out, const Instance& one, Timestamp now) {
    out.line({{one.workflow.text + " "}, {one.id, Style::kBold}, {"  "}, status_cell(one)});
    const auto fact = [&](const std::string& name, const std::string& text) {
        if (!text.empty()) out.line({{"  " + name + "  ", Style::kDim}, {text}});
    };
    fact("started ",
         age_text(one.started_at, now) + (one.requester.empty() ? "" : ", for " + one.requester));
    if (one.deadline != Timestamp{}) fact("deadline", age_text(one.deadline, now));
    fact("variant ", one.variant);
    fact("reason  ", one.reason);
    fact("called by", one.parent);
    if (!one.context.empty()) out.heading("Context");
    for (const auto& [name, value] : one.context) fact(name.text, display(value));
}

void show_steps(Output& out, const Instance& one, Timestamp now) {
    const std::vector<hub::StepView> steps = hub::steps_of(one);
    if (!steps.empty()) {
        out.heading("Stands at");
        Table table{{"STEP", "PHASE", "WAITS FOR", "DUE"}, {}};
        for (const hub::StepView& step : steps) {
            table.rows.push_back({step.path, step.phase, step.waits_for,
                                  step.due == Timestamp{} ? "" : age_text(step.due, now)});
        }
        out.table(table);
    }
    if (!one.exceptions.empty()) out.heading("Needs a person");
    for (const auto& open : one.exceptions) {
        out.line({{open.code, Style::kRed},
                  {open.step.empty() ? "" : " at " + open.step},
                  {": " + open.reason}});
    }
}

Result<Exit> show(Program& program, const std::string& id) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto one = find_instance(**session, id);
    if (!one) return fail(one.error());
    const auto history = history_of(**session, *one);
    if (!history) return fail(history.error());
    Output& out = program.out();
    const Timestamp now = program.clock().now();
    show_facts(out, *one, now);
    show_steps(out, *one, now);
    Value::List entries;
    if (!history->empty()) out.heading("History");
    for (const auto& entry : *history) {
        out.line(time_text(entry.at), Style::kDim);
        for (const std::string& line : entry.decided) out.line("  " + line);
        Value::List inputs{entry.inputs.begin(), entry.inputs.end()};
        Value::List decided{entry.decided.begin(), entry.decided.end()};
        entries.emplace_back(Value::Map{{"revision", number(entry.revision)},
                                        {"at", entry.at},
                                        {"inputs", std::move(inputs)},
                                        {"decided", std::move(decided)}});
    }
    out.set("instance", Value{hub::view_of(*one)});
    out.set("history", std::move(entries));
    return one->exceptions.empty() ? Exit::kFine : Exit::kFindings;
}

// ---- Beginning and acting. ---------------------------------------------------------------------

Exit show_told(Program& program, const std::string& instance, const hub::workflow::Told& told) {
    Output& out = program.out();
    out.line({{instance + " "}, {hub::workflow::name_of(told.status), Style::kBold}});
    if (!told.text.empty()) out.line(told.text);
    out.line("synclinectl workflows show " + instance + " shows how it goes", Style::kDim);
    out.set("instance", instance);
    out.set("status", std::string{hub::workflow::name_of(told.status)});
    return Exit::kFine;
}

Result<Exit> start(Program& program, const StartOptions& options) {
    const auto input = field_values(options.fields, options.input);
    if (!input) return fail(input.error());
    const auto policy = program.policy();
    if (!policy) return fail(policy.error());
    const Workflow* workflow = (*policy)->workflow(WorkflowName{options.workflow});
    if (workflow == nullptr) {
        return fail(ErrorKind::kNotFound, "the policy has no workflow " + options.workflow);
    }
    const auto context = take_values(workflow->context, Value{*input}, Unknown::kRefuse);
    if (!context) return fail(context.error());
    auto begun = hub::workflow::begun_by_api(
        **policy, workflow->name, *context,
        {.id = unique_id(program.clock()), .requester = std::string{account_of(program.actor())}});
    if (!begun) return fail(begun.error());
    const std::string instance = begun->instance;
    const auto told = tell_instance(program, instance, {{}, {}, *std::move(begun)});
    if (!told) return fail(told.error());
    return show_told(program, instance, *told);
}

Result<Exit> act(Program& program, const ActOptions& options) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto one = find_instance(**session, options.instance);
    if (!one) return fail(one.error());
    const auto given = field_values(options.fields, {});
    if (!given) return fail(given.error());
    Acted acted{.what = options.what,
                .who = program.actor(),
                .step = options.step,
                .reason = options.reason,
                .fields = {}};
    for (const auto& [name, value] : *given) acted.fields.set(FieldName{name}, value);
    const auto told = tell_instance(program, one->id, {{}, {}, std::move(acted)});
    // What is carried out is not answered; what is not is refused.
    if (!told && told.error().kind != ErrorKind::kUnavailable) return fail(told.error());
    return show(program, one->id);
}

void add_action(CLI::App& group, Program& program, Acted::What what, const char* help) {
    auto* command = group.add_subcommand(hub::workflow::name_of(what), help);
    const auto options = std::make_shared<ActOptions>();
    options->what = what;
    command->add_option("INSTANCE", options->instance, "Its id, or how that begins")->required();
    const bool of_step = what == Acted::What::kRetry || what == Acted::What::kSkip ||
                         what == Acted::What::kApplied || what == Acted::What::kRestart;
    if (of_step) {
        command->add_option("STEP", options->step, "The step's name, or its path: lines.3/ship")
            ->required();
        command->add_option("FIELDS", options->fields,
                            "FIELD=VALUE: context that becomes so first");
    }
    command->add_option("--reason", options->reason, "Why; kept in the history");
    command->callback([&program, options, what] {
        program.choose(std::string{"workflows "} + hub::workflow::name_of(what),
                       [options](Program& p) { return act(p, *options); });
    });
}

void add_looking(CLI::App& group, Program& program) {
    auto* list_command = group.add_subcommand("list", "The instances, the newest first");
    const auto listed = std::make_shared<ListOptions>();
    list_command->add_option("--workflow", listed->workflow, "Of one workflow");
    list_command->add_option("--status", listed->status,
                             "running, compensating, done or compensated");
    list_command->add_flag("--held", listed->held, "Those that need a person");
    list_command->add_option("--limit", listed->limit, "How many")->capture_default_str();
    list_command->add_option("--after", listed->after, "The page after the one that said so");
    list_command->callback([&program, listed] {
        program.choose("workflows list", [listed](Program& p) { return list(p, *listed); });
    });
    auto* show_command = group.add_subcommand("show", "One instance: where it stands, and why");
    const auto id = std::make_shared<std::string>();
    show_command->add_option("INSTANCE", *id, "Its id, or how that begins")->required();
    show_command->callback([&program, id] {
        program.choose("workflows show", [id](Program& p) { return show(p, *id); });
    });
}

}  // namespace

void add_workflows(CLI::App& app, Program& program) {
    auto* group = app.add_subcommand("workflows", "Processes over several systems");
    group->require_subcommand(1);
    add_looking(*group, program);
    add_workflow_definitions(*group, program);
    auto* start_command = group->add_subcommand("start", "Begin an instance");
    const auto started = std::make_shared<StartOptions>();
    start_command->add_option("WORKFLOW", started->workflow, "Its name")->required();
    start_command->add_option("FIELDS", started->fields, "FIELD=VALUE: its context");
    start_command->add_option("--input", started->input, "The context as a JSON object");
    start_command->callback([&program, started] {
        program.choose("workflows start", [started](Program& p) { return start(p, *started); });
    });
    using What = Acted::What;
    add_action(*group, program, What::kPause, "Begin no more steps");
    add_action(*group, program, What::kResume, "Go on; what has failed is tried again");
    add_action(*group, program, What::kRetry, "Try a step again; in doubt: it was not applied");
    add_action(*group, program, What::kSkip, "A step counts as done without effect");
    add_action(*group, program, What::kApplied,
               "A step was applied; FIELD=VALUE is what came back");
    add_action(*group, program, What::kRestart, "Go on from a step");
    add_action(*group, program, What::kCancel, "Undo what was done, and end");
    add_action(*group, program, What::kMigrate, "Go on under the policy's definition of now");
}

}  // namespace syncline::ctl
