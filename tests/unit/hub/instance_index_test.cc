#include "hub/instance_index.h"

#include <gtest/gtest.h>

namespace syncline::hub {
namespace {

constexpr Partition kHome{3};
using Events = std::vector<InstanceIndex::Event>;

std::vector<std::string> ids(const std::vector<InstanceIndex::Due>& all) {
    std::vector<std::string> out;
    for (const auto& one : all) out.push_back(one.instance);
    return out;
}

TEST(InstanceIndex, HandsOutWhatIsDueInItsOrderAndOnce) {
    InstanceIndex index;
    index.set("b", kHome, Timestamp{20}, {});
    index.set("a", kHome, Timestamp{10}, {});
    index.set("c", kHome, Timestamp{30}, {});
    EXPECT_EQ(index.next_due(), Timestamp{10});
    EXPECT_EQ(ids(index.take_due(Timestamp{20}, 9)), (std::vector<std::string>{"a", "b"}));
    EXPECT_TRUE(index.take_due(Timestamp{20}, 9).empty());
    index.set("c", kHome, Timestamp{40}, {});  // Later than it was.
    EXPECT_TRUE(index.take_due(Timestamp{30}, 9).empty());
    EXPECT_EQ(ids(index.take_due(Timestamp{40}, 9)), std::vector<std::string>{"c"});
}

TEST(InstanceIndex, FindsWhoAwaitsAnEvent) {
    InstanceIndex index;
    index.set("a", kHome, {}, {{"order.confirmed", "1"}});
    index.set("b", kHome, {}, {{"order.confirmed", "1"}, {"order.paid", "1"}});
    EXPECT_EQ(index.awaiting({"order.confirmed", "1"}).size(), 2U);
    EXPECT_EQ(ids(index.awaiting({"order.paid", "1"})), std::vector<std::string>{"b"});
    EXPECT_TRUE(index.awaiting({"order.paid", "2"}).empty());
    index.set("b", kHome, {}, {});
    EXPECT_EQ(ids(index.awaiting({"order.confirmed", "1"})), std::vector<std::string>{"a"});
    EXPECT_EQ(index.size(), 1U);
}

TEST(InstanceIndex, ForgetsAPartition) {
    InstanceIndex index;
    index.set("a", kHome, Timestamp{1}, {{"e.e", "1"}});
    index.set("b", Partition{4}, Timestamp{2}, {{"e.e", "1"}});
    index.drop(kHome);
    EXPECT_EQ(ids(index.awaiting({"e.e", "1"})), std::vector<std::string>{"b"});
    EXPECT_EQ(ids(index.take_due(Timestamp{9}, 9)), std::vector<std::string>{"b"});
    index.set("a", kHome, Timestamp{1}, {});  // Its place is another's by now, or free.
    EXPECT_EQ(index.size(), 2U);
}

}  // namespace
}  // namespace syncline::hub
