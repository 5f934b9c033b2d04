#include "hub/core/work.h"
#include "tests/unit/hub/core/decide_fixture.h"

namespace syncline::hub {
namespace {

// A draft is the CRM's, but whoever moves it on is believed; from then on it is the ERP's.
constexpr const char* kStages = R"(
[policy]
name = "test"
[platforms.crm]
[platforms.erp]
[objects.item.fields]
name = { type = "string", required = true }
stage = { type = "enum", values = ["draft", "live", "sold", "gone", "lost"], required = true }

[objects.item.stages]
field = "stage"
initial = ["draft"]
[objects.item.stages.next]
draft = ["live", "lost"]
live = ["sold"]
sold = ["gone"]
gone = []
lost = []

[[objects.item.own]]
fields = ["stage"]
when = 'stage == "draft"'
owner = "crm"
otherwise = "accept"
[[objects.item.own]]
fields = ["*"]
owner = "erp"
otherwise = "revert"

[objects.item.on.crm]
fields = ["*"]
founds = true
receives = true
on_delete = "review"
[objects.item.on.erp]
fields = ["*"]
founds = true
receives = true
on_delete = "review"
)";

class Stages : public Decide {
protected:
    Stages() { policy_ = *parse_policy({{"stages.toml", kStages}}); }

