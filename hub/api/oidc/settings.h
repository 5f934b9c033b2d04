#pragma once

#include <string>
#include <vector>

#include "hub/api/identity.h"
#include "shared/base/secret.h"
#include "shared/base/toml_reader.h"

namespace syncline::hub::oidc {

/// What people of some groups may, `[[api.oidc.grants]]`.
struct Grant {
    std::vector<std::string> groups;  ///< All of these; none: whoever the provider knows.
    Roles roles;
    std::vector<std::string> objects;  ///< Only things of these; none: of all.
    std::vector<std::string> regions;  ///< The same.
    bool sees_personal = false;
};

/// `[api.oidc]`: where people sign in who have no token.
struct Settings {
    std::string issuer;                 ///< Empty: nowhere.
    std::string name = "your account";  ///< On the console's button.
    std::string client_id;
    Secret client_secret;  ///< Without it the client is a public one.
    std::string base;      ///< Where browsers find this API; ends with a slash.
    std::vector<std::string> scopes{"openid", "profile", "email"};
    std::vector<std::string> person_claim{"sub"};     ///< From the outside in.
    std::vector<std::string> groups_claim{"groups"};  ///< The same.
    std::string ca_file;                              ///< PEM; empty: the system's.
    std::vector<Grant> grants;                        ///< The first one that fits counts.

    [[nodiscard]] bool enabled() const { return !issuer.empty(); }
    /// Where the provider sends browsers back to.
    [[nodiscard]] std::string redirect_uri() const { return base + "v1/oidc/callback"; }
};

/// Notes what is wrong in the file, as everywhere.
[[nodiscard]] Settings read_settings(TomlReader table);

/// https, or plain HTTP that does not leave this machine; without user, query and fragment if it is
/// a `base`.
[[nodiscard]] bool is_safe_url(std::string_view url);

}  // namespace syncline::hub::oidc
