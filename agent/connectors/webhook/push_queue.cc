#include "agent/connectors/webhook/push_queue.h"

#include <utility>

namespace syncline::agent::webhook {

BoundedPushQueue::~BoundedPushQueue() {
    for (const PushedEvent& event : events_) {
        event.done(fail(ErrorKind::kUnavailable, "the agent stops"));
    }
}

bool BoundedPushQueue::try_push(PushedEvent&& event) {
    {
        const std::lock_guard lock{mutex_};
        if (events_.size() >= events_max_) return false;
        events_.push_back(std::move(event));
    }
    filled_.notify_one();
    return true;
}

std::vector<PushedEvent> BoundedPushQueue::take(std::size_t records_max, Duration wait,
                                                const std::stop_token& stop) {
    std::vector<PushedEvent> taken;
    std::unique_lock lock{mutex_};
    filled_.wait_for(lock, stop, wait, [this] { return !events_.empty(); });
    std::size_t records = 0;
    while (!events_.empty() && (taken.empty() || records < records_max)) {
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
