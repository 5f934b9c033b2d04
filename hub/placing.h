#pragma once

#include <deque>
#include <list>
#include <unordered_map>
#include <vector>

#include "hub/core/identity.h"
#include "hub/entities.h"

namespace syncline::hub {

/// What Placing asks of the rest of the hub.
class PlacingHost {
public:
    /// The change belongs to `entity`; `queued.needs_link` says whether that is news.
    virtual void on_placed(const EntityKey& entity, Queued queued) = 0;
    /// It cannot be placed: kept as an exception of `kind`.
    virtual void on_unplaceable(Queued queued, ExceptionCode kind, const std::string& reason) = 0;
    /// What says whose it is cannot be read.
    virtual void on_undecidable(Queued queued, const Error& error) = 0;

protected:
    ~PlacingHost() = default;
};

/// Finds the entity of records that come without one: by a bounded memory of links, else by
/// looking up link, marker and match keys. Changes of one record keep their order.
/// Threading: the link's.
class Placing {
public:
    Placing(nats::Link& link, const Clock& clock, const HubOptions& options, PlacingHost& host)
        : link_(link), clock_(clock), options_(options), host_(host) {}

    /// `queued.input` is a Change of an object that the policy knows.
    void submit(Queued queued);
    void remember(const RecordKey& record, const EntityId& entity);
    /// A change that was handed over as news is decided, or comes to be placed again.
    void settled(const RecordKey& record);
    /// Also what is being placed: it comes again with the partitions.
    void forget_all();
    void tick();
    [[nodiscard]] std::size_t busy() const { return open_.size(); }

private:
    struct Search {
        std::deque<Queued> waiting;  ///< The first is being placed.
        std::uint64_t attempt = 0;
        Lookups wanted;
        Found found;
        std::size_t outstanding = 0;
        bool failed = false;
        std::optional<Error> unspoken;  ///< Something that is there is of another version of hubs.
        Duration retry_at{0};           ///< 0: not waiting for a retry.
    };
    void start(const RecordKey& record, Search& search);
    void look_up(const RecordKey& record, const std::string& subject, auto take);
    void answered(const RecordKey& record, Search& search);
    void give(const RecordKey& record, EntityId entity, Queued queued);
    void hand_over(const RecordKey& record, Search& search, const Placement& placement);

    nats::Link& link_;
    const Clock& clock_;
    const HubOptions& options_;
    PlacingHost& host_;
    std::unordered_map<RecordKey, Search> open_;
    /// Where changes were handed to whose link is not stored yet: what follows goes after them. A
    /// deletion has no key, and would be of another entity.
    struct Underway {
        EntityId entity;
        std::size_t changes = 0;
    };
    std::unordered_map<RecordKey, Underway> underway_;
    std::unordered_map<RecordKey, EntityId> known_;
    std::deque<RecordKey> known_order_;  ///< Oldest first.
    std::uint64_t attempts_ = 0;
};

}  // namespace syncline::hub
