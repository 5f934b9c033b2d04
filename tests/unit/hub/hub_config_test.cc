#include "hub/hub_config.h"

#include <gtest/gtest.h>

#include "tests/support/config_text.h"

namespace syncline::hub {
namespace {

TEST(HubConfigFile, ListsEverySettingAtItsDefault) {
    const std::string text =
        test::uncommented(std::filesystem::path{SYNCLINE_SOURCE_DIR} / "configs/hub.toml",
                          {"user", "password", "token"});
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
