#include "hub/ctl/decisions.h"

#include <gtest/gtest.h>

namespace syncline::ctl {
namespace {

using hub::FieldDecision;
using hub::LogEntry;
using hub::Verdict;

const FieldName kName{"name"};
const PlatformId kCrm{"crm"};
const PlatformId kErp{"erp"};

FieldDecision decided(const PlatformId& from, const char* before, const char* value,
                      Verdict verdict) {
    return {kName, from, before, value, verdict, "customer.toml:12:1"};
}

LogEntry entry(std::uint64_t version, std::vector<FieldDecision> decisions) {
    LogEntry out;
    out.version = version;
    out.at = {static_cast<std::int64_t>(version)};
    out.policy = "p";
    out.decisions = std::move(decisions);
    return out;
}

Blame blame_of(const char* value, const PlatformId& from, const std::vector<LogEntry>& entries,
               std::int64_t at = 0) {
    hub::EntityState state;
    state.set(kName, value, {from, {}, {at}});
    const std::vector<Blame> lines = blame(state, entries);
    EXPECT_EQ(lines.size(), 1U);
    return lines.front();
}

TEST(Blaming, NamesTheDecisionThatMadeTheValue) {
    std::vector<LogEntry> entries{entry(1, {decided(kCrm, "", "a", Verdict::kAccepted)}),
                                  entry(2, {decided(kCrm, "a", "b", Verdict::kAccepted)}),
                                  entry(3, {decided(kErp, "b", "x", Verdict::kReverted)}),
                                  entry(4, {})};
    entries[1].commands.push_back({kErp, CommandKind::kUpdate, 7, {kName}});
    entries[3].commands.push_back({kErp, CommandKind::kUpdate, 8, {FieldName{"note"}}});
    const Blame line = blame_of("b", kCrm, entries);
    ASSERT_EQ(line.entry, &entries[1]);
    EXPECT_EQ(line.decision->before, Value{"a"});
    EXPECT_EQ(line.refused, 1U);
    ASSERT_EQ(line.told.size(), 1U);
    EXPECT_EQ(line.told[0].generation, 7U);
    EXPECT_EQ(line.proposal, nullptr);
}

TEST(Blaming, NamesWhoAskedForWhatTheOwnerTook) {
    const std::vector<LogEntry> entries{entry(1, {decided(kErp, "", "a", Verdict::kAccepted)}),
                                        entry(2, {decided(kCrm, "a", "b", Verdict::kProposed)}),
                                        entry(3, {decided(kErp, "a", "b", Verdict::kAccepted)})};
    const Blame line = blame_of("b", kErp, entries);
    ASSERT_EQ(line.entry, &entries[2]);
    ASSERT_NE(line.proposal, nullptr);
    EXPECT_EQ(line.proposal->from, kCrm);
}

TEST(Blaming, NamesThePersonWhoDecided) {
    std::vector<LogEntry> entries{entry(1, {decided(kErp, "", "a", Verdict::kAccepted)}),
                                  entry(2, {decided(kCrm, "a", "b", Verdict::kReview)}),
                                  entry(3, {decided({}, "a", "b", Verdict::kAccepted)}),
                                  entry(4, {})};
    entries[2].decisions[0].rule = "accept by ada: agreed by phone";
    const Blame line = blame_of("b", PlatformId{}, entries, 3);
    ASSERT_EQ(line.entry, &entries[2]);
    EXPECT_TRUE(is_by_person(*line.decision));
    EXPECT_EQ(line.decision->rule, "accept by ada: agreed by phone");
}

TEST(Blaming, SaysThatTheLogIsTooShort) {
    const std::vector<LogEntry> entries{entry(9, {decided(kErp, "a", "b", Verdict::kReverted)})};
    EXPECT_EQ(blame_of("a", kCrm, entries).entry, nullptr);
}

}  // namespace
}  // namespace syncline::ctl
