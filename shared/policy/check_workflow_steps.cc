#include "shared/policy/check_parts.h"
#include "shared/policy/workflow_codes.h"

namespace syncline::checking {
namespace {

namespace codes = finding_codes;

class StepCheck : Findings {
public:
    StepCheck(const Policy& policy, const Workflow& workflow, const std::vector<std::string>& items,
              const StepSpec& step, Findings findings)
        : Findings(findings), policy_(policy), workflow_(workflow), items_(items), step_(step) {}

    void run() {
        reads(step_.when, "`when`");
        reads(step_.with, "`with`");
        assigns(step_.into, "`into`");
        std::visit([this](const auto& action) { check(action); }, step_.action);
        check_blocks();
        check_compensation();
    }

private:
    // ---- Names. ----

    [[nodiscard]] std::string of_step() const { return " of step `" + step_.name + "`"; }

    void reads(const std::optional<Expression>& value, const std::string& where) {
        if (!value) return;
        for (const std::string& name : value->reads()) {
            if (!holds(items_, name)) context_field(name, where + of_step() + " reads");
        }
    }
    void reads(const Assignments& all, const std::string& where) {
        for (const Assignment& one : all) reads(one.value, where);
    }

    bool context_field(const std::string& name, const std::string& subject) {
        if (workflow_.field(name) != nullptr) return true;
        std::vector<std::string> names = items_;
        for (const FieldSpec& field : workflow_.context) names.push_back(field.name.text);
        error(codes::kUnknownContextField, step_.place,
              subject + " `" + name + "`, which is no field of the workflow's context",
              hint_of(name, names));
        return false;
    }

    void assigns(const Assignments& all, const std::string& where) {
        for (const Assignment& one : all) {
            context_field(one.field.text, where + of_step() + " assigns");
        }
    }

    void platform_of(const std::string& operation, const std::string& where) {
        const auto parts = split_operation(operation);
        if (!parts || holds(policy_.platforms, parts->first)) return;
        std::vector<std::string> names;
        for (const PlatformId& known : policy_.platforms) names.push_back(known.text);
        error(codes::kUnknownPlatform, step_.place,
              where + of_step() + " names " + tick(parts->first) +
                  ", which is no platform of this policy",
              hint_of(parts->first.text, names));
    }

    void write(const EntityWrite& write, const std::string& where) {
        reads(write.key, "`key`");
        reads(write.fields, "`fields`");
        const ObjectSpec* object = policy_.object(write.object);
        if (object == nullptr) {
            std::vector<std::string> names;
            for (const ObjectSpec& known : policy_.objects) names.push_back(known.name.text);
            return error(codes::kUnknownObject, step_.place,
                         where + of_step() + " names " + tick(write.object) +
                             ", which is no object of this policy",
                         hint_of(write.object.text, names));
        }
        for (const Assignment& one : write.fields) {
            if (object->field(one.field) != nullptr) continue;
            std::vector<std::string> names;
            for (const FieldSpec& field : object->fields) names.push_back(field.name.text);
            error(codes::kUnknownField, step_.place,
                  where + of_step() + " names " + tick(one.field) + ", which " +
                      tick(write.object) + " does not have",
                  hint_of(one.field.text, names));
        }
    }

    // ---- Each kind. ----

    /// What a platform answers is declared by its agent; the policy knows the composites.
    void check(const AskStep& step) {
        platform_of(step.operation, "`ask`");
        if (split_operation(step.operation) || policy_.ask(step.operation) != nullptr) return;
        std::vector<std::string> names;
        for (const CompositeAsk& known : policy_.asks) names.push_back(known.form.name);
        error(codes::kUnknownAsk, step_.place,
              "`ask`" + of_step() + " names `" + step.operation +
                  "`, which is no composite ask of this policy",
              hint_of(step.operation, names));
    }
    void check(const OperationStep& step) { platform_of(step.operation, "`operation`"); }
    void check(const SetStep& step) { write(step.write, "`set`"); }
    void check(const LetStep& step) {
        reads(step.values, "`let`");
        assigns(step.values, "`let`");
        for (const Assignment& one : step.values) {
            if (one.value.text() != one.field.text) continue;
            error(codes::kAssignsItself, step_.place,
                  "`let`" + of_step() + " gives " + tick(one.field) + " the value it has",
                  "write what it shall become, or drop it");
        }
    }
    void check(const WaitStep& step) {
        reads(step.key, "`key`");
        reads(step.until, "`until`");
        if (step.event.empty()) return;
        check_event(policy_, step.event, read_by(step_.into), step_.place, "`wait`" + of_step(),
                    *this);
    }
    void check(const ChooseStep& step) {
        for (std::size_t i = 0; i < step.choices.size(); ++i) {
            reads(step.choices[i].when, "`when`");
            if (step.choices[i].when || i + 1 == step.choices.size()) continue;
            return error(codes::kUnreachableStep, step_.place,
                         "the choices" + of_step() + " after the one without `when` are never made",
                         "move it to the end");
        }
    }
    static std::vector<std::string> read_by(const Assignments& all) {
        std::vector<std::string> names;
        for (const Assignment& one : all) {
            names.insert(names.end(), one.value.reads().begin(), one.value.reads().end());
        }
        return names;
    }
    void check(const ParallelStep&) {}
    void check(const ForEachStep& step) {
        reads(step.of, "`of`");
        if (workflow_.field(step.as.text) == nullptr && !holds(items_, step.as.text)) return;
        error(codes::kContextType, step_.place,
              "`as`" + of_step() + " is called as a field of the context, or an item around it",
              "give the item another name");
    }
    void check(const CallStep& step) {
        const Workflow* called = policy_.workflow(step.workflow);
        if (called == nullptr) {
            std::vector<std::string> names;
            for (const Workflow& known : policy_.workflows) names.push_back(known.name.text);
            return error(codes::kUnknownWorkflow, step_.place,
                         "`call`" + of_step() + " names " + tick(step.workflow) +
                             ", which is no workflow of this policy",
                         hint_of(step.workflow.text, names));
        }
        for (const Assignment& one : step_.with) called_field(*called, one.field.text, "gives");
        for (const Assignment& one : step_.into) {
            for (const std::string& name : one.value.reads()) called_field(*called, name, "reads");
        }
        for (const FieldSpec& field : called->context) {
            if (!field.required || given(step_.with, field.name)) continue;
            error(codes::kContextNotGiven, step_.place,
                  "`call`" + of_step() + " does not give " + tick(field.name) + ", without which " +
                      tick(called->name) + " does not start",
                  "name it in `with`");
        }
    }
    void called_field(const Workflow& called, const std::string& name, const std::string& does) {
        if (called.field(name) != nullptr) return;
        std::vector<std::string> names;
        for (const FieldSpec& field : called.context) names.push_back(field.name.text);
        error(codes::kUnknownContextField, step_.place,
              "`call`" + of_step() + " " + does + " `" + name +
                  "`, which is no field of the context of " + tick(called.name),
              hint_of(name, names));
    }
    static bool given(const Assignments& all, const FieldName& field) {
        return std::ranges::find(all, field, &Assignment::field) != all.end();
    }
    void check(const EmitStep& step) { reads(step.fields, "`fields`"); }
    void check(const EndStep& step) { reads(step.reason, "`reason`"); }

