#include "shared/policy/event_catalogue.h"

#include <algorithm>
#include <tuple>

#include "shared/policy/hub_events.h"

namespace syncline {
namespace {

std::string when_of(const EventSpec& event) {
    switch (event.on) {
        case EventSpec::On::kCreated: return "created";
        case EventSpec::On::kDeleted: return "deleted";
        case EventSpec::On::kCondition: break;
    }
    return event.when ? event.when->text() : std::string{};
}

CatalogueEvent of_object(const ObjectSpec& object, const EventSpec& spec) {
    CatalogueEvent event{.name = object.name.text + "." + spec.name,
                         .told_by = "object " + object.name.text,
                         .when = when_of(spec),
                         .fields = {},
                         .version = spec.version,
                         .owner = spec.owner,
                         .description = spec.description,
                         .spec = &spec};
    for (const FieldName& field : spec.fields) event.fields.push_back(field.text);
    return event;
}

void add_emitted(const Workflow& workflow, const Steps& steps, std::vector<CatalogueEvent>& all) {
    for (const StepSpec& step : steps) {
        const auto* emit = std::get_if<EmitStep>(&step.action);
        if (emit == nullptr) continue;
        CatalogueEvent event{.name = emit->event,
                             .told_by = "workflow " + workflow.name.text,
                             .when = "step " + step.name,
                             .fields = {},
                             .owner = workflow.owner,
                             .description = {}};
        for (const Assignment& one : emit->fields) event.fields.push_back(one.field.text);
        all.push_back(std::move(event));
    }
}

}  // namespace

std::vector<CatalogueEvent> event_catalogue(const Policy& policy) {
    std::vector<CatalogueEvent> all;
    for (const ObjectSpec& object : policy.objects) {
        for (const EventSpec& spec : object.events) all.push_back(of_object(object, spec));
    }
    for (const Workflow& workflow : policy.workflows) {
        add_emitted(workflow, workflow.steps, all);
        for (const auto& [name, steps] : workflow.blocks) add_emitted(workflow, steps, all);
        for (const Variant& variant : workflow.variants) add_emitted(workflow, variant.steps, all);
    }
    for (const HubEvent& one : hub_events::all()) {
        if (one.name.starts_with(hub_events::kException)) continue;
        all.push_back({.name = std::string{one.name},
                       .told_by = "hubs",
                       .when = {},
                       .fields = {one.fields.begin(), one.fields.end()},
                       .owner = {},
                       .description = {}});
    }
    std::ranges::stable_sort(all, {}, &CatalogueEvent::name);
    // A variant has the steps that it does not replace, too.
    const auto same = std::ranges::unique(all, [](const auto& a, const auto& b) {
        return std::tie(a.name, a.told_by, a.when) == std::tie(b.name, b.told_by, b.when);
    });
    all.erase(same.begin(), same.end());
    return all;
}

}  // namespace syncline
