// Templates, the escaping of values, and the checks of profiles.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>

#include "agent/connectors/rest/profile.h"
#include "agent/connectors/rest/template.h"

namespace syncline::agent {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

struct LiteralCase {
    const char* name;
    rest::Literal literal;
    const char* value;
    const char* escaped;  ///< nullptr: refused.
};
class Literals : public testing::TestWithParam<LiteralCase> {};

TEST_P(Literals, CannotEndTheirQuotes) {
    const auto escaped = rest::escape_literal(GetParam().literal, GetParam().value);
    ASSERT_EQ(escaped.has_value(), GetParam().escaped != nullptr);
    if (escaped) {
        EXPECT_EQ(*escaped, GetParam().escaped);
    }
}
using enum rest::Literal;
INSTANTIATE_TEST_SUITE_P(
    Values, Literals,
    testing::Values(LiteralCase{"soql_quote", kSoql, "' OR Name != '", "\\' OR Name != \\'"},
                    LiteralCase{"soql_backslash", kSoql, "\\", "\\\\"},
                    LiteralCase{"soql_escape_of_quote", kSoql, "\\'", "\\\\\\'"},
                    LiteralCase{"soql_newline", kSoql, "a\nb\rc\td", "a\\nb\\rc\\td"},
                    LiteralCase{"soql_control", kSoql, "a\x01", nullptr},
                    LiteralCase{"query_caret", kEncodedQuery, "a^NQsys_id!=1", "a^^NQsys_id!=1"},
                    LiteralCase{"query_newline", kEncodedQuery, "a\nb", nullptr},
                    LiteralCase{"query_script", kEncodedQuery, "javascript:gs.x()", nullptr},
                    LiteralCase{"odata_quote", kOdata, "O'Neil", "O''Neil"},
                    LiteralCase{"none", kNone, "'^", "'^"}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(RestTemplate, EncodesValuesByPlace) {
    const auto path = rest::Template::parse("/t/{native}/{id}");
    const rest::Variables variables{{"native", "a/b"}, {"id", "x/../y?z#'"}};
    EXPECT_EQ(*path->render(variables, rest::Context::kPath), "/t/a/b/x%2F..%2Fy%3Fz%23%27");
    EXPECT_FALSE(path->render({{"id", ".."}}, rest::Context::kPath));
    EXPECT_FALSE(path->render({{"id", ""}}, rest::Context::kPath));
    const auto body = rest::Template::parse(R"({{"id":"{id}","v":{values}}})");
    EXPECT_EQ(*body->render({{"id", "a\"}\n"}, {"values", "{\"x\":1}"}}, rest::Context::kJson),
              R"({"id":"a\"}\n","v":{"x":1}})");
    EXPECT_FALSE(body->quotes_a_value());
    EXPECT_TRUE(rest::Template::parse("{{\"q\":\"Id = '{id}'\"}}")->quotes_a_value());
    EXPECT_FALSE(rest::Template::parse("'{native}' {id}")->quotes_a_value());
    const auto number = rest::Template::parse(R"([["id",">",{cursor.id}],["x","=","{id}"]])");
    const auto clause = [&](const char* id) {
        return number->render({{"cursor.id", id}, {"id", "a\"b"}}, rest::Context::kClause, kJson);
    };
    EXPECT_EQ(*clause("17"), R"([["id",">",17],["x","=","a\"b"]])");
    EXPECT_EQ(*clause(""), R"([["id",">",null],["x","=","a\"b"]])");
    EXPECT_FALSE(clause(R"(0],["1","=","1")")) << "ends what it stands in";
    EXPECT_FALSE(clause("a"));
    EXPECT_FALSE(rest::Template::parse("{nothing}"));
    EXPECT_FALSE(rest::Template::parse("{password}")) << "only a login may name it";
    EXPECT_FALSE(rest::Template::parse("a } b"));
    EXPECT_FALSE(rest::Template::parse("{id")) << "no end";
}

TEST(RestProfile, TellsEveryProblemWithItsPlace) {
    const auto profile = rest::parse_profile(R"(name = "x"
[values]
literal = "sql"
key = "id"
[auth]
kind = "oauth2_password"
[errors]
[[errors.rules]]
status = ["9xx", "500-504"]
class = "odd"
[read]
path = "no slash"
query = { q = "{wrong}" }
next = "url"
page_min = 9
page_max = 5
stamp_format = "%q"
unknown = 1
)",
                                             "bad.toml");
    ASSERT_FALSE(profile);
    EXPECT_EQ(profile.error().kind, ErrorKind::kInvalid);
    for (const char* part :
         {"bad.toml:3:", "literal", "changed", "token_url",
          "bad.toml:9:", "bad.toml:10:", "bad.toml:12:", "begin with a /", "{wrong}", "next_path",
          "bad.toml:15:", "page_min", "%q", "unknown", "fetch.path", "create.path"}) {
        EXPECT_THAT(profile.error().what, HasSubstr(part));
    }
}

TEST(RestProfile, ThoseWeShipAreWithoutProblems) {
    const std::filesystem::path folder{std::string{SYNCLINE_SOURCE_DIR} + "/configs/profiles"};
    std::size_t count = 0;
    for (const auto& file : std::filesystem::directory_iterator{folder}) {
        if (file.path().extension() != ".toml") continue;
        const auto profile = rest::load_profile(file.path());
        ASSERT_TRUE(profile) << profile.error().what;
        EXPECT_EQ(profile->name, file.path().stem());
        ++count;
    }
    EXPECT_GE(count, 12U);
}

}  // namespace
}  // namespace syncline::agent
