#include "shared/base/metrics.h"

#include <gtest/gtest.h>

namespace syncline {
namespace {

TEST(Metrics, AreFoundAgainByNameAndLabels) {
    Metrics metrics;
    metrics.counter(metric::kHubInputs, {{"kind", "change"}}).Increment();
    metrics.counter(metric::kHubInputs, {{"kind", "change"}}).Increment(2);
    metrics.counter(metric::kHubInputs, {{"kind", "outcome"}}).Increment();
    metrics.gauge(metric::kNatsConnected).Set(1);
    metrics.histogram(metric::kHubDecideSeconds, {0.01, 0.1}).Observe(0.05);
    const std::string text = metrics.exposition();
    EXPECT_NE(text.find("# TYPE syncline_hub_inputs_total counter"), std::string::npos);
    EXPECT_NE(text.find("syncline_hub_inputs_total{kind=\"change\"} 3"), std::string::npos) << text;
    EXPECT_NE(text.find("syncline_nats_connected 1"), std::string::npos);
    EXPECT_NE(text.find("syncline_hub_decide_seconds_bucket{le=\"0.1\"} 1"), std::string::npos);
}

}  // namespace
}  // namespace syncline
