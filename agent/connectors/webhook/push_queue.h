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
    std::string event_id;   ///< The sender's, may be empty. For messages only.
    std::size_t bytes = 0;  ///< Of the request's body: about what the event takes in memory.
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
    struct Limits {
        std::size_t events = 1'024;
        /// Of all bodies together. One event is taken however large it is.
        std::size_t bytes = 16u << 20;
    };
    explicit BoundedPushQueue(Limits limits) : limits_(limits) {}
    /// Events left over are completed with kUnavailable.
    ~BoundedPushQueue() override;
    BoundedPushQueue(const BoundedPushQueue&) = delete;
    BoundedPushQueue& operator=(const BoundedPushQueue&) = delete;

    [[nodiscard]] bool try_push(PushedEvent&& event) override;

    /// The oldest events holding together about `records_max` records, and about as much memory as
    /// a batch may take; at least one event if there is any. Waits at most `wait` for the first.
    [[nodiscard]] std::vector<PushedEvent> take(std::size_t records_max, Duration wait,
                                                const std::stop_token& stop);
    [[nodiscard]] std::size_t size() const;

private:
    const Limits limits_;
    mutable std::mutex mutex_;
    std::condition_variable_any filled_;
    std::deque<PushedEvent> events_;
    std::size_t bytes_ = 0;
};

}  // namespace syncline::agent::webhook
