#include "agent/core/field_watch.h"

#include <gtest/gtest.h>

namespace syncline::agent {
namespace {

const FieldName kName{"name"};
const FieldName kFax{"fax"};

class Watching : public testing::Test {
protected:
    void see(int records, bool name, bool fax = false) {
        for (int i = 0; i < records; ++i) {
            Fields told;
            if (name) told.set(kName, "Ann");
            if (fax) told.set(kFax, Value{});  // Empty is told, too.
            watch_.add(watch_.sight(told));
        }
    }
    [[nodiscard]] std::vector<FieldName> missing(bool read_whole = true) const {
        return watch_.missing(read_whole);
    }
    FieldWatch watch_{{kName, kFax}, true};
};

TEST_F(Watching, AFieldThatNoRecordHasIsMissing) {
    see(4, true);
    EXPECT_TRUE(missing().empty());
    see(1, true);
    EXPECT_EQ(missing(), std::vector{kFax});
    EXPECT_TRUE(missing(false).empty());  // It may come yet.
    see(45, true);
    EXPECT_EQ(missing(false), std::vector{kFax});
}

TEST_F(Watching, AFieldThatEveryRecordHadIsMissedSoon) {
    see(1'000, true, true);
    see(20, false, true);
    EXPECT_TRUE(missing().empty());
    see(1, false, true);
    EXPECT_EQ(missing(), std::vector{kName});
    see(1, true, true);
    EXPECT_TRUE(missing().empty());
}

TEST_F(Watching, AFieldThatFewHaveMustBeMissingInMany) {
    for (int i = 0; i < 50; ++i) {
        see(1, true, true);
        see(99, true, false);
        EXPECT_TRUE(missing().empty()) << i;
    }
    see(1'800, true, false);
    EXPECT_TRUE(missing().empty());
    see(200, true, false);
    EXPECT_EQ(missing(), std::vector{kFax});
}

TEST_F(Watching, OneThatTheFirstRecordHappensToHaveIsNotMissedSoon) {
    see(1, true, true);
    see(200, true, false);
    EXPECT_TRUE(missing().empty());
}

TEST_F(Watching, AFieldThatAllOfAFewHadIsMissedOnceAllWereRead) {
    see(3, true, true);
    const auto survey = [&](int records, bool name) {
        watch_.begin_survey();
        Fields told{{kFax, "1"}};
        if (name) told.set(kName, "Ann");
        for (int i = 0; i < records; ++i) watch_.survey(watch_.sight(told));
        return watch_.end_survey();
    };
    EXPECT_FALSE(survey(2, false)) << "two may be chance";
    EXPECT_TRUE(survey(3, false));
    EXPECT_EQ(missing(), std::vector{kName});
    FieldWatch later{{kName, kFax}, false};
    ASSERT_TRUE(later.take_up(watch_.text()));
    EXPECT_EQ(later.missing(true), std::vector{kName});
    EXPECT_FALSE(survey(3, false)) << "no news";
    see(3, false, true);
    EXPECT_FALSE(survey(3, false));
    EXPECT_EQ(missing(), std::vector{kName});
    EXPECT_TRUE(survey(3, true));
    EXPECT_TRUE(missing().empty());
    survey(3, false);
    see(1, true, true);
    EXPECT_TRUE(missing().empty()) << "it is told again";
    EXPECT_FALSE(watch_.end_survey()) << "an end without a beginning";
}

TEST_F(Watching, ASurveySaysNothingOfAFieldThatFewHad) {
    see(6, true, false);
    see(1, true, true);
    watch_.begin_survey();
    for (int i = 0; i < 7; ++i) watch_.survey(watch_.sight({{kName, "Ann"}}));
    EXPECT_FALSE(watch_.end_survey());
}

TEST_F(Watching, GoesOnAfterAStart) {
    see(100, true, true);
    see(19, false, true);
    FieldWatch later{{kName, FieldName{"mail"}}, false};
    ASSERT_TRUE(later.take_up(watch_.text()));
    for (int i = 0; i < 49; ++i) later.add(later.sight({}));
    EXPECT_EQ(later.missing(true), std::vector{kName});
    // What there was before the mail was mapped may all be without it.
    later.add(later.sight({}));
    EXPECT_EQ(later.missing(true), (std::vector{FieldName{"mail"}, kName}));
}

TEST_F(Watching, WhatIsCertainCountsNothing) {
    see(100, true, true);
    EXPECT_TRUE(watch_.set_absent({kFax}));
    EXPECT_FALSE(watch_.set_absent({kFax})) << "no news";
    see(200, true, false);
    EXPECT_TRUE(missing().empty());
    EXPECT_EQ(watch_.absent(), std::vector{kFax});
    FieldWatch later{{kName, kFax}, false};
    ASSERT_TRUE(later.take_up(watch_.text()));
    EXPECT_EQ(later.absent(), std::vector{kFax});
    EXPECT_TRUE(watch_.set_absent({}));
    EXPECT_TRUE(watch_.absent().empty());
    EXPECT_TRUE(missing().empty()) << "what came without it meanwhile says nothing";
}

TEST_F(Watching, TakesUpNothingThatIsNoText) {
    for (const char* text : {"1 1 0 1", "1 1 0 1 name", "1 x 0 1 name\n", "1 1 1 1 name\n",
                             "1 1 0 8 a\n", "-1 0 0 1 a\n", "100 0 100 1 name\n1 1 1 1 fax\n"}) {
        EXPECT_FALSE(watch_.take_up(text)) << text;
    }
    EXPECT_TRUE(missing().empty());  // Nor a part of it.
    EXPECT_TRUE(watch_.take_up(""));
}

}  // namespace
}  // namespace syncline::agent
