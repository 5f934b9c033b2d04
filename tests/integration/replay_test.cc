// What is decided once more: from nothing, to prove the states (audit rebuild), and by hubs, by a
// person's word (replay --live, exceptions retry).
#include "hub/core/state_codec.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"
#include "tests/integration/running_system.h"
#include "tests/integration/stranger.h"

namespace syncline::test {
namespace {

const ObjectName kCustomer{"customer"};

class Replay : public RunningSystem {
protected:
    [[nodiscard]] std::string rebuild() const { return ctl({"--json", "audit", "rebuild"}); }
    /// A change that a hub could not decide at its time.
    static hub::ExceptionRecord kept(std::string_view kind, const std::string& number) {
        const Change change{
            .key = {PlatformId{"shop"}, kCustomer, RecordId{number}},
            .number = {Partition{0}, {1, 1}},
            .rev = {1, 1},
            .fields =
                Fields{{FieldName{"number"}, Value{number}}, {FieldName{"name"}, Value{"kept"}}},
            .seen_at = Timestamp{1'700'000'000'000'000'000},
        };
        return {.kind = std::string{kind},
                .entity = {kCustomer, founded_entity(change.key)},
                .platform = change.key.platform,
                .record = number,
                .reason = "as it was at that time",
                .raw = wire::encode(change)};
    }
    void publish(const hub::ExceptionRecord& exception) const {
        Stranger stranger{server};
        stranger.publish(
            subjects::exception(exception.entity, exception.kind + "@" + exception.platform.text),
            encode(exception));
    }
};

TEST_F(Replay, OfEverythingFromNothingMakesTheStatesByteForByte) {
    start_all();
    drop("customers-1.jsonl", row("1", "one") + row("2", "two"));
    ASSERT_TRUE(arrives({"0", "1", "2"}));
    hub->kill9();
    drop("customers-2.jsonl", row("1", "first") + row("1", "second") + row("3", "three"));
    hub = start_hub();
    ASSERT_TRUE(arrives({"0", "1", "2", "3"}));
    ASSERT_TRUE(ctl_says({"entity", "show", "customer", "1"}, "second"));
    ASSERT_TRUE(ctl_says({"--json", "audit", "rebuild"}, "\"rebuilt\":4"));
    const std::string clean = rebuild();
    EXPECT_NE(clean.find("\"differ\":0"), std::string::npos) << clean;
    EXPECT_NE(clean.find("\"out_of_reach\":0"), std::string::npos) << clean;
    // Somebody who may write to the streams makes a value canonical.
    hub->stop();
    Stranger stranger{server};
    const EntityKey entity{kCustomer,
                           founded_entity({PlatformId{"shop"}, kCustomer, RecordId{"2"}})};
    const std::string subject = subjects::entity(entity, entity_partition(entity, 4));
    const std::string told = stranger.ask("$JS.API.DIRECT.GET.SYNC_STATE." + subject);
    auto state = hub::decode_entity(told);
    ASSERT_TRUE(state) << told;
    state->set(FieldName{"name"}, Value{"forged"}, {PlatformId{"shop"}, {1, 1}, {}});
    stranger.publish(subject, encode(*state));
    const std::string forged = rebuild();
    EXPECT_NE(forged.find("\"differ\":1"), std::string::npos) << forged;
    EXPECT_NE(forged.find("the canonical name is not what the inputs make"), std::string::npos)
        << forged;
    EXPECT_NE(forged.find("audit.differs"), std::string::npos) << forged;
}

TEST_F(Replay, OfAKeptInputHasItPlacedAndDecided) {
    start_all();
    publish(kept("input.unknown_object", "7"));
    publish(kept("identity.ambiguous", "8"));
    const std::string shown = ctl({"replay", "--live", "--exception", "input.*"});
    EXPECT_NE(shown.find("1 kept input"), std::string::npos) << shown;
    EXPECT_NE(shown.find("nothing was published"), std::string::npos) << shown;
    EXPECT_EQ(arrived(), std::set<std::string>{"0"});
    const std::string done = ctl({"replay", "--live", "--exception", "input.*", "--yes"});
    EXPECT_NE(done.find("1 of 1 published"), std::string::npos) << done;
    EXPECT_TRUE(arrives({"0", "7"}));
    const std::string retried = ctl({"exceptions", "retry", "--kind", "identity.ambiguous", "--yes",
                                     "--reason", "the twin is gone"});
    EXPECT_TRUE(arrives({"0", "7", "8"})) << retried;
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "no open exceptions"));
    EXPECT_TRUE(ctl_says({"--json", "exceptions", "list", "--all"}, "retried"));
}

TEST_F(Replay, OfWhatStillCannotBeDecidedIsKeptAgain) {
    start_all();
    hub::ExceptionRecord broken = kept("input.undecodable", "9");
    broken.raw = "no message of ours";
    publish(broken);
    const std::string retried =
        ctl({"exceptions", "retry", "--kind", "input.undecodable", "--yes"});
    // As the hub writes it down, which the one above was not.
    EXPECT_TRUE(ctl_says({"--json", "exceptions", "list"}, "\"source\":\"partition ")) << retried;
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "input.undecodable")) << retried;
}

TEST_F(Replay, IntoTheLiveHubDecidesAgainWhatIsConcerned) {
    start_all();
    drop("customers-1.jsonl", row("1", "one"));
    ASSERT_TRUE(arrives({"0", "1"}));
    const std::string one = ctl({"replay", "--live", "--record", "1", "--platform", "shop"});
    EXPECT_NE(one.find("1 entity, 0 of which would change"), std::string::npos) << one;
    const std::string all = ctl({"--json", "replay", "--live", "--rate", "20", "--yes"});
    EXPECT_NE(all.find("\"published\":2"), std::string::npos) << all;
    EXPECT_NE(ctl({"replay", "--live", "--rate", "0"}).find("--rate"), std::string::npos);
    EXPECT_NE(ctl({"replay", "--live", "--dry-run"}).find("give one of"), std::string::npos);
    EXPECT_NE(ctl({"replay", "--dry-run", "--exception", "x"}).find("--exception is for --live"),
              std::string::npos);
}

}  // namespace
}  // namespace syncline::test
