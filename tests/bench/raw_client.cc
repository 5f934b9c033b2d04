#include "tests/bench/raw_client.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>

namespace syncline::bench {
namespace {

void check(natsStatus status, const char* what) {
    if (status == NATS_OK) return;
    std::fprintf(stderr, "bench: %s: %s\n", what, natsStatus_GetText(status));
    std::exit(1);
}

}  // namespace

struct RawClient::Socket {
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    int fd = -1;
    bool write_armed = false;
    std::atomic<bool> wants_write{false};
    natsConnection* connection = nullptr;

    void watch(int operation, std::uint32_t events) const {
        epoll_event event{};
        event.events = events;
        epoll_ctl(epoll, operation, fd, &event);
    }
    static natsStatus attach(void** user, void* self, natsConnection* made, natsSock fd) {
        auto* socket = static_cast<Socket*>(self);
        *user = socket;
        socket->connection = made;
        socket->fd = fd;
        socket->watch(EPOLL_CTL_ADD, EPOLLIN);
        return NATS_OK;
    }
    static natsStatus read(void* self, bool add) {
        auto* socket = static_cast<Socket*>(self);
        if (!add && socket->fd >= 0) {
            socket->watch(EPOLL_CTL_DEL, 0);
            socket->fd = -1;
        }
        return NATS_OK;
    }
    static natsStatus write(void* self, bool add) {
        static_cast<Socket*>(self)->wants_write.store(add);
        return NATS_OK;
    }
    static natsStatus detach(void* self) { return read(self, false); }
};

RawClient::RawClient(const std::string& url) : socket_(new Socket) {
    natsOptions* options = nullptr;
    check(natsOptions_Create(&options), "options");
    check(natsOptions_SetURL(options, url.c_str()), "url");
    natsOptions_SetMaxPendingMsgs(options, 10'000'000);
    natsOptions_SetIOBufSize(options, 256 * 1024);
    check(natsOptions_SetEventLoop(options, socket_, Socket::attach, Socket::read, Socket::write,
                                   Socket::detach),
          "event loop");
    natsOptions_SetSendAsap(options, true);
    check(natsConnection_Connect(&connection_, options), "connect");
    natsOptions_Destroy(options);
}

RawClient::~RawClient() {
    natsConnection_Destroy(connection_);
    close(socket_->epoll);
    // socket_ stays: nats.c may still call detach() from a thread of its own.
}

natsSubscription* RawClient::subscribe(const std::string& subject) {
    natsSubscription* subscription = nullptr;
    check(natsConnection_SubscribeSync(&subscription, connection_, subject.c_str()), "subscribe");
    natsSubscription_SetPendingLimits(subscription, -1, -1);
    return subscription;
}

void RawClient::publish(const std::string& subject, const std::string& reply,
                        std::string_view body) {
    const auto size = static_cast<int>(body.size());
    const natsStatus status =
        reply.empty() ? natsConnection_Publish(connection_, subject.c_str(), body.data(), size)
                      : natsConnection_PublishRequest(connection_, subject.c_str(), reply.c_str(),
                                                      body.data(), size);
    check(status, "publish");
}

void RawClient::drain(natsSubscription* subscription, const std::function<void(natsMsg*)>& take) {
    int waiting = 0;
    natsSubscription_GetPending(subscription, &waiting, nullptr);
    natsMsg* message = nullptr;
    // nats.c frees messages on a thread of its own, which wakes once for those destroyed together.
    std::vector<natsMsg*> taken;
    for (; waiting > 0 && natsSubscription_NextMsg(&message, subscription, 0) == NATS_OK;
         --waiting) {
        take(message);
        taken.push_back(message);
    }
    for (natsMsg* one : taken) natsMsg_Destroy(one);
}

std::string RawClient::api(const std::string& subject, const std::string& body) {
    const std::string inbox = new_inbox();
    natsSubscription* answers = subscribe(inbox);
    publish("$JS.API." + subject, inbox, body);
    std::string answer;
    for (int i = 0; i < 300 && answer.empty(); ++i) {
        turn(100);
        drain(answers, [&](natsMsg* message) {
            answer.assign(natsMsg_GetData(message),
                          static_cast<std::size_t>(natsMsg_GetDataLength(message)));
        });
    }
    natsSubscription_Destroy(answers);
    const bool refused = answer.empty() || answer.find("\"error\"") != std::string::npos;
    if (refused) {
        std::fprintf(stderr, "bench: %s: %s\n", subject.c_str(), answer.c_str());
        std::exit(1);
    }
    return answer;
}

void RawClient::turn(int wait_ms) {
    if (socket_->fd >= 0 && socket_->wants_write.load()) {
        natsConnection_ProcessWriteEvent(connection_);
    }
    const bool more = socket_->fd >= 0 && socket_->wants_write.load();
    if (more != socket_->write_armed && socket_->fd >= 0) {
        socket_->watch(EPOLL_CTL_MOD, more ? EPOLLIN | EPOLLOUT : EPOLLIN);
        socket_->write_armed = more;
    }
    epoll_event events[4];
    const int count = epoll_wait(socket_->epoll, events, 4, wait_ms);
    if (count > 0 && (events[0].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        natsConnection_ProcessReadEvent(connection_);
    }
}

void RawClient::flush() {
    while (natsConnection_Buffered(connection_) > 0) turn(10);
}

std::uint64_t steady_ns() {
    return static_cast<std::uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count());
}

std::string new_inbox() {
    natsInbox* inbox = nullptr;
    check(natsInbox_Create(&inbox), "inbox");
    std::string out = reinterpret_cast<const char*>(inbox);
    natsInbox_Destroy(inbox);
    return out;
}

}  // namespace syncline::bench
