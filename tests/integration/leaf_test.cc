// A site behind a poor link: its agent speaks to a nats-server of the site, a leaf of the one where
// the streams are.
#include <gtest/gtest.h>

#include "tests/integration/running_system.h"
#include "tests/support/free_port.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;

/// What the leaf has of its own: nothing, or a JetStream of its own, in a domain of its own.
enum class Leaf : std::uint8_t { kWithoutJetStream, kOwnJetStream };

NatsServer::Options centre(std::uint16_t leaf_port) {
    return {.config = "leafnodes { listen: \"127.0.0.1:" + std::to_string(leaf_port) + "\" }\n",
            .jetstream = "domain: hub"};
}

class Site : public RunningSystem, public testing::WithParamInterface<Leaf> {
protected:
    Site() : Site(free_port()) {}
    explicit Site(std::uint16_t leaf_port)
        : RunningSystem(centre(leaf_port)),
          leaf({.config = "leafnodes { remotes: [ { url: \"nats-leaf://127.0.0.1:" +
                          std::to_string(leaf_port) + "\" } ] }\n",
                .jetstream =
                    GetParam() == Leaf::kOwnJetStream ? "domain: site" : "enabled: false"}) {
        std::string text = read("shop.toml");
        const auto at = text.find(server.url());
        text.replace(at, server.url().size(), leaf.url());
        // Whose streams: the leaf would answer `$JS.API` itself, or nobody would.
        text.insert(text.find("[reading]"), "jetstream_prefix = \"$JS.hub.API\"\n");
        write("shop.toml", text);
    }

    NatsServer leaf;
};

TEST_P(Site, ItsAgentTakesPartThroughTheLeaf) {
    start_all();
    drop("customers-a.jsonl", row("1", "Ada") + row("2", "Bob"));
    EXPECT_TRUE(arrives({"1", "2"}));
    EXPECT_TRUE(ctl_says({"doctor"}, "shop"));
}

TEST_P(Site, WhatChangesWhileTheLinkIsDownArrivesOnceItIsBack) {
    start_all();
    drop("customers-a.jsonl", row("1", "Ada"));
    ASSERT_TRUE(arrives({"1"}));
    server.stop();  // The leaf stays, and the agent stays connected to it.
    drop("customers-b.jsonl", row("2", "Bob"));
    EXPECT_TRUE(until([&] { return !waits("customers-b.jsonl"); })) << "it is kept meanwhile";
    server.start();
    EXPECT_TRUE(arrives({"1", "2"}));
    EXPECT_TRUE(shop->runs());
}

TEST_P(Site, ALeafThatDiesLosesNothing) {
    start_all();
    drop("customers-a.jsonl", row("1", "Ada"));
    leaf.kill9();
    drop("customers-b.jsonl", row("2", "Bob"));
    EXPECT_TRUE(until([&] { return !waits("customers-b.jsonl"); }));
    leaf.start();
    EXPECT_TRUE(arrives({"1", "2"}));
}

INSTANTIATE_TEST_SUITE_P(Leafs, Site, testing::Values(Leaf::kWithoutJetStream, Leaf::kOwnJetStream),
                         [](const auto& leaf) {
                             return leaf.param == Leaf::kOwnJetStream ? "OwnJetStream"
                                                                      : "WithoutJetStream";
                         });

}  // namespace
}  // namespace syncline::test
