#include "agent/core/numbering.h"

#include <gtest/gtest.h>

namespace syncline::agent {
namespace {

struct PartitionCase {
    const char* name;
    Partition last;
    std::uint64_t last_seq;
    std::uint64_t receipted;
    Partition expected;
};
class NextPartition : public testing::TestWithParam<PartitionCase> {};
// The record's home is partition 3.
TEST_P(NextPartition, FollowsTheRule) {
    const PartitionCase& row = GetParam();
    EXPECT_EQ(next_partition({3}, {row.last, row.last_seq}, row.receipted), row.expected);
}
INSTANTIATE_TEST_SUITE_P(
    Numbering, NextPartition,
    testing::Values(PartitionCase{"a record never sent goes home", {0}, 0, 0, {3}},
                    PartitionCase{"an entry without receipt keeps it where it is", {1}, 7, 6, {1}},
                    PartitionCase{"with the receipt it moves home", {1}, 7, 7, {3}},
                    PartitionCase{"at home it stays", {3}, 7, 0, {3}}),
    [](const auto& row) { return "row" + std::to_string(row.index); });

TEST(HomePartition, IsTheEntitysOnceThatIsKnown) {
    const RecordKey record{PlatformId{"crm"}, ObjectName{"customer"}, RecordId{"7"}};
    const EntityId entity{"aaaaaaaaaaaaaaaaaaaaaaaa"};
    EXPECT_EQ(home_partition(record, std::nullopt, 64), record_partition(record, 64));
    EXPECT_EQ(home_partition(record, entity, 64), entity_partition({record.object, entity}, 64));
}

}  // namespace
}  // namespace syncline::agent
