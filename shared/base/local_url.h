#pragma once

#include <string_view>

namespace syncline {

/// Does the URL, of this scheme and without a user, stay on this machine? `localhost.example.com`
/// does not.
[[nodiscard]] inline bool is_local_url(std::string_view url, std::string_view scheme) {
    if (!url.starts_with(scheme)) return false;
    url.remove_prefix(scheme.size());
    for (const std::string_view host : {"://127.0.0.1", "://localhost", "://[::1]"}) {
        if (!url.starts_with(host)) continue;
        const std::string_view rest = url.substr(host.size());
        if (rest.empty() || rest.front() == ':' || rest.front() == '/') return true;
    }
    return false;
}

}  // namespace syncline
