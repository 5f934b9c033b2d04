#include "hub/entities.h"

#include <algorithm>
#include <utility>

#include "hub/core/state_codec.h"
#include "shared/base/log.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

/// What is told of a state this long after it was known to be current is looked at again.
constexpr Duration kLate = std::chrono::seconds{1};
/// A record that two entities keep passing to each other is for a person.
constexpr std::uint32_t kMovesMost = 8;

}  // namespace

/// Publishes of reservations need their own sink: their answers are not about a state.
struct Entities::Reserving final : nats::PublishSink {
    struct Entry {
        std::uint64_t slot_token = 0;
        Reservation reservation;
    };
    Entities& entities;
    std::unordered_map<std::uint64_t, Entry> open;
    std::uint64_t next = 1;

    explicit Reserving(Entities& owner) : entities(owner) {}
    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override {
        const auto at = open.find(token);
        if (at == open.end()) return;
        const Entry entry = std::move(at->second);
        open.erase(at);
        Slot* slot = entities.current(entry.slot_token);
        if (slot == nullptr) return;
        if (sequence) {
            ++entities.counters_.publishes;
            entities.reservation_done(*slot);
        } else if (sequence.error().kind == ErrorKind::kConflict) {
            entities.check_reservation(*slot, entry.reservation);
        } else {
            entities.restart(*slot, entities.options_.retry_wait);
        }
    }
};

Entities::Entities(nats::Link& link, const Clock& clock, BrokerWatch& watch, const Policy& policy,
                   const HubOptions& options, HubCounters& counters, SyncPoints& sync_points,
                   EntitiesHost& host, ReliablePublisher& effects)
    : link_(link),
      clock_(clock),
      watch_(watch),
      policy_(policy),
      options_(options),
      counters_(counters),
      sync_points_(sync_points),
      host_(host),
      effects_(effects),
      reserving_(std::make_unique<Reserving>(*this)) {}

Entities::~Entities() = default;

Entities::Slot* Entities::current(std::uint64_t token) {
    Slot* slot = slab_[static_cast<std::uint32_t>(token >> 32)].get();
    return slot->attempt == static_cast<std::uint32_t>(token) ? slot : nullptr;
}

Entities::Slot& Entities::find_or_make(const EntityKey& key) {
    const auto [at, fresh] = slots_.try_emplace(key, 0);
    if (!fresh) return *slab_[at->second];
    std::uint32_t index = 0;
    if (free_.empty()) {
        index = static_cast<std::uint32_t>(slab_.size());
        slab_.push_back(std::make_unique<Slot>());
    } else {
        index = free_.back();
        free_.pop_back();
    }
    at->second = index;
    Slot& slot = *slab_[index];
    slot.index = index;
    slot.key = key;
    slot.home = entity_partition(key, options_.partitions);
    slot.subject = subjects::entity(key, slot.home);
    slot.idle = idle_.insert(idle_.end(), index);
    return slot;
}

void Entities::evict() {
    while (slots_.size() > options_.cache_entities && !idle_.empty()) {
        const std::uint32_t index = idle_.front();
        Slot& slot = *slab_[index];
        if (!slot.waiting.empty()) return;
        idle_.pop_front();
        slots_.erase(slot.key);
        const std::uint32_t attempt = slot.attempt + 1;
        slot = Slot{};
        slot.attempt = attempt;
        free_.push_back(index);
    }
}

void Entities::submit(const EntityKey& key, Queued queued) {
    Slot& slot = find_or_make(key);
    slot.waiting.push_back(std::move(queued));
    advance(slot);
}

bool Entities::warm(std::uint64_t sequence, std::string_view body) {
    if (slots_.size() >= options_.cache_entities) return false;
    auto state = decode_entity(body);
    if (!state) return true;  // Shown when an input needs it.
    Slot& slot = find_or_make(state->key);
    if (slot.phase != Phase::kIdle || (slot.loaded && slot.sequence >= sequence)) return true;
    slot.state = std::move(*state);
    slot.sequence = sequence;
    slot.loaded = true;
    slot.delivered = false;
    return true;
}

