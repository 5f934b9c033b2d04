#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"

struct sockaddr;

namespace syncline {

/// Which addresses may be connected to where others say the URL: those of the public Internet, and
/// what is allowed by name. All that is somebody's inside is not: loopback, private, link-local
/// (with it the metadata services of clouds), carriers' NAT, multicast, reserved, unspecified; an
/// IPv4 address inside an IPv6 one counts as that IPv4 address.
///
/// It judges the address that a connection is made to, after the name was resolved: a name that
/// means another address each time it is asked for gets nowhere.
class AddressGuard {
public:
    /// Also admits: an address ("10.1.2.3", "fd00::1"), a network ("10.0.0.0/8") or, whatever
    /// address it has, a host by its whole name ("hooks.example.com"). kInvalid: none of these.
    Result<void> allow(std::string_view text);

    /// Empty: the host of that URL may be connected to there; else why not. `address`: AF_INET or
    /// AF_INET6, whole; any other family is refused.
    [[nodiscard]] std::string refusal(std::string_view url, const sockaddr& address) const;

    friend bool operator==(const AddressGuard&, const AddressGuard&) = default;

private:
    using Address = std::array<std::uint8_t, 16>;  ///< IPv4 as ::ffff:a.b.c.d.
    struct Network {
        Address base{};
        unsigned bits = 0;  ///< Of these 128.
        friend bool operator==(const Network&, const Network&) = default;
    };
    static std::optional<Address> address_in(const std::string& text);
    static std::optional<Address> address_of(const sockaddr& address);
    static bool is_in(const Network& network, const Address& address);
    static const char* why_not_public(const Address& address);

    std::vector<Network> networks_;
    std::vector<std::string> hosts_;
};

/// The host of an absolute URL in lower case, without brackets and port; empty for one with a user,
/// or that two readers might read as two hosts.
[[nodiscard]] std::string host_of(std::string_view url);

}  // namespace syncline
