#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "agent/connectors/connector.h"
#include "agent/core/apply_plan.h"
#include "agent/core/digest.h"
#include "agent/core/mass_change.h"
#include "agent/core/numbering.h"
#include "agent/lane_state.h"
#include "shared/base/result.h"
#include "shared/base/timestamp.h"
#include "shared/model/change.h"
#include "shared/model/ids.h"
#include "shared/model/inventory.h"
#include "shared/model/revision.h"
#include "shared/sqlite/database.h"

namespace syncline::agent {

/// What was sent to one partition and how far the hub has it. Sequences count from 1.
struct Marks {
    std::uint64_t next_seq = 1;
    std::uint64_t receipted = 0;      ///< Everything up to this has the hub's receipt.
    std::uint64_t trimmed = 0;        ///< Everything up to this is no longer held.
    std::uint64_t waiting_bytes = 0;  ///< Of entries without receipt.
    std::uint64_t held_bytes = 0;     ///< Of all entries held.
    /// What had its receipt at a moment in the past; when that is long enough ago, it may go.
    std::uint64_t checkpoint = 0;
    Timestamp checkpoint_at;

    [[nodiscard]] std::uint64_t waiting() const { return next_seq - 1 - receipted; }
};

/// What the agent knows of a record.
struct RecordState {
    std::uint64_t n = 0;  ///< Revision of its newest change or outcome.
    bool deleted = false;
    Digest digest;
    std::optional<EntityId> entity;
    LastEntry last;
    FilledFields filled;     ///< Of what was told last; empty: not known, or nothing is.
    bool is_stored = false;  ///< The store has a row of it.
};

struct SpoolEntry {
    std::uint64_t seq = 0;
    std::string subject;
    std::string body;
};

struct Reject {
    ObjectName object;
    std::string record;
    std::string reason;
    std::string raw;
    Timestamp at;
    std::uint64_t times = 1;
};

/// What there is of them of an object.
struct RejectSummary {
    std::uint64_t count = 0;
    std::vector<std::string> reasons;  ///< The newest ones.
};

/// An operation of a workflow, as operations.h goes through it.
struct StoredOperation {
    enum class State : std::uint8_t {
        kAccepted,  ///< To be carried out; nothing has happened.
        kIntent,    ///< It may have been.
        kInDoubt,   ///< Told so; this one and the next are how it ended.
        kApplied,
        kRefused,
    };
    std::string key;
    State state = State::kAccepted;
    std::uint32_t attempt = 1;  ///< The newest that was asked for.
    std::string call;           ///< OperationCall of that; empty if it has ended.
    std::string result;         ///< OperationResult; empty unless it has ended.
    Timestamp at;               ///< When it came to be as it is.
    std::uint64_t order = 0;    ///< Given by the store: what was accepted earlier has less.

