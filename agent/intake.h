#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "agent/breaker.h"
#include "agent/commit_queue.h"
#include "agent/core/rate_meter.h"
#include "agent/environment.h"
#include "agent/executor.h"
#include "agent/platform_gate.h"
#include "agent/settings.h"
#include "agent/store.h"
#include "agent/troubles.h"
#include "agent/write_guard.h"
#include "shared/model/change.h"

namespace syncline::agent {

/// Everything that was in the spool at some moment.
class SpoolPoint {
public:
    static SpoolPoint of(const Store& store);
    /// Does it say anything of the numbering that is in use?
    [[nodiscard]] bool is_of(const Store& store) const { return epoch_ == store.epoch(); }
    /// Has the hub decided all of it?
    [[nodiscard]] bool is_receipted(const Store& store) const;

private:
    std::uint64_t epoch_ = 0;
    std::vector<std::uint64_t> last_;  ///< By partition.
};

/// Who is asked about each record that was fetched before it is used.
class FetchWitness {
public:
    enum class Use : std::uint8_t {
        kUsual,      ///< Tell it if it is news.
        kReconcile,  ///< The same; it was found by comparing.
        kQuiet,      ///< Do not tell it.
        kReview,     ///< Tell it as found by a reconciliation, for a person.
    };
    /// `known`: what the store knows of it; `news`: the record is not as it was told last. Within
    /// the transaction that uses it.
    virtual Use on_fetched(Transaction& transaction, const Record& record,
                           const std::optional<RecordState>& known, bool news) = 0;
    /// It can not be read.
    virtual void on_unreadable(Transaction& transaction, const RecordKey& record) = 0;

protected:
    ~FetchWitness() = default;
};

/// The way in: reads the platform, drops what is known already, numbers the rest and puts it into
/// the spool, in one transaction with the cursor. Records that a batch does not say for certain
/// (partial ones, and those that a write has just touched) are fetched one by one; the store
/// remembers them until they are.
class Intake {
public:
    struct Parts {
        const Environment& environment;
        const AgentSettings& settings;
        Store& store;
        CommitQueue& commits;
        Executor& executor;
        PlatformGate& gate;
        WriteGuard& guard;
        MassBreaker& breaker;
        Troubles& troubles;
    };
    explicit Intake(const Parts& parts) : p_(parts) {}

    /// Takes up what the store remembers.
    [[nodiscard]] Result<void> start();
    /// Starts reads and fetches that are due.
    void pump();
    [[nodiscard]] Duration next_deadline() const;

    /// Reads everything again and sends it whether it is known or not. Harmless while one runs.
    void request_full_read();
    /// The same within a transaction of the caller's, who calls restarted() after its commit.
    void prepare_full_read(Transaction& transaction);
    void restarted();
    /// Another number with each full read that was asked for.
    [[nodiscard]] std::uint64_t round() const { return round_; }
    /// Asks for each record that the store knows and the last full read did not show. Call it
    /// within a transaction and follow_unseen() after it.
    void want_unseen(Transaction& transaction);
    void follow_unseen();

    /// Has the hub decided everything that a full read of the platform found, the first one or one
    /// that was asked for since? Before that it does not know what is there: it may ask for records
    /// that there are, and for values of long ago.
    [[nodiscard]] bool is_acquainted();
    [[nodiscard]] bool was_acquainted() const { return acquainted_; }
    /// The hub has forgotten what it had decided, and is told it again: until it has decided that,
    /// it does not know what is here.
    void set_back();
    /// Is the first read of the platform still under way?
    [[nodiscard]] bool is_new() const;

    /// What is known of a record changed by a write: whatever is on its way is older.
    void write_started(const RecordKey& record);
    void write_finished(const RecordKey& record);
    void create_finished();
    /// Reads a record on its own, soon, if the platform can be asked. Call it within a transaction
    /// and follow() after it.
    void want_fetch(Transaction& transaction, const RecordKey& record);
    void follow(const RecordKey& record);
    [[nodiscard]] bool is_fetching(const RecordKey& record) const {
        return fetches_.contains(record);
    }
    /// Reads the platform as soon as `at` has come, whatever the poll interval says.
    void read_at(Duration at) { read_at_ = std::min(read_at_, at); }
    [[nodiscard]] std::size_t fetches_waiting() const { return fetches_.size(); }
    /// Tells a change that the breaker withheld; false if the spool has no room.
    [[nodiscard]] bool tell_withheld(Transaction& transaction, const Change& change);

