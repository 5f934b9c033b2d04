#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <vector>

#include "hub/broker_watch.h"
#include "hub/core/mark.h"
#include "hub/entities.h"
#include "hub/policies.h"
#include "shared/model/receipt.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {

/// What Partitions asks of the rest of the hub.
class PartitionsHost {
public:
    /// An input, in the order of its partition, decoded no further than its subject. Answered by
    /// Partitions::done().
    virtual void on_input(const nats::InMessage& message, const subjects::InputSubject& subject,
                          const WorkId& work, std::uint64_t fence) = 0;
    /// What the streams have lost since the last holder wrote its mark.
    struct Lost {
        /// What a state has to tell comes out with the input that made it, also after a crash; that
        /// input will not come again.
        bool inputs = false;
        bool commands = false;
        bool exceptions = false;
        bool noted = false;                  ///< Something, as another hub has noted.
        std::uint64_t exceptions_until = 0;  ///< Where that stream stood then.
    };
    virtual void on_taken(Partition partition, Lost lost) = 0;
    /// A version of the policy came into force where the message stands.
    virtual void on_activation(const nats::InMessage& message) = 0;
    /// All inputs from before the newest policy are done: stored states are to be decided again.
    /// Answered by Partitions::reconsidered().
    virtual void on_reconsider(Partition partition, std::uint64_t hold) = 0;

protected:
    ~PartitionsHost() = default;
};

/// The partitions that this hub holds: takes and gives them back through their marks, reads their
/// inputs in order, knows what is done, and tells agents by receipts.
///
/// Which partitions a hub should hold follows from who is alive (rendezvous hashing), so all hubs
/// come to the same answer without talking. That is affinity; safety is the mark's compare-and-set
/// and the entities' own.
/// Threading: the link's.
class Partitions final : nats::PublishSink, nats::MessageSink {
public:
    /// All streams must be there.
    Partitions(nats::Link& link, const Clock& clock, BrokerWatch& watch, const HubOptions& options,
               HubCounters& counters, SyncPoints& sync_points, Policies& policies,
               PartitionsHost& host);
    ~Partitions();

    /// Who is alive now, this hub included (unless it is about to stop).
    void set_alive(const std::set<HubId>& alive);
    /// Is the number the next one of its agent? Duplicates and what follows a gap are not for the
    /// core: false, and the input is done.
    bool next_in_order(const WorkId& work, const PlatformId& platform, const Revision& seq);
    void done(const WorkId& work);
    /// Are the input and all before it done?
    [[nodiscard]] bool is_done_through(const WorkId& work) const {
        return is_held(work) && work.index < holds_[work.partition.value].first;
    }
    /// Is the partition still held as it was when the input came in?
    [[nodiscard]] bool is_held(const WorkId& work) const {
        return holds_[work.partition.value].id == work.hold;
    }
    /// The platform's agent speaks a version that this hub does not: to be sent the same again is
    /// of no use for a while.
    void await_update(Partition partition, const PlatformId& platform);
    /// An agent has seen `fence`, greater than ours: takes the partition again, with a greater one,
    /// if nobody else holds it. Its inputs are read again from its mark.
    void outfence(Partition partition, std::uint64_t fence);
    void linked(const RecordKey& record, const EntityId& entity);
    /// Starts over from the marks: the state store lost what it had.
    void forget_all();
    /// Reads the inputs again from the start: their stream lost what it had.
    void read_again();
    /// What the partition's streams lost is about to be published again: its mark says so until
    /// healed() was called as often. Returns the holding, for healed().
    std::uint64_t heal(Partition partition);
    void healed(Partition partition, std::uint64_t hold);
    /// Every stored state of the partition was decided by the policy of `version`.
    void reconsidered(Partition partition, std::uint64_t hold, std::uint64_t version);
    /// For the newest policy; also if another hub holds it, which may have done so.
    [[nodiscard]] bool is_reconsidered(Partition partition) const;
    void tick();
    /// How far events and schedules are known to the partition's instances of workflows.
    [[nodiscard]] std::uint64_t events_of(Partition partition) const;
    [[nodiscard]] Timestamp scheduled_of(Partition partition) const {
        return holds_[partition.value].mark.scheduled;
    }
    /// They are known up to there, and what came of them is stored.
    /// Unless `store`, the mark need not be written for it.
    void events_done(Partition partition, std::uint64_t sequence, bool store);
    void scheduled(Partition partition, Timestamp until);
    /// Agents whose epoch is older begin a later one.
    void tell_epoch(const PlatformId& platform, std::uint64_t epoch);
    /// Gives everything back; idle() says when that is done.
    void stop();
    [[nodiscard]] bool idle() const;
    /// Also those that are being given back.
    [[nodiscard]] std::vector<Partition> held() const;
    /// Of those, the ones whose marks were stored before BrokerWatch::noted() and that heal() was
    /// not called for since.
    [[nodiscard]] std::vector<Partition> unaware() const;
    /// 0: it is not held.
    [[nodiscard]] std::uint64_t fence_of(Partition partition) const {
        const Hold& hold = holds_[partition.value];
        return is_ours(hold) ? hold.mark.fence : 0;
    }
    [[nodiscard]] std::size_t in_work() const { return in_work_; }
    /// Newest input handed out, in the sequence of SYNC_IN.
    [[nodiscard]] std::uint64_t position() const { return position_; }

private:
    enum class Phase : std::uint8_t { kFree, kReading, kWaiting, kTaking, kHeld, kGivingBack };
    struct Item {
        std::uint64_t sequence = 0;
        PlatformId platform;  ///< Empty: it counts for no agent.
        Revision seq;
        std::uint64_t reader = 0;  ///< Which subscription it came by.
        bool done = false;
    };
    struct Hold {
        Phase phase = Phase::kFree;
        bool wanted = false;
        std::uint64_t id = 0;  ///< Of this holding.
        Mark mark;             ///< As stored, or being stored.
        std::uint64_t mark_sequence = 0;
        std::vector<Mark::Source> stored;  ///< The sources of the mark that is stored for certain.
        bool mark_out = false;             ///< A write of the mark is on its way.
        std::uint64_t mark_least = 0;      ///< What the stream had when the mark was sent.
        std::uint64_t mark_token = 0;      ///< Of that write; answers to older ones are ignored.
        std::uint64_t reader = 0;          ///< Which subscription reads for it.
        bool dirty = false;                ///< More is done than the mark says.
        std::uint64_t fence_seen = 0;      ///< By an agent; greater than any that we knew of.
        bool healing = false;              ///< heal() was called, and healed() was not.
        std::uint64_t reconsidering = 0;   ///< By the policy of this version; 0: no.
        std::uint64_t aware = 0;           ///< Losses noted in SYNC_STATE up to here are known.
        bool commands_lost = false;        ///< By a mark that was read since it was held last.
        bool exceptions_lost = false;      ///< The same.
        Duration mark_due{0};
        Duration look_again{0};    ///< kWaiting: when to read the mark again.
        std::uint64_t judged = 0;  ///< The mark to be taken over; by streams as of `judged_at`.
        Duration judged_at{0};
        Duration waiting_since{0};
        std::vector<Mark::Source> accepted;    ///< Newest taken in, per agent.
        std::vector<Mark::Source> finished;    ///< Newest done, per agent.
        std::deque<Item> items;                ///< Taken in and not known to be done, oldest first.
        std::uint64_t first = 0;               ///< Index of items.front().
        std::uint64_t read = 0;                ///< Newest sequence that was read for it.
        std::uint64_t floor = 0;               ///< Everything up to here is done.
        std::map<PlatformId, Duration> asked;  ///< When a resend was last asked for.
    };

