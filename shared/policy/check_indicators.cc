#include <set>

#include "shared/policy/check_parts.h"

namespace syncline::checking {
namespace {

namespace codes = finding_codes;

void check_indicator(const Policy& policy, const IndicatorSpec& indicator, Findings findings) {
    const std::string where = "the indicator `" + indicator.name + "`";
    const auto knows = [&](const std::string& event, const std::vector<std::string>& fields) {
        if (event.empty()) return;
        check_event(policy, event, fields, indicator.place, where, findings, Sees::kExceptions);
    };
    knows(indicator.event, indicator.when ? indicator.when->reads() : std::vector<std::string>{});
    knows(indicator.until, {});
    knows(indicator.per, {});
}

}  // namespace

void check_indicators(const Policy& policy, Findings findings) {
    std::set<std::string> alerts;
    for (const IndicatorSpec& indicator : policy.indicators) {
        check_indicator(policy, indicator, findings);
        for (const AlertSpec& alert : indicator.alerts) {
            if (alerts.insert(alert.name).second) continue;
            findings.error(codes::kNameTaken, alert.place,
                           "another indicator has an alert `" + alert.name + "`",
                           "call it otherwise: people silence it by its name");
        }
    }
}

}  // namespace syncline::checking
