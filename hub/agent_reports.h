#pragma once

#include <functional>
#include <list>
#include <optional>
#include <string>

#include "hub/core/holds.h"
#include "hub/core/troubles.h"
#include "hub/entities.h"
#include "hub/reliable_publisher.h"

namespace syncline::hub {

/// What agents report of themselves: lanes that they hold for too many changes, and troubles with
/// what a platform tells. Makes an exception of each; what a person answers to a held lane the
/// agent is told by a message that it finds whenever it is back. The exception is changed by
/// compare-and-set on its newest message. Threading: the link's.
class AgentReports final : nats::PublishSink, DeliverySink {
public:
    AgentReports(nats::Link& link, const Clock& clock, const HubOptions& options,
                 HubCounters& counters, ReliablePublisher& effects)
        : link_(link), clock_(clock), options_(options), counters_(counters), effects_(effects) {}

    /// What was submitted is done.
    std::function<void(const WorkId&)> on_done;
    /// Says of an exception that opens what the policy's rules do.
    std::function<void(ExceptionRecord&)> apply_rules;

    void submit(HoldNotice notice, const WorkId& work);
    void submit(Trouble trouble, const WorkId& work);
    /// Is it an answer to a hold?
    [[nodiscard]] static bool takes(const Operation& operation);
    void submit(Operation operation, const WorkId& work);
    /// Its inputs come again with the partitions.
    void forget_all() { open_.clear(); }
    void tick();
    [[nodiscard]] std::size_t busy() const { return open_.size(); }

private:
    struct Entry {
        std::uint64_t id = 0;
        std::string subject;
        std::optional<HoldNotice> notice;  ///< One of these three.
        std::optional<Trouble> trouble;
        std::optional<Operation> operation;
        std::optional<HoldAnswer> told;  ///< Stored for the agent.
        WorkId work;
        ExceptionEvent event;  ///< Counted once it is stored.
        bool counts = false;   ///< Is it?
        Duration retry_at{0};  ///< 0: not waiting for a retry.
    };
    void start(Entry& entry);
    void found(Entry& entry, const Result<std::optional<nats::StoredMessage>>& stored);
    void take_notice(Entry& entry, std::optional<ExceptionRecord> exception,
                     std::uint64_t sequence);
    void take_trouble(Entry& entry, std::optional<ExceptionRecord> exception,
                      std::uint64_t sequence);
    void take_answer(Entry& entry, std::optional<ExceptionRecord> exception,
                     std::uint64_t sequence);
    /// Has the agent told, and goes on with the entry once that is stored.
    void tell(Entry& entry, const PlatformId& platform, const Lane& lane, const HoldAnswer& answer);
    /// What there is news of is counted and stored.
    void take_news(Entry& entry, ReportNews news, ExceptionRecord& exception,
                   std::uint64_t sequence);
    void store(Entry& entry, const ExceptionRecord& exception, std::uint64_t sequence);
    void finish(std::uint64_t id);
    [[nodiscard]] Entry* find(std::uint64_t id);
    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override;
    void on_delivered(std::uint64_t token) override;

    nats::Link& link_;
    const Clock& clock_;
    const HubOptions& options_;
    HubCounters& counters_;
    ReliablePublisher& effects_;
    std::list<Entry> open_;
    std::uint64_t ids_ = 0;
};

}  // namespace syncline::hub
