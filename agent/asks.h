#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/ask_executor.h"
#include "agent/environment.h"
#include "agent/platform_gate.h"
#include "agent/settings.h"
#include "shared/nats/microservice.h"
#include "shared/nats/services.h"

namespace syncline::agent {

/// Questions about the platform, answered at once: each is a request on
/// `sync.ask.<platform>.<name>` with a JSON object, and its one reply. Never waits behind other
/// work: a question takes the next token of the platform's rate before anything else does. What the
/// platform does not answer in time is answered from what it said before, if that is allowed, else
/// by the fallback, else by an error; which of them it is, the answer says.
///
///     {"ask":"erp.credit_status","version":"1.0.0","source":"live","age_ms":0,"values":{...}}
///     {"ask":"erp.credit_status","error":{"status":504,"kind":"unavailable","text":"..."}}
///
/// Threading: the agent's. Nothing of it is stored.
class Asks {
public:
    struct Parts {
        const Environment& environment;
        const AgentSettings& settings;
        PlatformGate& gate;
        AskExecutor* executor;     ///< Null: this platform answers no questions.
        nats::Services* services;  ///< Not null if `executor` is not.
    };
    explicit Asks(const Parts& parts);
    ~Asks();

    void start();
    /// Answers those whose time is up.
    void pump();
    [[nodiscard]] Duration next_deadline() const;

    struct Status {
        std::uint64_t asked = 0;
        std::uint64_t live = 0;    ///< Answered by the platform,
        std::uint64_t cached = 0;  ///< by what it said just before,
        std::uint64_t stale = 0;   ///< by what it said longer ago, as it did not answer,
        std::uint64_t fallback = 0;
        std::uint64_t failed = 0;  ///< or by an error.
        std::size_t waiting = 0;
    };
    [[nodiscard]] Status status() const;

private:
    using Answer = nats::Microservice::Answer;
    enum class Source : std::uint8_t { kLive, kCache, kStale, kFallback };

    struct Known {
        Fields values;
        Duration at{0};
    };
    /// Those who ask the same at the same time.
    struct Pending {
        std::uint64_t number = 0;
        Duration deadline{0};
        std::vector<Answer> askers;  ///< Empty: all have been answered, the platform has not.
    };
    struct Question {
        const AskSettings& settings;
        TokenBucket rate;
        std::map<std::string, Known> known;      ///< By the input, as JSON.
        std::map<std::string, Pending> pending;  ///< The same.
    };

    void on_request(std::size_t at, const nats::InMessage& request, Answer answer);
    void put(std::size_t at, const std::string& key, const Fields& input, Answer answer);
    void on_answer(std::size_t at, const std::string& key, std::uint64_t number,
                   Executor::Answer<Value> answer);
    /// The platform does not say: what may be said instead, or the error.
    [[nodiscard]] nats::Microservice::Reply instead(Question& question, const std::string& key,
                                                    const Error& error);
    [[nodiscard]] nats::Microservice::Reply told(const Question& question, Source source,
                                                 Duration age, const Fields& values);
    [[nodiscard]] nats::Microservice::Reply refused(const Question& question, const Error& error);
    void remember(Question& question, const std::string& key, const Fields& values);
    [[nodiscard]] nats::Microservice::Description description() const;
    [[nodiscard]] std::string full_name(const Question& question) const;
    [[nodiscard]] Duration now() const { return p_.environment.steady(); }

    Parts p_;
    Breaker breaker_;
    std::vector<Question> questions_;
    std::unique_ptr<nats::Microservice> service_;
    std::uint64_t numbers_ = 0;
    Status status_;
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace syncline::agent
