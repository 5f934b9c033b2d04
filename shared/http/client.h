#pragma once

#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/timestamp.h"
#include "shared/http/address_guard.h"

namespace syncline {

struct HttpRequest {
    std::string method = "GET";
    std::string url;  ///< Absolute, `http` or `https`, already percent-encoded.
    std::vector<std::pair<std::string, std::string>> headers;
    std::string body;
    Duration timeout = std::chrono::seconds{30};  ///< For the whole exchange; more than 0.
    bool changes_nothing = false;  ///< Whatever its method: without a reply it is not in doubt.
};

struct HttpResponse {
    int status = 0;
    /// Names in lower case; the values of a repeated header are joined by ", ".
    std::map<std::string, std::string, std::less<>> headers;
    std::string body;

    /// Value of a header, named in lower case; empty if there is none.
    [[nodiscard]] std::string_view header(std::string_view name) const;
    /// The server's clock, from its Date header.
    [[nodiscard]] std::optional<Timestamp> date() const;
};

/// The door to other people's HTTP servers. Two implementations: CurlClient, and the tests' own.
/// One request in, its one reply out: no redirects followed, nothing repeated.
/// Threading: an object is used by one thread at a time.
class HttpClient {
public:
    virtual ~HttpClient() = default;

    /// Any reply, whatever its status, is a success. kUnavailable: nothing happened there (not
    /// connected, or a GET or HEAD that got no full reply). kAmbiguous: another method was sent at
    /// least in part, and its reply is missing or not whole. kTooLarge: the reply to a GET or HEAD
    /// is over the limit. kInvalid: the request itself is not one. kDenied: it may not be connected
    /// to; nothing was sent. Returns within a second of
    /// `stop`, then as if the connection had broken.
    virtual Result<HttpResponse> send(const HttpRequest& request, std::stop_token stop) = 0;
};

/// libcurl. HTTP/1.1 with keep-alive, TLS verified, gzip taken and its output bounded, no proxy
/// unless set, environment ignored. Costs no memory before the first send().
class CurlClient final : public HttpClient {
public:
    struct Options {
        Duration connect_timeout = std::chrono::seconds{10};
        std::size_t response_bytes_max = 16u << 20;  ///< After decompression.
        std::string proxy;                           ///< `http://host:port`; empty: none.
        std::string ca_file;                         ///< PEM; empty: the system's.
        std::string user_agent = "Syncline";
        /// Where others say the URL: no connection is made to what it refuses.
        std::optional<AddressGuard> guard = {};
    };

    CurlClient();
    explicit CurlClient(Options options);
    ~CurlClient() override;
    CurlClient(const CurlClient&) = delete;
    CurlClient& operator=(const CurlClient&) = delete;

    Result<HttpResponse> send(const HttpRequest& request, std::stop_token stop) override;

private:
    class Handles;
    Options options_;
    std::unique_ptr<Handles> handles_;  ///< Made by the first send().
};

/// RFC 9110 5.6.7, the form that servers must send: "Sun, 06 Nov 1994 08:49:37 GMT". kInvalid:
/// anything else.
[[nodiscard]] Result<Timestamp> parse_http_date(std::string_view text);

/// RFC 9110 10.2.3, seconds or a date, as a pause from `now` (the server's clock), from 0 to
/// `longest`. nullopt: neither form, which counts as absent.
[[nodiscard]] std::optional<Duration> parse_retry_after(std::string_view text, Timestamp now,
                                                        Duration longest);

/// Percent-encodes all but RFC 3986's unreserved characters: right for one path segment and for
/// one query value.
[[nodiscard]] std::string percent_encode(std::string_view text);

/// The URL of the relation `next` in a Link header (RFC 8288); empty if there is none.
[[nodiscard]] std::string next_link(std::string_view link_header);

}  // namespace syncline
