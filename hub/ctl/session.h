#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/clock.h"
#include "shared/base/result.h"
#include "shared/model/value.h"
#include "shared/nats/event_loop.h"
#include "shared/nats/link.h"
#include "shared/nats/nats_link.h"

namespace syncline::ctl {

/// Whether a command that waits or follows is to end: Ctrl-C or SIGTERM came (catch_signals()), or
/// whoever runs it on this thread wants it so (interrupt_by()).
[[nodiscard]] bool interrupted();
/// Ctrl-C and SIGTERM end what waits, instead of the program. Process-wide.
void catch_signals();
/// Commands of this thread end soon after `wish` says so; null: nothing does. It outlives them.
void interrupt_by(const std::function<bool()>* wish);

/// Blocking use of a NatsLink: every call waits for its answer, none longer than the timeout
/// without any progress. Besides each call's own errors: kUnavailable, the connection is lost;
/// kAmbiguous, no answer in time.
/// Threading: one thread.
class Session {
public:
    /// Connects. kUnavailable: nobody answers within `timeout`; kDenied, kUnsupported, kInvalid:
    /// the server is there and does not want us, or we do not want it. The text names the URL.
    static Result<std::unique_ptr<Session>> open(nats::NatsOptions options, Duration timeout);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    Result<std::optional<nats::StoredMessage>> get_last(std::string_view stream,
                                                        std::string_view subject);
    /// kNotFound: no such stream.
    Result<nats::StreamInfo> stream_info(std::string_view stream);
    /// The first message at or after `sequence` whose subject `filter` takes; nullopt: none.
    Result<std::optional<nats::StoredMessage>> next_from(std::string_view stream,
                                                         std::uint64_t sequence,
                                                         std::string_view filter);

    /// Hands out what the stream holds for `spec`, in order, until there is no more or `take`
    /// says kEnough. kNotFound: no such stream.
    enum class More : std::uint8_t { kWanted, kEnough };
    Result<void> read_each(nats::ConsumeSpec spec,
                           const std::function<More(const nats::InMessage&)>& take);
    /// The same as a list.
    Result<std::vector<nats::StoredMessage>> read_all(nats::ConsumeSpec spec);
    /// How many messages each of `specs` would deliver; asked all at once.
    Result<std::vector<std::uint64_t>> count(const std::vector<nats::ConsumeSpec>& specs);

    Result<std::uint64_t> publish(const nats::OutMessage& message);
    /// Without store; when it returns, the server has it.
    Result<void> send(std::string_view subject, std::string_view body);

    /// A request to whoever serves `subject`, with the body of the answer. kUnavailable also:
    /// nobody does.
    Result<std::string> request(std::string_view subject, std::string_view body);
    /// The same to all who serve it, until none has answered for `quiet`.
    Result<std::vector<std::string>> ask_all(std::string_view subject, std::string_view body,
                                             Duration quiet);

    /// A subject below our prefix that nobody else listens to.
    [[nodiscard]] std::string new_inbox() { return inbox_prefix_ + "." + new_name(); }

    /// A request to JetStream's API: `verb` is "STREAM.MSG.GET", "CONSUMER.LIST", ...; `tail` what
    /// follows in the subject. An answer that holds an error is kNotFound or kUnavailable.
    Result<Value> jetstream(std::string_view verb, std::string_view tail, const Value& body);
    /// The first message at or after `sequence`; nullopt: none.
    Result<std::optional<nats::StoredMessage>> first_from(std::string_view stream,
                                                          std::uint64_t sequence);
    /// The first sequence stored at or after `time`; last + 1 if there is none.
    Result<std::uint64_t> sequence_at(std::string_view stream, Timestamp time);

    /// Turns the loop until `condition`; false when `most` passed or Ctrl-C came.
    [[nodiscard]] bool until(const std::function<bool()>& condition, Duration most);

    [[nodiscard]] nats::NatsLink& link() { return *link_; }
    [[nodiscard]] const Clock& clock() const { return clock_; }
    [[nodiscard]] Duration timeout() const { return timeout_; }
    [[nodiscard]] std::string server_text() const;

private:
    Session(nats::NatsOptions options, Duration timeout);
    template <class T>
    Result<T> wait(const std::function<void(nats::Link::Done<T>)>& ask, std::string_view what);
    void drop_consumer(std::string_view stream, const std::string& name);
    std::string new_name();
    /// What the server said of us who may not publish there.
    [[nodiscard]] std::optional<std::string> denied(std::string_view subject) const;

    SystemClock clock_;
    Duration timeout_;
    std::string inbox_prefix_;
    std::string urls_;
    /// What became of a publish. Told at most once, maybe when nobody waits for it any more.
    struct Ack final : nats::PublishSink {
        void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override {
            if (token == wanted) told = sequence;
        }
        std::optional<Result<std::uint64_t>> told;
        std::uint64_t wanted = 0;
    };
    Ack ack_;
    /// What the server has said beside its answers since the last publish.
    std::shared_ptr<std::vector<std::string>> reports_ =
        std::make_shared<std::vector<std::string>>();
    bool may_delete_ = true;  ///< Consumers.
    nats::EventLoop loop_;
    std::unique_ptr<nats::NatsLink> link_;
    std::uint64_t names_ = 0;
    std::string run_;  ///< Makes the names of our consumers unlike anybody else's.
};

}  // namespace syncline::ctl
