#include "shared/nats/event_loop.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <tuple>

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace syncline::nats {
namespace {

constexpr std::uint64_t kWakeId = 0;

int check(int descriptor, const char* what) {
    if (descriptor < 0) {
        std::perror(what);
        std::abort();
    }
    return descriptor;
}

/// Whole milliseconds, rounded up: waking a little late beats turning around idle until then.
int milliseconds(Duration wait) {
    if (wait <= Duration::zero()) return 0;
    const auto whole = std::chrono::ceil<std::chrono::milliseconds>(wait).count();
    return static_cast<int>(std::min<std::int64_t>(whole, std::numeric_limits<int>::max()));
}

}  // namespace

void EventLoop::poll(Duration timeout) {
    owner_.store(std::this_thread::get_id(), std::memory_order_relaxed);
    dispatch(milliseconds(prepare(timeout)));
    // By index: a callback may make another link, which joins.
    for (std::size_t i = 0; i < participants_.size(); ++i) {
        if (participants_[i] != nullptr) participants_[i]->after_wait();
    }
    std::erase(participants_, nullptr);
}

Duration EventLoop::prepare(Duration timeout) {
    for (std::size_t i = 0; i < participants_.size(); ++i) {
        if (participants_[i] == nullptr) continue;
        timeout = std::min(timeout, participants_[i]->before_wait());
    }
    return timeout;
}

void EventLoop::dispatch(int timeout_ms) {
    std::array<epoll_event, 32> events;
    const int count =
        ::epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), timeout_ms);
    for (int i = 0; i < count; ++i) {
        const epoll_event& event = events[static_cast<std::size_t>(i)];
        if (event.data.u64 == kWakeId) {
            std::uint64_t ignored = 0;
            std::ignore = ::read(wake_, &ignored, sizeof ignored);  // Only its arrival counts.
            continue;
        }
        const auto found = handlers_.find(event.data.u64);
        if (found == handlers_.end()) continue;  // Gone since epoll_wait returned.
        const std::shared_ptr<Handler> handler = found->second;
        handler->call(event.events);
    }
}

EventLoop::EventLoop()
    : epoll_(check(::epoll_create1(EPOLL_CLOEXEC), "epoll_create1")),
      wake_(check(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), "eventfd")),
      owner_(std::this_thread::get_id()) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = kWakeId}};
    check(::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event), "epoll_ctl");
}

EventLoop::~EventLoop() {
    ::close(wake_);
    ::close(epoll_);
}

void EventLoop::wake() {
    const std::uint64_t one = 1;
    std::ignore = ::write(wake_, &one, sizeof one);  // Full means that it is awake already.
}

void EventLoop::wake_if_waiting() {
    if (owner_.load(std::memory_order_relaxed) != std::this_thread::get_id()) wake();
}

void EventLoop::join(Participant* participant) { participants_.push_back(participant); }

void EventLoop::leave(Participant* participant) {
    std::ranges::replace(participants_, participant, nullptr);
}

EventLoop::Descriptor::Descriptor(EventLoop& loop, std::function<void(std::uint32_t)> handler)
    : loop_(loop), id_(loop.next_id_++) {
    loop_.handlers_.emplace(id_, std::make_shared<Handler>(Handler{std::move(handler)}));
}

EventLoop::Descriptor::~Descriptor() {
    remove();
    loop_.handlers_.erase(id_);
}

bool EventLoop::Descriptor::add(int fd, std::uint32_t events) {
    epoll_event event{.events = events, .data = {.u64 = id_}};
    if (::epoll_ctl(loop_.epoll_, EPOLL_CTL_ADD, fd, &event) != 0) return false;
    fd_.store(fd);
    loop_.wake_if_waiting();
    return true;
}

void EventLoop::Descriptor::modify(std::uint32_t events) {
    const int fd = fd_.load();
    if (fd < 0) return;
    epoll_event event{.events = events, .data = {.u64 = id_}};
    ::epoll_ctl(loop_.epoll_, EPOLL_CTL_MOD, fd, &event);
}

void EventLoop::Descriptor::remove() {
    const int fd = fd_.exchange(-1);
    if (fd >= 0) ::epoll_ctl(loop_.epoll_, EPOLL_CTL_DEL, fd, nullptr);
}

}  // namespace syncline::nats
