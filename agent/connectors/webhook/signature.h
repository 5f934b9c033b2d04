#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/secret.h"
#include "shared/base/timestamp.h"

namespace syncline::agent::webhook {

/// How a sender signs, always HMAC-SHA256.
enum class SignatureScheme : std::uint8_t {
    kStandard,   ///< Standard Webhooks 1.0: `webhook-id`, `-timestamp`, `-signature` (v1).
    kGithub,     ///< `X-Hub-Signature-256: sha256=<hex>` over the body. Has no time.
    kHubspotV3,  ///< `X-HubSpot-Signature-v3` over method, URL, body and time in milliseconds.
    kZendesk,    ///< `X-Zendesk-Webhook-Signature` over time and body.
    kFrappe,     ///< `X-Frappe-Webhook-Signature` over the body. Has no time.
};

/// What is signed, as it came over the wire.
struct SignedMessage {
    std::string_view method;
    std::string_view url;   ///< As the sender called it: public name, path and query.
    std::string_view body;  ///< Raw, before any parsing.
    /// A header by name in any case; empty if it is absent.
    std::function<std::string_view(std::string_view name)> header;
};

/// Checks signatures. Threading: verify() from any thread.
class SignatureVerifier {
public:
    /// `keys`: the valid ones, loaded; more than one while they are being exchanged. kInvalid: no
    /// key, or a Standard Webhooks key that is not `whsec_` and base64 of 24 to 64 bytes.
    static Result<SignatureVerifier> make(SignatureScheme scheme, std::vector<Secret> keys,
                                          Duration window);

    /// kDenied: the signature is missing or wrong, or its time is more than the window before or
    /// after `now`. The text is for our own log; the sender is told nothing of it. Comparing takes
    /// the same time wherever the difference is.
    [[nodiscard]] Result<void> verify(const SignedMessage& message, Timestamp now) const;

private:
    SignatureVerifier(SignatureScheme scheme, std::vector<Secret> keys, Duration window)
        : scheme_(scheme), keys_(std::move(keys)), window_(window) {}

    [[nodiscard]] Result<void> check_time(Timestamp stated, Timestamp now) const;
    [[nodiscard]] bool any_key_signs(std::string_view content, std::string_view signature,
                                     bool hexadecimal) const;
    [[nodiscard]] Result<void> verify_standard(const SignedMessage& message, Timestamp now) const;
    [[nodiscard]] Result<void> verify_github(const SignedMessage& message) const;
    [[nodiscard]] Result<void> verify_hubspot(const SignedMessage& message, Timestamp now) const;
    [[nodiscard]] Result<void> verify_zendesk(const SignedMessage& message, Timestamp now) const;

    SignatureScheme scheme_;
    std::vector<Secret> keys_;
    Duration window_;
};

}  // namespace syncline::agent::webhook
