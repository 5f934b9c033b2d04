#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "shared/base/source_place.h"
#include "shared/policy/expression.h"
#include "shared/policy/field_spec.h"

namespace syncline {

/// A business event of an object, `order.confirmed`: told once each time it comes true for an
/// entity, to whoever wants to know.
struct EventSpec {
    std::string name;  ///< `confirmed`.
    enum class On : std::uint8_t {
        kCondition,  ///< `when` holds, and did not before.
        kCreated,    ///< The entity lives, and did not before.
        kDeleted,    ///< It does no more.
    };
    On on = On::kCondition;
    std::optional<Expression> when;
    std::vector<FieldName> fields;  ///< What it carries, sorted.
    FieldName key;  ///< One of them that business knows it by, `number`; empty: the entity's id.
    std::uint32_t version = 1;  ///< Of what it carries, as people count.
    /// The most that it may carry: whoever reads the stream reads it.
    Classification clearance = Classification::kPublic;
    enum class Body : std::uint8_t { kJson, kMessagePack };
    Body body = Body::kJson;
    std::string owner;  ///< Who answers for it.
    std::string description;
    SourcePlace place;
};

}  // namespace syncline
