#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "hub/core/decide.h"
#include "hub/core/start.h"
#include "hub/hub_options.h"
#include "hub/policies.h"
#include "hub/reliable_publisher.h"
#include "shared/base/clock.h"
#include "shared/base/sync_points.h"
#include "shared/nats/link.h"

namespace syncline::hub {

/// One input's place in its partition's order; see Partitions.
struct WorkId {
    Partition partition;
    std::uint64_t hold = 0;   ///< Which holding of the partition it came in under.
    std::uint64_t index = 0;  ///< Counts the inputs of that holding.
};

/// An input on its way to its entity.
struct Queued {
    Input input;
    WorkId work;
    std::uint64_t fence = 0;
    const Policy* policy = nullptr;  ///< That rules it; null: the newest.
    bool needs_link = false;         ///< The record was just placed: its link must be stored.
    bool awaited = false;            ///< It was waiting for the entity; see Unmatched.
    /// It is of this entity, whatever its keys are: a person says so, or it is nobody else's.
    bool insists = false;
    bool passed_on = false;  ///< What the outcome tells of another entity's record went there.
    /// An entity that it was placed in and that had no use for it: the store lost its state, or
    /// another one has the record.
    std::optional<EntityId> not_in;
    std::uint32_t moves = 0;  ///< How often it was placed elsewhere.
};

/// What Entities asks of the rest of the hub.
class EntitiesHost {
public:
    /// The input is decided, stored, and its effects are stored too.
    virtual void on_done(const WorkId& work) = 0;
    /// The record has to be placed again: somebody else claimed one of its keys first.
    virtual void on_misplaced(Queued queued) = 0;
    /// The record belongs to the entity from now on.
    virtual void on_linked(const RecordKey& record, const EntityId& entity) = 0;
    /// The record may have waited for an entity at any hub; on_linked() follows.
    virtual void on_awaited(const RecordKey& record) = 0;
    /// `then`, an input of `entity`, is to be decided once another one of the same work is done.
    virtual void on_told_first(const EntityKey& entity, Queued then) = 0;
    /// A record of the platform was told in `epoch`, and messages come in an older one.
    virtual void on_later_epoch(const PlatformId& platform, std::uint64_t epoch) = 0;
    /// A change with `needs_link` is decided, or was found to be none of the entity's.
    virtual void on_settled(const RecordKey& record) = 0;
    /// Will no pass look any more at the states of the partition for the newest policy's sake?
    [[nodiscard]] virtual bool is_reconsidered(Partition partition) const = 0;
    /// `state`, stored at `sequence`, is_to_erase(): that comes first, then `then` is done.
    virtual void on_to_erase(const EntityState& state, std::uint64_t sequence, Queued then) = 0;
    /// A change of an entity begins a workflow; `sink` hears of `token` when that is stored.
    virtual void on_start(const WorkflowStart& start, DeliverySink* sink, std::uint64_t token) = 0;
    /// What became of a workflow's write; the same.
    virtual void on_written(const WriteAnswer& answer, DeliverySink* sink, std::uint64_t token) = 0;
    /// The input can never be decided; keep and show it. Calls on_done() when that is stored.
    virtual void on_undecidable(Queued queued, const Error& error) = 0;

protected:
    ~EntitiesHost() = default;
};

/// The entities at work and a bounded cache of idle ones. Each entity does one thing at a time:
///
///     load (on a miss) > decide > claim keys > link > store by compare-and-set > publish effects
///
/// while what arrives meanwhile waits, to be folded into one decision. Effects go out only after
/// the state is stored, and the inputs are done only after the effects are stored, so a crash
/// between any two loses nothing. Any trouble ends in the same way: load again, decide again.
/// Threading: the link's.
class Entities final : nats::PublishSink, DeliverySink {
public:
    Entities(nats::Link& link, const Clock& clock, BrokerWatch& watch, Policies& policies,
             const HubOptions& options, HubCounters& counters, SyncPoints& sync_points,
             EntitiesHost& host, ReliablePublisher& effects);
    ~Entities();

