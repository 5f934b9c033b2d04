#include <algorithm>
#include <iterator>

#include "hub/api/route_parts.h"

// Looking at the installation, and what is not about one entity.

namespace syncline::hub::api {
namespace {

/// What agents say of what they load.
Value::Map only_loads(Value::Map data) {
    Value::List loads;
    const auto agents = data.find("agents");
    const auto* list = agents == data.end() ? nullptr : agents->second.get<Value::List>();
    for (const Value& agent : list == nullptr ? Value::List{} : *list) {
        const auto* map = agent.get<Value::Map>();
        if (map == nullptr) continue;
        Value::Map one;
        for (const char* name : {"platform", "heard_at", "load", "backfill"}) {
            const auto at = map->find(name);
            one.emplace(name, at == map->end() ? Value{} : at->second);
        }
        loads.emplace_back(std::move(one));
    }
    return {{"loads", std::move(loads)}};
}

/// Without anything of that name, however deep: a list shows everybody how things stand, and only
/// the page of one thing, which is for who sees all, what they are about.
Value without(std::string_view name, const Value& value) {
    if (const auto* list = value.get<Value::List>()) {
        Value::List kept;
        for (const Value& one : *list) kept.push_back(without(name, one));
        return kept;
    }
    if (const auto* map = value.get<Value::Map>()) {
        Value::Map kept;
        for (const auto& [key, one] : *map) {
            if (key != name) kept.emplace(key, without(name, one));
        }
        return kept;
    }
    return value;
}

Value::Map without(std::string_view name, Value::Map data) {
    for (auto& [key, one] : data) one = without(name, one);
    return data;
}

Value::Map without_keys_of_entities(Value::Map data) { return without("late", std::move(data)); }
Value::Map without_keys_of_rows(Value::Map data) { return without("sample", std::move(data)); }
Value::Map without_what_receivers_say(Value::Map data) { return without("why", std::move(data)); }

std::vector<Route> standing_routes() {
    using enum Route::Scope;
    return {
        {.path = "/v1/status",
         .id = "status",
         .about = "Hubs, partitions, agents, streams, exceptions, and what is wrong with them",
         .words = {"status"}},
        {.path = "/v1/doctor",
         .id = "doctor",
         .about = "NATS, streams and who takes part, checked",
         .words = {"doctor"}},
        {.path = "/v1/facts",
         .id = "facts",
         .about = "What was done, counted from the streams",
         .scope = kWhole,
         .lane = Desk::Lane::kLong,
         .words = {"facts"},
         .parameters = {query("from", "--from", "Since then: 30d, 2h, 2026-01-05"),
                        query("to", "--to", "Until then"),
                        query("show", "--show", "The entries of that fact, too"), page_limit()}},
        {.path = "/v1/loads",
         .id = "loads.list",
         .about = "What agents load, and what backfills came to",
         .words = {"status"},
         .pick = only_loads},
        {.path = "/v1/loads/{platform}",
         .id = "loads.show",
         .about = "What one agent loads",
         .words = {"backfill", "show"},
         .parameters = {path_word("platform", "The platform")}},
        {.method = Method::kPost,
         .path = "/v1/backfills",
         .id = "backfills.start",
         .about = "Have a platform read whole and told what was never told, or only counted",
         .role = Role::kOperator,
         .scope = kWhole,
         .words = {"backfill", "run"},
         .parameters = {body_flag("dry_run", "--dry-run", "Only count; tell nothing"),
                        needed(body("platform", "", "The platform")),
                        in_body({.name = "objects",
                                 .type = Parameter::Type::kTexts,
                                 .as = Parameter::As::kWord,
                                 .about = "Only these; without it, all"})}},
        {.method = Method::kPost,
         .path = "/v1/full-reads",
         .id = "full_reads.start",
         .about = "Have an agent read its platform and send everything anew",
         .role = Role::kOperator,
         .scope = kWhole,
         .words = {"replay", "--yes"},
         .parameters = {needed(body("platform", "--full-read", "The platform"))}},
    };
}

std::vector<Route> business_routes() {
    using enum Route::Scope;
    const Parameter indicator = path_word("indicator", "Its name in the policy");
    const Parameter alert = path_word("alert", "Its name in the policy");
    return {
        {.path = "/v1/indicators",
         .id = "indicators.list",
         .about = "How the business does",
         .words = {"indicators", "list"},
         .pick = without_keys_of_entities},
        {.path = "/v1/indicators/{indicator}",
         .id = "indicators.show",
         .about = "One indicator, and what is open for the longest",
         .scope = kWhole,
         .words = {"indicators", "show"},
         .parameters = {indicator}},
        {.path = "/v1/alerts",
         .id = "alerts.list",
         .about = "When indicators leave their limits",
         .words = {"alerts", "list"}},
        {.method = Method::kPost,
         .path = "/v1/alerts/{alert}/silence",
         .id = "alerts.silence",
         .about = "Tell nobody of it for a while",
         .role = Role::kOperator,
         .scope = kWhole,
         .words = {"alerts", "silence"},
         .parameters = {alert, needed(body("for", "--for", "How long: 30m, 2h, 3d")),
                        needed(reason())}},
        {.method = Method::kPost,
         .path = "/v1/alerts/{alert}/wake",
         .id = "alerts.wake",
         .about = "Tell people of it again",
         .role = Role::kOperator,
         .scope = kWhole,
         .words = {"alerts", "wake"},
         .parameters = {alert}},
        {.path = "/v1/business-events",
         .id = "business_events.list",
         .about = "The business events that are told under the policy in force",
         .words = {"events", "list"}},
        {.path = "/v1/business-events/told",
         .id = "business_events.told",
         .about = "Business events that were told, the newest last",
         .scope = kWhole,
         .lane = Desk::Lane::kLong,
         .words = {"events", "show"},
         .parameters = {query("event", "--event", "Of one event, or of one object"),
                        query("from", "--from", "Since then: 30d, 2h"), page_limit()}},
    };
}

std::vector<Route> webhook_routes() {
    using enum Route::Scope;
    const Parameter webhook = path_word("webhook", "Its name in the policy");
    return {
        {.path = "/v1/webhooks",
         .id = "webhooks.list",
         .about = "Whom business events are told by HTTP and by mail, and how they are",
         .words = {"webhooks", "list"},
         .pick = without_what_receivers_say},
        {.path = "/v1/webhooks/{webhook}",
         .id = "webhooks.show",
         .about = "How far one is, and what came back when it failed",
         .scope = kWhole,
         .words = {"webhooks", "show"},
         .parameters = {webhook}},
        {.method = Method::kPost,
         .path = "/v1/webhooks/{webhook}/disable",
         .id = "webhooks.disable",
         .about = "Send nothing until it is enabled",
         .role = Role::kOperator,
         .scope = kWhole,
         .words = {"webhooks", "disable"},
         .parameters = {webhook, needed(reason())}},
        {.method = Method::kPost,
         .path = "/v1/webhooks/{webhook}/enable",
         .id = "webhooks.enable",
         .about = "Go on where it stopped",
         .role = Role::kOperator,
         .scope = kWhole,
         .words = {"webhooks", "enable"},
         .parameters = {webhook}},
        {.method = Method::kPost,
         .path = "/v1/webhooks/{webhook}/replay",
         .id = "webhooks.replay",
         .about = "Send events once more, from there on",
         .role = Role::kOperator,
         .scope = kWhole,
         .words = {"webhooks", "replay"},
         .parameters = {webhook, body("from", "--from", "A time, or how long ago"),
                        in_body(query_number("sequence", "--sequence", "Of the events' stream")),
                        body_flag("dry_run", "--dry-run", "Say how many; change nothing")}},
    };
}

std::vector<Route> list_routes() {
    const Parameter list = path_word("list", "The list: price");
    return {
        {.path = "/v1/lists",
         .id = "lists.list",
         .about = "Reference data: which generation there is, how old, who has it",
         .words = {"lists", "show"},
         .pick = without_keys_of_rows},
        {.path = "/v1/lists/{list}",
         .id = "lists.show",
         .about = "One list, with a sample of what changed in it last",
         .scope = Route::Scope::kWhole,
         .words = {"lists", "show"},
         .parameters = {list}},
        {.path = "/v1/lists/{list}/history",
         .id = "lists.history",
         .about = "The generations before",
         .words = {"lists", "history"},
         .parameters = {list},
         .pick = without_keys_of_rows},
        {.method = Method::kPost,
         .path = "/v1/lists/{list}/refresh",
         .id = "lists.refresh",
         .about = "Have it read now",
         .role = Role::kOperator,
         .scope = Route::Scope::kWhole,
         .words = {"lists", "refresh"},
         .parameters = {list, body_flag("whole", "--whole", "All rows again, judged again")}},
    };
}

std::vector<Route> checking_routes() {
    using enum Route::Scope;
    return {
        {.path = "/v1/reconciliations",
         .id = "reconciliations.list",
         .about = "What the newest runs came to; up to when platforms are proven equal",
         .words = {"reconcile", "list"}},
        {.path = "/v1/reconciliations/{platform}/{object}",
         .id = "reconciliations.show",
         .about = "The records that differed",
         .scope = kWholeObject,
         .words = {"reconcile", "show"},
         .parameters = {path_word("object", "The object"), path_word("platform", "The platform")}},
        {.method = Method::kPost,
         .path = "/v1/reconciliations",
         .id = "reconciliations.start",
         .about = "Have platforms read whole and compared",
         .role = Role::kOperator,
         .scope = kWhole,
         .words = {"reconcile", "run"},
         .parameters = {body_flag("report", "--report", "Change nothing; only count and list"),
                        body_flag("review", "--review",
                                  "Bring each value that differs to a person"),
                        in_body({.name = "platforms",
                                 .type = Parameter::Type::kTexts,
                                 .as = Parameter::As::kWord,
                                 .about = "Which; without it, all"})}},
        {.method = Method::kPost,
         .path = "/v1/replay",
         .id = "replay",
         .about = "What recorded changes would lead to now; with `live` they are decided again",
         .role = Role::kOperator,
         .scope = kWhole,
         .lane = Desk::Lane::kLong,
         .words = {"replay"},
         .parameters = {in_body({.name = "live",
                                 .type = Parameter::Type::kBoolean,
                                 .as = Parameter::As::kFlag,
                                 .option = "--live",
                                 .about = "Have the hubs decide again; only shown without `yes`",
                                 .otherwise = "--dry-run"}),
                        body_flag("yes", "--yes", "With `live`: do it"),
                        body("from", "--from", "A time, how long ago, or a sequence"),
                        body("to", "--to", "The same"),
                        body("platform", "--platform", "Only changes of this platform"),
                        body("object", "--object", "Only changes of this object"),
                        body("record", "--record", "Only changes of this record"),
                        body("exception", "--exception", "With `live`: what has such an exception"),
                        in_body(
                            query_number("rate", "--rate", "So many entities a second at most")),
                        reason(),
                        in_body(query_number("show", "--show", "How many decisions to show")),
                        body_flag("anew", "--anew", "Also what is taken in already")}},
        {.path = "/v1/audit",
         .id = "audit",
         .about = "Is the decision log what the hubs wrote?",
         .scope = kWhole,
         .lane = Desk::Lane::kLong,
         .words = {"audit", "verify"}},
    };
}

}  // namespace

std::vector<Route> looking_routes() {
    std::vector<Route> all = standing_routes();
    for (auto part : {business_routes, webhook_routes, list_routes, checking_routes}) {
        std::ranges::move(part(), std::back_inserter(all));
    }
    return all;
}

const std::vector<Route>& routes() {
    static const std::vector<Route> all = [] {
        std::vector<Route> out;
        for (auto part :
             {hub_routes, looking_routes, exception_routes, entity_routes, policy_routes}) {
            std::ranges::move(part(), std::back_inserter(out));
        }
        return out;
    }();
    return all;
}

}  // namespace syncline::hub::api
