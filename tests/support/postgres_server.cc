#include "tests/support/postgres_server.h"

#include <libpq-fe.h>
#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <thread>
#include <utility>

#include "tests/support/free_port.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr auto kStartMost = 60s;

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

}  // namespace

PostgresServer::PostgresServer(std::string settings)
    : settings_(std::move(settings)),
      binaries_(find_binaries()),
      port_(free_port()),
      process_("postgres", {"postgres", "nobody"}, SIGQUIT) {
    process_.make_data(
        "postgres-template",
        {(binaries_ / "initdb").string(), "-D", (process_.folder() / "data").string(), "-U",
         "postgres", "-E", "UTF8", "--locale=C.UTF-8", "--auth-local=trust",
         "--auth-host=scram-sha-256", "--no-sync"});
    write_settings();
    start();
}

void PostgresServer::write_settings() const {
    std::ofstream file{process_.folder() / "data" / "postgresql.auto.conf"};
    file << "listen_addresses = '127.0.0.1'\nport = " << port_ << "\nunix_socket_directories = '"
         << process_.folder().string() << "'\n"
         << "wal_level = logical\nmax_replication_slots = 10\nmax_wal_senders = 10\n"
         << "max_connections = 40\nshared_buffers = 32MB\nfsync = off\nautovacuum = off\n"
         << "lc_messages = 'C'\n"
         << settings_ << "\n";
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
    process_.start(
        {(binaries_ / "postgres").string(), "-D", (process_.folder() / "data").string()});
    const auto deadline = std::chrono::steady_clock::now() + kStartMost;
    const std::string target = "host=" + process_.folder().string() +
                               " port=" + std::to_string(port_) + " user=postgres dbname=postgres";
    while (PQping(target.c_str()) != PQPING_OK) {
        if (process_.has_ended()) return false;
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::sleep_for(10ms);
    }
    return true;
}

void PostgresServer::stop() { process_.signal_and_wait(SIGINT); }
void PostgresServer::kill9() { process_.signal_and_wait(SIGKILL); }

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
