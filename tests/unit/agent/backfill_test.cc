#include "agent/backfill.h"

#include <gtest/gtest.h>

#include <set>

#include "shared/base/json.h"
#include "tests/unit/agent/world.h"

namespace syncline {
namespace {

using namespace std::chrono_literals;
using test::named;
using test::World;

class BackfillTest : public testing::Test {
protected:
    void SetUp() override {
        world.auto_receipts = true;
        world.settings.reading.poll = 1s;
        world.platform.pages_surveys = true;
    }
    /// Three records that the hub knows, and the agent at rest.
    void start() {
        for (const char* id : {"1", "2", "3"}) world.platform.put(id, named(id));
        world.start();
        world.run_seconds(5);
        ASSERT_EQ(world.changes().size(), 3u);
    }
    /// It is there, and nothing told of it.
    void hide(const char* id, const char* name) {
        world.platform.put(id, named(name));
        world.platform.forget_log_of(id);
    }
    void ask(bool dry_run = false, std::vector<ObjectName> objects = {}) {
        const BackfillRequest request{world.clock.now(), dry_run, std::move(objects)};
        world.link.put_command(subjects::again(world.settings.platform, subjects::Again::kBackfill),
                               to_text(request));
    }
    [[nodiscard]] agent::Backfill::Status status() const { return world.agent->status().backfill; }

