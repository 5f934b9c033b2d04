#include "agent/init/draft.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <utility>

#include "agent/agent_config.h"
#include "shared/policy/policy_toml.h"

namespace syncline::agent::init {
namespace {

constexpr std::string_view kObjects = "objects";

std::string toml_string(std::string_view text) {
    std::string out = "\"";
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte == 0x7f) {
            char escaped[8];
            std::snprintf(escaped, sizeof escaped, "\\u%04x", byte);
            out += escaped;
            continue;
        }
        if (c == '"' || c == '\\') out += '\\';
        out += c;
    }
    return out + "\"";
}

std::string key_text(std::string_view key) {
    const bool bare = !key.empty() && std::ranges::all_of(key, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '-';
    });
    return bare ? std::string{key} : toml_string(key);
}

std::string reference(std::string_view text) {
    const std::size_t colon = text.find(':');
    return "{ " + std::string{text.substr(0, colon)} + " = " + toml_string(text.substr(colon + 1)) +
           " }";
}

std::string words(std::string_view text) {
    std::string list;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find(' '), text.size());
        if (end > 0) list += (list.empty() ? "" : ", ") + toml_string(text.substr(0, end));
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return "[" + list + "]";
}

bool is_number(std::string_view text) {
    if (text.starts_with('-')) text.remove_prefix(1);
    return !text.empty() && text.find_first_not_of("0123456789") == std::string_view::npos &&
           (text.size() == 1 || text[0] != '0');
}

std::string literal(AnswerKind kind, const std::string& value) {
    switch (kind) {
        case AnswerKind::kWords: return words(value);
        case AnswerKind::kSecret: return reference(value);
        case AnswerKind::kPlain: break;
        default: return toml_string(value);
    }
    if (value == "true" || value == "false" || is_number(value) || value.starts_with('[') ||
        value.starts_with('{')) {
        return value;
    }
    for (const char* source : {"credential:", "env:", "file:"}) {
        if (value.starts_with(source)) return reference(value);
    }
    return toml_string(value);
}

std::vector<std::string> parts_of(std::string_view key) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at <= key.size();) {
        const std::size_t end = std::min(key.find('.', at), key.size());
        parts.emplace_back(key.substr(at, end - at));
        at = end + 1;
    }
    return parts;
}

std::string joined(const std::vector<std::string>& parts, std::size_t from, std::size_t to) {
    std::string text;
    for (std::size_t i = from; i < to; ++i) text += (i == from ? "" : ".") + key_text(parts[i]);
    return text;
}

/// Where a setting stands: its table, its key in it, and in which member of an inline table.
struct Place {
    std::string table;
    std::string key;
    std::string member;  ///< Empty: the value is the key's own.
};

Place place_of(const Answer& answer) {
    const std::vector<std::string> parts = parts_of(answer.key);
    if (parts[0] == "connector" && parts.size() == 3 && parts[1] == "route") {
        return {"[[connector.route]]", key_text(parts[2]), ""};
    }
    if (parts[0] == kObjects && parts.size() > 3) {
        const std::string table = "[" + joined(parts, 0, 3) + "]";
        if (parts[2] == "fields" || parts[2] == "columns") {
            const std::string member = parts.size() > 4 ? joined(parts, 4, parts.size()) : "";
            return {table, key_text(parts[3]), member};
        }
        // A path with dots is one key there.
        const std::size_t begin = parts[0].size() + parts[1].size() + parts[2].size() + 3;
        return {table, key_text(answer.key.substr(begin)), ""};
    }
    if (parts.size() == 1) return {"", key_text(parts[0]), ""};
    return {"[" + joined(parts, 0, parts.size() - 1) + "]", key_text(parts.back()), ""};
}

struct Setting {
    std::string key;
    std::string comment;
    std::string value;                                         ///< As it stands in the file.
    std::vector<std::pair<std::string, std::string>> members;  ///< Of an inline table.
};
struct DraftTable {
    std::string header;
    std::vector<Setting> settings;
};

/// The order of the file: what an agent is, its connector, its objects.
int rank_of(std::string_view header) {
    if (header.empty()) return 0;
    if (header.starts_with("[connector]")) return 2;
    if (header.starts_with("[connector.") || header.starts_with("[[connector.")) return 3;
    return header.starts_with("[objects.") ? 4 : 1;
}

