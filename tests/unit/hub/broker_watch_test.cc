// When a stream is said to have lost messages, and when its leader is only slow.
#include "hub/broker_watch.h"

#include <gtest/gtest.h>

#include "tests/support/manual_clock.h"

namespace syncline::hub {
namespace {

using std::chrono::seconds;

/// A broker that has one stream and says of it what it is told to.
class OneStream final : public nats::Link {
public:
    nats::StreamInfo info{.created = {1}};
    nats::MessageSink* reader = nullptr;  ///< Of who looks behind the end.
    std::uint64_t read_from = 0;

    void stream_info(std::string_view, Done<nats::StreamInfo> done) override { done(info); }
    void ensure_stream(const nats::StreamConfig&, Done<nats::StreamInfo> done) override {
        done(info);
    }
    void get_last(std::string_view, std::string_view,
                  Done<std::optional<nats::StoredMessage>> done) override {
        done(std::nullopt);
    }
    std::unique_ptr<nats::Subscription> consume(nats::ConsumeSpec spec,
                                                nats::MessageSink* sink) override {
        reader = sink;
        read_from = spec.start_sequence;
        return std::make_unique<Reader>(*this);
    }
    std::unique_ptr<nats::Subscription> subscribe(std::string_view, nats::MessageSink*) override {
        return nullptr;
    }
    void publish(const nats::OutMessage&, nats::PublishSink*, std::uint64_t) override {}
    void send(std::string_view, std::string_view) override {}
    [[nodiscard]] bool connected() const override { return true; }

private:
    struct Reader final : nats::Subscription {
        explicit Reader(OneStream& of) : stream(of) {}
        ~Reader() override { stream.reader = nullptr; }
        void processed(std::size_t) override {}
        OneStream& stream;
    };
};

class Watching : public testing::Test {
protected:
    Watching() {
        watch.on_loss = [this](const BrokerWatch::Loss& loss) { losses.push_back(loss.what); };
        link.info.copies_wanted = 3;
        look(100);
        watch.seen("SYNC_IN", 118);
    }
    /// The leader answers that the stream ends there.
    void look(std::uint64_t end) {
        link.info.last_sequence = end;
        link.info.asked = clock.now();
        clock.advance(seconds{1});
        watch.tick();
    }
    /// Who looks behind the end is handed what any server has there.
    void hand_out(std::uint64_t sequence, Timestamp stored_at) {
        ASSERT_NE(link.reader, nullptr);
        nats::InMessage message;
        message.sequence = sequence;
        message.stored_at = stored_at;
        link.reader->on_message(message);
    }

    test::ManualClock clock;
    OneStream link;
    BrokerWatch watch{link, clock, seconds{1}, {nats::StreamConfig{.name = "SYNC_IN"}}};
    std::vector<std::string> losses;
    Timestamp before = clock.now();
};

TEST_F(Watching, ALoneServerThatEndsTooSoonHasLostMessages) {
    link.info.copies_wanted = 1;
    look(100);
    EXPECT_EQ(losses, std::vector<std::string>{"ends at 100, it had 118"});
}

TEST_F(Watching, ALeaderThatStoresLateHasLostNothing) {
    look(100);
    look(110);
    EXPECT_EQ(link.read_from, 101U);
    EXPECT_EQ(watch.newest("SYNC_IN"), 118U);
    hand_out(101, before);
    look(120);
    EXPECT_EQ(losses, std::vector<std::string>{});
    EXPECT_EQ(link.reader, nullptr);
    EXPECT_EQ(watch.newest("SYNC_IN"), 120U);
}

TEST_F(Watching, ALeaderThatStaysShortHasLostMessages) {
    for (int i = 0; i < 20; ++i) look(100);
    EXPECT_EQ(losses, std::vector<std::string>{});
    look(100);
    EXPECT_EQ(losses, std::vector<std::string>{"ends at 100, it had 118"});
    EXPECT_EQ(link.reader, nullptr);
    look(100);
    EXPECT_EQ(losses.size(), 1U);
}

TEST_F(Watching, ACopyThatKeepsWhatTheLeaderHasLostSavesNothing) {
    for (int i = 0; i < 20; ++i) {
        look(100);
        hand_out(101, before);
    }
    EXPECT_EQ(losses, std::vector<std::string>{});
    look(100);
    EXPECT_EQ(losses, std::vector<std::string>{"ends at 100, it had 118"});
}

TEST_F(Watching, WhatALeaderHasToldIsBelievedAtOnce) {
    look(99);
    EXPECT_EQ(losses, std::vector<std::string>{"ends at 99, it had 118"});
}

TEST_F(Watching, ADoubtEndsWithoutAMessageToo) {
    look(100);
    for (int i = 0; i < 21; ++i) look(118);
    EXPECT_EQ(losses, std::vector<std::string>{});
    EXPECT_EQ(link.reader, nullptr);
    look(117);
    EXPECT_EQ(losses.size(), 1U);
}

TEST_F(Watching, AStreamThatHasGrownPastItsEndHasLostMessages) {
    look(100);
    hand_out(101, clock.now());
    look(130);
    EXPECT_EQ(losses, std::vector<std::string>{"ends at 100, it had 118"});
    EXPECT_EQ(watch.newest("SYNC_IN"), 130U);
}

TEST_F(Watching, WhatWasErasedMeanwhileIsNoLoss) {
    look(100);
    hand_out(119, clock.now());
    look(130);
    EXPECT_EQ(losses, std::vector<std::string>{});
}

TEST_F(Watching, WhatALaggingServerHandsOutFromBeforeTheEndSaysNothing) {
    look(100);
    hand_out(99, before);
    for (int i = 0; i < 20; ++i) look(100);
    EXPECT_EQ(losses, std::vector<std::string>{"ends at 100, it had 118"});
}

TEST_F(Watching, AStreamThatIsMadeAnewHasLostMessagesAtOnce) {
    look(100);
    link.info.created = {2};
    look(0);
    ASSERT_EQ(losses.size(), 1U);
    EXPECT_TRUE(losses.front().starts_with("was made anew"));
    EXPECT_EQ(link.reader, nullptr);
}

TEST_F(Watching, AMessageOfOursThatIsStoredTooLowShowsALossAtOnce) {
    look(100);
    watch.stored("SYNC_IN", 118, 101);
    look(101);
    EXPECT_EQ(losses, std::vector<std::string>{"stored a message at 101, it had 118"});
    EXPECT_EQ(link.reader, nullptr);
}

}  // namespace
}  // namespace syncline::hub
