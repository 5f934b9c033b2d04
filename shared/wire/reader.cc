#include "shared/wire/reader.h"

#include <cerrno>

#include <msgpack.hpp>

#include "shared/base/utf8.h"
#include "shared/wire/limits.h"

namespace syncline::wire {

/// msgpack-cxx calls this while it parses; returning false stops it.
struct TreeVisitor : msgpack::null_visitor {
    std::vector<Node>& nodes;
    std::string_view body;
    std::vector<std::uint32_t> open;  ///< Containers not yet ended.
    std::size_t announced = 0;        ///< Items that headers promised so far.
    std::uint32_t offset = 0;         ///< Of the last string, as near as we can tell.
    Error error{ErrorKind::kInvalid, {}};

    TreeVisitor(std::vector<Node>& tree, std::string_view bytes) : nodes(tree), body(bytes) {}

    bool stop(ErrorKind kind, std::string what) {
        error = Error{kind, std::move(what) + " near byte " + std::to_string(offset)};
        return false;
    }
    bool leaf(NodeType type, std::int64_t integer, std::string_view text = {}) {
        const auto next = static_cast<std::uint32_t>(nodes.size() + 1);
        nodes.push_back({type, next, offset, 0, integer, text});
        return true;
    }
    bool container(NodeType type, std::uint32_t count, std::size_t nodes_each, std::size_t limit) {
        if (count > limit) {
            return stop(ErrorKind::kTooLarge, "a container of " + std::to_string(count) +
                                                  " entries, at most " + std::to_string(limit) +
                                                  " are taken,");
        }
        // Every entry needs a byte at least, so headers can never promise more than the body has.
        announced += count * nodes_each;
        if (announced > body.size()) return stop(ErrorKind::kInvalid, "a header promises too much");
        if (open.size() >= kDepthMax) {
            return stop(ErrorKind::kTooLarge, "nesting deeper than " + std::to_string(kDepthMax));
        }
        open.push_back(static_cast<std::uint32_t>(nodes.size()));
        nodes.push_back({type, 0, offset, count, 0, {}});
        return true;
    }
    bool close() {
        nodes[open.back()].next = static_cast<std::uint32_t>(nodes.size());
        open.pop_back();
        return true;
    }

