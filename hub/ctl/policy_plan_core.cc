#include "hub/ctl/policy_plan_core.h"

#include <algorithm>
#include <set>
#include <utility>

#include "hub/core/state_codec.h"

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

Answer answer_of(const Policy& policy, const hub::EntityState& state,
                 std::span<const hub::Input> inputs, const hub::Context& context) {
    Answer answer;
    hub::Step step = decide(policy, state, inputs, context);
    answer.commands = std::move(step.commands);
    if (!step.changed) return answer;
    for (const auto& outgoing : step.next.outbox) {
        if (!outgoing.exception.empty()) continue;
        if (auto log = hub::decode_log_entry(outgoing.body)) {
            answer.fields = std::move(log->decisions);
        }
    }
    for (const hub::OpenException& open : step.next.exceptions)
        answer.opened.insert(token_of(open));
    for (const hub::OpenException& open : state.exceptions) answer.opened.erase(token_of(open));
    return answer;
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

}  // namespace

PlanDifference compare(const Policy& active, const Policy& proposed, const hub::EntityState& state,
                       std::span<const hub::Input> inputs, const hub::Context& context) {
    const Answer now = answer_of(active, state, inputs, context);
    const Answer then = answer_of(proposed, state, inputs, context);
    PlanDifference out;
    out.entity = state.key;
    if (!inputs.empty()) out.from = platform_of(inputs.front());
    out.fields = differing_fields(now, then);
    out.commands_now = only_in(now.commands, then.commands);
    out.commands_then = only_in(then.commands, now.commands);
    out.opened_now = only_in(now.opened, then.opened);
    out.opened_then = only_in(then.opened, now.opened);
    return out;
}

PolicyPlan::PolicyPlan(const Policy& active, const Policy& proposed, std::size_t keep)
    : active_(active), proposed_(proposed), next_(proposed), keep_(keep), history_(active) {
    proposed_.version = active.version;
    next_.version = active.version + 1;
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

void PolicyPlan::take(std::uint64_t sequence, const hub::Input& input,
                      const hub::Context& context) {
    ++inputs;
    if (!knows(active_, input)) {
        ++unknown;
        return;
    }
    EntityKey entity;
    if (const auto* change = std::get_if<Change>(&input)) {
        entity = history_.entity_of(*change);
    } else if (const auto* outcome = std::get_if<Outcome>(&input)) {
        entity = outcome->entity;
    } else {
        entity = std::get<hub::Operation>(input).entity;
    }
    const bool is_change = std::holds_alternative<Change>(input);
    const hub::EntityState* known = entity.entity.empty() ? nullptr : history_.find(entity);
    if (entity.entity.empty() || (known == nullptr && !is_change)) {
        ++unplaced;
        // It may be awaited by an entity to come.
        if (is_change) history_.take(std::get<Change>(input), context);
        return;
    }
    hub::EntityState state = known == nullptr ? hub::EntityState{} : *known;
    state.key = entity;
    if (knows(proposed_, input)) {
        PlanDifference difference = compare(active_, proposed_, state, {&input, 1}, context);
        difference.sequence = sequence;
        if (!difference.empty()) {
            ++differing;
            count(std::move(difference), commands);
        }
    } else {
        ++dropped;
    }
    if (is_change) {
        history_.take(std::get<Change>(input), context);
    } else {
        history_.take(entity, input, context);
    }
}

void PolicyPlan::take_stored(const hub::EntityState& state, const hub::Context& context) {
    ++stored;
    if (active_.object(state.key.object) == nullptr ||
        proposed_.object(state.key.object) == nullptr) {
        return;
    }
    PlanDifference difference = compare(active_, next_, state, {}, context);
    if (difference.empty()) return;
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
