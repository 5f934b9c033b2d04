#include "hub/instances.h"

#include <algorithm>

#include "hub/core/state_codec.h"
#include "hub/event_message.h"
#include "hub/spans.h"
#include "hub/workflow/instance_codec.h"
#include "shared/base/log.h"
#include "shared/nats/jetstream_api.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

/// Instances whose state stays in memory when nothing is to be done.
constexpr std::size_t kIdleMost = 8'192;
/// So many timers fire in one turn of the loop, and so many states are healed.
constexpr std::size_t kTicksAtOnce = 1'000;
constexpr std::size_t kHealsAtOnce = 100;

/// When a timer that has changed nothing fires again.
constexpr Duration kTimerAgain = std::chrono::seconds{5};
/// Messages under way beyond which no more timers fire.
constexpr std::size_t kInFlightMost = 4'096;
/// An event counts from the start of the instance on, as far as two clocks agree.
constexpr Duration kEventSlack = std::chrono::seconds{5};

bool migrates(const workflow::Input& input) {
    const auto* acted = std::get_if<workflow::Acted>(&input.what);
    return acted != nullptr && acted->what == workflow::Acted::What::kMigrate;
}

}  // namespace

Instances::~Instances() = default;

Instances::Slot* Instances::current(std::uint64_t token) const {
    const auto index = static_cast<std::size_t>(token >> 32);
    if (index >= slab_.size()) return nullptr;
    Slot* slot = slab_[index].get();
    return slot->attempt == static_cast<std::uint32_t>(token) ? slot : nullptr;
}

Instances::Slot& Instances::find_or_make(const std::string& id) {
    if (const auto known = slots_.find(id); known != slots_.end()) return *slab_[known->second];
    std::uint32_t index = 0;
    if (free_.empty()) {
        index = static_cast<std::uint32_t>(slab_.size());
        slab_.push_back(std::make_unique<Slot>());
    } else {
        index = free_.back();
        free_.pop_back();
    }
    Slot& slot = *slab_[index];
    const std::uint32_t attempt = slot.attempt + 1;
    slot = Slot{};
    slot.attempt = attempt;
    slot.index = index;
    slot.id = id;
    slot.home = home_of(id);
    slot.subject = subjects::instance(id, slot.home);
    slot.idle = idle_.insert(idle_.end(), index);
    slots_.emplace(id, index);
    return slot;
}

void Instances::evict() {
    while (idle_.size() > kIdleMost) {
        Slot& slot = *slab_[idle_.front()];
        idle_.pop_front();
        slots_.erase(slot.id);
        ++slot.attempt;
        slot.state = workflow::Instance{};
        free_.push_back(slot.index);
    }
}

void Instances::submit(workflow::Message message, Done done) {
    if (!message.fault.empty())
        return keep(message, exceptions::kNotStarted, message.fault, std::move(done));
    Slot& slot = find_or_make(message.instance);
    const bool event = std::holds_alternative<workflow::EventArrived>(message.input.what);
    slot.waiting.push_back({std::move(message), std::move(done), false, false, event});
    advance(slot);
}

void Instances::advance(Slot& slot) {
    if (slot.phase != Phase::kIdle || slot.waiting.empty()) return;
    idle_.erase(slot.idle);
    ++busy_;
    ++slot.attempt;
    if (!slot.loaded) return load_state(slot);
    decide_now(slot);
}

void Instances::load_state(Slot& slot) {
    slot.phase = Phase::kLoading;
    ++p_.counters.loads;
    p_.link.get_last(subjects::kStreamState, slot.subject,
                     [this, token = token_of(slot)](auto stored) {
                         if (Slot* asked = current(token)) loaded(*asked, std::move(stored));
                     });
}

void Instances::loaded(Slot& slot, Result<std::optional<nats::StoredMessage>> stored) {
    if (!stored) return restart(slot, p_.options.retry_wait);
    slot.state = workflow::Instance{};
    slot.sequence = 0;
    if (*stored) {
        slot.sequence = (*stored)->sequence;
        auto state = workflow::decode_instance((*stored)->body);
        if (!state) {
            return give_up(slot, fail(state.error(),
                                      slot.subject + " sequence " + std::to_string(slot.sequence))
                                     .error());
        }
        slot.state = *std::move(state);
    }
    slot.loaded = true;
    slot.told = slot.state.revision == 0;
    if (slot.waiting.empty()) return finish(slot);
    // An event comes by another stream than what was decided before: that may not be told yet.
    const bool before = !slot.told && std::ranges::any_of(slot.waiting, &Queued::event);
    if (!before) return decide_now(slot);
    slot.phase = Phase::kCatchingUp;
    slot.again = true;
    publish_effects(slot, slot.state.outbox.effects, &slot.state.outbox.log);
}

