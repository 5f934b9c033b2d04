#include "hub/instance_index.h"

namespace syncline::hub {

std::uint64_t InstanceIndex::hash_of(const Event& event) {
    return stable_hash(event.first + "\n" + event.second);
}

const std::uint32_t* InstanceIndex::find(std::string_view instance) const {
    const auto [first, last] = by_id_.equal_range(stable_hash(instance));
    for (auto at = first; at != last; ++at) {
        if (entries_[at->second].id == instance) return &at->second;
    }
    return nullptr;
}

void InstanceIndex::erase_one(ByHash& from, std::uint64_t hash, std::uint32_t index) {
    const auto [first, last] = from.equal_range(hash);
    for (auto at = first; at != last; ++at) {
        if (at->second != index) continue;
        from.erase(at);
        return;
    }
}

/// Nothing is known of it but its name.
void InstanceIndex::clear_entry(std::uint32_t index) {
    Entry& entry = entries_[index];
    for (const std::uint64_t hash : entry.events) erase_one(by_event_, hash, index);
    entry.events.clear();
    entry.due = Timestamp{};
    ++entry.generation;
}

void InstanceIndex::set(const std::string& instance, Partition home, Timestamp due,
                        const std::vector<Event>& events) {
    std::uint32_t index = 0;
    if (const std::uint32_t* known = find(instance)) {
        index = *known;
        clear_entry(index);
    } else if (due == Timestamp{} && events.empty()) {
        return;  // It waits for nothing that would be looked for here.
    } else {
        if (free_.empty()) {
            index = static_cast<std::uint32_t>(entries_.size());
            entries_.emplace_back();
        } else {
            index = free_.back();
            free_.pop_back();
        }
        by_id_.emplace(stable_hash(instance), index);
        entries_[index].id = instance;
    }
    Entry& entry = entries_[index];
    entry.home = home;
    entry.due = due;
    if (due != Timestamp{}) timers_.push({due, index, entry.generation});
    for (const Event& event : events) {
        entry.events.push_back(hash_of(event));
        by_event_.emplace(entry.events.back(), index);
    }
    if (due == Timestamp{} && events.empty()) erase(instance);
}

void InstanceIndex::erase(std::string_view instance) {
    const std::uint32_t* known = find(instance);
    if (known == nullptr) return;
    const std::uint32_t index = *known;
    clear_entry(index);
    erase_one(by_id_, stable_hash(instance), index);
    entries_[index].id = std::string{};
    free_.push_back(index);
}

void InstanceIndex::drop(Partition home) {
    for (std::uint32_t index = 0; index < entries_.size(); ++index) {
        const Entry& entry = entries_[index];
        if (!entry.id.empty() && entry.home == home) erase(std::string{entry.id});
    }
}

Timestamp InstanceIndex::next_due() {
    while (!timers_.empty() && is_void(timers_.top())) timers_.pop();
    return timers_.empty() ? Timestamp{} : timers_.top().due;
}

std::vector<InstanceIndex::Due> InstanceIndex::take_due(Timestamp now, std::size_t most) {
    std::vector<Due> due;
    while (due.size() < most) {
        const Timestamp next = next_due();
        if (next == Timestamp{} || next > now) break;
        Entry& entry = entries_[timers_.top().index];
        timers_.pop();
        entry.due = Timestamp{};
        due.push_back({entry.id, entry.home, next});
    }
    return due;
}

std::vector<InstanceIndex::Due> InstanceIndex::awaiting(const Event& event) const {
    std::vector<Due> all;
    const auto [first, last] = by_event_.equal_range(hash_of(event));
    for (auto at = first; at != last; ++at) {
        const Entry& entry = entries_[at->second];
        all.push_back({entry.id, entry.home, entry.due});
    }
    return all;
}

}  // namespace syncline::hub
