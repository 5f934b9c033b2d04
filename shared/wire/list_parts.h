#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/model/list.h"

/// Cutting lists into parts, and telling what is different in two. Pure.
namespace syncline::wire {

/// Of the body of a part or of a manifest: the beginning of its SHA-256, as 32 digits.
[[nodiscard]] std::string list_digest(std::string_view body);

struct CutList {
    ListManifest manifest;
    std::map<std::string, std::string> bodies;  ///< By digest.
};
/// Cuts `rows`, which are in no order. `parts_before`: how many the last generation had, 0: there
/// was none; kept while it fits, since with another number every part is another. kInvalid: a key
/// is there twice, or empty, or over 256 bytes. kTooLarge: too many rows, or a part over its limit.
[[nodiscard]] Result<CutList> cut_list(ListRows rows, std::size_t parts_before);

/// What an agent says (ListNews::why) that cannot take a generation since the hubs have lost a part
/// of it.
inline constexpr std::string_view kListPartMissing = "a part of the generation is not there";

/// What is different in a newer generation.
struct ListDifference {
    struct Row {
        enum class What : std::uint8_t { kAdded = 0, kChanged = 1, kRemoved = 2 };
        What what = What::kAdded;
        std::string key;
        friend bool operator==(const Row&, const Row&) = default;
    };
    static constexpr std::size_t kSampleMost = 20;
    std::uint64_t added = 0;
    std::uint64_t changed = 0;
    std::uint64_t removed = 0;
    std::vector<Row> sample;  ///< Removed ones first.
    friend bool operator==(const ListDifference&, const ListDifference&) = default;
};
[[nodiscard]] const char* name_of(ListDifference::Row::What what);  ///< "added", ...
/// Both in any order, without a key twice.
[[nodiscard]] ListDifference difference(ListRows before, ListRows now);

}  // namespace syncline::wire
