#include "hub/api/client_address.h"

#include <algorithm>

namespace syncline::hub::api {
namespace {

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t");
    if (begin == text.npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

}  // namespace

std::string_view client_address(std::string_view peer, std::string_view forwarded,
                                const std::vector<std::string>& proxies) {
    while (!forwarded.empty() && std::ranges::find(proxies, peer) != proxies.end()) {
        const auto comma = forwarded.rfind(',');
        const std::string_view before = trimmed(forwarded.substr(comma + 1));  // npos + 1 is 0.
        if (before.empty()) break;
        peer = before;
        forwarded = comma == forwarded.npos ? std::string_view{} : forwarded.substr(0, comma);
    }
    return peer;
}

}  // namespace syncline::hub::api
