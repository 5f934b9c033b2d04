#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <thread>

#include "hub/api/oidc/provider.h"
#include "hub/api/oidc/settings.h"
#include "hub/api/oidc/ticket.h"
#include "shared/base/clock.h"
#include "shared/http/client.h"

namespace syncline::hub::oidc {

/// People sign in at an OpenID provider. What is asked of it is asked on a thread of its own, which
/// is made by the first who signs in: a provider that is slow or away costs nobody else anything.
///
/// Threading: open() first; then begin(), finish() and logout_url() from any thread. What is asked
/// for is called from the thread, or at once if it cannot be taken.
class SignIn {
public:
    using MakeClient = std::function<std::unique_ptr<HttpClient>()>;

    /// Who waits longer is told so without having been asked for.
    static constexpr Duration kWaitMost = std::chrono::seconds{20};
    static constexpr std::size_t kWaitingMost = 64;

    explicit SignIn(const Clock& clock) : clock_(clock), tickets_(clock) {}
    /// Breaks off what is on its way; what waits is not answered.
    ~SignIn();
    SignIn(const SignIn&) = delete;
    SignIn& operator=(const SignIn&) = delete;

    /// What Secret::load() says; kUnavailable: no random bytes. Asks nothing of anybody. Without
    /// `make` libcurl does.
    Result<void> open(const Settings& settings, const MakeClient& make = {});
    [[nodiscard]] bool enabled() const { return settings_.enabled(); }
    [[nodiscard]] const Settings& settings() const { return settings_; }

    struct Begun {
        std::string url;     ///< Where the browser goes.
        std::string cookie;  ///< What it must bring back.
    };
    using OnBegun = std::function<void(Result<Begun>)>;
    void begin(const std::string& to, OnBegun done);

    /// What comes back to the redirect URI.
    struct Answer {
        std::string cookie;
        std::string state;
        std::string code;
        std::string issuer;
        std::string error;
        std::string about;  ///< `error_description`.
    };
    struct Finished {
        Person person;
        std::string to;
        std::string id_token;
    };
    using OnFinished = std::function<void(Result<Finished>)>;
    void finish(const Answer& answer, OnFinished done);

    /// See Provider.
    [[nodiscard]] std::string logout_url(const std::string& id_token) const;

private:
    using Work = std::function<void(std::stop_token stop, bool late)>;
    bool enqueue(Work work);
    void run(const std::stop_token& stop);
    Result<Finished> redeem(const Answer& answer, Ticket ticket, const std::stop_token& stop);

    struct Waiting {
        Duration since;
        Work work;
    };
    const Clock& clock_;
    Settings settings_;
    Tickets tickets_;
    std::unique_ptr<Provider> provider_;
    std::mutex mutex_;
    std::condition_variable_any news_;
    std::deque<Waiting> waiting_;
    std::jthread thread_;  ///< Last: it ends before the rest goes.
};

}  // namespace syncline::hub::oidc
