#include "hub/workflow/decide.h"

#include <algorithm>

#include "hub/workflow/instance_codec.h"
#include "hub/workflow/message.h"
#include "hub/workflow/triggers.h"
#include "hub/workflow/work.h"
#include "shared/base/sha256.h"

namespace syncline::hub::workflow {
namespace {

constexpr std::size_t kInstanceIdMost = 64;

/// A time that deadlines can be added to, whatever the input says: from 1970 to 2223.
Timestamp sane(Timestamp time) {
    constexpr Timestamp kEarliest{1};  // 0 says that there is none.
    constexpr Timestamp kLatest{8'000'000'000'000'000'000};
    return std::clamp(time, kEarliest, kLatest);
}

bool holds_id(const std::vector<std::uint64_t>& ids, std::uint64_t id) {
    return std::ranges::find(ids, id) != ids.end();
}

/// Would the same input, come again, do something again? Answers are known by key and attempt.
bool is_to_be_remembered(const Input& input) {
    const auto* start = std::get_if<Start>(&input.what);
    // The event that begins it is not one that it may come to wait for.
    if (start != nullptr) return start->trigger == name_of(Trigger::On::kEvent);
    return std::holds_alternative<Decision>(input.what) ||
           std::holds_alternative<Acted>(input.what) ||
           std::holds_alternative<EventArrived>(input.what);
}

void remember(Instance& state, std::uint64_t id) {
    if (state.seen.size() >= limits::kSeenMost) state.seen.erase(state.seen.begin());
    state.seen.push_back(id);
}

/// Decides inputs one after the other.
class Fold {
public:
    Fold(const Policy& policy, Instance& state, const Context& context)
        : policy_(policy), state_(state), context_(context) {}

    void take(const Input& input) {
        const std::uint64_t id = id_hash(input.id);
        if (!input.id.empty() && holds_id(last_, id)) {
            replayed = true;
            return;
        }
        if (!input.id.empty() && holds_id(state_.seen, id)) return;
        if (const auto* start = std::get_if<Start>(&input.what)) {
            take_start(*start, input);
        } else if (state_.revision > 0 || changed) {
            take_other(input);
        } else {
            refuse("there is no such instance", input);
        }
    }

    void keep_last(const Outbox& outbox) { last_ = outbox.inputs; }

    bool changed = false;
    bool replayed = false;
    Effects effects;
    Effects answers;
    std::vector<std::string> decided;
    std::vector<std::string> names;
    std::vector<std::string> taken;
    std::vector<std::uint64_t> ids;

private:
    void refuse(std::string why, const Input& input) {
        answers.push_back(Told{.what = Told::What::kRefused,
                               .to = input.id,
                               .status = state_.status,
                               .text = cut(std::move(why))});
    }

    void tell_started(Effects& to, const Input& input) const {
        to.push_back(Told{.what = Told::What::kStarted,
                          .to = input.id,
                          .key = state_.id,
                          .status = state_.status,
                          .text = state_.reason});
    }

    void take_start(const Start& start, const Input& input) {
        if (state_.revision > 0 || changed) return tell_started(answers, input);
        const bool named = is_id(start.instance) && start.instance.size() <= kInstanceIdMost;
        if (!named || (!start.parent.empty() && !is_id(start.parent)) ||
            (!start.parent_key.empty() && !is_id(start.parent_key)) ||
            (!start.requester.empty() && !is_id(start.requester))) {
            return refuse("its id, its parent or who asks is no name", input);
        }
        const Workflow* workflow = policy_.workflow(start.workflow);
        if (workflow == nullptr) {
            return refuse("there is no workflow " + start.workflow.text, input);
        }
        Instance fresh;
        fresh.id = start.instance;
        fresh.workflow = start.workflow;
        fresh.definition = workflow->hash;
        fresh.version = workflow->version;
        fresh.policy = policy_.version;
        fresh.started_at = fresh.clock = sane(input.at);
        if (workflow->deadline != Duration{0}) {
            fresh.deadline = fresh.clock + workflow->deadline;
        }
        fresh.requester = start.requester;
        if (is_id(start.trace)) fresh.trace = start.trace;
        fresh.parent = start.parent;
        fresh.parent_key = start.parent_key;
        Work work = work_for(*workflow, fresh, input);
        if (const auto why = fill_context(work, start); !why.empty()) return refuse(why, input);
        for (const Variant& variant : workflow->variants) {
            const auto holds = variant.when ? work.holds(*variant.when) : Result<bool>{true};
            if (!holds) {
                return refuse("the variant " + variant.name + ": " + holds.error().what, input);
            }
            if (!*holds) continue;
            fresh.variant = variant.name;
            work.note("runs as the variant " + variant.name);
            break;
        }
        fresh.frames.push_back(work.frame_of({}));
        work.note("started by " + start.trigger);
        settle(work);
        state_ = std::move(fresh);
        done(work, input);
        tell_started(effects, input);
    }

