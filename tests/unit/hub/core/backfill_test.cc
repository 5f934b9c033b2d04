#include "shared/wire/codec.h"
#include "tests/unit/hub/core/decide_fixture.h"

namespace syncline::hub {
namespace {

/// What a command says of where it comes from.
class BackfillOrigin : public Decide {
protected:
    Step load(const PlatformId& from, Fields fields) {
        Change loaded = change(from, std::move(fields));
        loaded.origin = ChangeOrigin::kBackfill;
        return take(loaded);
    }
};

TEST_F(BackfillOrigin, GoesWithTheCommandsOfALoadAndNoOthers) {
    const Step loaded = load(kCrm, full_);
    ASSERT_EQ(loaded.commands.size(), 1U);
    EXPECT_EQ(loaded.commands[0].origin, ChangeOrigin::kBackfill);
    const auto read = wire::decode_command(wire::encode(loaded.commands[0]));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->origin, ChangeOrigin::kBackfill);
    answer(loaded);
    const Step live = take(change(kCrm, with("name", "nut")));
    ASSERT_EQ(live.commands.size(), 1U);
    EXPECT_EQ(live.commands[0].origin, ChangeOrigin::kLive);
    EXPECT_EQ(wire::decode_command(wire::encode(live.commands[0]))->origin, ChangeOrigin::kLive);
}

TEST_F(BackfillOrigin, StaysWithWhatFollowsFromAnAnswer) {
    const Step loaded = load(kCrm, full_);
    ASSERT_EQ(loaded.commands.size(), 1U);
    // The platform keeps another name than it was told.
    Fields kept = loaded.commands[0].fields;
    kept.set(kName, "BOLT");
    const Step next = take(outcome(loaded.commands[0], kept));
    ASSERT_FALSE(next.commands.empty()) << "the owner's value is told again";
    for (const Command& command : next.commands) {
        EXPECT_EQ(command.origin, ChangeOrigin::kBackfill) << command.platform.text;
    }
}

TEST_F(BackfillOrigin, IsLostWhereALiveChangeIsMergedIntoTheCommand) {
    ASSERT_EQ(load(kCrm, full_).commands.size(), 1U);  // And not answered yet.
    const Step live = take(change(kCrm, with("name", "nut")));
    ASSERT_EQ(live.commands.size(), 1U);
    EXPECT_EQ(live.commands[0].origin, ChangeOrigin::kLive);
    // Nor does what is loaded after it make the live one quiet.
    const Step loaded = load(kCrm, with("name", "screw"));
    ASSERT_EQ(loaded.commands.size(), 1U);
    EXPECT_EQ(loaded.commands[0].origin, ChangeOrigin::kLive);
}

TEST_F(BackfillOrigin, OneLiveInputOfABatchMakesItLive) {
    Change loaded = change(kCrm, full_);
    loaded.origin = ChangeOrigin::kBackfill;
    const std::vector<Input> inputs{loaded, change(kCrm, with("name", "nut"))};
    const Step step = decide(policy_, state_, inputs, {{1'000'000'000}, {}, 7});
    ASSERT_EQ(step.commands.size(), 1U);
    EXPECT_EQ(step.commands[0].origin, ChangeOrigin::kLive);
}

}  // namespace
}  // namespace syncline::hub
