#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "hub/asks.h"
#include "hub/decision_links.h"
#include "hub/processes.h"
#include "shared/base/secret.h"
#include "shared/http/server.h"

namespace syncline::hub {

struct ApiSettings {
    std::uint16_t port = 0;             ///< 0: no API.
    std::string address = "127.0.0.1";  ///< Another one needs the token.
    Secret token;                       ///< Whoever asks must know it; not configured: anybody may.
};

/// The hub's HTTP API: JSON in and out, errors as `{"error":{"status","kind","text"}}`.
///
///     POST /v1/ask/<name>     a question; the body is its input
///     GET  /v1/asks           the questions of the policy in force
///     POST /v1/process/<name> begins an instance of a workflow; the body is its context
///     GET  /v1/processes      the workflows that are begun so
///     GET  /v1/instances/<id> how an instance stands
///     POST /v1/instances/<id>/<action>          pause, resume, retry, skip, cancel, ...
///     GET  /v1/approvals[/<role>]               what waits for somebody's word
///     POST /v1/approvals/<key>/approve|reject   that word
///     GET, POST /v1/decide/...  a page for a person who has got a link; the link is the credential
///
/// Threading: open(), deliver() and the destructor belong to the hub's thread, where all is
/// answered; the server's own threads only pass requests on.
class Api {
public:
    /// `wake` is called from other threads when there is something to deliver().
    Api(Asks& asks, Processes& processes, const DecisionLinks& links, const Clock& clock,
        std::function<void()> wake)
        : asks_(asks),
          processes_(processes),
          links_(links),
          clock_(clock),
          wake_(std::move(wake)) {}

    /// kUnavailable: the port is taken; kInvalid: no such address; also what Secret::load() says.
    Result<void> open(const ApiSettings& settings);
    [[nodiscard]] std::uint16_t port() const { return server_ ? server_->port() : 0; }
    void deliver();

private:
    struct Request {
        std::string method;
        std::string path;
        std::string body;
        std::string trace;  ///< `traceparent`.
        HttpServer::Answer answer;
    };
    void take(const HttpServer::Request& request, HttpServer::Answer answer);
    void route(const Request& request);
    [[nodiscard]] bool route_process(const Request& request);
    void route_decision(const Request& request);

    Asks& asks_;
    Processes& processes_;
    const DecisionLinks& links_;
    const Clock& clock_;
    std::function<void()> wake_;
    std::string token_hash_;  ///< SHA-256; empty: none is asked for.
    std::mutex mutex_;
    std::vector<Request> requests_;
    std::unique_ptr<HttpServer> server_;  ///< Last: its threads end before the rest goes.
};

}  // namespace syncline::hub
