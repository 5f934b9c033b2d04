#include "shared/contracts/json_schema.h"

#include <limits>

namespace syncline::contracts {
namespace {

using List = Value::List;
using Map = Value::Map;

constexpr std::int64_t kWholeMin = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kWholeMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kDaysMin = std::numeric_limits<std::int32_t>::min();
constexpr std::int64_t kDaysMax = std::numeric_limits<std::int32_t>::max();

// Patterns are anchored, and use what all dialects of regular expressions have.

/// A number in the form that Decimal::text() gives: no sign of zero, no zeros at the ends, 36
/// digits.
constexpr const char* kDecimal =
    "^(?:0|-?(?:0\\.[0-9]{0,35}[1-9]|"
    "(?=(?:[0-9]\\.?){1,36}$)[1-9][0-9]*(?:\\.[0-9]*[1-9])?))$";

/// Whole numbers up to `most`, without zeros in front.
std::string up_to(const std::string& most) {
    const auto any = [](std::size_t count) {
        return count == 0 ? "" : "[0-9]{" + std::to_string(count) + "}";
    };
    std::string pattern = "[1-9][0-9]{0," + std::to_string(most.size() - 2) + "}";
    for (std::size_t i = 0; i < most.size(); ++i) {
        const char least = i == 0 ? '1' : '0';
        if (most[i] <= least) continue;
        const auto below = static_cast<char>(most[i] - 1);
        pattern +=
            "|" + most.substr(0, i) + "[" + least + "-" + below + "]" + any(most.size() - i - 1);
    }
    return pattern + "|" + most;
}

std::string whole_pattern() {
    return "^(?:0|" + up_to(std::to_string(kWholeMax)) +
           "|-(?:" + up_to(std::to_string(kWholeMin).substr(1)) + "))$";
}

/// The days of the Gregorian calendar.
std::string day_pattern() {
    return "(?:[0-9]{4}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|"
           "(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)|02-(?:0[1-9]|1[0-9]|2[0-8]))|"
           "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:[02468][048]|[13579][26])00)-02-29)";
}

std::string date_pattern() { return "^" + day_pattern() + "$"; }

std::string timestamp_pattern() {
    // 1680 to 2259.
    return "^(?=1[7-9]|16[89]|2[01]|22[0-5])" + day_pattern() +
           "[Tt ](?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\\.[0-9]*)?"
           "(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):?[0-5][0-9])$";
}

Map text(std::string pattern) { return {{"type", "string"}, {"pattern", std::move(pattern)}}; }
Map whole(std::int64_t least = kWholeMin, std::int64_t most = kWholeMax) {
    return {{"type", "integer"}, {"minimum", least}, {"maximum", most}};
}
Value one_of(List schemas) { return Map{{"anyOf", std::move(schemas)}}; }
Value null() { return Map{{"type", "null"}}; }

/// `[tag, content]`: see wire/writer.cc.
Value tagged(int tag, Value content) {
    return Map{{"type", "array"},
               {"items", List{Map{{"const", tag}}, std::move(content)}},
               {"minItems", 2},
               {"maxItems", 2}};
}
enum Tag { kDecimalTag = 1, kDateTag = 2, kTimestampTag = 3, kListTag = 4, kMapTag = 5 };

Value wire_list(const Value& item) {
    return Map{{"type", "array"},
               {"items", List{Map{{"const", static_cast<int>(kListTag)}}}},
               {"additionalItems", item},
               {"minItems", 1}};
}
Value wire_map(const Value& item) {
    return tagged(kMapTag, Map{{"type", "object"}, {"additionalProperties", item}});
}

/// In a form of its own where the wire has one, else as in JSON.
Value in_form(Form form, Value json, int tag, Value content) {
    if (form == Form::kJson) return json;
    return one_of({tagged(tag, std::move(content)), std::move(json)});
}

Value type_schema(const FieldSpec& field, Form form) {
    switch (field.type) {
        case FieldType::kString: {
            Map schema{{"type", "string"}};
            if (field.length_max > 0) {
                schema["maxLength"] = static_cast<std::int64_t>(field.length_max);
            }
            return schema;
        }
        case FieldType::kInteger: {
            if (form == Form::kJson) return whole();
            return one_of({whole(), tagged(kDecimalTag, text(whole_pattern()))});
        }
        case FieldType::kDecimal: {
            if (form == Form::kWire) return one_of({whole(), tagged(kDecimalTag, text(kDecimal))});
            // Exact for every reader: as a number it would become a binary fraction.
            Map schema = text(kDecimal);
            schema.merge(whole());
            schema["type"] = List{"string", "integer"};
            return schema;
        }
        case FieldType::kBool: return Map{{"type", "boolean"}};
        case FieldType::kDate:
            return in_form(form, text(date_pattern()), kDateTag, whole(kDaysMin, kDaysMax));
        case FieldType::kTimestamp:
            return in_form(form, text(timestamp_pattern()), kTimestampTag, whole());
        case FieldType::kEnum: {
            List values;
            for (const std::string& value : field.enum_values) values.emplace_back(value);
            return Map{{"type", "string"}, {"enum", std::move(values)}};
        }
        case FieldType::kList:
            return form == Form::kJson ? Map{{"type", "array"}} : wire_list(Map{});
        case FieldType::kMap:
            return form == Form::kJson ? Map{{"type", "object"}} : wire_map(Map{});
    }
    return Map{};
}

}  // namespace

Value value_schema(const FieldSpec& field, Form form) {
    Value schema = type_schema(field, form);
    Map annotated = *schema.get<Map>();
    annotated["x-type"] = name_of(field.type);
    if (field.classification != Classification::kPublic) {
        annotated["x-classification"] = name_of(field.classification);
    }
    return annotated;
}

Value any_wire_value(const std::string& itself) {
    const Value any = Map{{"$ref", itself}};
    return one_of({null(), Map{{"type", "boolean"}}, whole(), Map{{"type", "string"}},
                   tagged(kDecimalTag, text(kDecimal)), tagged(kDateTag, whole(kDaysMin, kDaysMax)),
                   tagged(kTimestampTag, whole()), wire_list(any), wire_map(any)});
}

Value change_schema(const ObjectSpec& object, Form form) {
    Map properties;
    for (const FieldSpec& field : object.fields) {
        const Value schema = one_of({value_schema(field, form), null()});
        properties[field.name.text] = schema;
        for (const FieldName& was : field.renamed_from) {
            Map earlier = *schema.get<Map>();
            earlier["deprecated"] = true;
            earlier["x-renamed-to"] = field.name.text;
            properties[was.text] = std::move(earlier);
        }
    }
    return Map{{"type", "object"},
               {"description", "Fields that a platform tells of, or is told; null is empty."},
               {"properties", std::move(properties)}};
}

namespace {

/// The fields of something whole: what is required is there and not empty. Gives their names.
List add_whole(const std::vector<FieldSpec>& fields, Map& properties) {
    List required;
    for (const FieldSpec& field : fields) {
        Value schema = value_schema(field, Form::kJson);
        if (field.required) required.emplace_back(field.name.text);
        properties[field.name.text] = field.required ? schema : one_of({schema, null()});
    }
    return required;
}

}  // namespace

Value record_schema(const Policy& policy, const ObjectSpec& object) {
    Map properties;
    List required = add_whole(object.fields, properties);
    Map schema{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
               {"title", object.name.text},
               {"description", "A record of " + object.name.text + ", whole, by version " +
                                   std::to_string(object.contract_version) + " of its contract."},
               {"type", "object"},
               {"properties", std::move(properties)},
               {"$defs", Map{{"change", change_schema(object, Form::kJson)}}},
               {"x-object", object.name.text},
               {"x-contract-version", static_cast<std::int64_t>(object.contract_version)},
               {"x-compatibility", name_of(object.compatibility)},
               {"x-policy", policy.name},
               {"x-policy-hash", policy.hash}};
    // Drafts before the sixth refuse an empty one.
    if (!required.empty()) schema["required"] = std::move(required);
    return schema;
}

Value event_schema(const Policy& policy, const CatalogueEvent& event) {
    const ObjectSpec* object =
        policy.object(ObjectName{event.name.substr(0, event.name.find('.'))});
    const bool wire = event.spec != nullptr && event.spec->body == EventSpec::Body::kMessagePack;
    Map properties;
    for (const std::string& name : event.fields) {
        const FieldSpec* field =
            object == nullptr || event.spec == nullptr ? nullptr : object->field(FieldName{name});
        if (field == nullptr) {
            properties[name] = Map{};  // Whoever tells it says what it is.
        } else if (field->type == FieldType::kDecimal && !wire) {
            properties[name] = one_of({Map{{"type", "number"}}, null()});
        } else {
            properties[name] =
                one_of({value_schema(*field, wire ? Form::kWire : Form::kJson), null()});
        }
    }
    return Map{{"$schema", "https://json-schema.org/draft/2020-12/schema"},
               {"title", event.name},
               {"description",
                event.description.empty() ? "Told by " + event.told_by + "." : event.description},
               {"type", "object"},
               {"properties", std::move(properties)},
               {"x-event-version", static_cast<std::int64_t>(event.version)},
               {"x-policy", policy.name},
               {"x-policy-hash", policy.hash}};
}

Value process_schema(const Policy& policy, const Workflow& workflow) {
    Map properties{
        {"_requester",
         Map{{"type", "string"}, {"description", "Who asks for it, and so cannot approve it."}}}};
    List required = add_whole(workflow.context, properties);
    Map schema{
        {"$schema", "https://json-schema.org/draft/2020-12/schema"},
        {"title", workflow.name.text},
        {"description", "What begins it: the body of POST /v1/process/" + workflow.name.text + "."},
        {"type", "object"},
        {"properties", std::move(properties)},
        {"additionalProperties", false},
        {"x-version", static_cast<std::int64_t>(workflow.version)},
        {"x-owner", workflow.owner},
        {"x-policy", policy.name},
        {"x-policy-hash", policy.hash}};
    if (!required.empty()) schema["required"] = std::move(required);
    return schema;
}

std::string contract_name(const ObjectSpec& object) {
    return object.name.text + ".v" + std::to_string(object.contract_version);
}

}  // namespace syncline::contracts
