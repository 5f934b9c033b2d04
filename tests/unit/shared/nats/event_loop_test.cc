#include "shared/nats/event_loop.h"

#include <array>
#include <memory>
#include <thread>

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace syncline::nats {
namespace {

using namespace std::chrono_literals;

struct Pipe {
    Pipe() { EXPECT_EQ(::pipe(ends.data()), 0); }
    ~Pipe() {
        ::close(ends[0]);
        ::close(ends[1]);
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    void fill() const { EXPECT_EQ(::write(ends[1], "x", 1), 1); }
    std::array<int, 2> ends{-1, -1};
};

TEST(EventLoop, AWakeEndsTheWait) {
    EventLoop loop;
    loop.wake();
    loop.poll(1h);  // Woken before.
    std::thread other{[&] { loop.wake(); }};
    loop.poll(1h);
    other.join();
    loop.poll(0s);
}

TEST(EventLoop, ADescriptorIsHandledUntilItIsRemoved) {
    EventLoop loop;
    const Pipe pipe;
    int calls = 0;
    EventLoop::Descriptor descriptor{loop, [&](std::uint32_t events) {
                                         EXPECT_NE(events & EPOLLIN, 0U);
                                         ++calls;
                                     }};
    ASSERT_TRUE(descriptor.add(pipe.ends[0], EPOLLIN));
    loop.poll(0s);
    EXPECT_EQ(calls, 0);
    pipe.fill();
    loop.poll(1h);
    EXPECT_EQ(calls, 1);
    descriptor.remove();
    loop.poll(0s);
    EXPECT_EQ(calls, 1);
}

TEST(EventLoop, ADescriptorMayBeDestroyedByAHandler) {
    EventLoop loop;
    const Pipe first;
    const Pipe second;
    std::unique_ptr<EventLoop::Descriptor> a;
    std::unique_ptr<EventLoop::Descriptor> b;
    int calls = 0;
    const auto destroy_both = [&](std::uint32_t) {
        ++calls;
        a.reset();
        b.reset();
    };
    a = std::make_unique<EventLoop::Descriptor>(loop, destroy_both);
    b = std::make_unique<EventLoop::Descriptor>(loop, destroy_both);
    ASSERT_TRUE(a->add(first.ends[0], EPOLLIN));
    ASSERT_TRUE(b->add(second.ends[0], EPOLLIN));
    first.fill();
    second.fill();
    loop.poll(1h);
    EXPECT_EQ(calls, 1);
}

struct Counting final : EventLoop::Participant {
    Duration before_wait() override { return wait; }
    void after_wait() override {
        ++turns;
        if (then) then();
    }
    Duration wait = 1h;
    int turns = 0;
    std::function<void()> then;
};

TEST(EventLoop, AParticipantShortensTheWaitAndMayLeave) {
    EventLoop loop;
    Counting one;
    Counting two;
    loop.join(&one);
    loop.join(&two);
    one.wait = 0s;
    one.then = [&] { loop.leave(&two); };
    loop.poll(1h);
    EXPECT_EQ(one.turns, 1);
    EXPECT_EQ(two.turns, 0);
    loop.leave(&one);
    loop.poll(0s);
    EXPECT_EQ(one.turns, 1);
}

}  // namespace
}  // namespace syncline::nats
