#pragma once

#include <optional>
#include <set>
#include <string>

#include "hub/core/state.h"
#include "hub/ctl/lookup.h"
#include "hub/ctl/session.h"

namespace syncline {
struct Policy;
}

namespace syncline::ctl {

class Program;

/// What who runs the command may see and act on, where that is less than all: things of some
/// objects, and of some regions. An entity's region is what its state has now in the field that the
/// policy calls so (`region` of the object); what has none is of no region, so nobody who is bound
/// to one sees it. Belongs to one command.
class Sight {
public:
    Sight(Program& program, Session& session);

    /// Bound to regions: then an entity's state says whether it is seen.
    [[nodiscard]] bool is_bound() const { return bound_; }
    [[nodiscard]] bool sees(const hub::EntityState& state);
    /// The same by the stored state. For lists: it may be ten seconds old.
    [[nodiscard]] Result<bool> sees(const EntityKey& key);

    /// kNotFound, in the same words whether there is no such thing or it is not seen; by the newest
    /// state. `text` is what was asked for.
    [[nodiscard]] Result<void> check(const EntityKey& key, const std::string& text);
    /// locate() of what is seen.
    [[nodiscard]] Result<Located> locate(const ObjectName& object, const std::string& text);

private:
    [[nodiscard]] std::string region_of(const hub::EntityState& state);
    Result<std::string> read_region(const EntityKey& key);
    [[nodiscard]] bool is_ours(const std::string& region) const;

    Program& program_;
    Session& session_;
    bool bound_;
    std::optional<std::uint16_t> partitions_;
};

}  // namespace syncline::ctl