std::string object_of(std::string_view header) {
    header.remove_prefix(header.find('.') + 1);
    return std::string{header.substr(0, header.find_first_of(".]"))};
}

void put(std::vector<DraftTable>& tables, const Answer& answer) {
    const Place place = place_of(answer);
    auto table = std::ranges::find(tables, place.table, &DraftTable::header);
    if (table == tables.end()) table = tables.insert(tables.end(), {place.table, {}});
    auto setting = std::ranges::find(table->settings, place.key, &Setting::key);
    if (setting == table->settings.end()) {
        setting =
            table->settings.insert(table->settings.end(), {place.key, answer.comment, "", {}});
    }
    const std::string value = literal(answer.kind, answer.value);
    if (place.member.empty()) {
        setting->value = value;
    } else {
        setting->members.emplace_back(place.member, value);
    }
}

std::string text_of(const Setting& setting) {
    std::string text = setting.comment.empty() ? "" : "# " + setting.comment + ".\n";
    if (setting.members.empty()) return text + setting.key + " = " + setting.value + "\n";
    std::string inside = setting.value.empty() ? "" : "path = " + setting.value;
    for (const auto& [member, value] : setting.members) {
        inside += (inside.empty() ? "" : ", ") + member + " = " + value;
    }
    return text + setting.key + " = { " + inside + " }\n";
}

const char* comment_of(std::string_view header) {
    if (header == "[nats]") return "";
    if (header == "[connector]") {
        return "# How the platform is spoken to; agent/connectors/<kind>/README.md has all of "
               "it.\n";
    }
    if (header.ends_with(".fields]"))
        return "# The policy's name of a field = where it is there.\n";
    return "";
}

/// "file:3:1: `connector.x` must be" as "`connector.x` must be": nobody has the file yet.
std::string without_places(std::string_view text, std::string_view file) {
    std::string out;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.starts_with(file)) {
            const std::size_t at = line.find(": ");
            if (at != std::string_view::npos) line.remove_prefix(at + 2);
        }
        out += (out.empty() ? "" : "\n") + std::string{line};
    }
    return out;
}

std::string field_name(std::string_view column) {
    std::string name;
    for (const char c : column) {
        const char low = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        const bool fits = (low >= 'a' && low <= 'z') || (low >= '0' && low <= '9');
        name += fits ? low : '_';
    }
    return is_policy_name(name) ? name : "field_" + name;
}

bool is_stamp(const TableColumn& column) {
    static constexpr std::array kNames{"updated_at",    "modified_at", "changed_at", "updated",
                                       "modified",      "changed",     "updated_on", "modified_on",
                                       "last_modified", "write_date"};
    return std::ranges::find(kNames, field_name(column.name)) != kNames.end();
}

void propose_field(Answers& answers, const std::string& object, const TableColumn& column) {
    const std::string key = object + ".fields." + field_name(column.name);
    answers.set({key, column.name, AnswerKind::kText, ""});
    if (!column.type.empty()) answers.set({key + ".type", column.type, AnswerKind::kText, ""});
}

}  // namespace

Result<void> take_setting(Answers& answers, std::string_view setting) {
    const std::string shown{setting.substr(0, setting.find('='))};
    const auto wrong = [&](const std::string& what) {
        return fail(ErrorKind::kInvalid, "--set " + shown + ": " + what);
    };
    const std::size_t equals = setting.find('=');
    if (equals == std::string_view::npos) {
        return wrong("must be KEY=VALUE, such as connector.base_url=https://acme.example.com");
    }
    std::string key{setting.substr(0, equals)};
    std::string type;
    const std::vector<std::string> whole = parts_of(key);
    const bool is_field = whole.size() >= 4 && whole[0] == kObjects && whole[2] == "fields";
    if (const std::size_t colon = key.find(':'); is_field && colon != std::string::npos) {
        type = key.substr(colon + 1);
        key.resize(colon);
    }
    const std::vector<std::string> parts = parts_of(key);
    if (std::ranges::find(parts, "") != parts.end()) return wrong("a part of the key is empty");
    const bool bad_object = parts[0] == kObjects && parts.size() > 1 && !is_policy_name(parts[1]);
    if (bad_object || (is_field && !is_policy_name(parts[3]))) {
        return wrong("`" + (bad_object ? parts[1] : parts[3]) +
                     "` is no name that a policy can have: small letters, digits and `_`, a letter "
                     "first, 64 at most");
    }
    if (parts[0] == kObjects && parts.size() < 3) {
        return wrong("must be objects.OBJECT.SETTING or objects.OBJECT.fields.FIELD");
    }
    const bool is_path = (is_field && parts.size() == 4) || key.ends_with(".path");
    answers.set({key, std::string{setting.substr(equals + 1)},
                 is_path ? AnswerKind::kText : AnswerKind::kPlain, ""});
    if (!type.empty()) answers.set({key + ".type", type, AnswerKind::kText, ""});
    return {};
}

