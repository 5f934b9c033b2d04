// NatsLink against real servers, the newest and the oldest that Syncline works with.
#include "shared/nats/nats_link.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "shared/nats/event_loop.h"
#include "tests/support/nats_server.h"

namespace syncline::nats {
namespace {

using namespace std::chrono_literals;
using test::NatsServer;

constexpr Duration kMost = 20s;  ///< What any condition may take; reached only by a failure.

Duration steady() { return std::chrono::steady_clock::now().time_since_epoch(); }

struct Acks final : PublishSink {
    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override {
        told.emplace_back(token, sequence);
        if (then) then();
    }
    [[nodiscard]] std::size_t good() const {
        return static_cast<std::size_t>(
            std::ranges::count_if(told, [](const auto& one) { return one.second.has_value(); }));
    }
    std::vector<std::pair<std::uint64_t, Result<std::uint64_t>>> told;
    std::function<void()> then;
};

struct Inbox final : MessageSink {
    void on_message(const InMessage& message) override {
        sequences.push_back(message.sequence);
        subjects.emplace_back(message.subject);
        bodies.emplace_back(message.body);
        deleted.push_back(message.deleted);
        pending = message.pending;
        stored_at = message.stored_at;
        header = message.header("Test-Header");
        if (then) then();
    }
    std::vector<std::uint64_t> sequences;
    std::vector<std::string> subjects;
    std::vector<std::string> bodies;
    std::vector<bool> deleted;
    std::uint64_t pending = 0;
    Timestamp stored_at;
    std::string header;
    std::function<void()> then;
};

/// Everything from `first` to `last`, once and in order.
std::vector<std::uint64_t> range(std::uint64_t first, std::uint64_t last) {
    std::vector<std::uint64_t> out;
    for (std::uint64_t i = first; i <= last; ++i) out.push_back(i);
    return out;
}

NatsOptions options_for(const NatsServer& server) {
    return {.urls = {server.url()},
            .name = "nats_link_test",
            .io_buffer_bytes = 32U << 10,
            .retry_first = 20ms,
            .retry_most = 200ms,
            .refused_retry = 500ms};
}

/// A link and its loop.
struct Client {
    explicit Client(NatsOptions options) : link(loop, std::move(options)) {}
    explicit Client(const NatsServer& server) : Client(options_for(server)) {}

    [[nodiscard]] bool until(const std::function<bool()>& condition, Duration most = kMost) {
        for (const Duration end = steady() + most; !condition();) {
            if (steady() > end) return false;
            loop.poll(20ms);
        }
        return true;
    }
    [[nodiscard]] bool connect() {
        return until([&] { return link.connected(); });
    }
    /// The answer to a request that `ask` starts.
    template <class T>
    Result<T> wait(const std::function<void(Link::Done<T>)>& ask) {
        std::optional<Result<T>> answer;
        ask([&](Result<T> told) { answer = std::move(told); });
        EXPECT_FALSE(answer.has_value()) << "answered from within the call";
        if (!until([&] { return answer.has_value(); })) {
            return fail(ErrorKind::kInternal, "no answer at all");
        }
        return *answer;
    }
    Result<std::uint64_t> publish(const OutMessage& message) {
        Acks acks;
        link.publish(message, &acks, 7);
        EXPECT_TRUE(acks.told.empty()) << "answered from within the call";
        if (!until([&] { return !acks.told.empty(); })) {
            return fail(ErrorKind::kInternal, "no answer at all");
        }
        EXPECT_EQ(acks.told.front().first, 7U);
        return acks.told.front().second;
    }
    Result<StreamInfo> ensure(const StreamConfig& config) {
        return wait<StreamInfo>([&](auto done) { link.ensure_stream(config, done); });
    }
    Result<std::optional<StoredMessage>> last(std::string_view subject) {
        return wait<std::optional<StoredMessage>>(
            [&](auto done) { link.get_last("TEST", subject, done); });
    }
    /// An administrator's request; the body of its answer.
    std::string admin(const std::string& subject, const std::string& body = {}) {
        std::string out;
        const auto answer = wait<std::string>([&](auto done) {
            link.request(subject, body, [done](Result<std::string_view> told) {
                if (told)
                    done(std::string{*told});
                else
                    done(fail(told.error()));
            });
        });
        return answer ? *answer : "failed: " + answer.error().what;
    }

