#include "shared/base/json.h"

#include <charconv>
#include <cstdint>
#include <cstdio>
#include <utility>
#include <variant>
#include <vector>

#include <boost/json/basic_parser_impl.hpp>

namespace syncline {
namespace {

namespace json = boost::json;

/// Builds a Value from the parser's events. A number is taken from its own text: the parser's
/// double would have lost digits already.
class Builder {
public:
    static constexpr std::size_t max_array_size = SIZE_MAX;
    static constexpr std::size_t max_object_size = SIZE_MAX;
    static constexpr std::size_t max_string_size = SIZE_MAX;
    static constexpr std::size_t max_key_size = SIZE_MAX;

    bool on_document_begin(json::error_code&) { return true; }
    bool on_document_end(json::error_code&) { return true; }

    bool on_array_begin(json::error_code&) {
        open_.emplace_back().is_list = true;
        return true;
    }
    bool on_array_end(std::size_t, json::error_code& error) {
        Value done{std::move(open_.back().list)};
        open_.pop_back();
        return put(std::move(done), error);
    }
    bool on_object_begin(json::error_code&) {
        open_.emplace_back();
        return true;
    }
    bool on_object_end(std::size_t, json::error_code& error) {
        Value done{std::move(open_.back().map)};
        open_.pop_back();
        return put(std::move(done), error);
    }

    bool on_key_part(json::string_view part, std::size_t, json::error_code&) {
        text_.append(part.data(), part.size());
        return true;
    }
    bool on_key(json::string_view part, std::size_t, json::error_code& error) {
        text_.append(part.data(), part.size());
        Open& object = open_.back();
        object.key = std::exchange(text_, {});
        if (object.map.contains(object.key)) {
            return refuse("the key '" + object.key.substr(0, 64) + "' comes twice", error);
        }
        return true;
    }
    bool on_string_part(json::string_view part, std::size_t, json::error_code&) {
        text_.append(part.data(), part.size());
        return true;
    }
    bool on_string(json::string_view part, std::size_t, json::error_code& error) {
        text_.append(part.data(), part.size());
        return put(Value{std::exchange(text_, {})}, error);
    }

    bool on_number_part(json::string_view part, json::error_code&) {
        text_.append(part.data(), part.size());
        return true;
    }
    bool on_int64(std::int64_t, json::string_view part, json::error_code& error) {
        return number(part, error);
    }
    bool on_uint64(std::uint64_t, json::string_view part, json::error_code& error) {
        return number(part, error);
    }
    bool on_double(double, json::string_view part, json::error_code& error) {
        return number(part, error);
    }

    bool on_bool(bool value, json::error_code& error) { return put(Value{value}, error); }
    bool on_null(json::error_code& error) { return put(Value{}, error); }
    bool on_comment_part(json::string_view, json::error_code&) { return true; }
    bool on_comment(json::string_view, json::error_code&) { return true; }

    [[nodiscard]] const std::string& problem() const { return problem_; }
    [[nodiscard]] Value take() { return std::move(root_); }

private:
    /// A list or an object that has not ended. No variant: GCC 12 warns of those for nothing.
    struct Open {
        bool is_list = false;
        Value::List list;
        Value::Map map;
        std::string key;  ///< Of the member that comes next.
    };

    bool number(json::string_view part, json::error_code& error) {
        text_.append(part.data(), part.size());
        const std::string text = std::exchange(text_, {});
        std::int64_t whole = 0;
        const char* const end = text.data() + text.size();
        const auto [at, status] = std::from_chars(text.data(), end, whole);
        if (status == std::errc{} && at == end) return put(Value{whole}, error);
        const auto decimal = Decimal::parse(text);
        if (!decimal) {
            return refuse("the number " + text.substr(0, 64) + " has more digits than are exact",
                          error);
        }
        // 100.0 and 1e2 are the number 100; as one type, what is written reads back as it was.
        if (const auto integer = decimal->to_int64()) return put(Value{*integer}, error);
        return put(Value{*decimal}, error);
    }

