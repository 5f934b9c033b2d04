#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "hub/core/step.h"
#include "shared/policy/policy.h"

namespace syncline::hub {

/// Decides everything once more from nothing: the inputs as SYNC_IN holds them, in the order, at
/// the times and by the versions of the policy that the decision log names. Every entry and every
/// state must come out byte for byte as it is stored. Pure.
///
/// The log says which inputs were decided together and what the hub had found out beside them; what
/// was decided it does not take from there.
class Rebuild {
public:
    /// What an entry was decided by; null: that version is not known any more.
    using PolicyOf = std::function<const Policy*(const LogEntry&)>;

    void take_state(const EntityKey& entity, std::string body);
    /// In the order of the stream.
    void take_entry(std::uint64_t sequence, std::string body);
    /// A message of SYNC_IN; what is no change, outcome or operation is nobody's input.
    void take_input(std::string_view subject, std::string_view body);
    void take_input(Input input);

    struct Finding {
        enum class Kind : std::uint8_t {
            kDiffers,     ///< The inputs do not make what is stored.
            kOutOfReach,  ///< What it was made of is not stored any more, so nobody can tell.
        };
        Kind kind = Kind::kDiffers;
        EntityKey entity;
        std::uint64_t sequence = 0;  ///< Of the log's entry; 0: the state itself.
        std::string what;
    };
    /// Once all is taken.
    void run(const PolicyOf& policy_of);

    std::uint64_t rebuilt = 0;  ///< States that came out as they are stored.
    std::uint64_t decided = 0;  ///< Entries that did.
    std::vector<Finding> findings;

private:
    struct Entry {
        std::uint64_t sequence = 0;
        std::string body;
        bool wanted = false;      ///< A state comes from it.
        Entry* former = nullptr;  ///< The entity's entry before it.
        bool decided = false;
    };
    struct Entity {
        std::string stored;
        EntityState state;  ///< As it was rebuilt so far.
        bool failed = false;
    };
    void want_entries_of(const EntityKey& key, Entity& entity);
    void decide_all(const PolicyOf& policy_of);
    [[nodiscard]] bool decide_in_order(Entry& entry, const PolicyOf& policy_of);
    [[nodiscard]] bool decide_again(const Entry& entry, const PolicyOf& policy_of);
    [[nodiscard]] Result<std::vector<Input>> inputs_of(const LogEntry& entry) const;
    [[nodiscard]] Result<Input> find_input(const std::string& name) const;
    void compare_state(const EntityKey& key, Entity& entity);
    void fail_with(const EntityKey& key, Entity& entity, Finding::Kind kind, std::uint64_t sequence,
                   std::string what);

    std::vector<Entry> entries_;
    std::unordered_map<std::string, std::size_t> by_hash_;
    std::map<EntityKey, Entity> entities_;
    std::unordered_map<std::string, Input> inputs_;
    /// Names of inputs that were told again with other content. An agent that has forgotten a
    /// record tells no more than that it is gone; which of the two was decided is not known.
    std::unordered_set<std::string> ambiguous_;
    /// By operation, as the giver first told them. A receiver that was merged meanwhile passed it
    /// on.
    std::unordered_map<std::string, Takeover> handovers_;
    bool may_wait_ = true;  ///< The entry that gives records may be one that is decided later.
};

}  // namespace syncline::hub
