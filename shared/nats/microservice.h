#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/clock.h"
#include "shared/model/value.h"
#include "shared/nats/services.h"

namespace syncline::nats {

/// A service as NATS's own tools see it (ADR-32, `nats micro ls|info|stats`): it answers
/// `$SRV.PING|INFO|STATS`, and hands the requests to its endpoints on, each with one answer.
///
/// Lifetime: `services` and `clock` outlive it; an Answer may outlive it and then does nothing.
/// Threading: as Services.
class Microservice {
public:
    struct Endpoint {
        std::string name;  ///< `[A-Za-z0-9_-]+`.
        std::string subject;
        std::vector<std::pair<std::string, std::string>> metadata;
    };
    struct Description {
        std::string name;  ///< `[A-Za-z0-9_-]+`.
        std::string id;    ///< Of this process.
        std::string version = "0.0.0";
        std::string description;
        std::vector<Endpoint> endpoints;
    };
    /// A body, or an error with the number of an HTTP status and a text.
    struct Reply {
        std::string body;
        int error = 0;  ///< 0: none.
        std::string text;
    };
    using Answer = std::function<void(Reply)>;
    /// `endpoint` is an index. Views of the request live until it returns.
    using Handler =
        std::function<void(std::size_t endpoint, const InMessage& request, Answer answer)>;

    Microservice(Services& services, const Clock& clock, Description description, Handler handler);
    ~Microservice();
    Microservice(const Microservice&) = delete;
    Microservice& operator=(const Microservice&) = delete;

    struct Stats {
        std::uint64_t requests = 0;
        std::uint64_t errors = 0;
        std::string last_error;
        Duration processing{0};  ///< In all.
    };
    [[nodiscard]] const Stats& stats(std::size_t endpoint) const;

private:
    class Verb;
    class Served;
    void answer_verb(std::string_view verb, const InMessage& request);
    [[nodiscard]] Value::Map head(std::string_view type) const;
    [[nodiscard]] Value info() const;
    [[nodiscard]] Value told_stats() const;
    void on_request(std::size_t endpoint, const InMessage& request);
    void finish(std::size_t endpoint, const std::string& to, Duration began, const Reply& reply);

    Services& services_;
    const Clock& clock_;
    Description description_;
    Handler handler_;
    Timestamp started_;
    std::vector<Stats> stats_;
    std::vector<std::unique_ptr<Verb>> verbs_;
    std::vector<std::unique_ptr<Served>> served_;
    std::vector<std::unique_ptr<Subscription>> subscriptions_;
    /// Answers that come when the service is gone find this gone too.
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace syncline::nats
