#include "tests/bench/child.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

namespace syncline::bench {

Child::Child(const std::vector<std::string>& command, const std::filesystem::path& log) {
    std::vector<char*> words;
    for (const std::string& word : command) words.push_back(const_cast<char*>(word.c_str()));
    words.push_back(nullptr);
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
    ::execv(words.front(), words.data());
    ::_exit(127);
}

Child::~Child() { end_by(SIGKILL); }

void Child::end_by(int signal) {
    if (pid_ == 0) return;
    ::kill(pid_, signal);
    ::waitpid(pid_, nullptr, 0);
    pid_ = 0;
}

void Child::signal(int number) const {
    if (pid_ != 0) ::kill(pid_, number);
}

bool Child::running() {
    if (pid_ != 0 && ::waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = 0;
    return pid_ != 0;
}

double cpu_us_of(pid_t process) {
    std::ifstream file{"/proc/" + std::to_string(process) + "/stat"};
    const std::string text{std::istreambuf_iterator<char>{file}, {}};
    // The name in brackets may hold blanks; after it the state is the first word.
    std::istringstream rest{text.substr(text.rfind(')') + 1)};
    std::string word;
    for (int i = 0; i < 11; ++i) rest >> word;
    double user = 0;
    double system = 0;
    rest >> user >> system;
    return (user + system) * 1e6 / static_cast<double>(::sysconf(_SC_CLK_TCK));
}

double most_rss_kib_of(pid_t process) {
    std::ifstream file{"/proc/" + std::to_string(process) + "/status"};
    for (std::string word; file >> word;) {
        double kib = 0;
        if (word == "VmHWM:" && file >> kib) return kib;
    }
    return 0;
}

}  // namespace syncline::bench
