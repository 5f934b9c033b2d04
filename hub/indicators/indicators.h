#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "hub/indicators/alert.h"
#include "hub/indicators/series.h"
#include "shared/base/clock.h"
#include "shared/nats/link.h"
#include "shared/policy/policy.h"

namespace syncline::hub::indicators {

/// Measures the business by its events, and tells when people should look. Each indicator belongs
/// to the hub that holds the partition of its name, which reads its events from the stream's start:
/// what is measured is made of nothing else. How its alerts stand is kept in SYNC_STATE, where
/// people act on it by a compare-and-set of theirs; it is stored before anybody is told.
/// Threading: the hub's.
class Indicators final : nats::MessageSink, nats::PublishSink {
public:
    struct Parts {
        nats::Link& link;
        const Clock& clock;
    };
    explicit Indicators(const Parts& parts);
    ~Indicators();

    /// The policy in force, and the partitions that this hub holds of `partitions`. Null and 0: not
    /// known yet.
    void follow(const Policy* policy, const std::vector<Partition>& held, std::uint16_t partitions);
    void tick();
    [[nodiscard]] Duration next_wait() const;

    /// What is ours, as it was last measured.
    struct Reading {
        const IndicatorSpec& spec;
        const Figures& figures;
        std::map<std::string, bool> raised;  ///< By alert.
    };
    [[nodiscard]] std::vector<Reading> readings() const;

private:
    class Watch;
    struct Stored {
        AlertState state;
        std::uint64_t sequence = 0;
    };
    void on_message(const nats::InMessage& message) override;
    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override;

    Parts p_;
    std::string policy_hash_;
    std::vector<Partition> held_;
    std::uint16_t partitions_ = 0;
    std::unique_ptr<nats::Subscription> reader_;  ///< Of how alerts stand.
    std::map<std::string, Stored> stored_;        ///< By alert.
    std::vector<std::unique_ptr<Watch>> watches_;
    std::uint64_t tokens_ = 0;
    Duration due_{0};
};

/// As it is kept of an indicator for people: JSON.
[[nodiscard]] std::string encode(const IndicatorSpec& spec, const Figures& figures, Timestamp at);

}  // namespace syncline::hub::indicators
