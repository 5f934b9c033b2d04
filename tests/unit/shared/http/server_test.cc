// Clients that mean no good, against the server alone.
#include "shared/http/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <mutex>
#include <thread>

#include <gtest/gtest.h>

namespace syncline {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

/// One connection, which sends what it likes.
class Client {
public:
    explicit Client(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const timeval limit{.tv_sec = 10, .tv_usec = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    }
    ~Client() { ::close(fd_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    bool send(std::string_view text) const {
        return ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(text.size());
    }
    /// Up to `until`, or to the end of the connection.
    std::string receive(std::string_view until = {}) const {
        std::string text;
        char buffer[4'096];
        for (ssize_t n = 0; (n = ::recv(fd_, buffer, sizeof buffer, 0)) > 0;) {
            text.append(buffer, static_cast<std::size_t>(n));
            if (!until.empty() && text.find(until) != std::string::npos) break;
        }
        return text;
    }
    [[nodiscard]] bool is_closed() const {
        char byte = 0;
        return ::recv(fd_, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    }

private:
    int fd_;
};

const std::string kGet = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
std::string post(std::size_t bytes) {
    return "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: " +
           std::to_string(bytes) + "\r\n\r\n";
}

class HostileClients : public testing::Test {
protected:
    void start() {
        settings_.prefix = "/";
        settings_.gets = true;
        auto server = HttpServer::start(
            settings_, [this](const HttpServer::Request& request, HttpServer::Answer answer) {
                const std::lock_guard lock{mutex_};
                bodies_ += request.body.size();
                if (holds_) return held_.push_back(std::move(answer));
                answer({.status = 200, .text = "fine"});
            });
        ASSERT_TRUE(server) << server.error().what;
        server_ = std::move(*server);
    }
    [[nodiscard]] bool serves() const {
        const Client client{server_->port()};
        return client.send(kGet) && client.receive("fine").ends_with("fine");
    }

    HttpServer::Settings settings_;
    std::mutex mutex_;
    std::size_t bodies_ = 0;
    bool holds_ = false;
    std::vector<HttpServer::Answer> held_;
    std::unique_ptr<HttpServer> server_;
};

TEST_F(HostileClients, HeadersThatTrickleEnd) {
    settings_.header_timeout = 300ms;
    start();
    const Client slow{server_->port()};
    const auto begun = Clock::now();
    ASSERT_TRUE(slow.send("GET / HTTP/1.1\r\nX: "));
    while (!slow.is_closed() && Clock::now() - begun < 5s) {
        std::ignore = slow.send("x");  // Each byte in time, the whole never.
        EXPECT_TRUE(serves());
    }
    const auto took = Clock::now() - begun;
    EXPECT_GE(took, 250ms);
    EXPECT_LT(took, 3s);
}

TEST_F(HostileClients, ABodyThatTricklesEnds) {
    settings_.body_timeout = 300ms;
    start();
    const Client slow{server_->port()};
    const auto begun = Clock::now();
    ASSERT_TRUE(slow.send(post(1'000'000)));
    while (!slow.is_closed() && Clock::now() - begun < 5s) {
        std::ignore = slow.send(" ");
        EXPECT_TRUE(serves());
    }
    EXPECT_LT(Clock::now() - begun, 3s);
    EXPECT_EQ(bodies_, 0U) << "the handler never saw it";
}

TEST_F(HostileClients, WhoLetsUsWaitMakesWayForOthers) {
    settings_.connections_max = 8;
    start();
    std::vector<std::unique_ptr<Client>> silent;
    for (int i = 0; i < 8; ++i) {
        silent.push_back(std::make_unique<Client>(server_->port()));
        ASSERT_TRUE(silent.back()->send(i % 2 == 1 ? "GET / HTTP/1.1\r\n" : ""));
    }
    // Whoever is new is left alone for a second; after that the oldest goes.
    const auto begun = Clock::now();
    while (!serves() && Clock::now() - begun < 5s) std::this_thread::sleep_for(50ms);
    EXPECT_GE(Clock::now() - begun, 500ms);
    for (int i = 0; i < 20; ++i) EXPECT_TRUE(serves()) << i;
    const auto closed =
        std::ranges::count_if(silent, [](const auto& one) { return one->is_closed(); });
    EXPECT_GE(closed, 1);
    EXPECT_LE(closed, 8);
}

TEST_F(HostileClients, WhoIsBeingAnsweredKeepsHisPlace) {
    settings_.connections_max = 4;
    start();
    {
        const std::lock_guard lock{mutex_};
        holds_ = true;
    }
    std::vector<std::unique_ptr<Client>> served;
    for (int i = 0; i < 4; ++i) {
        served.push_back(std::make_unique<Client>(server_->port()));
        ASSERT_TRUE(served.back()->send(kGet));
    }
    const auto all_wait = [&] {
        const std::lock_guard lock{mutex_};
        return held_.size() == 4;
    };
    for (int i = 0; i < 500 && !all_wait(); ++i) std::this_thread::sleep_for(10ms);
    ASSERT_TRUE(all_wait());
    std::this_thread::sleep_for(1'200ms);
    const Client late{server_->port()};
    EXPECT_NE(late.receive().find("503 Service Unavailable"), std::string::npos);
    for (const auto& answer : held_) answer({.status = 200, .text = "fine"});
    for (const auto& one : served) EXPECT_TRUE(one->receive("fine").ends_with("fine"));
}

TEST_F(HostileClients, BodiesThatAreHereTogetherHaveABound) {
    settings_.body_bytes_max = 100'000;
    settings_.bodies_bytes_max = 150'000;
    start();
    const Client first{server_->port()};
    const Client second{server_->port()};
    ASSERT_TRUE(first.send(post(90'000) + std::string(80'000, ' ')));
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(serves());  // By then it is read.
    ASSERT_TRUE(second.send(post(90'000) + std::string(80'000, ' ')));
    // That is too much, and is told so; the first one goes on.
    const auto refused = [&](const Client& one) {
        return one.is_closed() || one.receive("\r\n\r\n").find(" 503 ") != std::string::npos;
    };
    EXPECT_TRUE(refused(second));
    ASSERT_TRUE(first.send(std::string(10'000, ' ')));
    EXPECT_TRUE(first.receive("fine").ends_with("fine"));
    // What was answered counts no more.
    for (int i = 0; i < 4; ++i) {
        const Client one{server_->port()};
        ASSERT_TRUE(one.send(post(90'000) + std::string(90'000, ' ')));
        EXPECT_TRUE(one.receive("fine").ends_with("fine")) << i;
    }
}

TEST_F(HostileClients, WhoStopsInTheMiddleOfABodyMakesWayForOthers) {
    settings_.body_bytes_max = 100'000;
    settings_.bodies_bytes_max = 150'000;
    start();
    const Client first{server_->port()};
    ASSERT_TRUE(first.send(post(90'000) + std::string(80'000, ' ')));
    std::this_thread::sleep_for(1'200ms);
    const Client second{server_->port()};
    ASSERT_TRUE(second.send(post(90'000) + std::string(60'000, ' ')));
    for (int i = 0; i < 10; ++i) ASSERT_TRUE(serves());
    const Client third{server_->port()};
    ASSERT_TRUE(third.send(post(90'000) + std::string(90'000, ' ')));
    EXPECT_TRUE(third.receive("fine").ends_with("fine"));
    EXPECT_TRUE(first.is_closed()) << "he let us wait longest";
    ASSERT_TRUE(second.send(std::string(30'000, ' ')));
    EXPECT_TRUE(second.receive("fine").ends_with("fine"));
}

TEST_F(HostileClients, ABodyWithoutEndIsRefusedAtItsLimit) {
    settings_.body_bytes_max = 10'000;
    start();
    const Client chunked{server_->port()};
    ASSERT_TRUE(
        chunked.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                     "Transfer-Encoding: chunked\r\n\r\n"));
    for (int i = 0; i < 20; ++i) {
        std::ignore = chunked.send("400\r\n" + std::string(1'024, ' ') + "\r\n");
    }
    EXPECT_NE(chunked.receive().find(" 413 "), std::string::npos);
    const Client declared{server_->port()};
    ASSERT_TRUE(declared.send(post(10'001)));
    EXPECT_NE(declared.receive().find(" 413 "), std::string::npos);
    EXPECT_EQ(bodies_, 0U);
}

TEST_F(HostileClients, OneRequestIsNeverReadAsTwo) {
    start();
    const std::string head = "POST / HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n";
    struct Row {
        const char* name;
        std::string text;
    };
    const std::vector<Row> rows{
        {"two lengths", head + "Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}"},
        {"a length and chunks",
         head + "Content-Length: 40\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"},
        {"a length below zero", head + "Content-Length: -1\r\n\r\n{}"},
        {"a length that is none", head + "Content-Length: 0x2\r\n\r\n{}"},
        {"a length over all", head + "Content-Length: 99999999999999999999\r\n\r\n{}"},
        {"a blank before the colon", head + "Content-Length : 2\r\n\r\n{}"},
        {"a chunk without size", head + "Transfer-Encoding: chunked\r\n\r\nxyz\r\n{}\r\n0\r\n\r\n"},
        {"a header of no name", head + ": x\r\nContent-Length: 2\r\n\r\n{}"},
        {"a zero byte", head + "X: a" + std::string(1, '\0') + "b\r\nContent-Length: 2\r\n\r\n{}"},
        {"no HTTP", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 as TLS begins\r\n\r\n"},
        {"a version to come", "GET / HTTP/3.0\r\nHost: x\r\n\r\n"},
    };
    for (const Row& row : rows) {
        const Client client{server_->port()};
        ASSERT_TRUE(client.send(row.text));
        const std::string answer = client.receive();
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 4")) << row.name << ": " << answer;
        EXPECT_EQ(answer.find("HTTP/1.1", 8), std::string::npos) << row.name << ": " << answer;
    }
    EXPECT_TRUE(serves());
}

}  // namespace
}  // namespace syncline
