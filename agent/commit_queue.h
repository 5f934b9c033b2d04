#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "agent/environment.h"
#include "agent/store.h"

namespace syncline::agent {

/// Collects what the parts of the agent want stored and commits it together: one sync to disk for
/// everything that came up in one turn of the event loop.
class CommitQueue {
public:
    /// Writes to the transaction. May be called again, after a failed commit, so whatever it
    /// changes outside of the transaction must bear that.
    using Apply = std::function<void(Transaction&)>;
    /// Called once, after the commit.
    using Done = std::function<void()>;

    CommitQueue(const Environment& environment, Store& store)
        : environment_(environment), store_(store) {}

    void add(Apply apply, Done done = {});
    [[nodiscard]] bool empty() const { return entries_.empty(); }

    /// Commits everything added so far, in that order. kFull: it is kept, to be tried again. Any
    /// other error: the store must be opened anew.
    [[nodiscard]] Result<void> flush();
    /// When the first of what waits was added.
    [[nodiscard]] Duration since() const { return since_; }
    /// True after kFull, until a flush succeeds: take up no new work.
    [[nodiscard]] bool blocked() const { return blocked_; }

private:
    struct Entry {
        Apply apply;
        Done done;
    };

    const Environment& environment_;
    Store& store_;
    std::vector<Entry> entries_;
    Duration since_{0};
    bool blocked_ = false;
};

}  // namespace syncline::agent
