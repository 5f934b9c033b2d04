#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/timestamp.h"
#include "shared/model/change.h"
#include "shared/model/ids.h"

/// Reconciliation: an agent reads its whole platform, compares it with what it has told, tells what
/// differs, and then says what it holds, as digests: its inventory. The hub compares that with its
/// states.
namespace syncline {

/// What becomes of records that differ.
enum class ReconcileMode : std::uint8_t {
    kHeal = 0,    ///< They are told as changes and decided like any other.
    kReport = 1,  ///< They are only counted and listed.
    kReview = 2,  ///< A person decides about each; records never told of are told as in kHeal.
};

[[nodiscard]] const char* name_of(ReconcileMode mode);  ///< "heal", "report", "review".

/// How a record differed when everything was read.
enum class DriftKind : std::uint8_t {
    kDifferent = 0,   ///< It held something else, and no change had told of it.
    kMissing = 1,     ///< It was gone, and no deletion had been told.
    kExtra = 2,       ///< It was there, and had never been told.
    kUnreadable = 3,  ///< It could not be read or mapped.
};
inline constexpr std::size_t kDriftKinds = 4;
[[nodiscard]] const char* name_of(DriftKind kind);

struct Drift {
    RecordId record;
    DriftKind kind = DriftKind::kDifferent;
    friend bool operator==(const Drift&, const Drift&) = default;
};

/// The request for one reconciliation of a platform. Its text is the body of the message by which
/// agents are asked: the newest one counts, and says when the last one was asked for.
struct ReconcileRequest {
    Timestamp asked_at;  ///< Names the run, too.
    ReconcileMode mode = ReconcileMode::kHeal;
    friend auto operator<=>(const ReconcileRequest&, const ReconcileRequest&) = default;
};
[[nodiscard]] std::string to_text(const ReconcileRequest& request);
/// Nothing: it is not such a text.
[[nodiscard]] std::optional<ReconcileRequest> parse_reconcile_request(std::string_view text);

/// The sums of the hashes of the records of one object, by bucket. Whoever knows the same records
/// has the same sums, in whatever order they came.
class BucketSums {
public:
    explicit BucketSums(std::size_t buckets = 1) : sums_(buckets) {}
    /// As many buckets as keep a few dozen records in each.
    static std::size_t buckets_for(std::uint64_t records);

    void add(const RecordId& record) {
        // Addition, so that a record that is there twice does not vanish.
        sums_[bucket_of(record, sums_.size())] += hash_of(record);
    }
    static std::uint64_t hash_of(const RecordId& record);
    /// Which of so many.
    static std::size_t bucket_of(const RecordId& record, std::size_t buckets);
    [[nodiscard]] const std::vector<std::uint64_t>& sums() const { return sums_; }
    static BucketSums of(std::vector<std::uint64_t> sums);
    friend bool operator==(const BucketSums&, const BucketSums&) = default;

private:
    std::vector<std::uint64_t> sums_;  ///< Never empty.
};

/// What an agent holds of the records of one partition after a reconciliation. It is numbered like
/// a change, so whoever decided everything before it knows as much.
struct Inventory {
    struct Object {
        ObjectName object;
        std::uint64_t records = 0;   ///< That are there and belong to an entity.
        BucketSums sums;             ///< Of these.
        std::uint64_t unlinked = 0;  ///< That are there and belong to none, as far as is known.
        std::array<std::uint64_t, kDriftKinds> found{};  ///< By kind.
        std::vector<Drift> drifts;                       ///< The first of them.
        /// The breaker holds what the platform tells of the object: so many changes, and one.
        std::uint64_t held = 0;
        std::vector<FieldName> unseen;  ///< Mapped fields that the records do not have (any more).
    };
    static constexpr std::size_t kDriftsMost = 100;

    PlatformId platform;
    Numbering number;
    ReconcileRequest request;
    Timestamp began_at;  ///< Everything that happened at the platform before is in.
    Timestamp read_at;   ///< When everything was read.
    /// The last revision told before. Whether the sums have a record that was told of later is not
    /// known.
    std::uint64_t revisions = 0;
    std::vector<Object> objects;
};

}  // namespace syncline
