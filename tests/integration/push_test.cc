// Change Data Capture from end to end, with the programs as processes: Salesforce's stand-in says
// what changed, its agent polls once an hour, and `books` hears of it all the same.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <thread>

#include "tests/integration/running_system.h"
#include "tests/support/node_server.h"

namespace syncline::test {
namespace {

namespace fs = std::filesystem;

class Push : public RunningSystem {
protected:
    Push() {
        write("client.secret", salesforce.ready("client_secret"));
        write_shop("3_600_000");
    }
    void write_shop(const std::string& poll_ms, const std::string& push = "[connector.push]\n") {
        write("shop.toml", "platform = \"shop\"\nstore = \"shop.db\"\npoll_ms = " + poll_ms +
                               "\nwatch_ms = 200\npresence_ms = 200\n[nats]\nurls = [\"" +
                               server.url() + R"("]
[reading]
retry_first_ms = 50
retry_most_ms = 400
[publishing]
retry_first_ms = 50
retry_most_ms = 200
receipt_timeout_ms = 1000
[connector]
kind = "rest"
profile = ")" SYNCLINE_SOURCE_DIR R"(/configs/profiles/salesforce.toml"
overlap_s = 30
safety_s = 1
base_url = ")" + salesforce.url() +
                               "\"\n[connector.auth]\nclient_id = \"" +
                               salesforce.ready("client_id") + "\"\nclient_secret = { file = \"" +
                               (folder / "client.secret").string() + "\" }\n" + push + R"(
[objects.customer]
native = "Account"
[objects.customer.fields]
number = "AccountNumber"
name = "Name"
)");
    }
    void start(const std::string& state = "\"state\":\"up\"") {
        hub = start_hub();
        shop = start_agent("shop");
        books = start_agent("books");
        ASSERT_TRUE(ctl_says({"--json", "status"}, state)) << ctl({"--json", "status"});
    }
    std::string create(const std::string& number, const std::string& name = "n") {
        return salesforce.create("Account", {{"AccountNumber", number}, {"Name", name}});
    }
    /// Was `books` told of that text?
    [[nodiscard]] bool told(const std::string& text) const {
        return until([&] {
            for (const auto& file : fs::directory_iterator{folder / "books/out"}) {
                std::ifstream in{file.path()};
                const std::string all{std::istreambuf_iterator<char>{in}, {}};
                if (all.find(text) != std::string::npos) return true;
            }
            return false;
        });
    }
    [[nodiscard]] bool is_up() const { return ctl_says({"--json", "status"}, "\"state\":\"up\""); }

