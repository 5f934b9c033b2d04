#include "agent/thread_list_executor.h"

#include "shared/base/boot_time.h"
#include "shared/base/log.h"

namespace syncline::agent {

ThreadListExecutor::~ThreadListExecutor() {
    thread_.request_stop();
    changed_.notify_all();
}

void ThreadListExecutor::read(const ListName& list, Done<ListRows> done) {
    submit([this, list, done = std::move(done)](ListDoor& door, std::stop_token stop) {
        // std::function wants what it holds copyable; a completion runs once.
        auto rows = std::make_shared<Result<ListRows>>(door.read(list, stop));
        post([done, rows] { done(std::move(*rows)); });
    });
}

void ThreadListExecutor::replace(const ListName& list, ListRows rows, Done<void> done) {
    auto held = std::make_shared<ListRows>(std::move(rows));
    submit([this, list, held, done = std::move(done)](ListDoor& door, std::stop_token stop) {
        const bool over = term_ != nullptr && !term_->lasts(boot_time());
        const Result<void> result =
            over ? fail(ErrorKind::kUnavailable, "the lease is over: another agent may be active")
                 : door.replace(list, *held, stop);
        post([done, result] { done(result); });
    });
}

void ThreadListExecutor::deliver() {
    std::deque<std::function<void()>> ready;
    {
        const std::lock_guard lock{mutex_};
        ready.swap(ready_);
    }
    for (auto& completion : ready) completion();
}

void ThreadListExecutor::post(std::function<void()> completion) {
    {
        const std::lock_guard lock{mutex_};
        ready_.push_back(std::move(completion));
    }
    wake_();
}

void ThreadListExecutor::submit(Job job) {
    if (door_ == nullptr) {
        auto door = factory_();
        if (!door) {  // It could be made when the agent started; something of the machine's.
            return log::error("a door for lists can not be made", {{"error", door.error()}});
        }
        door_ = std::move(*door);
        thread_ = std::jthread{[this](std::stop_token stop) { work(stop); }};
    }
    {
        const std::lock_guard lock{mutex_};
        jobs_.push_back(std::move(job));
    }
    changed_.notify_one();
}

void ThreadListExecutor::work(std::stop_token stop) {
    while (!stop.stop_requested()) {
        Job next;
        {
            std::unique_lock lock{mutex_};
            changed_.wait(lock, stop, [&] { return !jobs_.empty(); });
            if (stop.stop_requested() || jobs_.empty()) return;
            next = std::move(jobs_.front());
            jobs_.pop_front();
        }
        next(*door_, stop);
    }
}

}  // namespace syncline::agent
