#pragma once

#include <memory>
#include <string>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/secret.h"
#include "shared/base/timestamp.h"

/// A private certificate authority, by OpenSSL's library. Keys are ECDSA on P-256; everything is
/// PEM text. Touches no file.
namespace syncline::ctl::security {

/// A private key as text; wiped when it goes.
class KeyText {
public:
    explicit KeyText(std::string text) : text_(std::move(text)) {}
    ~KeyText();
    KeyText(KeyText&& other) noexcept : text_(std::move(other.text_)) { other.text_.clear(); }
    KeyText& operator=(KeyText&&) = delete;
    [[nodiscard]] const std::string& reveal() const { return text_; }

private:
    std::string text_;
};

struct Issued {
    std::string certificate;
    KeyText key;
    std::string serial;  ///< In hexadecimal digits.
    Timestamp not_after;
};

struct Validity {
    Timestamp from;
    Timestamp until;
};

/// An authority that signs nothing but certificates of programs. With `key` its text, it is the one
/// of that key and name, for another time: what it signed before is good by either certificate.
[[nodiscard]] Result<Issued> make_authority(const std::string& name, const Validity& validity,
                                            const std::string& key = {});

class Authority {
public:
    /// kCorrupt: the two are no certificate and key, or do not belong together.
    static Result<Authority> load(const std::string& certificate, const std::string& key);
    ~Authority();
    Authority(Authority&&) noexcept;
    Authority& operator=(Authority&&) = delete;

    /// A server's, for these names and addresses. kInvalid: one of them is neither.
    /// With `key` its text, the certificate is for that key.
    [[nodiscard]] Result<Issued> issue_server(const std::vector<std::string>& hosts,
                                              const Validity& validity,
                                              const std::string& key = {}) const;
    /// A client's, which is known by `uri`.
    [[nodiscard]] Result<Issued> issue_client(const std::string& name, const std::string& uri,
                                              const Validity& validity) const;
    [[nodiscard]] Timestamp not_after() const;

private:
    struct Parts;
    explicit Authority(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

/// Whether `host` is an address, or a name that a certificate can be for.
[[nodiscard]] bool is_host(const std::string& host);

}  // namespace syncline::ctl::security
