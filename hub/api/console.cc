#include "hub/api/console.h"

#include <algorithm>

#include "hub/api/problem.h"

namespace syncline::hub::api {
namespace {

constexpr std::string_view kIndex = "/index.html";
constexpr std::string_view kMissing =
    "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Syncline</title>"
    "<h1>Syncline</h1><p>This hub was built without the console. Build it and the hub again: "
    "<code>cd hub/console &amp;&amp; npm ci &amp;&amp; npm run build</code>, then "
    "<code>cmake --build --preset release --target syncline-hub</code>.</p>"
    "<p>The API is here: <a href=\"v1/openapi.json\">v1/openapi.json</a>.</p></html>";

/// Nothing of others runs in the page, and nobody frames it.
void add_page_headers(HttpServer::Reply& reply) {
    reply.headers.emplace_back(
        "Content-Security-Policy",
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; "
        "form-action 'self'; frame-ancestors 'none'");
    reply.headers.emplace_back("X-Content-Type-Options", "nosniff");
    reply.headers.emplace_back("X-Frame-Options", "DENY");
    reply.headers.emplace_back("Referrer-Policy", "no-referrer");
    reply.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
}

HttpServer::Reply file_reply(const ConsoleFile& file, const HttpServer::Request& request) {
    HttpServer::Reply reply{.status = 200};
    reply.content_type = std::string{file.type};
    add_page_headers(reply);
    reply.headers.emplace_back("ETag", "\"" + std::string{file.etag} + "\"");
    reply.headers.emplace_back("Vary", "Accept-Encoding");
    // Their names hold a hash of what is in them.
    const bool hashed = file.path.starts_with("/assets/");
    reply.headers.emplace_back("Cache-Control",
                               hashed ? "public, max-age=31536000, immutable" : "no-cache");
    if (request.header("If-None-Match").find(file.etag) != std::string_view::npos) {
        reply.status = 304;
        return reply;
    }
    const bool zipped = !file.gzip.empty() &&
                        request.header("Accept-Encoding").find("gzip") != std::string_view::npos;
    if (zipped) reply.headers.emplace_back("Content-Encoding", "gzip");
    reply.text = std::string{zipped ? file.gzip : file.plain};
    return reply;
}

}  // namespace

HttpServer::Reply console_reply(const HttpServer::Request& request) {
    if (request.method != "GET") {
        return reply_of(Problem{405, "invalid", "there is nothing to be sent to at that path"});
    }
    const std::string_view path = request.path == "/" ? kIndex : request.path;
    const auto files = console_files();
    const auto at = std::ranges::lower_bound(files, path, {}, &ConsoleFile::path);
    if (at != files.end() && at->path == path) return file_reply(*at, request);
    if (path == kIndex) {
        HttpServer::Reply reply{.status = 200, .text = std::string{kMissing}};
        reply.content_type = "text/html; charset=utf-8";
        add_page_headers(reply);
        return reply;
    }
    return reply_of(Problem{404, "not_found", "there is nothing at that path"});
}

}  // namespace syncline::hub::api
