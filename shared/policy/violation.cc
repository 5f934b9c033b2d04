#include "shared/policy/violation.h"

#include <variant>

namespace syncline {
namespace {

constexpr std::size_t kShownMost = 80;

const char* wanted(FieldType type) {
    switch (type) {
        case FieldType::kString: return "text";
        case FieldType::kInteger: return "a whole number of 64 bits";
        case FieldType::kDecimal: return "a number";
        case FieldType::kBool: return "true or false";
        case FieldType::kDate: return "a date (YYYY-MM-DD)";
        case FieldType::kTimestamp: return "a timestamp (RFC 3339)";
        case FieldType::kEnum: return "one of its values";
        case FieldType::kList: return "a list";
        case FieldType::kMap: return "a map";
    }
    return "something else";
}

struct KindOf {
    const char* operator()(std::monostate) const { return "nothing"; }
    const char* operator()(bool) const { return "true or false"; }
    const char* operator()(std::int64_t) const { return "a whole number"; }
    const char* operator()(const Decimal&) const { return "a number"; }
    const char* operator()(const std::string&) const { return "text"; }
    const char* operator()(Date) const { return "a date"; }
    const char* operator()(Timestamp) const { return "a timestamp"; }
    const char* operator()(const Value::List&) const { return "a list"; }
    const char* operator()(const Value::Map&) const { return "a map"; }
};

std::string expected(const FieldSpec& field, const Value& value) {
    if (field.type == FieldType::kEnum) {
        std::string allowed;
        for (const std::string& one : field.enum_values) {
            allowed += (allowed.empty() ? "" : ", ") + one;
        }
        return "one of " + allowed;
    }
    if (field.type == FieldType::kString && value.get<std::string>() != nullptr) {
        return "at most " + std::to_string(field.length_max) + " characters";
    }
    return wanted(field.type);
}

std::string found(const FieldSpec& field, const Value& value) {
    if (field.classification != Classification::kPublic) {
        return std::visit(KindOf{}, value.data()) + std::string{" ("} +
               name_of(field.classification) + ")";
    }
    std::string shown = display(value);
    return shown.size() > kShownMost ? "a longer value" : shown;
}

}  // namespace

std::string to_string(const Violation& violation) {
    return violation.pointer + ": expected " + violation.expected + ", found " + violation.found;
}

Violation violation_of(const FieldSpec& field, const Value& value) {
    return {"/fields/" + field.name.text, expected(field, value), found(field, value)};
}

}  // namespace syncline
