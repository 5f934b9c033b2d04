#include "agent/connectors/exec/stderr_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace syncline::agent::exec {
namespace {

using testing::ElementsAre;
using namespace std::chrono_literals;

class ProgramLog : public testing::Test {
protected:
    std::vector<std::string> lines;
    StderrLog log{[this](std::string_view line) { lines.emplace_back(line); }};
};

TEST_F(ProgramLog, JoinsWhatComesInPieces) {
    log.feed("on", 0s);
    log.feed("e\r\n\ntwo\nth", 0s);
    EXPECT_THAT(lines, ElementsAre("one", "two"));
    log.finish(0s);
    EXPECT_THAT(lines, ElementsAre("one", "two", "th"));
    EXPECT_EQ(log.last_line(), "th");
}

TEST_F(ProgramLog, CutsALineThatNeverEnds) {
    for (int i = 0; i < 1'000; ++i) log.feed(std::string(1'000, 'x'), 0s);
    log.feed("\nshort\n", 0s);
    EXPECT_THAT(lines, ElementsAre(std::string(1'000, 'x') + "... (cut)", "short"));
}

TEST_F(ProgramLog, LeavesOutWhatIsTooMuchAndSaysHowMuch) {
    for (int i = 0; i < 80; ++i) log.feed("x\n", 1s);
    EXPECT_EQ(lines.size(), StderrLog::kLinesMost);
    log.feed("later\n", 12s);
    ASSERT_EQ(lines.size(), StderrLog::kLinesMost + 2);
    EXPECT_EQ(lines[StderrLog::kLinesMost], "(30 more lines are left out)");
    EXPECT_EQ(lines.back(), "later");
    for (int i = 0; i < 52; ++i) log.feed("y\n", 13s);
    log.finish(13s);
    EXPECT_EQ(lines.back(), "(3 more lines are left out)");
}

}  // namespace
}  // namespace syncline::agent::exec
