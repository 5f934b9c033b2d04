#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/timestamp.h"

/// A platform's quota as a budget: who may spend how many calls of a window. Values in, values out:
/// time is Clock::now() of the caller, since a quota is the vendor's and goes by the time of day.
namespace syncline::agent {

/// What a call is for, the most urgent first.
enum class QuotaLane : std::uint8_t {
    kAsk,        ///< A question; somebody waits for the answer.
    kCommand,    ///< A command or an operation of a workflow, and what is looked up for it.
    kChange,     ///< What changed.
    kReconcile,  ///< Reading again, to compare.
    kBackfill,   ///< The first reading of all records.
    kFree,       ///< Costs the platform nothing: waiting for what it pushes.
};
inline constexpr std::size_t kQuotaLanes = 5;
[[nodiscard]] const char* name_of(QuotaLane lane);

/// A window is fixed where it is known when it ends. Else it is rolling: that keeps within the
/// quota of a fixed window of the same length as well, wherever that begins; the reverse is not so.
struct QuotaWindow {
    Duration length{std::chrono::hours{24}};
    std::optional<Duration> resets_at;  ///< After midnight UTC; absent: rolling.

    friend bool operator==(const QuotaWindow&, const QuotaWindow&) = default;
};

struct QuotaSettings {
    std::uint64_t limit = 0;  ///< Calls of all applications in a window; 0: as the platform tells.
    std::uint64_t reserve_percent = 10;  ///< Of the limit, never spent by us ...
    std::uint64_t reserve_calls = 0;     ///< ... and at least so many calls.
    QuotaWindow window;

    friend bool operator==(const QuotaSettings&, const QuotaSettings&) = default;
};

/// What a platform says of its quota; other applications' calls are in it.
struct QuotaTold {
    std::optional<std::uint64_t> limit;
    std::optional<std::uint64_t> used;
    std::optional<std::uint64_t> remaining;
    std::optional<Duration> resets_in;

    friend bool operator==(const QuotaTold&, const QuotaTold&) = default;
};

/// What one use of a connector took.
struct CallCost {
    std::uint32_t calls = 1;  ///< Requests, also those for a session.
    QuotaTold told;           ///< By the last answer that told something.
};

/// Counts the calls of a window and says when a lane may make the next one:
///
/// - Nobody spends the reserve, so neither the limit.
/// - Asks take what is left. Commands take what is left beyond the expected need of asks.
/// - The other lanes spread what is left beyond the expected need of asks, commands and other
///   applications over the rest of the window, a sixteenth of it at once if it was not used before.
///   Each leaves a quarter to those below it, so that none starves while there is room.
/// - A lane for which nothing is left beyond the need of others is slowed: it has a sixteenth of
///   what is left at all, spread. It rests when that is not one call.
///
/// What a lane is expected to need is the greater of its rate of late and of what it spent in the
/// last window from the same time on. In a first window that is not known, so half of what is left
/// is kept for it. A call counts from take() on, at the price of the dearest of
/// its lane so far; settle() says what it really took.
///
/// Threading: one thread. A clock that goes back makes it count too much, not too little.
class Quota {
public:
    explicit Quota(const QuotaSettings& settings);

    /// Whether there is any limit to keep.
    [[nodiscard]] bool limited() const { return limit() > 0; }
    /// How long until the lane may make a call; zero: now. It is never longer than until things may
    /// look better, so ask again then. Duration::max(): when covered() has said so; never of kAsk,
    /// which cannot wait for a disk.
    [[nodiscard]] Duration wait(QuotaLane lane, Timestamp now);
    /// A call is made. Pairs with one settle().
    void take(QuotaLane lane, Timestamp now);
    void settle(QuotaLane lane, const CallCost& cost, Timestamp now);

    enum class Flow : std::uint8_t { kFlows, kSlowed, kRests };
    struct Status {
        std::uint64_t limit = 0;    ///< 0: there is none, and the rest says nothing.
        std::uint64_t used = 0;     ///< As far as is known; also by others.
        std::uint64_t reserve = 0;  ///< Of the limit.
        bool learned = false;       ///< The platform told what is used.
        std::array<std::uint64_t, kQuotaLanes> spent{};  ///< By us, in this window.
        std::array<Flow, kQuotaLanes> flows{};           ///< When the lane asked last.
        std::optional<Timestamp> resets_at;              ///< Absent: the window is rolling.
        /// When what nobody slows down (asks, commands, other applications) uses up all but the
        /// reserve; absent: not in this window.
        std::optional<Timestamp> used_up_at;
    };
    [[nodiscard]] Status status(Timestamp now) const;

