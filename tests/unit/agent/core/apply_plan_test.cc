#include "agent/core/apply_plan.h"

#include <gtest/gtest.h>

namespace syncline::agent {
namespace {

constexpr auto kUpdate = CommandKind::kUpdate;
constexpr auto kCreate = CommandKind::kCreate;
constexpr auto kDelete = CommandKind::kDelete;

struct AdmitCase {
    const char* name;
    std::uint64_t generation;
    std::uint64_t fence;
    std::optional<LedgerState> state;  ///< Of generation 5 in the ledger; none: no entry.
    Admission expected;
    CommandKind kind = CommandKind::kUpdate;
    std::int64_t seconds = 60;  ///< From when the store was new until it was decided.
    bool age_known = true;
};
class Admit : public testing::TestWithParam<AdmitCase> {};
// The greatest fence seen is 10.
TEST_P(Admit, FollowsTheRule) {
    const AdmitCase& row = GetParam();
    Command command;
    command.kind = row.kind;
    command.generation = row.generation;
    command.fence = row.fence;
    const Timestamp began{1'000'000'000'000};
    command.decided_at = began + std::chrono::seconds{row.seconds};
    const Admitting by{.fence_max = 10, .began = row.age_known ? began : Timestamp{}};
    std::optional<LedgerEntry> ledger;
    if (row.state) ledger = LedgerEntry{.generation = 5, .state = *row.state};
    EXPECT_EQ(admit(command, ledger, by), row.expected) << row.name;
}
INSTANTIATE_TEST_SUITE_P(
    ApplyPlan, Admit,
    testing::Values(
        AdmitCase{"the first of an entity", 1, 10, std::nullopt, Admission::kExecute},
        AdmitCase{"a newer fence", 1, 11, std::nullopt, Admission::kExecute},
        AdmitCase{"an older fence", 9, 9, std::nullopt, Admission::kFenced},
        AdmitCase{"newer than the ledger", 6, 10, LedgerState::kDone, Admission::kExecute},
        AdmitCase{"newer than one in doubt", 6, 10, LedgerState::kInDoubt, Admission::kExecute},
        AdmitCase{"older than the ledger", 4, 10, LedgerState::kDone, Admission::kStale},
        AdmitCase{"older than one not applied", 4, 10, LedgerState::kNotApplied, Admission::kStale},
        AdmitCase{"the same again", 5, 10, LedgerState::kDone, Admission::kStale},
        AdmitCase{"the same, not applied", 5, 10, LedgerState::kNotApplied, Admission::kExecute},
        AdmitCase{"the same, intended", 5, 10, LedgerState::kIntent, Admission::kVerify},
        AdmitCase{"the same, in doubt", 5, 10, LedgerState::kInDoubt, Admission::kVerify},
        AdmitCase{"older fence and same generation", 5, 9, LedgerState::kDone, Admission::kFenced},
        AdmitCase{"of a former store", 1, 10, std::nullopt, Admission::kStale, kUpdate, -1},
        AdmitCase{"as old as the store", 1, 10, std::nullopt, Admission::kExecute, kUpdate, 0},
        AdmitCase{"perhaps of a former store", 1, 10, std::nullopt, Admission::kStale, kCreate, 4},
        AdmitCase{"surely not", 1, 10, std::nullopt, Admission::kExecute, kCreate, 5},
        AdmitCase{"of nobody knows which", 1, 10, std::nullopt, Admission::kExecute, kCreate, -1,
                  false},
        AdmitCase{"after a refused one", 6, 10, LedgerState::kDone, Admission::kExecute, kCreate,
                  -1}),
    [](const auto& row) { return "row" + std::to_string(row.index); });

struct WriteCase {
    CommandKind kind;
    std::optional<ErrorKind> error;  ///< None: it succeeded.
    bool told;                       ///< The answer has the record.
    AfterWrite expected;
};
class AfterTheWrite : public testing::TestWithParam<WriteCase> {};
TEST_P(AfterTheWrite, FollowsTheRule) {
    const WriteCase& row = GetParam();
    Result<Written> result = Written{.id = RecordId{"1"}};
    if (row.told) result->record = Record{};
    if (row.error) result = fail(*row.error, "x");
    EXPECT_EQ(after_write(row.kind, result), row.expected);
}
INSTANTIATE_TEST_SUITE_P(
    ApplyPlan, AfterTheWrite,
    testing::Values(WriteCase{kUpdate, std::nullopt, true, AfterWrite::kApplied},
                    WriteCase{kUpdate, std::nullopt, false, AfterWrite::kReadBack},
                    WriteCase{kCreate, std::nullopt, false, AfterWrite::kReadBack},
                    WriteCase{kDelete, std::nullopt, false, AfterWrite::kApplied},
                    WriteCase{kUpdate, ErrorKind::kUnavailable, false, AfterWrite::kRetry},
                    WriteCase{kUpdate, ErrorKind::kFull, false, AfterWrite::kRetry},
                    WriteCase{kUpdate, ErrorKind::kThrottled, false, AfterWrite::kPause},
                    WriteCase{kUpdate, ErrorKind::kAmbiguous, false, AfterWrite::kVerify},
                    WriteCase{kUpdate, ErrorKind::kInternal, false, AfterWrite::kVerify},
                    WriteCase{kUpdate, ErrorKind::kDenied, false, AfterWrite::kDenied},
                    WriteCase{kUpdate, ErrorKind::kConflict, false, AfterWrite::kConflict},
                    WriteCase{kUpdate, ErrorKind::kNotFound, false, AfterWrite::kGone},
                    WriteCase{kDelete, ErrorKind::kNotFound, false, AfterWrite::kApplied},
                    WriteCase{kCreate, ErrorKind::kNotFound, false, AfterWrite::kRejected},
                    WriteCase{kUpdate, ErrorKind::kInvalid, false, AfterWrite::kRejected},
                    WriteCase{kUpdate, ErrorKind::kTooLarge, false, AfterWrite::kRejected},
                    WriteCase{kUpdate, ErrorKind::kUnsupported, false, AfterWrite::kRejected},
                    WriteCase{kUpdate, ErrorKind::kCorrupt, false, AfterWrite::kRejected}),
    [](const auto& row) { return "row" + std::to_string(row.index); });

TEST(FirstStep, LooksBeforeACreateThatWouldBeDoneTwice) {
    EXPECT_EQ(first_step(kCreate, {.has_marker = true}), FirstStep::kLook);
    EXPECT_EQ(first_step(kCreate, {.create_is_idempotent = true, .has_marker = true}),
              FirstStep::kWrite);
    EXPECT_EQ(first_step(kCreate, {}), FirstStep::kWrite);
    EXPECT_EQ(first_step(kUpdate, {.has_marker = true}), FirstStep::kWrite);
}

TEST(Proof, DependsOnWhatThePlatformCanSay) {
    EXPECT_EQ(proof_for(kUpdate, {}), Proof::kFetch);
    EXPECT_EQ(proof_for(kDelete, {}), Proof::kFetch);
    EXPECT_EQ(proof_for(kCreate, {.has_marker = true}), Proof::kFind);
    EXPECT_EQ(proof_for(kCreate, {.create_is_idempotent = true}), Proof::kRepeat);
    EXPECT_EQ(proof_for(kCreate, {.create_is_idempotent = true, .has_marker = true}), Proof::kFind);
    EXPECT_EQ(proof_for(kCreate, {}), Proof::kNone);
}

struct LookCase {
    CommandKind kind;
    bool there;
    Held held;
    std::uint32_t looks;
    AfterLook expected;
};
class AfterTheLook : public testing::TestWithParam<LookCase> {};
TEST_P(AfterTheLook, FollowsTheRule) {
    const LookCase& row = GetParam();
    const auto found = row.there ? std::optional{Record{}} : std::nullopt;
    EXPECT_EQ(after_look(row.kind, found, row.held, row.looks), row.expected);
}
INSTANTIATE_TEST_SUITE_P(
    ApplyPlan, AfterTheLook,
    testing::Values(LookCase{kUpdate, true, Held::kWanted, 1, AfterLook::kApplied},
                    LookCase{kUpdate, true, Held::kExpected, 1, AfterLook::kWriteAgain},
                    LookCase{kUpdate, true, Held::kOther, 1, AfterLook::kEdited},
                    LookCase{kUpdate, false, Held::kOther, 1, AfterLook::kGone},
                    LookCase{kDelete, false, Held::kOther, 1, AfterLook::kApplied},
                    LookCase{kDelete, true, Held::kOther, 1, AfterLook::kWriteAgain},
                    LookCase{kCreate, true, Held::kWanted, 1, AfterLook::kFound},
                    LookCase{kCreate, true, Held::kOther, 1, AfterLook::kFound},
                    LookCase{kCreate, false, Held::kOther, 1, AfterLook::kLookAgain},
                    LookCase{kCreate, false, Held::kOther, 2, AfterLook::kWriteAgain}),
    [](const auto& row) { return "row" + std::to_string(row.index); });

TEST(Admit, RefusesACreateAfterOneInDoubtUntilAPersonHasSettledIt) {
    Command command;
    command.kind = kCreate;
    command.generation = 3;
    LedgerEntry doubt{.generation = 2, .state = LedgerState::kDone};
    doubt.status = OutcomeStatus::kInDoubt;
    EXPECT_EQ(admit(command, doubt, {}), Admission::kDoubtful);
    command.doubt_settled = 2;
    EXPECT_EQ(admit(command, doubt, {}), Admission::kExecute);
    command.doubt_settled = 0;
    doubt.record = RecordId{"7"};
    EXPECT_EQ(admit(command, doubt, {}), Admission::kExecute) << "it is known which record it made";
}

TEST(WhatHolds, TellsAWriteThatDidNothingFromAnEditSince) {
    const FieldName a{"a"};
    Command command;
    command.fields = {{a, "new"}};
    command.expected = {{a, "old"}};
    EXPECT_EQ(what_holds({.fields = {{a, "new"}}}, command, command.fields), Held::kWanted);
    EXPECT_EQ(what_holds({.fields = {{a, "old"}}}, command, command.fields), Held::kExpected);
    EXPECT_EQ(what_holds({.fields = {{a, "else"}}}, command, command.fields), Held::kOther);
    command.expected = {};
    EXPECT_EQ(what_holds({}, command, command.fields), Held::kExpected) << "both say nothing";
}

TEST(Holds, ComparesOnlyWhatTheCommandSets) {
    const Record record{.fields = {{FieldName{"a"}, 1}, {FieldName{"b"}, 2}}};
    EXPECT_TRUE(holds(record, {{FieldName{"a"}, 1}}));
    EXPECT_FALSE(holds(record, {{FieldName{"a"}, 2}}));
    EXPECT_FALSE(holds(record, {{FieldName{"c"}, 1}}));
    EXPECT_TRUE(holds(record, {}));
}

}  // namespace
}  // namespace syncline::agent
