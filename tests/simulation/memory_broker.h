#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "shared/nats/link.h"
#include "shared/wire/subjects.h"
#include "tests/simulation/world.h"

namespace syncline::sim {

/// Does `subject` fall under `pattern` (`*` one token, `>` the rest)?
[[nodiscard]] bool subject_matches(std::string_view pattern, std::string_view subject);

struct BrokerMessage {
    std::string subject;
    std::string body;
    std::uint64_t sequence = 0;
    Timestamp stored_at;
};
using MessagePtr = std::shared_ptr<const BrokerMessage>;

/// One connection, as the server knows it. Implemented by MemoryLink; outlives no registration.
class BrokerClient {
public:
    virtual void deliver(std::uint64_t consumer, MessagePtr message, std::uint64_t pending) = 0;
    virtual void consumer_gone(std::uint64_t consumer) = 0;
    virtual void deliver_core(std::uint64_t subscription, MessagePtr message) = 0;
    virtual void server_gone() = 0;

protected:
    ~BrokerClient() = default;
};

/// What one nats-server (or a cluster that acts as one) keeps and answers, as of the moment a
/// request reaches it: streams, consumers, core subscriptions. Latency, loss and disconnects are
/// MemoryLink's; restarts, power cuts and deletions are here.
///
/// What a publish acknowledged is not on disk until the next sync (facts/nats.md 1.7), so a power
/// cut takes the newest messages of each stream, and brings back what they had replaced.
class MemoryBroker {
public:
    explicit MemoryBroker(World& world) : world_(world) {}

    struct Behaviour {
        Duration sync_interval = std::chrono::minutes{2};
        bool refuse_as_full = false;  ///< Out of space: publishes are refused, nothing is stored.
    };
    Behaviour behaviour;

    // ---- Requests, at the moment they arrive. Nothing answers while !up().
    /// kConflict, kTooLarge, kFull, kUnavailable (no stream listens there).
    Result<std::uint64_t> publish(std::string_view subject, std::string_view body,
                                  std::optional<std::uint64_t> expected);
    Result<std::optional<nats::StoredMessage>> get_last(std::string_view stream,
                                                        std::string_view subject);
    Result<nats::StreamInfo> info(std::string_view stream);
    /// Creates it unless it is there; answers what there is.
    Result<nats::StreamInfo> ensure(const nats::StreamConfig& config);

    struct ConsumerStart {
        std::string stream;
        std::vector<std::string> filters;
        bool last_per_subject = false;
        std::uint64_t sequence = 1;
        Timestamp stored_after;  ///< If not 0, instead of `sequence`.
    };
    struct ConsumerMade {
        std::uint64_t id = 0;
        std::uint64_t pending = 0;
        std::uint64_t before_start = 0;
    };
    Result<ConsumerMade> add_consumer(const ConsumerStart& start, BrokerClient* client);
    void pull(std::uint64_t consumer, std::uint64_t count);
    void remove_consumer(std::uint64_t consumer) { consumers_.erase(consumer); }

    std::uint64_t subscribe(std::string_view subject, BrokerClient* client);
    void unsubscribe(std::uint64_t subscription) { subscriptions_.erase(subscription); }
    void publish_core(std::string_view subject, std::string_view body);

    void connected(BrokerClient* client) { clients_.push_back(client); }
    /// Forgets everything about a connection.
    void disconnected(BrokerClient* client);

    // ---- Faults.
    [[nodiscard]] bool up() const { return up_; }
    /// Which queue a message of `subject` waits in before it is stored. A queue, and what waits in
    /// it, dies with the server's process and with the stream.
    struct Queue {
        std::uint64_t process = 0;  ///< Counts the server's starts.
        Timestamp stream_created;
        friend bool operator==(const Queue&, const Queue&) = default;
    };
    [[nodiscard]] Queue queue_of(std::string_view subject);
    /// kill -9: connections and consumers are gone, what was stored is not.
    void stop();
    void start();
    /// stop(), and each stream loses what was not synced, or some of it. Returns how many.
    std::uint64_t cut_power();
    /// How often the stream of states lost something.
    [[nodiscard]] std::uint64_t state_losses() const { return state_losses_; }
    /// The same of the decision log.
    [[nodiscard]] std::uint64_t log_losses() const { return log_losses_; }
    /// The same of inputs.
    [[nodiscard]] std::uint64_t input_losses() const { return input_losses_; }
    /// The same of business events.
    [[nodiscard]] std::uint64_t event_losses() const { return event_losses_; }
    void delete_stream(std::string_view name);
    void sync_all();

    // ---- For checkers: ground truth.
    /// Everything a stream holds, oldest first.
    [[nodiscard]] std::vector<MessagePtr> all(std::string_view stream);
    [[nodiscard]] std::uint64_t last_sequence(std::string_view stream) const;
    [[nodiscard]] bool exists(std::string_view stream) const;
    [[nodiscard]] const std::vector<std::string> stream_names() const;

private:
    struct Stream {
        nats::StreamConfig config;
        Timestamp created;
        std::uint64_t last = 0;
        std::uint64_t bytes = 0;
        std::map<std::uint64_t, MessagePtr> messages;
        std::unordered_map<std::string, std::vector<std::uint64_t>> by_subject;
        std::uint64_t synced = 0;
        bool ever_synced = false;
        struct Replaced {
            std::uint64_t by;
            MessagePtr message;
        };
        std::deque<Replaced> replaced;  ///< By messages that are not synced yet.
    };
    struct Consumer {
        std::string stream;
        std::vector<std::string> filters;
        BrokerClient* client = nullptr;
        std::deque<std::uint64_t> dump;  ///< Newest of each subject, when it was made.
        std::uint64_t next = 1;
        std::uint64_t credit = 0;
    };
    struct Subscriber {
        std::string subject;
        BrokerClient* client = nullptr;
    };

    Stream* find(std::string_view name);
    Stream* listening(std::string_view subject);
    void expire(Stream& stream);
    void insert(Stream& stream, MessagePtr message);
    void erase(Stream& stream, std::uint64_t sequence);
    void erase_message(std::string_view name, std::string_view request);
    std::uint64_t lose_tail(Stream& stream);
    nats::StreamInfo info_of(Stream& stream);
    static std::uint64_t first_after(const Stream& stream, Timestamp time);
    MessagePtr next_for(Stream& stream, Consumer& consumer);
    void pump(std::uint64_t id);
    void schedule_sync();

    World& world_;
    bool up_ = true;
    std::uint64_t starts_ = 1;
    bool syncing_ = false;
    std::map<std::string, Stream, std::less<>> streams_;
    std::map<std::uint64_t, Consumer> consumers_;
    std::map<std::uint64_t, Subscriber> subscriptions_;
    std::vector<BrokerClient*> clients_;
    std::uint64_t ids_ = 0;
    void count_loss(std::string_view stream) {
        if (stream == subjects::kStreamState) ++state_losses_;
        if (stream == subjects::kStreamLog) ++log_losses_;
        if (stream == subjects::kStreamIn) ++input_losses_;
        if (stream == subjects::kStreamEvents) ++event_losses_;
    }

    std::uint64_t state_losses_ = 0;
    std::uint64_t log_losses_ = 0;
    std::uint64_t input_losses_ = 0;
    std::uint64_t event_losses_ = 0;
    std::int64_t last_created_ = 0;
};

}  // namespace syncline::sim