    bool put(Value value, json::error_code&) {
        if (open_.empty()) {
            root_ = std::move(value);
        } else if (Open& open = open_.back(); open.is_list) {
            open.list.push_back(std::move(value));
        } else {
            open.map.emplace(std::move(open.key), std::move(value));
        }
        return true;
    }

    bool refuse(std::string problem, json::error_code& error) {
        problem_ = std::move(problem);
        error = json::make_error_code(json::error::syntax);
        return false;
    }

    std::vector<Open> open_;
    std::string text_;  ///< Of the string, key or number being read.
    std::string problem_;
    Value root_;
};

void append_string(std::string& out, std::string_view text) {
    out += '"';
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        switch (c) {
            case '"': out += "\\\""; break;
            case '\\': out += "\\\\"; break;
            case '\n': out += "\\n"; break;
            case '\r': out += "\\r"; break;
            case '\t': out += "\\t"; break;
            default:
                if (byte < 0x20 || byte == 0x7f) {
                    char escape[8];
                    std::snprintf(escape, sizeof escape, "\\u%04x", byte);
                    out += escape;
                } else {
                    out += c;
                }
        }
    }
    out += '"';
}

struct Writer {
    static constexpr int kOneLine = -1;
    std::string& out;
    int depth = kOneLine;  ///< Of lists and maps that are open, if each item has a line of its own.

    void operator()(std::monostate) const { out += "null"; }
    void operator()(bool value) const { out += value ? "true" : "false"; }
    void operator()(std::int64_t value) const { out += std::to_string(value); }
    void operator()(const Decimal& value) const { out += value.text(); }
    void operator()(const std::string& value) const { append_string(out, value); }
    void operator()(Date value) const { append_string(out, to_string(value)); }
    void operator()(Timestamp value) const { append_string(out, to_string(value)); }
    void operator()(const Value::List& list) const {
        out += '[';
        for (const Value& item : list) {
            if (&item != &list.front()) out += ',';
            inside(item);
        }
        if (!list.empty()) new_line(depth);
        out += ']';
    }
    void operator()(const Value::Map& map) const {
        out += '{';
        bool first = true;
        for (const auto& [key, item] : map) {
            if (!first) out += ',';
            first = false;
            new_line(depth + 1);
            append_string(out, key);
            out += depth == kOneLine ? ":" : ": ";
            std::visit(deeper(), item.data());
        }
        if (!map.empty()) new_line(depth);
        out += '}';
    }

    [[nodiscard]] Writer deeper() const { return {out, depth == kOneLine ? kOneLine : depth + 1}; }
    void inside(const Value& item) const {
        new_line(depth + 1);
        std::visit(deeper(), item.data());
    }
    void new_line(int indent) const {
        if (depth == kOneLine) return;
        out += '\n';
        out.append(2 * static_cast<std::size_t>(indent), ' ');
    }
};

}  // namespace

Result<Value> parse_json(std::string_view text, const JsonLimits& limits) {
    if (text.size() > limits.bytes_max) {
        return fail(ErrorKind::kTooLarge, "JSON of " + std::to_string(text.size()) +
                                              " bytes, at most " +
                                              std::to_string(limits.bytes_max) + " are taken");
    }
    json::parse_options options;
    options.max_depth = limits.depth_max;
    json::basic_parser<Builder> parser{options};
    json::error_code error;
    const std::size_t used = parser.write_some(false, text.data(), text.size(), error);
    const std::string place = " at byte " + std::to_string(used);
    if (error == json::error::too_deep) {
        return fail(ErrorKind::kTooLarge,
                    "JSON nested deeper than " + std::to_string(limits.depth_max) + place);
    }
    if (error) {
        const std::string& problem = parser.handler().problem();
        return fail(ErrorKind::kInvalid,
                    "not JSON: " + (problem.empty() ? error.message() : problem) + place);
    }
    if (used < text.size()) {
        return fail(ErrorKind::kInvalid, "not JSON: something follows the value" + place);
    }
    return parser.handler().take();
}

std::string to_json(const Value& value) {
    std::string out;
    std::visit(Writer{out}, value.data());
    return out;
}

std::string to_json_lines(const Value& value) {
    std::string out;
    std::visit(Writer{out, 0}, value.data());
    return out + '\n';
}

}  // namespace syncline
