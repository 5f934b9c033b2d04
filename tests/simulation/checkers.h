#pragma once

#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "hub/core/state.h"
#include "hub/core/step.h"
#include "tests/simulation/faults.h"
#include "tests/simulation/policy_changes.h"
#include "tests/simulation/workload.h"

namespace syncline::sim {

/// Judges a world by what its platforms and its broker really hold. Nothing here asks a hub or an
/// agent how it went; the stored states are read only as claims to be compared with the platforms.
class Checkers {
public:
    Checkers(World& world, MemoryBroker& broker, PolicyChanges& policies, const Cast& cast,
             const Workload& workload)
        : world_(world), broker_(broker), policies_(policies), cast_(cast), workload_(workload) {}

    /// What must hold at every moment: effects once, in order, fenced. Looks at what is new in the
    /// platforms' logs since the last call.
    void watch();

    /// What must hold once everything is quiet. Returns what does not, without judging: a world
    /// that only needs more time gets it.
    [[nodiscard]] std::vector<Violation> final_findings();

private:
    void watch_receipts();
    void watch_mutation(const Mutation& mutation);
    void watch_create(const Mutation& mutation);
    [[nodiscard]] bool is_anothers(const RecordKey& key, const EntityKey& entity);
    void watch_order(const Mutation& mutation);
    void watch_owner(const Mutation& mutation);
    [[nodiscard]] bool is_ours(const Mutation& mutation, const FieldName& field) const;
    void find(std::string invariant, std::string what, std::string about);

    void read_broker();
    void check_handovers(const hub::EntityState& state);
    void check_history(const hub::EntityState& state);
    void check_entity(const hub::EntityState& state);
    void check_record(const hub::EntityState& state, const hub::RecordState& record,
                      const Binding& binding);
    void check_field(const hub::EntityState& state, const hub::RecordState& record,
                     const Binding& binding, const FieldName& field, const Value& truth);
    void check_rows();
    void check_keys();
    void check_exceptions();
    void check_unplaced(const hub::ExceptionRecord& exception);
    void check_bounds();
    void check_spools();
    [[nodiscard]] bool excused(const hub::EntityState& state, const PlatformId& platform,
                               const FieldName* field) const;
    [[nodiscard]] const Platform* platform(const PlatformId& id) const;
    /// Has its agent lost its store?
    [[nodiscard]] bool wiped(const PlatformId& platform) const;

    World& world_;
    MemoryBroker& broker_;
    PolicyChanges& policies_;
    const Cast& cast_;
    const Workload& workload_;

    // watch()
    std::map<std::string, std::size_t> seen_;  ///< Mutations looked at, by platform.
    std::map<std::pair<PlatformId, EntityKey>, std::uint64_t> generations_;
    std::map<std::pair<PlatformId, EntityKey>, std::vector<RecordId>> made_;
    std::map<std::tuple<PlatformId, EntityKey, Partition>, std::uint64_t> fences_;

    /// Newest number that any mark ever had, by partition and platform.
    std::map<std::pair<Partition, PlatformId>, Revision> marked_;

    // final_findings()
    std::vector<Violation> findings_;
    std::vector<hub::EntityState> states_;
    std::vector<hub::ExceptionRecord> open_;
};

}  // namespace syncline::sim
