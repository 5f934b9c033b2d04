#include <algorithm>
#include <iterator>

#include "agent/commands.h"

// Which command is admitted, and which is sent, and when. What was admitted is stored before it is
// sent; while that is done others are under way.

namespace syncline::agent {

bool Commands::may_start() const {
    // Changes fill less of the spool, so there is room for the outcome of what is started.
    const std::uint64_t limit = p_.settings.spool.bytes / 32 * 31;
    return p_.store.partitions() > 0 && !p_.commits.blocked() && p_.store.waiting_bytes() < limit;
}

/// While it is not known whether the platform is well, one command at a time tries.
bool Commands::probes(Duration now) const {
    return p_.gate.breaker().state(now) != Breaker::State::kClosed;
}

bool Commands::may_call(Duration now) const {
    return probes(now) ? busy_ == 0 : calls_ < in_flight_max_;
}

/// As many as may be called once that is stored, or as go into one call.
bool Commands::may_admit(Duration now) const {
    return probes(now) ? busy_ == 0 : admitting_ < std::max(in_flight_max_, batch_max_);
}

bool Commands::may_subscribe() const { return started_ && !subscription_ && p_.link.connected(); }

bool Commands::is_shunned(const EntityKey& entity, Duration now) const {
    return shunned_ == entity && now < shunned_until_ &&
           p_.gate.breaker().state(now) != Breaker::State::kClosed;
}

void Commands::pump() {
    const Duration at = now();
    if (at >= save_position_at_) {
        save_position_at_ = kNever;
        if (position() != saved_position_) {
            p_.commits.add([this](Transaction& transaction) { save_position(transaction); },
                           [this] {
                               saved_position_ = written_position_;
                               p_.environment.after("C7");
                           });
        }
    }
    if (p_.gate.breaker().state(at) == Breaker::State::kOpen) {
        if (subscription_) suspend();
        return;
    }
    if (!p_.intake.is_acquainted()) {
        if (subscription_) suspend();
    } else if (may_subscribe() && at >= quiet_until_) {
        subscribe();
    }
    batch_max_ = p_.executor.traits().batch_max;
    in_flight_max_ = lookahead_.in_flight_max(p_.gate.concurrency());
    // A platform that said it was too much is asked for no more than it bears.
    const bool reduced = p_.gate.concurrency() < p_.settings.writing.concurrency;
    if (reduced) in_flight_max_ = p_.gate.concurrency();
    while (may_start() && p_.gate.next_call(QuotaLane::kCommand, at) <= at && start_next(at)) {
    }
}

Duration Commands::next_deadline() const {
    const Duration at = now();
    Duration next = save_position_at_;
    const Breaker& breaker = p_.gate.breaker();
    if (breaker.state(at) == Breaker::State::kOpen) {
        return subscription_ ? at : std::min(next, breaker.open_until());
    }
    if (p_.intake.was_acquainted() ? may_subscribe() : subscription_ != nullptr) {
        next = std::min(next, std::max(at, quiet_until_));
    }
    if (!may_start()) return next;
    const Duration call = p_.gate.next_call(QuotaLane::kCommand, at);
    const auto consider = [&](const EntityKey& entity, Duration due) {
        const Duration allowed = is_shunned(entity, at) ? shunned_until_ : due;
        next = std::min(next, std::max({due, allowed, call}));
    };
    if (may_call(at)) {
        for (const auto& [due, entity] : due_) {
            if (due > next) break;
            consider(entity, due);
        }
    }
    if (!may_admit(at) || is_behind(at)) return next;
    for (const EntityKey& entity : ready_) {
        consider(entity, at);
        if (next <= at) break;
    }
    return next;
}

/// Does what is admitted wait for calls to be answered, and is it as much as goes into one? Then
/// nothing more is.
bool Commands::is_behind(Duration at) const {
    if (may_call(at) || due_.size() < batch_max_) return false;
    return std::next(due_.begin(), static_cast<std::ptrdiff_t>(batch_max_) - 1)->first <= at;
}

bool Commands::is_overtaken(const Slot& slot) {
    const Job& job = *slot.running;
    return slot.waiting && slot.waiting->command.generation > job.command.generation &&
           !job.guarded && !job.doubt && !job.written;
}

bool Commands::start_next(Duration at) {
    if (is_behind(at)) return false;
    for (const auto& [due, entity] : due_) {
        if (due > at || !may_call(at)) break;
        if (is_shunned(entity, at)) continue;
        const Slot& slot = slots_.at(entity);
        const JobPtr job = slot.running;
        due_.erase({due, entity});
        job->due = kNever;
        if (is_overtaken(slot)) {
            supersede(job);
        } else {
            call(job);
        }
        return true;
    }
    if (!may_admit(at)) return false;
    for (auto it = ready_.begin(); it != ready_.end(); ++it) {
        if (is_shunned(*it, at)) continue;
        const EntityKey entity = *it;
        ready_.erase(it);
        if (p_.breaker.stops_commands(entity.object) &&
            !p_.breaker.wants_sample({entity.object, Direction::kOut})) {
            const JobPtr job = slots_.at(entity).waiting;
            slots_.erase(entity);
            park(job);
        } else {
            begin(entity);
        }
        return true;
    }
    return false;
}

void Commands::hold(const JobPtr& job) {
    job->busy = true;
    ++busy_;
}

void Commands::let_go(const JobPtr& job) {
    job->busy = false;
    --busy_;
}

void Commands::on_answer(const Jobs& jobs, const CallCost& cost, Duration took) {
    p_.gate.answered(QuotaLane::kCommand, cost);
    lookahead_.answered(took);
    --calls_;
    charged_ = false;
    for (const JobPtr& job : jobs) let_go(job);
}

std::uint64_t Commands::chance(const Job& job) {
    return job.lot ? *job.lot : p_.environment.jitter.next();
}

void Commands::wait(const JobPtr& job, Duration due) {
    job->due = due;
    due_.emplace(due, job->command.entity);
}

}  // namespace syncline::agent
