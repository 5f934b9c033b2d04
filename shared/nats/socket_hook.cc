#include "shared/nats/socket_hook.h"

#include <thread>

#include <sys/epoll.h>

namespace syncline::nats {

SocketHook::SocketHook(EventLoop& loop)
    : loop_(loop), descriptor_(loop, [this](std::uint32_t events) { on_events(events); }) {}

natsStatus SocketHook::install(natsOptions* options) {
    const natsStatus status =
        natsOptions_SetEventLoop(options, this, &attach, &read, &write, &detach);
    // Without SendAsap nats.c starts a thread that writes a millisecond late.
    return status == NATS_OK ? natsOptions_SetSendAsap(options, true) : status;
}

void SocketHook::flush() {
    natsConnection* connection = connection_.load(std::memory_order_acquire);
    if (connection == nullptr || closed()) return;
    if (wants_write_.load(std::memory_order_acquire)) natsConnection_ProcessWriteEvent(connection);
    // Only what the socket did not take is worth a system call to be told when it will.
    const bool more = wants_write_.load(std::memory_order_acquire) && !closed();
    if (more == armed_) return;
    armed_ = more;
    descriptor_.modify(EPOLLIN | (more ? std::uint32_t{EPOLLOUT} : 0U));
}

void SocketHook::wait_until_closed() const {
    // Only if nats.c's timer thread found the server dead in this very moment does this turn.
    while (connection_.load(std::memory_order_acquire) != nullptr && !closed()) {
        std::this_thread::yield();
    }
}

void SocketHook::on_events(std::uint32_t events) {
    natsConnection* connection = connection_.load(std::memory_order_acquire);
    if (connection == nullptr || closed()) return;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        natsConnection_ProcessReadEvent(connection);
    }
    if ((events & EPOLLOUT) != 0) flush();
}

natsStatus SocketHook::attach(void** hook, void* self, natsConnection* connection,
                              natsSock socket) {
    auto* me = static_cast<SocketHook*>(self);
    *hook = me;
    me->connection_.store(connection, std::memory_order_release);
    return me->descriptor_.add(static_cast<int>(socket), EPOLLIN) ? NATS_OK : NATS_SYS_ERROR;
}

natsStatus SocketHook::read(void* hook, bool add) {
    // nats.c closes the socket right after it takes reading away; epoll must forget it before.
    if (!add) static_cast<SocketHook*>(hook)->descriptor_.remove();
    return NATS_OK;
}

natsStatus SocketHook::write(void* hook, bool add) {
    auto* me = static_cast<SocketHook*>(hook);
    me->wants_write_.store(add, std::memory_order_release);
    if (add) me->loop_.wake_if_waiting();
    return NATS_OK;
}

natsStatus SocketHook::detach(void* hook) {
    auto* me = static_cast<SocketHook*>(hook);
    EventLoop& loop = me->loop_;
    me->descriptor_.remove();
    me->closed_.store(true, std::memory_order_release);  // From here on `me` may be gone.
    loop.wake_if_waiting();
    return NATS_OK;
}

}  // namespace syncline::nats
