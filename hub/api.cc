#include "hub/api.h"

#include <algorithm>
#include <utility>

#include "shared/base/json.h"
#include "shared/base/sha256.h"

namespace syncline::hub {
namespace {

constexpr std::string_view kPrefix = "/v1/";
constexpr std::string_view kAsk = "/v1/ask/";
constexpr std::string_view kAsks = "/v1/asks";
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
    auto server = HttpServer::start(
        http, [this](const HttpServer::Request& request, HttpServer::Answer answer) {
            take(request, std::move(answer));
        });
    if (!server) return fail(server.error(), "api");
    server_ = std::move(*server);
    return {};
}

void Api::take(const HttpServer::Request& request, HttpServer::Answer answer) {
    if (!is_token(request.header("Authorization"), token_hash_)) {
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
                             std::string{request.body}, std::move(answer)});
    }
    if (first) wake_();
}

void Api::deliver() {
    std::vector<Request> requests;
    {
        const std::lock_guard lock{mutex_};
        requests.swap(requests_);
    }
    for (Request& request : requests) route(request);
}

void Api::route(Request& request) {
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
    request.answer(error_reply(404, "not_found", "there are POST /v1/ask/<name> and GET /v1/asks"));
}

}  // namespace syncline::hub
