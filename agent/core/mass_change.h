#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/timestamp.h"
#include "shared/model/hold.h"
#include "shared/model/value.h"

/// When changes are too many: pure counting, and which fields of a record hold something. What is
/// done about it stands in agent/breaker.h.
namespace syncline::agent {

/// How many of one kind a lane may see in a window: more than `count`, or more than `percent` of
/// the object's records, is too much.
struct MassLimit {
    bool on = false;
    std::uint64_t count = 1'000;
    std::uint32_t percent = 10;  ///< 100: only the count limits.
    friend bool operator==(const MassLimit&, const MassLimit&) = default;
};
using LaneLimits = std::array<MassLimit, kMassKinds>;  ///< By MassKind.

struct MassSettings {
    Duration window{std::chrono::minutes{10}};
    /// A percentage limits from so many changes on: one of three records is no mass change.
    std::uint64_t percent_from = 50;
    std::array<LaneLimits, 2> limits = {LaneLimits{MassLimit{true}, MassLimit{true}, {}},
                                        LaneLimits{MassLimit{true}, MassLimit{true}, {}}};
    /// By Direction, as `limits`; objects that are not there have those.
    std::map<ObjectName, std::array<LaneLimits, 2>> objects = {};

    [[nodiscard]] const LaneLimits& of(const Lane& lane) const;
    friend bool operator==(const MassSettings&, const MassSettings&) = default;
};

/// What was counted lately, in slots of a tenth of the window: the oldest falls out as a whole.
class MassWindow {
public:
    static constexpr std::int64_t kSlots = 10;

    void add(MassKind kind, Timestamp now, Duration window);
    [[nodiscard]] MassCounts counts(Timestamp now, Duration window) const;
    /// For the store; parse() of anything else is an empty window.
    [[nodiscard]] std::string text() const;
    [[nodiscard]] static MassWindow parse(std::string_view text);
    friend bool operator==(const MassWindow&, const MassWindow&) = default;

private:
    struct Slot {
        std::int64_t at = 0;  ///< Slots since 1970.
        MassCounts counts{};
        friend bool operator==(const Slot&, const Slot&) = default;
    };
    std::vector<Slot> slots_;  ///< Oldest first.
};

/// A limit that was passed.
struct Excess {
    MassKind kind = MassKind::kDelete;
    std::string limit;  ///< For a person: "1000", "10 % of 5000 records".
};
/// Nothing: all is within the limits. `records`, how many there are of the object, is only asked
/// for if a percentage counts.
[[nodiscard]] std::optional<Excess> excess_of(const MassCounts& counts, const LaneLimits& limits,
                                              std::uint64_t percent_from,
                                              const std::function<std::uint64_t()>& records);

/// Does the value say nothing? Null, and text, lists and maps without anything in them.
[[nodiscard]] bool is_blank(const Value& value);

/// Which of an object's fields hold something: a bit for each, by the number that the store has
/// given the field.
class FilledFields {
public:
    FilledFields() = default;
    explicit FilledFields(std::string_view bytes) : bytes_(bytes) {}

    void set(std::size_t field, bool holds_something);
    [[nodiscard]] bool has(std::size_t field) const;
    /// Empty: nothing is known, or all are blank.
    [[nodiscard]] const std::string& bytes() const { return bytes_; }
    friend bool operator==(const FilledFields&, const FilledFields&) = default;

private:
    std::string bytes_;
};

}  // namespace syncline::agent
