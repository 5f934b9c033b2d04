#include "shared/base/metrics_server.h"

#include <prometheus/exposer.h>
#include <prometheus/registry.h>

#include <exception>

namespace syncline {

struct MetricsServer::Impl {
    std::unique_ptr<prometheus::Exposer> exposer;
};

MetricsServer::MetricsServer() : impl_(std::make_unique<Impl>()) {}
MetricsServer::~MetricsServer() = default;

Result<void> MetricsServer::open(const Metrics& metrics, int port) try {
    impl_->exposer = std::make_unique<prometheus::Exposer>("127.0.0.1:" + std::to_string(port), 1);
    impl_->exposer->RegisterCollectable(metrics.registry());
    return {};
} catch (const std::exception& error) {
    return fail(ErrorKind::kUnavailable, "no metrics on 127.0.0.1:" + std::to_string(port) + ": " +
                                             error.what() + "; choose another metrics_port");
}

}  // namespace syncline
