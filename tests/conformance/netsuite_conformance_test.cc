// The rest connector with the profile that we ship for NetSuite, against its stand-in.
#include <stdexcept>

#include <gtest/gtest.h>

#include "tests/conformance/rest_platform.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
using enum ErrorKind;

class NetSuite final : public RestPlatform {
public:
    /// A query ends at 400 rows, so that its end does not go unnoticed.
    explicit NetSuite(std::vector<std::string> flags = {})
        : RestPlatform("netsuite", "customer", "companyname", [&flags] {
              std::vector<std::string> all{"--query-rows-max", "400"};
              all.insert(all.end(), flags.begin(), flags.end());
              return all;
          }()) {}

    /// Another connector: with orders, or with a field that the platform does not have.
    std::unique_ptr<agent::Connector> mapping(const std::string& objects) {
        return connector_from(config() + objects);
    }

protected:
    [[nodiscard]] std::string config() const override {
        return R"(
[connector]
kind = "rest"
profile = "netsuite"
overlap_s = 2
safety_s = 0
timeout_ms = 5_000
base_url = ")" +
               server.url() + "\"\n[connector.auth]\nrealm = \"" + server.ready("realm") +
               "\"\nclient_id = \"" + server.ready("client_id") + "\"\ntoken_id = \"" +
               server.ready("token_id") + "\"\nclient_secret = " + secret("client_secret") +
               "\ntoken = " + secret("token") + R"(
[objects.customer]
native = "customer"
filter = "isperson = 'F'"
[objects.customer.fields]
name = "companyname"
email = "email"
limit = { path = "creditlimit", type = "decimal", decimals = 2 }
blocked = { path = "isinactive", type = "bool" }
[objects.customer.create]
"subsidiary.id" = "1"
)";
    }
};

const bool registered_netsuite =
    register_connector_conformance("netsuite", [] { return std::make_unique<NetSuite>(); });

constexpr const char* kOrders = R"(
[objects.order]
native = "transaction"
singular = "salesOrder"
filter = "type = 'SalesOrd'"
[objects.order.fields]
number = { path = "tranid", write = false }
memo = "memo"
ordered_on = { path = "trandate", type = "date" }
[objects.order.create]
"entity.id" = "1"
)";

Command netsuite_command(CommandKind kind, const std::string& object, Fields fields) {
    Command command;
    command.kind = kind;
    command.platform = PlatformId{"p"};
    command.entity = {ObjectName{object}, EntityId{"e1"}};
    command.generation = 1;
    command.fields = std::move(fields);
    return command;
}

/// Records of one pass, and their last state.
std::vector<agent::Record> pass_of(agent::Connector& connector, agent::Cursor& cursor) {
    std::vector<agent::Record> records;
    while (true) {
        const auto batch = connector.read(cursor, 100, {});
        if (!batch) throw std::runtime_error(batch.error().what);
        records.insert(records.end(), batch->records.begin(), batch->records.end());
        cursor = batch->next;
        if (!batch->more) return records;
    }
}

/// The table has another name than the record type, and others' records are in it.
TEST(NetSuiteStandIn, OrdersOfATableOfManyTypesAreMadeReadAndToldAsDeleted) {
    ASSERT_TRUE(registered_netsuite);
    NetSuite platform;
    const auto connector = platform.mapping(kOrders);
    agent::Cursor cursor;
    ASSERT_TRUE(pass_of(*connector, cursor).empty());
    const auto made = connector->write(
        netsuite_command(CommandKind::kCreate, "order", {{FieldName{"memo"}, Value{"two"}}}), {});
    ASSERT_TRUE(made) << made.error().what;
    const std::string other = platform.create("a customer of the same number");
    EXPECT_EQ(other, made->id.text);
    platform.settle();
    std::size_t orders = 0;
    for (const agent::Record& record : pass_of(*connector, cursor)) {
        if (record.object != ObjectName{"order"}) continue;
        ++orders;
        EXPECT_EQ(record.id, made->id);
        EXPECT_EQ(*record.fields.find("memo"), Value{"two"});
        EXPECT_EQ(*record.fields.find("number"), Value{"SO1"});
    }
    EXPECT_EQ(orders, 1u);
    platform.server.remove("salesOrder", made->id.text);
    platform.settle();
    std::vector<ObjectName> deleted;
    for (const agent::Record& record : pass_of(*connector, cursor)) {
        if (record.deleted) deleted.push_back(record.object);
    }
    EXPECT_EQ(deleted, std::vector{ObjectName{"order"}});
}

/// Elsewhere than at UTC a window would miss whole hours.
TEST(NetSuiteStandIn, OfAUserInAnotherTimeZoneNothingIsRead) {
    NetSuite platform{{"--time-zone", "America/Los_Angeles"}};
    platform.create("Acme");
    const auto connector = platform.connector();
    const auto read = connector->read({}, 10, {});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, kDenied);
    EXPECT_NE(read.error().what.find("Set Preferences"), std::string::npos) << read.error().what;
}

