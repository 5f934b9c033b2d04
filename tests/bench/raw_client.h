#pragma once

#include <nats/nats.h>

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

namespace syncline::bench {

/// nats.c driven by an epoll loop on one thread, with nothing around it. Failures end the program:
/// it is a benchmark.
class RawClient {
public:
    explicit RawClient(const std::string& url);
    ~RawClient();
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    [[nodiscard]] natsSubscription* subscribe(const std::string& subject);
    void publish(const std::string& subject, const std::string& reply, std::string_view body);
    /// A JetStream API request; waits for the answer. A refusal ends the program.
    std::string api(const std::string& subject, const std::string& body);
    /// Sends what is buffered, waits for at most `wait_ms`, takes in what arrived.
    void turn(int wait_ms);
    /// Turns until everything has been sent.
    void flush();
    /// Hands every message that arrived for `subscription` to `take`.
    static void drain(natsSubscription* subscription, const std::function<void(natsMsg*)>& take);

private:
    struct Socket;
    Socket* socket_;
    natsConnection* connection_ = nullptr;
};

[[nodiscard]] std::uint64_t steady_ns();
[[nodiscard]] std::string new_inbox();

}  // namespace syncline::bench
