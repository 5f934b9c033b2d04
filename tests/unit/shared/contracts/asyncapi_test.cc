#include "shared/contracts/asyncapi.h"

#include <gtest/gtest.h>

#include "shared/base/json.h"
#include "shared/policy/policy_toml.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"
#include "tests/unit/shared/contracts/schema_check.h"

namespace syncline::contracts {
namespace {

using Map = Value::Map;

constexpr const char* kPolicy = R"(
[policy]
name = "shop"
[platforms.crm]
[platforms.erp]
[platforms.desk]
[objects.order]
version = 2
[objects.order.fields]
number = { type = "string", required = true }
amount = "decimal"
tags = "list"
[[objects.order.own]]
fields = ["*"]
owner = "crm"
[objects.order.on.crm]
fields = ["*"]
founds = true
on_delete = "review"
[objects.order.on.erp]
fields = ["*"]
receives = true
on_delete = "review"
)";

const Value& document() {
    static const Value made = asyncapi_document(*parse_policy({{"shop.toml", kPolicy}}));
    return made;
}

const Value& at(const Value& from, const std::string& path) {
    const Value* value = &from;
    std::size_t begin = path.starts_with("#/") ? 2 : 0;
    while (begin <= path.size()) {
        const auto end = std::min(path.find('/', begin), path.size());
        value = &value->get<Map>()->at(path.substr(begin, end - begin));
        begin = end + 1;
    }
    return *value;
}

void expect_references(const Value& value) {
    if (const auto* list = value.get<Value::List>()) {
        for (const Value& item : *list) expect_references(item);
    }
    const auto* map = value.get<Map>();
    if (map == nullptr) return;
    for (const auto& [key, item] : *map) {
        const std::string* path = item.get<std::string>();
        if (key == "$ref" && path != nullptr) {
            EXPECT_NO_THROW(std::ignore = at(document(), *path)) << *path;
        }
        expect_references(item);
    }
}

/// The payload of a message, with what it refers to; nothing beside its keys is taken, so that a
/// key that the schema lacks shows.
std::unique_ptr<SchemaCheck> payload(const std::string& message) {
    const std::string path = "components/messages/" + message + "/payload";
    Map root = *document().get<Map>();
    Map schema = *at(document(), path).get<Map>();
    schema["additionalProperties"] = false;
    schema["components"] = root["components"];
    return std::make_unique<SchemaCheck>(schema);
}

Fields fields() {
    return {{FieldName{"amount"}, *Decimal::parse("12.50")},
            {FieldName{"number"}, "O-1"},
            {FieldName{"tags"}, Value::List{"a", 1}}};
}

TEST(AsyncApi, HasWhatTheFormatWants) {
    EXPECT_EQ(at(document(), "asyncapi"), Value{"3.0.0"});
    EXPECT_EQ(at(document(), "info/title"), Value{"Syncline: shop"});
    EXPECT_EQ(at(document(), "defaultContentType"), Value{"application/msgpack"});
    expect_references(document());
    for (const auto& [name, operation] : *at(document(), "operations").get<Map>()) {
        const std::string action = *at(operation, "action").get<std::string>();
        EXPECT_TRUE(action == "send" || action == "receive") << name;
        // Its messages are those of its channel.
        const std::string channel = *at(operation, "channel/$ref").get<std::string>();
        for (const Value& message : *at(operation, "messages").get<Value::List>()) {
            EXPECT_TRUE(
                at(message, "$ref").get<std::string>()->starts_with(channel + "/messages/"));
        }
    }
}

TEST(AsyncApi, NamesTheSubjectsThatAreUsed) {
    EXPECT_EQ(at(document(), "channels/order_changes/address"),
              Value{"sync.in.{platform}.{partition}.chg.order.{record}"});
    EXPECT_EQ(at(document(), "channels/order_outcomes/address"),
              Value{"sync.in.{platform}.{partition}.out.order.{entity}"});
    EXPECT_EQ(at(document(), "channels/order_commands/address"),
              Value{"sync.cmd.{platform}.set.order.{entity}"});
    EXPECT_EQ(at(document(), "channels/receipts/address"), Value{"sync.rcv.{platform}"});
    EXPECT_EQ(at(document(), "channels/order_changes/parameters/platform/enum"),
              (Value{Value::List{"crm", "erp"}}));
}

TEST(AsyncApi, TakesChangesAsTheyAreEncoded) {
    const auto schema = payload("order_change");
    Change change{.key = {PlatformId{"crm"}, ObjectName{"order"}, RecordId{"7"}},
                  .rev = {1, 2},
                  .fields = fields(),
                  .seen_at = {5}};
    EXPECT_EQ(schema->problems(from_msgpack(wire::encode(change))), "");
    change.entity = EntityId{"e"};
    change.marker = EntityId{"e"};
    change.changed_at = {4};
    change.trace = "t";
    EXPECT_EQ(schema->problems(from_msgpack(wire::encode(change))), "");
    change.fields.set(FieldName{"amount"}, "much");
    EXPECT_FALSE(schema->takes(from_msgpack(wire::encode(change))));
}

TEST(AsyncApi, TakesOutcomesAsTheyAreEncoded) {
    const auto schema = payload("order_outcome");
    Outcome outcome{.platform = PlatformId{"erp"},
                    .entity = {ObjectName{"order"}, EntityId{"e"}},
                    .generation = 3,
                    .fields = fields()};
    for (int status = 0; status <= static_cast<int>(OutcomeStatus::kDiscarded); ++status) {
        outcome.status = static_cast<OutcomeStatus>(status);
        EXPECT_EQ(schema->problems(from_msgpack(wire::encode(outcome))), "");
    }
    outcome.record = RecordId{"7"};
    outcome.as_commanded = {FieldName{"amount"}};
    outcome.deleted = true;
    outcome.reason = "no";
    outcome.code = "17";
    outcome.fence = 4;
    outcome.trace = "t";
    EXPECT_EQ(schema->problems(from_msgpack(wire::encode(outcome))), "");
}

TEST(AsyncApi, TakesCommandsAsTheyAreEncoded) {
    const auto schema = payload("order_command");
    Command command{.kind = CommandKind::kCreate,
                    .platform = PlatformId{"erp"},
                    .entity = {ObjectName{"order"}, EntityId{"e"}},
                    .generation = 3,
                    .fields = fields(),
                    .policy = "abc"};
    EXPECT_EQ(schema->problems(from_msgpack(wire::encode(command))), "");
    command.kind = CommandKind::kDelete;
    command.record = RecordId{"7"};
    command.expected = fields();
    command.doubt_settled = 2;
    command.origin = ChangeOrigin::kBackfill;
    command.trace = "t";
    EXPECT_EQ(schema->problems(from_msgpack(wire::encode(command))), "");
}

TEST(AsyncApi, TakesReceiptsAsTheyAreEncoded) {
    const auto schema = payload("receipt");
    Receipt receipt{.platform = PlatformId{"crm"}};
    EXPECT_EQ(schema->problems(from_msgpack(wire::encode(receipt))), "");
    receipt.marks.push_back({Partition{1}, 2, 3, 4});
    receipt.resends.push_back({Partition{1}, 2, 3});
    receipt.links.push_back({ObjectName{"order"}, RecordId{"7"}, EntityId{"e"}});
    receipt.epoch = 9;
    receipt.full_read = true;
    EXPECT_EQ(schema->problems(from_msgpack(wire::encode(receipt))), "");
}

}  // namespace
}  // namespace syncline::contracts
