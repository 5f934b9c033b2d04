#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "shared/base/clock.h"
#include "shared/nats/connection.h"
#include "shared/nats/jetstream_api.h"
#include "shared/nats/link.h"
#include "shared/nats/link_counters.h"
#include "shared/nats/reply_table.h"

namespace syncline::nats {

/// One connection to NATS as the rest of the link sees it: publishes and requests with their
/// answers, and a number that changes whenever everything on the server has to be made anew.
/// All answers come through one wildcard subscription; the last token of the subject is the
/// ReplyTable's ticket.
/// Threading: belongs to the loop's thread. Callbacks come from after_wait() only.
class Session {
public:
    Session(EventLoop& loop, NatsOptions options);

    /// Connected, and the server is known to be new enough.
    [[nodiscard]] bool ready() const { return ready_; }
    /// Counts the connections made; what was subscribed in an earlier epoch is gone.
    [[nodiscard]] std::uint64_t epoch() const { return epoch_; }
    /// Null unless ready().
    [[nodiscard]] natsConnection* connection() const {
        return ready_ ? connection_.get() : nullptr;
    }

    void publish(const OutMessage& message, PublishSink* sink, std::uint64_t token);
    /// `reply`: where it is to be answered; empty: nowhere.
    void send(std::string_view subject, std::string_view body, std::string_view reply = {},
              std::span<const Header> headers = {});

    /// `done` hears exactly once: the answer's body, kUnavailable (not connected, or nobody
    /// listens), kDenied (we may not publish to the subject), kAmbiguous (no answer).
    using Answer = std::function<void(Result<std::string_view>)>;
    void request(const api::Request& request, Answer done, std::span<const Header> headers = {});
    /// The same with the whole answer, whose headers matter. It lives until `done` returns.
    using MessageAnswer = std::function<void(const Result<InMessage>&)>;
    void request_message(const api::Request& request, MessageAnswer done,
                         std::span<const Header> headers = {});
    /// `subject` as it is sent: one of JetStream's API begins with the configured prefix.
    [[nodiscard]] std::string on_wire(std::string_view subject) const;

    /// A subscription whose messages are queued until somebody takes them. Requires ready().
    /// With a `queue`, each message goes to one of its subscribers only.
    [[nodiscard]] Result<handle::Subscription> subscribe(const std::string& subject,
                                                         const std::string& queue = {});
    /// A subject that nobody else uses, under the configured prefix. Without wildcard.
    [[nodiscard]] std::string new_inbox();

    [[nodiscard]] Duration before_wait();
    void after_wait();

    [[nodiscard]] Duration now() const { return clock_.steady(); }
    [[nodiscard]] std::uint64_t random() { return random_(); }
    [[nodiscard]] const LinkStatus& status() const { return status_; }
    [[nodiscard]] std::size_t open() const { return replies_.size(); }
    [[nodiscard]] LinkCounters& counters() { return counters_; }

private:
    struct Refusal {
        ReplyTable::Entry entry;
        Error error;
    };
    struct Request {
        std::string subject;  ///< As it was sent.
        MessageAnswer done;
        ReplyTable::Ticket ticket{};
    };

    [[nodiscard]] Result<void> check_size(const OutMessage& message) const;
    /// Hands the message to nats.c, which copies it.
    /// `reply`: null for none.
    [[nodiscard]] natsStatus transmit(const OutMessage& message, const char* reply);
    [[nodiscard]] natsStatus transmit_with_headers(const OutMessage& message, const char* reply);
    [[nodiscard]] const char* reply_subject(const ReplyTable::Ticket& ticket);
    void refuse(const ReplyTable::Entry& entry, ErrorKind kind, std::string_view what);
    void send_request(const api::Request& request, MessageAnswer done,
                      std::span<const Header> headers = {});

    void on_up();
    void on_down();
    void on_version(const Result<InMessage>& answer);
    void take_answers();
    void on_answer(natsMsg* message);
    void on_no_responders();
    void settle_no_responders();
    void tell(const ReplyTable::Entry& entry, const Result<std::uint64_t>& sequence);
    void tell(const ReplyTable::Entry& entry, Error error);
    void answer_request(std::uint64_t id, const Result<InMessage>& answer);
    void expire();
    void take_reports();
    /// Something tried again and again is not told each time.
    [[nodiscard]] bool is_news(const std::string& report);
    void deliver_refusals();
    void report();

    NatsOptions options_;
    SystemClock clock_;
    std::mt19937_64 random_;
    Connection connection_;
    handle::Subscription answers_;
    ReplyTable replies_;
    /// Answers "nobody listens" that belong to open entries, see on_no_responders().
    std::size_t no_responders_ = 0;
    Duration no_responders_trusted_{0};  ///< Since when.
    std::unordered_map<std::uint64_t, Request> requests_;
    std::uint64_t next_request_ = 0;
    std::unordered_map<std::string, Duration> reported_;  ///< When, by its text.
    std::vector<Refusal> refusals_;  ///< Told in the next turn, never from within the call.
    std::string reply_;              ///< Reply subject of the last publish; its end is overwritten.
    std::string subject_;            ///< The last subject, with the zero that nats.c wants.
    std::string value_;
    handle::Spent sent_;  ///< Messages with headers, copied by nats.c already.
    std::size_t max_payload_ = 0;
    std::uint64_t epoch_ = 0;
    bool ready_ = false;
    LinkStatus status_;
    LinkCounters counters_;
};

}  // namespace syncline::nats
