#pragma once

#include <memory>

#include "shared/base/metrics.h"
#include "shared/base/result.h"

namespace syncline {

/// `GET /metrics` on 127.0.0.1, for as long as it lives. Has threads of its own.
class MetricsServer {
public:
    MetricsServer();
    ~MetricsServer();
    /// kUnavailable: the port is taken; the text names it. `metrics` must outlive the server.
    Result<void> open(const Metrics& metrics, int port);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace syncline