    [[nodiscard]] bool has_ended() const { return state >= State::kInDoubt; }
};

/// Names of the texts that Transaction::text() keeps.
namespace keys {
inline constexpr std::string_view kCursor = "cursor";
inline constexpr std::string_view kOrigin = "origin";          ///< Of what is read: ChangeOrigin.
inline constexpr std::string_view kTombstones = "tombstones";  ///< How far they were sent again.
/// After a full read: the last revision before it began, and how far the records were gone through
/// that have none since.
inline constexpr std::string_view kReadFrom = "read_from";
inline constexpr std::string_view kUnseen = "unseen";
inline constexpr std::string_view kLinksRead = "links_read";  ///< See Links.
/// The requests to read again (subjects::again) that were seen last.
inline constexpr std::string_view kAgainCommands = "again_commands";
inline constexpr std::string_view kAgainRecords = "again_records";
inline constexpr std::string_view kAgainReconcile = "again_reconcile";
/// Of the reconciliation that runs; see Reconciler.
inline constexpr std::string_view kReconcilePhase = "reconcile_phase";
inline constexpr std::string_view kReconcileCursor = "reconcile_cursor";
inline constexpr std::string_view kReconcileBegan = "reconcile_began";
inline constexpr std::string_view kReconcileRead = "reconcile_read";
inline constexpr std::string_view kReconcileSweep = "reconcile_sweep";
/// Of the newest backfill; see Backfill.
inline constexpr std::string_view kAgainBackfill = "again_backfill";
inline constexpr std::string_view kBackfillPhase = "backfill_phase";
inline constexpr std::string_view kBackfillCursor = "backfill_cursor";
inline constexpr std::string_view kBackfillCounts = "backfill_counts";
inline constexpr std::string_view kBackfillBegan = "backfill_began";
inline constexpr std::string_view kBackfillEnded = "backfill_ended";
/// Of the full read that is under way: records so far, and when it began.
inline constexpr std::string_view kLoadRead = "load_read";
inline constexpr std::string_view kLoadBegan = "load_began";
inline constexpr std::string_view kAcquainted = "acquainted";  ///< See Intake::is_acquainted().
inline constexpr std::string_view kQuota = "quota";            ///< See Quota::keep().
inline constexpr std::string_view kPushed = "pushed";          ///< Where listening goes on.
inline constexpr std::string_view kInputCreated = "input_created";
inline constexpr std::string_view kCommandsCreated = "commands_created";
inline constexpr std::string_view kCommandsPosition = "commands_position";
inline constexpr std::string_view kCommandsReadUntil = "commands_read_until";
/// The first one of a version that was not spoken here, and when it was stored; 0: none.
inline constexpr std::string_view kCommandsUnspoken = "commands_unspoken";
inline constexpr std::string_view kCommandsUnspokenAt = "commands_unspoken_at";
inline constexpr std::string_view kCommandsBefore = "commands_before";
inline constexpr std::string_view kCommandsBegan = "commands_began";
inline constexpr std::string_view kLeaseTerm = "lease_term";  ///< See Lease::is_continued().
}  // namespace keys

class Store;

/// Everything between begin and commit. Calls after a failure do nothing and answer with empty
/// values, so what is read here may only be acted on once Store::transaction() has succeeded.
class Transaction {
public:
    explicit Transaction(Store& store);

    [[nodiscard]] std::string text(std::string_view key);
    void set_text(std::string_view key, std::string_view value);
    [[nodiscard]] std::uint64_t number(std::string_view key);
    void set_number(std::string_view key, std::uint64_t value);

    // ---- Records.
    [[nodiscard]] std::optional<RecordState> record(const ObjectName& object, const RecordId& id);
    void save(const ObjectName& object, const RecordId& id, const RecordState& state);
    /// Notes the entity of a record that is known; false if there was nothing new to note.
    bool link(const ObjectName& object, const RecordId& id, const EntityId& entity);
    /// Notes that the hub knows a record; nothing changes if the store does too.
    void know(const ObjectName& object, const RecordId& id, const EntityId& entity);
    /// A record that is linked to the entity and was not deleted, as far as is known.
    [[nodiscard]] std::optional<RecordId> record_of(const EntityKey& entity);
    /// Deleted records after (`object`, `id`) in the order of the store, at most `max`.
    [[nodiscard]] std::vector<std::pair<ObjectName, RecordId>> tombstones(const ObjectName& object,
                                                                          const RecordId& id,
                                                                          std::size_t max);
    /// The same for records that are not known to be deleted and got no revision after `until`.
    [[nodiscard]] std::vector<std::pair<ObjectName, RecordId>> unseen(const ObjectName& object,
                                                                      const RecordId& id,
                                                                      std::uint64_t until,
                                                                      std::size_t max);
    /// No digest stored so far matches any more.
    void forget_digests();

