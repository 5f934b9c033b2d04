#include <stdlib.h>  // NOLINT: mkdtemp

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "hub/api/api.h"
#include "hub/ctl/run_words.h"
#include "hub/decision_page.h"
#include "shared/base/json.h"
#include "shared/base/log.h"
#include "shared/http/percent_decode.h"
#include "shared/model/member.h"

// Who answers a request: a command, the hub's thread, or nobody but memory.

namespace syncline::hub {

using api::Call;
using api::Problem;
using api::Route;

namespace {

using namespace std::chrono_literals;

constexpr std::string_view kEventType = "text/event-stream";
/// Is the hub's thread at work? It turns at least this often.
constexpr Duration kTurnMost = 30s;

HttpServer::Reply text_reply(int status, std::string text) {
    HttpServer::Reply reply{.status = static_cast<unsigned>(status), .text = std::move(text)};
    reply.content_type = "text/plain; charset=utf-8";
    return reply;
}

/// A folder of its own for the policy that a request brought; gone with the object.
class PolicyFolder {
public:
    static Result<PolicyFolder> make(const Value::Map& files) {
        std::string path = (std::filesystem::temp_directory_path() / "syncline-XXXXXX").string();
        if (::mkdtemp(path.data()) == nullptr) {
            return fail(ErrorKind::kUnavailable, "the hub has no folder for the policy's files");
        }
        PolicyFolder folder{path};
        for (const auto& [name, text] : files) {
            if (auto done = folder.write(name, plain_text(text)); !done) return fail(done.error());
        }
        return folder;
    }
    ~PolicyFolder() {
        std::error_code ignored;
        if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
    }
    PolicyFolder(PolicyFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}
    PolicyFolder& operator=(PolicyFolder&&) = delete;

    [[nodiscard]] const std::string& path() const { return path_; }

private:
    explicit PolicyFolder(std::string path) : path_(std::move(path)) {}

    /// A name as policies have it, and nothing that leads out of the folder.
    static bool is_name(std::string_view name) {
        if (name.starts_with("tests/")) name.remove_prefix(6);
        if (name.size() > 100 || !name.ends_with(".toml") || name.starts_with('.')) return false;
        return std::ranges::all_of(name, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                   c == '_' || c == '-' || c == '.';
        });
    }

    [[nodiscard]] Result<void> write(const std::string& name, const std::string& text) const {
        if (!is_name(name)) {
            return fail(ErrorKind::kInvalid, "`" + name.substr(0, 64) +
                                                 "` is no name of a policy's file: customer.toml");
        }
        const std::filesystem::path file = std::filesystem::path{path_} / name;
        std::error_code error;
        std::filesystem::create_directories(file.parent_path(), error);
        std::ofstream out{file, std::ios::binary};
        out << text;
        out.close();
        if (!out) return fail(ErrorKind::kUnavailable, "the policy's files cannot be written");
        return {};
    }

    std::string path_;
};

/// Where a text names the folder, which is gone by then, the file's name is meant.
std::string without_folder(std::string text, const std::string& folder) {
    if (folder.empty()) return text;
    for (const std::string& part : {folder + "/", folder}) {
        for (auto at = text.find(part); at != std::string::npos; at = text.find(part)) {
            text.erase(at, part.size());
        }
    }
    return text;
}

bool has_errors(const ctl::CommandResult& told) {
    return std::ranges::any_of(told.findings, [](const ctl::Finding& finding) {
        return finding.level == ctl::Level::kError;
    });
}

HttpServer::Reply reply_of(const Route& route, const ctl::CommandResult& told) {
    if (told.error) {
        const bool away = told.unreachable;
        return api::reply_of(Problem{.status = away ? 503 : api::status_of(told.error->kind),
                                     .kind = away ? "unavailable" : name_of(told.error->kind),
                                     .detail = told.error->what,
                                     .findings = told.findings});
    }
    if (route.findings_refuse && has_errors(told)) {
        return api::reply_of(Problem{.status = 422,
                                     .kind = "invalid",
                                     .detail = "there are errors; nothing was done",
                                     .findings = told.findings});
    }
    Value::Map data = route.pick == nullptr ? told.data : route.pick(told.data);
    if (!told.findings.empty()) data.insert_or_assign("findings", ctl::value_of(told.findings));
    return api::json_reply(200, to_json(Value{std::move(data)}));
}

std::string who_of(const DecisionLinks::Grant& grant) {
    return grant.person +
           (grant.on_behalf_of.empty() ? std::string{} : " on behalf of " + grant.on_behalf_of);
}

HttpServer::Reply denied_page(const std::string& why) {
    return api::page_reply(403, message_page("This link does not open anything", why));
}

}  // namespace