void Entities::forget_all() {
    for (auto& slot : slab_) {
        if (slot->key.entity.empty()) continue;
        slot->loaded = false;
        slot->sequence = 0;
        if (slot->phase != Phase::kIdle) restart(*slot, options_.retry_wait);
    }
}

void Entities::advance(Slot& slot) {
    if (slot.phase != Phase::kIdle || slot.waiting.empty()) return;
    idle_.erase(slot.idle);
    ++busy_;
    ++slot.attempt;
    // What is told must be the truth, not what this hub last knew of it.
    const bool recheck = std::holds_alternative<Recheck>(slot.waiting.front().input);
    if (!slot.loaded || recheck) return load(slot);
    catch_up(slot);
}

void Entities::load(Slot& slot) {
    slot.phase = Phase::kLoading;
    ++counters_.loads;
    link_.get_last(subjects::kStreamState, slot.subject,
                   [this, token = token_of(slot)](auto stored) {
                       Slot* found = current(token);
                       if (found != nullptr) loaded(*found, std::move(stored));
                   });
}

void Entities::loaded(Slot& slot, Result<std::optional<nats::StoredMessage>> stored) {
    if (!stored) return restart(slot, options_.retry_wait);
    slot.state = EntityState{};
    slot.state.key = slot.key;
    slot.sequence = 0;
    slot.current_at = clock_.steady();
    if (*stored) {
        slot.sequence = (*stored)->sequence;
        if (!(*stored)->deleted) {
            auto state = decode_entity((*stored)->body);
            if (!state) {
                return give_up(slot, fail(state.error(), slot.subject + " sequence " +
                                                             std::to_string(slot.sequence))
                                         .error());
            }
            slot.state = std::move(*state);
        }
    }
    slot.loaded = slot.checked = true;
    slot.delivered = false;
    catch_up(slot);
}

// Who stored the state may have died before its effects were out, and the next decision knows only
// its own.
void Entities::catch_up(Slot& slot) {
    if (slot.delivered) return decide_now(slot);
    const Context context = context_of(slot.waiting);
    std::vector<Command> commands;
    if (context.fence != 0) commands = pending_commands(slot.state, context);
    if (!commands.empty() && !slot.checked) return load(slot);
    slot.outstanding = commands.size() + slot.state.outbox.size();
    if (slot.outstanding == 0) return decide_now(slot);
    slot.phase = Phase::kCatchingUp;
    publish_commands(slot, commands);
    publish_outgoing(slot, slot.state.outbox);
}

// Commands go out by the hold under which an input came in; what a hub asks itself has none.
Context Entities::context_of(const auto& inputs) const {
    const auto held = std::find_if(inputs.begin(), inputs.end(),
                                   [](const Queued& queued) { return queued.fence != 0; });
    const Queued& from = held == inputs.end() ? inputs.front() : *held;
    return {clock_.now(), from.work.partition, from.fence};
}

void Entities::decide_now(Slot& slot) {
    slot.inputs.clear();
    slot.works.clear();
    while (!slot.waiting.empty() && slot.inputs.size() < options_.fold_max) {
        Queued& queued = slot.waiting.front();
        slot.inputs.push_back(std::move(queued.input));
        queued.input = Operation{};
        slot.works.push_back(std::move(queued));
        slot.waiting.pop_front();
    }
    sync_points_.reached("H2");
    slot.step = decide(policy_, std::move(slot.state), slot.inputs, context_of(slot.works));
    slot.state = std::move(slot.step.next);
    if (slot.step.changed) return reserve_all(slot);
    // A change is stored by compare-and-set; what is only told again has no such guard, and another
    // hub may have changed the state since.
    const bool tells = slot.step.replayed || !slot.step.commands.empty();
    if (tells && !slot.checked) return restart(slot, Duration{0});
    ++(slot.step.replayed ? counters_.replays : counters_.quiet);
    publish_effects(slot, std::move(slot.step.commands));
}

