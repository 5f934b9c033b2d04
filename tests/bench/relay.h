#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>

#include "tests/bench/raw_client.h"

namespace syncline::bench {

// The yardstick: how fast a nats.c program that does nothing but relay moves messages through
// JetStream on this machine. It pulls from a durable consumer of BENCH_IN, publishes one output
// without message id to BENCH_OUT for each input, waits for the output's ack, then acks the input.

/// Makes both streams and the relay's consumer.
void make_relay_streams(const std::string& url);
/// Deletes them, so that the server is as empty for the hub as it was for the relay.
void drop_relay_streams(const std::string& url);

/// Publishes inputs, with a window of unanswered acks.
class RelaySource {
public:
    RelaySource(const std::string& url, std::size_t bytes);
    ~RelaySource();
    RelaySource(const RelaySource&) = delete;
    RelaySource& operator=(const RelaySource&) = delete;

    /// `due_ns` travels with the input to the output.
    void send(std::uint64_t due_ns);
    void turn(int wait_ms = 0);
    /// Until every input is stored.
    void finish();

private:
    RawClient client_;
    std::string inbox_;
    natsSubscription* acks_ = nullptr;
    std::string body_;
    std::uint64_t sent_ = 0;
    std::uint64_t acked_ = 0;
};

constexpr std::uint64_t kSamples = 4;
/// One output of kSamples. The relay makes four outputs where the hub makes a command, and both are
/// looked at as often.
constexpr std::string_view kSampledOutputs = "bench.out.0.*";
/// The `due_ns` of an output.
[[nodiscard]] std::uint64_t due_of(std::string_view body);

/// Relays `inputs` messages that are stored already; how many per second.
[[nodiscard]] double relay_stored(const std::string& url, std::uint64_t inputs);

/// The relay on a thread of its own, from now until its end.
class RunningRelay {
public:
    explicit RunningRelay(const std::string& url);
    ~RunningRelay();
    RunningRelay(const RunningRelay&) = delete;
    RunningRelay& operator=(const RunningRelay&) = delete;

private:
    std::atomic<bool> stop_{false};
    std::thread thread_;
};

}  // namespace syncline::bench
