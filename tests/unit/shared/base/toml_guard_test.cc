#include "shared/base/toml_guard.h"

#include <gtest/gtest.h>

#include <string>

#include "shared/base/toml_reader.h"

namespace syncline {
namespace {

std::string repeated(std::string_view part, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += part;
    return text;
}

struct GuardCase {
    const char* name;
    std::string text;
    const char* error;  ///< Empty: passes.
};
class TomlGuard : public testing::TestWithParam<GuardCase> {};

TEST_P(TomlGuard, LimitsWhatTheParserSees) {
    const auto guarded = guard_toml(GetParam().text, "x.toml");
    EXPECT_EQ(guarded ? "" : guarded.error().what, GetParam().error);
    if (guarded) {  // What passes must be harmless to toml++, whether valid or not.
        std::ignore = TomlReader::parse(GetParam().text, "x.toml");
    }
}
INSTANTIATE_TEST_SUITE_P(
    Texts, TomlGuard,
    testing::Values(
        GuardCase{"ordinary", "[a.b]\nc = [1, 2.5, { d.e = 'x' }] # . . . [[[\n", ""},
        GuardCase{"dotted_key", "a = 1\n" + repeated("a.", 200'000) + "b = 1",
                  "x.toml:2:32: a dotted key of more than 16 parts"},
        GuardCase{"dotted_key_with_blanks", repeated("a . ", 200'000) + "b = 1",
                  "x.toml:1:63: a dotted key of more than 16 parts"},
        GuardCase{"dotted_quoted_key", repeated("\"a\".", 200'000) + "b = 1",
                  "x.toml:1:64: a dotted key of more than 16 parts"},
        GuardCase{"dotted_table", "[" + repeated("a.", 200'000) + "b]",
                  "x.toml:1:33: a dotted key of more than 16 parts"},
        GuardCase{"nested_arrays", "a = " + repeated("[", 100'000),
                  "x.toml:1:37: nested deeper than 32 levels"},
        GuardCase{"nested_tables", "a = " + repeated("{b=", 100'000),
                  "x.toml:1:101: nested deeper than 32 levels"},
        GuardCase{"behind_a_string_ended_by_four_quotes",
                  "a = \"\"\"x\"\"\"\"\nb = " + repeated("[", 100),
                  "x.toml:2:37: nested deeper than 32 levels"},
        GuardCase{"behind_an_escaped_quote", "a = \"\\\"\"\nb = " + repeated("[", 100),
                  "x.toml:2:37: nested deeper than 32 levels"},
        GuardCase{"dots_in_strings",
                  "a = \"" + repeated(".", 99) + "\"\nb = '''\n" + repeated("[", 99) + "'''", ""},
        GuardCase{"columns_count_characters", "a = \"\xC3\xA4\xC3\xA4\\\"\" \xFF",
                  "x.toml:1:12: not valid UTF-8"},
        GuardCase{"unclosed_string", "a = \"abc\nb = '\nc = \"\"\"", ""},
        GuardCase{"too_large", std::string((1 << 20) + 1, ' '),
                  "x.toml: over the limit of 1048576 bytes"}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(TomlGuard, TellsTooLargeFromInvalid) {
    EXPECT_EQ(guard_toml("\xFF", "x").error().kind, ErrorKind::kInvalid);
    EXPECT_EQ(guard_toml("aaa", "x", {.bytes_max = 2}).error().kind, ErrorKind::kTooLarge);
    EXPECT_EQ(guard_toml("[[a]]", "x", {.depth_max = 1}).error().kind, ErrorKind::kTooLarge);
    EXPECT_EQ(guard_toml("a.b=1", "x", {.key_parts_max = 1}).error().kind, ErrorKind::kTooLarge);
}

}  // namespace
}  // namespace syncline
