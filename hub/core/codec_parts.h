#pragma once

#include <cstdint>
#include <vector>

#include "shared/model/ids.h"
#include "shared/wire/reader.h"
#include "shared/wire/writer.h"

/// What the codecs of this folder share. Included by their .cc files only.
namespace syncline::hub {

inline constexpr std::size_t kHashBytes = 32;  ///< SHA-256.

/// How many of the conditions hold: optional entries of a map.
inline std::uint32_t present(auto... conditions) {
    return (std::uint32_t{conditions ? 1U : 0U} + ...);
}

inline std::uint32_t size_of(const auto& list) { return static_cast<std::uint32_t>(list.size()); }

inline void write_names(wire::Writer& out, int key, const std::vector<FieldName>& names) {
    out.key(key);
    out.array(size_of(names));
    for (const FieldName& name : names) out.text(name.text);
}

inline std::vector<FieldName> read_names(wire::Decoder& in, const wire::Node& node) {
    std::vector<FieldName> names;
    in.array(node, [&](const wire::Node& item) { names.emplace_back(in.id(item)); });
    return names;
}

inline void write_numbers(wire::Writer& out, int key, const std::vector<std::uint64_t>& numbers) {
    out.key(key);
    out.array(size_of(numbers));
    for (const std::uint64_t number : numbers) out.unsigned64(number);
}

inline std::vector<std::uint64_t> read_numbers(wire::Decoder& in, const wire::Node& node) {
    std::vector<std::uint64_t> numbers;
    in.array(node, [&](const wire::Node& item) { numbers.push_back(in.unsigned64(item)); });
    return numbers;
}

}  // namespace syncline::hub
