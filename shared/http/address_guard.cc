#include "shared/http/address_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <tuple>

namespace syncline {
namespace {

struct Range {
    const char* network;
    const char* what;
};

/// IANA's registries of special addresses, and one that a cloud has put elsewhere.
constexpr Range kInside4[] = {
    {"0.0.0.0/8", "unspecified"},
    {"10.0.0.0/8", "private"},
    {"100.64.0.0/10", "a carrier's NAT"},
    {"127.0.0.0/8", "loopback"},
    {"168.63.129.16/32", "a cloud's own service"},
    {"169.254.0.0/16", "link-local, as are the metadata services of clouds"},
    {"172.16.0.0/12", "private"},
    {"192.0.0.0/24", "reserved"},
    {"192.0.2.0/24", "of documentation"},
    {"192.88.99.0/24", "reserved"},
    {"192.168.0.0/16", "private"},
    {"198.18.0.0/15", "of benchmarks"},
    {"198.51.100.0/24", "of documentation"},
    {"203.0.113.0/24", "of documentation"},
    {"224.0.0.0/4", "multicast"},
    {"240.0.0.0/4", "reserved"},
};
/// Of 2000::/3, which is all there is of the public Internet.
constexpr Range kInside6[] = {
    {"2001::/23", "reserved"},
    {"2001:db8::/32", "of documentation"},
    {"2002::/16", "a tunnel of IPv4"},
    {"3fff::/20", "of documentation"},
};
constexpr unsigned kMappedBits = 96;

std::string lower_text(std::string_view text) {
    std::string out{text};
    std::ranges::transform(out, out.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return out;
}

bool is_host_name(std::string_view text) {
    // With a letter in its last part: else it reads as an address to some.
    const std::string_view last = text.substr(text.rfind('.') + 1);
    return !text.empty() && text.size() <= 253 && !text.starts_with('.') && !last.empty() &&
           std::ranges::any_of(last, [](char c) { return c >= 'a' && c <= 'z'; }) &&
           std::ranges::all_of(text, [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
                      c == '_';
           });
}

std::string text_of(const sockaddr& address) {
    char text[INET6_ADDRSTRLEN] = {};
    if (address.sa_family == AF_INET) {
        const auto& four = reinterpret_cast<const sockaddr_in&>(address);
        ::inet_ntop(AF_INET, &four.sin_addr, text, sizeof text);
    } else if (address.sa_family == AF_INET6) {
        const auto& six = reinterpret_cast<const sockaddr_in6&>(address);
        ::inet_ntop(AF_INET6, &six.sin6_addr, text, sizeof text);
    }
    return text;
}

}  // namespace

std::string host_of(std::string_view url) {
    const auto scheme = url.find("://");
    if (scheme == std::string_view::npos) return {};
    std::string_view host = url.substr(scheme + 3);
    host = host.substr(0, host.find_first_of("/?#"));
    if (host.find_first_of("@\\% \t\r\n") != std::string_view::npos) return {};
    if (host.starts_with('[')) return lower_text(host.substr(1, host.find(']') - 1));
    return lower_text(host.substr(0, host.find(':')));
}

std::optional<AddressGuard::Address> AddressGuard::address_in(const std::string& text) {
    Address address{};
    in_addr four{};
    if (::inet_pton(AF_INET, text.c_str(), &four) == 1) {
        address[10] = address[11] = 0xff;
        std::memcpy(&address[12], &four, sizeof four);
        return address;
    }
    if (::inet_pton(AF_INET6, text.c_str(), address.data()) == 1) return address;
    return std::nullopt;
}

std::optional<AddressGuard::Address> AddressGuard::address_of(const sockaddr& address) {
    if (address.sa_family != AF_INET && address.sa_family != AF_INET6) return std::nullopt;
    return address_in(text_of(address));
}

bool AddressGuard::is_in(const Network& network, const Address& address) {
    const unsigned whole = network.bits / 8;
    if (!std::equal(address.begin(), address.begin() + whole, network.base.begin())) return false;
    if (network.bits % 8 == 0) return true;
    const unsigned mask = 0xffU << (8 - network.bits % 8);
    return ((address[whole] ^ network.base[whole]) & mask & 0xffU) == 0;
}

Result<void> AddressGuard::allow(std::string_view text) {
    const auto no = [&] {
        return fail(ErrorKind::kInvalid,
                    "`" + std::string{text} + "` is no host, address or network: 10.0.0.0/8");
    };
    const auto slash = text.find('/');
    const std::string name = lower_text(text.substr(0, slash));
    const auto base = address_in(name);
    if (!base) {
        if (slash != std::string_view::npos || !is_host_name(name)) return no();
        hosts_.push_back(name);
        return {};
    }
    const unsigned offset = name.find(':') == std::string::npos ? kMappedBits : 0;
    unsigned bits = 128 - offset;
    if (slash != std::string_view::npos) {
        const std::string_view said = text.substr(slash + 1);
        unsigned wanted = 0;
        const auto [at, error] = std::from_chars(said.data(), said.data() + said.size(), wanted);
        if (said.empty() || error != std::errc{} || at != said.data() + said.size() ||
            wanted > bits) {
            return no();
        }
        bits = wanted;
    }
    networks_.push_back({*base, offset + bits});
    return {};
}

const char* AddressGuard::why_not_public(const Address& address) {
    static const auto networks = [](const auto& ranges) {
        std::vector<std::pair<Network, const char*>> out;
        for (const Range& range : ranges) {
            AddressGuard one;
            std::ignore = one.allow(range.network);  // They are right.
            out.emplace_back(one.networks_.front(), range.what);
        }
        return out;
    };
    static const auto inside4 = networks(kInside4);
    static const auto inside6 = networks(kInside6);
    static const Network mapped{*address_in("::ffff:0.0.0.0"), kMappedBits};
    static const Network translated{*address_in("64:ff9b::"), kMappedBits};  // RFC 6052.
    static const Network global{*address_in("2000::"), 3};
    Address four = address;
    if (is_in(translated, address)) {
        std::copy_n(mapped.base.begin(), 12, four.begin());
    }
    const bool is_four = is_in(mapped, four);
    for (const auto& [network, what] : is_four ? inside4 : inside6) {
        if (is_in(network, four)) return what;
    }
    if (is_four || is_in(global, address)) return nullptr;
    if (address == Address{}) return "unspecified";
    if (address == *address_in("::1")) return "loopback";
    if ((address[0] & 0xfeU) == 0xfcU) return "private";
    if (address[0] == 0xfe) return "link-local";
    return address[0] == 0xff ? "multicast" : "reserved";
}

std::string AddressGuard::refusal(std::string_view url, const sockaddr& address) const {
    const auto known = address_of(address);
    if (!known) return "is no IP address";
    const char* const why = why_not_public(*known);
    if (why == nullptr) return {};
    const auto holds = [&](const Network& network) { return is_in(network, *known); };
    if (std::ranges::any_of(networks_, holds)) return {};
    const std::string host = host_of(url);
    if (!host.empty() && std::ranges::find(hosts_, host) != hosts_.end()) return {};
    return text_of(address) + " is " + why;
}

}  // namespace syncline
