#pragma once

#include <string>
#include <string_view>

#include "agent/connectors/file/row_reader.h"
#include "shared/base/result.h"

namespace syncline::agent::file {

/// Where reading stands: the text inside a Cursor.
struct Position {
    std::string file;      ///< Empty: before the first one.
    std::string identity;  ///< Of its content, so that another under the same name is read anew.
    RowPlace place;
    bool finished = false;  ///< All rows were handed out: it moves to done/ once they are stored.

    /// Empty text is the beginning. kCorrupt: it is not one of ours.
    static Result<Position> decode(std::string_view text);
    [[nodiscard]] std::string encode() const;
};

}  // namespace syncline::agent::file
