#include "hub/state_sweep.h"

#include <algorithm>

#include "hub/core/decide.h"
#include "hub/core/state_codec.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {

void StateSweep::tick() {
    if (!link_.connected()) return;
    if (states_) {
        const bool read = read_ || states_->caught_up();
        const bool checked =
            !exceptions_ || exceptions_->finished || exceptions_->reader->caught_up();
        if (read && checked && outstanding_ == 0) end();
        return;
    }
    const bool asked = !to_warm_.empty() || !to_check_.empty() || !to_heal_.empty() ||
                       !to_reconsider_.empty() || !to_look_.empty();
    if (asked) begin();
}

void StateSweep::begin() {
    ++sweep_;
    read_ = false;
    outstanding_ = 0;
    owed_ = 0;
    healing_ = std::exchange(to_heal_, {});
    checking_ = std::exchange(to_check_, {});
    reconsidering_ = std::exchange(to_reconsider_, {});
    looking_ = std::exchange(to_look_, {});
    for (const Partition partition : looking_) host_.on_look_begins(partition);
    std::set<Partition> wanted = std::exchange(to_warm_, {});
    wanted.insert(looking_.begin(), looking_.end());
    for (const auto& [partition, hold] : healing_) wanted.insert(partition);
    for (const auto& [partition, asked] : reconsidering_) wanted.insert(partition);
    nats::ConsumeSpec spec;
    spec.stream = subjects::kStreamState;
    spec.last_per_subject = true;
    for (const Partition partition : wanted) {
        spec.filters.push_back(subjects::entities_of(partition));
    }
    if (wanted.size() == partitions_) spec.filters = {subjects::all_entities()};
    states_end_ = watch_.info(subjects::kStreamState)->last_sequence;
    // A held partition has a mark, so there is something to read and the pass comes to its end.
    spec.filters.push_back(
        subjects::mark(wanted.empty() ? checking_.begin()->first : *wanted.begin()));
    states_ = link_.consume(std::move(spec), this);
    begin_exceptions();
}

void StateSweep::begin_exceptions() {
    const nats::StreamInfo& exceptions = *watch_.info(subjects::kStreamExceptions);
    if ((healing_.empty() && checking_.empty()) || exceptions.messages == 0) return;
    std::uint64_t since = healing_.empty() ? exceptions.last_sequence : 0;
    for (const auto& [partition, asked] : checking_) since = std::min(since, asked.open_since);
    nats::ConsumeSpec spec;
    spec.stream = subjects::kStreamExceptions;
    spec.last_per_subject = since == 0;
    spec.start_sequence = since + 1;
    spec.filters = {subjects::all_exceptions()};
    exceptions_ = std::make_unique<Exceptions>(*this, exceptions.last_sequence);
    exceptions_->reader = link_.consume(std::move(spec), exceptions_.get());
}

void StateSweep::check_new_exceptions(const std::vector<Partition>& held) {
    const std::uint64_t newest = watch_.newest(subjects::kStreamExceptions);
    for (const Partition partition : held) {
        const auto checked = checked_.find(partition);
        if (checked == checked_.end() || checked->second >= newest) continue;
        to_check_.try_emplace(partition, Checking{checked->second, checked->second});
    }
}

void StateSweep::end() {
    states_.reset();
    const std::uint64_t checked = exceptions_ ? exceptions_->last : 0;
    exceptions_.reset();
    for (const auto& [partition, asked] : std::exchange(checking_, {})) {
        checked_[partition] = checked;
    }
    for (const auto& [partition, hold] : std::exchange(healing_, {})) {
        checked_[partition] = checked;
        host_.on_healed(partition, hold);
    }
    for (const auto& [partition, asked] : std::exchange(reconsidering_, {})) {
        host_.on_reconsidered(partition, asked.hold, asked.version);
    }
    for (const Partition partition : std::exchange(looking_, {})) {
        host_.on_looked_through(partition);
    }
}

