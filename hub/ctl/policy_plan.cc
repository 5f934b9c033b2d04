#include <memory>

#include "hub/core/state_codec.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/contracts.h"
#include "hub/ctl/describe.h"
#include "hub/ctl/lookup.h"
#include "hub/ctl/policy_plan_core.h"
#include "hub/ctl/program.h"
#include "hub/ctl/recorded.h"
#include "hub/ctl/text.h"
#include "shared/contracts/compatibility.h"
#include "shared/policy/policy_toml.h"
#include "shared/policy/policy_version.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

struct PlanOptions {
    std::string directory;
    std::string from = "30d";
    std::string to = "now";
    std::string object;
    std::uint64_t show = 20;
};

class PlanCommand {
public:
    PlanCommand(Program& program, Session& session, const Policy& active, const Policy& proposed,
                const PlanOptions& options)
        : program_(program),
          session_(session),
          active_(active),
          proposed_(proposed),
          options_(options),
          secrets_(active, proposed, program.hides()),
          plan_(active, proposed, options.show) {}

    Result<Exit> run() {
        const auto partitions = partition_count(session_);
        if (!partitions) return fail(partitions.error());
        partitions_ = *partitions;
        const auto span = find_span(session_, program_.clock().now(), options_.from, options_.to);
        if (!span) return fail(span.error());
        if (auto read = read_inputs(*span); !read) return fail(read.error());
        if (auto read = read_states(); !read) return fail(read.error());
        tell(*span);
        // What it warns of may be meant; what is refused cannot be applied.
        return program_.out().has(Level::kError) ? Exit::kFindings : Exit::kFine;
    }

private:
    Result<void> read_inputs(const Span& span) {
        if (span.first > span.last) return {};
        return session_.read_each({.stream = std::string{subjects::kStreamIn},
                                   .filters = {subjects::all_inputs()},
                                   .start_sequence = span.first},
                                  [&](const nats::InMessage& message) {
                                      if (message.sequence <= span.last) take(message);
                                      return message.sequence >= span.last ? Session::More::kEnough
                                                                           : Session::More::kWanted;
                                  });
    }

    void take(const nats::InMessage& message) {
        if (message.subject == subjects::policy_activation()) return;
        DecodedInput decoded = decode_input(message.subject, message.body);
        hub::Context context{message.stored_at, {}, 0};
        if (auto* change = std::get_if<Change>(&decoded.body)) {
            if (!wanted(change->key.object)) return;
            context.partition = change->number.partition;
            plan_.take(message.sequence, std::move(*change), context);
        } else if (auto* outcome = std::get_if<Outcome>(&decoded.body)) {
            if (!wanted(outcome->entity.object)) return;
            context.partition = outcome->number.partition;
            plan_.take(message.sequence, std::move(*outcome), context);
        } else if (auto* action = std::get_if<hub::Operation>(&decoded.body)) {
            if (!wanted(action->entity.object)) return;
            context.partition = entity_partition(action->entity, partitions_);
            plan_.take(message.sequence, std::move(*action), context);
        } else if (std::holds_alternative<std::monostate>(decoded.body)) {
            ++undecodable_;
        }
    }

    Result<void> read_states() {
        const Timestamp now = program_.clock().now();
        return session_.read_each(
            {.stream = std::string{subjects::kStreamState},
             .filters = {subjects::all_entities()},
             .last_per_subject = true},
            [&](const nats::InMessage& message) {
                const auto state = message.deleted ? fail(ErrorKind::kNotFound, "")
                                                   : hub::decode_entity(message.body);
                if (state && wanted(state->key.object)) {
                    plan_.take_stored(*state, {now, entity_partition(state->key, partitions_), 0});
                } else if (!state && !message.deleted) {
                    ++undecodable_;
                }
                return Session::More::kWanted;
            });
    }

    [[nodiscard]] bool wanted(const ObjectName& object) const {
        return options_.object.empty() || object.text == options_.object;
    }

    void tell(const Span& span);
    void warn_of_matches(Output& out) const;
    void show_rows(Output& out) const;
    void show_commands(Output& out, std::string_view heading, const char* key,
                       const std::map<PlatformId, PolicyPlan::Commands>& commands) const;
    void show_exceptions(Output& out) const;
    void show_examples(Output& out) const;
    [[nodiscard]] Value value_of_example(const PlanDifference& difference) const;

    Program& program_;
    Session& session_;
    const Policy& active_;
    const Policy& proposed_;
    const PlanOptions& options_;
    Secrets secrets_;
    PolicyPlan plan_;
    std::uint16_t partitions_ = 0;
    std::uint64_t undecodable_ = 0;
};

