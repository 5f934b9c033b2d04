#include "shared/model/value.h"

#include <algorithm>
#include <cstdio>

namespace syncline {
namespace {

void append_quoted(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (c == '"' || c == '\\') {
            out += '\\';
            out += c;
        } else if (byte < 0x20 || byte == 0x7f) {  // Never lets data write a line of the log.
            char escape[8];
            std::snprintf(escape, sizeof escape, "\\u%04x", byte);
            out += escape;
        } else {
            out += c;
        }
    }
    out += '"';
}

struct Display {
    std::string& out;

    void operator()(std::monostate) const { out += "null"; }
    void operator()(bool value) const { out += value ? "true" : "false"; }
    void operator()(std::int64_t value) const { out += std::to_string(value); }
    void operator()(const Decimal& value) const { out += value.text(); }
    void operator()(const std::string& value) const { append_quoted(out, value); }
    void operator()(Date value) const { out += to_string(value); }
    void operator()(Timestamp value) const { out += to_string(value); }
    void operator()(const Value::List& list) const {
        out += '[';
        for (const Value& item : list) {
            if (&item != &list.front()) out += ", ";
            std::visit(*this, item.data());
        }
        out += ']';
    }
    void operator()(const Value::Map& map) const {
        out += '{';
        bool first = true;
        for (const auto& [key, item] : map) {
            if (!first) out += ", ";
            first = false;
            append_quoted(out, key);
            out += ": ";
            std::visit(*this, item.data());
        }
        out += '}';
    }
};

auto position(auto& entries, std::string_view name) {
    return std::lower_bound(
        entries.begin(), entries.end(), name,
        [](const Fields::Entry& entry, std::string_view key) { return entry.first.text < key; });
}

}  // namespace

std::string display(const Value& value) {
    std::string out;
    std::visit(Display{out}, value.data());
    return out;
}

Fields::Fields(std::initializer_list<Entry> entries) {
    for (const Entry& entry : entries) set(entry.first, entry.second);
}

const Value* Fields::find(std::string_view name) const {
    const auto at = position(entries_, name);
    return at != entries_.end() && at->first.text == name ? &at->second : nullptr;
}

const Value* Fields::find(const FieldName& name) const { return find(name.text); }

void Fields::set(FieldName name, Value value) {
    const auto at = position(entries_, name.text);
    if (at != entries_.end() && at->first == name) {
        at->second = std::move(value);
    } else {
        entries_.emplace(at, std::move(name), std::move(value));
    }
}

void Fields::assign(const FieldName& name, const Value& value) {
    const auto at = position(entries_, name.text);
    if (at != entries_.end() && at->first == name) {
        at->second = value;
    } else {
        entries_.emplace(at, name, value);
    }
}

bool Fields::append(FieldName name, Value value) {
    if (!entries_.empty() && !(entries_.back().first < name)) return false;
    entries_.emplace_back(std::move(name), std::move(value));
    return true;
}

bool Fields::erase(const FieldName& name) {
    const auto at = position(entries_, name.text);
    if (at == entries_.end() || at->first != name) return false;
    entries_.erase(at);
    return true;
}

namespace {

struct KeyText {
    std::string operator()(bool value) const { return value ? "true" : "false"; }
    std::string operator()(std::int64_t value) const { return std::to_string(value); }
    std::string operator()(const Decimal& value) const { return value.text(); }
    std::string operator()(const std::string& value) const { return value; }
    std::string operator()(Date value) const { return to_string(value); }
    std::string operator()(Timestamp value) const { return to_string(value); }
    std::string operator()(const auto&) const { return {}; }  // Nothing, a list, a map.
};

}  // namespace

std::string key_text(const Value& value) { return std::visit(KeyText{}, value.data()); }

}  // namespace syncline
