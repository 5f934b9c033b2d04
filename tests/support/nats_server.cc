#include "tests/support/nats_server.h"

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <tuple>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/free_port.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto kStartMost = 20s;
constexpr auto kStopMost = 10s;

std::string binary(NatsServer::Version version) {
    const std::string folder = SYNCLINE_DEPS_DIR;
    switch (version) {
        case NatsServer::Version::kOldest: return folder + "/nats-server-oldest";
        case NatsServer::Version::kUnsupported: return folder + "/nats-server-unsupported";
        case NatsServer::Version::kNewest: break;
    }
    const char* chosen = std::getenv("SYNCLINE_NATS_SERVER");
    return chosen != nullptr ? chosen : folder + "/nats-server-newest";
}

fs::path make_folder() {
    std::string pattern = (fs::temp_directory_path() / "syncline-nats-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
    return pattern;
}

sockaddr_in loopback(std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    return address;
}

class Socket {
public:
    Socket() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {}
    ~Socket() { ::close(fd_); }
    Socket(const Socket&) = delete;
    Socket& operator=(const Socket&) = delete;
    [[nodiscard]] int fd() const { return fd_; }

private:
    int fd_;
};

/// Whether the server greets a client.
bool greets(std::uint16_t port) {
    const Socket socket;
    const sockaddr_in address = loopback(port);
    if (::connect(socket.fd(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        return false;
    }
    const timeval most{.tv_sec = 1, .tv_usec = 0};
    ::setsockopt(socket.fd(), SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most);
    std::array<char, 5> start{};
    return ::recv(socket.fd(), start.data(), start.size(), MSG_WAITALL) == 5 &&
           std::string(start.data(), start.size()) == "INFO ";
}

}  // namespace

NatsServer::NatsServer(Options options)
    : options_(std::move(options)), folder_(make_folder()), port_(free_port()) {
    if (options_.start == Options::Start::kAtOnce) start();
}

NatsServer::~NatsServer() {
    resume();
    stop();
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

std::string NatsServer::url() const { return "nats://127.0.0.1:" + std::to_string(port_); }

std::string NatsServer::log() const {
    std::ifstream file{folder_ / "log"};
    return {std::istreambuf_iterator<char>{file}, {}};
}

void NatsServer::write_config() const {
    std::ofstream config{folder_ / "server.conf"};
    config << "listen: \"127.0.0.1:" << port_ << "\"\n"
           << "jetstream { store_dir: " << (folder_ / "store") << "\n"
           << options_.jetstream << " }\n"
           << options_.config << "\n";
}

void NatsServer::start() {
    write_config();
    spawn();
    wait_until_ready();
}

void NatsServer::spawn() {
    const std::string program = binary(options_.version);
    const std::string config = (folder_ / "server.conf").string();
    const std::string log = (folder_ / "log").string();
    const pid_t parent = ::getpid();
    pid_ = ::fork();
    if (pid_ < 0) throw std::runtime_error("fork");
    if (pid_ > 0) return;
    // The child: only calls that are safe after a fork of a program with threads.
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(1);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    ::execl(program.c_str(), program.c_str(), "-c", config.c_str(), static_cast<char*>(nullptr));
    ::_exit(127);
}

void NatsServer::wait_until_ready() {
    const auto deadline = std::chrono::steady_clock::now() + kStartMost;
    while (!greets(port_)) {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = 0;
            throw std::runtime_error("nats-server ended at once:\n" + log());
        }
        if (std::chrono::steady_clock::now() > deadline) {
            throw std::runtime_error("nats-server does not take clients:\n" + log());
        }
        std::this_thread::sleep_for(5ms);
    }
}

void NatsServer::signal_and_wait(int signal) {
    if (pid_ == 0) return;
    ::kill(pid_, signal);
    const auto deadline = std::chrono::steady_clock::now() + kStopMost;
    int status = 0;
    while (::waitpid(pid_, &status, WNOHANG) == 0) {
        if (std::chrono::steady_clock::now() > deadline) ::kill(pid_, SIGKILL);
        std::this_thread::sleep_for(2ms);
    }
    pid_ = 0;
}

void NatsServer::stop() { signal_and_wait(SIGTERM); }
void NatsServer::reload() {
    const std::size_t before = log().size();
    write_config();
    ::kill(pid_, SIGHUP);
    const auto deadline = std::chrono::steady_clock::now() + kStartMost;
    while (log().find("Reloaded", before) == std::string::npos) {
        if (std::chrono::steady_clock::now() > deadline) {
            throw std::runtime_error("nats-server does not reload:\n" + log());
        }
        std::this_thread::sleep_for(2ms);
    }
}

void NatsServer::kill9() { signal_and_wait(SIGKILL); }

void NatsServer::restart() {
    stop();
    start();
}

void NatsServer::wipe_store() {
    if (pid_ != 0) throw std::runtime_error("wipe_store() while the server runs");
    fs::remove_all(folder_ / "store");
}

void NatsServer::keep_store() {
    if (pid_ != 0) throw std::runtime_error("keep_store() while the server runs");
    fs::remove_all(folder_ / "kept");
    fs::copy(folder_ / "store", folder_ / "kept", fs::copy_options::recursive);
}

void NatsServer::go_back_to_kept_store() {
    wipe_store();
    fs::copy(folder_ / "kept", folder_ / "store", fs::copy_options::recursive);
}

void NatsServer::pause() {
    if (pid_ == 0) return;
    ::kill(pid_, SIGSTOP);
    int status = 0;
    std::ignore = ::waitpid(pid_, &status, WUNTRACED);  // Returns when it has stopped.
}

void NatsServer::resume() {
    if (pid_ != 0) ::kill(pid_, SIGCONT);
}

}  // namespace syncline::test