    EventLoop loop;
    NatsLink link;
};

StreamConfig test_stream() { return {.name = "TEST", .subjects = {"test.>"}}; }

struct VersionCase {
    const char* name;
    NatsServer::Version version;
};

class NatsLinkTest : public testing::TestWithParam<VersionCase> {
protected:
    /// Publishes `count` messages `test.<n modulo subjects>` and waits for all answers.
    static void fill(Client& client, std::uint64_t count, std::uint64_t subjects = 10) {
        Acks acks;
        for (std::uint64_t i = 0; i < count; ++i) {
            const std::string subject = "test." + std::to_string(i % subjects);
            const std::string body = std::to_string(i);
            client.link.publish({.subject = subject, .body = body}, &acks, i);
        }
        ASSERT_TRUE(client.until([&] { return acks.told.size() == count; }));
        ASSERT_EQ(acks.good(), count);
    }

    NatsServer server{{.version = GetParam().version}};
    Client client{server};
};

TEST_P(NatsLinkTest, PublishTellsTheStreamSequence) {
    ASSERT_TRUE(client.connect());
    EXPECT_FALSE(client.link.status().server_version.empty());
    ASSERT_TRUE(client.ensure(test_stream()));
    EXPECT_EQ(client.publish({.subject = "test.a", .body = "one"}), 1U);
    const std::array headers{Header{"Test-Header", "value"}};
    EXPECT_EQ(client.publish({.subject = "test.a", .body = "two", .headers = headers}), 2U);
}

TEST_P(NatsLinkTest, CompareAndSetRefusesTheSecondWriter) {
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    const auto write = [&](std::uint64_t expected) {
        return client.publish({.subject = "test.a", .body = "x", .expected_sequence = expected});
    };
    EXPECT_EQ(write(0), 1U);
    EXPECT_EQ(write(0).error().kind, ErrorKind::kConflict);
    EXPECT_EQ(write(1), 2U);
    EXPECT_EQ(write(1).error().kind, ErrorKind::kConflict);
    EXPECT_EQ(client.link.counters().conflicts, 2U);
}

TEST_P(NatsLinkTest, RefusalsSayWhatTheCallerCanDo) {
    ASSERT_TRUE(client.connect());
    StreamConfig config = test_stream();
    config.max_bytes = 4096;
    config.max_message_bytes = 1024;
    ASSERT_TRUE(client.ensure(config));
    const auto kind = [&](const std::string& subject, std::size_t bytes) {
        const std::string body(bytes, 'x');
        const auto answer = client.publish({.subject = subject, .body = body});
        return answer ? std::string{"stored"} : name_of(answer.error().kind);
    };
    EXPECT_EQ(kind("other.subject", 1), "unavailable");  // No stream listens.
    EXPECT_EQ(kind("test.a", 2'000), "too_large");       // For the stream.
    EXPECT_EQ(kind("test.a", 2U << 20), "too_large");    // For the server; never sent.
    EXPECT_EQ(kind("test.a\r\nPUB x 0", 1), "invalid");
    EXPECT_EQ(kind("", 1), "invalid");
    std::string last;
    for (int i = 0; i < 10 && last != "full"; ++i) last = kind("test." + std::to_string(i), 900);
    EXPECT_EQ(last, "full");
    EXPECT_TRUE(client.link.connected());
}

TEST_P(NatsLinkTest, PublishWhileNotConnectedIsUnavailable) {
    EXPECT_EQ(client.publish({.subject = "test.a", .body = "x"}).error().kind,
              ErrorKind::kUnavailable);
}

TEST_P(NatsLinkTest, SilenceOfTheServerIsAmbiguous) {
    NatsOptions options = options_for(server);
    options.answer_timeout = 300ms;
    Client quick{options};
    ASSERT_TRUE(quick.connect());
    ASSERT_TRUE(quick.ensure(test_stream()));
    server.pause();
    EXPECT_EQ(quick.publish({.subject = "test.a", .body = "x"}).error().kind,
              ErrorKind::kAmbiguous);
    server.resume();
    // It was stored after all; the late answer is for nobody.
    ASSERT_TRUE(quick.until([&] { return quick.link.counters().late_answers == 1; }));
    EXPECT_EQ(quick.publish({.subject = "test.a", .body = "y"}), 2U);
}

TEST_P(NatsLinkTest, ABrokenConnectionMakesEveryOpenPublishAmbiguous) {
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    server.pause();
    Acks acks;
    for (std::uint64_t i = 0; i < 1'000; ++i) {
        client.link.publish({.subject = "test.a", .body = "x"}, &acks, i);
    }
    client.loop.poll(10ms);
    server.kill9();
    ASSERT_TRUE(client.until([&] { return acks.told.size() == 1'000; }));
    for (const auto& [token, sequence] : acks.told) {
        ASSERT_EQ(sequence.error().kind, ErrorKind::kAmbiguous) << token;
    }
    EXPECT_FALSE(client.link.connected());
    ASSERT_TRUE(client.until([&] { return client.link.last_error().has_value(); }));
    server.start();
    ASSERT_TRUE(client.connect());
    EXPECT_FALSE(client.link.last_error().has_value());
    EXPECT_TRUE(client.publish({.subject = "test.a", .body = "x"}));
}

TEST_P(NatsLinkTest, GetLastReadsBinaryBodiesAndMarkers) {
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    std::string body;
    for (int i = 0; i < 256; ++i) body += static_cast<char>(i);
    ASSERT_TRUE(client.publish({.subject = "test.a", .body = body}));
    const auto found = client.last("test.a");
    ASSERT_TRUE(found && found->has_value());
    EXPECT_EQ((*found)->body, body);
    EXPECT_EQ((*found)->sequence, 1U);
    EXPECT_EQ((*found)->subject, "test.a");
    EXPECT_FALSE((*found)->deleted);
    EXPECT_GT((*found)->stored_at.ns, 0);
    const auto none = client.last("test.b");
    ASSERT_TRUE(none.has_value());
    EXPECT_FALSE(none->has_value());
    const std::array headers{Header{"KV-Operation", "DEL"}};
    ASSERT_TRUE(client.publish({.subject = "test.a", .body = "", .headers = headers}));
    const auto marker = client.last("test.a");
    ASSERT_TRUE(marker && marker->has_value());
    EXPECT_TRUE((*marker)->deleted);
    const auto missing = client.wait<std::optional<StoredMessage>>(
        [&](auto done) { client.link.get_last("NONE", "x", done); });
    EXPECT_EQ(missing.error().kind, ErrorKind::kNotFound);
}

TEST_P(NatsLinkTest, EnsureStreamNeverAltersOne) {
    ASSERT_TRUE(client.connect());
    const auto missing =
        client.wait<StreamInfo>([&](auto done) { client.link.stream_info("TEST", done); });
    EXPECT_EQ(missing.error().kind, ErrorKind::kNotFound);
    StreamConfig config = test_stream();
    config.metadata = {{"partitions", "64"}};
    config.max_age = 10s;
    const auto made = client.ensure(config);
    ASSERT_TRUE(made) << made.error().what;
    EXPECT_EQ(made->metadata, config.metadata);
    ASSERT_TRUE(client.publish({.subject = "test.a", .body = "x"}));
    config.metadata = {{"partitions", "8"}};
    const auto again = client.ensure(config);
    ASSERT_TRUE(again) << again.error().what;
    EXPECT_EQ(again->metadata, made->metadata);
    EXPECT_EQ(again->created, made->created);
    EXPECT_EQ(again->last_sequence, 1U);
    EXPECT_EQ(again->messages, 1U);
    config.name = "THREE";
    config.subjects = {"three.>"};
    config.replicas = 3;  // Refused: too old for it, or not a cluster.
    EXPECT_FALSE(client.ensure(config).has_value());
}

TEST_P(NatsLinkTest, ConsumeFollowsFromAnySequence) {
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    fill(client, 100);
    Inbox inbox;
    const auto reader = client.link.consume(
        {.stream = "TEST", .filters = {"test.>"}, .start_sequence = 41, .window = 1'000}, &inbox);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() == 60; }));
    EXPECT_EQ(inbox.pending, 0U);
    const std::array headers{Header{"Test-Header", "value"}};
    ASSERT_TRUE(client.publish({.subject = "test.new", .body = "new", .headers = headers}));
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() == 61; }));
    EXPECT_EQ(inbox.sequences, range(41, 101));
    EXPECT_EQ(inbox.subjects.back(), "test.new");
    EXPECT_EQ(inbox.bodies.back(), "new");
    EXPECT_EQ(inbox.header, "value");
    EXPECT_GT(inbox.stored_at.ns, 1'000'000'000'000'000'000);
}

TEST_P(NatsLinkTest, ConsumeTakesSeveralFilters) {
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    fill(client, 100);
    Inbox inbox;
    const auto reader =
        client.link.consume({.stream = "TEST", .filters = {"test.1", "test.2"}}, &inbox);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() == 20; }));
    for (const std::string& subject : inbox.subjects) {
        EXPECT_TRUE(subject == "test.1" || subject == "test.2") << subject;
    }
}

TEST_P(NatsLinkTest, AWindowBoundsWhatIsHandedOut) {
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    fill(client, 500);
    for (const std::size_t window : {1U, 7U, 100U}) {
        Inbox inbox;
        const auto reader =
            client.link.consume({.stream = "TEST", .filters = {}, .window = window}, &inbox);
        std::size_t processed = 0;
        while (inbox.sequences.size() < 500) {
            const std::size_t wanted = std::min<std::size_t>(processed + window, 500);
            ASSERT_TRUE(client.until([&] { return inbox.sequences.size() >= wanted; }));
            for (int i = 0; i < 3; ++i) client.loop.poll(1ms);
            ASSERT_LE(inbox.sequences.size(), processed + window);
            reader->processed(inbox.sequences.size() - processed);
            processed = inbox.sequences.size();
        }
        EXPECT_EQ(inbox.sequences, range(1, 500));
    }
}

TEST_P(NatsLinkTest, ConsumeGoesOnAfterTheServerCrashed) {
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    fill(client, 3'000);
    Inbox inbox;
    std::unique_ptr<Subscription> reader;
    inbox.then = [&] { reader->processed(1); };
    reader = client.link.consume({.stream = "TEST", .filters = {"test.>"}, .window = 50}, &inbox);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() > 200; }));
    server.kill9();
    server.start();
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() >= 3'000; }));
    ASSERT_TRUE(client.connect());
    fill(client, 10);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() >= 3'010; }));
    EXPECT_EQ(inbox.sequences, range(1, 3'010));
}

TEST_P(NatsLinkTest, ConsumeGoesOnAfterTheServerStoodStill) {
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    fill(client, 100);
    Inbox inbox;
    const auto reader = client.link.consume({.stream = "TEST", .filters = {"test.>"}}, &inbox);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() == 100; }));
    server.pause();
    const auto restarts = client.link.counters().consumer_restarts;
    ASSERT_TRUE(client.until([&] { return client.link.counters().consumer_restarts > restarts; }));
    server.resume();
    fill(client, 10);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() >= 110; }));
    EXPECT_EQ(inbox.sequences, range(1, 110));
}