    static Fields at(Value stage) {
        return Fields{{kName, "bolt"}, {FieldName{"stage"}, std::move(stage)}};
    }
    Step says(const PlatformId& platform, Value stage) {
        return take(change(platform, at(std::move(stage))));
    }
    std::vector<std::string> open() const {
        std::vector<std::string> kinds;
        for (const OpenException& exception : state_.exceptions) {
            kinds.push_back(exception.kind + "@" + exception.platform.text);
        }
        return kinds;
    }
    /// "crm: live", ... of the commands that a step gives.
    static std::vector<std::string> told(const Step& step) {
        std::vector<std::string> texts;
        for (const Command& command : step.commands) {
            const Value* stage = command.fields.find(FieldName{"stage"});
            texts.push_back(command.platform.text + ": " +
                            (stage == nullptr ? "" : *stage->get<std::string>()));
        }
        return texts;
    }
    static Verdict verdict_of(const Step& step) {
        for (const auto& outgoing : step.next.outbox) {
            if (outgoing.exception.empty()) {
                return decode_log_entry(outgoing.body)->decisions.at(0).verdict;
            }
        }
        return Verdict::kUndecided;
    }
    using Texts = std::vector<std::string>;
    const Texts barred_at_crm_{"lifecycle.transition@crm"};
};

struct MoveCase {
    const char* name;
    const char* from;
    PlatformId by;
    Value to;
    Verdict verdict;
};
void PrintTo(const MoveCase& row, std::ostream* out) { *out << row.name; }

class Move : public Stages, public testing::WithParamInterface<MoveCase> {};
TEST_P(Move, IsJudgedByTheLifecycle) {
    const MoveCase& row = GetParam();
    settle(at(row.from));  // Whatever stage is heard of first counts: it may be late in its life.
    const Step step = says(row.by, row.to);
    EXPECT_EQ(name_of(verdict_of(step)), std::string{name_of(row.verdict)});
    EXPECT_EQ(canonical("stage"), row.verdict == Verdict::kAccepted ? row.to : Value{row.from});
    const bool barred = row.verdict == Verdict::kNotNext;
    EXPECT_EQ(open(), barred ? Texts{"lifecycle.transition@" + row.by.text} : Texts{});
}
INSTANTIATE_TEST_SUITE_P(
    Stage, Move,
    testing::Values(
        MoveCase{"the_next_one", "draft", kCrm, "live", Verdict::kAccepted},
        MoveCase{"another_next_one", "draft", kErp, "lost", Verdict::kAccepted},
        MoveCase{"not_back", "live", kErp, "draft", Verdict::kNotNext},
        MoveCase{"not_out_of_a_last_one", "lost", kErp, "live", Verdict::kNotNext},
        MoveCase{"not_emptied", "draft", kCrm, Value{}, Verdict::kNotNext},
        MoveCase{"steps_of_its_own_seen_as_one", "live", kErp, "gone", Verdict::kAccepted},
        MoveCase{"steps_of_its_own_after_one_that_was_accepted", "draft", kErp, "gone",
                 Verdict::kAccepted},
        MoveCase{"not_over_a_step_that_is_anothers", "draft", kCrm, "sold", Verdict::kNotNext},
        MoveCase{"who_may_not_write_is_reverted_as_ever", "live", kCrm, "draft",
                 Verdict::kReverted}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST_F(Stages, KeepAMoveThatIsNotAllowedBesideTheCanonicalOne) {
    settle(at("draft"));
    const Step step = says(kCrm, "sold");
    EXPECT_TRUE(step.commands.empty()) << "neither is told before a person has decided";
    EXPECT_EQ(state_.exceptions.at(0).proposed, (Fields{{FieldName{"stage"}, "sold"}}));
    says(kCrm, "gone");
    EXPECT_EQ(open(), barred_at_crm_);
    EXPECT_EQ(state_.exceptions.at(0).proposed, (Fields{{FieldName{"stage"}, "gone"}}));
    EXPECT_EQ(take(change(kCrm, {{kName, "nut"}})).commands.size(), 1U)
        << "other fields are decided as ever";
}

TEST_F(Stages, CloseWhenThePlatformGoesBack) {
    settle(at("draft"));
    says(kCrm, "sold");
    EXPECT_TRUE(says(kCrm, "draft").commands.empty());
    EXPECT_EQ(open(), Texts{});
}

TEST_F(Stages, CloseWhenThePlatformMovesAsItMay) {
    settle(at("draft"));
    says(kCrm, "sold");
    EXPECT_EQ(told(says(kCrm, "live")), Texts{"erp: live"});
    EXPECT_EQ(open(), Texts{});
    EXPECT_EQ(canonical("stage"), Value{"live"});
}

TEST_F(Stages, DecideAgainWhatTheCanonicalStageLeadsToByNow) {
    settle(at("draft"));
    says(kCrm, "sold");
    // The ERP takes it on to where the CRM's stage may follow; but there the ERP is the owner.
    EXPECT_EQ(told(says(kErp, "live")), Texts{"crm: live"});
    EXPECT_EQ(open(), Texts{});
}

TEST_F(Stages, CloseWhenTheCanonicalStageComesToBeThePlatforms) {
    settle(at("draft"));
    says(kCrm, "sold");
    EXPECT_TRUE(says(kErp, "sold").commands.empty());
    EXPECT_EQ(open(), Texts{});
    EXPECT_EQ(canonical("stage"), Value{"sold"});
}

TEST_F(Stages, StayWhileTheCanonicalStageMovesElsewhere) {
    settle(at("draft"));
    says(kCrm, "gone");
    EXPECT_TRUE(says(kErp, "lost").commands.empty());
    EXPECT_EQ(open(), barred_at_crm_);
    EXPECT_EQ(canonical("stage"), Value{"lost"});
}

TEST_F(Stages, AreForcedByAPerson) {
    settle(at("draft"));
    says(kCrm, "sold");
    EXPECT_EQ(told(take(act(OperationKind::kAccept))), Texts{"erp: sold"});
    EXPECT_EQ(canonical("stage"), Value{"sold"});
    EXPECT_EQ(open(), Texts{});
}

TEST_F(Stages, AreRejectedByAPerson) {
    settle(at("draft"));
    says(kCrm, "sold");
    EXPECT_EQ(told(take(act(OperationKind::kReject))), Texts{"crm: draft"});
    EXPECT_EQ(open(), Texts{});
}

TEST_F(Stages, AreDecidedAgainOnRetry) {
    settle(at("draft"));
    says(kCrm, "sold");
    EXPECT_TRUE(take(act(OperationKind::kRetry)).commands.empty());
    EXPECT_EQ(open(), barred_at_crm_);
    // By a policy without lifecycle, which any input decides by.
    policy_.objects[0].lifecycle.reset();
    EXPECT_EQ(told(take(change(kErp, {{kName, "nut"}}))), (Texts{"crm: ", "erp: sold"}));
    EXPECT_EQ(open(), Texts{});
}

TEST_F(Stages, SayNothingOfAStageThatThePolicyNoLongerHas) {
    settle(at("lost"));
    std::erase_if(policy_.objects[0].lifecycle->stages,
                  [](const Lifecycle::Stage& stage) { return stage.name == "lost"; });
    EXPECT_EQ(told(says(kErp, "live")), Texts{"crm: live"});
}

}  // namespace
}  // namespace syncline::hub
