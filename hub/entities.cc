#include "hub/entities.h"

#include <algorithm>
#include <utility>

#include "hub/core/event.h"
#include "hub/core/state_codec.h"
#include "hub/event_message.h"
#include "hub/spans.h"
#include "shared/base/log.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

bool only_reconsidered(const std::vector<Input>& inputs) {
    return std::ranges::all_of(
        inputs, [](const Input& input) { return std::holds_alternative<PolicyChanged>(input); });
}

}  // namespace

Entities::Entities(nats::Link& link, const Clock& clock, BrokerWatch& watch, Policies& policies,
                   const HubOptions& options, HubCounters& counters, SyncPoints& sync_points,
                   EntitiesHost& host, ReliablePublisher& effects)
    : link_(link),
      clock_(clock),
      watch_(watch),
      policies_(policies),
      options_(options),
      counters_(counters),
      sync_points_(sync_points),
      host_(host),
      effects_(effects),
      reserving_(std::make_unique<Reserving>(*this)) {}

Entities::~Entities() = default;

Entities::Slot* Entities::current(std::uint64_t token) const {
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

void Entities::drop_untold(Partition partition) {
    for (auto& slot : slab_) {
        const bool is_idle = slot->phase == Phase::kIdle && slot->waiting.empty();
        if (slot->home == partition && is_idle && !slot->delivered) slot->loaded = false;
    }
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
    passed_on_.clear();
    to_place_.clear();
    for (auto& slot : slab_) {
        if (slot->key.entity.empty()) continue;
        slot->loaded = false;
        slot->sequence = 0;
        if (slot->phase == Phase::kIdle) continue;
        slot->waiting.clear();
        slot->works.clear();
        slot->told.clear();
        abandon(*slot);
    }
}

void Entities::advance(Slot& slot) {
    if (slot.phase != Phase::kIdle || slot.waiting.empty()) return;
    idle_.erase(slot.idle);
    ++busy_;
    ++slot.attempt;
    slot.step = std::make_unique<Step>();
    // What is told must be the truth, not what this hub last knew of it.
    const bool recheck = std::holds_alternative<Recheck>(slot.waiting.front().input);
    const auto* changed = std::get_if<PolicyChanged>(&slot.waiting.front().input);
    const bool outdated = changed != nullptr && changed->stored > slot.sequence;
    if (!slot.loaded || recheck || outdated) return load(slot);
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
    const std::uint64_t before = slot.sequence;
    slot.state = EntityState{};
    slot.state.key = slot.key;
    slot.sequence = 0;
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
    slot.delivered = slot.delivered && slot.sequence == before;
    drop_verified(slot);
    if (slot.waiting.empty()) return finish(slot);
    catch_up(slot);
}

// What was told of the very state that is still the newest need not be told again.
void Entities::drop_verified(Slot& slot) {
    std::vector<WorkId> done;
    std::erase_if(slot.waiting, [&](const Queued& queued) {
        const auto* recheck = std::get_if<Recheck>(&queued.input);
        if (recheck == nullptr || recheck->told_of != slot.sequence) return false;
        done.push_back(queued.work);
        return true;
    });
    for (const WorkId& work : done) host_.on_done(work);
}

// Who stored the state may have died before its effects were out, and the next decision knows only
// its own.
void Entities::catch_up(Slot& slot) {
    if (slot.delivered) return decide_now(slot);
    const Context context = context_of(slot.waiting);
    std::vector<Command> commands = pending_commands(slot.state, context);
    slot.owes_commands = context.fence == 0 && !commands.empty();
    if (slot.owes_commands) commands.clear();
    slot.outstanding = commands.size() + slot.state.outbox.size();
    if (slot.outstanding == 0) return decide_now(slot);
    // A state of the warm-up is as of when its partition was taken; nobody else's is.
    const bool is_old = !commands.empty() || context.partition != slot.home;
    if (is_old && !slot.checked) return load(slot);
    slot.phase = Phase::kCatchingUp;
    publish_commands(slot, commands);
    publish_outgoing(slot, slot.state.outbox);
}

// Commands go out by the hold under which an input came in; what a hub asks itself has none.
Context Entities::context_of(const auto& inputs) const {
    const auto held = std::find_if(inputs.begin(), inputs.end(),
                                   [](const Queued& queued) { return queued.fence != 0; });
    const Queued& from = held == inputs.end() ? inputs.front() : *held;
    return {clock_.now(), from.work.partition, from.fence, {}, {}};
}

/// What the first input's place in the stream says, but never an older one than the state knows.
const Policy& Entities::policy_for(const Slot& slot) const {
    const Policy* by_place = slot.waiting.front().policy;
    const Policy& policy = by_place == nullptr ? policies_.newest() : *by_place;
    const bool knows = policy.object(slot.key.object) != nullptr;
    if (knows && policy.version >= slot.state.policy_version) return policy;
    const Policy* known = policies_.find(slot.state.policy_version);
    return known == nullptr ? policies_.newest() : *known;
}

/// False: nothing is to be decided now, and what is to happen instead is under way.
bool Entities::decidable(Slot& slot) {
    const Policy& policy = policy_for(slot);
    if (slot.state.policy_version > policy.version) {
        // Another hub has read further than this one: the version is on its way.
        policies_.expect(slot.state.policy_version);
        restart(slot, options_.retry_wait);
        return false;
    }
    if (policy.object(slot.key.object) != nullptr) return true;
    // The policy has dropped the object, and what is asked is ours: inputs are looked at before.
    slot.works.push_back(std::move(slot.waiting.front()));
    slot.waiting.pop_front();
    slot.inputs.emplace_back(std::exchange(slot.works.back().input, Operation{}));
    finish(slot);
    return false;
}

void Entities::reconsider(Slot& slot, Partition partition, std::uint64_t fence) {
    if (policies_.newest().object(slot.key.object) == nullptr) return;
    slot.waiting.push_back({.input = PolicyChanged{}, .work = {partition, 0, 0}, .fence = fence});
}

/// One of the inputs is done only after that: if this hub dies before, it comes again.
void Entities::reconsider_before_done(Slot& slot, std::vector<Queued>& done) {
    if (policies_.newest().object(slot.key.object) == nullptr || done.empty()) return;
    const auto held = std::ranges::find_if(done, [](const Queued& one) { return one.fence != 0; });
    const auto last = held == done.end() ? std::prev(held) : held;
    slot.waiting.push_back({.input = PolicyChanged{}, .work = last->work, .fence = last->fence});
    done.erase(last);
}

void Entities::reconsider_visited() {
    for (auto& slot : slab_) {
        if (!slot->visited_by || is_of(slot->state, policies_.newest())) continue;
        reconsider(*slot, slot->visited_by->partition, slot->visited_by->fence);
        advance(*slot);
    }
}

void Entities::decide_now(Slot& slot) {
    if (!decidable(slot)) return;
    // What is passed on is not stored, so that nothing would say that another hub knows better.
    if (!slot.checked && passes_on(slot)) return load(slot);
    const Policy& policy = policy_for(slot);
    slot.inputs.clear();
    slot.works.clear();
    while (!slot.waiting.empty()) {
        Queued& queued = slot.waiting.front();
        // Who was invited is decided with who invited it, by the policy of that.
        if (slot.inputs.size() >= options_.fold_max && !queued.awaited) break;
        // It is about the stored state, which this one may not be.
        if (std::holds_alternative<Recheck>(queued.input) && !slot.checked) break;
        const bool later = queued.policy != nullptr && queued.policy->version > policy.version;
        if (later && !queued.awaited) break;
        if (pass_on(slot, queued)) {
            slot.waiting.pop_front();
            continue;
        }
        slot.inputs.push_back(std::move(queued.input));
        queued.input = Operation{};
        slot.works.push_back(std::move(queued));
        slot.waiting.pop_front();
        // What follows may be another entity's by then.
        const auto* operation = std::get_if<Operation>(&slot.inputs.back());
        if (operation != nullptr && is_about_identity(operation->kind)) break;
    }
    if (slot.inputs.empty()) return finish(slot);
    sync_points_.reached("H2");
    Context context = context_of(slot.works);
    // A new entity gives way instead of living without its key, unless a person has founded it.
    if (!slot.state.is_unknown() || insists(slot.works)) {
        context.foreign_keys = slot.foreign_keys;
        context.foreign_records = slot.foreign_records;
    }
    const bool newest = policy.version >= policies_.newest().version;
    slot.reconsiders = !newest && host_.is_reconsidered(slot.home);
    slot.visited_by.reset();
    if (context.partition != slot.home) slot.visited_by = {context.partition, context.fence};
    // Where nothing changes nothing is stored, and what is not stored must leave no trace: what the
    // log says of the inputs is all that the state comes from.
    std::optional<EntityState> before;
    if (slot.checked || only_reconsidered(slot.inputs)) before = slot.state;
    *slot.step = decide(policy, std::move(slot.state), slot.inputs, context);
    slot.state = std::move(slot.step->next);
    if (before && !slot.step->changed) slot.state = *std::move(before);
    for (const auto& [platform, epoch] : slot.step->epochs) host_.on_later_epoch(platform, epoch);
    // A change is stored by compare-and-set; that there is none has no such guard, and another hub
    // may have changed the state since; by a policy of its own time, which it sees to itself.
    if (!slot.step->changed && !before) return restart(slot, Duration{0});
    // Whoever told it as another entity's has missed whose it is, also if it tells nothing new.
    const bool links =
        !slot.step->links.empty() || std::ranges::any_of(slot.works, &Queued::needs_link);
    if (slot.step->changed || links) return reserve_all(slot);
    ++(slot.step->replayed ? counters_.replays : counters_.quiet);
    publish_effects(slot, std::move(slot.step->commands));
}

void Entities::store(Slot& slot) {
    slot.phase = Phase::kStoring;
    slot.body = encode(slot.state);
    slot.least = watch_.newest(subjects::kStreamState);
    slot.delivered = false;
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
        if (options_.spans != nullptr && slot->step->changed) {
            trace_decision(*options_.spans, slot->step->log, slot->inputs, clock_.now());
        }
        for (const ExceptionEvent& event : slot->step->exceptions) {
            counters_.count(event.kind, event.severity, event.what);
        }
        tell_links(*slot);
        release_keys(*slot);
        return publish_effects(*slot, std::move(slot->step->commands));
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
    const bool all = slot.step->changed || slot.step->replayed;
    slot.outstanding = commands.size() + slot.step->rechecked.size() + slot.step->answers.size() +
                       (all ? slot.state.outbox.size() : 0);
    if (slot.outstanding == 0) return finish(slot);
    sync_points_.reached("H5");
    publish_commands(slot, commands);
    for (const WriteAnswer& answer : slot.step->answers) {
        host_.on_written(answer, this, token_of(slot));
    }
    publish_outgoing(slot, slot.step->rechecked);
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
        using What = EntityState::Outgoing::What;
        if (outgoing.what != What::kStatus) {
            // The log entry follows always, so that something is outstanding still.
            const bool out = outgoing.what == What::kEvent ? tell_event(outgoing.body, token)
                                                           : tell_start(outgoing.body, token);
            if (!out) --slot.outstanding;
        } else if (outgoing.exception.empty()) {
            effects_.publish(subjects::log(slot.key), outgoing.body, this, token);
        } else {
            ++counters_.exceptions;
            slot.told.push_back(outgoing.exception);
            effects_.publish_last(subjects::exception(slot.key, outgoing.exception), outgoing.body,
                                  this, token);
        }
    }
}