void PlanCommand::tell(const Span& span) {
    Output& out = program_.out();
    out.line("policy " + active_.name + " " + policy_text(active_.version, active_.hash) + " -> " +
             proposed_.name + " " + short_hash(proposed_.hash));
    out.line("recorded: " + count_text(plan_.inputs, "input", "inputs") + " (" +
             std::to_string(span.first) + " to " + std::to_string(span.last) + "), " +
             std::to_string(plan_.differing) + " decided otherwise");
    out.line("stored: " + count_text(plan_.stored, "entity", "entities") + ", " +
             std::to_string(plan_.stored_differing) + " with other commands at once");
    out.set("active", active_.hash);
    out.set("proposed", proposed_.hash);
    out.set("first_sequence", number(span.first));
    out.set("last_sequence", number(span.last));
    out.set("inputs", number(plan_.inputs));
    out.set("differing", number(plan_.differing));
    out.set("stored", number(plan_.stored));
    out.set("stored_differing", number(plan_.stored_differing));
    out.set("unplaced", number(plan_.unplaced));
    out.set("unknown", number(plan_.unknown));
    out.set("dropped", number(plan_.dropped));
    out.set("undecodable", number(undecodable_));
    warn_of_matches(out);
    add_findings(out, options_.directory, contracts::check_evolution(active_, proposed_));
    show_rows(out);
    show_commands(out, "Commands that the recorded inputs lead to", "commands", plan_.commands);
    show_commands(out, "Commands at once, on the states as they are stored", "commands_at_once",
                  plan_.at_once);
    show_exceptions(out);
    show_examples(out);
    const auto note = [&](std::uint64_t count, const char* what) {
        if (count > 0) out.line("left out, " + std::to_string(count) + ": " + what, Style::kDim);
    };
    note(plan_.unplaced, "inputs of entities whose beginning is not recorded, or of none");
    note(plan_.unknown, "inputs of an object or platform that the active policy does not know");
    note(plan_.dropped, "inputs of an object or platform that the proposed policy drops");
    note(undecodable_, "messages that do not decode");
    out.line("Nothing was published.", Style::kGreen);
    if (active_.version == 0) return;  // What is in force was not asked about.
    const std::string name = plan_name(active_.version, proposed_.hash);
    out.set("plan", name);
    out.line({Cell{"plan "}, Cell{name, Style::kBold},
              Cell{": synclinectl policy apply " + options_.directory + " --plan " + name +
                   " --reason TEXT"}});
}

void PlanCommand::warn_of_matches(Output& out) const {
    for (const ObjectSpec& object : proposed_.objects) {
        const ObjectSpec* now = active_.object(object.name);
        if (now == nullptr || match_alike(*now, object)) continue;
        out.add({Level::kWarning, "policy.plan_matches",
                 "the match rules of " + object.name.text +
                     " change: which records belong together is shown as it was, by the active "
                     "policy",
                 "try the new ones with `policy test`", options_.directory});
    }
}

void PlanCommand::show_rows(Output& out) const {
    Table table{{"OBJECT", "FIELD", "FROM", "NOW", "THEN", "INPUTS"}, {}};
    Value::List list;
    const auto text = [](const std::string& verdict) {
        return verdict.empty() ? std::string{"-"} : verdict;
    };
    for (const auto& [row, count] : plan_.rows) {
        table.rows.push_back({row.object.text, row.field.text, row.from.text, text(row.now),
                              text(row.then), number_cell(count)});
        list.emplace_back(Value::Map{{"object", row.object.text},
                                     {"field", row.field.text},
                                     {"from", row.from.text},
                                     {"now", row.now},
                                     {"then", row.then},
                                     {"inputs", number(count)}});
    }
    out.set("fields", std::move(list));
    if (table.rows.empty()) return;
    out.line();
    out.table(table);
}

void PlanCommand::show_commands(Output& out, std::string_view heading, const char* key,
                                const std::map<PlatformId, PolicyPlan::Commands>& commands) const {
    Table table{{"PLATFORM", "NOW ONLY", "THEN ONLY"}, {}};
    Value::List list;
    for (const auto& [platform, counts] : commands) {
        table.rows.push_back({platform.text, number_cell(counts.now), number_cell(counts.then)});
        list.emplace_back(Value::Map{{"platform", platform.text},
                                     {"now_only", number(counts.now)},
                                     {"then_only", number(counts.then)}});
    }
    out.set(key, std::move(list));
    if (table.rows.empty()) return;
    out.heading(heading);
    out.table(table);
}

