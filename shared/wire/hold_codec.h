#pragma once

#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/model/hold.h"

/// As codec.h, for what agents tell of the lanes that they hold.
namespace syncline::wire {

[[nodiscard]] std::string encode(const HoldNotice& notice);
[[nodiscard]] Result<HoldNotice> decode_hold(std::string_view body);

}  // namespace syncline::wire
