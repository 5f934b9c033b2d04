#pragma once

#include <string>

namespace syncline::ctl {

/// Who runs this program: "anna@host", from the account; never from what anybody can set.
[[nodiscard]] std::string actor();

}  // namespace syncline::ctl
