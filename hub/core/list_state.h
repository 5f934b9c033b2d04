#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/model/list.h"
#include "shared/policy/policy.h"
#include "shared/wire/list_parts.h"

/// What the hubs know of a list, and how it changes. Pure; see hub/lists.h.
namespace syncline::hub {

/// A generation of a list: what its source read.
struct ListGeneration {
    std::uint64_t number = 0;  ///< 0: there is none.
    std::string digest;        ///< Of its manifest.
    std::uint64_t rows = 0;
    Timestamp read_at;   ///< When its reading began, by the agent's clock.
    Timestamp taken_at;  ///< When it became the newest one.
    std::string actor;   ///< Who had it read; empty: the schedule.
    wire::ListDifference changes;
    friend bool operator==(const ListGeneration&, const ListGeneration&) = default;
};

/// How a platform that is given the list stands.
struct ListTarget {
    ListTake has;
    Timestamp at;     ///< Since when.
    ListTake failed;  ///< Which one it could not be given; empty: none.
    Timestamp failed_at;
    std::string why;
    friend bool operator==(const ListTarget&, const ListTarget&) = default;
};

struct ListState {
    static constexpr std::size_t kHistoryMost = 20;

    ListName list;
    Timestamp since;    ///< When a hub first knew of it.
    Timestamp read_at;  ///< When a reading began that proves `current`; 0: never.
    ListGeneration current;
    std::vector<ListGeneration> history;  ///< Those before, the newest first, without samples.
    std::optional<ListGeneration> held;   ///< It lacks too many rows: a person is asked.
    std::string dropped;                  ///< The digest that a person did not want.
    std::string settled_by;               ///< Who answered last what was held, and how.
    std::string settled;
    Timestamp settled_at;
    std::string refused;  ///< Why the newest reading does not do; empty: it does.
    std::string refused_digest;
    Timestamp answered;      ///< When the newest request was made that came to something.
    std::string trouble;     ///< Why it could not be read last; empty: it could.
    std::string incomplete;  ///< A generation of which parts were missing, and are asked for.
    /// Manifests of which what no other generation needs is still to be deleted.
    std::vector<std::string> garbage;
    std::map<PlatformId, ListTarget> targets;
    friend bool operator==(const ListState&, const ListState&) = default;

    /// The manifests whose parts must stay.
    [[nodiscard]] std::vector<std::string> wanted() const;
};

/// What is wrong with the rows of part `index` of so many, by the list's fields; empty: nothing.
/// Names a key and a field, and the value only if it is public.
[[nodiscard]] std::string problem_of(const ListSpec& list, const ListRows& rows, std::size_t index,
                                     std::size_t parts);

/// The source read what is the newest generation, or was held, dropped or refused before. False:
/// none of these.
[[nodiscard]] bool note_read(ListState& state, const std::string& digest, Timestamp at);
/// The source read something else, and it is whole: it becomes the newest generation, or is held.
void note_generation(ListState& state, const ListSpec& list, ListGeneration read, Timestamp now);
/// The same, and some of it is not there.
void note_incomplete(ListState& state, const std::string& digest);
/// A reading that does not do.
void note_refused(ListState& state, const std::string& digest, std::string why);
/// What a target says.
void note_target(ListState& state, const ListNews& news);
/// A person's answer to what is held; false: there is nothing to answer.
enum class ListAnswer : std::uint8_t { kAccept, kDiscard };
bool answer(ListState& state, ListAnswer answer, const std::string& actor,
            const std::string& reason, Timestamp now);

/// Shall the list be read, if it was asked for last then (0: never)?
[[nodiscard]] bool is_due(const ListSpec& list, Timestamp asked_at, Timestamp now);

/// What a person must know of the list now, by kind and platform; the reason, and since when.
struct ListTrouble {
    std::string_view kind;
    PlatformId platform;
    std::string reason;
    friend auto operator<=>(const ListTrouble&, const ListTrouble&) = default;
};
[[nodiscard]] std::vector<ListTrouble> troubles(const ListState& state, const ListSpec& list,
                                                Timestamp now);

}  // namespace syncline::hub
