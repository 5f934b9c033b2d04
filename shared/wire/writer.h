#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "shared/model/revision.h"
#include "shared/model/value.h"

namespace syncline::wire {

/// Writes MessagePack bodies, every number in its shortest form. The number of entries of each map
/// is given first and must be true.
class Writer {
public:
    /// `expected`: bytes that the body will have, about.
    explicit Writer(std::size_t expected = 256) { grow(expected); }
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    /// The body. Nothing may be written after that.
    [[nodiscard]] std::string take() {
        out_.resize(used());
        return std::move(out_);
    }

    void map(std::uint32_t pairs) { count(pairs, 0x80, 0xDE); }
    void array(std::uint32_t items) { count(items, 0x90, 0xDC); }
    void key(int number) { signed64(number); }
    void nil() { byte(0xC0); }
    void boolean(bool value) { byte(value ? 0xC3 : 0xC2); }
    void unsigned64(std::uint64_t value) {
        if (value < 0x80) return byte(static_cast<std::uint8_t>(value));
        if (value <= UINT8_MAX) return typed(0xCC, static_cast<std::uint8_t>(value));
        if (value <= UINT16_MAX) return typed(0xCD, static_cast<std::uint16_t>(value));
        if (value <= UINT32_MAX) return typed(0xCE, static_cast<std::uint32_t>(value));
        typed(0xCF, value);
    }
    void signed64(std::int64_t value) {
        if (value >= 0) return unsigned64(static_cast<std::uint64_t>(value));
        if (value >= -32) return byte(static_cast<std::uint8_t>(value));
        if (value >= INT8_MIN) return typed(0xD0, static_cast<std::uint8_t>(value));
        if (value >= INT16_MIN) return typed(0xD1, static_cast<std::uint16_t>(value));
        if (value >= INT32_MIN) return typed(0xD2, static_cast<std::uint32_t>(value));
        typed(0xD3, static_cast<std::uint64_t>(value));
    }
    void text(std::string_view value) {
        if (value.size() < 32) {
            byte(static_cast<std::uint8_t>(0xA0 | value.size()));
        } else {
            length(value.size(), 0xD9);
        }
        append(value);
    }
    void bytes(std::string_view value) {
        length(value.size(), 0xC4);
        append(value);
    }
    void value(const Value& value);
    void fields(const Fields& fields);

    void field(int number, std::string_view value) { key(number), text(value); }
    void field(int number, std::uint64_t value) { key(number), unsigned64(value); }
    void field(int number, Timestamp value) { key(number), signed64(value.ns); }
    void revision(int number, Revision value) {
        key(number);
        array(2);
        unsigned64(value.epoch);
        unsigned64(value.n);
    }
    void field(int number, const Fields& value) { key(number), fields(value); }

private:
    /// Where the next `size` bytes go.
    char* room(std::size_t size) {
        if (static_cast<std::size_t>(end_ - at_) < size) grow(size);
        return std::exchange(at_, at_ + size);
    }
    void grow(std::size_t size);
    [[nodiscard]] std::size_t used() const { return static_cast<std::size_t>(at_ - out_.data()); }
    void byte(std::uint8_t value) { *room(1) = static_cast<char>(value); }
    /// A type byte and the number, its greatest byte first.
    template <class Number>
    void typed(std::uint8_t type, Number value) {
        static_assert(std::is_unsigned_v<Number> && std::endian::native == std::endian::little);
        char* at = room(1 + sizeof value);
        *at = static_cast<char>(type);
        value = std::byteswap(value);
        std::memcpy(at + 1, &value, sizeof value);
    }
    void count(std::uint32_t entries, std::uint8_t small, std::uint8_t type) {
        if (entries < 16) return byte(static_cast<std::uint8_t>(small | entries));
        if (entries <= UINT16_MAX) return typed(type, static_cast<std::uint16_t>(entries));
        typed(static_cast<std::uint8_t>(type + 1), entries);
    }
    /// `type` has a length of one byte, the types after it have two and four.
    void length(std::size_t size, std::uint8_t type) {
        if (size <= UINT8_MAX) return typed(type, static_cast<std::uint8_t>(size));
        if (size <= UINT16_MAX) {
            return typed(static_cast<std::uint8_t>(type + 1), static_cast<std::uint16_t>(size));
        }
        typed(static_cast<std::uint8_t>(type + 2), static_cast<std::uint32_t>(size));
    }
    void append(std::string_view value) {
        char* at = room(value.size());
        if (!value.empty()) std::memcpy(at, value.data(), value.size());
    }

    std::string out_;  ///< As long as there is room.
    char* at_ = out_.data();
    char* end_ = at_;
};

}  // namespace syncline::wire
