#include "hub/core/rehearsal.h"

#include <utility>

namespace syncline::hub {
namespace {

/// Each part but the last led by its length, so that no two keys read the same.
std::string text_of(const Claim& key) {
    return std::to_string(key.object.text.size()) + ":" + key.object.text +
           std::to_string(key.rule.size()) + ":" + key.rule + key.text;
}

}  // namespace

std::optional<EntityId> Rehearsal::holder_of(const Claim& key) const {
    const auto held = keys_.find(text_of(key));
    return held == keys_.end() ? std::nullopt : std::optional{held->second};
}

const EntityState* Rehearsal::find(const EntityKey& entity) const {
    const auto at = states_.find(entity);
    return at == states_.end() ? nullptr : &at->second;
}

void Rehearsal::decide_on(EntityState& state, Input input, const Context& context, Taken& taken) {
    taken.has_before = !skips_ || !skips_(state, input) || !keeps_keys(policy_, state, input);
    taken.inputs.push_back(std::move(input));
    taken.context = context;
    taken.context.publishing = Context::Publishing::kNo;
    if (taken.has_before) taken.before = state;
    Step step = decide(policy_, std::move(state), taken.inputs, taken.context);
    if (taken.has_before) decide_with_others(taken, step);
    state = std::move(step.next);
    taken.commands = std::move(step.commands);
    if (!step.changed) return;
    for (const Claim& key : step.claims) keys_.try_emplace(text_of(key), state.key.entity);
    for (const Claim& key : step.releases) {
        if (holder_of(key) == state.key.entity) keys_.erase(text_of(key));
    }
    for (const RecordKey& record : step.links) links_[record] = state.key.entity;
    taken.log = std::move(step.log);
}

/// Once more with who waited at a key that is claimed, and with what others hold of those.
void Rehearsal::decide_with_others(Taken& taken, Step& step) {
    const EntityId& entity = taken.before.key.entity;
    if (std::vector<Change> guests = take_guests(step.claims); !guests.empty()) {
        for (Change& guest : guests) {
            links_[guest.key] = entity;
            taken.inputs.emplace_back(std::move(guest));
        }
        step = decide(policy_, taken.before, taken.inputs, taken.context);
    }
    std::vector<ForeignKey> foreign;
    for (const Claim& key : step.claims) {
        const auto holder = holder_of(key);
        if (holder && *holder != entity) foreign.push_back({key, *holder});
    }
    if (!step.keys_unsure && foreign.empty()) return;
    taken.context.foreign_keys = std::move(foreign);
    step = decide(policy_, taken.before, taken.inputs, taken.context);
}

void Rehearsal::keep_waiting(const ObjectSpec& object, const Change& change) {
    for (auto& [key, records] : waiting_) records.erase(change.key);
    for (const Claim& key : lookups(object, change).keys) {
        waiting_[text_of(key)].insert_or_assign(change.key, change);
    }
    std::erase_if(waiting_, [](const auto& entry) { return entry.second.empty(); });
}

/// Who waits at one of the keys, and waits no more.
std::vector<Change> Rehearsal::take_guests(const std::vector<Claim>& keys) {
    std::map<RecordKey, Change> guests;
    for (const Claim& key : keys) {
        const auto waiting = waiting_.find(text_of(key));
        if (waiting != waiting_.end()) guests.merge(waiting->second);
    }
    std::vector<Change> changes;
    for (auto& [record, change] : guests) {
        for (auto& [key, records] : waiting_) records.erase(record);
        changes.push_back(std::move(change));
    }
    std::erase_if(waiting_, [](const auto& entry) { return entry.second.empty(); });
    return changes;
}

Placement Rehearsal::placement_of(const Change& change) const {
    const ObjectSpec& object = *policy_.object(change.key.object);
    Found found;
    if (const auto link = links_.find(change.key); link != links_.end()) {
        found.link = link->second;
        return place(object, change, found);
    }
    for (const Claim& key : lookups(object, change).keys) found.keys.push_back(holder_of(key));
    if (change.marker && states_.contains({object.name, *change.marker})) {
        found.marked = change.marker;
    }
    return place(object, change, found);
}

EntityKey Rehearsal::entity_of(const Change& change) const {
    return {change.key.object, placement_of(change).entity};
}

Rehearsal::Taken Rehearsal::take(Change change, const Context& context) {
    const ObjectSpec& object = *policy_.object(change.key.object);
    Taken taken;
    taken.placement = placement_of(change);
    if (taken.placement.kind == Placement::Kind::kUnmatched) keep_waiting(object, change);
    if (taken.placement.entity.empty()) return taken;
    taken.entity = {object.name, taken.placement.entity};
    if (taken.placement.kind != Placement::Kind::kLinked) links_[change.key] = taken.entity.entity;
    EntityState& state = states_[taken.entity];
    state.key = taken.entity;
    decide_on(state, std::move(change), context, taken);
    return taken;
}

Rehearsal::Taken Rehearsal::take(const EntityKey& entity, Input input, const Context& context) {
    Taken taken;
    taken.entity = entity;
    taken.placement.entity = entity.entity;
    decide_on(states_.at(entity), std::move(input), context, taken);
    return taken;
}

}  // namespace syncline::hub
