#include "hub/api/route_parts.h"

// Entities, what was decided about them, and what makes one of two.

namespace syncline::hub::api {
namespace {

using Scope = Route::Scope;

Parameter object_word() { return path_word("object", "The object: customer"); }
Parameter key_word() {
    return path_word("key", "Entity id, platform:record-id, or the value of a match key");
}
Parameter since() { return query("since", "--since", "Only since then: 2h, 2026-01-05"); }

std::vector<Route> shown_routes() {
    Parameter field = query("field", "", "Only this field, with every decision about it");
    field.as = Parameter::As::kWord;
    const Parameter kinds{.name = "kind",
                          .type = Parameter::Type::kTexts,
                          .as = Parameter::As::kOption,
                          .option = "--kind",
                          .about = "Only these: change, outcome, operation, decision, ..."};
    return {
        {.path = "/v1/entities/{object}",
         .id = "entities.list",
         .about = "Entities of an object, a page at a time, by when they changed last",
         .scope = Scope::kObject,
         .words = {"entity", "list"},
         .parameters = {object_word(), page_after(), page_limit()}},
        {.path = "/v1/entities/{object}/{key}",
         .id = "entities.show",
         .about = "Canonical fields and their owners, each platform's side, what is open",
         .scope = Scope::kObject,
         .words = {"entity", "show"},
         .parameters = {object_word(), key_word(),
                        query("at", "--at", "What was canonical then: a time, or how long ago")}},
        {.path = "/v1/entities/{object}/{key}/log",
         .id = "entities.log",
         .about = "What was decided about it, oldest first",
         .scope = Scope::kObject,
         .words = {"log"},
         .parameters = {object_word(), key_word(), page_limit(), since()}},
        {.path = "/v1/entities/{object}/{key}/timeline",
         .id = "entities.timeline",
         .about = "Everything that happened to it, by time",
         .scope = Scope::kObject,
         .words = {"timeline"},
         .parameters = {object_word(), key_word(), page_limit(), since(), kinds}},
        {.path = "/v1/entities/{object}/{key}/blame",
         .id = "entities.blame",
         .about = "Why its fields hold what they hold",
         .scope = Scope::kObject,
         .words = {"blame"},
         .parameters = {object_word(), key_word(), field}},
        {.path = "/v1/log",
         .id = "log",
         .about = "The newest decisions about anything, the newest first",
         .words = {"log"},
         .parameters = {query_number("before", "--before", "What the page before had as `next`"),
                        page_limit()}},
        {.path = "/v1/timeline",
         .id = "timeline",
         .about = "What bears a trace id, over all entities",
         .scope = Scope::kWhole,
         .lane = Desk::Lane::kLong,
         .words = {"timeline"},
         .parameters = {needed(query("trace", "--trace", "The trace id")), page_limit(), since()}},
    };
}

/// `words`: what is named behind the object.
Route identity(const std::string& name, const std::string& about, Parameters words) {
    Parameters all{object_word()};
    for (Parameter& one : words) all.push_back(std::move(one));
    all.push_back(reason());
    all.push_back(dry_run());
    all.push_back(wait());
    return {.method = Method::kPost,
            .path = "/v1/entities/{object}/" + name,
            .id = "entities." + name,
            .about = about,
            .role = Role::kOperator,
            .scope = Scope::kObject,
            .words = {name},
            .parameters = std::move(all)};
}

}  // namespace

std::vector<Route> entity_routes() {
    std::vector<Route> all = shown_routes();
    const Parameter record = needed(body("record", "", "platform:record-id"));
    all.push_back(identity("merge", "Two entities are one",
                           {needed(body("keep", "", "The one that stays")),
                            needed(body("other", "", "The one whose records it gets"))}));
    all.push_back(identity("unmerge", "Two entities again",
                           {needed(body("entity", "", "The one that was merged; its id"))}));
    all.push_back(identity("link", "A record is that entity's",
                           {record, needed(body("entity", "", "The entity"))}));
    all.push_back(identity("unlink", "A record becomes an entity of its own", {record}));
    Route forget = identity("forget", "Erase what is kept of it; it cannot be undone",
                            {needed(body("entity", "", "The entity"))});
    forget.role = Role::kAdmin;
    all.push_back(std::move(forget));
    return all;
}

}  // namespace syncline::hub::api
