#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "agent/breaker.h"
#include "agent/commit_queue.h"
#include "agent/core/apply_plan.h"
#include "agent/environment.h"
#include "agent/executor.h"
#include "agent/intake.h"
#include "agent/operations.h"
#include "agent/platform_gate.h"
#include "agent/settings.h"
#include "agent/store.h"
#include "agent/write_guard.h"
#include "shared/model/command.h"
#include "shared/model/outcome.h"
#include "shared/nats/link.h"

namespace syncline::agent {

/// The way out: takes commands from their stream and makes the platform hold what they say, each
/// at most once, the newest of an entity only, one at a time per entity. What to do is decided by
/// core/apply_plan.h; here it is done, journalled before and after.
///
/// While the platform is down nothing is taken from the stream, which keeps only the newest command
/// of each entity; so an outage costs no command its attempts, and no outdated value is written
/// after it.
class Commands final : public nats::MessageSink {
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
        Operations& operations;  ///< Takes those that come by the same stream.
        nats::Link& link;
        /// The hub asks for something (subjects::is_again). What follows in the stream was decided
        /// after that, perhaps without knowing what is here.
        std::function<void(const nats::InMessage& request)> on_again;
    };
    explicit Commands(const Parts& parts) : p_(parts) {}

    /// Takes up what the ledger says is in doubt.
    [[nodiscard]] Result<void> start();
    /// What the command stream is now: its identity, and how far it goes. Begins to take commands;
    /// from its beginning, if it is another stream than before.
    void on_stream(const nats::StreamInfo& info);
    /// From the start: the stream lost messages, and others may stand under their numbers.
    void read_again();
    /// What the breaker held is read again, and begun or refused as it says by now.
    void release_parked();
    void pump();
    [[nodiscard]] Duration next_deadline() const;

    void on_message(const nats::InMessage& message) override;

    struct Status {
        std::uint64_t waiting = 0;
        std::uint64_t running = 0;
        std::uint64_t in_doubt = 0;
        std::uint64_t position = 0;
        std::uint64_t applied = 0;  ///< Since the start of this process; so are the next.
        std::uint64_t failed = 0;
        std::uint64_t superseded = 0;
        std::string last_error;
    };
    [[nodiscard]] Status status() const;
    /// What was to be stored is, and the first of it had waited so long.
    void on_stored(Duration took) { lookahead_.stored(took); }
    /// How many calls the platform is at.
    [[nodiscard]] std::size_t calls() const { return calls_; }
    /// How many the platform or the store is at.
    [[nodiscard]] std::size_t busy() const { return busy_; }

private:
    /// What a job asks of the platform next.
    enum class Phase : std::uint8_t {
        kLook,  ///< Is there a record for the create already?
        kWrite,
        kReadBack,      ///< Written; what does the record hold now?
        kVerify,        ///< Perhaps written: was it?
        kReadConflict,  ///< Not written, as expected values were not there: what is?
    };
    struct Ending {
        OutcomeStatus status = OutcomeStatus::kApplied;
        std::optional<Record> record;     ///< What the record holds now, if that is known.
        std::optional<Fields> believed;   ///< What it should hold, if it could not be read.
        std::optional<RecordKey> follow;  ///< Once it is stored: what must be looked at after it.
        std::string reason;
        std::string code;
    };
    struct Job {
        Command command;             ///< As it is carried out: a create may turn into an update.
        std::uint64_t sequence = 0;  ///< In the stream; 0 if only the ledger knows it.
        Timestamp stored_at;         ///< There.
        std::uint64_t credit = 0;    ///< The subscription that waits for it.
        Phase phase = Phase::kWrite;
        bool busy = false;           ///< The platform or the store is at it.
        bool admitted = false;       ///< The ledger has it.
        bool intent = false;         ///< As intent, or as in doubt: it may be sent.
        bool settled = false;        ///< Its outcome is being stored.
        bool restored = false;       ///< In doubt since before the start.
        bool doubt = false;          ///< A write of it may have had an effect.
        std::uint32_t attempts = 0;  ///< That count.
        std::uint32_t looks = 0;
        Duration since{0};
        Duration due = kNever;
        std::uint64_t create = 0;  ///< See WriteGuard::create_started().
        bool guarded = false;
        std::string last_error;
        std::optional<RecordId> written;  ///< The record that the write answered with.
        bool found = false;  ///< `written` was there before: this command has set nothing.
        std::optional<RecordId> made;   ///< The entity has it already, as far as is known here.
        std::optional<Ending> ending;   ///< Is told when it is due.
        std::vector<RecordKey> follow;  ///< To be looked at once it is forgotten.
        bool alone = false;         ///< Its next call is for it alone: with others it was refused.
        bool among_others = false;  ///< It was written in one call with others.
        /// What chance said to those that were called together, so that they come again together.
        std::optional<std::uint64_t> lot;
    };
    using JobPtr = std::shared_ptr<Job>;
    using Jobs = std::vector<JobPtr>;
    struct Slot {
        JobPtr running;
        JobPtr waiting;
    };

