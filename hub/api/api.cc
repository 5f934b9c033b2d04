#include "hub/api/api.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "hub/api/client_address.h"
#include "hub/api/console.h"
#include "hub/decision_page.h"
#include "shared/base/json.h"
#include "shared/base/log.h"
#include "shared/base/sha256.h"

// From a request to who answers it.

namespace syncline::hub {

using api::Call;
using api::Problem;
using api::Route;

namespace {

using namespace std::chrono_literals;

/// Requests that the hub's thread has not taken yet.
constexpr std::size_t kRequestsMost = 4'096;
constexpr std::size_t kKeyMost = 200;
constexpr std::uint64_t kBodyMost = 2u << 20;

bool is_api(std::string_view path) {
    return path.starts_with("/v1/") || path == "/livez" || path == "/readyz" || path == "/metrics";
}

/// A name that leads to this machine and nowhere else. A page of the Internet may have a name of
/// its own that leads here, too, and must not be answered where nobody is asked who he is.
bool is_loopback_name(std::string_view host) {
    if (host.starts_with('[')) return host.starts_with("[::1]");
    host = host.substr(0, host.find(':'));
    return host == "localhost" || host == "127.0.0.1" || host.empty();
}

Problem denied(std::string detail) { return {403, "denied", std::move(detail)}; }

std::string digest_of(std::initializer_list<std::string_view> parts) {
    return hexadecimal(bytes_of(sha256(parts)));
}

bool is_key(std::string_view key) {
    return key.size() <= kKeyMost &&
           std::ranges::all_of(key, [](unsigned char c) { return c > 0x20 && c < 0x7F; });
}

std::string_view query_of(std::string_view target) {
    const auto at = target.find('?');
    return at == std::string_view::npos ? std::string_view{} : target.substr(at + 1);
}

}  // namespace

Api::Api(Parts parts)
    : p_(std::move(parts)),
      identity_(p_.clock),
      limits_(p_.clock, {}),
      sign_ins_(p_.clock, {.per_second = 2, .burst = 64}),
      repeats_(p_.clock),
      desk_([&] {
          Desk::Settings settings{.nats = p_.nats};
          settings.nats.name += " desk";
          settings.nats.on_status = nullptr;
          return std::make_unique<Desk>(std::move(settings));
      }()),
      live_(*desk_, p_.clock),
      sign_in_(std::make_unique<oidc::SignIn>(p_.clock)) {}

/// The server first: it hands out no more. Then those whose work answers through it.
Api::~Api() {
    server_.reset();
    sign_in_.reset();
    desk_.reset();
}

Result<void> Api::open(const ApiSettings& settings) {
    if (settings.port == 0) return {};
    using Others = Identity::Others;
    const Others others = settings.oidc.enabled() ? Others::kSignIn : Others::kNobody;
    if (auto opened = identity_.open(settings.token, settings.tokens, others); !opened) {
        return opened;
    }
    if (auto opened = sign_in_->open(settings.oidc); !opened) return opened;
    proxies_ = settings.proxies;
    limits_.set({.per_second = settings.per_second, .burst = settings.per_second * 4});
    HttpServer::Settings http;
    http.address = settings.address;
    http.port = settings.port;
    http.prefix = "/";
    http.gets = true;
    http.problems = true;
    http.body_bytes_max = kBodyMost;
    http.connections_max = 512;
    http.reply_timeout = std::chrono::minutes{5};
    if (p_.links.enabled()) http.forms = DecisionLinks::kPath;
    turned_ = p_.clock.steady().count();
    auto server = HttpServer::start(
        http, [this](const HttpServer::Request& request, HttpServer::Answer answer) {
            take(request, std::move(answer));
        });
    if (!server) return fail(server.error(), "api");
    server_ = std::move(*server);
    return {};
}

void Api::tick(bool ready) {
    ready_ = ready;
    turned_ = p_.clock.steady().count();
    if (server_) live_.tick();
}

// ---- On the server's thread. -------------------------------------------------------------------

void Api::take(const HttpServer::Request& request, HttpServer::Answer answer) {
    // By a link whoever has it may decide: the link is the credential.
    if (request.path.starts_with(DecisionLinks::kPath)) {
        return enqueue({.method = std::string{request.method},
                        .path = std::string{request.path},
                        .body = std::string{request.body},
                        .answer = std::move(answer)});
    }
    if (const auto problem = misdirected(request)) return answer(reply_of(*problem));
    if (!is_api(request.path)) return answer(api::console_reply(request));
    auto call = api::find_route(request.method, request.path);
    if (!call) {
        const bool other = call.error().kind == ErrorKind::kUnsupported;
        return answer(reply_of(Problem{other ? 405 : api::status_of(call.error().kind),
                                       name_of(call.error().kind), call.error().what}));
    }
    take_call(request, *std::move(call), std::move(answer));
}

/// Something that was sent here by a page of somebody else.
std::optional<Problem> Api::misdirected(const HttpServer::Request& request) const {
    if (identity_.is_open() && !is_loopback_name(request.header("Host"))) {
        return Problem{421, "denied", "without a token this API answers to 127.0.0.1 and localhost",
                       "header.Host", "set `[[api.tokens]]` in the hub's file"};
    }
    if (request.method == "POST" && request.header("Sec-Fetch-Site") == "cross-site") {
        return denied("a page of another site has sent this");
    }
    return std::nullopt;
}

std::optional<Problem> Api::refusal(const HttpServer::Request& request, const Call& call,
                                    const Person& person) const {
    const Route& route = *call.route;
    const bool changes = route.method == api::Method::kPost;
    if (changes && !person.csrf.empty() && request.header("X-CSRF-Token") != person.csrf) {
        return denied("repeat `csrf` of GET /v1/session in the header X-CSRF-Token");
    }
    if (!person.roles.has(route.role)) {
        return denied(person.name + " has not the role " + name_of(route.role) +
                      ", which this wants");
    }
    using Scope = Route::Scope;
    if (route.scope == Scope::kWhole && !person.sees_all()) {
        return denied("this is about all objects and regions, and " + person.name +
                      " may see some only");
    }
    if (route.scope == Scope::kWholeObject && !person.regions.empty()) {
        return denied("this is about all regions, and " + person.name + " may see some only");
    }
    return std::nullopt;
}

void Api::take_call(const HttpServer::Request& request, Call call, HttpServer::Answer answer) {
    const Route& route = *call.route;
    std::string client{
        api::client_address(request.peer, request.header("X-Forwarded-For"), proxies_)};
    Person person;
    if (!route.is_public) {
        auto known = identity_.who({.authorization = request.header("Authorization"),
                                    .cookie = request.header("Cookie"),
                                    .peer = client});
        if (!known) return answer(reply_of(Problem{401, "denied", known.error().what}));
        person = *std::move(known);
        if (const auto no = refusal(request, call, person)) return answer(reply_of(*no));
    }
    Asked asked{.none_match = std::string{request.header("If-None-Match")},
                .is_get = route.method == api::Method::kGet,
                .hides = !person.sees_personal && (route.id.starts_with("instances.") ||
                                                   route.id.starts_with("approvals."))};
    if (route.by == Route::By::kDesk) {
        auto verdict = limits_.take(person.key);
        asked.limit_policy = std::move(verdict.policy);
        asked.limit_state = std::move(verdict.state);
        if (!verdict.may) {
            return finishing(asked, std::move(answer))(
                reply_of(Problem{429, "throttled", "too many requests; ask more slowly"}));
        }
    }
    auto wrong = api::take_query(call, query_of(request.target));
    if (!wrong && !asked.is_get) wrong = api::take_body(call, request.body);
    if (!wrong) wrong = api::check_required(call);
    if (wrong) {
        return answer(
            reply_of(Problem{400, "invalid", wrong->where + " " + wrong->what, wrong->where}));
    }
    if (const std::string object = call.text("object");
        !object.empty() && !person.may_see(object)) {
        return answer(reply_of(denied(person.name + " may not see " + object)));
    }
    const bool again = is_repeated(request, person, asked, answer);
    if (again) return;
    Request taken{.method = std::string{request.method},
                  .path = std::string{request.path},
                  .body = std::string{request.body},
                  .trace = std::string{request.header("traceparent")},
                  .client = std::move(client),
                  .call = std::move(call),
                  .person = std::move(person),
                  .answer = finishing(std::move(asked), std::move(answer))};
    switch (route.by) {
        case Route::By::kHere: return answer_here(request, taken);
        case Route::By::kDesk: return answer_at_desk(std::move(taken));
        case Route::By::kHub: return enqueue(std::move(taken));
    }
}

bool Api::is_repeated(const HttpServer::Request& request, const Person& person, Asked& asked,
                      const HttpServer::Answer& answer) {
    const std::string_view key = request.header("Idempotency-Key");
    if (asked.is_get || key.empty()) return false;
    if (!is_key(key)) {
        answer(reply_of(Problem{400, "invalid", "is no key: at most 200 visible characters",
                                "header.Idempotency-Key"}));
        return true;
    }
    asked.repeat = person.name + " " + std::string{key};
    const auto found = repeats_.find(
        asked.repeat, digest_of({request.method, " ", request.target, "\n", request.body}));
    using Standing = api::Repeats::Standing;
    switch (found.standing) {
        case Standing::kFirst: return false;
        case Standing::kAgain: answer(*found.answer); break;
        case Standing::kRuns:
            answer(reply_of(Problem{409, "conflict", "the same request is being carried out"}));
            break;
        case Standing::kAnother:
            answer(reply_of(Problem{422, "conflict", "that key was sent with another request",
                                    "header.Idempotency-Key"}));
            break;
    }
    return true;
}

/// What every answer has: how often one may ask, a mark to ask by again, and that it is kept.
HttpServer::Answer Api::finishing(Asked asked, HttpServer::Answer answer) {
    return [this, asked = std::move(asked), answer = std::move(answer)](HttpServer::Reply reply) {
        if (asked.hides && reply.status == 200) {
            if (const auto read = parse_json(reply.text)) {
                reply.text = to_json(api::without_personal(*read));
            }
        }
        if (!asked.limit_policy.empty()) {
            reply.headers.emplace_back("RateLimit-Policy", asked.limit_policy);
            reply.headers.emplace_back("RateLimit", asked.limit_state);
        }
        if (asked.is_get && reply.status == 200 && reply.content_type == "application/json") {
            const std::string mark = "\"" + digest_of({reply.text}).substr(0, 24) + "\"";
            reply.headers.emplace_back("ETag", mark);
            reply.headers.emplace_back("Cache-Control", "private, no-cache");
            if (asked.none_match.find(mark) != std::string::npos) {
                reply.status = 304;
                reply.text.clear();
            }
        } else if (!reply.events) {
            reply.headers.emplace_back("Cache-Control", "no-store");
        }
        if (!asked.repeat.empty()) repeats_.tell(asked.repeat, reply);
        answer(std::move(reply));
    };
}

void Api::enqueue(Request request) {
    bool first = false;
    {
        const std::lock_guard lock{mutex_};
        if (requests_.size() >= kRequestsMost) {
            return request.answer(
                reply_of(Problem{503, "full", "too many requests wait; ask again"}));
        }
        first = requests_.empty();
        requests_.push_back(std::move(request));
    }
    if (first) p_.wake();
}

void Api::deliver() {
    std::vector<Request> requests;
    {
        const std::lock_guard lock{mutex_};
        requests.swap(requests_);
    }
    for (const Request& request : requests) route(request);
}

}  // namespace syncline::hub