TEST(NetSuiteStandIn, ACreateThatOvertakesItselfMakesOneRecord) {
    NetSuite platform;
    const Command create =
        netsuite_command(CommandKind::kCreate, "customer", {{FieldName{"name"}, Value{"Acme"}}});
    platform.server.fault({{"kind", "late_commit"}, {"method", "PUT"}, {"delay_ms", 1'500}});
    const auto slow_one = platform.connector();
    Result<agent::Written> slow = fail(kInternal, "not asked");
    std::jthread first{[&] { slow = slow_one->write(create, {}); }};
    platform.wait_for_fault();
    const auto fast = platform.connector()->write(create, {});
    first.join();
    ASSERT_TRUE(fast) << fast.error().what;
    ASSERT_TRUE(slow) << slow.error().what;
    EXPECT_EQ(slow->id, fast->id);
    EXPECT_EQ(platform.count(), 1u);
}

/// Its stamp is that of the save, and the window has passed it.
TEST(NetSuiteStandIn, TheOverlapFindsWhatIsCommittedLate) {
    NetSuite platform;
    const auto connector = platform.connector();
    agent::Cursor cursor;
    ASSERT_TRUE(pass_of(*connector, cursor).empty());
    std::jthread late{[&] {
        platform.server.control("create", {{"object", "customer"},
                                           {"fields", Value::Map{{"companyname", "late"}}},
                                           {"hold_ms", std::int64_t{3'000}}});
    }};
    std::this_thread::sleep_for(1'300ms);
    EXPECT_TRUE(pass_of(*connector, cursor).empty());
    late.join();
    platform.settle();
    EXPECT_EQ(pass_of(*connector, cursor).size(), 1u);
}

/// All integrations share the requests that may be at hand; nothing says how long to wait.
TEST(NetSuiteStandIn, ARequestTooManyIsAPause) {
    NetSuite platform{{"--concurrency", "1"}};
    const std::string id = platform.create("Acme");
    Command update =
        netsuite_command(CommandKind::kUpdate, "customer", {{FieldName{"name"}, Value{"Bolt"}}});
    update.record = RecordId{id};
    platform.server.fault({{"kind", "late_commit"}, {"method", "PATCH"}, {"delay_ms", 1'500}});
    const auto slow_one = platform.connector();
    std::jthread slow{[&] { EXPECT_TRUE(slow_one->write(update, {})); }};
    platform.wait_for_fault();
    const auto connector = platform.connector();
    const auto refused = connector->write(update, {});
    slow.join();
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, kThrottled) << refused.error().what;
    EXPECT_GT(connector->throttle_pause(), 3s);
    EXPECT_TRUE(connector->write(update, {}));
}

/// By default the record service drops what it does not know.
TEST(NetSuiteStandIn, AFieldThatThereIsNotIsRefusedAndNotDropped) {
    NetSuite platform;
    const auto connector = platform.mapping("[objects.customer.fields.tier]\npath = \"tier\"\n");
    Command update =
        netsuite_command(CommandKind::kUpdate, "customer", {{FieldName{"tier"}, Value{"gold"}}});
    update.record = RecordId{platform.create("Acme")};
    const auto refused = connector->write(update, {});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, kInvalid) << refused.error().what;
}

/// On a kept connection such a read is sent again by itself, with the nonce that was taken already.
TEST(NetSuiteStandIn, AReadWhoseReplyIsLostIsNoRefusal) {
    NetSuite platform;
    const std::string id = platform.create("Acme");
    const auto connector = platform.mapping(R"(
[connector.asks.terms]
path = "/services/rest/record/v1/customer/{input.id}"
reply = { company = "companyName" }
)");
    const Fields input{{FieldName{"id"}, Value{id}}};
    ASSERT_TRUE(connector->ask("terms", input, {}));
    platform.server.fault({{"kind", "drop_reply"}});
    const auto lost = connector->ask("terms", input, {});
    if (!lost) {
        EXPECT_EQ(lost.error().kind, kUnavailable) << lost.error().what;
    }
    const auto answer = connector->ask("terms", input, {});
    EXPECT_TRUE(answer) << answer.error().what;
}

/// Ours or theirs: a signature of another time is refused, and a person is told.
TEST(NetSuiteStandIn, AClockThatIsWrongIsDenied) {
    NetSuite platform;
    const auto connector = platform.connector();
    ASSERT_TRUE(connector->connect({}));
    platform.server.control("clock", {{"skew_ms", std::int64_t{400'000}}});
    const auto read = connector->read({}, 10, {});
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, kDenied) << read.error().what;
}

}  // namespace
}  // namespace syncline::test
