#include "tests/bench/push_clients.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <stdexcept>

namespace syncline::bench {
namespace {

std::uint64_t now_ns() {
    return static_cast<std::uint64_t>(
        std::chrono::nanoseconds{std::chrono::steady_clock::now().time_since_epoch()}.count());
}

int connect_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    if (fd < 0 || ::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        throw std::runtime_error("nobody listens on port " + std::to_string(port));
    }
    const int on = 1;
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

}  // namespace

PushClients::PushClients(std::uint16_t port, std::size_t connections)
    : epoll_(::epoll_create1(EPOLL_CLOEXEC)), connections_(connections), open_(connections) {
    for (std::size_t i = 0; i < connections; ++i) {
        connections_[i].fd = connect_to(port);
        epoll_event event{};
        event.events = EPOLLIN;
        event.data.u64 = i;
        ::epoll_ctl(epoll_, EPOLL_CTL_ADD, connections_[i].fd, &event);
    }
}

PushClients::~PushClients() {
    for (Connection& connection : connections_) close(connection);
    ::close(epoll_);
}

void PushClients::close(Connection& connection) {
    if (connection.fd < 0) return;
    ::close(connection.fd);
    connection.fd = -1;
    --open_;
}

std::vector<PushClients::Answer> PushClients::push(
    std::span<const std::string> requests, const std::function<void(std::size_t)>& answered) {
    std::vector<Answer> answers(requests.size());
    std::size_t next = 0;
    std::size_t count = 0;
    const auto start_next = [&](Connection& connection) {
        connection.request = next < requests.size() ? next++ : kNone;
        if (connection.request != kNone) send(connection, requests[connection.request]);
    };
    for (Connection& connection : connections_) {
        if (connection.fd >= 0) start_next(connection);
    }
    std::array<epoll_event, 64> events;
    while (count < requests.size() && open_ > 0) {
        const int ready = ::epoll_wait(epoll_, events.data(), events.size(), 30'000);
        if (ready == 0) throw std::runtime_error("no answer for 30 s");
        for (int i = 0; i < ready; ++i) {
            Connection& connection = connections_[events[static_cast<std::size_t>(i)].data.u64];
            const int status = read_status(connection);
            if (status == 0 || connection.request == kNone) continue;
            const double taken = static_cast<double>(now_ns() - connection.sent_at) / 1e6;
            answers[connection.request] = {status, taken};
            ++count;
            start_next(connection);
            if (answered) answered(count);
        }
    }
    return answers;
}

void PushClients::send(Connection& connection, const std::string& request) {
    connection.sent_at = now_ns();
    // Requests are far smaller than the socket's buffer, and it is empty: one call takes all.
    const ssize_t sent = ::send(connection.fd, request.data(), request.size(), MSG_NOSIGNAL);
    if (sent < 0 || static_cast<std::size_t>(sent) < request.size()) close(connection);
}

/// The status of a whole answer; 0 if it is not here yet or the connection has ended.
int PushClients::read_status(Connection& connection) {
    std::array<char, 4'096> chunk;
    const ssize_t count = ::recv(connection.fd, chunk.data(), chunk.size(), MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return 0;
    if (count <= 0) {
        close(connection);
        return 0;
    }
    connection.received.append(chunk.data(), static_cast<std::size_t>(count));
    const std::string& text = connection.received;
    // Only answers without a body are expected; one with a body ends the benchmark by its status.
    if (text.find("\r\n\r\n") == std::string::npos) return 0;
    const int status = std::atoi(text.c_str() + std::string_view{"HTTP/1.1 "}.size());
    connection.received.clear();
    return status;
}

}  // namespace syncline::bench