    // Taking (commands_intake.cc).
    void let_former_end();
    void subscribe();
    void suspend();
    void take(Command command, const nats::InMessage& message);
    void refuse(const JobPtr& job, OutcomeStatus status, std::uint64_t ledger_generation,
                std::uint64_t fence);
    void refuse_former(const JobPtr& job);
    static void remember_refused(Transaction& transaction, const Command& command);
    void take_operation(const nats::InMessage& message);
    void reject_message(const nats::InMessage& message, const Error& why);
    void reject_message(const nats::InMessage& message, const std::string& why) {
        reject_message(message, Error{ErrorKind::kInvalid, why});
    }
    void read_unspoken(Transaction& transaction);
    void settled(const JobPtr& job);
    void park(const JobPtr& job);
    void save_position(Transaction& transaction);
    /// Up to where nothing of the stream has to be read again.
    struct Position {
        std::uint64_t sequence = 0;
        Timestamp stored_at;  ///< What stands behind it was stored later; 0: unknown.
        friend bool operator==(const Position&, const Position&) = default;
    };
    [[nodiscard]] Position position() const;
    void read_from(Position position);

    // Carrying out (commands.cc).
    [[nodiscard]] bool may_start() const;
    [[nodiscard]] bool may_subscribe() const;
    [[nodiscard]] bool start_next(Duration now);
    [[nodiscard]] bool probes(Duration now) const;
    [[nodiscard]] bool may_call(Duration now) const;
    [[nodiscard]] bool may_admit(Duration now) const;
    [[nodiscard]] bool is_behind(Duration at) const;
    [[nodiscard]] bool is_shunned(const EntityKey& entity, Duration now) const;
    void begin(const EntityKey& entity);
    void supersede(const JobPtr& job);
    /// Whether a command that may be carried out is, by the breaker.
    enum class Pass : std::uint8_t { kBegin, kPark, kDiscard, kForgotten, kForgetLater };
    [[nodiscard]] Pass pass(Transaction& transaction, const Job& job, bool is_first_time);
    void discard(Transaction& transaction, const Job& job);
    [[nodiscard]] Pass forget(Transaction& transaction, Job& job);
    void forgotten(const Job& job);
    void answer_at_once(Transaction& transaction, const Job& job, OutcomeStatus status,
                        std::string reason);
    void admit_job(const JobPtr& job);
    void answer_unadmitted(Transaction& transaction, const Command& command, Admission admission,
                           const std::optional<LedgerEntry>& ledger);
    void after_admission(const JobPtr& job, Admission admission);
    void call(const JobPtr& job);
    void call_write(const JobPtr& job);
    void call_look(const JobPtr& job);
    void on_written(const JobPtr& job, const Result<Written>& result, Duration pause);
    void on_looked(const JobPtr& job, const Result<std::optional<Record>>& result, Duration pause);
    void on_found(const JobPtr& job, const std::optional<Record>& record);
    void on_verified(const JobPtr& job, const std::optional<Record>& record);
    void on_unreadable(const JobPtr& job, const Error& error);
    void use_found(const JobPtr& job, const Record& record);
    void on_unreached(const JobPtr& job, const Error& error, Duration pause);
    bool charge(const JobPtr& job);
    void retry(const JobPtr& job, Duration due);
    void enter_doubt(const JobPtr& job, const Error& error);
    void prove(const JobPtr& job);
    [[nodiscard]] Duration settle_time(bool by_former) const;
    void write_again(const JobPtr& job);
    void give_up(const JobPtr& job);
    void leave_in_doubt(const JobPtr& job, Ending ending);
    void journal(const JobPtr& job, LedgerState state, CommitQueue::Done done);
    void finish(const JobPtr& job, Ending ending);
    void write_outcome(Transaction& transaction, const Job& job, Ending& ending);
    void remember(Transaction& transaction, const Job& job, Ending& ending, Outcome& outcome,
                  Partition partition);
    void note_effects(const Job& job, const Ending& ending, Outcome& outcome) const;
    void append_outcome(Transaction& transaction, Outcome outcome, Partition partition,
                        Duration took = Duration{0});
    [[nodiscard]] Partition partition_of(const Command& command) const;
    void remove(const JobPtr& job);
    void drop(const JobPtr& job);
    void wait(const JobPtr& job, Duration due);
    void hold(const JobPtr& job);
    void let_go(const JobPtr& job);
    void on_answer(const Jobs& jobs, const CallCost& cost, Duration took);
    [[nodiscard]] static bool is_overtaken(const Slot& slot);
    [[nodiscard]] std::uint64_t chance(const Job& job);

