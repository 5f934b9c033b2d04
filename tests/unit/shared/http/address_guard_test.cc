// Which addresses a connection may be made to, where others say the URL.
#include "shared/http/address_guard.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>

#include <gtest/gtest.h>

namespace syncline {
namespace {

sockaddr_storage address(const std::string& text) {
    sockaddr_storage storage{};
    auto& four = reinterpret_cast<sockaddr_in&>(storage);
    auto& six = reinterpret_cast<sockaddr_in6&>(storage);
    if (::inet_pton(AF_INET, text.c_str(), &four.sin_addr) == 1) {
        four.sin_family = AF_INET;
    } else {
        EXPECT_EQ(::inet_pton(AF_INET6, text.c_str(), &six.sin6_addr), 1) << text;
        six.sin6_family = AF_INET6;
    }
    return storage;
}

std::string refusal(const AddressGuard& guard, const std::string& text,
                    const std::string& url = "https://hooks.example.com/x") {
    const sockaddr_storage storage = address(text);
    return guard.refusal(url, reinterpret_cast<const sockaddr&>(storage));
}

TEST(AddressGuard, RefusesWhatIsInside) {
    struct Row {
        const char* address;
        const char* what;
    };
    const std::vector<Row> rows{
        {"0.0.0.0", "unspecified"},
        {"0.1.2.3", "unspecified"},
        {"10.0.0.1", "private"},
        {"10.255.255.255", "private"},
        {"172.16.0.1", "private"},
        {"172.31.255.255", "private"},
        {"192.168.1.1", "private"},
        {"127.0.0.1", "loopback"},
        {"127.255.0.9", "loopback"},
        {"169.254.169.254", "metadata"},
        {"100.64.0.1", "NAT"},
        {"100.127.255.255", "NAT"},
        {"100.100.100.200", "NAT"},
        {"168.63.129.16", "cloud"},
        {"192.0.0.192", "reserved"},
        {"198.18.0.1", "benchmarks"},
        {"198.19.255.255", "benchmarks"},
        {"224.0.0.1", "multicast"},
        {"255.255.255.255", "reserved"},
        {"::", "unspecified"},
        {"::1", "loopback"},
        {"::ffff:127.0.0.1", "loopback"},
        {"::ffff:10.0.0.1", "private"},
        {"::ffff:169.254.169.254", "metadata"},
        {"::ffff:0.0.0.0", "unspecified"},
        {"::127.0.0.1", "reserved"},
        {"64:ff9b::7f00:1", "loopback"},
        {"64:ff9b::a9fe:a9fe", "metadata"},
        {"64:ff9b:1::1", "reserved"},
        {"2002:7f00:1::", "tunnel"},
        {"2001::1", "reserved"},
        {"2001:db8::1", "documentation"},
        {"3fff::1", "documentation"},
        {"fc00::1", "private"},
        {"fd00:ec2::254", "private"},
        {"fe80::1", "link-local"},
        {"fec0::1", "link-local"},
        {"ff02::1", "multicast"},
        {"100::1", "reserved"},
        {"4000::1", "reserved"},
    };
    const AddressGuard guard;
    for (const Row& row : rows) {
        const std::string why = refusal(guard, row.address);
        EXPECT_NE(why.find(row.what), std::string::npos) << row.address << ": " << why;
    }
    sockaddr_un path{};
    path.sun_family = AF_UNIX;
    EXPECT_NE(guard.refusal("https://x.example", reinterpret_cast<const sockaddr&>(path)), "");
}

TEST(AddressGuard, AdmitsThePublicInternet) {
    const AddressGuard guard;
    for (const char* text :
         {"1.1.1.1",         "9.255.255.255",   "11.0.0.0",       "100.63.255.255",
          "100.128.0.0",     "126.255.255.255", "128.0.0.1",      "168.63.129.17",
          "169.253.255.255", "172.15.255.255",  "172.32.0.0",     "192.167.255.255",
          "192.169.0.0",     "198.17.255.255",  "198.20.0.0",     "223.255.255.255",
          "2606:4700::1",    "2a00:1450::1",    "::ffff:1.1.1.1", "64:ff9b::101:101"}) {
        EXPECT_EQ(refusal(guard, text), "") << text;
    }
}

TEST(AddressGuard, AdmitsWhatIsAllowedAndNothingBeside) {
    AddressGuard guard;
    for (const char* text : {"10.1.2.0/23", "127.0.0.1", "fd00:1::/33", "Hooks.Inside.example"}) {
        EXPECT_TRUE(guard.allow(text)) << text;
    }
    for (const char* text : {"10.1.2.0", "10.1.3.255", "127.0.0.1", "::ffff:127.0.0.1",
                             "::ffff:10.1.3.1", "fd00:1::1", "fd00:1:7fff::1"}) {
        EXPECT_EQ(refusal(guard, text), "") << text;
    }
    for (const char* text : {"10.1.1.255", "10.1.4.0", "127.0.0.2", "::1", "fd00:1:8000::1"}) {
        EXPECT_NE(refusal(guard, text), "") << text;
    }
    // A host by its whole name, and by that alone.
    for (const char* url : {"https://hooks.inside.example/x", "https://HOOKS.inside.example:8443",
                            "https://hooks.inside.example?a=b"}) {
        EXPECT_EQ(refusal(guard, "10.9.9.9", url), "") << url;
    }
    for (const char* url :
         {"https://inside.example/", "https://a.hooks.inside.example/",
          "https://hooks.inside.example.evil.example/",
          "https://hooks.inside.example@evil.example/", "https://evil.example/hooks.inside.example",
          "https://hooks.inside.example\\@evil.example/",
          "https://evil.example#hooks.inside.example",
          "https://hooks.inside.example%2eevil.example/", "hooks.inside.example"}) {
        EXPECT_NE(refusal(guard, "10.9.9.9", url), "") << url;
    }
}

TEST(AddressGuard, TakesNothingElseForAnAllowance) {
    AddressGuard guard;
    for (const char* text : {"", "*", "*.example.com", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1",
                             "10.0.0.0/8x", "fd00::/129", "10.0.0", "10", "0x7f.1", "2130706433",
                             "host/8", "a b", "https://x.example", ".example", "x.example."}) {
        EXPECT_FALSE(guard.allow(text)) << text;
    }
    EXPECT_EQ(guard, AddressGuard{});
}

}  // namespace
}  // namespace syncline
