// Business events told by HTTP, with the programs as processes: whoever is told checks signatures
// with the Standard Webhooks library, fails, refuses, and wants no more.
#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <vector>

#include "tests/integration/running_system.h"
#include "tests/support/node_server.h"

namespace syncline::test {
namespace {

class Webhooks : public RunningSystem {
protected:
    Webhooks() {
        write("hub.toml", read("hub.toml") + "[webhooks]\nallow = [\"127.0.0.1\"]\n");
        write("webhook.key", receiver.ready("key") + "\n");
        write("policy/policy.toml", read("policy/policy.toml") +
                                        R"([objects.customer.events.registered]
on = "created"
[webhooks.shop]
url    = ")" + receiver.url() +
                                        R"(/events"
events = ["customer.*"]
secret = { file = ")" + (folder / "webhook.key").string() +
                                        "\" }\n");
    }

    struct Told {
        std::string id;
        std::string number;
        bool fault = false;
    };
    std::vector<Told> told() {
        std::vector<Told> all;
        const Value answer = receiver.control("received");
        for (const Value& one : *answer.get<Value::Map>()->at("received").get<Value::List>()) {
            const auto& map = *one.get<Value::Map>();
            Told told{.id = display(map.at("id")), .fault = map.contains("fault")};
            if (!told.fault) {
                EXPECT_EQ(map.at("type"), Value{"customer.registered.v1"});
                told.number = display(map.at("data").get<Value::Map>()->at("number"));
            }
            all.push_back(told);
        }
        return all;
    }
    std::set<std::string> numbers() {
        std::set<std::string> all;
        for (const Told& one : told()) all.insert(one.number);
        return all;
    }
    void answer(int status, int times, const std::string& only = "") {
        receiver.control("answer", {{"status", std::int64_t{status}},
                                    {"times", std::int64_t{times}},
                                    {"body", "says the receiver"},
                                    {"only", only}});
    }
    void drop_many(int from, int to) const {
        std::string rows;
        for (int i = from; i < to; ++i) rows += row(std::to_string(i), "customer");
        drop("customers-" + std::to_string(from) + ".jsonl", rows);
    }
    /// What comes before that is not told: a webhook begins when its policy is in force.
    void start_webhook() {
        start_all();
        ASSERT_TRUE(ctl_says({"webhooks", "show", "shop"}, "shop  "));
    }

    NodeServer receiver{"webhook"};
};

TEST_F(Webhooks, AreSignedAndMissNothingThoughHubsAreKilled) {
    start_webhook();
    for (int round = 0; round < 3; ++round) {
        drop_many(1000 + round * 100, 1100 + round * 100);
        hub->kill9();
        hub = start_hub();
    }
    EXPECT_TRUE(until([&] { return numbers().size() >= 300; })) << numbers().size();
    std::map<std::string, std::string> number_of;
    for (const Told& one : told()) {
        EXPECT_FALSE(one.fault) << one.id;
        // Told twice, it has the id that it had.
        EXPECT_EQ(number_of.try_emplace(one.id, one.number).first->second, one.number);
    }
    EXPECT_EQ(number_of.size(), numbers().size());
}

/// Whoever writes the policy must not reach by it what only the hub reaches.
TEST_F(Webhooks, GoNowhereInsideUnlessThatIsAllowed) {
    const std::string allowed = read("hub.toml");
    write("hub.toml", allowed.substr(0, allowed.find("[webhooks]")));
    start_webhook();
    drop_many(1000, 1003);
    // At once, with what to do; not after minutes as for one that may get well.
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "webhook.failing"));
    EXPECT_TRUE(ctl_says({"webhooks", "show", "shop"}, "127.0.0.1 is loopback"));
    EXPECT_TRUE(ctl_says({"exceptions", "show", "_webhook", "shop"}, "name it in `allow`"));
    EXPECT_TRUE(told().empty()) << "nothing was connected to";
    EXPECT_EQ(hub->stop(), 0);
    write("hub.toml", allowed);
    hub = start_hub();
    EXPECT_TRUE(until([&] { return numbers().size() >= 3; })) << "nothing was lost";
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "webhook.failing", Says::kNoMore));
}

TEST_F(Webhooks, AreTriedAgainUntilTheyAreTaken) {
    start_webhook();
    answer(503, 5);
    drop_many(1000, 1003);
    EXPECT_TRUE(ctl_says({"webhooks", "show", "shop"}, "it answers 503: says the receiver"));
    EXPECT_TRUE(until([&] { return numbers().contains("\"1002\""); })) << numbers().size();
    EXPECT_TRUE(ctl_says({"webhooks", "show", "shop"}, "shop  well"));
}

TEST_F(Webhooks, ThatWantNoMoreAreDisabledAndGoOnWhereTheyStopped) {
    start_webhook();
    answer(410, 1);
    drop_many(1000, 1003);
    EXPECT_TRUE(ctl_says({"webhooks", "show", "shop"}, "disabled: it answers 410"));
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "webhook.failing"));
    EXPECT_FALSE(numbers().contains("\"1000\""));
    std::ignore = ctl({"webhooks", "enable", "shop"});
    EXPECT_TRUE(until([&] { return numbers().size() >= 3; })) << numbers().size();
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "webhook.failing", Says::kNoMore));
    std::ignore = ctl({"webhooks", "disable", "shop", "--reason", "stocktaking"});
    EXPECT_TRUE(ctl_says({"webhooks", "list"}, "disabled"));
}

TEST_F(Webhooks, AnEventThatIsRefusedIsKeptAndTheOthersPass) {
    start_webhook();
    answer(422, 5, "\"1001\"");
    drop_many(1000, 1003);
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "webhook.refused"));
    EXPECT_TRUE(until([&] { return numbers().contains("\"1002\""); })) << numbers().size();
    EXPECT_FALSE(numbers().contains("\"1001\""));
    const std::string dry = ctl({"webhooks", "replay", "shop", "--from", "1h", "--dry-run"});
    EXPECT_NE(dry.find("would send again"), std::string::npos) << dry;
    std::ignore = ctl({"webhooks", "replay", "shop", "--from", "1h"});
    EXPECT_TRUE(until([&] { return numbers().contains("\"1001\""); }));
}

TEST_F(Webhooks, WhoseSecretIsWrongSayWhatIsWrong) {
    write("webhook.key", "sesame\n");
    start_webhook();
    drop_many(1000, 1001);
    EXPECT_TRUE(ctl_says({"webhooks", "show", "shop"}, "is not whsec_ and base64"));
    EXPECT_TRUE(told().empty());
    write("webhook.key", receiver.ready("key") + "\n");
    EXPECT_TRUE(until([&] { return numbers().contains("\"1000\""); }));
}

}  // namespace
}  // namespace syncline::test
