#include "tests/unit/agent/commands_fixture.h"

// When what the platform has answered is stored.

namespace syncline::test {
namespace {

using namespace std::chrono_literals;

class CommitsTest : public CommandsTest {
protected:
    /// So many commands, each of another record, are at the platform.
    void call(int count) {
        for (int i = 0; i < count; ++i) {
            world.platform.put(std::string(1, static_cast<char>('a' + i)).c_str(), named("x"));
        }
        begin();
        world.platform.holds_writes = true;
        for (int i = 0; i < count; ++i) {
            const char c = static_cast<char>('a' + i);
            world.send(
                world.update(1, std::string(1, c).c_str(), named("y"), std::string(24, c).c_str()));
        }
        world.run_seconds(1);
        ASSERT_EQ(world.platform.writes.size(), static_cast<std::size_t>(count));
    }
    [[nodiscard]] std::size_t stored() const { return world.outcomes().size(); }
};

TEST_F(CommitsTest, WaitsALittleForTheAnswersOfOtherCalls) {
    call(4);
    world.platform.release_one_write();
    world.run(1ms);
    EXPECT_EQ(stored(), 0u);
    world.platform.release_one_write();
    world.run(2ms);
    EXPECT_EQ(stored(), 2u) << "however many are under way still";
}

TEST_F(CommitsTest, WaitsForNothingAlone) {
    call(2);
    world.platform.release_one_write();
    world.run(0ms);
    EXPECT_EQ(stored(), 1u) << "for one, which may hang";
    world.platform.release_one_write();
    world.run(0ms);
    EXPECT_EQ(stored(), 2u);
}

TEST_F(CommitsTest, WaitsForNothingWhileItStops) {
    call(4);
    world.agent->stop();
    world.platform.release_one_write();
    world.run(0ms);
    EXPECT_EQ(world.store->waiting_entries(), 1u);
}

}  // namespace
}  // namespace syncline::test
