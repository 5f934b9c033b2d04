#pragma once

#include <string>
#include <vector>

#include "agent/connectors/rest/profile.h"
#include "agent/core/mapping.h"
#include "shared/base/secret.h"

namespace syncline::agent::rest {

/// Who we are on the platform. What a flow does not need stays empty.
struct Credentials {
    std::string client_id;
    Secret client_secret;
    std::string username;
    Secret password;
    Secret token;          ///< A bearer token, the API key, or the secret of a token of OAuth 1.0.
    std::string token_id;  ///< OAuth 1.0; `client_id` and `client_secret` are the consumer's.
    std::string realm;     ///< The same; may be empty.
    Secret refresh_token;
    Secret private_key;           ///< PEM; `username` is on whose behalf.
    Secret private_key_password;  ///< Of a key that is encrypted.
    std::string key_id;           ///< What the platform calls the key; may be empty.
};

/// All that a connector needs to know; shared by those of one platform, never changed.
struct Settings {
    Profile profile;
    std::string base_url;  ///< Without a slash at the end.
    std::string proxy;
    std::string ca_file;
    Credentials credentials;
    std::vector<ObjectMapping> objects;
    std::size_t batch_max = 10'000;  ///< Records that go together, if the profile allows as many.
    bool push = false;               ///< What the profile says of it is wanted.
    std::vector<std::string> push_channels;  ///< In place of those of the profile; may be empty.
};

}  // namespace syncline::agent::rest
