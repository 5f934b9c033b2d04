#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/commit_queue.h"
#include "agent/environment.h"
#include "agent/executor.h"
#include "agent/intake.h"
#include "agent/platform_gate.h"
#include "agent/settings.h"
#include "agent/store.h"
#include "agent/write_guard.h"
#include "shared/model/inventory.h"
#include "shared/model/retell.h"

namespace syncline::agent {

/// Compares the whole platform with what was told of it, beside everything else that goes on:
///
///     reading    every record, page by page: as it was told last, or suspect
///     settling   until the changes of before are all read as changes
///     unseen     what was told and was not read is suspect, too
///     judging    each suspect is fetched by itself; what still differs is found, and told
///     telling    until the hub has decided all of that
///     tallying   the inventory of each partition goes into the spool
///
/// Each step is remembered by the store, so a restart goes on where it was. Calls of the platform
/// wait until nothing else is due.
class Reconciler final : FetchWitness {
public:
    struct Parts {
        const Environment& environment;
        const AgentSettings& settings;
        Store& store;
        CommitQueue& commits;
        Executor& executor;
        PlatformGate& gate;
        WriteGuard& guard;
        Intake& intake;
        MassBreaker& breaker;
        Troubles& troubles;
    };
    explicit Reconciler(const Parts& parts);

    /// Takes up what the store remembers.
    [[nodiscard]] Result<void> start();
    /// The newest request; harmless if it is the one that runs, or ran.
    void request(std::string_view text);
    /// The hub knows something else of some records than the inventory of a partition said: each
    /// of which the two know something else is read and told again. The body of a Retell.
    void retell(std::string_view body);
    void pump();
    [[nodiscard]] Duration next_deadline() const;

    struct Status {
        std::string phase;  ///< Empty: there is nothing to do.
        std::string request;
        std::uint64_t read = 0;
        std::string trouble;
    };
    [[nodiscard]] Status status() const;
    [[nodiscard]] bool is_idle() const { return phase_ == Phase::kIdle && retells_.empty(); }

private:
    enum class Phase : std::uint8_t {
        kIdle,
        kReading,
        kSettling,
        kUnseen,
        kJudging,
        kTelling,
        kTallying
    };
    /// Filled while a transaction runs, acted on after its commit.
    struct Page {
        Batch batch;
        std::uint64_t run = 0;
    };
    using Place = std::pair<ObjectName, RecordId>;

    static const char* name_of(Phase phase);
    void begin(const ReconcileRequest& request);
    void enter(Phase phase);
    void read_on();
    void on_read(Executor::Answer<Batch> answer, std::uint64_t run);
    void on_read_error(const Error& error, Duration pause);
    void compare(Batch batch);
    void compare(Transaction& transaction, const Record& record);
    void settle();
    void look_for_unseen();
    void judge();
    void tell();
    void tally();
    using Tallies = std::map<std::pair<Partition, ObjectName>, Inventory::Object>;
    Tallies count(Transaction& transaction);
    void compare_known();
    [[nodiscard]] bool knows_the_same(const Transaction::Held& held);
    void read_again(Transaction& transaction, const Place& place);
    void write_inventories(Transaction& transaction);

    Use on_fetched(Transaction& transaction, const Record& record,
                   const std::optional<RecordState>& known, bool news) override;
    void on_unreadable(Transaction& transaction, const RecordKey& record) override;

    [[nodiscard]] Duration now() const { return p_.environment.steady(); }
    [[nodiscard]] bool may_work() const;
    [[nodiscard]] bool may_go_on() const { return phase_ != Phase::kIdle && may_work(); }
    [[nodiscard]] RecordKey key_of(const Place& place) const {
        return {p_.store.platform(), place.first, place.second};
    }

    Parts p_;
    Phase phase_ = Phase::kIdle;
    std::string seen_;  ///< The newest request, as text.
    ReconcileRequest request_;
    Timestamp began_at_;
    Timestamp read_at_;
    std::uint64_t sweep_ = 0;  ///< The store's when it began: digests of another one differ.
    std::uint64_t run_ = 0;    ///< Counts beginnings; answers to an older one are ignored.
    bool busy_ = false;        ///< A call or a commit is under way.
    Cursor cursor_;
    std::uint32_t failures_ = 0;
    Duration next_read_{0};
    std::uint64_t read_ = 0;
    std::string trouble_;
    std::optional<std::uint64_t> settle_after_;  ///< Number of a read of the intake's.
    Place place_;
    std::set<RecordKey> judging_;
    std::optional<SpoolPoint> told_;

    std::deque<Retell> retells_;  ///< The first one is at work.
    Place retell_place_;
};

}  // namespace syncline::agent
