#include "shared/http/reply_text.h"

#include <algorithm>
#include <boost/beast/http/status.hpp>
#include <string_view>

#include "shared/base/clock.h"

namespace syncline {
namespace {

namespace http = boost::beast::http;

constexpr std::string_view kPageHeaders =
    "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'\r\n"
    "Referrer-Policy: no-referrer\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Cache-Control: no-store\r\n";

std::string_view reason_of(unsigned status) {
    const auto reason = http::obsolete_reason(http::int_to_status(status));
    return {reason.data(), reason.size()};
}

/// A header must not become two, whoever wrote its value.
bool is_one_line(std::string_view text) {
    return std::ranges::none_of(
        text, [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7F; });
}

}  // namespace

void make_problem(HttpServer::Reply& reply) {
    reply.content_type = "application/problem+json";
    reply.text = "{\"type\":\"about:blank\",\"title\":\"" + std::string{reason_of(reply.status)} +
                 "\",\"status\":" + std::to_string(reply.status) + "}";
}

std::string text_of(const HttpServer::Reply& reply, bool keep_alive, bool gets) {
    std::string out = "HTTP/1.1 " + std::to_string(reply.status) + " ";
    out += reason_of(reply.status);
    out += "\r\nDate: " + http_date(SystemClock{}.now()) + "\r\n";
    if (reply.status == 405) out += gets ? "Allow: GET, POST\r\n" : "Allow: POST\r\n";
    if (reply.challenge != nullptr) {
        out += "WWW-Authenticate: " + std::string{reply.challenge} + "\r\n";
    }
    if (reply.retry_after.count() > 0) {
        out += "Retry-After: " + std::to_string(reply.retry_after.count()) + "\r\n";
    }
    if (reply.is_page) out += kPageHeaders;
    if (!keep_alive) out += "Connection: close\r\n";
    for (const auto& [name, value] : reply.headers) {
        if (is_one_line(name) && is_one_line(value)) out += name + ": " + value + "\r\n";
    }
    if (!reply.text.empty() || reply.events) {
        out += "Content-Type: " + reply.content_type + "\r\n";
    }
    // A 204 and a 304 must not have a length at all, and what has no end has none.
    if (reply.status != 204 && reply.status != 304 && !reply.events) {
        out += "Content-Length: " + std::to_string(reply.text.size()) + "\r\n";
    }
    return out + "\r\n" + reply.text;
}

}  // namespace syncline