void StateSweep::start_over() {
    states_.reset();
    exceptions_.reset();
    checked_.clear();
    to_heal_.merge(healing_);
    healing_.clear();
    to_reconsider_.merge(reconsidering_);
    reconsidering_.clear();
    to_look_.merge(looking_);
    looking_.clear();
    to_check_.merge(checking_);
    checking_.clear();
}

void StateSweep::on_message(const nats::InMessage& message) {
    if (read_) return states_->processed(1);
    // A state that is stored anew meanwhile stands behind the end, and its decision tells only what
    // it has changed itself; the cache has it already.
    read_ = message.pending == 0 || (!is_thorough() && message.sequence >= states_end_);
    const bool entity = !message.deleted && subjects::parse_entity(message.subject).has_value();
    const bool room = !entity || host_.warm(message.sequence, message.body);
    if (!room && !is_thorough()) read_ = true;
    const std::uint64_t before = outstanding_;
    if (entity && is_thorough()) {
        if (const auto state = decode_entity(message.body)) look_at(*state, message.sequence);
    }
    if (outstanding_ == before) return states_->processed(1);
    ++owed_;  // So that what is under way stays bounded by the window.
}

void StateSweep::look_at(const EntityState& state, std::uint64_t sequence) {
    if (heals(state.key)) send_again(state);
    const Partition home = entity_partition(state.key, partitions_);
    if (looking_.contains(home)) host_.look(home, state);
    const auto asked = reconsidering_.find(home);
    if (asked == reconsidering_.end()) return;
    ++outstanding_;
    host_.reconsider(state, sequence, sweep_);
}

void StateSweep::send_again(const EntityState& state) {
    const Partition home = entity_partition(state.key, partitions_);
    const Context context{{}, home, host_.fence_of(home)};
    if (context.fence == 0) return;  // Lost meanwhile: who took it does this.
    for (const Command& command : pending_commands(state, context)) {
        ++outstanding_;
        effects_.publish(subjects::command(command.platform, command.entity), wire::encode(command),
                         this, sweep_);
    }
    const bool doubtful = host_.doubts_links();
    const bool open = !state.exceptions.empty() || !state.handovers.empty() || state.is_to_erase();
    if (open || doubtful) {
        ++outstanding_;
        host_.recheck(state.key, {.links = doubtful}, sweep_);
    }
}

void StateSweep::Exceptions::on_message(const nats::InMessage& message) {
    reader->processed(1);
    if (finished) return;  // What comes now is by the hubs of today, this pass included.
    finished = message.pending == 0 || message.sequence >= last;
    const auto exception = decode_exception(message.body);
    if (!exception) return;
    if (!is_held(exception->kind)) return sweep.host_.on_kept(*exception);
    if (!sweep.checks(exception->entity, exception->status, message.sequence)) return;
    sweep.recheck(exception->entity, exception->kind + "@" + exception->platform.text);
}

bool StateSweep::heals(const EntityKey& entity) const {
    return healing_.contains(entity_partition(entity, partitions_));
}

bool StateSweep::checks(const EntityKey& entity, ExceptionStatus status,
                        std::uint64_t sequence) const {
    const auto checking = checking_.find(entity_partition(entity, partitions_));
    const bool is_open = status == ExceptionStatus::kOpen;
    if (is_open && heals(entity)) return true;
    if (checking == checking_.end()) return false;
    const Checking& asked = checking->second;
    return sequence > (is_open ? asked.open_since : asked.closed_since);
}

void StateSweep::recheck(const EntityKey& entity, std::string exception) {
    ++outstanding_;
    host_.recheck(entity, {std::move(exception)}, sweep_);
}

void StateSweep::rechecked(std::uint64_t sweep) { on_delivered(sweep); }

void StateSweep::on_delivered(std::uint64_t token) {
    if (token != sweep_ || outstanding_ == 0 || --outstanding_ > 0) return;
    if (states_) states_->processed(std::exchange(owed_, 0));
}

}  // namespace syncline::hub
