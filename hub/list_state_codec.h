#pragma once

#include <string>
#include <string_view>

#include "hub/core/list_state.h"
#include "shared/base/result.h"

namespace syncline::hub {

/// JSON, so that any client can read it.
[[nodiscard]] std::string encode(const ListState& state);
/// kInvalid: it is not such a text.
[[nodiscard]] Result<ListState> decode_list_state(std::string_view body);

}  // namespace syncline::hub