/// By which its next inputs are decided; null: it has to be read first.
const Policy* Instances::policy_of(const Slot& slot) {
    const Policy& newest = p_.policies.newest();
    if (slot.state.revision == 0) return &newest;
    if (!slot.waiting.empty() && migrates(slot.waiting.front().message.input)) return &newest;
    const Workflow* workflow = newest.workflow(slot.state.workflow);
    if (workflow != nullptr && workflow->hash == slot.state.definition) return &newest;
    if (slot.state.policy == 0 || workflow::is_end(slot.state.status)) return &newest;
    return p_.policies.need(slot.state.policy);
}

/// The next inputs that one policy rules.
void Instances::take_waiting(Slot& slot) {
    slot.works.clear();
    slot.inputs.clear();
    const Timestamp now = p_.time.now();
    // Until it is certain that the newest step is told, what follows must not take its place.
    const std::size_t most = slot.told ? p_.options.fold_max : 1;
    while (!slot.waiting.empty() && slot.works.size() < most) {
        Queued& next = slot.waiting.front();
        const bool alone = next.heals || migrates(next.message.input);
        if (alone && !slot.works.empty()) break;
        const bool before = next.event && next.message.input.at != Timestamp{} &&
                            next.message.input.at + kEventSlack < slot.state.started_at;
        if (!next.heals && !before) {
            slot.inputs.push_back(next.message.input);
            fill_in(slot.inputs.back(), now);
        }
        slot.works.push_back(std::move(next));
        slot.waiting.pop_front();
        if (alone) break;
    }
}

/// What only a hub can say: when it is, and who is who by the policy in force.
void Instances::fill_in(workflow::Input& input, Timestamp now) const {
    input.at = now;
    auto* decision = std::get_if<workflow::Decision>(&input.what);
    if (decision == nullptr) return;
    decision->roles.clear();
    for (const auto& [role, people] : p_.policies.newest().roles) {
        const bool has = std::ranges::find(people, decision->who) != people.end();
        if (has) decision->roles.push_back(role);
    }
}

workflow::Context Instances::context_of() const {
    workflow::Context context;
    for (const Delegation& one : p_.policies.newest().delegations) {
        if (one.until != Timestamp{} && one.until < p_.time.now()) continue;
        context.delegations.push_back(one);
    }
    return context;
}

void Instances::decide_now(Slot& slot) {
    if (!slot.loaded) return restart(slot, Duration{0});
    const Policy* policy = policy_of(slot);
    if (policy == nullptr) return restart(slot, p_.options.retry_wait);
    take_waiting(slot);
    p_.sync_points.reached("H2");
    if (slot.works.front().heals) {
        slot.step = workflow::Step{};
        slot.awaited.clear();
        workflow::Effects effects = slot.state.outbox.effects;
        std::ranges::move(workflow::standing(*policy, slot.state), std::back_inserter(effects));
        slot.phase = Phase::kPublishing;
        slot.again = slot.standing = true;
        return publish_effects(slot, effects, &slot.state.outbox.log);
    }
    slot.awaited = slot.state.awaits;
    slot.step = workflow::decide(*policy, std::move(slot.state), slot.inputs, context_of());
    slot.state = std::move(slot.step.next);
    if (slot.step.replayed) slot.awaited.clear();
    if (slot.step.changed) return store(slot);
    if (is_to_compact(slot)) {
        slot.state = workflow::compact(slot.state);
        return store(slot);
    }
    ++(slot.step.replayed ? p_.counters.replays : p_.counters.quiet);
    note(slot);
    slot.phase = Phase::kPublishing;
    slot.again = slot.step.replayed;
    publish_effects(slot, slot.step.effects, slot.step.replayed ? &slot.step.log : nullptr);
}