// Match keys and links are claimed before the state that relies on them is stored: whoever comes
// second finds them and joins this entity instead of founding another, and no record stands for
// two.
void Entities::reserve_all(Slot& slot) {
    slot.phase = Phase::kReserving;
    slot.reserved = true;
    slot.foreign.clear();
    std::vector<Reservation> wanted;
    for (const Claim& claim : slot.step.claims) {
        wanted.push_back({subjects::match_key(claim.object, claim.rule, claim.text), {}, {}});
    }
    std::vector<RecordKey> links = std::exchange(slot.step.links, {});
    for (std::size_t i = 0; i < slot.works.size(); ++i) {
        if (!slot.works[i].needs_link) continue;
        const RecordKey& record = std::get<Change>(slot.inputs[i]).key;
        std::erase(links, record);
        wanted.push_back({subjects::link(record), slot.works[i].not_in, record});
    }
    for (const RecordKey& record : links) wanted.push_back({subjects::link(record), {}, record});
    slot.outstanding = wanted.size();
    if (wanted.empty()) return store(slot);
    for (const Reservation& reservation : wanted) reserve(slot, reservation, 0);
}

void Entities::reserve(Slot& slot, const Reservation& reservation, std::uint64_t expected) {
    const std::uint64_t token = reserving_->next++;
    reserving_->open.emplace(token, Reserving::Entry{token_of(slot), reservation});
    const std::string body = encode_reference(slot.key.entity);
    link_.publish({reservation.subject, body, {}, expected}, reserving_.get(), token);
}

void Entities::check_reservation(Slot& slot, const Reservation& reservation) {
    link_.get_last(subjects::kStreamState, reservation.subject,
                   [this, token = token_of(slot), reservation](auto stored) {
                       Slot* found = current(token);
                       if (found == nullptr) return;
                       if (!stored || !*stored) return restart(*found, options_.retry_wait);
                       const auto holder = decode_reference((*stored)->body);
                       const bool vacant = (*stored)->deleted || !holder || holder->empty() ||
                                           reservation.instead_of == *holder;
                       if (vacant) return reserve(*found, reservation, (*stored)->sequence);
                       if (*holder != found->key.entity) {
                           if (reservation.record) found->foreign.push_back(*reservation.record);
                           found->reserved = found->reserved && reservation.record;
                       }
                       reservation_done(*found);
                   });
}

void Entities::reservation_done(Slot& slot) {
    if (--slot.outstanding > 0) return;
    if (slot.reserved && slot.foreign.empty()) return store(slot);
    ++counters_.conflicts;
    // Somebody else's entity holds a key. A new entity gives way: its record is placed again. One
    // that exists lives on without the record; that two have the same key is for a person.
    if (slot.sequence == 0) return misplaced(slot);
    if (!slot.foreign.empty() && part_with_foreign(slot)) return;
    log::warning("two entities have one match key; merge them at the platforms",
                 {{"object", slot.key.object.text}, {"entity", slot.key.entity.text}});
    store(slot);
}

void Entities::misplaced(Slot& slot) {
    const EntityId entity = slot.key.entity;
    std::vector<Queued> again;
    for (std::size_t i = 0; i < slot.works.size(); ++i) {
        slot.works[i].input = std::move(slot.inputs[i]);
        again.push_back(std::move(slot.works[i]));
    }
    for (Queued& queued : slot.waiting) again.push_back(std::move(queued));
    slot.waiting.clear();
    slot.works.clear();
    slot.inputs.clear();
    slot.loaded = false;
    finish(slot);
    // Only a record can be placed elsewhere. What else names an entity without a state is of before
    // the states were lost; the full read that follows tells what it would have.
    for (Queued& queued : again) {
        if (std::holds_alternative<Change>(queued.input)) {
            place_again(entity, std::move(queued));
        } else {
            host_.on_done(queued.work);
        }
    }
}

