#include "agent/connectors/webhook/signature.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

namespace syncline::agent::webhook {
namespace {

using Headers = std::map<std::string, std::string, std::less<>>;

constexpr Timestamp kNow{1'767'607'872'000'000'000};  // 2026-01-05T10:11:12Z.
constexpr Duration kWindow = std::chrono::minutes{5};

Secret key(const std::string& value) {
    ::setenv("SYNCLINE_TEST_WEBHOOK_KEY", value.c_str(), 1);
    Secret secret{Secret::Source::kEnvironment, "SYNCLINE_TEST_WEBHOOK_KEY"};
    EXPECT_TRUE(secret.load());
    return secret;
}

/// One signed request, as a vendor documents it.
struct Vector {
    const char* name;
    SignatureScheme scheme;
    const char* key;
    std::string url;
    std::string body;
    Headers headers;
    const char* signature;  ///< The header that holds it.
    bool has_time;
};

const std::vector<Vector>& vectors() {
    static const std::vector<Vector> all{
        {"standard",
         SignatureScheme::kStandard,
         "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=",
         "",
         R"({"type":"contact.updated","data":{"id":"c-9"}})",
         {{"webhook-id", "msg_0001"},
          {"webhook-timestamp", "1767607872"},
          {"webhook-signature", "v1,WCMkl0ivRaCmjGaPaV1JYDMNyUOr7QSxLKujWhk00kE="}},
         "webhook-signature",
         true},
        // The body and key are GitHub's own documented example.
        {"github",
         SignatureScheme::kGithub,
         "It's a Secret to Everybody",
         "",
         "Hello, World!",
         {{"x-hub-signature-256",
           "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"}},
         "x-hub-signature-256",
         false},
        {"hubspot_v3",
         SignatureScheme::kHubspotV3,
         "hs-client-secret",
         "https://edge.example.com/hooks/hs?x=1",
         R"([{"eventId":7,"objectId":101}])",
         {{"x-hubspot-request-timestamp", "1767607872000"},
          {"x-hubspot-signature-v3", "QQTXwguVNi2QaeQPW1CHfvbvQAcKLSWwl5/FnStpK5A="}},
         "x-hubspot-signature-v3",
         true},
        {"zendesk",
         SignatureScheme::kZendesk,
         "zd-secret-1",
         "",
         R"({"id":42,"type":"zen:event-type:ticket.created"})",
         {{"x-zendesk-webhook-signature-timestamp", "2026-01-05T10:11:12Z"},
          {"x-zendesk-webhook-signature", "GLk81NX8kIbVCxG0ulROw/5EUzy9KVtDTSvgOalKoyY="}},
         "x-zendesk-webhook-signature",
         true},
        {"frappe",
         SignatureScheme::kFrappe,
         "frappe-secret",
         "",
         R"({"doctype":"Customer","name":"CUST-0001"})",
         {{"x-frappe-webhook-signature", "OzdigNSfAAacUp6dOcB+hkFuZC7zjecWh6ejHWuwN2c="}},
         "x-frappe-webhook-signature",
         false},
    };
    return all;
}

class Signatures : public testing::TestWithParam<Vector> {
protected:
    static bool accepted(const Vector& row, Timestamp now = kNow,
                         std::vector<std::string> more_keys = {}) {
        std::vector<Secret> keys;
        for (const std::string& more : more_keys) keys.push_back(key(more));
        keys.push_back(key(row.key));
        const auto verifier = SignatureVerifier::make(row.scheme, keys, kWindow);
        EXPECT_TRUE(verifier) << verifier.error().what;
        const SignedMessage message{.method = "POST",
                                    .url = row.url,
                                    .body = row.body,
                                    .header = [&row](std::string_view name) -> std::string_view {
                                        const auto at = row.headers.find(name);
                                        return at == row.headers.end() ? std::string_view{}
                                                                       : at->second;
                                    }};
        const auto result = verifier->verify(message, now);
        EXPECT_TRUE(result || result.error().kind == ErrorKind::kDenied);
        return result.has_value();
    }
};

TEST_P(Signatures, TheDocumentedOneIsAccepted) { EXPECT_TRUE(accepted(GetParam())); }

TEST_P(Signatures, AnyOfSeveralKeysWillDo) {
    const char* other = GetParam().scheme == SignatureScheme::kStandard
                            ? "whsec_HwECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
                            : "another key";
    EXPECT_TRUE(accepted(GetParam(), kNow, {other}));
    Vector only_other = GetParam();
    only_other.key = other;
    EXPECT_FALSE(accepted(only_other));
}

TEST_P(Signatures, AChangedBodyHeaderOrSignatureIsDenied) {
    Vector row = GetParam();
    row.body += ' ';
    EXPECT_FALSE(accepted(row));
    for (const auto& [name, value] : GetParam().headers) {
        row = GetParam();
        row.headers.erase(name);
        EXPECT_FALSE(accepted(row)) << "without " << name;
        row.headers[name] = "";
        EXPECT_FALSE(accepted(row)) << "empty " << name;
    }
    row = GetParam();
    std::string& signature = row.headers.at(row.signature);
    for (const std::size_t at : {signature.size() - 2, signature.size() / 2}) {
        row = GetParam();
        std::string& changed = row.headers.at(row.signature);
        changed[at] = changed[at] == 'a' ? 'b' : 'a';
        EXPECT_FALSE(accepted(row));
    }
}

TEST_P(Signatures, TheTimeMustBeNearBothWays) {
    const bool replay = !GetParam().has_time;
    EXPECT_TRUE(accepted(GetParam(), kNow + kWindow));
    EXPECT_TRUE(accepted(GetParam(), kNow - kWindow));
    EXPECT_EQ(accepted(GetParam(), kNow + kWindow + Duration{1}), replay);
    EXPECT_EQ(accepted(GetParam(), kNow - kWindow - Duration{1}), replay);
}

INSTANTIATE_TEST_SUITE_P(Vendors, Signatures, testing::ValuesIn(vectors()),
                         [](const auto& row) { return std::string{row.param.name}; });

TEST_F(Signatures, StandardTakesAnyOfSeveralSignatures) {
    Vector row = vectors()[0];
    std::string& signatures = row.headers["webhook-signature"];
    signatures = "v1a,AAAA v1,AAAA " + signatures;
    EXPECT_TRUE(accepted(row));
    signatures = "v1a,WCMkl0ivRaCmjGaPaV1JYDMNyUOr7QSxLKujWhk00kE=";
    EXPECT_FALSE(accepted(row));
    signatures = std::string(10'000, ' ');
    EXPECT_FALSE(accepted(row));
}

TEST_F(Signatures, StrangeTimesAreDenied) {
    Vector row = vectors()[0];
    for (const char* time : {"-1", "99999999999999999999", "1767607872.5", "0x10", " 1767607872"}) {
        row.headers["webhook-timestamp"] = time;
        EXPECT_FALSE(accepted(row)) << time;
    }
}

TEST_F(Signatures, HubspotUndoesItsEscapes) {
    Vector row = vectors()[2];
    row.url = "https%3a%2F%2Fedge.example.com/hooks/hs%3Fx=1";
    EXPECT_TRUE(accepted(row));
}

TEST_F(Signatures, WrongKeysAreRefusedAtOnce) {
    for (const char* wrong : {"whsec_", "whsec_AAAA", "not base64 at all!!!", "whsec_AAAAA"}) {
        const auto verifier =
            SignatureVerifier::make(SignatureScheme::kStandard, {key(wrong)}, kWindow);
        ASSERT_FALSE(verifier) << wrong;
        EXPECT_EQ(verifier.error().kind, ErrorKind::kInvalid);
    }
    EXPECT_FALSE(SignatureVerifier::make(SignatureScheme::kGithub, {}, kWindow));
}

}  // namespace
}  // namespace syncline::agent::webhook
