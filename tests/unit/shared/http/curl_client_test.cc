// The real client against a socket that behaves badly in every way that matters.
#include <atomic>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "shared/http/client.h"

namespace syncline {
namespace {

using namespace std::chrono_literals;

/// Takes connections and hands each to `serve`, in a thread of its own.
class Socket {
public:
    explicit Socket(std::function<void(int)> serve) : serve_(std::move(serve)) {
        listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        ::bind(listener_, generic, size);
        ::listen(listener_, 8);
        ::getsockname(listener_, generic, &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::jthread{[this] {
            std::vector<std::jthread> threads;
            for (int fd = 0; (fd = ::accept(listener_, nullptr, nullptr)) >= 0;) {
                ++connections;
                threads.emplace_back([this, fd] {
                    serve_(fd);
                    ::close(fd);
                });
            }
        }};
    }
    ~Socket() {
        ::shutdown(listener_, SHUT_RDWR);
        thread_.join();
        ::close(listener_);
    }
    [[nodiscard]] std::string url(const std::string& path = "/") const {
        return "http://127.0.0.1:" + std::to_string(port_) + path;
    }
    std::atomic<int> connections = 0;

private:
    std::function<void(int)> serve_;
    int listener_ = -1;
    std::uint16_t port_ = 0;
    std::jthread thread_;
};

/// Head and body of one request; empty when the client has gone.
std::string receive(int fd) {
    std::string text;
    char chunk[4096];
    while (true) {
        const auto head = text.find("\r\n\r\n");
        if (head != std::string::npos) {
            const auto length = text.find("Content-Length: ");
            const std::size_t body = length == std::string::npos || length > head
                                         ? 0
                                         : std::stoul(text.substr(length + 16));
            if (text.size() >= head + 4 + body) return text;
        }
        const ssize_t count = ::recv(fd, chunk, sizeof chunk, 0);
        if (count <= 0) return {};
        text.append(chunk, static_cast<std::size_t>(count));
    }
}

void transmit(int fd, const std::string& text) {
    std::ignore = ::send(fd, text.data(), text.size(), MSG_NOSIGNAL);  // It may have gone.
}

void reset(int fd) {
    const linger now{1, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
}

std::string ok(const std::string& body, const std::string& headers = "") {
    return "HTTP/1.1 200 OK\r\n" + headers + "Content-Length: " + std::to_string(body.size()) +
           "\r\n\r\n" + body;
}

HttpRequest request(const std::string& method, const std::string& url, std::string body = "") {
    return {.method = method, .url = url, .body = std::move(body), .timeout = 5s};
}

TEST(CurlClient, SpeaksPlainHttpAndKeepsTheConnection) {
    std::mutex mutex;
    std::vector<std::string> seen;
    Socket server{[&](int fd) {
        for (std::string text = receive(fd); !text.empty(); text = receive(fd)) {
            const std::lock_guard lock{mutex};
            seen.push_back(text);
            transmit(fd,
                     ok("hi", "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nX-Two: a\r\nx-two: b\r\n"));
        }
    }};
    {
        CurlClient client;
        for (const char* method : {"GET", "POST", "PATCH", "PUT", "DELETE"}) {
            HttpRequest one = request(method, server.url("/p?q=1"), method[0] == 'P' ? "body" : "");
            one.headers.emplace_back("X-Empty", "");
            const auto reply = client.send(one, {});
            ASSERT_TRUE(reply) << reply.error().what;
            EXPECT_EQ(reply->status, 200);
            EXPECT_EQ(reply->body, "hi");
            EXPECT_EQ(reply->header("x-two"), "a, b");
            EXPECT_EQ(to_string(*reply->date()), "1994-11-06T08:49:37Z");
        }
        EXPECT_EQ(server.connections, 2);  // A write without body takes its own.
    }
    ASSERT_EQ(seen.size(), 5u);
    EXPECT_TRUE(seen[0].starts_with("GET /p?q=1 HTTP/1.1\r\n")) << seen[0];
    EXPECT_TRUE(seen[2].starts_with("PATCH /p?q=1 HTTP/1.1\r\n")) << seen[2];
    EXPECT_TRUE(seen[2].ends_with("\r\n\r\nbody"));
    EXPECT_EQ(seen[2].find("Expect"), std::string::npos);
    EXPECT_NE(seen[2].find("X-Empty:"), std::string::npos);
    EXPECT_NE(seen[0].find("Accept-Encoding: gzip"), std::string::npos);
    EXPECT_TRUE(seen[4].starts_with("DELETE")) << seen[4];
}

struct FailureCase {
    const char* name;
    std::function<void(int)> serve;  ///< None: nobody listens.
    ErrorKind read;
    ErrorKind write;
};
class CurlFailure : public testing::TestWithParam<FailureCase> {};

TEST_P(CurlFailure, SaysWhetherItMayHaveHappened) {
    Socket server{GetParam().serve ? GetParam().serve : [](int) {}};
    const std::string url = GetParam().serve ? server.url() : "http://127.0.0.1:1/";
    for (const char* method : {"GET", "POST", "PATCH", "DELETE"}) {
        CurlClient client{{.response_bytes_max = 1'000}};
        HttpRequest one = request(method, url, method[0] == 'P' ? "body" : "");
        one.timeout = 300ms;
        const auto reply = client.send(one, {});
        ASSERT_FALSE(reply) << method;
        EXPECT_EQ(reply.error().kind, method[0] == 'G' ? GetParam().read : GetParam().write)
            << method << ": " << reply.error().what;
    }
}
using enum ErrorKind;
INSTANTIATE_TEST_SUITE_P(
    Cases, CurlFailure,
    testing::Values(FailureCase{"refused", nullptr, kUnavailable, kUnavailable},
                    FailureCase{"reset_after_request",
                                [](int fd) {
                                    receive(fd);
                                    reset(fd);
                                },
                                kUnavailable, kAmbiguous},
                    FailureCase{"closed_after_request", [](int fd) { receive(fd); }, kUnavailable,
                                kAmbiguous},
                    FailureCase{"cut_body",
                                [](int fd) {
                                    receive(fd);
                                    transmit(fd,
                                             "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
                                },
                                kUnavailable, kAmbiguous},
                    FailureCase{"silent",
                                [](int fd) {
                                    receive(fd);
                                    receive(fd);
                                },
                                kUnavailable, kAmbiguous},
                    FailureCase{"slow_drip",
                                [](int fd) {
                                    receive(fd);
                                    transmit(fd, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n");
                                    for (int i = 0; i < 20; ++i) {
                                        transmit(fd, "x");
                                        std::this_thread::sleep_for(20ms);
                                    }
                                    receive(fd);
                                },
                                kUnavailable, kAmbiguous},
                    FailureCase{"too_large",
                                [](int fd) {
                                    receive(fd);
                                    transmit(fd, ok(std::string(5'000, 'x')));
                                },
                                kTooLarge, kAmbiguous},
                    FailureCase{"endless_headers",
                                [](int fd) {
                                    receive(fd);
                                    transmit(fd, "HTTP/1.1 200 OK\r\n");
                                    for (int i = 0; i < 100; ++i) {
                                        transmit(fd, "X: " + std::string(1'000, 'x') + "\r\n");
                                    }
                                },
                                kTooLarge, kAmbiguous},
                    FailureCase{"garbage",
                                [](int fd) {
                                    receive(fd);
                                    transmit(fd, "\x16\x03garbage");
                                },
                                kUnavailable, kAmbiguous}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(CurlClient, RepeatsNoWriteOnADeadConnection) {
    for (const char* body : {"body", ""}) {
        std::atomic<int> posts = 0;
        Socket server{[&](int fd) {
            const std::string first = receive(fd);
            if (first.starts_with("GET")) transmit(fd, ok("first"));
            // The next request is read, and the connection closed without a word.
            const std::string next = first.starts_with("GET") ? receive(fd) : first;
            if (next.starts_with("POST")) ++posts;
        }};
        CurlClient client;
        ASSERT_TRUE(client.send(request("GET", server.url()), {}));
        const auto reply = client.send(request("POST", server.url(), body), {});
        ASSERT_FALSE(reply);
        EXPECT_EQ(reply.error().kind, kAmbiguous) << reply.error().what;
        EXPECT_EQ(posts, 1) << body;
    }
}

// curl itself gives up the sixth.
TEST(CurlClient, ReadsOnHoweverManyKeptConnectionsWereDead) {
    Socket server{[&](int fd) {
        receive(fd);
        transmit(fd, ok("hi"));
        receive(fd);  // And closes it without a word.
    }};
    CurlClient client;
    for (int i = 1; i <= 14; ++i) {
        const auto reply = client.send(request("GET", server.url()), {});
        ASSERT_TRUE(reply) << i << ": " << reply.error().what;
    }
    EXPECT_EQ(server.connections, 14);
}

TEST(CurlClient, KeepsNothingOfTheRequestBefore) {
    std::mutex mutex;
    std::vector<std::string> seen;
    Socket server{[&](int fd) {
        for (std::string text = receive(fd); !text.empty(); text = receive(fd)) {
            const std::lock_guard lock{mutex};
            seen.push_back(text);
            transmit(fd, text.starts_with("HEAD") ? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
                                                  : ok("hi"));
        }
    }};
    const std::vector<std::pair<const char*, const char*>> all{
        {"HEAD", ""},   {"POST", "one"}, {"GET", ""},      {"HEAD", ""}, {"DELETE", ""},
        {"PUT", "two"}, {"DELETE", "x"}, {"DELETE", ""},   {"GET", ""},  {"POST", ""},
        {"GET", ""},    {"PATCH", "y"},  {"OPTIONS", "z"}, {"GET", ""}};
    {
        CurlClient client;
        for (const auto& [method, body] : all) {
            const auto reply = client.send(request(method, server.url(), body), {});
            ASSERT_TRUE(reply) << method << ": " << reply.error().what;
            EXPECT_EQ(reply->body, std::string{method} == "HEAD" ? "" : "hi") << method;
        }
    }
    ASSERT_EQ(seen.size(), all.size());
    for (std::size_t i = 0; i < all.size(); ++i) {
        const auto& [method, body] = all[i];
        EXPECT_TRUE(seen[i].starts_with(std::string{method} + " / ")) << seen[i];
        EXPECT_TRUE(seen[i].ends_with("\r\n\r\n" + std::string{body})) << seen[i];
        EXPECT_EQ(seen[i].contains("Content-Length"), *body != 0 || i == 9) << seen[i];
    }
}

TEST(CurlClient, ABombOfZerosEndsAtTheLimit) {
    Socket server{[&](int fd) {
        if (receive(fd).empty()) return;
        FILE* gzip = ::popen("head -c 50000000 /dev/zero | gzip -9", "r");
        std::string body(200'000, '\0');
        body.resize(::fread(body.data(), 1, body.size(), gzip));
        ::pclose(gzip);
        transmit(fd, ok(body, "Content-Encoding: gzip\r\n"));
    }};
    CurlClient client{{.response_bytes_max = 1u << 20}};
    const auto reply = client.send(request("GET", server.url()), {});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, kTooLarge) << reply.error().what;
}

/// An HTTPS server of `connections` connections, with a certificate for localhost that nobody
/// knows.
class TlsServer {
public:
    explicit TlsServer(int connections) {
        const std::string stem = testing::TempDir() + "curl-tls-" + std::to_string(::getpid());
        certificate = stem + ".pem";
        key_ = stem + ".key";
        const std::string command =
            "exec 2>&1; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes "
            "-days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost -keyout " +
            key_ + " -out " + certificate + " > /dev/null && exec timeout 20 openssl s_server " +
            "-accept 127.0.0.1:0 -www -naccept " + std::to_string(connections) + " -cert " +
            certificate + " -key " + key_;
        process_ = ::popen(command.c_str(), "r");
        char line[256];
        while (port.empty() && ::fgets(line, sizeof line, process_) != nullptr) {
            const std::string text = line;
            if (!text.starts_with("ACCEPT ")) continue;
            port = text.substr(text.rfind(':') + 1);
            port.pop_back();  // The line's end.
        }
    }
    ~TlsServer() {
        ::pclose(process_);
        std::ignore = ::unlink(certificate.c_str());  // Nothing is lost by a file that stays.
        std::ignore = ::unlink(key_.c_str());
    }
    TlsServer(const TlsServer&) = delete;
    TlsServer& operator=(const TlsServer&) = delete;
    std::string certificate;
    std::string port;

private:
    std::string key_;
    FILE* process_ = nullptr;
};

TEST(CurlClient, SendsNothingToACertificateThatItDoesNotBelieve) {
    const TlsServer server{4};
    ASSERT_FALSE(server.port.empty());
    const std::string url = "https://localhost:" + server.port + "/";
    for (const char* method : {"GET", "POST"}) {
        CurlClient client;
        const auto reply = client.send(request(method, url, method[0] == 'P' ? "body" : ""), {});
        ASSERT_FALSE(reply) << method;
        EXPECT_EQ(reply.error().kind, kUnavailable) << reply.error().what;
        EXPECT_NE(reply.error().what.find("certificate"), std::string::npos);
    }
    // It is the certificate, and its name, that make the difference.
    CurlClient client{{.ca_file = server.certificate}};
    const auto reply = client.send(request("GET", url), {});
    ASSERT_TRUE(reply) << reply.error().what;
    EXPECT_EQ(reply->status, 200);
    const auto other = client.send(request("GET", "https://127.0.0.1:" + server.port + "/"), {});
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().kind, kUnavailable) << other.error().what;
}

TEST(CurlClient, FollowsNoRedirect) {
    Socket server{[&](int fd) {
        receive(fd);
        transmit(
            fd, "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
    }};
    CurlClient client;
    const auto reply = client.send(request("GET", server.url()), {});
    ASSERT_TRUE(reply);
    EXPECT_EQ(reply->status, 302);
}

/// Judged is the address that is connected to: whatever name or spelling leads there.
TEST(CurlClient, ConnectsToNothingThatTheGuardRefuses) {
    Socket server{[&](int fd) {
        receive(fd);
        transmit(fd, "HTTP/1.1 204 No Content\r\n\r\n");
    }};
    const std::string port = server.url().substr(server.url().rfind(':'));
    CurlClient guarded{{.guard = AddressGuard{}}};
    for (const char* host : {"127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1",
                             "127.1", "[::ffff:127.0.0.1]", "[::1]", "0.0.0.0", "0"}) {
        for (const char* method : {"GET", "POST"}) {
            const auto reply = guarded.send(request(method, "http://" + (host + port), "x"), {});
            ASSERT_FALSE(reply) << host;
            EXPECT_EQ(reply.error().kind, ErrorKind::kDenied) << host << " " << reply.error().what;
        }
    }
    EXPECT_EQ(server.connections, 0) << "nobody was even called";
    const auto why = guarded.send(request("POST", server.url("/hook"), "x"), {}).error().what;
    EXPECT_NE(why.find("127.0.0.1 is loopback"), std::string::npos) << why;
    for (const char* allowed : {"127.0.0.0/8", "localhost"}) {
        AddressGuard guard;
        ASSERT_TRUE(guard.allow(allowed));
        CurlClient client{{.guard = guard}};
        const auto reply = client.send(request("POST", "http://localhost" + port, "x"), {});
        EXPECT_TRUE(reply) << reply.error().what;
    }
    EXPECT_EQ(server.connections, 2);
}

TEST(CurlClient, StopsWithinASecond) {
    std::stop_source source;
    std::chrono::steady_clock::time_point told;
    Socket server{[&](int fd) {
        receive(fd);
        told = std::chrono::steady_clock::now();
        source.request_stop();  // The request has left, and no answer comes.
        receive(fd);
    }};
    CurlClient client;
    const auto reply = client.send(request("POST", server.url(), "x"), source.get_token());
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().kind, kAmbiguous);
    EXPECT_LT(std::chrono::steady_clock::now() - told, 1s);
    const auto next = client.send(request("POST", server.url(), "x"), source.get_token());
    EXPECT_EQ(next.error().kind, kUnavailable);
}

TEST(CurlClient, RefusesWhatIsNoRequest) {
    CurlClient client;
    EXPECT_EQ(client.send(request("GET", "file:///etc/passwd"), {}).error().kind, kInvalid);
    HttpRequest one = request("GET", "http://127.0.0.1:1/");
    one.headers.emplace_back("X", "a\r\nY: b");
    EXPECT_EQ(client.send(one, {}).error().kind, kInvalid);
}

}  // namespace
}  // namespace syncline
