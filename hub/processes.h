#pragma once

#include <cstdint>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "hub/workflow/message.h"
#include "shared/base/clock.h"
#include "shared/nats/link.h"
#include "shared/policy/policy.h"

namespace syncline::hub {

/// Workflows for whoever is outside: begins instances, shows them, acts on them, lists approvals
/// and takes people's decisions. What is asked goes to the instance as its input, whichever hub has
/// it, and its answer is waited for. Threading: the link's.
class Processes final : nats::PublishSink, nats::MessageSink {
public:
    struct Parts {
        nats::Link& link;
        const Clock& clock;
        std::string hub;  ///< Id among the hubs.
    };
    explicit Processes(Parts parts);
    ~Processes();

    /// The policy in force and the number of partitions; null and 0: not known yet. It must live
    /// until the next call.
    void follow(const Policy* policy, std::uint16_t partitions);

    /// An HTTP status and a JSON object.
    struct Reply {
        int status = 200;
        std::string body;
    };
    using Answer = std::function<void(Reply)>;
    /// Begins an instance, or answers how the one that began before stands. `body`: its context,
    /// and beside it, in `_requester`, who asks.
    void start(std::string_view workflow, std::string_view body, std::string_view trace,
               Answer answer);
    void show(std::string_view instance, Answer answer);
    /// `action` as in Acted::What; `body`: `who`, and `step`, `reason`, `fields`.
    void act(std::string_view instance, std::string_view action, std::string_view body,
             Answer answer);
    /// Those that wait for somebody's word; of all roles if it is empty.
    void approvals(std::string_view role, Answer answer);
    /// How an approval stands; nothing: nobody's word is waited for.
    void find_approval(
        const std::string& key,
        std::function<void(const Result<std::optional<workflow::ApprovalNews>>&)> done);
    /// `verdict` is "approve" or "reject"; `body`: `who`, `seen`, and `comment`, `on_behalf_of`.
    void decide(std::string_view key, std::string_view verdict, std::string_view body,
                Answer answer);
    /// The workflows that can be begun here.
    [[nodiscard]] Value catalogue() const;
    /// Answers those whose time is up.
    void tick();
    [[nodiscard]] Duration next_wait() const;

private:
    /// Somebody who waits for what an instance says.
    struct Waiting {
        std::string instance;
        Duration deadline{0};
        Answer answer;
        bool stored = false;
    };
    struct Listing;

    [[nodiscard]] std::string new_id();
    void send(workflow::Message message, Answer answer);
    [[nodiscard]] bool is_ready(const Answer& answer) const;
    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override;
    void on_message(const nats::InMessage& message) override;

    Parts p_;
    const Policy* policy_ = nullptr;
    std::uint16_t partitions_ = 0;
    std::unique_ptr<nats::Subscription> told_;
    std::map<std::string, Waiting> waiting_;  ///< By the id of the input.
    std::map<std::uint64_t, std::string> publishing_;
    std::list<std::unique_ptr<Listing>> listings_;
    std::uint64_t numbers_ = 0;
    std::string run_;  ///< Makes ids unlike those of an earlier run.
    std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace syncline::hub
