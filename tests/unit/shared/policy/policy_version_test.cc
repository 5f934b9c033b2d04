#include "shared/policy/policy_version.h"

#include <gtest/gtest.h>

namespace syncline {
namespace {

const std::vector<PolicyFile> kFiles{{"a.toml", "[policy]\nname = \"x\"\n"},
                                     {"b.toml", "# more\n"}};

PolicyVersion sample() {
    PolicyVersion version = version_of(7, "x", kFiles);
    version.base = 6;
    version.restores = 3;
    version.read_again = {"crm"};
    version.plan = "6-abc";
    version.author = "ada@host";
    version.reason = "\"because\"\nof that";
    version.at = {1'767'607'872'000'000'123};
    return version;
}

TEST(PolicyVersion, ComesBackAsItWasWritten) {
    EXPECT_EQ(*parse_policy_version(to_text(sample())), sample());
    PolicyVersion bare = version_of(1, "", {});
    EXPECT_EQ(*parse_policy_version(to_text(bare)), bare);
}

TEST(PolicyVersion, NamesItsFilesByWhatIsInThem) {
    const PolicyVersion version = sample();
    ASSERT_EQ(version.files.size(), 2U);
    EXPECT_EQ(version.files[0].name, "a.toml");
    EXPECT_EQ(version.hash, policy_hash(kFiles));
    EXPECT_NE(version.files[0].hash, version.files[1].hash);
    EXPECT_EQ(version.files[1].hash, policy_hash({kFiles[1]}));
}

TEST(PolicyVersion, TakesWhatALaterProgramAdds) {
    std::string text = to_text(sample());
    text.insert(1, R"("signed_by":["x"],)");
    EXPECT_EQ(*parse_policy_version(text), sample());
}

TEST(PolicyVersion, RefusesWhatIsDamaged) {
    for (const char* text : {"", "[]", "{", R"({"version":"7"})", R"({"version":-1})",
                             R"({"files":[{"name":1}]})", R"({"files":["a"]})", R"({"at":"soon"})",
                             R"({"at":"2026-01-05T10:11:12Z","base":1.5})"}) {
        const auto version = parse_policy_version(text);
        ASSERT_FALSE(version) << text;
        EXPECT_EQ(version.error().kind, ErrorKind::kInvalid);
        EXPECT_NE(version.error().what.find("damaged"), std::string::npos) << version.error().what;
    }
}

TEST(PolicyStart, ComesBackAsItWasWritten) {
    const PolicyStart start{4, "h", 1'234, {99}, {100}, "ada"};
    const auto read = parse_policy_start(to_text(start));
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(read->version, 4U);
    EXPECT_EQ(read->hash, "h");
    EXPECT_EQ(read->sequence, 1'234U);
    EXPECT_EQ(read->inputs_created, Timestamp{99});
    EXPECT_EQ(read->at, Timestamp{100});
    EXPECT_EQ(read->actor, "ada");
    EXPECT_FALSE(parse_policy_start("{}"));  // Where it starts must be certain.
}

TEST(PolicyActivation, NamesWhoWantsIt) {
    const auto read =
        parse_policy_activation(to_text(PolicyActivation{4, "h", {"bea", "cy"}, "ada", {100}}));
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(read->version, 4U);
    EXPECT_EQ(read->hash, "h");
    EXPECT_EQ(read->approved_by, (std::vector<std::string>{"bea", "cy"}));
    EXPECT_EQ(read->actor, "ada");
}

TEST(PolicyApproval, ComesBackAsItWasWritten) {
    const auto read = parse_policy_approval(to_text(PolicyApproval{"bea", "h", "fine", {5}}));
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(read->actor, "bea");
    EXPECT_EQ(read->hash, "h");
    EXPECT_EQ(read->reason, "fine");
    EXPECT_EQ(read->at, Timestamp{5});
}

TEST(Plan, IsNamedByWhatItWasMadeOf) {
    const std::string plan = plan_name(12, policy_hash(kFiles));
    EXPECT_EQ(plan, "12-" + policy_hash(kFiles).substr(0, 12));
    EXPECT_EQ(*plan_base(plan), 12U);
    for (const char* text : {"", "12", "-abc", "x-abc", "12_abc", "99999999999999999999-abc"}) {
        EXPECT_FALSE(plan_base(text)) << text;
    }
}

}  // namespace
}  // namespace syncline
