#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/timestamp.h"

namespace syncline::agent::postgres {

/// A position in PostgreSQL's write-ahead log, in bytes. Zero is none.
struct Lsn {
    std::uint64_t value = 0;
    friend auto operator<=>(const Lsn&, const Lsn&) = default;
};

/// As PostgreSQL writes it: "16/B374D848".
[[nodiscard]] std::string to_string(Lsn lsn);
/// kInvalid: not such a text.
[[nodiscard]] Result<Lsn> parse_lsn(std::string_view text);

/// A stamp of the replication protocol (microseconds since 2000) as ours; saturates.
[[nodiscard]] Timestamp from_postgres_time(std::int64_t microseconds);
/// The reverse.
[[nodiscard]] std::int64_t to_postgres_time(Timestamp time);

/// The messages of the plugin pgoutput, protocol version 1 (and 2 without streaming), as in
/// "Logical Replication Message Formats" of PostgreSQL's manual. Texts are views into the bytes
/// that were decoded.
namespace pgoutput {

struct Begin {
    Lsn final_lsn;  ///< Of the commit.
    Timestamp committed_at;
    std::uint32_t xid = 0;
};

struct Commit {
    Lsn commit_lsn;
    Lsn end_lsn;  ///< Where the next transaction may begin: this is what is confirmed.
    Timestamp committed_at;
};

struct Origin {
    Lsn commit_lsn;
    std::string_view name;
};

struct RelationColumn {
    bool key = false;  ///< Part of the replica identity.
    std::string_view name;
    std::uint32_t type = 0;  ///< Oid of the type.
};

struct Relation {
    std::uint32_t id = 0;
    std::string_view schema;
    std::string_view name;
    char identity = 'd';  ///< `d` default, `n` nothing, `f` full, `i` index.
    std::vector<RelationColumn> columns;
};

struct Type {
    std::uint32_t id = 0;
    std::string_view schema;
    std::string_view name;
};

struct Datum {
    enum class Kind : std::uint8_t {
        kNull,
        kUnchanged,  ///< A TOASTed value that the update did not touch: not sent.
        kText,
        kBinary,
    };
    Kind kind = Kind::kNull;
    std::string_view bytes;
};
using Tuple = std::vector<Datum>;

struct Insert {
    std::uint32_t relation = 0;
    Tuple after;
};

struct Update {
    std::uint32_t relation = 0;
    std::optional<Tuple> key;     ///< The old key; only if it changed. Other columns are null.
    std::optional<Tuple> before;  ///< The old row; only with REPLICA IDENTITY FULL.
    Tuple after;
};

struct Delete {
    std::uint32_t relation = 0;
    bool key_only = true;  ///< All columns but those of the key are null and mean nothing.
    Tuple before;
};

struct Truncate {
    bool cascade = false;
    bool restart_identity = false;
    std::vector<std::uint32_t> relations;
};

/// What pg_logical_emit_message() wrote.
struct LogicalMessage {
    bool transactional = false;
    Lsn lsn;
    std::string_view prefix;
    std::string_view content;
};

using Message = std::variant<Begin, Commit, Origin, Relation, Type, Insert, Update, Delete,
                             Truncate, LogicalMessage>;

/// One message, which must fill `bytes`. kInvalid, with the offset: anything else.
[[nodiscard]] Result<Message> decode(std::string_view bytes);

}  // namespace pgoutput
}  // namespace syncline::agent::postgres
