#include "hub/webhooks/sender.h"

#include <utility>

namespace syncline::hub::webhooks {

Sender::Sender(std::unique_ptr<HttpClient> client, std::function<void()> wake)
    : client_(std::move(client)),
      wake_(std::move(wake)),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

Sender::~Sender() = default;

void Sender::send(HttpRequest request) {
    {
        const std::lock_guard lock{mutex_};
        request_ = std::move(request);
        reply_.reset();
    }
    due_.notify_one();
}

std::optional<Result<HttpResponse>> Sender::take() {
    const std::lock_guard lock{mutex_};
    return std::exchange(reply_, std::nullopt);
}

void Sender::run(const std::stop_token& stop) {
    while (true) {
        HttpRequest request;
        {
            std::unique_lock lock{mutex_};
            if (!due_.wait(lock, stop, [this] { return request_.has_value(); })) return;
            request = std::move(*request_);
            request_.reset();
        }
        auto reply = client_->send(request, stop);
        {
            const std::lock_guard lock{mutex_};
            reply_ = std::move(reply);
        }
        wake_();
    }
}

}  // namespace syncline::hub::webhooks
