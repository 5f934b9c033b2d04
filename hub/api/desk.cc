#include "hub/api/desk.h"

#include <algorithm>
#include <utility>

#include "shared/base/log.h"

namespace syncline::hub {
namespace {

using namespace std::chrono_literals;

/// How long work may take before it is told to end.
constexpr Duration kShortLimit = 25s;
constexpr Duration kLongLimit = 280s;
/// An idle connection answers the server's signs of life this often.
constexpr auto kTurn = 2s;

}  // namespace

Desk::~Desk() {
    stopping_ = true;
    {
        const std::lock_guard lock{mutex_};
        short_.clear();
        long_.clear();
    }
    news_.notify_all();
    for (Thread& one : threads_) {
        if (one.thread.joinable()) one.thread.join();
    }
}

std::size_t Desk::threads() const {
    const std::lock_guard lock{mutex_};
    return static_cast<std::size_t>(
        std::ranges::count_if(threads_, [](const Thread& one) { return !one.ended.load(); }));
}

void Desk::reap() {
    std::erase_if(threads_, [](Thread& one) {
        if (!one.ended) return false;
        one.thread.join();
        return true;
    });
}

bool Desk::submit(Lane lane, Work work) {
    const std::lock_guard lock{mutex_};
    auto& queue = lane == Lane::kShort ? short_ : long_;
    if (stopping_ ||
        queue.size() >= (lane == Lane::kShort ? settings_.short_most : settings_.long_most)) {
        return false;
    }
    queue.push_back(std::move(work));
    reap();
    if (idle_ < short_.size() + long_.size() && threads_.size() < settings_.threads_most) {
        Thread& one = threads_.emplace_back();
        one.thread = std::thread{[this, &one] { run(one); }};
    }
    news_.notify_one();
    return true;
}

Desk::Work Desk::next(std::unique_lock<std::mutex>& lock, ctl::Session* session, Lane& lane) {
    const Duration end = clock_.steady() + settings_.idle;
    while (!stopping_) {
        const unsigned long_may = std::max(1u, settings_.threads_most / 2);
        lane = short_.empty() ? Lane::kLong : Lane::kShort;
        auto& queue = lane == Lane::kShort ? short_ : long_;
        if (!queue.empty() && (lane == Lane::kShort || long_runs_ < long_may)) {
            Work work = std::move(queue.front());
            queue.pop_front();
            return work;
        }
        if (clock_.steady() >= end) return {};
        ++idle_;
        news_.wait_for(lock, kTurn);
        --idle_;
        if (session == nullptr || stopping_) continue;
        lock.unlock();
        std::ignore = session->until([] { return false; }, 1ms);
        lock.lock();
    }
    return {};
}

void Desk::run(Thread& self) {
    std::unique_ptr<ctl::Session> session;
    ctl::Memory memory{board_};
    Duration limit{0};
    const std::function<bool()> is_over = [&] {
        return stopping_.load() || (limit.count() != 0 && clock_.steady() > limit);
    };
    ctl::interrupt_by(&is_over);
    std::unique_lock lock{mutex_};
    Lane lane = Lane::kShort;
    while (Work work = next(lock, session.get(), lane)) {
        if (lane == Lane::kLong) ++long_runs_;
        lock.unlock();
        limit = clock_.steady() + (lane == Lane::kLong ? kLongLimit : kShortLimit);
        Bench bench{.memory = &memory};
        if (session == nullptr) {
            auto opened = ctl::Session::open(settings_.nats, settings_.connect_wait);
            if (opened) {
                session = *std::move(opened);
            } else {
                bench.error = opened.error();
            }
        }
        bench.session = session.get();
        work(bench);
        work = {};
        // A connection that is lost is made anew by the next one that needs it.
        if (session != nullptr && !session->link().connected()) session.reset();
        limit = Duration{0};
        lock.lock();
        if (lane == Lane::kLong) --long_runs_;
        if (!long_.empty()) news_.notify_one();
    }
    lock.unlock();
    session.reset();
    ctl::interrupt_by(nullptr);
    self.ended = true;
}

}  // namespace syncline::hub
