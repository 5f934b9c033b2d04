#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/timestamp.h"

/// What agent, hub and synclinectl need of NATS, and nothing else. Two implementations: NatsLink
/// (nats.c, real servers) and the simulator's.
///
/// Threading: a link and everything it hands out belong to one thread; every callback comes from
/// within poll() on that thread, never from within the call that asked for it.
namespace syncline::nats {

struct Header {
    std::string_view name;
    std::string_view value;
};

/// A message to be stored by a stream. The views are copied before publish() returns.
struct OutMessage {
    std::string_view subject;
    std::string_view body;
    std::span<const Header> headers;
    /// Compare-and-set: store only if the subject's last message has this stream sequence; 0 means
    /// "only if there is none".
    std::optional<std::uint64_t> expected_sequence;
};

/// A message received or read. The views live until the callback returns.
struct InMessage {
    std::string_view subject;
    std::string_view reply;  ///< Empty for stored messages.
    std::string_view body;
    std::uint64_t sequence = 0;  ///< In its stream; 0 for a message that no stream stored.
    std::uint64_t pending = 0;   ///< How many stored ones follow for this consumer, as known.
    Timestamp stored_at;
    bool deleted = false;  ///< A key-value delete or purge marker; `body` is empty.
    /// First value of a header, empty if absent. Works only inside the callback.
    std::function<std::string_view(std::string_view name)> header;
};

struct StoredMessage {
    std::string subject;
    std::string body;
    std::uint64_t sequence = 0;
    Timestamp stored_at;
    bool deleted = false;
};

/// Told what became of publishes; `token` is what the publisher gave.
class PublishSink {
public:
    /// A stream sequence, or: kConflict (compare-and-set refused, nothing stored), kUnavailable
    /// (refused or no stream; nothing stored), kTooLarge (nothing stored), kFull (stream is full;
    /// nothing stored), kAmbiguous (no answer in time, or the connection broke: it may be stored,
    /// now or later).
    virtual void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) = 0;

protected:
    ~PublishSink() = default;
};

/// Receives what a Subscription brings.
class MessageSink {
public:
    virtual void on_message(const InMessage& message) = 0;

protected:
    ~MessageSink() = default;
};

/// Ends when destroyed; no callback comes after that.
class Subscription {
public:
    virtual ~Subscription() = default;
    /// Gives back credit for `count` messages of a consume(); see ConsumeSpec::window.
    virtual void processed(std::size_t count) = 0;
    /// Has a consume() handed out everything that was stored when it began?
    [[nodiscard]] virtual bool caught_up() const { return false; }
};

/// An ordered read of a stream. Nothing is acknowledged: the reader keeps its own position, which
/// it stores with what it did, and starts from there again. The link re-creates its server-side
/// consumer after a lost connection or a hole in the delivery, from the first message not yet
/// handed out, so on_message sees each stored message once and in order while the object lives.
/// A sequence that is not above the one before says that the stream lost messages there.
struct ConsumeSpec {
    std::string stream;
    std::vector<std::string> filters;  ///< Subjects with wildcards; not overlapping.
    std::uint64_t start_sequence = 1;  ///< First stream sequence wanted.
    /// Everything before start_sequence was stored at this time or earlier; 0: unknown. What was
    /// stored later is handed out whatever its number: a server that lost its newest messages
    /// gives their numbers again, and may have passed start_sequence before anybody looked.
    Timestamp read_until;
    bool last_per_subject = false;  ///< Only the newest of each subject, then what comes.
    std::size_t window = 1024;      ///< Most messages handed out and not yet processed().
    /// The server's consumer goes with the subscription, not half a minute later. For who reads
    /// often and little; needs the right to delete consumers.
    bool brief = false;
    /// False: the stream itself is not asked about, which takes a permission that tells much more.
    /// That it was made anew is then not noticed.
    bool watch_stream = true;
};

struct StreamConfig {
    std::string name;
    std::vector<std::string> subjects;
    std::int64_t max_messages_per_subject = -1;
    std::int64_t max_bytes = -1;
    Duration max_age{0};           ///< 0 keeps for ever.
    bool refuse_when_full = true;  ///< Discard policy "new"; false drops the oldest.
    std::int32_t max_message_bytes = 1 << 20;
    int replicas = 1;
    std::vector<std::pair<std::string, std::string>> metadata;
};

/// A server that holds a copy of a stream, as the stream's leader knows it.
struct StreamReplica {
    std::string server;
    bool current = false;   ///< It has all, or nearly.
    bool offline = false;   ///< The leader does not hear of it.
    std::uint64_t lag = 0;  ///< Messages, and votes, that it has not taken yet.
    friend bool operator==(const StreamReplica&, const StreamReplica&) = default;
};

struct StreamInfo {
    Timestamp created;  ///< Its identity: a stream made anew has another.
    Timestamp asked;    ///< The broker's time when it answered; 0: it does not say (before 2.10).
    std::uint64_t first_sequence = 0;
    std::uint64_t last_sequence = 0;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
    std::vector<std::pair<std::string, std::string>> metadata;
    int copies_wanted = 1;                ///< Replicas that it was made with, the leader too.
    std::string leader;                   ///< Name of a server; empty: it is in no cluster.
    std::vector<StreamReplica> replicas;  ///< The others.
};

class Link {
public:
    virtual ~Link() = default;

    /// Publishes to a stream. `sink` hears of `token` exactly once. Not while !connected():
    /// answers kUnavailable then.
    virtual void publish(const OutMessage& message, PublishSink* sink, std::uint64_t token) = 0;

    /// Publishes without store and without answer.
    virtual void send(std::string_view subject, std::string_view body) = 0;

    template <class T>
    using Done = std::function<void(Result<T>)>;

    /// The newest message of `subject`, from the stream's leader; nullopt if there is none.
    virtual void get_last(std::string_view stream, std::string_view subject,
                          Done<std::optional<StoredMessage>> done) = 0;

    /// kNotFound: no such stream.
    virtual void stream_info(std::string_view stream, Done<StreamInfo> done) = 0;

    /// Creates the stream unless it is there; never alters one. Answers what there is.
    virtual void ensure_stream(const StreamConfig& config, Done<StreamInfo> done) = 0;

    [[nodiscard]] virtual std::unique_ptr<Subscription> consume(ConsumeSpec spec,
                                                                MessageSink* sink) = 0;

    /// Messages without store on `subject` (wildcards allowed).
    [[nodiscard]] virtual std::unique_ptr<Subscription> subscribe(std::string_view subject,
                                                                  MessageSink* sink) = 0;

    [[nodiscard]] virtual bool connected() const = 0;
};

}  // namespace syncline::nats
