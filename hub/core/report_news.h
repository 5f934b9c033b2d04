#pragma once

#include <cstdint>

namespace syncline::hub {

/// What an agent's word makes of the exception that stands, nothing if none does.
enum class ReportNews : std::uint8_t {
    kNothing,  ///< It is known, or outdated.
    kOpened,   ///< `exception` is another one.
    kUpdated,  ///< There is more, or less, of it.
    kClosed,   ///< It is over.
};

}  // namespace syncline::hub
