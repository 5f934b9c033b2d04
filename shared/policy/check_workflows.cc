#include <map>
#include <set>
#include <tuple>

#include "shared/policy/check_parts.h"
#include "shared/policy/workflow_codes.h"

namespace syncline::checking {
namespace {

namespace codes = finding_codes;

/// Calls `take(field)` with each field of the context that the step assigns.
void each_assigned(const StepSpec& step, const auto& take) {
    for (const Assignment& one : step.into) take(one.field.text);
    if (const auto* let = std::get_if<LetStep>(&step.action)) {
        for (const Assignment& one : let->values) take(one.field.text);
    } else if (const auto* approve = std::get_if<ApproveStep>(&step.action)) {
        if (!approve->into.empty()) take(approve->into.text);
    }
}

/// The fields that what undoes the step reads.
std::set<std::string> undo_reads(const StepSpec& step) {
    std::set<std::string> names;
    const auto note = [&](const Assignments& all) {
        for (const Assignment& one : all) {
            names.insert(one.value.reads().begin(), one.value.reads().end());
        }
    };
    if (!step.compensate) return names;
    note(step.compensate->with);
    if (step.compensate->write) {
        note(step.compensate->write->fields);
        const auto& key = step.compensate->write->key->reads();
        names.insert(key.begin(), key.end());
    }
    return names;
}

/// One workflow under one variant, in the order in which an instance comes by its steps.
class Walk : Findings {
public:
    Walk(const Policy& policy, const Workflow& workflow, Findings findings)
        : Findings(findings), policy_(policy), workflow_(workflow) {}

    void run(const Steps& steps) {
        walk(steps, {}, Under::kOthers);
        for (const auto& [name, place] : workflow_.block_places) {
            if (!seen_.contains(name)) unused.insert(name);
        }
        for (std::size_t i = 0; i < order_.size(); ++i) check_undo(*order_[i], i);
    }
    std::set<std::string> unused;  ///< Blocks that no step runs.

private:
    enum class Under : std::uint8_t { kParallel, kOthers };

    void walk(const Steps& steps, const std::vector<std::string>& items, Under under) {
        for (std::size_t i = 0; i < steps.size(); ++i) {
            const StepSpec& step = steps[i];
            const auto [first, fresh] = places_.try_emplace(step.name, step.place);
            if (!fresh && first->second != step.place) {
                error(codes::kStepTwice, step.place,
                      "step `" + step.name + "` stands already at " + to_string(first->second),
                      "every step of a workflow and of its blocks has a name of its own");
            }
            check_step(policy_, workflow_, items, step, *this);
            each_assigned(step, [&](const std::string& field) {
                assigned_.try_emplace(field, order_.size());
            });
            order_.push_back(&step);
            check_end(steps, i, under);
            enter(step, items, under);
        }
    }

    void enter(const StepSpec& step, std::vector<std::string> items, Under under) {
        if (std::holds_alternative<ParallelStep>(step.action)) under = Under::kParallel;
        if (const auto* loop = std::get_if<ForEachStep>(&step.action)) {
            items.push_back(loop->as.text);
        }
        each_block(step, [&](const std::string& block) {
            const auto at = workflow_.blocks.find(block);
            if (at == workflow_.blocks.end()) return;
            if (std::ranges::find(path_, block) != path_.end()) {
                return error(codes::kBlockCycle, step.place,
                             "step `" + step.name + "` runs the block `" + block +
                                 "`, which it stands in: it would never end",
                             "use for_each, which has a bound");
            }
            if (path_.size() >= kBlockDepthMost) {
                seen_.try_emplace(block);  // It is used.
                return error(codes::kNesting, step.place,
                             "step `" + step.name + "` runs the block `" + block + "` inside " +
                                 std::to_string(kBlockDepthMost) + " others",
                             "make a workflow of its own of it, and call that");
            }
            if (!seen_[block].insert({items, under}).second) return;
            path_.push_back(block);
            walk(at->second, items, under);
            path_.pop_back();
        });
    }

    void check_end(const Steps& steps, std::size_t i, Under under) {
        const auto* end = std::get_if<EndStep>(&steps[i].action);
        if (end == nullptr) return;
        if (under == Under::kParallel && end->outcome == EndStep::Outcome::kDone) {
            error(codes::kEndInParallel, steps[i].place,
                  "step `" + steps[i].name +
                      "` would end the workflow while what stands beside "
                      "its block still runs",
                  "end after the blocks have joined");
        }
        if (steps[i].when || i + 1 == steps.size()) return;
        error(codes::kUnreachableStep, steps[i + 1].place,
              "step `" + steps[i + 1].name + "` is never reached: `" + steps[i].name +
                  "` before it ends the workflow",
              "give the end a `when`, or drop what follows");
    }

