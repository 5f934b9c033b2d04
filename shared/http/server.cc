#include "shared/http/server.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "shared/base/clock.h"
#include "shared/http/reply_text.h"

namespace syncline {
namespace {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = net::ip::tcp;
using boost::system::error_code;
using namespace std::chrono_literals;

// The executor by its own type: the one that may be any executor costs more than the requests.
using Executor = net::io_context::executor_type;
using Socket = net::basic_stream_socket<tcp, Executor>;
using Timer = net::basic_waitable_timer<std::chrono::steady_clock,
                                        net::wait_traits<std::chrono::steady_clock>, Executor>;

constexpr std::size_t kReadAhead = 64u << 10;
constexpr std::size_t kReadBytes = 8u << 10;
/// After a refusal, what the client still sends is read and dropped for this long, so that it
/// gets to see the answer instead of a reset connection.
constexpr auto kDrainLimit = 2s;
/// Who is so new keeps his place: his request may be on its way.
constexpr Duration kWaitLeast = 1s;
/// Of events that a client has not taken yet.
constexpr std::size_t kEventBytesMost = 256u << 10;
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

/// What a connection waits for; each has a time limit of its own.
enum class Phase : std::uint8_t { kIdle, kHeader, kBody, kReply, kWrite, kEvents, kDrain, kClosed };
/// It is the client that lets us wait.
bool waits(Phase phase) {
    return phase != Phase::kReply && phase != Phase::kEvents && phase != Phase::kClosed;
}

class Connection;

}  // namespace

/// Makes what only the server may.
class EventsMaker {
public:
    static HttpServer::Events make(std::function<bool(std::string)> push) {
        return HttpServer::Events{std::move(push)};
    }
};

namespace {

/// The way from other threads back to a loop, closed when the server stops. Answers that come
/// together, as those of one commit do, wake the loop once.
class Gate {
public:
    struct Entry {
        std::weak_ptr<Connection> connection;
        std::uint64_t request = 0;
        HttpServer::Reply reply;
        std::string
            event{};  ///< Not empty: this goes to who listens, and `reply` counts for nothing.
    };
    explicit Gate(net::io_context& context) : context_(&context) {}
    void close() {
        const std::lock_guard lock{mutex_};
        context_ = nullptr;
        entries_.clear();
    }
    /// `gate` is what the loop calls back; it may be the last to hold it.
    static void post(const std::shared_ptr<Gate>& gate, Entry entry) {
        const std::lock_guard lock{gate->mutex_};
        if (gate->context_ == nullptr) return;
        gate->entries_.push_back(std::move(entry));
        if (gate->entries_.size() > 1) return;  // The loop knows already.
        net::post(*gate->context_, [gate] { gate->deliver(); });
    }

private:
    void deliver();

    std::mutex mutex_;
    net::io_context* context_;
    std::vector<Entry> entries_;
};

/// The open connections. They are held here and nowhere else, so that none outlives the server.
class Connections {
public:
    explicit Connections(std::size_t max) : max_(max) {}
    /// False: there is no room, nor one that lets us wait and could go instead.
    bool add(const std::shared_ptr<Connection>& connection, Duration now) {
        const std::lock_guard lock{mutex_};
        if (open_.size() >= max_ && !make_room(now)) return false;
        open_.insert(connection);
        return true;
    }
    void remove(const std::shared_ptr<Connection>& connection) {
        const std::lock_guard lock{mutex_};
        open_.erase(connection);
    }

private:
    bool make_room(Duration now);

    const std::size_t max_;
    std::mutex mutex_;
    std::set<std::shared_ptr<Connection>> open_;
};

/// What all connections share; outlives them.
struct Shared {
    HttpServer::Settings settings;
    HttpServer::Handler handler;
    Connections connections;
    std::atomic<std::uint64_t> body_bytes = 0;  ///< Of bodies that are here and not yet answered.
    SystemClock clock{};
};

/// One client: wait, headers, checks, body, handler, answer, and again. All of it on one thread.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    Connection(Socket socket, Shared& shared, std::shared_ptr<Gate> gate)
        : socket_(std::move(socket)),
          timer_(socket_.get_executor()),
          shared_(shared),
          gate_(std::move(gate)),
          buffer_(shared.settings.header_bytes_max + kReadAhead) {}

    void start() {
        error_code ignored;
        socket_.set_option(tcp::no_delay{true}, ignored);
        socket_.non_blocking(true, ignored);
        if (const auto peer = socket_.remote_endpoint(ignored); !ignored)
            peer_ = peer.address().to_string();
        net::dispatch(socket_.get_executor(), [self = shared_from_this()] { self->wait(); });
    }

