#include "hub/indicators/series.h"

#include <algorithm>
#include <cmath>

namespace syncline::hub::indicators {
namespace {

constexpr std::size_t kDurationsMost = 100'000;
constexpr std::size_t kCountsMost = 1'000'000;
constexpr std::size_t kOpenMost = 1'000'000;
constexpr std::size_t kEarlyMost = 10'000;
constexpr std::size_t kLateShown = 5;

double seconds_between(Timestamp from, Timestamp to) {
    return std::max(0.0, static_cast<double>(to.ns - from.ns) / 1e9);
}

/// Empty: it has none there, and so belongs to nothing.
std::string key_of(const Happening& one, const FieldName& field) {
    if (field.empty()) return std::string{one.key};
    const Value* value = one.fields.find(field);
    return value == nullptr ? std::string{} : key_text(*value);
}

/// To three places.
Decimal rounded(double number) {
    return Decimal::parse(std::to_string(std::llround(number * 1e3)) + "e-3").value_or(Decimal{});
}

template <class T>
void keep(std::deque<T>& all, T one, std::size_t most) {
    all.push_back(std::move(one));
    if (all.size() > most) all.pop_front();
}

/// So many of them are not longer, by the nearest rank.
double rank_of(std::vector<double>& seconds, double part) {
    const auto size = static_cast<double>(seconds.size());
    const auto rank = static_cast<std::size_t>(std::max(0.0, part * size - 0.5));
    const auto at = seconds.begin() + static_cast<std::ptrdiff_t>(rank);
    std::ranges::nth_element(seconds, at);
    return *at;
}

}  // namespace

std::optional<Decimal> Figures::of(Measure measure) const {
    switch (measure) {
        case Measure::kCount: return Decimal{static_cast<std::int64_t>(count)};
        case Measure::kShare: return share;
        case Measure::kMean: return mean;
        case Measure::kMedian: return median;
        case Measure::kP90: return p90;
        case Measure::kLongest: return longest;
        case Measure::kOldest: return oldest;
        case Measure::kOpen: return Decimal{static_cast<std::int64_t>(open)};
    }
    return std::nullopt;
}

void Series::take(const Happening& one) {
    if (one.event == spec_->per) keep(whole_, one.at, kCountsMost);
    if (one.event == spec_->until) end(key_of(one, spec_->until_key), one.at);
    if (one.event != spec_->event) return;
    if (spec_->when) {
        const auto holds = spec_->when->holds(one.fields);
        if (!holds || !*holds) return;
    }
    if (spec_->is_duration()) {
        begin(key_of(one, spec_->event_key), one.at);
    } else {
        keep(counted_, one.at, kCountsMost);
    }
}

void Series::begin(const std::string& key, Timestamp at) {
    if (key.empty() || open_.contains(key)) return;
    if (const auto early = early_.find(key); early != early_.end()) {
        keep(ended_, Ended{early->second, seconds_between(at, early->second)}, kDurationsMost);
        early_.erase(early);
        return;
    }
    if (open_.size() >= kOpenMost) return;
    open_.emplace(key, at);
    by_age_.emplace(at, key);
}

void Series::end(const std::string& key, Timestamp at) {
    if (key.empty()) return;
    const auto begun = open_.find(key);
    if (begun == open_.end()) {
        if (early_.emplace(key, at).second) early_order_.emplace_back(key);
        if (early_order_.size() <= kEarlyMost) return;
        early_.erase(early_order_.front());
        early_order_.pop_front();
        return;
    }
    keep(ended_, Ended{at, seconds_between(begun->second, at)}, kDurationsMost);
    by_age_.erase({begun->second, begun->first});
    open_.erase(begun);
}

void Series::forget_before(Timestamp start) {
    while (!ended_.empty() && ended_.front().at < start) ended_.pop_front();
    while (!counted_.empty() && counted_.front() < start) counted_.pop_front();
    while (!whole_.empty() && whole_.front() < start) whole_.pop_front();
}

Figures Series::figures(Timestamp now) {
    const Timestamp start = now - spec_->window;
    forget_before(start);
    Figures out;
    out.open = open_.size();
    for (const auto& [at, key] : by_age_) {
        if (out.late.size() == kLateShown) break;
        out.late.emplace_back(key, rounded(seconds_between(at, now)));
    }
    if (!out.late.empty()) out.oldest = out.late.front().second;
    // What is told late may stand behind what is newer, so each one's time is looked at.
    const auto within = [&](Timestamp at) { return at >= start; };
    if (!spec_->is_duration()) {
        out.count = static_cast<std::uint64_t>(std::ranges::count_if(counted_, within));
        const auto whole = std::ranges::count_if(whole_, within);
        if (whole > 0) {
            out.share =
                rounded(100.0 * static_cast<double>(out.count) / static_cast<double>(whole));
        }
        return out;
    }
    std::vector<double> seconds;
    double sum = 0;
    for (const Ended& one : ended_) {
        if (!within(one.at)) continue;
        seconds.push_back(one.seconds);
        sum += one.seconds;
    }
    out.count = seconds.size();
    if (seconds.empty()) return out;
    out.mean = rounded(sum / static_cast<double>(seconds.size()));
    out.longest = rounded(std::ranges::max(seconds));
    out.median = rounded(rank_of(seconds, 0.5));
    out.p90 = rounded(rank_of(seconds, 0.9));
    return out;
}

}  // namespace syncline::hub::indicators
