#pragma once

#include "shared/base/timestamp.h"

namespace syncline {

/// Time since the machine started; never goes back and, unlike Clock::steady(), goes on while the
/// machine sleeps, as other machines' clocks do. Threading: any thread.
[[nodiscard]] Duration boot_time();

}  // namespace syncline
