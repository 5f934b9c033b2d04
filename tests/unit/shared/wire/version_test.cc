#include <gtest/gtest.h>

#include "shared/wire/codec.h"
#include "shared/wire/reader.h"

namespace syncline::wire {
namespace {

std::string of_version(char version) {
    std::string body = encode(Receipt{.platform = PlatformId{"crm"}});
    EXPECT_EQ(body.substr(1, 2), (std::string{"\0\1", 2})) << "`v` comes first";
    body[2] = version;
    return body;
}

TEST(WireVersion, ThatIsNotSpokenNamesItWhatIsSpokenAndWhatToUpdate) {
    const auto later = decode_receipt(of_version(2));
    ASSERT_FALSE(later);
    EXPECT_EQ(later.error().kind, ErrorKind::kUnsupported);
    EXPECT_EQ(later.error().what,
              "receipt: near byte 0: wire version 2 is not spoken by this wire_version_test, which "
              "speaks 1; update wire_version_test");
    const auto earlier = decode_receipt(of_version(0));
    ASSERT_FALSE(earlier);
    EXPECT_EQ(earlier.error().kind, ErrorKind::kUnsupported);
    EXPECT_NE(earlier.error().what.find("wire version 0 is not spoken by this"), std::string::npos);
    EXPECT_NE(earlier.error().what.find("; update the program that wrote it"), std::string::npos);
}

TEST(WireVersion, ThatIsNoNumberIsNoVersion) {
    const auto odd = decode_receipt(of_version('\xC3'));
    ASSERT_FALSE(odd);
    EXPECT_EQ(odd.error().kind, ErrorKind::kInvalid);
}

TEST(WireVersion, KeysThatAreNotKnownAreIgnored) {
    std::string body = of_version(1);
    ++body[0];                                // One entry more:
    body += std::string{"\x3F\xA5later", 7};  // 63: "later".
    const auto read = decode_receipt(body);
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(read->platform, PlatformId{"crm"});
}

}  // namespace
}  // namespace syncline::wire
