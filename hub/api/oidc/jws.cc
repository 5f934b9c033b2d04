#include "hub/api/oidc/jws.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include <algorithm>

#include "shared/base/base64.h"
#include "shared/base/json.h"
#include "shared/model/member.h"

namespace syncline::hub::oidc {
namespace {

constexpr std::size_t kTokenMost = 64u << 10;
constexpr int kRsaBitsLeast = 2'048;
/// Larger ones cost a second each, which whoever sends them decides.
constexpr int kRsaBitsMost = 8'192;
constexpr std::size_t kPointBytes = 32;

template <class T, auto kFree>
struct Freeing {
    void operator()(T* one) const noexcept { kFree(one); }
};
template <class T, auto kFree>
using Held = std::unique_ptr<T, Freeing<T, kFree>>;
using Number = Held<BIGNUM, BN_free>;
using Builder = Held<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free>;
using Params = Held<OSSL_PARAM, OSSL_PARAM_free>;
using KeyContext = Held<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using Digester = Held<EVP_MD_CTX, EVP_MD_CTX_free>;
using EcSignature = Held<ECDSA_SIG, ECDSA_SIG_free>;

const unsigned char* bytes(std::string_view text) {
    return reinterpret_cast<const unsigned char*>(text.data());
}
Number number_of(std::string_view text) {
    return Number{BN_bin2bn(bytes(text), static_cast<int>(text.size()), nullptr)};
}

/// A member of a key as bytes; nothing if it is not there or is no base64url.
std::string bytes_member(const Value& jwk, std::string_view name) {
    return parse_base64url(text_member(jwk, name)).value_or(std::string{});
}

EVP_PKEY* from_params(const char* kind, OSSL_PARAM_BLD& builder) {
    const Params params{OSSL_PARAM_BLD_to_param(&builder)};
    const KeyContext context{EVP_PKEY_CTX_new_from_name(nullptr, kind, nullptr)};
    EVP_PKEY* key = nullptr;
    if (!params || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
        EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, params.get()) != 1) {
        return nullptr;
    }
    return key;
}

EVP_PKEY* rsa_key(const Value& jwk) {
    const Number modulus = number_of(bytes_member(jwk, "n"));
    const Number exponent = number_of(bytes_member(jwk, "e"));
    const Builder builder{OSSL_PARAM_BLD_new()};
    if (!modulus || !exponent || !builder) return nullptr;
    const int bits = BN_num_bits(modulus.get());
    const bool sound = bits >= kRsaBitsLeast && bits <= kRsaBitsMost && BN_is_odd(exponent.get()) &&
                       BN_num_bits(exponent.get()) > 1 && BN_num_bits(exponent.get()) <= 64;
    if (!sound ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, modulus.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, exponent.get()) != 1) {
        return nullptr;
    }
    return from_params("RSA", *builder);
}

/// OpenSSL refuses a point that is not on the curve.
EVP_PKEY* p256_key(const Value& jwk) {
    const std::string x = bytes_member(jwk, "x");
    const std::string y = bytes_member(jwk, "y");
    const Builder builder{OSSL_PARAM_BLD_new()};
    if (!builder || x.size() != kPointBytes || y.size() != kPointBytes) return nullptr;
    const std::string point = "\x04" + x + y;
    if (OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1",
                                        0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                         point.size()) != 1) {
        return nullptr;
    }
    return from_params("EC", *builder);
}

EVP_PKEY* ed25519_key(const Value& jwk) {
    const std::string x = bytes_member(jwk, "x");
    return EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes(x), x.size());
}

/// RFC 7518 3.4 has both numbers one after the other; OpenSSL wants them in DER.
std::string der_of(std::string_view signature) {
    if (signature.size() != 2 * kPointBytes) return {};
    Number r = number_of(signature.substr(0, kPointBytes));
    Number s = number_of(signature.substr(kPointBytes));
    const EcSignature both{ECDSA_SIG_new()};
    if (!r || !s || !both || ECDSA_SIG_set0(both.get(), r.get(), s.get()) != 1) return {};
    std::ignore = r.release();  // Both are its own now.
    std::ignore = s.release();
    unsigned char* der = nullptr;
    const int size = i2d_ECDSA_SIG(both.get(), &der);
    if (size <= 0) return {};
    std::string out{reinterpret_cast<const char*>(der), static_cast<std::size_t>(size)};
    OPENSSL_free(der);
    return out;
}

bool is_signed_by(EVP_PKEY& key, const Jws& jws) {
    const bool edwards = jws.algorithm == Algorithm::kEd25519;
    const bool curve = jws.algorithm == Algorithm::kEs256;
    const std::string signature = curve ? der_of(jws.signature) : jws.signature;
    const Digester digester{EVP_MD_CTX_new()};
    EVP_PKEY_CTX* how = nullptr;
    if (!digester || signature.empty() ||
        EVP_DigestVerifyInit(digester.get(), &how, edwards ? nullptr : EVP_sha256(), nullptr,
                             &key) != 1) {
        return false;
    }
    if (jws.algorithm == Algorithm::kPs256 &&
        (EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING) != 1 ||
         EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST) != 1)) {
        return false;
    }
    return EVP_DigestVerify(digester.get(), bytes(signature), signature.size(), bytes(jws.content),
                            jws.content.size()) == 1;
}