    // ---- The mass-change breaker; see breaker.h.
    /// To be changed, and stored with this transaction.
    [[nodiscard]] LaneState& change_lane(const Lane& lane);
    /// Keeps a change that is not told: the newest of each record.
    void withhold(const ObjectName& object, const RecordId& id, std::string_view body);
    [[nodiscard]] bool is_withheld(const ObjectName& object, const RecordId& id) {
        return withheld_of(object, id).has_value();
    }
    /// The body.
    [[nodiscard]] std::optional<std::string> withheld_of(const ObjectName& object,
                                                         const RecordId& id);
    /// What was withheld of the record is told, or outdated.
    void release(const ObjectName& object, const RecordId& id);
    /// Of those that are withheld, the first that came, at most `max`: their bodies.
    [[nodiscard]] std::vector<std::string> withheld(const ObjectName& object, std::size_t max);
    void drop_withheld(const ObjectName& object);
    /// Which fields hold something by now: those that are not told are as they were `before`.
    /// Numbers those that are new to the store.
    [[nodiscard]] FilledFields filled(const ObjectName& object, const FilledFields& before,
                                      const Fields& fields);
    /// Is a field blank that held something `before`? Fields that are not told stay as they are.
    [[nodiscard]] bool blanks(const ObjectName& object, const FilledFields& before,
                              const Fields& fields);
    /// How many records of the object are there. Goes through all of them.
    [[nodiscard]] std::uint64_t count_of(const ObjectName& object);

    // ---- Reconciliation; see inventory.h.
    /// Begins another one: no record counts as seen, none is suspect.
    void begin_reconciliation();
    /// The record is there as it was told last. What is saved counts as seen, too.
    void see(const ObjectName& object, const RecordId& id);
    /// Whether the record is as it was told last must be found out.
    void suspect(const ObjectName& object, const RecordId& id);
    /// It is found out: null says that all is well.
    void judge(const ObjectName& object, const RecordId& id, std::optional<DriftKind> found);
    /// Suspects of whom nothing is known yet, at most `max`.
    [[nodiscard]] std::vector<std::pair<ObjectName, RecordId>> suspects(std::size_t max);
    /// Makes suspect the records after (`object`, `id`) that were not seen, looking at `max` of
    /// them at most. The last one that was looked at; null: there are no more.
    [[nodiscard]] std::optional<std::pair<ObjectName, RecordId>> suspect_unseen(
        const ObjectName& object, const RecordId& id, std::size_t max);
    /// How many records of each object are there.
    [[nodiscard]] std::vector<std::pair<ObjectName, std::uint64_t>> counts();
    struct Held {
        ObjectName object;
        RecordId id;
        std::uint64_t n = 0;
        std::optional<EntityId> entity;
        std::optional<DriftKind> found;
    };
    /// Records after (`object`, `id`) that are there, at most `max`.
    [[nodiscard]] std::vector<Held> held(const ObjectName& object, const RecordId& id,
                                         std::size_t max);
    /// The suspects that were judged to be something.
    void for_each_drift(const std::function<void(const Held&)>& take);

    // ---- Lists; see list_target.h.
    /// A part of a list by its digest; nothing if it is not held.
    [[nodiscard]] std::optional<std::string> list_part(const ListName& list,
                                                       std::string_view digest);
    void keep_list_part(const ListName& list, std::string_view digest, std::string_view body);
    /// Drops the parts of the list that are not in `digests`, which is sorted.
    void keep_only_list_parts(const ListName& list, const std::vector<std::string>& digests);

    // ---- Records that must be fetched before they are used.
    void want_fetch(const ObjectName& object, const RecordId& id);
    void fetched(const ObjectName& object, const RecordId& id);
    [[nodiscard]] std::vector<std::pair<ObjectName, RecordId>> wanted_fetches();

