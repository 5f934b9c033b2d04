#pragma once

#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/model/retell.h"

/// As codec.h; for few.
namespace syncline::wire {

[[nodiscard]] std::string encode(const Retell& retell);
[[nodiscard]] Result<Retell> decode_retell(std::string_view body);

}  // namespace syncline::wire
