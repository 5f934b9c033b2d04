#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/timestamp.h"
#include "shared/model/change.h"
#include "shared/model/ids.h"
#include "shared/model/value.h"

/// Reference data: lists that one platform owns and others are given, whole and at once. A list is
/// cut into parts by the hash of the rows' keys; each part is known by the digest of its body, and
/// a generation of the list is its manifest, the digests of all parts. So two generations share
/// what is the same in both, whoever holds a part needs it no more, and whoever has a manifest can
/// prove that he has all of it.
namespace syncline {

struct ListRow {
    std::string key;
    Fields fields;
    friend bool operator==(const ListRow&, const ListRow&) = default;
};
using ListRows = std::vector<ListRow>;  ///< Sorted by key, no key twice.

struct ListManifest {
    std::uint64_t rows = 0;
    /// The digest of each part, 32 hexadecimal digits; empty for one without rows. As many as a
    /// power of two.
    std::vector<std::string> parts;
    friend bool operator==(const ListManifest&, const ListManifest&) = default;
};

/// Rows of a list at most, and bytes of a part.
inline constexpr std::uint64_t kListRowsMost = 262'144;
inline constexpr std::size_t kListPartBytesMost = 192u << 10;

/// That a source shall read a list. Its text is the body of the message by which the agent is
/// asked: the newest counts, and says when the last one was.
struct ListRequest {
    enum class Mode : std::uint8_t {
        kDifferent = 0,  ///< Send the parts that differ from what was sent last.
        kWhole = 1,      ///< Send all: the hubs have lost some.
    };
    Timestamp asked_at;
    Mode mode = Mode::kDifferent;
    std::string actor;  ///< Who asked; empty: the schedule.
    friend bool operator==(const ListRequest&, const ListRequest&) = default;
};
[[nodiscard]] std::string to_text(const ListRequest& request);
/// Nothing: it is not such a text.
[[nodiscard]] std::optional<ListRequest> parse_list_request(std::string_view text);

/// Which generation of a list a platform shall hold: the body of the message that says so.
struct ListTake {
    std::uint64_t generation = 0;
    std::string digest;  ///< Of its manifest.
    friend bool operator==(const ListTake&, const ListTake&) = default;
};
[[nodiscard]] std::string to_text(const ListTake& take);
[[nodiscard]] std::optional<ListTake> parse_list_take(std::string_view text);
/// Is it a digest as above?
[[nodiscard]] bool is_list_digest(std::string_view text);

/// What an agent tells of a list. It is numbered like a change.
struct ListNews {
    enum class Kind : std::uint8_t {
        kParts = 0,       ///< Parts that the next kRead may name.
        kRead = 1,        ///< The whole list was read to its end: this is it.
        kUnreadable = 2,  ///< It could not be read; nothing is known of it.
        kApplied = 3,     ///< The platform holds this generation.
        kNotApplied = 4,  ///< It could not be given it; it is tried again.
    };
    PlatformId platform;
    Numbering number;
    ListName list;
    Kind kind = Kind::kParts;
    std::vector<std::string> bodies;  ///< kParts.
    ListManifest manifest;            ///< kRead; no parts: the same as the last one sent.
    ListRequest request;              ///< kRead, kUnreadable: which was followed.
    ListTake take;                    ///< kApplied, kNotApplied; kRead: the digest.
    Timestamp at;                     ///< When reading began; when it was applied, or failed.
    std::string why;                  ///< What went wrong, at most 256 bytes.
};
[[nodiscard]] const char* name_of(ListNews::Kind kind);

/// Entity and partition that stand for a list wherever one is needed: what is told of it and what
/// people do about it goes by one partition.
[[nodiscard]] EntityKey list_entity(const ListName& list);

}  // namespace syncline