    /// Filled while a transaction runs, acted on after its commit.
    struct Taken {
        std::size_t at = 0;
        std::uint64_t changes = 0;
        std::vector<std::pair<RecordKey, std::uint64_t>> fetches;  ///< With the create to wait for.
        std::vector<Troubles::Sight> sights;
    };
    /// What a page that was read beside the reading that goes on shows of a record.
    enum class Shown : std::uint8_t {
        kKnown,      ///< As it was told.
        kUnknown,    ///< Never told, so the page cannot be older than what was.
        kDifferent,  ///< Told otherwise, before the page or since.
    };
    [[nodiscard]] Shown shown(Transaction& transaction, const Record& record) const;
    /// Tells a record that is kUnknown with the origin kBackfill. false: the spool has no room.
    [[nodiscard]] bool tell_backfilled(Transaction& transaction, const Record& record,
                                       Taken& taken);
    /// After the commit of that.
    void told_backfilled(const Taken& taken);

    /// May be null; must outlive what is under way.
    void set_witness(FetchWitness* witness) { witness_ = witness; }
    /// Reads are counted from 1. The newest that was begun, and the newest of those after which
    /// there was nothing more to read and whose records are stored.
    [[nodiscard]] std::uint64_t reads_begun() const { return reads_begun_; }
    [[nodiscard]] std::uint64_t read_through() const { return read_through_; }
    /// Is there room in the spool, and may the store be written?
    [[nodiscard]] bool may_read() const;

    struct Status {
        Timestamp last_read_at;
        std::string last_error;
        std::string origin;
        std::uint64_t fetches = 0;
        bool reading = false;
        bool paused = false;  ///< The spool is full, or too much waits for receipts.
        std::uint64_t records_read = 0;
        std::uint64_t changes = 0;
        /// Of the full read that is under way, the first one or another.
        struct Load {
            std::uint64_t records = 0;           ///< Read so far, also by processes before this.
            std::optional<std::uint64_t> total;  ///< Where the platform can be asked.
            std::uint64_t per_second = 0;
            Timestamp began_at;
        };
        std::optional<Load> load;
    };
    [[nodiscard]] Status status() const;
    [[nodiscard]] bool is_loading() const { return origin_ != kLive; }

private:
    // Where what is read comes from, as stored.
    static constexpr std::string_view kBackfill = "backfill";
    static constexpr std::string_view kReconcile = "reconcile";
    static constexpr std::string_view kLive = "live";
    /// How long to wait before looking again whether the spool has room.
    static constexpr Duration kRoomPause{std::chrono::milliseconds{200}};

    /// A batch on its way into the store; in pieces, if the spool has no room for all of it.
    struct Pending {
        Batch batch;
        std::uint64_t round = 0;  ///< Its cursor only counts while this is the present one.
        std::uint64_t read = 0;   ///< Its number; see reads_begun().
        std::size_t at = 0;       ///< Records before this are stored.
        bool committing = false;
    };
    enum class Took : std::uint8_t { kYes, kNoRoom };
    struct Fetch {
        bool in_flight = false;
        bool again = false;              ///< What is in flight is older than what is known.
        std::uint64_t after_create = 0;  ///< Waits until creates up to this one are finished.
        std::uint32_t failures = 0;
        std::uint64_t ticket = 0;  ///< Of its place in due_; 0: it is not there.
    };