    // ---- Durability. What a store holds covers calls in advance, so that it need not be written
    // for each, and counts too much after a crash, never too little.

    /// Time to store keep(): calls are soon, or already, not covered by what is stored.
    [[nodiscard]] bool wants_keeping() const;
    struct Kept {
        std::string text;
        std::uint64_t covers = 0;  ///< For covered(), once the text is stored.
    };
    [[nodiscard]] Kept keep() const;
    void covered(std::uint64_t covers) { covered_ = covers; }
    /// Takes up what keep() made in another life. kCorrupt: it is no such text; nothing changed.
    [[nodiscard]] Result<void> restore(std::string_view text, Timestamp now);

private:
    /// A greater number of calls is none.
    static constexpr std::uint64_t kCallsMost = 1'000'000'000'000'000;
    static constexpr std::size_t kOthers = kQuotaLanes;  ///< Other applications, in a slot.
    /// The window is counted in pieces.
    struct Slot {
        std::int64_t index = 0;
        std::array<std::uint64_t, kQuotaLanes + 1> calls{};
    };
    struct Lane {
        std::uint32_t in_flight = 0;
        std::uint32_t dearest = 0;
        Flow flow = Flow::kFlows;
        Timestamp rests_until;
        double credit = 0;  ///< Calls that a spreading lane may make now; below zero: not yet.
        std::optional<Timestamp> credit_at;
    };
    /// What lies between now and a moment of the window: what comes free, what will be needed.
    struct Ahead {
        double seconds = 0;
        double freed = 0;
        double asks = 0;
        double commands = 0;
        double others = 0;
    };
    struct Outlook {
        double room = 0;  ///< Calls that the lane may make beyond the needs of others.
        double pace = 0;  ///< Calls a second, where it spreads.
        Flow flow = Flow::kFlows;
    };

    [[nodiscard]] std::uint64_t limit() const;
    [[nodiscard]] std::uint64_t reserve() const;
    [[nodiscard]] double known(Timestamp now) const;
    [[nodiscard]] double left(Timestamp now) const;
    [[nodiscard]] std::uint64_t block() const;
    [[nodiscard]] std::uint32_t hold(const Lane& lane) const;
    [[nodiscard]] std::uint64_t held() const;
    [[nodiscard]] Duration slot_length() const;
    [[nodiscard]] std::int64_t index_of(Timestamp time) const;
    [[nodiscard]] std::int64_t first_index(Timestamp now) const;
    [[nodiscard]] Timestamp window_start(Timestamp now) const;
    [[nodiscard]] Duration until_reset(Timestamp now) const;
    [[nodiscard]] Duration until_next_look(Timestamp now) const;
    Slot& slot(Timestamp now);
    [[nodiscard]] std::int64_t counted(Timestamp now) const;
    [[nodiscard]] double others(Timestamp now) const;
    [[nodiscard]] double rate(std::size_t lane, Timestamp now) const;
    [[nodiscard]] std::vector<Ahead> look_ahead(Timestamp now) const;
    [[nodiscard]] Outlook outlook(QuotaLane lane, Timestamp now) const;
    [[nodiscard]] double share(QuotaLane lane, const Ahead& ahead, double left,
                               Timestamp now) const;
    [[nodiscard]] bool knows_a_window(Timestamp now) const;
    void learn(const QuotaTold& told, Timestamp now);

    QuotaSettings settings_;
    QuotaWindow window_;              ///< As declared, or as told.
    std::optional<Timestamp> since_;  ///< When counting began.
    std::deque<Slot> slots_;          ///< Of the last window and a bit, the oldest first.
    std::array<Lane, kQuotaLanes> lanes_{};
    std::uint64_t told_limit_ = 0;
    bool told_ = false;        ///< The platform told what is used, ever.
    bool told_reset_ = false;  ///< It told when the window ends.
    std::int64_t others_ = 0;  ///< What it told beyond our own count then; may be negative.
    Timestamp others_at_;
    double others_rate_ = 0;     ///< Calls a second, then.
    std::uint64_t settled_ = 0;  ///< Calls of this process.
    std::uint64_t covered_ = 0;  ///< So many of this process are in the store.
};
[[nodiscard]] const char* name_of(Quota::Flow flow);

}  // namespace syncline::agent
