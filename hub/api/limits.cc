#include "hub/api/limits.h"

#include <algorithm>

namespace syncline::hub::api {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kBucketsMost = 10'000;
constexpr std::size_t kEntriesMost = 1'000;
constexpr std::size_t kAnswerMost = 64u << 10;
constexpr Duration kKept = 24h;

}  // namespace

Limits::Verdict Limits::take(std::string_view who) {
    const Duration now = clock_.steady();
    const Duration each = Duration{1s} / settings_.per_second;
    const Duration whole = each * settings_.burst;
    const std::lock_guard lock{mutex_};
    if (full_at_.size() >= kBucketsMost) {
        std::erase_if(full_at_, [&](const auto& one) { return one.second <= now; });
    }
    // Strangers beyond that share one.
    const auto known = full_at_.find(who);
    Duration& full =
        known != full_at_.end()
            ? known->second
            : full_at_[full_at_.size() >= kBucketsMost ? std::string{} : std::string{who}];
    full = std::max(full, now);
    Verdict verdict;
    verdict.may = full + each - now <= whole;
    if (verdict.may) full += each;
    verdict.left = static_cast<unsigned>(std::max<std::int64_t>(0, (whole - (full - now)) / each));
    const auto seconds = std::chrono::ceil<std::chrono::seconds>(full - now).count();
    verdict.policy = "\"default\";q=" + std::to_string(settings_.burst) +
                     ";w=" + std::to_string(std::max(1u, settings_.burst / settings_.per_second));
    verdict.state =
        "\"default\";r=" + std::to_string(verdict.left) + ";t=" + std::to_string(seconds);
    return verdict;
}

Repeats::Found Repeats::find(const std::string& key, const std::string& request) {
    const Duration now = clock_.steady();
    const std::lock_guard lock{mutex_};
    const auto at = entries_.find(key);
    if (at != entries_.end() && now - at->second.since <= kKept) {
        const Entry& entry = at->second;
        if (entry.request != request) return {Standing::kAnother, {}};
        if (!entry.answer) return {Standing::kRuns, {}};
        return {Standing::kAgain, entry.answer};
    }
    while (entries_.size() >= kEntriesMost) {
        entries_.erase(std::ranges::min_element(entries_, {},
                                                [](const auto& one) { return one.second.since; }));
    }
    entries_[key] = {request, {}, now};
    return {};
}

void Repeats::tell(const std::string& key, const HttpServer::Reply& answer) {
    const std::lock_guard lock{mutex_};
    const auto at = entries_.find(key);
    if (at == entries_.end()) return;
    if (answer.status >= 500 || answer.status == 429 || answer.text.size() > kAnswerMost) {
        entries_.erase(at);
        return;
    }
    at->second.answer = answer;
}

}  // namespace syncline::hub::api
