#pragma once

#include <string>

#include "shared/base/clock.h"

namespace syncline::ctl {

/// Who runs this program: "anna@host", from the account; never from what anybody can set.
[[nodiscard]] std::string actor();
/// From now on this name, by which the server knows us too.
void act_as(std::string name);
/// An operation's id that no other has: "ctl-1764356400000000000-3141592653".
[[nodiscard]] std::string unique_id(const Clock& clock);

}  // namespace syncline::ctl