std::string draft_of(const Answers& answers) {
    std::vector<DraftTable> tables;
    for (const Answer& answer : answers.all()) put(tables, answer);
    std::ranges::stable_sort(tables, {}, [](const DraftTable& t) { return rank_of(t.header); });
    const auto objects =
        std::ranges::find_if(tables, [](const DraftTable& t) { return rank_of(t.header) == 4; });
    for (DraftTable& table : tables) {
        if (table.header != "[connector]") continue;  // What it is stands before what it needs.
        std::ranges::stable_sort(table.settings, {}, [](const Setting& setting) {
            return setting.key == "kind" ? 0 : setting.key == "profile" ? 1 : 2;
        });
    }
    // An object's tables stand together, its own first.
    const std::vector<std::string> order = answers.names_below(kObjects);
    std::stable_sort(objects, tables.end(), [&](const DraftTable& a, const DraftTable& b) {
        const auto at = [&](const DraftTable& t) {
            return std::pair{std::ranges::find(order, object_of(t.header)) - order.begin(),
                             std::ranges::count(t.header, '.') > 1};
        };
        return at(a) < at(b);
    });
    std::string text =
        "# An agent's file, begun by syncline-agent init. Every setting that there is:\n"
        "# configs/agent.toml; the mapping: agent/README.md, \"Mapping\".\n\n";
    for (const DraftTable& table : tables) {
        if (!table.header.empty()) {
            text += "\n" + std::string{comment_of(table.header)} + table.header + "\n";
        }
        for (const Setting& setting : table.settings) text += text_of(setting);
    }
    return text;
}

Result<void> check_draft(const std::string& draft, const ConnectorContext& context) {
    constexpr std::string_view kName = "draft";
    const auto parsed = parse_agent_config(draft, kName, context);
    if (parsed) return {};
    return fail(parsed.error().kind, without_places(parsed.error().what, kName));
}

std::vector<std::string> propose(Answers& answers, const std::string& object,
                                 const std::vector<TableColumn>& columns) {
    const std::string at = "objects." + object;
    std::vector<std::string> notes;
    auto key = std::ranges::find(columns, answers.value(at + ".key"), &TableColumn::name);
    if (key == columns.end()) {
        key = std::ranges::find_if(columns, [](const auto& c) { return c.is_counted; });
    }
    if (key == columns.end()) {
        key = std::ranges::find_if(columns, [](const auto& c) { return c.is_unique; });
    }
    if (key == columns.end()) {
        notes.emplace_back("no column is unique by itself, so none can be the key");
    } else if (answers.find(at + ".key") == nullptr) {
        answers.set({at + ".key", key->name, AnswerKind::kText, "Path of a record's id"});
    }
    for (const TableColumn& column : columns) {
        const bool is_key = key != columns.end() && column.name == key->name;
        if (!is_key && column.name == answers.value(at + ".marker")) continue;
        if (!is_key && column.name == "syncline_id") {
            answers.set({at + ".marker", column.name, AnswerKind::kText,
                         "Holds Syncline's id of the entity"});
        } else if (!is_key && is_stamp(column) && answers.find(at + ".changed") == nullptr) {
            answers.set(
                {at + ".changed", column.name, AnswerKind::kText, "Stamped by every change"});
        } else if (!column.is_usable) {
            notes.push_back("`" + column.name +
                            "` is left out: bytes or JSON, which need a mapping "
                            "of their own");
        } else if (!is_key || (!column.is_counted && field_name(column.name) != "id")) {
            if (column.name != answers.value(at + ".changed")) propose_field(answers, at, column);
        }
    }
    return notes;
}

}  // namespace syncline::agent::init