    // ---- Spool.
    /// The next revision: greater than that of any change or outcome before, of whatever record. A
    /// record that takes the place of a deleted one must not look older than that.
    [[nodiscard]] Revision next_revision();
    /// The number that the next append() to the partition takes.
    [[nodiscard]] Numbering next_number(Partition partition) const;
    void append(Partition partition, std::string_view subject, std::string_view body,
                Timestamp now);
    /// Entries from `from` on, at most `max` and about `bytes_max`.
    [[nodiscard]] std::vector<SpoolEntry> entries(Partition partition, std::uint64_t from,
                                                  std::size_t max, std::size_t bytes_max);
    /// The hub has everything up to `seq`. May also go back, to what it has after it lost some.
    void set_receipted(Partition partition, std::uint64_t seq, Timestamp now);
    /// Deletes at most `max` entries whose receipt is at least `retention` old, and, as long as
    /// those with receipt take more than `receipted_bytes`, younger ones. Returns how many.
    std::size_t trim(Timestamp now, Duration retention, std::uint64_t receipted_bytes,
                     std::size_t max);
    /// Begins a new epoch, greater than `after`, with `partitions` partitions: all entries held are
    /// numbered anew from 1 and count as without receipt.
    void restart_numbering(std::uint16_t partitions, Timestamp now, std::uint64_t after = 0);
    /// Somebody else may have been at the platform with another store, so what this one knows of it
    /// is worth nothing: it becomes as a new one. What the hub may lack stays: the spool, in a new
    /// epoch, and what lanes withhold; so do rejects, fences and the count of the quota.
    void begin_as_new(Timestamp now);

    // ---- Commands.
    [[nodiscard]] std::optional<LedgerEntry> ledger(const EntityKey& entity);
    void save(const EntityKey& entity, const LedgerEntry& entry);
    /// Commands whose result is not known.
    [[nodiscard]] std::vector<LedgerEntry> doubtful();
    [[nodiscard]] std::uint64_t fence(Partition partition);
    void raise_fence(Partition partition, std::uint64_t fence);

    // ---- Operations of workflows.
    [[nodiscard]] std::optional<StoredOperation> operation(std::string_view key);
    void save(const StoredOperation& operation);
    /// The result was appended to the spool under that number, last.
    void note_told(std::string_view key, const Numbering& number);
    /// Those that have not ended, the oldest first, without their bodies.
    [[nodiscard]] std::vector<StoredOperation> open_operations();
    /// Forgets at most `max` of those that ended before `before` and have the hub's receipt.
    /// Returns how many.
    std::size_t forget_operations(Timestamp before, std::size_t max);

    // ---- Erasure.
    /// Nothing is kept of what was told of the entity, of its records as far as they are known, or
    /// of `record`: what the spool still holds is told as deletions and bare outcomes from now on.
    /// Nothing: some of that has no receipt yet; to be tried again. Else the records of which
    /// something was not told: whether they are there only the platform knows.
    [[nodiscard]] std::optional<std::vector<RecordId>> forget(
        const EntityKey& entity, const std::optional<RecordId>& record);

    // ---- Input that could not be used; the newest per record.
    void keep_reject(const Reject& reject, std::size_t max);
    /// True if there was one.
    bool clear_reject(const ObjectName& object, const RecordId& id);
    /// Those without a record, which nothing can clear, count only if they are from after `after`.
    [[nodiscard]] RejectSummary rejects_of(const ObjectName& object, Timestamp after,
                                           std::size_t newest);

    [[nodiscard]] Store& store() { return store_; }
    /// Makes the transaction fail.
    void fail_with(Error error);

private:
    std::uint64_t object_number(const ObjectName& object);
    std::optional<std::size_t> field_number(const ObjectName& object, const FieldName& field);
    using Blank = std::optional<std::string>(std::string_view subject, std::string_view body);
    bool blank_entries(std::string_view subject_end, Blank* blank);
    void move_entry(std::uint64_t id, std::string_view subject, std::string_view body,
                    std::int64_t put_at);
    std::uint64_t bytes_between(Partition partition, std::uint64_t after, std::uint64_t to);
    std::size_t trim_partition(Partition partition, std::uint64_t to, std::size_t max);

    Store& store_;
    sqlite::Database& database_;
};

/// The agent's one file: spool, records, cursors, ledger. What a transaction took survives a power
/// cut once transaction() returned.
///
/// Threading: one thread. Lifetime: holds the file alone until destroyed.
class Store {
public:
    struct Options {
        std::string path;
        std::string vfs;  ///< A registered SQLite VFS; empty: the system's.
        PlatformId platform;
        std::string instance;  ///< Kept at creation only; says later which store this is.
        Timestamp now;         ///< The first epoch.
        std::size_t cache_bytes = 2u << 20;
    };
    static constexpr std::uint64_t kSchema = 7;

