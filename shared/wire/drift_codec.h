#pragma once

#include <cstdint>
#include <vector>

#include "shared/model/inventory.h"
#include "shared/wire/reader.h"
#include "shared/wire/writer.h"

/// What inventories and the results of comparing them share. Included by their codecs only.
namespace syncline::wire {

inline void write_counts(Writer& out, int key, const auto& counts) {
    out.key(key);
    out.array(static_cast<std::uint32_t>(counts.size()));
    for (const std::uint64_t count : counts) out.unsigned64(count);
}

/// Those that there is no place for are a later version's.
inline void read_counts(Decoder& in, const Node& node, auto& counts) {
    std::size_t position = 0;
    in.array(node, [&](const Node& item) {
        if (position < counts.size()) counts[position] = in.unsigned64(item);
        ++position;
    });
}

inline void write_drifts(Writer& out, int key, const std::vector<Drift>& drifts) {
    out.key(key);
    out.array(static_cast<std::uint32_t>(drifts.size()));
    for (const Drift& drift : drifts) {
        out.array(2);
        out.unsigned64(static_cast<std::uint64_t>(drift.kind));
        out.text(drift.record.text);
    }
}

inline void read_drifts(Decoder& in, const Node& node, std::vector<Drift>& drifts) {
    in.array(node, [&](const Node& item) {
        Drift& drift = drifts.emplace_back();
        std::size_t position = 0;
        in.array(item, [&](const Node& part) {
            if (position == 0) drift.kind = in.enumeration(part, DriftKind::kUnreadable);
            if (position == 1) drift.record.text = in.id(part);
            ++position;
        });
        if (position < 2) in.problem(item, "must have two items");
    });
}

inline void write_fields(Writer& out, int key, const std::vector<FieldName>& fields) {
    out.key(key);
    out.array(static_cast<std::uint32_t>(fields.size()));
    for (const FieldName& field : fields) out.text(field.text);
}

inline void read_fields(Decoder& in, const Node& node, std::vector<FieldName>& fields) {
    in.array(node, [&](const Node& item) { fields.emplace_back(in.id(item)); });
}

}  // namespace syncline::wire
