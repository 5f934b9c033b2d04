#include "tests/support/mariadb_server.h"

#include <mysql.h>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <thread>
#include <utility>

#include "tests/support/free_port.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto kStartMost = 60s;
constexpr const char* kServerProgram = "/usr/sbin/mariadbd";
constexpr const char* kInstallProgram = "/usr/bin/mariadb-install-db";

/// Small, since each test has one; a test's data is thrown away.
const std::vector<std::string> kServerOptions{
    "--innodb-buffer-pool-size=16M",      "--innodb-log-file-size=8M",
    "--innodb-flush-log-at-trx-commit=0", "--innodb-fast-shutdown=2",
    "--performance-schema=OFF",           "--skip-name-resolve",
    "--character-set-server=utf8mb4",     "--skip-log-bin"};

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
    : options_(std::move(options)), port_(free_port()), process_("mariadb", {"nobody"}, SIGKILL) {
    if (!fs::exists(kServerProgram)) {
        throw std::runtime_error("no MariaDB server (Debian: mariadb-server-core)");
    }
    // A server that starts removes the temporary tables of any other that it finds in its tmpdir.
    std::vector<std::string> words{kInstallProgram,
                                   "--no-defaults",
                                   "--datadir=" + (process_.folder() / "data").string(),
                                   "--tmpdir=" + process_.folder().string(),
                                   "--auth-root-authentication-method=normal",
                                   "--skip-test-db"};
    words.insert(words.end(), kServerOptions.begin(), kServerOptions.end());
    process_.make_data("mariadb-template", words);
    start();
}

void MariadbServer::start() {
    std::vector<std::string> words{kServerProgram,
                                   "--no-defaults",
                                   "--datadir=" + (process_.folder() / "data").string(),
                                   "--tmpdir=" + process_.folder().string(),
                                   "--socket=" + socket(),
                                   "--port=" + std::to_string(port_),
                                   "--bind-address=127.0.0.1",
                                   "--pid-file=" + (process_.folder() / "pid").string()};
    words.insert(words.end(), kServerOptions.begin(), kServerOptions.end());
    words.insert(words.end(), options_.begin(), options_.end());
    process_.start(words);
    const auto deadline = std::chrono::steady_clock::now() + kStartMost;
    MYSQL* handle = nullptr;
    while ((handle = connect(socket(), "")) == nullptr) {
        if (process_.has_ended() || std::chrono::steady_clock::now() > deadline) {
            throw std::runtime_error("MariaDB does not start:\n" + log());
        }
        std::this_thread::sleep_for(10ms);
    }
    mysql_close(handle);
}

void MariadbServer::kill9() { process_.signal_and_wait(SIGKILL); }

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
