#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "hub/broker_watch.h"
#include "hub/core/step.h"
#include "hub/reliable_publisher.h"
#include "shared/nats/link.h"

namespace syncline::hub {

/// What StateSweep asks of the rest of the hub.
class StateSweepHost {
public:
    /// Takes a stored entity into the cache. False: there is no more room.
    virtual bool warm(std::uint64_t sequence, std::string_view body) = 0;
    /// Has the entity compare what it holds open with the exceptions stream; answered by
    /// StateSweep::rechecked() with the same `sweep`.
    virtual void recheck(const EntityKey& entity, Recheck recheck, std::uint64_t sweep) = 0;
    /// An exception that no state holds stands on the stream.
    virtual void on_kept(const ExceptionRecord& exception) = 0;
    /// Has the entity decided again by the newest policy, if another one decided the state, and
    /// what was told of it told again, if this hub has not done so; answered in the same way.
    virtual void reconsider(const EntityState& state, std::uint64_t sequence,
                            std::uint64_t sweep) = 0;
    /// Shows every state of a partition that is looked through.
    virtual void on_look_begins(Partition partition) = 0;
    virtual void look(Partition partition, const EntityState& state) = 0;
    virtual void on_looked_through(Partition partition) = 0;
    /// All states of the partition were.
    virtual void on_reconsidered(Partition partition, std::uint64_t hold,
                                 std::uint64_t version) = 0;
    /// Everything that belongs into the streams is in them again.
    virtual void on_healed(Partition partition, std::uint64_t hold) = 0;
    [[nodiscard]] virtual std::uint64_t fence_of(Partition partition) const = 0;
    /// Have states gone back in time, so that two of them may have one record?
    [[nodiscard]] virtual bool doubts_links() const = 0;

protected:
    ~StateSweepHost() = default;
};

/// Reads the stored entities of partitions: to fill the cache and, where the broker lost messages,
/// to publish pending commands again and bring the exceptions stream in line with the states; or,
/// for another version of the policy, to decide each of them again. What that stream shows as open,
/// and as resolved since the mark, is compared with the states whenever a partition is taken: the
/// end of either may have been lost unnoticed, and with it that something was resolved, or that it
/// was not. What comes later is compared as well, as whoever told it may have been late and died.
/// One pass at a time; what is asked for meanwhile is the next one. Threading: the link's.
class StateSweep final : nats::MessageSink, DeliverySink {
public:
    StateSweep(nats::Link& link, const BrokerWatch& watch, ReliablePublisher& effects,
               std::uint16_t partitions, StateSweepHost& host)
        : link_(link), watch_(watch), effects_(effects), partitions_(partitions), host_(host) {}

    void warm(Partition partition) { to_warm_.insert(partition); }
    /// `until`: where the exceptions stream stood when the partition's mark was written.
    void check_exceptions(Partition partition, std::uint64_t until) {
        to_check_[partition] = {.open_since = 0, .closed_since = until};
    }
    /// The same for partitions that are held for long, and for what has come since the last time.
    void check_new_exceptions(const std::vector<Partition>& held);
    /// `hold` names the holding of the partition, for on_healed().
    void heal(Partition partition, std::uint64_t hold) { to_heal_[partition] = hold; }
    /// Has every state decided again that another policy than that of `version` decided.
    void reconsider(Partition partition, std::uint64_t hold, std::uint64_t version) {
        to_reconsider_[partition] = {hold, version};
    }
    /// Has every state of the partition looked at.
    void look_through(Partition partition) { to_look_.insert(partition); }
    /// A stream changed under the pass that runs: it is made again.
    void start_over();
    void rechecked(std::uint64_t sweep);
    void tick();

private:
    /// Reads the exceptions stream beside the states: what it shows and no state says.
    struct Exceptions final : nats::MessageSink {
        StateSweep& sweep;
        std::unique_ptr<nats::Subscription> reader;
        std::uint64_t last;  ///< Sequence at which it ends.
        bool finished = false;
        Exceptions(StateSweep& owner, std::uint64_t end) : sweep(owner), last(end) {}
        void on_message(const nats::InMessage& message) override;
    };

    void begin();
    void begin_exceptions();
    void end();
    void on_message(const nats::InMessage& message) override;
    void look_at(const EntityState& state, std::uint64_t sequence);
    void send_again(const EntityState& state);
    void recheck(const EntityKey& entity, std::string exception);
    void on_delivered(std::uint64_t token) override;
    /// Must this pass see every state, or may it end once the cache is full?
    [[nodiscard]] bool is_thorough() const {
        return !healing_.empty() || !reconsidering_.empty() || !looking_.empty();
    }
    [[nodiscard]] bool heals(const EntityKey& entity) const;
    [[nodiscard]] bool checks(const EntityKey& entity, ExceptionStatus status,
                              std::uint64_t sequence) const;

    nats::Link& link_;
    const BrokerWatch& watch_;
    ReliablePublisher& effects_;
    std::uint16_t partitions_;
    StateSweepHost& host_;
    std::set<Partition> to_warm_;
    /// From which sequences on of the exceptions stream.
    struct Checking {
        std::uint64_t open_since = 0;
        std::uint64_t closed_since = 0;
    };
    std::map<Partition, Checking> to_check_;
    /// Up to where passes have done so; of one that is not here the first is still to come.
    std::map<Partition, std::uint64_t> checked_;
    std::map<Partition, std::uint64_t> to_heal_;
    struct Reconsidering {
        std::uint64_t hold = 0;
        std::uint64_t version = 0;
    };
    std::map<Partition, Reconsidering> to_reconsider_;
    std::set<Partition> to_look_;

    // ---- The pass that runs.
    std::uint64_t sweep_ = 0;  ///< Counts the passes; answers to an older one are ignored.
    std::unique_ptr<nats::Subscription> states_;
    std::unique_ptr<Exceptions> exceptions_;
    std::map<Partition, std::uint64_t> healing_;
    std::map<Partition, Reconsidering> reconsidering_;
    std::set<Partition> looking_;
    std::map<Partition, Checking> checking_;  ///< Beside those.
    std::uint64_t states_end_ = 0;            ///< Sequence at which the states end.
    bool read_ = false;                       ///< All states were read.
    std::uint64_t outstanding_ = 0;           ///< Publishes and rechecks without answer.
    std::size_t owed_ = 0;                    ///< Messages whose credit waits for these answers.
};

}  // namespace syncline::hub
