#include "shared/base/metrics.h"

#include <prometheus/registry.h>
#include <prometheus/text_serializer.h>

namespace syncline {
namespace {

/// Families are found again by name: prometheus-cpp merges equal ones of one registry.
constexpr auto kMerge = prometheus::Registry::InsertBehavior::Merge;

template <class Builder>
auto& family(Builder builder, const metric::Name& name, prometheus::Registry& registry) {
    return builder.Name(std::string{name.name}).Help(std::string{name.help}).Register(registry);
}

}  // namespace

Metrics::Metrics() : registry_(std::make_shared<prometheus::Registry>(kMerge)) {}
Metrics::~Metrics() = default;

prometheus::Counter& Metrics::counter(const metric::Name& name, const Labels& labels) {
    return family(prometheus::BuildCounter(), name, *registry_).Add(labels);
}

prometheus::Gauge& Metrics::gauge(const metric::Name& name, const Labels& labels) {
    return family(prometheus::BuildGauge(), name, *registry_).Add(labels);
}

prometheus::Histogram& Metrics::histogram(const metric::Name& name,
                                          const std::vector<double>& bounds, const Labels& labels) {
    return family(prometheus::BuildHistogram(), name, *registry_).Add(labels, bounds);
}

std::string Metrics::exposition() const {
    return prometheus::TextSerializer{}.Serialize(registry_->Collect());
}

}  // namespace syncline
