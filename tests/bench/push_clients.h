#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace syncline::bench {

/// Senders of a platform: a fixed number of HTTP/1.1 connections that stay open, each with one
/// request under way. One thread, and as little work as possible, so that what is measured is the
/// receiver: the requests come ready to be sent.
class PushClients {
public:
    struct Answer {
        int status = 0;  ///< 0: none came.
        double latency_ms = 0;
    };

    /// Connects; throws std::runtime_error if nobody listens.
    PushClients(std::uint16_t port, std::size_t connections);
    ~PushClients();
    PushClients(const PushClients&) = delete;
    PushClients& operator=(const PushClients&) = delete;

    /// Sends each request once, in order, over whichever connection is free. Returns when each has
    /// its answer or no connection is left. `answered` is told how many have theirs.
    std::vector<Answer> push(std::span<const std::string> requests,
                             const std::function<void(std::size_t count)>& answered = {});

private:
    static constexpr std::size_t kNone = SIZE_MAX;
    struct Connection {
        int fd = -1;
        std::size_t request = kNone;
        std::uint64_t sent_at = 0;
        std::string received;
    };

    void send(Connection& connection, const std::string& request);
    [[nodiscard]] int read_status(Connection& connection);
    void close(Connection& connection);

    int epoll_;
    std::vector<Connection> connections_;
    std::size_t open_ = 0;
};

}  // namespace syncline::bench