    void submit(const EntityKey& key, Queued queued);
    /// The partition is taken, and what is cached of it from another time may be old. What such a
    /// state has to tell would come again after what others told of it since, or erased.
    void drop_untold(Partition partition);
    /// Takes a stored state into the cache, if there is room and the entity is not there.
    /// False once the cache is full.
    bool warm(std::uint64_t sequence, std::string_view body);
    /// Forgets every state, and what is at work: the store went back in time. The inputs come again
    /// when the partitions are taken again; decided now they would bring into the new store what
    /// its marks do not know.
    void forget_all();
    /// Another version of the policy is in force. Decides again what inputs of other partitions
    /// than its own brought to a state by an older one; the rest is the sweep's.
    void reconsider_visited();
    void tick();
    [[nodiscard]] std::size_t cached() const { return slots_.size(); }
    [[nodiscard]] std::size_t busy() const { return busy_ + passed_on_.size() + to_place_.size(); }

private:
    enum class Phase : std::uint8_t {
        kIdle,
        kLoading,
        kCatchingUp,  ///< Its outbox, of whoever stored it, goes out first.
        kReserving,
        kStoring,
        kPublishing,
        kWaiting
    };
    struct Claimed {
        std::string subject;
        std::uint64_t sequence = 0;
        std::vector<RecordKey> waiting;
    };
    struct Slot {
        EntityKey key;
        Partition home;
        std::string subject;
        Phase phase = Phase::kIdle;
        bool loaded = false;
        std::vector<std::string> told;  ///< Exceptions that are being published.
        /// By whose input the state was decided last, if not by one of its own partition.
        struct Visitor {
            Partition partition;
            std::uint64_t fence = 0;
        };
        std::optional<Visitor> visited_by;
        bool checked = false;        ///< The state was loaded for the inputs at work.
        bool delivered = false;      ///< The state's outbox and its pending commands are out.
        bool owes_commands = false;  ///< Without a hold they could not be sent.
        bool reconsiders = false;    ///< The newest policy is yet to say what it makes of it.
        std::uint32_t attempt = 0;   ///< Callbacks of an older attempt are ignored.
        std::uint64_t least = 0;     ///< What the stream had when the state was sent to it.
        std::uint64_t sequence = 0;  ///< Of the stored state; 0: there is none.
        EntityState state;
        std::list<Queued> waiting;
        std::vector<Input> inputs;        ///< Being decided.
        std::vector<Queued> works;        ///< The same, without their inputs.
        std::unique_ptr<Step> step;       ///< While it is at work.
        std::string body;                 ///< Of the state being stored.
        std::size_t outstanding = 0;      ///< Reservations or effects not yet confirmed.
        std::vector<RecordKey> foreign;   ///< Links that were refused.
        std::vector<ForeignKey> refused;  ///< Match keys that were.
        std::vector<Claimed> claimed;     ///< Match keys that this attempt has claimed.
        /// What the last attempt found out, for the next one alone; see Context.
        std::optional<std::vector<ForeignKey>> foreign_keys;
        std::vector<RecordKey> foreign_records;
        std::vector<RecordKey> guests;            ///< Who waits at a key that is being claimed.
        std::vector<RecordKey> absent;            ///< Those that nothing is kept of.
        std::list<std::uint32_t>::iterator idle;  ///< Place in idle_, if phase is kIdle.
        std::uint32_t index = 0;
    };
    struct Retry {
        Duration due;
        std::uint32_t index;
        std::uint32_t attempt;
    };
    /// A link or match key that must name this entity.
    struct Reservation {
        std::string subject;
        std::vector<EntityId> instead_of = {};  ///< Whose it may have been, wrongly.
        std::optional<RecordKey> record = {};   ///< If it is a link,
        std::optional<Claim> key = {};          ///< or else.
        bool was_ours = false;                  ///< By an earlier attempt, or by another hub.
        /// Who waits at the key. They stay in it, since the state that has them is stored later.
        std::vector<RecordKey> waiting = {};
    };

