#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "hub/core/decide.h"
#include "hub/core/handover.h"
#include "hub/core/identity.h"
#include "hub/core/input_name.h"
#include "hub/core/state_codec.h"
#include "hub/entities.h"
#include "shared/base/log.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

// Which records and match keys are an entity's: claimed, given way, released.

namespace syncline::hub {
namespace {

/// A record that two entities keep passing to each other is for a person.
constexpr std::uint32_t kMovesMost = 8;

}  // namespace

void Entities::Reserving::on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) {
    const auto at = open.find(token);
    if (at == open.end()) return;
    const Entry entry = std::move(at->second);
    open.erase(at);
    Slot* slot = entities.current(entry.slot_token);
    if (slot == nullptr) return;
    if (sequence) {
        ++entities.counters_.publishes;
        if (entry.reservation.key && !entry.reservation.was_ours) {
            slot->claimed.push_back(
                {entry.reservation.subject, *sequence, entry.reservation.waiting});
        }
        entities.reservation_done(*slot);
    } else if (sequence.error().kind == ErrorKind::kConflict) {
        entities.check_reservation(*slot, entry.reservation);
    } else {
        entities.restart(*slot, entities.options_.retry_wait);
    }
}

// Match keys and links are claimed before the state that relies on them is stored: whoever comes
// second finds them and joins this entity instead of founding another, and no record stands for
// two.
void Entities::reserve_all(Slot& slot) {
    slot.phase = Phase::kReserving;
    slot.foreign.clear();
    slot.refused.clear();
    slot.claimed.clear();
    std::vector<Reservation> wanted;
    for (const Claim& claim : slot.step->claims) {
        wanted.push_back(
            {.subject = subjects::match_key(claim.object, claim.rule, claim.text), .key = claim});
    }
    std::ranges::move(links_wanted(slot), std::back_inserter(wanted));
    slot.outstanding = wanted.size();
    if (wanted.empty()) return reserved(slot);
    for (const Reservation& reservation : wanted) reserve(slot, reservation, 0);
}

void Entities::reserve(Slot& slot, const Reservation& reservation, std::uint64_t expected) {
    const std::uint64_t token = reserving_->next++;
    reserving_->open.emplace(token, Reserving::Entry{token_of(slot), reservation});
    const std::string body = wire::encode_reference(slot.key.entity, reservation.waiting);
    link_.publish({reservation.subject, body, {}, expected}, reserving_.get(), token);
}

void Entities::check_reservation(Slot& slot, const Reservation& reservation) {
    link_.get_last(subjects::kStreamState, reservation.subject,
                   [this, token = token_of(slot), reservation](auto stored) {
                       Slot* found = current(token);
                       if (found == nullptr) return;
                       if (!stored || !*stored) return restart(*found, options_.retry_wait);
                       claim_from(*found, reservation, **stored);
                   });
}

void Entities::claim_from(Slot& slot, const Reservation& reservation,
                          const nats::StoredMessage& claim) {
    const auto holder = wire::decode_reference(claim.body);
    if (!claim.deleted && !holder && holder.error().kind == ErrorKind::kUnsupported) {
        return give_up(slot, fail(holder.error(), reservation.subject).error());
    }
    const bool is_ours = !claim.deleted && holder && *holder == slot.key.entity;
    Reservation again = reservation;
    if (reservation.key && !claim.deleted) {
        again.waiting = wire::decode_waiting(claim.body).value_or(std::vector<RecordKey>{});
    }
    if (claim.deleted || !holder || holder->empty() || is_ours) {
        if (meets_guests(slot, again.waiting)) return reservation_done(slot);
        // Also if it is ours: whoever takes it for left behind must find that it is not.
        again.was_ours = is_ours;
        return reserve(slot, again, claim.sequence);
    }
    if (reservation.record && reservation.instead_of.empty())
        return refuse(slot, reservation, *holder);
    // It had no use for the record when that was placed anew; by now it may have one again. Or it
    // was merged into the one that had none. And a key may have been left behind.
    const EntityKey other{slot.key.object, *holder};
    link_.get_last(subjects::kStreamState,
                   subjects::entity(other, entity_partition(other, options_.partitions)),
                   [this, token = token_of(slot), reservation = std::move(again),
                    at = claim.sequence, holder = *holder](auto state) {
                       Slot* found = current(token);
                       if (found == nullptr) return;
                       if (!state) return restart(*found, options_.retry_wait);
                       const bool in_use = reservation.key
                                               ? !left_behind(*state, *reservation.key, at)
                                               : !gave_away(*state, reservation, holder);
                       if (in_use) return refuse(*found, reservation, holder);
                       reserve(*found, reservation, at);
                   });
}

