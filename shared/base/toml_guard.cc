#include "shared/base/toml_guard.h"

#include <algorithm>
#include <string>

#include "shared/base/source_place.h"
#include "shared/base/utf8.h"

namespace syncline {
namespace {

/// The offset behind the string that opens at `at`. An unclosed one ends with its line, or with
/// the text: toml++ stops there with an error and sees nothing of what follows.
std::size_t skip_string(std::string_view text, std::size_t at) {
    const char quote = text[at];
    const bool escapes = quote == '"';
    const std::string triple(3, quote);
    const bool long_form = text.substr(at, 3) == triple;
    at += long_form ? 3 : 1;
    while (at < text.size()) {
        if (escapes && text[at] == '\\') {
            at += 2;
        } else if (long_form && text.substr(at, 3) == triple) {
            at += 3;
            // Up to two quotes may stand right before the closing three.
            for (int more = 0; more < 2 && at < text.size() && text[at] == quote; ++more) ++at;
            return at;
        } else if (!long_form && (text[at] == quote || text[at] == '\n')) {
            return at + 1;
        } else {
            ++at;
        }
    }
    return text.size();
}

struct Scan {
    int depth = 0;
    int parts = 1;
};

/// Counts what one character outside of strings and comments opens, closes or joins.
void count(Scan& scan, char c) {
    switch (c) {
        case '[':
        case '{': ++scan.depth; break;
        case ']':
        case '}': scan.depth = std::max(scan.depth - 1, 0); break;
        case '.': ++scan.parts; return;
        case '=':
        case ',':
        case '\n': break;
        default: return;
    }
    scan.parts = 1;
}

}  // namespace

Result<void> guard_toml(std::string_view text, std::string_view file, const TomlLimits& limits) {
    if (text.size() > limits.bytes_max) {
        return fail(ErrorKind::kTooLarge, std::string{file} + ": over the limit of " +
                                              std::to_string(limits.bytes_max) + " bytes");
    }
    const auto refuse = [&](ErrorKind kind, std::size_t at, const std::string& what) {
        return fail(kind, to_string(place_in(text, file, at)) + ": " + what);
    };
    if (const auto bad = find_invalid_utf8(text); bad != std::string_view::npos) {
        return refuse(ErrorKind::kInvalid, bad, "not valid UTF-8");
    }
    Scan scan;
    for (std::size_t at = 0; at < text.size();) {
        const char c = text[at];
        if (c == '#') {
            at = std::min(text.find('\n', at), text.size());
        } else if (c == '"' || c == '\'') {
            at = skip_string(text, at);
        } else {
            count(scan, c);
            if (scan.depth > limits.depth_max) {
                return refuse(ErrorKind::kTooLarge, at,
                              "nested deeper than " + std::to_string(limits.depth_max) + " levels");
            }
            if (scan.parts > limits.key_parts_max) {
                return refuse(
                    ErrorKind::kTooLarge, at,
                    "a dotted key of more than " + std::to_string(limits.key_parts_max) + " parts");
            }
            ++at;
        }
    }
    return {};
}

}  // namespace syncline
