#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "hub/ctl/memory.h"
#include "hub/ctl/program.h"
#include "shared/base/clock.h"
#include "shared/nats/nats_options.h"

namespace syncline::hub {

/// Where the API has commands of synclinectl run: a few threads beside the hub's, each with a
/// connection of its own, so that what is looked at costs the hub's hot path nothing. They are made
/// when there is something to do and end when there is nothing.
///
/// Threading: submit() from any thread; the rest from the one that made it.
class Desk {
public:
    struct Settings {
        nats::NatsOptions nats;
        unsigned threads_most = 4;
        std::size_t short_most = 256;  ///< Of each lane, waiting.
        std::size_t long_most = 16;
        std::chrono::milliseconds connect_wait{5'000};
        std::chrono::milliseconds idle{60'000};  ///< Then a thread ends, with its connection.
    };
    /// What takes longer than a page keeps half of the threads at most, so that pages go on.
    enum class Lane : std::uint8_t { kShort, kLong };
    /// What work has: the connection, null if there is none, and why.
    struct Bench {
        ctl::Session* session = nullptr;
        ctl::Memory* memory = nullptr;
        Error error{ErrorKind::kUnavailable, {}};
    };
    using Work = std::function<void(const Bench&)>;

    explicit Desk(Settings settings) : settings_(std::move(settings)) {}
    /// What runs is told to end, what waits is dropped.
    ~Desk();
    Desk(const Desk&) = delete;
    Desk& operator=(const Desk&) = delete;

    /// Has it done on one of the threads. False: too much waits already.
    [[nodiscard]] bool submit(Lane lane, Work work);
    [[nodiscard]] std::size_t threads() const;

private:
    struct Thread {
        std::thread thread;
        std::atomic<bool> ended{false};
    };
    void run(Thread& self);
    /// The next piece of work; nothing: there was none for too long, or it is the end.
    [[nodiscard]] Work next(std::unique_lock<std::mutex>& lock, ctl::Session* session, Lane& lane);
    void reap();

    Settings settings_;
    SystemClock clock_;
    std::shared_ptr<ctl::ExceptionBoard> board_ = std::make_shared<ctl::ExceptionBoard>();
    std::atomic<bool> stopping_{false};
    mutable std::mutex mutex_;
    std::condition_variable news_;
    std::deque<Work> short_;
    std::deque<Work> long_;
    unsigned idle_ = 0;
    unsigned long_runs_ = 0;
    std::list<Thread> threads_;
};

}  // namespace syncline::hub
