#include "hub/reconciliations.h"

#include <algorithm>
#include <utility>

#include "shared/base/log.h"
#include "shared/wire/codec.h"
#include "shared/wire/retell_codec.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

/// How often the holder of the first partition looks whether a platform is to be reconciled.
constexpr Duration kLookEvery = std::chrono::seconds{30};

}  // namespace

void Reconciliations::forget_all() {
    jobs_.clear();
    to_load_.clear();
    verified_.clear();
}

void Reconciliations::remember(const Place& place, const Reconciliation& result) {
    auto& objects = verified_[place];
    objects.clear();
    for (const ReconciledObject& object : result.objects) {
        objects[object.object] = object.verified_through;
    }
}

Reconciliations::VerifiedThrough Reconciliations::verified_through() const {
    VerifiedThrough least;
    for (const auto& [place, objects] : verified_) {
        if (!host_.holds(place.first)) continue;
        for (const auto& [object, through] : objects) {
            const auto [at, first] = least.try_emplace({place.second, object}, through);
            if (!first) at->second = std::min(at->second, through);
        }
    }
    return least;
}

void Reconciliations::submit(Inventory inventory, const WorkId& work) {
    const Place place{work.partition, inventory.platform};
    Job& job = jobs_[place];
    // This one says more, and is read again if it comes to nothing.
    const bool superseded =
        job.work && (job.phase == Phase::kLoading || job.phase == Phase::kStoring);
    if (superseded) host_.on_inventory_stored(*job.work);
    job = {};
    job.number = ++numbers_;
    job.work = work;
    job.inventory = std::move(inventory);
    load(place, job);
}

/// What it was proven through until now must not be lost.
void Reconciliations::load(const Place& place, Job& job) {
    job.phase = Phase::kLoading;
    job.again_at = Duration::max();
    link_.get_last(subjects::kStreamState, subjects::reconciliation(place.second, place.first),
                   [this, place, number = job.number, alive = std::weak_ptr<int>{alive_}](
                       const Result<std::optional<nats::StoredMessage>>& found) {
                       if (!alive.expired()) loaded(place, number, found);
                   });
}

void Reconciliations::loaded(const Place& place, std::uint64_t number,
                             const Result<std::optional<nats::StoredMessage>>& found) {
    const auto at = jobs_.find(place);
    if (at == jobs_.end() || at->second.number != number) return;
    Job& job = at->second;
    if (!found) {
        job.again_at = clock_.steady() + retry_wait_;
        return;
    }
    if (*found && !(*found)->deleted) {
        if (auto stored = decode_reconciliation((*found)->body)) job.before = *std::move(stored);
        remember(place, job.before);
    }
    if (!job.work) {  // Of another hub: is there anything left to compare?
        auto inventory = job.before.inventory.empty()
                             ? Result<Inventory>{fail(ErrorKind::kNotFound, "")}
                             : wire::decode_inventory(job.before.inventory);
        if (!inventory) {
            jobs_.erase(at);
            return;
        }
        job.inventory = *std::move(inventory);
        job.phase = Phase::kWaiting;
        return;
    }
    job.phase = Phase::kStoring;
    Reconciliation stored = job.before;
    stored.platform = place.second;
    stored.partition = place.first;
    stored.request = job.inventory.request;
    stored.began_at = job.inventory.began_at;
    stored.read_at = job.inventory.read_at;
    stored.compared_at = {};
    stored.inventory = wire::encode(job.inventory);
    effects_.publish_last(subjects::reconciliation(place.second, place.first), encode(stored), this,
                          number);
}

void Reconciliations::on_delivered(std::uint64_t token) {
    const auto at = std::ranges::find_if(
        jobs_, [&](const auto& entry) { return entry.second.number == token; });
    if (at == jobs_.end() || at->second.phase != Phase::kStoring) return;
    at->second.phase = Phase::kWaiting;
    host_.on_inventory_stored(*at->second.work);
}

void Reconciliations::tick() {
    for (const Partition partition : std::exchange(to_load_, {})) {
        if (!host_.holds(partition)) continue;
        for (const PlatformId& platform : policies_.newest().platforms) {
            load_uncompared(partition, platform);
        }
    }
    std::erase_if(jobs_, [&](const auto& entry) {
        const auto& [place, job] = entry;
        const bool lost = !host_.holds(place.first) || (job.work && !host_.is_held(*job.work));
        if (lost) to_load_.insert(place.first);  // If it is ours again by now.
        return lost;
    });
    for (auto& [place, job] : jobs_) {
        if (job.phase == Phase::kLoading && clock_.steady() >= job.again_at) load(place, job);
        if (job.phase != Phase::kWaiting) continue;
        if (job.work && !host_.is_done_through(*job.work)) continue;
        job.phase = Phase::kAsked;
        host_.look_through(place.first);
    }
    std::erase_if(verified_, [&](const auto& entry) { return !host_.holds(entry.first.first); });
    ask_when_due();
}

