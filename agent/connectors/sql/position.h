#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "agent/connectors/connector.h"
#include "agent/connectors/sql/session.h"

namespace syncline::agent::sql {

/// Where reading one object stands.
struct ObjectPosition {
    /// A full read goes through the table by key. What changes meanwhile is told by the stamp,
    /// which is followed from before the full read began, or by the outbox.
    bool full = true;
    std::optional<Datum> stamp;  ///< Following by stamp: of the last row done.
    std::optional<Datum> key;    ///< Of the last row done; absent: none under that stamp.
    /// The database's clock when this full read, or this round of following, began; absent: none
    /// is under way.
    std::optional<Timestamp> began;
    friend bool operator==(const ObjectPosition&, const ObjectPosition&) = default;
};

/// Where reading stands: a round goes through all objects and then through the outbox. Its text, a
/// Cursor's, is JSON. An object that it does not know is read whole first.
struct Position {
    ObjectName at;                     ///< The object that the round stands in; empty: the first.
    std::optional<std::uint64_t> seq;  ///< The round stands in the outbox, behind this entry.
    std::map<ObjectName, ObjectPosition> objects;
    friend bool operator==(const Position&, const Position&) = default;
};

[[nodiscard]] Cursor to_cursor(const Position& position);
/// kInvalid: not such a text.
[[nodiscard]] Result<Position> parse_position(const Cursor& cursor);

/// Before which nothing can appear any more, as a column of stamps keeps it (stamp.h).
struct Settled {
    Timestamp moment;
    Datum stamp;  ///< The least stamp that may say that moment or a later one.
};

/// Ends a round, or the full read, of an object that is followed by stamp. The next round begins
/// behind the last row, or, where rows may still become visible before that, at `settled`, which is
/// `lag` before this one began: a transaction stamps its rows before it commits, so what it stamped
/// may appear later than what was stamped after it. `last` is the moment of the last row's stamp,
/// if it has one. Under the very stamp of `settled` rows may still appear, of any key, since a
/// column that keeps whole seconds gives one stamp to a whole second.
void end_round(ObjectPosition& position, std::optional<Timestamp> last, Settled settled);

}  // namespace syncline::agent::sql
