#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "shared/base/timestamp.h"

namespace syncline::sim {

/// xoshiro256** from a SplitMix64 seed. Our own, because the distributions of <random> differ from
/// one library to the next, and a seed must mean the same world everywhere.
class Random {
public:
    explicit Random(std::uint64_t seed) {
        for (std::uint64_t& word : state_) {
            seed += 0x9e3779b97f4a7c15ULL;
            std::uint64_t z = seed;
            z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
            z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
            word = z ^ (z >> 31);
        }
    }

    std::uint64_t next() {
        const std::uint64_t result = rotate(state_[1] * 5, 7) * 9;
        const std::uint64_t t = state_[1] << 17;
        state_[2] ^= state_[0];
        state_[3] ^= state_[1];
        state_[1] ^= state_[2];
        state_[0] ^= state_[3];
        state_[2] ^= t;
        state_[3] = rotate(state_[3], 45);
        return result;
    }

    /// 0 <= result < bound; 0 for a bound of 0. The bias is below 2^-32 for the bounds used here.
    std::uint64_t below(std::uint64_t bound) { return bound == 0 ? 0 : next() % bound; }
    /// low <= result <= high.
    std::uint64_t between(std::uint64_t low, std::uint64_t high) {
        return low + below(high - low + 1);
    }
    Duration between(Duration low, Duration high) {
        return Duration{static_cast<Duration::rep>(between(
            static_cast<std::uint64_t>(low.count()), static_cast<std::uint64_t>(high.count())))};
    }
    /// True `per_million` times in a million.
    bool chance(std::uint64_t per_million) { return below(1'000'000) < per_million; }
    bool one_in(std::uint64_t count) { return below(count) == 0; }

    template <class T>
    const T& pick(const std::vector<T>& from) {
        return from[static_cast<std::size_t>(below(from.size()))];
    }

private:
    static std::uint64_t rotate(std::uint64_t x, int by) { return (x << by) | (x >> (64 - by)); }
    std::uint64_t state_[4]{};
};

}  // namespace syncline::sim
