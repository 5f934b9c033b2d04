#include "hub/ctl/rates.h"

#include <utility>

namespace syncline::ctl {

void Rates::note(const std::string& who, const std::string& run, Timestamp said, Counts counts) {
    Seen& seen = seen_[who];
    if (seen.run != run) {
        seen = {.run = run, .said = said, .counts = std::move(counts), .rates = {}};
        return;
    }
    if (said.ns <= seen.said.ns) return;
    const double seconds = static_cast<double>(said.ns - seen.said.ns) / 1e9;
    seen.rates.clear();
    for (const auto& [name, value] : counts) {
        const auto before = seen.counts.find(name);
        if (before == seen.counts.end() || before->second > value) continue;
        seen.rates.emplace(name, static_cast<double>(value - before->second) / seconds);
    }
    seen.said = said;
    seen.counts = std::move(counts);
}

std::optional<double> Rates::of(std::string_view who, std::string_view count) const {
    const auto seen = seen_.find(who);
    if (seen == seen_.end()) return std::nullopt;
    const auto rate = seen->second.rates.find(count);
    if (rate == seen->second.rates.end()) return std::nullopt;
    return rate->second;
}

std::optional<double> Rates::sum(std::string_view prefix, std::string_view count) const {
    std::optional<double> all;
    for (const auto& [who, seen] : seen_) {
        if (!who.starts_with(prefix)) continue;
        if (const auto rate = of(who, count)) all = all.value_or(0) + *rate;
    }
    return all;
}

}  // namespace syncline::ctl
