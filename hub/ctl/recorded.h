#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "hub/ctl/session.h"
#include "shared/model/change.h"

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

/// Which changes: what is empty does not matter.
struct ChangeFilter {
    std::string platform;
    std::string object;
    std::string record;
};
/// Hands out the changes of the span, in order; the error of one that does not decode.
[[nodiscard]] Result<void> read_recorded_changes(
    Session& session, const Span& span, const ChangeFilter& filter,
    const std::function<void(std::uint64_t sequence, Result<Change> change)>& take);

}  // namespace syncline::ctl
