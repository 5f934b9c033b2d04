#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shared/base/timestamp.h"
#include "shared/model/ids.h"
#include "shared/model/revision.h"

namespace syncline::hub {

/// How far one partition is decided; who holds it. Written by compare-and-set, which is what makes
/// a hub's hold safe: whoever writes with a greater fence shuts the others out.
struct Mark {
    Partition partition;
    std::uint64_t fence = 0;
    HubId holder;              ///< Empty: given back.
    Timestamp inputs_created;  ///< Identity of SYNC_IN that `floor` is about.
    std::uint64_t floor = 0;   ///< Inputs up to this stream sequence are done.
    /// A stream as it was when everything that belongs into it was in it: whoever takes the
    /// partition and finds it made anew, or ending earlier, publishes again what was lost. Empty
    /// until all of that is out: by its end alone the loss shows only until the stream has grown.
    struct StreamPoint {
        Timestamp created;
        std::uint64_t last = 0;
        friend bool operator==(const StreamPoint&, const StreamPoint&) = default;
    };
    std::uint64_t policy = 0;  ///< The version that rules the inputs at `floor`.
    /// Every stored state of the partition was decided again by the policy of this version.
    std::uint64_t reconsidered = 0;
    StreamPoint commands;
    StreamPoint exceptions;
    StreamPoint events;   ///< Up to here instances of workflows know those that concern them.
    Timestamp scheduled;  ///< Up to here workflows that begin by a schedule have begun.
    struct Source {
        PlatformId platform;
        Revision seq;  ///< Newest (epoch, seq) of this agent that is done.
        friend bool operator==(const Source&, const Source&) = default;
    };
    std::vector<Source> sources;  ///< Sorted by platform.
    friend bool operator==(const Mark&, const Mark&) = default;
};

}  // namespace syncline::hub
