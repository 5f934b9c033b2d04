// NatsLink against real servers: publishing, requests, streams.
#include <array>
#include <string>

#include "tests/integration/nats_link_fixture.h"

namespace syncline::nats {
namespace {

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

INSTANTIATE_TEST_SUITE_P(Server, NatsLinkTest, both_servers(), server_name);

}  // namespace
}  // namespace syncline::nats
