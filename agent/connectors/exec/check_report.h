#pragma once

#include <functional>
#include <string>
#include <utility>

#include "agent/connectors/exec/check.h"
#include "agent/connectors/exec/door.h"

namespace syncline::agent::exec {

/// What the parts of the check share: the program, and where results go.
class CheckReport {
public:
    CheckReport(Door& door, const std::function<void(CheckResult)>& on_result)
        : door_(door), on_result_(on_result) {}

    [[nodiscard]] Door& door() { return door_; }
    void begin(std::string object) { object_ = std::move(object); }

    /// True if it holds.
    bool holds(const std::string& name) { return tell(name, CheckResult::Verdict::kHolds, {}, {}); }
    bool fails(const std::string& name, const std::string& expected, const std::string& found) {
        return tell(name, CheckResult::Verdict::kFails, expected, found);
    }
    bool left_out(const std::string& name, const std::string& why) {
        return tell(name, CheckResult::Verdict::kLeftOut, {}, why);
    }
    /// Holds if `found` is empty.
    bool check(const std::string& name, const std::string& expected, const std::string& found) {
        return found.empty() ? holds(name) : fails(name, expected, found);
    }

private:
    bool tell(const std::string& name, CheckResult::Verdict verdict, const std::string& expected,
              const std::string& found) {
        on_result_({object_, name, verdict, expected, found});
        return verdict == CheckResult::Verdict::kHolds;
    }

    Door& door_;
    const std::function<void(CheckResult)>& on_result_;
    std::string object_;
};

/// "unavailable: it ended with exit code 3".
[[nodiscard]] inline std::string error_text(const Error& error) {
    return std::string{name_of(error.kind)} + ": " + error.what;
}

/// The writing checks of one object. `end`: a cursor behind all that there is.
void check_writes(CheckReport& report, const ObjectMapping& mapping, const std::string& end,
                  const Fields& set, const Clock& clock);

}  // namespace syncline::agent::exec
