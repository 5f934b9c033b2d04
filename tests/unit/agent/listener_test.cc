// What a platform says by itself: only a hint, and never lost.

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/unit/agent/world.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

class ListenerTest : public testing::Test {
protected:
    ListenerTest() {
        world.auto_receipts = true;
        world.settings.reading.poll = 1h;
        world.platform.the_traits.push = {.fetches_max = 3, .read_after = 6s};
    }
    /// An agent that has read its platform, and listens.
    void begin() {
        world.platform.put("1", named("one"));
        world.start();
        world.run_seconds(5);
        ASSERT_EQ(world.changes().size(), 1u);
        reads = world.platform.reads;
        world.platform.say(agent::Pushed{});
        world.run_seconds(1);
        ASSERT_EQ(push().state, "up");
    }
    [[nodiscard]] agent::Listener::Status push() const { return world.agent->status().push; }
    [[nodiscard]] std::size_t reads_since() const { return world.platform.reads - reads; }
    [[nodiscard]] std::size_t noted(const std::string& text) const {
        return static_cast<std::size_t>(std::ranges::count_if(
            world.notes,
            [&](const std::string& note) { return note.find(text) != std::string::npos; }));
    }

    World world;
    std::size_t reads = 0;
};

TEST_F(ListenerTest, FetchesWhatIsNamedLongBeforeItIsReadAgain) {
    begin();
    world.platform.put("1", named("new"));
    world.platform.say("1", "p1");
    world.run_seconds(1);
    ASSERT_EQ(world.changes().size(), 2u);
    EXPECT_EQ(world.changes().back().fields, named("new"));
    EXPECT_EQ(reads_since(), 0u);
    EXPECT_EQ(push().fetched, 1u);
    EXPECT_EQ(world.platform.listened.back(), "p1");
}

TEST_F(ListenerTest, ReadsOnWithoutAnyPush) {
    world.settings.reading.poll = 5s;
    begin();
    world.platform.put("1", named("unsaid"));
    world.run_seconds(6);
    EXPECT_EQ(world.changes().back().fields, named("unsaid"));
}

TEST_F(ListenerTest, TellsADeletion) {
    begin();
    world.platform.vanish("1");
    world.platform.say("1", "p1");
    world.run_seconds(1);
    EXPECT_EQ(world.changes().back().kind, ChangeKind::kDelete);
}

TEST_F(ListenerTest, TellsOnceWhatIsSaidTwiceLateAndInAnyOrder) {
    begin();
    world.platform.put("1", named("new"));
    world.platform.put("2", named("two"));
    for (const char* position : {"p2", "p1", "p2", "p1"}) {
        world.platform.say(position[1] == '1' ? "1" : "2", position);
        world.run_seconds(1);
    }
    EXPECT_EQ(world.changes().size(), 3u);
}

TEST_F(ListenerTest, OneFetchDoesForAllThatIsSaidOfARecordMeanwhile) {
    begin();
    world.platform.holds_fetches = true;
    const std::size_t fetches = world.platform.fetches;
    for (int i = 0; i < 20; ++i) {
        world.platform.put("1", named(std::to_string(i).c_str()));
        world.platform.say("1", "p");
        world.run_seconds(1);
    }
    EXPECT_EQ(world.platform.fetches, fetches + 1);
    world.platform.release_fetches();
    world.run_seconds(1);
    EXPECT_EQ(world.platform.fetches, fetches + 2) << "what was on its way is older";
    EXPECT_EQ(world.changes().back().fields, named("19"));
}

TEST_F(ListenerTest, ReadsOnceItCanShowWhereManyAreNamed) {
    begin();
    agent::Pushed many{.position = "p9", .events = 4};
    for (const char* id : {"1", "2", "3", "4"}) {
        world.platform.put(id, named("many"));
        many.records.push_back({ObjectName{"customer"}, RecordId{id}});
    }
    world.platform.say(many);
    const std::size_t fetches = world.platform.fetches;
    world.run_seconds(5);
    EXPECT_EQ(reads_since(), 0u) << "not before read_after";
    world.run_seconds(2);
    EXPECT_EQ(reads_since(), 1u);
    EXPECT_EQ(world.platform.fetches, fetches);
    EXPECT_EQ(world.changes().size(), 5u);
}

TEST_F(ListenerTest, ReadsWhereNoRecordIsNamed) {
    begin();
    world.platform.put("7", named("seven"));
    world.platform.say(agent::Pushed{.read = true, .position = "p1", .events = 1});
    world.run_seconds(7);
    EXPECT_EQ(reads_since(), 1u);
    EXPECT_EQ(world.changes().back().fields, named("seven"));
    EXPECT_EQ(push().reads, 1u);
}