    void count_all();
    void note_load(Transaction& transaction);
    void say_loaded() const;
    [[nodiscard]] QuotaLane read_lane() const;
    [[nodiscard]] Duration next_read() const { return std::min(next_read_, read_at_); }
    [[nodiscard]] bool may_start_read() const;
    void start_read();
    void on_read(Executor::Answer<Batch> answer, std::uint64_t round);
    void on_read_error(const Error& error, Duration pause);
    void say_notes(const std::vector<std::string>& notes);
    void commit_batch();
    void apply_batch(Transaction& transaction, Taken& taken);
    void after_batch(const Taken& taken);
    /// `read`: of a batch its number; null: the record was fetched.
    Took take(Transaction& transaction, const Record& record, std::optional<std::uint64_t> read,
              ChangeOrigin as, Taken& taken);
    Took emit(Transaction& transaction, const Record& record, const RecordKey& key,
              RecordState state, ChangeOrigin as, Taken& taken);
    Took take_news(Transaction& transaction, const Record& record,
                   const std::optional<RecordState>& before, const Digest& digest, ChangeOrigin as,
                   Taken& taken);
    Took withhold(Transaction& transaction, const Record& record, const RecordState& state,
                  ChangeOrigin as, MassBreaker::Sight sight);
    void take_known(Transaction& transaction, const Record& record, const RecordState& state);
    [[nodiscard]] std::optional<MassKind> mass_kind(Transaction& transaction, const Record& record,
                                                    const std::optional<RecordState>& before) const;
    [[nodiscard]] bool is_as_told(const Record& record,
                                  const std::optional<RecordState>& before) const;
    bool is_too_large(Transaction& transaction, const Record& record, std::size_t bytes);
    /// Keeps what cannot be used, and says it once.
    void keep_reject(Transaction& transaction, const Reject& reject);
    void wish(Transaction& transaction, const RecordKey& key, std::uint64_t after_create,
              Taken& taken);
    void begin_full_read();
    using Step = std::function<std::string(Transaction& transaction, Taken& taken)>;
    void go_through(std::string Intake::*place, std::string_view key, Step step);
    void send_tombstones();
    [[nodiscard]] bool looks_for_unseen() const;
    void look_for_unseen();

    void schedule(const RecordKey& key, Duration at);
    void add_fetch(const RecordKey& key, std::uint64_t after_create);
    void start_fetches();
    void on_fetched(const RecordKey& key, Executor::Answer<std::optional<Record>> answer);
    void on_fetch_error(const RecordKey& key, const Error& error, Duration pause);
    void give_up_fetch(const RecordKey& key, const std::string& why);
    void commit_fetched(const RecordKey& key, Record record);

    [[nodiscard]] bool has_room() const;
    [[nodiscard]] Duration now() const { return p_.environment.steady(); }
    [[nodiscard]] ChangeOrigin origin() const;

    Parts p_;
    bool acquainted_ = false;
    std::size_t set_backs_ = 0;            ///< Not stored yet.
    std::optional<SpoolPoint> full_read_;  ///< When it was complete.
    Cursor cursor_;
    std::string origin_;
    std::string tombstones_;      ///< As stored; empty: none are to be sent again.
    std::string unseen_;          ///< As stored; empty: none are to be looked for.
    bool going_through_ = false;  ///< The records of the store, for either.
    std::uint64_t round_ = 1;  ///< A batch that was asked for in an earlier one has an old cursor.
    std::uint64_t reads_begun_ = 0;
    std::uint64_t read_through_ = 0;
    FetchWitness* witness_ = nullptr;
    bool reading_ = false;
    std::optional<Pending> pending_;
    std::optional<Pending> ahead_;  ///< What was read while that one is stored.
    Duration room_at_{0};           ///< When to try again to store what there was no room for.
    Duration next_read_{0};
    Duration read_at_ = kNever;  ///< A read that was asked for, before the next one is due.
    std::uint32_t failures_ = 0;
    std::string last_error_;
    std::set<std::string> said_rejects_;
    std::set<std::string> said_notes_;
    Timestamp last_read_at_;
    std::uint64_t records_read_ = 0;
    std::uint64_t changes_ = 0;
    std::uint64_t load_read_ = 0;  ///< As stored, by the full read that is under way.
    Timestamp load_began_;
    std::optional<std::uint64_t> load_total_;
    bool counted_ = false;  ///< The platform was asked for that.
    RateMeter load_rate_;
    std::map<RecordKey, Fetch> fetches_;
    std::map<std::pair<Duration, std::uint64_t>, RecordKey> due_;
    std::uint64_t tickets_ = 0;
    std::size_t fetching_ = 0;
};

}  // namespace syncline::agent