/// Is the record, whose link names the entity whose state this is, another's to claim?
bool Entities::gave_away(const std::optional<nats::StoredMessage>& stored,
                         const Reservation& reservation, const EntityId& holder) {
    const bool placed_anew =
        std::ranges::find(reservation.instead_of, holder) != reservation.instead_of.end();
    const auto state = stored ? decode_entity(stored->body) : fail(ErrorKind::kNotFound, "");
    if (!state) return placed_anew && state.error().kind != ErrorKind::kUnsupported;
    if (state->is_merged()) return true;
    const auto& [platform, object, record] = *reservation.record;
    return placed_anew && (state->deleted || !has_record(*state, platform, record));
}

/// Did the entity whose state this is lose its use for the key, claimed at `sequence`, and not say
/// so? One that has no state yet may just be being founded.
bool Entities::left_behind(const std::optional<nats::StoredMessage>& stored, const Claim& key,
                           std::uint64_t sequence) const {
    if (!stored || stored->sequence < sequence) return false;
    const auto state = decode_entity(stored->body);
    const ObjectSpec* object = policies_.newest().object(key.object);
    return state && (object == nullptr || !has_key(*object, *state, key));
}

/// It is another entity's.
void Entities::refuse(Slot& slot, const Reservation& reservation, const EntityId& holder) {
    if (reservation.record) slot.foreign.push_back(*reservation.record);
    if (reservation.key) slot.refused.push_back({*reservation.key, holder});
    reservation_done(slot);
}

// A record that waits at a key for an entity comes first: the entity is decided with it, or it
// would be told to make what is there.
bool Entities::meets_guests(Slot& slot, const std::vector<RecordKey>& waiting) {
    const auto is_here = [&](const RecordKey& guest) {
        return std::ranges::find(slot.absent, guest) != slot.absent.end() ||
               std::ranges::any_of(slot.inputs, [&](const Input& input) {
                   const auto* change = std::get_if<Change>(&input);
                   return change != nullptr && change->key == guest;
               });
    };
    const std::size_t before = slot.guests.size();
    for (const RecordKey& guest : waiting) {
        if (!is_here(guest)) slot.guests.push_back(guest);
    }
    return slot.guests.size() > before;
}

/// What was kept of the guests becomes inputs beside those that are being decided.
void Entities::invite(Slot& slot) {
    std::ranges::sort(slot.guests);
    const auto repeated = std::ranges::unique(slot.guests);
    slot.guests.erase(repeated.begin(), repeated.end());
    const std::vector<RecordKey> guests = std::exchange(slot.guests, {});
    slot.outstanding = guests.size();
    for (const RecordKey& guest : guests) {
        const EntityKey kept_as{guest.object, founded_entity(guest)};
        const std::string kind = std::string{exceptions::kUnmatched} + "@" + guest.platform.text;
        link_.get_last(subjects::kStreamExceptions, subjects::exception(kept_as, kind),
                       [this, token = token_of(slot), guest](auto kept) {
                           if (Slot* found = current(token)) take_in(*found, guest, kept);
                       });
    }
}

bool Entities::matches_one(const std::vector<Claim>& keys, const Change& change) const {
    const ObjectSpec* object = policies_.newest().object(change.key.object);
    if (object == nullptr || change.kind == ChangeKind::kDelete) return false;
    const std::vector<Claim> own = lookups(*object, change).keys;
    return std::ranges::any_of(
        own, [&](const Claim& key) { return std::ranges::find(keys, key) != keys.end(); });
}

