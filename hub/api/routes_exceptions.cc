#include "hub/api/route_parts.h"

// What a person must decide.

namespace syncline::hub::api {
namespace {

/// Which exceptions, as `exceptions list` has it. `object` may narrow what one may see further.
Parameters filter() {
    Parameter severity = query("severity", "--severity", "That one and above");
    severity.one_of = {"info", "warning", "error", "critical"};
    return {query("kind", "--kind", "That kind, or kind@platform; * for any text"),
            query("platform", "--platform", "About this platform"),
            query("object", "--object", "About this object"),
            severity,
            query("assignee", "--assignee", "What this one sees to"),
            query_flag("unassigned", "--unassigned", "What nobody sees to"),
            query("tag", "--tag", "What has this tag"),
            query_flag("overdue", "--overdue", "What is past its time"),
            query("older_than", "--older-than", "What was opened so long ago: 2h"),
            query("search", "--search", "What has this in its entity, record, reason or kind"),
            query_flag("immaterial", "--immaterial", "Also what the policy calls not material")};
}

Parameters with(Parameters all, Parameters more) {
    for (Parameter& one : more) all.push_back(std::move(one));
    return all;
}

/// One by `object`, `entity` and `kind`, or several by a filter (Route::one_or_several).
Parameters which() {
    Parameters all;
    for (Parameter& one : filter()) all.push_back(in_body(std::move(one)));
    Parameter entity = body("entity", "", "With `object` and `kind`: the exception of that entity");
    all.push_back(std::move(entity));
    Parameter most = in_body(query_number("most", "--most", "Refuse if they are more [100]"));
    most.least = 1;
    most.most = 100'000;
    all.push_back(std::move(most));
    Parameter dry = dry_run();
    dry.option = "--dry-run";
    all.push_back(std::move(dry));
    all.push_back(wait());
    return all;
}

Route action(const std::string& name, const std::string& about, Parameters more) {
    return {.method = Method::kPost,
            .path = "/v1/exceptions/" + name,
            .id = "exceptions." + name,
            .about = about,
            .role = Role::kOperator,
            .words = {"exceptions", name},
            .parameters = with(which(), std::move(more)),
            .one_or_several = true};
}

Parameter text(std::string name, std::string option, std::string about, std::size_t most) {
    Parameter one = body(std::move(name), std::move(option), std::move(about));
    one.bytes_most = most;
    return one;
}

}  // namespace

std::vector<Route> exception_routes() {
    const Parameter sets = in_body({.name = "set",
                                    .type = Parameter::Type::kMap,
                                    .as = Parameter::As::kOption,
                                    .option = "--set",
                                    .about = "The values: {\"email\": \"ada@example.com\"}",
                                    .required = true,
                                    .bytes_most = 65'536});
    const Parameter tag = needed(text("name", "--name", "The tag", 64));
    return {
        {.path = "/v1/exceptions",
         .id = "exceptions.list",
         .about = "What waits for a person, the most urgent first",
         .words = {"exceptions", "list"},
         .parameters = with(filter(), {query_flag("all", "--all", "The settled ones, too"),
                                       page_after(), page_limit()})},
        {.path = "/v1/exceptions/kinds",
         .id = "exceptions.kinds",
         .about = "The kinds there are, how much each matters, and what to do about it",
         .words = {"exceptions", "kinds"}},
        {.path = "/v1/exceptions/{object}/{entity}",
         .id = "exceptions.show",
         .about = "An entity's exceptions in full",
         .scope = Route::Scope::kObject,
         .words = {"exceptions", "show"},
         .parameters = {path_word("object", "The object"),
                        path_word("entity", "As listed, or any key of the entity"),
                        {.name = "kind",
                         .as = Parameter::As::kWord,
                         .about = "Only this kind, or kind@platform"}}},
        action("accept", "Take what the platform wanted as canonical", {reason()}),
        action("reject", "Keep the canonical value and tell the platform so", {reason()}),
        action("retry", "Try again what failed", {reason()}),
        action("discard", "Leave everything as it is until something changes", {needed(reason())}),
        action("edit", "Give values of your own, and try again with them", {sets, reason()}),
        action("assign", "Say who sees to it",
               {text("to", "--to", "A person or a team", 64),
                body_flag("nobody", "--nobody", "Nobody sees to it any more"), reason()}),
        action("tag", "Put a tag on it", {tag, reason()}),
        action("untag", "Take a tag off it", {tag, reason()}),
        action("note", "Keep a note with it",
               {needed(text("text", "--text", "What to keep with it", 2'000)), reason()}),
        action("due", "Say until when",
               {body("in", "--in", "From now on: 4h, 3d"), body("at", "--at", "A day or a time"),
                body_flag("never", "--never", "Whenever"), reason()}),
        {.method = Method::kPost,
         .path = "/v1/exceptions/to-rule",
         .id = "exceptions.to_rule",
         .about = "The policy's rule that would have decided it so; nothing is changed",
         .role = Role::kOperator,
         .scope = Route::Scope::kWholeObject,
         .words = {"exceptions", "to-rule"},
         .parameters = {body("as", "--as", "accept, reject, discard or immaterial"),
                        needed(body("object", "", "The object")),
                        needed(body("entity", "", "As listed, or any key of the entity")),
                        body("kind", "", "As listed; needed if there are several")}},
    };
}

}  // namespace syncline::hub::api
