#pragma once

#include "shared/base/clock.h"

namespace syncline::test {

/// A clock that only moves when it is told to. Not synchronised.
class ManualClock final : public Clock {
public:
    /// 2026-01-05T10:00:00Z unless said otherwise.
    explicit ManualClock(Timestamp start = {1'767'607'200'000'000'000}) : now_(start) {}

    [[nodiscard]] Timestamp now() const override { return now_; }
    [[nodiscard]] Duration steady() const override { return steady_; }

    /// Time passes: both readings move on.
    void advance(Duration by) {
        now_ = now_ + by;
        steady_ += by;
    }
    /// Somebody sets the wall clock, either way; steady() does not notice.
    void set_wall(Timestamp time) { now_ = time; }

private:
    Timestamp now_;
    Duration steady_{0};
};

}  // namespace syncline::test
