#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/model/revision.h"
#include "shared/model/value.h"

/// Reading MessagePack bodies: parsed once into a flat tree that points into the body, with every
/// limit checked before memory is taken for what a header announces.
namespace syncline::wire {

enum class NodeType : std::uint8_t {
    kNil,
    kBool,
    kInteger,
    kUnsigned,
    kString,
    kBytes,
    kArray,
    kMap
};

struct Node {
    NodeType type = NodeType::kNil;
    std::uint32_t next = 0;    ///< Index of the node after this one and all it holds.
    std::uint32_t offset = 0;  ///< In the body, for messages to people.
    std::uint32_t count = 0;   ///< Array: items; map: pairs.
    std::int64_t integer = 0;  ///< kBool, kInteger; for kUnsigned the same bits (above INT64_MAX).
    std::string_view text;     ///< kString, kBytes: points into the body.
};

/// A parsed body. Views and nodes live as long as the body and this object; assigning a new body
/// keeps the memory.
class Document {
public:
    /// kTooLarge: over a limit of limits.h. kInvalid: not MessagePack, cut short, bytes after the
    /// end, floating point or extension types, invalid UTF-8.
    Result<void> parse(std::string_view body);
    [[nodiscard]] const Node& root() const { return nodes_.front(); }
    [[nodiscard]] const Node& at(std::uint32_t index) const { return nodes_[index]; }
    [[nodiscard]] std::uint32_t index_of(const Node& node) const {
        return static_cast<std::uint32_t>(&node - nodes_.data());
    }

private:
    friend struct TreeVisitor;
    std::vector<Node> nodes_;
};

/// Reads typed values out of a Document and remembers the first problem, so that a decoder is a
/// plain list of fields and looks at problem() once, at the end.
class Decoder {
public:
    explicit Decoder(const Document& document) : document_(document) {}

    /// Calls `field(key, node)` for each entry of a map with small integer keys; `field` ignores
    /// keys it does not know. Duplicate keys and keys over 63 are problems; `required` has a bit
    /// for each key that must be there.
    template <class Field>
    void map(const Node& node, std::uint64_t required, Field&& field);

    /// Calls `item(node)` for each item of an array.
    template <class Item>
    void array(const Node& node, Item&& item);

    std::uint64_t unsigned64(const Node& node);
    std::int64_t signed64(const Node& node);
    std::uint32_t unsigned32(const Node& node);
    bool boolean(const Node& node);
    /// A string of at most `limit` bytes.
    std::string text(const Node& node, std::size_t limit);
    /// Binary data of at most `limit` bytes.
    std::string bytes(const Node& node, std::size_t limit);
    /// An id: not empty, at most kIdBytesMax bytes, no control characters.
    std::string id(const Node& node);
    Value value(const Node& node);
    Fields fields(const Node& node);
    Revision revision(const Node& node);
    Partition partition(const Node& node);
    /// An enum of values 0 .. `last`.
    template <class Enum>
    Enum enumeration(const Node& node, Enum last) {
        const std::uint64_t raw = unsigned64(node);
        if (raw > static_cast<std::uint64_t>(last)) {
            problem(node, "is none of the known values");
            return Enum{};
        }
        return static_cast<Enum>(raw);
    }

    /// `v` of a body: kUnsupported names it, what is spoken, and which program to update.
    void version(const Node& node);

    void problem(const Node& node, std::string_view what, ErrorKind kind = ErrorKind::kInvalid);
    [[nodiscard]] bool good() const { return error_.what.empty(); }
    [[nodiscard]] const Error& error() const { return error_; }

private:
    bool expect(const Node& node, NodeType type, const char* what);
    Value tagged(const Node& node);

    const Document& document_;
    Error error_;
};

/// `v` of every body that this program writes, and what it reads; README.md says when which moves.
inline constexpr std::uint64_t kWireVersion = 1;
inline constexpr std::uint64_t kWireVersionOldest = 1;
inline constexpr std::uint64_t kWireVersionNewest = 1;
static_assert(kWireVersionOldest <= kWireVersion && kWireVersion <= kWireVersionNewest);
static_assert(kWireVersionNewest - kWireVersionOldest <= 1);

/// The bits of `required` for these keys.
constexpr std::uint64_t key_bits(auto... keys) { return ((std::uint64_t{1} << keys) | ...); }

/// Parses a body and hands every entry but `v` to `field(decoder, key, node)`. Errors begin with
/// `what`. kUnsupported: `v` is none that is spoken here, which says nothing against the body: it
/// must neither be overwritten nor taken for nothing.
template <class Field>
Result<void> decode_message(std::string_view body, const char* what, std::uint64_t required,
                            Field&& field) {
    thread_local Document document;  // Keeps its memory from one message to the next.
    if (auto parsed = document.parse(body); !parsed) return fail(parsed.error(), what);
    Decoder decoder{document};
    decoder.map(document.root(), required | key_bits(0), [&](int key, const Node& node) {
        if (key != 0) return field(decoder, key, node);
        decoder.version(node);
    });
    if (!decoder.good()) return fail(decoder.error(), what);
    return {};
}

template <class Field>
void Decoder::map(const Node& node, std::uint64_t required, Field&& field) {
    if (!expect(node, NodeType::kMap, "a map")) return;
    std::uint64_t seen = 0;
    std::uint32_t index = document_.index_of(node) + 1;
    for (std::uint32_t i = 0; i < node.count && good(); ++i) {
        const Node& key = document_.at(index);
        const Node& value = document_.at(key.next);
        index = value.next;
        if (key.type != NodeType::kInteger || key.integer < 0 || key.integer > 63) {
            problem(key, "must be an integer key from 0 to 63");
            return;
        }
        const std::uint64_t bit = std::uint64_t{1} << key.integer;
        if ((seen & bit) != 0) {
            problem(key, "is a key that was there before");
            return;
        }
        seen |= bit;
        field(static_cast<int>(key.integer), value);
    }
    if (good() && (seen & required) != required) {
        problem(node, "lacks a required key");
    }
}

template <class Item>
void Decoder::array(const Node& node, Item&& item) {
    if (!expect(node, NodeType::kArray, "an array")) return;
    std::uint32_t index = document_.index_of(node) + 1;
    for (std::uint32_t i = 0; i < node.count && good(); ++i) {
        const Node& child = document_.at(index);
        index = child.next;
        item(child);
    }
}

}  // namespace syncline::wire