/// The name of the stream's one consumer.
std::string consumer_name(Client& client) {
    const std::string names = client.admin("$JS.API.CONSUMER.NAMES.TEST");
    const auto start = names.find("sync-");
    return start == std::string::npos ? "" : names.substr(start, names.find('"', start) - start);
}

TEST_P(NatsLinkTest, ConsumeGoesOnAfterAnAdministratorDeletedTheConsumer) {
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    fill(client, 100);
    Inbox inbox;
    const auto reader = client.link.consume({.stream = "TEST", .filters = {"test.>"}}, &inbox);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() == 100; }));
    const std::string name = consumer_name(client);
    ASSERT_NE(name, "");
    EXPECT_NE(client.admin("$JS.API.CONSUMER.DELETE.TEST." + name).find("true"), std::string::npos);
    fill(client, 100);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() >= 200; }, 3s));
    EXPECT_EQ(inbox.sequences, range(1, 200));
}

TEST_P(NatsLinkTest, ConsumeStartsOverWhenTheStreamIsMadeAnew) {
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    fill(client, 20);
    Inbox inbox;
    const auto reader = client.link.consume({.stream = "TEST", .filters = {"test.>"}}, &inbox);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() == 20; }));
    EXPECT_NE(client.admin("$JS.API.STREAM.DELETE.TEST").find("true"), std::string::npos);
    ASSERT_TRUE(client.ensure(test_stream()));
    fill(client, 50);  // More than before: only the stream's birth tells.
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() >= 70; }));
    std::vector<std::uint64_t> expected = range(1, 20);
    for (const std::uint64_t sequence : range(1, 50)) expected.push_back(sequence);
    EXPECT_EQ(inbox.sequences, expected);
}

