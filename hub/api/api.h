#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "hub/api/desk.h"
#include "hub/api/identity.h"
#include "hub/api/limits.h"
#include "hub/api/live.h"
#include "hub/api/oidc/sign_in.h"
#include "hub/api/problem.h"
#include "hub/api/route.h"
#include "hub/asks.h"
#include "hub/decision_links.h"
#include "hub/processes.h"
#include "shared/base/secret.h"
#include "shared/http/server.h"
#include "shared/nats/nats_options.h"

namespace syncline::hub {

struct ApiSettings {
    std::uint16_t port = 0;             ///< 0: no API.
    std::string address = "127.0.0.1";  ///< Another one needs a token.
    Secret token;                       ///< Of an admin who is nobody in particular.
    std::vector<TokenSettings> tokens;  ///< With neither, whoever is on this machine may all.
    oidc::Settings oidc;                ///< Where people sign in.
    unsigned per_second = 50;           ///< Requests of one client that its desk answers.
    std::vector<std::string> proxies;   ///< Addresses whose X-Forwarded-For is believed.
};

/// The hub's HTTP API: JSON in and out, problems by RFC 9457, and the console's files. What there
/// is stands in one table (route.h), which README.md of this folder and /v1/openapi.json show.
///
/// Questions, processes and approvals are answered on the hub's thread; all else by commands of
/// synclinectl at the desk, or from memory.
///
/// Threading: open(), deliver(), tick() and the destructor belong to the hub's thread; the server's
/// own threads check requests and pass them on.
class Api {
public:
    struct Parts {
        Asks& asks;
        Processes& processes;
        const DecisionLinks& links;
        const Clock& clock;
        std::function<void()>
            wake;                ///< Called from other threads: there is something to deliver().
        nats::NatsOptions nats;  ///< For the desk.
        std::function<std::string()> metrics;  ///< What Prometheus reads. Any thread.
    };
    explicit Api(Parts parts);
    ~Api();

    /// kUnavailable: the port is taken; kInvalid: no such address, an API for others without a
    /// token; also what Identity::open() says.
    Result<void> open(const ApiSettings& settings);
    [[nodiscard]] std::uint16_t port() const { return server_ ? server_->port() : 0; }
    void deliver();
    /// `ready`: the hub takes part, and NATS is there.
    void tick(bool ready);
    [[nodiscard]] Duration next_wait() { return server_ ? live_.next_wait() : Duration{kLong}; }

private:
    static constexpr std::chrono::hours kLong{1};
    /// A request that was found fit, for who answers it.
    struct Request {
        std::string method;
        std::string path;
        std::string body;
        std::string trace;   ///< `traceparent`.
        std::string client;  ///< Address of who asks, behind our proxies.
        api::Call call;      ///< Without route: a decision by link.
        Person person;
        HttpServer::Answer answer;
    };
    /// What the answer to one needs of it.
    struct Asked {
        std::string none_match;
        std::string repeat;  ///< Key of repeats_; empty: it has none.
        std::string limit_policy;
        std::string limit_state;
        bool is_get = false;
        bool hides = false;  ///< Of workflows, for who may not see what is personal.
    };
    void take(const HttpServer::Request& request, HttpServer::Answer answer);
    void take_call(const HttpServer::Request& request, api::Call call, HttpServer::Answer answer);
    [[nodiscard]] std::optional<api::Problem> misdirected(const HttpServer::Request& request) const;
    [[nodiscard]] std::optional<api::Problem> refusal(const HttpServer::Request& request,
                                                      const api::Call& call,
                                                      const Person& person) const;
    /// Answers it now if it was answered before; else has the answer kept.
    [[nodiscard]] bool is_repeated(const HttpServer::Request& request, const Person& person,
                                   Asked& asked, const HttpServer::Answer& answer);
    [[nodiscard]] HttpServer::Answer finishing(Asked asked, HttpServer::Answer answer);
    void enqueue(Request request);

    void answer_here(const HttpServer::Request& request, const Request& asked);
    void answer_at_desk(Request request);
    void log_in(const HttpServer::Request& request, const Request& asked);
    void log_out(const HttpServer::Request& request, const Request& asked);
    void tell_ways(const Request& asked);
    void begin_sign_in(const HttpServer::Request& request, const Request& asked);
    void finish_sign_in(const HttpServer::Request& request, const Request& asked);
    void listen(const HttpServer::Answer& answer);

    void route(const Request& request);
    void route_process(const Request& request);
    void route_decision(const Request& request);
    [[nodiscard]] static std::string signed_body(const Request& request);

    Parts p_;
    Identity identity_;
    std::vector<std::string> proxies_;
    api::Limits limits_;
    api::Limits sign_ins_;  ///< By address. Each asks the provider, one after the other.
    api::Repeats repeats_;
    std::atomic<bool> ready_{false};
    std::atomic<std::int64_t> turned_{0};  ///< When the hub's thread was last seen, steady.
    std::mutex mutex_;
    std::vector<Request> requests_;
    std::unique_ptr<Desk> desk_;
    api::Live live_;
    std::unique_ptr<oidc::SignIn> sign_in_;
    std::unique_ptr<HttpServer> server_;  ///< Last: its threads end before the rest goes.
};

}  // namespace syncline::hub
