#pragma once

#include <memory>
#include <vector>

#include "agent/commit_queue.h"
#include "agent/environment.h"
#include "agent/intake.h"
#include "shared/nats/link.h"

namespace syncline::agent {

/// The records of this platform that the hub knows. Their list is read once for a new store and
/// after each full read that was asked for: a record that was deleted while a store was lost is in
/// no store and on no platform, and only the hub would go on believing in it.
class Links final : public nats::MessageSink {
public:
    struct Parts {
        const Environment& environment;
        Store& store;
        CommitQueue& commits;
        Intake& intake;
        nats::Link& link;
        bool can_fetch = true;  ///< Else a missing record cannot be asked for, and nothing is read.
    };
    explicit Links(const Parts& parts) : p_(parts) {}

    [[nodiscard]] Result<void> start();
    void pump();
    [[nodiscard]] Duration next_deadline() const;

    void on_message(const nats::InMessage& message) override;

private:
    struct Known {
        RecordKey record;
        EntityId entity;
    };
    void start_over();
    void store_found();
    void finish();

    Parts p_;
    bool done_ = false;
    bool committing_ = false;
    std::uint64_t round_ = 0;  ///< The intake's; another one begins another list.
    std::vector<Known> found_;
    std::unique_ptr<nats::Subscription> subscription_;
};

}  // namespace syncline::agent
