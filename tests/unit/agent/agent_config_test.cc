#include "agent/agent_config.h"

#include <gtest/gtest.h>

#include "shared/base/text_file.h"
#include "shared/base/toml_reader.h"
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

TEST_F(AgentConfigFile, ListsEverySettingOfTheQuotaAtItsDefault) {
    const std::string text =
        test::uncommented(std::filesystem::path{SYNCLINE_SOURCE_DIR} / "configs/agent.toml",
                          {"credentials_file", "nkey_seed_file", "user", "password", "tls_ca_file",
                           "tls_cert_file", "tls_key_file"});
    const auto all = parse(text, "agent.toml");
    ASSERT_TRUE(all) << all.error().what;
    const auto least = parse(kLeast);
    ASSERT_TRUE(least) << least.error().what;
    EXPECT_EQ(all->settings.quota, least->settings.quota);
    EXPECT_NE(text.find("\nreserve_percent = 10\n"), std::string::npos);
}

TEST_F(AgentConfigFile, HasAStandbyOnlyWhereItSaysSo) {
    EXPECT_FALSE(parse(kLeast)->standby);
    EXPECT_TRUE(parse("standby = true\n" + std::string{kLeast})->standby);
    const auto wrong = parse("standby = \"app2\"\n" + std::string{kLeast});
    ASSERT_FALSE(wrong);
    EXPECT_NE(wrong.error().what.find("a.toml:1:11: `standby` must be"), std::string::npos)
        << wrong.error().what;
}

TEST_F(AgentConfigFile, TakesTheQuotaOfTheProfileUnlessItIsDeclared) {
    const std::string business_central = R"(platform = "erp"
store = "erp.db"
[connector]
kind = "rest"
profile = "business_central"
base_url = "https://erp.example"
[connector.auth]
client_id = "c"
client_secret = { env = "SECRET" }
token_url = "https://login.example/token"
[objects.customer]
native = "customers"
[objects.customer.fields]
number = "number"
)";
    const auto profiled = parse(business_central);
    ASSERT_TRUE(profiled) << profiled.error().what;
    EXPECT_EQ(profiled->settings.quota.limit, 6'000u);
    EXPECT_EQ(profiled->settings.quota.window,
              (QuotaWindow{.length = std::chrono::minutes{5}, .resets_at = {}}));
    const auto declared = parse(business_central +
                                "[quota]\nlimit = 500\nreserve_calls = 100\nwindow_s = 3600\n"
                                "resets_at = \"06:30\"\n");
    ASSERT_TRUE(declared) << declared.error().what;
    EXPECT_EQ(declared->settings.quota,
              (QuotaSettings{.limit = 500,
                             .reserve_percent = 10,
                             .reserve_calls = 100,
                             .window = {.length = std::chrono::hours{1},
                                        .resets_at = std::chrono::minutes{390}}}));
}

TEST_F(AgentConfigFile, RefusesQuotasThatMakeNoSenseWithTheirPlaces) {
    const auto config = parse(std::string{kLeast} +
                              "[quota]\nlimit = 100\nreserve_percent = 100\nreserve_calls = 100\n"
                              "window_s = 7000\nresets_at = \"6 am\"\nreset = 5\n");
    ASSERT_FALSE(config);
    const std::string& what = config.error().what;
    for (const char* part :
         {"a.toml:13:19: `quota.reserve_percent` must be a whole number from 0 to 99",
          "a.toml:14:17: `quota.reserve_calls` leaves nothing of the limit of 100 calls",
          "a.toml:16:13: `quota.resets_at` must be a time of day in UTC such as \"06:30\"",
          "a.toml:17:1: unknown key `quota.reset`"}) {
        EXPECT_NE(what.find(part), std::string::npos) << part << "\n" << what;
    }
    const auto odd =
        parse(std::string{kLeast} + "[quota]\nwindow_s = 7000\nresets_at = \"06:00\"\n");
    ASSERT_FALSE(odd);
    EXPECT_NE(odd.error().what.find("a.toml:13:13: `quota.resets_at` a window that ends at a time"),
              std::string::npos)
        << odd.error().what;
}