    [[nodiscard]] const nats::StreamInfo& stream(std::string_view name) const {
        return *watch_.info(name);
    }
    [[nodiscard]] Mark::StreamPoint point_of(std::string_view stream) const;
    /// Nobody else may write its mark: also while it is being given back.
    [[nodiscard]] static bool is_ours(const Hold& hold) {
        return hold.phase == Phase::kHeld || hold.phase == Phase::kGivingBack;
    }
    Hold& hold_of(Partition partition) { return holds_[partition.value]; }
    Partition number_of(const Hold& hold) const {
        return {static_cast<std::uint16_t>(&hold - holds_.data())};
    }
    /// Does the stream lack something that it had at `point`?
    [[nodiscard]] bool lacks(std::string_view stream, const Mark::StreamPoint& point) const;
    void read_mark(Hold& hold);
    void take(Hold& hold, const Result<std::optional<nats::StoredMessage>>& stored);
    void taken(Hold& hold);
    void write_mark(Hold& hold, bool give_back);
    void unspoken(Hold& hold, const Error& error);
    void note_loss(Hold& hold, const Mark& mark, Timestamp stored_at);
    [[nodiscard]] bool can_judge(Hold& hold);
    void publish_mark(Hold& hold);
    void skip_quiet(Hold& hold);
    void lose(Hold& hold, const char* why);
    void give_back(Hold& hold);
    void advance_floor(Hold& hold);
    void read_inputs();
    void ask_resend(Hold& hold, const PlatformId& platform, const Revision& seen);
    Receipt& receipt_for(const PlatformId& platform);
    void add_receipt(const Hold& hold, const PlatformId& platform);
    void tell_marks(const Hold& hold);
    void reconsider(Hold& hold);
    void send_receipts();
    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override;
    void on_message(const nats::InMessage& message) override;

    nats::Link& link_;
    const Clock& clock_;
    BrokerWatch& watch_;
    const HubOptions& options_;
    HubCounters& counters_;
    SyncPoints& sync_points_;
    Policies& policies_;
    PartitionsHost& host_;
    std::vector<Hold> holds_;
    std::set<HubId> alive_;
    std::unique_ptr<nats::Subscription> reader_;
    std::uint64_t reader_id_ = 0;
    bool reader_stale_ = false;  ///< The set of held partitions changed since it was made.
    std::uint64_t position_ = 0;
    std::uint64_t hold_ids_ = 0;
    std::uint64_t mark_tokens_ = 0;
    std::size_t in_work_ = 0;
    std::map<PlatformId, Receipt> receipts_;  ///< To be sent at the next tick.
    Duration tell_due_{0};
    bool stopping_ = false;
};

}  // namespace syncline::hub
