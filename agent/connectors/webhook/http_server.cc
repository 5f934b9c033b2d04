#include "agent/connectors/webhook/http_server.h"

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

namespace syncline::agent::webhook {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = net::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;

constexpr std::size_t kReadAhead = 64u << 10;
/// After a refusal, what the client still sends is read and dropped for this long, so that it
/// gets to see the answer instead of a reset connection.
constexpr auto kDrain = 2s;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";
constexpr std::string_view kTooMany =
    "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nContent-Length: 0\r\n"
    "Connection: close\r\n\r\n";

std::string_view view_of(beast::string_view text) { return {text.data(), text.size()}; }

std::string_view path_of(std::string_view target) { return target.substr(0, target.find('?')); }

bool is_json(std::string_view content_type) {
    const std::string_view type = content_type.substr(0, content_type.find(';'));
    return beast::iequals(beast::string_view{type.data(), type.size()}, "application/json") ||
           (type.starts_with("application/") && type.ends_with("+json"));
}

/// The way from other threads back to the server, closed when it stops.
class Gate {
public:
    explicit Gate(net::io_context& context) : context_(&context) {}
    void close() {
        const std::lock_guard lock{mutex_};
        context_ = nullptr;
    }
    void post(auto work) {
        const std::lock_guard lock{mutex_};
        if (context_ != nullptr) net::post(*context_, std::move(work));
    }

private:
    std::mutex mutex_;
    net::io_context* context_;
};

class Connection;

/// The open connections. They are held here and nowhere else, so that none outlives the server.
class Connections {
public:
    explicit Connections(std::size_t max) : max_(max) {}
    bool add(const std::shared_ptr<Connection>& connection) {
        const std::lock_guard lock{mutex_};
        if (open_.size() >= max_) return false;
        open_.insert(connection);
        return true;
    }
    void remove(const std::shared_ptr<Connection>& connection) {
        const std::lock_guard lock{mutex_};
        open_.erase(connection);
    }

private:
    const std::size_t max_;
    std::mutex mutex_;
    std::set<std::shared_ptr<Connection>> open_;
};

/// What all connections share; outlives them.
struct Shared {
    HttpServer::Settings settings;
    HttpServer::Handler handler;
    Connections connections;
    std::shared_ptr<Gate> gate;
};

/// One client: wait, headers, checks, body, handler, answer, and again.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(tcp::socket socket, Shared& shared)
        : stream_(std::move(socket)),
          reply_timer_(stream_.get_executor()),
          shared_(shared),
          buffer_(shared.settings.header_bytes_max + kReadAhead) {}

    void start() {
        error_code ignored;
        stream_.socket().set_option(tcp::no_delay{true}, ignored);
        net::dispatch(stream_.get_executor(), [self = shared_from_this()] { self->wait(); });
    }

    /// Too many are open: says so, as far as the socket's buffer takes it, and closes.
    void turn_away() {
        error_code ignored;
        stream_.socket().non_blocking(true, ignored);
        stream_.socket().write_some(net::buffer(kTooMany), ignored);
        stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    }

    /// Runs on any thread of the server.
    void answer(std::uint64_t request, HttpReply reply) {
        net::dispatch(stream_.get_executor(),
                      [self = shared_from_this(), request, reply = std::move(reply)]() mutable {
                          if (!self->awaiting_ || request != self->request_) return;
                          self->reply_timer_.cancel();
                          self->respond(std::move(reply), self->keep_alive_);
                      });
    }

private:
    void wait() {
        parser_.emplace();
        parser_->header_limit(shared_.settings.header_bytes_max);
        parser_->body_limit(shared_.settings.body_bytes_max);
        if (buffer_.size() > 0) return read_header();  // Sent ahead.
        stream_.expires_after(shared_.settings.idle_timeout);
        stream_.async_read_some(buffer_.prepare(kReadAhead / 8),
                                [self = shared_from_this()](error_code error, std::size_t bytes) {
                                    if (error) return self->close();
                                    self->buffer_.commit(bytes);
                                    self->read_header();
                                });
    }

