#include "agent/core/mapping_toml.h"

#include <algorithm>
#include <set>

#include "agent/core/time_format.h"

namespace syncline::agent {
namespace {

constexpr TomlReader::Choice<NativeType> kTypes[] = {
    {"auto", NativeType::kAuto},           {"string", NativeType::kString},
    {"integer", NativeType::kInteger},     {"decimal", NativeType::kDecimal},
    {"bool", NativeType::kBool},           {"date", NativeType::kDate},
    {"timestamp", NativeType::kTimestamp}, {"enum", NativeType::kEnum},
};

std::string read_format(TomlReader& table, std::string_view key, std::string_view fallback) {
    std::string format = table.text(key, fallback);
    if (format.empty()) return format;
    if (const auto good = check_time_format(format); !good) table.problem(key, good.error().what);
    return format;
}

/// A mapping that cannot round-trip makes a circular update; better refused than found later.
void read_table(TomlReader table, FieldMapping& field) {
    std::set<std::string> natives;
    for (const std::string& canonical : table.keys()) {
        const std::string native = table.text(canonical);
        if (!natives.insert(native).second) {
            table.problem(canonical, "maps to `" + native + "`, as another value does already");
        }
        if (field.empty_is_null && native == field.empty) {
            table.problem(canonical, "maps to what means an empty field");
        }
        const bool flag = canonical == "true" || canonical == "false";
        if (field.type == NativeType::kBool && !flag) {
            table.key_problem(canonical, "must be `true` or `false`");
        }
        field.table.emplace(canonical, native);
    }
    const bool both = field.table.size() == 2 || field.table.empty();
    if (field.type == NativeType::kBool && !both) {
        table.problem("true", "and `false` must both be mapped");
    }
}

void check_field(TomlReader& table, const FieldMapping& field) {
    const bool timed = field.type == NativeType::kDate || field.type == NativeType::kTimestamp;
    const bool counted = field.type == NativeType::kDecimal || field.type == NativeType::kTimestamp;
    const bool tabled = field.type == NativeType::kEnum || field.type == NativeType::kBool;
    if (table.has("format") && !timed) table.problem("format", "is for dates and timestamps");
    if (table.has("decimals") && !counted) {
        table.problem("decimals", "is for decimals and timestamps");
    }
    if (table.has("table") && !tabled) table.problem("table", "is for enums and booleans");
    const bool text = field.type == NativeType::kString || field.type == NativeType::kAuto;
    if (table.has("length") && !text) table.problem("length", "is for text");
    if (field.type == NativeType::kEnum && field.table.empty()) {
        table.problem("table", "must list the values of an enum");
    }
    if (!field.empty_is_null && !text) {
        table.problem("empty_is_null", "can only be false for text: nothing else can be empty");
    }
}

FieldMapping read_field(TomlReader& fields, const std::string& name,
                        const MappingDefaults& defaults) {
    FieldMapping field;
    field.field = FieldName{name};
    field.text_only = defaults.text_only;
    field.trim = defaults.trim;
    field.false_is_null = defaults.false_is_null;
    if (fields.kind(name) == TomlReader::Kind::kText) {
        field.path = fields.text(name);
        if (field.path.empty()) fields.problem(name, "must not be empty");
        return field;
    }
    TomlReader table = fields.table(name);
    field.path = table.text("path");
    if (defaults.may_create_with) field.write_path = table.text("write_path", "");
    field.type = table.choice("type", kTypes, field.type);
    field.write = table.boolean("write", field.write);
    std::ignore = table.boolean("optional", false);  // Of the agent, see mapped_objects().
    field.empty = table.text("empty", field.empty);
    field.empty_is_null = table.boolean("empty_is_null", field.empty_is_null);
    field.text_only = table.boolean("text_only", field.text_only);
    field.trim = table.boolean("trim", field.trim);
    field.false_is_null = defaults.false_is_null && field.type != NativeType::kBool;
    field.length = table.integer<int>("length", {-1, 1'000'000'000}, field.length);
    const bool timestamp = field.type == NativeType::kTimestamp;
    field.format = read_format(table, "format", timestamp ? defaults.timestamp_format : "");
    field.decimals = table.integer<int>("decimals", {-1, Decimal::kDigitsMax},
                                        timestamp ? defaults.timestamp_decimals : -1);
    if (table.has("table")) read_table(table.table("table"), field);
    const auto box = defaults.boxes.find(field.type);
    if (box != defaults.boxes.end() && !table.has("format")) {
        field.box = box->second;
        field.format.clear();
    }
    check_field(table, field);
    return field;
}

/// What is written is built from paths, so none may end nowhere or inside another.
void check_written(TomlReader& fields, const std::string& field, const std::string& path,
                   const std::set<std::string>& others) {
    const std::string whole = "." + path + ".";
    if (whole.find("..") != std::string::npos) {
        fields.problem(field, "writes `" + path + "`, which has an empty part");
    }
    for (const std::string& other : others) {
        const bool inside = path.starts_with(other + ".") || other.starts_with(path + ".");
        if (!inside) continue;
        fields.problem(field, "writes `" + path + "`, but `" + other + "` is written too");
    }
}

std::vector<std::pair<std::string, Value>> read_created_with(TomlReader table) {
    std::vector<std::pair<std::string, Value>> values;
    for (const std::string& path : table.keys()) {
        switch (table.kind(path)) {
            case TomlReader::Kind::kInteger:
                values.emplace_back(path,
                                    table.integer<std::int64_t>(path, {INT64_MIN, INT64_MAX}));
                break;
            case TomlReader::Kind::kBoolean:
                values.emplace_back(path, table.boolean(path, false));
                break;
            default: values.emplace_back(path, table.text(path)); break;
        }
    }
    return values;
}

ObjectMapping read_object(TomlReader& objects, const std::string& name,
                          const MappingDefaults& defaults) {
    TomlReader table = objects.table(name);
    ObjectMapping mapping;
    mapping.object = ObjectName{name};
    mapping.native = table.text("native");
    const bool plural = mapping.native.ends_with('s');
    mapping.singular =
        table.text("singular", mapping.native.substr(0, mapping.native.size() - (plural ? 1 : 0)));
    mapping.key = defaults.key.empty() ? table.text("key") : table.text("key", defaults.key);
    mapping.marker = table.text("marker", defaults.marker);
    if (defaults.may_create_with) {
        mapping.marker_write_path = table.text("marker_write_path", defaults.marker_write_path);
    }
    mapping.changed = table.text("changed", defaults.changed);
    mapping.changed_format = read_format(table, "changed_format", defaults.changed_format);
    mapping.filter = table.text("filter", "");
    TomlReader fields = table.table("fields");
    std::set<std::string> written;
    for (const std::string& field : fields.keys()) {
        mapping.fields.push_back(read_field(fields, field, defaults));
        const FieldMapping& last = mapping.fields.back();
        if (!last.write || last.path.empty()) continue;
        const std::string& place = last.written_at();
        check_written(fields, field, place, written);
        if (!written.insert(place).second || place == mapping.marker_written_at()) {
            fields.problem(field, "writes `" + place + "`, which something else writes too");
        }
    }
    if (defaults.may_create_with) {
        mapping.created_with = read_created_with(table.table("create"));
    }
    for (const auto& [path, value] : mapping.created_with) {
        const bool taken = written.contains(path) || path == mapping.marker_written_at();
        if (taken) table.problem("create", "`" + path + "` is written by something else too");
    }
    if (mapping.fields.empty()) table.problem("fields", "must map at least one field");
    return mapping;
}

}  // namespace

bool MappingView::has(const ObjectName& object) const {
    return objects.empty() || std::ranges::find(objects, object.text) != objects.end();
}

std::vector<ObjectMapping> read_object_mappings(TomlReader& objects,
                                                const MappingDefaults& defaults,
                                                const MappingView& view) {
    std::vector<ObjectMapping> mappings;
    for (const std::string& name : objects.keys()) {
        ObjectMapping mapping = read_object(objects, name, defaults);
        mapping.with_unmapped = view.with_unmapped;
        if (view.has(mapping.object)) mappings.push_back(std::move(mapping));
    }
    return mappings;
}

std::vector<MappedObject> mapped_objects(TomlReader& objects) {
    std::vector<MappedObject> all;
    for (const std::string& name : objects.keys()) {
        TomlReader table = objects.table(name);
        MappedObject object{ObjectName{name}, table.text("native", ""), {}};
        TomlReader fields = table.table("fields");
        for (const std::string& field : fields.keys()) {
            if (fields.kind(field) == TomlReader::Kind::kText) {
                object.fields.push_back({FieldName{field}, fields.text(field)});
                continue;
            }
            TomlReader one = fields.table(field);
            object.fields.push_back({FieldName{field}, one.text("path"), one.boolean("write", true),
                                     one.boolean("optional", false)});
        }
        all.push_back(std::move(object));
    }
    return all;
}

}  // namespace syncline::agent
