#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/connectors/connector.h"
#include "agent/connectors/sql/reader.h"
#include "agent/connectors/sql/session.h"
#include "agent/connectors/sql/table.h"
#include "shared/base/clock.h"

namespace syncline::agent::sql {

/// What the connector needs to know, whichever the database.
struct SqlSettings {
    SessionOpener open;
    std::vector<SqlObject> objects;
    Duration lag{0};           ///< See end_round().
    std::string outbox;        ///< Quoted name of the outbox's table.
    std::string outbox_table;  ///< The same as the configuration has it, as triggers are named by.
    const Clock* clock = nullptr;
};

/// A database that cannot stream its log to us: changes by polling, writes by SQL. README.md says
/// how. One session for each object of this class.
class SqlConnector final : public Connector {
public:
    explicit SqlConnector(SqlSettings settings);

    /// kInvalid: a mapped table, key, marker or stamp is not as the mapping says.
    Result<void> connect(std::stop_token stop) override;
    /// kInvalid: also, the outbox or a trigger is missing.
    Result<std::vector<std::string>> check_reading(std::stop_token stop) override;
    Result<Batch> read(const Cursor& from, std::size_t max, std::stop_token stop) override;
    Result<Batch> survey(const Cursor& from, std::size_t max, std::stop_token stop) override;
    /// Takes out of the outbox what the batch that led to `stored` told.
    Result<std::uint64_t> count(std::stop_token stop) override;
    Result<void> stored(const Cursor& stored) override;
    Result<std::optional<Record>> fetch(const ObjectName& object, const RecordId& id,
                                        std::stop_token stop) override;
    Result<std::optional<Record>> find(const ObjectName& object, const EntityId& entity,
                                       std::stop_token stop) override;
    /// As carry_out().
    Result<Written> write(const Command& command, std::stop_token stop) override;
    [[nodiscard]] Fields normal_form(const ObjectName& object, const Fields& fields) const override;
    /// `create_is_idempotent` is only known, and true, after connect().
    [[nodiscard]] Traits traits() const override;

private:
    [[nodiscard]] bool connected() const { return session_ && session_->usable(); }
    [[nodiscard]] std::unexpected<Error> not_connected() const;
    [[nodiscard]] ReadContext context(const std::stop_token& stop) const;
    Result<const Table*> table_of(const ObjectName& object) const;
    [[nodiscard]] Result<std::vector<Table>> describe_all(Session& session,
                                                          const std::stop_token& stop) const;
    Result<void> look_again(const std::stop_token& stop);
    [[nodiscard]] std::string missing_triggers(const Table& table,
                                               const std::vector<std::string>& found) const;
    template <class T>
    Result<T> looked_at(Result<T> result);

    SqlSettings settings_;
    std::unique_ptr<Session> session_;
    std::vector<Table> tables_;
    std::string outbox_in_use_;  ///< settings_.outbox, or empty where no object uses it.
    bool outbox_checked_ = false;
    Duration look_at_{0};              ///< When tables and triggers are looked at again.
    Cursor told_next_;                 ///< Of the last batch that read() gave.
    std::vector<std::uint64_t> told_;  ///< What it told of the outbox.
};

}  // namespace syncline::agent::sql
