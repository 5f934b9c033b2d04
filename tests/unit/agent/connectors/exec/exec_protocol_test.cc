#include "agent/connectors/exec/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "shared/base/json.h"

namespace syncline::agent::exec {
namespace {

using testing::HasSubstr;
using namespace std::chrono_literals;

Value::Map object_of(const std::string& text) {
    return *parse_json(text).value().get<Value::Map>();
}

TEST(ExecRequest, IsOneLineOfJson) {
    EXPECT_EQ(encode_request(7, "fetch", {{"object", "a"}, {"record", "1\n2\xc3\xa4"}}),
              "{\"call\":\"fetch\",\"id\":7,\"object\":\"a\",\"record\":\"1\\n2\xc3\xa4\"}\n");
}

struct BadAnswer {
    const char* name;
    std::string line;
    const char* says;  ///< A part of the message.
};
class BadAnswers : public testing::TestWithParam<BadAnswer> {};
TEST_P(BadAnswers, AreRefusedWithWhatCame) {
    const auto answer = decode_answer(GetParam().line, 3);
    ASSERT_FALSE(answer);
    EXPECT_EQ(answer.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(answer.error().what, HasSubstr(GetParam().says));
    EXPECT_LT(answer.error().what.size(), 600u);
}
INSTANTIATE_TEST_SUITE_P(
    Answers, BadAnswers,
    testing::Values(
        BadAnswer{"empty", "", "the line `` is not JSON"},
        BadAnswer{"plain_text", "loading 17 rows", "`loading 17 rows` is not JSON"},
        BadAnswer{"plain_text_hint", "x", "write all else to standard error"},
        BadAnswer{"long_text", std::string(5'000, 'x'), "...` (5000 bytes) is not JSON"},
        BadAnswer{"control", "\x1b[31mred", "`\\x1b[31mred`"},
        BadAnswer{"not_utf8", "{\"id\":3,\"result\":{\"a\":\"\xff\"}}", "\\xff"},
        BadAnswer{"not_utf8_place", "ab\xff", "is not UTF-8 (byte 2)"},
        BadAnswer{"half", R"({"id":3,"resu)", "is not JSON"},
        BadAnswer{"twice", R"({"id":3,"id":3,"result":{}})", "is not JSON"},
        BadAnswer{"list", "[]", "is not a JSON object"},
        BadAnswer{"other_id", R"({"id":4,"result":{}})", "has the `id` `4`, and the request has 3"},
        BadAnswer{"text_id", R"({"id":"3","result":{}})", "has the `id` `\"3\"`"},
        BadAnswer{"no_id", R"({"result":{}})", "has no `id`"},
        BadAnswer{"neither", R"({"id":3})", "either `result` or `error`"},
        BadAnswer{"both", R"({"id":3,"result":{},"error":{}})", "either `result` or `error`"},
        BadAnswer{"misspelt", R"({"id":3,"reslt":{}})", "did you mean `result`?"},
        BadAnswer{"result_list", R"({"id":3,"result":[]})", "`result` must be an object"},
        BadAnswer{"error_text", R"({"id":3,"error":"no"})", "`error` must be an object"},
        BadAnswer{"class_unknown", R"({"id":3,"error":{"class":"timeout","text":"x"}})",
                  "must be one of `unavailable`, `throttled`, `ambiguous`, `conflict`,"
                  " `not_found`, `invalid`, `denied`, and is `timeout`"},
        BadAnswer{"class_missing", R"({"id":3,"error":{"text":"x"}})", "and is ``"},
        BadAnswer{"no_text", R"({"id":3,"error":{"class":"denied"}})", "`error.text` must say"},
        BadAnswer{"pause_text",
                  R"({"id":3,"error":{"class":"throttled","text":"x","pause_ms":"9"}})",
                  "`error.pause_ms` must be a whole number"},
        BadAnswer{"pause_less",
                  R"({"id":3,"error":{"class":"throttled","text":"x","pause_ms":-1}})",
                  "`error.pause_ms` must be a whole number"}),
    [](const auto& row) { return std::string{row.param.name}; });

struct ClassCase {
    const char* name;
    ErrorKind kind;
};
class Classes : public testing::TestWithParam<ClassCase> {};
TEST_P(Classes, StandForAKind) {
    const auto answer = decode_answer(std::string{R"({"id":3,"error":{"class":")"} +
                                          GetParam().name + R"(","text":"why","pause_ms":1500}})",
                                      3);
    ASSERT_TRUE(answer && answer->complaint);
    EXPECT_EQ(answer->complaint->error.kind, GetParam().kind);
    EXPECT_EQ(answer->complaint->error.what, "why");
    EXPECT_EQ(answer->complaint->pause, Duration{1'500ms});
}
INSTANTIATE_TEST_SUITE_P(Errors, Classes,
                         testing::Values(ClassCase{"unavailable", ErrorKind::kUnavailable},
                                         ClassCase{"throttled", ErrorKind::kThrottled},
                                         ClassCase{"ambiguous", ErrorKind::kAmbiguous},
                                         ClassCase{"conflict", ErrorKind::kConflict},
                                         ClassCase{"not_found", ErrorKind::kNotFound},
                                         ClassCase{"invalid", ErrorKind::kInvalid},
                                         ClassCase{"denied", ErrorKind::kDenied}),
                         [](const auto& row) { return std::string{row.param.name}; });

TEST(ExecText, IsCutBetweenCharacters) {
    std::string umlauts = "x";
    for (int i = 0; i < 1'500; ++i) umlauts += "\xc3\xa4";
    const auto answer =
        decode_answer(R"({"id":3,"error":{"class":"invalid","text":")" + umlauts + "\"}}", 3);
    ASSERT_TRUE(answer && answer->complaint);
    EXPECT_EQ(answer->complaint->error.what.size(), 1'999u);
}

TEST(ExecHello, TellsCapabilities) {
    const auto all = decode_hello(
        object_of(R"({"protocol":1,"capabilities":["waits_for_changes","can_fetch"]})"));
    ASSERT_TRUE(all) << all.error().what;
    EXPECT_EQ(*all, (Capabilities{.can_fetch = true, .waits_for_changes = true}));
    EXPECT_EQ(to_text(*all), R"(["can_fetch", "waits_for_changes"])");
    EXPECT_TRUE(decode_hello(object_of(R"({"protocol":1})")));
}

struct BadResult {
    const char* name;
    const char* result;
    const char* says;
};
class BadHellos : public testing::TestWithParam<BadResult> {};
TEST_P(BadHellos, AreRefused) {
    const auto hello = decode_hello(object_of(GetParam().result));
    ASSERT_FALSE(hello);
    EXPECT_THAT(hello.error().what, HasSubstr(GetParam().says));
}
INSTANTIATE_TEST_SUITE_P(
    Hello, BadHellos,
    testing::Values(BadResult{"version", R"({"protocol":2})", "`protocol` must be 1, and is `2`"},
                    BadResult{"no_version", "{}", "`protocol` must be 1"},
                    BadResult{"unknown", R"({"protocol":1,"capabilities":["fetch"]})",
                              "and holds `\"fetch\"`"},
                    BadResult{"no_list", R"({"protocol":1,"capabilities":"can_fetch"})",
                              "`capabilities` must be a list"},
                    BadResult{"misspelt", R"({"protocol":1,"capabilites":[]})",
                              "did you mean `capabilities`?"}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(ExecPage, TellsRecordsDeletionsAndRejects) {
    const auto page =
        decode_page(object_of(R"({"records":[{"no":1}],"deleted":[2,"3"],"next":"c","more":true,)"
                              R"("rejects":[{"id":4,"reason":"why","raw":"text"}]})"));
    ASSERT_TRUE(page) << page.error().what;
    ASSERT_EQ(page->records.size(), 1u);
    EXPECT_THAT(page->deleted, testing::ElementsAre("2", "3"));
    ASSERT_EQ(page->rejects.size(), 1u);
    EXPECT_EQ(page->rejects[0].id, "4");
    EXPECT_EQ(page->rejects[0].reason, "why");
    EXPECT_EQ(page->next, "c");
    EXPECT_TRUE(page->more);
}

class BadPages : public testing::TestWithParam<BadResult> {};
TEST_P(BadPages, AreRefused) {
    const auto page = decode_page(object_of(GetParam().result));
    ASSERT_FALSE(page);
    EXPECT_EQ(page.error().kind, ErrorKind::kInvalid);
    EXPECT_THAT(page.error().what, HasSubstr(GetParam().says));
}
INSTANTIATE_TEST_SUITE_P(
    Pages, BadPages,
    testing::Values(
        BadResult{"no_next", R"({"records":[]})", "and is missing"},
        BadResult{"number_next", R"({"next":7})", "`next` must be a text"},
        BadResult{"empty_next", R"({"next":""})", "`next` must be a text"},
        BadResult{"records_object", R"({"next":"c","records":{}})", "`records` must be a list"},
        BadResult{"record_text", R"({"next":"c","records":["x"]})", "`records` must hold objects"},
        BadResult{"misspelt", R"({"next":"c","recods":[]})", "did you mean `records`?"},
        BadResult{"more_number", R"({"next":"c","more":1})", "`more` must be true or false"},
        BadResult{"deleted_object", R"({"next":"c","deleted":[{}]})", "`deleted` must hold ids"},
        BadResult{"deleted_null", R"({"next":"c","deleted":[null]})", "`deleted` must hold ids"},
        BadResult{"no_reason", R"({"next":"c","rejects":[{"id":"1"}]})", "no `reason`"},
        BadResult{"reject_text", R"({"next":"c","rejects":["x"]})", "`rejects` must hold objects"}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(ExecResults, OfOtherCallsAreChecked) {
    EXPECT_FALSE(decode_record(object_of("{}")));
    EXPECT_FALSE(decode_record(object_of(R"({"record":"x"})")));
    const auto none = decode_record(object_of(R"({"record":null})"));
    EXPECT_TRUE(none && !*none);
    EXPECT_FALSE(decode_effect(object_of(R"({"id":"7"})")));
    EXPECT_FALSE(decode_effect(object_of(R"({"record":null})")));
    EXPECT_FALSE(decode_effect(object_of(R"({"existed":"yes"})")));
    EXPECT_TRUE(decode_effect(object_of(R"({"record":{"no":1},"existed":true})"))->existed);
    EXPECT_TRUE(decode_effect(object_of("{}")));
    EXPECT_FALSE(decode_output(object_of("{}")));
    EXPECT_FALSE(decode_output(object_of(R"({"output":7})")));
    EXPECT_TRUE(decode_output(object_of(R"({"output":{}})"))->has_value());
    EXPECT_FALSE(decode_output(object_of(R"({"output":null})"))->has_value());
}

}  // namespace
}  // namespace syncline::agent::exec
