#include "shared/base/service.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <cstring>

namespace syncline::service {
namespace {

std::atomic<bool> stop_wanted{false};
std::atomic<bool> reload_wanted{false};
std::atomic<void (*)()> wake_up{nullptr};

extern "C" void on_stop_signal(int) {
    stop_wanted.store(true);
    if (auto* wake = wake_up.load()) wake();
}

extern "C" void on_reload_signal(int) {
    reload_wanted.store(true);
    if (auto* wake = wake_up.load()) wake();
}

}  // namespace

void notify(std::string_view state) {
    const char* path = std::getenv("NOTIFY_SOCKET");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path == nullptr || std::strlen(path) >= sizeof address.sun_path) return;
    std::memcpy(address.sun_path, path, std::strlen(path));
    if (address.sun_path[0] == '@') address.sun_path[0] = '\0';  // The abstract name space.
    const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
    // If it fails the service manager notices the silence.
    (void)!sendto(fd, state.data(), state.size(), MSG_NOSIGNAL,
                  reinterpret_cast<const sockaddr*>(&address), length);
    close(fd);
}

Duration watchdog_interval() {
    const char* text = std::getenv("WATCHDOG_USEC");
    const long long microseconds = text == nullptr ? 0 : std::atoll(text);
    return std::chrono::microseconds{microseconds / 2};
}

void handle_stop_signals(void (*wake)()) {
    wake_up.store(wake);
    struct sigaction action {};
    action.sa_handler = on_stop_signal;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);
    std::signal(SIGPIPE, SIG_IGN);
}

bool stop_requested() { return stop_wanted.load(); }

void handle_reload_signal() {
    struct sigaction action {};
    action.sa_handler = on_reload_signal;
    sigaction(SIGHUP, &action, nullptr);
}

bool take_reload_request() { return reload_wanted.exchange(false); }

}  // namespace syncline::service
