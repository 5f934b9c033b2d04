// The rest connector with the profile of Business Central, against a stand-in of one company.
#include <thread>

#include <gtest/gtest.h>

#include "tests/conformance/rest_platform.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
using enum ErrorKind;

enum class Pages { kStandard, kOwn };

/// With an API page of the tenant's own that has a field for our key, or without. Reads that do
/// not ask for the primary database see it as it was a minute ago.
class BusinessCentral final : public RestPlatform {
public:
    explicit BusinessCentral(Pages pages = Pages::kOwn, std::vector<std::string> flags = {})
        : RestPlatform("business_central", "customers", "displayName", with_replica(flags)),
          pages_(pages) {}
    /// Nothing that is polled tells deletions; the profile's page says so.
    [[nodiscard]] bool tells_deletions() const override { return false; }
    std::vector<Fault> faults() override {
        auto all = RestPlatform::faults();
        for (Fault& fault : all) {
            // It was too busy to begin.
            if (fault.name == "status_503") fault.write = kUnavailable;
        }
        all.push_back(
            hitting("another_user", {{"kind", "status"}, {"status", 409}}, kConflict, kConflict));
        all.push_back(
            hitting("cancelled", {{"kind", "status"}, {"status", 408}}, kUnavailable, kAmbiguous));
        return all;
    }
    [[nodiscard]] Command told(CommandKind kind, const std::string& name,
                               const std::string& id = {}) const {
        Command command;
        command.kind = kind;
        command.platform = PlatformId{"p"};
        command.entity = {object(), EntityId{"aaaaaaaaaaaaaaaaaaaaaaa1"}};
        if (!id.empty()) command.record = RecordId{id};
        command.fields = Fields{{field(), Value{name}}};
        return command;
    }

protected:
    [[nodiscard]] bool looks_before_writing() const override { return true; }
    [[nodiscard]] std::string config() const override {
        const bool own = pages_ == Pages::kOwn;
        return R"(
[connector]
kind = "rest"
profile = "business_central"
overlap_s = 1
safety_s = 0
timeout_ms = 5_000
base_url = ")" +
               server.url() + server.ready(own ? "own_company" : "company") +
               "\"\n[connector.auth]\ntoken_url = \"" + server.url() + server.ready("token_path") +
               "\"\nclient_id = \"" + server.ready("client_id") +
               "\"\nclient_secret = " + secret("client_secret") + R"(
[objects.customer]
native = "customers"
filter = "type eq 'Company'"
)" + (own ? "marker = \"externalKey\"\n" : "") +
               R"([objects.customer.fields]
name = { path = "displayName", length = 100 }
balance = { path = "balanceDue", type = "decimal", decimals = 2, write = false }
)";
    }

private:
    static std::vector<std::string> with_replica(std::vector<std::string> flags) {
        flags.insert(flags.end(), {"--replica-lag-ms", "60000"});
        return flags;
    }

    Pages pages_;
};

const bool registered = register_connector_conformance(
    "business_central", [] { return std::make_unique<BusinessCentral>(); });

/// A page's link names its last record: the next one begins behind where that is now.
TEST(BusinessCentralStandIn, LosesNoRecordWhenOthersMoveBetweenPages) {
    ASSERT_TRUE(registered);
    BusinessCentral platform;
    std::vector<std::string> ids;
    for (int i = 0; i < 350; ++i) ids.push_back(platform.create("x"));
    platform.settle();
    auto connector = platform.connector();
    agent::Cursor cursor;
    std::map<std::string, std::string> seen;
    for (int page = 0; page < 50; ++page) {
        const auto batch = connector->read(cursor, 100, {});
        ASSERT_TRUE(batch) << batch.error().what;
        for (const agent::Record& record : batch->records) seen[record.id.text] = "";
        cursor = batch->next;
        if (!batch->more) break;
        ASSERT_FALSE(batch->records.empty());
        // The last one moves to the end of what was changed; later another is gone.
        const std::string last = batch->records.back().id.text;
        if (page == 0) platform.edit(last, "moved");
        if (page == 1) platform.remove(last);
    }
    for (const std::string& id : ids) EXPECT_TRUE(seen.contains(id)) << id;
}

TEST(BusinessCentralStandIn, WritesOverNoEditThatCameInBetween) {
    BusinessCentral platform;
    const std::string id = platform.create("before");
    const auto connector = platform.connector();
    platform.server.fault({{"kind", "delay"}, {"method", "PATCH"}, {"delay_ms", 600}});
    std::optional<Result<agent::Written>> written;
    {
        const std::jthread writer{[&] {
            written = connector->write(platform.told(CommandKind::kUpdate, "ours", id), {});
        }};
        // The write has read its version by the time its delay is taken.
        platform.wait_for_fault();
        platform.edit(id, "theirs");
    }
    ASSERT_FALSE(*written);
    EXPECT_EQ(written->error().kind, kConflict) << written->error().what;
}

TEST(BusinessCentralStandIn, AKeyThatAnotherRecordHasMakesNoSecondOne) {
    BusinessCentral platform;
    const auto connector = platform.connector();
    const auto first = connector->write(platform.told(CommandKind::kCreate, "Acme"), {});
    ASSERT_TRUE(first) << first.error().what;
    // The look-up does not see it yet, so the platform is the one that refuses.
    platform.server.fault({{"kind", "read_lag"}, {"method", "GET"}, {"delay_ms", 60'000}});
    const auto second = connector->write(platform.told(CommandKind::kCreate, "Acme"), {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, kConflict) << second.error().what;
    const auto third = connector->write(platform.told(CommandKind::kCreate, "Acme"), {});
    ASSERT_TRUE(third) << third.error().what;
    EXPECT_EQ(third->id, first->id);
    EXPECT_EQ(platform.count(), 1u);
}

TEST(BusinessCentralStandIn, OnTheStandardPagesACreateWithoutAnAnswerIsInDoubt) {
    BusinessCentral platform{Pages::kStandard};
    const auto connector = platform.connector();
    EXPECT_FALSE(connector->traits().has_marker);
    const auto made = connector->write(platform.told(CommandKind::kCreate, "Acme"), {});
    ASSERT_TRUE(made) << made.error().what;
    platform.server.fault({{"kind", "drop_reply_after_commit"}});
    const auto lost = connector->write(platform.told(CommandKind::kCreate, "Bolt"), {});
    ASSERT_FALSE(lost);
    EXPECT_EQ(lost.error().kind, kAmbiguous);
    EXPECT_EQ(platform.count(), 2u);
}

TEST(BusinessCentralStandIn, WritesOnThoughTheTokenHasEnded) {
    BusinessCentral platform;
    const std::string id = platform.create("before");
    const auto connector = platform.connector();
    platform.server.fault({{"kind", "expire_sessions"}, {"method", "PATCH"}});
    const auto written = connector->write(platform.told(CommandKind::kUpdate, "after", id), {});
    ASSERT_TRUE(written) << written.error().what;
}

TEST(BusinessCentralStandIn, PausesAtTheLimitUntilTheWindowHasPassed) {
    BusinessCentral platform{Pages::kOwn, {"--request-limit", "2"}};
    const std::string id = platform.create("before");
    const auto connector = platform.connector();
    const auto update = platform.told(CommandKind::kUpdate, "after", id);
    ASSERT_TRUE(connector->write(update, {}));
    const auto second = connector->write(update, {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, kThrottled) << second.error().what;
    EXPECT_GT(connector->throttle_pause(), 50s);
    platform.server.control("clock", {{"skew_ms", 301'000}});
    EXPECT_TRUE(connector->write(update, {}));
}

}  // namespace
}  // namespace syncline::test
