#include "hub/ctl/policy_plan_core.h"

#include <algorithm>
#include <set>
#include <utility>

#include "hub/core/upcast.h"

namespace syncline::ctl {
namespace {

/// What one policy makes of the inputs.
struct Answer {
    std::vector<hub::FieldDecision> fields;
    std::vector<Command> commands;
    std::set<std::string> opened;
};

std::string token_of(const hub::OpenException& open) {
    return open.kind + "@" + open.platform.text;
}

std::set<std::string> open_in(const hub::EntityState& state) {
    std::set<std::string> open;
    for (const hub::OpenException& exception : state.exceptions) open.insert(token_of(exception));
    return open;
}

std::set<std::string> without(std::set<std::string> all, const std::set<std::string>& these) {
    for (const std::string& one : these) all.erase(one);
    return all;
}

Answer answer_of(const Policy& policy, hub::EntityState state, std::span<const hub::Input> inputs,
                 const hub::Context& context) {
    const std::set<std::string> open_before = open_in(state);
    hub::Step step = decide(policy, std::move(state), inputs, context);
    return {std::move(step.log.decisions), std::move(step.commands),
            without(open_in(step.next), open_before)};
}

/// In the names and types that the proposed policy has: another name alone is no difference.
void upcast(const ObjectSpec& proposed, Answer& answer) {
    for (hub::FieldDecision& decision : answer.fields) {
        decision.field = proposed.name_now(decision.field);
    }
    for (Command& command : answer.commands) hub::upcast(proposed, command.fields);
}

bool is_alike(const Command& one, const Command& other) {
    return one.platform == other.platform && one.kind == other.kind && one.fields == other.fields;
}

std::vector<Command> only_in(const std::vector<Command>& these, const std::vector<Command>& those) {
    std::vector<Command> out;
    for (const Command& command : these) {
        const bool both = std::ranges::any_of(
            those, [&](const Command& other) { return is_alike(command, other); });
        if (!both) out.push_back(command);
    }
    return out;
}

std::vector<std::string> only_in(const std::set<std::string>& these,
                                 const std::set<std::string>& those) {
    std::vector<std::string> out;
    std::ranges::set_difference(these, those, std::back_inserter(out));
    return out;
}

std::vector<PlannedField> differing_fields(const Answer& now, const Answer& then) {
    std::vector<PlannedField> out;
    const auto find = [](const Answer& answer, const hub::FieldDecision& decision) {
        return std::ranges::find_if(answer.fields, [&](const hub::FieldDecision& other) {
            return other.field == decision.field && other.from == decision.from;
        });
    };
    for (const hub::FieldDecision& decision : now.fields) {
        const auto other = find(then, decision);
        if (other == then.fields.end()) {
            out.push_back({.now = decision, .then = {}, .has_now = true});
        } else if (other->verdict != decision.verdict) {
            out.push_back({decision, *other, true, true});
        }
    }
    for (const hub::FieldDecision& decision : then.fields) {
        if (find(now, decision) != now.fields.end()) continue;
        out.push_back({.now = {}, .then = decision, .has_then = true});
    }
    return out;
}

PlatformId platform_of(const hub::Input& input) {
    if (const auto* change = std::get_if<Change>(&input)) return change->key.platform;
    if (const auto* outcome = std::get_if<Outcome>(&input)) return outcome->platform;
    return {};
}

PlanDifference difference_of(const ObjectSpec& proposed, Answer now, Answer then) {
    upcast(proposed, now);
    upcast(proposed, then);
    PlanDifference out;
    out.fields = differing_fields(now, then);
    out.commands_now = only_in(now.commands, then.commands);
    out.commands_then = only_in(then.commands, now.commands);
    out.opened_now = only_in(now.opened, then.opened);
    out.opened_then = only_in(then.opened, now.opened);
    return out;
}

}  // namespace

PolicyPlan::PolicyPlan(const Policy& active, const Policy& proposed, std::size_t keep)
    : active_(active),
      proposed_(proposed),
      next_(proposed),
      keep_(keep),
      history_(active,
               [this](const auto& before, const auto& input) { return covers(before, input); }) {
    proposed_.version = active.version;
    next_.version = active.version + 1;
    for (const ObjectSpec& object : active.objects) {
        const ObjectSpec* other = proposed.object(object.name);
        if (other != nullptr) likeness_.try_emplace(object.name, object, *other);
    }
}

bool PolicyPlan::covers(const hub::EntityState& before, const hub::Input& input) const {
    const auto likeness = likeness_.find(before.key.object);
    return likeness != likeness_.end() && likeness->second.covers(before, input);
}

bool PolicyPlan::knows(const Policy& policy, const hub::Input& input) const {
    if (const auto* change = std::get_if<Change>(&input)) {
        const ObjectSpec* object = policy.object(change->key.object);
        return object != nullptr && object->binding(change->key.platform) != nullptr;
    }
    if (const auto* outcome = std::get_if<Outcome>(&input)) {
        return policy.object(outcome->entity.object) != nullptr;
    }
    const auto* operation = std::get_if<hub::Operation>(&input);
    return operation != nullptr && policy.object(operation->entity.object) != nullptr;
}

void PolicyPlan::take(std::uint64_t sequence, hub::Input input, const hub::Context& context) {
    ++inputs;
    if (!knows(active_, input)) {
        ++unknown;
        return;
    }
    const bool asked = knows(proposed_, input);
    const PlatformId from = platform_of(input);
    hub::Rehearsal::Taken taken = happen(std::move(input), context);
    if (taken.inputs.empty()) {
        ++unplaced;
        return;
    }
    if (!asked) {
        ++dropped;
        return;
    }
    if (!taken.has_before) return;
    if (taken.inputs.size() == 1 && covers(taken.before, taken.inputs.front())) return;
    Answer now{{}, std::move(taken.commands), {}};
    if (taken.log) now.fields = std::move(taken.log->decisions);
    now.opened = without(open_in(*history_.find(taken.entity)), open_in(taken.before));
    const ObjectSpec& object = *proposed_.object(taken.entity.object);
    // A version of none would take the state for its own.
    if (!likeness_.at(taken.entity.object).same_contract())
        std::ignore = hub::upcast(object, taken.before);
    Answer then = answer_of(proposed_, std::move(taken.before), taken.inputs, taken.context);
    PlanDifference difference = difference_of(object, std::move(now), std::move(then));
    if (difference.empty()) return;
    difference.sequence = sequence;
    difference.entity = taken.entity;
    difference.from = from;
    ++differing;
    count(std::move(difference), commands);
}

hub::Rehearsal::Taken PolicyPlan::happen(hub::Input input, const hub::Context& context) {
    if (auto* change = std::get_if<Change>(&input)) {
        return history_.take(std::move(*change), context);
    }
    const auto* outcome = std::get_if<Outcome>(&input);
    const EntityKey entity =
        outcome != nullptr ? outcome->entity : std::get<hub::Operation>(input).entity;
    if (history_.find(entity) == nullptr) return {};  // Its beginning is not recorded.
    return history_.take(entity, std::move(input), context);
}

void PolicyPlan::take_stored(const hub::EntityState& state, const hub::Context& context) {
    ++stored;
    if (active_.object(state.key.object) == nullptr ||
        proposed_.object(state.key.object) == nullptr) {
        return;
    }
    PlanDifference difference =
        difference_of(*proposed_.object(state.key.object), answer_of(active_, state, {}, context),
                      answer_of(next_, state, {}, context));
    if (difference.empty()) return;
    difference.entity = state.key;
    ++stored_differing;
    count(std::move(difference), at_once);
}

void PolicyPlan::count(PlanDifference difference, std::map<PlatformId, Commands>& commands_of) {
    for (const PlannedField& field : difference.fields) {
        const hub::FieldDecision& any = field.has_now ? field.now : field.then;
        ++rows[{difference.entity.object, any.field, any.from,
                field.has_now ? name_of(field.now.verdict) : "",
                field.has_then ? name_of(field.then.verdict) : ""}];
    }
    for (const Command& command : difference.commands_now) ++commands_of[command.platform].now;
    for (const Command& command : difference.commands_then) ++commands_of[command.platform].then;
    for (const std::string& token : difference.opened_now) ++opened[token].now;
    for (const std::string& token : difference.opened_then) ++opened[token].then;
    if (examples.size() < keep_) examples.push_back(std::move(difference));
}

}  // namespace syncline::ctl
