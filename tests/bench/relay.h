#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace syncline::bench {

/// The yardstick: how fast a nats.c program that does nothing but relay moves messages through
/// JetStream on this machine. It pulls from a durable consumer, publishes one output without
/// message id for each input, waits for the output's ack, then acks the input.
struct RelayResult {
    double per_second = 0;           ///< Inputs, and as many publishes.
    std::vector<double> latency_ms;  ///< From the time that an input was due to its output's
                                     ///< being acknowledged; only for a paced run.
};

/// Relays what was stored in stream BENCH_IN before: `inputs` messages.
[[nodiscard]] RelayResult relay_stored(const std::string& url, std::uint64_t inputs);
/// Relays while a second thread sends `per_second` for `seconds`.
[[nodiscard]] RelayResult relay_paced(const std::string& url, double per_second, double seconds);
/// Fills BENCH_IN (made anew) with `inputs` messages of `bytes`.
void store_inputs(const std::string& url, std::uint64_t inputs, std::size_t bytes);

}  // namespace syncline::bench
