#include "shared/base/utf8.h"

#include <cstdint>
#include <cstring>

namespace syncline {
namespace {

/// Length of the sequence that `lead` begins, and the bounds of its second byte; 0 if none.
struct Sequence {
    std::size_t length;
    unsigned char second_min;
    unsigned char second_max;
};

Sequence sequence_of(unsigned char lead) {
    if (lead >= 0xC2 && lead <= 0xDF) return {2, 0x80, 0xBF};
    if (lead == 0xE0) return {3, 0xA0, 0xBF};  // Below is overlong.
    if (lead == 0xED) return {3, 0x80, 0x9F};  // Above are surrogates.
    if (lead >= 0xE1 && lead <= 0xEF) return {3, 0x80, 0xBF};
    if (lead == 0xF0) return {4, 0x90, 0xBF};
    if (lead >= 0xF1 && lead <= 0xF3) return {4, 0x80, 0xBF};
    if (lead == 0xF4) return {4, 0x80, 0x8F};  // Above is past U+10FFFF.
    return {0, 0, 0};
}

}  // namespace

std::size_t find_invalid_utf8(std::string_view text) {
    const auto* bytes = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t at = 0;
    while (at < text.size()) {
        if (at + 8 <= text.size()) {  // Most text is ASCII: eight bytes at a time.
            std::uint64_t word = 0;
            std::memcpy(&word, bytes + at, sizeof word);
            if ((word & 0x8080808080808080ULL) == 0) {
                at += 8;
                continue;
            }
        }
        if (bytes[at] < 0x80) {
            ++at;
            continue;
        }
        const Sequence sequence = sequence_of(bytes[at]);
        if (sequence.length == 0 || at + sequence.length > text.size() ||
            bytes[at + 1] < sequence.second_min || bytes[at + 1] > sequence.second_max) {
            return at;
        }
        for (std::size_t i = 2; i < sequence.length; ++i) {
            if ((bytes[at + i] & 0xC0) != 0x80) return at;
        }
        at += sequence.length;
    }
    return std::string_view::npos;
}

std::string_view cut_utf8(std::string_view text, std::size_t bytes) {
    if (text.size() <= bytes) return text;
    while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0) == 0x80) --bytes;
    return text.substr(0, bytes);
}

}  // namespace syncline
