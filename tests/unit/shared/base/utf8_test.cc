#include "shared/base/utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace syncline {
namespace {

struct Utf8Case {
    const char* name;
    std::string_view text;
    std::size_t bad_at;
};
class Utf8 : public testing::TestWithParam<Utf8Case> {};

TEST_P(Utf8, TellsWhereItBreaks) {
    EXPECT_EQ(find_invalid_utf8(GetParam().text), GetParam().bad_at);
    // The same behind a long run of ASCII, which is read in steps of eight bytes.
    const std::string prefix(19, 'a');
    const std::size_t shifted = GetParam().bad_at == std::string_view::npos
                                    ? GetParam().bad_at
                                    : GetParam().bad_at + prefix.size();
    EXPECT_EQ(find_invalid_utf8(prefix + std::string{GetParam().text}), shifted);
}
constexpr auto kFine = std::string_view::npos;
INSTANTIATE_TEST_SUITE_P(Texts, Utf8,
                         testing::Values(Utf8Case{"empty", "", kFine},
                                         Utf8Case{"ascii", "plain", kFine},
                                         Utf8Case{"two_bytes", "\xC3\xA4", kFine},
                                         Utf8Case{"three_bytes", "\xE2\x82\xAC", kFine},
                                         Utf8Case{"four_bytes", "\xF0\x9F\x98\x80", kFine},
                                         Utf8Case{"stray_continuation", "a\x80", 1},
                                         Utf8Case{"cut_off", "ab\xC3", 2},
                                         Utf8Case{"overlong", "\xC0\x80", 0},
                                         Utf8Case{"overlong_three", "\xE0\x80\x80", 0},
                                         Utf8Case{"surrogate", "\xED\xA0\x80", 0},
                                         Utf8Case{"past_the_end", "\xF4\x90\x80\x80", 0},
                                         Utf8Case{"no_lead", "\xFF", 0}),
                         [](const auto& row) { return std::string{row.param.name}; });

TEST(CutUtf8, CutsBetweenCharacters) {
    EXPECT_EQ(cut_utf8("a\xc3\xa4", 3), "a\xc3\xa4");
    EXPECT_EQ(cut_utf8("a\xc3\xa4", 2), "a");
    EXPECT_EQ(cut_utf8("\xe2\x82\xac", 2), "");
    EXPECT_EQ(cut_utf8("", 0), "");
}

}  // namespace
}  // namespace syncline
