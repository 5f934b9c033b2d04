#pragma once

#include <string>
#include <string_view>

#include "shared/model/ids.h"

namespace syncline::agent {

/// An entity's id as the store holds it, a million times: the 15 bytes that its 24 characters of
/// base 32 stand for. Any other text is led by a zero, and by one more if it had 15 bytes then.
[[nodiscard]] std::string packed(const EntityId& entity);

/// The id that packed() made these bytes of.
[[nodiscard]] EntityId unpacked_entity(std::string_view bytes);

}  // namespace syncline::agent
