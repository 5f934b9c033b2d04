#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "shared/base/result.h"
#include "shared/base/timestamp.h"

namespace syncline::agent::rest {

/// How far one stream of records has been read. A pass reads a window page by page; the next pass
/// begins `overlap` before the end of the last one.
struct Position {
    std::optional<Timestamp> watermark;  ///< End of the last complete pass; none: read everything.
    std::optional<Timestamp> until;      ///< Of the pass under way; none: there is none.
    std::optional<Timestamp> from;       ///< Start of its window; none: it reads everything.
    std::optional<Timestamp> stamp;      ///< Of the last row handed out in this pass ...
    std::string id;                      ///< ... and its id.
    std::string page;                    ///< URL or token of the next page; empty: by keyset.
    bool round_done = false;             ///< It had its pass in this round over all streams.
};

/// Where reading stands over all streams: the text inside a Cursor.
struct ReadState {
    std::string turn;  ///< The stream that was read last.
    std::map<std::string, Position, std::less<>> streams;

    /// Empty text is the beginning. kCorrupt: it is not one of ours.
    static Result<ReadState> decode(std::string_view text);
    [[nodiscard]] std::string encode() const;
};

}  // namespace syncline::agent::rest
