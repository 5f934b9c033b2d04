#include "shared/contracts/json_schema.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <random>

#include "hub/core/decide.h"
#include "shared/policy/exception_kinds.h"
#include "shared/policy/policy_toml.h"
#include "shared/wire/codec.h"
#include "tests/unit/shared/contracts/schema_check.h"

namespace syncline::contracts {
namespace {

using Map = Value::Map;

constexpr const char* kSchemaPolicy = R"(
[policy]
name = "shop"
[platforms.crm]
[platforms.erp]
[objects.order]
version = 3
compatibility = "full"
[objects.order.fields]
number = { type = "string", required = true, length_max = 5, renamed_from = ["no", "order_no"] }
count = "integer"
amount = "decimal"
paid = { type = "bool", classification = "pii" }
due = "date"
changed = "timestamp"
stage = { type = "enum", values = ["new", "old"], required = true }
tags = "list"
more = { type = "map", classification = "secret" }
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

const Policy& policy() {
    static const Policy parsed = *parse_policy({{"shop.toml", kSchemaPolicy}});
    return parsed;
}
const ObjectSpec& order() { return policy().objects.front(); }
Value decimal(const char* text) { return *Decimal::parse(text); }

/// Fields as the wire has them.
Value on_wire(const Fields& fields) {
    std::string body;
    wire::append_fields(body, fields);
    return from_msgpack(body);
}

/// Values of every type, near to what is taken and refused.
class Values {
public:
    explicit Values(unsigned seed) : random_(seed) {}

