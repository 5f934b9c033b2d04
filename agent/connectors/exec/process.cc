#include "agent/connectors/exec/process.h"

#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>
#include <tuple>

#include "agent/connectors/exec/protocol.h"

namespace syncline::agent::exec {
namespace {

using std::chrono::milliseconds;

/// How long a call goes on after `stop` at most, and an ending without end-of-file unnoticed.
constexpr Duration kTick{milliseconds{100}};
/// What a program may take to end by itself once nobody speaks to it any more.
constexpr Duration kGrace{milliseconds{500}};
constexpr std::size_t kChunkBytes = 64u << 10;

std::string system_text(int code) { return std::generic_category().message(code); }

/// A program that has closed its input raises SIGPIPE in whoever writes to it. The signal is kept
/// from this thread alone: what the process does with it is not ours to say.
class NoSigpipe {
public:
    NoSigpipe() {
        sigemptyset(&pipe_);
        sigaddset(&pipe_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &pipe_, &former_);
    }
    NoSigpipe(const NoSigpipe&) = delete;
    NoSigpipe& operator=(const NoSigpipe&) = delete;
    ~NoSigpipe() {
        if (sigismember(&former_, SIGPIPE) == 0) {
            constexpr timespec kNow{};
            while (::sigtimedwait(&pipe_, nullptr, &kNow) > 0) {
            }
        }
        ::pthread_sigmask(SIG_SETMASK, &former_, nullptr);
    }

private:
    sigset_t pipe_{};
    sigset_t former_{};
};

struct Pipe {
    Descriptor read;
    Descriptor write;
};

Result<Pipe> make_pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
        return fail(ErrorKind::kUnavailable, "no pipe can be made: " + system_text(errno));
    }
    return Pipe{Descriptor{ends[0]}, Descriptor{ends[1]}};
}

/// Ours is never blocked by a program that does not read or write.
void set_nonblocking(const Descriptor& end) {
    ::fcntl(end.get(), F_SETFL, ::fcntl(end.get(), F_GETFL) | O_NONBLOCK);
}

std::vector<char*> pointers(const std::vector<std::string>& words) {
    std::vector<char*> out;
    for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
    out.push_back(nullptr);
    return out;
}

/// posix_spawn() rather than fork(): the agent has threads. 0 or an errno.
int spawn(const Process::Spec& spec, const std::array<int, 3>& streams, pid_t& pid) {
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&files);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_addchdir_np(&files, spec.working_directory.c_str());
    for (int i = 0; i < 3; ++i) ::posix_spawn_file_actions_adddup2(&files, streams.at(i), i);
    // Not every library of ours opens its files with O_CLOEXEC.
    ::posix_spawn_file_actions_addclosefrom_np(&files, 3);
    sigset_t signals;
    sigemptyset(&signals);
    ::posix_spawnattr_setsigmask(&attributes, &signals);
    for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGHUP, SIGCHLD, SIGQUIT}) {
        sigaddset(&signals, signal);
    }
    ::posix_spawnattr_setsigdefault(&attributes, &signals);
    ::posix_spawnattr_setpgroup(&attributes, 0);
    ::posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    const std::vector<char*> words = pointers(spec.command);
    const std::vector<char*> environment = pointers(spec.environment);
    const int code =
        ::posix_spawnp(&pid, words.front(), &files, &attributes, words.data(), environment.data());
    ::posix_spawnattr_destroy(&attributes);
    ::posix_spawn_file_actions_destroy(&files);
    return code;
}

std::string ending_text(const siginfo_t& info) {
    if (info.si_code == CLD_EXITED) return "exit code " + std::to_string(info.si_status);
    const char* const name = ::sigdescr_np(info.si_status);
    return "signal " + std::to_string(info.si_status) +
           (name == nullptr ? "" : " (" + std::string{name} + ")");
}

}  // namespace

void Descriptor::reset() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

/// What is still to be sent, and whether anything was.
struct Process::Turn {
    std::string_view rest;
    bool sent = false;
};

Result<std::unique_ptr<Process>> Process::start(const Spec& spec, const Clock& clock,
                                                StderrLog::Sink on_stderr) {
    auto input = make_pipe();
    if (!input) return fail(input.error());
    auto output = make_pipe();
    if (!output) return fail(output.error());
    auto errors = make_pipe();
    if (!errors) return fail(errors.error());
    std::unique_ptr<Process> process{new Process{clock, std::move(on_stderr)}};
    pid_t pid = -1;
    const int code =
        spawn(spec, {input->read.get(), output->write.get(), errors->write.get()}, pid);
    if (code != 0) {
        return fail(ErrorKind::kUnavailable,
                    "`" + spec.command.front() + "` cannot be started in " +
                        spec.working_directory.string() + ": " + system_text(code) +
                        "; look at `command` and `working_directory`");
    }
    process->pid_ = pid;
    process->line_bytes_max_ = spec.line_bytes_max;
    process->input_ = std::move(input->write);
    process->output_ = std::move(output->read);
    process->errors_ = std::move(errors->read);
    for (const Descriptor* end : {&process->input_, &process->output_, &process->errors_}) {
        set_nonblocking(*end);
    }
    return process;
}

Process::~Process() {
    input_.reset();
    if (pid_ >= 0) wait_for_end(kGrace);
    kill();
}

void Process::send(Turn& turn) {
    const NoSigpipe guard;
    const ssize_t written = ::write(input_.get(), turn.rest.data(), turn.rest.size());
    if (written > 0) {
        turn.sent = true;
        turn.rest.remove_prefix(static_cast<std::size_t>(written));
    } else if (written < 0 && errno != EAGAIN && errno != EINTR) {
        input_.reset();  // It reads no more; what it does instead is seen at its output.
    }
}

