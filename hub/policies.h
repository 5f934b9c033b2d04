#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hub/broker_watch.h"
#include "hub/hub_options.h"
#include "hub/reliable_publisher.h"
#include "shared/nats/link.h"
#include "shared/policy/policy.h"
#include "shared/policy/policy_version.h"

namespace syncline::hub {

/// The versions of the policy, and which of them rules an input. A version comes into force where
/// its activation stands in SYNC_IN: every hub reads that among its inputs, so all of them change
/// over at one place, without talking. What is in force stands in the bucket `sync_policy` then,
/// for hubs that come later.
///
/// Versions are few and stay in memory: what at() and newest() hand out lives as long as this.
/// Threading: the link's.
class Policies final : nats::MessageSink, nats::PublishSink {
public:
    /// `seed` becomes version 1 if there is none; may be empty, then somebody else has to apply
    /// one.
    Policies(nats::Link& link, const Clock& clock, BrokerWatch& watch, ReliablePublisher& effects,
             Duration retry_wait, std::vector<PolicyFile> seed);
    ~Policies();

    /// Called once, when a policy is in force and can be read.
    std::function<void()> on_ready;
    /// Called when another version is in force and can be read.
    std::function<void()> on_activated;

    /// Called when an activation is not in order: nothing changes.
    std::function<void(std::uint64_t version, const std::string& why)> on_refused;

    /// The streams are there.
    void start();
    void tick();
    /// An activation as it was read among the inputs.
    void activate(const nats::InMessage& message);
    /// Somebody relied on this version: until it is known, nothing is decided.
    void expect(std::uint64_t version);
    /// SYNC_IN lost what it had, and gives its sequences anew.
    void forget_places() {
        judged_ = 0;
        settled_from_ = UINT64_MAX;
    }
    /// The bucket lost what it had: what is known here is stored again.
    void restore();

    [[nodiscard]] bool ready() const { return ready_; }
    /// What rules an input that SYNC_IN has at `sequence`; null: not known yet, ask again later.
    [[nodiscard]] const Policy* at(std::uint64_t sequence);
    /// The newest one in force that can be read. Only when ready().
    [[nodiscard]] const Policy& newest() const { return *newest_; }
    /// Null: it is not loaded, as nothing needs it or not yet.
    [[nodiscard]] const Policy* find(std::uint64_t version) const;
    /// The same, and has it loaded if it is a known one.
    [[nodiscard]] const Policy* need(std::uint64_t version);
    /// Whose records the newest one wants to be read anew.
    [[nodiscard]] const std::vector<std::string>& to_read_again() const {
        return known_.at(newest_->version).version->read_again;
    }
    /// Where the newest one came into force, in SYNC_IN.
    [[nodiscard]] std::uint64_t newest_start() const;
    /// The number of the version that rules an input at `sequence`; 0: none that is known.
    [[nodiscard]] std::uint64_t number_at(std::uint64_t sequence) const;
    /// What stands in the way of the newest version; empty: nothing.
    [[nodiscard]] std::string trouble() const;

private:
    struct Known {
        std::optional<PolicyVersion> version;
        std::optional<PolicyStart> start;  ///< In force from there on.
        /// Read among the inputs and not yet found to be in order.
        std::optional<PolicyActivation> activation;
        PolicyStart activated;
        std::vector<std::string> approved_by;  ///< Of those that it names: who truly did.
        std::vector<PolicyFile> files;
        std::unique_ptr<Policy> policy;
        std::uint64_t attempt = 0;  ///< To read it; answers to an older one are ignored.
        std::size_t outstanding = 0;
        std::string failed;    ///< Why this attempt did; empty so far.
        std::string missing;   ///< What the bucket has not.
        bool broken = false;   ///< This hub can never read it.
        Duration retry_at{0};  ///< 0: not waiting for a retry.
        /// Since when it is missing; 0: it is not. A hub that has it stores it again much sooner.
        Duration missing_since{0};
    };
    /// Does nobody have it any more?
    [[nodiscard]] bool is_lost(const Known& known) const;

    void on_message(const nats::InMessage& message) override;
    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override;
    void seed();
    void compare_seed() const;
    [[nodiscard]] std::optional<std::uint64_t> start_of(std::uint64_t number,
                                                        const Known& known) const;
    void load(std::uint64_t number, Known& known);
    void get(std::uint64_t number, Known& known, const std::string& subject, auto take);
    const PolicyFile* own_file(const std::string& subject);
    void loaded(std::uint64_t number, Known& known);
    void take(PolicyActivation activation, const PolicyStart& place);
    void judge();
    void move_lost_places();
    void judge_later();
    void settle();
    [[nodiscard]] std::uint64_t newest_start_seen() const;
    void refuse(std::uint64_t number, Known& known, const std::string& why);
    void choose_newest();

    nats::Link& link_;
    const Clock& clock_;
    BrokerWatch& watch_;
    ReliablePublisher& effects_;
    Duration retry_wait_;
    std::vector<PolicyFile> seed_;
    std::map<std::uint64_t, Known> known_;
    std::unique_ptr<nats::Subscription> reader_;
    /// Activations alone: while inputs wait for a version that is lost, none is read among them.
    std::unique_ptr<nats::Subscription> activations_;
    std::uint64_t read_to_ = 0;  ///< In the bucket's stream.
    bool read_ = false;          ///< What the bucket held at the start is known.
    bool ready_ = false;
    Duration seed_due_{0};
    struct Later {
        PolicyActivation activation;
        PolicyStart place;
    };
    std::map<std::uint64_t, Later> later_;  ///< Of versions whose activation before is not judged.
    std::uint64_t judged_ = 0;              ///< The newest activation that was, in SYNC_IN.
    std::uint64_t expected_ = 0;
    Duration missed_since_{0};  ///< It is not known since then; 0: it is, or that was told.
    const Policy* newest_ = nullptr;
    /// From here on newest_ rules, beyond doubt; looked at anew at each turn.
    std::uint64_t settled_from_ = UINT64_MAX;
    std::string broken_;  ///< Why the newest cannot be read.
};

}  // namespace syncline::hub