TEST_F(ListenerTest, DoesNotTakeAnUnknownRecordThatMayNotBeOfTheObject) {
    begin();
    const std::size_t fetches = world.platform.fetches;
    world.platform.say("stranger", "p1", true);
    world.run_seconds(7);
    EXPECT_EQ(world.platform.fetches, fetches);
    EXPECT_EQ(reads_since(), 1u) << "reading knows the object's conditions";
    world.platform.put("1", named("new"));
    world.platform.say("1", "p2", true);
    world.run_seconds(1);
    EXPECT_EQ(world.platform.fetches, fetches + 1);
}

TEST_F(ListenerTest, GoesOnAfterAKillAndFetchesWhatWasSaid) {
    begin();
    world.platform.holds_fetches = true;
    world.platform.put("1", named("new"));
    world.platform.say("1", "p5");
    world.run_seconds(1);
    world.kill();
    world.platform.holds_fetches = false;
    world.platform.reads_fail = Error{ErrorKind::kUnavailable, "not by reading"};
    world.start();
    world.run(100ms);
    EXPECT_EQ(world.platform.listened.back(), "p5");
    world.platform.reads_fail.reset();
    world.run_seconds(3);
    EXPECT_EQ(world.changes().back().fields, named("new"));
}

TEST_F(ListenerTest, BacksOffFromAPlatformThatSaysNothingAndReadsOn) {
    begin();
    world.settings.reading.poll = 5s;
    world.restart();
    world.run_seconds(1);
    const std::size_t listened = world.platform.listened.size();
    for (int i = 0; i < 100; ++i) {
        world.platform.say(fail(ErrorKind::kUnavailable, "reset by peer"));
    }
    world.run_seconds(600);
    EXPECT_LT(world.platform.listened.size() - listened, 14u);
    EXPECT_GT(world.platform.listened.size() - listened, 5u);
    EXPECT_GT(reads_since(), 100u) << "reading knows nothing of it";
    EXPECT_EQ(push().state, "down");
    EXPECT_EQ(push().trouble, "reset by peer");
    EXPECT_EQ(noted("reset by peer"), 1u) << "said once";
    EXPECT_THAT(world.link.presences.back(),
                HasSubstr(R"("push":{"events":0,"fetched":0,"own":0,"reads":0,"since":)"));
    EXPECT_THAT(world.link.presences.back(), HasSubstr(R"("state":"down","trouble":"reset)"));
    EXPECT_FALSE(world.agent->status().denied);
}

TEST_F(ListenerTest, RefusedPushesNeitherStopTheRestNorAreTriedInHaste) {
    begin();
    world.settings.reading.poll = 5s;
    world.restart();
    world.run_seconds(1);
    const std::size_t listened = world.platform.listened.size();
    world.platform.say(fail(ErrorKind::kDenied, "not for you"));
    world.run_seconds(290);
    EXPECT_EQ(world.platform.listened.size(), listened);
    EXPECT_FALSE(world.agent->status().denied);
    world.platform.say(agent::Pushed{});
    world.run_seconds(20);
    EXPECT_EQ(push().state, "up");
}

TEST_F(ListenerTest, ListensNoMoreThanThereIsRoomFor) {
    world.settings.reading.fetches_max = 2;
    begin();
    world.platform.holds_fetches = true;
    world.platform.say("1", "p1");
    world.platform.say("2", "p2");
    world.platform.say("3", "p3");
    world.run_seconds(10);
    EXPECT_THAT(world.platform.listened, Not(Contains("p3")));
    world.platform.release_fetches();
    world.run_seconds(3);
    EXPECT_EQ(world.platform.listened.back(), "p3");
}

TEST_F(ListenerTest, HeedsThePauseThatIsAskedFor) {
    begin();
    world.platform.say(agent::Pushed{.position = "p1", .pause = 30s});
    world.run_seconds(1);
    const std::size_t listened = world.platform.listened.size();
    world.run_seconds(28);
    EXPECT_EQ(world.platform.listened.size(), listened);
    world.run_seconds(3);
    EXPECT_EQ(world.platform.listened.size(), listened + 1);
}

TEST_F(ListenerTest, SaysWhatItCannotHear) {
    begin();
    world.platform.say(agent::Pushed{.position = "p1", .trouble = "/data/X is not heard: 403"});
    world.run_seconds(1);
    EXPECT_EQ(push().state, "up");
    EXPECT_EQ(push().trouble, "/data/X is not heard: 403");
    EXPECT_EQ(noted("/data/X is not heard"), 1u);
}

}  // namespace
}  // namespace syncline::test
