#include "shared/model/inventory.h"

#include <algorithm>
#include <bit>
#include <charconv>

namespace syncline {
namespace {

constexpr std::uint64_t kRecordsPerBucket = 64;
constexpr std::uint64_t kBucketsMost = 1024;

constexpr std::string_view kModes[] = {"heal", "report", "review"};

}  // namespace

const char* name_of(DriftKind kind) {
    static constexpr const char* kNames[kDriftKinds] = {"different", "missing", "extra",
                                                        "unreadable"};
    return kNames[static_cast<std::size_t>(kind)];
}

const char* name_of(ReconcileMode mode) { return kModes[static_cast<std::size_t>(mode)].data(); }

std::string to_text(const ReconcileRequest& request) {
    return std::to_string(request.asked_at.ns) + " " + name_of(request.mode);
}

std::optional<ReconcileRequest> parse_reconcile_request(std::string_view text) {
    ReconcileRequest request;
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, request.asked_at.ns);
    if (error != std::errc{} || at == end || *at != ' ') return std::nullopt;
    const auto* mode = std::ranges::find(kModes, std::string_view{at + 1, end});
    if (mode == std::end(kModes)) return std::nullopt;
    request.mode = static_cast<ReconcileMode>(mode - std::begin(kModes));
    return request;
}

std::size_t BucketSums::buckets_for(std::uint64_t records) {
    return std::min(std::bit_ceil(records / kRecordsPerBucket + 1), kBucketsMost);
}

std::uint64_t BucketSums::hash_of(const RecordId& record) {
    // Not that by which the bucket is chosen, whose values have something in common there.
    return stable_hash("record\n" + record.text);
}

std::size_t BucketSums::bucket_of(const RecordId& record, std::size_t buckets) {
    return stable_hash(record.text) % buckets;
}

BucketSums BucketSums::of(std::vector<std::uint64_t> sums) {
    BucketSums out;
    if (!sums.empty()) out.sums_ = std::move(sums);
    return out;
}

}  // namespace syncline
