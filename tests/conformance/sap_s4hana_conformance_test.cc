// The rest connector with the profile of SAP S/4HANA, against a stand-in of one OData V4 service.
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include "tests/conformance/rest_platform.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
using enum ErrorKind;

class SapS4Hana final : public RestPlatform {
public:
    explicit SapS4Hana(std::vector<std::string> flags = {})
        : RestPlatform("sap_s4hana", "BusinessPartner", "OrganizationName", std::move(flags)) {}
    int overlap_s = 1;
    bool by_oauth = false;
    /// Nothing tells deletions; the profile's page says so.
    [[nodiscard]] bool tells_deletions() const override { return false; }
    std::vector<Fault> faults() override {
        auto all = RestPlatform::faults();
        for (Fault& fault : all) {
            // No work process was free, so none did anything.
            if (fault.name == "status_503") fault.read = fault.write = kThrottled;
        }
        return all;
    }
    [[nodiscard]] Command renamed(const std::string& id, const std::string& name) const {
        Command command;
        command.kind = CommandKind::kUpdate;
        command.platform = PlatformId{"p"};
        command.entity = {object(), EntityId{"aaaaaaaaaaaaaaaaaaaaaaa1"}};
        command.record = RecordId{id};
        command.fields = Fields{{field(), Value{name}}};
        return command;
    }

protected:
    [[nodiscard]] bool looks_before_writing() const override { return true; }
    [[nodiscard]] std::string config() const override {
        return R"(
[connector]
kind = "rest"
profile = "sap_s4hana"
safety_s = 0
timeout_ms = 5_000
overlap_s = )" +
               std::to_string(overlap_s) + "\nbase_url = \"" + server.url() +
               server.ready("service") + "\"\n[connector.auth]\n" + (by_oauth ? oauth() : basic()) +
               R"(
[objects.customer]
native = "BusinessPartner"
key = "BusinessPartner"
changed = "LastChangeDateTime"
marker = "ExternalKey"
[objects.customer.fields]
name = { path = "OrganizationName", length = 40 }
limit = { path = "CreditLimit", type = "decimal", decimals = 2 }
)";
    }

private:
    [[nodiscard]] std::string basic() const {
        return "username = \"" + server.ready("username") + "\"\npassword = " + secret("password");
    }
    [[nodiscard]] std::string oauth() const {
        return "kind = \"oauth2_client_credentials\"\ntoken_url = \"" + server.url() +
               "/sap/bc/sec/oauth2/token\"\nclient_id = \"" + server.ready("client_id") +
               "\"\nclient_secret = " + secret("client_secret");
    }
};

const bool registered =
    register_connector_conformance("sap_s4hana", [] { return std::make_unique<SapS4Hana>(); });

std::string name_of(SapS4Hana& platform, agent::Connector& connector, const std::string& id) {
    const auto record = connector.fetch(platform.object(), RecordId{id}, {});
    if (!record || !*record) return "(none)";
    return display(*(*record)->fields.find(platform.field()));
}

TEST(SapS4HanaStandIn, WritesOnThoughTheTokenAgainstForgeryHasEnded) {
    ASSERT_TRUE(registered);
    SapS4Hana platform;
    const std::string id = platform.create("before");
    const auto connector = platform.connector();
    ASSERT_TRUE(connector->write(platform.renamed(id, "one"), {}));
    platform.server.fault({{"kind", "expire_sessions"}, {"method", "PATCH"}});
    const auto written = connector->write(platform.renamed(id, "two"), {});
    ASSERT_TRUE(written) << written.error().what;
    EXPECT_EQ(name_of(platform, *connector, id), display(Value{"two"}));
    EXPECT_EQ(platform.count(), 1u);
}

TEST(SapS4HanaStandIn, WritesByOauthWithATokenAgainstForgeryAsWell) {
    SapS4Hana platform;
    platform.by_oauth = true;
    const std::string id = platform.create("before");
    const auto connector = platform.connector();
    ASSERT_TRUE(connector->connect({}));
    ASSERT_TRUE(connector->write(platform.renamed(id, "one"), {}));
    platform.server.fault({{"kind", "expire_sessions"}, {"method", "PATCH"}});
    const auto written = connector->write(platform.renamed(id, "two"), {});
    ASSERT_TRUE(written) << written.error().what;
    EXPECT_EQ(name_of(platform, *connector, id), display(Value{"two"}));
}

