#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "agent/connectors/list_door.h"
#include "agent/lease.h"
#include "agent/list_executor.h"

namespace syncline::agent {

/// A door on a thread of its own, started when there is first something to do, which does one thing
/// after the other. Completions wait until the agent's thread calls deliver().
/// Threading: as ListExecutor; `wake` is called from the other thread.
class ThreadListExecutor final : public ListExecutor {
public:
    /// `term` as that of ThreadExecutor.
    ThreadListExecutor(ListDoorFactory factory, std::function<void()> wake,
                       const Term* term = nullptr)
        : factory_(std::move(factory)), wake_(std::move(wake)), term_(term) {}
    /// Asks what is under way to stop and waits for it: about a second at most.
    ~ThreadListExecutor() override;

    void read(const ListName& list, Done<ListRows> done) override;
    void replace(const ListName& list, ListRows rows, Done<void> done) override;

    /// Calls the completions that are ready. On the agent's thread.
    void deliver();

private:
    using Job = std::function<void(ListDoor&, std::stop_token)>;
    void submit(Job job);
    void post(std::function<void()> completion);
    void work(std::stop_token stop);

    ListDoorFactory factory_;
    std::function<void()> wake_;
    const Term* term_;
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::deque<Job> jobs_;
    std::deque<std::function<void()>> ready_;
    std::unique_ptr<ListDoor> door_;
    std::jthread thread_;  ///< Last: joined before the rest goes.
};

}  // namespace syncline::agent
