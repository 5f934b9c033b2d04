#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/clock.h"
#include "tests/simulation/random.h"

namespace syncline::sim {

/// Thrown where a process dies, in the middle of whatever it does. No code of the product knows it.
struct Crashed {};

/// Names one life of one process; what is on its way to an earlier life never arrives.
struct Ticket {
    std::uint32_t process = 0;  ///< 0: nobody's; it always happens.
    std::uint32_t life = 0;
};

/// What a checker found.
struct Violation {
    std::string invariant;  ///< "I2".
    std::string what;
    std::string about;  ///< A word by which the timeline is filtered; may be empty.
};

/// Time, chance and what happens next: one thread, one queue, one seed. The same seed makes the
/// same world, event by event; hash() proves it.
class World {
public:
    using Event = std::function<void()>;

    explicit World(std::uint64_t seed) : random_(seed) {}
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    [[nodiscard]] Random& random() { return random_; }
    [[nodiscard]] Duration now() const { return now_; }

    /// Happens `delay` from now, unless the process has died by then; while it is paused, after it
    /// goes on.
    void after(Duration delay, Ticket ticket, Event event);
    void after(Duration delay, Event event) { after(delay, Ticket{}, std::move(event)); }

    /// Runs until nothing is left, `until`, or a violation.
    void run_until(Duration until);
    [[nodiscard]] std::uint64_t events() const { return events_; }

    // ---- Processes.
    /// `on_crash` is called after Crashed has left an event of the process: it must call
    /// end_life().
    std::uint32_t add_process(std::string name, Event on_crash);
    [[nodiscard]] Ticket begin_life(std::uint32_t process);
    void end_life(std::uint32_t process);
    [[nodiscard]] bool lives(Ticket ticket) const;
    void pause(std::uint32_t process);
    void resume(std::uint32_t process);
    [[nodiscard]] bool paused(std::uint32_t process) const;

    // ---- Trace and verdict.
    /// Mixes into the hash of this world, and is kept for the timeline.
    /// `more` is for readers only.
    void note(std::string_view who, const std::string& what, const std::string& more = {});
    [[nodiscard]] bool traces() const { return keep_trace || print_trace; }
    void mix(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001b3ULL ^ (hash_ >> 29); }
    [[nodiscard]] std::uint64_t hash() const { return hash_; }
    void violate(std::string invariant, std::string what, std::string about = {});
    [[nodiscard]] const std::vector<Violation>& violations() const { return violations_; }
    /// Lines of the trace that contain `about`, the last `count`; all lines if `about` is empty.
    [[nodiscard]] std::vector<std::string> timeline(std::string_view about,
                                                    std::size_t count) const;
    bool keep_trace = true;
    bool print_trace = false;

private:
    struct Item {
        Duration at{0};
        std::uint64_t order = 0;
        Ticket ticket;
        Event event;
    };
    struct Later {
        bool operator()(const Item& a, const Item& b) const {
            return a.at != b.at ? a.at > b.at : a.order > b.order;
        }
    };
    struct Process {
        std::string name;
        Event on_crash;
        std::uint32_t life = 0;
        bool alive = false;
        bool paused = false;
        std::deque<Item> held;  ///< What came while it was paused.
    };
    void run(Item item);

    Random random_;
    Duration now_{0};
    std::uint64_t order_ = 0;
    std::uint64_t events_ = 0;
    std::uint64_t hash_ = 0xcbf29ce484222325ULL;
    std::vector<Item> queue_;  ///< A heap.
    std::vector<Process> processes_{Process{}};
    std::vector<Violation> violations_;
    std::deque<std::string> trace_;
};

/// A process's clock: steady time is the world's, the wall may be set.
class SimClock final : public Clock {
public:
    explicit SimClock(const World& world) : world_(world) {}
    [[nodiscard]] Timestamp now() const override {
        return Timestamp{kStart} + world_.now() + offset_;
    }
    [[nodiscard]] Duration steady() const override { return world_.now(); }
    void jump(Duration by) { offset_ += by; }

    static constexpr std::int64_t kStart = 1'767'607'200'000'000'000;  // 2026-01-05T10:00Z.

private:
    const World& world_;
    Duration offset_{0};
};

/// "12:03.456".
[[nodiscard]] std::string clock_text(Duration time);

}  // namespace syncline::sim
