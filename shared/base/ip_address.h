#pragma once

#include <string>

#include <arpa/inet.h>

namespace syncline {

/// "10.0.0.7", "fd00::1": an address as it is, not a name that stands for one.
[[nodiscard]] inline bool is_ip_address(const std::string& text) {
    unsigned char bytes[16];
    return inet_pton(AF_INET, text.c_str(), bytes) == 1 ||
           inet_pton(AF_INET6, text.c_str(), bytes) == 1;
}

}  // namespace syncline