    void check(const ApproveStep& step) {
        reads(step.amount, "`amount`");
        for (const FieldName& field : step.show) {
            context_field(field.text, "`show`" + of_step() + " names");
        }
        check_chain(step);
        check_approval_outcome(step);
        for (const auto& level : step.chain) check_role(level.role);
        if (!step.escalate_to.empty()) check_role(step.escalate_to);
        if (step.into.empty() || !context_field(step.into.text, "`into`" + of_step() + " assigns"))
            return;
        if (workflow_.field(step.into.text)->type == FieldType::kBool) return;
        error(codes::kContextType, step_.place,
              "`into`" + of_step() + " is " + tick(step.into) + ", which is no bool",
              "it becomes true or false: give it the type \"bool\"");
    }

    void check_chain(const ApproveStep& step) {
        const Decimal* before = nullptr;
        for (const auto& [role, from] : step.chain) {
            if (from && !step.amount) {
                return error(codes::kChainOrder, step_.place,
                             "`from`" + of_step() + " has nothing to be compared with",
                             "write `amount`, an expression over the context");
            }
            if (before != nullptr && (!from || *from < *before)) {
                return error(
                    codes::kChainOrder, step_.place,
                    "`chain`" + of_step() + " asks `" + role + "` after a level for larger amounts",
                    "order the levels by `from`, those without it first");
            }
            if (from) before = &*from;
        }
    }

    void check_role(const std::string& role) {
        if (policy_.roles.contains(role)) return;
        warn(codes::kNobodyHasRole, step_.place,
             "nobody has the role `" + role + "`" + of_step() + ", so nobody can answer",
             "write who has it: [roles] " + role + " = [\"anna\"]");
    }

    void check_approval_outcome(const ApproveStep& step) {
        using Late = ApproveStep::Late;
        if (step_.deadline == Duration{0} || step.on_deadline == Late::kUnstated) {
            error(codes::kApprovalOutcome, step_.place,
                  "nothing says what becomes" + of_step() + " if nobody answers",
                  "write `deadline_s` and on_deadline = \"reject\", \"escalate\" or \"approve\"");
        } else if ((step.on_deadline == Late::kEscalate) == step.escalate_to.empty()) {
            error(codes::kApprovalOutcome, step_.place,
                  step.escalate_to.empty()
                      ? "nothing says to whom the approval" + of_step() + " is escalated"
                      : "`escalate_to`" + of_step() + " means nothing as it is never escalated",
                  "write on_deadline = \"escalate\" and `escalate_to`, or neither");
        }
    }

    // ---- Blocks and what undoes. ----

    void check_blocks() {
        each_block(step_, [&](const std::string& block) {
            if (workflow_.blocks.contains(block)) return;
            std::vector<std::string> names;
            for (const auto& [name, steps] : workflow_.blocks) names.push_back(name);
            error(codes::kUnknownBlock, step_.place,
                  "step `" + step_.name + "` names the block `" + block + "`, which is not there",
                  names.empty()
                      ? "write it as [[workflows." + workflow_.name.text + ".blocks." + block + "]]"
                      : hint_of(block, names));
        });
    }

    void check_compensation() {
        if (!step_.compensate) {
            if (!step_.has_effect() || !step_.because.empty()) return;
            return error(codes::kNoCompensation, step_.place,
                         "nothing says how step `" + step_.name + "` is undone",
                         "write compensate = { operation = ..., with = ... }, or compensate = "
                         "\"none\" and because = ...");
        }
        reads(step_.compensate->with, "`compensate`");
        if (step_.compensate->write) {
            write(*step_.compensate->write, "`compensate`");
        } else {
            platform_of(step_.compensate->operation, "`compensate`");
        }
    }

    const Policy& policy_;
    const Workflow& workflow_;
    const std::vector<std::string>& items_;
    const StepSpec& step_;
};

}  // namespace

void check_step(const Policy& policy, const Workflow& workflow,
                const std::vector<std::string>& items, const StepSpec& step, Findings findings) {
    StepCheck{policy, workflow, items, step, findings}.run();
}

}  // namespace syncline::checking