bool Entities::tell_event(const std::string& body, std::uint64_t token) {
    const auto event = decode_event(body);
    if (!event) {  // Of a state that a later version of this program has written.
        log::error("an event in an entity's state can not be read", {{"error", event.error()}});
        return false;
    }
    ++counters_.events;
    EventMessage message = message_of(*event);
    effects_.publish_first(std::move(message.subject), std::move(message.body),
                           std::move(message.headers), this, token);
    return true;
}

bool Entities::tell_start(const std::string& body, std::uint64_t token) {
    const auto start = decode_start(body);
    if (!start) {
        log::error("what a change begins can not be read", {{"error", start.error()}});
        return false;
    }
    host_.on_start(*start, this, token);
    return true;
}

void Entities::on_delivered(std::uint64_t token) {
    Slot* slot = current(token);
    if (slot == nullptr) return;
    if (--slot->outstanding > 0) return;
    slot->delivered = !slot->owes_commands;
    verify_told(*slot);
    if (slot->phase != Phase::kCatchingUp) return finish(*slot);
    // What came meanwhile may have the hold by which they can be.
    if (slot->owes_commands && context_of(slot->waiting).fence != 0) return catch_up(*slot);
    decide_now(*slot);
}

// An exception that is told again, since it was looked at, mostly says what is there.
bool Entities::may_replace(std::uint64_t, std::string_view ours, std::string_view theirs) const {
    auto own = decode_exception(ours);
    auto other = decode_exception(theirs);
    if (!own || !other || own->status != other->status) return true;
    if (own->status != ExceptionStatus::kOpen) {
        return !own->closing.empty() && own->closing != other->closing;
    }
    other->updated_at = own->updated_at;
    return *own != *other;
}