void Instances::store(Slot& slot) {
    slot.phase = Phase::kStoring;
    slot.told = false;
    slot.least = p_.watch.newest(subjects::kStreamState);
    const std::string body = workflow::encode(slot.state);
    p_.sync_points.reached("H3");
    p_.link.publish({slot.subject, body, {}, slot.sequence}, this, token_of(slot));
}

void Instances::on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) {
    Slot* slot = current(token);
    if (slot == nullptr) return;
    p_.sync_points.reached("H4");
    if (sequence) return stored(*slot, *sequence);
    if (sequence.error().kind == ErrorKind::kTooLarge) return give_up(*slot, sequence.error());
    const bool conflict = sequence.error().kind == ErrorKind::kConflict;
    if (conflict) ++p_.counters.conflicts;
    // Whether it was stored after all shows when it is loaded: the inputs are known again then.
    restart(*slot, conflict ? Duration{0} : p_.options.retry_wait);
}

void Instances::stored(Slot& slot, std::uint64_t sequence) {
    ++p_.counters.publishes;
    ++p_.counters.decisions;
    p_.watch.stored(subjects::kStreamState, slot.least, sequence);
    slot.sequence = sequence;
    note(slot);
    if (slot.state.compacted) purge(slot);
    if (p_.options.spans != nullptr && slot.step.changed) {
        trace_step(*p_.options.spans, slot.state, slot.step.log, p_.clock.now());
    }
    slot.phase = Phase::kPublishing;
    publish_effects(slot, slot.step.effects, slot.step.changed ? &slot.step.log : nullptr);
}

/// What it waits for by now.
void Instances::note(const Slot& slot) {
    const Partition home = slot.home;
    const bool held = loaded_.contains(home) || loading_.contains(home) || to_load_.contains(home);
    if (!held) return;
    Timestamp due = due_of(slot.state);
    // What was due and has changed nothing, as of a definition that is not there, waits a while.
    const bool moves = slot.step.changed || slot.state.compacted;
    if (!moves && due != Timestamp{}) due = std::max(due, p_.time.now() + kTimerAgain);
    index_.set(slot.id, home, due, slot.state.awaits);
}

/// An ended one is looked at again when nobody needs all of it any more.
Timestamp Instances::due_of(const workflow::Instance& state) const {
    if (!workflow::is_end(state.status)) return workflow::next_due(state).value_or(Timestamp{});
    if (state.compacted) return {};
    return state.clock + (state.parent.empty() ? p_.options.keep_ended : p_.options.keep_children);
}

bool Instances::is_to_compact(const Slot& slot) const {
    const bool ended = workflow::is_end(slot.state.status) && !slot.state.compacted;
    return ended && !slot.inputs.empty() && due_of(slot.state) <= slot.inputs.back().at;
}

/// Who has done what it asked for knows that by itself.
void Instances::purge(const Slot& slot) {
    for (const auto& [stream, filter] :
         {std::pair{subjects::kStreamCommands, subjects::operation_calls_of(slot.id)},
          std::pair{subjects::kStreamState, subjects::approvals_of(slot.id)}}) {
        const auto request = nats::api::purge(stream, filter);
        p_.link.send(request.subject, request.body);
    }
}

void Instances::publish_effects(Slot& slot, const workflow::Effects& effects,
                                const workflow::LogEntry* entry) {
    p_.sync_points.reached("H5");
    slot.outstanding = 1;
    for (const workflow::Effect& effect : effects) publish(slot, effect);
    slot.again = slot.standing = false;
    if (entry != nullptr && entry->revision > 0) {
        ++slot.outstanding;
        p_.effects.publish(subjects::log(workflow::entity_of(slot.id)), workflow::encode(*entry),
                           this, token_of(slot));
    }
    effect_out(slot);
}

void Instances::on_delivered(std::uint64_t token) {
    if (Slot* slot = current(token)) effect_out(*slot);
}

void Instances::effect_out(Slot& slot) {
    if (--slot.outstanding > 0) return;
    if (slot.phase == Phase::kLooking) return finish(slot);
    // It is out: an input that comes once more has nothing published again. Else two instances that
    // tell each other would go on for ever. An input that changed nothing says nothing of that.
    if (slot.phase == Phase::kCatchingUp || slot.step.changed || slot.step.replayed ||
        slot.works.front().heals) {
        slot.told = true;
        slot.state = workflow::without_outbox(std::move(slot.state));
    }
    if (slot.phase == Phase::kCatchingUp) return decide_now(slot);
    look_for_events(slot);
}

