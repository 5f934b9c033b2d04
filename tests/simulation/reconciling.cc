#include "tests/simulation/reconciling.h"

#include <algorithm>
#include <map>

#include "hub/core/reconciliation.h"
#include "shared/wire/subjects.h"

namespace syncline::sim {
namespace {

/// Before a run that did not come to its end is asked for again.
constexpr Duration kReadPatience = std::chrono::minutes{5};

}  // namespace

void Reconciling::begin() {
    if (world_.random().one_in(2)) next();
}

void Reconciling::next() {
    const Duration pause =
        world_.random().between(std::chrono::seconds{5}, std::chrono::minutes{3});
    world_.after(pause, [this] {
        if (last_) return;  // The end has come.
        const auto& platform = setup_.platforms[world_.random().below(setup_.platforms.size())];
        ReconcileMode mode = ReconcileMode::kHeal;
        if (world_.random().one_in(4)) {
            mode = world_.random().one_in(2) ? ReconcileMode::kReport : ReconcileMode::kReview;
        }
        if (broker_.up()) ask(platform.id, {Timestamp{SimClock::kStart} + world_.now(), mode});
        next();
    });
}

void Reconciling::ask(const PlatformId& platform, ReconcileRequest request) {
    world_.note("operator", "has " + platform.text + " reconciled");
    std::ignore = broker_.publish(subjects::again(platform, subjects::Again::kReconcile),
                                  to_text(request), std::nullopt);
}

bool Reconciling::settle() {
    if (last_) findings_ = judge();
    if (last_ && findings_.empty()) return true;

    if (!broker_.up() || (last_ && world_.now() < asked_at_ + kReadPatience)) return false;
    last_ = {Timestamp{SimClock::kStart} + world_.now(), ReconcileMode::kHeal};
    asked_at_ = world_.now();
    for (const PlatformNature& nature : setup_.platforms) ask(nature.id, *last_);
    return false;
}

std::vector<Violation> Reconciling::judge() {
    std::vector<Violation> findings;
    std::map<PlatformId, std::uint64_t> compared;
    for (const MessagePtr& message : broker_.all(subjects::kStreamState)) {
        if (!subject_matches(subjects::all_reconciliations(), message->subject)) continue;
        const auto one = hub::decode_reconciliation(message->body);
        if (!one) {
            findings.push_back({"I19", "a result cannot be read: " + one.error().what, {}});
            continue;
        }
        if (one->request != last_ || one->compared_at.ns == 0) continue;
        ++compared[one->platform];
        for (const hub::ReconciledObject& object : one->objects) {
            const std::string where =
                one->platform.text + " partition " + std::to_string(one->partition.value);
            const std::uint64_t open = object.count(hub::Agreement::kOpen);
            if (object.differing > 0 || object.count(hub::Agreement::kWaiting) > 0 ||
                (open == 0 && object.unlinked == 0 && object.verified_through < one->began_at)) {
                findings.push_back(
                    {"I19",
                     where + " is not proven: the agent has " + std::to_string(object.records) +
                         " records, the hub " + std::to_string(object.known) + "; " +
                         std::to_string(object.differing) + " buckets differ, " +
                         std::to_string(object.count(hub::Agreement::kWaiting)) + " wait; found " +
                         std::to_string(object.found[0]) + " different, " +
                         std::to_string(object.found[1]) + " missing, " +
                         std::to_string(object.found[2]) + " extra, " +
                         std::to_string(object.found[3]) + " unreadable",
                     {}});
            }
        }
    }
    for (const PlatformNature& nature : setup_.platforms) {
        if (compared[nature.id] == setup_.partitions) continue;
        findings.push_back({"I19",
                            nature.id.text + " has results of " +
                                std::to_string(compared[nature.id]) + " of " +
                                std::to_string(setup_.partitions) + " partitions",
                            {}});
    }
    return findings;
}

}  // namespace syncline::sim
