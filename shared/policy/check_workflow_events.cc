#include <optional>
#include <set>

#include "shared/policy/check_parts.h"
#include "shared/policy/hub_events.h"
#include "shared/policy/workflow_codes.h"

namespace syncline::checking {
namespace {

namespace codes = finding_codes;

/// What the policy tells under a name: the fields, of all who tell it.
class Told {
public:
    Told(const Policy& policy, const std::string& event, Sees sees) : event_(event) {
        for (const HubEvent& one : hub_events::all()) {
            if (sees == Sees::kExceptions || !one.name.starts_with(hub_events::kException)) {
                note(one);
            }
        }
        for (const ObjectSpec& object : policy.objects) {
            for (const EventSpec& spec : object.events) note(object, spec);
        }
        for (const Workflow& workflow : policy.workflows) {
            note(workflow.steps);
            for (const auto& [name, steps] : workflow.blocks) note(steps);
            for (const Variant& variant : workflow.variants) note(variant.steps);
        }
    }

    std::optional<std::set<std::string>> fields;  ///< Nothing: nobody tells it.
    std::vector<std::string> names;               ///< Of all events.

private:
    void note(const HubEvent& one) {
        names.emplace_back(one.name);
        if (one.name != event_) return;
        if (!fields) fields.emplace();
        for (const std::string_view field : one.fields) fields->emplace(field);
    }
    void note(const ObjectSpec& object, const EventSpec& spec) {
        names.push_back(object.name.text + "." + spec.name);
        if (names.back() != event_) return;
        if (!fields) fields.emplace();
        for (const FieldName& field : spec.fields) fields->insert(field.text);
    }
    void note(const Steps& steps) {
        for (const StepSpec& step : steps) {
            const auto* emit = std::get_if<EmitStep>(&step.action);
            if (emit == nullptr) continue;
            names.push_back(emit->event);
            if (emit->event != event_) continue;
            if (!fields) fields.emplace();
            for (const Assignment& one : emit->fields) fields->insert(one.field.text);
        }
    }

    const std::string& event_;
};

}  // namespace

void check_event(const Policy& policy, const std::string& event,
                 const std::vector<std::string>& fields, const SourcePlace& place,
                 const std::string& where, Findings findings, Sees sees) {
    const Told told{policy, event, sees};
    if (!told.fields) {
        const std::string object = event.substr(0, event.find('.'));
        if (policy.object(ObjectName{object}) == nullptr && !hub_events::is_object(object)) return;
        return findings.error(codes::kUnknownEvent, place,
                              where + " names the event `" + event + "`, which nobody tells",
                              hint_of(event, told.names));
    }
    for (const std::string& field : fields) {
        if (told.fields->contains(field)) continue;
        findings.error(
            codes::kUnknownField, place,
            where + " reads `" + field + "`, which the event `" + event + "` does not carry",
            hint_of(field, {told.fields->begin(), told.fields->end()}));
    }
}

}  // namespace syncline::checking