    void read_header() {
        stream_.expires_after(shared_.settings.header_timeout);
        http::async_read_header(
            stream_, buffer_, *parser_,
            [self = shared_from_this()](error_code error, std::size_t) { self->on_header(error); });
    }

    void on_header(error_code error) {
        if (error == http::error::end_of_stream || error == beast::error::timeout) return close();
        if (error) return refuse(status_of(error));
        if (const unsigned status = check_header(); status != 0) return refuse(status);
        const auto& fields = parser_->get();
        if (beast::iequals(fields[http::field::expect], "100-continue")) return send_continue();
        read_body();
    }

    static unsigned status_of(error_code error) {
        if (error == http::error::header_limit) return 431;
        if (error == http::error::body_limit) return 413;
        return 400;
    }

    /// 0: fine.
    [[nodiscard]] unsigned check_header() const {
        const auto& fields = parser_->get();
        const auto& paths = shared_.settings.paths;
        if (std::ranges::find(paths, path_of(view_of(fields.target()))) == paths.end()) return 404;
        if (fields.method() != http::verb::post) return 405;
        if (!parser_->chunked() && !parser_->content_length()) return 411;
        if (parser_->content_length().value_or(0) > shared_.settings.body_bytes_max) return 413;
        if (!is_json(view_of(fields[http::field::content_type]))) return 415;
        return 0;
    }

    void send_continue() {
        stream_.expires_after(shared_.settings.header_timeout);
        net::async_write(stream_, net::buffer(kContinue),
                         [self = shared_from_this()](error_code error, std::size_t) {
                             if (error) return self->close();
                             self->read_body();
                         });
    }

    void read_body() {
        stream_.expires_after(shared_.settings.body_timeout);
        http::async_read(
            stream_, buffer_, *parser_,
            [self = shared_from_this()](error_code error, std::size_t) { self->on_body(error); });
    }

    void on_body(error_code error) {
        if (error == beast::error::timeout || error == http::error::partial_message) {
            return close();
        }
        if (error) return refuse(status_of(error));
        const auto& message = parser_->get();
        keep_alive_ = message.keep_alive();
        awaiting_ = true;
        ++request_;
        stream_.expires_never();
        start_reply_timer();
        HttpRequest request;
        request.method = view_of(message.method_string());
        request.target = view_of(message.target());
        request.path = path_of(request.target);
        request.body = message.body();
        request.header = [&message](std::string_view name) {
            return view_of(message[beast::string_view{name.data(), name.size()}]);
        };
        shared_.handler(request, [weak = weak_from_this(), gate = shared_.gate,
                                  number = request_](HttpReply reply) {
            gate->post([weak, number, reply = std::move(reply)]() mutable {
                if (const auto self = weak.lock()) self->answer(number, std::move(reply));
            });
        });
    }

    void start_reply_timer() {
        reply_timer_.expires_after(shared_.settings.reply_timeout);
        reply_timer_.async_wait([self = shared_from_this(), number = request_](error_code error) {
            if (error || !self->awaiting_ || number != self->request_) return;
            self->respond({.status = 503, .retry_after = 5s}, self->keep_alive_);
        });
    }

    void refuse(unsigned status) {
        draining_ = true;
        respond({.status = status}, false);
    }

    void respond(HttpReply reply, bool keep_alive) {
        awaiting_ = false;
        response_ = {};
        response_.version(11);
        response_.result(reply.status);
        if (reply.status == 405) response_.set(http::field::allow, "POST");
        if (reply.retry_after > 0s) {
            response_.set(http::field::retry_after, std::to_string(reply.retry_after.count()));
        }
        if (!reply.text.empty()) response_.set(http::field::content_type, "text/plain");
        response_.body() = std::move(reply.text);
        response_.keep_alive(keep_alive);
        // A 204 must not have a length at all.
        if (reply.status != 204) response_.prepare_payload();
        stream_.expires_after(shared_.settings.body_timeout);
        http::async_write(stream_, response_,
                          [self = shared_from_this(), keep_alive](error_code error, std::size_t) {
                              if (error) return self->close();
                              if (keep_alive) return self->wait();
                              if (self->draining_) return self->start_drain();
                              self->close();
                          });
    }

