// Assertions signed by a key (RFC 7523): what is sent, whose clock counts, keys that do not do.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "agent/connectors/rest/jwt.h"
#include "shared/base/base64.h"
#include "shared/base/json.h"
#include "shared/http/percent_decode.h"
#include "tests/unit/agent/connectors/rest_fixture.h"

namespace syncline::agent {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

std::string drained(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    std::string out{data, static_cast<std::size_t>(size)};
    BIO_free(bio);
    return out;
}

std::string pem_of(EVP_PKEY* key, const char* password = nullptr) {
    BIO* const bio = BIO_new(BIO_s_mem());
    PEM_write_bio_PrivateKey(bio, key, password == nullptr ? nullptr : EVP_aes_256_cbc(), nullptr,
                             0, nullptr, const_cast<char*>(password));
    return drained(bio);
}

EVP_PKEY* the_key() {
    static EVP_PKEY* const key = EVP_RSA_gen(2048);
    return key;
}

bool is_signed_by(EVP_PKEY* key, const std::string& token) {
    const auto dot = token.rfind('.');
    const auto signature = parse_base64url(token.substr(dot + 1));
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    const auto bytes = [](const std::string& text) {
        return reinterpret_cast<const unsigned char*>(text.data());
    };
    const std::string content = token.substr(0, dot);
    const bool good = signature &&
                      EVP_DigestVerifyInit(context, nullptr, EVP_sha256(), nullptr, key) == 1 &&
                      EVP_DigestVerify(context, bytes(*signature), signature->size(),
                                       bytes(content), content.size()) == 1;
    EVP_MD_CTX_free(context);
    return good;
}

/// Part 0 or 1 of a token.
std::string part_of(const std::string& token, int part) {
    const auto first = token.find('.');
    const std::string text =
        part == 0 ? token.substr(0, first) : token.substr(first + 1, token.rfind('.') - first - 1);
    return parse_base64url(text).value_or("no base64url");
}

TEST(Jwt, IsSignedByTheKey) {
    const auto token = rest::sign_jwt({{"iss", "a"}, {"exp", 7}}, pem_of(the_key()), "", "k1");
    ASSERT_TRUE(token) << token.error().what;
    EXPECT_EQ(part_of(*token, 0), R"({"alg":"RS256","kid":"k1","typ":"JWT"})");
    EXPECT_EQ(part_of(*token, 1), R"({"exp":7,"iss":"a"})");
    EXPECT_TRUE(is_signed_by(the_key(), *token));
    std::string forged = *token;
    forged[forged.find('.') + 3] ^= 1;
    EXPECT_FALSE(is_signed_by(the_key(), forged));
}

TEST(Jwt, TakesEncryptedKeysWithTheirPassword) {
    const std::string pem = pem_of(the_key(), "open sesame");
    EXPECT_TRUE(rest::sign_jwt({}, pem, "open sesame", ""));
    EXPECT_THAT(rest::sign_jwt({}, pem, "", "").error().what,
                HasSubstr("needs private_key_password"));
    EXPECT_THAT(rest::sign_jwt({}, pem, "wrong", "").error().what,
                HasSubstr("private_key_password is wrong"));
}

TEST(Jwt, RefusesKeysThatDoNotDo) {
    EVP_PKEY* const small = EVP_RSA_gen(1024);
    EVP_PKEY* const curve = EVP_EC_gen("P-256");
    for (const auto& [pem, part] :
         {std::pair{pem_of(small), "fewer than 2048 bits"}, std::pair{pem_of(curve), "no RSA key"},
          std::pair{std::string{"s3cret"}, "no private key in PEM"},
          std::pair{std::string{}, "no private key in PEM"},
          std::pair{pem_of(the_key()).substr(0, 900), "no private key in PEM"}}) {
        const auto token = rest::sign_jwt({}, pem, "", "");
        ASSERT_FALSE(token);
        EXPECT_EQ(token.error().kind, ErrorKind::kDenied);
        EXPECT_THAT(token.error().what, HasSubstr(part));
        EXPECT_THAT(token.error().what, testing::Not(HasSubstr("s3cret")));
    }
    EVP_PKEY_free(small);
    EVP_PKEY_free(curve);
}

class RestJwt : public Rest {
protected:
    void SetUp() override {
        Rest::SetUp();
        std::ofstream{folder_ / "key.pem"} << pem_of(the_key());
        settings = settings_of("salesforce");
        settings->profile.auth.kind = rest::AuthKind::kJwtBearer;
        settings->credentials = {};
        settings->credentials.client_id = "3MVG9";
        settings->credentials.username = "api@acme.example";
        settings->credentials.private_key =
            Secret{Secret::Source::kFile, (folder_ / "key.pem").string()};
        connector = connector_of(settings);
    }
    /// The assertion that was sent by request number `at`.
    std::string assertion(std::size_t at) {
        const std::string& form = script.sent.at(at).body;
        const std::string start =
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer&assertion=";
        EXPECT_TRUE(form.starts_with(start)) << form;
        return form.substr(start.size());
    }
    static HttpResponse at(const char* date, int status, const char* body) {
        return {status, {{"date", date}}, body};
    }
    void probe() { step("GET https://host/services/data/", reply(200, "{}")); }

