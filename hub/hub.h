#pragma once

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "hub/agent_reports.h"
#include "hub/broker_watch.h"
#include "hub/entities.h"
#include "hub/erasures.h"
#include "hub/instances.h"
#include "hub/kept_exceptions.h"
#include "hub/lists.h"
#include "hub/partitions.h"
#include "hub/placing.h"
#include "hub/policies.h"
#include "hub/reconciliations.h"
#include "hub/reliable_publisher.h"
#include "hub/state_sweep.h"
#include "hub/unmatched.h"
#include "hub/workflow_triggers.h"

namespace syncline::hub {

/// One hub: reads the inputs of its partitions, places them, decides them, stores and tells.
///
///     partitions > (decode) > placing > entities: decide > store > effects > partitions: mark,
///     receipt
///
/// The program's loop is `while (...) { link.poll(); hub.tick(); }`. Nothing here blocks, waits,
/// reads a clock of its own or draws random numbers, so that the simulator runs this very code.
/// Threading: the link's.
class Hub final : nats::MessageSink,
                  EntitiesHost,
                  PlacingHost,
                  UnmatchedHost,
                  ErasuresHost,
                  PartitionsHost,
                  StateSweepHost,
                  ReconciliationsHost,
                  DeliverySink,
                  nats::PublishSink {
public:
    /// The references must outlive the hub. `streams` are made if they are missing. `policy`, which
    /// must be sound, becomes version 1 if there is none; may be empty.
    Hub(nats::Link& link, const Clock& clock, std::vector<PolicyFile> policy, HubOptions options,
        std::vector<nats::StreamConfig> streams, SyncPoints& sync_points);
    ~Hub();

    /// Does what is due; call after each turn of the loop.
    void tick();
    /// How long the loop may sleep at most.
    [[nodiscard]] Duration next_wait() const;
    /// Hands the partitions over; stopped() says when that is done.
    void stop();
    [[nodiscard]] bool stopped() const;
    /// The last word: this hub is no more, so that the others need not wait for its silence.
    void leave();
    /// All streams and a policy are there, and this hub takes part.
    [[nodiscard]] bool ready() const { return partitions_ != nullptr; }
    /// The newest one known; null until ready(). Lives as long as the hub.
    [[nodiscard]] const Policy* policy() const { return ready() ? &policies_.newest() : nullptr; }
    [[nodiscard]] const HubCounters& counters() const { return counters_; }
    [[nodiscard]] std::vector<Partition> held() const;
    /// Nothing taken in is unfinished (for tests and graceful stops).
    [[nodiscard]] bool quiescent() const;
    /// What this hub is and does, as it stands in the key-value store.
    [[nodiscard]] Value status() const;
    [[nodiscard]] Reconciliations::VerifiedThrough verified_through() const {
        return reconciliations_.verified_through();
    }
    /// Questions that workflows put go to `ask`; see Instances::ask.
    void answer_asks_by(decltype(Instances::ask) ask) { instances_.ask = std::move(ask); }
    /// Keeps an exception about the installation, for people; `record` tells several of a kind
    /// apart.
    void show(ExceptionRecord exception);
    [[nodiscard]] const InstanceIndex& instances() const { return instances_.index(); }
    /// Of the streams; 0: not known yet.
    [[nodiscard]] std::uint16_t partitions() const { return ready() ? options_.partitions : 0; }
    /// The lists of reference data that this hub sees to.
    [[nodiscard]] std::vector<const ListState*> lists() const { return lists_.states(); }

private:
    /// WorkId::hold of what is no input.
    static constexpr std::uint64_t kNoHold = 0;

    void begin();
    void announce();
    void note_presence(const nats::InMessage& message);
    void drop_silent();
    void on_loss(const BrokerWatch::Loss& loss);
    void ask_again();
    void heal(const std::vector<Partition>& partitions);
    /// An input on its way to be kept as an exception.
    struct Kept {
        WorkId work;
        std::optional<Queued> unmatched;  ///< It waits at its keys after that.
        std::optional<KeptExceptions::Unplaced> unplaced = {};  ///< What it is about.
        Instances::Done then = {};                              ///< Instead of done.
    };
    void keep(ExceptionRecord exception, Kept kept);
    /// Says of an exception that no state holds what the policy's rules do.
    void apply_rules(ExceptionRecord& exception) const;
    /// An input of `entity` that waits for what it tells to be done elsewhere.
    struct TellFirst {
        EntityKey entity;
        Queued then;
    };
    /// An input as it was read.
    struct Raw {
        std::string_view subject;
        std::string_view body;
        std::uint64_t sequence = 0;
    };
    /// One that came before the policy that rules it was known.
    struct HeldBack {
        std::string subject;
        std::string body;
        std::uint64_t sequence = 0;
        WorkId work;
        std::uint64_t fence = 0;
    };
    void release_held_back();
    /// `queued` has everything but its input.
    void take_input(const Raw& raw, const subjects::InputSubject& about, Queued queued);
    void take_change(Change change, Queued queued);
    [[nodiscard]] std::string take_operation(Operation operation, Queued&& queued);
    void take_kept(const ExceptionRecord& kept, Queued queued);
    void take_instance_input(workflow::Message message, const WorkId& work);
    void keep_unused(const workflow::Message& message, ExceptionCode kind, const std::string& why,
                     Instances::Done then);
    void take_outcome(Outcome outcome, Queued queued);
    void on_policy_activated();
    void on_policy_refused(std::uint64_t version, const std::string& why);
    void tell_of_policy(std::uint64_t version, ExceptionStatus status, std::string reason);

    void on_message(const nats::InMessage& message) override;
    void on_input(const nats::InMessage& message, const subjects::InputSubject& subject,
                  const WorkId& work, std::uint64_t fence) override;
    void on_taken(Partition partition, Lost lost) override;
    void on_activation(const nats::InMessage& message) override { policies_.activate(message); }
    void on_reconsider(Partition partition, std::uint64_t hold) override;
    void on_done(const WorkId& work) override;
    void on_misplaced(Queued queued) override;
    void on_linked(const RecordKey& record, const EntityId& entity) override;
    void on_told_first(const EntityKey& entity, Queued then) override;
    void on_later_epoch(const PlatformId& platform, std::uint64_t epoch) override;
    void on_settled(const RecordKey& record) override;
    [[nodiscard]] bool is_reconsidered(Partition partition) const override {
        return partitions_->is_reconsidered(partition);
    }
    void on_to_erase(const EntityState& state, std::uint64_t sequence, Queued then) override {
        erasures_.start(state, sequence, std::move(then));
    }
    void on_erased(const EntityKey& entity, Queued queued) override {
        entities_.submit(entity, std::move(queued));
    }
    void on_start(const WorkflowStart& start, DeliverySink* sink, std::uint64_t token) override {
        instances_.begin(start, sink, token);
    }
    void on_written(const WriteAnswer& answer, DeliverySink* sink, std::uint64_t token) override {
        instances_.answer_write(answer, sink, token);
    }
    void on_undecidable(Queued queued, const Error& error) override;
    void on_placed(const EntityKey& entity, Queued queued) override;
    void on_unplaceable(Queued queued, ExceptionCode kind, const std::string& reason) override;
    void on_waiting(const WorkId& work) override { on_done(work); }
    void on_found(Queued queued) override { on_misplaced(std::move(queued)); }
    void on_awaited(const RecordKey& record) override { kept_exceptions_.awaited(record); }
    void on_kept(const ExceptionRecord& exception) override { kept_exceptions_.shown(exception); }
    void on_delivered(std::uint64_t token) override;
    [[nodiscard]] bool is_wanted(std::uint64_t token) const override;
    [[nodiscard]] bool may_replace(std::uint64_t token, std::string_view ours,
                                   std::string_view theirs) const override;
    bool warm(std::uint64_t sequence, std::string_view body) override;
    void check_links(const EntityKey& entity) override;
    void recheck(const EntityKey& entity, Recheck recheck, std::uint64_t sweep) override;
    [[nodiscard]] bool doubts_links() const override { return state_lost_ || watch_.noted() > 0; }
    void reconsider(const EntityState& state, std::uint64_t sequence, std::uint64_t sweep) override;
    void on_reconsidered(Partition partition, std::uint64_t hold, std::uint64_t version) override;
    void on_healed(Partition partition, std::uint64_t hold) override;
    void on_look_begins(Partition partition) override {
        reconciliations_.on_look_begins(partition);
    }
    void look(Partition partition, const EntityState& state) override {
        reconciliations_.look(partition, state);
    }
    void on_looked_through(Partition partition) override {
        reconciliations_.on_looked_through(partition);
    }
    void on_inventory_stored(const WorkId& work) override { on_done(work); }
    [[nodiscard]] bool is_done_through(const WorkId& work) const override {
        return partitions_->is_done_through(work);
    }
    [[nodiscard]] bool is_held(const WorkId& work) const override {
        return partitions_->is_held(work);
    }
    void look_through(Partition partition) override { sweep_->look_through(partition); }
    [[nodiscard]] bool holds(Partition partition) const override {
        return partitions_->fence_of(partition) != 0;
    }
    [[nodiscard]] std::uint64_t fence_of(Partition partition) const override;
    void on_published(std::uint64_t, const Result<std::uint64_t>&) override {}

    nats::Link& link_;
    const Clock& clock_;
    HubOptions options_;
    SyncPoints& sync_points_;
    HubCounters counters_;
    Timestamp started_at_;
    BrokerWatch watch_;
    ReliablePublisher effects_;
    Policies policies_;
    Entities entities_;
    Placing placing_;
    Unmatched unmatched_;
    Erasures erasures_;
    KeptExceptions kept_exceptions_;
    AgentReports agent_reports_;
    Lists lists_;
    Reconciliations reconciliations_;
    BrokerTime time_;
    Instances instances_;
    std::unique_ptr<Partitions> partitions_;      ///< From begin() on.
    std::unique_ptr<StateSweep> sweep_;           ///< The same.
    std::unique_ptr<WorkflowTriggers> triggers_;  ///< The same.
    bool commands_due_ = false;                   ///< Agents are to be asked to read them again.
    bool records_due_ = false;
    bool state_lost_ = false;  ///< Since this hub started.
    bool loss_told_ = false;   ///< That marks show a loss of before it started.
    std::unique_ptr<nats::Subscription> presence_;
    std::map<HubId, Duration> heard_;  ///< When each hub was last heard of.
    bool presence_known_ = false;
    bool alive_changed_ = false;
    Duration announce_due_{0};
    Duration check_due_{0};
    std::set<std::uint64_t> refused_policies_;  ///< Whose exception this hub knows to be open.
    std::deque<HeldBack> held_back_;            ///< In their order; what comes later waits behind.
    std::map<std::uint64_t, Kept> kept_;        ///< Whose exception is on its way.
    std::map<RecordKey, std::uint64_t> newest_kept_;  ///< Of them that are about a record.
    std::uint64_t kept_tokens_ = 0;
    /// By hold and index of their work.
    std::map<std::pair<std::uint64_t, std::uint64_t>, TellFirst> told_first_;
    bool stopping_ = false;
};

}  // namespace syncline::hub
