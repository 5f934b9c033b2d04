#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "hub/broker_watch.h"
#include "hub/hub_options.h"
#include "shared/base/clock.h"
#include "shared/nats/link.h"

namespace syncline::hub {

/// Told when a message of the ReliablePublisher is stored, or can never be.
class DeliverySink {
public:
    virtual void on_delivered(std::uint64_t token) = 0;
    /// Does anybody still wait for it? Else it is not tried again: what it says may be outdated.
    [[nodiscard]] virtual bool is_wanted(std::uint64_t token) const {
        std::ignore = token;
        return true;
    }
    /// May what is `ours` take the place of what is there? Else that is as good as delivered.
    [[nodiscard]] virtual bool may_replace(std::uint64_t token, std::string_view ours,
                                           std::string_view theirs) const {
        std::ignore = std::tie(token, ours, theirs);
        return true;
    }

protected:
    ~DeliverySink() = default;
};

/// Publishes messages whose repetition is harmless, again and again until the stream has them.
/// Threading: the link's.
class ReliablePublisher final : nats::PublishSink {
public:
    ReliablePublisher(nats::Link& link, const Clock& clock, BrokerWatch& watch,
                      HubCounters& counters, Duration retry_wait)
        : link_(link), clock_(clock), watch_(watch), counters_(counters), retry_wait_(retry_wait) {}

    /// `sink` (may be null) hears of `token` once. A message over a limit is logged and given up.
    void publish(std::string subject, std::string body, DeliverySink* sink, std::uint64_t token);
    /// The same for what must say that it is perhaps not the first: once a try may have been
    /// stored, `repeat` is sent.
    void publish(std::string subject, std::string body, std::string repeat, DeliverySink* sink,
                 std::uint64_t token);
    /// The same, by compare-and-set on the subject's last message: a copy that was given up for
    /// lost and arrives after all does not take the place of a later message. For what is rare.
    void publish_last(std::string subject, std::string body, DeliverySink* sink,
                      std::uint64_t token);

    /// The same for what is the only one of its subject: one that is there is it.
    using Headers = std::vector<std::pair<std::string, std::string>>;
    void publish_first(std::string subject, std::string body, Headers headers, DeliverySink* sink,
                       std::uint64_t token);

    /// Sends again what is due.
    void tick();
    [[nodiscard]] std::size_t in_flight() const { return used_; }

private:
    struct Entry {
        std::string subject;
        std::string body;
        DeliverySink* sink = nullptr;
        std::uint64_t token = 0;
        enum class Place : std::uint8_t { kAny, kLast, kFirst } place = Place::kAny;
        Headers headers = {};
        std::string repeat = {};  ///< Empty: as `body`.
        std::string_view stream = {};
        std::uint64_t least = 0;  ///< What `stream` had when it was sent.
    };
    struct Retry {
        Duration due;
        std::uint32_t index;
    };

    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override;
    void add(Entry entry);
    void send(std::uint32_t index);
    void send_last(std::uint32_t index);
    void again_later(std::uint32_t index, const Error& why);
    void done(std::uint32_t index);
    [[nodiscard]] bool drop_unwanted(std::uint32_t index);

    nats::Link& link_;
    const Clock& clock_;
    BrokerWatch& watch_;
    HubCounters& counters_;
    Duration retry_wait_;
    std::deque<Entry> entries_;
    std::vector<std::uint32_t> free_;
    std::deque<Retry> retries_;  ///< In order of `due`: every wait is equally long.
    std::size_t used_ = 0;
};

}  // namespace syncline::hub
