// The lease against a broker in memory, with clocks that stand still: who is active, until when,
// and what an answer that does not come means.
#include "agent/lease.h"

#include <deque>
#include <map>

#include <gtest/gtest.h>

#include "shared/base/json.h"
#include "shared/wire/standby_subjects.h"
#include "tests/support/manual_clock.h"

namespace syncline::agent {
namespace {

using namespace std::chrono_literals;

const PlatformId kCrm{"crm"};

/// What several agents share: the newest message of each subject, and how long one lives.
struct Bucket {
    std::map<std::string, nats::StoredMessage> messages;
    std::uint64_t last = 0;
    Duration now{std::chrono::hours{1}};
    std::map<std::string, Duration> stored;

    void expire() {
        std::erase_if(messages, [&](const auto& entry) {
            return now - stored.at(entry.first) >= Lease::kLifetime;
        });
    }
};

class BucketLink final : public nats::Link {
public:
    explicit BucketLink(Bucket& bucket) : bucket_(bucket) {}

    bool is_connected = true;
    bool drops_answers = false;  ///< What is sent is stored, and nobody hears of it.
    std::size_t published = 0;

    void deliver() {
        auto events = std::exchange(events_, {});
        for (auto& event : events) event();
    }
    void publish(const nats::OutMessage& message, nats::PublishSink* sink,
                 std::uint64_t token) override {
        ++published;
        bucket_.expire();
        const std::string subject{message.subject};
        const auto there = bucket_.messages.find(subject);
        const std::uint64_t is = there == bucket_.messages.end() ? 0 : there->second.sequence;
        Result<std::uint64_t> result = fail(ErrorKind::kConflict, "wrong last sequence");
        if (!message.expected_sequence || *message.expected_sequence == is) {
            bucket_.messages[subject] = {.subject = subject,
                                         .body = std::string{message.body},
                                         .sequence = ++bucket_.last,
                                         .stored_at = {},
                                         .deleted = !message.headers.empty()};
            bucket_.stored[subject] = bucket_.now;
            result = bucket_.last;
        }
        if (drops_answers) result = fail(ErrorKind::kAmbiguous, "no answer");
        events_.push_back([sink, token, result] { sink->on_published(token, result); });
    }
    void get_last(std::string_view, std::string_view subject,
                  Done<std::optional<nats::StoredMessage>> done) override {
        bucket_.expire();
        std::optional<nats::StoredMessage> found;
        const auto there = bucket_.messages.find(std::string{subject});
        if (there != bucket_.messages.end()) found = there->second;
        events_.push_back([done, found] { done(found); });
    }
    void send(std::string_view, std::string_view) override {}
    void stream_info(std::string_view, Done<nats::StreamInfo>) override {}
    void ensure_stream(const nats::StreamConfig&, Done<nats::StreamInfo>) override {}
    std::unique_ptr<nats::Subscription> consume(nats::ConsumeSpec, nats::MessageSink*) override {
        return nullptr;
    }
    std::unique_ptr<nats::Subscription> subscribe(std::string_view, nats::MessageSink*) override {
        return nullptr;
    }
    [[nodiscard]] bool connected() const override { return is_connected; }

private:
    Bucket& bucket_;
    std::deque<std::function<void()>> events_;
};

class LeaseTest : public testing::Test {
protected:
    struct OfAgent {
        BucketLink link;
        Term term;
        std::vector<std::string> notes;
        std::unique_ptr<Lease> lease;
        explicit OfAgent(Bucket& bucket) : link(bucket) {}
        [[nodiscard]] bool acts(Duration now) const { return term.lasts(now); }
    };

    std::unique_ptr<OfAgent> agent(const std::string& store, const std::string& run,
                                   const std::string& own_term = {},
                                   const std::string& host = "a") {
        auto one = std::make_unique<OfAgent>(bucket);
        one->lease = std::make_unique<Lease>(Lease::Parts{
            .link = one->link,
            .term = one->term,
            .clock = clock,
            .boot = [this] { return bucket.now; },
            .note = [&notes = one->notes](NoteLevel,
                                          std::string_view text) { notes.emplace_back(text); },
            .platform = kCrm,
            .store = store,
            .host = host,
            .run = run,
            .version = "1",
            .own_term = own_term});
        return one;
    }
    /// Lets time go by in small steps; everybody does what is due.
    void go_on(Duration time, std::initializer_list<OfAgent*> agents) {
        for (const Duration end = bucket.now + time; bucket.now < end; bucket.now += 100ms) {
            int acting = 0;
            for (OfAgent* one : agents) {
                one->lease->pump();
                one->link.deliver();
                acting += one->acts(bucket.now) ? 1 : 0;
            }
            ASSERT_LE(acting, 1) << "two are active at once";
        }
    }
    [[nodiscard]] bool standby_told(const std::string& store) const {
        const auto there = bucket.messages.find(subjects::agent_standby(kCrm, store));
        return there != bucket.messages.end() && !there->second.deleted;
    }

