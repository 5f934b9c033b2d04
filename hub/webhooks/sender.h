#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>

#include "shared/http/client.h"

namespace syncline::hub::webhooks {

/// Sends one request after the other on a thread of its own.
/// Threading: all but the thread itself belongs to the hub's.
class Sender {
public:
    /// `wake` is called from the thread when there is something to take().
    Sender(std::unique_ptr<HttpClient> client, std::function<void()> wake);
    /// Breaks off what is on its way: within a second.
    ~Sender();
    Sender(const Sender&) = delete;
    Sender& operator=(const Sender&) = delete;

    /// Not while another one is on its way.
    void send(HttpRequest request);
    /// What came of it, once.
    [[nodiscard]] std::optional<Result<HttpResponse>> take();

private:
    void run(const std::stop_token& stop);

    std::unique_ptr<HttpClient> client_;
    std::function<void()> wake_;
    std::mutex mutex_;
    std::condition_variable_any due_;
    std::optional<HttpRequest> request_;
    std::optional<Result<HttpResponse>> reply_;
    std::jthread thread_;  ///< Last: it ends before the rest goes.
};

}  // namespace syncline::hub::webhooks
