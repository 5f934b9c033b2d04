#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connectors/exec/stderr_log.h"
#include "shared/base/clock.h"
#include "shared/base/result.h"

namespace syncline::agent::exec {

/// A file descriptor that is closed with its owner.
class Descriptor {
public:
    explicit Descriptor(int fd = -1) : fd_(fd) {}
    Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
    Descriptor& operator=(Descriptor&& other) noexcept {
        reset();
        fd_ = std::exchange(other.fd_, -1);
        return *this;
    }
    ~Descriptor() { reset(); }
    [[nodiscard]] int get() const { return fd_; }
    [[nodiscard]] bool open() const { return fd_ >= 0; }
    void reset();

private:
    int fd_;
};

/// A running program that answers lines with lines, in a process group of its own. It inherits its
/// three standard streams and no other file of ours.
/// Lifetime: the destructor ends it: its input is closed, and what has not ended half a second
/// later is killed with its group. No zombie is left. Threading: not synchronised.
class Process {
public:
    struct Spec {
        std::vector<std::string> command;
        std::filesystem::path working_directory;
        std::vector<std::string> environment;  ///< "NAME=value", and nothing else.
        std::size_t line_bytes_max = 8u << 20;
    };

    /// kUnavailable: it cannot be started. `clock` must outlive it.
    static Result<std::unique_ptr<Process>> start(const Spec& spec, const Clock& clock,
                                                  StderrLog::Sink on_stderr);
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;
    ~Process();

    /// Sends `request`, a line with its end, and waits for one line, which is given without its
    /// end. kUnavailable: nothing was sent. kAmbiguous: it may have been received, whatever came or
    /// did not come of it. After either the process is of no use: destroy it.
    [[nodiscard]] Result<std::string> exchange(std::string_view request, Duration limit,
                                               const std::stop_token& stop);

    /// How it ended, if it has: "exit code 3", "signal 9 (Killed)". Does not wait.
    [[nodiscard]] std::string ending();
    /// Kills it with its group, and waits until it is gone. Harmless when repeated.
    void kill();
    [[nodiscard]] pid_t pid() const { return pid_; }

private:
    struct Turn;

    Process(const Clock& clock, StderrLog::Sink on_stderr) : clock_(clock), log_(on_stderr) {}
    [[nodiscard]] bool pump(Turn& turn, Duration wait);
    void send(Turn& turn);
    void receive();
    void hear();
    [[nodiscard]] Result<void> check_quiet();
    [[nodiscard]] std::string why_ended();
    [[nodiscard]] std::string last_words() const;
    void wait_for_end(Duration limit);
    void reap();

    const Clock& clock_;
    StderrLog log_;
    pid_t pid_ = -1;  ///< -1: reaped.
    std::string ending_;
    std::size_t line_bytes_max_ = 0;
    Descriptor input_;
    Descriptor output_;
    Descriptor errors_;
    std::string received_;
};

}  // namespace syncline::agent::exec