/// One that was told after the instance began, and before it was known to wait for it, counts.
void Instances::look_for_events(Slot& slot) {
    slot.phase = Phase::kLooking;
    slot.outstanding = 1;
    for (const InstanceIndex::Event& event : slot.state.awaits) {
        const bool known = std::ranges::find(slot.awaited, event) != slot.awaited.end();
        if (!known) look_for(slot, event);
    }
    effect_out(slot);
}

void Instances::look_for(Slot& slot, const InstanceIndex::Event& event) {
    const auto dot = event.first.find('.');
    if (dot == std::string::npos) return;
    ++slot.outstanding;
    const ObjectName object{event.first.substr(0, dot)};
    p_.link.get_last(
        subjects::kStreamEvents,
        subjects::events_of(object, event.first.substr(dot + 1), event.second),
        [this, token = token_of(slot), event](const auto& found) {
            Slot* asked = current(token);
            if (asked == nullptr) return;
            if (!found) return restart(*asked, p_.options.retry_wait);
            if (*found && (*found)->stored_at + kEventSlack >= asked->state.started_at) {
                // Done with what has made the instance wait for it.
                asked->waiting.push_front(
                    {.message = event_message(asked->id, (*found)->subject, (*found)->body),
                     .done = {},
                     .event = true});
            }
            effect_out(*asked);
        });
}

workflow::Message Instances::event_message(const std::string& instance, std::string_view subject,
                                           std::string_view body) const {
    workflow::Message message{.instance = instance, .asker = {}, .input = {}};
    message.input.id = "event/" + std::string{subject};
    workflow::EventArrived arrived;
    if (auto told = read_event(p_.policies.newest(), subject, body)) {
        arrived = {std::move(told->name), std::move(told->key), std::move(told->fields)};
    } else {
        log::error("an event cannot be read", {{"subject", subject}, {"error", told.error()}});
    }
    message.input.what = std::move(arrived);
    return message;
}

void Instances::finish(Slot& slot) {
    p_.sync_points.reached("H6");
    slot.phase = Phase::kIdle;
    ++slot.attempt;
    --busy_;
    slot.idle = idle_.insert(idle_.end(), slot.index);
    slot.step = workflow::Step{};
    slot.inputs.clear();
    std::vector<Queued> works = std::move(slot.works);
    slot.works.clear();
    for (const Queued& work : works) {
        if (work.answered || work.heals) continue;
        answer(work, {.what = workflow::Told::What::kStarted,
                      .to = work.message.input.id,
                      .key = slot.id,
                      .status = slot.state.status,
                      .text = slot.state.reason});
    }
    // An event that was found is to be decided first: a crash would have nobody look for it again.
    const bool found =
        !slot.waiting.empty() && slot.waiting.front().event && !slot.waiting.front().done;
    auto all_done = [works = std::move(works)] {
        for (const Queued& work : works) {
            if (work.done) work.done();
        }
    };
    if (found) {
        slot.waiting.front().done = std::move(all_done);
    } else {
        all_done();
    }
    advance(slot);
    evict();
}

void Instances::restart(Slot& slot, Duration wait) {
    for (std::size_t i = slot.works.size(); i-- > 0;) {
        slot.waiting.push_front(std::move(slot.works[i]));
    }
    slot.works.clear();
    slot.inputs.clear();
    slot.loaded = false;
    slot.phase = Phase::kWaiting;
    ++slot.attempt;
    retries_.push_back({p_.clock.steady() + wait, slot.index, slot.attempt});
}

/// Its state cannot be read or stored. What came for it is kept.
void Instances::give_up(Slot& slot, const Error& error) {
    log::error("an instance of a workflow cannot be decided",
               {{"instance", slot.id}, {"error", error}});
    std::vector<Queued> lost = std::move(slot.works);
    for (Queued& queued : slot.waiting) lost.push_back(std::move(queued));
    slot.works.clear();
    slot.waiting.clear();
    slot.loaded = false;
    finish(slot);
    for (Queued& queued : lost) {
        if (queued.heals || !queued.done) continue;
        keep(queued.message, exceptions::kNotStarted, error.what, std::move(queued.done));
    }
}

