#include "hub/ctl/output.h"

#include <cstdio>

#include <gtest/gtest.h>

#include "shared/base/json.h"

namespace syncline::ctl {
namespace {

TEST(Table, IsAlignedByWidthWithoutBlanksAtLineEnds) {
    Table table{{"NAME", "COUNT", "REMARK"}, {}};
    table.rows.push_back({"Grüße", number_cell(7), ""});
    table.rows.push_back({"日本語", number_cell(1'234), "tail"});
    const auto lines = render(table, Colour::kNever);
    ASSERT_EQ(lines.size(), 3U);
    EXPECT_EQ(lines[0], "NAME    COUNT  REMARK");
    EXPECT_EQ(lines[1], "Grüße       7");
    EXPECT_EQ(lines[2], "日本語   1234  tail");
}

TEST(Table, DataNeverColoursNorBreaksALine) {
    Table table{{}, {{Cell{"\x1b[31mboo\n"}}}};
    EXPECT_EQ(render(table, Colour::kAlways)[0], "\\x1b[31mboo\\n");
}

TEST(Table, ClipsLongCellsUnlessToldOtherwise) {
    Table table{{}, {{Cell{std::string(80, 'x')}}}};
    EXPECT_EQ(render(table, Colour::kNever)[0], std::string(57, 'x') + "...");
    table.column_most = 0;
    EXPECT_EQ(render(table, Colour::kNever)[0], std::string(80, 'x'));
}

TEST(Table, ColoursOnlyWhenAsked) {
    const Table table{{}, {{Cell{"bad", Style::kRed}, Cell{"next"}}}};
    EXPECT_EQ(render(table, Colour::kNever)[0], "bad  next");
    EXPECT_EQ(render(table, Colour::kAlways)[0], "\x1b[31mbad\x1b[0m  next");
}

/// What an Output writes to its two files.
class Captured {
public:
    explicit Captured(Output::Options options)
        : out_(std::tmpfile()), err_(std::tmpfile()), output(out_, err_, options) {}
    ~Captured() {
        std::fclose(out_);
        std::fclose(err_);
    }
    Captured(const Captured&) = delete;
    Captured& operator=(const Captured&) = delete;
    [[nodiscard]] std::string out() const { return all_of(out_); }
    [[nodiscard]] std::string err() const { return all_of(err_); }

private:
    static std::string all_of(std::FILE* file) {
        std::fflush(file);
        std::rewind(file);
        std::string text(4096, '\0');
        text.resize(std::fread(text.data(), 1, text.size(), file));
        return text;
    }
    std::FILE* out_;
    std::FILE* err_;

public:
    Output output;
};

const Finding kFinding{Level::kWarning, "status.agent_silent", "last heard of 1 h ago",
                       "look at its log", "agent crm"};

TEST(Output, ClipsCellsOnATerminalAlone) {
    const Table table{{}, {{Cell{std::string(80, 'x')}}}};
    Captured piped{{}};
    piped.output.table(table);
    EXPECT_NE(piped.out().find(std::string(80, 'x')), std::string::npos);
    Captured shown{{.terminal = true}};
    shown.output.table(table);
    EXPECT_NE(shown.out().find(std::string(57, 'x') + "..."), std::string::npos);
}

TEST(Output, TextShowsLinesThenFindingsAndErrorsApart) {
    Captured captured{{}};
    captured.output.line("hello");
    captured.output.add(kFinding);
    const Error error{ErrorKind::kNotFound, "no such\nthing"};
    captured.output.finish("status", Exit::kNotFound, &error);
    EXPECT_EQ(captured.out(),
              "hello\n\nagent crm: warning: last heard of 1 h ago [status.agent_silent]\n"
              "    look at its log\n");
    EXPECT_EQ(captured.err(), "synclinectl: no such\\nthing\n");
}

TEST(Output, JsonIsOneEnvelope) {
    Captured captured{{.json = true}};
    captured.output.line("not shown");
    captured.output.set("answer", Value{42});
    captured.output.set("bytes", Value{std::string{"\xff"}});
    captured.output.add(kFinding);
    const Error error{ErrorKind::kNotFound, "no such thing"};
    captured.output.finish("entity show", Exit::kNotFound, &error);
    const std::string text = captured.out();
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1);
    const auto parsed = parse_json(text);
    ASSERT_TRUE(parsed) << parsed.error().what;
    const auto& map = *parsed->get<Value::Map>();
    EXPECT_EQ(map.at("command"), Value{"entity show"});
    EXPECT_EQ(map.at("ok"), Value{false});
    EXPECT_EQ(map.at("data"),
              (Value{Value::Map{{"answer", Value{42}}, {"bytes", Value{"\\xff"}}}}));
    EXPECT_EQ(
        map.at("error"),
        (Value{Value::Map{{"kind", Value{"not_found"}}, {"message", Value{"no such thing"}}}}));
    const auto& findings = *map.at("findings").get<Value::List>();
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].get<Value::Map>()->at("severity"), Value{"warning"});
    EXPECT_EQ(findings[0].get<Value::Map>()->at("code"), Value{"status.agent_silent"});
    EXPECT_EQ(captured.err(), "");
}

TEST(Output, AfterFinishingItStartsAnew) {
    Captured captured{{.json = true}};
    captured.output.set("a", Value{1});
    captured.output.add(kFinding);
    captured.output.finish("status", Exit::kFindings, nullptr);
    captured.output.finish("status", Exit::kFine, nullptr);
    EXPECT_NE(captured.out().find(R"({"command":"status","data":{},"findings":[],"ok":true})"),
              std::string::npos);
}

struct ExitCase {
    ErrorKind kind;
    Exit exit;
};
class ExitCodes : public testing::TestWithParam<ExitCase> {};
TEST_P(ExitCodes, FollowTheKind) { EXPECT_EQ(exit_of(GetParam().kind), GetParam().exit); }
INSTANTIATE_TEST_SUITE_P(Rows, ExitCodes,
                         testing::Values(ExitCase{ErrorKind::kInvalid, Exit::kUsage},
                                         ExitCase{ErrorKind::kNotFound, Exit::kNotFound},
                                         ExitCase{ErrorKind::kConflict, Exit::kRefused},
                                         ExitCase{ErrorKind::kUnavailable, Exit::kUnreachable},
                                         ExitCase{ErrorKind::kThrottled, Exit::kUnreachable},
                                         ExitCase{ErrorKind::kAmbiguous, Exit::kUnreachable},
                                         ExitCase{ErrorKind::kDenied, Exit::kRefused},
                                         ExitCase{ErrorKind::kFull, Exit::kRefused},
                                         ExitCase{ErrorKind::kTooLarge, Exit::kRefused},
                                         ExitCase{ErrorKind::kCorrupt, Exit::kFindings},
                                         ExitCase{ErrorKind::kUnsupported, Exit::kUsage},
                                         ExitCase{ErrorKind::kInternal, Exit::kFindings}));

}  // namespace
}  // namespace syncline::ctl
