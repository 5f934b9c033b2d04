#pragma once

// The programs as processes, `shop` and `books` beside real databases that write down what is done
// to them; with one nats-server or with three.
#include <atomic>
#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "tests/integration/running_system.h"
#include "tests/support/nats_cluster.h"
#include "tests/support/sqlite_file.h"

namespace syncline::test {

class DatabasesSystem : public RunningSystem {
protected:
    using Customers = std::map<std::string, std::string>;  ///< Names by number.

    explicit DatabasesSystem(NatsServer::Options options = {});
    ~DatabasesSystem() override { end_traffic(); }

    /// Files of hub and agents for these servers.
    void use_servers(const std::vector<std::string>& urls, int replicas);
    void start_programs();
    void stop_programs();

    /// Customers of these numbers come into being in the shop.
    void add(int first, int last);
    /// Customers come all the time, one in such a time, until it is told to stop.
    void begin_traffic(std::chrono::milliseconds every);
    void end_traffic();
    void rename(const std::string& number, const std::string& name);
    void rename_in_books(const std::string& number, const std::string& name);
    [[nodiscard]] Customers in_shop();
    [[nodiscard]] Customers in_books();
    /// Waits until both hold the same, of so many customers.
    [[nodiscard]] bool agree(std::size_t customers);
    /// What the databases' own triggers have written down that must not be: a customer made twice,
    /// or given the name back that he had at first. That a value is set to what it is harms nobody.
    [[nodiscard]] std::string done_wrong();
    /// Neither altered nor removed; that a store went back is no one's doing.
    void expect_sound_audit();

    std::unique_ptr<SqliteClient> shop_db, books_db;
    std::atomic<int> count_{0};  ///< Of customers that have come by traffic.

private:
    void make_database(SqliteClient& database) const;
    void write_database_agent(const std::string& platform, const std::string& urls);

    std::atomic<bool> over_{false};
    std::thread traffic_;
};

}  // namespace syncline::test
