// Clients that mean no good, against a real hub.
#include <gtest/gtest.h>

#include <chrono>

#include "shared/base/clock.h"
#include "tests/integration/api_fixture.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;

/// A connection that is there and says no more than it has to.
class SlowClient {
public:
    SlowClient(std::uint16_t port, const std::string& text)
        : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
        say(text);
    }
    ~SlowClient() { ::close(fd_); }
    SlowClient(const SlowClient&) = delete;
    SlowClient& operator=(const SlowClient&) = delete;
    void say(const std::string& text) const {
        std::ignore = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
    }

private:
    int fd_;
};

class HostileApi : public HubApi {
protected:
    HostileApi() : HubApi("per_second = 1000\n") {}
    explicit HostileApi(const std::string& tokens) : HubApi(tokens) {}
    void start_hub_alone() {
        hub = start_hub();
        ASSERT_TRUE(until([&] { return get("/readyz").status == 200; }, 100ms));
    }
};

/// More of them than the API has places, all of which trickle.
TEST_F(HostileApi, ManySlowClientsKeepNobodyOut) {
    start_hub_alone();
    std::vector<std::unique_ptr<SlowClient>> crowd;
    const std::vector<std::string> beginnings{
        "", "GET /v1/status HTTP/1.1\r\nHost: localhost\r\nX: ",
        "POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        "Content-Length: 1000000\r\n\r\n{"};
    for (std::size_t i = 0; i < 700; ++i) {
        crowd.push_back(std::make_unique<SlowClient>(port_, beginnings[i % 3]));
    }
    int answered = 0;
    std::chrono::steady_clock::duration longest{0};
    const auto end = std::chrono::steady_clock::now() + 5s;
    while (std::chrono::steady_clock::now() < end) {
        for (std::size_t i = 0; i < crowd.size(); ++i) {
            if (i % 3 != 0) crowd[i]->say(" ");  // The others say nothing at all.
        }
        CurlClient other;  // A connection of its own.
        const auto begun = std::chrono::steady_clock::now();
        const auto response =
            other.send({.url = "http://127.0.0.1:" + std::to_string(port_) + "/v1/exceptions"}, {});
        if (!response || response->status != 200) continue;  // The first second is theirs.
        ++answered;
        longest = std::max(longest, std::chrono::steady_clock::now() - begun);
    }
    EXPECT_GT(answered, 20);
    EXPECT_LT(longest, 3s);
}

TEST_F(HostileApi, NoPathLeadsOutOfTheConsole) {
    start_hub_alone();
    for (const char* path :
         {"/../../../../etc/passwd", "/v1/../../etc/passwd", "/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
          "/assets/..%2f..%2f..%2fetc/passwd", "/assets/..\\..\\etc\\passwd",
          "/%252e%252e/etc/passwd", "/index.html%00.png", "//etc/passwd", "/./etc/passwd",
          "/v1/entities/..%2f..%2fetc/passwd", "/v1/policy/versions/..%2f1",
          "/v1/exceptions/customer/..%2f..%2f..%2fetc%2fpasswd", "http://evil.example/etc/passwd",
          "/v1/entities/customer/%00", "/v1/entities/customer/a%0d%0aSet-Cookie:%20a=b"}) {
        const std::string answer = raw("GET " + std::string{path} +
                                           " HTTP/1.1\r\nHost: localhost\r\nConnection: close"
                                           "\r\n\r\n",
                                       3s);
        EXPECT_TRUE(answer.starts_with("HTTP/1.1 4")) << path << ": " << answer;
        EXPECT_EQ(answer.find("root:"), std::string::npos) << path;
        EXPECT_EQ(answer.find("\r\nSet-Cookie"), std::string::npos) << path << ": " << answer;
    }
}

TEST_F(HostileApi, NoHeaderOfARequestBecomesOneOfTheAnswerOrALineOfTheLog) {
    start_hub_alone();
    const std::string body = R"({"token":"x\r\n2026-01-01 error forged"})";
    const std::string answer =
        raw("POST /v1/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            "Idempotency-Key: a\tb\r\nX-Forwarded-Proto: https\r\nIf-None-Match: \"x\"\r\n"
            "traceparent: 00-x\x01y\r\nConnection: close\r\nContent-Length: " +
                std::to_string(body.size()) + "\r\n\r\n" + body,
            3s);
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 4")) << answer;
    EXPECT_EQ(hub->said().find("\n2026-01-01 error forged"), std::string::npos);
    for (const char* path : {"/v1/oidc/login", "/v1/oidc/callback?state=a%0d%0ab&error=c%0d%0ad"}) {
        EXPECT_EQ(get(path).status, get(path).body.contains("control") ? 400 : 404) << path;
    }
}

/// A hub that hears of its clients from a proxy on this machine.
class ProxiedApi : public HostileApi {
protected:
    ProxiedApi() : HostileApi("proxies = [\"127.0.0.1\"]\n" + token_toml("root", "\"admin\"")) {}
    /// What a client behind it is answered who logs in.
    std::string log_in(const std::string& client, const std::string& token) {
        const std::string body = R"({"token":")" + token + "\"}";
        return raw("POST /v1/login HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                   "Content-Type: application/json\r\nX-Forwarded-Proto: https\r\n"
                   "X-Forwarded-For: " +
                       client + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
                       body,
                   3s)
            .substr(0, 12);
    }
};

TEST_F(ProxiedApi, WhoGuessesTokensKeepsNobodyElseOut) {
    start_hub_alone();
    std::string answer;
    for (int i = 0; i < 50 && answer != "HTTP/1.1 429"; ++i) {
        answer = log_in("198.51.100." + std::to_string(i) + ", 192.0.2.1", "wrong");
    }
    EXPECT_EQ(answer, "HTTP/1.1 429") << "what he makes up before counts for nothing";
    EXPECT_EQ(log_in("192.0.2.1", "root-token"), "HTTP/1.1 429");
    EXPECT_EQ(log_in("192.0.2.2", "root-token"), "HTTP/1.1 200");
    EXPECT_TRUE(hub->said().contains("192.0.2.1")) << hub->said();
}

/// A hub that has people sign in elsewhere; nobody is there.
class SignInApi : public HostileApi {
protected:
    SignInApi()
        : HostileApi(
              "proxies = [\"127.0.0.1\"]\n[api.oidc]\nissuer = \"https://127.0.0.1:1/\"\n"
              "client_id = \"c\"\nbase = \"https://s.example/\"\n"
              "[[api.oidc.grants]]\ngroups = []\nroles = [\"viewer\"]\n") {}
    std::string come_back(const std::string& client) {
        return raw("GET /v1/oidc/callback?state=s&code=made-up HTTP/1.1\r\nHost: localhost\r\n"
                   "Connection: close\r\nX-Forwarded-For: " +
                       client + "\r\n\r\n",
                   3s)
            .substr(0, 12);
    }
};

TEST_F(SignInApi, WhoMakesUpCodesKeepsNobodyElseOut) {
    start_hub_alone();
    EXPECT_EQ(come_back("192.0.2.1"), "HTTP/1.1 403") << "that browser has begun none";
    std::string answer;
    for (int i = 0; i < 200 && answer != "HTTP/1.1 429"; ++i) answer = come_back("192.0.2.1");
    EXPECT_EQ(answer, "HTTP/1.1 429");
    EXPECT_EQ(come_back("192.0.2.2"), "HTTP/1.1 403");
}

/// Tokens that were good a moment ago.
class GoneTokens : public HostileApi {
protected:
    GoneTokens() : HostileApi(token_toml("root", "\"admin\"")) {}
    /// A session of that token.
    std::string log_in(const std::string& token) {
        const HttpResponse in = post("/v1/login", R"({"token":")" + token + "\"}");
        EXPECT_EQ(in.status, 200) << in.body;
        const std::string set{in.header("set-cookie")};
        return set.substr(0, set.find(';'));
    }
};