// ---- From memory. ------------------------------------------------------------------------------

void Api::answer_here(const HttpServer::Request& request, const Request& asked) {
    const std::string& id = asked.call.route->id;
    if (id == "session") {
        return asked.answer(api::json_reply(200, to_json(Value{api::session_of(asked.person)})));
    }
    if (id == "login") return log_in(request, asked);
    if (id == "login.ways") return tell_ways(asked);
    if (id == "logout") return log_out(request, asked);
    if (id == "oidc.begin") return begin_sign_in(request, asked);
    if (id == "oidc.finish") return finish_sign_in(request, asked);
    if (id == "events") return listen(asked.answer);
    if (id == "openapi") {
        static const std::string text = to_json(api::openapi());
        return asked.answer(api::json_reply(200, text));
    }
    if (id == "metrics") {
        HttpServer::Reply reply = text_reply(200, p_.metrics());
        reply.content_type = "text/plain; version=0.0.4";
        return asked.answer(std::move(reply));
    }
    const Duration silent = p_.clock.steady() - Duration{turned_.load()};
    const bool alive = silent < kTurnMost;
    if (id == "livez") {
        return asked.answer(alive ? text_reply(200, "alive\n")
                                  : text_reply(503, "the hub's thread does not turn\n"));
    }
    const bool ready = alive && ready_;
    asked.answer(ready ? text_reply(200, "ready\n")
                       : text_reply(503, "no NATS, or no policy yet\n"));
}

void Api::listen(const HttpServer::Answer& answer) {
    if (!live_.may_listen()) {
        HttpServer::Reply reply =
            api::reply_of(Problem{503, "full", "too many listen already; ask again later"});
        reply.retry_after = 10s;
        return answer(std::move(reply));
    }
    HttpServer::Reply reply{.status = 200};
    reply.content_type = std::string{kEventType};
    reply.headers.emplace_back("Cache-Control", "no-store");
    reply.headers.emplace_back("X-Accel-Buffering", "no");
    reply.events = [this](HttpServer::Events events) {
        live_.listen(std::move(events));
        p_.wake();
    };
    answer(std::move(reply));
}

// ---- By a command. -----------------------------------------------------------------------------

void Api::answer_at_desk(Request request) {
    const Route& route = *request.call.route;
    if (route.words.size() == 1 && route.words.front() == "status") {
        std::ignore =
            live_.with_status([answer = request.answer, &route](const api::Live::Told& told) {
                answer(reply_of(route, *told));
            });
        return;
    }
    const HttpServer::Answer answer = request.answer;
    const bool taken =
        desk_->submit(route.lane, [asked = std::move(request)](const Desk::Bench& bench) {
            const Route& by = *asked.call.route;
            if (bench.session == nullptr) {
                return asked.answer(
                    api::reply_of(Problem{503, name_of(bench.error.kind), bench.error.what}));
            }
            std::optional<PolicyFolder> folder;
            if (!asked.call.files.empty()) {
                auto made = PolicyFolder::make(asked.call.files);
                if (!made) {
                    const ErrorKind kind = made.error().kind;
                    return asked.answer(api::reply_of(Problem{api::status_of(kind), name_of(kind),
                                                              made.error().what, "body.files"}));
                }
                folder.emplace(*std::move(made));
            }
            const std::string path = folder ? folder->path() : std::string{};
            const ctl::CommandResult told =
                ctl::run_words(words_of(asked.call, path), !asked.person.sees_personal,
                               {.session = bench.session,
                                .memory = bench.memory,
                                .actor = asked.person.name,
                                .objects = asked.person.objects,
                                .regions = asked.person.regions});
            HttpServer::Reply reply = reply_of(by, told);
            reply.text = without_folder(std::move(reply.text), path);
            asked.answer(std::move(reply));
        });
    if (!taken) {
        answer(api::reply_of(Problem{503, "full", "too much waits to be answered; ask again"}));
    }
}