    /// Too many are open: says so, as far as the socket's buffer takes it, and closes.
    void turn_away() {
        error_code ignored;
        socket_.non_blocking(true, ignored);
        socket_.write_some(net::buffer(kTooMany), ignored);
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
    }

    /// Since when the client lets us wait, for a request or the rest of it; 0: it does not. Any
    /// thread.
    [[nodiscard]] Duration waits_since() const { return Duration{waits_since_.load()}; }
    /// Another one gets its place. Any thread.
    void make_way() {
        waits_since_ = 0;  // Chosen once.
        net::post(socket_.get_executor(), [self = shared_from_this()] {
            if (waits(self->phase_)) self->close();  // Else it is being answered by now.
        });
    }

    void answer(std::uint64_t request, HttpServer::Reply reply) {
        if (phase_ != Phase::kReply || request != request_) return;
        respond(std::move(reply), keep_alive_);
    }

    /// An event for who listens. One that takes nothing for too long listens no more.
    void push(std::string event) {
        if (phase_ != Phase::kEvents) return;
        if (answer_.size() + waiting_.size() + event.size() > kEventBytesMost) return close();
        waiting_ += event;
        if (!writes_) write_events();
    }

private:
    void enter(Phase phase, Duration limit) {
        phase_ = phase;
        const Duration now = shared_.clock.steady();
        waits_since_ = waits(phase) ? now.count() : 0;
        deadline_ = now + limit;
        if (!timer_runs_ || deadline_ < timer_at_) start_timer();
    }

    /// The timer is left alone when the deadline moves back, which it does several times a
    /// request: having come too early, it is set anew.
    void start_timer() {
        timer_runs_ = true;
        timer_at_ = deadline_;
        timer_.expires_after(deadline_ - shared_.clock.steady());
        timer_.async_wait([self = shared_from_this()](error_code error) {
            if (error) return;  // Set to an earlier time, or closed.
            self->timer_runs_ = false;
            if (self->phase_ == Phase::kClosed) return;
            if (self->shared_.clock.steady() < self->deadline_) return self->start_timer();
            if (self->phase_ == Phase::kEvents && !self->writes_) return self->start_timer_anew();
            if (self->phase_ != Phase::kReply) return self->close();
            self->respond({.status = 503, .retry_after = 5s}, self->keep_alive_);
        });
    }

    /// Who listens is left alone, unless an event is on its way for too long.
    void start_timer_anew() { enter(Phase::kEvents, shared_.settings.body_timeout); }

    void wait() {
        release_body();
        parser_.emplace();
        parser_->header_limit(shared_.settings.header_bytes_max);
        parser_->body_limit(shared_.settings.body_bytes_max);
        enter(Phase::kIdle, shared_.settings.idle_timeout);
        if (buffer_.size() > 0) return read_header();  // Sent ahead.
        receive();
    }

    void receive() {
        if (buffer_.size() + kReadBytes > buffer_.max_size()) return refuse(400);
        socket_.async_read_some(buffer_.prepare(kReadBytes),
                                [self = shared_from_this()](error_code error, std::size_t bytes) {
                                    self->on_received(error, bytes);
                                });
    }

    void on_received(error_code error, std::size_t bytes) {
        if (phase_ == Phase::kClosed) return;
        buffer_.commit(bytes);
        if (phase_ == Phase::kDrain || phase_ == Phase::kEvents) return error ? close() : drain();
        // In the middle of headers an end is answered: the client may only have stopped sending.
        if (error == net::error::eof && phase_ == Phase::kHeader) return refuse(400);
        if (error) return close();
        phase_ == Phase::kBody ? parse_body() : read_header();
    }

    /// What this phase wants is here. The parser must not be given more then: with an empty body
    /// the message ends with its headers, and what follows is the next request.
    [[nodiscard]] bool is_parsed() const {
        return phase_ == Phase::kBody ? parser_->is_done() : parser_->is_header_done();
    }

    /// 0: fine, or more is needed.
    unsigned parse() {
        while (!is_parsed() && buffer_.size() > 0) {
            error_code error;
            const std::size_t taken = parser_->put(buffer_.data(), error);
            buffer_.consume(taken);
            if (error == http::error::need_more || (!error && taken == 0)) return 0;
            if (error) return status_of(error);
        }
        return 0;
    }

