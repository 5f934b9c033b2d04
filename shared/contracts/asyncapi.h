#pragma once

#include "shared/policy/policy.h"

/// What passes between agents and hubs under a policy, as AsyncAPI 3.0: subjects as channels, the
/// MessagePack bodies as messages, with the contract of each object in them. Pure.
namespace syncline::contracts {

[[nodiscard]] Value asyncapi_document(const Policy& policy);

}  // namespace syncline::contracts
