#include "shared/policy/policy.h"

#include <algorithm>

#include "shared/policy/violation.h"

namespace syncline {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
char lowered(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

std::string fold(std::string_view text) {
    std::string out;
    for (const char c : text) {
        if (is_blank(c)) {
            if (!out.empty() && out.back() != ' ') out += ' ';
        } else {
            out += lowered(c);
        }
    }
    if (!out.empty() && out.back() == ' ') out.pop_back();
    return out;
}

std::string normalised(Normaliser normaliser, std::string_view text) {
    if (normaliser == Normaliser::kExact) return std::string{text};
    if (normaliser == Normaliser::kLower) return fold(text);
    std::string out;
    for (const char raw : text) {
        const char c = lowered(raw);
        const bool letter = c >= 'a' && c <= 'z';
        if (is_digit(c) || (letter && normaliser == Normaliser::kAlnum)) out += c;
    }
    return out;
}

/// The text that a key is made of; nothing for values that are no keys.
struct KeyText {
    std::string operator()(std::monostate) const { return {}; }
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(const Decimal& value) const { return value.text(); }
    std::string operator()(const std::string& value) const { return value; }
    std::string operator()(Date value) const { return to_string(value); }
    std::string operator()(Timestamp value) const { return to_string(value); }
    std::string operator()(const Value::List&) const { return {}; }
    std::string operator()(const Value::Map&) const { return {}; }
};

std::size_t characters(std::string_view text) {
    return static_cast<std::size_t>(std::ranges::count_if(
        text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

/// Made of a value of another type; nothing if it cannot be.
std::optional<Value> converted(FieldType type, const Value& value) {
    const std::string* text = value.get<std::string>();
    if (const Decimal* number = value.get<Decimal>(); number && type == FieldType::kInteger) {
        if (const auto whole = number->to_int64()) return Value{*whole};
    }
    if (const auto* whole = value.get<std::int64_t>(); whole && type == FieldType::kDecimal) {
        return Value{Decimal{*whole}};
    }
    if (text != nullptr && type == FieldType::kDate) {  // JSON has no dates.
        if (const auto date = parse_date(*text)) return Value{*date};
    }
    if (text != nullptr && type == FieldType::kTimestamp) {
        if (const auto time = parse_timestamp(*text)) return Value{*time};
    }
    return std::nullopt;
}

}  // namespace

const char* name_of(Classification classification) {
    switch (classification) {
        case Classification::kPublic: return "public";
        case Classification::kPii: return "pii";
        case Classification::kSecret: return "secret";
    }
    return "secret";
}

const char* name_of(FieldType type) {
    switch (type) {
        case FieldType::kString: return "string";
        case FieldType::kInteger: return "integer";
        case FieldType::kDecimal: return "decimal";
        case FieldType::kBool: return "bool";
        case FieldType::kDate: return "date";
        case FieldType::kTimestamp: return "timestamp";
        case FieldType::kEnum: return "enum";
        case FieldType::kList: return "list";
        case FieldType::kMap: return "map";
    }
    return "string";
}

const char* name_of(Compatibility compatibility) {
    switch (compatibility) {
        case Compatibility::kNone: return "none";
        case Compatibility::kBackward: return "backward";
        case Compatibility::kForward: return "forward";
        case Compatibility::kFull: return "full";
    }
    return "none";
}

bool OwnershipRule::lets_write(const PlatformId& platform) const {
    return resolution != Resolution::kOwner || owner == platform ||
           otherwise == NonOwnerWrite::kAccept || otherwise == NonOwnerWrite::kPropose;
}

const Lifecycle::Stage* Lifecycle::stage(std::string_view wanted_stage) const {
    const auto at = std::ranges::lower_bound(stages, wanted_stage, {}, &Stage::name);
    return at != stages.end() && at->name == wanted_stage ? &*at : nullptr;
}

const FieldSpec* ObjectSpec::field(const FieldName& wanted_name) const {
    const auto at = std::ranges::lower_bound(fields, wanted_name, {}, &FieldSpec::name);
    return at != fields.end() && at->name == wanted_name ? &*at : nullptr;
}

const FieldName& ObjectSpec::name_now(const FieldName& wanted_name) const {
    const auto at = std::ranges::lower_bound(renames, wanted_name, {}, &Rename::was);
    return at != renames.end() && at->was == wanted_name ? at->is : wanted_name;
}

const Binding* ObjectSpec::binding(const PlatformId& platform) const {
    const auto at = std::ranges::lower_bound(bindings, platform, {}, &Binding::platform);
    return at != bindings.end() && at->platform == platform ? &*at : nullptr;
}

bool ObjectSpec::has_conditions() const {
    return std::any_of(ownership.begin(), ownership.end(),
                       [](const OwnershipRule& rule) { return rule.when.has_value(); });
}

bool ObjectSpec::has_conditions(const FieldName& wanted_field) const {
    return std::any_of(ownership.begin(), ownership.end(), [&](const OwnershipRule& rule) {
        return rule.when && std::ranges::find(rule.fields, wanted_field) != rule.fields.end();
    });
}

const OwnershipRule* ObjectSpec::rule(const FieldName& wanted_field, const Fields& entity) const {
    for (const OwnershipRule& candidate : ownership) {
        if (std::ranges::find(candidate.fields, wanted_field) == candidate.fields.end()) continue;
        if (!candidate.when || candidate.when->holds(entity).value_or(false)) return &candidate;
    }
    return nullptr;
}

const ObjectSpec* Policy::object(const ObjectName& wanted_object) const {
    const auto at = std::ranges::lower_bound(objects, wanted_object, {}, &ObjectSpec::name);
    return at != objects.end() && at->name == wanted_object ? &*at : nullptr;
}

const FieldSpec* ListSpec::field(const FieldName& wanted_field) const {
    const auto at = std::ranges::lower_bound(fields, wanted_field, {}, &FieldSpec::name);
    return at != fields.end() && at->name == wanted_field ? &*at : nullptr;
}

const ListSpec* Policy::list(const ListName& wanted_list) const {
    const auto at = std::ranges::lower_bound(lists, wanted_list, {}, &ListSpec::name);
    return at != lists.end() && at->name == wanted_list ? &*at : nullptr;
}

const CompositeAsk* Policy::ask(std::string_view wanted) const {
    const auto at = std::ranges::lower_bound(
        asks, wanted, {},
        [](const CompositeAsk& one) -> std::string_view { return one.form.name; });
    return at == asks.end() || at->form.name != wanted ? nullptr : &*at;
}

const Workflow* Policy::workflow(const WorkflowName& wanted) const {
    const auto at = std::ranges::lower_bound(workflows, wanted, {}, &Workflow::name);
    return at != workflows.end() && at->name == wanted ? &*at : nullptr;
}

std::optional<std::string> match_text(const MatchRule& rule, const Fields& fields) {
    std::string key;
    for (const MatchRule::Part& part : rule.parts) {
        const Value* value = fields.find(part.field);
        if (value == nullptr) return std::nullopt;
        const std::string text = normalised(part.normaliser, std::visit(KeyText{}, value->data()));
        if (text.empty()) return std::nullopt;
        if (rule.parts.size() == 1) return text;
        // Led by its length, so that no two different keys read the same.
        key += std::to_string(text.size()) + ":" + text;
    }
    if (key.empty()) return std::nullopt;
    return key;
}

bool conforms(const FieldSpec& field, const Value& value) {
    if (value.is_null()) return true;
    const std::string* text = value.get<std::string>();
    switch (field.type) {
        case FieldType::kString:
            return text != nullptr &&
                   (field.length_max == 0 || characters(*text) <= field.length_max);
        case FieldType::kEnum:
            return text != nullptr &&
                   std::ranges::find(field.enum_values, *text) != field.enum_values.end();
        case FieldType::kInteger: return value.get<std::int64_t>() != nullptr;
        case FieldType::kDecimal: return value.get<Decimal>() != nullptr;
        case FieldType::kBool: return value.get<bool>() != nullptr;
        case FieldType::kDate: return value.get<Date>() != nullptr;
        case FieldType::kTimestamp: return value.get<Timestamp>() != nullptr;
        case FieldType::kList: return value.get<Value::List>() != nullptr;
        case FieldType::kMap: return value.get<Value::Map>() != nullptr;
    }
    return false;
}

Result<Value> conform(const FieldSpec& field, const Value& value) {
    if (conforms(field, value)) return value;
    if (auto made = converted(field.type, value)) return *std::move(made);
    const Violation violation = violation_of(field, value);
    std::string what = "`" + field.name.text + "` must be " + violation.expected;
    // Errors go to logs and screens.
    if (field.classification == Classification::kPublic) what += ", not " + violation.found;
    return fail(ErrorKind::kInvalid, std::move(what));
}

}  // namespace syncline
