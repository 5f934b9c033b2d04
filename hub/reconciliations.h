#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "hub/core/reconciliation.h"
#include "hub/entities.h"
#include "hub/policies.h"
#include "hub/reliable_publisher.h"
#include "shared/base/clock.h"
#include "shared/nats/link.h"

namespace syncline::hub {

/// What Reconciliations asks of the rest of the hub.
class ReconciliationsHost {
public:
    /// The inventory is stored: whoever holds the partition compares it.
    virtual void on_inventory_stored(const WorkId& work) = 0;
    /// Are this input and all before it in its partition done?
    [[nodiscard]] virtual bool is_done_through(const WorkId& work) const = 0;
    /// Has every state of the partition shown to look(), after on_look_begins().
    virtual void look_through(Partition partition) = 0;
    /// Is the partition still held as it was when the input came in?
    [[nodiscard]] virtual bool is_held(const WorkId& work) const = 0;
    [[nodiscard]] virtual bool holds(Partition partition) const = 0;
    /// Has the entity find out whether all records that it knows of are its.
    virtual void check_links(const EntityKey& entity) = 0;

protected:
    ~ReconciliationsHost() = default;
};

/// Takes in what agents hold after they have read their whole platform, and compares it with the
/// states, partition by partition: when everything that was told before the inventory is decided,
/// both know the same, or something is wrong. Asks the agents for it when the policy says so.
/// Threading: the link's.
class Reconciliations final : DeliverySink {
public:
    Reconciliations(nats::Link& link, const Clock& clock, Policies& policies,
                    ReliablePublisher& effects, Duration retry_wait, ReconciliationsHost& host)
        : link_(link),
          clock_(clock),
          policies_(policies),
          effects_(effects),
          retry_wait_(retry_wait),
          host_(host) {}

    void submit(Inventory inventory, const WorkId& work);
    /// The partition was taken: what another hub left uncompared is to be compared.
    void take(Partition partition) { to_load_.insert(partition); }
    void forget_all();
    void tick();

    /// Of each platform's object: through when all partitions of this hub that were ever compared
    /// are proven; 0: one of them is not.
    using VerifiedThrough = std::map<std::pair<PlatformId, ObjectName>, Timestamp>;
    [[nodiscard]] VerifiedThrough verified_through() const;

    // ---- Of a pass through the states of some partitions.
    void on_look_begins(Partition partition);
    void look(Partition partition, const EntityState& state);
    void on_looked_through(Partition partition);

private:
    enum class Phase : std::uint8_t { kLoading, kStoring, kWaiting, kAsked, kLooking };
    struct Job {
        std::uint64_t number = 0;  ///< Answers about an older job of the same place are ignored.
        Phase phase = Phase::kLoading;
        std::optional<WorkId> work;  ///< Whose input it is; nothing if another hub stored it.
        Inventory inventory;
        Reconciliation before;  ///< As stored, or to be stored.
        Duration again_at{0};
        std::optional<Comparison> comparison;
        /// The second time that all states are looked at: where the two differ.
        std::optional<Collection> collection;
    };
    using Place = std::pair<Partition, PlatformId>;

    void load(const Place& place, Job& job);
    void loaded(const Place& place, std::uint64_t number,
                const Result<std::optional<nats::StoredMessage>>& found);
    void remember(const Place& place, const Reconciliation& result);
    void load_uncompared(Partition partition, const PlatformId& platform);
    void on_delivered(std::uint64_t token) override;
    void ask_when_due();
    void ask(const PlatformId& platform);

    nats::Link& link_;
    const Clock& clock_;
    Policies& policies_;
    ReliablePublisher& effects_;
    Duration retry_wait_;
    ReconciliationsHost& host_;
    std::map<Place, Job> jobs_;
    std::set<Partition> to_load_;
    std::map<Place, std::map<ObjectName, Timestamp>> verified_;  ///< Of partitions held.
    std::uint64_t numbers_ = 0;
    std::map<PlatformId, Duration> ask_at_;  ///< When to look whether it is due.
    std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace syncline::hub
