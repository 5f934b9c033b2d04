#pragma once

#include <csignal>
#include <functional>
#include <string_view>

#include "shared/base/timestamp.h"

/// A program as systemd's `Type=notify` wants it (sd_notify(3)), and its stop signals. Written by
/// hand: libsystemd costs each agent a megabyte of memory for one datagram.
namespace syncline::service {

/// "READY=1", "RELOADING=1", "STOPPING=1", "WATCHDOG=1" or "STATUS=..." to $NOTIFY_SOCKET; nothing
/// without one.
void notify(std::string_view state);

/// How often the watchdog wants to hear from us: half of $WATCHDOG_USEC; 0: there is none.
[[nodiscard]] Duration watchdog_interval();

/// From now on SIGTERM and SIGINT set stop_requested() and call `wake` (from the signal handler:
/// only what is safe there). SIGPIPE is ignored. Call once.
void handle_stop_signals(void (*wake)());
[[nodiscard]] bool stop_requested();
/// The same of SIGHUP, by which somebody wants the settings read anew.
void handle_reload_signal();
/// Has it come since this was asked last?
[[nodiscard]] bool take_reload_request();

}  // namespace syncline::service
