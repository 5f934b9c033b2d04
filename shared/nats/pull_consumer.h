#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "shared/base/backoff.h"
#include "shared/nats/handles.h"
#include "shared/nats/jetstream_api.h"
#include "shared/nats/link.h"
#include "shared/nats/replies.h"

namespace syncline::nats {

class Session;

/// What a consume() does: an ephemeral consumer on the server that acknowledges nothing, pulled
/// with overlapping requests, checked delivery by delivery, and made anew from the first message
/// not handed out whenever anything is missing.
///
/// A consumer lives in one attempt: its name, its inbox and its subscription are new, so nothing
/// that an earlier one still sends can be mistaken for it.
/// Threading: belongs to the loop's thread.
class PullConsumer : public std::enable_shared_from_this<PullConsumer> {
public:
    PullConsumer(Session& session, ConsumeSpec spec, MessageSink* sink);

    /// No callback comes after this. Harmless from within one.
    void close();
    [[nodiscard]] bool closed() const { return closed_; }
    void processed(std::size_t count);
    [[nodiscard]] bool caught_up() const { return caught_up_; }

    /// Asks for as many messages as there is room for. Answers how long it may be left alone.
    [[nodiscard]] Duration before_wait(Duration now);
    /// Hands out what has arrived, and restarts what went silent.
    void after_wait(Duration now);

private:
    enum class Phase : std::uint8_t {
        kWaiting,   ///< For the connection, or for `retry_at_`.
        kCreating,  ///< Requests are out: the stream's identity, the consumer, see Creation.
        kPulling,
    };
    /// The answers of kCreating.
    struct Creation {
        bool stream_known = false;  ///< Answered, or we may not ask.
        std::optional<Timestamp> stream_created;
        std::uint64_t stream_last = 0;
        std::optional<api::ConsumerInfo> consumer;
        /// Of a consumer that is never pulled: where what was stored after `read_until_` begins.
        std::optional<api::ConsumerInfo> later;
        bool later_wanted = false;
    };

    void create(Duration now);
    void on_stream(const Result<std::string_view>& answer);
    void on_consumer(std::optional<api::ConsumerInfo> Creation::*which,
                     const Result<std::string_view>& answer);
    void when_created();
    /// True: the stream is not the one that was read so far, and reading starts again.
    [[nodiscard]] bool stream_is_another();
    [[nodiscard]] api::ConsumerStart start() const;

    void drain();
    void on_message(natsMsg* message);
    void on_status(natsMsg* message, std::string_view status);
    void hand_out(natsMsg* message, const Delivery& delivery);
    void ask(std::size_t count);
    [[nodiscard]] std::size_t chunk() const;

    enum class Haste : std::uint8_t { kAtOnce, kBackOff };
    void restart(Haste haste);

    Session& session_;
    ConsumeSpec spec_;
    MessageSink* sink_;
    bool closed_ = false;

    // What has been read, whatever became of consumers.
    std::uint64_t next_ = 1;       ///< First stream sequence not handed out.
    Timestamp read_until_;         ///< What was stored later was not handed out; 0: unknown.
    bool caught_up_ = false;       ///< All that was there at the start was handed out.
    std::size_t unprocessed_ = 0;  ///< Handed out and not processed().
    std::optional<Timestamp> stream_created_;

    // The attempt.
    Phase phase_ = Phase::kWaiting;
    std::uint64_t epoch_ = 0;
    std::uint64_t attempt_ = 0;
    Creation creation_;
    handle::Subscription subscription_;
    std::string inbox_;
    std::string name_;             ///< Of the consumer.
    std::string next_subject_;     ///< Where its messages are asked for.
    std::size_t asked_ = 0;        ///< Asked for and not delivered.
    std::uint64_t delivered_ = 0;  ///< By this consumer: its sequence.
    std::uint64_t initially_pending_ = 0;
    Duration heard_{0};  ///< Last sign of life.
    Duration retry_at_{0};
    Backoff backoff_;
};

}  // namespace syncline::nats
