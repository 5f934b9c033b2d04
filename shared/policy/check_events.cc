#include "shared/policy/check_parts.h"

namespace syncline::checking {

namespace codes = finding_codes;

void check_events(const Policy& policy, const ObjectSpec& object, Findings findings) {
    for (const EventSpec& event : object.events) {
        if (event.when) check_condition(policy, object, *event.when, event.place, findings);
        std::vector<const FieldSpec*> above;
        for (const FieldName& name : event.fields) {
            const FieldSpec* field = object.field(name);
            if (field != nullptr && field->classification > event.clearance) above.push_back(field);
        }
        if (above.empty()) continue;
        findings.error(codes::kNotCleared, event.place,
                       few(above) + " would be told by the event `" + event.name +
                           "`, which is cleared for " + name_of(event.clearance) + " at most",
                       "write `clearance`, or leave the field out");
    }
}

void check_webhooks(const Policy& policy, Findings findings) {
    for (const WebhookSpec& webhook : policy.webhooks) {
        for (const std::string& event : webhook.events) {
            if (event.ends_with('*')) continue;
            check_event(policy, event, {}, webhook.place, "the webhook `" + webhook.name + "`",
                        findings);
        }
    }
}

}  // namespace syncline::checking
