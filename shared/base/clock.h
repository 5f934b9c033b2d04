#pragma once

#include "shared/base/timestamp.h"

namespace syncline {

/// The only door to time. Two implementations: SystemClock, and the tests' ManualClock.
/// Threading: const calls from any thread.
class Clock {
public:
    virtual ~Clock() = default;
    /// Wall time, UTC; may jump either way. For display and stamps.
    [[nodiscard]] virtual Timestamp now() const = 0;
    /// Time since an arbitrary start; never goes back. For deadlines and back-off.
    [[nodiscard]] virtual Duration steady() const = 0;
};

class SystemClock final : public Clock {
public:
    [[nodiscard]] Timestamp now() const override;
    [[nodiscard]] Duration steady() const override;
};

}  // namespace syncline