    void read_header() {
        if (phase_ == Phase::kIdle) enter(Phase::kHeader, shared_.settings.header_timeout);
        if (const unsigned status = parse(); status != 0) return refuse(status);
        if (!parser_->is_header_done()) return receive();
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
        const HttpServer::Settings& settings = shared_.settings;
        const std::string_view path = path_of(view_of(fields.target()));
        const bool below = !settings.prefix.empty() && path.starts_with(settings.prefix);
        if (!below && std::ranges::find(settings.paths, path) == settings.paths.end()) return 404;
        if (settings.gets && fields.method() == http::verb::get) {
            return parser_->content_length().value_or(0) > settings.body_bytes_max ? 413 : 0;
        }
        if (fields.method() != http::verb::post) return 405;
        if (!parser_->chunked() && !parser_->content_length()) return 411;
        if (parser_->content_length().value_or(0) > shared_.settings.body_bytes_max) return 413;
        const std::string_view type = view_of(fields[http::field::content_type]);
        const bool form = !settings.forms.empty() && path.starts_with(settings.forms) &&
                          type.substr(0, type.find(';')) == "application/x-www-form-urlencoded";
        if (!form && !is_json(type)) return 415;
        return 0;
    }

    void send_continue() {
        net::async_write(socket_, net::buffer(kContinue),
                         [self = shared_from_this()](error_code error, std::size_t) {
                             if (self->phase_ == Phase::kClosed) return;
                             if (error) return self->close();
                             self->read_body();
                         });
    }

    void read_body() {
        enter(Phase::kBody, shared_.settings.body_timeout);
        parser_->eager(true);
        parse_body();
    }

    void parse_body() {
        if (const unsigned status = parse(); status != 0) return refuse(status);
        const std::uint64_t bytes = parser_->get().body().size();
        const std::uint64_t more = bytes - std::exchange(body_bytes_, bytes);
        if ((shared_.body_bytes += more) > shared_.settings.bodies_bytes_max) return refuse(503);
        if (!parser_->is_done()) return receive();
        handle();
    }

    void release_body() { shared_.body_bytes -= std::exchange(body_bytes_, 0); }

    void handle() {
        const auto& message = parser_->get();
        keep_alive_ = message.keep_alive();
        ++request_;
        enter(Phase::kReply, shared_.settings.reply_timeout);
        HttpServer::Request request;
        request.method = view_of(message.method_string());
        request.target = view_of(message.target());
        request.path = path_of(request.target);
        request.body = message.body();
        request.peer = peer_;
        request.header = [&message](std::string_view name) {
            return view_of(message[beast::string_view{name.data(), name.size()}]);
        };
        shared_.handler(request, [weak = weak_from_this(), gate = gate_,
                                  number = request_](HttpServer::Reply reply) {
            Gate::post(gate, {weak, number, std::move(reply), {}});
        });
    }

    void refuse(unsigned status) {
        draining_ = true;
        release_body();
        parser_.emplace();  // What was read of it is of no use.
        respond({.status = status, .retry_after = status == 503 ? 5s : 0s}, false);
    }

    void respond(HttpServer::Reply reply, bool keep_alive) {
        enter(Phase::kWrite, shared_.settings.body_timeout);
        if (shared_.settings.problems && reply.status >= 400 && reply.text.empty()) {
            make_problem(reply);
        }
        if (reply.events) keep_alive = false;
        listen_ = std::move(reply.events);
        reply.events = listen_;
        keep_alive_ = keep_alive;
        answer_ = text_of(reply, keep_alive, shared_.settings.gets);
        // Nearly always the socket takes it at once.
        error_code error;
        const std::size_t written = socket_.write_some(net::buffer(answer_), error);
        if (error && error != net::error::would_block) return close();
        if (written == answer_.size()) return on_written();
        net::async_write(socket_, net::buffer(answer_) + written,
                         [self = shared_from_this()](error_code failed, std::size_t) {
                             if (self->phase_ == Phase::kClosed) return;
                             if (failed) return self->close();
                             self->on_written();
                         });
    }

    /// From now on nothing is read but the client's leaving.
    void begin_events() {
        answer_.clear();
        enter(Phase::kEvents, shared_.settings.body_timeout);
        const auto listen = std::exchange(listen_, nullptr);
        is_heard_ = std::make_shared<std::atomic<bool>>(true);
        drain();
        listen(EventsMaker::make([weak = weak_from_this(), gate = gate_, number = request_,
                                  heard = is_heard_](std::string event) {
            if (!*heard) return false;
            if (!event.empty()) Gate::post(gate, {weak, number, {}, std::move(event)});
            return true;
        }));
    }

    void write_events() {
        writes_ = true;
        answer_ = std::exchange(waiting_, {});
        enter(Phase::kEvents, shared_.settings.body_timeout);
        net::async_write(socket_, net::buffer(answer_),
                         [self = shared_from_this()](error_code failed, std::size_t) {
                             if (self->phase_ == Phase::kClosed) return;
                             if (failed) return self->close();
                             self->writes_ = false;
                             self->answer_.clear();
                             if (!self->waiting_.empty()) self->write_events();
                         });
    }

