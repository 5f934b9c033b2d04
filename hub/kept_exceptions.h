#pragma once

#include <functional>
#include <list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "hub/entities.h"

namespace syncline::hub {

/// Exceptions that no entity's state holds: the newest message of each is all there is of it. What
/// people do about them is done here, by compare-and-set on that message; and those about a record
/// that was never placed are closed once it belongs to an entity, or is gone.
/// Threading: the link's.
class KeptExceptions final : nats::PublishSink {
public:
    KeptExceptions(nats::Link& link, const Clock& clock, const HubOptions& options,
                   HubCounters& counters)
        : link_(link), clock_(clock), options_(options), counters_(counters) {}

    /// The operation is done, or there was nothing to do.
    std::function<void(const WorkId&)> on_done;
    /// What the exception keeps is to be decided once more; it is closed. `queued` lacks the input,
    /// and is done when that is decided.
    std::function<void(const ExceptionRecord& kept, Queued queued)> on_retry;

    /// Is it about an exception that no state holds?
    [[nodiscard]] static bool takes(const Operation& operation);
    /// `queued` lacks its input, the operation.
    void submit(Operation operation, Queued queued);
    /// A record that belongs to no entity, and what is open about it.
    struct Unplaced {
        RecordKey record;
        std::string kind;
        int looks = 0;  ///< How often the entity that its link names did not have it.
    };
    /// What it is about, if it is open and closes once its record is placed.
    [[nodiscard]] static std::optional<Unplaced> unplaced_in(const ExceptionRecord& exception);
    /// Does what is `ours`, about an unplaced record, say more than what is there? A hub that has
    /// lost the partition and does not know it yet keeps what the record was before.
    [[nodiscard]] static bool is_newer(std::string_view ours, std::string_view theirs);
    /// It is being opened here.
    void count_opened(const ExceptionRecord& exception);
    /// It stands on the stream so.
    void shown(const ExceptionRecord& exception);
    /// It stands open on the stream. If its record belongs to an entity by now, it is closed.
    void seen(const Unplaced& unplaced);
    /// An entity takes the record in that another hub may have kept: linked() follows.
    void awaited(const RecordKey& record);
    /// The record belongs to the entity from now on.
    void linked(const RecordKey& record, const EntityId& entity);
    /// The record, which belongs to no entity, was deleted; `work` says so.
    void gone(const RecordKey& record, const WorkId& work);
    /// Its inputs come again with the partitions.
    void forget_all() {
        ++era_;
        open_.clear();
        looks_.clear();
    }
    void tick();
    [[nodiscard]] std::size_t busy() const { return open_.size(); }

private:
    /// So many records are remembered; the others are found when a partition is taken.
    static constexpr std::size_t kUnplacedMost = 131'072;

    struct Entry {
        std::uint64_t id = 0;
        std::string subject;
        std::optional<Operation> operation;  ///< Nothing: it closes by itself,
        std::string why;                     ///< for this reason.
        std::optional<Queued> queued;        ///< That is done with it.
        std::optional<ExceptionRecord> retried;
        std::string kind;  ///< As it was found.
        ExceptionSeverity severity = ExceptionSeverity::kError;
        Duration retry_at{0};  ///< 0: not waiting for a retry.
    };
    void look_up_entity(const Unplaced& unplaced);
    void close_if_taken_in(const Unplaced& unplaced, const EntityId& entity, int merges = 0);
    void look_again(const Unplaced& unplaced);
    void await_state(const Unplaced& unplaced);
    void close(const RecordKey& record, std::string_view kind, const std::string& why,
               std::optional<Queued> queued = {});
    void start(Entry& entry);
    bool change(const Entry& entry, ExceptionRecord& exception);
    void found(Entry& entry, const Result<std::optional<nats::StoredMessage>>& stored);
    void finish(std::uint64_t id);
    [[nodiscard]] Entry* find(std::uint64_t id);
    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override;

    nats::Link& link_;
    const Clock& clock_;
    const HubOptions& options_;
    HubCounters& counters_;
    std::list<Entry> open_;
    std::uint64_t ids_ = 0;
    /// Of records that belong to no entity, the kinds that are open as far as this hub knows.
    std::map<RecordKey, std::set<std::string>> unplaced_;
    /// Whose entity is to be looked up again, and when.
    std::multimap<Duration, Unplaced> looks_;
    std::uint64_t era_ = 0;  ///< What was asked for in an earlier one is forgotten.
};

}  // namespace syncline::hub
