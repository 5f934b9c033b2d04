#pragma once

#include <string>
#include <vector>

#include "hub/workflow/effect.h"
#include "shared/wire/limits.h"
#include "shared/wire/reader.h"
#include "shared/wire/writer.h"

/// What the codecs of this folder share. Included by their .cc files only.
namespace syncline::hub::workflow {

inline constexpr std::size_t kLogHashBytes = 32;  ///< SHA-256.

inline std::uint32_t size_of(const auto& list) { return static_cast<std::uint32_t>(list.size()); }

/// Writes a map of the entries that are there: `each(entry)` calls `entry(key, there, write)` with
/// all that there may be, the same each time.
void write_map(wire::Writer& out, const auto& each) {
    std::uint32_t count = 0;
    each([&](int, bool there, const auto&) { count += there ? 1U : 0U; });
    out.map(count);
    each([&](int key, bool there, const auto& write) {
        if (!there) return;
        out.key(key);
        write();
    });
}

inline void write_texts(wire::Writer& out, const std::vector<std::string>& texts) {
    out.array(size_of(texts));
    for (const std::string& text : texts) out.text(text);
}
inline std::string read_text(wire::Decoder& in, const wire::Node& node) {
    return in.text(node, wire::kStringBytesMax);
}
inline std::vector<std::string> read_texts(wire::Decoder& in, const wire::Node& node) {
    std::vector<std::string> texts;
    in.array(node, [&](const wire::Node& item) { texts.push_back(read_text(in, item)); });
    return texts;
}

// effect_codec.cc
void write_effect(wire::Writer& out, const Effect& effect);
[[nodiscard]] Effect read_effect(wire::Decoder& in, const wire::Node& node);
void write_log(wire::Writer& out, const LogEntry& entry);
[[nodiscard]] LogEntry read_log(wire::Decoder& in, const wire::Node& node);

}  // namespace syncline::hub::workflow