    void on_written() {
        if (listen_) return begin_events();
        if (keep_alive_) return wait();
        if (!draining_) return close();
        error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
        enter(Phase::kDrain, kDrainLimit);
        drain();
    }

    void drain() {
        buffer_.clear();
        receive();
    }

    void close() {
        if (std::exchange(phase_, Phase::kClosed) == Phase::kClosed) return;
        error_code ignored;
        if (is_heard_) *is_heard_ = false;
        timer_.cancel();
        socket_.shutdown(tcp::socket::shutdown_both, ignored);
        socket_.close(ignored);
        release_body();
        shared_.connections.remove(shared_from_this());
    }

    Socket socket_;
    Timer timer_;
    Shared& shared_;
    std::shared_ptr<Gate> gate_;
    beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::string_body>> parser_;
    std::string answer_;
    std::string peer_;
    std::function<void(HttpServer::Events)> listen_;
    std::shared_ptr<std::atomic<bool>> is_heard_;
    std::string waiting_;  ///< Events behind those that are being written.
    bool writes_ = false;
    std::uint64_t request_ = 0;
    std::uint64_t body_bytes_ = 0;  ///< That shared_ counts.
    std::atomic<Duration::rep> waits_since_ = 0;
    Phase phase_ = Phase::kIdle;
    Duration deadline_{0};
    Duration timer_at_{0};
    bool timer_runs_ = false;
    bool keep_alive_ = false;
    bool draining_ = false;
};

/// The one that lets us wait longest. It stays in the set until its own thread has closed it, so
/// that it does not outlive the server.
bool Connections::make_room(Duration now) {
    const auto waits_longer = [](const auto& one, const auto& other) {
        const Duration a = one->waits_since();
        const Duration b = other->waits_since();
        return a.count() != 0 && (b.count() == 0 || a < b);
    };
    const auto longest = std::ranges::min_element(open_, waits_longer);
    if (longest == open_.end()) return false;
    const Duration since = (*longest)->waits_since();
    if (since.count() == 0 || now - since < kWaitLeast) return false;
    (*longest)->make_way();
    return true;
}

void Gate::deliver() {
    std::vector<Entry> entries;
    {
        const std::lock_guard lock{mutex_};
        entries.swap(entries_);
    }
    for (Entry& entry : entries) {
        if (const auto connection = entry.connection.lock()) {
            if (!entry.event.empty()) {
                connection->push(std::move(entry.event));
            } else {
                connection->answer(entry.request, std::move(entry.reply));
            }
        }
    }
}

/// A thread with its connections: nothing of them is ever touched by another.
struct Loop {
    Loop() : gate(std::make_shared<Gate>(context)) {}

    net::io_context context{1};
    net::executor_work_guard<Executor> work{context.get_executor()};
    std::shared_ptr<Gate> gate;
    std::thread thread;
};

}  // namespace

class HttpServer::Impl {
public:
    Impl(const Settings& settings, Handler handler)
        : loops_(settings.threads),
          acceptor_(loops_.front().context),
          pause_(loops_.front().context),
          shared_{settings, std::move(handler), Connections{settings.connections_max}} {}

    ~Impl() {
        for (Loop& loop : loops_) {
            loop.gate->close();
            loop.context.stop();
        }
        for (Loop& loop : loops_) {
            if (loop.thread.joinable()) loop.thread.join();
        }
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
        for (Loop& loop : loops_) loop.thread = std::thread{[&loop] { loop.context.run(); }};
        return {};
    }

    [[nodiscard]] std::uint16_t port() const { return port_; }

private:
    void accept() {
        Loop& loop = loops_[turn_++ % loops_.size()];
        acceptor_.async_accept(loop.context, [this, &loop](error_code error, Socket socket) {
            if (!acceptor_.is_open()) return;
            if (error) return accept_later();
            const auto connection =
                std::make_shared<Connection>(std::move(socket), shared_, loop.gate);
            if (shared_.connections.add(connection, shared_.clock.steady())) {
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

    std::vector<Loop> loops_;  ///< First: the sockets of all others belong to them.
    tcp::acceptor acceptor_;
    net::steady_timer pause_;
    Shared shared_;
    std::uint16_t port_ = 0;
    std::size_t turn_ = 0;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() = default;

Result<std::unique_ptr<HttpServer>> HttpServer::start(const Settings& settings, Handler handler) {
    auto impl = std::make_unique<Impl>(settings, std::move(handler));
    if (auto started = impl->start(); !started) return fail(started.error());
    return std::unique_ptr<HttpServer>{new HttpServer{std::move(impl)}};
}

std::uint16_t HttpServer::port() const { return impl_->port(); }

}  // namespace syncline
