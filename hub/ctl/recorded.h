#pragma once

#include <cstdint>
#include <string>

#include "hub/ctl/session.h"

/// Which of the recorded inputs a command is about.
namespace syncline::ctl {

struct Span {
    std::uint64_t first = 1;
    std::uint64_t last = 0;  ///< Less than `first`: there are none.
};

/// The inputs of SYNC_IN from `from` to `to`, each a time, how long ago, or a sequence; see
/// parse_point(). `to` "now": up to the newest.
[[nodiscard]] Result<Span> find_span(Session& session, Timestamp now, const std::string& from,
                                     const std::string& to);

}  // namespace syncline::ctl
