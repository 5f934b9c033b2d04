#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/connectors/exec/exec_connector.h"
#include "tests/support/manual_clock.h"

namespace syncline::agent {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using namespace std::chrono_literals;

constexpr const char* kObjects = R"(
[objects.customer]
native = "customers"
key = "no"
[objects.customer.fields]
name = "name"
)";

class ExecConfig : public testing::Test {
protected:
    Result<exec::Settings> parse(const std::string& connector) {
        auto root = TomlReader::parse("[connector]\n" + connector + kObjects, "a.toml");
        if (!root) return fail(root.error());
        TomlReader table = root->table("connector");
        TomlReader objects = root->table("objects");
        exec::Settings settings =
            read_exec_settings(table, objects, {clock_, "/srv/agent", "/profiles"});
        if (auto done = root->finish(); !done) return fail(done.error());
        return settings;
    }
    test::ManualClock clock_;
};

TEST_F(ExecConfig, HasDefaults) {
    const auto least = parse("command = [\"python3\", \"erp.py\"]");
    ASSERT_TRUE(least) << least.error().what;
    EXPECT_THAT(least->command, ElementsAre("python3", "erp.py"));
    EXPECT_EQ(least->working_directory.lexically_normal(), "/srv/agent/");
    EXPECT_EQ(least->capabilities, exec::Capabilities{});
    EXPECT_EQ(least->start_timeout, 10s);
    EXPECT_EQ(least->timeout, 30s);
    EXPECT_EQ(least->line_bytes_max, 8u << 20);
    EXPECT_TRUE(least->environment.empty());
}

TEST_F(ExecConfig, TakesEverySetting) {
    const auto all = parse(R"(command = ["bin/erp", "x"]
working_directory = "/srv/erp"
capabilities = ["can_fetch", "waits_for_changes"]
start_timeout_ms = 500
timeout_ms = 2000
read_back_lag_ms = 100
line_bytes_max = 2048
asks.stock = {}
asks.price = {}
operations.book = { idempotent = true }
operations.ship = { find = true }
operations.mail = {}
[connector.environment]
ERP_URL = "https://erp"
ERP_TOKEN = { env = "TOKEN" }
)");
    ASSERT_TRUE(all) << all.error().what;
    EXPECT_EQ(all->command.front(), "/srv/agent/bin/erp");
    EXPECT_EQ(all->working_directory, "/srv/erp");
    EXPECT_EQ(all->read_back_lag, Duration{100ms});
    EXPECT_THAT(all->questions, ElementsAre("price", "stock"));
    ASSERT_EQ(all->operations.size(), 3u);
    EXPECT_EQ(all->operations[0].on_doubt, OnDoubt::kRepeat);
    EXPECT_EQ(all->operations[1].name, "mail");
    EXPECT_EQ(all->operations[1].on_doubt, OnDoubt::kTell);
    EXPECT_EQ(all->operations[2].on_doubt, OnDoubt::kLook);
    ASSERT_EQ(all->environment.size(), 2u);
    EXPECT_TRUE(all->environment[0].secret.configured());
    EXPECT_EQ(all->environment[1].text, "https://erp");
}

TEST_F(ExecConfig, RefusesWhatIsWrongWithItsPlace) {
    const auto bad = parse(R"(command = []
capabilities = ["can_fetch", "fetch"]
timeout_ms = 0
timeuot_ms = 5
operations.book = { idempotent = true, find = true }
[connector.environment]
"A-B" = "x"
PASSWORD = 7
)");
    ASSERT_FALSE(bad);
    for (const char* part :
         {"a.toml:2:11: `connector.command` must name a program",
          "a.toml:3:30: `connector.capabilities` must be of [\"can_fetch\"",
          "a.toml:4:14: `connector.timeout_ms` must be",
          "a.toml:5:1: ", "`connector.environment.A-B` is no name of a variable",
          "a.toml:9:12: `connector.environment.PASSWORD`",
          "`connector.operations.book.find` is never used of what is `idempotent`"}) {
        EXPECT_THAT(bad.error().what, HasSubstr(part));
    }
}

TEST_F(ExecConfig, WantsAMarkerForFinding) {
    const auto bad = parse("command = [\"erp\"]\ncapabilities = [\"has_marker\"]");
    ASSERT_FALSE(bad);
    EXPECT_THAT(bad.error().what, HasSubstr("`objects.customer` needs a `marker`"));
}

}  // namespace
}  // namespace syncline::agent
