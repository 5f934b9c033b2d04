#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "agent/commit_queue.h"
#include "agent/environment.h"
#include "agent/operation_executor.h"
#include "agent/platform_gate.h"
#include "agent/settings.h"
#include "agent/store.h"
#include "shared/model/operation_call.h"

namespace syncline::agent {

/// Carries out operations of workflows, each once: accepted into the store, intent journalled
/// before the platform is called, result stored and told in one transaction after it. One at a time
/// of a key, the oldest first.
///
/// What is known to have had no effect is tried again for as long as it takes, and waits while the
/// platform is down, rests or refuses the credentials. What may have had one is repeated if the
/// platform knows it by its key, looked for if that can be done, else told as in doubt.
///
/// Threading: the agent's. Memory: a few hundred bytes for each that has not ended; the calls
/// themselves are in the store.
class Operations {
public:
    struct Parts {
        const Environment& environment;
        const AgentSettings& settings;
        Store& store;
        CommitQueue& commits;
        PlatformGate& gate;
        OperationExecutor* executor;  ///< Null: this platform carries out none.
        Duration read_back_lag;       ///< Of the platform.
    };
    explicit Operations(const Parts& parts) : p_(parts), breaker_(parts.settings.writing.breaker) {}

    /// Takes up what the store holds.
    [[nodiscard]] Result<void> start();

    struct Origin {
        Timestamp stored_at;  ///< When the hub's message was.
        /// It was asked for before this store began: another one may have carried it out.
        bool is_of_former_store = false;
    };
    /// Asked for by the hub, once or again. `stored` is called when the store has it.
    void take(const OperationCall& call, const Origin& origin, CommitQueue::Done stored);

    void pump();
    [[nodiscard]] Duration next_deadline() const;

    struct Status {
        std::uint64_t waiting = 0;   ///< Nothing has happened yet.
        std::uint64_t running = 0;   ///< The platform or the store is at it.
        std::uint64_t in_doubt = 0;  ///< Being found out.
        std::uint64_t applied = 0;   ///< Told since the start of this process; so are the next.
        std::uint64_t refused = 0;
        std::uint64_t told_in_doubt = 0;
        std::string last_error;
    };
    [[nodiscard]] Status status() const;
    /// How many the platform or the store is at.
    [[nodiscard]] std::size_t busy() const { return busy_; }

private:
    enum class Next : std::uint8_t { kCall, kFind, kEnded };
    struct Job {
        std::string key;
        std::uint64_t order = 0;
        OperationCall call;                         ///< While it is busy.
        Duration limit{0};                          ///< The same.
        Duration begun{0};                          ///< And when.
        bool doubt = false;                         ///< It may have been carried out.
        bool busy = false;                          ///< The platform or the store is at it.
        std::optional<OperationResult::What> what;  ///< It has ended; nothing: to be done again.
        Duration due{0};
        std::uint32_t failures = 0;
        std::string last_error;
    };
    using JobPtr = std::shared_ptr<Job>;
    struct Ending {
        OperationResult::What what = OperationResult::What::kApplied;
        ErrorClass error = ErrorClass::kPermanent;
        Fields fields;
        std::string text;
    };
    using Looked = Executor::Answer<std::optional<Value>>;

    [[nodiscard]] JobPtr accept(Transaction& transaction, const OperationCall& call,
                                const Origin& origin);
    void answer_again(Transaction& transaction, StoredOperation known, const OperationCall& call);
    void enqueue(const JobPtr& job, Duration due);
    [[nodiscard]] bool may_start() const;
    [[nodiscard]] Duration next_call(Duration at) const;
    void begin(const JobPtr& job);
    [[nodiscard]] Next prepare(Transaction& transaction, Job& job);
    [[nodiscard]] Next step_of(Job& job, Ending& ending) const;
    void call(const JobPtr& job);
    void find(const JobPtr& job);
    void on_answer(const JobPtr& job, const Executor::Answer<Value>& answer);
    void on_looked(const JobPtr& job, const Looked& answer);
    void on_error(const JobPtr& job, const Error& error, Duration pause);
    void try_again(const JobPtr& job, const Error& error, Duration pause);
    void wait(const JobPtr& job, Duration pause);
    void finish(const JobPtr& job, Ending ending);
    void end(Transaction& transaction, Job& job, const Ending& ending);
    void ended(const JobPtr& job);
    void tell(Transaction& transaction, StoredOperation known, OperationResult result,
              Partition partition);
    void forget();
    [[nodiscard]] Ending applied(const Job& job, const Value& answer) const;
    [[nodiscard]] const OperationSettings* settings_of(const std::string& operation) const;
    [[nodiscard]] Duration now() const { return p_.environment.steady(); }

    Parts p_;
    /// Of its own: what fails here says nothing about commands, and must not keep them out.
    Breaker breaker_;
    std::map<std::uint64_t, JobPtr> jobs_;              ///< By order.
    std::set<std::pair<Duration, std::uint64_t>> due_;  ///< Those that are not busy.
    std::size_t busy_ = 0;
    Duration forget_at_{0};
    Status status_;
};

}  // namespace syncline::agent
