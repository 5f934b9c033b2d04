#include "hub/hub_metrics.h"

#include <limits>

#include "shared/base/version.h"

namespace syncline::hub {

HubMetrics::HubMetrics() {
    const auto add = [&](const metric::Name& name, std::uint64_t HubCounters::*value,
                         const Metrics::Labels& labels = {}) {
        shown_.push_back({&metrics_.counter(name, labels), value});
    };
    add(metric::kHubInputs, &HubCounters::inputs, {{"kind", "taken"}});
    add(metric::kHubInputs, &HubCounters::duplicates, {{"kind", "duplicate"}});
    add(metric::kHubInputs, &HubCounters::gaps, {{"kind", "after_gap"}});
    add(metric::kHubInputs, &HubCounters::replays, {{"kind", "replayed"}});
    add(metric::kHubInputs, &HubCounters::quiet, {{"kind", "without_difference"}});
    add(metric::kHubInputs, &HubCounters::poisoned, {{"kind", "undecidable"}});
    add(metric::kHubDecisions, &HubCounters::decisions);
    add(metric::kHubCommands, &HubCounters::commands);
    add(metric::kHubEvents, &HubCounters::events);
    add(metric::kHubTimers, &HubCounters::timers);
    add(metric::kHubConflicts, &HubCounters::conflicts);
    add(metric::kHubAmnesia, &HubCounters::amnesia);
    metrics_.gauge(metric::kBuildInfo, {{"version", std::string{kVersion}}}).Set(1);
}

void HubMetrics::update(const Sources& sources) {
    const auto& [hub, asks, link, webhooks, indicators, quotas] = sources;
    const Duration now = clock_.steady();
    if (now < due_) return;
    due_ = now + std::chrono::seconds{1};
    for (const Shown& shown : shown_) {
        const auto value = static_cast<double>(hub.counters().*shown.value);
        shown.counter->Increment(value - shown.counter->Value());
    }
    const Asks::Counts& asked = asks.counts();
    for (const auto& [what, count] :
         {std::pair{"answered", asked.asked - asked.failed}, std::pair{"failed", asked.failed}}) {
        prometheus::Counter& counter = metrics_.counter(metric::kHubAsks, {{"what", what}});
        counter.Increment(static_cast<double>(count) - counter.Value());
    }
    for (const auto& [about, count] : hub.counters().exception_events) {
        prometheus::Counter& counter =
            metrics_.counter(metric::kHubExceptions, {{"kind", about.kind},
                                                      {"severity", name_of(about.severity)},
                                                      {"what", name_of(about.what)}});
        counter.Increment(static_cast<double>(count) - counter.Value());
    }
    for (const auto& [about, count] : webhooks) {
        prometheus::Counter& counter = metrics_.counter(
            metric::kHubWebhooks, {{"webhook", about.first}, {"what", about.second}});
        counter.Increment(static_cast<double>(count) - counter.Value());
    }
    show_indicators(indicators);
    show_quotas(quotas);
    metrics_.gauge(metric::kHubInstances).Set(static_cast<double>(hub.instances().size()));
    for (const auto& [about, through] : hub.verified_through()) {
        const Metrics::Labels labels{{"platform", about.first.text}, {"object", about.second.text}};
        metrics_.gauge(metric::kHubVerifiedThrough, labels)
            .Set(static_cast<double>(through.ns) / 1e9);
    }
    for (const ListState* list : hub.lists()) {
        const Metrics::Labels labels{{"list", list->list.text}};
        metrics_.gauge(metric::kHubListRead, labels)
            .Set(static_cast<double>(list->read_at.ns) / 1e9);
        metrics_.gauge(metric::kHubListGeneration, labels)
            .Set(static_cast<double>(list->current.number));
        metrics_.gauge(metric::kHubListRows, labels).Set(static_cast<double>(list->current.rows));
    }
    metrics_.gauge(metric::kHubPartitions).Set(static_cast<double>(hub.held().size()));
    metrics_.gauge(metric::kNatsConnected).Set(link.connected() ? 1 : 0);
    metrics_.gauge(metric::kNatsPublishesOpen).Set(static_cast<double>(link.open()));
}

void HubMetrics::show_quotas(const AgentQuotas& quotas) {
    for (const auto& [platform, told] : quotas.all()) {
        const AgentQuota& quota = told.quota;
        const bool silent = quotas.is_silent(told);
        const auto set = [&](const metric::Name& name, double value, Metrics::Labels labels = {}) {
            labels.emplace("platform", platform.text);
            metrics_.gauge(name, labels)
                .Set(silent ? std::numeric_limits<double>::quiet_NaN() : value);
        };
        set(metric::kQuotaLimit, static_cast<double>(quota.limit));
        set(metric::kQuotaUsed, static_cast<double>(quota.used));
        set(metric::kQuotaReserve, static_cast<double>(quota.reserve));
        set(metric::kQuotaUsedUp, static_cast<double>(quota.used_up_at.ns) / 1e9);
        for (const char* lane : {"ask", "command", "change", "reconcile", "backfill"}) {
            const auto found = quota.slowed.find(lane);
            const double slowed = found == quota.slowed.end() ? 0
                                  : found->second == "rests"  ? 2
                                                              : 1;
            set(metric::kQuotaSlowed, slowed, {{"lane", lane}});
        }
    }
}

/// What there is nothing to measure of is not shown as 0.
void HubMetrics::show_indicators(const indicators::Indicators& indicators) {
    for (const auto& [spec, figures, raised] : indicators.readings()) {
        for (const Measure measure : kMeasures) {
            const auto value = figures.of(measure);
            if (!value || !spec.has(measure)) continue;
            const Metrics::Labels labels{{"indicator", spec.name}, {"measure", name_of(measure)}};
            metrics_.gauge(metric::kHubIndicator, labels).Set(std::stod(value->text()));
        }
        for (const auto& [alert, is_raised] : raised) {
            metrics_.gauge(metric::kHubAlert, {{"alert", alert}}).Set(is_raised ? 1 : 0);
        }
    }
}

}  // namespace syncline::hub
