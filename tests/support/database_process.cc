#include "tests/support/database_process.h"

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto kStopMost = 30s;

}  // namespace

DatabaseProcess::DatabaseProcess(const std::string& name, const std::vector<std::string>& users,
                                 int last_signal)
    : user_(::geteuid()), group_(::getegid()), last_signal_(last_signal) {
    if (user_ == 0) {
        const passwd* found = nullptr;
        for (const std::string& user : users) {
            if (found == nullptr) found = ::getpwnam(user.c_str());
        }
        if (found == nullptr) throw std::runtime_error("no user to run " + name + " as");
        user_ = found->pw_uid;
        group_ = found->pw_gid;
    }
    std::string pattern = (fs::temp_directory_path() / ("syncline-" + name + "-XXXXXX")).string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
    folder_ = pattern;
    own(folder_);
}

DatabaseProcess::~DatabaseProcess() {
    signal_and_wait(last_signal_);  // At once: what it holds is thrown away.
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

std::string DatabaseProcess::log() const {
    std::ifstream file{folder_ / "log"};
    return {std::istreambuf_iterator<char>{file}, {}};
}

void DatabaseProcess::own(const fs::path& path) const {
    if (::lchown(path.c_str(), user_, group_) != 0)
        throw std::runtime_error("chown " + path.string());
}

void DatabaseProcess::copy_data(const fs::path& from) const {
    const fs::path to = folder_ / "data";
    fs::copy(from, to, fs::copy_options::recursive);
    own(to);
    for (const auto& entry : fs::recursive_directory_iterator{to}) own(entry.path());
    fs::permissions(to, fs::perms::owner_all);
}

void DatabaseProcess::make_data(const std::string& template_name,
                                const std::vector<std::string>& words) const {
    const fs::path kept = fs::path{SYNCLINE_BIN_DIR} / ".." / template_name;
    if (fs::exists(kept)) return copy_data(kept);
    int status = 0;
    if (::waitpid(spawn(words), &status, 0) < 0 || status != 0) {
        throw std::runtime_error(words.front() + " failed:\n" + log());
    }
    std::error_code ignored;
    const fs::path copy = kept.string() + "." + folder_.filename().string();
    fs::create_directories(kept.parent_path(), ignored);
    fs::copy(folder_ / "data", copy, fs::copy_options::recursive, ignored);
    fs::rename(copy, kept, ignored);
    fs::remove_all(copy, ignored);
}

pid_t DatabaseProcess::spawn(const std::vector<std::string>& words) const {
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    const std::string log = (folder_ / "log").string();
    const bool is_root = ::geteuid() == 0;
    const pid_t parent = ::getpid();
    const pid_t pid = ::fork();
    if (pid < 0) throw std::runtime_error("fork");
    if (pid > 0) return pid;
    // The child: only calls that are safe after a fork of a program with threads.
    if (is_root &&
        (::setgroups(0, nullptr) != 0 || ::setgid(group_) != 0 || ::setuid(user_) != 0)) {
        ::_exit(126);
    }
    ::prctl(PR_SET_PDEATHSIG, last_signal_);  // After setuid(), which takes it back.
    if (::getppid() != parent) ::_exit(1);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    if (::chdir(folder_.c_str()) != 0) ::_exit(1);
    ::execv(arguments.front(), arguments.data());
    ::_exit(127);
}

bool DatabaseProcess::has_ended() {
    int status = 0;
    if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
    pid_ = 0;
    return true;
}

void DatabaseProcess::signal_and_wait(int signal) {
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

}  // namespace syncline::test
