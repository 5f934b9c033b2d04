#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>
#include <unordered_map>
#include <vector>

#include "shared/base/timestamp.h"

namespace syncline::nats {

/// The wait of a program's NATS thread: connections, other descriptors and wake-ups in one epoll.
/// Lifetime: outlives everything registered with it.
/// Threading: belongs to the thread that calls poll(); wake() and what Descriptor says may be
/// called from any thread.
class EventLoop {
public:
    /// Something that takes part in every turn: a NatsLink. Both are called on the loop's thread.
    class Participant {
    public:
        /// Hand over what is to be sent. Answers the longest time it may be left alone; zero or
        /// less makes the turn not wait at all.
        virtual Duration before_wait() = 0;
        /// Take what has arrived and do what is due.
        virtual void after_wait() = 0;

    protected:
        ~Participant() = default;
    };

    /// A file descriptor to be told of. Neither owns nor closes it. Made and destroyed on the
    /// loop's thread, also from within its own handler.
    class Descriptor {
    public:
        /// `handler` gets epoll's event bits, from poll().
        Descriptor(EventLoop& loop, std::function<void(std::uint32_t events)> handler);
        ~Descriptor();
        Descriptor(const Descriptor&) = delete;
        Descriptor& operator=(const Descriptor&) = delete;

        /// Starts watching `fd` for `events` (EPOLLIN, EPOLLOUT), level-triggered. False: the
        /// system refused, errno says why. Any thread.
        [[nodiscard]] bool add(int fd, std::uint32_t events);
        /// Changes what is watched for. Any thread.
        void modify(std::uint32_t events);
        /// Stops watching; harmless if nothing is watched. Call before the descriptor is closed.
        /// Any thread.
        void remove();

    private:
        EventLoop& loop_;
        std::uint64_t id_;
        std::atomic<int> fd_{-1};
    };

    /// Aborts the process if the system has no descriptors left: nothing works without.
    EventLoop();
    ~EventLoop();
    EventLoop(const EventLoop&) = delete;
    EventLoop& operator=(const EventLoop&) = delete;

    /// One turn: sends what is waiting, waits at most `timeout` for anything to happen, then lets
    /// everything that happened be handled. All callbacks of all links come from here.
    void poll(Duration timeout);

    /// Makes the current poll(), or else the next one, return without waiting. Any thread, also
    /// signal handlers.
    void wake();
    /// wake() unless called from within the loop's own thread, which is not waiting then.
    void wake_if_waiting();

    void join(Participant* participant);
    /// Harmless within a turn; the participant is not called again.
    void leave(Participant* participant);

private:
    struct Handler {
        std::function<void(std::uint32_t)> call;
    };

    [[nodiscard]] Duration prepare(Duration timeout);
    void dispatch(int timeout_ms);

    int epoll_;
    int wake_;
    std::atomic<std::thread::id> owner_;
    std::uint64_t next_id_ = 1;
    /// Shared, so that a handler may destroy its own descriptor while it runs.
    std::unordered_map<std::uint64_t, std::shared_ptr<Handler>> handlers_;
    std::vector<Participant*> participants_;  ///< Null where one left during a turn.
};

}  // namespace syncline::nats
