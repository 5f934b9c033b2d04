#pragma once

#include <string>

#include "hub/ctl/output.h"
#include "shared/base/clock.h"

namespace syncline::ctl {

/// Shows a line in the place of the last one on a terminal, or now and then where there is none.
/// In JSON mode it shows nothing.
class Ticker {
public:
    Ticker(Output& out, const Clock& clock);
    void show(const std::string& line);
    /// What comes next begins on a line of its own.
    void end();

private:
    Output& out_;
    const Clock& clock_;
    bool terminal_;
    bool shown_ = false;
    Duration next_{0};
};

}  // namespace syncline::ctl