    // Several in one call (commands_batch.cc).
    [[nodiscard]] Jobs take_its_like(const JobPtr& job);
    [[nodiscard]] std::size_t together_max(const Job& job) const;
    [[nodiscard]] static bool go_together(const Job& one, const Job& other);
    [[nodiscard]] static std::optional<RecordId> fetched_by(const Job& job);
    void call_all(const Jobs& jobs);
    void write_all(const Jobs& jobs);
    void fetch_all(const Jobs& jobs);
    template <class T>
    using GoOn = void (Commands::*)(const JobPtr&, const Result<T>&, Duration);
    template <class T>
    void on_all_answered(const Jobs& jobs, const Executor::Answer<Each<T>>& answer, GoOn<T> go_on);
    void send_alone(const JobPtr& job);
    static constexpr const char* kAnothers =
        "the record that the platform answered with has the marker of another entity";
    [[nodiscard]] static bool is_anothers(const Job& job, const Record& record);
    void guard(const JobPtr& job);
    void release(const JobPtr& job);

    /// For the ledger: which record it is about, as far as is known.
    [[nodiscard]] static std::optional<RecordId> known_record(const Job& job) {
        return job.command.record ? job.command.record : job.made;
    }
    [[nodiscard]] Duration now() const { return p_.environment.steady(); }
    [[nodiscard]] RecordKey key_of(const Job& job, const RecordId& id) const {
        return {p_.store.platform(), job.command.entity.object, id};
    }

    Parts p_;
    std::map<EntityKey, Slot> slots_;
    std::deque<EntityKey> ready_;                   ///< With something waiting and nothing running.
    std::set<std::pair<Duration, EntityKey>> due_;  ///< Running jobs that wait for their time.
    std::size_t busy_ = 0;                          ///< Jobs that are called, admitted or stored.
    std::size_t calls_ = 0;                         ///< Calls that they are in.
    std::size_t admitting_ = 0;                     ///< And those whose admission is stored.
    std::size_t in_flight_max_ = 1;
    std::size_t batch_max_ = 1;  ///< Of the platform.
    bool charged_ = false;       ///< The call that was answered last, against the breaker.
    Lookahead lookahead_;
    /// PlatformGate::successes() at the last failure of each entity's command: outlives the job,
    /// which is dropped when the breaker opens and comes again from the stream.
    std::map<EntityKey, std::uint64_t> successes_at_failure_;
    std::optional<EntityKey> shunned_;  ///< Failed as the last probe: let another one try.
    Duration shunned_until_{0};

    std::unique_ptr<nats::Subscription> subscription_;
    std::uint64_t credit_ = 0;   ///< Counts subscriptions.
    bool started_ = false;       ///< The stream is known.
    std::uint64_t created_ = 0;  ///< Its identity.
    /// How far the stream went when this store was new. What stands there may have been carried
    /// out by the store that was lost: the hub is told to decide it again.
    std::uint64_t before_ = 0;
    Timestamp began_;  ///< When this store was new, by the broker's clock; 0: not known.
    /// Until then what that store had under way may still take effect at the platform.
    Duration quiet_until_{0};
    Position last_seen_;
    Position saved_position_;
    Position written_position_;                      ///< Saved once its transaction is committed.
    std::map<std::uint64_t, Timestamp> unfinished_;  ///< When each was stored.
    std::set<JobPtr> handed_over_;      ///< Operations that the store does not have yet.
    std::set<std::uint64_t> finished_;  ///< Beyond the position, not to be done again.
    Duration save_position_at_ = kNever;
    /// What the breaker holds stays in the stream: the first of it keeps the position from moving
    /// on. By object, which entities' commands it is, by hash; of very many not all.
    std::optional<std::uint64_t> parked_from_;
    std::map<ObjectName, std::unordered_set<std::uint64_t>> parked_;

    std::uint64_t applied_ = 0;
    std::uint64_t failed_ = 0;
    std::uint64_t superseded_ = 0;
    std::string last_error_;
};

}  // namespace syncline::agent
