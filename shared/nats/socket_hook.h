#pragma once

#include <atomic>

#include "shared/nats/event_loop.h"
#include "shared/nats/handles.h"

namespace syncline::nats {

/// Ties one natsConnection to an EventLoop. With it nats.c makes no thread for reading, writing or
/// delivering: what was published since the last turn goes out in one write, what arrived is
/// queued in the subscriptions.
/// Lifetime: made before the connection and destroyed after it.
/// Threading: made, asked and destroyed on the loop's thread; nats.c calls in from the thread that
/// connects, from its timer thread (pings) and from ours.
class SocketHook {
public:
    explicit SocketHook(EventLoop& loop);

    /// Makes connections created with these options use the loop.
    [[nodiscard]] natsStatus install(natsOptions* options);

    /// Sends what nats.c has buffered, as far as the socket takes it.
    void flush();

    /// The connection was closed, by whichever side. Never becomes false again.
    [[nodiscard]] bool closed() const { return closed_.load(std::memory_order_acquire); }

    /// Call after natsConnection_Destroy: nats.c may still be closing the connection on a thread
    /// of its own, and must not find the hook gone.
    void wait_until_closed() const;

private:
    static natsStatus attach(void** hook, void* self, natsConnection* connection, natsSock socket);
    static natsStatus read(void* hook, bool add);
    static natsStatus write(void* hook, bool add);
    static natsStatus detach(void* hook);

    void on_events(std::uint32_t events);

    EventLoop& loop_;
    EventLoop::Descriptor descriptor_;
    std::atomic<natsConnection*> connection_{nullptr};
    std::atomic<bool> wants_write_{false};
    std::atomic<bool> closed_{false};
    bool armed_ = false;  ///< Watching for room to write.
};

}  // namespace syncline::nats
