// The platform's quota in the whole agent: who goes on, what is said, what a restart knows.
#include <gtest/gtest.h>

#include <algorithm>

#include "shared/base/json.h"
#include "tests/unit/agent/world.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
using agent::Quota;
using agent::QuotaLane;

std::size_t place_of(QuotaLane lane) { return static_cast<std::size_t>(lane); }

class AgentQuota : public testing::Test {
protected:
    AgentQuota() {
        world.settings.quota.limit = 400;
        // A window begins as the test does.
        world.settings.quota.window.resets_at = Duration{world.clock.now().ns} % 24h;
        world.auto_receipts = true;
        world.platform.put("1", named("Ada"));
    }
    [[nodiscard]] Quota::Status quota() const { return world.agent->status().quota; }
    [[nodiscard]] std::size_t calls() const {
        return world.platform.reads + world.platform.surveys + world.platform.fetches +
               world.platform.finds + world.platform.writes.size();
    }
    [[nodiscard]] auto notes_of(std::string_view text) const {
        return std::ranges::count_if(world.notes,
                                     [&](const auto& note) { return note.contains(text); });
    }
    World world;
};

TEST_F(AgentQuota, ReadingSlowsDownAndLastsAllDay) {
    world.start();
    std::size_t before = 0;
    for (int hour = 0; hour < 24; ++hour) {
        world.run(1h);
        EXPECT_GT(calls(), before) << hour;
        before = calls();
    }
    // Without a quota it would have read 17,280 times.
    EXPECT_GT(calls(), 250u);
    EXPECT_LE(calls(), 360u);
}

TEST_F(AgentQuota, CommandsAreCarriedOutAtOnceWhileReadingIsSlow) {
    world.start();
    world.run(6h);
    for (std::uint64_t generation = 1; generation <= 20; ++generation) {
        world.send(world.update(generation, "1", named(generation % 2 == 0 ? "Ada" : "Bob")));
        world.run_seconds(5);
        EXPECT_EQ(world.platform.writes.size(), generation);
    }
    EXPECT_GE(quota().spent[place_of(QuotaLane::kCommand)], 20u);
}

TEST_F(AgentQuota, NothingIsSpentOfTheReserveAndItIsSaidOnce) {
    world.start();
    world.run(1h);
    world.platform.cost.told = {.limit = 400, .used = 359};
    world.run(1h);  // Some read learns it.
    world.platform.cost.told = {};
    const std::size_t before = calls();
    world.send(world.update(1, "1", named("Bob")));
    world.run(3h);
    EXPECT_EQ(calls(), before);
    EXPECT_EQ(quota().flows[place_of(QuotaLane::kCommand)], Quota::Flow::kRests);
    EXPECT_EQ(notes_of("command rests"), 1);
    EXPECT_EQ(world.last_error, std::nullopt);
    world.run(20h);  // Beyond the end of the day.
    EXPECT_EQ(world.platform.writes.size(), 1u);
    EXPECT_EQ(notes_of("all lanes flow again"), 1);
}

TEST_F(AgentQuota, ARestartKnowsWhatWasSpent) {
    world.start();
    std::uint64_t sent = 0;
    for (int life = 0; life < 12; ++life) {
        const std::size_t before = calls();
        world.run(30min);
        sent += calls() - before;
        world.restart();
        EXPECT_GE(quota().used, sent) << life;
    }
    // Each crash counts as spent what was covered in advance.
    EXPECT_LE(quota().used, sent + 12 * 15);
}

TEST_F(AgentQuota, IsInPresence) {
    world.start();
    world.platform.cost.told = {.limit = 300, .used = 250};
    world.run_seconds(30);
    const auto said = parse_json(world.link.presences.back());
    ASSERT_TRUE(said);
    const Value& quota = said->get<Value::Map>()->at("quota");
    ASSERT_NE(quota.get<Value::Map>(), nullptr);
    const Value::Map& map = *quota.get<Value::Map>();
    EXPECT_EQ(map.at("limit"), Value{std::int64_t{300}});
    EXPECT_GE(*map.at("used").get<std::int64_t>(), 250);
    EXPECT_EQ(map.at("reserve"), Value{std::int64_t{30}});
    EXPECT_EQ(map.at("learned"), Value{true});
}

TEST_F(AgentQuota, APlatformThatIsThrottledIsWrittenToByFewerAtOnce) {
    world.settings.quota.limit = 0;
    world.settings.writing.concurrency = 4;
    std::map<std::string, std::string> entities;
    for (char c = 'a'; c < 'q'; ++c) entities[std::string(1, c)] = std::string(24, c);
    for (const auto& [id, entity] : entities) world.platform.put(id.c_str(), named(id.c_str()));
    world.start();
    world.run_seconds(10);
    world.platform.holds_writes = true;
    const auto send_all = [&](std::uint64_t generation, const char* name) {
        for (const auto& [id, entity] : entities) {
            world.send(world.update(generation, id.c_str(), named(name), entity.c_str()));
        }
    };
    send_all(1, "one");
    world.run_seconds(1);
    EXPECT_EQ(world.platform.writes.size(), 4u);
    world.platform.release_writes();
    // All four were answered at once, so as many more wait to be sent. All are told so; that counts
    // once.
    for (int i = 0; i < 8; ++i) {
        world.platform.scripts.push_back({.error = ErrorKind::kThrottled, .pause = 5s});
    }
    world.run_seconds(1);
    EXPECT_NE(world.link.presences.size(), 0u);
    world.platform.holds_writes = true;
    const std::size_t before = world.platform.writes.size();
    world.run_seconds(60);
    EXPECT_EQ(world.platform.writes.size(), before + 2);
}

TEST_F(AgentQuota, WithoutOneNothingIsStoredAndNothingWaits) {
    world.settings.quota.limit = 0;
    world.start();
    world.run(1h);
    EXPECT_GT(calls(), 700u);
    EXPECT_EQ(quota().limit, 0u);
    std::string kept;
    ASSERT_TRUE(world.store->transaction(
        [&](agent::Transaction& transaction) { kept = transaction.text(agent::keys::kQuota); }));
    EXPECT_EQ(kept, "");
}

}  // namespace
}  // namespace syncline::test