    void start_drain() {
        error_code ignored;
        stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
        stream_.expires_after(kDrain);
        drain();
    }

    void drain() {
        buffer_.clear();
        stream_.async_read_some(buffer_.prepare(kReadAhead / 8),
                                [self = shared_from_this()](error_code error, std::size_t) {
                                    // The time limit of start_drain() goes on running.
                                    if (error) return self->close();
                                    self->drain();
                                });
    }

    void close() {
        error_code ignored;
        reply_timer_.cancel();
        stream_.socket().shutdown(tcp::socket::shutdown_both, ignored);
        stream_.close();
        shared_.connections.remove(shared_from_this());
    }

    beast::tcp_stream stream_;
    net::steady_timer reply_timer_;
    Shared& shared_;
    beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    http::response<http::string_body> response_;
    std::uint64_t request_ = 0;
    bool awaiting_ = false;  ///< The handler has the request.
    bool keep_alive_ = false;
    bool draining_ = false;
};

}  // namespace

class HttpServer::Impl {
public:
    Impl(const Settings& settings, Handler handler)
        : context_(static_cast<int>(settings.threads)),
          acceptor_(context_),
          shared_{settings, std::move(handler), Connections{settings.connections_max},
                  std::make_shared<Gate>(context_)} {}

    ~Impl() {
        shared_.gate->close();
        context_.stop();
        for (std::thread& thread : threads_) thread.join();
    }

    Result<void> start() {
        error_code error;
        const auto address = net::ip::make_address(shared_.settings.address, error);
        if (error) {
            return fail(ErrorKind::kInvalid,
                        "'" + shared_.settings.address + "' is not an IP address");
        }
        const tcp::endpoint endpoint{address, shared_.settings.port};
        acceptor_.open(endpoint.protocol(), error);
        if (!error) acceptor_.set_option(net::socket_base::reuse_address{true}, error);
        if (!error) acceptor_.bind(endpoint, error);
        if (!error) acceptor_.listen(net::socket_base::max_listen_connections, error);
        if (error) {
            return fail(ErrorKind::kUnavailable, "cannot listen on " + shared_.settings.address +
                                                     ":" + std::to_string(endpoint.port()) + ": " +
                                                     error.message());
        }
        port_ = acceptor_.local_endpoint().port();
        accept();
        for (unsigned i = 0; i < shared_.settings.threads; ++i) {
            threads_.emplace_back([this] { context_.run(); });
        }
        return {};
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    void accept() {
        acceptor_.async_accept(
            net::make_strand(context_), [this](error_code error, tcp::socket socket) {
                if (!acceptor_.is_open()) return;
                if (error) return accept_later();
                const auto connection = std::make_shared<Connection>(std::move(socket), shared_);
                if (shared_.connections.add(connection)) {
                    connection->start();
                } else {
                    connection->turn_away();
                }
                accept();
            });
    }

    /// Out of file descriptors, most likely: trying again at once would only burn time.
    void accept_later() {
        pause_.expires_after(100ms);
        pause_.async_wait([this](error_code error) {
            if (!error) accept();
        });
    }

    net::io_context context_;
    tcp::acceptor acceptor_;
    net::steady_timer pause_{context_};
    Shared shared_;
    std::uint16_t port_ = 0;
    std::vector<std::thread> threads_;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::start(const Settings& settings, Handler handler) {
    auto impl = std::make_unique<Impl>(settings, std::move(handler));
    if (auto started = impl->start(); !started) return fail(started.error());
    return std::unique_ptr<HttpServer>{new HttpServer{std::move(impl)}};
}

std::uint16_t HttpServer::port() const { return impl_->port(); }

}  // namespace syncline::agent::webhook
