#include <gtest/gtest.h>

#include "shared/policy/check.h"
#include "shared/policy/policy_toml.h"

namespace syncline {
namespace {

constexpr const char* kListsHead = R"([policy]
name = "test"
[platforms.erp]
clearance = "secret"
[platforms.shop]
[platforms.support]
clearance = "public"
)";

constexpr const char* kListsFields = R"([lists.price.fields]
amount = { type = "decimal", required = true }
)";

std::string list(const std::string& keys, const std::string& fields = kListsFields) {
    return "[lists.price]\n" + keys + fields;
}

const std::string kSoundLists =
    "from = \"erp\"\nto = [\"shop\"]\nevery_s = 60\nstale_after_s = 180\n";

TEST(Lists, AreReadWithTheirDefaults) {
    const auto policy = parse_policy({{"a.toml", kListsHead}, {"b.toml", list(kSoundLists)}});
    ASSERT_TRUE(policy) << policy.error().what;
    ASSERT_EQ(policy->lists.size(), 1U);
    const ListSpec& spec = policy->lists[0];
    EXPECT_EQ(spec.from.text, "erp");
    EXPECT_EQ(spec.to, std::vector{PlatformId{"shop"}});
    EXPECT_EQ(spec.every, std::chrono::seconds{60});
    EXPECT_EQ(spec.stale_after, std::chrono::seconds{180});
    EXPECT_EQ(spec.shrink_percent_most, 20U);
    ASSERT_NE(spec.field(FieldName{"amount"}), nullptr);
    EXPECT_EQ(spec.field(FieldName{"amount"})->type, FieldType::kDecimal);
    EXPECT_EQ(policy->list(ListName{"price"}), &spec);
    EXPECT_EQ(policy->list(ListName{"tax"}), nullptr);
    EXPECT_TRUE(check(*policy).empty());
}

struct ListCase {
    const char* name;
    std::string text;
    const char* told;
};

TEST(Lists, ThatCannotBeReadAreRefusedWithTheirPlace) {
    const ListCase cases[] = {
        {"no schedule", list("from = \"erp\"\nto = [\"shop\"]\nstale_after_s = 9\n"),
         "b.toml:1:1: `lists.price.every_s` is missing, and so is `cron`: when is the list read?"},
        {"two schedules", list(kSoundLists + "cron = \"0 3 * * *\"\n"),
         "b.toml:6:8: `lists.price.cron` and `every_s` exclude each other"},
        {"bad cron",
         list("from = \"erp\"\nto = [\"shop\"]\ncron = \"0 25 * * *\"\nstale_after_s = 9\n"),
         "b.toml:4:8: `lists.price.cron` has no hour in \"25\": from 0 to 23"},
        {"no limit of age", list("from = \"erp\"\nto = [\"shop\"]\nevery_s = 9\n"),
         "`lists.price.stale_after_s` is missing"},
        {"nobody gets it", list("from = \"erp\"\nto = []\nevery_s = 9\nstale_after_s = 9\n"),
         "b.toml:3:6: `lists.price.to` must name at least one platform"},
        {"no fields", "[lists.price]\n" + kSoundLists, "`lists.price.fields` is missing"},
        {"renamed",
         list(kSoundLists,
              "[lists.price.fields]\nnow = { type = \"string\", renamed_from = [\"was\"] }\n"),
         "cannot be renamed"},
        {"misspelled", list(kSoundLists + "shrink_percent_mos = 5\n"),
         "b.toml:6:1: unknown key `lists.price.shrink_percent_mos`; did you mean "
         "`shrink_percent_most`?"},
        {"out of range", list(kSoundLists + "shrink_percent_most = 101\n"),
         "`lists.price.shrink_percent_most` must be a whole number from 0 to 100"},
    };
    for (const ListCase& one : cases) {
        const auto policy = parse_policy({{"a.toml", kListsHead}, {"b.toml", one.text}});
        ASSERT_FALSE(policy) << one.name;
        EXPECT_NE(policy.error().what.find(one.told), std::string::npos) << one.name << ":\n"
                                                                         << policy.error().what;
    }
}

TEST(Lists, ThatMakeNoSenseAreFound) {
    const ListCase cases[] = {
        {"unknown platform",
         list("from = \"erp\"\nto = [\"shob\"]\nevery_s = 9\nstale_after_s = 9\n"),
         "b.toml:1:1: error: `to` names `shob`, which is no platform of this policy "
         "[policy.unknown_platform]; did you mean `shop`?"},
        {"to its source", list("from = \"erp\"\nto = [\"erp\"]\nevery_s = 9\nstale_after_s = 9\n"),
         "[policy.list_to_source]"},
        {"not cleared",
         list("from = \"erp\"\nto = [\"support\"]\nevery_s = 9\nstale_after_s = 9\n",
              "[lists.price.fields]\nagent = { type = \"string\", classification = \"pii\" }\n"),
         "`agent` is pii and would flow to `support`, which is cleared for public at most "
         "[policy.not_cleared]"},
        {"not flat", list(kSoundLists, "[lists.price.fields]\ntags = \"list\"\n"),
         "[policy.list_type]"},
        {"stale at once",
         list("from = \"erp\"\nto = [\"shop\"]\nevery_s = 60\nstale_after_s = 59\n"),
         "[policy.list_stale_too_soon]"},
    };
    for (const ListCase& one : cases) {
        const auto policy = parse_policy({{"a.toml", kListsHead}, {"b.toml", one.text}});
        ASSERT_TRUE(policy) << one.name << ": " << policy.error().what;
        const auto findings = check(*policy);
        ASSERT_EQ(findings.size(), 1U) << one.name;
        EXPECT_NE(to_string(findings[0]).find(one.told), std::string::npos)
            << one.name << ": " << to_string(findings[0]);
    }
}

}  // namespace
}  // namespace syncline
