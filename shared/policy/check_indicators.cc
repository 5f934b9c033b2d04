#include <set>

#include "shared/policy/check_parts.h"

namespace syncline::checking {
namespace {

namespace codes = finding_codes;

std::vector<std::string> named(const FieldName& field) {
    return field.empty() ? std::vector<std::string>{} : std::vector<std::string>{field.text};
}

void check_indicator(const Policy& policy, const IndicatorSpec& indicator, Findings findings) {
    const std::string where = "the indicator `" + indicator.name + "`";
    const auto knows = [&](const std::string& event, const std::vector<std::string>& fields) {
        if (event.empty()) return;
        check_event(policy, event, fields, indicator.place, where, findings, Sees::kExceptions);
    };
    std::vector<std::string> read = named(indicator.event_key);
    if (indicator.when) {
        read.insert(read.end(), indicator.when->reads().begin(), indicator.when->reads().end());
    }
    knows(indicator.event, read);
    knows(indicator.until, named(indicator.until_key));
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