    static constexpr const char* kGranted = R"({"access_token":"T1","scope":"api"})";
    static constexpr const char* kExpired =
        R"({"error":"invalid_grant","error_description":"expired authorization code"})";
    std::shared_ptr<rest::Settings> settings;
    std::unique_ptr<Connector> connector;
};

TEST_F(RestJwt, AsksForATokenByASignedAssertion) {
    token("T1");
    probe();
    ASSERT_TRUE(connector->connect({}));
    EXPECT_EQ(script.sent[0].url, "https://host/services/oauth2/token");
    EXPECT_EQ(header(script.sent[0], "Authorization"), "");
    const std::string sent = assertion(0);
    EXPECT_TRUE(is_signed_by(the_key(), sent));
    EXPECT_EQ(part_of(sent, 1),
              R"({"aud":"https://login.salesforce.com","exp":1767607320,"iat":1767607195,)"
              R"("iss":"3MVG9","sub":"api@acme.example"})");
    EXPECT_EQ(header(script.sent[1], "Authorization"), "Bearer T1");
}

TEST_F(RestJwt, SignsAnewByTheServersClockWhereOursIsWrong) {
    clock.set_wall(clock.now() + 1h);
    step("POST", at("Mon, 05 Jan 2026 10:00:00 GMT", 400, kExpired));
    step("POST", at("Mon, 05 Jan 2026 10:00:00 GMT", 200, kGranted));
    probe();
    ASSERT_TRUE(connector->connect({}));
    EXPECT_THAT(part_of(assertion(1), 1), HasSubstr("\"exp\":1767607320"));
    // It is kept: the next assertion is right at once.
    step("GET", reply(401, R"([{"errorCode":"INVALID_SESSION_ID","message":)"
                           R"("Session expired or invalid"}])"));
    step("POST", at("Mon, 05 Jan 2026 10:00:00 GMT", 200, kGranted));
    probe();
    ASSERT_TRUE(connector->connect({}));
    EXPECT_THAT(part_of(assertion(4), 1), HasSubstr("\"exp\":1767607320"));
}

TEST_F(RestJwt, ARefusalOfAnotherReasonIsTriedOnceAndSaysWhy) {
    step("POST", at("Mon, 05 Jan 2026 10:00:02 GMT", 400,
                    R"({"error":"invalid_grant","error_description":)"
                    R"("user hasn't approved this consumer"})"));
    const auto refused = connector->connect({});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().kind, ErrorKind::kDenied);
    EXPECT_THAT(refused.error().what, HasSubstr("user hasn't approved this consumer"));
    EXPECT_FALSE(connector->connect({})) << "and nothing is sent until the pause is over";
}

TEST_F(RestJwt, AClockThatIsOffBeyondBeliefIsNotFollowed) {
    step("POST", at("Mon, 05 Jan 2036 10:00:00 GMT", 400, kExpired));
    EXPECT_EQ(connector->connect({}).error().kind, ErrorKind::kDenied);
}

TEST_F(RestJwt, ReadsAKeyThatWasReplaced) {
    std::ofstream{folder_ / "key.pem"} << "broken";
    const auto denied = connector->connect({});
    ASSERT_FALSE(denied);
    EXPECT_THAT(denied.error().what, HasSubstr("`private_key` is no private key in PEM"));
    std::ofstream{folder_ / "key.pem"} << pem_of(the_key());
    clock.advance(301s);
    token();
    probe();
    EXPECT_TRUE(connector->connect({}));
}

TEST_F(RestJwt, TellsMoreClaimsAndItsSecretWhereThereAre) {
    settings->profile.auth.jwt.claims = {{"scope", "all"}};
    settings->credentials.client_secret =
        Secret{Secret::Source::kFile, (folder_ / "secret").string()};
    settings->credentials.key_id = "key-7";
    token();
    probe();
    ASSERT_TRUE(connector->connect({}));
    EXPECT_EQ(header(script.sent[0], "Authorization"), "Basic M01WRzk6czNjcmV0");
    EXPECT_THAT(part_of(assertion(0), 1), HasSubstr("\"scope\":\"all\""));
    EXPECT_THAT(part_of(assertion(0), 0), HasSubstr("\"kid\":\"key-7\""));
}

}  // namespace
}  // namespace syncline::agent
