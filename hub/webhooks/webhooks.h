#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "hub/core/step.h"
#include "hub/webhooks/progress.h"
#include "hub/webhooks/request.h"
#include "hub/webhooks/sender.h"
#include "shared/base/backoff.h"
#include "shared/base/clock.h"
#include "shared/mail/smtp.h"
#include "shared/nats/link.h"

namespace syncline::hub::webhooks {

/// Tells others of business events by HTTP. Each webhook belongs to the hub that holds the
/// partition of its name, which reads the events' stream and sends one event after the other, each
/// until it is taken. How far that is stands in SYNC_STATE, where people act on it by a
/// compare-and-set of theirs. A crash has events of the last second sent once more, with the ids
/// that they had.
/// Threading: the hub's.
class Webhooks final : nats::MessageSink, nats::PublishSink {
public:
    struct Parts {
        nats::Link& link;
        const Clock& clock;
        std::function<std::unique_ptr<HttpClient>()> make_client;
        const DecisionLinks& links;
        const SmtpSettings& mail;
        std::function<void()> wake;                           ///< From other threads.
        std::function<void(ExceptionRecord exception)> show;  ///< Keeps it, for people.
        std::function<void(const std::string& webhook, const char* what)> count;
    };
    explicit Webhooks(Parts parts);
    ~Webhooks();

    /// The policy in force, and the partitions that this hub holds of `partitions`. Null and 0: not
    /// known yet. The policy must live until the next call.
    void follow(const Policy* policy, const std::vector<Partition>& held, std::uint16_t partitions);
    void tick();
    [[nodiscard]] Duration next_wait() const;
    /// Stores how far all is. To be called once before the end.
    void stop();

private:
    class Hook;
    struct Stored {
        Progress progress;
        std::uint64_t sequence = 0;
    };
    void on_message(const nats::InMessage& message) override;
    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override;
    [[nodiscard]] bool is_ours(const std::string& name, const std::vector<Partition>& held) const;

    Parts p_;
    std::mt19937_64 random_;
    const Policy* policy_ = nullptr;
    std::string policy_hash_;
    std::vector<Partition> held_;
    std::uint16_t partitions_ = 0;
    std::unique_ptr<nats::Subscription> reader_;  ///< Of what is stored of all webhooks.
    std::map<std::string, Stored> stored_;
    std::map<std::string, std::unique_ptr<Hook>> hooks_;  ///< Those that are ours.
    std::uint64_t tokens_ = 0;
};

}  // namespace syncline::hub::webhooks