void PlanCommand::show_exceptions(Output& out) const {
    Table table{{"EXCEPTION", "NOW ONLY", "THEN ONLY"}, {}};
    Value::List list;
    for (const auto& [token, counts] : plan_.opened) {
        table.rows.push_back({token, number_cell(counts.now), number_cell(counts.then)});
        list.emplace_back(Value::Map{{"exception", token},
                                     {"now_only", number(counts.now)},
                                     {"then_only", number(counts.then)}});
    }
    out.set("exceptions", std::move(list));
    if (table.rows.empty()) return;
    out.line();
    out.table(table);
}

Value PlanCommand::value_of_example(const PlanDifference& difference) const {
    const ObjectName& object = difference.entity.object;
    Value::List fields;
    for (const PlannedField& field : difference.fields) {
        const hub::FieldDecision& any = field.has_now ? field.now : field.then;
        Value::Map entry{{"field", any.field.text},
                         {"from", any.from.text},
                         {"value", secrets_.shown(object, any.field, any.value)}};
        if (field.has_now) {
            entry.insert_or_assign("now", name_of(field.now.verdict));
            entry.insert_or_assign("now_rule", field.now.rule);
        }
        if (field.has_then) {
            entry.insert_or_assign("then", name_of(field.then.verdict));
            entry.insert_or_assign("then_rule", field.then.rule);
        }
        fields.emplace_back(std::move(entry));
    }
    const auto list_of = [&](const std::vector<Command>& commands) {
        Value::List list;
        for (const Command& command : commands) list.push_back(value_of(command, secrets_));
        return list;
    };
    return Value::Map{{"sequence", number(difference.sequence)},
                      {"object", object.text},
                      {"entity", difference.entity.entity.text},
                      {"fields", std::move(fields)},
                      {"commands_now", list_of(difference.commands_now)},
                      {"commands_then", list_of(difference.commands_then)}};
}

void PlanCommand::show_examples(Output& out) const {
    Value::List list;
    for (const PlanDifference& difference : plan_.examples) {
        if (list.empty()) out.heading("The first differences");
        const std::string where =
            difference.sequence == 0 ? "stored" : std::to_string(difference.sequence);
        out.line({Cell{where + "  ", Style::kDim},
                  Cell{difference.entity.object.text + " " + difference.entity.entity.text,
                       Style::kBold}});
        for (const PlannedField& field : difference.fields) {
            const hub::FieldDecision& any = field.has_now ? field.now : field.then;
            const auto side = [](bool has, const hub::FieldDecision& decision) {
                return has ? name_of(decision.verdict) + std::string{" by "} + decision.rule
                           : std::string{"not decided"};
            };
            out.line("        " + any.field.text + " of " + any.from.text + " = " +
                     secrets_.text(difference.entity.object, any.field, any.value) + ": " +
                     side(field.has_now, field.now) + " -> " + side(field.has_then, field.then));
        }
        for (const Command& command : difference.commands_now) {
            out.line("      - " + line_of(command, secrets_), Style::kRed);
        }
        for (const Command& command : difference.commands_then) {
            out.line("      + " + line_of(command, secrets_), Style::kGreen);
        }
        for (const std::string& token : difference.opened_now) {
            out.line("      - exception " + token, Style::kRed);
        }
        for (const std::string& token : difference.opened_then) {
            out.line("      + exception " + token, Style::kGreen);
        }
        list.push_back(value_of_example(difference));
    }
    out.set("examples", std::move(list));
    if (!plan_.examples.empty()) out.line();
}

Result<Exit> plan_policy(Program& program, const PlanOptions& options) {
    const auto active = program.policy();
    if (!active) return fail(active.error());
    const auto proposed = load_policy(options.directory);
    if (!proposed) return fail(proposed.error());
    const auto session = program.connect();
    if (!session) return fail(session.error());
    return PlanCommand{program, **session, **active, *proposed, options}.run();
}

}  // namespace

void add_policy_plan(CLI::App& policy, Program& program) {
    auto* command = policy.add_subcommand(
        "plan",
        "What another policy would have made of the recorded inputs, and makes at once of "
        "the stored states");
    const auto options = std::make_shared<PlanOptions>();
    command->add_option("DIR", options->directory, "The directory with the proposed policy")
        ->required();
    command
        ->add_option("--from", options->from, "A time, how long ago, or a sequence of the inputs")
        ->capture_default_str();
    command->add_option("--to", options->to, "The same")->capture_default_str();
    command->add_option("--object", options->object, "Only inputs and states of this object");
    command->add_option("--show", options->show, "How many differences to show")
        ->capture_default_str();
    command->callback([&program, options] {
        program.choose("policy plan", [options](Program& p) { return plan_policy(p, *options); });
    });
}

}  // namespace syncline::ctl