/// As of an update task: its stamp is older than what was read by the time it is there.
TEST(SapS4HanaStandIn, ReadsWhatIsCommittedLate) {
    SapS4Hana platform;
    platform.overlap_s = 30;
    platform.create("early");
    auto connector = platform.connector();
    agent::Cursor cursor;
    {
        platform.server.fault({{"kind", "late_commit"}, {"delay_ms", 3'500}});
        const auto other = platform.connector();
        Command late = platform.renamed("", "late");
        late.kind = CommandKind::kCreate;
        late.record.reset();
        const std::jthread task{[&] { EXPECT_TRUE(other->write(late, {})); }};
        platform.settle();
        platform.create("between");
        EXPECT_EQ(read_all(*connector, cursor).size(), 2u);
    }
    platform.settle();
    std::size_t late = 0;
    for (const auto& [id, name] : read_all(*connector, cursor)) {
        late += name == display(Value{"late"}) ? 1 : 0;
    }
    EXPECT_EQ(late, 1u);
}

TEST(SapS4HanaStandIn, WritesOverNoEditThatCameInBetween) {
    SapS4Hana platform;
    const std::string id = platform.create("before");
    const auto connector = platform.connector();
    platform.server.fault({{"kind", "delay"}, {"method", "PATCH"}, {"delay_ms", 600}});
    std::optional<Result<agent::Written>> written;
    {
        const std::jthread writer{
            [&] { written = connector->write(platform.renamed(id, "ours"), {}); }};
        // The write has read its version by the time its delay is taken.
        platform.wait_for_fault();
        platform.edit(id, "theirs");
    }
    ASSERT_FALSE(*written);
    EXPECT_EQ(written->error().kind, kConflict) << written->error().what;
    EXPECT_EQ(name_of(platform, *connector, id), display(Value{"theirs"}));
}

TEST(SapS4HanaStandIn, WaitsForARecordThatSomebodyHasOpen) {
    SapS4Hana platform;
    const std::string id = platform.create("before");
    const auto connector = platform.connector();
    ASSERT_TRUE(connector->write(platform.renamed(id, "first"), {}));
    {
        NodeServer& server = platform.server;
        const std::jthread person{[&] {
            server.control("edit", {{"object", "BusinessPartner"},
                                    {"id", id},
                                    {"fields", Value::Map{{"SearchTerm1", "theirs"}}},
                                    {"hold_ms", 1'500}});
        }};
        std::this_thread::sleep_for(500ms);
        const auto written = connector->write(platform.renamed(id, "ours"), {});
        ASSERT_FALSE(written);
        EXPECT_EQ(written.error().kind, kUnavailable);
        EXPECT_NE(written.error().what.find("being processed by"), std::string::npos);
    }
    ASSERT_TRUE(connector->write(platform.renamed(id, "ours"), {}));
    EXPECT_EQ(name_of(platform, *connector, id), display(Value{"ours"}));
}

/// The service's own pages count from the beginning of what fits now.
TEST(SapS4HanaStandIn, LosesNoRecordWhenOthersMoveBetweenPages) {
    SapS4Hana platform;
    std::vector<std::string> ids;
    for (int i = 0; i < 250; ++i) ids.push_back(platform.create("x"));
    platform.settle();
    auto connector = platform.connector();
    agent::Cursor cursor;
    std::map<std::string, std::string> seen;
    for (int page = 0;; ++page) {
        const auto batch = connector->read(cursor, 100, {});
        ASSERT_TRUE(batch) << batch.error().what;
        for (const agent::Record& record : batch->records) seen[record.id.text] = "";
        cursor = batch->next;
        if (!batch->more) break;
        // Some that were read move to the end of what was changed, another is gone.
        const auto at = static_cast<std::size_t>(page) * 10;
        for (std::size_t i = at; i < at + 5; ++i) platform.edit(ids[i], "moved");
        platform.remove(ids[at + 5]);
    }
    for (const std::string& id : ids) EXPECT_TRUE(seen.contains(id)) << id;
}

TEST(SapS4HanaStandIn, ReadsAllOfAServiceWhosePagesAreSmallerThanAsked) {
    SapS4Hana platform{{"--page-max", "20"}};
    platform.create_many(50, "x");
    platform.settle();
    auto connector = platform.connector();
    agent::Cursor cursor;
    EXPECT_EQ(read_all(*connector, cursor, 45).size(), 50u);
}

}  // namespace
}  // namespace syncline::test
