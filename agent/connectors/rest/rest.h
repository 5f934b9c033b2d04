#pragma once

#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "agent/connectors/connector.h"
#include "agent/connectors/registry.h"
#include "agent/connectors/rest/auth.h"
#include "agent/connectors/rest/settings.h"
#include "shared/base/clock.h"
#include "shared/http/client.h"

namespace syncline::agent {

/// A platform that speaks HTTP and JSON, as its profile describes it. README.md here is the
/// reference. Threading, errors and limits are Connector's.
[[nodiscard]] std::unique_ptr<Connector> make_rest_connector(
    std::shared_ptr<const rest::Settings> settings, std::shared_ptr<rest::Session> session,
    std::unique_ptr<HttpClient> http, const Clock& clock);

/// `[connector]` and `[objects]` of a file. kInvalid: the profile has problems; those of the file
/// are noted in the readers.
[[nodiscard]] Result<std::shared_ptr<const rest::Settings>> read_rest_settings(
    TomlReader& connector, TomlReader& objects, const ConnectorContext& context);

namespace rest {

/// One of the credentials in `[connector.auth]`.
struct CredentialKey {
    std::string_view key;
    std::string_view text;   ///< For people: "user's name".
    bool is_secret = false;  ///< Named by where it stands.
};
/// Those that a way to log in cannot do without.
[[nodiscard]] std::vector<CredentialKey> credentials_of(AuthKind kind);

}  // namespace rest

/// The profile `profile` of a file: by name, or by the path of a .toml file. Errors as
/// load_profile().
[[nodiscard]] Result<rest::Profile> load_named_profile(const std::string& profile,
                                                       const ConnectorContext& context);

/// The entry of the registry.
Result<ConnectorFactory> make_rest(TomlReader& connector, TomlReader& objects,
                                   const ConnectorContext& context);

}  // namespace syncline::agent