void Entities::place_again(const EntityId& not_in, Queued queued) {
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
// refused, so that a person sees it. False: none of the inputs tells of one.
bool Entities::part_with_foreign(Slot& slot) {
    const std::vector<RecordKey> foreign = std::exchange(slot.foreign, {});
    const auto is_foreign = [&](const RecordKey& record) {
        return std::ranges::find(foreign, record) != foreign.end();
    };
    bool any = false;
    std::vector<Queued> elsewhere;
    for (std::size_t i = slot.works.size(); i-- > 0;) {
        if (const auto* change = std::get_if<Change>(&slot.inputs[i])) {
            if (!is_foreign(change->key)) continue;
            slot.works[i].input = std::move(slot.inputs[i]);
            elsewhere.insert(elsewhere.begin(), std::move(slot.works[i]));
            slot.inputs.erase(slot.inputs.begin() + static_cast<std::ptrdiff_t>(i));
            slot.works.erase(slot.works.begin() + static_cast<std::ptrdiff_t>(i));
            any = true;
        } else if (auto* outcome = std::get_if<Outcome>(&slot.inputs[i])) {
            const RecordKey key{outcome->platform, slot.key.object,
                                outcome->record.value_or(RecordId{})};
            if (!is_foreign(key)) continue;
            outcome->status = OutcomeStatus::kRejected;
            outcome->reason = "record " + key.record.text +
                              " belongs to another entity already; merge the two at the platforms";
            outcome->code = "identity.foreign_record";
            outcome->record.reset();
            outcome->fields.clear();
            any = true;
        }
    }
    if (!any) return false;
    const EntityId entity = slot.key.entity;
    if (slot.works.empty() && slot.waiting.empty()) {
        slot.loaded = false;
        finish(slot);
    } else {
        restart(slot, Duration{0});
    }
    for (Queued& queued : elsewhere) place_again(entity, std::move(queued));
    return true;
}

void Entities::store(Slot& slot) {
    slot.phase = Phase::kStoring;
    slot.body = encode(slot.state);
    slot.least = watch_.newest(subjects::kStreamState);
    slot.current_at = clock_.steady();
    sync_points_.reached("H3");
    link_.publish({slot.subject, slot.body, {}, slot.sequence}, this, token_of(slot));
}

void Entities::on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) {
    Slot* slot = current(token);
    if (slot == nullptr) return;
    sync_points_.reached("H4");
    if (sequence) {
        ++counters_.publishes;
        ++counters_.decisions;
        watch_.stored(subjects::kStreamState, slot->least, *sequence);
        slot->sequence = *sequence;
        slot->body.clear();
        for (std::size_t i = 0; i < slot->works.size(); ++i) {
            if (!slot->works[i].needs_link) continue;
            host_.on_linked(std::get<Change>(slot->inputs[i]).key, slot->key.entity);
        }
        release_keys(*slot);
        return publish_effects(*slot, std::move(slot->step.commands));
    }
    if (sequence.error().kind == ErrorKind::kTooLarge) return give_up(*slot, sequence.error());
    const bool conflict = sequence.error().kind == ErrorKind::kConflict;
    if (conflict) ++counters_.conflicts;
    // Whether it was stored after all shows when it is loaded: then the inputs are old news and
    // only the effects go out again.
    restart(*slot, conflict ? Duration{0} : options_.retry_wait);
}

void Entities::publish_effects(Slot& slot, std::vector<Command> commands) {
    slot.phase = Phase::kPublishing;
    const bool all = slot.step.changed || slot.step.replayed;
    slot.outstanding =
        commands.size() + slot.step.rechecked.size() + (all ? slot.state.outbox.size() : 0);
    if (slot.outstanding == 0) return finish(slot);
    sync_points_.reached("H5");
    publish_commands(slot, commands);
    publish_outgoing(slot, slot.step.rechecked);
    if (all) publish_outgoing(slot, slot.state.outbox);
}

void Entities::publish_commands(const Slot& slot, const std::vector<Command>& commands) {
    counters_.commands += commands.size();
    for (const Command& command : commands) {
        effects_.publish(subjects::command(command.platform, command.entity), wire::encode(command),
                         this, token_of(slot));
    }
}