void Process::receive() {
    std::array<char, kChunkBytes> chunk;
    const ssize_t count = ::read(output_.get(), chunk.data(), chunk.size());
    if (count > 0) {
        received_.append(chunk.data(), static_cast<std::size_t>(count));
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
        output_.reset();
    }
}

void Process::hear() {
    std::array<char, kChunkBytes> chunk;
    const ssize_t count = ::read(errors_.get(), chunk.data(), chunk.size());
    if (count > 0) {
        log_.feed({chunk.data(), static_cast<std::size_t>(count)}, clock_.steady());
    } else if (count == 0 || (errno != EAGAIN && errno != EINTR)) {
        errors_.reset();
    }
}

/// Moves what can be moved, waiting for it `wait` at most; false: nothing could.
bool Process::pump(Turn& turn, Duration wait) {
    const bool sending = !turn.rest.empty() && input_.open();
    // A negative descriptor is one that poll() passes over.
    std::array<pollfd, 3> ends{pollfd{output_.get(), POLLIN, 0}, pollfd{errors_.get(), POLLIN, 0},
                               pollfd{sending ? input_.get() : -1, POLLOUT, 0}};
    const auto ms = std::chrono::ceil<milliseconds>(std::max(wait, Duration{0})).count();
    if (::poll(ends.data(), ends.size(), static_cast<int>(ms)) <= 0) return false;
    if (ends[1].revents != 0) hear();
    if (ends[0].revents != 0) receive();
    if (ends[2].revents != 0) send(turn);
    return true;
}

/// Nothing may have been written that nobody asked for: it would be taken for the next answer.
Result<void> Process::check_quiet() {
    if (received_.empty() && output_.open()) {
        Turn nothing;
        std::ignore = pump(nothing, Duration{0});
    }
    if (!received_.empty()) {
        return fail(ErrorKind::kUnavailable,
                    "it wrote " + shown(received_.substr(0, received_.find('\n'))) +
                        " to its standard output without being asked; one answer a request, and"
                        " all else to standard error");
    }
    if (output_.open() && ending().empty()) return {};
    return fail(ErrorKind::kUnavailable, why_ended());
}

Result<std::string> Process::exchange(std::string_view request, Duration limit,
                                      const std::stop_token& stop) {
    if (auto quiet = check_quiet(); !quiet) return fail(quiet.error());
    Turn turn{.rest = request};
    const Duration until = clock_.steady() + limit;
    const auto lost = [&turn](const std::string& why) {
        return fail(turn.sent ? ErrorKind::kAmbiguous : ErrorKind::kUnavailable, why);
    };
    while (true) {
        const std::size_t end = received_.find('\n');
        if (end != std::string::npos && end <= line_bytes_max_ && turn.rest.empty()) {
            std::string line = received_.substr(0, end);
            received_.erase(0, end + 1);
            return line;
        }
        if (end != std::string::npos && end <= line_bytes_max_) {
            return lost("it wrote " + shown(received_.substr(0, end)) +
                        " before it had read the request");
        }
        if (received_.size() > line_bytes_max_) {
            return lost("it wrote a line of more than " + std::to_string(line_bytes_max_) +
                        " bytes, which begins with " + shown(received_.substr(0, 60)) +
                        "; give fewer records at once, or raise `line_bytes_max`");
        }
        if (!output_.open()) return lost(why_ended());
        if (stop.stop_requested()) return lost("it was killed, as the agent stops");
        const Duration now = clock_.steady();
        if (now >= until) {
            return lost("it did not answer within " + std::to_string(limit / milliseconds{1}) +
                        " ms (does it flush its output after each line?)" + last_words());
        }
        if (pump(turn, std::min(kTick, until - now))) continue;
        // Its output may be held open by a child of its own.
        if (!ending().empty() && !pump(turn, Duration{0})) return lost(why_ended());
    }
}

std::string Process::last_words() const {
    return log_.last_line().empty()
               ? std::string{}
               : "; the last line on its standard error: " + shown(log_.last_line(), 300);
}

std::string Process::why_ended() {
    wait_for_end(kGrace);
    const std::string how = ending();
    std::string rest;
    if (!received_.empty()) rest = ", in the middle of the line " + shown(received_);
    if (how.empty()) return "it closed its standard output" + rest + last_words();
    return "it ended with " + how + rest + last_words();
}

void Process::wait_for_end(Duration limit) {
    const Duration until = clock_.steady() + limit;
    Turn nothing;
    while (ending().empty() && clock_.steady() < until) {
        std::ignore = pump(nothing, milliseconds{5});
        received_.resize(std::min(received_.size(), line_bytes_max_));
    }
    while (errors_.open() && pump(nothing, Duration{0}) && clock_.steady() < until) {
    }
}

std::string Process::ending() {
    if (pid_ < 0 || !ending_.empty()) return ending_;
    siginfo_t info{};
    // Left as a zombie until kill(): so long its number, and that of its group, are no other's.
    const int code = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    if (code == 0 && info.si_pid == pid_) ending_ = ending_text(info);
    if (code != 0 && errno == ECHILD) ending_ = "an unknown exit code";
    return ending_;
}

void Process::kill() {
    if (pid_ < 0) return;
    ::kill(-pid_, SIGKILL);
    reap();
    log_.finish(clock_.steady());
    input_.reset();
    output_.reset();
    errors_.reset();
}

void Process::reap() {
    int status = 0;
    while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
}

}  // namespace syncline::agent::exec