TEST_P(NatsLinkTest, ConsumeStartsOverWhenTheStoreIsGone) {
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    fill(client, 20);
    Inbox inbox;
    const auto reader = client.link.consume({.stream = "TEST", .filters = {"test.>"}}, &inbox);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() == 20; }));
    server.kill9();
    server.wipe_store();
    server.start();
    ASSERT_TRUE(client.until([&] { return !client.link.connected(); }));
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    fill(client, 5);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() >= 25; }));
    EXPECT_EQ(inbox.sequences.back(), 5U);
}

TEST_P(NatsLinkTest, LastPerSubjectDumpsTheNewestAndThenFollows) {
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    fill(client, 95);
    Inbox inbox;
    const auto reader = client.link.consume(
        {.stream = "TEST", .filters = {"test.>"}, .last_per_subject = true}, &inbox);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() == 10; }));
    EXPECT_EQ(inbox.sequences, range(86, 95));
    server.kill9();
    server.start();
    ASSERT_TRUE(client.until([&] { return !client.link.connected(); }));
    ASSERT_TRUE(client.connect());
    fill(client, 30);  // Having caught up, it sees every message, not only the newest.
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() >= 40; }));
    EXPECT_EQ(inbox.sequences, range(86, 125));
}

TEST_P(NatsLinkTest, ADumpCutShortIsFinished) {
    ASSERT_TRUE(client.connect());
    StreamConfig config = test_stream();
    config.max_messages_per_subject = 1;
    ASSERT_TRUE(client.ensure(config));
    fill(client, 2'000, 2'000);
    Inbox inbox;
    std::unique_ptr<Subscription> reader = client.link.consume(
        {.stream = "TEST", .filters = {"test.>"}, .last_per_subject = true, .window = 100}, &inbox);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() == 100; }));
    inbox.then = [&] { reader->processed(1); };
    // One that was handed out and one that was not are written again before the dump goes on.
    ASSERT_EQ(client.publish({.subject = "test.5", .body = "new"}), 2'001U);
    ASSERT_EQ(client.publish({.subject = "test.1500", .body = "new"}), 2'002U);
    server.kill9();
    server.start();
    reader->processed(100);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() >= 2'001; }));
    EXPECT_TRUE(std::ranges::is_sorted(inbox.sequences));
    std::map<std::string, std::string> newest;
    for (std::size_t i = 0; i < inbox.subjects.size(); ++i) {
        newest[inbox.subjects[i]] = inbox.bodies[i];
    }
    EXPECT_EQ(newest.size(), 2'000U);
    EXPECT_EQ(newest["test.5"], "new");
    EXPECT_EQ(newest["test.1500"], "new");
    EXPECT_EQ(std::ranges::adjacent_find(inbox.sequences), inbox.sequences.end());
}

TEST_P(NatsLinkTest, ConsumeShowsKeyValueMarkers) {
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    const std::array headers{Header{"KV-Operation", "PURGE"}};
    ASSERT_TRUE(client.publish({.subject = "test.a", .body = "x"}));
    ASSERT_TRUE(client.publish({.subject = "test.a", .body = "", .headers = headers}));
    ASSERT_TRUE(client.publish({.subject = "test.b", .body = ""}));
    Inbox inbox;
    const auto reader = client.link.consume({.stream = "TEST", .filters = {"test.>"}}, &inbox);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() == 3; }));
    EXPECT_EQ(inbox.deleted, (std::vector<bool>{false, true, false}));
}

