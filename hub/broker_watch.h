#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "hub/hub_options.h"
#include "shared/base/clock.h"
#include "shared/nats/link.h"

namespace syncline::hub {

/// Makes the streams, and notices when one lost what it had: it is gone, was made anew, or ends
/// before a sequence that we have seen (facts: an acknowledged publish is not on disk yet).
/// Threading: the link's.
class BrokerWatch {
public:
    struct Loss {
        std::string stream;
        std::string what;  ///< For people.
    };
    BrokerWatch(nats::Link& link, const Clock& clock, Duration interval,
                std::vector<nats::StreamConfig> configs)
        : link_(link), clock_(clock), interval_(interval), configs_(std::move(configs)) {}

    /// Called when a stream lost what it had; its new info is in info() by then.
    std::function<void(const Loss&)> on_loss;
    /// Called when any hub has noticed a loss; see noted().
    std::function<void()> on_noted;
    /// Called once, when all streams are there.
    std::function<void()> on_ready;
    /// Called when a stream can not be made, at most every few seconds.
    std::function<void(const std::string& stream, const Error&)> on_trouble;

    void tick();
    [[nodiscard]] bool ready() const { return infos_.size() == configs_.size(); }
    [[nodiscard]] const nats::StreamInfo* info(std::string_view stream) const;
    /// The newest sequence that is known; 0 if the stream is not.
    [[nodiscard]] std::uint64_t newest(std::string_view stream) const;
    /// Where in SYNC_STATE the newest loss is noted that any hub has noticed; 0: nowhere. What was
    /// stored before may not know of it: a stream soon grows past where it ended.
    [[nodiscard]] std::uint64_t noted() const { return noted_; }
    /// A sequence that was read: the stream must never end before it.
    void seen(std::string_view stream, std::uint64_t sequence);
    /// A message of ours was stored. `least`: newest() when it was sent; what comes later must be
    /// stored behind it, or the stream has lost something and grown again unnoticed.
    void stored(std::string_view stream, std::uint64_t least, std::uint64_t sequence);

private:
    void look_for_note();
    void arrived(const std::string& stream, std::uint64_t least, Result<nats::StreamInfo> info);

    nats::Link& link_;
    const Clock& clock_;
    Duration interval_;
    std::vector<nats::StreamConfig> configs_;
    std::map<std::string, nats::StreamInfo, std::less<>> infos_;
    Duration due_{0};
    std::vector<Loss> noticed_;  ///< By stored(); told at the next tick.
    std::uint64_t noted_ = 0;
    std::size_t asked_ = 0;
    bool told_ready_ = false;
};

}  // namespace syncline::hub
