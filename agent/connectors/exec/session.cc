#include "agent/connectors/exec/session.h"

#include <algorithm>
#include <cstdlib>

#include "shared/base/log.h"

namespace syncline::agent::exec {
namespace {

constexpr const char* kPath = "PATH";

/// Does `told` hold all of `wanted`?
bool covers(const Capabilities& told, const Capabilities& wanted) {
    return (told.can_fetch || !wanted.can_fetch) && (told.has_marker || !wanted.has_marker) &&
           (told.create_is_idempotent || !wanted.create_is_idempotent) &&
           (told.waits_for_changes || !wanted.waits_for_changes);
}

/// Where nothing but reading was asked for, nobody is in doubt.
ErrorKind without_doubt(ErrorKind kind, Intent intent) {
    const bool doubt = kind == ErrorKind::kAmbiguous && intent == Intent::kRead;
    return doubt ? ErrorKind::kUnavailable : kind;
}

}  // namespace

Result<Process::Spec> Session::spec() const {
    Process::Spec spec{.command = settings_->command,
                       .working_directory = settings_->working_directory,
                       .environment = {},
                       .line_bytes_max = settings_->line_bytes_max};
    const char* const path = std::getenv(kPath);
    const bool own_path = std::ranges::find(settings_->environment, kPath, &Variable::name) !=
                          settings_->environment.end();
    if (path != nullptr && !own_path) spec.environment.push_back(std::string{"PATH="} + path);
    for (const Variable& variable : settings_->environment) {
        Secret secret = variable.secret;  // Loaded at each start, so that a rotated one is found.
        if (secret.configured()) {
            if (auto loaded = secret.load(); !loaded) {
                const bool denied = loaded.error().kind == ErrorKind::kDenied;
                return fail(denied ? ErrorKind::kDenied : ErrorKind::kUnavailable,
                            "environment." + variable.name + ": " + loaded.error().what);
            }
        }
        const std::string_view text = secret.configured() ? secret.reveal() : variable.text;
        if (text.find('\0') != std::string_view::npos) {
            return fail(ErrorKind::kUnavailable,
                        "environment." + variable.name + ": holds a NUL byte");
        }
        spec.environment.push_back(variable.name + "=" + std::string{text});
    }
    return spec;
}

Result<void> Session::open(const std::stop_token& stop) {
    if (process_) {
        const std::string ending = process_->ending();
        if (ending.empty()) return {};
        log::warning("the program ended while nothing was asked of it; it is started anew",
                     {{"program", settings_->command.front()}, {"with", ending}});
        drop();
    }
    const auto parts = spec();
    if (!parts) return fail(parts.error());
    auto process = Process::start(*parts, clock_, sink_);
    if (!process) return fail(process.error());
    process_ = std::move(*process);
    last_id_ = 0;
    log::info("the program is started",
              {{"program", settings_->command.front()}, {"pid", process_->pid()}});
    auto greeted = hello(stop);
    if (!greeted) drop();
    return greeted;
}

Result<void> Session::hello(const std::stop_token& stop) {
    const auto answer =
        exchange("hello", {{"protocol", kProtocol}}, settings_->start_timeout, stop);
    const auto lost = [](const std::string& why) {
        return fail(ErrorKind::kUnavailable, "hello: " + why);
    };
    if (!answer) return lost(answer.error().what);
    if (answer->complaint) {
        const Error& error = answer->complaint->error;
        if (error.kind == ErrorKind::kDenied) return fail(error, "hello");
        return lost("the program says " + std::string{name_of(error.kind)} + ": " + error.what);
    }
    const auto told = decode_hello(answer->result);
    if (!told) return lost(told.error().what);
    capabilities_ = *told;
    if (covers(*told, settings_->capabilities)) return {};
    return lost("the program has the capabilities " + to_text(*told) +
                ", and `capabilities` in [connector] builds upon " +
                to_text(settings_->capabilities));
}

void Session::drop() {
    if (process_) process_->kill();
    process_.reset();
}

Result<Answer> Session::exchange(std::string_view name, Value::Map members, Duration limit,
                                 const std::stop_token& stop) {
    const std::uint64_t id = ++last_id_;
    const auto line = process_->exchange(encode_request(id, name, std::move(members)), limit, stop);
    if (!line) return fail(line.error());
    auto answer = decode_answer(*line, id);
    if (!answer) return fail(ErrorKind::kAmbiguous, std::move(answer.error().what));
    return answer;
}

Result<Value::Map> Session::call(std::string_view name, Value::Map members, const Terms& terms,
                                 const std::stop_token& stop) {
    if (auto opened = open(stop); !opened) return fail(opened.error());
    auto answer =
        exchange(name, std::move(members), terms.limit.value_or(settings_->timeout), stop);
    if (!answer) {
        drop();
        return fail(without_doubt(answer.error().kind, terms.intent),
                    std::string{name} + ": " + answer.error().what);
    }
    if (!answer->complaint) return std::move(answer->result);
    Error& error = answer->complaint->error;
    if (error.kind == ErrorKind::kThrottled) {
        pause_ = answer->complaint->pause.value_or(Duration{0});
    }
    return fail(without_doubt(error.kind, terms.intent), std::string{name} + ": " + error.what);
}

std::unexpected<Error> Session::refuse(std::string_view name, const Error& what, Intent intent) {
    drop();
    return fail(without_doubt(ErrorKind::kAmbiguous, intent), std::string{name} + ": " + what.what);
}

}  // namespace syncline::agent::exec
