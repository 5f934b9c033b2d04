#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "shared/base/backoff.h"
#include "shared/nats/handles.h"
#include "shared/nats/nats_options.h"
#include "shared/nats/socket_hook.h"

namespace syncline::nats {

/// Keeps one connection to NATS up. Every connect makes a new natsConnection; the reconnecting of
/// nats.c is switched off, because it would send, on the new connection, publishes that were
/// answered kAmbiguous on the old one, and because it gives up at the second refused password.
/// Threading: belongs to the loop's thread. A connect blocks, so it runs in a thread of its own.
class Connection {
public:
    Connection(EventLoop& loop, const NatsOptions& options);
    /// Sends what is buffered and closes. Waits for a connect under way: at most connect_timeout
    /// for each URL.
    ~Connection();
    Connection(const Connection&) = delete;
    Connection& operator=(const Connection&) = delete;

    enum class Change : std::uint8_t { kNone, kUp, kDown };
    /// Does what is due. kUp: get() is new. kDown: get() is null, error() says why.
    [[nodiscard]] Change step(Duration now, std::uint64_t random);
    /// When step() is wanted next at the latest, if nothing wakes the loop before.
    [[nodiscard]] Duration next_step(Duration now) const;

    /// Null while there is none.
    [[nodiscard]] natsConnection* get() const { return up_ ? attempt_->connection.get() : nullptr; }
    /// Closes the connection and counts it as a failure of this kind; get() is null then.
    void reject(Error error, Duration now, std::uint64_t random);
    /// The connection turned out well: the next failure is the first again.
    void accept();

    void flush();

    /// Of the last failure; without text before there was one.
    [[nodiscard]] const Error& error() const { return error_; }
    /// The last failure was no matter of reaching the server, and trying again did not help.
    [[nodiscard]] bool refused() const { return refusals_ >= kRefusalsBelieved; }
    /// URL of the server, without credentials.
    [[nodiscard]] std::string server() const;
    /// What nats.c reported beside its calls, such as violated permissions; empties the list.
    [[nodiscard]] std::vector<std::string> take_reports();

    /// Where nats.c's error callbacks leave their text.
    struct Reports;

private:
    static constexpr int kRefusalsBelieved = 3;

    struct Attempt {
        explicit Attempt(EventLoop& loop) : hook(loop) {}
        ~Attempt() {
            connection.reset();
            hook.wait_until_closed();
        }
        SocketHook hook;
        handle::Options options;
        handle::Connection connection;
        natsStatus status = NATS_OK;
        std::string text;  ///< Of a failure.
        std::thread thread;
        std::atomic<bool> done{false};
    };

    void start(Duration now, std::uint64_t random);
    [[nodiscard]] Result<handle::Options> make_options(SocketHook& hook);
    [[nodiscard]] Result<void> set_identity(natsOptions* options);
    [[nodiscard]] Result<void> set_tls(natsOptions* options);
    void failed(Error error, Duration now, std::uint64_t random);

    EventLoop& loop_;
    const NatsOptions& options_;
    Secret password_;
    std::shared_ptr<Reports> reports_;
    std::unique_ptr<Attempt> attempt_;  ///< Under way, or up.
    bool up_ = false;
    Duration retry_at_{0};
    Backoff backoff_;
    Backoff refused_backoff_;
    int refusals_ = 0;
    Error error_{ErrorKind::kUnavailable, {}};
};

}  // namespace syncline::nats
