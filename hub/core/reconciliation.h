#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "hub/core/state.h"
#include "shared/base/result.h"
#include "shared/model/inventory.h"
#include "shared/model/retell.h"
#include "shared/policy/policy.h"

/// Reconciliation on the hub's side: an agent's inventory of a partition against the states.
namespace syncline::hub {

/// How the record of an entity on a platform stands to what is canonical.
enum class Agreement : std::uint8_t {
    kAgreed = 0,   ///< It holds what it should.
    kLeft = 1,     ///< It differs, and the policy or a person lets it.
    kWaiting = 2,  ///< It is being commanded.
    kOpen = 3,     ///< An exception is open.
};
inline constexpr std::size_t kAgreements = 4;
[[nodiscard]] const char* name_of(Agreement agreement);

/// `through`: what began after this does not count.
[[nodiscard]] Agreement agreement_of(const ObjectSpec& object, const EntityState& state,
                                     const RecordState& record, Timestamp through);

/// What one reconciliation came to, of a platform's records of one object in one partition.
struct ReconciledObject {
    ObjectName object;
    std::uint64_t records = 0;   ///< At the platform.
    std::uint64_t known = 0;     ///< To the hub.
    std::uint64_t unlinked = 0;  ///< At the platform, and of no entity: they wait for a person.
    std::array<std::uint64_t, kDriftKinds> found{};       ///< By kind; see DriftKind.
    std::array<std::uint64_t, kAgreements> agreements{};  ///< By Agreement, of what is known.
    std::vector<Drift> drifts;                            ///< The first of them.
    std::uint64_t buckets = 0;
    std::uint64_t differing = 0;    ///< Buckets of which the hub does not know what the agent does.
    std::vector<FieldName> unseen;  ///< Mapped fields that the platform's records do not have.
    /// Up to this moment, by the agent's clock, every record was proven to hold what it should.
    Timestamp verified_through;
    [[nodiscard]] std::uint64_t count(DriftKind kind) const {
        return found[static_cast<std::size_t>(kind)];
    }
    [[nodiscard]] std::uint64_t count(Agreement agreement) const {
        return agreements[static_cast<std::size_t>(agreement)];
    }
    friend bool operator==(const ReconciledObject&, const ReconciledObject&) = default;
};

/// The newest reconciliation of a platform in one partition, as it is stored.
struct Reconciliation {
    PlatformId platform;
    Partition partition;
    ReconcileRequest request;
    Timestamp began_at;
    Timestamp read_at;
    Timestamp compared_at;  ///< 0: it is not compared yet.
    /// The agent's message, while it is not compared.
    std::string inventory;
    std::vector<ReconciledObject> objects;  ///< While it is not compared: of the one before.
    friend bool operator==(const Reconciliation&, const Reconciliation&) = default;
};
[[nodiscard]] std::string encode(const Reconciliation& reconciliation);
[[nodiscard]] Result<Reconciliation> decode_reconciliation(std::string_view body);

/// Collects what the hub knows of the records in the buckets that a comparison found to differ:
/// add() each state of the partition, once.
class Collection {
public:
    Collection(const Inventory& inventory, std::vector<Retell::Object> differing);
    void add(const EntityState& state);
    /// What to send to the agent.
    [[nodiscard]] const Retell& retell() const { return retell_; }

private:
    void add(Retell::Object& object, const RecordId& id);

    std::size_t records_ = 0;
    Retell retell_;
};

/// Compares an inventory with the states of its partition: add() each of them, once.
class Comparison {
public:
    explicit Comparison(Inventory inventory);
    void add(const Policy& policy, const EntityState& state);
    [[nodiscard]] Reconciliation result(const Reconciliation& before, Timestamp now) const;
    /// The buckets that differ, without what is known of them.
    [[nodiscard]] std::vector<Retell::Object> differing() const;

private:
    struct Known {
        BucketSums sums;
        /// By bucket: hashes of records of which it is not known whether the agent's sum has them.
        std::map<std::size_t, std::vector<std::uint64_t>> unsure;
        Timestamp through;  ///< What began later does not count.
        std::uint64_t records = 0;
        std::array<std::uint64_t, kAgreements> agreements{};
    };
    [[nodiscard]] Inventory::Object told_of(const ObjectName& name) const;
    [[nodiscard]] static std::vector<std::uint64_t> differing(const Inventory::Object& told,
                                                              const Known& known);
    [[nodiscard]] ReconciledObject result_of(const Inventory::Object& told, const Known& known,
                                             Timestamp before) const;

    Inventory inventory_;
    std::map<ObjectName, Known> known_;
};

}  // namespace syncline::hub
