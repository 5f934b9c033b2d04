#include "hub/api/oidc/sign_in.h"

#include <utility>

#include "hub/api/oidc/claims.h"
#include "hub/ctl/text.h"

namespace syncline::hub::oidc {
namespace {

constexpr std::size_t kAnswerMost = 1u << 20;

std::unexpected<Error> busy() {
    return fail(ErrorKind::kUnavailable, "too many sign in at once; try again in a moment");
}

std::unexpected<Error> refused_there(const SignIn::Answer& answer) {
    const std::string about = answer.about.empty() ? "" : ": " + answer.about.substr(0, 200);
    return fail(ErrorKind::kDenied,
                ctl::printable("the provider says " + answer.error.substr(0, 60) + about));
}

}  // namespace

SignIn::~SignIn() {
    thread_.request_stop();
    if (thread_.joinable()) thread_.join();
}

Result<void> SignIn::open(const Settings& settings, const MakeClient& make) {
    settings_ = settings;
    if (!settings_.enabled()) return {};
    if (auto loaded = settings_.client_secret.load(); !loaded) {
        return fail(loaded.error(), "api.oidc");
    }
    if (auto ready = tickets_.open(); !ready) return ready;
    auto http = make ? make()
                     : std::make_unique<CurlClient>(CurlClient::Options{
                           .response_bytes_max = kAnswerMost, .ca_file = settings_.ca_file});
    provider_ = std::make_unique<Provider>(settings_, clock_, std::move(http));
    return {};
}

bool SignIn::enqueue(Work work) {
    {
        const std::lock_guard lock{mutex_};
        if (waiting_.size() >= kWaitingMost) return false;
        waiting_.push_back({clock_.steady(), std::move(work)});
        if (!thread_.joinable()) {
            thread_ = std::jthread{[this](const std::stop_token& stop) { run(stop); }};
        }
    }
    news_.notify_one();
    return true;
}

void SignIn::run(const std::stop_token& stop) {
    for (;;) {
        Waiting next;
        {
            std::unique_lock lock{mutex_};
            if (!news_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
            if (stop.stop_requested()) return;
            next = std::move(waiting_.front());
            waiting_.pop_front();
        }
        next.work(stop, clock_.steady() - next.since > kWaitMost);
    }
}

void SignIn::begin(const std::string& to, OnBegun done) {
    auto ticket = tickets_.make(to);
    if (!ticket) return done(fail(ticket.error()));
    if (auto url = provider_->known_sign_in_url(*ticket)) {
        return done(Begun{*std::move(url), ticket->cookie});
    }
    const bool taken = enqueue([this, ticket = *ticket, done](std::stop_token stop, bool late) {
        if (late) return done(busy());
        auto url = provider_->sign_in_url(ticket, stop);
        if (!url) return done(fail(url.error()));
        done(Begun{*std::move(url), ticket.cookie});
    });
    if (!taken) done(busy());
}

void SignIn::finish(const Answer& answer, OnFinished done) {
    auto ticket = tickets_.find(answer.cookie, answer.state);
    if (!ticket) return done(fail(ticket.error()));
    if (!answer.error.empty()) return done(refused_there(answer));
    if (answer.code.empty()) {
        return done(fail(ErrorKind::kInvalid, "the provider's answer has neither code nor error"));
    }
    const bool taken =
        enqueue([this, answer, ticket = *ticket, done](std::stop_token stop, bool late) {
            if (late) return done(busy());
            done(redeem(answer, ticket, stop));
        });
    if (!taken) done(busy());
}

Result<SignIn::Finished> SignIn::redeem(const Answer& answer, Ticket ticket,
                                        const std::stop_token& stop) {
    if (auto fine = provider_->check_answer(answer.issuer, stop); !fine) return fail(fine.error());
    auto known = provider_->redeem(answer.code, ticket, stop);
    if (!known) return fail(known.error());
    if (auto used = tickets_.use(ticket); !used) return fail(used.error());
    auto person = person_of(known->claims, settings_);
    if (!person) return fail(person.error());
    return Finished{*std::move(person), std::move(ticket.to), std::move(known->id_token)};
}

std::string SignIn::logout_url(const std::string& id_token) const {
    return provider_ == nullptr ? std::string{} : provider_->logout_url(id_token);
}

}  // namespace syncline::hub::oidc
