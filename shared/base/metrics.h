#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>

#include "shared/base/metric_names.h"

namespace prometheus {
class Registry;
}

namespace syncline {

/// The numbers a program shows to Prometheus.
/// Lifetime: one per program; what it hands out lives as long as it does. Keep the reference:
/// finding a metric costs a look-up, raising it does not.
/// Threading: every call from any thread, also on what was handed out.
class Metrics {
public:
    using Labels = std::map<std::string, std::string>;

    Metrics();
    ~Metrics();
    Metrics(const Metrics&) = delete;
    Metrics& operator=(const Metrics&) = delete;

    /// The one counter of this name and these labels; made at the first call.
    [[nodiscard]] prometheus::Counter& counter(const metric::Name& name, const Labels& labels = {});
    [[nodiscard]] prometheus::Gauge& gauge(const metric::Name& name, const Labels& labels = {});
    /// `bounds` are the upper ends of the buckets, ascending, in the unit that ends the name.
    /// Those of the first call count.
    [[nodiscard]] prometheus::Histogram& histogram(const metric::Name& name,
                                                   const std::vector<double>& bounds,
                                                   const Labels& labels = {});

    /// Prometheus text exposition format 0.0.4, for `Content-Type: text/plain; version=0.0.4`.
    [[nodiscard]] std::string exposition() const;

    /// For whoever shows them.
    [[nodiscard]] std::shared_ptr<prometheus::Registry> registry() const { return registry_; }

private:
    std::shared_ptr<prometheus::Registry> registry_;
};

}  // namespace syncline
