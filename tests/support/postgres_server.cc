#include "tests/support/postgres_server.h"

#include <libpq-fe.h>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>
#include <utility>

#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/free_port.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto kStartMost = 60s;
constexpr auto kStopMost = 30s;

fs::path find_binaries() {
    if (const char* chosen = std::getenv("SYNCLINE_POSTGRES_BIN")) return chosen;
    fs::path newest;
    int version = 0;
    std::error_code none;
    for (const auto& entry : fs::directory_iterator{"/usr/lib/postgresql", none}) {
        const int found = std::atoi(entry.path().filename().c_str());
        if (found > version && fs::exists(entry.path() / "bin" / "initdb")) {
            version = found;
            newest = entry.path() / "bin";
        }
    }
    if (newest.empty()) throw std::runtime_error("no PostgreSQL server (Debian: postgresql)");
    return newest;
}

void copy_owned(const fs::path& from, const fs::path& to, uid_t user, gid_t group) {
    fs::copy(from, to, fs::copy_options::recursive);
    const auto own = [&](const fs::path& path) {
        if (::lchown(path.c_str(), user, group) != 0)
            throw std::runtime_error("chown " + path.string());
    };
    own(to);
    for (const auto& entry : fs::recursive_directory_iterator{to}) own(entry.path());
    fs::permissions(to, fs::perms::owner_all);
}

}  // namespace

PostgresServer::PostgresServer(std::string settings)
    : settings_(std::move(settings)),
      binaries_(find_binaries()),
      port_(free_port()),
      user_(::geteuid()),
      group_(::getegid()) {
    if (user_ == 0) {
        const passwd* found = ::getpwnam("postgres");
        if (found == nullptr) found = ::getpwnam("nobody");
        if (found == nullptr) throw std::runtime_error("no user to run PostgreSQL as");
        user_ = found->pw_uid;
        group_ = found->pw_gid;
    }
    std::string pattern = (fs::temp_directory_path() / "syncline-pg-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
    folder_ = pattern;
    if (::chown(folder_.c_str(), user_, group_) != 0) throw std::runtime_error("chown");
    make_cluster();
    write_settings();
    start();
}

PostgresServer::~PostgresServer() {
    signal_and_wait(SIGQUIT);  // At once: what it holds is thrown away.
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

std::string PostgresServer::log() const {
    std::ifstream file{folder_ / "log"};
    return {std::istreambuf_iterator<char>{file}, {}};
}

/// initdb takes a second or two, a copy of what it made a tenth: the first test of a build leaves
/// one for the others. Two that do so at once do no harm: a rename onto a folder with files fails.
void PostgresServer::make_cluster() {
    const fs::path data = folder_ / "data";
    const fs::path kept = fs::path{SYNCLINE_BIN_DIR} / ".." / "postgres-template";
    if (fs::exists(kept)) return copy_owned(kept, data, user_, group_);
    run({(binaries_ / "initdb").string(), "-D", data.string(), "-U", "postgres", "-E", "UTF8",
         "--locale=C.UTF-8", "--auth-local=trust", "--auth-host=scram-sha-256", "--no-sync"});
    std::error_code ignored;
    const fs::path copy = kept.string() + "." + folder_.filename().string();
    fs::create_directories(kept.parent_path(), ignored);
    fs::copy(data, copy, fs::copy_options::recursive, ignored);
    fs::rename(copy, kept, ignored);
    fs::remove_all(copy, ignored);
}

void PostgresServer::write_settings() const {
    std::ofstream file{folder_ / "data" / "postgresql.auto.conf"};
    file << "listen_addresses = '127.0.0.1'\nport = " << port_ << "\nunix_socket_directories = '"
         << folder_.string() << "'\n"
         << "wal_level = logical\nmax_replication_slots = 10\nmax_wal_senders = 10\n"
         << "max_connections = 40\nshared_buffers = 32MB\nfsync = off\nautovacuum = off\n"
         << "lc_messages = 'C'\n"
         << settings_ << "\n";
}

pid_t PostgresServer::spawn(const std::vector<std::string>& words) const {
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
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);  // After setuid(), which takes it back.
    if (::getppid() != parent) ::_exit(1);
    const int out = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    ::dup2(out, STDOUT_FILENO);
    ::dup2(out, STDERR_FILENO);
    if (::chdir(folder_.c_str()) != 0) ::_exit(1);
    ::execv(arguments.front(), arguments.data());
    ::_exit(127);
}

void PostgresServer::run(const std::vector<std::string>& words) const {
    int status = 0;
    if (::waitpid(spawn(words), &status, 0) < 0 || status != 0) {
        throw std::runtime_error(words.front() + " failed:\n" + log());
    }
}

void PostgresServer::start() {
    const auto deadline = std::chrono::steady_clock::now() + kStartMost;
    // After a crash the old server's children may hold its memory for a moment more.
    while (!try_start()) {
        if (std::chrono::steady_clock::now() > deadline) {
            throw std::runtime_error("PostgreSQL does not start:\n" + log());
        }
        std::this_thread::sleep_for(50ms);
    }
}

bool PostgresServer::try_start() {
    pid_ = spawn({(binaries_ / "postgres").string(), "-D", (folder_ / "data").string()});
    const auto deadline = std::chrono::steady_clock::now() + kStartMost;
    const std::string target = "host=" + folder_.string() + " port=" + std::to_string(port_) +
                               " user=postgres dbname=postgres";
    while (PQping(target.c_str()) != PQPING_OK) {
        int status = 0;
        if (::waitpid(pid_, &status, WNOHANG) == pid_) {
            pid_ = 0;
            return false;
        }
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(10ms);
    }
    return true;
}

void PostgresServer::signal_and_wait(int signal) {
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

void PostgresServer::stop() { signal_and_wait(SIGINT); }
void PostgresServer::kill9() { signal_and_wait(SIGKILL); }

void PostgresServer::restart() {
    stop();
    start();
}

struct PostgresClient::Connection {
    PGconn* handle = nullptr;
    ~Connection() { PQfinish(handle); }
};

PostgresClient::PostgresClient(const PostgresServer& server, const std::string& database)
    : connection_(std::make_unique<Connection>()) {
    connection_->handle =
        PQconnectdb(("host=" + server.socket_folder() + " port=" + std::to_string(server.port()) +
                     " user=postgres dbname=" + database)
                        .c_str());
    if (PQstatus(connection_->handle) != CONNECTION_OK) {
        throw std::runtime_error(PQerrorMessage(connection_->handle));
    }
    run("SET client_min_messages = warning");
}

PostgresClient::~PostgresClient() = default;

std::vector<PostgresClient::Row> PostgresClient::run(const std::string& sql) {
    PGresult* result = PQexec(connection_->handle, sql.c_str());
    const ExecStatusType status = PQresultStatus(result);
    std::vector<Row> rows;
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        const std::string why = PQresultErrorMessage(result);
        PQclear(result);
        throw std::runtime_error(sql + ": " + why);
    }
    for (int row = 0; row < PQntuples(result); ++row) {
        Row values;
        for (int column = 0; column < PQnfields(result); ++column) {
            const bool is_null = PQgetisnull(result, row, column) != 0;
            values.emplace_back(is_null ? "NULL" : PQgetvalue(result, row, column));
        }
        rows.push_back(std::move(values));
    }
    PQclear(result);
    return rows;
}

std::string PostgresClient::value(const std::string& sql) { return run(sql).at(0).at(0); }

}  // namespace syncline::test
