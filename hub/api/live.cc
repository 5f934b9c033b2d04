#include "hub/api/live.h"

#include <algorithm>
#include <utility>

#include "hub/api/problem.h"
#include "hub/ctl/run_words.h"
#include "shared/base/json.h"
#include "shared/wire/subjects.h"

namespace syncline::hub::api {
namespace {

using namespace std::chrono_literals;

constexpr Duration kLookEvery = 1s;
constexpr Duration kStatusEvery = 2s;
constexpr Duration kStatusFresh = 1s;
constexpr Duration kBeatEvery = 15s;

ctl::CommandResult run_status(const Desk::Bench& bench) {
    if (bench.session == nullptr) {
        return {.exit = ctl::Exit::kUnreachable, .error = bench.error, .unreachable = true};
    }
    return ctl::run_words({"status"}, false, {.session = bench.session, .memory = bench.memory});
}

std::string event(std::string_view name, const Value& data) {
    return "event: " + std::string{name} + "\ndata: " + to_json(data) + "\n\n";
}

/// Where the things end that people look at. What cannot be read stays as it was.
void read_places(ctl::Session& session, std::map<std::string, std::uint64_t>& places) {
    const auto stream = [&](const char* what, std::string_view name) {
        const auto info = session.stream_info(name);
        if (info) places[what] = info->last_sequence;
    };
    const auto subject = [&](const char* what, const std::string& filter) {
        const auto last = session.get_last(subjects::kStreamState, filter);
        if (last) places[what] = *last ? (*last)->sequence : 0;
    };
    stream("exceptions", subjects::kStreamExceptions);
    stream("policy", subjects::kStreamPolicy);
    subject("approvals", subjects::all_approvals());
    subject("instances", subjects::all_instances());
}

}  // namespace

bool Live::may_listen() {
    const std::lock_guard lock{mutex_};
    std::erase_if(listeners_, [](const HttpServer::Events& one) { return !one.send({}); });
    return listeners_.size() < kListenersMost;
}

void Live::listen(HttpServer::Events events) {
    // The browser comes back so soon when the connection ends.
    std::ignore = events.send("retry: 2000\n\n");
    const std::lock_guard lock{mutex_};
    listeners_.push_back(std::move(events));
    look_at_ = {};
    status_at_ = {};
}

void Live::send(const std::string& text) {
    const std::lock_guard lock{mutex_};
    said_at_ = clock_.steady();
    std::erase_if(listeners_, [&](const HttpServer::Events& one) { return !one.send(text); });
}

Duration Live::next_wait() {
    const std::lock_guard lock{mutex_};
    if (listeners_.empty()) return 1h;
    return std::max(look_at_ - clock_.steady(), Duration{50ms});
}

void Live::tick() {
    {
        const std::lock_guard lock{mutex_};
        const Duration now = clock_.steady();
        if (listeners_.empty() || now < look_at_ || looks_) return;
        look_at_ = now + kLookEvery;
        looks_ = true;
    }
    if (!desk_.submit(Desk::Lane::kShort, [this](const Desk::Bench& bench) { look(bench); })) {
        looks_ = false;
    }
}

void Live::look(const Desk::Bench& bench) {
    if (bench.session != nullptr) {
        auto places = places_;
        read_places(*bench.session, places);
        for (const auto& [what, sequence] : std::exchange(places_, places)) {
            if (places[what] != sequence) send(event("changed", Value::Map{{"what", what}}));
        }
    }
    const Duration now = clock_.steady();
    bool wanted = false;
    bool beat = false;
    {
        const std::lock_guard lock{mutex_};
        wanted = now >= status_at_;
        if (wanted) status_at_ = now + kStatusEvery;
        beat = now - said_at_ >= kBeatEvery;
    }
    if (wanted) {
        auto told = std::make_shared<const ctl::CommandResult>(run_status(bench));
        settle(told);
        if (told->error) {
            send(event("trouble", Value::Map{{"kind", name_of(told->error->kind)},
                                             {"detail", ctl::text_value(told->error->what)}}));
        } else {
            Value::Map data = told->data;
            data.emplace("findings", ctl::value_of(told->findings));
            send(event("status", Value{std::move(data)}));
        }
    } else if (beat) {
        send(": still here\n\n");
    }
    looks_ = false;
}

void Live::settle(const Told& told) {
    std::vector<std::function<void(const Told&)>> waiting;
    {
        const std::lock_guard lock{mutex_};
        status_ = told;
        status_read_ = clock_.steady();
        waiting.swap(waiting_);
    }
    for (const auto& done : waiting) done(told);
}

bool Live::with_status(std::function<void(const Told&)> done) {
    Told fresh;
    {
        const std::lock_guard lock{mutex_};
        if (status_ != nullptr && !status_->error &&
            clock_.steady() - status_read_ < kStatusFresh) {
            fresh = status_;
        } else {
            waiting_.push_back(done);
            if (waiting_.size() > 1) return true;  // Somebody looks already.
        }
    }
    if (fresh != nullptr) {
        done(fresh);
        return true;
    }
    if (desk_.submit(Desk::Lane::kShort, [this](const Desk::Bench& bench) {
            settle(std::make_shared<const ctl::CommandResult>(run_status(bench)));
        })) {
        return true;
    }
    // Whoever came meanwhile is told with the one who asked.
    settle(std::make_shared<const ctl::CommandResult>(
        ctl::CommandResult{.exit = ctl::Exit::kUnreachable,
                           .error = Error{ErrorKind::kFull, "too much waits; ask again"}}));
    return true;
}

}  // namespace syncline::hub::api
