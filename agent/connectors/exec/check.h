#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "agent/connectors/exec/settings.h"
#include "shared/base/clock.h"
#include "shared/model/ids.h"
#include "shared/model/value.h"

namespace syncline::agent::exec {

/// One thing that the protocol asks of a program, and whether it holds.
struct CheckResult {
    enum class Verdict : std::uint8_t {
        kHolds,
        kFails,
        kLeftOut,  ///< It cannot be told, or the program does not claim to be able to.
    };
    std::string object;  ///< Canonical; empty: of the program as a whole.
    std::string name;    ///< What must hold, as a sentence.
    Verdict verdict = Verdict::kHolds;
    std::string expected;  ///< Of kFails.
    std::string found;     ///< Of kFails what came instead; of kLeftOut why.
};

struct CheckOptions {
    /// Makes, changes and deletes one record of it on the platform. Nothing: only reads.
    std::optional<ObjectName> write;
    Fields set;  ///< What that record shall hold, where values that we think of do not do.
};

/// Tries a program on what README.md here says, and tells each result as it comes. The platform
/// should be at rest: a record that somebody edits meanwhile looks like a fault. Ends the program.
/// Threading: all on the calling thread, `sink` (lines of standard error) as well.
void run_checks(const std::shared_ptr<const Settings>& settings, const Clock& clock,
                const CheckOptions& options, const std::function<void(CheckResult)>& on_result,
                const std::function<void(std::string_view)>& sink);

}  // namespace syncline::agent::exec