TEST_F(GoneTokens, OpenNothingOnceTheyHaveExpired) {
    const Timestamp soon = SystemClock{}.now() + Duration{8s};
    const std::string text = to_string(Timestamp{soon.ns / 1'000'000'000 * 1'000'000'000});
    write("hub.toml",
          read("hub.toml") + token_toml("brief", "\"admin\"", "expires = \"" + text + "\"\n"));
    token_ = "root-token";
    start_hub_alone();
    token_ = "brief-token";
    ASSERT_EQ(get("/v1/session").status, 200) << "it is good until " << text;
    token_.clear();
    const std::string cookie = log_in("brief-token");
    ASSERT_EQ(get("/v1/session", {{"Cookie", cookie}}).status, 200);
    EXPECT_TRUE(until(
        [&] {
            return get("/v1/session", {{"Cookie", cookie}}).status == 401;
        },
        100ms));
    EXPECT_GE(SystemClock{}.now(), soon - Duration{1s});
    EXPECT_EQ(post("/v1/login", R"({"token":"brief-token"})").status, 401);
    token_ = "brief-token";
    EXPECT_EQ(get("/v1/session").status, 401);
}

TEST_F(GoneTokens, OpenNothingOnceTheyAreTakenOutOfTheFile) {
    const std::string file = read("hub.toml");
    write("hub.toml", file + token_toml("left", "\"operator\""));
    token_ = "root-token";
    start_hub_alone();
    token_.clear();
    const std::string cookie = log_in("left-token");
    ASSERT_EQ(get("/v1/session", {{"Cookie", cookie}}).status, 200);
    EXPECT_EQ(hub->stop(), 0);
    write("hub.toml", file);
    token_ = "root-token";
    start_hub_alone();
    token_.clear();
    EXPECT_EQ(get("/v1/session", {{"Cookie", cookie}}).status, 401);
    EXPECT_EQ(post("/v1/login", R"({"token":"left-token"})").status, 401);
    token_ = "left-token";
    EXPECT_EQ(get("/v1/session").status, 401);
}

}  // namespace
}  // namespace syncline::test
