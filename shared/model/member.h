#pragma once

#include <string>
#include <string_view>

#include "shared/model/value.h"

namespace syncline {

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

}  // namespace syncline