    Value any() {
        switch (pick(10)) {
            case 0: return {};
            case 1: return pick(2) == 0;
            case 2: return whole();
            case 3: return number();
            case 4: return text();
            case 5: return Date{static_cast<std::int32_t>(whole())};
            case 6: return Timestamp{whole()};
            case 7: return Value::List{whole(), text()};
            case 8: return Map{{text(), whole()}, {"a", text()}};
            default: return text();
        }
    }
    /// As JSON has them: no dates and times but as texts, and decimals as texts.
    Value json() {
        const Value value = any();
        if (const auto* exact = value.get<Decimal>()) return exact->text();
        if (const auto* day = value.get<Date>()) return to_string(Date{day->days % 100'000});
        if (const auto* time = value.get<Timestamp>()) return to_string(Timestamp{time->ns / 2});
        return value;
    }
    std::size_t pick(std::size_t count) { return random_() % count; }

private:
    std::int64_t whole() {
        static constexpr std::int64_t kSome[] = {0,
                                                 1,
                                                 -1,
                                                 12,
                                                 std::numeric_limits<std::int64_t>::max(),
                                                 std::numeric_limits<std::int64_t>::min()};
        if (pick(3) == 0) return kSome[pick(std::size(kSome))];
        return static_cast<std::int64_t>((random_() << pick(32)) - (std::uint64_t{1} << pick(62)));
    }
    std::string digits(std::size_t most) {
        std::string out;
        for (std::size_t left = 1 + pick(most); left > 0; --left) {
            out += static_cast<char>('0' + pick(10));
        }
        return out;
    }
    Value number() {
        static constexpr const char* kSome[] = {"9223372036854775807",
                                                "9223372036854775808",
                                                "-9223372036854775808",
                                                "-9223372036854775809",
                                                "0.5",
                                                "-0.000000000000000000000000000000000001",
                                                "999999999999999999999999999999999999",
                                                "100",
                                                "8999999999999999999"};
        if (pick(3) == 0) return decimal(kSome[pick(std::size(kSome))]);
        const std::string text =
            (pick(2) == 0 ? "-" : "") + digits(18) + (pick(2) == 0 ? "" : "." + digits(18));
        return decimal(text.c_str());
    }
    std::string text() {
        static constexpr const char* kSome[] = {"",
                                                "new",
                                                "old",
                                                "New",
                                                "12345",
                                                "123456",
                                                "ääööü",
                                                "ääööüx",
                                                "true",
                                                "0",
                                                "-1",
                                                "2026-02-28",
                                                "2026-02-29",
                                                "2024-02-29",
                                                "1900-02-29",
                                                "2000-02-29",
                                                "2026-13-01",
                                                "2026-04-31",
                                                "2026-4-01",
                                                "2026-01-05T10:11:12Z",
                                                "2026-01-05 10:11:12+0100",
                                                "2026-01-05T10:11:12.5-03:30",
                                                "2026-01-05T10:11:60z",
                                                "2026-01-05T24:00:00Z",
                                                "2026-02-30T10:11:12Z",
                                                "2026-01-05T10:11:12",
                                                "2026-01-05T10:11:12+24:00",
                                                "1500-01-01T00:00:00Z",
                                                "2300-01-01T00:00:00Z",
                                                "1680-01-01T00:00:00Z",
                                                "1.",
                                                "01"};
        if (pick(4) != 0) return kSome[pick(std::size(kSome))];
        char day[32];
        std::snprintf(day, sizeof day, "%04zu-%02zu-%02zu", pick(10'000), pick(14), pick(33));
        return pick(2) == 0 ? day : digits(20);
    }

    std::mt19937_64 random_;
};

/// What the hub's core refuses of a change: the fields of its `change.contract`.
std::vector<FieldName> refused_by_core(const Fields& fields) {
    hub::EntityState state;
    state.key = {order().name, EntityId{"e"}};
    Change change{.key = {PlatformId{"crm"}, order().name, RecordId{"r"}},
                  .rev = {1, 1},
                  .fields = fields,
                  .seen_at = {1}};
    const std::vector<hub::Input> inputs{change};
    const hub::Step step = decide(policy(), state, inputs, {.now = {1}});
    for (const hub::OpenException& open : step.next.exceptions) {
        if (open.kind == exceptions::kContract) return open.fields;
    }
    return {};
}

TEST(JsonSchema, OfAChangeRefusesOnTheWireWhatTheCoreRefuses) {
    std::map<FieldName, std::unique_ptr<SchemaCheck>> by_field;
    for (const FieldSpec& field : order().fields) {
        ObjectSpec alone = order();
        std::erase_if(alone.fields, [&](const FieldSpec& one) { return one.name != field.name; });
        by_field[field.name] = std::make_unique<SchemaCheck>(change_schema(alone, Form::kWire));
    }
    const SchemaCheck whole{change_schema(order(), Form::kWire)};
    std::size_t taken = 0;
    for (unsigned seed = 1; seed <= 1'500; ++seed) {
        Values values{seed};
        Fields fields;
        for (const FieldSpec& field : order().fields) {
            if (values.pick(4) == 0) fields.set(field.name, values.any());
        }
        const Value body = on_wire(fields);
        const std::vector<FieldName> refused = refused_by_core(fields);
        EXPECT_EQ(whole.takes(body), refused.empty()) << seed << whole.problems(body);
        taken += refused.empty() ? 1 : 0;
        for (const auto& [name, value] : fields) {
            EXPECT_EQ(by_field[name]->takes(body),
                      !std::binary_search(refused.begin(), refused.end(), name))
                << seed << " " << name.text << " = " << display(value);
        }
    }
    EXPECT_GT(taken, 150u);
}

TEST(JsonSchema, OfAChangeRefusesAsJsonWhatTheCoreRefuses) {
    const Value document = record_schema(policy(), order());
    const SchemaCheck change{document, "#/$defs/change"};
    for (unsigned seed = 1; seed <= 4'000; ++seed) {
        Values values{seed};
        const FieldSpec& field = order().fields[values.pick(order().fields.size())];
        const Value told = values.json();
        Value read = told;
        const std::string* text = told.get<std::string>();
        if (text != nullptr && field.type == FieldType::kDecimal) {
            const auto number = Decimal::parse(*text);
            // What reads as a number but is written in another way is refused: it has one form.
            if (number && number->text() == *text) read = *number;
        }
        EXPECT_EQ(change.takes(Map{{field.name.text, told}}), conform(field, read).has_value())
            << seed << " " << field.name.text << " = " << display(told);
    }
}

TEST(JsonSchema, OfARecordWantsWhatIsRequired) {
    const SchemaCheck record{record_schema(policy(), order())};
    const Map whole{{"number", "O-1"}, {"stage", "new"}};
    EXPECT_EQ(record.problems(whole), "");
    Map more = whole;
    more.merge(Map{{"amount", "12.5"}, {"due", "2026-01-31"}, {"paid", Value{}}, {"unknown", 1}});
    EXPECT_EQ(record.problems(more), "");
    for (const char* left_out : {"number", "stage"}) {
        Map less = whole;
        less.erase(left_out);
        EXPECT_FALSE(record.takes(less)) << left_out;
        less[left_out] = Value{};
        EXPECT_FALSE(record.takes(less)) << left_out << " is empty";
    }
}

TEST(JsonSchema, SaysWhatNoSchemaCan) {
    const Value document = record_schema(policy(), order());
    const Map& schema = *document.get<Map>();
    EXPECT_EQ(contract_name(order()), "order.v3");
    EXPECT_EQ(schema.at("x-contract-version"), Value{3});
    EXPECT_EQ(schema.at("x-compatibility"), Value{"full"});
    EXPECT_EQ(schema.at("x-policy-hash"), Value{policy().hash});
    const FieldSpec& more = *order().field(FieldName{"more"});
    EXPECT_EQ(value_schema(more, Form::kJson).get<Map>()->at("x-classification"), Value{"secret"});
    const Value change = change_schema(order(), Form::kJson);
    const Map& properties = *change.get<Map>()->at("properties").get<Map>();
    for (const char* was : {"no", "order_no"}) {
        EXPECT_EQ(properties.at(was).get<Map>()->at("x-renamed-to"), Value{"number"}) << was;
    }
}

}  // namespace
}  // namespace syncline::contracts
