#include "hub/webhooks/sender.h"

#include <utility>

namespace syncline::hub::webhooks {

Sender::Sender(std::function<void()> wake)
    : wake_(std::move(wake)), thread_([this](const std::stop_token& stop) { run(stop); }) {}

Sender::~Sender() = default;

void Sender::start(Job job) {
    {
        const std::lock_guard lock{mutex_};
        job_ = std::move(job);
        verdict_.reset();
    }
    due_.notify_one();
}

std::optional<Verdict> Sender::take() {
    const std::lock_guard lock{mutex_};
    return std::exchange(verdict_, std::nullopt);
}

void Sender::run(const std::stop_token& stop) {
    while (true) {
        Job job;
        {
            std::unique_lock lock{mutex_};
            if (!due_.wait(lock, stop, [this] { return job_ != nullptr; })) return;
            job = std::exchange(job_, nullptr);
        }
        Verdict verdict = job(stop);
        {
            const std::lock_guard lock{mutex_};
            verdict_ = std::move(verdict);
        }
        wake_();
    }
}

}  // namespace syncline::hub::webhooks
