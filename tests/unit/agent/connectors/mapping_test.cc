#include "agent/core/mapping.h"

#include <random>

#include <gtest/gtest.h>

#include "agent/core/mapping_toml.h"
#include "agent/core/time_format.h"
#include "agent/core/value_path.h"
#include "shared/base/json.h"

namespace syncline::agent {
namespace {

ObjectMapping mapping_of(std::vector<FieldMapping> fields) {
    return {.object = ObjectName{"customer"},
            .native = "Account",
            .key = "Id",
            .marker = "Sync__c",
            .changed = "Stamp",
            .fields = std::move(fields)};
}

FieldMapping field(const char* name, NativeType type, const char* path = nullptr) {
    return {.field = FieldName{name}, .path = path != nullptr ? path : name, .type = type};
}

Result<Record> read(const ObjectMapping& mapping, const char* json) {
    return to_canonical(mapping, *parse_json(json)->get<Value::Map>());
}

struct ReadCase {
    const char* name;
    FieldMapping field;
    const char* native;  ///< JSON.
    Result<Value> canonical;
};
class ReadsValue : public testing::TestWithParam<ReadCase> {};

TEST_P(ReadsValue, OrSaysWhyNot) {
    const ReadCase& row = GetParam();
    const auto record = read(mapping_of({row.field}),
                             (R"({"Id":"1","f":)" + std::string{row.native} + "}").c_str());
    ASSERT_EQ(record.has_value(), row.canonical.has_value()) << (record ? "" : record.error().what);
    if (record) {
        ASSERT_NE(record->fields.find("f"), nullptr);
        EXPECT_EQ(*record->fields.find("f"), *row.canonical) << display(*record->fields.find("f"));
    } else {
        EXPECT_EQ(record.error().kind, ErrorKind::kInvalid);
        EXPECT_NE(record.error().what.find("customer.f (`f`)"), std::string::npos);
        EXPECT_NE(record.error().what.find(row.canonical.error().what), std::string::npos)
            << record.error().what;
    }
}

Result<Value> says(const char* part) { return fail(ErrorKind::kInvalid, part); }

FieldMapping tier() {
    FieldMapping result = field("f", NativeType::kEnum);
    result.table = {{"gold", "Gold"}, {"new", "1"}};
    return result;
}
FieldMapping formatted(NativeType type, const char* format) {
    FieldMapping result = field("f", type);
    result.format = format;
    return result;
}

using enum NativeType;
INSTANTIATE_TEST_SUITE_P(
    Field, ReadsValue,
    testing::Values(
        ReadCase{"auto_text", field("f", kAuto), R"("x")", Value{"x"}},
        ReadCase{"auto_whole", field("f", kAuto), "100.0", Value{100}},
        ReadCase{"empty_is_null", field("f", kAuto), R"("")", Value{}},
        ReadCase{"null", field("f", kInteger), "null", Value{}},
        ReadCase{"number_as_text", field("f", kString), "12.50", Value{"12.5"}},
        ReadCase{"list_as_text", field("f", kString), "[1]", says("list")},
        ReadCase{"text_as_integer", field("f", kInteger), R"("7")", Value{7}},
        ReadCase{"half_as_integer", field("f", kInteger), "7.5", says("whole")},
        ReadCase{"text_as_decimal", field("f", kDecimal), R"(" 1.10 ")",
                 Value{*Decimal::parse("1.1")}},
        ReadCase{"word_as_decimal", field("f", kDecimal), R"("abc")", says("decimal")},
        ReadCase{"text_as_bool", field("f", kBool), R"("TRUE")", Value{true}},
        ReadCase{"number_as_bool", field("f", kBool), "0", Value{false}},
        ReadCase{"word_as_bool", field("f", kBool), R"("perhaps")", says("neither")},
        ReadCase{"date", field("f", kDate), R"("2026-02-28")", Value{*parse_date("2026-02-28")}},
        ReadCase{"no_date", field("f", kDate), R"("2026-02-30")", says("2026-02-30")},
        ReadCase{"german_date", formatted(kDate, "%d.%m.%Y"), R"("28.02.2026")",
                 Value{*parse_date("2026-02-28")}},
        ReadCase{"salesforce_stamp", field("f", kTimestamp), R"("2026-01-05T10:11:12.000+0000")",
                 Value{*parse_timestamp("2026-01-05T10:11:12Z")}},
        ReadCase{"servicenow_stamp", formatted(kTimestamp, "%Y-%m-%d %H:%M:%S"),
                 R"("2026-01-05 10:11:12")", Value{*parse_timestamp("2026-01-05T10:11:12Z")}},
        ReadCase{"python_stamp", formatted(kTimestamp, "%Y-%m-%d %H:%M:%S.%f"),
                 R"("2026-01-05 10:11:12.000500")",
                 Value{*parse_timestamp("2026-01-05T10:11:12.0005Z")}},
        ReadCase{"python_stamp_of_a_whole_second", formatted(kTimestamp, "%Y-%m-%d %H:%M:%S.%f"),
                 R"("2026-01-05 10:11:12")", Value{*parse_timestamp("2026-01-05T10:11:12Z")}},
        ReadCase{"python_stamp_with_a_point_alone", formatted(kTimestamp, "%Y-%m-%d %H:%M:%S.%f"),
                 R"("2026-01-05 10:11:12.")", says("not of the form")},
        ReadCase{"offset_stamp", formatted(kTimestamp, "%Y-%m-%dT%H:%M:%S%z"),
                 R"("2026-01-05T10:11:12+02:00")", Value{*parse_timestamp("2026-01-05T08:11:12Z")}},
        ReadCase{"epoch_ms", formatted(kTimestamp, "%Q"), "1767607872123",
                 Value{*parse_timestamp("2026-01-05T10:11:12.123Z")}},
        ReadCase{"zoneless", field("f", kTimestamp), R"("2026-01-05T10:11:12")", says("zone")},
        ReadCase{"enum", tier(), R"("Gold")", Value{"gold"}},
        ReadCase{"enum_number", tier(), "1", Value{"new"}},
        ReadCase{"enum_unknown", tier(), R"("Tin")", says("known are `gold` (Gold), `new` (1)")}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(Mapping, TakesKeyMarkerAndStamp) {
    const auto record = read(mapping_of({field("owner", kAuto, "Owner.Name")}),
                             R"({"Id":42,"Sync__c":"e1","Stamp":"2026-01-05T10:11:12.000+0000",
                                "Owner":{"Name":"Ada"}})");
    ASSERT_TRUE(record) << record.error().what;
    EXPECT_EQ(record->id, RecordId{"42"});
    EXPECT_EQ(record->marker, EntityId{"e1"});
    EXPECT_EQ(record->version, "2026-01-05T10:11:12.000+0000");
    EXPECT_EQ(to_string(record->changed_at), "2026-01-05T10:11:12Z");
    EXPECT_EQ(record->fields, (Fields{{FieldName{"owner"}, Value{"Ada"}}}));
}

TEST(Mapping, AbsentIsNoFieldButNullOnTheWayIsNull) {
    const auto mapping = mapping_of({field("a", kAuto, "A.Name"), field("b", kAuto, "B.Name")});
    const auto record = read(mapping, R"({"Id":"1","A":null})");
    ASSERT_TRUE(record);
    EXPECT_EQ(record->fields, (Fields{{FieldName{"a"}, Value{}}}));
}

TEST(Mapping, FindsInAListByNameAndWritesElsewhere) {
    FieldMapping severity = field("s", kString, "CustomFields.name=Severity.values.0");
    severity.write_path = "CustomFields.Severity";
    const auto mapping = mapping_of({severity});
    const auto told = [&](const char* fields) {
        return read(mapping, (R"({"Id":"1","CustomFields":)" + std::string{fields} + "}").c_str());
    };
    const Fields high{{FieldName{"s"}, Value{"high"}}};
    EXPECT_EQ(
        told(R"([{"name":"Due","values":["x"]},{"name":"Severity","values":["high"]}])")->fields,
        high);
    // Taken away is not the same as not told.
    EXPECT_EQ(told(R"([{"name":"Severity","values":[]}])")->fields,
              (Fields{{FieldName{"s"}, Value{}}}));
    EXPECT_EQ(told(R"([{"name":"Due","values":["x"]},7])")->fields, Fields{});
    EXPECT_EQ(told(R"([])")->fields, Fields{});
    EXPECT_EQ(to_json(*to_native(mapping, high)), R"({"CustomFields":{"Severity":"high"}})");
}

TEST(Mapping, TakesADecimalThatIsAnObject) {
    FieldMapping amount = field("a", kDecimal);
    amount.decimals = 2;
    amount.box = {.at = "decimal", .parts = {}, .with = {{"__class__", "Decimal"}}};
    const auto mapping = mapping_of({amount});
    const Fields ten{{FieldName{"a"}, Value{*Decimal::parse("10.5")}}};
    EXPECT_EQ(read(mapping, R"({"Id":"1","a":{"__class__":"Decimal","decimal":"10.50"}})")->fields,
              ten);
    EXPECT_EQ(read(mapping, R"({"Id":"1","a":10.5})")->fields, ten);
    EXPECT_EQ(read(mapping, R"({"Id":"1","a":null})")->fields, (Fields{{FieldName{"a"}, Value{}}}));
    const auto other = read(mapping, R"({"Id":"1","a":{"__class__":"date","year":2026}})");
    ASSERT_FALSE(other);
    EXPECT_NE(other.error().what.find("holds no `decimal`"), std::string::npos);
    EXPECT_EQ(to_json(*to_native(mapping, ten)),
              R"({"a":{"__class__":"Decimal","decimal":"10.5"}})");
    EXPECT_EQ(to_json(*to_native(mapping, Fields{{FieldName{"a"}, Value{}}})), R"({"a":null})");
    EXPECT_EQ(*normal_form(mapping, Fields{{FieldName{"a"}, Value{*Decimal::parse("10.499")}}}),
              ten);
}

TEST(Mapping, TakesATimeThatIsAnObjectOfNumbers) {
    FieldMapping day = field("d", kDate);
    day.box = {.at = {},
               .parts = {{"year", "%Y"}, {"month", "%m"}, {"day", "%d"}},
               .with = {{"__class__", "date"}}};
    FieldMapping moment = field("t", kTimestamp);
    moment.box = {.at = {}, .parts = day.box.parts, .with = {{"__class__", "datetime"}}};
    for (const auto& part :
         {std::pair{"hour", "%H"}, {"minute", "%M"}, {"second", "%S"}, {"microsecond", "%f"}}) {
        moment.box.parts.emplace_back(part);
    }
    const auto mapping = mapping_of({day, moment});
    const Fields fields{{FieldName{"d"}, Value{*parse_date("2026-01-05")}},
                        {FieldName{"t"}, Value{*parse_timestamp("2026-01-05T07:08:09.000120Z")}}};
    const auto told = read(mapping, R"({"Id":"1","d":{"__class__":"date","year":2026,"month":1,
        "day":5},"t":{"year":2026,"month":1,"day":5,"hour":7,"minute":8,"second":9,
        "microsecond":120}})");
    ASSERT_TRUE(told) << told.error().what;
    EXPECT_EQ(told->fields, fields);
    EXPECT_EQ(to_json(*to_native(mapping, fields)),
              R"({"d":{"__class__":"date","day":5,"month":1,"year":2026},)"
              R"("t":{"__class__":"datetime","day":5,"hour":7,"microsecond":120,"minute":8,)"
              R"("month":1,"second":9,"year":2026}})");
    EXPECT_EQ(*normal_form(mapping, fields), fields);
    EXPECT_EQ(to_json(*to_native(mapping, Fields{{FieldName{"d"}, Value{}}})), R"({"d":null})");
    for (const auto& [json, says] :
         {std::pair{R"({"Id":"1","d":{"year":2026,"month":1}})", "holds no number `day`"},
          {R"({"Id":"1","d":{"year":2026,"month":"1","day":5}})", "holds no number `month`"},
          {R"({"Id":"1","d":{"year":2026,"month":13,"day":5}})", "2026 13 05"},
          {R"({"Id":"1","d":{"year":-1,"month":1,"day":5}})", "00-1 01 05"}}) {
        const auto wrong = read(mapping, json);
        ASSERT_FALSE(wrong) << json;
        EXPECT_NE(wrong.error().what.find(says), std::string::npos) << wrong.error().what;
    }
    EXPECT_TRUE(check_parts(moment.box.parts));
    EXPECT_FALSE(check_parts({{"year", "%Y"}, {"month", "%m"}}));
    EXPECT_FALSE(check_parts({{"year", "%Y"}, {"month", "%m"}, {"day", "%x"}}));
    EXPECT_FALSE(check_parts({{"year", "%Y"}, {"month", "%m"}, {"day", "%m"}}));
}

TEST(Mapping, FindsKeysThatHoldDots) {
    const auto record = read(mapping_of({field("a", kAuto, "caller.name")}),
                             R"({"Id":"1","caller.name":"Ada","caller":{"name":"Bob"}})");
    EXPECT_EQ(record->fields, (Fields{{FieldName{"a"}, Value{"Ada"}}}));
}

TEST(Mapping, RefusesARecordWithoutKey) {
    for (const char* json : {R"({})", R"({"Id":null})", R"({"Id":""})", R"({"Id":{}})"}) {
        const auto record = read(mapping_of({}), json);
        ASSERT_FALSE(record) << json;
        EXPECT_EQ(record.error().kind, ErrorKind::kInvalid);
        EXPECT_NE(record.error().what.find("`Id`"), std::string::npos);
    }
}

TEST(Mapping, WritesNestedTextOnlyAndLeavesOutWhatItMayNotWrite) {
    FieldMapping amount = field("amount", kDecimal, "money.amount");
    amount.decimals = 2;
    amount.text_only = true;
    FieldMapping since = field("since", kDate);
    since.write = false;
    FieldMapping gone = field("gone", kInteger);
    gone.text_only = true;
    const auto native =
        to_native(mapping_of({amount, since, gone, field("cur", kAuto, "money.cur")}),
                  Fields{{FieldName{"amount"}, Value{*Decimal::parse("12.345")}},
                         {FieldName{"since"}, Value{*parse_date("2026-01-05")}},
                         {FieldName{"gone"}, Value{}},
                         {FieldName{"cur"}, Value{"EUR"}},
                         {FieldName{"other"}, Value{1}}});
    ASSERT_TRUE(native) << native.error().what;
    EXPECT_EQ(to_json(*native), R"({"gone":"","money":{"amount":"12.34","cur":"EUR"}})");
}

TEST(Mapping, CutsAndTrimsLikeThePlatform) {
    FieldMapping name = field("n", kString);
    name.trim = true;
    name.length = 4;
    const auto mapping = mapping_of({name});
    const auto normal = [&](const char* text) {
        return *normal_form(mapping, Fields{{FieldName{"n"}, Value{text}}})->find("n");
    };
    EXPECT_EQ(normal("  abc  "), Value{"abc"});
    EXPECT_EQ(normal("äöüßx"), Value{"äöüß"});
    EXPECT_EQ(normal("abc def"), Value{"abc"});
    EXPECT_EQ(normal("   "), Value{});
}

/// A random value that suits the type, in the shapes a hub may send.
Value random_value(NativeType type, std::mt19937_64& random) {
    const auto below = [&](std::int64_t n) {
        return static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(n));
    };
    if (below(8) == 0) return {};
    switch (type) {
        case kInteger: return Value{below(1'000'000) - 500'000};
        case kDecimal:
            return Value{*Decimal::parse(std::to_string(below(1'000'000'000) - 500'000'000) + "e-" +
                                         std::to_string(below(7)))};
        case kBool: return Value{below(2) == 1};
        case kDate: return Value{Date{static_cast<std::int32_t>(below(40'000) - 10'000)}};
        case kTimestamp: return Value{Timestamp{below(4'000'000'000'000'000'000)}};
        case kEnum: return Value{below(2) == 1 ? "gold" : "basic"};
        default: {
            constexpr std::string_view kLetters = " ab\"'\\^\n\tz0";
            std::string text;
            for (auto left = below(12); left > 0; --left) {
                text += kLetters[static_cast<std::size_t>(below(kLetters.size()))];
            }
            if (below(3) == 0) text += "ä😀";
            return Value{text};
        }
    }
}

FieldMapping random_field(int index, std::mt19937_64& random) {
    const auto flip = [&] { return random() % 2 == 0; };
    FieldMapping result =
        field(("f" + std::to_string(index)).c_str(), static_cast<NativeType>(random() % 8));
    result.path = flip() ? "f" + std::to_string(index) : "nest.f" + std::to_string(index);
    result.text_only = flip();
    result.trim = flip();
    result.write = random() % 8 != 0;
    if (result.type == kDecimal || result.type == kTimestamp) {
        result.decimals = static_cast<int>(random() % 5) - 1;
    }
    if (result.type == kString && flip()) result.length = static_cast<int>(random() % 6);
    if (result.type == kTimestamp && flip()) result.format = "%Y-%m-%d %H:%M:%S.%f";
    if (result.type == kDate && flip()) result.format = "%d-%b-%Y";
    if (result.type == kEnum) result.table = {{"gold", "G"}, {"basic", "B"}};
    if (result.type == kBool && flip()) result.table = {{"true", "Y"}, {"false", "N"}};
    const bool text = result.type == kString || result.type == kAuto;
    result.empty_is_null = !text || flip();
    return result;
}

TEST(Mapping, WhatIsWrittenReadsBackAsTheNormalForm) {
    constexpr std::uint64_t kSeed = 20'260'105;
    SCOPED_TRACE("seed " + std::to_string(kSeed));
    std::mt19937_64 random{kSeed};
    for (int round = 0; round < 2'000; ++round) {
        std::vector<FieldMapping> fields;
        Fields values;
        for (int i = 0; i < 6; ++i) {
            fields.push_back(random_field(i, random));
            if (random() % 5 != 0)
                values.set(fields[i].field, random_value(fields[i].type, random));
        }
        const auto mapping = mapping_of(fields);
        const auto normal = normal_form(mapping, values);
        ASSERT_TRUE(normal) << normal.error().what;
        auto native = to_native(mapping, values);
        ASSERT_TRUE(native) << native.error().what;
        // Over the wire, as the platform gets and gives it.
        native->insert_or_assign("Id", Value{"1"});
        const auto echoed = parse_json(to_json(Value{*native}));
        const auto record = to_canonical(mapping, *echoed->get<Value::Map>());
        ASSERT_TRUE(record) << record.error().what;
        ASSERT_EQ(record->fields, *normal) << to_json(Value{*native});
        ASSERT_EQ(*normal_form(mapping, *normal), *normal);
    }
}

TEST(TimeFormat, ChecksItsDirectives) {
    EXPECT_TRUE(check_time_format("%Y-%m-%dT%H:%M:%S.%L%z"));
    EXPECT_TRUE(check_time_format("%s"));
    EXPECT_FALSE(check_time_format("%H:%M"));
    EXPECT_FALSE(check_time_format("%Y-%m-%d %p"));
    EXPECT_FALSE(check_time_format("%Y-%m-%d %"));
}

TEST(ValuePath, StepsIntoListsAndMaps) {
    const Value value = *parse_json(R"([{"errorCode":"X","a":{"b":null}}])");
    EXPECT_EQ(*at_path(value, "0.errorCode"), Value{"X"});
    EXPECT_TRUE(at_path(value, "0.a.b.c")->is_null());
    EXPECT_EQ(at_path(value, "1.errorCode"), nullptr);
    EXPECT_EQ(at_path(value, "x"), nullptr);
    EXPECT_EQ(at_path(value, "-1"), nullptr);
}

TEST(MappingToml, TakesShortAndLongFields) {
    auto root = TomlReader::parse(R"(
[objects.customer]
native = "Account"
filter = "Type = 'Customer'"
[objects.customer.fields]
name = "Name"
limit = { path = "Limit__c", type = "decimal", decimals = 2 }
tier = { path = "Tier__c", type = "enum", table = { gold = "Gold" } }
seen = { path = "Seen__c", type = "timestamp", write = false }
)",
                                  "agent.toml");
    ASSERT_TRUE(root);
    TomlReader objects = root->table("objects");
    const auto mappings = read_object_mappings(
        objects, {.key = "Id", .marker = "Sync__c", .text_only = true, .timestamp_format = "%s"});
    ASSERT_TRUE(root->finish()) << root->finish().error().what;
    ASSERT_EQ(mappings.size(), 1u);
    EXPECT_EQ(mappings[0].key, "Id");
    EXPECT_EQ(mappings[0].marker, "Sync__c");
    EXPECT_EQ(mappings[0].filter, "Type = 'Customer'");
    ASSERT_EQ(mappings[0].fields.size(), 4u);
    EXPECT_EQ(mappings[0].fields[0].decimals, 2);
    EXPECT_TRUE(mappings[0].fields[1].text_only);
    EXPECT_EQ(mappings[0].fields[2].format, "%s");
}

TEST(MappingToml, TellsEveryProblemWithItsPlace) {
    auto root = TomlReader::parse(R"([objects.customer]
[objects.customer.fields]
a = { path = "A", type = "enum" }
b = { path = "A", type = "decimals" }
c = { path = "C", type = "enum", table = { x = "1", y = "1", z = "" } }
d = { path = "D", format = "%Y" }
e = { path = "E", type = "date", format = "%q" }
f = { path = "F", type = "integer", empty_is_null = false }
g = { path = "G", spelled = 1 }
h = "H."
i = "I.x"
j = "I"
)",
                                  "agent.toml");
    TomlReader objects = root->table("objects");
    std::ignore = read_object_mappings(objects, {});
    const auto done = root->finish();
    ASSERT_FALSE(done);
    const std::string& what = done.error().what;
    for (const char* part : {"native",
                             "key",
                             "agent.toml:3:",
                             "must list the values",
                             "agent.toml:4:",
                             "did you mean `decimal`",
                             "agent.toml:5:",
                             "as another value does",
                             "means an empty",
                             "agent.toml:6:",
                             "is for dates",
                             "agent.toml:7:",
                             "%q is not known",
                             "agent.toml:8:",
                             "only be false",
                             "agent.toml:9:",
                             "spelled",
                             "agent.toml:10:",
                             "has an empty part",
                             "agent.toml:12:",
                             "but `I.x` is written too"}) {
        EXPECT_NE(what.find(part), std::string::npos) << part << "\n" << what;
    }
}

}  // namespace
}  // namespace syncline::agent
