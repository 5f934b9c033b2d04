#include "tests/support/mariadb_server.h"

#include <mysql.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/free_port.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto kStartMost = 60s;
constexpr auto kStopMost = 30s;
constexpr const char* kServerProgram = "/usr/sbin/mariadbd";
constexpr const char* kInstallProgram = "/usr/bin/mariadb-install-db";

/// Small, since each test has one; a test's data is thrown away.
const std::vector<std::string> kServerOptions{
    "--innodb-buffer-pool-size=16M",      "--innodb-log-file-size=8M",
    "--innodb-flush-log-at-trx-commit=0", "--innodb-fast-shutdown=2",
    "--performance-schema=OFF",           "--skip-name-resolve",
    "--character-set-server=utf8mb4",     "--skip-log-bin"};

void own(const fs::path& path, uid_t user, gid_t group) {
    if (::lchown(path.c_str(), user, group) != 0)
        throw std::runtime_error("chown " + path.string());
}

void copy_database(const fs::path& from, const fs::path& to, uid_t user, gid_t group) {
    fs::copy(from, to, fs::copy_options::recursive);
    own(to, user, group);
    for (const auto& entry : fs::recursive_directory_iterator{to}) own(entry.path(), user, group);
}

MYSQL* connect(const std::string& socket, const std::string& database) {
    MYSQL* handle = mysql_init(nullptr);
    if (mysql_real_connect(handle, nullptr, "root", nullptr,
                           database.empty() ? nullptr : database.c_str(), 0, socket.c_str(),
                           CLIENT_MULTI_STATEMENTS) != nullptr) {
        return handle;
    }
    mysql_close(handle);
    return nullptr;
}

}  // namespace

MariadbServer::MariadbServer(std::vector<std::string> options)
    : options_(std::move(options)), port_(free_port()), user_(::geteuid()), group_(::getegid()) {
    if (!fs::exists(kServerProgram)) {
        throw std::runtime_error("no MariaDB server (Debian: mariadb-server-core)");
    }
    if (user_ == 0) {
        const passwd* found = ::getpwnam("nobody");
        if (found == nullptr) throw std::runtime_error("no user to run MariaDB as");
        user_ = found->pw_uid;
        group_ = found->pw_gid;
    }
    std::string pattern = (fs::temp_directory_path() / "syncline-mariadb-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
    folder_ = pattern;
    own(folder_, user_, group_);
    make_database();
    start();
}

MariadbServer::~MariadbServer() {
    signal_and_wait(SIGKILL);  // At once: what it holds is thrown away.
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

std::string MariadbServer::log() const {
    std::ifstream file{folder_ / "log"};
    return {std::istreambuf_iterator<char>{file}, {}};
}

/// To make one takes seconds, a copy of what was made a tenth: the first test of a build leaves one
/// for the others. Two that do so at once do no harm: a rename onto a folder with files fails.
void MariadbServer::make_database() {
    const fs::path data = folder_ / "data";
    const fs::path kept = fs::path{SYNCLINE_BIN_DIR} / ".." / "mariadb-template";
    if (fs::exists(kept)) return copy_database(kept, data, user_, group_);
    std::vector<std::string> words{kInstallProgram, "--no-defaults", "--datadir=" + data.string(),
                                   "--auth-root-authentication-method=normal", "--skip-test-db"};
    words.insert(words.end(), kServerOptions.begin(), kServerOptions.end());
    run(words);
    std::error_code ignored;
    const fs::path copy = kept.string() + "." + folder_.filename().string();
    fs::create_directories(kept.parent_path(), ignored);
    fs::copy(data, copy, fs::copy_options::recursive, ignored);
    fs::rename(copy, kept, ignored);
    fs::remove_all(copy, ignored);
}

pid_t MariadbServer::spawn(const std::vector<std::string>& words) const {
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
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // After setuid(), which takes it back.
    if (::getppid() != parent) ::_exit(1);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    if (::chdir(folder_.c_str()) != 0) ::_exit(1);
    ::execv(arguments.front(), arguments.data());
    ::_exit(127);
}

void MariadbServer::run(const std::vector<std::string>& words) const {
    int status = 0;
    if (::waitpid(spawn(words), &status, 0) < 0 || status != 0) {
        throw std::runtime_error(words.front() + " failed:\n" + log());
    }
}

void MariadbServer::start() {
    std::vector<std::string> words{kServerProgram,
                                   "--no-defaults",
                                   "--datadir=" + (folder_ / "data").string(),
                                   "--tmpdir=" + folder_.string(),
                                   "--socket=" + socket(),
                                   "--port=" + std::to_string(port_),
                                   "--bind-address=127.0.0.1",
                                   "--pid-file=" + (folder_ / "pid").string()};
    words.insert(words.end(), kServerOptions.begin(), kServerOptions.end());
    words.insert(words.end(), options_.begin(), options_.end());
    pid_ = spawn(words);
    const auto deadline = std::chrono::steady_clock::now() + kStartMost;
    MYSQL* handle = nullptr;
    while ((handle = connect(socket(), "")) == nullptr) {
        int status = 0;
        const bool ended = ::waitpid(pid_, &status, WNOHANG) == pid_;
        if (ended) pid_ = 0;
        if (ended || std::chrono::steady_clock::now() > deadline) {
            throw std::runtime_error("MariaDB does not start:\n" + log());
        }
        std::this_thread::sleep_for(10ms);
    }
    mysql_close(handle);
}

void MariadbServer::signal_and_wait(int signal) {
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

void MariadbServer::kill9() { signal_and_wait(SIGKILL); }

struct MariadbClient::Connection {
    MYSQL* handle = nullptr;
    ~Connection() { mysql_close(handle); }
};

MariadbClient::MariadbClient(const MariadbServer& server, const std::string& database)
    : connection_(std::make_unique<Connection>()) {
    connection_->handle = connect(server.socket(), database);
    if (connection_->handle == nullptr) throw std::runtime_error("no connection to MariaDB");
    run("SET NAMES utf8mb4");
}

MariadbClient::~MariadbClient() = default;

std::vector<MariadbClient::Row> MariadbClient::run(const std::string& sql) {
    MYSQL* const handle = connection_->handle;
    const auto check = [&](int failed) {
        if (failed > 0) throw std::runtime_error(sql + ": " + mysql_error(handle));
    };
    std::vector<Row> rows;
    check(mysql_real_query(handle, sql.data(), sql.size()) == 0 ? 0 : 1);
    int more = 0;
    while (more == 0) {
        rows.clear();
        if (MYSQL_RES* const result = mysql_store_result(handle)) {
            const unsigned int count = mysql_num_fields(result);
            while (const MYSQL_ROW row = mysql_fetch_row(result)) {
                Row values;
                const unsigned long* const lengths = mysql_fetch_lengths(result);
                for (unsigned int i = 0; i < count; ++i) {
                    values.emplace_back(row[i] == nullptr ? std::string{"NULL"}
                                                          : std::string{row[i], lengths[i]});
                }
                rows.push_back(std::move(values));
            }
            mysql_free_result(result);
        }
        more = mysql_next_result(handle);
        check(more);
    }
    return rows;
}

std::string MariadbClient::value(const std::string& sql) { return run(sql).at(0).at(0); }

}  // namespace syncline::test
