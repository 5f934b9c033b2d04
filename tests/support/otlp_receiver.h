#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "shared/http/server.h"
#include "shared/model/value.h"

namespace syncline::test {

/// Takes what is sent to an OTLP receiver over HTTP, as a program that keeps traces would.
/// Threading: any.
class OtlpReceiver {
public:
    OtlpReceiver();
    ~OtlpReceiver() = default;
    OtlpReceiver(const OtlpReceiver&) = delete;
    OtlpReceiver& operator=(const OtlpReceiver&) = delete;

    [[nodiscard]] std::string url() const;
    /// What the next requests are answered with; 200 after them.
    void answer(std::vector<unsigned> statuses);
    struct Span {
        std::string service;
        std::string trace;
        std::string id;
        std::string parent;
        std::string name;
        bool failed = false;
    };
    [[nodiscard]] std::vector<Span> spans() const;
    [[nodiscard]] std::size_t requests() const;
    [[nodiscard]] std::string authorization() const;

private:
    unsigned take(const HttpServer::Request& request);

    mutable std::mutex mutex_;
    std::vector<unsigned> answers_;
    std::vector<Span> spans_;
    std::size_t requests_ = 0;
    std::string authorization_;
    std::unique_ptr<HttpServer> server_;
};

}  // namespace syncline::test
