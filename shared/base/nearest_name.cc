#include "shared/base/nearest_name.h"

#include <algorithm>
#include <array>

namespace syncline {
namespace {

constexpr std::size_t kLengthMax = 64;  // Longer words are no misspelt names of ours.

/// Letters to add, drop, change or swap (neighbours) to make `b` of `a`.
std::size_t distance(std::string_view a, std::string_view b) {
    using Row = std::array<std::size_t, kLengthMax + 1>;
    Row before_last{};
    Row last{};
    Row row{};
    for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
    for (std::size_t i = 1; i <= a.size(); ++i) {
        before_last = last;
        last = row;
        row[0] = i;
        for (std::size_t j = 1; j <= b.size(); ++j) {
            const std::size_t change = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
            row[j] = std::min({change, last[j] + 1, row[j - 1] + 1});
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
                row[j] = std::min(row[j], before_last[j - 2] + 1);
            }
        }
    }
    return row[b.size()];
}

}  // namespace

std::string nearest_name(std::string_view word, const std::vector<std::string>& candidates) {
    if (word.size() > kLengthMax) return {};
    std::string nearest;
    std::size_t best = std::min<std::size_t>((word.size() + 3) / 4, 3) + 1;
    for (const std::string& candidate : candidates) {
        if (candidate.size() > kLengthMax) continue;
        const std::size_t steps = distance(word, candidate);
        // All of a short word changed is another word, not a misspelling.
        if (steps < best && steps < std::max(word.size(), candidate.size())) {
            best = steps;
            nearest = candidate;
        }
    }
    return nearest;
}

std::string did_you_mean(std::string_view word, const std::vector<std::string>& candidates) {
    const std::string nearest = nearest_name(word, candidates);
    return nearest.empty() ? "" : "; did you mean `" + nearest + "`?";
}

}  // namespace syncline
