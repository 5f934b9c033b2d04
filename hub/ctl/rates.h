#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "shared/base/timestamp.h"

namespace syncline::ctl {

/// How fast counts grow that others announce every so often: the difference of two announcements by
/// the time between them. Threading: one thread.
class Rates {
public:
    using Counts = std::map<std::string, std::uint64_t, std::less<>>;

    /// What `who` has announced. `run` tells its starts apart: with another one, counts begin anew.
    /// The same announcement once more changes nothing.
    void note(const std::string& who, const std::string& run, Timestamp said, Counts counts);
    /// Per second; nullopt as long as there are no two announcements of one run.
    [[nodiscard]] std::optional<double> of(std::string_view who, std::string_view count) const;
    /// Of all of them; nullopt if there is none.
    [[nodiscard]] std::optional<double> sum(std::string_view prefix, std::string_view count) const;

private:
    struct Seen {
        std::string run;
        Timestamp said;
        Counts counts;
        std::map<std::string, double, std::less<>> rates;
    };
    std::map<std::string, Seen, std::less<>> seen_;
};

}  // namespace syncline::ctl
