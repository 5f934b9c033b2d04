// NatsLink against real servers: reading streams, over everything that may happen to them.
#include <algorithm>
#include <array>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "shared/nats/jetstream_api.h"
#include "tests/integration/nats_link_fixture.h"

namespace syncline::nats {
namespace {

class NatsConsumeTest : public NatsLinkTest {};

TEST_P(NatsConsumeTest, ConsumeFollowsFromAnySequence) {
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

TEST_P(NatsConsumeTest, ConsumeTakesSeveralFilters) {
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

TEST_P(NatsConsumeTest, AWindowBoundsWhatIsHandedOut) {
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

TEST_P(NatsConsumeTest, ConsumeGoesOnAfterTheServerCrashed) {
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

TEST_P(NatsConsumeTest, ConsumeGoesOnAfterTheServerStoodStill) {
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

TEST_P(NatsConsumeTest, ConsumeGoesOnAfterAnAdministratorDeletedTheConsumer) {
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

TEST_P(NatsConsumeTest, ConsumeStartsOverWhenTheStreamIsMadeAnew) {
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

TEST_P(NatsConsumeTest, ConsumeStartsOverWhenTheStoreIsGone) {
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

// The stream is as long as before, or longer: only the times of its messages tell.
TEST_P(NatsConsumeTest, ConsumeReadsWhatTookTheNumbersOfLostMessages) {
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    fill(client, 10);
    server.stop();
    server.keep_store();
    server.start();
    ASSERT_TRUE(client.until([&] { return !client.link.connected(); }));
    ASSERT_TRUE(client.connect());
    fill(client, 10);
    Inbox before;
    auto reader = client.link.consume({.stream = "TEST", .filters = {"test.>"}}, &before);
    ASSERT_TRUE(client.until([&] { return before.sequences.size() == 20; }));
    const Timestamp read_until = before.stored_at;
    reader.reset();
    server.kill9();
    server.go_back_to_kept_store();
    server.start();
    ASSERT_TRUE(client.until([&] { return !client.link.connected(); }));
    ASSERT_TRUE(client.connect());
    fill(client, 30);
    Inbox after;
    reader = client.link.consume(
        {.stream = "TEST", .filters = {"test.>"}, .start_sequence = 21, .read_until = read_until},
        &after);
    ASSERT_TRUE(client.until([&] { return after.sequences.size() >= 30; }));
    EXPECT_EQ(after.sequences, range(11, 40));
    // A reader that is up to date is not sent back.
    reader.reset();
    Inbox later;
    reader = client.link.consume({.stream = "TEST",
                                  .filters = {"test.>"},
                                  .start_sequence = 41,
                                  .read_until = after.stored_at},
                                 &later);
    fill(client, 5);
    ASSERT_TRUE(client.until([&] { return later.sequences.size() >= 5; }));
    EXPECT_EQ(later.sequences, range(41, 45));
}

TEST_P(NatsConsumeTest, LastPerSubjectDumpsTheNewestAndThenFollows) {
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    fill(client, 95);
    Inbox inbox;
    const auto reader = client.link.consume(
        {.stream = "TEST", .filters = {"test.>"}, .last_per_subject = true}, &inbox);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() == 10; }));
    EXPECT_EQ(inbox.sequences, range(86, 95));
    EXPECT_TRUE(reader->caught_up());
    server.kill9();
    server.start();
    ASSERT_TRUE(client.until([&] { return !client.link.connected(); }));
    ASSERT_TRUE(client.connect());
    fill(client, 30);  // Having caught up, it sees every message, not only the newest.
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() >= 40; }));
    EXPECT_EQ(inbox.sequences, range(86, 125));
}

TEST_P(NatsConsumeTest, ADumpOfNothingIsFinishedToo) {
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    fill(client, 3);
    Inbox inbox;
    const auto reader = client.link.consume(
        {.stream = "TEST", .filters = {"test.none.>"}, .last_per_subject = true}, &inbox);
    EXPECT_FALSE(reader->caught_up());
    ASSERT_TRUE(client.until([&] { return reader->caught_up(); }));
    EXPECT_TRUE(inbox.sequences.empty());
}

TEST_P(NatsConsumeTest, ADumpCutShortIsFinished) {
    ASSERT_TRUE(client.connect());
    StreamConfig config = test_stream();
    config.max_messages_per_subject = 1;
    ASSERT_TRUE(client.ensure(config));
    fill(client, 2'000, 2'000);
    Inbox inbox;
    std::unique_ptr<Subscription> reader = client.link.consume(
        {.stream = "TEST", .filters = {"test.>"}, .last_per_subject = true, .window = 100}, &inbox);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() == 100; }));
    EXPECT_FALSE(reader->caught_up());
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

TEST_P(NatsConsumeTest, ADumpWhoseRestIsGoneBeforeItCameIsFinished) {
    ASSERT_TRUE(client.connect());
    ASSERT_TRUE(client.ensure(test_stream()));
    fill(client, 95);
    Inbox inbox;
    const auto reader = client.link.consume(
        {.stream = "TEST", .filters = {"test.>"}, .last_per_subject = true, .window = 1}, &inbox);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() == 1; }));
    const auto purge = api::purge("TEST", "test.>");
    client.link.send(purge.subject, purge.body);
    for (const Duration end = steady() + 500ms; steady() < end;) client.loop.poll(20ms);
    EXPECT_FALSE(reader->caught_up());
    reader->processed(1);
    EXPECT_TRUE(client.until([&] { return reader->caught_up(); }));
    EXPECT_EQ(inbox.sequences.size(), 1U);
}

TEST_P(NatsConsumeTest, ConsumeShowsKeyValueMarkers) {
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

TEST_P(NatsConsumeTest, AStreamThatComesLaterIsConsumed) {
    Inbox inbox;
    const auto reader = client.link.consume({.stream = "TEST", .filters = {"test.>"}}, &inbox);
    ASSERT_TRUE(client.connect());
    for (int i = 0; i < 10; ++i) client.loop.poll(10ms);
    ASSERT_TRUE(client.ensure(test_stream()));
    fill(client, 10);
    ASSERT_TRUE(client.until([&] { return inbox.sequences.size() == 10; }));
    EXPECT_EQ(inbox.sequences, range(1, 10));
}

TEST_P(NatsConsumeTest, ASubscriptionMayEndWithinItsOwnCallback) {
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

INSTANTIATE_TEST_SUITE_P(Server, NatsConsumeTest, both_servers(), server_name);

}  // namespace
}  // namespace syncline::nats
