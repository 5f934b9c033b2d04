#include <algorithm>
#include <set>

#include "shared/policy/check_parts.h"

namespace syncline::checking {

namespace {

namespace codes = finding_codes;

/// Those whose word may be asked for, and nobody knows where.
std::string without_address(const Policy& policy) {
    std::set<std::string> people;
    for (const auto& [role, who] : policy.roles) people.insert(who.begin(), who.end());
    std::erase_if(people, [&](const auto& person) { return policy.people.contains(person); });
    return listed({people.begin(), people.end()});
}

}  // namespace

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
    std::set<std::string> names;
    for (const WebhookSpec& webhook : policy.webhooks) {
        const std::string what =
            (webhook.is_mail() ? "the mail `" : "the webhook `") + webhook.name + "`";
        if (!names.insert(webhook.name).second) {
            findings.error(codes::kNameTaken, webhook.place,
                           what + " has the name of another webhook or mail",
                           "call it otherwise: people act on it by its name");
        }
        for (const std::string& event : webhook.events) {
            if (event.ends_with('*')) continue;
            check_event(policy, event, {}, webhook.place, what, findings);
        }
        if (std::ranges::find(webhook.mail_to, kThoseAsked) == webhook.mail_to.end()) continue;
        if (const std::string nobody = without_address(policy); !nobody.empty()) {
            findings.warn(
                codes::kNoAddress, webhook.place,
                what + " would reach those who are asked, but `[people]` has no address of " +
                    nobody,
                "write it there: lea = \"lea@example.com\"");
        }
    }
}

}  // namespace syncline::checking
