#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hub/core/step.h"
#include "shared/model/change.h"
#include "shared/policy/policy.h"

/// Which entity a record belongs to. Pure: the shell looks up what lookups() names.
namespace syncline::hub {

/// What must be known to place a change: its record's link and its match keys.
struct Lookups {
    bool link = true;         ///< Is the record's link needed?
    std::vector<Claim> keys;  ///< The match keys that its fields make.
};
[[nodiscard]] Lookups lookups(const ObjectSpec& object, const Change& change);

struct Found {
    std::optional<EntityId> link;
    std::vector<std::optional<EntityId>> keys;  ///< In the order of Lookups::keys.
    /// The entity that the change's marker names, if its state exists.
    std::optional<EntityId> marked;
};

struct Placement {
    enum class Kind {
        kLinked,     ///< It belongs to `entity` already.
        kMatched,    ///< It turns out to belong to `entity`.
        kFounds,     ///< It is the first of `entity`.
        kAmbiguous,  ///< Its keys belong to several entities; `reason` names them.
        kUnmatched,  ///< It matches none, and may not found one.
    };
    Kind kind = Kind::kLinked;
    EntityId entity;
    std::string reason;
};
[[nodiscard]] Placement place(const ObjectSpec& object, const Change& change, const Found& found);

}  // namespace syncline::hub
