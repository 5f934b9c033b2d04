#pragma once

#include <array>

#include "agent/commit_queue.h"
#include "agent/environment.h"
#include "agent/platform_gate.h"
#include "agent/store.h"

namespace syncline::agent {

/// Keeps what was spent of the platform's quota in the store, and says in the log which lanes it
/// slows. Threading: as Agent.
class QuotaKeeper {
public:
    struct Parts {
        const Environment& environment;
        Store& store;
        CommitQueue& commits;
        PlatformGate& gate;
    };
    explicit QuotaKeeper(const Parts& parts) : p_(parts) {}

    /// Takes up what was spent in another life. An error is the store's.
    [[nodiscard]] Result<void> start();
    /// To be called after all that makes calls, so that what it stores lets them go on.
    void pump();
    [[nodiscard]] Duration next_deadline() const;

private:
    void say();

    Parts p_;
    bool keeping_ = false;
    Duration say_at_{0};
    std::array<Quota::Flow, kQuotaLanes> said_{};
    Duration said_at_{0};
};

}  // namespace syncline::agent