TEST_P(NatsLinkTest, AStreamThatComesLaterIsConsumed) {
    Inbox inbox;
    const auto reader = client.link.consume({.stream = "TEST", .filters = {"test.>"}}, &inbox);
    ASSERT_TRUE(client.connect());
    for (int i = 0; i < 10; ++i) client.loop.poll(10ms);
    ASSERT_TRUE(client.ensure(test_stream()));
    fill(client, 10);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() == 10; }));
    EXPECT_EQ(inbox.sequences, range(1, 10));
}

TEST_P(NatsLinkTest, ASubscriptionMayEndWithinItsOwnCallback) {
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    fill(client, 100);
    Inbox inbox;
    std::unique_ptr<Subscription> reader;
    inbox.then = [&] {
        if (inbox.sequences.size() == 5) reader.reset();
    };
    reader = client.link.consume({.stream = "TEST", .filters = {"test.>"}}, &inbox);
    ASSERT_TRUE(client.until([&] { return reader == nullptr; }));
    for (int i = 0; i < 10; ++i) client.loop.poll(5ms);
    EXPECT_EQ(inbox.sequences.size(), 5U);
}

TEST_P(NatsLinkTest, PlainMessagesReachSubscribersAlsoAfterARestart) {
    Inbox inbox;
    const auto reader = client.link.subscribe("plain.*", &inbox);
    ASSERT_TRUE(client.connect());
    client.loop.poll(10ms);
    client.link.send("plain.a", "one");
    ASSERT_TRUE(client.until([&] { return inbox.bodies.size() == 1; }));
    EXPECT_EQ(inbox.subjects.back(), "plain.a");
    EXPECT_EQ(inbox.sequences.back(), 0U);
    server.kill9();
    server.start();
    ASSERT_TRUE(client.until([&] { return !client.link.connected(); }));
    ASSERT_TRUE(client.connect());
    client.loop.poll(10ms);
    client.link.send("plain.b", "two");
    ASSERT_TRUE(client.until([&] { return inbox.bodies.size() == 2; }));
}

