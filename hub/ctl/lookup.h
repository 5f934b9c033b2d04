#pragma once

#include <optional>
#include <string>
#include <vector>

#include "hub/core/state.h"
#include "hub/ctl/session.h"
#include "shared/model/ids.h"

/// From what a person types to an entity.
namespace syncline::ctl {

/// The number of partitions, as SYNC_IN has it. kNotFound: no such stream: nothing is installed.
[[nodiscard]] Result<std::uint16_t> partition_count(Session& session);

struct Located {
    EntityKey key;
    std::string by;  ///< "entity id", "record crm:003", "match key email".
};
/// Which entity `text` means: an entity id, `platform:record-id`, or the value of a match key.
/// kNotFound: none; the text tells what was tried. kInvalid: several; the text names them.
[[nodiscard]] Result<Located> locate(Session& session, const ObjectName& object,
                                     const std::string& text);

struct StoredEntity {
    hub::EntityState state;
    std::uint64_t sequence = 0;
    Timestamp stored_at;
};
/// The stored state; nullopt if there is none. kCorrupt: it cannot be decoded.
[[nodiscard]] Result<std::optional<StoredEntity>> load_entity(Session& session,
                                                              const EntityKey& key);

/// The same of what was located. kNotFound: there is none, and why that may be.
[[nodiscard]] Result<StoredEntity> load_located(Session& session, const Located& located);

}  // namespace syncline::ctl
