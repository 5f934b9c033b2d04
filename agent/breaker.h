#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string_view>
#include <vector>

#include "agent/commit_queue.h"
#include "agent/environment.h"
#include "agent/settings.h"
#include "agent/store.h"
#include "shared/model/hold.h"

namespace syncline::agent {

/// The mass-change breaker. Counts what each lane (an object, in or out) sees of deletions,
/// blankings and overwrites. The change that would pass a limit, and all of the lane after it, are
/// held until a person answers: what the platform tells is withheld in the store, commands stay in
/// their stream. The hub is told, and makes an exception of it.
///
///     flowing --limit passed--> held --resume--> resuming --all told--> flowing
///                               held --discard--> flowing
///
/// What it remembers is in the store, changed by the transaction of what it is about.
/// Threading: the agent's.
class MassBreaker {
public:
    struct Parts {
        const Environment& environment;
        const AgentSettings& settings;
        Store& store;
        CommitQueue& commits;
    };
    explicit MassBreaker(const Parts& parts) : p_(parts) {}

    // ---- What it asks of the others; to be set before anything is called.
    /// Tells a change that was withheld; false if the spool has no room.
    std::function<bool(Transaction&, const Change&)> tell;
    /// Commands of the object may be begun again: those that were not are to be read once more.
    std::function<void()> on_commands_released;
    /// The hub hears by and by what a full read has found.
    std::function<void()> on_told_late;

    // ---- Counting; within the transaction that stores what is counted.
    struct Sight {
        Lane lane;
        std::optional<MassKind> kind;  ///< Nothing: a creation, or what no limit is about.
        RecordId record;               ///< Empty if it is not known.
        std::optional<EntityId> entity;
    };
    /// Is it to be held: is the lane, or would this pass a limit?
    [[nodiscard]] bool must_hold(Transaction& transaction, const Sight& sight);
    /// It was let pass, or held as must_hold() said.
    void passed(Transaction& transaction, const Sight& sight);
    void held(Transaction& transaction, const Sight& sight);

    // ---- Lanes.
    [[nodiscard]] bool holds(const Lane& lane) const;
    /// It does, and too few of what it holds are told to a person.
    [[nodiscard]] bool wants_sample(const Lane& lane) const;
    /// Must no command of the object be begun? Also while the hub does not know what is there, as
    /// a full read found it and it is withheld.
    [[nodiscard]] bool stops_commands(const ObjectName& object) const;
    /// What an answer says of a command that was stored then: nothing if it came after it.
    [[nodiscard]] std::optional<HoldAnswer::Verdict> answer_to(const ObjectName& object,
                                                               Timestamp stored_at) const;
    /// Does, or did at some time since then, the hub not hear what was found of the object?
    [[nodiscard]] bool may_lack(const ObjectName& object, Timestamp since) const;
    /// So many commands of the object wait.
    void set_waiting(const ObjectName& object, std::uint64_t commands);

    /// A person's answer, and when the stream of commands took it: it is about all of the lane that
    /// stands before it there. Harmless if it is an old one or comes again.
    void answer(const Lane& lane, std::string_view text, Timestamp stored_at);
    /// A full read begins: what it finds of a lane that is held the hub does not hear.
    void full_read_begins(Transaction& transaction);
    /// The store was put back: an answer to a hold of before must not pass for one to that of now.
    void renew(Transaction& transaction);
    void pump();
    [[nodiscard]] Duration next_deadline() const;

    struct Status {
        Lane lane;
        bool resuming = false;
        std::uint64_t held = 0;
    };
    /// The lanes that do not flow.
    [[nodiscard]] std::vector<Status> status() const;

private:
    [[nodiscard]] std::optional<Excess> excess(Transaction& transaction, const Sight& sight);
    [[nodiscard]] std::uint64_t records_of(Transaction& transaction, const Lane& lane);
    [[nodiscard]] std::uint64_t waiting_in(const Lane& lane) const;
    void trip(Transaction& transaction, const Sight& sight);
    void renew(const Lane& lane, LaneState& state);
    void notify(Transaction& transaction, const Lane& lane, LaneState& state);
    void end(Transaction& transaction, const Lane& lane, HoldNotice::Status status);
    bool decide(Transaction& transaction, const Lane& lane, const HoldAnswer& answer,
                Timestamp stored_at);
    void released(const Lane& lane, bool blind);
    void drain(const Lane& lane);
    [[nodiscard]] Duration notice_due(const Lane& lane, const LaneState& state, Duration at) const;
    [[nodiscard]] Timestamp clock_now() const { return p_.environment.clock.now(); }
    [[nodiscard]] Duration now() const { return p_.environment.steady(); }

    struct Counted {
        std::uint64_t records = 0;
        Duration until{0};  ///< Then they are counted again.
    };
    Parts p_;
    std::map<Lane, Counted> counted_;
    std::map<Lane, Duration> told_at_;             ///< When the hub was told of a hold last.
    std::map<ObjectName, std::uint64_t> waiting_;  ///< Commands, since they were read last.
    bool busy_ = false;                            ///< A commit of pump()'s is under way.
    Duration again_at_{0};                         ///< When there may be room in the spool.
};

}  // namespace syncline::agent
