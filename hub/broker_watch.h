#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hub/hub_options.h"
#include "shared/base/clock.h"
#include "shared/nats/link.h"

namespace syncline::hub {

/// Makes the streams, and notices when one lost what it had: it is gone, was made anew, or ends
/// before a sequence that we have seen (facts: an acknowledged publish is not on disk yet).
/// A stream of several copies may seem to end too soon: what one server has handed out its leader
/// may not have stored yet. It has lost something only if it stays so, or stores other messages.
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
    /// Was what is known of every stream asked for at that time or later? By the steady clock.
    [[nodiscard]] bool asked_since(Duration time) const;
    /// Looks before it is due.
    void look_soon() { due_ = std::min(due_, clock_.steady()); }
    /// Where in SYNC_STATE the newest loss is noted that any hub has noticed; 0: nowhere. What was
    /// stored before may not know of it: a stream soon grows past where it ended.
    [[nodiscard]] std::uint64_t noted() const { return noted_; }
    /// A sequence that was read: the stream must never end before it.
    void seen(std::string_view stream, std::uint64_t sequence);
    /// A message of ours was stored. `least`: newest() when it was sent; what comes later must be
    /// stored behind it, or the stream has lost something and grown again unnoticed.
    void stored(std::string_view stream, std::uint64_t least, std::uint64_t sequence);

private:
    /// Reads the first message that the leader lacks, as soon as any server hands one out.
    class Doubt final : public nats::MessageSink {
    public:
        Doubt(nats::Link& link, const std::string& stream, const nats::StreamInfo& lacking,
              std::uint64_t least, Duration now);
        void on_message(const nats::InMessage& message) override;

        const std::uint64_t end;  ///< Where it seemed to.
        const std::uint64_t least;
        const Timestamp asked;  ///< When it did, by the broker's clock.
        const Duration since;
        /// Is the first message behind `end` another than the one of before? A sequence is given
        /// anew only from there on: that none up to `least` is there any more is no loss.
        std::optional<bool> stores_others;

    private:
        std::unique_ptr<nats::Subscription> reader_;
    };

    void look_for_note();
    /// What a stream had when it was asked about.
    struct Asked {
        std::uint64_t least = 0;  ///< For certain.
        std::uint64_t told = 0;   ///< By a leader; the rest some server has handed out.
        Duration at{0};
    };
    void arrived(const std::string& stream, const Asked& asked, Result<nats::StreamInfo> info);
    bool weigh_end(const std::string& stream, const Asked& asked, const nats::StreamInfo& info,
                   std::string& what);

    nats::Link& link_;
    const Clock& clock_;
    Duration interval_;
    std::vector<nats::StreamConfig> configs_;
    std::map<std::string, nats::StreamInfo, std::less<>> infos_;
    std::map<std::string, Duration, std::less<>> asked_at_;   ///< For what is in infos_.
    std::map<std::string, std::uint64_t, std::less<>> told_;  ///< The newest that a leader told of.
    Duration due_{0};
    std::vector<Loss> noticed_;  ///< By stored(); told at the next tick.
    std::map<std::string, std::unique_ptr<Doubt>, std::less<>> doubts_;  ///< By stream.
    std::uint64_t noted_ = 0;
    std::size_t outstanding_ = 0;
    bool told_ready_ = false;
};

}  // namespace syncline::hub
