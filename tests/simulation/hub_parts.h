#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "hub/broker_watch.h"
#include "hub/hub_options.h"
#include "hub/reliable_publisher.h"
#include "shared/nats/streams.h"
#include "tests/simulation/memory_link.h"

namespace syncline::sim {

/// Counts what is published, stored or not.
class CountingLink final : public nats::Link {
public:
    explicit CountingLink(nats::Link& link) : link_(link) {}
    void publish(const nats::OutMessage& message, nats::PublishSink* sink,
                 std::uint64_t token) override {
        ++published[std::string{message.subject}];
        link_.publish(message, sink, token);
    }
    void send(std::string_view subject, std::string_view body) override {
        link_.send(subject, body);
    }
    void get_last(std::string_view stream, std::string_view subject,
                  Done<std::optional<nats::StoredMessage>> done) override {
        link_.get_last(stream, subject, std::move(done));
    }
    void stream_info(std::string_view stream, Done<nats::StreamInfo> done) override {
        link_.stream_info(stream, std::move(done));
    }
    void ensure_stream(const nats::StreamConfig& config, Done<nats::StreamInfo> done) override {
        link_.ensure_stream(config, std::move(done));
    }
    std::unique_ptr<nats::Subscription> consume(nats::ConsumeSpec spec,
                                                nats::MessageSink* sink) override {
        if (const auto hear = on_consume) hear(spec);
        return link_.consume(std::move(spec), sink);
    }
    std::unique_ptr<nats::Subscription> subscribe(std::string_view subject,
                                                  nats::MessageSink* sink) override {
        return link_.subscribe(subject, sink);
    }
    [[nodiscard]] bool connected() const override { return link_.connected(); }

    std::map<std::string, int> published;
    std::function<void(const nats::ConsumeSpec&)> on_consume;

private:
    nats::Link& link_;
};

/// A test of some parts of a hub of one partition, at the model of the broker.
class HubParts : public testing::Test {
protected:
    HubParts() {
        watch_.on_ready = watch_.on_noted = [] {};
    }

    /// What else has its turn.
    virtual void tick() {}
    void turn_until(const std::function<bool()>& reached,
                    Duration turn = std::chrono::milliseconds{10}) {
        for (int turns = 0; !reached(); ++turns) {
            ASSERT_LT(turns, 10'000) << "it never comes to be";
            world_.run_until(world_.now() + turn);
            ASSERT_TRUE(world_.violations().empty()) << world_.violations()[0].what;
            watch_.tick();
            effects_.tick();
            tick();
            broker_link_.end_of_turn();
        }
    }
    void turn_for(Duration time) {
        turn_until([this, until = world_.now() + time] { return world_.now() >= until; });
    }
    std::uint64_t store(const std::string& subject, const std::string& body) {
        const auto stored = broker_.publish(subject, body, std::nullopt);
        EXPECT_TRUE(stored) << subject;
        return stored.value_or(0);
    }
    /// The newest message of the subject; empty: there is none.
    [[nodiscard]] std::string last(std::string_view stream, const std::string& subject) {
        const auto message = broker_.get_last(stream, subject);
        return message && *message ? std::string{(*message)->body} : std::string{};
    }

    World world_{1};
    MemoryBroker broker_{world_};
    NetworkFaults network_;
    MemoryLink broker_link_{world_, broker_, network_, Ticket{}, "hub"};
    CountingLink link_{broker_link_};
    SimClock clock_{world_};
    hub::HubOptions options_{.partitions = 1};
    hub::HubCounters counters_;
    hub::BrokerWatch watch_{link_, clock_, options_.watch_interval,
                            nats::stream_configs({.partitions = 1})};
    hub::ReliablePublisher effects_{link_, clock_, watch_, counters_, options_.retry_wait};
};

}  // namespace syncline::sim
