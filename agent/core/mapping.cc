#include "agent/core/mapping.h"

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <variant>

#include "agent/core/time_format.h"
#include "agent/core/value_path.h"

namespace syncline::agent {
namespace {

/// A value in a message: enough to find it, not the whole of it.
std::string shown(const Value& value) {
    std::string text = display(value);
    if (text.size() > 64) text = text.substr(0, 60) + "...";
    return text;
}

std::unexpected<Error> bad(const Value& value, const std::string& why) {
    return fail(ErrorKind::kInvalid, shown(value) + " " + why);
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const auto first = text.find_first_not_of(kBlank);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

bool same_word(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        return (x >= 'A' && x <= 'Z' ? x - 'A' + 'a' : x) == y;
    });
}

Timestamp cut(Timestamp time, int decimals) {
    if (decimals < 0 || decimals >= 9) return time;
    std::int64_t unit = 1'000'000'000;
    for (int i = 0; i < decimals; ++i) unit /= 10;
    const std::int64_t rest = time.ns % unit;
    return Timestamp{time.ns - rest - (rest < 0 ? unit : 0)};
}

/// At most `length` characters of UTF-8.
std::string_view cut(std::string_view text, int length) {
    if (length < 0) return text;
    std::size_t end = 0;
    for (int count = 0; end < text.size(); ++end) {
        const bool starts = (static_cast<unsigned char>(text[end]) & 0xc0u) != 0x80u;
        if (starts && count++ == length) break;
    }
    return text.substr(0, end);
}

/// A text as the platform keeps it.
Value kept_text(const FieldMapping& field, std::string_view text) {
    // Cut between the two trims: what is cut may leave a blank at the end.
    std::string_view kept = field.trim ? trimmed(text) : text;
    kept = cut(kept, field.length);
    return Value{field.trim ? trimmed(kept) : kept};
}

Result<Value> as_auto(const Value& value) {
    if (const auto* decimal = value.get<Decimal>(); decimal != nullptr && decimal->is_whole()) {
        if (const auto whole = decimal->to_int64()) return Value{*whole};
    }
    return value;
}

Result<Decimal> as_decimal(const Value& value) {
    if (const auto* decimal = value.get<Decimal>()) return *decimal;
    if (const auto* whole = value.get<std::int64_t>()) return Decimal{*whole};
    if (const auto* text = value.get<std::string>()) {
        if (const auto parsed = Decimal::parse(trimmed(*text))) return *parsed;
    }
    return bad(value, "is not a decimal number of at most 36 digits");
}

Result<std::int64_t> as_integer(const Value& value) {
    if (const auto* whole = value.get<std::int64_t>()) return *whole;
    if (const auto decimal = as_decimal(value)) {
        if (const auto whole = decimal->to_int64()) return *whole;
    }
    return bad(value, "is not a whole number of 64 bits");
}

Result<bool> as_bool(const FieldMapping& field, const Value& value) {
    if (const auto* yes = value.get<bool>()) return *yes;
    const auto text = scalar_text(value);
    if (!text) return bad(value, text.error().what);
    for (const auto& [canonical, native] : field.table) {
        if (native == *text) return canonical == "true";
    }
    for (const char* word : {"true", "1", "yes", "y", "t", "on"}) {
        if (same_word(*text, word)) return true;
    }
    for (const char* word : {"false", "0", "no", "n", "f", "off"}) {
        if (same_word(*text, word)) return false;
    }
    return bad(value, "is neither true nor false");
}

Result<Timestamp> as_timestamp(const std::string& format, const Value& value) {
    if (const auto* time = value.get<Timestamp>()) return *time;
    if (const auto* day = value.get<Date>()) return start_of(*day);
    const auto text = scalar_text(value);
    if (!text) return bad(value, text.error().what);
    const auto time = format.empty() ? parse_timestamp(*text) : read_time(format, *text);
    if (!time) return fail(time.error());
    return *time;
}

Result<Date> as_date(const std::string& format, const Value& value) {
    if (const auto* day = value.get<Date>()) return *day;
    if (const auto* time = value.get<Timestamp>()) return day_of(*time);
    const auto text = scalar_text(value);
    if (!text) return bad(value, text.error().what);
    if (!format.empty()) {
        const auto time = read_time(format, *text);
        if (!time) return fail(time.error());
        return day_of(*time);
    }
    const auto day = parse_date(*text);
    if (!day) return fail(day.error());
    return *day;
}

/// "`gold` (Gold), `silver` (Silver)": what an unknown value could have been.
std::string table_text(const FieldMapping& field) {
    std::string out;
    for (const auto& [canonical, native] : field.table) {
        out += (out.empty() ? "`" : ", `") + canonical + "` (" + native + ")";
    }
    return out;
}

Result<Value> read_enum(const FieldMapping& field, const Value& value) {
    const auto text = scalar_text(value);
    if (!text) return bad(value, text.error().what);
    for (const auto& [canonical, native] : field.table) {
        if (native == *text) return Value{canonical};
    }
    return bad(value, "is not in the table of the field; known are " + table_text(field));
}

template <class T>
Result<Value> boxed(const Result<T>& result) {
    if (!result) return fail(result.error());
    return Value{*result};
}

bool is_false(const Value& value) {
    const bool* const flag = value.get<bool>();
    return flag != nullptr && !*flag;
}

/// How the parts of a box are written one after the other, so that time_format.h reads them.
std::string format_of(const BoxForm::Names& parts) {
    std::string format;
    for (const auto& [name, directive] : parts) format += (format.empty() ? "" : " ") + directive;
    return format;
}

std::size_t digits_of(const std::string& directive) {
    if (directive == "%Y") return 4;
    return directive == "%f" ? 6 : 2;
}

/// What is in the box; the value itself, if it is in none.
Result<Value> unboxed(const BoxForm& box, const Value& native) {
    const auto* map = box.is_used() ? native.get<Value::Map>() : nullptr;
    if (map == nullptr) return native;
    if (!box.at.empty()) {
        const Value* const inner = at_path(*map, box.at);
        return inner != nullptr ? Result<Value>{*inner} : bad(native, "holds no `" + box.at + "`");
    }
    std::string text;
    for (const auto& [name, directive] : box.parts) {
        const auto part = map->find(name);
        const auto* number = part == map->end() ? nullptr : part->second.get<std::int64_t>();
        if (number == nullptr) return bad(native, "holds no number `" + name + "`");
        const std::string digits = std::to_string(*number);
        if (!text.empty()) text += ' ';
        text.append(digits_of(directive) - std::min(digits.size(), digits_of(directive)), '0');
        text += digits;
    }
    return Value{std::move(text)};
}

Result<Value> boxed_value(const BoxForm& box, const Value& value) {
    const auto text = scalar_text(value);
    if (!text) return bad(value, text.error().what);
    Value::Map map;
    for (const auto& [name, constant] : box.with) map.emplace(name, Value{constant});
    if (!box.at.empty()) {
        if (auto done = set_path(map, box.at, Value{*text}); !done) return fail(done.error());
    }
    std::string_view rest = *text;
    for (const auto& [name, directive] : box.parts) {
        map.emplace(name, Value{std::int64_t{std::stoll(std::string{rest})}});
        rest.remove_prefix(std::min(rest.find(' '), rest.size() - 1) + 1);
    }
    return Value{std::move(map)};
}

/// The canonical value of what the platform told.
Result<Value> read_value(const FieldMapping& field, const Value& told) {
    const auto inner = unboxed(field.box, told);
    if (!inner) return inner;
    const Value& native = *inner;
    if (native.is_null() || (field.false_is_null && is_false(native))) return Value{};
    Value value = native;
    if (const auto* text = native.get<std::string>()) {
        if (field.trim) value = Value{trimmed(*text)};
        if (field.empty_is_null && *value.get<std::string>() == field.empty) return Value{};
    }
    const bool in_parts = !field.box.parts.empty() && told.get<Value::Map>() != nullptr;
    const std::string format = in_parts ? format_of(field.box.parts) : field.format;
    switch (field.type) {
        case NativeType::kAuto: return as_auto(value);
        case NativeType::kString: {
            const auto text = scalar_text(value);
            return text ? Result<Value>{Value{*text}} : bad(value, text.error().what);
        }
        case NativeType::kInteger: return boxed(as_integer(value));
        case NativeType::kDecimal: return boxed(as_decimal(value));
        case NativeType::kBool: return boxed(as_bool(field, value));
        case NativeType::kDate: return boxed(as_date(format, value));
        case NativeType::kTimestamp: return boxed(as_timestamp(format, value));
        case NativeType::kEnum: return read_enum(field, value);
    }
    return fail(ErrorKind::kInternal, "unknown native type");
}

Result<Value> write_enum(const FieldMapping& field, const Value& value) {
    const auto text = scalar_text(value);
    if (!text) return bad(value, text.error().what);
    const auto at = field.table.find(*text);
    if (at == field.table.end()) {
        return bad(value, "is not in the table of the field; known are " + table_text(field));
    }
    return Value{at->second};
}

Result<Value> write_bool(const FieldMapping& field, const Value& value) {
    const auto yes = as_bool(field, value);
    if (!yes) return fail(yes.error());
    const auto at = field.table.find(*yes ? "true" : "false");
    return at == field.table.end() ? Value{*yes} : Value{at->second};
}

/// Dates and times of kAuto have no form of their own on a platform: RFC 3339.
Result<Value> write_auto(const FieldMapping& field, const Value& value) {
    if (const auto* text = value.get<std::string>()) return kept_text(field, *text);
    if (value.get<Date>() != nullptr || value.get<Timestamp>() != nullptr) {
        return boxed(scalar_text(value));
    }
    return as_auto(value);
}

/// The platform's value, before `text_only`.
Result<Value> write_typed(const FieldMapping& field, const Value& value) {
    const std::string format = field.box.parts.empty() ? field.format : format_of(field.box.parts);
    switch (field.type) {
        case NativeType::kAuto: return write_auto(field, value);
        case NativeType::kString: {
            const auto text = scalar_text(value);
            if (!text) return bad(value, text.error().what);
            return kept_text(field, *text);
        }
        case NativeType::kInteger: return boxed(as_integer(value));
        case NativeType::kDecimal: {
            const auto decimal = as_decimal(value);
            if (!decimal) return fail(decimal.error());
            return Value{field.decimals < 0 ? *decimal : decimal->rounded(field.decimals)};
        }
        case NativeType::kBool: return write_bool(field, value);
        case NativeType::kDate: {
            const auto day = as_date(field.format, value);
            if (!day) return fail(day.error());
            return format.empty() ? Value{to_string(*day)}
                                  : Value{write_time(format, start_of(*day))};
        }
        case NativeType::kTimestamp: {
            const auto time = as_timestamp(field.format, value);
            if (!time) return fail(time.error());
            const Timestamp kept = cut(*time, field.decimals);
            return format.empty() ? Value{to_string(kept)} : Value{write_time(format, kept)};
        }
        case NativeType::kEnum: return write_enum(field, value);
    }
    return fail(ErrorKind::kInternal, "unknown native type");
}

Result<Value> write_value(const FieldMapping& field, const Value& value) {
    if (value.is_null()) {
        if (field.false_is_null) return Value{false};
        const bool as_text = field.text_only || !field.empty.empty();
        return as_text ? Value{field.empty} : Value{};
    }
    auto native = write_typed(field, value);
    if (native && field.box.is_used()) return boxed_value(field.box, *native);
    if (!native || !field.text_only) return native;
    const auto text = scalar_text(*native);
    if (!text) return bad(*native, text.error().what);
    return Value{*text};
}

std::string place_of(const ObjectMapping& mapping, const FieldMapping& field) {
    return mapping.object.text + "." + field.field.text + " (`" + field.path + "`)";
}

Result<void> read_changed(const ObjectMapping& mapping, const Value::Map& native, Record& record) {
    const Value* const stamp = at_path(native, mapping.changed);
    if (stamp == nullptr || stamp->is_null()) return {};
    const auto text = scalar_text(*stamp);
    const auto time = as_timestamp(mapping.changed_format, *stamp);
    if (!text || !time) {
        return fail(text ? time.error() : text.error(),
                    mapping.object.text + " (`" + mapping.changed + "`)");
    }
    record.version = *text;
    record.changed_at = *time;
    return {};
}

bool is_mapped(const ObjectMapping& mapping, const std::string& path) {
    const bool own = path == mapping.key || path == mapping.marker || path == mapping.changed;
    return own ||
           std::ranges::find(mapping.fields, path, &FieldMapping::path) != mapping.fields.end();
}

void add_unmapped(const ObjectMapping& mapping, const Value::Map& values, const std::string& above,
                  Fields& fields) {
    for (const auto& [name, value] : values) {
        const std::string path = above + name;
        if (is_mapped(mapping, path)) continue;
        if (const auto* below = value.get<Value::Map>()) {
            add_unmapped(mapping, *below, path + ".", fields);
        } else {
            fields.set(FieldName{std::string{kUnmapped} + path}, value);
        }
    }
}

/// What a record holds at a field's path. The first of a list that is there and empty is null: a
/// value that was taken away must not look like one that is not told.
const Value* told_at(const Value::Map& native, const std::string& path) {
    static const Value nothing;
    constexpr std::string_view kFirst = ".0";
    const Value* const value = at_path(native, path);
    if (value != nullptr || !path.ends_with(kFirst)) return value;
    const Value* const above =
        at_path(native, std::string_view{path}.substr(0, path.size() - kFirst.size()));
    const auto* list = above == nullptr ? nullptr : above->get<Value::List>();
    return list != nullptr && list->empty() ? &nothing : nullptr;
}

}  // namespace

