#include "hub/ctl/security/authority.h"

#include <ctime>
#include <optional>
#include <utility>

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "shared/base/ip_address.h"

namespace syncline::ctl::security {
namespace {

template <auto Free>
struct Freer {
    void operator()(auto* object) const noexcept { Free(object); }
};
template <class T, auto Free>
using Owned = std::unique_ptr<T, Freer<Free>>;
using Certificate = Owned<X509, X509_free>;
using PrivateKey = Owned<EVP_PKEY, EVP_PKEY_free>;
using Bio = Owned<BIO, BIO_free_all>;
using Number = Owned<BIGNUM, BN_free>;
using Extension = Owned<X509_EXTENSION, X509_EXTENSION_free>;

constexpr int kSerialBits = 127;
constexpr int kVersion3 = 2;

std::unexpected<Error> failed(const char* what) {
    char text[160] = "no reason given";
    if (const unsigned long code = ERR_get_error(); code != 0) {
        ERR_error_string_n(code, text, sizeof text);
    }
    ERR_clear_error();
    return fail(ErrorKind::kInternal, std::string{"OpenSSL: "} + what + ": " + text);
}

std::string text_of(BIO* bio) {
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio, &data);
    return {data, static_cast<std::size_t>(size)};
}

Result<std::string> pem_of(X509* certificate) {
    const Bio bio{BIO_new(BIO_s_mem())};
    if (bio == nullptr || PEM_write_bio_X509(bio.get(), certificate) != 1) return failed("PEM");
    return text_of(bio.get());
}

Result<KeyText> pem_of(EVP_PKEY* key) {
    const Bio bio{BIO_new(BIO_s_secmem())};
    if (bio == nullptr ||
        PEM_write_bio_PKCS8PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1) {
        return failed("PEM");
    }
    return KeyText{text_of(bio.get())};
}

Bio reader(const std::string& text) {
    return Bio{BIO_new_mem_buf(text.data(), static_cast<int>(text.size()))};
}

PrivateKey read_key(const std::string& text) {
    const Bio bio = reader(text);
    return PrivateKey{PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr)};
}

struct Wanted {
    std::string organisation;
    std::string common_name;
    Validity validity;
    std::vector<std::pair<int, std::string>> extensions;
    std::string key;  ///< Not empty: this one, no new one.
};

Result<void> name(X509* certificate, const Wanted& wanted) {
    X509_NAME* subject = X509_get_subject_name(certificate);
    for (const auto& [field, text] :
         {std::pair{"O", &wanted.organisation}, std::pair{"CN", &wanted.common_name}}) {
        if (X509_NAME_add_entry_by_txt(subject, field, MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(text->data()),
                                       static_cast<int>(text->size()), -1, 0) != 1) {
            return failed("name");
        }
    }
    return {};
}

Result<void> extend(X509* certificate, X509* issuer, const Wanted& wanted) {
    X509V3_CTX context;
    X509V3_set_ctx_nodb(&context);
    X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
    for (const auto& [id, value] : wanted.extensions) {
        const Extension made{X509V3_EXT_conf_nid(nullptr, &context, id, value.c_str())};
        if (made == nullptr || X509_add_ext(certificate, made.get(), -1) != 1) {
            return failed(OBJ_nid2sn(id));
        }
    }
    return {};
}

Result<std::string> number(X509* certificate) {
    const Number serial{BN_new()};
    if (serial == nullptr || BN_rand(serial.get(), kSerialBits, BN_RAND_TOP_ANY, 0) != 1 ||
        BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) == nullptr) {
        return failed("serial number");
    }
    char* digits = BN_bn2hex(serial.get());
    if (digits == nullptr) return failed("serial number");
    std::string out{digits};
    OPENSSL_free(digits);
    return out;
}

