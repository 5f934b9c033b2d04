#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include <openssl/core_names.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "hub/api/oidc/settings.h"
#include "hub/api/oidc/ticket.h"
#include "shared/base/base64.h"
#include "shared/base/json.h"
#include "shared/http/client.h"
#include "shared/http/percent_decode.h"
#include "shared/model/member.h"
#include "tests/support/manual_clock.h"

namespace syncline::hub::oidc {

inline std::string number_text(const BIGNUM* number, int bytes = 0) {
    std::string out(static_cast<std::size_t>(bytes == 0 ? BN_num_bytes(number) : bytes), '\0');
    BN_bn2binpad(number, reinterpret_cast<unsigned char*>(out.data()),
                 static_cast<int>(out.size()));
    return base64url(out);
}

/// A key pair of a provider, and of whoever would like to be one.
class SigningKey {
public:
    SigningKey(std::string kid, std::string alg) : kid_(std::move(kid)), alg_(std::move(alg)) {
        EVP_PKEY* key = alg_ == "ES256"   ? EVP_EC_gen("P-256")
                        : alg_ == "EdDSA" ? EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")
                                          : EVP_RSA_gen(alg_ == "small" ? 1'024 : 2'048);
        key_.reset(key);
    }

    [[nodiscard]] Value jwk() const {
        Value::Map out{{"kid", kid_}, {"use", "sig"}};
        if (alg_ == "EdDSA") {
            std::string x(32, '\0');
            std::size_t size = x.size();
            EVP_PKEY_get_raw_public_key(key_.get(), reinterpret_cast<unsigned char*>(x.data()),
                                        &size);
            out.insert({{"kty", "OKP"}, {"crv", "Ed25519"}, {"x", base64url(x)}});
        } else if (alg_ == "ES256") {
            out.insert({{"kty", "EC"},
                        {"crv", "P-256"},
                        {"x", part(OSSL_PKEY_PARAM_EC_PUB_X, 32)},
                        {"y", part(OSSL_PKEY_PARAM_EC_PUB_Y, 32)}});
        } else {
            out.insert({{"kty", "RSA"},
                        {"n", part(OSSL_PKEY_PARAM_RSA_N)},
                        {"e", part(OSSL_PKEY_PARAM_RSA_E)}});
        }
        return out;
    }
    [[nodiscard]] std::string public_pem() const {
        BIO* bio = BIO_new(BIO_s_mem());
        PEM_write_bio_PUBKEY(bio, key_.get());
        char* data = nullptr;
        const long size = BIO_get_mem_data(bio, &data);
        std::string pem(data, static_cast<std::size_t>(size));
        BIO_free(bio);
        return pem;
    }

    /// A token with this content; `header` adds to, or replaces, what its header says.
    [[nodiscard]] std::string token(const Value::Map& claims, const Value::Map& header = {}) const {
        Value::Map head{{"alg", alg_ == "small" ? "RS256" : alg_}, {"kid", kid_}};
        for (const auto& [name, value] : header) head.insert_or_assign(name, value);
        if (text_member(Value{head}, "kid").empty()) head.erase("kid");
        const std::string content =
            base64url(to_json(Value{head})) + "." + base64url(to_json(Value{claims}));
        return content + "." + base64url(sign(content));
    }

private:
    struct Free {
        void operator()(EVP_PKEY* key) const { EVP_PKEY_free(key); }
    };
    [[nodiscard]] std::string part(const char* name, int bytes = 0) const {
        BIGNUM* number = nullptr;
        EVP_PKEY_get_bn_param(key_.get(), name, &number);
        std::string out = number_text(number, bytes);
        BN_free(number);
        return out;
    }
    [[nodiscard]] std::string sign(const std::string& content) const {
        EVP_MD_CTX* context = EVP_MD_CTX_new();
        EVP_PKEY_CTX* how = nullptr;
        EVP_DigestSignInit(context, &how, alg_ == "EdDSA" ? nullptr : EVP_sha256(), nullptr,
                           key_.get());
        if (alg_ == "PS256") {
            EVP_PKEY_CTX_set_rsa_padding(how, RSA_PKCS1_PSS_PADDING);
            EVP_PKEY_CTX_set_rsa_pss_saltlen(how, RSA_PSS_SALTLEN_DIGEST);
        }
        std::string out(1'024, '\0');
        std::size_t size = out.size();
        EVP_DigestSign(context, reinterpret_cast<unsigned char*>(out.data()), &size,
                       reinterpret_cast<const unsigned char*>(content.data()), content.size());
        EVP_MD_CTX_free(context);
        out.resize(size);
        return alg_ == "ES256" ? raw_of(out) : out;
    }
    static std::string raw_of(const std::string& der) {
        const auto* at = reinterpret_cast<const unsigned char*>(der.data());
        ECDSA_SIG* both = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(der.size()));
        const std::string raw = *parse_base64url(number_text(ECDSA_SIG_get0_r(both), 32)) +
                                *parse_base64url(number_text(ECDSA_SIG_get0_s(both), 32));
        ECDSA_SIG_free(both);
        return raw;
    }

    std::string kid_;
    std::string alg_;
    std::unique_ptr<EVP_PKEY, Free> key_;
};

/// What a provider says, without a wire. Codes are taken once, and with their verifier only.
class FakeProvider {
public:
    static constexpr const char* kIssuer = "https://id.example";

    Value::Map document{{"issuer", kIssuer},
                        {"authorization_endpoint", "https://id.example/authorize?theme=1"},
                        {"token_endpoint", "https://id.example/token"},
                        {"jwks_uri", "https://id.example/keys"},
                        {"end_session_endpoint", "https://id.example/end"}};
    Value::List keys;
    std::string token;      ///< What the next code is exchanged for.
    std::string challenge;  ///< Of the sign-in that it was given to.
    std::set<std::string> codes{"code"};
    int keys_asked = 0;
    int documents_asked = 0;
    std::string instead;  ///< Of every answer; "away": there is none.
    HttpRequest last;

    std::unique_ptr<HttpClient> client() { return std::make_unique<Client>(*this); }

private:
    class Client final : public HttpClient {
    public:
        explicit Client(FakeProvider& provider) : provider_(provider) {}
        Result<HttpResponse> send(const HttpRequest& request, std::stop_token) override {
            return provider_.answer(request);
        }

    private:
        FakeProvider& provider_;
    };
    Result<HttpResponse> answer(const HttpRequest& request) {
        last = request;
        if (instead == "away") return fail(ErrorKind::kUnavailable, "connection refused");
        if (!instead.empty()) return HttpResponse{.status = 200, .body = instead};
        if (request.url == "https://id.example/.well-known/openid-configuration") {
            ++documents_asked;
            return HttpResponse{.status = 200, .body = to_json(Value{document})};
        }
        if (request.url == "https://id.example/keys") {
            ++keys_asked;
            return HttpResponse{.status = 200, .body = to_json(Value::Map{{"keys", keys}})};
        }
        const auto form = form_fields(request.body);
        const bool proven = challenge_of(form.at("code_verifier")) == challenge;
        if (codes.erase(form.at("code")) == 0 || !proven) {
            return HttpResponse{.status = 400, .body = R"({"error":"invalid_grant"})"};
        }
        return HttpResponse{.status = 200, .body = to_json(Value::Map{{"id_token", token}})};
    }
    static std::string challenge_of(const std::string& verifier) {
        return Ticket{.verifier = verifier}.challenge();
    }
};

}  // namespace syncline::hub::oidc
