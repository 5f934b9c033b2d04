#pragma once

#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/model/trouble.h"

namespace syncline::wire {

[[nodiscard]] std::string encode(const Trouble& trouble);
/// kInvalid: what is wrong, and where. Keys of later versions are ignored.
[[nodiscard]] Result<Trouble> decode_trouble(std::string_view body);

}  // namespace syncline::wire
