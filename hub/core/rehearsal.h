#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "hub/core/decide.h"
#include "hub/core/identity.h"

namespace syncline::hub {

/// A hub in memory: places and decides inputs one after the other, and keeps itself what a hub
/// keeps in the streams (states, links, match keys). For trying a policy: the same inputs give the
/// same answers as a single hub does that reads them one by one. Pure: no clock, no I/O.
///
/// What it leaves out are the races: two hubs, lost messages, a match key claimed by two at once.
class Rehearsal {
public:
    /// Says of which inputs nobody looks at the state before.
    using Skips = std::function<bool(const EntityState& before, const Input&)>;
    explicit Rehearsal(const Policy& policy, Skips skips = {})
        : policy_(policy), skips_(std::move(skips)) {}

    struct Taken {
        Placement placement;          ///< Of a change; else kLinked.
        EntityKey entity;             ///< Its id is empty if the change could not be placed.
        std::optional<LogEntry> log;  ///< Nothing if the input made no difference.
        std::vector<Command> commands;
        /// What it was decided on: the state before, and the inputs, with those that had waited
        /// for the entity. No inputs: nothing was decided.
        EntityState before;
        bool has_before = true;  ///< False: `skips` said so, which spares a copy.
        std::vector<Input> inputs;
        Context context;
    };
    /// Where a change belongs as things stand; its id is empty if it cannot be placed. The change's
    /// object must be one of the policy's, here and in take().
    [[nodiscard]] EntityKey entity_of(const Change& change) const;
    Taken take(Change change, const Context& context);
    /// An outcome or an action on an exception; `entity` must be known.
    Taken take(const EntityKey& entity, Input input, const Context& context);

    [[nodiscard]] const EntityState* find(const EntityKey& entity) const;

private:
    [[nodiscard]] Placement placement_of(const Change& change) const;
    [[nodiscard]] std::optional<EntityId> holder_of(const Claim& key) const;
    void decide_on(EntityState& state, Input input, const Context& context, Taken& taken);
    void decide_with_others(Taken& taken, Step& step);
    void keep_waiting(const ObjectSpec& object, const Change& change);
    [[nodiscard]] std::vector<Change> take_guests(const std::vector<Claim>& keys);

    const Policy& policy_;
    Skips skips_;
    std::unordered_map<EntityKey, EntityState> states_;
    std::unordered_map<RecordKey, EntityId> links_;
    std::unordered_map<std::string, EntityId> keys_;
    /// What matches no entity yet, at each of its keys; see Unmatched.
    std::unordered_map<std::string, std::map<RecordKey, Change>> waiting_;
};

}  // namespace syncline::hub
