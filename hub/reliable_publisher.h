#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "hub/hub_options.h"
#include "shared/base/clock.h"
#include "shared/nats/link.h"

namespace syncline::hub {

/// Told when a message of the ReliablePublisher is stored, or can never be.
class DeliverySink {
public:
    virtual void on_delivered(std::uint64_t token) = 0;

protected:
    ~DeliverySink() = default;
};

/// Publishes messages whose repetition is harmless, again and again until the stream has them.
/// Threading: the link's.
class ReliablePublisher final : nats::PublishSink {
public:
    ReliablePublisher(nats::Link& link, const Clock& clock, HubCounters& counters,
                      Duration retry_wait)
        : link_(link), clock_(clock), counters_(counters), retry_wait_(retry_wait) {}

    /// `sink` (may be null) hears of `token` once. A message over a limit is logged and given up.
    void publish(std::string subject, std::string body, DeliverySink* sink, std::uint64_t token);

    /// Called with every message that a stream has taken.
    std::function<void(std::string_view subject, std::uint64_t sequence)> on_stored;
    /// Sends again what is due.
    void tick();
    [[nodiscard]] std::size_t in_flight() const { return used_; }

private:
    struct Entry {
        std::string subject;
        std::string body;
        DeliverySink* sink = nullptr;
        std::uint64_t token = 0;
    };
    struct Retry {
        Duration due;
        std::uint32_t index;
    };

    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override;
    void send(std::uint32_t index);

    nats::Link& link_;
    const Clock& clock_;
    HubCounters& counters_;
    Duration retry_wait_;
    std::deque<Entry> entries_;
    std::vector<std::uint32_t> free_;
    std::deque<Retry> retries_;  ///< In order of `due`: every wait is equally long.
    std::size_t used_ = 0;
};

}  // namespace syncline::hub
