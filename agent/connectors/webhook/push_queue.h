#pragma once

#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/connectors/connector.h"
#include "shared/base/result.h"
#include "shared/base/timestamp.h"

namespace syncline::agent::webhook {

/// What one request brought.
struct PushedEvent {
    std::vector<Record> records;
    std::vector<Batch::Reject> rejects;
    std::string event_id;  ///< The sender's, may be empty. For messages only.
    /// Called exactly once: with success when the agent's spool holds everything durably, else
    /// with the reason why the sender must try again. From any thread; must not block.
    std::function<void(Result<void>)> done;
};

/// From the servers that receive to the agent that stores.
class PushQueue {
public:
    virtual ~PushQueue() = default;
    /// Takes the event, or leaves it untouched and gives false: full, or the agent is stopping.
    [[nodiscard]] virtual bool try_push(PushedEvent&& event) = 0;
};

/// Threading: every call from any thread.
class BoundedPushQueue final : public PushQueue {
public:
    explicit BoundedPushQueue(std::size_t events_max) : events_max_(events_max) {}
    /// Events left over are completed with kUnavailable.
    ~BoundedPushQueue() override;
    BoundedPushQueue(const BoundedPushQueue&) = delete;
    BoundedPushQueue& operator=(const BoundedPushQueue&) = delete;

    [[nodiscard]] bool try_push(PushedEvent&& event) override;

    /// The oldest events holding together about `records_max` records, at least one event if
    /// there is any. Waits at most `wait` for the first.
    [[nodiscard]] std::vector<PushedEvent> take(std::size_t records_max, Duration wait,
                                                const std::stop_token& stop);
    [[nodiscard]] std::size_t size() const;

private:
    const std::size_t events_max_;
    mutable std::mutex mutex_;
    std::condition_variable_any filled_;
    std::deque<PushedEvent> events_;
};

}  // namespace syncline::agent::webhook
