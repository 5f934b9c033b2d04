#include "hub/api/problem.h"

#include "shared/base/json.h"
#include "shared/model/member.h"
#include "shared/policy/ask.h"

namespace syncline::hub::api {
namespace {

std::string title_of(int status) {
    switch (status) {
        case 400: return "Bad Request";
        case 401: return "Unauthorized";
        case 403: return "Forbidden";
        case 404: return "Not Found";
        case 405: return "Method Not Allowed";
        case 409: return "Conflict";
        case 413: return "Content Too Large";
        case 421: return "Misdirected Request";
        case 422: return "Unprocessable Content";
        case 429: return "Too Many Requests";
        case 500: return "Internal Server Error";
        case 501: return "Not Implemented";
        case 502: return "Bad Gateway";
        case 503: return "Service Unavailable";
        case 504: return "Gateway Timeout";
        default: return "Error";
    }
}

bool is_personal(std::string_view name) {
    return name == "context" || name == "shown" || name == "decided" || name == "reason" ||
           name == "values";
}

Value hidden(const Value& value) {
    const auto* map = value.get<Value::Map>();
    if (map == nullptr) return Value{"(personal)"};
    Value::Map out;
    for (const auto& [name, one] : *map) out.emplace(name, Value{"(personal)"});
    return out;
}

}  // namespace

HttpServer::Reply json_reply(int status, std::string body) {
    HttpServer::Reply reply{.status = static_cast<unsigned>(status), .text = std::move(body)};
    reply.content_type = "application/json";
    reply.headers.emplace_back("X-Content-Type-Options", "nosniff");
    return reply;
}

HttpServer::Reply page_reply(int status, std::string page) {
    HttpServer::Reply reply{.status = static_cast<unsigned>(status), .text = std::move(page)};
    reply.content_type = "text/html; charset=utf-8";
    reply.is_page = true;
    return reply;
}

HttpServer::Reply reply_of(const Problem& problem) {
    Value::Map body{
        {"type", problem.kind.empty() ? "about:blank" : "urn:syncline:problem:" + problem.kind},
        {"title", title_of(problem.status)},
        {"status", std::int64_t{problem.status}},
        {"detail", ctl::text_value(problem.detail)},
        {"kind", problem.kind}};
    if (!problem.where.empty()) body.emplace("where", ctl::text_value(problem.where));
    if (!problem.hint.empty()) body.emplace("hint", ctl::text_value(problem.hint));
    if (!problem.findings.empty()) body.emplace("findings", ctl::value_of(problem.findings));
    HttpServer::Reply reply = json_reply(problem.status, to_json(Value{std::move(body)}));
    reply.content_type = "application/problem+json";
    if (problem.status == 429 || problem.status == 503) reply.retry_after = std::chrono::seconds{1};
    if (problem.status == 401) reply.challenge = "Bearer";
    return reply;
}

HttpServer::Reply reply_of(int status, std::string body) {
    if (status < 400) return json_reply(status, std::move(body));
    const auto read = parse_json(body);
    const Value* error = read ? member(*read, "error") : nullptr;
    if (error == nullptr) return reply_of(Problem{status, "", std::move(body)});
    return reply_of(Problem{status, text_member(*error, "kind"), text_member(*error, "text")});
}

int status_of(ErrorKind kind) {
    switch (kind) {
        case ErrorKind::kDenied: return 403;
        case ErrorKind::kUnsupported: return 422;
        case ErrorKind::kCorrupt: return 500;
        case ErrorKind::kFull: return 409;
        default: return http_status(kind);
    }
}

Value::Map session_of(const Person& person) {
    const auto roles = person.roles.names();
    return {{"name", person.name},
            {"roles", Value::List{roles.begin(), roles.end()}},
            {"objects", Value::List{person.objects.begin(), person.objects.end()}},
            {"regions", Value::List{person.regions.begin(), person.regions.end()}},
            {"csrf", person.csrf},
            {"masked", !person.sees_personal}};
}

Value without_personal(const Value& answer) {
    if (const auto* list = answer.get<Value::List>()) {
        Value::List out;
        for (const Value& one : *list) out.push_back(without_personal(one));
        return out;
    }
    const auto* map = answer.get<Value::Map>();
    if (map == nullptr) return answer;
    Value::Map out;
    for (const auto& [name, one] : *map) {
        out.emplace(name, is_personal(name) ? hidden(one) : without_personal(one));
    }
    return out;
}

}  // namespace syncline::hub::api
