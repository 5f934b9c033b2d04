#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "shared/base/timestamp.h"

namespace syncline::nats {

class PublishSink;

/// Who waits for which answer, and until when. An answer names its entry by a ticket, the last
/// token of the reply subject. All entries wait equally long, so the oldest is due first.
/// Memory grows to the most entries ever open at once; after that nothing is allocated.
/// Threading: not synchronised.
class ReplyTable {
public:
    struct Entry {
        PublishSink* sink = nullptr;  ///< Null for a request of the link's own.
        std::uint64_t token = 0;
    };
    static constexpr std::size_t kTicketSize = 8;
    using Ticket = std::array<char, kTicketSize>;
    /// Most entries open at once.
    static constexpr std::uint32_t kEntriesMax = 1U << 20;

    [[nodiscard]] bool full() const { return open_ >= kEntriesMax; }
    [[nodiscard]] std::size_t size() const { return open_; }

    /// Requires: !full(), and `deadline` not before that of the entry added last.
    [[nodiscard]] Ticket add(const Entry& entry, Duration deadline);

    /// The entry, now removed. Nothing for a ticket that was never given out, or was taken before,
    /// or whose time had passed.
    [[nodiscard]] std::optional<Entry> take(std::string_view ticket);
    /// The oldest entry whose deadline is not after `now`, now removed.
    [[nodiscard]] std::optional<Entry> take_due(Duration now);
    /// The oldest entry, now removed.
    [[nodiscard]] std::optional<Entry> take_any();

    /// When the oldest entry is due.
    [[nodiscard]] std::optional<Duration> next_deadline() const;

private:
    static constexpr std::uint32_t kNone = 0xFFFFFFFF;
    struct Slot {
        Entry entry;
        Duration deadline{0};
        std::uint32_t round = 0;  ///< How often the slot was used, in 24 bits; part of the ticket.
        std::uint32_t older = kNone;
        std::uint32_t newer = kNone;  ///< Next free slot while the slot is free.
        bool open = false;
    };

    Entry remove(std::uint32_t index);

    std::vector<Slot> slots_;
    std::uint32_t free_ = kNone;
    std::uint32_t oldest_ = kNone;
    std::uint32_t newest_ = kNone;
    std::uint32_t open_ = 0;
};

}  // namespace syncline::nats