TEST_F(AgentConfigFile, TheExamplesOfDatabasesAreSoundAndHaveTriggers) {
    const std::filesystem::path folder =
        std::filesystem::path{SYNCLINE_SOURCE_DIR} / "configs/agents";
    for (const char* name : {"mariadb.toml", "sqlite.toml"}) {
        const auto config = load_agent_config(folder / name, clock_);
        ASSERT_TRUE(config) << config.error().what;
        auto root = TomlReader::load(folder / name);
        ASSERT_TRUE(root);
        const auto sql = connector_triggers(*root, {clock_, folder, folder});
        ASSERT_TRUE(sql) << sql.error().what;
        EXPECT_NE(sql->find("AFTER INSERT ON"), std::string::npos);
    }
}

TEST_F(AgentConfigFile, EachProfileHasAnExampleThatIsSound) {
    const std::filesystem::path configs = std::filesystem::path{SYNCLINE_SOURCE_DIR} / "configs";
    std::size_t count = 0;
    for (const auto& profile : std::filesystem::directory_iterator{configs / "profiles"}) {
        if (profile.path().extension() != ".toml") continue;
        const std::string name = profile.path().filename().string();
        const auto text = read_text_file(configs / "agents" / name, 1 << 20);
        ASSERT_TRUE(text) << text.error().what;
        const auto config = parse(*text, name.c_str());
        ASSERT_TRUE(config) << config.error().what;
        EXPECT_NE(text->find("\nprofile = \"" + profile.path().stem().string() + "\""),
                  std::string::npos)
            << name;
        ++count;
    }
    EXPECT_GE(count, 12U);
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

constexpr const char* kOperations = R"(platform = "shop"
store = "shop.db"
[connector]
kind = "rest"
profile = "salesforce"
base_url = "https://x.example"
[connector.auth]
client_id = "a"
client_secret = { env = "A" }
[connector.operations.fulfil]
path = "/fulfil"
headers = { Idempotency-Key = "{idempotency_key}" }
idempotent = true
[connector.operations.book]
path = "/book/{input.order}"
[connector.operations.book.find]
path = "/bookings"
query = { key = "{idempotency_key}" }
[objects.customer]
native = "Account"
[objects.customer.fields]
name = "Name"
[operations.fulfil]
owner = "logistics"
[operations.fulfil.input]
order = { type = "string", required = true }
[operations.fulfil.output]
number = "string"
)";

TEST_F(AgentConfigFile, TakesOperationsAndWhatMayBeDoneWithThoseInDoubt) {
    const auto config = parse(std::string{kOperations} + "[operations.book]\ndeadline_ms = 1500\n");
    ASSERT_TRUE(config) << config.error().what;
    const auto& operating = config->settings.operating;
    EXPECT_EQ(operating.retention, Duration{std::chrono::days{90}});
    ASSERT_EQ(operating.operations.size(), 2u);
    EXPECT_EQ(operating.operations[0].form.name, "book");
    EXPECT_EQ(operating.operations[0].form.deadline, Duration{std::chrono::milliseconds{1'500}});
    EXPECT_EQ(operating.operations[0].on_doubt, OnDoubt::kLook);
    EXPECT_EQ(operating.operations[1].on_doubt, OnDoubt::kRepeat);
    EXPECT_EQ(operating.operations[1].form.owner, "logistics");
    EXPECT_EQ(operating.operations[1].form.deadline, Duration{std::chrono::minutes{1}});
    ASSERT_EQ(operating.operations[1].form.input.size(), 1u);
}

TEST_F(AgentConfigFile, RefusesOperationsThatAreCarriedOutInNoWay) {
    const auto unknown = parse(std::string{kOperations} + "[operations.fulfill]\n");
    ASSERT_FALSE(unknown);
    EXPECT_NE(unknown.error().what.find("a.toml:29:1: `operations.fulfill` is carried out in no "
                                        "way: [connector.operations.fulfill] is missing"),
              std::string::npos)
        << unknown.error().what;
    EXPECT_NE(unknown.error().what.find("fulfil`"), std::string::npos) << unknown.error().what;
    const auto wrong =
        parse(std::string{kOperations} +
              "[operations.book]\nper_second = 1\n[operating]\n"
              "retention_ms = 5\n[connector.operations.fulfil.find]\npath = \"x\"\n");
    ASSERT_FALSE(wrong);
    for (const char* part : {"operations.book.per_second", "operating.retention_ms",
                             "must begin with a /", "is never used of what is `idempotent`"}) {
        EXPECT_NE(wrong.error().what.find(part), std::string::npos) << part << "\n"
                                                                    << wrong.error().what;
    }
}

}  // namespace
}  // namespace syncline::agent
