// The rest connector with the profiles that we ship, against the stand-in platforms; configured by
// TOML, as an agent is.
#include <stdexcept>
#include <thread>

#include <gtest/gtest.h>

#include "tests/conformance/rest_platform.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
using enum ErrorKind;

class Salesforce final : public RestPlatform {
public:
    Salesforce() : RestPlatform("salesforce", "Account", "Name") {}
    [[nodiscard]] std::string refused_text() const override { return std::string(300, 'x'); }
    std::vector<std::pair<std::string, std::function<void()>>> batch_faults() override {
        std::vector<std::pair<std::string, std::function<void()>>> faults;
        for (const char* kind : {"result_missing", "results_reversed"}) {
            faults.emplace_back(kind, [this, kind] { server.fault({{"kind", kind}}); });
        }
        return faults;
    }

protected:
    [[nodiscard]] std::string config() const override {
        return R"(
[connector]
kind = "rest"
profile = "salesforce"
overlap_s = 0
safety_s = 0
timeout_ms = 5_000
base_url = ")" +
               server.url() + "\"\n[connector.auth]\nclient_id = \"" + server.ready("client_id") +
               "\"\nclient_secret = " + secret("client_secret") + R"(
[objects.customer]
native = "Account"
[objects.customer.fields]
name = "Name"
credit_limit = { path = "CreditLimit__c", type = "decimal", decimals = 2 }
tier = { path = "Support_Tier__c", type = "enum", table = { gold = "Gold", basic = "Basic" } }
)";
    }
};

class ServiceNow final : public RestPlatform {
public:
    ServiceNow() : RestPlatform("servicenow", "core_company", "name") {}
    [[nodiscard]] bool tells_deletions() const override { return false; }

protected:
    [[nodiscard]] std::string config() const override {
        return R"(
[connector]
kind = "rest"
profile = "servicenow"
overlap_s = 1
safety_s = 0
timeout_ms = 5_000
base_url = ")" +
               server.url() + "\"\n[connector.auth]\nusername = \"" + server.ready("username") +
               "\"\npassword = " + secret("password") + R"(
[objects.customer]
native = "core_company"
[objects.customer.fields]
name = { path = "name", length = 80 }
city = "city"
)";
    }
};

class Zendesk final : public RestPlatform {
public:
    Zendesk()
        : RestPlatform(
              "zendesk", "tickets", "subject",
              {"--export-limit", "0", "--account-limit", "0", "--endpoint-limits", "off"}) {}
    /// The export leaves out the last minute.
    void settle() override {
        ahead_ += std::chrono::minutes{2};
        const auto skew = std::chrono::duration_cast<std::chrono::milliseconds>(ahead_).count();
        server.control("clock", {{"skew_ms", std::int64_t{skew}}});
    }

protected:
    [[nodiscard]] std::string config() const override {
        return R"(
[connector]
kind = "rest"
profile = "zendesk"
timeout_ms = 5_000
base_url = ")" +
               server.url() + "\"\n[connector.auth]\nusername = \"" + server.ready("username") +
               "\"\npassword = " + secret("password") + R"(
[objects.customer]
native = "tickets"
[objects.customer.fields]
name = "subject"
status = "status"
[objects.customer.create]
"comment.body" = "Told by another system"
)";
    }

private:
    std::chrono::minutes ahead_{0};
};

const bool registered =
    register_connector_conformance("zendesk", [] { return std::make_unique<Zendesk>(); }) &&
    register_connector_conformance("salesforce", [] { return std::make_unique<Salesforce>(); }) &&
    register_connector_conformance("servicenow", [] { return std::make_unique<ServiceNow>(); });

TEST(SalesforceStandIn, LivesThroughExpiredSessionsAndLocators) {
    ASSERT_TRUE(registered);
    Salesforce platform;
    platform.create_many(450, "x");
    platform.settle();
    auto connector = platform.connector();
    agent::Cursor cursor;
    std::size_t count = 0;
    for (int page = 0;; ++page) {
        const auto batch = connector->read(cursor, 200, {});
        ASSERT_TRUE(batch) << batch.error().what;
        count += batch->records.size();
        cursor = batch->next;
        if (page == 0) platform.server.fault({{"kind", "expire_sessions"}});
        if (page == 1) platform.server.fault({{"kind", "expire_locators"}});
        if (!batch->more) break;
    }
    EXPECT_EQ(count, 450u);
}

/// What stands in a body is no part of a query.
void expect_written_as_given(RestPlatform& platform, agent::Connector& connector) {
    const std::string id = platform.create("before");
    const std::string name = "O'Brien \\ \"&\" a^b\nä";
    const auto done =
        connector.operate({.name = "rename",
                           .key = "w/i/s",
                           .input = {{FieldName{"id"}, id}, {FieldName{"name"}, name}}},
                          {});
    ASSERT_TRUE(done) << done.error().what;
    platform.settle();
    agent::Cursor cursor;
    EXPECT_EQ(read_all(connector, cursor)[id], display(Value{name}));
}

TEST(SalesforceStandIn, AnOperationWritesWhatItIsGiven) {
    Salesforce platform;
    const auto connector =
        platform.operating("/services/data/{api}/sobjects/Account/{input.id}", "PATCH");
    expect_written_as_given(platform, *connector);
}

TEST(ServiceNowStandIn, AnOperationWritesWhatItIsGiven) {
    ServiceNow platform;
    const auto connector = platform.operating("/api/now/table/core_company/{input.id}", "PATCH");
    expect_written_as_given(platform, *connector);
}

TEST(SalesforceStandIn, TellsThePauseOfALimit) {
    Salesforce platform;
    auto connector = platform.connector();
    ASSERT_TRUE(connector->connect({}));
    platform.server.fault({{"kind", "throttle"}});
    const auto batch = connector->read({}, 10, {});
    ASSERT_FALSE(batch);
    EXPECT_EQ(batch.error().kind, kThrottled);
    EXPECT_GT(connector->throttle_pause(), 50s);
}

TEST(ServiceNowStandIn, GoesOnBehindShortAndEmptyPages) {
    ServiceNow platform;
    platform.create_many(60, "x");
    platform.settle();
    auto connector = platform.connector();
    agent::Cursor cursor;
    ASSERT_TRUE(connector->connect({}));
    for (const int rows : {3, 10, 1}) {
        platform.server.fault({{"kind", "short_page"}, {"rows", rows}});
    }
    // The rows that were left out of the short pages come with the next query, by the keyset. Those
    // of the empty page stay hidden: it is passed by its link, and what lies behind it is read.
    EXPECT_EQ(read_all(*connector, cursor, 10).size(), 50u);
}

TEST(ServiceNowStandIn, RefusesAReplyThatWasCut) {
    ServiceNow platform;
    platform.create_many(10, "x");
    platform.settle();
    auto connector = platform.connector();
    ASSERT_TRUE(connector->connect({}));
    platform.server.fault({{"kind", "truncated_json"}});
    const auto batch = connector->read({}, 10, {});
    ASSERT_FALSE(batch);
    EXPECT_EQ(batch.error().kind, kUnavailable);
    agent::Cursor cursor;
    EXPECT_EQ(read_all(*connector, cursor).size(), 10u);
}

}  // namespace
}  // namespace syncline::test
