#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <msgpack.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "shared/model/revision.h"
#include "shared/model/value.h"

namespace syncline::wire {

/// Writes MessagePack bodies. The number of entries of each map is given first and must be true.
class Writer {
public:
    /// `expected`: bytes that the body will have, about.
    explicit Writer(std::size_t expected = 256) : sink_(expected), packer_(sink_) {}
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    /// The body. Nothing may be written after that.
    [[nodiscard]] std::string take() { return sink_.take(); }

    void map(std::uint32_t pairs) { packer_.pack_map(pairs); }
    void array(std::uint32_t items) { packer_.pack_array(items); }
    void key(int number) { packer_.pack_int(number); }
    void nil() { packer_.pack_nil(); }
    void boolean(bool value) { value ? packer_.pack_true() : packer_.pack_false(); }
    void unsigned64(std::uint64_t value) { packer_.pack_uint64(value); }
    void signed64(std::int64_t value) { packer_.pack_int64(value); }
    void text(std::string_view value) {
        packer_.pack_str(static_cast<std::uint32_t>(value.size()));
        packer_.pack_str_body(value.data(), static_cast<std::uint32_t>(value.size()));
    }
    void bytes(std::string_view value) {
        packer_.pack_bin(static_cast<std::uint32_t>(value.size()));
        packer_.pack_bin_body(value.data(), static_cast<std::uint32_t>(value.size()));
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
    /// What msgpack::packer writes to: many pieces of a byte or few, too small for append() each.
    class Sink {
    public:
        explicit Sink(std::size_t expected) { grow(expected); }
        [[gnu::always_inline]] void write(const char* data, std::size_t size) {
            if (static_cast<std::size_t>(end_ - at_) < size) grow(size);
            if (size > 0) std::memcpy(at_, data, size);
            at_ += size;
        }
        std::string take() {
            out_.resize(used());
            return std::move(out_);
        }

    private:
        [[nodiscard]] std::size_t used() const {
            return static_cast<std::size_t>(at_ - out_.data());
        }
        void grow(std::size_t size);

        std::string out_;  ///< As long as there is room.
        char* at_ = out_.data();
        char* end_ = at_;
    };
    Sink sink_;
    msgpack::packer<Sink> packer_;
};

}  // namespace syncline::wire
