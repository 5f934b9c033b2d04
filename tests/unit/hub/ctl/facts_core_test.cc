#include "hub/ctl/facts_core.h"

#include <gtest/gtest.h>

#include "shared/wire/codec.h"

namespace syncline::ctl {
namespace {

const PlatformId kTeller{"crm"};
const ObjectName kThing{"item"};
const EntityKey kEntity{kThing, EntityId{"e1"}};

/// What streams may hold, told as they would.
class FactsTest : public testing::Test {
protected:
    Facts facts(Fact show = Fact::kChanges) { return {{100}, {200}, show, 10}; }
    static Change change(std::uint64_t n, ChangeOrigin origin = ChangeOrigin::kLive) {
        Change out;
        out.key = {kTeller, kThing, RecordId{"7"}};
        out.number = {{3}, {1, n}};
        out.rev = {1, n};
        out.origin = origin;
        out.seen_at = {120};
        return out;
    }
    static Outcome outcome(std::uint64_t n, std::uint64_t generation, OutcomeStatus status) {
        Outcome out;
        out.platform = kTeller;
        out.entity = kEntity;
        out.number = {{3}, {1, n}};
        out.generation = generation;
        out.status = status;
        return out;
    }
    static hub::LogEntry entry(std::uint64_t version, std::int64_t at = 150) {
        hub::LogEntry out;
        out.entity = kEntity;
        out.version = version;
        out.at = {at};
        return out;
    }
    static hub::Mark mark(std::uint64_t n) {
        hub::Mark out;
        out.partition = {3};
        out.sources = {{kTeller, {1, n}}};
        return out;
    }
};

TEST_F(FactsTest, AChangeIsDecidedOrAnEchoOrNotDecidedYet) {
    Facts counted = facts(Fact::kEchoes);
    counted.take(mark(2));
    hub::LogEntry decided = entry(1, 170);
    decided.inputs = {"crm change 3/1/1"};
    counted.take(1, decided);
    for (const std::uint64_t n : {1U, 2U, 3U}) counted.take(10 + n, {130}, change(n));
    counted.end_of_inputs();
    EXPECT_EQ(counted.count(Fact::kChanges), 3U);
    EXPECT_EQ(counted.count(Fact::kEchoes), 1U);
    ASSERT_EQ(counted.shown().size(), 1U);
    EXPECT_EQ(counted.shown()[0].sequence, 12U);
    EXPECT_EQ(counted.until_decided().count, 1U);
    EXPECT_EQ(counted.until_decided().median, Duration{50});
}

TEST_F(FactsTest, WhatComesAgainIsADuplicateAlsoOfWhatCameBeforeTheTime) {
    Facts counted = facts(Fact::kDuplicates);
    counted.take(mark(9));
    counted.take(1, {90}, change(1));
    counted.take(2, {110}, change(1));
    counted.take(3, {120}, outcome(2, 1, OutcomeStatus::kApplied));
    counted.take(4, {130}, outcome(2, 1, OutcomeStatus::kApplied));
    counted.end_of_inputs();
    EXPECT_EQ(counted.count(Fact::kDuplicates), 2U);
    EXPECT_EQ(counted.count(Fact::kChanges), 0U);
    EXPECT_EQ(counted.shown()[0].sequence, 2U);
}

TEST_F(FactsTest, WhatWaitsAsAnExceptionIsNoEcho) {
    Facts counted = facts();
    counted.take(mark(1));
    hub::ExceptionRecord kept;
    kept.kind = "identity.unmatched";
    kept.entity = kEntity;
    kept.opened_at = kept.updated_at = {140};
    kept.raw = wire::encode(change(1));
    counted.take(5, kept);
    counted.take(6, kept);
    counted.take(1, {130}, change(1));
    EXPECT_EQ(counted.count(Fact::kEchoes), 0U);
    EXPECT_EQ(counted.count(Fact::kExceptionsOpened), 1U) << "updated, not opened again";
    kept.status = hub::ExceptionStatus::kResolved;
    kept.updated_at = {160};
    counted.take(7, kept);
    EXPECT_EQ(counted.count(Fact::kExceptionsClosed), 1U);
    kept.opened_at = {170};
    kept.closed_by = "anna";
    counted.take(8, kept);
    EXPECT_EQ(counted.count(Fact::kExceptionsSettled), 1U);
}

TEST_F(FactsTest, ACommandThatANewerOneReplacedSavedACall) {
    Facts counted = facts(Fact::kSaved);
    for (const std::uint64_t generation : {1U, 2U, 3U, 4U}) {
        hub::LogEntry told = entry(generation);
        told.commands = {{kTeller, CommandKind::kUpdate, generation, {}}};
        counted.take(generation, told);
        counted.take(generation, told);  // By a hub that came back.
    }
    counted.take(10, {130}, outcome(1, 1, OutcomeStatus::kApplied));
    counted.take(11, {130}, outcome(2, 2, OutcomeStatus::kStale));
    counted.take(12, {130}, outcome(3, 3, OutcomeStatus::kRejected));
    counted.end_of_inputs();
    EXPECT_EQ(counted.count(Fact::kCommands), 4U);
    EXPECT_EQ(counted.count(Fact::kSaved), 1U) << "2; 4 may still be on its way";
    ASSERT_EQ(counted.shown().size(), 1U);
    EXPECT_EQ(counted.shown()[0].sequence, 2U);
}

TEST_F(FactsTest, VerdictsAndHealingAreCountedInTheirTime) {
    Facts counted = facts();
    counted.take(mark(2));
    hub::LogEntry decided = entry(1);
    decided.inputs = {"crm change 3/1/1"};
    decided.decisions = {{FieldName{"a"}, kTeller, {}, {}, hub::Verdict::kAccepted, "x:1"},
                         {FieldName{"b"}, kTeller, {}, {}, hub::Verdict::kReverted, "x:2"},
                         {FieldName{"c"}, kTeller, {}, {}, hub::Verdict::kReview, "x:3"}};
    counted.take(1, decided);
    hub::LogEntry later = entry(2, 200);
    later.decisions = decided.decisions;
    counted.take(2, later);
    counted.take(3, {130}, change(1, ChangeOrigin::kReconcile));
    EXPECT_EQ(counted.count(Fact::kAccepted), 1U);
    EXPECT_EQ(counted.count(Fact::kBlocked), 1U);
    EXPECT_EQ(counted.count(Fact::kHealed), 1U);
}

}  // namespace
}  // namespace syncline::ctl
