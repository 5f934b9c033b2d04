#include "agent/core/packed_entity.h"

#include <gtest/gtest.h>

#include <string>

namespace syncline::agent {
namespace {

TEST(PackedEntity, IsFifteenBytesOfAnIdThatTheHubFounds) {
    const EntityId founded =
        founded_entity({PlatformId{"crm"}, ObjectName{"customer"}, RecordId{"7"}});
    EXPECT_EQ(packed(founded).size(), 15u);
    EXPECT_EQ(unpacked_entity(packed(founded)), founded);
    EXPECT_EQ(packed(EntityId{std::string(24, 'a')}), std::string(15, '\0'));
    EXPECT_EQ(packed(EntityId{std::string(24, '7')}), std::string(15, '\xff'));
    EXPECT_EQ(packed(EntityId{"b" + std::string(23, 'a')}), "\x08" + std::string(14, '\0'));
}

TEST(PackedEntity, TakesAnyOtherTextAndMixesNoneUp) {
    for (std::size_t size = 0; size < 40; ++size) {
        const EntityId other{std::string(size, 'Z')};
        EXPECT_NE(packed(other).size(), 15u) << size;
        EXPECT_EQ(unpacked_entity(packed(other)), other) << size;
    }
    const EntityId similar{std::string(23, 'a') + "1"};  // 1 is not of the alphabet.
    EXPECT_EQ(unpacked_entity(packed(similar)), similar);
}

}  // namespace
}  // namespace syncline::agent
