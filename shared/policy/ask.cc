#include "shared/policy/ask.h"

#include <algorithm>

#include "shared/base/nearest_name.h"
#include "shared/policy/policy_toml.h"
#include "shared/policy/policy_toml_parts.h"

namespace syncline {
namespace {

constexpr TomlReader::Range kDeadlineMs{1, 600'000};
constexpr TomlReader::Range kPerSecond{0, 1'000'000};
constexpr TomlReader::Range kBurst{1, 1'000'000};

/// `1.2.3`, as the services protocol of NATS wants it, too.
bool is_semantic_version(std::string_view text) {
    int numbers = 0;
    while (true) {
        const auto dot = text.find('.');
        const std::string_view number = text.substr(0, dot);
        const bool digits =
            std::ranges::all_of(number, [](char c) { return c >= '0' && c <= '9'; });
        if (number.empty() || number.size() > 9 || !digits) return false;
        if (number.size() > 1 && number[0] == '0') return false;
        ++numbers;
        if (dot == std::string_view::npos) return numbers == 3;
        text.remove_prefix(dot + 1);
    }
}

std::vector<FieldSpec> fields_of(TomlReader& in, std::string_view key) {
    TomlReader table = in.table(key);
    std::vector<FieldSpec> fields = reading::read_fields(table);
    for (const FieldSpec& field : fields) {
        if (field.renamed_from.empty()) continue;
        table.problem(field.name.text, "cannot be renamed by `renamed_from`; raise the version");
    }
    return fields;
}

/// JSON has texts where we have a decimal, a date or a time.
std::optional<Value> read_text(FieldType type, const std::string& text) {
    if (type == FieldType::kDecimal) {
        if (const auto read = Decimal::parse(text)) return Value{*read};
    } else if (type == FieldType::kDate) {
        if (const auto read = parse_date(text)) return Value{*read};
    } else if (type == FieldType::kTimestamp) {
        if (const auto read = parse_timestamp(text)) return Value{*read};
    }
    return std::nullopt;
}

Result<Value> take_value(const FieldSpec& field, const Value& value) {
    if (const auto* text = value.get<std::string>()) {
        if (auto read = read_text(field.type, *text)) return *std::move(read);
    }
    return conform(field, value);
}

AskForm read_form(TomlReader& in, std::string_view name, AskOutput output, Duration deadline) {
    AskForm form;
    form.name = name;
    form.place = in.place();
    form.description = in.text("description", "");
    form.version = in.text("version", form.version);
    if (!is_semantic_version(form.version)) {
        in.problem("version", "must be three numbers, like \"1.0.0\"");
    }
    form.owner = in.text("owner", "");
    form.input = fields_of(in, "input");
    if (output == AskOutput::kDeclared) form.output = fields_of(in, "output");
    form.deadline =
        in.milliseconds("deadline_ms", kDeadlineMs,
                        std::chrono::duration_cast<std::chrono::milliseconds>(deadline));
    return form;
}

}  // namespace

const char* name_of(ApiClass api_class) {
    switch (api_class) {
        case ApiClass::kSystem: return "system";
        case ApiClass::kProcess: return "process";
        case ApiClass::kExperience: return "experience";
    }
    return "system";
}

AskForm read_operation_form(TomlReader& in, std::string_view name) {
    return read_form(in, name, AskOutput::kDeclared, std::chrono::minutes{1});
}

AskForm read_ask_form(TomlReader& in, std::string_view name, AskOutput output) {
    AskForm form = read_form(in, name, output, AskForm{}.deadline);
    form.per_second = in.integer("per_second", kPerSecond, form.per_second);
    form.burst = in.integer("burst", kBurst, std::max(form.burst, form.per_second));
    return form;
}

Result<Fields> take_values(std::span<const FieldSpec> fields, const Value& object,
                           Unknown unknown) {
    const auto* map = object.get<Value::Map>();
    if (map == nullptr) return fail(ErrorKind::kInvalid, "must be an object of fields");
    Fields values;
    std::string wrong;
    const auto complain = [&](const std::string& what) {
        wrong += (wrong.empty() ? "" : "; ") + what;
    };
    std::vector<std::string> names;
    for (const FieldSpec& field : fields) {
        names.push_back(field.name.text);
        const auto at = map->find(field.name.text);
        if (at == map->end() || at->second.is_null()) {
            if (field.required) complain("`" + field.name.text + "` is missing");
            continue;
        }
        auto value = take_value(field, at->second);
        if (!value) {
            complain(value.error().what);
        } else {
            values.append(field.name, *std::move(value));
        }
    }
    for (const auto& [name, value] : *map) {
        if (unknown == Unknown::kDrop || std::ranges::find(names, name) != names.end()) continue;
        complain("there is no field `" + name + "`" + did_you_mean(name, names));
    }
    if (!wrong.empty()) return fail(ErrorKind::kInvalid, std::move(wrong));
    return values;
}

int http_status(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::kInvalid: return 400;
        case ErrorKind::kNotFound: return 404;
        case ErrorKind::kConflict: return 409;
        case ErrorKind::kTooLarge: return 413;
        case ErrorKind::kThrottled:
        case ErrorKind::kFull: return 429;
        case ErrorKind::kUnsupported: return 501;
        case ErrorKind::kCorrupt: return 502;
        case ErrorKind::kUnavailable:
        case ErrorKind::kDenied: return 503;
        case ErrorKind::kAmbiguous: return 504;
        case ErrorKind::kInternal: return 500;
    }
    return 500;
}

Value::Map error_answer(std::string_view ask, const Error& error) {
    return {{"ask", ask},
            {"error", Value::Map{{"status", http_status(error.kind)},
                                 {"kind", name_of(error.kind)},
                                 {"text", error.what}}}};
}

Value::Map to_map(const Fields& values) {
    Value::Map map;
    for (const auto& [name, value] : values) map.emplace(name.text, value);
    return map;
}

std::optional<AskName> parse_ask_name(std::string_view text) {
    const auto dot = text.find('.');
    if (dot == std::string_view::npos) return std::nullopt;
    AskName name{PlatformId{text.substr(0, dot)}, std::string{text.substr(dot + 1)}};
    if (!is_policy_name(name.platform.text) || !is_policy_name(name.operation)) return std::nullopt;
    return name;
}

}  // namespace syncline
