#pragma once

#include <memory>
#include <string>
#include <utility>

#include "tests/simulation/memory_link.h"

/// The parts of MemoryLink that read. What PullConsumer does (shared/nats), step by step.
namespace syncline::sim {

/// One TCP connection: survives the link, because what was written to it still arrives.
struct MemoryLink::Wire {
    MemoryLink* link = nullptr;  ///< Null once nobody waits for answers.
    bool cut = false;            ///< What has not arrived yet never will.
    Duration up_at{0};           ///< When the last message sent arrives.
    Duration down_at{0};
    Duration frozen_until{0};
    [[nodiscard]] Duration delay(World& world, const NetworkFaults& faults) const;
};

/// How long NatsLink waits for an answer.
inline constexpr Duration kAnswerTimeout = std::chrono::seconds{5};

/// Asks the server, and tells `done` what it says, or that it said nothing.
template <class T>
void MemoryLink::request(std::function<Result<T>(MemoryBroker&)> ask, Done<T> done) {
    if (!connected_ || !wire_) {
        return event(Duration{0}, [done = std::move(done)] {
            done(fail(ErrorKind::kUnavailable, "not connected to NATS"));
        });
    }
    const std::uint64_t id = ++ids_;
    open_.emplace(id, Open{nullptr, 0, [done](const Error& error) { done(fail(error)); }});
    deadlines_.emplace_back(world_.now() + kAnswerTimeout, id);
    arm_timeout();
    uplink([world = &world_, broker = &broker_, faults = &faults_, wire = wire_, id,
            ask = std::move(ask), done = std::move(done)] {
        if (world->random().chance(faults->lose_request)) return;
        Result<T> result = fail(ErrorKind::kUnavailable, "no leader now");
        if (!world->random().chance(faults->not_now)) result = ask(*broker);
        MemoryLink* link = wire->link;
        if (link == nullptr) return;
        link->downlink([link, id, result = std::move(result), done] {
            if (link->open_.erase(id) > 0) done(result);
        });
    });
}

class MemoryLink::Reader : public std::enable_shared_from_this<MemoryLink::Reader> {
public:
    Reader(MemoryLink& link, nats::ConsumeSpec spec, nats::MessageSink* sink);

    void close();
    [[nodiscard]] bool closed() const { return closed_; }
    [[nodiscard]] bool caught_up() const { return caught_up_; }
    void processed(std::size_t count) { unprocessed_ -= std::min(count, unprocessed_); }
    /// Makes the consumer, after a while.
    void retry(Duration wait);
    void lost();
    void ask();
    bool take(std::uint64_t consumer, const BrokerMessage& message, std::uint64_t pending);
    void consumer_gone(std::uint64_t consumer);

private:
    struct Creation {
        bool stream_known = false;
        Timestamp created;
        std::uint64_t stream_last = 0;
        std::optional<MemoryBroker::ConsumerMade> made;
        std::optional<MemoryBroker::ConsumerMade> later;
        bool later_wanted = false;
    };
    void restart(bool at_once);
    void create();
    void when_created();
    [[nodiscard]] bool stream_is_another();
    [[nodiscard]] bool wants_dump() const { return spec_.last_per_subject && !caught_up_; }

    MemoryLink& link_;
    nats::ConsumeSpec spec_;
    nats::MessageSink* sink_;
    bool closed_ = false;
    std::uint64_t next_ = 1;
    Timestamp read_until_;
    bool caught_up_ = false;
    std::size_t unprocessed_ = 0;
    std::optional<Timestamp> stream_created_;

    std::uint64_t attempt_ = 0;
    Creation creation_;
    std::uint64_t consumer_ = 0;  ///< 0: none now.
    std::size_t asked_ = 0;
    std::uint64_t delivered_ = 0;
    std::uint64_t initially_pending_ = 0;
    Backoff backoff_{{std::chrono::milliseconds{100}, std::chrono::seconds{5}}};
};

class MemoryLink::CoreReader : public std::enable_shared_from_this<MemoryLink::CoreReader> {
public:
    CoreReader(MemoryLink& link, std::string subject, nats::MessageSink* sink)
        : link_(link), subject_(std::move(subject)), sink_(sink) {}

    void close();
    [[nodiscard]] bool closed() const { return closed_; }
    void processed(std::size_t) {}
    void open();
    void lost() { subscription_ = 0; }
    bool take(std::uint64_t subscription, const BrokerMessage& message);

private:
    MemoryLink& link_;
    std::string subject_;
    nats::MessageSink* sink_;
    bool closed_ = false;
    std::uint64_t subscription_ = 0;
};

}  // namespace syncline::sim
