#include "agent/connectors/webhook/signature.h"

#include <openssl/crypto.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "shared/base/base64.h"
#include "shared/base/sha256.h"
#include "shared/http/standard_webhooks.h"

namespace syncline::agent::webhook {
namespace {

using standard_webhooks::key_in;

bool same(std::string_view a, std::string_view b) {
    return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

/// A whole number of `unit` since 1970.
std::optional<Timestamp> parse_unix(std::string_view text, std::int64_t unit_ns) {
    std::int64_t count = 0;
    const char* end = text.data() + text.size();
    const auto done = std::from_chars(text.data(), end, count);
    if (text.empty() || done.ec != std::errc{} || done.ptr != end || count < 0) return std::nullopt;
    if (count > std::numeric_limits<std::int64_t>::max() / unit_ns) return std::nullopt;
    return Timestamp{count * unit_ns};
}

/// HubSpot signs the URL with these escapes undone, and no others.
std::string hubspot_url(std::string_view url) {
    constexpr std::array<std::pair<std::string_view, char>, 12> kUndone{{{"%3A", ':'},
                                                                         {"%2F", '/'},
                                                                         {"%3F", '?'},
                                                                         {"%40", '@'},
                                                                         {"%21", '!'},
                                                                         {"%24", '$'},
                                                                         {"%27", '\''},
                                                                         {"%28", '('},
                                                                         {"%29", ')'},
                                                                         {"%2A", '*'},
                                                                         {"%2C", ','},
                                                                         {"%3B", ';'}}};
    std::string out;
    while (!url.empty()) {
        char next = url.front();
        std::size_t taken = 1;
        if (next == '%' && url.size() >= 3) {
            const auto upper = [](char c) {
                return c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
            };
            const std::array<char, 3> escape{'%', upper(url[1]), upper(url[2])};
            for (const auto& [escaped, plain] : kUndone) {
                if (escaped == std::string_view{escape.data(), escape.size()}) {
                    next = plain;
                    taken = 3;
                }
            }
        }
        out += next;
        url.remove_prefix(taken);
    }
    return out;
}

std::unexpected<Error> denied(const char* why) { return fail(ErrorKind::kDenied, why); }

}  // namespace

Result<SignatureVerifier> SignatureVerifier::make(SignatureScheme scheme, std::vector<Secret> keys,
                                                  Duration window) {
    if (keys.empty()) return fail(ErrorKind::kInvalid, "no key to check signatures with");
    for (const Secret& key : keys) {
        if (key.reveal().empty()) {
            return fail(ErrorKind::kInvalid, "the key from " + key.source_text() + " is empty");
        }
        if (scheme == SignatureScheme::kStandard && !key_in(key.reveal())) {
            return fail(ErrorKind::kInvalid, "the key from " + key.source_text() +
                                                 " is not whsec_ and base64 of 24 to 64 bytes");
        }
    }
    return SignatureVerifier{scheme, std::move(keys), window};
}

Result<void> SignatureVerifier::verify(const SignedMessage& message, Timestamp now) const {
    switch (scheme_) {
        case SignatureScheme::kStandard: return verify_standard(message, now);
        case SignatureScheme::kGithub: return verify_github(message);
        case SignatureScheme::kHubspotV3: return verify_hubspot(message, now);
        case SignatureScheme::kZendesk: return verify_zendesk(message, now);
        case SignatureScheme::kFrappe: break;
    }
    if (any_key_signs(message.body, message.header("x-frappe-webhook-signature"), false)) return {};
    return denied("wrong signature");
}

Result<void> SignatureVerifier::check_time(Timestamp stated, Timestamp now) const {
    const bool late = stated.ns < now.ns && now - stated > window_;
    const bool early = stated.ns > now.ns && stated - now > window_;
    if (late) return denied("signed too long ago: a replay, or a clock is wrong");
    if (early) return denied("signed in the future: a clock is wrong");
    return {};
}

bool SignatureVerifier::any_key_signs(std::string_view content, std::string_view signature,
                                      bool hexadecimal) const {
    bool found = false;
    for (const Secret& key : keys_) {
        std::string decoded;
        if (scheme_ == SignatureScheme::kStandard) {
            decoded = key_in(key.reveal()).value_or(std::string{});
        }
        const Sha256 digest =
            hmac_sha256(scheme_ == SignatureScheme::kStandard ? decoded : key.reveal(), content);
        OPENSSL_cleanse(decoded.data(), decoded.size());
        // No early end: which of the keys fits is nobody's business either.
        found |=
            same(hexadecimal ? syncline::hexadecimal(bytes_of(digest)) : base64(bytes_of(digest)),
                 signature);
    }
    return found;
}

Result<void> SignatureVerifier::verify_standard(const SignedMessage& message, Timestamp now) const {
    const std::string_view id = message.header("webhook-id");
    const std::string_view time = message.header("webhook-timestamp");
    std::string_view signatures = message.header("webhook-signature");
    const auto stated = parse_unix(time, 1'000'000'000);
    if (id.empty() || signatures.empty() || !stated) return denied("a signature header is missing");
    if (auto in_time = check_time(*stated, now); !in_time) return in_time;
    std::string content;
    content.reserve(id.size() + time.size() + 2 + message.body.size());
    content.append(id).append(".").append(time).append(".").append(message.body);
    constexpr int kSignaturesMax = 16;  // Each costs one HMAC a key.
    for (int i = 0; i < kSignaturesMax && !signatures.empty(); ++i) {
        const std::size_t blank = signatures.find(' ');
        const std::string_view one = signatures.substr(0, blank);
        signatures.remove_prefix(blank == std::string_view::npos ? signatures.size() : blank + 1);
        if (one.starts_with("v1,") && any_key_signs(content, one.substr(3), false)) return {};
    }
    return denied("wrong signature");
}

Result<void> SignatureVerifier::verify_github(const SignedMessage& message) const {
    constexpr std::string_view kPrefix = "sha256=";
    const std::string_view signature = message.header("x-hub-signature-256");
    if (signature.starts_with(kPrefix) &&
        any_key_signs(message.body, signature.substr(kPrefix.size()), true)) {
        return {};
    }
    return denied("wrong signature");
}

Result<void> SignatureVerifier::verify_hubspot(const SignedMessage& message, Timestamp now) const {
    const std::string_view time = message.header("x-hubspot-request-timestamp");
    const auto stated = parse_unix(time, 1'000'000);
    if (!stated) return denied("no time of signature");
    if (auto in_time = check_time(*stated, now); !in_time) return in_time;
    std::string content{message.method};
    content.append(hubspot_url(message.url)).append(message.body).append(time);
    if (any_key_signs(content, message.header("x-hubspot-signature-v3"), false)) return {};
    return denied("wrong signature");
}

Result<void> SignatureVerifier::verify_zendesk(const SignedMessage& message, Timestamp now) const {
    const std::string_view time = message.header("x-zendesk-webhook-signature-timestamp");
    const auto stated = parse_timestamp(time);
    if (!stated) return denied("no time of signature");
    if (auto in_time = check_time(*stated, now); !in_time) return in_time;
    std::string content{time};
    content.append(message.body);
    if (any_key_signs(content, message.header("x-zendesk-webhook-signature"), false)) return {};
    return denied("wrong signature");
}

}  // namespace syncline::agent::webhook
