#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>

#include "shared/base/timestamp.h"

namespace syncline::agent {

/// How many a second, over about the last half minute, so that a pause shows soon and a page does
/// not. Pure; holds at most some sixty numbers.
class RateMeter {
public:
    void add(std::uint64_t count, Duration now) {
        total_ += count;
        if (!samples_.empty() && now - samples_.back().at < kEvery) return;
        samples_.push_back({now, total_});
        while (samples_.size() > 1 && now - samples_.front().at > kWindow) samples_.pop_front();
    }
    [[nodiscard]] std::uint64_t per_second(Duration now) const {
        if (samples_.empty()) return 0;
        const Sample& first = samples_.front();
        const Duration length = now - first.at;
        if (length < kEvery) return 0;
        using std::chrono::milliseconds;
        const auto ms = static_cast<std::uint64_t>(length / milliseconds{1});
        return (total_ - first.total) * 1'000 / ms;
    }
    void reset() { *this = {}; }

private:
    static constexpr Duration kEvery{std::chrono::milliseconds{500}};
    static constexpr Duration kWindow{std::chrono::seconds{30}};
    struct Sample {
        Duration at{0};
        std::uint64_t total = 0;
    };
    std::deque<Sample> samples_;
    std::uint64_t total_ = 0;
};

}  // namespace syncline::agent