    /// Can what the compensation reads be there once the step is done?
    void check_undo(const StepSpec& step, std::size_t at) {
        for (const std::string& name : undo_reads(step)) {
            const FieldSpec* field = workflow_.field(name);
            const auto assigned = assigned_.find(name);
            if (field == nullptr || field->required || assigned == assigned_.end()) continue;
            if (assigned->second <= at || given_at_start(name)) continue;
            error(codes::kCompensationInput, step.place,
                  "what undoes step `" + step.name + "` reads `" + name + "`, which only step `" +
                      order_[assigned->second]->name + "` gives, after it",
                  "read what is there once the step is done");
        }
    }
    [[nodiscard]] bool given_at_start(const std::string& name) const {
        return std::ranges::any_of(workflow_.triggers, [&](const Trigger& trigger) {
            return std::ranges::any_of(
                trigger.set, [&](const Assignment& one) { return one.field.text == name; });
        });
    }

    const Policy& policy_;
    const Workflow& workflow_;
    std::vector<const StepSpec*> order_;
    std::map<std::string, std::size_t> assigned_;  ///< Where in `order_` first.
    std::map<std::string, SourcePlace> places_;
    std::map<std::string, std::set<std::pair<std::vector<std::string>, Under>>> seen_;
    std::vector<std::string> path_;  ///< Blocks around.
};

class WorkflowCheck : Findings {
public:
    WorkflowCheck(const Policy& policy, const Workflow& workflow, Findings findings)
        : Findings(findings), policy_(policy), workflow_(workflow) {}

    void run() {
        check_key();
        for (const Trigger& trigger : workflow_.triggers) check_trigger(trigger);
        Walk base{policy_, workflow_, *this};
        base.run(workflow_.steps);
        std::set<std::string> unused = std::move(base.unused);
        for (const Variant& variant : workflow_.variants) {
            reads(variant.when, variant.place, "`when` of variant `" + variant.name + "`");
            Walk own{policy_, workflow_, *this};
            own.run(variant.steps);
            std::erase_if(unused, [&](const auto& name) { return !own.unused.contains(name); });
        }
        for (const std::string& name : unused) {
            warn(codes::kUnusedBlock, workflow_.block_places.at(name),
                 "no step runs the block `" + name + "`", "drop it");
        }
        check_migration();
    }

private:
    [[nodiscard]] std::vector<std::string> context_names() const {
        std::vector<std::string> names;
        for (const FieldSpec& field : workflow_.context) names.push_back(field.name.text);
        return names;
    }

    bool known(const std::string& name, const SourcePlace& place, const std::string& subject) {
        if (workflow_.field(name) != nullptr) return true;
        error(codes::kUnknownContextField, place,
              subject + " names `" + name + "`, which is no field of the workflow's context",
              hint_of(name, context_names()));
        return false;
    }

    void reads(const std::optional<Expression>& value, const SourcePlace& place,
               const std::string& subject) {
        if (!value) return;
        for (const std::string& name : value->reads()) known(name, place, subject);
    }

    void check_key() {
        if (workflow_.key.empty()) return;
        if (!known(workflow_.key.text, workflow_.place, "`key`")) return;
        const FieldSpec& field = *workflow_.field(workflow_.key.text);
        if (field.required && field.type != FieldType::kList && field.type != FieldType::kMap)
            return;
        error(codes::kWorkflowKey, workflow_.place,
              "`key` is " + tick(field.name) + ", which may be empty or is no single value",
              "name a field with required = true that is neither list nor map");
    }

    void check_trigger(const Trigger& trigger) {
        for (const Assignment& one : trigger.set) known(one.field.text, trigger.place, "`set`");
        if (trigger.on == Trigger::On::kApi) return;
        for (const FieldSpec& field : workflow_.context) {
            if (!field.required) continue;
            const auto at = std::ranges::find(trigger.set, field.name, &Assignment::field);
            if (at != trigger.set.end()) continue;
            error(codes::kContextNotGiven, trigger.place,
                  "this trigger does not give " + tick(field.name) +
                      ", without which the workflow does not start",
                  "name it in `set`");
        }
        if (trigger.on == Trigger::On::kChange) check_change(trigger);
        if (trigger.on == Trigger::On::kEvent) {
            std::vector<std::string> names;
            if (trigger.when) names = trigger.when->reads();
            for (const Assignment& one : trigger.set) {
                names.insert(names.end(), one.value.reads().begin(), one.value.reads().end());
            }
            check_event(policy_, trigger.event, names, trigger.place, "this trigger", *this);
        }
        if (trigger.on != Trigger::On::kSchedule) return;
        for (const Assignment& one : trigger.set) {
            for (const std::string& name : one.value.reads()) {
                if (name == "at") continue;
                error(codes::kUnknownContextField, trigger.place,
                      "`set` reads `" + name + "`, but a schedule has one field only, `at`",
                      "write a literal, in quotes of its own if it is a text");
            }
        }
    }

