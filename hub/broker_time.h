#pragma once

#include <string>

#include "shared/base/clock.h"
#include "shared/base/log.h"

namespace syncline::hub {

/// The time by which timers of workflows fire: this machine's, unless that differs from the
/// broker's by more than a few seconds. A clock that is set wrong, or jumps, fires nothing early.
class BrokerTime {
public:
    explicit BrokerTime(const Clock& clock) : clock_(clock) {}

    /// The broker has stored at `stored_at` what has just come in.
    void heard(Timestamp stored_at) {
        stored_at_ = stored_at;
        at_ = clock_.steady();
    }
    [[nodiscard]] Timestamp now() {
        const Timestamp ours = clock_.now();
        if (stored_at_ == Timestamp{}) return ours;
        const Timestamp theirs = stored_at_ + (clock_.steady() - at_);
        const Duration apart = ours > theirs ? ours - theirs : theirs - ours;
        const bool wrong = apart > kMost;
        if (wrong && !told_) {
            log::error("this machine's clock and the broker's differ; the broker's counts",
                       {{"ours", to_string(ours)}, {"broker", to_string(theirs)}});
        }
        told_ = wrong;
        return wrong ? theirs : ours;
    }

private:
    static constexpr Duration kMost = std::chrono::seconds{5};

    const Clock& clock_;
    Timestamp stored_at_;
    Duration at_{0};
    bool told_ = false;
};

}  // namespace syncline::hub
