#include "hub/api/route_parts.h"

// What the hub answers itself: questions, processes, approvals, and who is asking.

namespace syncline::hub::api {
namespace {

using By = Route::By;
using Scope = Route::Scope;

Parameter in_path(std::string name, std::string about) {
    Parameter one = path_word(std::move(name), std::move(about));
    one.as = Parameter::As::kNothing;
    return one;
}

/// A body that others check.
Parameter anything(std::string about) {
    return {.name = "body",
            .in = Parameter::In::kBody,
            .type = Parameter::Type::kAny,
            .about = std::move(about)};
}

std::vector<Route> asking_routes() {
    return {
        {.method = Method::kPost,
         .path = "/v1/ask/{question}",
         .id = "asks.ask",
         .about = "A question, answered at once",
         .scope = Scope::kWhole,
         .by = By::kHub,
         .parameters = {in_path("question", "platform.question, or one of the policy"),
                        anything("Its input")}},
        {.path = "/v1/asks",
         .id = "asks.list",
         .about = "The questions of the policy in force",
         .by = By::kHub},
        {.method = Method::kPost,
         .path = "/v1/process/{workflow}",
         .id = "processes.start",
         .about = "Begins an instance of a workflow",
         .role = Role::kOperator,
         .scope = Scope::kWhole,
         .by = By::kHub,
         .parameters = {in_path("workflow", "Its name"), anything("Its context")}},
        {.path = "/v1/processes",
         .id = "processes.list",
         .about = "The workflows that can be begun so",
         .by = By::kHub},
        {.path = "/v1/instances/{instance}",
         .id = "instances.show",
         .about = "How an instance stands",
         .scope = Scope::kWhole,
         .by = By::kHub,
         .parameters = {in_path("instance", "Its id")}},
        {.method = Method::kPost,
         .path = "/v1/instances/{instance}/{action}",
         .id = "instances.act",
         .about = "pause, resume, retry, skip, applied, restart, cancel, migrate",
         .role = Role::kOperator,
         .scope = Scope::kWhole,
         .by = By::kHub,
         .parameters = {in_path("instance", "Its id"), in_path("action", "What to do"),
                        anything("step, reason, fields; who, where nobody is known")}},
        {.path = "/v1/approvals",
         .id = "approvals.list",
         .about = "What waits for somebody's word",
         .scope = Scope::kWhole,
         .by = By::kHub},
        {.path = "/v1/approvals/{role}",
         .id = "approvals.of_role",
         .about = "The same, of one role",
         .scope = Scope::kWhole,
         .by = By::kHub,
         .parameters = {in_path("role", "A role of the policy")}},
        {.method = Method::kPost,
         .path = "/v1/approvals/{key*}/{verdict}",
         .id = "approvals.decide",
         .about = "approve or reject",
         .role = Role::kApprover,
         .scope = Scope::kWhole,
         .by = By::kHub,
         .parameters = {in_path("key", "As listed: workflow/instance/step"),
                        in_path("verdict", "approve or reject"),
                        anything("seen, comment, on_behalf_of; who, where nobody is known")}},
    };
}

/// Places where a browser goes, of which each leads to another.
std::vector<Route> sign_in_routes() {
    const auto said = [](const std::string& name, const std::string& about) {
        Parameter one = query(name, "", about);
        one.as = Parameter::As::kNothing;
        one.bytes_most = 8'000;
        return one;
    };
    return {{.path = "/v1/oidc/login",
             .id = "oidc.begin",
             .about = "Leads a browser to the OpenID provider, where somebody signs in",
             .by = By::kHere,
             .is_public = true,
             .parameters = {said("to", "Where in the console it goes then: #/exceptions")}},
            {.path = "/v1/oidc/callback",
             .id = "oidc.finish",
             .about = "Where the provider leads it back to: begins a session",
             .by = By::kHere,
             .is_public = true,
             .takes_more = true,
             .parameters = {said("state", "Of the sign-in"), said("code", "Of who has signed in"),
                            said("iss", "The provider"), said("error", "Why nobody has"),
                            said("error_description", "The same in words")}}};
}

std::vector<Route> own_routes() {
    Parameter token = body("token", "", "It is forgotten at once");
    token.as = Parameter::As::kNothing;
    return {
        {.path = "/v1/session",
         .id = "session",
         .about = "Who is asking, and what they may do",
         .by = By::kHere},
        {.method = Method::kPost,
         .path = "/v1/login",
         .id = "login",
         .about = "Begins a session of a browser by a token",
         .by = By::kHere,
         .is_public = true,
         .parameters = {needed(token)}},
        {.path = "/v1/login",
         .id = "login.ways",
         .about = "How one logs in here: by token, and where else",
         .by = By::kHere,
         .is_public = true},
        {.method = Method::kPost,
         .path = "/v1/logout",
         .id = "logout",
         .about = "Ends the session; its cookie opens nothing any more. `sign_out` is where a "
                  "browser ends that of the provider",
         .by = By::kHere},
        {.path = "/v1/events",
         .id = "events",
         .about = "Server-sent events: `status` every two seconds, `changed` when something did",
         .by = By::kHere},
        {.path = "/v1/openapi.json",
         .id = "openapi",
         .about = "This description",
         .by = By::kHere,
         .is_public = true},
        {.path = "/livez",
         .id = "livez",
         .about = "Does the hub work at all?",
         .by = By::kHere,
         .is_public = true},
        {.path = "/readyz",
         .id = "readyz",
         .about = "Does it take part, with NATS and a policy?",
         .by = By::kHere,
         .is_public = true},
        {.path = "/metrics", .id = "metrics", .about = "For Prometheus", .by = By::kHere},
    };
}

}  // namespace

std::vector<Route> hub_routes() {
    std::vector<Route> all = asking_routes();
    for (Route& one : own_routes()) all.push_back(std::move(one));
    for (Route& one : sign_in_routes()) all.push_back(std::move(one));
    return all;
}

}  // namespace syncline::hub::api
