#include <algorithm>
#include <utility>

#include "hub/core/input_name.h"
#include "hub/entities.h"
#include "shared/wire/subjects.h"

// Records that go from one entity to another, by a person's word: who hears of them meanwhile, and
// how each of the two knows that the other has stored it. See core/handover.cc.

namespace syncline::hub {
namespace {

bool has(const EntityState& state, const PlatformId& platform, const RecordId& id) {
    const RecordState* record = state.record(platform);
    if (record == nullptr) return false;
    const auto& others = record->others;
    return (record->record == id && record->presence == Presence::kPresent) ||
           std::ranges::find(others, id, &OtherRecord::record) != others.end();
}

/// Is it an answer that nothing was done to a record that was the entity's once, and what that
/// holds? Who has it by now is to hear of it: the agent takes it for told.
bool tells_of_anothers(const EntityState& state, const Queued& queued) {
    const auto* outcome = std::get_if<Outcome>(&queued.input);
    if (outcome == nullptr || queued.passed_on || !outcome->record) return false;
    const RecordState* record = state.record(outcome->platform);
    // The platform takes no part any more, or another record has succeeded. Where it has none yet
    // the state may have gone back in time, and the record be its own.
    const bool parted = record != nullptr && (record->presence == Presence::kUnlinked ||
                                              record->presence == Presence::kPresent);
    return parted && outcome->status != OutcomeStatus::kApplied && told_by(*outcome) &&
           !has(state, outcome->platform, *outcome->record);
}

/// Who is to hear of it instead of the entity whose state this is.
std::optional<EntityId> receiver_of(const EntityState& state, const Input& input) {
    if (const auto* change = std::get_if<Change>(&input)) {
        return state.receiver_of(change->key.platform, change->key.record);
    }
    if (const auto* outcome = std::get_if<Outcome>(&input)) {
        return state.receiver_of(outcome->platform, outcome->record.value_or(RecordId{}));
    }
    const auto* takeover = std::get_if<Takeover>(&input);
    if (takeover == nullptr || !state.is_merged()) return std::nullopt;
    const bool comes_back = takeover->handover.why == Handover::Why::kUnmerged &&
                            takeover->from.entity == state.merged_into;
    // One that came home has been merged in a circle.
    if (comes_back || takeover->from == state.key) return std::nullopt;
    return state.merged_into;
}

}  // namespace

bool Entities::insists(const std::vector<Queued>& works) {
    return std::ranges::any_of(works, &Queued::insists);
}

bool Entities::passes_on(const Slot& slot) {
    return slot.state.is_merged() || !slot.state.handovers.empty() ||
           std::ranges::any_of(slot.waiting, [&](const Queued& queued) {
               return tells_of_anothers(slot.state, queued);
           });
}

// False: the input is the entity's own. It goes there with the next tick, as two entities that are
// merged into each other pass it to and fro until both know.
bool Entities::pass_on(const Slot& slot, Queued& queued) {
    const std::optional<EntityId> to = receiver_of(slot.state, queued.input);
    if (!to && tells_of_anothers(slot.state, queued)) {
        auto& outcome = std::get<Outcome>(queued.input);
        Queued then = queued;
        then.passed_on = true;
        host_.on_told_first(slot.key, std::move(then));
        queued.input = *told_by(outcome);
        to_place_.emplace_back(slot.key.entity, std::move(queued));
        return true;
    }
    if (!to) return false;
    if (auto* outcome = std::get_if<Outcome>(&queued.input)) {
        if (queued.passed_on) {  // Now for what it answers.
            // Without a record it is refused already, and decided once more.
            if (!outcome->deleted && outcome->record) refuse_as_foreign(*outcome);
            return false;
        }
        auto told = told_by(*outcome);
        // What tells nothing of a record is over with the command that it answers; of a merged one
        // only forgetting it is commanded.
        const RecordState* record = slot.state.record(outcome->platform);
        const bool answers = record != nullptr && record->pending;
        if (!told && (answers || !slot.state.is_merged())) return false;
        if (!told) {
            host_.on_done(queued.work);
            return true;
        }
        if (!slot.state.is_merged()) {
            // It may answer a create that is out here: the agent took the record for this entity's.
            Queued then = queued;
            then.passed_on = true;
            host_.on_told_first(slot.key, std::move(then));
        }
        queued.input = *std::move(told);
    } else {
        settle(queued, queued.input);
    }
    if (std::holds_alternative<Change>(queued.input)) {
        queued.needs_link = true;
        queued.not_in = slot.key.entity;
        queued.insists = true;
    }
    passed_on_.emplace_back(EntityKey{slot.key.object, *to}, std::move(queued));
    return true;
}

void Entities::submit_passed_on() {
    for (auto& [entity, queued] : std::exchange(passed_on_, {})) {
        submit(entity, std::move(queued));
    }
    for (auto& [former, queued] : std::exchange(to_place_, {})) {
        place_again(former, std::move(queued));
    }
}

/// Each link once, whatever tells of it how often: two claims of one subject would be in each
/// other's way.
std::vector<Entities::Reservation> Entities::links_wanted(const Slot& slot) {
    std::vector<Reservation> wanted;
    const auto want = [&](const RecordKey& record, const std::optional<EntityId>& instead_of) {
        auto at = std::ranges::find(wanted, record, &Reservation::record);
        if (at == wanted.end()) {
            at = wanted.insert(at, {.subject = subjects::link(record), .record = record});
        }
        if (instead_of) at->instead_of.push_back(*instead_of);
    };
    for (std::size_t i = 0; i < slot.works.size(); ++i) {
        if (!slot.works[i].needs_link) continue;
        want(std::get<Change>(slot.inputs[i]).key, slot.works[i].not_in);
    }
    std::vector<RecordKey> links = slot.step->links;
    for (const Input& input : slot.inputs) {
        const auto* takeover = std::get_if<Takeover>(&input);
        if (takeover == nullptr) continue;
        for (const GivenRecord& given : takeover->handover.records) {
            const RecordKey record{given.platform, slot.key.object, given.record};
            std::erase(links, record);
            const auto& foreign = slot.foreign_records;
            if (std::ranges::find(foreign, record) != foreign.end()) continue;
            want(record, takeover->from.entity);
        }
    }
    for (const RecordKey& record : links) want(record, std::nullopt);
    return wanted;
}

void Entities::tell_links(const Slot& slot) {
    for (std::size_t i = 0; i < slot.works.size(); ++i) {
        const auto linked = [&](const PlatformId& platform, const RecordId& record) {
            if (!has(slot.state, platform, record)) return;
            host_.on_linked({platform, slot.key.object, record}, slot.key.entity);
        };
        // Another hub may have kept it.
        const auto taken_in = [&](const RecordKey& record) {
            if (!has(slot.state, record.platform, record.record)) return;
            host_.on_awaited(record);
            host_.on_linked(record, slot.key.entity);
        };
        const auto is_new = [&](const RecordKey& record) {
            return std::ranges::find(slot.step->links, record) != slot.step->links.end();
        };
        if (slot.works[i].needs_link) {
            const RecordKey& record = std::get<Change>(slot.inputs[i]).key;
            if (slot.works[i].awaited) host_.on_awaited(record);
            host_.on_linked(record, slot.key.entity);
        } else if (const auto* change = std::get_if<Change>(&slot.inputs[i])) {
            // The agent knew whose it is, and the store had lost it.
            if (is_new(change->key)) taken_in(change->key);
        } else if (const auto* takeover = std::get_if<Takeover>(&slot.inputs[i])) {
            for (const GivenRecord& given : takeover->handover.records) {
                linked(given.platform, given.record);
            }
        } else if (const auto* outcome = std::get_if<Outcome>(&slot.inputs[i])) {
            // A change may have told of the record first, when it was nobody's.
            if (!outcome->record) continue;
            const RecordKey record{outcome->platform, slot.key.object, *outcome->record};
            if (is_new(record)) linked(record.platform, record.record);
        } else if (const auto* operation = std::get_if<Operation>(&slot.inputs[i])) {
            if (operation->kind != OperationKind::kLink) continue;
            taken_in({operation->platform, slot.key.object, operation->record});
        } else if (const auto* recheck = std::get_if<Recheck>(&slot.inputs[i])) {
            // The agent may have missed it.
            for (const RecordState& record : slot.state.records) {
                if (!recheck->links) break;
                if (record.record) linked(record.platform, *record.record);
                for (const OtherRecord& other : record.others) {
                    if (other.standing == OtherRecord::Standing::kGone) continue;
                    linked(record.platform, other.record);
                }
            }
        }
    }
}

// The operation is done once the other entity has taken the records over and this one knows it. So
// is a look at the entity after a loss: a hub that died in between would have it told by nobody.
bool Entities::goes_on(const EntityKey& entity, const Queued& queued, const Input& input,
                       std::vector<Handover>& handovers) {
    Queued then{.work = queued.work, .fence = queued.fence, .policy = queued.policy};
    if (const auto* takeover = std::get_if<Takeover>(&input)) {
        then.input = HandedOver{takeover->handover.id};
        passed_on_.emplace_back(takeover->from, std::move(then));
        return true;
    }
    auto at = handovers.end();
    if (std::holds_alternative<Recheck>(input)) at = handovers.begin();
    if (const auto* operation = std::get_if<Operation>(&input)) {
        at = std::ranges::find(handovers, operation->id, &Handover::id);
    }
    if (at == handovers.end()) return false;
    const EntityKey to{entity.object, at->to};
    then.input = Takeover{entity, std::move(*at)};
    then.insists = true;
    handovers.erase(at);
    passed_on_.emplace_back(to, std::move(then));
    return true;
}

/// What is handed over again without an operation that waits for it.
void Entities::hand_over(const Slot& slot, std::vector<Handover> handovers) {
    for (Handover& handover : handovers) {
        const EntityKey to{slot.key.object, handover.to};
        passed_on_.emplace_back(to, Queued{.input = Takeover{slot.key, std::move(handover)},
                                           .work = {slot.home, 0, 0},
                                           .insists = true});
    }
}

}  // namespace syncline::hub
