// The profile for ERPNext, against the stand-in; configured by TOML, as an agent is.
#include <fstream>
#include <set>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include "tests/conformance/rest_platform.h"

namespace syncline::test {
namespace {

using enum ErrorKind;

class Erpnext final : public RestPlatform {
public:
    Erpnext() : RestPlatform("erpnext", "Customer", "customer_name") {}
    explicit Erpnext(std::vector<std::string> flags, std::string native = "Customer")
        : RestPlatform("erpnext", "Customer", "customer_name", std::move(flags)),
          native_(std::move(native)) {}
    [[nodiscard]] bool tells_deletions() const override { return false; }

    [[nodiscard]] std::string config() const override {
        return R"(
[connector]
kind = "rest"
profile = "erpnext"
overlap_s = 1
safety_s = 0
timeout_ms = 5_000
base_url = ")" +
               server.url() + "\"\n[connector.auth]\ntoken = " + secret("token") +
               "\n[objects.customer]\nnative = \"" + native_ + R"("
[objects.customer.fields]
name = "customer_name"
credit_limit = { path = "credit_limit", type = "decimal", decimals = 2 }
)";
    }

private:
    std::string native_ = "Customer";
};

const bool registered =
    register_connector_conformance("erpnext", [] { return std::make_unique<Erpnext>(); });

/// Reads until there is no more; the documents' names.
std::set<std::string> names_read(agent::Connector& connector, agent::Cursor& cursor,
                                 std::size_t max = 200) {
    std::set<std::string> seen;
    for (int pages = 0; pages < 100; ++pages) {
        const auto batch = connector.read(cursor, max, {});
        if (!batch) throw std::runtime_error(batch.error().what);
        for (const agent::Record& record : batch->records) seen.insert(record.id.text);
        cursor = batch->next;
        if (!batch->more) return seen;
    }
    throw std::runtime_error("reading does not end");
}

Command create_of(const Platform& platform, const std::string& text) {
    Command command;
    command.kind = CommandKind::kCreate;
    command.entity = {platform.object(), EntityId{"one"}};
    command.fields = Fields{{platform.field(), Value{text}}};
    return command;
}

TEST(ErpnextStandIn, NamesThatSortAndCompareWithoutCaseArePagedOverAndFound) {
    ASSERT_TRUE(registered);
    Erpnext platform;
    const std::set<std::string> names{"acme",     "Bolt",       "bolt b",     "Äpfel & Co",
                                      "a/b #1?%", "Zeta's",     "\"quoted\"", "100 %",
                                      "öre",      "back\\slash"};
    for (const std::string& name : names) platform.create(name);
    platform.settle();
    const auto connector = platform.connector();
    agent::Cursor cursor;
    EXPECT_EQ(names_read(*connector, cursor, 3), names);
    for (const std::string& name : names) {
        const auto fetched = connector->fetch(platform.object(), RecordId{name}, {});
        EXPECT_TRUE(fetched && *fetched && (*fetched)->id.text == name) << name;
    }
}

TEST(ErpnextStandIn, ASiteElsewhereIsNotReadSinceItsStampsAreHoursOff) {
    for (const auto& [zone, offset] : {std::pair{"Asia/Kolkata", "330"}, {"UTC", "0"}}) {
        Erpnext platform{{"--time-zone", zone, "--utc-offset-minutes", offset}};
        const auto asked = platform.connector()->connect({});
        EXPECT_EQ(asked.has_value(), std::string{zone} == "UTC");
        const auto read = platform.connector()->read({}, 10, {});
        EXPECT_EQ(read.has_value(), std::string{zone} == "UTC");
        if (read) continue;
        EXPECT_EQ(asked.error().kind, kDenied);
        EXPECT_EQ(read.error().kind, kDenied);
        EXPECT_NE(read.error().what.find(zone), std::string::npos) << read.error().what;
    }
}

TEST(ErpnextStandIn, TwoThatFindNothingMakeOne) {
    Erpnext platform;
    const Command once = create_of(platform, "Acme");
    ASSERT_TRUE(platform.connector()->write(once, {}));
    // What looks for it sees the site as it was before.
    platform.server.fault({{"kind", "read_lag"}, {"delay_ms", 60'000}});
    const auto second = platform.connector()->write(once, {});
    ASSERT_FALSE(second) << "the field for our key is unique";
    EXPECT_EQ(second.error().kind, kConflict);
    EXPECT_EQ(platform.count(), 1u);
}

TEST(ErpnextStandIn, WhatIsCommittedLateIsToldWithinTheOverlap) {
    Erpnext platform;
    const auto connector = connector_from([&] {
        std::string text = platform.config();
        return text.replace(text.find("overlap_s = 1"), 13, "overlap_s = 600");
    }());
    platform.create("early");
    platform.settle();
    agent::Cursor cursor;
    EXPECT_EQ(names_read(*connector, cursor).size(), 1u);
    std::jthread person{[&] {
        platform.server.control("create", {{"object", "Customer"},
                                           {"fields", Value::Map{{"customer_name", "late"}}},
                                           {"hold_ms", 3'500}});
    }};
    platform.settle();
    EXPECT_FALSE(names_read(*connector, cursor).contains("late"));
    person.join();
    platform.settle();
    EXPECT_TRUE(names_read(*connector, cursor).contains("late"));
}

TEST(ErpnextStandIn, AnAddressWithoutItsSiteSaysNothingOfDocuments) {
    Erpnext platform{{"--site", "acme.example"}};
    const auto connector = platform.connector();
    const auto fetched = connector->fetch(platform.object(), RecordId{"Acme"}, {});
    ASSERT_FALSE(fetched) << "it is not gone";
    EXPECT_EQ(fetched.error().kind, kUnavailable);
}

TEST(ErpnextStandIn, ATypeWithoutTheMarkerOrNotThereAtAllIsRefusedForGood) {
    for (const char* native : {"Territory", "Custmer"}) {
        Erpnext platform{{}, native};
        const auto made = platform.connector()->write(create_of(platform, "Acme"), {});
        ASSERT_FALSE(made);
        EXPECT_EQ(made.error().kind, kInvalid) << made.error().what;
    }
}

TEST(ErpnextStandIn, ASecretThatWasReplacedIsSaidAndTheNewOneIsTaken) {
    Erpnext platform;
    platform.server.fault({{"kind", "expire_sessions"}});
    const auto asked = platform.connector()->connect({});
    ASSERT_FALSE(asked);
    EXPECT_EQ(asked.error().kind, kDenied);
    const auto connector = platform.connector();
    std::ofstream{platform.server.folder() / "token"} << platform.server.ready("next_token");
    EXPECT_TRUE(connector->connect({}));
}

}  // namespace
}  // namespace syncline::test