TEST_P(NatsLinkTest, PumpsTwoHundredThousandMessages) {
    constexpr std::uint64_t kCount = 200'000;
    constexpr std::uint64_t kOpenMost = 4'096;
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    Acks acks;
    Inbox inbox;
    std::unique_ptr<Subscription> reader;
    std::uint64_t received = 0;
    std::uint64_t out_of_order = 0;
    inbox.then = [&] {
        ++received;
        if (inbox.sequences.back() != received) ++out_of_order;
        inbox.sequences.clear();
        inbox.subjects.clear();
        inbox.bodies.clear();
        inbox.deleted.clear();
        reader->processed(1);
    };
    reader =
        client.link.consume({.stream = "TEST", .filters = {"test.>"}, .window = 4'096}, &inbox);
    const std::string body(300, 'x');
    std::uint64_t sent = 0;
    ASSERT_TRUE(client.until(
        [&] {
            while (sent < kCount && sent - acks.told.size() < kOpenMost) {
                client.link.publish({.subject = "test.a", .body = body}, &acks, sent++);
            }
            return received == kCount && acks.told.size() == kCount;
        },
        60s));
    EXPECT_EQ(acks.good(), kCount);
    EXPECT_EQ(out_of_order, 0U);
}

INSTANTIATE_TEST_SUITE_P(Server, NatsLinkTest,
                         testing::Values(VersionCase{"newest", NatsServer::Version::kNewest},
                                         VersionCase{"oldest", NatsServer::Version::kOldest}),
                         [](const auto& row) { return std::string{row.param.name}; });

// ---- Connecting; the server's version matters little. ------------------------------------------

TEST(NatsConnecting, AServerThatIsTooOldIsRefusedWithAdvice) {
    const NatsServer server{{.version = NatsServer::Version::kUnsupported}};
    Client client{server};
    ASSERT_TRUE(
        client.until([&] { return client.link.status().state == LinkStatus::State::kRefused; }));
    const auto error = client.link.last_error();
    ASSERT_TRUE(error.has_value());
    EXPECT_EQ(error->kind, ErrorKind::kUnsupported);
    EXPECT_NE(error->what.find("2.10.20"), std::string::npos) << error->what;
    EXPECT_FALSE(client.link.connected());
}

TEST(NatsConnecting, AWrongPasswordIsDeniedUntilItIsRight) {
    const std::string path = testing::TempDir() + "nats_link_test_password";
    std::ofstream{path} << "wrong\n";
    NatsServer server{{.config = "authorization { user: hub, password: right }"}};
    NatsOptions options = options_for(server);
    options.user = "hub";
    options.password = Secret{Secret::Source::kFile, path};
    std::vector<LinkStatus::State> states;
    options.on_status = [&](const LinkStatus& status) { states.push_back(status.state); };
    Client client{options};
    ASSERT_TRUE(
        client.until([&] { return client.link.status().state == LinkStatus::State::kRefused; }));
    EXPECT_EQ(client.link.last_error()->kind, ErrorKind::kDenied);
    EXPECT_EQ(client.link.last_error()->what.find("wrong"), std::string::npos);
    std::ofstream{path} << "right\n";
    ASSERT_TRUE(client.connect());
    for (int i = 0; i < 5; ++i) client.loop.poll(1ms);
    EXPECT_EQ(states, (std::vector{LinkStatus::State::kRefused, LinkStatus::State::kConnected}));
    std::filesystem::remove(path);
}

TEST(NatsConnecting, AnNkeySeedIsEnoughToBeKnown) {
    // The pair of NATS's own documentation.
    constexpr const char* kSeed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
    constexpr const char* kPublic = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";
    const std::string path = testing::TempDir() + "nats_link_test_seed";
    std::ofstream{path} << "-----BEGIN USER NKEY SEED-----\n" << kSeed << "\n------END------\n";
    NatsServer server{
        {.config = std::string{"authorization { users: [ { nkey: "} + kPublic + " } ] }"}};
    NatsOptions options = options_for(server);
    options.nkey_seed_file = path;
    Client client{options};
    EXPECT_TRUE(client.connect()) << client.link.status().error.what;
    std::filesystem::remove(path);
}

TEST(NatsConnecting, TheServerMayComeLater) {
    NatsServer server{{.start = NatsServer::Options::Start::kLater}};
    Client client{server};
    ASSERT_TRUE(client.until([&] { return client.link.last_error().has_value(); }));
    EXPECT_EQ(client.link.last_error()->kind, ErrorKind::kUnavailable);
    EXPECT_EQ(client.link.status().state, LinkStatus::State::kWaiting);
    server.start();
    EXPECT_TRUE(client.connect());
}

TEST(NatsConnecting, ForbiddenRequestsAreDeniedAtOnce) {
    const NatsServer server{{.config = R"(authorization { users: [ { user: agent, password: x,
        permissions: { publish: ["test.>", "$JS.API.CONSUMER.CREATE.TEST.*.test.a",
                                 "$JS.API.CONSUMER.MSG.NEXT.TEST.>"],
                       subscribe: ["_INBOX.>"] } }, { user: admin, password: x } ] })"}};
    const std::string path = testing::TempDir() + "nats_link_test_password_x";
    std::ofstream{path} << "x\n";
    NatsOptions options = options_for(server);
    options.password = Secret{Secret::Source::kFile, path};
    options.user = "admin";
    Client admin{options};
    options.user = "agent";
    Client agent{options};
    ASSERT_TRUE(admin.connect());
    ASSERT_TRUE(admin.ensure(test_stream()));
    ASSERT_TRUE(agent.connect());  // Without the server's version.
    const Duration before = steady();
    const auto info =
        agent.wait<StreamInfo>([&](auto done) { agent.link.stream_info("TEST", done); });
    EXPECT_EQ(info.error().kind, ErrorKind::kDenied) << info.error().what;
    EXPECT_LT(steady() - before, 2s);
    EXPECT_TRUE(agent.publish({.subject = "test.a", .body = "x"}));
    // Consuming works without leave to see the stream's identity.
    Inbox inbox;
    const auto reader = agent.link.consume({.stream = "TEST", .filters = {"test.a"}}, &inbox);
    EXPECT_TRUE(agent.until([&] { return inbox.sequences.size() == 1; }));
    std::filesystem::remove(path);
}

TEST(NatsConnecting, ManyLinksShareALoopAndComeAndGo) {
    const NatsServer server;
    EventLoop loop;
    for (int round = 0; round < 20; ++round) {
        NatsLink one{loop, options_for(server)};
        NatsLink two{loop, options_for(server)};
        const Duration end = steady() + kMost;
        while (!(one.connected() && two.connected()) && steady() < end) loop.poll(20ms);
        ASSERT_TRUE(one.connected() && two.connected());
    }
}

}  // namespace
}  // namespace syncline::nats