    /// Opens or creates. kUnavailable: another process holds it. kCorrupt: damaged, left as it was.
    /// kInvalid: it is another platform's. kUnsupported: made by a newer version; the text names
    /// the copy that was kept then. One of an older schema is copied to `<path>.schema-<n>` first;
    /// such a copy, put in the store's place, begins as new (Transaction::begin_as_new()).
    static Result<std::unique_ptr<Store>> open(const Options& options);

    /// Runs `body` and commits. Any error leaves the store as it was before. kFull: no space; may
    /// be tried again. After another kind the store must be opened anew.
    [[nodiscard]] Result<void> transaction(const std::function<void(Transaction&)>& body);

    /// Leaves nothing of what was replaced in the write-ahead log.
    [[nodiscard]] Result<void> empty_log() { return database_->make_durable(); }

    [[nodiscard]] std::uint64_t epoch() const { return held_.epoch; }
    /// 0 until restart_numbering() has said it.
    [[nodiscard]] std::uint16_t partitions() const {
        return static_cast<std::uint16_t>(held_.marks.size());
    }
    [[nodiscard]] const Marks& marks(Partition partition) const {
        return held_.marks[partition.value];
    }
    [[nodiscard]] std::uint64_t waiting_entries() const;
    [[nodiscard]] std::uint64_t waiting_bytes() const;
    [[nodiscard]] std::uint64_t held_bytes() const;
    [[nodiscard]] std::uint64_t rejects() const { return held_.rejects; }
    [[nodiscard]] std::uint64_t sweep() const { return held_.sweep; }
    [[nodiscard]] std::uint64_t revisions() const { return held_.revisions; }
    /// Null if nothing was ever counted in it.
    [[nodiscard]] const LaneState* lane(const Lane& lane) const;
    [[nodiscard]] const std::map<Lane, LaneState>& lanes() const { return held_.lanes; }
    /// Changes that are withheld of an object, and what all of them take, in bytes.
    [[nodiscard]] std::uint64_t withheld(const ObjectName& object) const;
    [[nodiscard]] std::uint64_t withheld_bytes() const;
    [[nodiscard]] const std::string& instance() const { return instance_; }
    [[nodiscard]] const PlatformId& platform() const { return platform_; }

private:
    friend class Transaction;
    struct Withheld {
        std::uint64_t changes = 0;
        std::uint64_t bytes = 0;
    };
    /// What is also in the file; read again from there after a transaction failed.
    struct Held {
        std::uint64_t epoch = 0;
        std::uint64_t era = 0;    ///< Counts epochs; short, so that each record can have it.
        std::uint64_t sweep = 0;  ///< See digest_of().
        std::uint64_t rejects = 0;
        std::uint64_t revisions = 0;       ///< Given out so far.
        std::uint64_t reconciliation = 0;  ///< The newest one; counted from 1.
        bool revised = false;              ///< By this transaction.
        std::vector<Marks> marks;
        std::vector<bool> changed;  ///< Marks to be written at the end of the transaction.
        std::unordered_map<std::string, std::uint64_t> objects;
        std::map<Lane, LaneState> lanes;
        std::set<Lane> changed_lanes;  ///< To be written at the end of the transaction.
        std::unordered_map<std::string, Withheld> withheld;  ///< By object.
        std::uint64_t withheld_last = 0;                     ///< Number of the newest.
        /// By object and name: the number of each field.
        std::unordered_map<std::string, std::unordered_map<std::string, std::size_t>> fields;
    };

    Store(std::unique_ptr<sqlite::Database> database, const Options& options)
        : database_(std::move(database)), platform_(options.platform) {}
    Result<void> keep_former(const Options& options);
    void create(const Options& options);
    void pack_entities();
    void begin_as_new_if_copied(Timestamp now);
    void load();
    void load_lanes();
    void save_marks();
    void save_lanes();
    [[nodiscard]] Marks& changing(Partition partition);

    std::unique_ptr<sqlite::Database> database_;
    PlatformId platform_;
    std::string instance_;
    Held held_;
};

}  // namespace syncline::agent
