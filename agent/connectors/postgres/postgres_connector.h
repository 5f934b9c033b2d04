#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "agent/connectors/connector.h"
#include "agent/connectors/postgres/cursor.h"
#include "agent/connectors/postgres/postgres_config.h"
#include "agent/connectors/postgres/session.h"
#include "agent/connectors/postgres/stream.h"
#include "agent/connectors/postgres/table.h"
#include "agent/core/mapping.h"
#include "shared/base/clock.h"

namespace syncline::agent::postgres {

/// PostgreSQL 14 or later: changes by logical replication (pgoutput), writes by SQL.
///
/// The first read makes the slot and copies the mapped tables in the snapshot of that moment;
/// from there on the slot tells every change. A copy that was interrupted goes on without the
/// snapshot, behind the last key it told. Confirmed to the server is only what stored() named, so
/// the slot is never ahead of the agent's disk; where it is nevertheless (an old copy of the
/// agent's file was put back, or the database was) everything is read again.
///
/// Connections: one for SQL from connect() on, one for replication from the first read() of the
/// stream on, one more while the first copy runs. An object that only writes opens one.
class PostgresConnector final : public Connector {
public:
    PostgresConnector(PostgresConfig config, std::vector<ObjectMapping> objects, const Clock& clock)
        : config_(std::move(config)), objects_(std::move(objects)), clock_(&clock) {}
    PostgresConnector(const PostgresConnector&) = delete;  // The stream refers to its members.
    PostgresConnector& operator=(const PostgresConnector&) = delete;

    /// kInvalid: a mapped table, key or marker is not as the mapping says.
    Result<void> connect(std::stop_token stop) override;
    /// kUnsupported: the server's version or wal_level. kInvalid: the publication or the slot is
    /// not fit. kNotFound: the slot is gone, and with it changes that were not read: start a full
    /// read, which makes it anew. kDenied: the role may not replicate. Each says what to do.
    Result<std::vector<std::string>> check_reading(std::stop_token stop) override;
    Result<Batch> read(const Cursor& from, std::size_t max, std::stop_token stop) override;
    [[nodiscard]] Cursor full_read_start() const override;
    Result<Batch> survey(const Cursor& from, std::size_t max, std::stop_token stop) override;
    Result<std::uint64_t> count(std::stop_token stop) override;
    Result<void> stored(const Cursor& stored) override;
    Result<std::optional<Record>> fetch(const ObjectName& object, const RecordId& id,
                                        std::stop_token stop) override;
    Result<std::optional<Record>> find(const ObjectName& object, const EntityId& entity,
                                       std::stop_token stop) override;
    /// As carry_out().
    Result<Written> write(const Command& command, std::stop_token stop) override;
    Result<Value> ask(const std::string& name, const Fields& input, std::stop_token stop) override;
    [[nodiscard]] std::vector<std::string> questions() const override;
    /// As carry_out_operation().
    Result<Value> operate(const OperationRequest& request, std::stop_token stop) override;
    [[nodiscard]] std::vector<OperationTraits> operations() const override;
    [[nodiscard]] Fields normal_form(const ObjectName& object, const Fields& fields) const override;
    /// `create_is_idempotent` is only known, and true, after connect().
    [[nodiscard]] Traits traits() const override;

    /// Transactions in the stream that carried the mark of Syncline's writes, since the start.
    [[nodiscard]] std::uint64_t own_writes_seen() const;

private:
    /// The slot as the server knows it.
    struct SlotState {
        Lsn confirmed;
        Lsn server;           ///< The end of the server's log.
        std::string problem;  ///< Empty: it can be used.
        ErrorKind kind = ErrorKind::kInvalid;
    };

    Result<void> describe_tables(const std::stop_token& stop);
    Result<const Table*> table_of(const ObjectName& object) const;
    enum class Publication : std::uint8_t { kThere, kNone };  ///< kNone: it may be made.
    Result<Publication> check_source(const std::stop_token& stop);
    Result<Publication> check_publication(const std::stop_token& stop);
    Result<void> create_publication(const std::stop_token& stop);
    Result<std::optional<SlotState>> slot_state(const std::stop_token& stop);
    Result<Session> open_replication(const std::stop_token& stop);
    Result<Lsn> create_slot(const std::stop_token& stop);
    Result<void> open_snapshot(const std::string& name, Lsn lsn, const std::stop_token& stop);
    Result<void> begin_copy(Position& position, const std::stop_token& stop);
    Result<Batch> read_copy(Position position, std::size_t max, const std::stop_token& stop);
    Result<Batch> read_stream(const Position& from, std::size_t max, const std::stop_token& stop);
    Result<std::optional<Batch>> start_stream(const Position& from, const std::stop_token& stop);
    Batch read_all_again(const std::string& why) const;

    PostgresConfig config_;
    std::vector<ObjectMapping> objects_;
    const Clock* clock_;
    std::optional<Session> sql_;
    std::vector<Table> tables_;
    bool source_checked_ = false;
    std::optional<Session> snapshot_;  ///< Holds the snapshot of the slot's consistent point.
    Lsn snapshot_lsn_;
    std::optional<Stream> stream_;
    std::uint64_t own_writes_ = 0;  ///< Of streams before this one.
};

/// A connector that is not connected. kInvalid: the objects cannot be told apart or are none.
/// `clock` outlives it.
[[nodiscard]] Result<std::unique_ptr<Connector>> make_postgres(PostgresConfig config,
                                                               std::vector<ObjectMapping> objects,
                                                               const Clock& clock);

}  // namespace syncline::agent::postgres
