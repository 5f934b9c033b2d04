#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "shared/nats/nats_link.h"
#include "tests/bench/child.h"
#include "tests/bench/relay.h"

namespace syncline::bench {

/// By exception, so that the hub and the server are stopped.
[[noreturn]] inline void die(const std::string& why) { throw std::runtime_error(why); }

/// Looks at streams from outside.
class Watcher final : nats::MessageSink {
public:
    explicit Watcher(const std::string& url);
    [[nodiscard]] nats::StreamInfo info(std::string_view stream);
    [[nodiscard]] std::uint64_t last(std::string_view stream) { return info(stream).last_sequence; }

    /// Calls `take` with all that is stored in `stream` from now on.
    void watch(std::string_view stream, std::string filter,
               std::function<void(const nats::InMessage&)> take);
    /// Latencies of the same, by the time that `due` finds in it.
    void watch_latency(std::string_view stream, std::string filter,
                       std::function<std::uint64_t(std::string_view)> due);
    void turn() { loop_.poll(std::chrono::milliseconds{1}); }
    std::vector<double> latency_ms;

private:
    void on_message(const nats::InMessage& message) override;

    nats::EventLoop loop_;
    nats::NatsLink link_;
    std::function<void(const nats::InMessage&)> take_;
    std::unique_ptr<nats::Subscription> outputs_;
};

/// Until the stream has got so far; throws after five minutes.
void await_stored(Watcher& watcher, std::string_view stream, std::uint64_t wanted,
                  const char* what);

/// How many messages a second the relay moves, with all of them there when it begins.
[[nodiscard]] double relayed_per_s(Watcher& watcher, RelaySource& source, const Child& relay,
                                   std::uint64_t messages);

/// Of all but the first tenth, which are warm-up; 0: there are none.
[[nodiscard]] double percentile(std::vector<double> values, double part);
[[nodiscard]] double median(std::vector<double> values);

}  // namespace syncline::bench
