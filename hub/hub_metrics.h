#pragma once

#include "hub/agent_quotas.h"
#include "hub/asks.h"
#include "hub/hub.h"
#include "hub/indicators/indicators.h"
#include "shared/base/metrics.h"
#include "shared/base/metrics_server.h"
#include "shared/nats/nats_link.h"

namespace syncline::hub {

/// Requests by webhook and by what came of them: "taken", "failed", "refused".
using WebhookRequests = std::map<std::pair<std::string, std::string>, std::uint64_t>;

/// The hub's numbers as Prometheus reads them.
/// Threading: the hub's; what is shown is read by the server's own thread.
class HubMetrics {
public:
    HubMetrics();
    /// kUnavailable: the port is taken.
    Result<void> open(int port) { return server_.open(metrics_, port); }
    /// As Prometheus reads them. Any thread.
    [[nodiscard]] std::string exposition() const { return metrics_.exposition(); }
    /// Takes over the counters; cheap, and does its work once a second only.
    struct Sources {
        const Hub& hub;
        const Asks& asks;
        const nats::NatsLink& link;
        const WebhookRequests& webhooks;
        const indicators::Indicators& indicators;
        const AgentQuotas& quotas;
    };
    void update(const Sources& sources);

private:
    void show_indicators(const indicators::Indicators& indicators);
    void show_quotas(const AgentQuotas& quotas);

    struct Shown {
        prometheus::Counter* counter;
        std::uint64_t HubCounters::*value;
    };
    Metrics metrics_;
    std::vector<Shown> shown_;
    SystemClock clock_;
    Duration due_{0};
    MetricsServer server_;  ///< Last: goes first.
};

}  // namespace syncline::hub