    /// Why it cannot start; empty: the context is there.
    static std::string fill_context(Work& work, const Start& start) {
        if (const auto taken = work.assign(start.context); !taken) return taken.error().what;
        for (const FieldSpec& field : work.workflow.context) {
            const Value* value = work.state.context.find(field.name);
            if (field.required && (value == nullptr || value->is_null())) {
                return "`" + field.name.text + "` is missing";
            }
        }
        return {};
    }

    void take_other(const Input& input) {
        const auto* acted = std::get_if<Acted>(&input.what);
        const bool migrates = acted != nullptr && acted->what == Acted::What::kMigrate;
        const Workflow* workflow = policy_.workflow(state_.workflow);
        if (workflow == nullptr) {
            return refuse("there is no workflow " + state_.workflow.text, input);
        }
        const bool same =
            workflow->hash == state_.definition && workflow->block("", state_.variant) != nullptr;
        if (!same && !migrates && (acted != nullptr || !is_end(state_.status))) {
            return refuse(
                "it runs by another definition, of version " + std::to_string(state_.version),
                input);
        }
        Work work = work_for(*workflow, state_, input);
        if (migrates && !same) {
            migrate(work, *acted, input);
            if (work.changed) settle(work);
        } else if (std::holds_alternative<Tick>(input.what)) {
            if (input.at >= state_.clock) take_tick(work);
        } else {
            const auto* outcome = std::get_if<OperationOutcome>(&input.what);
            if (outcome != nullptr && !is_by_whom_it_asked(work, *outcome)) {
                answers.push_back(Told{.what = Told::What::kForeign,
                                       .to = input.id,
                                       .status = state_.status,
                                       .text = outcome->platform.text + " answers " + outcome->key +
                                               ", and was not asked"});
                return;
            }
            dispatch(work, input);
            if (work.changed) settle(work);
        }
        done(work, input);
    }

    static void dispatch(Work& work, const Input& input) {
        if (const auto* reply = std::get_if<Reply>(&input.what)) take_reply(work, *reply);
        if (const auto* outcome = std::get_if<OperationOutcome>(&input.what)) {
            take_outcome(work, *outcome);
        }
        if (const auto* event = std::get_if<EventArrived>(&input.what)) take_event(work, *event);
        if (const auto* decision = std::get_if<Decision>(&input.what)) {
            take_decision(work, *decision, input);
        }
        if (const auto* acted = std::get_if<Acted>(&input.what)) take_action(work, *acted, input);
        if (const auto* child = std::get_if<ChildDone>(&input.what)) take_child(work, *child);
    }

    Work work_for(const Workflow& workflow, Instance& state, const Input& input) const {
        return Work{.policy = policy_,
                    .workflow = workflow,
                    .context = context_,
                    .state = state,
                    // A clock that goes back does not take time back.
                    .now = sane(std::max(input.at, state.clock)),
                    // Of the whole decision, whatever is folded into it.
                    .begun = begun_,
                    .published = published_};
    }

