#include "hub/core/work.h"
#include "tests/unit/hub/core/decide_fixture.h"

namespace syncline::hub {
namespace {

/// One way in which something comes to wait for a person, about the field `name` if about any.
struct Trouble {
    const char* kind;
    bool of_command = false;                         ///< The ERP fails to take a new name.
    OutcomeStatus status = OutcomeStatus::kApplied;  ///< How.
};
void PrintTo(const Trouble& row, std::ostream* out) { *out << row.kind; }

/// What waits for a person parks its own fields on its own platform. All else flows.
class Parking : public Decide, public testing::WithParamInterface<Trouble> {
protected:
    void make() {
        settle(full_);
        const std::string kind = GetParam().kind;
        if (GetParam().of_command) {
            Outcome failed = outcome(take(change(kCrm, with("name", "nut"))).commands.at(0), {});
            failed.status = GetParam().status;
            take(failed);
        } else if (kind == "change.contract") {
            take(change(kErp, with("stage", "nonsense")));
        } else if (kind == "ownership.review") {
            take(change(kCrm, with("colour", "blue")));
        } else if (kind == "identity.second_record") {
            take(another(kErp, "erp-2", full_));
        } else if (kind == "convergence.field") {
            for (int i = 0; i < 5 && state_.exceptions.empty(); ++i) {
                answer(take(change(kErp, with("name", ("nut " + std::to_string(i)).c_str()))));
            }
        }
        ASSERT_EQ(state_.exceptions.size(), 1U);
        ASSERT_EQ(state_.exceptions[0].kind, kind);
    }
    /// What the CRM holds now, with another price.
    Fields priced(const char* price) const {
        Fields fields = state_.record(kCrm)->mirror;
        fields.set(FieldName{"price"}, *Decimal::parse(price));
        return fields;
    }
};

TEST_P(Parking, OtherFieldsFlowToThePlatformThatItIsAbout) {
    make();
    const OpenException before = state_.exceptions[0];
    const Step step = take(change(kCrm, priced("7")));
    ASSERT_EQ(step.commands.size(), 1U);
    EXPECT_EQ(step.commands[0].platform, kErp);
    EXPECT_EQ(step.commands[0].fields, (Fields{{FieldName{"price"}, *Decimal::parse("7")}}));
    EXPECT_EQ(state_.exceptions, std::vector{before});
    EXPECT_TRUE(take(outcome(step.commands[0], step.commands[0].fields)).commands.empty());
}

TEST_P(Parking, LaterChangesAreFoldedIntoOneAndNothingIsToldAgainAndAgain) {
    make();
    for (const char* price : {"3", "4", "5", "6"}) answer(take(change(kCrm, priced(price))));
    EXPECT_EQ(state_.exceptions.size(), 1U);
    EXPECT_EQ(canonical("price"), Value{*Decimal::parse("6")});
    // Read again as it is, it leads to nothing.
    const Step again = take(change(kCrm, state_.record(kCrm)->mirror));
    EXPECT_TRUE(again.commands.empty());
    EXPECT_TRUE(again.exceptions.empty());
}

TEST_P(Parking, AnInputThatComesBackDecidesNothingAnew) {
    make();
    const Input news = change(kCrm, priced("9"));
    answer(take(news));
    const std::uint64_t version = state_.version;
    const Step again = take(news);
    EXPECT_FALSE(again.changed);
    EXPECT_TRUE(again.replayed);
    EXPECT_EQ(state_.version, version);
}

INSTANTIATE_TEST_SUITE_P(
    Kinds, Parking,
    testing::Values(Trouble{"command.rejected", true, OutcomeStatus::kRejected},
                    Trouble{"command.gave_up", true, OutcomeStatus::kGaveUp},
                    Trouble{"command.in_doubt", true, OutcomeStatus::kInDoubt},
                    Trouble{"change.contract"}, Trouble{"ownership.review"},
                    Trouble{"convergence.field"}, Trouble{"identity.second_record"}),
    [](const auto& row) {
        std::string name = row.param.kind;
        std::ranges::replace(name, '.', '_');
        return name;
    });

}  // namespace
}  // namespace syncline::hub
