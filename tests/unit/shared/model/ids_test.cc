#include "shared/model/ids.h"

#include <gtest/gtest.h>

#include <set>

#include "shared/model/command.h"

namespace syncline {
namespace {

RecordKey record(const char* platform, const char* object, const char* id) {
    return {PlatformId{platform}, ObjectName{object}, RecordId{id}};
}

// These values stand in stored state and on the wire: a change of any is a migration.
TEST(Ids, AreTheSameInEveryBuild) {
    EXPECT_EQ(stable_hash(""), 0xefd01f60ba992926ULL);
    EXPECT_EQ(stable_hash("syncline"), 0x86b552dc446c5316ULL);
    EXPECT_EQ(founded_entity(record("crm", "customer", "42")).text, "hbbawya4c3gq3u2bshwrv7cb");
    EXPECT_EQ(record_partition(record("crm", "customer", "42"), 64).value, 39);
    EXPECT_EQ(entity_partition({ObjectName{"customer"}, EntityId{"abc"}}, 64).value, 32);
}

TEST(Ids, OfFoundedEntitiesHave24CharactersOfBase32) {
    const std::string id = founded_entity(record("crm", "customer", "42")).text;
    EXPECT_EQ(id.size(), 24u);
    EXPECT_EQ(id.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567"), std::string::npos);
}

TEST(Ids, DifferWhereTheBorderBetweenPartsDiffers) {
    const std::set<EntityId> ids{
        founded_entity(record("ab", "c", "d")), founded_entity(record("a", "bc", "d")),
        founded_entity(record("a", "b", "cd")), founded_entity(record("", "1:a", "d"))};
    EXPECT_EQ(ids.size(), 4u);
}

TEST(Partitions, AreInRangeAndAllUsed) {
    std::set<std::uint16_t> seen;
    for (int i = 0; i < 1'000; ++i) {
        const auto partition =
            record_partition(record("crm", "customer", std::to_string(i).c_str()), 7);
        ASSERT_LT(partition.value, 7);
        seen.insert(partition.value);
    }
    EXPECT_EQ(seen.size(), 7u);
}

TEST(Command, HasAnIdempotencyKeyPerGeneration) {
    Command command;
    command.platform = PlatformId{"erp"};
    command.entity = {ObjectName{"order"}, EntityId{"abc"}};
    command.generation = 7;
    command.decided_at = Timestamp{1'700'000'000'000'000'000};
    EXPECT_EQ(idempotency_key(command), "erp/order/abc/7/1700000000000000000");
}

}  // namespace
}  // namespace syncline
