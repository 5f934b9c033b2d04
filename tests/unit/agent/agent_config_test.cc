#include "agent/agent_config.h"

#include <gtest/gtest.h>

#include "tests/support/config_text.h"
#include "tests/support/manual_clock.h"

namespace syncline::agent {
namespace {

constexpr const char* kLeast = R"(platform = "crm"
store = "crm.db"
[connector]
kind = "file"
directory = "/tmp"
[objects.customer]
native = "customers"
key = "no"
[objects.customer.fields]
number = "no"
)";

class AgentConfigFile : public testing::Test {
protected:
    Result<AgentConfig> parse(const std::string& text, const char* file = "a.toml") {
        return parse_agent_config(
            text, file,
            {clock_, "/tmp", std::filesystem::path{SYNCLINE_SOURCE_DIR} / "configs/profiles"});
    }
    test::ManualClock clock_;
};

TEST_F(AgentConfigFile, ListsEverySettingOfTheBreakerAtItsDefault) {
    const std::string text =
        test::uncommented(std::filesystem::path{SYNCLINE_SOURCE_DIR} / "configs/agent.toml",
                          {"credentials_file", "nkey_seed_file", "user", "password", "tls_ca_file",
                           "tls_cert_file", "tls_key_file"});
    const auto all = parse(text, "agent.toml");
    ASSERT_TRUE(all) << all.error().what;
    const auto least = parse(kLeast);
    ASSERT_TRUE(least) << least.error().what;
    EXPECT_EQ(all->settings.breaker, least->settings.breaker);
    EXPECT_NE(text.find("\npercent_from = 50\n"), std::string::npos);
}

TEST_F(AgentConfigFile, TakesLimitsOfOneObject) {
    const auto config = parse(std::string{kLeast} + R"([breaker.out]
deletions_count = 9
[breaker.objects.customer.out]
deletions_percent = 3
overwrites = true
)");
    ASSERT_TRUE(config) << config.error().what;
    const MassSettings& breaker = config->settings.breaker;
    const LaneLimits& out = breaker.of({ObjectName{"customer"}, Direction::kOut});
    EXPECT_EQ(out[0].count, 9u);
    EXPECT_EQ(out[0].percent, 3u);
    EXPECT_TRUE(out[2].on);
    EXPECT_FALSE(breaker.of({ObjectName{"customer"}, Direction::kIn})[2].on);
    EXPECT_EQ(breaker.of({ObjectName{"order"}, Direction::kOut})[0].percent, 10u);
}

TEST_F(AgentConfigFile, RefusesLimitsThatMakeNoSenseWithTheirPlaces) {
    const auto config = parse(std::string{kLeast} + R"([breaker.in]
deletions_count = 0
blankings_percent = 101
overwrites = 1
deletion = true
)");
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().kind, ErrorKind::kInvalid);
    for (const char* part :
         {"a.toml:12:19: `breaker.in.deletions_count`",
          "a.toml:13:21: `breaker.in.blankings_percent`", "a.toml:14:14: `breaker.in.overwrites`",
          "a.toml:15:1: ", "deletion"}) {
        EXPECT_NE(config.error().what.find(part), std::string::npos) << part << "\n"
                                                                     << config.error().what;
    }
}

TEST_F(AgentConfigFile, TakesListsWhereTheConnectorReadsThemWhole) {
    const std::string list = R"([lists.price]
native = "price.csv"
key = "sku"
[lists.price.fields]
amount = "amount"
)";
    const auto least = parse(kLeast);
    ASSERT_TRUE(least);
    EXPECT_FALSE(least->lists.make_door);
    const auto config = parse(std::string{kLeast} + list);
    ASSERT_TRUE(config) << config.error().what;
    EXPECT_EQ(config->lists.names, std::vector{ListName{"price"}});
    EXPECT_TRUE(config->lists.make_door);
    // An agent may have lists and nothing else.
    const std::string text{kLeast};
    EXPECT_TRUE(parse(text.substr(0, text.find("[objects")) + list));
    std::string rest{kLeast};
    rest.replace(rest.find("kind = \"file\"\ndirectory = \"/tmp\""), 32,
                 "kind = \"rest\"\nprofile = \"salesforce\"\nbase_url = \"https://x.example\"\n"
                 "[connector.auth]\nclient_id = \"a\"\nclient_secret = { env = \"A\" }");
    const auto refused = parse(rest + list);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().what.find("`lists` are nothing that the connector \"rest\" can read"),
              std::string::npos)
        << refused.error().what;
    EXPECT_EQ(refused.error().what.find("lists.price"), std::string::npos) << refused.error().what;
}

}  // namespace
}  // namespace syncline::agent
