#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/timestamp.h"
#include "shared/nats/permissions.h"

/// `synclinectl security`: who may use the server of an installation, and the files that make it
/// so. This file is what is known of it, as `installation.json` holds it. No secrets are in it.
namespace syncline::ctl::security {

/// By what the server knows a user. A certificate of ours is needed in both cases.
enum class Auth : std::uint8_t { kCertificate, kNkey };
[[nodiscard]] const char* name_of(Auth auth);  ///< "certificate", "nkey".

/// One certificate, and nkey, of a user. Its number is never used again.
struct Key {
    unsigned number = 1;
    std::string serial;  ///< Of the certificate, in hexadecimal digits.
    Timestamp not_after;
    std::string nkey;  ///< Public, "U..."; empty: known by the certificate.
};

struct User {
    nats::Member member;
    Auth auth = Auth::kCertificate;
    unsigned days = 0;      ///< How long its certificates are good for.
    std::vector<Key> keys;  ///< Oldest first; two while it is being rotated.
    unsigned next = 1;      ///< Number of the next key.
    Timestamp revoked_at;   ///< 0: it is not.
    [[nodiscard]] bool revoked() const { return revoked_at.ns != 0; }
};

struct Installation {
    std::string name;
    std::vector<std::string> hosts;  ///< Names and addresses of the server; the first is in URLs.
    std::string listen;              ///< `host:port`.
    std::string leaf_listen;         ///< The same for leaf nodes; empty: there are none.
    std::string place;         ///< Folder that users' files are copied to; empty: they stay here.
    std::string server_place;  ///< The same for the server's.
    unsigned days = 0;         ///< Of certificates, if nothing else is said.
    Timestamp authority_not_after;
    Timestamp server_not_after;
    std::vector<User> users;  ///< By name; revoked ones too.

    [[nodiscard]] User* find(std::string_view user);
    [[nodiscard]] const User* find(std::string_view user) const;
    /// Of agents that are not revoked.
    [[nodiscard]] std::vector<PlatformId> platforms() const;
    [[nodiscard]] std::string url() const;
    [[nodiscard]] std::string leaf_url() const;
};

/// What stands in the certificate, and in the server's configuration, for a key.
[[nodiscard]] std::string uri_of(const User& user, const Key& key);

[[nodiscard]] std::string to_text(const Installation& installation);
/// kCorrupt: not what to_text() makes.
[[nodiscard]] Result<Installation> parse_installation(std::string_view text);

/// kInvalid: not a name for a user, or a part of one.
[[nodiscard]] Result<void> check_name(std::string_view what, std::string_view name);

}  // namespace syncline::ctl::security
