#include "hub/hub_config.h"

#include <gtest/gtest.h>

#include "tests/support/config_text.h"

namespace syncline::hub {
namespace {

TEST(HubConfigFile, ListsEverySettingAtItsDefault) {
    const std::string text =
        test::uncommented(std::filesystem::path{SYNCLINE_SOURCE_DIR} / "configs/hub.toml",
                          {"user", "password", "token", "key"});
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
