#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "hub/core/step.h"
#include "shared/policy/policy.h"
#include "tests/simulation/memory_broker.h"
#include "tests/simulation/platform.h"

namespace syncline::sim {

/// What a world is made of, drawn from its seed.
struct Setup {
    std::uint32_t hubs = 1;
    std::uint16_t partitions = 4;
    std::vector<PlatformNature> platforms;
    std::string policy_text;
    std::vector<std::string> later_policies;        ///< Put in force one after the other.
    std::uint32_t first_records = 3;                ///< Made before anything else.
    Duration edit_pause = std::chrono::seconds{3};  ///< Between two edits of all users, on average.
    bool deletes = false;
    bool twins = false;       ///< Two platforms make records for one customer at about one time.
    bool bad_values = false;  ///< Values that break the contract, or that a platform refuses.
    bool operators = false;   ///< People decide exceptions.
    bool sorters = false;     ///< People merge entities and move records between them.
};
[[nodiscard]] Setup draw_setup(Random& random);

/// The people: users who edit records on their platforms, operators who decide exceptions.
class Workload {
public:
    Workload(World& world, const Setup& setup, const Policy& policy,
             std::vector<Platform*> platforms, MemoryBroker& broker)
        : world_(world),
          setup_(setup),
          policy_(policy),
          platforms_(std::move(platforms)),
          broker_(broker) {}

    void begin();
    /// Nobody does anything any more.
    void end() { over_ = true; }
    [[nodiscard]] std::uint64_t edits() const { return edits_; }
    /// Fields that an operator left as the platform has them: (entity, platform, field).
    [[nodiscard]] bool left_alone(const EntityId& entity, const PlatformId& platform) const {
        return left_alone_.contains({entity, platform});
    }
    /// Did somebody take a platform's value for the entity's?
    [[nodiscard]] bool was_accepted(const EntityId& entity) const {
        return accepted_.contains(entity);
    }
    /// Did an operator decide an exception whose reason names the record?
    [[nodiscard]] bool was_decided(const RecordId& record) const {
        return std::ranges::any_of(decided_, [&](const std::string& reason) {
            return reason.find(record.text + ",") != std::string::npos;
        });
    }
    /// Did an operator leave records of the platform beside the one that stands for their entity?
    /// A store that loses the state may show him others by the same operation.
    [[nodiscard]] bool was_left_apart(const PlatformId& platform) const {
        return left_apart_.contains(platform);
    }
    [[nodiscard]] bool was_decided(const EntityId& entity, const PlatformId& platform,
                                   const FieldName& field) const {
        return decided_fields_.contains({entity, platform, field});
    }
    /// Did an operator say that what was in doubt had not been done?
    [[nodiscard]] bool was_denied(const EntityId& entity, const PlatformId& platform) const {
        return denied_.contains({entity, platform});
    }
    /// Decides everything that is open, for good.
    void decide_all();

private:
    void next_edit();
    void edit_something();
    void make_record();
    void decide_one();
    void decide(const MessagePtr& message);
    void sort_something();
    void choose_sorting(const std::vector<hub::EntityState>& states, hub::Operation& operation);
    void choose_stray(hub::Operation& operation);
    void publish(const hub::Operation& operation);
    void note_decision(const hub::ExceptionRecord& exception, hub::OperationKind kind);
    [[nodiscard]] Fields some_values(const Platform& platform, bool all);
    [[nodiscard]] Value some_value(const FieldSpec& field);

    World& world_;
    const Setup& setup_;
    const Policy& policy_;
    std::vector<Platform*> platforms_;
    MemoryBroker& broker_;
    bool over_ = false;
    std::uint64_t edits_ = 0;
    std::uint64_t numbers_ = 0;
    std::uint64_t operations_ = 0;
    std::set<std::pair<EntityId, PlatformId>> left_alone_;
    std::set<std::pair<EntityId, PlatformId>> denied_;
    std::set<EntityId> accepted_;
    std::vector<std::string> decided_;  ///< Reasons.
    std::set<PlatformId> left_apart_;
    std::set<std::tuple<EntityId, PlatformId, FieldName>> decided_fields_;
};

}  // namespace syncline::sim
