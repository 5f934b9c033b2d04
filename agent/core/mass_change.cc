#include "agent/core/mass_change.h"

#include <algorithm>
#include <charconv>

namespace syncline::agent {
namespace {

std::int64_t slot_at(Timestamp now, Duration window) {
    const std::int64_t length = std::max<std::int64_t>(window.count() / MassWindow::kSlots, 1);
    return now.ns / length;
}

}  // namespace

const LaneLimits& MassSettings::of(const Lane& lane) const {
    const auto own = objects.find(lane.object);
    const auto& chosen = own == objects.end() ? limits : own->second;
    return chosen[static_cast<std::size_t>(lane.direction)];
}

void MassWindow::add(MassKind kind, Timestamp now, Duration window) {
    std::int64_t at = slot_at(now, window);
    std::erase_if(slots_, [&](const Slot& slot) { return slot.at <= at - kSlots; });
    // A clock that was set back a little goes on where it was; after a leap all begins anew.
    if (!slots_.empty() && slots_.back().at > at) {
        if (slots_.back().at - at >= kSlots) slots_.clear();
    }
    if (!slots_.empty()) at = std::max(at, slots_.back().at);
    if (slots_.empty() || slots_.back().at != at) slots_.push_back({at, {}});
    ++slots_.back().counts[static_cast<std::size_t>(kind)];
}

MassCounts MassWindow::counts(Timestamp now, Duration window) const {
    const std::int64_t at = slot_at(now, window);
    MassCounts sums{};
    for (const Slot& slot : slots_) {
        if (slot.at <= at - kSlots || slot.at >= at + kSlots) continue;
        for (std::size_t kind = 0; kind < kMassKinds; ++kind) sums[kind] += slot.counts[kind];
    }
    return sums;
}

std::string MassWindow::text() const {
    std::string text;
    for (const Slot& slot : slots_) {
        text += std::to_string(slot.at);
        for (const std::uint64_t count : slot.counts) text += ' ' + std::to_string(count);
        text += '\n';
    }
    return text;
}

MassWindow MassWindow::parse(std::string_view text) {
    MassWindow window;
    const char* at = text.data();
    const char* const end = at + text.size();
    const auto read = [&](auto& number, char after) {
        const auto [next, error] = std::from_chars(at, end, number);
        const bool good = error == std::errc{} && next != end && *next == after;
        if (good) at = next + 1;
        return good;
    };
    while (at != end) {
        Slot slot;
        bool good = read(slot.at, ' ');
        for (std::size_t kind = 0; kind < kMassKinds && good; ++kind) {
            good = read(slot.counts[kind], kind + 1 == kMassKinds ? '\n' : ' ');
        }
        if (!good) return {};
        window.slots_.push_back(slot);
    }
    return window;
}

std::optional<Excess> excess_of(const MassCounts& counts, const LaneLimits& limits,
                                std::uint64_t percent_from,
                                const std::function<std::uint64_t()>& records) {
    for (std::size_t kind = 0; kind < kMassKinds; ++kind) {
        const MassLimit& limit = limits[kind];
        const std::uint64_t count = counts[kind];
        if (!limit.on || count == 0) continue;
        if (count > limit.count) {
            return Excess{static_cast<MassKind>(kind), std::to_string(limit.count)};
        }
        if (count < percent_from || limit.percent >= 100) continue;
        const std::uint64_t all = records();
        if (all == 0 || count * 100 <= all * limit.percent) continue;  // 0: nobody knows.
        return Excess{static_cast<MassKind>(kind),
                      std::to_string(limit.percent) + " % of " + std::to_string(all) + " records"};
    }
    return std::nullopt;
}

bool is_blank(const Value& value) {
    if (value.is_null()) return true;
    if (const auto* text = value.get<std::string>()) return text->empty();
    if (const auto* list = value.get<Value::List>()) return list->empty();
    if (const auto* map = value.get<Value::Map>()) return map->empty();
    return false;
}

void FilledFields::set(std::size_t field, bool holds_something) {
    const std::size_t byte = field / 8;
    if (has(field) == holds_something) return;
    if (bytes_.size() <= byte) bytes_.resize(byte + 1, '\0');
    bytes_[byte] = static_cast<char>(static_cast<unsigned char>(bytes_[byte]) ^ 1U << (field % 8));
}

bool FilledFields::has(std::size_t field) const {
    const std::size_t byte = field / 8;
    return byte < bytes_.size() &&
           (static_cast<unsigned char>(bytes_[byte]) >> (field % 8) & 1U) != 0;
}

}  // namespace syncline::agent
