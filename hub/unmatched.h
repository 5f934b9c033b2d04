#pragma once

#include <list>
#include <vector>

#include "hub/entities.h"

namespace syncline::hub {

/// What Unmatched asks of the rest of the hub.
class UnmatchedHost {
public:
    /// The record waits at its match keys, so that the input is done.
    virtual void on_waiting(const WorkId& work) = 0;
    /// One of its keys belongs to an entity by now: it has to be placed again.
    virtual void on_found(Queued queued) = 0;

protected:
    ~UnmatchedHost() = default;
};

/// Records that match no entity and may not found one. Each is written down at the match keys that
/// its fields make, where the entity that claims one of them finds it and takes it in, before
/// anything is created in its place; see Entities::invite(). The change itself is kept by the
/// exception that shows it.
/// Threading: the link's.
class Unmatched final : nats::PublishSink {
public:
    Unmatched(nats::Link& link, const Clock& clock, const HubOptions& options, UnmatchedHost& host)
        : link_(link), clock_(clock), options_(options), host_(host) {}

    /// `queued.input` is a Change, kept already.
    void submit(Queued queued);
    /// Its inputs come again with the partitions.
    void forget_all() { open_.clear(); }
    void tick();
    [[nodiscard]] std::size_t busy() const { return open_.size(); }

private:
    /// So many records wait at one key; more than that are shown, and find it when they change.
    static constexpr std::size_t kWaitingMost = 16;
    /// How often to look whether an entity that has claimed a key comes to be.
    static constexpr int kLooksMost = 5;

    struct Entry {
        std::uint64_t id = 0;
        Queued queued;
        std::size_t outstanding = 0;  ///< Keys not yet written.
        bool found = false;           ///< One belongs to an entity.
        bool claimed = false;         ///< One is claimed by the entity that it is not in.
        bool exists = false;          ///< That entity has come to be.
        int looks = 0;                ///< How often it had not.
        bool failed = false;
        Duration retry_at{0};  ///< 0: not waiting for a retry.
    };
    void start(Entry& entry);
    void write(Entry& entry, const std::string& subject,
               const Result<std::optional<nats::StoredMessage>>& stored);
    void check(Entry& entry);
    void answered(std::uint64_t id);
    [[nodiscard]] Entry* find(std::uint64_t id);
    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override;

    nats::Link& link_;
    const Clock& clock_;
    const HubOptions& options_;
    UnmatchedHost& host_;
    std::list<Entry> open_;
    std::uint64_t ids_ = 0;
};

}  // namespace syncline::hub
