#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/asks.h"
#include "agent/backfill.h"
#include "agent/breaker.h"
#include "agent/commands.h"
#include "agent/commit_queue.h"
#include "agent/environment.h"
#include "agent/executor.h"
#include "agent/intake.h"
#include "agent/links.h"
#include "agent/listener.h"
#include "agent/lists.h"
#include "agent/operations.h"
#include "agent/platform_gate.h"
#include "agent/publisher.h"
#include "agent/quota_keeper.h"
#include "agent/reconciler.h"
#include "agent/settings.h"
#include "agent/store.h"
#include "agent/write_guard.h"
#include "shared/base/clock.h"
#include "shared/nats/link.h"
#include "shared/wire/subjects.h"

namespace syncline::agent {

/// One platform's agent: everything but threads, sockets and the clock, so that the same code runs
/// in production and in the simulator. It acts when the link or the executor calls back, and when
/// on_timer() is called; what it wants stored is committed in on_timer().
///
///     start();
///     while (running) { wait for events, until next_deadline(); deliver them; on_timer(); }
///
/// Threading: one thread. Lifetime: store, link and executor outlive it, and neither may deliver
/// to it any more once it is gone.
class Agent {
public:
    struct Parts {
        const AgentSettings& settings;
        const Clock& clock;
        Store& store;
        nats::Link& link;
        Executor& executor;
        SyncPoints& points;
        Notes note;                             ///< May be empty.
        std::uint64_t seed = 0;                 ///< Of the jitter.
        ListExecutor* list_executor = nullptr;  ///< Null: this platform has no lists.
        std::vector<ListName> lists = {};
        AskExecutor* ask_executor = nullptr;  ///< Null: this platform answers no questions.
        nats::Services* services = nullptr;   ///< Of the same connection, for those.
        /// Null: this platform carries out no operations of workflows.
        OperationExecutor* operation_executor = nullptr;
        telemetry::SpanSink* spans = nullptr;  ///< Null: there is no telemetry.
    };
    explicit Agent(Parts parts);
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;
    ~Agent();

    /// Takes up what the store holds. An error is the store's.
    [[nodiscard]] Result<void> start();

    /// Does what is due and commits. Harmless at any time; call it after events and when
    /// next_deadline() has come. An error means that the store must be opened anew: end the
    /// process.
    [[nodiscard]] Result<void> on_timer();
    /// On the scale of Clock::steady().
    [[nodiscard]] Duration next_deadline() const;

    /// Takes up nothing new from now on. What is under way goes on until is_quiet().
    void stop() { stopping_ = true; }
    /// Nothing is under way and nothing waits to be committed.
    [[nodiscard]] bool is_quiet() const;

    struct Status {
        std::uint64_t epoch = 0;
        std::uint16_t partitions = 0;
        std::uint64_t spool_bytes = 0;    ///< All that is held.
        std::uint64_t waiting_bytes = 0;  ///< Without receipt.
        std::uint64_t waiting_entries = 0;
        std::uint64_t rejects = 0;
        std::size_t in_flight = 0;
        std::string breaker;
        bool connected = false;
        bool denied = false;
        Duration paused{0};   ///< Still to wait, as the platform asked or refused.
        std::string trouble;  ///< What is wrong now, for a person; empty if nothing is.
        Intake::Status intake;
        Commands::Status commands;
        Operations::Status operations;
        Reconciler::Status reconciler;
        Backfill::Status backfill;
        Asks::Status asks;
        std::vector<MassBreaker::Status> held;  ///< Lanes that do not flow.
        Quota::Status quota;
        Listener::Status push;
    };
    [[nodiscard]] Status status() const;

private:
    class Receipts;

    void on_receipt(const Receipt& receipt);
    void raise_fences(const Receipt& receipt);
    void watch_streams();
    void on_input_stream(const Result<nats::StreamInfo>& info);
    void check_input_identity(const nats::StreamInfo& info);
    void on_command_stream(const Result<nats::StreamInfo>& info);
    void await_stream(std::string_view stream, std::string& trouble);
    void look_for_request(subjects::Again what);
    void look_for_answers();
    void on_again(const nats::InMessage& request);
    void on_request(subjects::Again what, std::string_view request);
    enum class ReadAgain : std::uint8_t { kNo, kYes };
    void begin_epoch(std::uint16_t partitions, ReadAgain read_again, const std::string& why,
                     std::uint64_t after = 0);
    void note_once(std::string& last, const std::string& text);
    void trim();
    void tell_presence();
    [[nodiscard]] std::string presence() const;
    [[nodiscard]] Duration flush_at() const;
    [[nodiscard]] Result<void> flush();
    [[nodiscard]] Duration now() const { return clock_.steady(); }

    AgentSettings settings_;
    const Clock& clock_;
    Store& store_;
    nats::Link& link_;
    Executor& executor_;
    Jitter jitter_;
    Environment environment_;

    CommitQueue commits_;
    PlatformGate gate_;
    WriteGuard guard_;
    MassBreaker mass_breaker_;
    Troubles troubles_;
    Publisher publisher_;
    Intake intake_;
    Operations operations_;
    Commands commands_;
    Listener listener_;
    Reconciler reconciler_;
    Backfill backfill_;
    Links links_;
    Lists lists_;
    Asks asks_;
    QuotaKeeper quota_;

    std::unique_ptr<Receipts> receipts_;
    std::unique_ptr<nats::Subscription> receipts_subscription_;
    /// Answers that come when the agent is gone find this gone too.
    std::shared_ptr<int> alive_ = std::make_shared<int>();

    bool stopping_ = false;
    bool connected_ = false;
    bool loading_ = false;  ///< Somebody may be watching a progress bar.
    bool epoch_pending_ = false;
    int asking_ = 0;  ///< Answers about streams that are still to come.
    Duration watch_at_{0};
    Duration presence_at_{0};
    Duration trim_at_{0};
    Duration flush_again_at_{0};
    std::map<Partition, std::uint64_t> fences_;  ///< Told since the start.
    std::uint64_t input_created_ = 0;
    std::uint64_t input_last_ = 0;
    std::string again_commands_;  ///< Newest requests that were seen.
    std::string again_records_;
    /// Where they stand in the stream, by subject: a replica may answer with the one before.
    std::map<std::string, std::uint64_t, std::less<>> again_at_;
    std::uint64_t commands_created_ = 0;
    std::string input_trouble_;
    std::string command_trouble_;
    std::string store_trouble_;
    Timestamp started_at_;
};

}  // namespace syncline::agent
