#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/result.h"

namespace syncline {

/// A small HTTP/1.1 server for POSTs of JSON, and GETs, to a few paths, strict about everything
/// else: 404, 405, 411 (a POST with neither length nor chunks), 413, 415, 431, 400 for what is no
/// HTTP. Requests of one connection are answered one after the other. TLS is left to a proxy in
/// front.
///
/// Lifetime: the destructor closes all connections and joins the threads; replies that come later
/// are dropped. Threading: start, stop and port() from one thread.
class HttpServer {
public:
    struct Settings {
        std::string address = "127.0.0.1";  ///< IP address.
        std::uint16_t port = 0;             ///< 0: any that is free.
        unsigned threads = 1;               ///< 1 to 64.
        /// One more takes the place of the one that has let us wait longest, a second at least;
        /// while all are being answered it is answered 503 and closed.
        std::size_t connections_max = 256;
        std::uint64_t body_bytes_max = 1u << 20;
        /// Of all together; then the one goes whose rest we have waited for longest, a second at
        /// least, or the new one is answered 503.
        std::uint64_t bodies_bytes_max = 64u << 20;
        std::uint32_t header_bytes_max = 16u << 10;
        std::chrono::milliseconds idle_timeout{75'000};    ///< Between two requests.
        std::chrono::milliseconds header_timeout{10'000};  ///< First to last byte of the headers.
        std::chrono::milliseconds body_timeout{30'000};
        std::chrono::milliseconds reply_timeout{20'000};  ///< For the handler; then 503.
        std::vector<std::string> paths;
        /// What a path may begin with instead, like "/v1/"; what is not there the handler says.
        std::string prefix;
        bool gets = false;  ///< GET is welcome, too.
        /// What the server itself refuses has a body, application/problem+json (RFC 9457).
        bool problems = false;
        std::string forms;  ///< Below it browsers' forms are welcome as well, like "/v1/decide/".
    };
    /// A request with its whole body. Views into the connection: valid only while the handler runs.
    struct Request {
        std::string_view method;
        std::string_view target;  ///< Path and query, as sent.
        std::string_view path;
        std::string_view body;
        std::string_view peer;  ///< The client's address, or the proxy's.
        /// A header by name in any case; empty if it is absent.
        std::function<std::string_view(std::string_view name)> header;
    };
    /// One client that listens to events. Any thread; may be copied.
    class Events {
    public:
        /// Sends `text` as it is. False: nobody listens any more, or not fast enough.
        bool send(std::string text) const { return push_(std::move(text)); }

    private:
        friend class EventsMaker;
        explicit Events(std::function<bool(std::string)> push) : push_(std::move(push)) {}
        std::function<bool(std::string)> push_;
    };
    struct Reply {
        unsigned status = 204;
        std::string text;  ///< Body; may be empty.
        std::string content_type = "text/plain";
        /// More headers. One with a control character in it is left out.
        std::vector<std::pair<std::string, std::string>> headers;
        /// Not empty: the body has no end. Called once the headers are out, on a thread of the
        /// server; what is sent later goes to the client until it leaves.
        std::function<void(Events)> events;
        std::chrono::seconds retry_after{0};  ///< Above zero: as the header Retry-After.
        const char* challenge = nullptr;      ///< For a 401: the header WWW-Authenticate.
        /// HTML for a person: nothing of it is run, framed, kept, or told to where its links lead.
        bool is_page = false;
    };
    /// Answers one request. May be called from any thread, now or later; calls after the first
    /// are ignored.
    using Answer = std::function<void(Reply)>;
    /// Called on a thread of the server; must not block.
    using Handler = std::function<void(const Request&, Answer)>;

    /// kInvalid: no such address. kUnavailable: the port is taken or not allowed.
    static Result<std::unique_ptr<HttpServer>> start(const Settings& settings, Handler handler);
    ~HttpServer();
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    [[nodiscard]] std::uint16_t port() const;

private:
    class Impl;
    explicit HttpServer(std::unique_ptr<Impl> impl);
    std::unique_ptr<Impl> impl_;
};

}  // namespace syncline
