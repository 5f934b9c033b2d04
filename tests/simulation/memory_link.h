#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "shared/base/backoff.h"
#include "shared/nats/link.h"
#include "tests/simulation/memory_broker.h"

namespace syncline::sim {

/// What can happen between a client and the server. Chances are per million.
struct NetworkFaults {
    Duration latency_least = std::chrono::microseconds{200};
    Duration latency_most = std::chrono::milliseconds{3};
    std::uint64_t slow = 0;  ///< A message takes up to `slow_most`, and all behind it.
    Duration slow_most = std::chrono::seconds{2};
    std::uint64_t lose_publish = 0;  ///< The server never stores it and never answers.
    std::uint64_t lose_ack = 0;      ///< Stored, but the answer never comes.
    std::uint64_t late_store = 0;    ///< Stored up to `late_most` later, behind later ones.
    Duration late_most = std::chrono::seconds{20};
    std::uint64_t lose_core = 0;     ///< A message without store is lost.
    std::uint64_t lose_request = 0;  ///< A question or its answer is lost.
    std::uint64_t not_now = 0;       ///< No leader: refused as unavailable.
};

/// nats::Link against a MemoryBroker, behaving as NatsLink does: answer timeout, reconnecting with
/// back-off, consumers made anew from the first message not handed out, a stream that was made anew
/// read from its beginning. Callbacks come as events of the process.
class MemoryLink final : public nats::Link, BrokerClient {
public:
    MemoryLink(World& world, MemoryBroker& broker, NetworkFaults& faults, Ticket ticket,
               std::string name);
    ~MemoryLink() override;
    MemoryLink(const MemoryLink&) = delete;
    MemoryLink& operator=(const MemoryLink&) = delete;

    void publish(const nats::OutMessage& message, nats::PublishSink* sink,
                 std::uint64_t token) override;
    void send(std::string_view subject, std::string_view body) override;
    void get_last(std::string_view stream, std::string_view subject,
                  Done<std::optional<nats::StoredMessage>> done) override;
    void stream_info(std::string_view stream, Done<nats::StreamInfo> done) override;
    void ensure_stream(const nats::StreamConfig& config, Done<nats::StreamInfo> done) override;
    [[nodiscard]] std::unique_ptr<nats::Subscription> consume(nats::ConsumeSpec spec,
                                                              nats::MessageSink* sink) override;
    [[nodiscard]] std::unique_ptr<nats::Subscription> subscribe(std::string_view subject,
                                                                nats::MessageSink* sink) override;
    [[nodiscard]] bool connected() const override { return connected_; }

    /// Called after each event of the process, as NatsLink's poll() would: asks for messages.
    void end_of_turn();
    /// Called after each event that came from here.
    std::function<void()> on_event;

    // ---- Faults.
    /// The connection breaks. What is on its way to the server arrives, or not.
    void break_connection();
    /// Nothing passes in either direction until then; TCP delivers it afterwards.
    void freeze(Duration until);
    /// It cannot connect before that.
    void keep_away(Duration until);

private:
    struct Wire;
    class Reader;
    class CoreReader;
    struct Open {
        nats::PublishSink* sink = nullptr;
        std::uint64_t token = 0;
        std::function<void(const Error&)> refuse;  ///< For requests.
    };

    void connect_later(Duration wait);
    void connect();
    void lost_connection();
    void tell_lost();
    void uplink(std::function<void()> arrive);
    void downlink(std::function<void()> arrive);
    void event(Duration delay, std::function<void()> what);
    void answer(std::uint64_t id, Result<std::uint64_t> result);
    void arm_timeout();
    void time_out();
    template <class T>
    void request(std::function<Result<T>(MemoryBroker&)> ask, Done<T> done);
    static void store(World& world, MemoryBroker& broker, NetworkFaults& faults,
                      const std::shared_ptr<Wire>& wire, std::uint64_t id, std::string subject,
                      std::string body, std::optional<std::uint64_t> expected);

    void deliver(std::uint64_t consumer, MessagePtr message, std::uint64_t pending) override;
    void consumer_gone(std::uint64_t consumer) override;
    void deliver_core(std::uint64_t subscription, MessagePtr message) override;
    void server_gone() override;

    World& world_;
    MemoryBroker& broker_;
    NetworkFaults& faults_;
    Ticket ticket_;
    std::string name_;
    bool connected_ = false;
    std::shared_ptr<Wire> wire_;  ///< Of the present connection, or none.
    std::uint64_t ids_ = 0;
    std::map<std::uint64_t, Open> open_;
    std::deque<std::pair<Duration, std::uint64_t>> deadlines_;
    bool timeout_armed_ = false;
    Duration away_until_{0};
    Backoff backoff_{{std::chrono::milliseconds{100}, std::chrono::seconds{5}}};
    std::vector<std::shared_ptr<Reader>> readers_;
    std::vector<std::shared_ptr<CoreReader>> core_readers_;
};

}  // namespace syncline::sim