    Bucket bucket;
    test::ManualClock clock;
};

TEST_F(LeaseTest, OneIsActiveAndTheOtherTakesOverOnceItHasExpired) {
    auto first = agent("s1", "r1");
    auto second = agent("s2", "r2", {}, "b");
    go_on(60s, {first.get(), second.get()});
    EXPECT_TRUE(first->lease->is_held());
    EXPECT_FALSE(first->lease->is_continued());
    EXPECT_FALSE(second->lease->is_held());
    EXPECT_TRUE(standby_told("s2"));
    EXPECT_FALSE(standby_told("s1"));
    ASSERT_EQ(second->notes.size(), 1u);
    EXPECT_EQ(second->notes[0], "stands by: the active agent is on a");
    EXPECT_LT(first->link.published, 40u);  // Every two seconds.
    go_on(13s, {second.get()});             // The first is gone.
    EXPECT_TRUE(second->lease->is_held());
    EXPECT_FALSE(second->lease->is_continued());
    EXPECT_FALSE(first->acts(bucket.now));
}

TEST_F(LeaseTest, WhoGivesItBackIsFollowedAtOnce) {
    auto first = agent("s1", "r1");
    auto second = agent("s2", "r2", {}, "b");
    go_on(5s, {first.get(), second.get()});
    first->lease->release();
    EXPECT_FALSE(first->acts(bucket.now));
    EXPECT_FALSE(first->lease->is_released());
    first->link.deliver();
    EXPECT_TRUE(first->lease->is_released());
    go_on(1500ms, {second.get()});
    EXPECT_TRUE(second->lease->is_held());
}

TEST_F(LeaseTest, OneThatSleptFindsItsTermOver) {
    auto first = agent("s1", "r1");
    auto second = agent("s2", "r2", {}, "b");
    go_on(5s, {first.get(), second.get()});
    go_on(20s, {second.get()});
    EXPECT_TRUE(second->lease->is_held());
    EXPECT_FALSE(first->acts(bucket.now));  // Before anything else of it has run.
    first->lease->pump();
    EXPECT_TRUE(first->lease->is_lost());
    const std::size_t before = first->link.published;
    go_on(20s, {first.get(), second.get()});
    EXPECT_EQ(first->link.published, before);
    EXPECT_TRUE(second->lease->is_held());
}

TEST_F(LeaseTest, WithoutAConnectionItEndsBeforeAnybodyElseCanBegin) {
    auto first = agent("s1", "r1");
    auto second = agent("s2", "r2", {}, "b");
    go_on(5s, {first.get(), second.get()});
    first->link.is_connected = false;
    go_on(Lease::kLifetime - Lease::kMargin, {first.get(), second.get()});
    EXPECT_TRUE(first->lease->is_lost());
    EXPECT_FALSE(second->lease->is_held());
    go_on(10s, {first.get(), second.get()});
    EXPECT_TRUE(second->lease->is_held());
}

TEST_F(LeaseTest, ARenewalWithoutAnswerIsLookedUpAndGoesOn) {
    auto first = agent("s1", "r1");
    go_on(5s, {first.get()});
    first->link.drops_answers = true;
    go_on(2500ms, {first.get()});
    first->link.drops_answers = false;
    go_on(30s, {first.get()});
    EXPECT_TRUE(first->lease->is_held());
    EXPECT_TRUE(first->acts(bucket.now));
}

TEST_F(LeaseTest, WithoutAnyAnswerItEnds) {
    auto first = agent("s1", "r1");
    go_on(5s, {first.get()});
    first->link.drops_answers = true;
    go_on(7s, {first.get()});
    EXPECT_TRUE(first->lease->is_lost());
}

TEST_F(LeaseTest, TheSameStoreTakesUpItsOwnAtOnce) {
    {
        auto first = agent("s1", "r1");
        go_on(5s, {first.get()});
        EXPECT_EQ(first->lease->term_name(), "r1");
    }
    auto again = agent("s1", "r2", "r1");  // Killed, and started anew.
    go_on(500ms, {again.get()});
    EXPECT_TRUE(again->lease->is_held());
    EXPECT_TRUE(again->lease->is_continued());
    EXPECT_EQ(again->lease->term_name(), "r1");
    auto third = agent("s1", "r3", "r1");
    go_on(500ms, {third.get()});
    EXPECT_TRUE(third->lease->is_continued());  // Also the next time.
}

TEST_F(LeaseTest, AStoreThatNeverBeganItsTermDoesNotGoOnWithIt) {
    {
        auto first = agent("s1", "r1");  // Killed before its store knew.
        go_on(500ms, {first.get()});
        EXPECT_TRUE(first->lease->is_held());
    }
    auto again = agent("s1", "r2", "r0");
    go_on(500ms, {again.get()});
    EXPECT_TRUE(again->lease->is_held());
    EXPECT_FALSE(again->lease->is_continued());
    EXPECT_EQ(again->lease->term_name(), "r2");
}

TEST_F(LeaseTest, ACopiedStoreOnAnotherMachineIsNotTheSame) {
    auto first = agent("s1", "r1");
    auto copy = agent("s1", "r2", "r1", "b");
    go_on(5s, {first.get()});
    go_on(30s, {first.get(), copy.get()});
    EXPECT_TRUE(first->lease->is_held());
    EXPECT_FALSE(copy->lease->is_held());
}

TEST_F(LeaseTest, WhoWaitsAndEndsStandsByNoMore) {
    auto first = agent("s1", "r1");
    auto second = agent("s2", "r2", {}, "b");
    go_on(5s, {first.get(), second.get()});
    EXPECT_TRUE(standby_told("s2"));
    second->lease->release();
    EXPECT_FALSE(standby_told("s2"));
    go_on(20s, {first.get()});
    EXPECT_TRUE(first->lease->is_held());
}

}  // namespace
}  // namespace syncline::agent
