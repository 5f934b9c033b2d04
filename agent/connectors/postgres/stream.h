#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/connectors/connector.h"
#include "agent/connectors/postgres/cursor.h"
#include "agent/connectors/postgres/pgoutput.h"
#include "agent/connectors/postgres/session.h"
#include "agent/connectors/postgres/table.h"

namespace syncline::agent::postgres {

/// The changes that a replication slot tells, as batches of records.
///
/// Transactions come whole and in commit order. A batch ends at a commit where it can; one that
/// would grow over its maximum ends inside, and the position counts the records told so far, so
/// that a repeat begins with that transaction's first record.
///
/// Lifetime: holds references to the tables and the SQL session, which it asks for the newest
/// state of a row when the stream told only a part of it. Threading: one thread at a time.
class Stream {
public:
    /// What it lives on; all outlive it.
    struct Context {
        Session& sql;
        std::vector<Table>& tables;
        const Clock& clock;
    };

    /// Starts streaming at `from` over `replication`. Everything up to `from.lsn` must be durable
    /// at the agent: it is confirmed to the server. Errors as Session::run().
    static Result<Stream> start(Context context, Session replication, const std::string& command,
                                const Position& from, std::stop_token stop);

    /// Up to about `max` records, waiting up to a second for the first. After an error the stream
    /// is of no use any more: start another one at the last position stored.
    Result<Batch> read(std::size_t max, std::stop_token stop);

    /// Tells the server that everything up to `lsn` is durable here.
    Result<void> confirm(Lsn lsn, std::stop_token stop);

    /// What the next read() goes on from.
    [[nodiscard]] const Position& position() const { return position_; }
    /// Transactions seen that carried the mark of our own writes.
    [[nodiscard]] std::uint64_t own_writes() const { return own_writes_; }

private:
    /// A mapped table as the stream tells it.
    struct Source {
        std::size_t table = 0;       ///< Index among the context's tables.
        std::vector<int> columns;    ///< Per column of the table its place in a tuple; or -1.
        std::vector<SqlType> types;  ///< Per column of the table.
    };
    struct Pending {
        std::size_t record = 0;  ///< Index in the batch.
        std::size_t table = 0;
    };

    Stream(Context context, Session replication, const Position& from)
        : context_(context), replication_(std::move(replication)), position_(from) {}

    Result<void> take(std::string_view message, Batch& batch, const std::stop_token& stop);
    Result<void> take_keepalive(std::string_view message, const Batch& batch,
                                const std::stop_token& stop);
    Result<void> take_change(const pgoutput::Message& message, Batch& batch,
                             const std::stop_token& stop);
    Result<void> take_relation(const pgoutput::Relation& relation, Batch& batch,
                               const std::stop_token& stop);
    void take_commit(const pgoutput::Commit& commit);
    void take_update(const pgoutput::Update& update, Batch& batch);
    void take_truncate(const pgoutput::Truncate& truncate, Batch& batch);
    void add_row(const Source& source, const pgoutput::Tuple& tuple, Batch& batch);
    void add_delete(const Source& source, const pgoutput::Tuple& tuple, Batch& batch);
    void add(const Source& source, Result<Record> record, const std::vector<Cell>& cells,
             Batch& batch);
    [[nodiscard]] bool is_outdated(const Table& table, const RecordId& id) const;
    [[nodiscard]] std::vector<Cell> cells_of(const Source& source,
                                             const pgoutput::Tuple& tuple) const;
    [[nodiscard]] const std::vector<Source>& sources(std::uint32_t relation) const;
    Result<void> fill_in(Batch& batch, const std::stop_token& stop);
    Result<void> send_status(const std::stop_token& stop);

    Context context_;
    Session replication_;
    Position position_;
    bool in_transaction_ = false;
    Lsn transaction_lsn_;  ///< Of the commit of the transaction that is being told.
    Timestamp transaction_at_;
    Lsn confirmed_;
    Duration status_sent_{0};
    Duration position_moved_{0};
    bool cursor_wanted_ = false;  ///< The server asked; an empty batch with a new cursor answers.
    std::map<std::uint32_t, std::vector<Source>> sources_;
    std::vector<Pending> pending_;
    /// Rows read again, and up to where the stream is older than what was read.
    std::map<std::pair<ObjectName, RecordId>, Lsn> fresh_;
    std::uint64_t own_writes_ = 0;
};

/// One row by its key; nullopt if there is none.
[[nodiscard]] Result<std::optional<Record>> fetch_row(Session& session, const Table& table,
                                                      const RecordId& id,
                                                      const std::stop_token& stop);

/// The end of the write-ahead log now: everything that was visible before is in front of it.
[[nodiscard]] Result<Lsn> current_lsn(Session& session, const std::stop_token& stop);

}  // namespace syncline::agent::postgres
