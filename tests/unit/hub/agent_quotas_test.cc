#include "hub/agent_quotas.h"

#include <gtest/gtest.h>

namespace syncline::hub {
namespace {

TEST(AgentQuota, IsReadFromPresence) {
    const auto quota = agent_quota(
        R"({"platform":"crm","quota":{"limit":15000,"used":13200,"reserve":1500,"learned":true,)"
        R"("spent":{"ask":3},"slowed":{"backfill":"rests","change":"slowed"},)"
        R"("resets_at":"2026-01-06T00:00:00Z","used_up_at":"2026-01-05T10:11:12Z"}})");
    ASSERT_TRUE(quota);
    EXPECT_EQ(quota->limit, 15'000u);
    EXPECT_EQ(quota->used, 13'200u);
    EXPECT_EQ(quota->reserve, 1'500u);
    EXPECT_EQ(quota->slowed,
              (std::map<std::string, std::string>{{"backfill", "rests"}, {"change", "slowed"}}));
    EXPECT_EQ(to_string(quota->used_up_at), "2026-01-05T10:11:12Z");
}

TEST(AgentQuota, OfOtherVersionsAndOfNonsenseIsNone) {
    for (const char* presence :
         {"", "no json", "[]", R"({"platform":"crm"})", R"({"quota":null})", R"({"quota":5})",
          R"({"quota":{}})", R"({"quota":{"limit":"many"}})", R"({"quota":{"limit":-1}})"}) {
        EXPECT_FALSE(agent_quota(presence)) << presence;
    }
    const auto quota =
        agent_quota(R"({"quota":{"limit":10,"used":-5,"slowed":[1],"used_up_at":7,"new":{}}})");
    ASSERT_TRUE(quota);
    EXPECT_EQ(quota->used, 0u);
    EXPECT_TRUE(quota->slowed.empty());
    EXPECT_EQ(quota->used_up_at.ns, 0);
}

}  // namespace
}  // namespace syncline::hub
