#include "shared/wire/list_parts.h"

#include <algorithm>
#include <bit>

#include "shared/base/sha256.h"
#include "shared/wire/limits.h"
#include "shared/wire/list_codec.h"

namespace syncline::wire {
namespace {

constexpr std::size_t kDigits = 32;
constexpr std::uint64_t kRowsWanted = 16;  ///< Of a part.
constexpr std::size_t kPartsMost = 16'384;

std::size_t parts_for(std::uint64_t rows, std::size_t before) {
    // Between a quarter and four times of what is wanted the former number stays.
    const std::uint64_t each = before == 0 ? 0 : rows / before;
    const bool fits = before > 0 && std::has_single_bit(before) && before <= kPartsMost &&
                      each < kRowsWanted * 4 && (each >= kRowsWanted / 4 || before == 1);
    if (fits) return before;
    return std::clamp<std::size_t>(std::bit_ceil(rows / kRowsWanted + 1), 1, kPartsMost);
}

}  // namespace

std::string list_digest(std::string_view body) {
    return hexadecimal(bytes_of(sha256({body}))).substr(0, kDigits);
}

Result<CutList> cut_list(ListRows rows, std::size_t parts_before) {
    if (rows.size() > kListRowsMost) {
        return fail(ErrorKind::kTooLarge, "the list has " + std::to_string(rows.size()) +
                                              " rows; " + std::to_string(kListRowsMost) +
                                              " are the most");
    }
    std::ranges::sort(rows, {}, &ListRow::key);
    for (std::size_t i = 0; i < rows.size(); ++i) {
        const std::string& key = rows[i].key;
        if (key.empty() || key.size() > kIdBytesMax) {
            return fail(ErrorKind::kInvalid, "a row has a key of " + std::to_string(key.size()) +
                                                 " bytes; 1 to 256 are allowed");
        }
        if (i > 0 && rows[i - 1].key == key) {
            return fail(ErrorKind::kInvalid, "two rows have the key `" + key + "`");
        }
    }
    CutList cut;
    cut.manifest.rows = rows.size();
    std::vector<ListRows> parts(parts_for(rows.size(), parts_before));
    for (ListRow& row : rows) {
        parts[stable_hash(row.key) % parts.size()].push_back(std::move(row));
    }
    for (const ListRows& part : parts) {
        std::string& digest = cut.manifest.parts.emplace_back();
        if (part.empty()) continue;
        std::string body = encode_list_rows(part);
        if (body.size() > kListPartBytesMost) {
            return fail(ErrorKind::kTooLarge, "rows are too large, as that with key `" +
                                                  part.front().key + "` and those beside it");
        }
        digest = list_digest(body);
        cut.bodies.emplace(digest, std::move(body));
    }
    return cut;
}

const char* name_of(ListDifference::Row::What what) {
    using What = ListDifference::Row::What;
    return what == What::kAdded ? "added" : what == What::kChanged ? "changed" : "removed";
}

ListDifference difference(ListRows before, ListRows now) {
    using What = ListDifference::Row::What;
    std::ranges::sort(before, {}, &ListRow::key);
    std::ranges::sort(now, {}, &ListRow::key);
    ListDifference out;
    std::vector<ListDifference::Row> found[3];
    const auto note = [&](What what, const std::string& key) {
        auto& rows = found[static_cast<std::size_t>(what)];
        if (rows.size() < ListDifference::kSampleMost) rows.push_back({what, key});
        (what == What::kAdded ? out.added : what == What::kChanged ? out.changed : out.removed)++;
    };
    auto was = before.begin();
    auto is = now.begin();
    while (was != before.end() || is != now.end()) {
        if (is == now.end() || (was != before.end() && was->key < is->key)) {
            note(What::kRemoved, (was++)->key);
        } else if (was == before.end() || is->key < was->key) {
            note(What::kAdded, (is++)->key);
        } else {
            if (was->fields != is->fields) note(What::kChanged, is->key);
            ++was, ++is;
        }
    }
    for (const What what : {What::kRemoved, What::kChanged, What::kAdded}) {
        for (auto& row : found[static_cast<std::size_t>(what)]) {
            if (out.sample.size() < ListDifference::kSampleMost) out.sample.push_back(row);
        }
    }
    return out;
}

}  // namespace syncline::wire