// ---- On the hub's thread. ----------------------------------------------------------------------

void Api::route(const Request& request) {
    if (request.call.route == nullptr) return route_decision(request);
    const std::string& id = request.call.route->id;
    if (id == "asks.ask") {
        return p_.asks.ask(request.call.text("question"), request.body,
                           [answer = request.answer](Asks::Reply reply) {
                               answer(api::reply_of(reply.status, std::move(reply.body)));
                           });
    }
    if (id == "asks.list") {
        return request.answer(api::json_reply(200, to_json(p_.asks.catalogue())));
    }
    route_process(request);
}

/// What is said of who acts counts only where nobody is known: else it is who is.
std::string Api::signed_body(const Request& request) {
    const Person& person = request.person;
    const auto read = parse_json(request.body.empty() ? "{}" : request.body);
    const auto* map = read ? read->get<Value::Map>() : nullptr;
    if (map == nullptr) return request.body;
    Value::Map body = *map;
    const bool starts = request.call.route->id == "processes.start";
    const char* const who = starts ? "_requester" : "who";
    // A machine begins processes for people whom it knows. Who approves himself must not say so of
    // another, as nobody decides about their own request.
    const bool believed =
        person.is_anybody || (starts && !person.roles.has(Role::kApprover) && person.csrf.empty());
    const bool wanted = !body.contains(who) && !(starts && person.is_anybody);
    if (!believed || wanted) body.insert_or_assign(who, person.name);
    return to_json(Value{std::move(body)});
}

void Api::route_process(const Request& request) {
    const std::string& id = request.call.route->id;
    const Call& call = request.call;
    const auto reply = [answer = request.answer](Processes::Reply told) {
        answer(api::reply_of(told.status, std::move(told.body)));
    };
    if (id == "processes.list") {
        return request.answer(api::json_reply(200, to_json(p_.processes.catalogue())));
    }
    if (id == "instances.show") return p_.processes.show(call.text("instance"), reply);
    if (id == "approvals.list") return p_.processes.approvals("", reply);
    if (id == "approvals.of_role") return p_.processes.approvals(call.text("role"), reply);
    const std::string body = signed_body(request);
    if (id == "processes.start") {
        return p_.processes.start(call.text("workflow"), body, request.trace, reply);
    }
    if (id == "instances.act") {
        return p_.processes.act(call.text("instance"), call.text("action"), body, reply);
    }
    p_.processes.decide(call.text("key"), call.text("verdict"), body, reply);
}

/// Looking changes nothing, so that whoever scans mails for bad links decides nothing.
void Api::route_decision(const Request& request) {
    const auto grant = p_.links.read(request.path, p_.clock.now());
    if (!grant) return request.answer(denied_page(grant.error().what));
    if (request.method != "POST") {
        return p_.processes.find_approval(
            grant->approval, [answer = request.answer, who = who_of(*grant)](const auto& found) {
                if (!found)
                    return answer(api::page_reply(
                        503, message_page("Try again in a moment", found.error().what)));
                if (!*found)
                    return answer(api::page_reply(
                        410, message_page("Nothing is to be decided any more",
                                          "It was answered, or its time is over.")));
                answer(api::page_reply(200, decision_page(**found, who)));
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
    p_.processes.decide(
        grant->approval, field("verdict"), body,
        [answer = request.answer, verdict = field("verdict")](const Processes::Reply& told) {
            if (told.status / 100 == 2) {
                return answer(api::page_reply(
                    200, message_page(verdict == "approve" ? "Approved" : "Rejected",
                                      "Thank you. You can close this page.")));
            }
            const auto read = parse_json(told.body);
            const Value* error = read ? member(*read, "error") : nullptr;
            answer(api::page_reply(
                told.status, message_page("Your answer was not taken",
                                          error == nullptr ? "" : text_member(*error, "text"))));
        });
}

}  // namespace syncline::hub
