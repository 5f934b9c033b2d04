#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/clock.h"
#include "shared/nats/microservice.h"
#include "shared/policy/policy.h"

namespace syncline::hub {

/// Questions at a hub: those with a dot go to the platform's agent, the others are put together
/// of several as the policy in force says, all at the same time. What a hub answers does not come
/// from its states, so any hub answers any question, whatever partitions it holds.
///
///     {"ask":"order_check","version":"1.0.0","verdict":"no","reasons":["..."],"values":{...},
///      "parts":{"credit":{"source":"live","values":{...}}}}
///
/// Also offered to NATS, as the service `sync-hub`.
/// Lifetime: what is given outlives it. Threading: the link's.
class Asks {
public:
    struct Parts {
        nats::Services& services;
        const Clock& clock;
        std::string hub;      ///< Id among the hubs.
        std::string version;  ///< Of the program.
    };
    explicit Asks(Parts parts) : p_(std::move(parts)) {}
    ~Asks();

    /// The policy in force; null: none yet. It must live until the next call.
    void follow(const Policy* policy);

    /// An HTTP status and a JSON object.
    struct Reply {
        int status = 200;
        std::string body;
    };
    using Answer = std::function<void(Reply)>;
    /// Answers once, at once or within the question's deadline, and not after this is gone.
    void ask(std::string_view name, std::string_view body, Answer answer);
    /// The questions of the policy in force: name, class, version, owner, input, parts.
    [[nodiscard]] Value catalogue() const;
    /// Answers those whose time is up.
    void tick();
    [[nodiscard]] Duration next_wait() const;

    struct Counts {
        std::uint64_t asked = 0;
        std::uint64_t failed = 0;
    };
    [[nodiscard]] const Counts& counts() const { return counts_; }

private:
    /// One that waits for agents.
    struct Waiting {
        std::string name;
        Duration deadline{0};
        Answer answer;
        std::size_t missing = 0;  ///< Parts that have not answered.
        // Of a composite one; it has no form if it is not.
        std::shared_ptr<const CompositeAsk> form;
        Fields input;
        std::vector<PartAnswer> parts;
        std::vector<bool> answered;
    };

    void ask_platform(const AskName& name, std::string_view body, Answer answer);
    void ask_several(const CompositeAsk& ask, std::string_view body, Answer answer);
    void ask_part(std::uint64_t id, std::size_t part, const Fields& input);
    void on_platform(std::uint64_t id, const Result<std::string_view>& told);
    void on_part(std::uint64_t id, std::size_t part, PartAnswer answer);
    void conclude(std::uint64_t id);
    [[nodiscard]] bool is_too_often(const CompositeAsk& ask);
    void offer();

    Parts p_;
    const Policy* policy_ = nullptr;
    std::string offered_;  ///< Hash of the policy whose questions NATS sees.
    std::unique_ptr<nats::Microservice> service_;
    std::map<std::uint64_t, Waiting> waiting_;
    std::map<std::string, Duration, std::less<>> next_at_;  ///< When the next may be asked.
    std::uint64_t next_id_ = 0;
    Counts counts_;
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace syncline::hub
