#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "hub/core/mark.h"
#include "hub/core/step.h"
#include "shared/base/timestamp.h"
#include "shared/model/change.h"
#include "shared/model/ids.h"
#include "shared/model/outcome.h"

/// What was done, counted from what the streams hold: every number is so many messages of them,
/// which can be shown. Pure: the command reads, this counts.
namespace syncline::ctl {

enum class Fact : std::uint8_t {
    kChanges,     ///< Different ones that agents told of.
    kDuplicates,  ///< Messages that came again, by their number.
    kEchoes,      ///< Changes that told nothing new: most are our own writes come back.
    kAccepted,    ///< Values that became canonical.
    kBlocked,     ///< Values that the policy did not let become canonical.
    kHealed,      ///< Changes that only a reconciliation found, and that were decided.
    kCommands,    ///< That hubs decided.
    kSaved,       ///< Of these, those that a newer one replaced before a platform was called.
    kExceptionsOpened,
    kExceptionsClosed,   ///< By themselves, as what they were about was gone.
    kExceptionsSettled,  ///< By people.
};
inline constexpr std::size_t kFacts = 11;
/// "duplicates", "echoes", ...: as people type it.
[[nodiscard]] const char* name_of(Fact fact);
[[nodiscard]] const char* meaning_of(Fact fact);

/// One message that a number counts.
struct FactEntry {
    std::string_view stream;
    std::uint64_t sequence = 0;
    Timestamp at;
    std::string what;
};

/// Takes the marks, the exceptions, the decision log and then the inputs, each in the order of its
/// stream and to its end: what is decided and done of something comes after it.
class Facts {
public:
    /// What lies from `first` up to, not including, `end` is counted. Of the one in `show` at most
    /// `show_most` entries are kept.
    Facts(Timestamp first, Timestamp end, Fact show, std::size_t show_most)
        : first_(first), end_(end), show_(show), show_most_(show_most) {}

    void take(const hub::Mark& mark);
    void take(std::uint64_t sequence, const hub::ExceptionRecord& exception);
    void take(std::uint64_t sequence, const hub::LogEntry& entry);
    void take(std::uint64_t sequence, Timestamp stored_at, const Change& change);
    void take(std::uint64_t sequence, Timestamp stored_at, const Outcome& outcome);
    /// All inputs were taken.
    void end_of_inputs();

    [[nodiscard]] std::uint64_t count(Fact fact) const {
        return counts_[static_cast<std::size_t>(fact)];
    }
    [[nodiscard]] const std::vector<FactEntry>& shown() const { return shown_; }
    /// How long it took, in the middle and at the 99th of a hundred.
    struct Times {
        std::uint64_t count = 0;
        Duration median{0};
        Duration p99{0};
    };
    /// From the platform's own stamp until its agent saw it, where platforms tell one; from there
    /// until a hub had decided it.
    [[nodiscard]] Times until_seen() const { return times_of(until_seen_); }
    [[nodiscard]] Times until_decided() const { return times_of(until_decided_); }

private:
    /// Hashes stand for names, of which there are millions.
    using Name = std::uint64_t;
    struct Told {
        std::uint64_t generation = 0;
        std::uint64_t sequence = 0;  ///< Of the log entry.
        Timestamp at;
        std::string what;
    };

    [[nodiscard]] bool is_undecided(const Change& change) const;
    [[nodiscard]] bool is_in(Timestamp at) const { return at >= first_ && at < end_; }
    void add(Fact fact, FactEntry entry);
    [[nodiscard]] static Times times_of(std::vector<Duration> all);

    Timestamp first_;
    Timestamp end_;
    Fact show_;
    std::size_t show_most_;
    std::array<std::uint64_t, kFacts> counts_{};
    std::vector<FactEntry> shown_;
    std::map<std::pair<PlatformId, Partition>, Revision> done_;  ///< By the marks.
    std::unordered_set<Name> kept_;                     ///< Inputs that wait as an exception.
    std::unordered_set<Name> entries_;                  ///< A hub may have told them again.
    std::unordered_map<Name, Timestamp> decided_;       ///< Inputs that changed something.
    std::unordered_set<Name> seen_;                     ///< Inputs, by number.
    std::unordered_map<Name, std::vector<Told>> told_;  ///< By entity and platform.
    std::unordered_map<Name, std::unordered_set<std::uint64_t>> answered_;  ///< Generations.
    std::unordered_set<Name> exceptions_;
    std::vector<Duration> until_seen_;
    std::vector<Duration> until_decided_;
};

}  // namespace syncline::ctl