    World world;
};

TEST_F(BackfillTest, TellsWhatWasNeverToldAndNothingElse) {
    start();
    hide("4", "four");
    hide("5", "five");
    ask();
    world.run_seconds(20);
    const auto changes = world.changes();
    ASSERT_EQ(changes.size(), 5u);
    std::set<std::string> told;
    for (std::size_t i = 3; i < 5; ++i) {
        EXPECT_EQ(changes[i].origin, ChangeOrigin::kBackfill);
        told.insert(changes[i].key.record.text);
    }
    EXPECT_EQ(told, (std::set<std::string>{"4", "5"}));
    EXPECT_EQ(world.platform.fetches, 0u) << "a page says it";
    EXPECT_EQ(status().phase, "done");
    EXPECT_EQ(status().counts.there, 5u);
    EXPECT_EQ(status().counts.known, 3u);
    EXPECT_EQ(status().counts.unknown, 2u);
    ask();
    world.run_seconds(20);
    EXPECT_EQ(world.changes().size(), 5u) << "and then it is known";
    EXPECT_EQ(status().counts.unknown, 0u);
}

TEST_F(BackfillTest, ADryRunCountsAndTellsNothing) {
    start();
    hide("4", "four");
    world.platform.records.at({ObjectName{"customer"}, RecordId{"1"}}).fields = named("other");
    ask(true);
    world.run_seconds(20);
    EXPECT_EQ(world.changes().size(), 3u);
    EXPECT_EQ(world.platform.fetches, 0u);
    EXPECT_EQ(status().counts.there, 4u);
    EXPECT_EQ(status().counts.known, 2u);
    EXPECT_EQ(status().counts.unknown, 1u);
    EXPECT_EQ(status().counts.different, 1u);
    // And what would have been told is told when it is meant.
    ask();
    world.run_seconds(20);
    EXPECT_EQ(world.changes().size(), 5u);
}

TEST_F(BackfillTest, APageThatIsOlderThanWhatWasToldTakesNothingBack) {
    start();
    // What the page shows of 1 is old by the time it is used: it is asked for by itself.
    world.platform.records.at({ObjectName{"customer"}, RecordId{"1"}}).fields = named("old");
    world.platform.on_surveyed = [this] { world.platform.put("1", named("new")); };
    ask();
    world.run_seconds(20);
    for (const Change& change : world.changes()) {
        EXPECT_NE(change.fields, named("old"));
    }
    EXPECT_EQ(world.changes().back().fields, named("new"));
}

TEST_F(BackfillTest, ARecordThatIsGoneMeanwhileDoesNotComeBack) {
    start();
    hide("4", "four");
    world.platform.on_surveyed = [this] { world.platform.remove("2"); };
    ask();
    world.run_seconds(20);
    std::optional<Change> last;
    for (const Change& change : world.changes()) {
        if (change.key.record.text == "2") last = change;
    }
    ASSERT_TRUE(last);
    EXPECT_EQ(last->kind, ChangeKind::kDelete);
}

TEST_F(BackfillTest, GoesOnWhereItWasAfterAKill) {
    world.settings.reading.batch_records = 2;
    start();
    std::set<std::string> hidden;
    for (char c = 'a'; c <= 'j'; ++c) {
        const std::string id{c};
        hide(id.c_str(), id.c_str());
        hidden.insert(id);
    }
    ask();
    world.platform.surveys_until_silence = 3;
    world.run_seconds(20);
    EXPECT_EQ(status().phase, "reading");
    EXPECT_EQ(status().counts.read, 6u);
    world.platform.surveys_until_silence.reset();
    const std::size_t before = world.platform.surveys;
    world.restart();
    world.run_seconds(20);
    EXPECT_EQ(status().phase, "done");
    EXPECT_EQ(status().counts.there, 13u) << "what was counted before stays counted";
    EXPECT_EQ(status().counts.unknown, 10u);
    EXPECT_LE(world.platform.surveys - before, 5u) << "and is not read again";
    std::multiset<std::string> told;
    for (const Change& change : world.changes()) {
        if (change.origin == ChangeOrigin::kBackfill && hidden.contains(change.key.record.text)) {
            told.insert(change.key.record.text);
        }
    }
    EXPECT_EQ((std::set<std::string>{told.begin(), told.end()}), hidden);
    EXPECT_EQ(told.size(), hidden.size()) << "each once";
    world.restart();
    world.run_seconds(20);
    EXPECT_EQ(status().phase, "done") << "what is done is not done again";
}

TEST_F(BackfillTest, WaitsForRoomInTheSpoolAndLosesNothing) {
    start();
    world.auto_receipts = false;
    world.settings.spool.bytes = 256;  // Two changes and no third.
    world.restart();
    for (const char* id : {"4", "5", "6"}) hide(id, id);
    ask();
    world.run_seconds(5);
    EXPECT_GT(world.changes().size(), 3u);
    EXPECT_LT(world.changes().size(), 6u);
    EXPECT_EQ(status().phase, "reading");
    world.auto_receipts = true;
    world.receipt_all();
    world.run_seconds(30);
    EXPECT_EQ(world.changes().size(), 6u);
    EXPECT_EQ(status().phase, "done");
    EXPECT_EQ(status().counts.unknown, 3u);
}

TEST_F(BackfillTest, WaitsForAFullReadThatIsUnderWay) {
    start();
    world.platform.holds_reads = true;
    ask();
    Receipt receipt;
    receipt.full_read = true;
    world.send_receipt(receipt);
    world.run_seconds(5);
    EXPECT_EQ(status().phase, "waiting");
    EXPECT_EQ(world.platform.surveys, 0u);
    world.platform.release_reads();
    world.run_seconds(10);
    EXPECT_EQ(status().phase, "done");
    EXPECT_EQ(status().counts.known, 3u);
}

TEST_F(BackfillTest, SaysWhatItCannotDo) {
    world.settings.objects = {{.object = ObjectName{"customer"}}};
    start();
    ask(false, {ObjectName{"ordre"}});
    world.run_seconds(5);
    EXPECT_EQ(status().trouble, "the agent's file maps no object `ordre`");
    EXPECT_EQ(world.platform.surveys, 0u);
    ask(true, {ObjectName{"customer"}});
    world.run_seconds(5);
    EXPECT_EQ(status().trouble, "");
    EXPECT_EQ(status().counts.there, 3u);
    world.platform.the_traits.can_fetch = false;
    ask();
    world.run_seconds(5);
    EXPECT_NE(status().trouble.find("cannot be asked for a record"), std::string::npos);
}

TEST_F(BackfillTest, AFirstLoadTellsHowFarItIs) {
    world.settings.reading.batch_records = 1;
    world.settings.rate = {.per_second = 1, .burst = 1};
    world.platform.records_counted = 5;
    for (const char* id : {"1", "2", "3", "4", "5"}) world.platform.put(id, named(id));
    world.start();
    world.run_seconds(3);
    const auto load = world.agent->status().intake.load;
    ASSERT_TRUE(load);
    EXPECT_GT(load->records, 0u);
    EXPECT_LT(load->records, 5u);
    EXPECT_EQ(load->total, 5u);
    const std::uint64_t before = load->records;
    world.restart();
    EXPECT_EQ(world.agent->status().intake.load->records, before) << "it goes on";
    world.run_seconds(10);
    EXPECT_FALSE(world.agent->status().intake.load);
    EXPECT_EQ(world.changes().size(), 5u);
}

TEST(RateMeter, TellsTheRateOfLately) {
    agent::RateMeter meter;
    EXPECT_EQ(meter.per_second(0s), 0u);
    for (int second = 0; second < 10; ++second) meter.add(100, std::chrono::seconds{second});
    EXPECT_NEAR(static_cast<double>(meter.per_second(9s)), 100, 5);
    for (int second = 10; second < 60; ++second) meter.add(10, std::chrono::seconds{second});
    EXPECT_NEAR(static_cast<double>(meter.per_second(60s)), 10, 2);
    EXPECT_LT(meter.per_second(120s), 5u) << "a pause shows";
}

}  // namespace
}  // namespace syncline
