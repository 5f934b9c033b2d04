#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agent/core/mapping.h"
#include "shared/base/result.h"

namespace syncline::agent::exec {

/// How far each object was read: what is inside the agent's cursor.
struct ReadState {
    struct Position {
        std::string cursor;  ///< The program's own; empty: the beginning.
        bool full = true;    ///< Its first read, which shows every record, has not come to its end.
    };
    std::map<std::string, Position, std::less<>> objects;  ///< By canonical name.
    std::string turn;                                      ///< The object that is next; or empty.

    /// kCorrupt: it is none of ours. Objects that are not mapped any more stay in it.
    static Result<ReadState> decode(std::string_view text);
    [[nodiscard]] std::string encode() const;
};

}  // namespace syncline::agent::exec
