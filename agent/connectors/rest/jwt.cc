#include "agent/connectors/rest/jwt.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "shared/base/base64.h"
#include "shared/base/json.h"

namespace syncline::agent::rest {
namespace {

constexpr int kBitsLeast = 2'048;

template <class T, auto kFree>
struct Freed {
    void operator()(T* one) const noexcept { kFree(one); }
};
using Key = std::unique_ptr<EVP_PKEY, Freed<EVP_PKEY, EVP_PKEY_free>>;
using Bytes = std::unique_ptr<BIO, Freed<BIO, BIO_free_all>>;
using Signer = std::unique_ptr<EVP_MD_CTX, Freed<EVP_MD_CTX, EVP_MD_CTX_free>>;

/// OpenSSL would else ask at the terminal.
int give_password(char* buffer, int size, int /*writing*/, void* password) {
    const auto& text = *static_cast<const std::string_view*>(password);
    if (text.empty() || std::cmp_greater(text.size(), size)) return -1;
    std::memcpy(buffer, text.data(), text.size());
    return static_cast<int>(text.size());
}

Result<Key> key_of(std::string_view pem, std::string_view password) {
    const auto bad = [](const std::string& why) {
        ERR_clear_error();
        return fail(ErrorKind::kDenied, "`private_key` " + why);
    };
    const Bytes bytes{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
    if (!bytes) return bad("cannot be held in memory");
    Key key{PEM_read_bio_PrivateKey(bytes.get(), nullptr, give_password, &password)};
    if (!key) {
        const bool encrypted = pem.find("ENCRYPTED") != std::string_view::npos;
        if (encrypted && password.empty())
            return bad("is encrypted: it needs private_key_password");
        return bad(encrypted ? "cannot be decrypted: private_key_password is wrong"
                             : "is no private key in PEM");
    }
    if (EVP_PKEY_get_base_id(key.get()) != EVP_PKEY_RSA) return bad("is no RSA key");
    if (EVP_PKEY_get_bits(key.get()) < kBitsLeast) return bad("has fewer than 2048 bits");
    return key;
}

}  // namespace

Result<std::string> sign_jwt(const Value::Map& claims, std::string_view key,
                             std::string_view password, const std::string& key_id) {
    const auto held = key_of(key, password);
    if (!held) return fail(held.error());
    Value::Map header{{"alg", "RS256"}, {"typ", "JWT"}};
    if (!key_id.empty()) header.emplace("kid", key_id);
    std::string text =
        base64url(to_json(Value{std::move(header)})) + "." + base64url(to_json(Value{claims}));
    const Signer signer{EVP_MD_CTX_new()};
    const auto* const content = reinterpret_cast<const unsigned char*>(text.data());
    std::size_t size = 0;
    std::string signature;
    bool signed_it =
        signer &&
        EVP_DigestSignInit(signer.get(), nullptr, EVP_sha256(), nullptr, held->get()) == 1 &&
        EVP_DigestSign(signer.get(), nullptr, &size, content, text.size()) == 1;
    if (signed_it) {
        signature.resize(size);
        signed_it = EVP_DigestSign(signer.get(), reinterpret_cast<unsigned char*>(signature.data()),
                                   &size, content, text.size()) == 1;
        signature.resize(size);
    }
    if (!signed_it) {
        ERR_clear_error();
        return fail(ErrorKind::kDenied, "`private_key` does not sign");
    }
    return text + "." + base64url(signature);
}

std::string make_rsa_key() {
    const Key key{EVP_RSA_gen(kBitsLeast)};
    const Bytes bytes{BIO_new(BIO_s_mem())};
    if (!key || !bytes ||
        PEM_write_bio_PrivateKey(bytes.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr) !=
            1) {
        return {};
    }
    char* text = nullptr;
    const long size = BIO_get_mem_data(bytes.get(), &text);
    return {text, static_cast<std::size_t>(size)};
}

}  // namespace syncline::agent::rest