Result<void> check_parts(const BoxForm::Names& parts) {
    std::set<std::string> seen;
    for (const auto& [name, directive] : parts) {
        const bool known = directive.size() == 2 && directive.front() == '%' &&
                           std::string_view{"YmdHMSf"}.contains(directive.back());
        if (!known) {
            return fail(ErrorKind::kInvalid, "`" + name + "` is `" + directive +
                                                 "`, which is none of %Y %m %d %H %M %S %f");
        }
        if (!seen.insert(directive).second) {
            return fail(ErrorKind::kInvalid, "`" + directive + "` is there twice");
        }
    }
    return check_time_format(format_of(parts));
}

const char* name_of(NativeType type) {
    constexpr std::array kNames{"auto", "string", "integer",   "decimal",
                                "bool", "date",   "timestamp", "enum"};
    return kNames.at(static_cast<std::size_t>(type));
}

Result<Record> to_canonical(const ObjectMapping& mapping, const Value::Map& native) {
    Record record;
    record.object = mapping.object;
    const Value* const key = at_path(native, mapping.key);
    const auto id = key == nullptr ? std::string{} : scalar_text(*key);
    if (!id || id->empty()) {
        return fail(ErrorKind::kInvalid, mapping.object.text + ": the key `" + mapping.key +
                                             "` is " + (key == nullptr ? "missing" : shown(*key)));
    }
    record.id = RecordId{*id};
    if (!mapping.marker.empty()) {
        const Value* const marker = at_path(native, mapping.marker);
        const bool none = marker == nullptr || is_false(*marker);
        const auto text = none ? std::string{} : scalar_text(*marker);
        if (text && !text->empty()) record.marker = EntityId{*text};
    }
    if (!mapping.changed.empty()) {
        if (auto done = read_changed(mapping, native, record); !done) return fail(done.error());
    }
    for (const FieldMapping& field : mapping.fields) {
        const Value* const value = told_at(native, field.path);
        if (value == nullptr) continue;
        auto canonical = read_value(field, *value);
        if (!canonical) return fail(canonical.error(), place_of(mapping, field));
        record.fields.set(field.field, std::move(*canonical));
    }
    if (mapping.with_unmapped) add_unmapped(mapping, native, "", record.fields);
    return record;
}

Result<Value::Map> to_native(const ObjectMapping& mapping, const Fields& fields) {
    Value::Map native;
    for (const FieldMapping& field : mapping.fields) {
        const Value* const value = field.write ? fields.find(field.field) : nullptr;
        if (value == nullptr) continue;
        auto written = write_value(field, *value);
        if (!written) return fail(written.error(), place_of(mapping, field));
        if (auto done = set_path(native, field.written_at(), std::move(*written)); !done) {
            return fail(done.error(), place_of(mapping, field));
        }
    }
    return native;
}

Result<Fields> normal_form(const ObjectMapping& mapping, const Fields& fields) {
    Fields normal;
    for (const FieldMapping& field : mapping.fields) {
        const Value* const value = field.write ? fields.find(field.field) : nullptr;
        if (value == nullptr) continue;
        const auto written = write_value(field, *value);
        if (!written) return fail(written.error(), place_of(mapping, field));
        auto read = read_value(field, *written);
        if (!read) return fail(read.error(), place_of(mapping, field));
        normal.set(field.field, std::move(*read));
    }
    return normal;
}

}  // namespace syncline::agent
