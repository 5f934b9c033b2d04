// Signing in at an OpenID provider: what is taken, and all that is not.
#include <gtest/gtest.h>

#include <future>

#include "hub/api/oidc/claims.h"
#include "hub/api/oidc/sign_in.h"
#include "shared/base/sha256.h"
#include "tests/unit/hub/api/oidc_fixture.h"

namespace syncline::hub::oidc {
namespace {

using namespace std::chrono_literals;

/// A key takes a while to make.
const SigningKey& key(const std::string& alg) {
    static std::map<std::string, SigningKey> made;
    return made.try_emplace(alg, "key-" + alg, alg).first->second;
}

class SigningIn : public testing::Test {
protected:
    SigningIn() {
        settings_.issuer = FakeProvider::kIssuer;
        settings_.client_id = "syncline";
        settings_.base = "https://hub.example/ops/";
        settings_.grants = {{.groups = {"night", "ops"}, .roles = {Role::kAdmin}},
                            {.groups = {"ops"},
                             .roles = {Role::kOperator},
                             .objects = {"order"},
                             .regions = {"EU"}},
                            {.groups = {"look"}, .roles = {Role::kViewer}}};
        for (const char* alg : {"RS256", "ES256", "EdDSA"}) {
            provider_.keys.push_back(key(alg).jwk());
        }
    }
    void open() {
        ASSERT_TRUE(sign_in_.open(settings_, [this] { return provider_.client(); }));
    }

