#include "shared/base/sha256.h"

#include <gtest/gtest.h>

#include <string>

namespace syncline {
namespace {

std::string hexadecimal(const Sha256& hash) { return syncline::hexadecimal(bytes_of(hash)); }

// FIPS 180-4, examples of NIST.
TEST(Sha256, HashesTheExamplesOfTheStandard) {
    EXPECT_EQ(hexadecimal(sha256({})),
              "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    EXPECT_EQ(hexadecimal(sha256({"abc"})),
              "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    EXPECT_EQ(hexadecimal(sha256({"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"})),
              "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Sha256, PartsAreOneText) { EXPECT_EQ(sha256({"a", "", "bc"}), sha256({"abc"})); }

struct HmacCase {
    const char* name;
    std::string key;
    std::string content;
    const char* expected;
};
class Hmac : public testing::TestWithParam<HmacCase> {};

TEST_P(Hmac, SignsTheExampleOfTheStandard) {
    EXPECT_EQ(hexadecimal(hmac_sha256(GetParam().key, GetParam().content)), GetParam().expected);
}

// RFC 4231, test cases 1, 2, 4 and 6.
INSTANTIATE_TEST_SUITE_P(
    Rfc4231, Hmac,
    testing::Values(HmacCase{"short_key", std::string(20, '\x0b'), "Hi There",
                             "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
                    HmacCase{"shorter_than_the_hash", "Jefe", "what do ya want for nothing?",
                             "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
                    HmacCase{"long_content",
                             "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f\x10"
                             "\x11\x12\x13\x14\x15\x16\x17\x18\x19",
                             std::string(50, '\xcd'),
                             "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"},
                    HmacCase{"key_over_a_block", std::string(131, '\xaa'),
                             "Test Using Larger Than Block-Size Key - Hash Key First",
                             "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"}),
    [](const auto& row) { return std::string{row.param.name}; });

}  // namespace
}  // namespace syncline
