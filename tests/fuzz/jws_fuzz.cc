// What an OpenID provider sends: a signed token, or the set of its keys. Nothing is taken by a key
// that it was not signed with.
#include "hub/api/oidc/jws.h"
#include "shared/base/json.h"
#include "tests/fuzz/must.h"

namespace syncline::fuzz {
namespace {

using hub::oidc::KeySet;

/// Of RFC 8037, appendix A, and of RFC 7515, appendix A.3.
const KeySet& known_keys() {
    static const KeySet keys = [] {
        auto parsed = KeySet::parse(R"({"keys":[
            {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
            {"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
             "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]})");
        must(parsed.has_value() && parsed->size() == 2);
        return std::move(*parsed);
    }();
    return keys;
}

void check_token(std::string_view text) {
    const auto jws = hub::oidc::parse_jws(text);
    if (!taken(jws)) {
        must(jws.error().kind == ErrorKind::kInvalid || jws.error().kind == ErrorKind::kDenied);
        return;
    }
    must(text.starts_with(jws->content));
    if (!known_keys().verify(*jws)) return;
    // Good as it is, so not with anything more in it.
    hub::oidc::Jws changed = *jws;
    changed.content += "x";
    must(!known_keys().verify(changed));
}

void check_keys(std::string_view text) {
    const auto keys = KeySet::parse(text);
    if (!taken(keys)) return must(keys.error().kind == ErrorKind::kInvalid);
    must(keys->size() <= KeySet::kKeysMost);
    static const auto signed_by_rfc = hub::oidc::parse_jws(
        "eyJhbGciOiJFZERTQSJ9.e30.hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylG"
        "5BCEXgPPqgwh2ieLYMmnYmuXBg");
    must(signed_by_rfc.has_value());
    must(!keys->verify(*signed_by_rfc));  // Signed by the first, but another content.
}

}  // namespace
}  // namespace syncline::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    syncline::fuzz::check_token(text);
    syncline::fuzz::check_keys(text);
    return 0;
}