    bool visit_nil() { return leaf(NodeType::kNil, 0); }
    bool visit_boolean(bool v) { return leaf(NodeType::kBool, v ? 1 : 0); }
    bool visit_positive_integer(std::uint64_t v) {
        const bool wide = v > static_cast<std::uint64_t>(INT64_MAX);
        return leaf(wide ? NodeType::kUnsigned : NodeType::kInteger, static_cast<std::int64_t>(v));
    }
    bool visit_negative_integer(std::int64_t v) { return leaf(NodeType::kInteger, v); }
    bool visit_float32(float) { return stop(ErrorKind::kInvalid, "floating point is not exact"); }
    bool visit_float64(double) { return stop(ErrorKind::kInvalid, "floating point is not exact"); }
    bool visit_bin(const char* v, std::uint32_t size) {
        return leaf(NodeType::kBytes, 0, {v, size});  // No larger than the body, and only viewed.
    }
    bool visit_ext(const char*, std::uint32_t) {
        return stop(ErrorKind::kInvalid, "extension types are not taken");
    }
    bool visit_str(const char* v, std::uint32_t size) {
        offset = static_cast<std::uint32_t>(v - body.data());
        if (size > kStringBytesMax) {
            return stop(ErrorKind::kTooLarge, "a string of " + std::to_string(size) +
                                                  " bytes, at most " +
                                                  std::to_string(kStringBytesMax) + " are taken,");
        }
        const std::string_view text{v, size};
        if (find_invalid_utf8(text) != std::string_view::npos) {
            return stop(ErrorKind::kInvalid, "a string that is not UTF-8");
        }
        return leaf(NodeType::kString, 0, text);
    }
    bool start_array(std::uint32_t count) {
        return container(NodeType::kArray, count, 1, kArrayItemsMax);
    }
    bool end_array() { return close(); }
    bool start_map(std::uint32_t count) {
        return container(NodeType::kMap, count, 2, kMapEntriesMax);
    }
    bool end_map() { return close(); }
    void parse_error(std::size_t, std::size_t at) {
        if (error.what.empty()) {
            error.what = "not MessagePack at byte " + std::to_string(at);
        }
    }
    void insufficient_bytes(std::size_t, std::size_t at) {
        if (error.what.empty()) error.what = "cut short at byte " + std::to_string(at);
    }
};

Result<void> Document::parse(std::string_view body) {
    nodes_.clear();
    if (body.size() > kBodyBytesMax) {
        return fail(ErrorKind::kTooLarge, "a body of " + std::to_string(body.size()) +
                                              " bytes, at most " + std::to_string(kBodyBytesMax) +
                                              " are taken");
    }
    TreeVisitor visitor{nodes_, body};
    std::size_t offset = 0;
    const bool parsed = msgpack::parse(body.data(), body.size(), offset, visitor);
    if (!parsed || !visitor.error.what.empty()) {
        if (visitor.error.what.empty()) visitor.error.what = "not MessagePack";
        nodes_.clear();
        return fail(std::move(visitor.error));
    }
    if (offset != body.size()) {
        nodes_.clear();
        return fail(ErrorKind::kInvalid, std::to_string(body.size() - offset) +
                                             " bytes after the end at byte " +
                                             std::to_string(offset));
    }
    return {};
}

void Decoder::version(const Node& node) {
    const std::uint64_t spoken = unsigned64(node);
    if (!good() || (spoken >= kWireVersionOldest && spoken <= kWireVersionNewest)) return;
    // GNU's own: the name of the program that runs.
    const std::string program = ::program_invocation_short_name;
    std::string what = "wire version " + std::to_string(spoken) + " is not spoken by this " +
                       program + ", which speaks " + std::to_string(kWireVersionOldest);
    if (kWireVersionNewest > kWireVersionOldest) {
        what += " and " + std::to_string(kWireVersionNewest);
    }
    const bool is_later = spoken > kWireVersionNewest;
    problem(node, what + "; update " + (is_later ? program : "the program that wrote it"),
            ErrorKind::kUnsupported);
}

void Decoder::problem(const Node& node, std::string_view what, ErrorKind kind) {
    if (!good()) return;
    error_ = Error{kind, "near byte " + std::to_string(node.offset) + ": " + std::string{what}};
}

bool Decoder::expect(const Node& node, NodeType type, const char* what) {
    if (node.type == type) return true;
    problem(node, std::string{"must be "} + what);
    return false;
}

std::uint64_t Decoder::unsigned64(const Node& node) {
    if (node.type == NodeType::kUnsigned ||
        (node.type == NodeType::kInteger && node.integer >= 0)) {
        return static_cast<std::uint64_t>(node.integer);
    }
    problem(node, "must be an integer of 0 or more");
    return 0;
}

std::int64_t Decoder::signed64(const Node& node) {
    return expect(node, NodeType::kInteger, "an integer") ? node.integer : 0;
}

std::uint32_t Decoder::unsigned32(const Node& node) {
    const std::uint64_t wide = unsigned64(node);
    if (wide > UINT32_MAX) problem(node, "must be below 2^32");
    return static_cast<std::uint32_t>(wide);
}

bool Decoder::boolean(const Node& node) {
    return expect(node, NodeType::kBool, "true or false") && node.integer != 0;
}

std::string Decoder::text(const Node& node, std::size_t limit) {
    if (!expect(node, NodeType::kString, "a string")) return {};
    if (node.text.size() > limit) {
        problem(node, "is longer than " + std::to_string(limit) + " bytes", ErrorKind::kTooLarge);
        return {};
    }
    return std::string{node.text};
}

std::string Decoder::bytes(const Node& node, std::size_t limit) {
    if (!expect(node, NodeType::kBytes, "binary data")) return {};
    if (node.text.size() > limit) {
        problem(node, "is longer than " + std::to_string(limit) + " bytes", ErrorKind::kTooLarge);
        return {};
    }
    return std::string{node.text};
}

std::string Decoder::id(const Node& node) {
    std::string out = text(node, kIdBytesMax);
    if (good() && out.empty()) problem(node, "must not be empty");
    for (const char c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            problem(node, "must not have control characters");
            break;
        }
    }
    return out;
}

