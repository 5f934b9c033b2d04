#include "hub/core/history.h"

#include <gtest/gtest.h>

namespace syncline::hub {
namespace {

const FieldName kName{"name"};
const FieldName kTier{"tier"};
const PlatformId kCrm{"crm"};

LogEntry entry(std::uint64_t version, std::vector<FieldDecision> decisions) {
    LogEntry out;
    out.version = version;
    out.at = {static_cast<std::int64_t>(version) * 10};
    out.policy = "p";
    out.decisions = std::move(decisions);
    return out;
}

FieldDecision accepted(const FieldName& field, Value before, Value value) {
    return {field, kCrm, std::move(before), std::move(value), Verdict::kAccepted, "item.toml:3"};
}

TEST(History, SaysWhatWasCanonical) {
    std::vector<LogEntry> entries{entry(1, {accepted(kName, {}, "a")}),
                                  entry(2, {accepted(kName, "a", "b")}),
                                  entry(3, {accepted(kName, "b", "c")})};
    entries[1].decisions.push_back({kName, kCrm, "b", "x", Verdict::kReverted, ""});
    EXPECT_EQ(state_at(entries, {5}).version, 0U);
    EXPECT_TRUE(state_at(entries, {5}).fields.empty());
    const PastState past = state_at(entries, {29});
    EXPECT_EQ(past.version, 2U);
    EXPECT_EQ(past.at, Timestamp{20});
    const PastField wanted{"b", kCrm, {20}, 2, "item.toml:3"};
    EXPECT_EQ(past.fields.at(kName), wanted);
}

TEST(History, KnowsOfBeforeTheLogBegins) {
    const std::vector<LogEntry> entries{entry(7, {accepted(kName, "b", "c")}),
                                        entry(9, {accepted(kTier, "gold", "silver")})};
    const PastState past = state_at(entries, {80});
    EXPECT_EQ(past.fields.at(kName).value, Value{"c"});
    EXPECT_EQ(past.fields.at(kTier), PastField{.value = "gold"});
}

TEST(History, LeavesOutWhatWasEmpty) {
    const std::vector<LogEntry> entries{entry(1, {accepted(kName, {}, "a")}),
                                        entry(2, {accepted(kName, "a", {})})};
    EXPECT_TRUE(state_at(entries, {20}).fields.empty());
}

}  // namespace
}  // namespace syncline::hub
