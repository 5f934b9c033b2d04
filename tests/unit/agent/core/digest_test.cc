#include "agent/core/digest.h"

#include <gtest/gtest.h>

namespace syncline::agent {
namespace {

const Fields kFields{{FieldName{"name"}, "Ada"}, {FieldName{"limit"}, 5}};

TEST(Digest, IsTheSameForEqualFieldsInAnyOrderOfSetting) {
    Fields other;
    other.set(FieldName{"name"}, "Ada");
    other.set(FieldName{"limit"}, 5);
    EXPECT_EQ(digest_of(kFields, std::nullopt, 1), digest_of(other, std::nullopt, 1));
}

TEST(Digest, DiffersByValueMarkerAndSweep) {
    const Digest base = digest_of(kFields, std::nullopt, 1);
    Fields changed = kFields;
    changed.set(FieldName{"name"}, "Bob");
    EXPECT_NE(base, digest_of(changed, std::nullopt, 1));
    EXPECT_NE(base, digest_of(kFields, EntityId{"e"}, 1));
    EXPECT_NE(base, digest_of(kFields, EntityId{""}, 1));
    EXPECT_NE(base, digest_of(kFields, std::nullopt, 2));
}

// Stored in files: a change of the algorithm would send every record of every platform again.
TEST(Digest, IsTheOneThatStoresAlreadyHold) {
    const Digest digest = digest_of(Fields{}, std::nullopt, 0);
    const Digest again = digest_of(Fields{}, std::nullopt, 0);
    EXPECT_EQ(digest, again);
    EXPECT_NE(digest, Digest{});
}

}  // namespace
}  // namespace syncline::agent
