#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <openssl/types.h>

#include "shared/base/result.h"
#include "shared/model/value.h"

/// Signed tokens (RFC 7515, compact form) and the public keys that they are checked with (RFC
/// 7517). The arithmetic is OpenSSL's.
namespace syncline::hub::oidc {

/// What we take. Neither `none`, nor any HMAC: whoever knows the public key could make those.
enum class Algorithm : std::uint8_t { kRs256, kPs256, kEs256, kEd25519 };
/// By the `alg` of a header; `Ed25519` is RFC 9864's name of what was `EdDSA`.
[[nodiscard]] std::optional<Algorithm> algorithm_named(std::string_view name);

/// A token as it was sent; nothing of it is true until a KeySet has verified it.
struct Jws {
    Algorithm algorithm = Algorithm::kRs256;
    std::string key_id;   ///< `kid`; empty: it names none.
    std::string content;  ///< What is signed.
    std::string signature;
    Value::Map claims;
};
/// kInvalid: no such token. kDenied: signed in a way that is not taken, or with an extension that
/// must be understood (`crit`).
[[nodiscard]] Result<Jws> parse_jws(std::string_view token);

/// The public keys of a provider. What is of another kind or use in the set is passed over.
class KeySet {
public:
    static constexpr std::size_t kKeysMost = 64;

    /// A JSON Web Key Set. kInvalid: none.
    [[nodiscard]] static Result<KeySet> parse(std::string_view json);

    /// kNotFound: no key of that id, or without id more than one that could be meant. kDenied: the
    /// signature is not of that key.
    [[nodiscard]] Result<void> verify(const Jws& jws) const;
    [[nodiscard]] std::size_t size() const { return keys_.size(); }

private:
    struct Free {
        void operator()(EVP_PKEY* key) const noexcept;
    };
    struct Key {
        std::string id;
        std::vector<Algorithm> fits;
        std::unique_ptr<EVP_PKEY, Free> key;
    };
    static std::optional<Key> key_of(const Value& jwk);
    std::vector<Key> keys_;
};

}  // namespace syncline::hub::oidc