void Entities::publish_outgoing(Slot& slot, const std::vector<EntityState::Outgoing>& messages) {
    const std::uint64_t token = token_of(slot);
    for (const EntityState::Outgoing& outgoing : messages) {
        if (outgoing.exception.empty()) {
            effects_.publish(subjects::log(slot.key), outgoing.body, this, token);
        } else {
            ++counters_.exceptions;
            slot.told.push_back(outgoing.exception);
            effects_.publish_last(subjects::exception(slot.key, outgoing.exception), outgoing.body,
                                  this, token);
        }
    }
}

// Best effort: a key left behind names an entity that no longer has it, and claiming it finds that
// out; see check_reservation().
void Entities::release_keys(const Slot& slot) {
    for (const Claim& claim : slot.step.releases) {
        const std::string subject = subjects::match_key(claim.object, claim.rule, claim.text);
        link_.get_last(subjects::kStreamState, subject,
                       [this, subject, entity = slot.key.entity](auto stored) {
                           if (!stored || !*stored || (*stored)->deleted) return;
                           const auto holder = decode_reference((*stored)->body);
                           if (!holder || *holder != entity) return;
                           link_.publish({subject, encode_reference({}), {}, (*stored)->sequence},
                                         reserving_.get(), 0);
                       });
    }
}

void Entities::on_delivered(std::uint64_t token) {
    Slot* slot = current(token);
    if (slot == nullptr) return;
    if (--slot->outstanding > 0) return;
    slot->delivered = true;
    recheck_late(*slot);
    if (slot->phase == Phase::kCatchingUp) return decide_now(*slot);
    finish(*slot);
}

// A hub that stood still between storing a state and telling of its exceptions may have told what
// another hub has changed since: it looks at the state again.
void Entities::recheck_late(Slot& slot) {
    const bool late = clock_.steady() - slot.current_at > kLate;
    for (std::string& exception : std::exchange(slot.told, {})) {
        if (!late) continue;
        slot.waiting.push_back({Recheck{std::move(exception)}, {slot.home, 0, 0}, 0, false, {}});
    }
}

void Entities::finish(Slot& slot) {
    sync_points_.reached("H6");
    slot.phase = Phase::kIdle;
    slot.checked = false;
    ++slot.attempt;
    --busy_;
    slot.idle = idle_.insert(idle_.end(), slot.index);
    std::vector<Queued> done = std::move(slot.works);
    slot.works.clear();
    slot.inputs.clear();
    slot.step = Step{};
    for (const Queued& queued : done) host_.on_done(queued.work);
    advance(slot);
    if (slots_.size() > options_.cache_entities) evict();
}

void Entities::restart(Slot& slot, Duration wait) {
    for (std::size_t i = slot.works.size(); i-- > 0;) {
        slot.works[i].input = std::move(slot.inputs[i]);
        slot.waiting.push_front(std::move(slot.works[i]));
    }
    slot.works.clear();
    slot.inputs.clear();
    slot.loaded = false;
    slot.phase = Phase::kWaiting;
    ++slot.attempt;
    retries_.push_back({clock_.steady() + wait, slot.index, slot.attempt});
}

void Entities::give_up(Slot& slot, const Error& error) {
    std::vector<Queued> lost;
    for (std::size_t i = 0; i < slot.works.size(); ++i) {
        slot.works[i].input = std::move(slot.inputs[i]);
        lost.push_back(std::move(slot.works[i]));
    }
    if (lost.empty()) {
        for (Queued& queued : slot.waiting) lost.push_back(std::move(queued));
        slot.waiting.clear();
    }
    slot.works.clear();
    slot.inputs.clear();
    slot.loaded = false;
    finish(slot);
    for (Queued& queued : lost) host_.on_undecidable(std::move(queued), error);
}

void Entities::tick() {
    if (retries_.empty() || !link_.connected()) return;
    const Duration now = clock_.steady();
    std::vector<Retry> due;
    std::erase_if(retries_, [&](const Retry& retry) {
        if (retry.due > now) return false;
        due.push_back(retry);
        return true;
    });
    for (const Retry& retry : due) {
        Slot& slot = *slab_[retry.index];
        if (slot.attempt != retry.attempt || slot.phase != Phase::kWaiting) continue;
        ++slot.attempt;
        load(slot);
    }
}

}  // namespace syncline::hub