void Entities::take_in(Slot& slot, const RecordKey& guest,
                       const Result<std::optional<nats::StoredMessage>>& kept) {
    if (!kept) return restart(slot, options_.retry_wait);
    std::optional<Change> change;
    if (*kept && !(*kept)->deleted) {
        const auto exception = decode_exception((*kept)->body);
        auto decoded = exception && exception->status == ExceptionStatus::kOpen
                           ? wire::decode_change(exception->raw)
                           : fail(ErrorKind::kNotFound, "");
        // It may have got other keys since it was written down at this one.
        if (decoded && matches_one(slot.step->claims, *decoded)) change = *std::move(decoded);
    }
    if (change) {
        // Nothing is decided behind an operation on identities, which is the last one therefore.
        const auto* last = std::get_if<Operation>(&slot.inputs.back());
        const std::ptrdiff_t behind = last != nullptr && is_about_identity(last->kind) ? 1 : 0;
        slot.inputs.emplace(slot.inputs.end() - behind, *std::move(change));
        slot.works.insert(slot.works.end() - behind, {.work = {slot.home, 0, 0},
                                                      .policy = slot.works.front().policy,
                                                      .needs_link = true,
                                                      .awaited = true});
    } else {
        slot.absent.push_back(guest);
    }
    if (--slot.outstanding == 0) restart(slot, Duration{0});
}

void Entities::reservation_done(Slot& slot) {
    if (--slot.outstanding > 0) return;
    if (!slot.guests.empty()) return invite(slot);
    const bool all_ours = slot.refused.empty() && slot.foreign.empty();
    if (all_ours && !slot.step->keys_unsure) return reserved(slot);
    if (!all_ours) ++counters_.conflicts;
    // Somebody else's entity holds a key. A new entity gives way: its record is placed again. One
    // that exists lives on without the record, or without the key, and decides with that knowledge.
    if (!all_ours && slot.step->founds && !insists(slot.works)) return misplaced(slot);
    if (!all_ours && part_with_foreign(slot)) return;
    decide_again(slot);
}

void Entities::reserved(Slot& slot) {
    if (slot.step->changed) return store(slot);
    tell_links(slot);
    publish_effects(slot, std::move(slot.step->commands));
}

/// With what claiming has found out in this attempt and in the one before.
void Entities::decide_again(Slot& slot) {
    std::vector<ForeignKey> keys = slot.foreign_keys.value_or(std::vector<ForeignKey>{});
    keys.insert(keys.end(), slot.refused.begin(), slot.refused.end());
    std::vector<RecordKey> records = slot.foreign_records;
    const std::size_t before = records.size();
    for (const RecordKey& record : slot.foreign) {
        if (std::ranges::find(records, record) == records.end()) records.push_back(record);
    }
    const bool is_news = !slot.foreign_keys || !slot.refused.empty() || records.size() > before;
    if (!is_news) return reserved(slot);
    restart(slot, Duration{0});
    slot.foreign_keys = std::move(keys);
    slot.foreign_records = std::move(records);
}

void Entities::misplaced(Slot& slot) {
    const EntityKey key = slot.key;
    // There will be no such entity, or only by somebody who claims the keys anew.
    for (const Claimed& claim : std::exchange(slot.claimed, {})) {
        link_.publish(
            {claim.subject, wire::encode_reference({}, claim.waiting), {}, claim.sequence},
            reserving_.get(), 0);
    }
    std::vector<Queued> again;
    for (std::size_t i = 0; i < slot.works.size(); ++i) {
        slot.works[i].input = std::move(slot.inputs[i]);
        again.push_back(std::move(slot.works[i]));
    }
    for (Queued& queued : slot.waiting) again.push_back(std::move(queued));
    slot.waiting.clear();
    slot.works.clear();
    slot.inputs.clear();
    const EntityState decided = std::move(slot.state);
    abandon(slot);
    std::map<RecordKey, Revision> newest;
    for (const Queued& queued : again) {
        const auto* change = std::get_if<Change>(&queued.input);
        if (change != nullptr) newest[change->key] = std::max(newest[change->key], change->rev);
    }
    // That its record is gone was told before, and only here: elsewhere it would be there.
    const auto is_outdated = [&](const Change& change) {
        const RecordState* record = decided.record(change.key.platform);
        const Revision told = std::max(newest[change.key], change.rev);
        return record != nullptr && record->seen_of(change.key.record) > told;
    };
    // Only a record can be placed elsewhere, and only of this entity can be said that it holds
    // nothing. What else names an entity without a state is of before the states were lost.
    for (Queued& queued : again) {
        if (const auto* outcome = std::get_if<Outcome>(&queued.input)) {
            auto told = told_by(*outcome);
            if (told) queued.input = *std::move(told);
        }
        const auto* change = std::get_if<Change>(&queued.input);
        if (change != nullptr && is_outdated(*change)) {
            settle(queued, queued.input);
            host_.on_done(queued.work);
        } else if (change != nullptr) {
            place_again(key.entity, std::move(queued));
        } else if (std::holds_alternative<Recheck>(queued.input)) {
            submit(key, std::move(queued));
        } else {
            host_.on_done(queued.work);
        }
    }
}

