#pragma once

#include <map>
#include <string>

#include "hub/ctl/security/installation.h"

/// What an installation is for programs: the server's configuration, and each user's settings.
/// Pure: it makes text of what is known.
namespace syncline::ctl::security {

/// The account that the streams and the hubs are in.
inline constexpr const char* kStreamsAccount = "SYNCLINE";
/// Where a user lives: that one, or one of its own.
[[nodiscard]] std::string account_of(const User& user);

/// Accounts, users and permissions.
[[nodiscard]] std::string accounts_config(const Installation& installation);
/// The server's certificate, and that everybody needs one. `folder`: where the files lie.
[[nodiscard]] std::string tls_config(const std::string& folder);
/// Where leaf nodes come in, if any may: with the certificate of an agent, into its account.
[[nodiscard]] std::string leaf_config(const Installation& installation, const std::string& folder);
/// What includes the others; written once, then the operator's.
[[nodiscard]] std::string server_config(const Installation& installation);

/// Files of a key in its folder.
inline constexpr const char* kAuthorityFile = "ca.pem";
inline constexpr const char* kCertificateFile = "cert.pem";
inline constexpr const char* kKeyFile = "key.pem";
inline constexpr const char* kSeedFile = "nkey.seed";
inline constexpr const char* kSettingsFile = "nats.toml";
inline constexpr const char* kLeafFile = "leaf.conf";
inline constexpr const char* kLeafSettingsFile = "leaf.toml";
/// The `[nats]` table of the program's settings; of a person's, what --connection takes.
[[nodiscard]] std::string settings_of(const Installation& installation, const User& user,
                                      const Key& key, const std::string& folder);

/// A server of an agent's own, at its site, which passes on what the agent says and hears; and the
/// agent's settings there.
[[nodiscard]] std::string leaf_server(const Installation& installation, const User& user,
                                      const Key& key, const std::string& folder);
[[nodiscard]] std::string leaf_settings(const Installation& installation, const User& user,
                                        const Key& key);

}  // namespace syncline::ctl::security