namespace {
/// What an array that stands for a value begins with; part of the wire.
enum Tag : std::int64_t { kDecimal = 1, kDate = 2, kTimestamp = 3, kList = 4, kMap = 5 };
}  // namespace

Value Decoder::tagged(const Node& node) {
    if (node.count == 0) {
        problem(node, "must not be an empty array");
        return {};
    }
    const std::uint32_t first = document_.index_of(node) + 1;
    const std::int64_t tag = signed64(document_.at(first));
    const std::uint32_t second = document_.at(first).next;
    if (tag == kList) {
        Value::List list;
        list.reserve(node.count - 1);
        std::uint32_t index = second;
        for (std::uint32_t i = 1; i < node.count && good(); ++i) {
            list.push_back(value(document_.at(index)));
            index = document_.at(index).next;
        }
        return list;
    }
    if (node.count != 2) {
        problem(node, "must be a tag and one value");
        return {};
    }
    const Node& payload = document_.at(second);
    if (tag == kDate) {
        const std::int64_t days = signed64(payload);
        if (days < INT32_MIN || days > INT32_MAX) problem(payload, "is no day");
        return Date{static_cast<std::int32_t>(days)};
    }
    if (tag == kTimestamp) return Timestamp{signed64(payload)};
    if (tag == kDecimal) {
        const auto decimal = Decimal::parse(text(payload, kIdBytesMax));
        if (!decimal) problem(payload, decimal.error().what);
        return decimal.value_or(Decimal{});
    }
    if (tag != kMap || !expect(payload, NodeType::kMap, "a map")) {
        problem(node, "has an unknown tag");
        return {};
    }
    Value::Map map;
    std::uint32_t index = second + 1;
    for (std::uint32_t i = 0; i < payload.count && good(); ++i) {
        const Node& key = document_.at(index);
        const Node& item = document_.at(key.next);
        index = item.next;
        if (!map.emplace(text(key, kStringBytesMax), value(item)).second) {
            problem(key, "is a key that was there before");
        }
    }
    return map;
}

Value Decoder::value(const Node& node) {
    switch (node.type) {
        case NodeType::kNil: return {};
        case NodeType::kBool: return node.integer != 0;
        case NodeType::kInteger: return node.integer;
        case NodeType::kString: return node.text;
        case NodeType::kArray: return tagged(node);  // Depth is bounded by the parser.
        case NodeType::kUnsigned: problem(node, "is out of the range of integers"); return {};
        case NodeType::kMap:
        case NodeType::kBytes:
            problem(node, "is neither a plain value nor a tagged one");
            return {};
    }
    return {};
}

Fields Decoder::fields(const Node& node) {
    Fields out;
    if (!expect(node, NodeType::kMap, "a map of fields")) return out;
    out.reserve(node.count);
    std::uint32_t index = document_.index_of(node) + 1;
    for (std::uint32_t i = 0; i < node.count && good(); ++i) {
        const Node& key = document_.at(index);
        const Node& item = document_.at(key.next);
        index = item.next;
        if (!out.append(FieldName{id(key)}, value(item)) && good()) {
            problem(key, "is out of order or was there before; names must be sorted");
        }
    }
    return out;
}

Revision Decoder::revision(const Node& node) {
    Revision out;
    int position = 0;
    array(node,
          [&](const Node& item) { (position++ == 0 ? out.epoch : out.n) = unsigned64(item); });
    if (position != 2) problem(node, "must be an epoch and a number");
    return out;
}

Partition Decoder::partition(const Node& node) {
    const std::uint64_t raw = unsigned64(node);
    if (raw > UINT16_MAX) problem(node, "is no partition");
    return {static_cast<std::uint16_t>(raw)};
}

}  // namespace syncline::wire
