#pragma once

#include <string>
#include <vector>

#include "hub/ctl/cli.h"
#include "hub/ctl/cluster.h"

/// Which exceptions are meant, and in which order they matter. Pure but for the options.
namespace syncline::ctl {

/// What an exception must be; what is empty does not matter.
struct ExceptionFilter {
    std::string kind;      ///< `*` stands for any text; with `@platform` if it has a platform.
    std::string platform;  ///< All others as they are.
    std::string object;
    std::string severity;  ///< At least that.
    std::string assignee;
    std::string tag;
    std::string search;       ///< Part of its entity, record, reason or kind.
    std::string older_than;   ///< How long ago it was opened at least: `2h`.
    bool unassigned = false;  ///< Nobody sees to it.
    bool overdue = false;
    bool immaterial = false;  ///< Those that are not material too.
    bool all = false;         ///< The same, and the settled ones.
    std::string after;        ///< The cursor that the page before ended with.
    std::size_t limit = 0;    ///< 0: no limit.

    /// Does it say anything about which ones, rather than how many of them to show?
    [[nodiscard]] bool narrows() const;
};

/// The options of a command that work on it.
void add_filter(CLI::App& command, ExceptionFilter& filter);

/// kInvalid: the filter itself makes no sense.
[[nodiscard]] Result<void> check(const ExceptionFilter& filter);
/// By a filter that check() has found to be sound.
[[nodiscard]] bool holds(const ExceptionFilter& filter, const hub::ExceptionRecord& exception,
                         Timestamp now);

[[nodiscard]] bool is_open(const hub::ExceptionRecord& exception);
[[nodiscard]] bool is_overdue(const hub::ExceptionRecord& exception, Timestamp now);
/// When it was opened; of old ones when it was told.
[[nodiscard]] Timestamp opened_at(const hub::ExceptionRecord& exception);

/// The severest first; of these the one that is due first, then the oldest; the rest by subject.
void sort_by_urgency(std::vector<ExceptionView>& views);
void sort_by_urgency(std::vector<const ExceptionView*>& views);

/// Where one stands in that order, as text that says nothing to others; and whether `view` comes
/// after it. kInvalid: it is no such text.
struct UrgencyPlace {
    std::int64_t severity = 0;  ///< Negative: the severest is the least.
    std::int64_t due = 0;
    std::int64_t opened = 0;
    std::string subject;

    auto operator<=>(const UrgencyPlace&) const = default;
};
[[nodiscard]] UrgencyPlace place_of(const ExceptionView& view);
[[nodiscard]] std::string cursor_of(const UrgencyPlace& place);
[[nodiscard]] Result<UrgencyPlace> parse_cursor(std::string_view text);

/// "command.rejected@erp", or the kind alone.
[[nodiscard]] std::string name_of(const hub::ExceptionRecord& exception);
[[nodiscard]] Style style_of(ExceptionSeverity severity);

}  // namespace syncline::ctl
