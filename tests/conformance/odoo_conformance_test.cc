// The profile for Odoo, against the stand-in; configured by TOML, as an agent is.
#include <fstream>
#include <map>
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include "tests/conformance/rest_platform.h"

namespace syncline::test {
namespace {

using enum ErrorKind;

class Odoo final : public RestPlatform {
public:
    Odoo() : RestPlatform("odoo", "res.partner", "name") {}
    Odoo(std::string native, int overlap_s, std::vector<std::string> flags = {})
        : RestPlatform("odoo", "res.partner", "name", std::move(flags)),
          native_(std::move(native)),
          overlap_s_(overlap_s) {}
    [[nodiscard]] bool tells_deletions() const override { return false; }

    [[nodiscard]] std::string config() const override {
        return R"(
[connector]
kind = "rest"
profile = "odoo"
safety_s = 0
timeout_ms = 5_000
base_url = ")" +
               server.url() + "\"\noverlap_s = " + std::to_string(overlap_s_) +
               "\n[connector.auth]\ntoken = " + secret("api_key") +
               "\n[objects.customer]\nnative = \"" + native_ + R"("
[objects.customer.fields]
name = "name"
active = { path = "active", type = "bool" }
)";
    }

private:
    std::string native_ = "res.partner";
    int overlap_s_ = 1;
};

const bool registered =
    register_connector_conformance("odoo", [] { return std::make_unique<Odoo>(); });

/// Reads until there is no more; ids with what is mapped.
std::map<std::string, Fields> read_odoo(agent::Connector& connector, agent::Cursor& cursor) {
    std::map<std::string, Fields> seen;
    for (int pages = 0; pages < 100; ++pages) {
        const auto batch = connector.read(cursor, 200, {});
        if (!batch) throw std::runtime_error(batch.error().what);
        for (const agent::Record& record : batch->records) seen[record.id.text] = record.fields;
        cursor = batch->next;
        if (!batch->more) return seen;
    }
    throw std::runtime_error("reading does not end");
}

/// Whether a record that becomes visible five seconds after its stamp is told by the next read.
bool tells_what_is_late(Odoo& platform, agent::Connector& connector, agent::Cursor& cursor) {
    platform.create("early");
    platform.settle();
    EXPECT_EQ(read_odoo(connector, cursor).size(), 1u);
    std::string late;
    std::jthread person{[&] {
        const Value made =
            platform.server.control("create", {{"object", "res.partner"},
                                               {"fields", Value::Map{{"name", "late"}}},
                                               {"hold_ms", 5'000}});
        late = *made.get<Value::Map>()->at("id").get<std::string>();
    }};
    platform.settle();
    platform.settle();
    EXPECT_LE(read_odoo(connector, cursor).size(), 1u);
    person.join();
    platform.settle();
    return read_odoo(connector, cursor).contains(late);
}

TEST(OdooStandIn, WhatIsCommittedLateIsToldWithinTheOverlap) {
    ASSERT_TRUE(registered);
    Odoo platform{"res.partner", 600};
    const auto connector = platform.connector();
    agent::Cursor cursor;
    EXPECT_TRUE(tells_what_is_late(platform, *connector, cursor));
}

TEST(OdooStandIn, WhatIsCommittedLaterIsFoundByAFullRead) {
    Odoo platform{"res.partner", 1};
    const auto connector = platform.connector();
    agent::Cursor cursor;
    EXPECT_FALSE(tells_what_is_late(platform, *connector, cursor));
    cursor = connector->full_read_start();
    EXPECT_EQ(read_odoo(*connector, cursor).size(), 2u);
}

TEST(OdooStandIn, AnArchivedRecordIsARecord) {
    Odoo platform;
    const auto connector = platform.connector();
    const std::string id = platform.create("Acme");
    platform.server.edit("res.partner", id, {{"active", false}});
    platform.settle();
    agent::Cursor cursor;
    auto seen = read_odoo(*connector, cursor);
    ASSERT_TRUE(seen.contains(id));
    EXPECT_EQ(*seen[id].find(FieldName{"active"}), Value{false});
    const auto fetched = connector->fetch(platform.object(), RecordId{id}, {});
    EXPECT_TRUE(fetched && *fetched);
}

TEST(OdooStandIn, AKeyThatRanOutIsSaidAtOnceAndTheNextOneIsTaken) {
    Odoo platform;
    ASSERT_TRUE(platform.connector()->connect({}));
    platform.server.fault({{"kind", "expire_sessions"}});
    const auto asked = platform.connector()->connect({});
    ASSERT_FALSE(asked) << "a probe that every key passes tries nothing";
    EXPECT_EQ(asked.error().kind, kDenied);
    const auto connector = platform.connector();
    std::ofstream{platform.server.folder() / "api_key"} << platform.server.ready("next_api_key");
    EXPECT_TRUE(connector->connect({}));
}

TEST(OdooStandIn, AnAddressWithoutItsDatabaseSaysNothingOfRecords) {
    Odoo platform{"res.partner", 1, {"--database", "acme"}};
    const auto connector = platform.connector();
    const auto fetched = connector->fetch(platform.object(), RecordId{"1"}, {});
    ASSERT_FALSE(fetched) << "it is not gone";
    EXPECT_EQ(fetched.error().kind, kUnavailable);
    Command removal;
    removal.kind = CommandKind::kDelete;
    removal.entity = {platform.object(), EntityId{"e"}};
    removal.record = RecordId{"1"};
    const auto removed = connector->write(removal, {});
    ASSERT_FALSE(removed);
    EXPECT_EQ(removed.error().kind, kUnavailable);
}

TEST(OdooStandIn, AModelWithoutTheMarkerOrNotThereAtAllIsRefusedForGood) {
    for (const char* native : {"res.country", "res.nobody"}) {
        Odoo platform{native, 1};
        const auto found = platform.connector()->find(platform.object(), EntityId{"e"}, {});
        ASSERT_FALSE(found);
        EXPECT_EQ(found.error().kind, kInvalid) << found.error().what;
    }
}

TEST(OdooStandIn, AnOperationWritesWhatItIsGiven) {
    Odoo platform;
    const auto connector = connector_from(
        platform.config() +
        "[connector.operations.rename]\nidempotent = true\npath = \"/json/2/res.partner/write\"\n"
        "body = '{{\"ids\":[{input.id}],\"vals\":{{\"name\":\"{input.name}\"}}}}'\n");
    const std::string id = platform.create("before");
    const Value name{"O'Brien \\ \"&\" [\"id\",\"=\",1]\nä"};
    const auto done =
        connector->operate({.name = "rename",
                            .key = "w/i/s",
                            .input = {{FieldName{"id"}, Value{std::int64_t{std::stoll(id)}}},
                                      {FieldName{"name"}, name}}},
                           {});
    ASSERT_TRUE(done) << done.error().what;
    platform.settle();
    agent::Cursor cursor;
    EXPECT_EQ(*read_odoo(*connector, cursor)[id].find(FieldName{"name"}), name);
}

}  // namespace
}  // namespace syncline::test