void Entities::place_again(const EntityId& not_in, Queued queued) {
    settle(queued, queued.input);
    if (queued.policy == nullptr) queued.policy = &policies_.newest();
    if (++queued.moves > kMovesMost) {
        const Error error{ErrorKind::kConflict,
                          "two entities claim this record and neither can have it alone; merge its "
                          "twins at the platforms, then replay it"};
        return host_.on_undecidable(std::move(queued), error);
    }
    queued.needs_link = false;
    queued.not_in = not_in;
    host_.on_misplaced(std::move(queued));
}

// What tells of another entity's record goes there. A create that found or made such a record is
// refused, so that a person sees it, after that entity has heard what it did to the record. And a
// deleted entity whose key is another's by now does not come back beside it: the record joins that
// one. False: none of the inputs tells of such a record.
bool Entities::part_with_foreign(Slot& slot) {
    const auto is_foreign = [&](const RecordKey& record) {
        return std::ranges::find(slot.foreign, record) != slot.foreign.end();
    };
    const std::optional<RecordKey> successors =
        slot.refused.empty() ? std::nullopt : slot.step->revived_by;
    std::vector<Input> inputs = std::exchange(slot.inputs, {});
    std::vector<Queued> works = std::exchange(slot.works, {});
    std::vector<Queued> elsewhere;
    std::vector<RecordKey> parted;
    bool refused = false;
    for (std::size_t i = 0; i < works.size(); ++i) {
        const auto* change = std::get_if<Change>(&inputs[i]);
        const bool joins = change != nullptr && change->key == successors && !works[i].insists;
        if (change != nullptr && (is_foreign(change->key) || joins)) {
            if (works[i].awaited) slot.absent.push_back(change->key);
            parted.push_back(change->key);
            works[i].input = std::move(inputs[i]);
            elsewhere.push_back(std::move(works[i]));
            continue;
        }
        auto* outcome = std::get_if<Outcome>(&inputs[i]);
        if (outcome != nullptr && outcome->record &&
            is_foreign({outcome->platform, slot.key.object, *outcome->record})) {
            if (auto told = works[i].passed_on ? std::nullopt : told_by(*outcome)) {
                Queued then = works[i];
                then.input = std::move(inputs[i]);
                then.passed_on = true;
                host_.on_told_first(slot.key, std::move(then));
                works[i].input = *std::move(told);
                elsewhere.push_back(std::move(works[i]));
                continue;
            }
            if (!outcome->deleted) {
                refuse_as_foreign(*outcome);
                refused = true;
            }
        }
        slot.inputs.push_back(std::move(inputs[i]));
        slot.works.push_back(std::move(works[i]));
    }
    if (elsewhere.empty() && !refused) return false;
    const EntityId entity = slot.key.entity;
    // Its state may list the records from before.
    if (!parted.empty()) slot.waiting.push_back({.input = Recheck{}, .work = {slot.home, 0, 0}});
    if (slot.works.empty() && slot.waiting.empty()) {
        abandon(slot);
    } else {
        restart(slot, Duration{0});
        slot.foreign_records = std::move(parted);
    }
    for (Queued& queued : elsewhere) place_again(entity, std::move(queued));
    return true;
}

// Best effort: a key left behind names an entity that no longer has it, and claiming it finds that
// out; see left_behind().
void Entities::release_keys(const Slot& slot) {
    for (const Claim& claim : slot.step->releases) {
        const std::string subject = subjects::match_key(claim.object, claim.rule, claim.text);
        link_.get_last(
            subjects::kStreamState, subject,
            [this, subject, entity = slot.key.entity](auto stored) {
                if (!stored || !*stored || (*stored)->deleted) return;
                const auto holder = wire::decode_reference((*stored)->body);
                if (!holder || *holder != entity) return;
                const auto waiting = wire::decode_waiting((*stored)->body);
                link_.publish(
                    {subject, wire::encode_reference({}, *waiting), {}, (*stored)->sequence},
                    reserving_.get(), 0);
            });
    }
}

}  // namespace syncline::hub
