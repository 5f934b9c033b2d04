#include "hub/api.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "hub/decision_page.h"
#include "shared/base/json.h"
#include "shared/base/sha256.h"
#include "shared/http/percent_decode.h"
#include "shared/model/member.h"

namespace syncline::hub {
namespace {

constexpr std::string_view kPrefix = "/v1/";
constexpr std::string_view kAsk = "/v1/ask/";
constexpr std::string_view kAsks = "/v1/asks";
constexpr std::string_view kProcess = "/v1/process/";
constexpr std::string_view kProcesses = "/v1/processes";
constexpr std::string_view kInstances = "/v1/instances/";
constexpr std::string_view kApprovals = "/v1/approvals";
constexpr std::string_view kBearer = "Bearer ";
/// Requests that the hub's thread has not taken yet.
constexpr std::size_t kRequestsMost = 4'096;

HttpServer::Reply json_reply(int status, std::string body) {
    HttpServer::Reply reply{.status = static_cast<unsigned>(status), .text = std::move(body)};
    reply.content_type = "application/json";
    if (status == 429 || status == 503) reply.retry_after = std::chrono::seconds{1};
    if (status == 401) reply.challenge = "Bearer";
    return reply;
}

HttpServer::Reply error_reply(int status, const char* kind, const std::string& text) {
    return json_reply(
        status, to_json(Value::Map{
                    {"error", Value::Map{{"status", status}, {"kind", kind}, {"text", text}}}}));
}

HttpServer::Reply page_reply(int status, std::string page) {
    HttpServer::Reply reply{.status = static_cast<unsigned>(status), .text = std::move(page)};
    reply.content_type = "text/html; charset=utf-8";
    reply.is_page = true;
    return reply;
}

std::string who_of(const DecisionLinks::Grant& grant) {
    return grant.person +
           (grant.on_behalf_of.empty() ? std::string{} : " on behalf of " + grant.on_behalf_of);
}

HttpServer::Reply denied_page(const std::string& why) {
    return page_reply(403, message_page("This link does not open anything", why));
}

/// By hash, so that how long it takes says nothing of the token.
bool is_token(std::string_view header, const std::string& hash) {
    if (hash.empty()) return true;
    if (!header.starts_with(kBearer)) return false;
    header.remove_prefix(kBearer.size());
    return bytes_of(sha256({header})) == hash;
}

}  // namespace

Result<void> Api::open(const ApiSettings& settings) {
    if (settings.port == 0) return {};
    if (settings.token.configured()) {
        Secret token = settings.token;
        if (auto loaded = token.load(); !loaded) return fail(loaded.error(), "api.token");
        token_hash_ = bytes_of(sha256({token.reveal()}));
    }
    HttpServer::Settings http;
    http.address = settings.address;
    http.port = settings.port;
    http.prefix = kPrefix;
    http.gets = true;
    if (links_.enabled()) http.forms = DecisionLinks::kPath;
    auto server = HttpServer::start(
        http, [this](const HttpServer::Request& request, HttpServer::Answer answer) {
            take(request, std::move(answer));
        });
    if (!server) return fail(server.error(), "api");
    server_ = std::move(*server);
    return {};
}

void Api::take(const HttpServer::Request& request, HttpServer::Answer answer) {
    const bool by_link = request.path.starts_with(DecisionLinks::kPath);
    if (!by_link && !is_token(request.header("Authorization"), token_hash_)) {
        return answer(error_reply(401, "denied", "send the token: Authorization: Bearer <token>"));
    }
    bool first = false;
    {
        const std::lock_guard lock{mutex_};
        if (requests_.size() >= kRequestsMost) {
            return answer(error_reply(503, "full", "too many requests wait; ask again"));
        }
        first = requests_.empty();
        requests_.push_back({std::string{request.method}, std::string{request.path},
                             std::string{request.body}, std::string{request.header("traceparent")},
                             std::move(answer)});
    }
    if (first) wake_();
}

void Api::deliver() {
    std::vector<Request> requests;
    {
        const std::lock_guard lock{mutex_};
        requests.swap(requests_);
    }
    for (const Request& request : requests) route(request);
}

void Api::route(const Request& request) {
    const bool post = request.method == "POST";
    if (request.path.starts_with(kAsk)) {
        if (!post) return request.answer(error_reply(405, "invalid", "a question is a POST"));
        const std::string name = request.path.substr(kAsk.size());
        return asks_.ask(name, request.body, [answer = request.answer](Asks::Reply reply) {
            answer(json_reply(reply.status, std::move(reply.body)));
        });
    }
    if (request.path == kAsks && !post) {
        return request.answer(json_reply(200, to_json(asks_.catalogue())));
    }
    if (request.path.starts_with(DecisionLinks::kPath)) return route_decision(request);
    if (route_process(request)) return;
    request.answer(
        error_reply(404, "not_found",
                    "there are POST /v1/ask/<name>, GET /v1/asks, POST "
                    "/v1/process/<name>, GET /v1/processes, GET /v1/instances/<id>, POST "
                    "/v1/instances/<id>/<action>, GET /v1/approvals, POST "
                    "/v1/approvals/<key>/approve"));
}

/// Looking changes nothing, so that whoever scans mails for bad links decides nothing.
void Api::route_decision(const Request& request) {
    const auto grant = links_.read(request.path, clock_.now());
    if (!grant) return request.answer(denied_page(grant.error().what));
    if (request.method != "POST") {
        return processes_.find_approval(
            grant->approval, [answer = request.answer, who = who_of(*grant)](const auto& found) {
                if (!found)
                    return answer(
                        page_reply(503, message_page("Try again in a moment", found.error().what)));
                if (!*found)
                    return answer(
                        page_reply(410, message_page("Nothing is to be decided any more",
                                                     "It was answered, or its time is over.")));
                answer(page_reply(200, decision_page(**found, who)));
            });
    }
    const auto form = form_fields(request.body);
    const auto field = [&](std::string_view name) {
        const auto at = form.find(name);
        return at == form.end() ? std::string{} : at->second;
    };
    const std::string body = to_json(Value::Map{{"who", grant->person},
                                                {"on_behalf_of", grant->on_behalf_of},
                                                {"seen", field("seen")},
                                                {"comment", field("comment")}});
    processes_.decide(
        grant->approval, field("verdict"), body,
        [answer = request.answer, verdict = field("verdict")](const Processes::Reply& told) {
            if (told.status / 100 == 2) {
                return answer(
                    page_reply(200, message_page(verdict == "approve" ? "Approved" : "Rejected",
                                                 "Thank you. You can close this page.")));
            }
            const auto read = parse_json(told.body);
            const Value* error = read ? member(*read, "error") : nullptr;
            answer(page_reply(told.status,
                              message_page("Your answer was not taken",
                                           error == nullptr ? "" : text_member(*error, "text"))));
        });
}

/// False: it is nothing about workflows.
bool Api::route_process(const Request& request) {
    const bool post = request.method == "POST";
    const auto reply = [answer = request.answer](Processes::Reply told) {
        answer(json_reply(told.status, std::move(told.body)));
    };
    const auto rest = [&](std::string_view prefix) -> std::optional<std::string> {
        if (!request.path.starts_with(prefix)) return std::nullopt;
        return request.path.substr(prefix.size());
    };
    if (const auto name = rest(kProcess); name && post) {
        processes_.start(*name, request.body, request.trace, reply);
        return true;
    }
    if (request.path == kProcesses && !post) {
        request.answer(json_reply(200, to_json(processes_.catalogue())));
        return true;
    }
    if (const auto path = rest(kInstances)) {
        const auto slash = path->find('/');
        if (post == (slash == std::string::npos)) return false;
        if (post) {
            processes_.act(path->substr(0, slash), path->substr(slash + 1), request.body, reply);
        } else {
            processes_.show(*path, reply);
        }
        return true;
    }
    const auto path = rest(kApprovals);
    if (!path || (!path->empty() && !path->starts_with('/'))) return false;
    if (!post) {
        processes_.approvals(path->empty() ? "" : path->substr(1), reply);
        return true;
    }
    const auto slash = path->rfind('/');
    if (slash == std::string::npos || slash == 0) return false;
    processes_.decide(path->substr(1, slash - 1), path->substr(slash + 1), request.body, reply);
    return true;
}

}  // namespace syncline::hub
