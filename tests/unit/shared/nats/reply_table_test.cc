#include "shared/nats/reply_table.h"

#include <map>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace syncline::nats {
namespace {

using namespace std::chrono_literals;

std::string text(const ReplyTable::Ticket& ticket) { return {ticket.data(), ticket.size()}; }

TEST(ReplyTable, ATicketIsGoodOnce) {
    ReplyTable table;
    const std::string ticket = text(table.add({nullptr, 42}, 1s));
    EXPECT_EQ(table.size(), 1U);
    ASSERT_TRUE(table.take(ticket).has_value());
    EXPECT_FALSE(table.take(ticket).has_value());
    const std::string next = text(table.add({nullptr, 43}, 1s));
    EXPECT_NE(next, ticket);  // Though the place is the same.
    EXPECT_FALSE(table.take(ticket).has_value());
    EXPECT_EQ(table.take(next)->token, 43U);
    EXPECT_EQ(table.size(), 0U);
}

TEST(ReplyTable, ForeignTicketsAreRefused) {
    ReplyTable table;
    const std::string ticket = text(table.add({nullptr, 1}, 1s));
    for (const char* foreign : {"", "0", "0000000", "000000000", "........", "00000001", "zzzzzzzz",
                                "00010000", "\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF"}) {
        ASSERT_NE(ticket, foreign);
        EXPECT_FALSE(table.take(foreign).has_value()) << foreign;
    }
    EXPECT_EQ(table.size(), 1U);
}

TEST(ReplyTable, TheOldestIsDueFirst) {
    ReplyTable table;
    const std::string first = text(table.add({nullptr, 1}, 1s));
    const std::string second = text(table.add({nullptr, 2}, 2s));
    const std::string third = text(table.add({nullptr, 3}, 3s));
    EXPECT_EQ(table.next_deadline(), 1s);
    EXPECT_TRUE(table.take(first).has_value());
    EXPECT_EQ(table.next_deadline(), 2s);
    EXPECT_FALSE(table.take_due(1900ms).has_value());
    EXPECT_EQ(table.take_due(2s)->token, 2U);
    EXPECT_FALSE(table.take_due(2s).has_value());
    EXPECT_EQ(table.take_any()->token, 3U);
    EXPECT_FALSE(table.take_any().has_value());
    EXPECT_FALSE(table.next_deadline().has_value());
}

TEST(ReplyTable, AgreesWithAMapUnderRandomUse) {
    ReplyTable table;
    std::map<std::string, std::uint64_t> expected;
    std::mt19937_64 random{7};
    for (std::uint64_t i = 0; i < 20'000; ++i) {
        if (expected.empty() || random() % 5 < 3) {
            expected.emplace(text(table.add({nullptr, i}, Duration{static_cast<long>(i)})), i);
        } else {
            const auto position = static_cast<long>(random() % expected.size());
            const auto one = std::next(expected.begin(), std::min(position, 50L));
            ASSERT_EQ(table.take(one->first)->token, one->second);
            expected.erase(one);
        }
        ASSERT_EQ(table.size(), expected.size());
    }
    std::uint64_t before = 0;
    while (const auto entry = table.take_any()) {
        EXPECT_GE(entry->token, before);
        before = entry->token;
        expected.erase(expected.begin());
    }
    EXPECT_TRUE(expected.empty());
}

}  // namespace
}  // namespace syncline::nats
