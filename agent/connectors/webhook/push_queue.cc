#include "agent/connectors/webhook/push_queue.h"

#include <utility>

namespace syncline::agent::webhook {
namespace {

/// Of the bodies of one batch. It is copied on its way into the store.
constexpr std::size_t kBatchBytes = 4u << 20;

}  // namespace

BoundedPushQueue::~BoundedPushQueue() {
    for (const PushedEvent& event : events_) {
        event.done(fail(ErrorKind::kUnavailable, "the agent stops"));
    }
}

bool BoundedPushQueue::try_push(PushedEvent&& event) {
    bool first = false;
    {
        const std::lock_guard lock{mutex_};
        first = events_.empty();
        if (!first && bytes_ + event.bytes > limits_.bytes) return false;
        if (events_.size() >= limits_.events) return false;
        bytes_ += event.bytes;
        events_.push_back(std::move(event));
    }
    if (first) filled_.notify_one();  // Who takes, takes as many as there are.
    return true;
}

std::vector<PushedEvent> BoundedPushQueue::take(std::size_t records_max, Duration wait,
                                                const std::stop_token& stop) {
    std::vector<PushedEvent> taken;
    std::unique_lock lock{mutex_};
    filled_.wait_for(lock, stop, wait, [this] { return !events_.empty(); });
    std::size_t records = 0;
    std::size_t bytes = 0;
    while (!events_.empty() && (taken.empty() || (records < records_max && bytes < kBatchBytes))) {
        bytes += events_.front().bytes;
        bytes_ -= events_.front().bytes;
        records += events_.front().records.size() + events_.front().rejects.size();
        taken.push_back(std::move(events_.front()));
        events_.pop_front();
    }
    return taken;
}

std::size_t BoundedPushQueue::size() const {
    const std::lock_guard lock{mutex_};
    return events_.size();
}

}  // namespace syncline::agent::webhook
