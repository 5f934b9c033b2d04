#include "shared/nats/reply_table.h"

namespace syncline::nats {
namespace {

// Six bits a character: four for the slot, four for the round.
constexpr std::string_view kAlphabet =
    "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-_";
constexpr std::uint32_t kRoundMask = 0xFFFFFF;

constexpr std::array<std::uint8_t, 256> make_reverse() {
    std::array<std::uint8_t, 256> reverse{};
    reverse.fill(0xFF);
    for (std::size_t i = 0; i < kAlphabet.size(); ++i) {
        reverse[static_cast<unsigned char>(kAlphabet[i])] = static_cast<std::uint8_t>(i);
    }
    return reverse;
}
constexpr auto kReverse = make_reverse();

void write24(char* out, std::uint32_t value) {
    for (int shift = 18, i = 0; i < 4; ++i, shift -= 6) out[i] = kAlphabet[(value >> shift) & 63];
}

/// Over 24 bits if a character is not of the alphabet.
std::uint32_t read24(const char* in) {
    std::uint32_t value = 0;
    for (int i = 0; i < 4; ++i) {
        const std::uint32_t digit = kReverse[static_cast<unsigned char>(in[i])];
        if (digit == 0xFF) return 0xFFFFFFFF;
        value = (value << 6) | digit;
    }
    return value;
}

}  // namespace

ReplyTable::Ticket ReplyTable::add(const Entry& entry, Duration deadline) {
    std::uint32_t index = free_;
    if (index == kNone) {
        index = static_cast<std::uint32_t>(slots_.size());
        slots_.emplace_back();
    } else {
        free_ = slots_[index].newer;
    }
    Slot& slot = slots_[index];
    slot.entry = entry;
    slot.deadline = deadline;
    slot.open = true;
    slot.older = newest_;
    slot.newer = kNone;
    if (newest_ != kNone) slots_[newest_].newer = index;
    newest_ = index;
    if (oldest_ == kNone) oldest_ = index;
    ++open_;
    Ticket ticket;
    write24(ticket.data(), index);
    write24(ticket.data() + 4, slot.round);
    return ticket;
}

std::optional<ReplyTable::Entry> ReplyTable::take(std::string_view ticket) {
    if (ticket.size() != kTicketSize) return std::nullopt;
    const std::uint32_t index = read24(ticket.data());
    if (index >= slots_.size()) return std::nullopt;
    const Slot& slot = slots_[index];
    if (!slot.open || slot.round != read24(ticket.data() + 4)) return std::nullopt;
    return remove(index);
}

std::optional<ReplyTable::Entry> ReplyTable::take_due(Duration now) {
    if (oldest_ == kNone || slots_[oldest_].deadline > now) return std::nullopt;
    return remove(oldest_);
}

std::optional<ReplyTable::Entry> ReplyTable::take_any() {
    if (oldest_ == kNone) return std::nullopt;
    return remove(oldest_);
}

std::optional<Duration> ReplyTable::next_deadline() const {
    if (oldest_ == kNone) return std::nullopt;
    return slots_[oldest_].deadline;
}

ReplyTable::Entry ReplyTable::remove(std::uint32_t index) {
    Slot& slot = slots_[index];
    if (slot.older != kNone) slots_[slot.older].newer = slot.newer;
    if (slot.newer != kNone) slots_[slot.newer].older = slot.older;
    if (oldest_ == index) oldest_ = slot.newer;
    if (newest_ == index) newest_ = slot.older;
    slot.open = false;
    slot.round = (slot.round + 1) & kRoundMask;
    slot.newer = free_;
    free_ = index;
    --open_;
    return slot.entry;
}

}  // namespace syncline::nats
