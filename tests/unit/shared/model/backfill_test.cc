#include "shared/model/backfill.h"

#include <gtest/gtest.h>

namespace syncline {
namespace {

TEST(BackfillRequest, ComesBackFromItsText) {
    const BackfillRequest all{{17}, false, {}};
    EXPECT_EQ(to_text(all), "17 tell");
    const BackfillRequest some{{18}, true, {ObjectName{"customer"}, ObjectName{"order"}}};
    EXPECT_EQ(to_text(some), "18 dry-run customer order");
    for (const BackfillRequest& request : {all, some}) {
        EXPECT_EQ(parse_backfill_request(to_text(request)), request);
    }
}

TEST(BackfillRequest, AnythingElseIsNone) {
    for (const char* text : {"", "17", "17 ", "x tell", "17 told", "17 tell ", "17 tell  a", "tell",
                             "17tell", "99999999999999999999 tell"}) {
        EXPECT_FALSE(parse_backfill_request(text)) << text;
    }
}

}  // namespace
}  // namespace syncline
