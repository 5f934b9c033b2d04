#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/connectors/connector.h"
#include "agent/connectors/postgres/pgoutput.h"

namespace syncline::agent::postgres {

/// Where reading stands. Its text is a Cursor's:
///
///     (empty)                            nothing was read yet
///     copy 0/16B3740 customer 41         first copy; rows of `customer` up to key 41 are done
///     full 0/16B3740 customer 41         the same of a later full read
///     stream 0/16B3740 2 0/16B4000       transactions up to 0/16B3740, and 2 records of the next
struct Position {
    enum class Phase : std::uint8_t { kStart, kCopy, kFull, kStream };
    Phase phase = Phase::kStart;
    Lsn lsn;  ///< kStream: delivered so far. Else: where streaming begins afterwards; 0: the slot.
    ObjectName object;               ///< kCopy, kFull; empty: before the first one.
    std::optional<std::string> key;  ///< kCopy, kFull: last key done; absent: none yet.
    std::uint64_t records = 0;       ///< kStream: delivered of the transaction after `lsn`.
    /// kStream: rows were read outside of the stream up to here. Older transactions tell what a
    /// row was before that, so the row is read again instead.
    Lsn fresh_until;
    friend bool operator==(const Position&, const Position&) = default;
};

[[nodiscard]] Cursor to_cursor(const Position& position);
/// kInvalid: not such a text.
[[nodiscard]] Result<Position> parse_position(const Cursor& cursor);

}  // namespace syncline::agent::postgres