    [[nodiscard]] std::int64_t now() const { return clock_.now().ns / 1'000'000'000; }
    /// What the provider says of Ada, who signs in now.
    [[nodiscard]] Value::Map claims() const {
        return {{"iss", FakeProvider::kIssuer},
                {"aud", "syncline"},
                {"sub", "ada"},
                {"iat", now()},
                {"exp", now() + 300},
                {"nonce", fields_.at("nonce")},
                {"groups", Value::List{"ops"}}};
    }
    [[nodiscard]] Value::Map claims_but(const std::string& name, Value value) const {
        Value::Map all = claims();
        all.insert_or_assign(name, std::move(value));
        return all;
    }

    Result<SignIn::Begun> begin(const std::string& to = "#/exceptions") {
        std::promise<Result<SignIn::Begun>> told;
        sign_in_.begin(to, [&](Result<SignIn::Begun> begun) { told.set_value(std::move(begun)); });
        auto begun = told.get_future().get();
        if (begun) {
            cookie_ = begun->cookie;
            fields_ = form_fields(begun->url.substr(begun->url.find('?') + 1));
            provider_.challenge = fields_["code_challenge"];
        }
        return begun;
    }
    Result<SignIn::Finished> finish(SignIn::Answer answer) {
        std::promise<Result<SignIn::Finished>> told;
        sign_in_.finish(answer, [&](Result<SignIn::Finished> finished) {
            told.set_value(std::move(finished));
        });
        return told.get_future().get();
    }
    /// The browser comes back from a sign-in that was begun before.
    Result<SignIn::Finished> come_back() {
        return finish({.cookie = cookie_, .state = fields_["state"], .code = "code"});
    }
    /// A whole sign-in that ends with the token that `make` makes.
    Result<SignIn::Finished> sign_in(const std::function<std::string()>& make) {
        provider_.codes = {"code"};
        if (auto begun = begin(); !begun) return fail(begun.error());
        provider_.token = make();
        return come_back();
    }
    std::string refusal(const std::function<std::string()>& make) {
        const auto finished = sign_in(make);
        if (finished) return "it was taken";
        EXPECT_EQ(finished.error().kind, ErrorKind::kDenied) << finished.error().what;
        return finished.error().what;
    }

    test::ManualClock clock_;
    FakeProvider provider_;
    Settings settings_;
    SignIn sign_in_{clock_};
    std::string cookie_;
    std::map<std::string, std::string, std::less<>> fields_;
};

TEST_F(SigningIn, LeadsToTheProviderAndKnowsWhoComesBack) {
    open();
    const auto begun = begin();
    ASSERT_TRUE(begun) << begun.error().what;
    EXPECT_TRUE(begun->url.starts_with("https://id.example/authorize?theme=1&response_type=code&"));
    EXPECT_EQ(fields_["redirect_uri"], "https://hub.example/ops/v1/oidc/callback");
    EXPECT_EQ(fields_["scope"], "openid profile email");
    EXPECT_EQ(fields_["code_challenge_method"], "S256");
    EXPECT_EQ(fields_["code_challenge"].size(), 43U);
    provider_.token = key("RS256").token(claims());
    const auto finished = come_back();
    ASSERT_TRUE(finished) << finished.error().what;
    EXPECT_EQ(finished->person.name, "ada");
    EXPECT_TRUE(finished->person.roles.has(Role::kOperator));
    EXPECT_FALSE(finished->person.roles.has(Role::kAdmin)) << "that needs both groups";
    EXPECT_EQ(finished->person.objects, std::vector<std::string>{"order"});
    EXPECT_EQ(finished->person.regions, std::vector<std::string>{"EU"});
    EXPECT_FALSE(finished->person.sees_all());
    EXPECT_EQ(finished->to, "#/exceptions");
    const std::string out = sign_in_.logout_url(finished->id_token);
    EXPECT_TRUE(out.starts_with("https://id.example/end?client_id=syncline&")) << out;
    EXPECT_NE(out.find("id_token_hint=" + finished->id_token), std::string::npos);
}

TEST_F(SigningIn, TakesEveryAlgorithmThatIsOffered) {
    open();
    provider_.keys.push_back(key("PS256").jwk());
    for (const char* alg : {"RS256", "PS256", "ES256", "EdDSA"}) {
        const auto finished = sign_in([&] { return key(alg).token(claims()); });
        EXPECT_TRUE(finished) << alg << " " << finished.error().what;
    }
    EXPECT_EQ(provider_.documents_asked, 1) << "it is asked of itself once an hour";
    EXPECT_EQ(provider_.keys_asked, 1);
}

TEST_F(SigningIn, TakesNoTokenThatAnybodyCouldMake) {
    open();
    const SigningKey& good = key("RS256");
    const auto unsigned_ = [&](const char* alg) {
        return base64url(std::string{R"({"alg":")"} + alg + R"(","kid":"key-RS256"})") + "." +
               base64url(to_json(Value{claims()})) + ".";
    };
    for (const char* alg : {"none", "None", "nOnE"}) {
        EXPECT_NE(refusal([&] { return unsigned_(alg); }).find("is signed by"), std::string::npos);
    }
    EXPECT_NE(refusal([&] { return unsigned_("RS256"); }).find("no signature"), std::string::npos);
    // The public key as the secret of an HMAC, as everybody knows it.
    const auto hmac = [&] {
        const std::string content = unsigned_("HS256");
        const std::string text = content.substr(0, content.size() - 1);
        return content + base64url(bytes_of(hmac_sha256(good.public_pem(), text)));
    };
    EXPECT_NE(refusal(hmac).find("`HS256`"), std::string::npos);
    // Somebody else's key under a name that is known; that key in the token's own header.
    const SigningKey thief{"key-RS256", "RS256"};
    EXPECT_NE(refusal([&] { return thief.token(claims()); }).find("signature"), std::string::npos);
    EXPECT_NE(refusal([&] {
                  return thief.token(claims(), {{"jwk", thief.jwk()}});
              }).find("signature"),
              std::string::npos);
    EXPECT_NE(refusal([&] {
                  return good.token(claims(), {{"crit", Value::List{"b64"}}});
              }).find("extension"),
              std::string::npos);
    // A key of another kind, or that is for encryption.
    EXPECT_NE(refusal([&] {
                  return good.token(claims(), {{"alg", "ES256"}});
              }).find("no key"),
              std::string::npos);
    EXPECT_NE(refusal([&] {
                  return good.token(claims(), {{"alg", "PS256"}});
              }).find("signature"),
              std::string::npos);
    // A letter of what is signed, or of the signature.
    for (const std::size_t from_end : {400UL, 1UL, 200UL}) {
        EXPECT_NE(refusal([&] {
                      std::string token = good.token(claims());
                      char& letter = token[token.size() - from_end];
                      letter = letter == 'A' ? 'Q' : 'A';
                      return token;
                  }),
                  "it was taken")
            << from_end;
    }
    for (const char* text : {"", "a", "a.b", "a.b.c", "e30.e30.e30", "....."}) {
        EXPECT_NE(refusal([&] { return std::string{text} + "x"; }), "it was taken") << text;
    }
}

TEST_F(SigningIn, TakesNoTokenThatSaysSomethingElse) {
    open();
    struct Row {
        const char* claim;
        Value value;
        const char* why;
    };
    const std::vector<Row> rows{
        {"iss", "https://id.example/", "(iss)"},
        {"iss", Value{}, "(iss)"},
        {"aud", "another", "(aud)"},
        {"aud", Value::List{}, "(aud)"},
        {"aud", Value::List{"syncline", "another"}, "(azp)"},
        {"azp", "another", "(azp)"},
        {"exp", now() - 60, "(exp)"},
        {"exp", "tomorrow", "(iat, exp)"},
        {"exp", Value{}, "(iat, exp)"},
        {"iat", now() + 61, "(iat)"},
        {"iat", now() - 700, "(iat)"},
        {"iat", Value{}, "(iat, exp)"},
        {"nbf", now() + 61, "(nbf)"},
        {"nbf", "x", "(nbf)"},
        {"nonce", "another", "(nonce)"},
        {"nonce", Value{}, "(nonce)"},
        {"nonce", "", "(nonce)"},
        {"sub", "", "(sub)"},
        {"groups", Value::List{"night"}, "no group"},
        {"groups", Value{}, "no group"},
        {"groups", Value::Map{{"ops", true}}, "no group"},
    };
    for (const Row& row : rows) {
        const std::string why =
            refusal([&] { return key("ES256").token(claims_but(row.claim, row.value)); });
        EXPECT_NE(why.find(row.why), std::string::npos)
            << row.claim << " " << display(row.value) << ": " << why;
    }
    const std::vector<std::pair<const char*, Value>> fine{{"aud", Value::List{"syncline"}},
                                                          {"azp", "syncline"},
                                                          {"exp", now() - 59},
                                                          {"iat", now() + 59},
                                                          {"nbf", now() + 59},
                                                          {"exp", std::int64_t{1} << 53},
                                                          {"groups", "ops"},
                                                          {"more", Value::Map{}}};
    for (const auto& [claim, value] : fine) {
        const auto finished = sign_in([&] { return key("ES256").token(claims_but(claim, value)); });
        EXPECT_TRUE(finished) << claim << " " << display(value) << ": " << finished.error().what;
    }
    Value::Map several = claims_but("aud", Value::List{"another", "syncline"});
    several["azp"] = "syncline";
    EXPECT_TRUE(sign_in([&] {
        several["nonce"] = fields_["nonce"];
        return key("ES256").token(several);
    }));
}

TEST_F(SigningIn, WhoComesBackWithNothingTakesUpNoRoom) {
    open();
    for (int i = 0; i < 10'050; ++i) {
        ASSERT_TRUE(begin());
        ASSERT_FALSE(finish({.cookie = cookie_, .state = fields_["state"], .error = "nothing"}));
    }
    ASSERT_TRUE(begin());
    provider_.token = key("RS256").token(claims());
    EXPECT_TRUE(come_back());
}

TEST_F(SigningIn, AnAnswerCountsOnceAndForItsBrowser) {
    open();
    ASSERT_TRUE(begin());
    provider_.token = key("RS256").token(claims());
    const std::string state = fields_["state"];
    const auto why = [&](const std::string& cookie, const std::string& of_state) {
        const auto finished = finish({.cookie = cookie, .state = of_state, .code = "code"});
        return finished ? std::string{"it was taken"} : finished.error().what;
    };
    // Another browser has none, or its own, or one of its making.
    EXPECT_NE(why("", state).find("begun no sign-in"), std::string::npos);
    EXPECT_NE(why(cookie_, "").find("another sign-in"), std::string::npos);
    const std::string first = cookie_;
    ASSERT_TRUE(begin());
    EXPECT_NE(why(cookie_, state).find("another sign-in"), std::string::npos);
    std::string longer = first;
    longer[longer.find('.') + 2] = longer[longer.find('.') + 2] == '9' ? '8' : '9';
    EXPECT_NE(why(longer, state).find("another sign-in"), std::string::npos);
    for (const char* odd : {".", "..", "a.b.c", "a.1.!", "a.99999999999999999999.aa"}) {
        EXPECT_NE(why(odd, state), "it was taken") << odd;
    }
    // What the provider refuses is said in its words.
    const auto refused =
        finish({.cookie = cookie_, .state = fields_["state"], .error = "access_denied\r\nx"});
    EXPECT_NE(refused.error().what.find("access_denied\\x0d\\nx"), std::string::npos)
        << refused.error().what;
    // Replayed: the state, then the code with a new one.
    ASSERT_TRUE(begin());
    provider_.token = key("RS256").token(claims());
    EXPECT_TRUE(come_back());
    EXPECT_NE(why(cookie_, fields_["state"]).find("used before"), std::string::npos);
    ASSERT_TRUE(begin());
    provider_.token = key("RS256").token(claims());
    EXPECT_NE(why(cookie_, fields_["state"]).find("does not take the code"), std::string::npos);
    // Too late.
    provider_.codes = {"code"};
    ASSERT_TRUE(begin());
    clock_.advance(Tickets::kLife);
    EXPECT_NE(why(cookie_, fields_["state"]).find("too long"), std::string::npos);
    EXPECT_EQ(provider_.codes.size(), 1U) << "nothing was asked of the provider";
}

TEST_F(SigningIn, ACodeOfAnotherBrowserIsOfNoUse) {
    open();
    ASSERT_TRUE(begin());
    const std::string stolen = provider_.challenge;
    ASSERT_TRUE(begin());
    provider_.token = key("RS256").token(claims());
    provider_.challenge = stolen;  // The code was given for the other sign-in.
    EXPECT_NE(come_back().error().what.find("does not take the code"), std::string::npos);
}

TEST_F(SigningIn, KeysAreExchangedAndUnknownOnesAreAskedForOnlySoOften) {
    open();
    EXPECT_TRUE(sign_in([&] { return key("RS256").token(claims()); }));
    EXPECT_EQ(provider_.keys_asked, 1);
    const SigningKey next{"next", "ES256"};
    provider_.keys = {next.jwk()};
    EXPECT_TRUE(sign_in([&] { return next.token(claims()); })) << "asked for at once";
    EXPECT_EQ(provider_.keys_asked, 2);
    EXPECT_FALSE(sign_in([&] { return key("RS256").token(claims()); })) << "it was withdrawn";
    for (int i = 0; i < 20; ++i) {
        EXPECT_NE(refusal([&] {
                      return next.token(claims(), {{"kid", "made-up"}});
                  }).find("no key"),
                  std::string::npos);
    }
    EXPECT_EQ(provider_.keys_asked, 6) << "one, and five that were not known";
    // A key that is no more in the set ends, also if nobody asks for another.
    provider_.keys = {key("RS256").jwk()};
    clock_.advance(11min);
    EXPECT_FALSE(sign_in([&] { return next.token(claims()); }));
    EXPECT_TRUE(sign_in([&] { return key("RS256").token(claims()); }));
}

TEST_F(SigningIn, WithoutKeyIdOnlyOneKeyCanBeMeant) {
    open();
    const Value::Map nameless{{"kid", ""}};
    EXPECT_TRUE(sign_in([&] { return key("ES256").token(claims(), nameless); }));
    provider_.keys.push_back(SigningKey{"more", "ES256"}.jwk());
    clock_.advance(11min);
    EXPECT_FALSE(sign_in([&] { return key("ES256").token(claims(), nameless); }));
}

TEST_F(SigningIn, WeakAndForeignKeysAreNoKeys) {
    open();
    const SigningKey small{"small", "small"};
    Value::Map encrypts = *key("RS256").jwk().get<Value::Map>();
    encrypts["use"] = "enc";
    Value::Map off_curve = *key("ES256").jwk().get<Value::Map>();
    off_curve["y"] = off_curve["x"];
    provider_.keys = {small.jwk(), encrypts,
                      off_curve,   Value{},
                      Value{"x"},  Value::Map{{"kty", "oct"}, {"kid", "key-RS256"}, {"k", "AAAA"}}};
    EXPECT_NE(refusal([&] { return small.token(claims()); }).find("no key"), std::string::npos);
    EXPECT_NE(refusal([&] { return key("RS256").token(claims()); }).find("no key"),
              std::string::npos);
    EXPECT_NE(refusal([&] { return key("ES256").token(claims()); }).find("no key"),
              std::string::npos);
}

TEST_F(SigningIn, AProviderThatIsNotWellIsToldToBeSo) {
    open();
    const auto kind = [&] { return begin().error().kind; };
    provider_.instead = "away";
    EXPECT_EQ(kind(), ErrorKind::kUnavailable);
    for (const char* garbage : {"<html>", "[]", "{}", R"({"issuer":"https://evil.example"})"}) {
        provider_.instead = garbage;
        EXPECT_EQ(kind(), ErrorKind::kCorrupt) << garbage;
    }
    provider_.instead.clear();
    const Value::Map good = provider_.document;
    const std::vector<std::pair<const char*, Value>> wrong{
        {"token_endpoint", "http://id.example/token"},
        {"token_endpoint", "http://127.0.0.1:9/token"},  // Services beside the hub.
        {"token_endpoint", Value{}},
        {"jwks_uri", "file:///etc/passwd"},
        {"authorization_endpoint", "javascript:alert(1)"},
        {"authorization_endpoint", "https://id.example/a\r\nSet-Cookie: x=y"},
        {"code_challenge_methods_supported", Value::List{"plain"}}};
    for (const auto& [name, value] : wrong) {
        provider_.document = good;
        provider_.document.insert_or_assign(name, value);
        EXPECT_EQ(kind(), ErrorKind::kCorrupt) << name << " " << display(value);
    }
    provider_.document = good;
    ASSERT_TRUE(begin()) << "and it comes back by itself";
    provider_.instead = "{}";
    EXPECT_EQ(come_back().error().kind, ErrorKind::kCorrupt) << "no token";
    ASSERT_TRUE(begin()) << "what it said of itself is remembered";
    provider_.instead = R"({"error":"invalid_client"})";
    EXPECT_NE(come_back().error().what.find("refuses this hub"), std::string::npos);
}

TEST_F(SigningIn, AnAnswerOfAnotherProviderIsNotTaken) {
    open();
    ASSERT_TRUE(begin());
    const auto wrong = finish({.cookie = cookie_,
                               .state = fields_["state"],
                               .code = "code",
                               .issuer = "https://evil.example"});
    EXPECT_NE(wrong.error().what.find("another provider"), std::string::npos);
    provider_.document["authorization_response_iss_parameter_supported"] = true;
    clock_.advance(61min);
    ASSERT_TRUE(begin());
    EXPECT_NE(come_back().error().what.find("does not say"), std::string::npos);
    EXPECT_EQ(provider_.codes.size(), 1U);
}

TEST_F(SigningIn, ShowsTheSecretAsTheProviderWantsIt) {
    ::setenv("OIDC_TEST_SECRET", "s:e c", 1);
    settings_.client_secret = Secret{Secret::Source::kEnvironment, "OIDC_TEST_SECRET"};
    settings_.client_id = "sync:line";
    open();
    ASSERT_TRUE(begin());
    EXPECT_FALSE(come_back());  // There is no token; what was sent is looked at.
    const auto header = [&](const std::string& name) {
        for (const auto& [one, value] : provider_.last.headers) {
            if (one == name) return value;
        }
        return std::string{};
    };
    EXPECT_EQ(header("Authorization"), "Basic " + base64("sync%3Aline:s%3Ae%20c"));
    EXPECT_EQ(provider_.last.body.find("client_secret"), std::string::npos);
    provider_.document["token_endpoint_auth_methods_supported"] = Value::List{"client_secret_post"};
    clock_.advance(61min);
    ASSERT_TRUE(begin());
    EXPECT_FALSE(come_back());
    EXPECT_EQ(header("Authorization"), "");
    EXPECT_NE(provider_.last.body.find("client_secret=s%3Ae%20c"), std::string::npos);
    provider_.document["token_endpoint_auth_methods_supported"] = Value::List{"private_key_jwt"};
    clock_.advance(61min);
    EXPECT_EQ(begin().error().kind, ErrorKind::kCorrupt);
}

TEST_F(SigningIn, LeadsOnlyToPlacesOfTheConsole) {
    open();
    for (const char* to :
         {"https://evil.example", "//evil.example", "/", "#x", "#/a b", "#/a\r\nb"}) {
        provider_.codes = {"code"};
        ASSERT_TRUE(begin(to));
        provider_.token = key("RS256").token(claims());
        EXPECT_EQ(come_back()->to, "") << to;
    }
}

TEST_F(SigningIn, NamesPeopleByTheClaimThatIsSaid) {
    settings_.person_claim = {"email"};
    settings_.groups_claim = {"https://x.example/access", "roles"};
    const Value::Map roles{{"roles", Value::List{"look"}}};
    Value::Map said{{"email", "ada@example.com"}, {"https://x.example/access", roles}};
    EXPECT_NE(person_of(said, settings_).error().what.find("not verified"), std::string::npos);
    said["email_verified"] = true;
    const auto ada = person_of(said, settings_);
    ASSERT_TRUE(ada) << ada.error().what;
    EXPECT_EQ(ada->name, "ada@example.com");
    EXPECT_FALSE(ada->roles.has(Role::kOperator));
    for (const Value& name : {Value{}, Value{7}, Value{""}, Value{"a b"}, Value{"a\nb"},
                              Value{"\u00e4"}, Value{std::string(129, 'a')}}) {
        said["email"] = name;
        EXPECT_NE(person_of(said, settings_).error().what.find("names nobody"), std::string::npos);
    }
}

TEST(OpenSession, OfSomebodyWhoHasSignedInElsewhere) {
    test::ManualClock clock;
    Identity identity{clock};
    ASSERT_TRUE(identity.open({}, {}, Identity::Others::kSignIn));
    EXPECT_FALSE(identity.is_open()) << "without any token it is not everybody's";
    EXPECT_FALSE(identity.who({.peer = "127.0.0.1"}));
    for (const char* taken : {"api", "local"}) {
        EXPECT_FALSE(identity.begin(Person{.name = taken}, "proof")) << taken;
    }
    const auto begun = identity.begin(Person{.name = "ada", .roles = {Role::kViewer}}, "proof");
    ASSERT_TRUE(begun);
    const std::string cookie = "syncline_session=" + begun->cookie;
    const auto ada = identity.who({.cookie = cookie});
    ASSERT_TRUE(ada);
    EXPECT_EQ(ada->name, "ada");
    EXPECT_EQ(ada->csrf, begun->person.csrf);
    EXPECT_FALSE(ada->csrf.empty());
    EXPECT_EQ(identity.end(cookie), "proof");
    EXPECT_FALSE(identity.who({.cookie = cookie}));
    EXPECT_EQ(identity.end(cookie), "");
}

}  // namespace
}  // namespace syncline::hub::oidc
