#include "agent/core/value_path.h"

#include <charconv>
#include <variant>

namespace syncline::agent {
namespace {

/// `name=Severity`: the first map of the list in which `name` is `Severity`.
const Value* named_in(const Value::List& list, std::string_view step) {
    const auto equals = step.find('=');
    for (const Value& one : list) {
        const auto* map = one.get<Value::Map>();
        const Value* const name = map == nullptr ? nullptr : at_path(*map, step.substr(0, equals));
        if (name == nullptr) continue;
        const auto text = scalar_text(*name);
        if (text && *text == step.substr(equals + 1)) return &one;
    }
    return nullptr;
}

const Value* step_into(const Value::List& list, std::string_view step) {
    if (step.contains('=')) return named_in(list, step);
    std::size_t index = 0;
    const auto [end, status] = std::from_chars(step.data(), step.data() + step.size(), index);
    if (status != std::errc{} || end != step.data() + step.size() || index >= list.size()) {
        return nullptr;
    }
    return &list[index];
}

const Value* in_list(const Value::List& list, std::string_view path) {
    const auto dot = path.find('.');
    const Value* const found = step_into(list, path.substr(0, dot));
    return found == nullptr || dot == std::string_view::npos
               ? found
               : at_path(*found, path.substr(dot + 1));
}

struct Text {
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

}  // namespace

const Value* at_path(const Value& value, std::string_view path) {
    if (path.empty() || value.is_null()) return &value;
    if (const auto* map = value.get<Value::Map>()) return at_path(*map, path);
    if (const auto* list = value.get<Value::List>()) return in_list(*list, path);
    return nullptr;
}

const Value* at_path(const Value::Map& map, std::string_view path) {
    if (const auto whole = map.find(path); whole != map.end()) return &whole->second;
    const auto dot = path.find('.');
    if (dot == std::string_view::npos) return nullptr;
    const auto step = map.find(path.substr(0, dot));
    return step == map.end() ? nullptr : at_path(step->second, path.substr(dot + 1));
}

Result<void> set_path(Value::Map& map, std::string_view path, Value value) {
    const auto dot = path.find('.');
    if (dot == std::string_view::npos) {
        if (!map.emplace(std::string{path}, std::move(value)).second) {
            return fail(ErrorKind::kInvalid, "the path `" + std::string{path} + "` is taken");
        }
        return {};
    }
    // A map inside a Value can only be replaced, so the nesting is rebuilt on the way back.
    const auto slot = map.find(path.substr(0, dot));
    Value::Map inner;
    if (slot != map.end()) {
        const auto* taken = slot->second.get<Value::Map>();
        if (taken == nullptr) {
            return fail(ErrorKind::kInvalid, "`" + std::string{path.substr(0, dot)} +
                                                 "` is a value and cannot hold fields");
        }
        inner = *taken;
    }
    auto done = set_path(inner, path.substr(dot + 1), std::move(value));
    if (done) map.insert_or_assign(std::string{path.substr(0, dot)}, Value{std::move(inner)});
    return done;
}

Result<std::string> scalar_text(const Value& value) {
    if (value.get<Value::List>() != nullptr || value.get<Value::Map>() != nullptr) {
        return fail(ErrorKind::kInvalid, "is a list or an object, not a single value");
    }
    return std::visit(Text{}, value.data());
}

std::string text_at(const Value& value, std::string_view path) {
    const Value* const found = path.empty() ? nullptr : at_path(value, path);
    return found == nullptr ? std::string{} : scalar_text(*found).value_or("");
}

}  // namespace syncline::agent