std::time_t seconds_of(Timestamp time) { return time.ns / 1'000'000'000; }

/// Without an issuer it is its own.
Result<Issued> make(const Wanted& wanted, X509* issuer, EVP_PKEY* issuer_key) {
    const Certificate made{X509_new()};
    const PrivateKey key =
        wanted.key.empty() ? PrivateKey{EVP_EC_gen("P-256")} : read_key(wanted.key);
    if (made == nullptr || key == nullptr) return failed("key");
    auto serial = number(made.get());
    if (!serial) return fail(serial.error());
    if (X509_set_version(made.get(), kVersion3) != 1 ||
        ASN1_TIME_set(X509_getm_notBefore(made.get()), seconds_of(wanted.validity.from)) ==
            nullptr ||
        ASN1_TIME_set(X509_getm_notAfter(made.get()), seconds_of(wanted.validity.until)) ==
            nullptr ||
        X509_set_pubkey(made.get(), key.get()) != 1) {
        return failed("certificate");
    }
    if (auto named = name(made.get(), wanted); !named) return fail(named.error());
    X509* by = issuer == nullptr ? made.get() : issuer;
    if (X509_set_issuer_name(made.get(), X509_get_subject_name(by)) != 1) return failed("issuer");
    if (auto extended = extend(made.get(), by, wanted); !extended) return fail(extended.error());
    if (X509_sign(made.get(), issuer == nullptr ? key.get() : issuer_key, EVP_sha256()) == 0) {
        return failed("signature");
    }
    auto certificate = pem_of(made.get());
    auto key_text = pem_of(key.get());
    if (!certificate) return fail(certificate.error());
    if (!key_text) return fail(key_text.error());
    return Issued{*std::move(certificate), *std::move(key_text), *std::move(serial),
                  Timestamp{seconds_of(wanted.validity.until) * 1'000'000'000}};
}

}  // namespace

KeyText::~KeyText() { OPENSSL_cleanse(text_.data(), text_.size()); }

struct Authority::Parts {
    Certificate certificate;
    PrivateKey key;
    std::string organisation;
};

Authority::Authority(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Authority::~Authority() = default;
Authority::Authority(Authority&&) noexcept = default;

Result<Issued> make_authority(const std::string& organisation, const Validity& validity,
                              const std::string& key) {
    return make({.organisation = organisation,
                 .common_name = organisation + " authority",
                 .validity = validity,
                 .extensions = {{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
                                {NID_key_usage, "critical,keyCertSign,cRLSign"},
                                {NID_subject_key_identifier, "hash"}},
                 .key = key},
                nullptr, nullptr);
}

Result<Authority> Authority::load(const std::string& certificate, const std::string& key) {
    auto parts = std::make_unique<Parts>();
    const Bio bio = reader(certificate);
    parts->certificate.reset(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    parts->key = read_key(key);
    if (parts->certificate == nullptr || parts->key == nullptr ||
        X509_check_private_key(parts->certificate.get(), parts->key.get()) != 1) {
        ERR_clear_error();
        return fail(ErrorKind::kCorrupt,
                    "the authority's certificate and key are damaged, or not a pair");
    }
    char text[256] = "";
    X509_NAME_get_text_by_NID(X509_get_subject_name(parts->certificate.get()), NID_organizationName,
                              text, sizeof text);
    parts->organisation = text;
    return Authority{std::move(parts)};
}

Timestamp Authority::not_after() const {
    std::tm time{};
    if (ASN1_TIME_to_tm(X509_get0_notAfter(parts_->certificate.get()), &time) != 1) return {};
    return {std::int64_t{timegm(&time)} * 1'000'000'000};
}

Result<Issued> Authority::issue_server(const std::vector<std::string>& hosts,
                                       const Validity& validity, const std::string& key) const {
    std::string names;
    for (const std::string& host : hosts) {
        if (!is_host(host)) {
            return fail(ErrorKind::kInvalid, "'" + host + "' is no name or address of a server");
        }
        names +=
            (names.empty() ? "" : ",") + std::string{is_ip_address(host) ? "IP:" : "DNS:"} + host;
    }
    return make({.organisation = parts_->organisation,
                 .common_name = hosts.front(),
                 .validity = validity,
                 // Servers of a cluster, and leaf nodes, are clients of each other.
                 .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                                {NID_key_usage, "critical,digitalSignature"},
                                {NID_ext_key_usage, "serverAuth,clientAuth"},
                                {NID_subject_key_identifier, "hash"},
                                {NID_authority_key_identifier, "keyid"},
                                {NID_subject_alt_name, names}},
                 .key = key},
                parts_->certificate.get(), parts_->key.get());
}

Result<Issued> Authority::issue_client(const std::string& common_name, const std::string& uri,
                                       const Validity& validity) const {
    return make({.organisation = parts_->organisation,
                 .common_name = common_name,
                 .validity = validity,
                 .extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                                {NID_key_usage, "critical,digitalSignature"},
                                {NID_ext_key_usage, "clientAuth"},
                                {NID_subject_key_identifier, "hash"},
                                {NID_authority_key_identifier, "keyid"},
                                {NID_subject_alt_name, "URI:" + uri}},
                 .key = {}},
                parts_->certificate.get(), parts_->key.get());
}

bool is_host(const std::string& host) {
    constexpr std::size_t kNameMost = 253;
    if (is_ip_address(host)) return true;
    const bool shape = !host.empty() && host.size() <= kNameMost && !host.starts_with('.') &&
                       !host.starts_with('-') && host.find("..") == std::string::npos;
    return shape && host.find_first_not_of(
                        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                        "0123456789.-") == std::string::npos;
}

}  // namespace syncline::ctl::security
