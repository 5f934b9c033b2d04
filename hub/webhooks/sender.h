#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "hub/webhooks/request.h"

namespace syncline::hub::webhooks {

/// Does one job after the other on a thread of its own.
/// Threading: all but the jobs themselves belongs to the hub's.
class Sender {
public:
    /// Sends something and says what came of it. It ends within a second of being asked to stop.
    using Job = std::function<Verdict(const std::stop_token& stop)>;

    /// `wake` is called from the thread when there is something to take().
    explicit Sender(std::function<void()> wake);
    /// Breaks off what is on its way.
    ~Sender();
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;

    /// Not while another one is on its way.
    void start(Job job);
    /// What came of it, once.
    [[nodiscard]] std::optional<Verdict> take();

private:
    void run(const std::stop_token& stop);

    std::function<void()> wake_;
    std::mutex mutex_;
    std::condition_variable_any due_;
    Job job_;
    std::optional<Verdict> verdict_;
    std::jthread thread_;  ///< Last: it ends before the rest goes.
};

}  // namespace syncline::hub::webhooks
