#include "hub/hub_config.h"

#include <gtest/gtest.h>

#include "tests/support/config_text.h"

namespace syncline::hub {
namespace {

TEST(HubConfigFile, ListsEverySettingAtItsDefault) {
    const std::string text =
        test::uncommented(std::filesystem::path{SYNCLINE_SOURCE_DIR} / "configs/hub.toml",
                          {"user", "password", "token", "key", "client_secret"});
    const auto all = parse_hub_config(text, "hub.toml");
    ASSERT_TRUE(all) << all.error().what;
    const auto least = parse_hub_config("policy = \"policy\"", "least.toml");
    ASSERT_TRUE(least) << least.error().what;
    EXPECT_EQ(all->options, least->options);
    EXPECT_EQ(all->streams, least->streams);
    EXPECT_EQ(all->nats.urls, least->nats.urls);
    EXPECT_EQ(all->metrics_port, least->metrics_port);
    EXPECT_EQ(all->api.port, least->api.port);
    EXPECT_EQ(all->api.address, least->api.address);
    EXPECT_EQ(all->api.oidc.issuer, least->api.oidc.issuer);
    EXPECT_EQ(all->api.oidc.name, least->api.oidc.name);
    EXPECT_EQ(all->api.oidc.scopes, least->api.oidc.scopes);
    EXPECT_EQ(all->api.oidc.person_claim, least->api.oidc.person_claim);
    EXPECT_EQ(all->api.oidc.groups_claim, least->api.oidc.groups_claim);
    EXPECT_EQ(all->webhook_targets, least->webhook_targets);
    EXPECT_EQ(all->links.base, least->links.base);
    EXPECT_EQ(all->mail.server, least->mail.server);
}

TEST(HubConfigFile, LinksAndMailsNeedWhatTheyAreMadeWith) {
    const auto problem = [](const std::string& text) {
        const auto config = parse_hub_config("policy = \"p\"\n" + text, "h.toml");
        return config ? std::string{} : config.error().what;
    };
    const std::string api = "[api]\nport = 80\n";
    const std::string links = "[links]\nbase = \"https://s.example\"\n";
    const std::string key = "key = { env = \"K\" }\n";
    EXPECT_EQ(problem(api + links + key), "");
    EXPECT_NE(problem(api + links).find("h.toml"), std::string::npos);
    EXPECT_NE(problem(links + key).find("need the `[api]`"), std::string::npos);
    EXPECT_NE(problem("[mail]\nserver = \"smtp://m\"\n").find("is no address"), std::string::npos);
    EXPECT_NE(problem("[mail]\nserver = \"m\"\nfrom = \"a@b\"\n").find("must begin with"),
              std::string::npos);
    EXPECT_NE(problem("[mail]\nserver = \"smtp://m\"\nfrom = \"a@b\"\nuser = \"u\"\n")
                  .find("belong together"),
              std::string::npos);
}

TEST(HubConfigFile, AProxyIsAnAddress) {
    const std::string api = "policy = \"p\"\n[api]\nport = 80\n";
    const auto config = parse_hub_config(api + "proxies = [\"10.0.0.1\", \"::1\"]\n", "h.toml");
    ASSERT_TRUE(config) << config.error().what;
    EXPECT_EQ(config->api.proxies, (std::vector<std::string>{"10.0.0.1", "::1"}));
    for (const char* wrong : {"proxy.example", "10.0.0.0/8", "10.0.0.1:80"}) {
        const auto refused =
            parse_hub_config(api + "proxies = [\"10.0.0.1\", \"" + wrong + "\"]\n", "h.toml");
        ASSERT_FALSE(refused) << wrong;
        EXPECT_NE(refused.error().what.find("h.toml:4:"), std::string::npos);
        EXPECT_NE(refused.error().what.find("must be IP addresses"), std::string::npos);
    }
}

TEST(HubConfigFile, SaysWhereWebhooksMayGo) {
    const std::string policy = "policy = \"p\"\n[webhooks]\n";
    AddressGuard allowed;
    ASSERT_TRUE(allowed.allow("10.0.0.0/8"));
    const auto config = parse_hub_config(policy + "allow = [\"10.0.0.0/8\"]\n", "h.toml");
    ASSERT_TRUE(config) << config.error().what;
    EXPECT_EQ(config->webhook_targets, allowed);
    const auto wrong = parse_hub_config(policy + "allow = [\"a.example\", \"*\"]\n", "h.toml");
    ASSERT_FALSE(wrong);
    EXPECT_NE(wrong.error().what.find("h.toml:3:23: `webhooks.allow` is wrong: `*` is no host"),
              std::string::npos)
        << wrong.error().what;
    EXPECT_NE(parse_hub_config(policy + "alow = []\n", "h.toml").error().what.find("`allow`"),
              std::string::npos);
}

TEST(HubConfigFile, SaysWhereAndHowPeopleSignIn) {
    const std::string fine =
        "policy = \"p\"\n[api]\nport = 80\naddress = \"0.0.0.0\"\n[api.oidc]\n"
        "issuer = \"https://id.example/\"\nclient_id = \"c\"\nbase = \"https://s.example/ops/\"\n"
        "groups_claim = [\"realm_access\", \"roles\"]\n"
        "[[api.oidc.grants]]\ngroups = [\"a\"]\nroles = [\"operator\"]\nobjects = "
        "[\"order\"]\nregions = [\"EU\"]\n"
        "[[api.oidc.grants]]\ngroups = []\nroles = [\"viewer\"]\n";
    const auto config = parse_hub_config(fine, "h.toml");
    ASSERT_TRUE(config) << config.error().what;
    const oidc::Settings& oidc = config->api.oidc;
    EXPECT_EQ(oidc.redirect_uri(), "https://s.example/ops/v1/oidc/callback");
    ASSERT_EQ(oidc.grants.size(), 2U);
    EXPECT_TRUE(oidc.grants[0].sees_personal);
    EXPECT_EQ(oidc.grants[0].regions, std::vector<std::string>{"EU"});
    EXPECT_FALSE(oidc.grants[1].sees_personal) << "who only looks";
    struct Row {
        std::string from;
        std::string to;
        std::string told;
    };
    const std::vector<Row> rows{
        {"issuer = \"https://id.example/\"", "issuer = \"http://id.example\"",
         "h.toml:6:10: `api.oidc.issuer` must be an https:// URL"},
        {"client_id = \"c\"", "client_ids = \"c\"", "did you mean `client_id`"},
        {"client_id = \"c\"", "client_secret = \"s\"", "client_secret"},
        {"https://s.example/ops/", "https://s.example/ops", "that ends with a slash"},
        {"https://s.example/ops/", "https://s.example/?a=/", "that ends with a slash"},
        {"\"realm_access\", \"roles\"", "", "must name a claim"},
        {"[\"operator\"]", "[\"operater\"]", "must be viewer, operator"},
        {"groups = []\n", "", "groups"},
        {"objects = ", "object = ", "did you mean `objects`"}};
    for (const Row& row : rows) {
        std::string text = fine;
        text.replace(text.find(row.from), row.from.size(), row.to);
        const auto wrong = parse_hub_config(text, "h.toml");
        ASSERT_FALSE(wrong) << row.to;
        EXPECT_NE(wrong.error().what.find(row.told), std::string::npos) << wrong.error().what;
    }
    const auto nobody = parse_hub_config(fine.substr(0, fine.find("[[")), "h.toml");
    ASSERT_FALSE(nobody);
    EXPECT_NE(nobody.error().what.find("nobody may do anything"), std::string::npos);
}

TEST(HubConfigFile, TellsEveryProblemWithItsPlace) {
    const auto config = parse_hub_config(
        "polcy = \"x\"\n[limits]\nwindow = 3\nwarm_up = \"yes\"\n[streams]\nreplicas = 2\n",
        "h.toml");
    ASSERT_FALSE(config);
    EXPECT_EQ(config.error().kind, ErrorKind::kInvalid);
    for (const char* part : {"h.toml:1:", "polcy", "h.toml:3:", "window", "h.toml:4:", "warm_up",
                             "h.toml:6:", "replicas", "policy"}) {
        EXPECT_NE(config.error().what.find(part), std::string::npos) << part;
    }
}

}  // namespace
}  // namespace syncline::hub