// Another hub may have changed the state, and told of it, before what was told here was out.
void Entities::verify_told(Slot& slot) {
    for (std::string& exception : std::exchange(slot.told, {})) {
        slot.waiting.push_back(
            {.input = Recheck{std::move(exception), slot.sequence}, .work = {slot.home, 0, 0}});
    }
}

void Entities::finish(Slot& slot) {
    sync_points_.reached("H6");
    slot.phase = Phase::kIdle;
    slot.checked = false;
    ++slot.attempt;
    --busy_;
    slot.idle = idle_.insert(idle_.end(), slot.index);
    for (std::size_t i = 0; i < slot.works.size(); ++i) settle(slot.works[i], slot.inputs[i]);
    std::vector<Queued> done = std::move(slot.works);
    for (std::size_t i = done.size(); i-- > 0;) {
        const bool on = goes_on(slot.key, done[i], slot.inputs[i], slot.step->handovers);
        const bool erases = !on && slot.loaded && slot.state.is_to_erase();
        if (erases) {
            host_.on_to_erase(
                slot.state, slot.sequence,
                {.work = done[i].work, .fence = done[i].fence, .policy = done[i].policy});
        }
        if (on || erases) done.erase(done.begin() + static_cast<std::ptrdiff_t>(i));
    }
    hand_over(slot, std::move(slot.step->handovers));
    slot.absent.clear();
    slot.foreign_keys.reset();
    slot.foreign_records.clear();
    // Idle ones are many: what is of no use until the next decision is given back.
    slot.works = std::vector<Queued>{};
    slot.inputs = std::vector<Input>{};
    std::string{}.swap(slot.body);
    slot.step.reset();
    if (std::exchange(slot.reconsiders, false)) reconsider_before_done(slot, done);
    for (const Queued& queued : done) host_.on_done(queued.work);
    advance(slot);
    if (slots_.size() > options_.cache_entities) evict();
}

/// What was decided is not stored, so nothing of it is told.
void Entities::abandon(Slot& slot) {
    *slot.step = Step{};
    slot.loaded = false;
    finish(slot);
}

void Entities::restart(Slot& slot, Duration wait) {
    *slot.step = Step{};
    for (std::size_t i = slot.works.size(); i-- > 0;) {
        slot.works[i].input = std::move(slot.inputs[i]);
        slot.waiting.push_front(std::move(slot.works[i]));
    }
    slot.works.clear();
    slot.inputs.clear();
    // What was on its way may have arrived, of a state that is lost by now.
    for (std::string& exception : std::exchange(slot.told, {})) {
        slot.waiting.push_back(
            {.input = Recheck{std::move(exception), {}}, .work = {slot.home, 0, 0}});
    }
    slot.foreign_keys.reset();
    slot.foreign_records.clear();
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
    abandon(slot);
    for (Queued& queued : lost) {
        settle(queued, queued.input);
        host_.on_undecidable(std::move(queued), error);
    }
}

void Entities::settle(const Queued& queued, const Input& input) {
    if (queued.needs_link) host_.on_settled(std::get<Change>(input).key);
}

void Entities::tick() {
    submit_passed_on();
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
