#pragma once

#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "hub/entities.h"

namespace syncline::hub {

/// What Erasures asks of the rest of the hub.
class ErasuresHost {
public:
    /// `queued.input`, an Erased, is for the entity.
    virtual void on_erased(const EntityKey& entity, Queued queued) = 0;

protected:
    ~ErasuresHost() = default;
};

/// Erases what the streams hold of an entity that a person wants forgotten: what was told of its
/// records, commanded, operated and shown, its match keys, and in the end its decision log of
/// before. A stream is read and what is found removed until nothing is found, so a request that
/// gets lost, or a hub that dies, leaves it to the next look. The input that had it begun is done
/// when it is over: until then it comes again.
///
/// What a subject alone says stays: ids of records and entities, which late news are known by. An
/// entity that came back to life keeps what was told since.
/// Threading: the link's.
class Erasures final : nats::MessageSink {
public:
    Erasures(nats::Link& link, const Clock& clock, const Policies& policies,
             const HubOptions& options, ErasuresHost& host)
        : link_(link), clock_(clock), policies_(policies), options_(options), host_(host) {}

    /// `state`, stored at `sequence`, is_to_erase(); `then` is done when that is.
    void start(const EntityState& state, std::uint64_t sequence, Queued then);
    /// Their inputs come again with the partitions.
    void forget_all();
    void tick();
    [[nodiscard]] std::size_t busy() const { return jobs_.size(); }

private:
    enum class Pass : std::uint8_t {
        kLook,
        kInputs,
        kCommands,
        kExceptions,
        kEvents,
        kKeys,
        kLog,
        kEnd
    };
    struct Job {
        EntityState state;
        std::uint64_t sequence = 0;
        std::vector<Queued> then;
        std::vector<RecordKey> records;
        Pass pass = Pass::kLook;
        std::vector<std::uint64_t> log;  ///< Of entries before it was forgotten.
        /// When the log heard that it is. A state that went back in time counted its versions anew,
        /// so what is older is of before whatever its version.
        std::optional<Timestamp> forgotten_at;
        /// Entries of a later version, and when they were stored, until that is read.
        std::vector<std::pair<std::uint64_t, Timestamp>> unsure;
        Fields canonical;                   ///< By that log; in the end the last ones.
        std::map<std::string, Claim> keys;  ///< That they made, by subject.
        std::set<std::pair<Pass, std::uint64_t>> erased;
        bool is_late_look = false;  ///< At the log alone.
    };
    /// A hub that is no more may have told something that is stored only now.
    struct LateLook {
        Duration due{0};
        EntityState state;
    };

    /// Those of two streams' leaders, at most.
    static constexpr Duration kClocksApart = std::chrono::seconds{1};
    /// A hub's and a broker's, at most.
    static constexpr Duration kHubClockOff = std::chrono::seconds{5};

    void read(Job& job);
    void on_message(const nats::InMessage& message) override;
    void look_at(Job& job, const nats::InMessage& message) const;
    static void log_looked_through(Job& job);
    [[nodiscard]] static bool is_older(const Job& job, const nats::InMessage& message) {
        return job.forgotten_at && message.stored_at + kClocksApart < *job.forgotten_at;
    }
    [[nodiscard]] bool is_of(const Job& job, const nats::InMessage& message) const;
    [[nodiscard]] bool is_told_of(const Job& job, const nats::InMessage& message) const;
    [[nodiscard]] bool is_of_before(const Job& job, const Command& command) const;
    [[nodiscard]] bool is_former_key(const Job& job, const nats::InMessage& message) const;
    void pass_read(Job& job);
    void finish();
    void look_late();
    void late_looked();
    [[nodiscard]] static std::string_view stream_of(Pass pass);
    [[nodiscard]] std::vector<std::string> filters_of(const Job& job) const;

    nats::Link& link_;
    const Clock& clock_;
    const Policies& policies_;
    const HubOptions& options_;
    ErasuresHost& host_;
    std::list<Job> jobs_;              ///< The first one is at work.
    std::deque<LateLook> late_looks_;  ///< Every wait is equally long.
    std::unique_ptr<nats::Subscription> reader_;
    std::vector<std::uint64_t> found_;  ///< To be erased, by the pass that is being read.
    Duration due_{0};                   ///< When to read next.
    Duration heard_{0};                 ///< When the reader last had something.
};

}  // namespace syncline::hub
