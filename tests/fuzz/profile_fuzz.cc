// What a platform is described by: profiles, mappings and request templates. A mapping that is
// taken keeps its promise, or a platform's echo would look like a change; what comes from outside
// never leaves its place in a request.
#include <algorithm>
#include <array>

#include "agent/connectors/rest/profile.h"
#include "agent/connectors/rest/template.h"
#include "agent/core/mapping_toml.h"
#include "agent/core/value_path.h"
#include "shared/base/json.h"
#include "shared/base/utf8.h"
#include "tests/fuzz/must.h"

namespace syncline::fuzz {
namespace {

using namespace agent;

const Value& value_for(const FieldMapping& field) {
    static const Value whole{-1'234'567};
    static const Value number{*Decimal::parse("9876.54321")};
    static const Value truth{true};
    static const Value day{Date{20458}};
    static const Value time{Timestamp{1'767'607'872'123'456'789}};
    static const Value text{"  \xc3\xa4 \"x\" Gold, 1  "};
    static const Value name{"gold"};
    switch (field.type) {
        case NativeType::kInteger: return whole;
        case NativeType::kDecimal: return number;
        case NativeType::kBool: return truth;
        case NativeType::kDate: return day;
        case NativeType::kTimestamp: return time;
        case NativeType::kEnum: return name;
        case NativeType::kAuto:
        case NativeType::kString: break;
    }
    return text;
}

bool reads_elsewhere(const ObjectMapping& mapping, std::string_view path) {
    return std::ranges::any_of(mapping.fields, [&](const FieldMapping& field) {
        return std::string_view{field.path}.starts_with(path) || path.starts_with(field.path);
    });
}

/// to_canonical(to_native(x)).fields == normal_form(x), as mapping.h promises.
void check_mapping(const ObjectMapping& mapping) {
    Fields fields;
    for (const FieldMapping& field : mapping.fields) fields.set(field.field, value_for(field));
    const auto normal = normal_form(mapping, fields);
    auto native = to_native(mapping, fields);
    if (!taken(normal) || !taken(native)) return;
    const auto again = normal_form(mapping, *normal);
    must(again && *again == *normal);
    if (!mapping.marker.empty() || !mapping.changed.empty()) return;  // Not in what is written.
    if (reads_elsewhere(mapping, mapping.key)) return;
    if (!set_path(*native, mapping.key, Value{"1"})) return;
    const auto record = to_canonical(mapping, *native);
    must(taken(record) && record->id == RecordId{"1"} && record->fields == *normal);
}

void check_mappings(std::string_view text) {
    auto root = TomlReader::parse(text, "fuzz.toml");
    if (!taken(root)) return;
    TomlReader objects = root->table("objects");
    const auto mappings = read_object_mappings(objects, {.key = "Id"});
    if (!root->finish()) return;
    for (const ObjectMapping& mapping : mappings) check_mapping(mapping);
}

bool only_in_pairs(std::string_view text, char c) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == c && (++i == text.size() || text[i] != c)) return false;
    }
    return true;
}

bool only_escaped(std::string_view text) {
    for (std::size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\'') return false;
        if (text[i] == '\\' && ++i == text.size()) return false;
    }
    return true;
}

/// `text` as a value from outside, in every place that there is for one.
void check_value(std::string_view text) {
    const auto soql = rest::escape_literal(rest::Literal::kSoql, text);
    if (taken(soql)) must(only_escaped(*soql));
    const auto odata = rest::escape_literal(rest::Literal::kOdata, text);
    if (taken(odata)) must(only_in_pairs(*odata, '\''));
    const auto encoded = rest::escape_literal(rest::Literal::kEncodedQuery, text);
    if (taken(encoded)) must(only_in_pairs(*encoded, '^'));
    static const auto place = rest::Template::parse("{id}");
    const rest::Variables variables{{"id", std::string{text}}};
    const auto path = place->render(variables, rest::Context::kPath);
    if (taken(path)) must(path->find_first_of("/?#&;= \r\n") == std::string::npos);
    const auto header = place->render(variables, rest::Context::kHeader);
    if (taken(header)) must(header->find_first_of("\r\n") == std::string::npos);
    static const auto quoted = rest::Template::parse("\"{id}\"");
    const auto json = quoted->render(variables, rest::Context::kJson);
    if (taken(json) && find_invalid_utf8(text) == std::string_view::npos) {
        const auto back = parse_json(*json);
        must(back && *back == Value{text});
    }
    static const auto list = rest::Template::parse("[{id}]");
    const auto bare = list->render(variables, rest::Context::kJson);
    if (taken(bare)) {
        const auto back = parse_json(*bare);
        const auto* items = back ? back->get<Value::List>() : nullptr;
        must(items != nullptr && items->size() == 1);
    }
}

}  // namespace
}  // namespace syncline::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace syncline::fuzz;
    const std::string_view text = text_of(data, size);
    const auto profile = rest::parse_profile(text, "fuzz.toml");
    if (!profile) must_name_places(profile.error(), "fuzz.toml");
    check_mappings(text);
    check_value(text);
    const auto parsed = rest::Template::parse(text);
    if (taken(parsed)) {
        static_cast<void>(taken(parsed->render({{"id", "7"}}, rest::Context::kQuery)));
    }
    return 0;
}