void Reconciliations::load_uncompared(Partition partition, const PlatformId& platform) {
    const auto [at, is_new] = jobs_.try_emplace({partition, platform});
    if (!is_new) return;
    at->second.number = ++numbers_;
    load(at->first, at->second);
}

// ---- Looking. -----------------------------------------------------------------------------------

void Reconciliations::on_look_begins(Partition partition) {
    for (auto& [place, job] : jobs_) {
        const bool ready = job.phase == Phase::kAsked || job.phase == Phase::kLooking;
        if (place.first != partition || !ready) continue;
        job.phase = Phase::kLooking;
        if (job.collection) {
            job.collection.emplace(job.inventory, job.comparison->differing());
        } else {
            job.comparison.emplace(job.inventory);
        }
    }
}

void Reconciliations::look(Partition partition, const EntityState& state) {
    const Policy& policy = policies_.newest();
    for (auto at = jobs_.lower_bound({partition, {}});
         at != jobs_.end() && at->first.first == partition; ++at) {
        Job& job = at->second;
        if (job.phase != Phase::kLooking) continue;
        if (job.collection) {
            job.collection->add(state);
            // What it has noted beside its own record may be another entity's by now.
            const RecordState* record = state.record(at->first.second);
            if (record != nullptr && !record->others.empty()) host_.check_links(state.key);
        } else {
            job.comparison->add(policy, state);
        }
    }
}

void Reconciliations::on_looked_through(Partition partition) {
    for (auto at = jobs_.lower_bound({partition, {}});
         at != jobs_.end() && at->first.first == partition;) {
        if (at->second.phase != Phase::kLooking) {
            ++at;
            continue;
        }
        Job& job = at->second;
        const PlatformId& platform = at->first.second;
        if (job.collection) {
            effects_.publish_last(subjects::retell(platform, partition),
                                  wire::encode(job.collection->retell()), nullptr, 0);
            at = jobs_.erase(at);
            continue;
        }
        const Reconciliation result = job.comparison->result(job.before, clock_.now());
        remember(at->first, result);
        effects_.publish_last(subjects::reconciliation(platform, partition), encode(result),
                              nullptr, 0);
        auto differing = job.comparison->differing();
        const bool heals = job.inventory.request.mode != ReconcileMode::kReport;
        if (differing.empty() || !heals) {
            at = jobs_.erase(at);
            continue;
        }
        job.collection.emplace(job.inventory, std::move(differing));
        job.phase = Phase::kAsked;
        host_.look_through(partition);
        ++at;
    }
}

// ---- Asking. ------------------------------------------------------------------------------------

/// The request that the agent finds is also what says when the last one was: restarts of hubs
/// neither repeat nor delay it. One hub for all: whoever holds the first partition.
void Reconciliations::ask_when_due() {
    if (!host_.holds(Partition{0}) || !link_.connected()) return;
    const Duration now = clock_.steady();
    for (const auto& [platform, schedule] : policies_.newest().reconcile) {
        Duration& at = ask_at_[platform];
        if (schedule.every == Duration{0} || now < at) continue;
        at = now + std::min(kLookEvery, schedule.every);
        ask(platform);
    }
}

void Reconciliations::ask(const PlatformId& platform) {
    const std::string subject = subjects::again(platform, subjects::Again::kReconcile);
    link_.get_last(
        subjects::kStreamCommands, subject,
        [this, platform, subject, alive = std::weak_ptr<int>{alive_}](
            const Result<std::optional<nats::StoredMessage>>& found) {
            if (alive.expired() || !found || !host_.holds(Partition{0})) return;
            const auto& schedules = policies_.newest().reconcile;
            const auto schedule = schedules.find(platform);
            if (schedule == schedules.end()) return;
            const Timestamp now = clock_.now();
            if (*found && !(*found)->deleted) {
                const auto last = parse_reconcile_request((*found)->body);
                if (last && now - last->asked_at < schedule->second.every) return;
            }
            log::info("a platform is asked to be reconciled", {{"platform", platform.text}});
            effects_.publish_last(subject, to_text(ReconcileRequest{now, schedule->second.mode}),
                                  nullptr, 0);
        });
}

}  // namespace syncline::hub
