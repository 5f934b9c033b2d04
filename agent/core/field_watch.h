#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/model/value.h"

namespace syncline::agent {

/// Counts in how many of an object's records each mapped field is told, and says which of them are
/// told no more: renamed, removed or hidden at the platform. Many platforms leave out what is
/// empty, so that a field which few records have must be missing in more of them until it counts.
class FieldWatch {
public:
    FieldWatch() = default;
    /// `from_start`: of everything that there is the first record is yet to be read.
    FieldWatch(const std::vector<FieldName>& mapped, bool from_start);

    /// Which of the fields a record tells, in an order of our own.
    using Sight = std::vector<bool>;
    [[nodiscard]] Sight sight(const Fields& told) const;
    /// A whole record as it was read. Each should count once for each time that it differs.
    void add(const Sight& sight);
    /// All records are read: those that survey() is told until end_survey(). A field that most
    /// records had, and that none of these has, is missing, however few there are. True: that is
    /// news. An end without a beginning says nothing.
    void begin_survey();
    void survey(const Sight& sight);
    bool end_survey();
    /// Of which fields it is certain that the platform has no such thing; all others it has. True:
    /// that is news.
    bool set_absent(const std::vector<FieldName>& fields);
    [[nodiscard]] std::vector<FieldName> absent() const;
    /// Those that are absent are not among them. `read_whole`: everything that there is has been
    /// read by now, so that a field which was mapped from the start and never told is one that no
    /// record has.
    [[nodiscard]] std::vector<FieldName> missing(bool read_whole) const;

    [[nodiscard]] std::string text() const;
    /// Takes up what text() said, of the fields that are still mapped. False: it is none, and
    /// nothing was taken.
    bool take_up(std::string_view text);

private:
    struct Count {
        std::uint64_t seen = 0;  ///< Records since the field is mapped.
        std::uint64_t told = 0;  ///< Those that told it.
        std::uint64_t run = 0;   ///< The newest ones, which did not.
        bool from_start = false;
        bool absent = false;
        bool in_none = false;        ///< Of the records of the last survey.
        std::uint64_t surveyed = 0;  ///< Those that told it.
    };
    [[nodiscard]] static bool is_missing(const Count& count, bool read_whole);
    [[nodiscard]] static std::uint64_t flags_of(const Count& count);

    std::map<FieldName, Count> counts_;
    std::optional<std::uint64_t> surveyed_;  ///< Records; nothing: no survey is under way.
};

}  // namespace syncline::agent