/// What a key may be used for, by its kind.
std::vector<Algorithm> algorithms_of(const Value& jwk) {
    const std::string kind = text_member(jwk, "kty");
    const std::string curve = text_member(jwk, "crv");
    std::vector<Algorithm> fits;
    if (kind == "RSA") fits = {Algorithm::kRs256, Algorithm::kPs256};
    if (kind == "EC" && curve == "P-256") fits = {Algorithm::kEs256};
    if (kind == "OKP" && curve == "Ed25519") fits = {Algorithm::kEd25519};
    const std::string use = text_member(jwk, "use");
    if (!use.empty() && use != "sig") return {};
    if (const Value* named = member(jwk, "alg")) {
        const auto only = algorithm_named(plain_text(*named));
        std::erase_if(fits, [&](Algorithm one) { return one != only; });
    }
    return fits;
}

Result<Value> json_part(std::string_view part, const char* what) {
    const auto text = parse_base64url(part);
    auto json = text ? parse_json(*text) : Result<Value>{fail(ErrorKind::kInvalid, "")};
    if (json && json->get<Value::Map>() != nullptr) return json;
    return fail(ErrorKind::kInvalid, std::string{"the token's "} + what + " is no JSON object");
}

}  // namespace

std::optional<Algorithm> algorithm_named(std::string_view name) {
    if (name == "RS256") return Algorithm::kRs256;
    if (name == "PS256") return Algorithm::kPs256;
    if (name == "ES256") return Algorithm::kEs256;
    if (name == "EdDSA" || name == "Ed25519") return Algorithm::kEd25519;
    return std::nullopt;
}

Result<Jws> parse_jws(std::string_view token) {
    const auto first = token.find('.');
    const auto second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (token.size() > kTokenMost || second == std::string_view::npos) {
        return fail(ErrorKind::kInvalid, "that is no signed token");
    }
    const auto header = json_part(token.substr(0, first), "header");
    if (!header) return fail(header.error());
    const std::string named = text_member(*header, "alg");
    const auto algorithm = algorithm_named(named);
    if (!algorithm) {
        return fail(ErrorKind::kDenied, "the token is signed by `" + named.substr(0, 20) +
                                            "`; taken are RS256, PS256, ES256 and EdDSA");
    }
    if (member(*header, "crit") != nullptr) {
        return fail(ErrorKind::kDenied, "the token wants an extension that is not known here");
    }
    const auto claims = json_part(token.substr(first + 1, second - first - 1), "content");
    if (!claims) return fail(claims.error());
    auto signature = parse_base64url(token.substr(second + 1));
    if (!signature || signature->empty()) {
        return fail(ErrorKind::kInvalid, "the token has no signature");
    }
    return Jws{*algorithm, text_member(*header, "kid"), std::string{token.substr(0, second)},
               *std::move(signature), *claims->get<Value::Map>()};
}

void KeySet::Free::operator()(EVP_PKEY* key) const noexcept { EVP_PKEY_free(key); }

std::optional<KeySet::Key> KeySet::key_of(const Value& jwk) {
    Key key{text_member(jwk, "kid"), algorithms_of(jwk), nullptr};
    if (key.fits.empty()) return std::nullopt;
    switch (key.fits.front()) {
        case Algorithm::kRs256:
        case Algorithm::kPs256: key.key.reset(rsa_key(jwk)); break;
        case Algorithm::kEs256: key.key.reset(p256_key(jwk)); break;
        case Algorithm::kEd25519: key.key.reset(ed25519_key(jwk)); break;
    }
    ERR_clear_error();
    if (!key.key) return std::nullopt;
    return key;
}

Result<KeySet> KeySet::parse(std::string_view json) {
    const auto read = parse_json(json);
    const Value* keys = read ? member(*read, "keys") : nullptr;
    const auto* list = keys == nullptr ? nullptr : keys->get<Value::List>();
    if (list == nullptr) return fail(ErrorKind::kInvalid, "that is no set of keys");
    KeySet set;
    for (const Value& one : *list) {
        if (set.keys_.size() == kKeysMost) break;
        if (auto key = key_of(one)) set.keys_.push_back(*std::move(key));
    }
    return set;
}

Result<void> KeySet::verify(const Jws& jws) const {
    std::vector<const Key*> meant;
    for (const Key& key : keys_) {
        const bool fits = std::ranges::find(key.fits, jws.algorithm) != key.fits.end();
        if (fits && (jws.key_id.empty() || key.id == jws.key_id)) meant.push_back(&key);
    }
    if (meant.empty() || (jws.key_id.empty() && meant.size() > 1)) {
        return fail(ErrorKind::kNotFound, "the provider has no key that the token names");
    }
    const bool good =
        std::ranges::any_of(meant, [&](const Key* key) { return is_signed_by(*key->key, jws); });
    ERR_clear_error();
    if (!good) return fail(ErrorKind::kDenied, "the token's signature is not the provider's");
    return {};
}

}  // namespace syncline::hub::oidc