    void check_change(const Trigger& trigger) {
        const ObjectSpec* object = policy_.object(trigger.object);
        if (object == nullptr) {
            std::vector<std::string> names;
            for (const ObjectSpec& spec : policy_.objects) names.push_back(spec.name.text);
            return error(
                codes::kUnknownObject, trigger.place,
                "`object` names " + tick(trigger.object) + ", which is no object of this policy",
                hint_of(trigger.object.text, names));
        }
        if (trigger.when) {
            check_condition(policy_, *object, *trigger.when, trigger.place, *this);
        }
        for (const Assignment& one : trigger.set) {
            check_condition(policy_, *object, one.value, trigger.place, *this);
        }
    }

    void check_migration() {
        if (!workflow_.migration) return;
        std::vector<std::string> names;
        for (const StepSpec& step : workflow_.steps) names.push_back(step.name);
        for (const Variant& variant : workflow_.variants) {
            for (const StepSpec& step : variant.steps) names.push_back(step.name);
        }
        for (const auto& [block, steps] : workflow_.blocks) {
            for (const StepSpec& step : steps) names.push_back(step.name);
        }
        for (const auto& [was, is] : workflow_.migration->steps) {
            if (holds(names, is)) continue;
            error(codes::kUnknownStep, workflow_.migration->place,
                  "`migrate` has `" + was + "` go on as `" + is + "`, which is no step",
                  hint_of(is, names));
        }
    }

    const Policy& policy_;
    const Workflow& workflow_;
};

// ---- Workflows that call each other. --------------------------------------------------------

/// Calls `take(workflow, step)` with what the workflow calls.
void each_call(const Workflow& workflow, const auto& take) {
    const auto look = [&](const Steps& steps) {
        for (const StepSpec& step : steps) {
            if (const auto* call = std::get_if<CallStep>(&step.action)) take(call->workflow, step);
        }
    };
    look(workflow.steps);
    for (const auto& [name, steps] : workflow.blocks) look(steps);
    for (const Variant& variant : workflow.variants) look(variant.steps);
}

/// What is called by `from`, and by what that calls.
std::set<WorkflowName> called_by(const Policy& policy, const WorkflowName& from) {
    std::set<WorkflowName> all;
    std::vector<WorkflowName> open{from};
    while (!open.empty()) {
        const Workflow* workflow = policy.workflow(open.back());
        open.pop_back();
        if (workflow == nullptr) continue;
        each_call(*workflow, [&](const WorkflowName& called, const StepSpec&) {
            if (all.insert(called).second) open.push_back(called);
        });
    }
    return all;
}

void check_calls(const Policy& policy, Findings findings) {
    std::set<WorkflowName> called;
    for (const Workflow& workflow : policy.workflows) {
        each_call(workflow, [&](const WorkflowName& other, const StepSpec& step) {
            called.insert(other);
            if (other != workflow.name && !called_by(policy, other).contains(workflow.name)) return;
            findings.error(codes::kCallCycle, step.place,
                           "step `" + step.name + "` calls " + tick(other) +
                               (other == workflow.name
                                    ? ", which it stands in"
                                    : ", which comes to call " + tick(workflow.name) + " again") +
                               ": it would never end",
                           "use for_each, which has a bound");
        });
    }
    for (const Workflow& workflow : policy.workflows) {
        if (!workflow.triggers.empty() || called.contains(workflow.name)) continue;
        findings.warn(codes::kNeverStarts, workflow.place, "nothing starts " + tick(workflow.name),
                      "write a trigger; on = \"api\" if people and programs start it");
    }
}

}  // namespace

void check_workflows(const Policy& policy, Findings findings) {
    std::vector<Finding> all;
    for (const Workflow& workflow : policy.workflows) {
        WorkflowCheck{policy, workflow, Findings{all}}.run();
    }
    check_calls(policy, Findings{all});
    // A step that several variants have, or several blocks run, is told of once.
    std::set<std::tuple<SourcePlace, std::string_view, std::string>> told;
    for (Finding& one : all) {
        if (!told.insert({one.place, one.code, one.message}).second) continue;
        if (one.severity == Severity::kError) {
            findings.error(one.code, one.place, std::move(one.message), std::move(one.hint));
        } else {
            findings.warn(one.code, one.place, std::move(one.message), std::move(one.hint));
        }
    }
}

}  // namespace syncline::checking