    void done(Work& work, const Input& input) {
        std::ranges::move(work.effects, std::back_inserter(effects));
        std::ranges::move(work.answers, std::back_inserter(answers));
        begun_ = work.begun;
        published_ = work.published;
        if (!work.changed) return;
        changed = true;
        state_.clock = work.now;
        for (std::string& line : work.decided) {
            if (decided.size() < limits::kNotesMost) decided.push_back(std::move(line));
        }
        if (names.size() < limits::kNotesMost) names.push_back(name_of(input));
        taken.push_back(encode(Message{.instance = state_.id, .asker = {}, .input = input}));
        if (input.id.empty()) return;
        ids.push_back(id_hash(input.id));
        if (is_to_be_remembered(input)) remember(state_, ids.back());
    }

    const Policy& policy_;
    Instance& state_;
    const Context& context_;
    std::vector<std::uint64_t> last_;
    std::size_t begun_ = 0;
    std::size_t published_ = 0;
};

}  // namespace

std::string name_of(const Input& input) {
    struct Name {
        std::string operator()(const Start& one) const { return "start by " + one.trigger; }
        std::string operator()(const Reply& one) const { return "reply to " + one.key; }
        std::string operator()(const OperationOutcome& one) const {
            return "outcome of " + one.key;
        }
        std::string operator()(const EventArrived& one) const {
            return "event " + one.event + " of " + one.key;
        }
        std::string operator()(const Decision& one) const {
            return "decision of " + one.who + " on " + one.key;
        }
        std::string operator()(const Tick&) const { return "tick"; }
        std::string operator()(const Acted& one) const {
            return std::string{workflow::name_of(one.what)} + " by " + one.who;
        }
        std::string operator()(const ChildDone& one) const { return "child of " + one.key; }
    };
    const std::string name = std::visit(Name{}, input.what);
    return cut(input.id.empty() ? name : name + " (" + input.id + ")");
}

Step decide(const Policy& policy, Instance instance, std::span<const Input> inputs,
            const Context& context) {
    Outbox last = std::exchange(instance.outbox, {});
    Fold fold{policy, instance, context};
    fold.keep_last(last);
    for (const Input& input : inputs) fold.take(input);
    Step step;
    step.changed = fold.changed;
    step.replayed = fold.replayed;
    step.effects = std::move(fold.effects);
    if (step.replayed) {
        step.effects.insert(step.effects.begin(), last.effects.begin(), last.effects.end());
    }
    if (step.changed) {
        ++instance.revision;
        step.log = {.instance = instance.id,
                    .revision = instance.revision,
                    .at = instance.clock,
                    .policy = policy.version,
                    .inputs = std::move(fold.names),
                    .decided = std::move(fold.decided),
                    .taken = std::move(fold.taken),
                    .previous = std::move(instance.log_hash)};
        instance.log_hash = bytes_of(sha256({encode(step.log)}));
        instance.awaits = events_of(policy, instance);
        instance.outbox = {std::move(fold.ids), step.effects, step.log};
    } else {
        if (step.replayed) step.log = last.log;
        instance.outbox = std::move(last);
    }
    std::ranges::move(fold.answers, std::back_inserter(step.effects));
    step.due = next_due(instance);
    step.next = std::move(instance);
    return step;
}

Effects standing(const Policy& policy, const Instance& instance) {
    const Workflow* workflow = policy.workflow(instance.workflow);
    if (workflow == nullptr || workflow->hash != instance.definition) return {};
    Instance copy = instance;
    const Context context;
    Work work{.policy = policy, .workflow = *workflow, .context = context, .state = copy};
    visit(work, copy.frames, [&](Frame& frame, const StepSpec& spec) {
        if (frame.phase == Phase::kSent) work.publish(request_of(work, frame, spec));
        if (frame.phase == Phase::kApproving) {
            work.publish(approval_of(work, frame, spec, ApprovalNews::What::kAsked));
        }
        return false;
    });
    for (const Applied& one : copy.applied) {
        const StepSpec* spec = work.spec_of(one.path);
        if (one.undo != Applied::Undo::kSent || spec == nullptr) continue;
        work.publish(undo_request_of(work, one, *spec));
    }
    for (const OpenException& open : copy.exceptions) {
        work.publish(
            ExceptionNews{ExceptionNews::What::kOpened, open.code, open.step, open.reason});
    }
    return std::move(work.effects);
}

}  // namespace syncline::hub::workflow
