#include "shared/base/log.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace syncline::log {
namespace {

std::string text(std::string_view message, std::vector<Field> fields = {}) {
    return render_text(message, fields);
}
std::string json(std::string_view message, std::vector<Field> fields = {}) {
    return render_json(message, fields);
}

TEST(LogText, FieldsFollowTheText) {
    EXPECT_EQ(text("connected", {{"server", "nats://a:4222"}, {"tries", 3}}),
              "connected server=nats://a:4222 tries=3");
    EXPECT_EQ(text("failed", {{"error", Error{ErrorKind::kDenied, "no such user"}}}),
              "failed error=\"denied: no such user\"");
}

TEST(LogText, DataNeverStartsALineNorForgesAField) {
    EXPECT_EQ(text("a", {{"v", "x\n2026 ERROR forged\r"}}), "a v=\"x\\n2026 ERROR forged\\x0d\"");
    EXPECT_EQ(text("a", {{"v", "x level=error"}}), "a v=\"x level=error\"");
    EXPECT_EQ(text("a", {{"v", "x\" y=\"z"}}), "a v=\"x\\\" y=\\\"z\"");
    EXPECT_EQ(text("a", {{"v", ""}}), "a v=\"\"");
    EXPECT_EQ(text("a\nb"), "a\\nb");
}

TEST(LogText, TerminalsAreNotCommanded) {
    EXPECT_EQ(text("a", {{"v", "\x1b[31mred"}}), "a v=\\x1b[31mred");
    EXPECT_EQ(text("a", {{"v", "\xC2\x9B"}}), "a v=\\xc2\\x9b");           // CSI in one character.
    EXPECT_EQ(text("a", {{"v", "\xE2\x80\xA8"}}), "a v=\\xe2\\x80\\xa8");  // Line separator.
}

TEST(LogText, Utf8IsKeptAndAnythingElseShown) {
    EXPECT_EQ(text("a", {{"v", "Müller"}}), "a v=Müller");
    EXPECT_EQ(text("a", {{"v", "\xFF\xC3"}}), "a v=\\xff\\xc3");
    EXPECT_EQ(text("a", {{"v", "\xED\xA0\x80"}}), "a v=\\xed\\xa0\\x80");  // A surrogate.
    EXPECT_EQ(text("a", {{"v", std::string("\0", 1)}}), "a v=\\x00");
}

TEST(LogJson, IsJson) {
    EXPECT_EQ(json("a \"b\"", {{"n", 7}, {"v", "x\\y\n\x01"}}),
              R"("text":"a \"b\"","n":7,"v":"x\\y\n\u0001")");
    EXPECT_EQ(json("a", {{"v", "\xFF"}}), R"("text":"a","v":"\\xff")");
    EXPECT_EQ(json("a", {{"b", true}}), R"("text":"a","b":1)");
}

TEST(LogOptions, NamesAreRead) {
    EXPECT_EQ(*parse_level("warning"), Level::kWarning);
    EXPECT_EQ(parse_level("loud").error().kind, ErrorKind::kInvalid);
    EXPECT_EQ(*parse_format("json"), Format::kJson);
    EXPECT_EQ(parse_format("xml").error().kind, ErrorKind::kInvalid);
}

TEST(LogOutput, ALineIsWritten) {
    testing::internal::CaptureStderr();
    start({.level = Level::kInfo, .format = Format::kJson});
    debug("not shown");
    info("shown {}", {{"percent", "%n"}});  // Neither is a format.
    const std::string out = testing::internal::GetCapturedStderr();
    EXPECT_NE(out.find(R"("level":"info","text":"shown {}","percent":"%n"})"), std::string::npos)
        << out;
    EXPECT_EQ(out.find("not shown"), std::string::npos);
}

}  // namespace
}  // namespace syncline::log
