#include <optional>
#include <set>

#include "shared/policy/check_parts.h"
#include "shared/policy/event_catalogue.h"
#include "shared/policy/hub_events.h"
#include "shared/policy/workflow_codes.h"

namespace syncline::checking {
namespace {

namespace codes = finding_codes;

/// What is told under a name: the fields, of all who tell it.
struct Told {
    std::optional<std::set<std::string>> fields;  ///< Nothing: nobody tells it.
    std::vector<std::string> names;               ///< Of all events.
};

Told told_as(const Policy& policy, const std::string& event, Sees sees) {
    Told told;
    const auto note = [&](std::string_view name, const auto& fields) {
        told.names.emplace_back(name);
        if (name != event) return;
        if (!told.fields) told.fields.emplace();
        for (const auto& field : fields) told.fields->emplace(field);
    };
    for (const CatalogueEvent& one : event_catalogue(policy)) note(one.name, one.fields);
    if (sees == Sees::kNothingElse) return told;
    for (const HubEvent& one : hub_events::all()) note(one.name, one.fields);
    return told;
}

}  // namespace

void check_event(const Policy& policy, const std::string& event,
                 const std::vector<std::string>& fields, const SourcePlace& place,
                 const std::string& where, Findings findings, Sees sees) {
    const Told told = told_as(policy, event, sees);
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
