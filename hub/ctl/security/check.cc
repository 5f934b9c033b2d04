#include "hub/ctl/security/check.h"

#include <functional>
#include <memory>
#include <optional>
#include <utility>

#include "hub/ctl/security/server_config.h"
#include "shared/base/toml_reader.h"
#include "shared/nats/event_loop.h"
#include "shared/nats/jetstream_api.h"
#include "shared/nats/nats_link.h"
#include "shared/nats/options_toml.h"

namespace syncline::ctl::security {
namespace {

using namespace std::chrono_literals;
using nats::Attempt;
using Outcome = Tried::Outcome;

/// A stream that expects to be another one refuses what it would store.
constexpr nats::Header kNowhere[] = {{"Nats-Expected-Stream", "SECURITY_CHECK"}};

struct Silent final : nats::MessageSink {
    void on_message(const nats::InMessage&) override {}
};

/// One user's connection. What its callbacks hold outlives it.
class Connection {
public:
    Connection(nats::NatsOptions options, Duration timeout, const Clock& clock)
        : clock_(clock), timeout_(timeout) {
        options.answer_timeout = std::chrono::ceil<std::chrono::milliseconds>(timeout);
        options.connect_timeout = std::min(options.connect_timeout, options.answer_timeout);
        options.on_status = [reports = reports_](const nats::LinkStatus& status) {
            reports->push_back(status.error.what);
        };
        link_ = std::make_unique<nats::NatsLink>(loop_, std::move(options));
    }

    [[nodiscard]] Tried connect() {
        Tried out{.what = "connect"};
        const auto refused = [&] {
            return link_->status().state == nats::LinkStatus::State::kRefused;
        };
        std::ignore = until([&] { return link_->connected() || refused(); });
        if (link_->connected()) {
            out.outcome = Outcome::kAllowed;
            out.answer = "as " + link_->status().server;
        } else if (refused()) {
            out.outcome = Outcome::kRefused;
            out.answer = link_->status().error.what;
        } else {
            out.answer = link_->last_error().value_or(Error{{}, "no answer in time"}).what;
        }
        return out;
    }

    void attempt(const Attempt& attempt, Tried& tried) {
        if (attempt.way == Attempt::Way::kSubscribe) return subscribe(attempt, tried);
        request(attempt, tried);
    }

private:
    bool until(const std::function<bool()>& condition) {
        const Duration end = clock_.steady() + timeout_;
        while (!condition()) {
            const Duration left = end - clock_.steady();
            if (left.count() <= 0) return false;
            loop_.poll(std::min<Duration>(left, 50ms));
        }
        return true;
    }

    struct Told {
        std::optional<Error> error;
        std::string body;
        bool done = false;
    };
    std::shared_ptr<Told> ask(const std::string& subject, const std::string& body, bool nowhere) {
        auto told = std::make_shared<Told>();
        link_->request(
            subject, body,
            nowhere ? std::span<const nats::Header>{kNowhere} : std::span<const nats::Header>{},
            [told](const Result<std::string_view>& answer) {
                told->done = true;
                if (answer) {
                    told->body = *answer;
                } else {
                    told->error = answer.error();
                }
            });
        std::ignore = until([&] { return told->done; });
        return told;
    }

    void request(const Attempt& attempt, Tried& tried) {
        const auto told = ask(attempt.subject, attempt.body, attempt.stored);
        if (!told->done) {
            tried.answer = "no answer";
        } else if (told->error && told->error->kind == ErrorKind::kDenied) {
            tried.outcome = Outcome::kRefused;
            tried.answer = told->error->what;
        } else if (told->error && told->error->kind != ErrorKind::kUnavailable) {
            tried.answer = told->error->what;
        } else {
            tried.outcome = Outcome::kAllowed;
            tried.answer = told->error ? told->error->what : told->body;
            // What is to be allowed has somebody who answers; that nobody listens is no success.
            const bool answered =
                !told->error && tried.answer.find(attempt.answered) != std::string::npos;
            if (attempt.allowed && !answered) tried.outcome = Outcome::kUnknown;
        }
    }

    void subscribe(const Attempt& attempt, Tried& tried) {
        const std::size_t before = reports_->size();
        Silent sink;
        const auto subscription = link_->subscribe(attempt.subject, &sink);
        // What is asked after it is answered after it, and so is what it is refused with.
        const auto after = ask(std::string{nats::api::kUserInfoSubject}, {}, false);
        const auto refused = [&] {
            for (std::size_t i = before; i < reports_->size(); ++i) {
                if ((*reports_)[i].find("\"" + attempt.subject + "\"") != std::string::npos) {
                    tried.answer = (*reports_)[i];
                    return true;
                }
            }
            return false;
        };
        if (!after->done || after->error) {
            tried.answer = "no answer";
        } else {
            // nats.c reports from a thread of its own, perhaps a moment later.
            const Duration most = std::exchange(timeout_, attempt.allowed ? 100ms : timeout_);
            tried.outcome = until(refused) ? Outcome::kRefused : Outcome::kAllowed;
            timeout_ = most;
        }
    }

    const Clock& clock_;
    Duration timeout_;
    std::shared_ptr<std::vector<std::string>> reports_ =
        std::make_shared<std::vector<std::string>>();
    nats::EventLoop loop_;
    std::unique_ptr<nats::NatsLink> link_;
};

}  // namespace

const char* name_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::kRefused: return "refused";
        case Outcome::kAllowed: return "allowed";
        case Outcome::kUnknown: return "unknown";
    }
    return "";
}

Result<nats::NatsOptions> options_in(const std::string& folder) {
    auto loaded = TomlReader::load(folder + "/" + kSettingsFile);
    if (!loaded) return fail(loaded.error());
    std::ignore = loaded->text("actor", "");
    nats::NatsOptions options = nats::read_nats_options(loaded->table("nats"), {});
    if (auto done = loaded->finish(); !done) return fail(done.error());
    options.name = "synclinectl security check";
    // They may have been made for another machine.
    options.tls_ca_file = folder + "/" + kAuthorityFile;
    options.tls_cert_file = folder + "/" + kCertificateFile;
    options.tls_key_file = folder + "/" + kKeyFile;
    if (!options.nkey_seed_file.empty()) options.nkey_seed_file = folder + "/" + kSeedFile;
    return options;
}

std::vector<Tried> try_as(const nats::Member& member, const std::vector<PlatformId>& platforms,
                          nats::NatsOptions options, Duration timeout, const Clock& clock) {
    Connection connection{std::move(options), timeout, clock};
    std::vector<Tried> out;
    out.push_back(connection.connect());
    out.back().user = member.name;
    out.back().expected_allowed = true;
    if (out.back().outcome != Outcome::kAllowed) return out;
    for (const Attempt& attempt : nats::attempts_of(member, platforms)) {
        out.push_back({.user = member.name,
                       .what = attempt.what,
                       .subject = attempt.subject,
                       .expected_allowed = attempt.allowed});
        connection.attempt(attempt, out.back());
    }
    return out;
}

Tried try_to_connect(const std::string& user, bool expected, nats::NatsOptions options,
                     Duration timeout, const Clock& clock) {
    Connection connection{std::move(options), timeout, clock};
    Tried out = connection.connect();
    out.user = user;
    out.expected_allowed = expected;
    return out;
}

}  // namespace syncline::ctl::security
