#pragma once

#include <string_view>

namespace syncline {

/// The places where a crash would be most telling: just before and after each commit. Production
/// passes through them without effect; the simulator kills the process there.
class SyncPoints {
public:
    virtual ~SyncPoints() = default;
    /// May not return: the simulator throws the process away.
    virtual void reached(std::string_view name) { (void)name; }
};

}  // namespace syncline
