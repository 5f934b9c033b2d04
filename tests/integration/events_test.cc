// Business events, with the programs as processes: each is told once, also by hubs that are killed.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "shared/base/json.h"
#include "tests/integration/running_system.h"

namespace syncline::test {
namespace {

class Events : public RunningSystem {
protected:
    Events() {
        write("policy/policy.toml",
              read("policy/policy.toml") + R"([objects.customer.events.registered]
on = "created"
description = "A customer is known"
[objects.customer.events.famous]
when = 'name == "Ada"'
fields = ["name"]
version = 2
)");
    }
    /// What `events show` has of one event: how often for each number or name.
    std::map<std::string, int> told(const std::string& event, const std::string& field) const {
        const auto said =
            parse_json(ctl({"events", "show", "--event", event, "--limit", "10000", "--json"}));
        std::map<std::string, int> times;
        if (!said) return times;
        const auto& data = said->get<Value::Map>()->at("data");
        for (const Value& one : *data.get<Value::Map>()->at("events").get<Value::List>()) {
            const auto& fields = one.get<Value::Map>()->at("data");
            ++times[display(fields.get<Value::Map>()->at(field))];
        }
        return times;
    }
    void drop_many(int from, int to) const {
        std::string rows;
        for (int i = from; i < to; ++i) rows += row(std::to_string(i), "customer");
        drop("customers-" + std::to_string(from) + ".jsonl", rows);
    }
};

TEST_F(Events, AreToldOnceEachThoughHubsAreKilled) {
    start_all();
    for (int round = 0; round < 4; ++round) {
        drop_many(1 + round * 100, 101 + round * 100);
        hub->kill9();
        hub = start_hub();
    }
    EXPECT_TRUE(until([&] { return told("customer.registered", "number").size() == 401; }))
        << told("customer.registered", "number").size();
    for (const auto& [number, times] : told("customer.registered", "number")) {
        EXPECT_EQ(times, 1) << number;
    }
}

TEST_F(Events, AreToldEachTimeTheyComeTrue) {
    start_all();
    int files = 0;
    for (const char* name : {"Ada", "Bea", "Ada"}) {
        drop("again-" + std::to_string(++files) + ".jsonl", row("7", name));
        EXPECT_TRUE(ctl_says({"entity", "show", "customer", "7"}, name));
    }
    EXPECT_TRUE(until([&] { return told("customer.famous", "name")["\"Ada\""] == 2; }))
        << ctl({"events", "show"});
    const std::string said = ctl({"events", "list"});
    EXPECT_NE(said.find("customer.famous.v2"), std::string::npos) << said;
    EXPECT_NE(said.find("name == \"Ada\""), std::string::npos) << said;
}

}  // namespace
}  // namespace syncline::test