// ---- What instances wait for. -----------------------------------------------------------------

void Instances::load(Partition partition, bool heal) {
    to_load_[partition] = to_load_[partition] || heal;
    loaded_.erase(partition);
    // What is in memory, or was asked for, may be of an earlier time, also where a step of that
    // time is still being told: an input that changes nothing would be taken for done.
    for (const auto& [id, index] : slots_) {
        Slot& slot = *slab_[index];
        if (slot.home != partition) continue;
        slot.loaded = false;
        if (slot.phase == Phase::kLoading) restart(slot, Duration{0});
    }
}

void Instances::keep_only(const std::set<Partition>& held) {
    const auto is_lost = [&](const auto& entry) { return !held.contains(entry.first); };
    std::erase_if(to_load_, is_lost);
    std::set<Partition> lost;
    for (const auto& [partition, heal] : loading_) {
        if (!held.contains(partition)) lost.insert(partition);
    }
    for (const Partition partition : loaded_) {
        if (!held.contains(partition)) lost.insert(partition);
    }
    for (const Partition partition : lost) {
        loaded_.erase(partition);
        loading_.erase(partition);
        index_.drop(partition);
    }
}

void Instances::start_loading() {
    loading_ = std::exchange(to_load_, {});
    nats::ConsumeSpec spec;
    spec.stream = subjects::kStreamState;
    spec.last_per_subject = true;
    for (const auto& [partition, heal] : loading_) {
        spec.filters.push_back(subjects::instances_of(partition));
    }
    if (loading_.size() == p_.options.partitions) spec.filters = {subjects::all_instances()};
    loader_ = p_.link.consume(std::move(spec), this);
}

void Instances::on_message(const nats::InMessage& message) {
    loader_->processed(1);
    if (message.deleted) return;
    const auto state = workflow::decode_instance(message.body);
    if (!state) return;  // It is told when something is to be done about it.
    const Partition home = home_of(state->id);
    const auto loading = loading_.find(home);
    if (loading == loading_.end()) return;
    // One that was stored since says by itself what it waits for. One that stands at just this
    // state may have said so before the partition was ours.
    const auto known = slots_.find(state->id);
    const bool newer = known != slots_.end() && slab_[known->second]->sequence > message.sequence;
    if (!newer) index_.set(state->id, home, due_of(*state), state->awaits);
    if (loading->second) to_heal_.push_back(state->id);
}

void Instances::forget_all() {
    for (const auto& [id, index] : slots_) {
        ++slab_[index]->attempt;
        *slab_[index] = Slot{.attempt = slab_[index]->attempt, .index = index};
        free_.push_back(index);
    }
    slots_.clear();
    idle_.clear();
    retries_.clear();
    busy_ = 0;
    index_.clear();
    loader_.reset();
    to_load_.clear();
    loading_.clear();
    loaded_.clear();
    to_heal_.clear();
}

void Instances::tick() {
    if (!p_.link.connected()) return;
    if (loader_ && loader_->caught_up()) {
        loader_.reset();
        for (const auto& [partition, heal] : std::exchange(loading_, {})) {
            loaded_.insert(partition);
        }
    }
    if (!loader_ && !to_load_.empty()) start_loading();
    for (std::size_t i = 0; i < kHealsAtOnce && !to_heal_.empty(); ++i) {
        Slot& slot = find_or_make(to_heal_.front());
        to_heal_.pop_front();
        slot.waiting.push_back({.message = {}, .done = {}, .heals = true});
        advance(slot);
    }
    const std::size_t ticks = p_.effects.in_flight() < kInFlightMost ? kTicksAtOnce : 0;
    for (const InstanceIndex::Due& due : index_.take_due(p_.time.now(), ticks)) {
        ++p_.counters.timers;
        send({.instance = due.instance,
              .asker = {},
              .input = {"tick/" + std::to_string(due.due.ns), {}, workflow::Tick{}}});
    }
    const Duration now = p_.clock.steady();
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
        load_state(slot);
    }
}

void Instances::send(const workflow::Message& message, DeliverySink* sink, std::uint64_t token) {
    p_.effects.publish(subjects::instance_input(home_of(message.instance), message.instance),
                       workflow::encode(message), sink, token);
}

}  // namespace syncline::hub