    Slot& find_or_make(const EntityKey& key);
    void evict();
    void advance(Slot& slot);
    void load(Slot& slot);
    void loaded(Slot& slot, Result<std::optional<nats::StoredMessage>> stored);
    void catch_up(Slot& slot);
    void decide_now(Slot& slot);
    void publish_commands(const Slot& slot, const std::vector<Command>& commands);
    void publish_outgoing(Slot& slot, const std::vector<EntityState::Outgoing>& messages);
    [[nodiscard]] bool tell_event(const std::string& body, std::uint64_t token);
    [[nodiscard]] bool tell_start(const std::string& body, std::uint64_t token);
    void verify_told(Slot& slot);
    void drop_verified(Slot& slot);
    void reserve_all(Slot& slot);
    void reserve(Slot& slot, const Reservation& reservation, std::uint64_t expected);
    void check_reservation(Slot& slot, const Reservation& reservation);
    [[nodiscard]] bool left_behind(const std::optional<nats::StoredMessage>& stored,
                                   const Claim& key, std::uint64_t sequence) const;
    [[nodiscard]] static bool gave_away(const std::optional<nats::StoredMessage>& stored,
                                        const Reservation& reservation, const EntityId& holder);
    void claim_from(Slot& slot, const Reservation& reservation, const nats::StoredMessage& claim);
    void refuse(Slot& slot, const Reservation& reservation, const EntityId& holder);
    void reservation_done(Slot& slot);
    bool meets_guests(Slot& slot, const std::vector<RecordKey>& waiting);
    void invite(Slot& slot);
    [[nodiscard]] bool matches_one(const std::vector<Claim>& keys, const Change& change) const;
    void take_in(Slot& slot, const RecordKey& guest,
                 const Result<std::optional<nats::StoredMessage>>& kept);
    // Records that go to another entity (entities_handover.cc).
    [[nodiscard]] static bool insists(const std::vector<Queued>& works);
    void reserved(Slot& slot);
    [[nodiscard]] static bool passes_on(const Slot& slot);
    bool pass_on(const Slot& slot, Queued& queued);
    void submit_passed_on();
    [[nodiscard]] static std::vector<Reservation> links_wanted(const Slot& slot);
    void tell_links(const Slot& slot);
    void hand_over(const Slot& slot, std::vector<Handover> handovers);
    bool goes_on(const EntityKey& entity, const Queued& queued, const Input& input,
                 std::vector<Handover>& handovers);
    void store(Slot& slot);
    void publish_effects(Slot& slot, std::vector<Command> commands);
    void release_keys(const Slot& slot);
    void finish(Slot& slot);
    void abandon(Slot& slot);
    void restart(Slot& slot, Duration wait);
    void give_up(Slot& slot, const Error& error);
    void misplaced(Slot& slot);
    void settle(const Queued& queued, const Input& input);
    void place_again(const EntityId& not_in, Queued queued);
    bool part_with_foreign(Slot& slot);
    void decide_again(Slot& slot);
    [[nodiscard]] Slot* current(std::uint64_t token) const;
    static std::uint64_t token_of(const Slot& slot) {
        return std::uint64_t{slot.index} << 32 | slot.attempt;
    }
    [[nodiscard]] Context context_of(const auto& inputs) const;
    [[nodiscard]] const Policy& policy_for(const Slot& slot) const;
    [[nodiscard]] bool decidable(Slot& slot);
    void reconsider(Slot& slot, Partition partition, std::uint64_t fence);
    void reconsider_before_done(Slot& slot, std::vector<Queued>& done);
    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override;
    void on_delivered(std::uint64_t token) override;
    [[nodiscard]] bool is_wanted(std::uint64_t token) const override {
        return current(token) != nullptr;
    }
    [[nodiscard]] bool may_replace(std::uint64_t token, std::string_view ours,
                                   std::string_view theirs) const override;

    /// Publishes of reservations need their own sink: their answers are not about a state.
    struct Reserving final : nats::PublishSink {
        struct Entry {
            std::uint64_t slot_token = 0;
            Reservation reservation;
        };
        Entities& entities;
        std::unordered_map<std::uint64_t, Entry> open;
        std::uint64_t next = 1;

        explicit Reserving(Entities& owner) : entities(owner) {}
        void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override;
    };

    nats::Link& link_;
    const Clock& clock_;
    BrokerWatch& watch_;
    Policies& policies_;
    const HubOptions& options_;
    HubCounters& counters_;
    SyncPoints& sync_points_;
    EntitiesHost& host_;
    ReliablePublisher& effects_;
    std::unique_ptr<Reserving> reserving_;
    std::vector<std::unique_ptr<Slot>> slab_;
    std::vector<std::uint32_t> free_;
    std::unordered_map<EntityKey, std::uint32_t> slots_;
    std::list<std::uint32_t> idle_;  ///< Longest idle first.
    std::vector<Retry> retries_;
    std::vector<std::pair<EntityKey, Queued>> passed_on_;  ///< Submitted with the next tick.
    std::vector<std::pair<EntityId, Queued>> to_place_;    ///< The same; not in that entity.
    std::size_t busy_ = 0;
};

}  // namespace syncline::hub
