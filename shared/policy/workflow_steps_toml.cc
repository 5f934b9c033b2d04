#include <algorithm>

#include "shared/policy/policy_toml.h"
#include "shared/policy/workflow_toml_parts.h"

namespace syncline::reading {
namespace {

constexpr TomlReader::Range kAttempts{1, 100};
constexpr TomlReader::Range kMilliseconds{1, 7LL * 86'400'000};
constexpr TomlReader::Range kQuorum{1, 20};
constexpr TomlReader::Range kItems{1, 1'000};
constexpr std::size_t kLevelsMost = 10;
constexpr std::size_t kParallelMost = 50;

constexpr TomlReader::Choice<Recourse> kRecourses[] = {
    {"pause", Recourse::kPause},
    {"compensate", Recourse::kCompensate},
    {"continue", Recourse::kContinue},
};
constexpr TomlReader::Choice<Recourse> kOnReject[] = {
    {"compensate", Recourse::kCompensate},
    {"continue", Recourse::kContinue},
};
constexpr TomlReader::Choice<ApproveStep::Late> kLate[] = {
    {"reject", ApproveStep::Late::kReject},
    {"escalate", ApproveStep::Late::kEscalate},
    {"approve", ApproveStep::Late::kApprove},
};
constexpr TomlReader::Choice<EndStep::Outcome> kOutcomes[] = {
    {"done", EndStep::Outcome::kDone},
    {"failed", EndStep::Outcome::kFailed},
};
constexpr ErrorClass kErrors[] = {ErrorClass::kPermanent, ErrorClass::kNotFound,
                                  ErrorClass::kDenied, ErrorClass::kUnavailable,
                                  ErrorClass::kTimeout};

std::optional<Expression> required_expression(TomlReader& in, std::string_view key) {
    if (!in.has(key)) in.problem(key, "is missing");
    return read_condition(in, key);
}

// ---- What several kinds have. ---------------------------------------------------------------

RetryRule read_retry(TomlReader& step) {
    RetryRule rule;
    auto in = step.optional_table("retry");
    if (!in) return rule;
    using std::chrono::duration_cast;
    using std::chrono::milliseconds;
    rule.attempts = in->integer("attempts", kAttempts, rule.attempts);
    rule.first =
        in->milliseconds("first_ms", kMilliseconds, duration_cast<milliseconds>(rule.first));
    rule.most = in->milliseconds("most_ms", kMilliseconds, duration_cast<milliseconds>(rule.most));
    if (rule.most < rule.first) in->problem("most_ms", "is less than `first_ms`");
    return rule;
}

std::map<ErrorClass, Recourse> read_on_error(TomlReader& step) {
    std::map<ErrorClass, Recourse> all;
    TomlReader in = step.table("on_error");
    for (const ErrorClass error : kErrors) {
        const Recourse recourse = in.choice(name_of(error), kRecourses, Recourse::kPause);
        if (in.has(name_of(error))) all[error] = recourse;
    }
    return all;
}

void read_request(TomlReader& in, StepSpec& step) {
    step.deadline = in.seconds("deadline_s", kWorkflowSeconds, std::chrono::seconds{0});
    step.retry = read_retry(in);
    step.on_error = read_on_error(in);
}

std::string read_operation(TomlReader& in, std::string_view key) {
    const std::string text = in.text(key);
    if (in.kind(key) == TomlReader::Kind::kText && !split_operation(text)) {
        in.problem(key, "\"" + text + "\" is no operation: write \"platform.operation\"");
    }
    return text;
}

EntityWrite read_write(TomlReader in) {
    EntityWrite write;
    write.object = ObjectName{in.text("object")};
    write.key = required_expression(in, "key");
    write.fields = read_assignments(in, "fields");
    if (write.fields.empty()) in.problem("fields", "must name at least one field");
    return write;
}

/// `compensate` is a table, or "none" with a reason.
void read_compensation(TomlReader& in, StepSpec& step) {
    step.because = in.text("because", "");
    const bool none = in.kind("compensate") == TomlReader::Kind::kText;
    if (none) {
        const std::string text = in.text("compensate");
        if (text != "none") {
            in.problem("compensate", "must be a table, or \"none\" and `because` beside it");
        } else if (step.because.empty()) {
            in.problem("because", "is missing: say why nothing undoes the step");
        }
        return;
    }
    if (in.has("because")) in.key_problem("because", "belongs to compensate = \"none\"");
    auto table = in.optional_table("compensate");
    if (!table) return;
    Compensation undo;
    undo.place = in.place("compensate");
    if (table->has("set")) {
        undo.write = read_write(table->table("set"));
        if (table->has("operation"))
            table->key_problem("operation", "and `set` exclude each other");
    } else {
        undo.operation = read_operation(*table, "operation");
        undo.with = read_assignments(*table, "with");
    }
    step.compensate = std::move(undo);
}

// ---- Each kind. -----------------------------------------------------------------------------

Action read_ask(TomlReader& in, StepSpec& step) {
    const std::string text = in.text("ask");
    if (in.kind("ask") == TomlReader::Kind::kText && !is_policy_name(text) &&
        !split_operation(text)) {
        in.problem("ask", "\"" + text + "\" must be \"platform.operation\", or one name");
    }
    step.with = read_assignments(in, "with");
    step.into = read_assignments(in, "into");
    read_request(in, step);
    return AskStep{text};
}

Action read_operation_step(TomlReader& in, StepSpec& step) {
    OperationStep action{read_operation(in, "operation")};
    step.with = read_assignments(in, "with");
    step.into = read_assignments(in, "into");
    read_request(in, step);
    read_compensation(in, step);
    return action;
}

Action read_set(TomlReader& in, StepSpec& step) {
    SetStep action{read_write(in.table("set"))};
    read_request(in, step);
    read_compensation(in, step);
    return action;
}

Action read_let(TomlReader& in, StepSpec&) {
    LetStep action{read_assignments(in, "let")};
    if (action.values.empty()) in.problem("let", "must assign at least one field");
    return action;
}

Action read_wait(TomlReader& in, StepSpec& step) {
    TomlReader table = in.table("wait");
    WaitStep wait;
    const int kinds = int{table.has("event")} + int{table.has("until")} + int{table.has("for_s")};
    if (kinds != 1) in.problem("wait", "must have exactly one of `event`, `until` and `for_s`");
    wait.event = table.text("event", "");
    wait.until = read_condition(table, "until");
    wait.length = table.seconds("for_s", kWorkflowSeconds, std::chrono::seconds{0});
    if (wait.event.empty()) return wait;
    wait.key = required_expression(table, "key");
    step.into = read_assignments(in, "into");
    step.deadline = in.seconds("deadline_s", kWorkflowSeconds, std::chrono::seconds{0});
    step.on_deadline = in.choice("on_deadline", kRecourses, step.on_deadline);
    if (in.has("on_deadline") && !in.has("deadline_s")) {
        in.key_problem("on_deadline", "means nothing without `deadline_s`");
    }
    return wait;
}

void read_chain(TomlReader& table, ApproveStep& approve) {
    if (table.has("role") == table.has("chain")) {
        table.problem("role", table.has("role") ? "and `chain` exclude each other"
                                                : "is missing, and so is `chain`: who approves?");
    }
    if (table.has("role")) approve.chain.push_back({table.text("role"), {}});
    for (TomlReader& in : table.tables("chain")) {
        ApproveStep::Level level{in.text("role"), {}};
        const std::string from = in.text("from", "");
        if (in.kind("from") == TomlReader::Kind::kText) {
            if (auto amount = Decimal::parse(from)) {
                level.from = *amount;
            } else {
                in.problem("from", "is no number: " + amount.error().what);
            }
        }
        approve.chain.push_back(std::move(level));
    }
    if (table.has("chain") && (approve.chain.empty() || approve.chain.size() > kLevelsMost)) {
        table.problem("chain", "must have from 1 to " + std::to_string(kLevelsMost) + " levels");
    }
}

Action read_approve(TomlReader& in, StepSpec& step) {
    TomlReader table = in.table("approve");
    ApproveStep approve;
    read_chain(table, approve);
    approve.quorum = table.integer("quorum", kQuorum, approve.quorum);
    approve.amount = read_condition(table, "amount");
    for (std::string& field : table.texts("show", {})) approve.show.emplace_back(std::move(field));
    std::ranges::sort(approve.show);
    step.deadline = table.seconds("deadline_s", kWorkflowSeconds, std::chrono::seconds{0});
    approve.on_deadline = table.choice("on_deadline", kLate, approve.on_deadline);
    approve.escalate_to = table.text("escalate_to", "");
    approve.remind = table.seconds("remind_s", kWorkflowSeconds, std::chrono::seconds{0});
    approve.on_reject = table.choice("on_reject", kOnReject, approve.on_reject);
    if (table.has("into")) approve.into = FieldName{table.text("into")};
    return approve;
}

Action read_choose(TomlReader& in, StepSpec&) {
    ChooseStep choose;
    for (TomlReader& one : in.tables("choose")) {
        ChooseStep::Choice choice{read_condition(one, "when"), read_name(one, "do")};
        choose.choices.push_back(std::move(choice));
    }
    if (choose.choices.empty()) in.problem("choose", "must have at least one choice");
    return choose;
}

Action read_parallel(TomlReader& in, StepSpec&) {
    ParallelStep parallel{in.texts("parallel")};
    if (parallel.blocks.size() < 2 || parallel.blocks.size() > kParallelMost) {
        in.problem("parallel", "must name from 2 to " + std::to_string(kParallelMost) + " blocks");
    }
    return parallel;
}

Action read_for_each(TomlReader& in, StepSpec&) {
    TomlReader table = in.table("for_each");
    ForEachStep loop;
    loop.of = required_expression(table, "of");
    loop.as = FieldName{read_name(table, "as")};
    loop.block = read_name(table, "do");
    loop.most = table.integer<std::uint32_t>("most", kItems);
    return loop;
}

Action read_call(TomlReader& in, StepSpec& step) {
    TomlReader table = in.table("call");
    CallStep call{WorkflowName{table.text("workflow")}};
    step.with = read_assignments(table, "with");
    step.into = read_assignments(table, "into");
    step.deadline = in.seconds("deadline_s", kWorkflowSeconds, std::chrono::seconds{0});
    step.on_error = read_on_error(in);
    return call;
}

Action read_emit(TomlReader& in, StepSpec&) {
    TomlReader table = in.table("emit");
    return EmitStep{table.text("event"), read_assignments(table, "fields")};
}

Action read_end(TomlReader& in, StepSpec&) {
    EndStep end{in.choice("end", kOutcomes), {}};
    end.reason = read_condition(in, "reason");
    return end;
}

struct Kind {
    std::string_view key;
    Action (*read)(TomlReader& in, StepSpec& step);
};
constexpr Kind kKinds[] = {
    {"ask", read_ask},           {"operation", read_operation_step},
    {"set", read_set},           {"let", read_let},
    {"wait", read_wait},         {"approve", read_approve},
    {"choose", read_choose},     {"parallel", read_parallel},
    {"for_each", read_for_each}, {"call", read_call},
    {"emit", read_emit},         {"end", read_end},
};

std::string all_kinds() {
    std::string text;
    for (const Kind& kind : kKinds) text += (text.empty() ? "" : ", ") + std::string{kind.key};
    return text;
}

}  // namespace

Assignments read_assignments(TomlReader& in, std::string_view key) {
    Assignments all;
    TomlReader table = in.table(key);
    for (const std::string& field : table.keys()) {
        if (!is_policy_name(field)) table.key_problem(field, kWorkflowNameRule);
        auto value = required_expression(table, field);
        if (value) all.push_back({FieldName{field}, *std::move(value)});
    }
    std::ranges::sort(all, {}, &Assignment::field);
    return all;
}

std::string read_name(TomlReader& in, std::string_view key) {
    std::string name = in.text(key);
    const bool wrong = in.kind(key) == TomlReader::Kind::kText && !is_policy_name(name);
    if (wrong) in.problem(key, "\"" + name + "\" " + kWorkflowNameRule);
    return name;
}

StepSpec read_step(TomlReader& in, std::string_view name) {
    StepSpec step;
    step.place = in.place();
    step.name = name;
    step.when = read_condition(in, "when");
    const Kind* found = nullptr;
    for (const Kind& kind : kKinds) {
        if (!in.has(kind.key)) continue;
        if (found != nullptr) {
            in.key_problem(kind.key, "and `" + std::string{found->key} + "` exclude each other");
        } else {
            found = &kind;
        }
    }
    if (found == nullptr) {
        in.problem("name", "\"" + step.name + "\" does nothing: a step has one of " + all_kinds());
    } else {
        step.action = found->read(in, step);
    }
    return step;
}

}  // namespace syncline::reading
