#include "hub/ctl/rates.h"

#include <gtest/gtest.h>

namespace syncline::ctl {
namespace {

Timestamp second(std::int64_t at) { return Timestamp{at * 1'000'000'000}; }

TEST(Rates, AreDifferencesByTime) {
    Rates rates;
    rates.note("hub a", "1", second(10), {{"inputs", 100}});
    EXPECT_FALSE(rates.of("hub a", "inputs")) << "one announcement is no rate";
    rates.note("hub a", "1", second(14), {{"inputs", 300}});
    EXPECT_DOUBLE_EQ(rates.of("hub a", "inputs").value_or(-1), 50);
    rates.note("hub a", "1", second(14), {{"inputs", 300}});
    EXPECT_DOUBLE_EQ(rates.of("hub a", "inputs").value_or(-1), 50) << "it was heard already";
    rates.note("hub a", "1", second(16), {{"inputs", 300}});
    EXPECT_DOUBLE_EQ(rates.of("hub a", "inputs").value_or(-1), 0);
}

TEST(Rates, BeginAnewWithWhoBeginsAnew) {
    Rates rates;
    rates.note("hub a", "1", second(10), {{"inputs", 100}});
    rates.note("hub a", "1", second(11), {{"inputs", 200}});
    rates.note("hub a", "2", second(12), {{"inputs", 5}});
    EXPECT_FALSE(rates.of("hub a", "inputs"));
    rates.note("hub a", "2", second(13), {{"inputs", 4}, {"other", 1}});
    EXPECT_FALSE(rates.of("hub a", "inputs")) << "it fell: no rate, and no wonder of 2^64";
    EXPECT_FALSE(rates.of("hub a", "other"));
}

TEST(Rates, AddUp) {
    Rates rates;
    for (const char* who : {"hub a", "hub b", "agent c"}) {
        rates.note(who, "1", second(1), {{"inputs", 0}});
    }
    EXPECT_FALSE(rates.sum("hub ", "inputs"));
    for (const char* who : {"hub a", "hub b", "agent c"}) {
        rates.note(who, "1", second(2), {{"inputs", 10}});
    }
    EXPECT_DOUBLE_EQ(rates.sum("hub ", "inputs").value_or(-1), 20);
}

}  // namespace
}  // namespace syncline::ctl
