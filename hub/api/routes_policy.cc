#include "hub/api/route_parts.h"

// Versions of the policy.

namespace syncline::hub::api {
namespace {

std::vector<Route> proposal_routes() {
    using enum Route::Scope;
    return {
        {.method = Method::kPost,
         .path = "/v1/policy/check",
         .id = "policy.check",
         .about = "Everything wrong with a policy, before anything runs",
         .role = Role::kArchitect,
         .lane = Desk::Lane::kLong,
         .words = {"policy", "check"},
         .parameters = {files(), body("against", "--against",
                                      "The policy that it follows: a version, or active")}},
        {.method = Method::kPost,
         .path = "/v1/policy/plan",
         .id = "policy.plan",
         .about = "What it would have made of the recorded traffic, and makes of what is stored",
         .role = Role::kArchitect,
         .scope = kWhole,
         .lane = Desk::Lane::kLong,
         .words = {"policy", "plan"},
         .parameters = {files(), body("from", "--from", "A time, how long ago, or a sequence"),
                        body("to", "--to", "The same"),
                        body("object", "--object", "Only inputs and states of this object"),
                        in_body(query_number("show", "--show", "How many differences to show"))}},
        {.method = Method::kPost,
         .path = "/v1/policy/apply",
         .id = "policy.apply",
         .about = "Makes it the next version and puts it in force",
         .role = Role::kArchitect,
         .scope = kWhole,
         .words = {"policy", "apply"},
         .parameters = {files(), body("plan", "--plan", "The name that the plan ended with"),
                        needed(reason()), wait(),
                        body_flag("dry_run", "--dry-run", "Look at everything, publish nothing")},
         .findings_refuse = true},
    };
}

std::vector<Route> version_routes() {
    using enum Route::Scope;
    const Parameter version{.name = "version",
                            .in = Parameter::In::kPath,
                            .type = Parameter::Type::kInteger,
                            .as = Parameter::As::kOption,
                            .option = "--version",
                            .about = "Its number",
                            .required = true,
                            .least = 1};
    Parameter approved = version;
    approved.as = Parameter::As::kWord;
    Parameter restored = version;
    restored.option = "--to";
    return {
        {.path = "/v1/policy/versions",
         .id = "policy.versions",
         .about = "The versions: by whom, why, and since when in force",
         .words = {"policy", "history"}},
        {.path = "/v1/policy/versions/{version}",
         .id = "policy.show",
         .about = "A version's files",
         .words = {"policy", "show"},
         .parameters = {version}},
        {.method = Method::kPost,
         .path = "/v1/policy/versions/{version}/approve",
         .id = "policy.approve",
         .about = "Wants it, too; the author cannot",
         .role = Role::kArchitect,
         .scope = kWhole,
         .words = {"policy", "approve"},
         .parameters = {approved, needed(reason()), wait()}},
        {.method = Method::kPost,
         .path = "/v1/policy/versions/{version}/rollback",
         .id = "policy.rollback",
         .about = "Makes that version's files the next version",
         .role = Role::kArchitect,
         .scope = kWhole,
         .words = {"policy", "rollback"},
         .parameters = {restored, needed(reason()), wait(),
                        body_flag("dry_run", "--dry-run", "Say what would be done")}},
    };
}

std::vector<Route> workflow_routes() {
    using enum Route::Scope;
    return {
        {.path = "/v1/workflows",
         .id = "workflows.list",
         .about = "The workflows of the policy in force, with their steps",
         .words = {"workflows", "define"}},
        {.path = "/v1/instances",
         .id = "instances.list",
         .about = "Instances of workflows, the newest first",
         .scope = kWhole,
         .words = {"workflows", "list"},
         .parameters = {query("workflow", "--workflow", "Of one workflow"),
                        query("status", "--status", "running, compensating, done, compensated"),
                        query_flag("held", "--held", "Those that need a person"), page_after(),
                        page_limit()}},
        {.path = "/v1/instances/{instance}/history",
         .id = "instances.history",
         .about = "One instance: where it stands, and what was decided",
         .scope = kWhole,
         .words = {"workflows", "show"},
         .parameters = {path_word("instance", "Its id, or how that begins")}},
    };
}

}  // namespace

std::vector<Route> policy_routes() {
    std::vector<Route> all = version_routes();
    for (auto part : {proposal_routes, workflow_routes}) {
        for (Route& one : part()) all.push_back(std::move(one));
    }
    return all;
}

}  // namespace syncline::hub::api
