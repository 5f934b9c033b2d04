#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "shared/base/timestamp.h"
#include "shared/model/value.h"

namespace syncline {

/// As display() has it, but a string is as it is.
[[nodiscard]] inline std::string plain_text(const Value& value) {
    const auto* text = value.get<std::string>();
    return text == nullptr ? display(value) : *text;
}

/// What a map has under `key`; null if it is no map, or has nothing there.
[[nodiscard]] inline const Value* member(const Value& map, std::string_view key) {
    const auto* entries = map.get<Value::Map>();
    if (entries == nullptr) return nullptr;
    const auto at = entries->find(key);
    return at == entries->end() ? nullptr : &at->second;
}

/// The same, of a text; empty if there is none.
[[nodiscard]] inline std::string text_member(const Value& map, std::string_view key) {
    const Value* found = member(map, key);
    const auto* text = found == nullptr ? nullptr : found->get<std::string>();
    return text == nullptr ? std::string{} : *text;
}

/// The same, of a whole number that is not negative; 0 if there is none.
[[nodiscard]] inline std::uint64_t number_member(const Value& map, std::string_view key) {
    const Value* found = member(map, key);
    const auto* number = found == nullptr ? nullptr : found->get<std::int64_t>();
    return number == nullptr || *number < 0 ? 0 : static_cast<std::uint64_t>(*number);
}

/// The same, of a truth; false if there is none.
[[nodiscard]] inline bool flag_member(const Value& map, std::string_view key) {
    const Value* found = member(map, key);
    const auto* flag = found == nullptr ? nullptr : found->get<bool>();
    return flag != nullptr && *flag;
}

/// The same, of a time as text; 0 if there is none.
[[nodiscard]] inline Timestamp time_member(const Value& map, std::string_view key) {
    return parse_timestamp(text_member(map, key)).value_or(Timestamp{});
}
/// As it is found again.
[[nodiscard]] inline Value time_as_text(Timestamp time) {
    return time.ns == 0 ? Value{} : Value{to_string(time)};
}

}  // namespace syncline
