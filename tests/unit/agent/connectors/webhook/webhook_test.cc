// The server and the connector on a real socket of the loopback.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <deque>
#include <mutex>
#include <thread>

#include "agent/connectors/webhook/events.h"
#include "agent/connectors/webhook/push_queue.h"
#include "agent/connectors/webhook/webhook_connector.h"
#include "shared/http/server.h"
#include "tests/support/manual_clock.h"

namespace syncline::agent::webhook {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

/// A client that says exactly what it is told.
class RawClient {
public:
    explicit RawClient(std::uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        address.sin_port = htons(port);
        const timeval most{.tv_sec = 20, .tv_usec = 0};
        ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
        EXPECT_EQ(::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    }
    ~RawClient() { ::close(fd_); }
    RawClient(const RawClient&) = delete;
    RawClient& operator=(const RawClient&) = delete;

    void send(const std::string& bytes) const {
        std::ignore = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    }
    /// One response without body, or what came until the connection was closed.
    std::string answer() {
        while (received_.find("\r\n\r\n") == std::string::npos) {
            char bytes[4096];
            const ssize_t count = ::recv(fd_, bytes, sizeof bytes, 0);
            if (count <= 0) return std::exchange(received_, {});
            received_.append(bytes, static_cast<std::size_t>(count));
        }
        const std::size_t end = received_.find("\r\n\r\n") + 4;
        std::string head = received_.substr(0, end);
        received_.erase(0, end);
        return head;
    }
    bool is_closed() {
        char byte = 0;
        return ::recv(fd_, &byte, 1, 0) == 0;
    }
    std::string ask(const std::string& bytes) {
        send(bytes);
        return answer();
    }

private:
    int fd_;
    std::string received_;
};

std::string post(const std::string& path, const std::string& body,
                 const std::string& headers = "Content-Type: application/json\r\n") {
    return "POST " + path + " HTTP/1.1\r\nHost: x\r\n" + headers +
           "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

class HttpServerTest : public testing::Test {
protected:
    HttpServerTest() {
        settings_.paths = {"/hook"};
        settings_.body_bytes_max = 100;
        settings_.header_bytes_max = 1'024;
    }
    void start() {
        auto server = HttpServer::start(
            settings_, [this](const HttpServer::Request& request, HttpServer::Answer answer) {
                const std::lock_guard lock{mutex_};
                body_ = request.body;
                target_ = request.target;
                ++requests_;
                if (answers_) return answer({.status = 200});
                held_.push_back(std::move(answer));
            });
        ASSERT_TRUE(server) << server.error().what;
        server_ = std::move(*server);
    }
    RawClient client() { return RawClient{server_->port()}; }

    HttpServer::Settings settings_;
    std::mutex mutex_;
    std::string body_;
    std::string target_;
    int requests_ = 0;
    bool answers_ = true;
    std::vector<HttpServer::Answer> held_;
    std::unique_ptr<HttpServer> server_;
};

TEST_F(HttpServerTest, AnswersManyRequestsOfOneConnection) {
    start();
    auto client = this->client();
    for (int i = 0; i < 3; ++i) {
        EXPECT_THAT(client.ask(post("/hook?a=b", "{}")), StartsWith("HTTP/1.1 200"));
    }
    EXPECT_EQ(target_, "/hook?a=b");
    client.send(post("/hook", "1") + post("/hook", "2"));  // Without waiting for the first.
    EXPECT_THAT(client.answer(), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(client.answer(), StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(requests_, 5);
}

TEST_F(HttpServerTest, SharesItsConnectionsAmongItsThreads) {
    settings_.threads = 3;
    start();
    std::deque<RawClient> clients;
    for (int i = 0; i < 7; ++i) clients.emplace_back(server_->port());
    for (int round = 0; round < 3; ++round) {
        for (RawClient& one : clients) one.send(post("/hook", "{}"));
        for (RawClient& one : clients) EXPECT_THAT(one.answer(), StartsWith("HTTP/1.1 200"));
    }
    const std::lock_guard lock{mutex_};
    EXPECT_EQ(requests_, 21);
}

TEST_F(HttpServerTest, ARequestMayFollowAnEmptyOne) {
    start();
    auto client = this->client();
    client.send(post("/hook", "") + post("/hook", "2"));
    EXPECT_THAT(client.answer(), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(client.answer(), StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(requests_, 2);
    EXPECT_EQ(body_, "2");
}

TEST_F(HttpServerTest, TakesARequestByteByByte) {
    start();
    auto client = this->client();
    for (const char byte : post("/hook", "{\"a\":1}")) client.send(std::string(1, byte));
    EXPECT_THAT(client.answer(), StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(body_, "{\"a\":1}");
}

TEST_F(HttpServerTest, RefusesWhatIsNoPushAndCloses) {
    start();
    const std::string json = "Content-Type: application/json\r\n";
    const std::pair<std::string, const char*> cases[] = {
        {"GET /hook HTTP/1.1\r\nHost: x\r\n\r\n", "HTTP/1.1 405"},
        {"PUT /hook HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 405"},
        {post("/other", "{}"), "HTTP/1.1 404"},
        {post("/hook", "{}", "Content-Type: text/plain\r\n"), "HTTP/1.1 415"},
        {post("/hook", "{}", ""), "HTTP/1.1 415"},
        {"POST /hook HTTP/1.1\r\nHost: x\r\n" + json + "\r\n", "HTTP/1.1 411"},
        {post("/hook", std::string(101, ' ')), "HTTP/1.1 413"},
        {"POST /hook HTTP/1.1\r\n" + json + "Content-Length: 99999999999\r\n\r\n", "HTTP/1.1 413"},
        {"POST /hook HTTP/1.1\r\n" + json + "Transfer-Encoding: chunked\r\n\r\n96\r\n" +
             std::string(0x96, ' ') + "\r\n0\r\n\r\n",
         "HTTP/1.1 413"},
        {post("/hook", "{}", json + "X: " + std::string(2'000, 'x') + "\r\n"), "HTTP/1.1 431"},
        {"nonsense\r\n\r\n", "HTTP/1.1 400"},
        {"POST /hook HTTP/1.1\r\n" + json + "Content-Length: x\r\n\r\n", "HTTP/1.1 400"},
    };
    for (const auto& [request, status] : cases) {
        auto client = this->client();
        EXPECT_THAT(client.ask(request), StartsWith(status)) << request.substr(0, 60);
        EXPECT_TRUE(client.is_closed());
    }
    EXPECT_EQ(requests_, 0);
    EXPECT_THAT(client().ask(cases[0].first), HasSubstr("Allow: POST"));
}

TEST_F(HttpServerTest, TakesChunksAndAsksForTheRest) {
    start();
    const std::string head =
        "POST /hook HTTP/1.1\r\nContent-Type: application/json; charset=utf-8\r\n";
    EXPECT_THAT(client().ask(head + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
                StartsWith("HTTP/1.1 200"));
    EXPECT_EQ(body_, "{}");
    auto client = this->client();
    EXPECT_THAT(client.ask(head + "Content-Length: 2\r\nExpect: 100-continue\r\n\r\n"),
                StartsWith("HTTP/1.1 100"));
    EXPECT_THAT(client.ask("[]"), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, SlowClientsAreLetGo) {
    settings_.idle_timeout = 100ms;
    settings_.header_timeout = 100ms;
    settings_.body_timeout = 100ms;
    start();
    auto idle = client();
    EXPECT_TRUE(idle.is_closed());
    auto slow_header = client();
    slow_header.send("POST /hook HTTP/1.1\r\n");
    EXPECT_TRUE(slow_header.is_closed());
    auto slow_body = client();
    slow_body.send(
        "POST /hook HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: "
        "10\r\n\r\n{");
    EXPECT_TRUE(slow_body.is_closed());
    EXPECT_EQ(requests_, 0);
}

TEST_F(HttpServerTest, OneConnectionTooManyIsTurnedAway) {
    settings_.connections_max = 2;
    start();
    auto first = client();
    auto second = client();
    EXPECT_THAT(first.ask(post("/hook", "{}")), StartsWith("HTTP/1.1 200"));
    EXPECT_THAT(second.ask(post("/hook", "{}")), StartsWith("HTTP/1.1 200"));
    auto third = client();
    const std::string answer = third.answer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
    EXPECT_THAT(answer, HasSubstr("Retry-After"));
    EXPECT_THAT(first.ask(post("/hook", "{}")), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, AHandlerThatTakesTooLongIs503AndItsAnswerIsDropped) {
    settings_.reply_timeout = 100ms;
    answers_ = false;
    start();
    auto client = this->client();
    EXPECT_THAT(client.ask(post("/hook", "{}")), StartsWith("HTTP/1.1 503"));
    held_.at(0)({.status = 200});
    answers_ = true;
    EXPECT_THAT(client.ask(post("/hook", "{}")), StartsWith("HTTP/1.1 200"));
}

TEST_F(HttpServerTest, AnswersAfterItsEndAreHarmless) {
    answers_ = false;
    start();
    auto client = this->client();
    client.send(post("/hook", "{}"));
    const auto count = [this] {
        const std::lock_guard lock{mutex_};
        return held_.size();
    };
    while (count() == 0) std::this_thread::yield();
    server_.reset();
    held_.at(0)({.status = 200});
    EXPECT_TRUE(client.is_closed());
}

TEST_F(HttpServerTest, ATakenPortIsTold) {
    start();
    settings_.port = server_->port();
    const auto second = HttpServer::start(settings_, [](auto&&...) {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::kUnavailable);
    settings_.address = "nowhere";
    const auto third = HttpServer::start(settings_, [](auto&&...) {});
    ASSERT_FALSE(third);
    EXPECT_EQ(third.error().kind, ErrorKind::kInvalid);
}

// ---- Events -----------------------------------------------------------------------------------

ObjectMapping customer() {
    return {.object = ObjectName{"customer"},
            .key = "id",
            .fields = {{.field = FieldName{"name"}, .path = "name"}}};
}

struct EventCase {
    const char* name;
    EventShape shape;
    const char* body;
    std::vector<std::string> records;  ///< Ids; a delete with `-` in front.
    std::size_t rejects;
};

class Events : public testing::TestWithParam<EventCase> {};

TEST_P(Events, BecomeRecords) {
    const EventCase& row = GetParam();
    const auto event = events_of(row.shape, customer(), row.body, {});
    ASSERT_TRUE(event) << event.error().what;
    std::vector<std::string> ids;
    for (const Record& record : event->records) {
        ids.push_back((record.deleted ? "-" : "") + record.id.text);
        EXPECT_EQ(record.partial, !record.deleted && !row.shape.complete);
    }
    EXPECT_EQ(ids, row.records);
    EXPECT_EQ(event->rejects.size(), row.rejects);
}

const EventShape kTyped{.record = "data",
                        .deleted_when = {"type", {"customer.deleted"}},
                        .accept_when = {"type", {"customer.updated"}}};
INSTANTIATE_TEST_SUITE_P(
    Shapes, Events,
    testing::Values(
        EventCase{"the_record_itself", {.complete = true}, R"({"id":1,"name":"A"})", {"1"}, 0},
        EventCase{"a_list", {}, R"([{"id":1},{"id":"b"}])", {"1", "b"}, 0},
        EventCase{"at_a_path",
                  {.items = "d.list", .record = "r"},
                  R"({"d":{"list":[{"r":{"id":1}},{"r":{"id":2}}]}})",
                  {"1", "2"},
                  0},
        EventCase{"one_without_key", {}, R"([{"id":1},{"name":"x"}])", {"1"}, 1},
        EventCase{"one_without_record", {.record = "r"}, R"([{"r":{"id":1}},{"r":7}])", {"1"}, 1},
        EventCase{"accepted", kTyped, R"({"type":"customer.updated","data":{"id":1}})", {"1"}, 0},
        EventCase{"deleted", kTyped, R"({"type":"customer.deleted","data":{"id":1}})", {"-1"}, 0},
        EventCase{"of_no_interest", kTyped, R"({"type":"ping"})", {}, 0}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(Events, WhatIsNoEventIsRefused) {
    for (const char* body : {"", "{", "{\"id\":1} x", "{\"a\":1,\"a\":2}"}) {
        EXPECT_FALSE(events_of({}, customer(), body, {})) << body;
    }
    EXPECT_FALSE(events_of({.items = "d"}, customer(), "{}", {}));
}

TEST(PushQueue, IsBoundedAndLeavesNobodyWaiting) {
    int failed = 0;
    const auto event = [&] {
        return PushedEvent{.records = {Record{}}, .done = [&](Result<void> stored) {
                               if (!stored) ++failed;
                           }};
    };
    {
        BoundedPushQueue queue{{.events = 2}};
        EXPECT_TRUE(queue.take(10, Duration{0}, {}).empty());
        EXPECT_TRUE(queue.try_push(event()));
        EXPECT_TRUE(queue.try_push(event()));
        EXPECT_FALSE(queue.try_push(event()));
        EXPECT_EQ(queue.take(1, Duration{0}, {}).size(), 1u);
        EXPECT_TRUE(queue.try_push(event()));
    }
    EXPECT_EQ(failed, 2);
}

TEST(PushQueue, IsBoundedByTheSizeOfItsEvents) {
    const auto event = [](std::size_t bytes) {
        return PushedEvent{.records = {Record{}}, .bytes = bytes, .done = [](Result<void>) {}};
    };
    BoundedPushQueue queue{{.events = 100, .bytes = 1'000}};
    EXPECT_TRUE(queue.try_push(event(5'000))) << "else it could never be taken";
    EXPECT_FALSE(queue.try_push(event(1)));
    EXPECT_EQ(queue.take(10, Duration{0}, {}).size(), 1u);
    EXPECT_TRUE(queue.try_push(event(600)));
    EXPECT_FALSE(queue.try_push(event(600)));
    EXPECT_TRUE(queue.try_push(event(400)));
    EXPECT_EQ(queue.take(10, Duration{0}, {}).size(), 2u);
}

TEST(PushQueue, HandsOutNoMoreThanABatchMayTake) {
    const auto event = [] {
        return PushedEvent{.records = {Record{}}, .bytes = 3u << 20, .done = [](Result<void>) {}};
    };
    BoundedPushQueue queue{{}};
    for (int i = 0; i < 4; ++i) EXPECT_TRUE(queue.try_push(event()));
    EXPECT_EQ(queue.take(10, Duration{0}, {}).size(), 2u);
    EXPECT_EQ(queue.take(10, Duration{0}, {}).size(), 2u);
}

// ---- The connector ----------------------------------------------------------------------------

constexpr const char* kKey = "a github key";

std::string sign(const std::string& body) {
    unsigned char digest[32];
    unsigned size = sizeof digest;
    HMAC(EVP_sha256(), kKey, static_cast<int>(std::string_view{kKey}.size()),
         reinterpret_cast<const unsigned char*>(body.data()), body.size(), digest, &size);
    std::string text = "sha256=";
    for (const unsigned char byte : digest) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

std::string signed_post(const std::string& body) {
    return post("/hook", body,
                "Content-Type: application/json\r\nX-Hub-Signature-256: " + sign(body) + "\r\n");
}

/// Stands in for the connector that fetches and writes.
class FakeInner final : public Connector {
public:
    Result<void> connect(std::stop_token) override { return {}; }
    Result<Batch> read(const Cursor& from, std::size_t, std::stop_token) override {
        Batch batch;
        batch.records.push_back(
            {.object = ObjectName{"customer"}, .id = RecordId{"full" + from.text}});
        batch.more = from.text.empty();
        batch.next = {"1"};
        return batch;
    }
    Result<std::optional<Record>> fetch(const ObjectName&, const RecordId& id,
                                        std::stop_token) override {
        return Record{.id = id};
    }
    Result<std::optional<Record>> find(const ObjectName&, const EntityId&,
                                       std::stop_token) override {
        return std::nullopt;
    }
    Result<Written> write(const Command&, std::stop_token) override { return Written{}; }
    Traits traits() const override { return {.has_marker = true}; }
};

class WebhookConnectorTest : public testing::Test {
protected:
    std::unique_ptr<WebhookConnector> make(std::unique_ptr<Connector> inner = nullptr) {
        ::setenv("SYNCLINE_TEST_WEBHOOK", kKey, 1);
        WebhookConfig config;
        config.queue.events = 2;
        config.server.paths = {"/hook"};
        config.routes.push_back({.path = "/hook",
                                 .object = ObjectName{"customer"},
                                 .scheme = SignatureScheme::kGithub,
                                 .key = {Secret::Source::kEnvironment, "SYNCLINE_TEST_WEBHOOK"}});
        auto connector = std::make_unique<WebhookConnector>(config, std::vector{customer()}, clock_,
                                                            std::move(inner));
        EXPECT_TRUE(connector->connect({}));
        return connector;
    }
    /// A read that does not wait for anybody.
    static Result<Batch> look(WebhookConnector& connector, const Cursor& from) {
        std::stop_source stop;
        stop.request_stop();
        return connector.read(from, 100, stop.get_token());
    }
    /// Reads until there is something.
    static Batch read(WebhookConnector& connector, const Cursor& from) {
        while (true) {
            auto batch = connector.read(from, 100, {});
            EXPECT_TRUE(batch);
            if (!batch || !batch->records.empty()) return batch.value_or(Batch{});
        }
    }

    test::ManualClock clock_;
};

TEST_F(WebhookConnectorTest, AnswersOnlyAfterWhatWasPushedIsStored) {
    const auto connector = make();
    ASSERT_TRUE(look(*connector, {}));
    RawClient client{connector->port()};
    client.send(signed_post(R"({"id":7,"name":"Anna"})"));
    const Batch batch = read(*connector, {});
    ASSERT_EQ(batch.records.size(), 1u);
    EXPECT_EQ(batch.records.front().id.text, "7");
    EXPECT_TRUE(batch.records.front().partial);
    EXPECT_NE(batch.next, Cursor{});
    ASSERT_TRUE(connector->stored(batch.next));
    EXPECT_THAT(client.answer(), StartsWith("HTTP/1.1 200"));
}

TEST_F(WebhookConnectorTest, WhatWasNotStoredIsAskedForAgain) {
    const auto connector = make();
    ASSERT_TRUE(look(*connector, {}));
    RawClient client{connector->port()};
    client.send(signed_post(R"({"id":7})"));
    ASSERT_EQ(read(*connector, {}).records.size(), 1u);
    ASSERT_TRUE(look(*connector, {}));  // From the old cursor: the agent did not store it.
    const std::string answer = client.answer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
    EXPECT_THAT(answer, HasSubstr("Retry-After: 5"));
}

TEST_F(WebhookConnectorTest, AFullQueueIs503) {
    const auto connector = make();
    ASSERT_TRUE(look(*connector, {}));
    RawClient first{connector->port()};
    RawClient second{connector->port()};
    first.send(signed_post(R"({"id":1})"));
    second.send(signed_post(R"({"id":2})"));
    std::string answer;
    // The two are on their way; sooner or later a third one meets a full queue.
    RawClient third{connector->port()};
    answer = third.ask(signed_post(R"({"id":3})"));
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 503"));
    EXPECT_THAT(answer, HasSubstr("Retry-After: 5"));
    const Batch batch = read(*connector, {});
    ASSERT_TRUE(connector->stored(batch.next));
}

TEST_F(WebhookConnectorTest, TellsAForgerNothing) {
    const auto connector = make();
    ASSERT_TRUE(look(*connector, {}));
    const std::string genuine = signed_post(R"({"id":7})");
    std::string forged = genuine;
    forged[forged.size() - 2] = '8';
    RawClient client{connector->port()};
    const std::string answer = client.ask(forged);
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 401"));
    EXPECT_THAT(answer, HasSubstr("Content-Length: 0"));
    EXPECT_THAT(client.ask(post("/hook", "not json")), StartsWith("HTTP/1.1 401"));
    EXPECT_THAT(client.ask(signed_post("not json")), StartsWith("HTTP/1.1 400"));
}

TEST_F(WebhookConnectorTest, WritesOnlyThroughAnother) {
    const auto alone = make();
    const auto written = alone->write({}, {});
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::kUnsupported);
    EXPECT_FALSE(alone->fetch({}, {}, {}));
    EXPECT_FALSE(alone->find({}, {}, {}));

    const auto together = make(std::make_unique<FakeInner>());
    EXPECT_TRUE(together->write({}, {}));
    EXPECT_TRUE(together->traits().has_marker);
    EXPECT_TRUE(together->traits().waits_for_changes);
    Cursor cursor;  // The first read is a full one, and pushes go along with it.
    auto batch = look(*together, cursor);
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->records.front().id.text, "full");
    EXPECT_TRUE(batch->more);
    ASSERT_TRUE(together->stored(batch->next));
    batch = look(*together, batch->next);
    ASSERT_TRUE(batch);
    EXPECT_EQ(batch->records.front().id.text, "full1");
    EXPECT_FALSE(batch->more);
    EXPECT_THAT(batch->next.text, StartsWith("pushed"));
    EXPECT_THAT(together->full_read_start().text, StartsWith("inner"));
}

TEST(WebhookConfig, TakesASampleAndNamesEveryProblem) {
    auto read = TomlReader::parse(R"(
listen = "[::1]:8090"
public_url = "https://hooks.example.com"
[[route]]
path = "/hooks/customers"
object = "customer"
signature = "hubspot_v3"
key = { credential = "hubspot" }
deleted_when = { path = "type", values = ["gone"] }
)",
                                  "agent.toml");
    ASSERT_TRUE(read);
    const WebhookConfig config = parse_webhook_config(*read);
    const auto finished = read->finish();
    ASSERT_TRUE(finished) << finished.error().what;
    EXPECT_EQ(config.server.address, "::1");
    EXPECT_EQ(config.server.port, 8090);
    ASSERT_EQ(config.routes.size(), 1u);
    EXPECT_EQ(config.routes[0].shape.deleted_when.values.front(), "gone");

    auto wrong = TomlReader::parse(R"(
listen = "8090"
[[route]]
path = "hooks"
object = "customer"
signature = "hubspot_v3"
)",
                                   "agent.toml");
    ASSERT_TRUE(wrong);
    std::ignore = parse_webhook_config(*wrong);
    const auto problems = wrong->finish();
    ASSERT_FALSE(problems);
    for (const char* text : {"listen", "path", "public_url", "key"}) {
        EXPECT_THAT(problems.error().what, HasSubstr(text));
    }
}

}  // namespace
}  // namespace syncline::agent::webhook
