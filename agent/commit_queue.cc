#include "agent/commit_queue.h"

#include <utility>

namespace syncline::agent {

void CommitQueue::add(Apply apply, Done done) {
    if (entries_.empty()) since_ = environment_.steady();
    entries_.push_back({std::move(apply), std::move(done)});
}

Result<void> CommitQueue::flush() {
    std::vector<Entry> entries = std::exchange(entries_, {});
    auto committed = store_.transaction([&](Transaction& transaction) {
        for (const Entry& entry : entries) entry.apply(transaction);
        environment_.before("A3");
    });
    if (!committed) {
        blocked_ = committed.error().kind == ErrorKind::kFull;
        // Nothing is added while the transaction runs, so the order stays.
        entries_ = std::move(entries);
        return committed;
    }
    environment_.after("A3");
    blocked_ = false;
    for (const Entry& entry : entries) {
        if (entry.done) entry.done();
    }
    return {};
}

}  // namespace syncline::agent
