#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "hub/instances.h"
#include "hub/partitions.h"

namespace syncline::hub {

/// What begins instances of workflows, or goes on with them, beside inputs: business events, which
/// every hub reads whole and takes what concerns the partitions that it holds, and schedules. How
/// far that is done stands in the partitions' marks, so a hub that takes one goes on from there.
/// Threading: the link's.
class WorkflowTriggers final : nats::MessageSink {
public:
    struct Parts {
        nats::Link& link;
        const Clock& clock;
        const BrokerWatch& watch;
        Policies& policies;
        Partitions& partitions;
        Instances& instances;
        BrokerTime& time;
    };
    explicit WorkflowTriggers(const Parts& parts) : p_(parts) {}

    /// The events' stream lost what it had, or the policy is another one: reads anew.
    void start_over() { reader_.reset(); }
    void tick();

private:
    struct Read {
        std::uint64_t sequence = 0;
        std::size_t outstanding = 1;
        std::set<Partition> concerned;
    };
    void read();
    void pass_by();
    void on_message(const nats::InMessage& message) override;
    void submit(Read& read, Partition home, workflow::Message message);
    void one_done(std::uint64_t reader, std::uint64_t sequence);
    void advance();
    void look_at_schedules();
    [[nodiscard]] bool concerns(const InstanceIndex::Due& instance, std::uint64_t sequence) const;

    Parts p_;
    std::unique_ptr<nats::Subscription> reader_;
    std::uint64_t reader_id_ = 0;
    std::vector<Partition> held_;
    std::vector<Partition> readers_;  ///< For which it reads.
    std::map<Partition, std::uint64_t> floors_;
    std::deque<std::unique_ptr<Read>> reads_;     ///< Oldest first.
    std::map<Partition, std::uint64_t> stored_;   ///< As the marks have it, or will.
    std::uint64_t position_ = 0;                  ///< All up to there are done.
    std::map<std::string, Timestamp> beginning_;  ///< By instance, by a schedule.
    Timestamp looked_;
    Duration passed_{0};  ///< When events were last passed by.
};

}  // namespace syncline::hub
