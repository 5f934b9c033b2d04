#pragma once

#include <cstdint>
#include <deque>
#include <queue>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "shared/base/timestamp.h"
#include "shared/model/ids.h"

namespace syncline::hub {

/// What instances of workflows wait for: a time, events. All that a hub has in memory of an
/// instance at which it does nothing. Threading: none of its own.
class InstanceIndex {
public:
    using Event = std::pair<std::string, std::string>;  ///< Name and key.

    /// Takes the place of what was known of the instance. `due` 0: it waits for no time.
    void set(const std::string& instance, Partition home, Timestamp due,
             const std::vector<Event>& events);
    void erase(std::string_view instance);
    /// Forgets all instances of a partition.
    void drop(Partition home);
    void clear() { *this = InstanceIndex{}; }

    struct Due {
        std::string instance;
        Partition home;
        Timestamp due;
    };
    /// Takes at most `most` of those whose time has come: they wait for no time any more.
    [[nodiscard]] std::vector<Due> take_due(Timestamp now, std::size_t most);
    /// When the next is due; nothing: never.
    [[nodiscard]] Timestamp next_due();
    /// Those that wait for the event, or did as far as their hash tells.
    [[nodiscard]] std::vector<Due> awaiting(const Event& event) const;
    [[nodiscard]] std::size_t size() const { return entries_.size() - free_.size(); }

private:
    struct Entry {
        std::string id;  ///< Empty: free.
        Timestamp due;
        std::vector<std::uint64_t> events;  ///< Hashes.
        std::uint32_t generation = 0;       ///< Timers of an older one are void.
        Partition home;
    };
    struct Timer {
        Timestamp due;
        std::uint32_t index = 0;
        std::uint32_t generation = 0;
        friend bool operator>(const Timer& a, const Timer& b) { return a.due > b.due; }
    };
    using ByHash = std::unordered_multimap<std::uint64_t, std::uint32_t>;

    [[nodiscard]] static std::uint64_t hash_of(const Event& event);
    [[nodiscard]] const std::uint32_t* find(std::string_view instance) const;
    void clear_entry(std::uint32_t index);
    [[nodiscard]] bool is_void(const Timer& timer) const {
        const Entry& entry = entries_[timer.index];
        return entry.generation != timer.generation || entry.due == Timestamp{};
    }
    static void erase_one(ByHash& from, std::uint64_t hash, std::uint32_t index);

    std::deque<Entry> entries_;
    std::vector<std::uint32_t> free_;
    ByHash by_id_;
    ByHash by_event_;
    std::priority_queue<Timer, std::vector<Timer>, std::greater<>> timers_;
};

}  // namespace syncline::hub
