#include "shared/model/inventory.h"

#include <algorithm>
#include <bit>
#include <charconv>

namespace syncline {
namespace {

constexpr std::uint64_t kRecordsPerBucket = 64;
constexpr std::uint64_t kBucketsMost = 1024;

constexpr std::string_view kHeal = "heal";
constexpr std::string_view kReport = "report";

}  // namespace

const char* name_of(DriftKind kind) {
    static constexpr const char* kNames[kDriftKinds] = {"different", "missing", "extra",
                                                        "unreadable"};
    return kNames[static_cast<std::size_t>(kind)];
}

std::string to_text(const ReconcileRequest& request) {
    return std::to_string(request.asked_at.ns) + " " +
           std::string{request.mode == ReconcileMode::kHeal ? kHeal : kReport};
}

std::optional<ReconcileRequest> parse_reconcile_request(std::string_view text) {
    ReconcileRequest request;
    const char* const end = text.data() + text.size();
    const auto [at, error] = std::from_chars(text.data(), end, request.asked_at.ns);
    if (error != std::errc{} || at == end || *at != ' ') return std::nullopt;
    const std::string_view mode{at + 1, end};
    if (mode != kHeal && mode != kReport) return std::nullopt;
    request.mode = mode == kHeal ? ReconcileMode::kHeal : ReconcileMode::kReport;
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
