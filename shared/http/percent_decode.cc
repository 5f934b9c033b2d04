#include "shared/http/percent_decode.h"

#include <algorithm>
#include <charconv>

namespace syncline {
namespace {

/// The byte of `%41`; -1: it is no escape.
int escaped(std::string_view text) {
    unsigned char byte = 0;
    if (text.size() < 3 || text[0] != '%') return -1;
    const auto [end, error] = std::from_chars(text.data() + 1, text.data() + 3, byte, 16);
    return error == std::errc{} && end == text.data() + 3 ? byte : -1;
}

}  // namespace

std::string percent_decode(std::string_view text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const int byte = escaped(text.substr(i));
        out += byte < 0 ? text[i] : static_cast<char>(byte);
        if (byte >= 0) i += 2;
    }
    return out;
}

std::map<std::string, std::string, std::less<>> form_fields(std::string_view body) {
    std::map<std::string, std::string, std::less<>> fields;
    while (!body.empty()) {
        const std::string_view pair = body.substr(0, body.find('&'));
        body.remove_prefix(std::min(pair.size() + 1, body.size()));
        std::string text{pair};
        std::ranges::replace(text, '+', ' ');
        const auto equals = text.find('=');
        if (equals == std::string::npos) continue;
        fields.emplace(percent_decode(std::string_view{text}.substr(0, equals)),
                       percent_decode(std::string_view{text}.substr(equals + 1)));
    }
    return fields;
}

}  // namespace syncline
