#include "shared/base/nearest_name.h"

#include <gtest/gtest.h>

namespace syncline {
namespace {

const std::vector<std::string> kKnown{"receives", "founds", "fields", "on_delete", "own", "on"};

TEST(NearestName, FindsSwappedDroppedAddedAndChangedLetters) {
    EXPECT_EQ(nearest_name("recieves", kKnown), "receives");
    EXPECT_EQ(nearest_name("field", kKnown), "fields");
    EXPECT_EQ(nearest_name("foundss", kKnown), "founds");
    EXPECT_EQ(nearest_name("on-delete", kKnown), "on_delete");
}

TEST(NearestName, IsSilentAboutOtherWords) {
    EXPECT_EQ(nearest_name("password", kKnown), "");
    EXPECT_EQ(nearest_name("x", {"y"}), "");
    EXPECT_EQ(nearest_name("fields", {}), "");
    EXPECT_EQ(nearest_name(std::string(100'000, 'a'), kKnown), "");
}

TEST(DidYouMean, EndsAMessage) {
    EXPECT_EQ(did_you_mean("ownr", {"owner"}), "; did you mean `owner`?");
    EXPECT_EQ(did_you_mean("zzz", {"owner"}), "");
}

}  // namespace
}  // namespace syncline