    NodeServer salesforce{"salesforce", {"--poll-ms", "5000"}};
};

TEST_F(Push, IsHeardLongBeforeThePoll) {
    start();
    const std::string id = create("1", "first name");
    EXPECT_TRUE(arrives({"1"}));
    salesforce.edit("Account", id, {{"Name", "second name"}});
    EXPECT_TRUE(told("second name"));
}

/// The same without: only then the tests above and below say anything.
TEST_F(Push, IsWhatBringsItHere) {
    write_shop("3_600_000", "");
    start("\"platform\":\"shop\"");
    ASSERT_TRUE(until([&] {
        return ctl({"--json", "status"}).contains("\"read_origin\":\"live\"");
    }));
    create("1");
    std::this_thread::sleep_for(std::chrono::seconds{3});
    EXPECT_FALSE(arrived().contains("1"));
    EXPECT_FALSE(ctl({"--json", "status"}).contains("\"push\":{"));
}

TEST_F(Push, GoesOnWhereItWasAfterAKill) {
    start();
    create("1");
    ASSERT_TRUE(arrives({"1"}));
    shop->kill9();
    // The first poll after a start would find these by their stamps.
    create("2");
    salesforce.control("edit", {{"object", "Account"},
                                {"id", create("3", "before")},
                                {"fields", Value::Map{{"Name", "unstamped"}}},
                                {"stamp", "none"}});
    shop = start_agent("shop");
    EXPECT_TRUE(arrives({"1", "2", "3"}));
    EXPECT_TRUE(told("unstamped"));
}

TEST_F(Push, TellsEachChangeOnceHoweverTheEventsCome) {
    start();
    for (const char* kind : {"event_repeated", "event_late", "event_gap"}) {
        salesforce.fault({{"kind", kind}});
        create(kind);
    }
    EXPECT_TRUE(arrives({"event_repeated", "event_late", "event_gap"}));
    // Four at least: who connects again after the late one hears those behind it once more.
    EXPECT_TRUE(until([&] {
        return !ctl({"--json", "status"}).contains("\"push\":{\"events\":3,");
    }));
    // An event counts when it is heard, a change when it is told.
    EXPECT_TRUE(ctl_says({"--json", "status"}, "\"changes\":3"));
}

TEST_F(Push, AnOverflowReadsTheObjectAtOnce) {
    start();
    salesforce.fault({{"kind", "event_overflow"}});
    create("1");
    EXPECT_TRUE(arrives({"1"}));
    EXPECT_TRUE(ctl({"--json", "status"}).contains("\"reads\":1"));
}

TEST_F(Push, AnExpiredReplayIdIsSaidAndWhatWasMissedIsRead) {
    start();
    create("1");
    ASSERT_TRUE(arrives({"1"}));
    shop->kill9();
    create("2");
    salesforce.fault({{"kind", "expire_events"}});
    shop = start_agent("shop");
    EXPECT_TRUE(arrives({"1", "2"}));
    EXPECT_TRUE(until([&] { return shop->says("you provided was invalid"); }));
    create("3");
    EXPECT_TRUE(arrives({"1", "2", "3"}));
}

TEST_F(Push, ASessionThatEndsInMidPollCostsNothing) {
    start();
    create("1");
    ASSERT_TRUE(arrives({"1"}));
    salesforce.fault({{"kind", "expire_sessions"}});
    create("2");
    EXPECT_TRUE(arrives({"1", "2"}));
    EXPECT_FALSE(shop->says("pushes are not heard")) << shop->said();
}

TEST_F(Push, AServerThatIsGoneForAWhileLosesNothing) {
    start();
    create("1");
    ASSERT_TRUE(arrives({"1"}));
    salesforce.fault({{"kind", "down"}});
    EXPECT_TRUE(ctl_says({"status"}, "push_down")) << ctl({"status"});
    EXPECT_TRUE(shop->says("pushes are not heard"));
    create("2");
    salesforce.fault({{"kind", "forget_clients"}});
    salesforce.fault({{"kind", "up"}});
    EXPECT_TRUE(arrives({"1", "2"}));
    EXPECT_TRUE(is_up());
    EXPECT_TRUE(ctl_says({"status"}, "push_down", Says::kNoMore));
}

TEST_F(Push, AnEventThatNeverComesIsFoundByThePoll) {
    write_shop("300");
    start();
    salesforce.fault({{"kind", "event_lost"}, {"count", "always"}});
    create("1");
    EXPECT_TRUE(arrives({"1"}));
}

TEST_F(Push, IsTriedByAProbe) {
    const auto probe = [&] {
        const fs::path out = folder / "probe.out";
        fs::remove(out);
        Program program{"syncline-agent", {"probe", (folder / "shop.toml").string()}, {.log = out}};
        program.wait();
        return program.said();
    };
    EXPECT_TRUE(probe().contains("ok    pushes are heard")) << probe();
    write_shop("3_600_000", "[connector.push]\nchannels = [\"/data/NoSuchEvent\"]\n");
    EXPECT_TRUE(probe().contains("FAIL  pushes: /data/NoSuchEvent is not heard")) << probe();
    write_shop("3_600_000", "");
    EXPECT_FALSE(probe().contains("pushes")) << "none are wanted";
}

TEST_F(Push, GarbageInPlaceOfEventsStopsNothingElse) {
    write_shop("300");
    start();
    salesforce.fault({{"kind", "html_200"}, {"path", "/cometd"}, {"count", "always"}});
    salesforce.fault({{"kind", "forget_clients"}});
    EXPECT_TRUE(ctl_says({"--json", "status"}, "\"state\":\"down\""));
    create("1");
    EXPECT_TRUE(arrives({"1"})) << "by polling";
    salesforce.clear();
    EXPECT_TRUE(is_up());
}

}  // namespace
}  // namespace syncline::test
