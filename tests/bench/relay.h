#pragma once

#include <cstdint>
#include <string>
#include <string_view>

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

/// The relay is some four times as fast as the hub, so that a reader of every fourth output has as
/// much to do as one of every command.
inline constexpr std::uint64_t kOutputsPerSample = 4;
inline constexpr std::string_view kSampledOutputs = "bench.out.0.*";
/// The `due_ns` of an output.
[[nodiscard]] std::uint64_t due_of(std::string_view body);

/// The relay: for a process of its own, as the hub has one. Until it is killed.
[[noreturn]] void run_relay(const std::string& url);

}  // namespace syncline::bench
