#include "hub/core/list_state.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "shared/policy/exception_kinds.h"

namespace syncline::hub {
namespace {

Timestamp at(std::int64_t seconds) { return {seconds * 1'000'000'000}; }
std::string digest(char c) { return std::string(32, c); }

ListSpec spec() {
    ListSpec list;
    list.name = ListName{"price"};
    list.from = PlatformId{"erp"};
    list.to = {PlatformId{"shop"}};
    list.every = std::chrono::seconds{60};
    list.stale_after = std::chrono::seconds{300};
    list.fields = {{.name = FieldName{"amount"}, .type = FieldType::kDecimal, .required = true},
                   {.name = FieldName{"secret"},
                    .type = FieldType::kInteger,
                    .classification = Classification::kSecret}};
    return list;
}

ListGeneration read(char c, std::uint64_t rows, std::uint64_t removed = 0) {
    return {.digest = digest(c),
            .rows = rows,
            .read_at = at(100),
            .changes = {.removed = removed, .sample = {}}};
}

ListState with(char c, std::uint64_t rows) {
    ListState state;
    state.list = ListName{"price"};
    state.since = at(1);
    note_generation(state, spec(), read(c, rows), at(101));
    return state;
}

std::vector<std::string> kinds(const ListState& state, Timestamp now) {
    std::vector<std::string> out;
    for (const ListTrouble& one : troubles(state, spec(), now)) {
        out.push_back(std::string{one.kind} + "@" + one.platform.text);
    }
    return out;
}

TEST(ListState, GenerationsFollowAndLeaveWhatNobodyNeeds) {
    ListState state = with('a', 10);
    EXPECT_EQ(state.current.number, 1U);
    note_generation(state, spec(), read('b', 10), at(102));
    EXPECT_TRUE(state.garbage.empty()) << "the one before stays";
    note_generation(state, spec(), read('c', 10), at(103));
    EXPECT_EQ(state.current.number, 3U);
    EXPECT_EQ(state.garbage, std::vector{digest('a')});
    note_generation(state, spec(), read('a', 10), at(104));
    EXPECT_EQ(state.garbage, std::vector{digest('b')}) << "what is wanted again is none";
    EXPECT_EQ(state.wanted(), (std::vector{digest('a'), digest('c')}));
    for (int i = 0; i < 100; ++i) {
        note_generation(state, spec(), read(i % 2 == 0 ? 'd' : 'e', 10), at(105));
    }
    EXPECT_EQ(state.history.size(), ListState::kHistoryMost);
}

TEST(ListState, TheSameAgainIsAProof) {
    ListState state = with('a', 10);
    EXPECT_TRUE(note_read(state, digest('a'), at(200)));
    EXPECT_EQ(state.read_at, at(200));
    EXPECT_FALSE(note_read(state, digest('b'), at(300)));
    EXPECT_EQ(state.read_at, at(200));
    EXPECT_EQ(state.current.number, 1U);
}

TEST(ListState, WhatShrinksTooMuchIsHeld) {
    ListState state = with('a', 1'000);
    note_generation(state, spec(), read('b', 800, 200), at(102));
    EXPECT_EQ(state.current.number, 2U) << "20 % may";
    note_generation(state, spec(), read('c', 799, 161), at(103));
    EXPECT_EQ(state.current.number, 2U) << "a row more, of 800, may not";
    EXPECT_EQ(kinds(state, at(104)), std::vector<std::string>{"list.shrunk@erp"});
    EXPECT_TRUE(note_read(state, digest('c'), at(105))) << "it stays held";
    EXPECT_EQ(state.read_at, at(100)) << "and proves nothing";
    ListState discarded = state;
    EXPECT_TRUE(answer(discarded, ListAnswer::kDiscard, "ann", "no", at(106)));
    EXPECT_TRUE(note_read(discarded, digest('c'), at(107)));
    EXPECT_FALSE(discarded.held);
    EXPECT_EQ(discarded.settled, "discarded: no");
    EXPECT_FALSE(answer(discarded, ListAnswer::kAccept, "ann", "", at(108)));
    EXPECT_TRUE(answer(state, ListAnswer::kAccept, "ann", "", at(106)));
    EXPECT_EQ(state.current.number, 3U);
    EXPECT_EQ(state.current.digest, digest('c'));
    EXPECT_TRUE(kinds(state, at(107)).empty());
}

TEST(ListState, AsManyOthersAreRemovedRowsToo) {
    ListState state = with('a', 100);
    note_generation(state, spec(), read('b', 100, 100), at(102));
    EXPECT_TRUE(state.held) << "all keys are others";
    note_generation(state, spec(), read('d', 101, 0), at(103));
    EXPECT_FALSE(state.held) << "the source has thought better of it";
    EXPECT_EQ(state.garbage, std::vector{digest('b')});
}

TEST(ListState, WhatDoesNotFitIsNotJudgedTwice) {
    ListState state = with('a', 10);
    note_refused(state, digest('b'), "the row `x`: no");
    EXPECT_EQ(kinds(state, at(102)), std::vector<std::string>{"list.refused@erp"});
    EXPECT_TRUE(note_read(state, digest('b'), at(103)));
    EXPECT_TRUE(note_read(state, digest('a'), at(104)));
    EXPECT_TRUE(kinds(state, at(105)).empty());
}

TEST(ListState, AnIncompleteOneIsCleanedUpOnceAnotherComes) {
    ListState state = with('a', 10);
    note_incomplete(state, digest('b'));
    EXPECT_TRUE(state.garbage.empty()) << "its parts are on their way";
    note_generation(state, spec(), read('b', 10), at(102));
    EXPECT_TRUE(state.garbage.empty());
    note_incomplete(state, digest('c'));
    note_generation(state, spec(), read('d', 10), at(103));
    EXPECT_NE(std::ranges::find(state.garbage, digest('c')), state.garbage.end());
}

TEST(ListState, PeopleHearWhatIsWrong) {
    ListState state;
    state.since = at(1);
    EXPECT_TRUE(kinds(state, at(300)).empty());
    EXPECT_EQ(kinds(state, at(302)), std::vector<std::string>{"list.stale@erp"});
    state.trouble = "the disk is gone";
    EXPECT_NE(troubles(state, spec(), at(302))[0].reason.find("the disk is gone"),
              std::string::npos);
    state = with('a', 10);
    ListNews news;
    news.platform = PlatformId{"shop"};
    news.kind = ListNews::Kind::kNotApplied;
    news.take = {1, digest('a')};
    news.why = "no";
    note_target(state, news);
    EXPECT_EQ(kinds(state, at(110)), std::vector<std::string>{"list.not_applied@shop"});
    news.kind = ListNews::Kind::kApplied;
    note_target(state, news);
    EXPECT_TRUE(kinds(state, at(110)).empty());
    state = with('a', 10);
    state.read_at = at(1'000);
    EXPECT_EQ(kinds(state, at(1'001)), std::vector<std::string>{"list.not_applied@shop"})
        << "its agent is silent";
}

TEST(ListState, IsAskedForByScheduleOnly) {
    ListSpec list = spec();
    EXPECT_TRUE(is_due(list, {}, at(5)));
    EXPECT_FALSE(is_due(list, at(5), at(64)));
    EXPECT_TRUE(is_due(list, at(5), at(65)));
    list.cron = *Cron::parse("0 3 * * *");
    const Timestamp three = *parse_timestamp("2026-11-28T03:00:00Z");
    EXPECT_FALSE(is_due(list, three, three + std::chrono::hours{23}));
    EXPECT_TRUE(is_due(list, three, three + std::chrono::hours{24}));
    EXPECT_TRUE(is_due(list, three - Duration{1}, three));
}

TEST(ListState, RowsMustFitTheFields) {
    Fields fields;
    fields.set(FieldName{"amount"}, Value{std::int64_t{5}});
    EXPECT_EQ(problem_of(spec(), {{"a", fields}}, 0, 1), "");
    EXPECT_NE(problem_of(spec(), {{"a", {}}}, 0, 1), "");
    const std::size_t place = stable_hash("a") % 64;
    EXPECT_EQ(problem_of(spec(), {{"a", fields}}, place, 64), "");
    EXPECT_NE(problem_of(spec(), {{"a", fields}}, (place + 1) % 64, 64), "");
    Fields wrong = fields;
    wrong.set(FieldName{"secret"}, Value{"hush"});
    const std::string told = problem_of(spec(), {{"a", wrong}}, 0, 1);
    EXPECT_NE(told.find("secret"), std::string::npos);
    EXPECT_EQ(told.find("hush"), std::string::npos);
    Fields other = fields;
    other.set(FieldName{"unknown"}, Value{1});
    EXPECT_NE(problem_of(spec(), {{"a", other}}, 0, 1), "");
}

}  // namespace
}  // namespace syncline::hub
