#include "shared/http/server_connection.h"

#include <algorithm>
#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/write.hpp>
#include <utility>

#include "shared/http/reply_text.h"

namespace syncline {

/// Makes what only the server may.
class EventsMaker {
public:
    static HttpServer::Events make(std::function<bool(std::string)> push) {
        return HttpServer::Events{std::move(push)};
    }
};

namespace http_server {
namespace {

using namespace std::chrono_literals;

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

/// It is the client that lets us wait.
bool waits(Phase phase) {
    return phase != Phase::kReply && phase != Phase::kEvents && phase != Phase::kClosed;
}

}  // namespace

bool Connections::add(const std::shared_ptr<Connection>& connection, Duration now) {
    const std::lock_guard lock{mutex_};
    if (open_.size() >= max_ && !make_room(now, &Connection::waits_since)) return false;
    open_.insert(connection);
    return true;
}

bool Connections::drop_body(Duration now) {
    const std::lock_guard lock{mutex_};
    return make_room(now, &Connection::body_waits_since);
}

void Connections::remove(const std::shared_ptr<Connection>& connection) {
    const std::lock_guard lock{mutex_};
    open_.erase(connection);
}

/// The one that lets us wait longest. It stays in the set until its own thread has closed it, so
/// that it does not outlive the server.
bool Connections::make_room(Duration now, Since since) {
    const auto waits_longer = [since](const auto& one, const auto& other) {
        const Duration a = (*one.*since)();
        const Duration b = (*other.*since)();
        return a.count() != 0 && (b.count() == 0 || a < b);
    };
    const auto longest = std::ranges::min_element(open_, waits_longer);
    if (longest == open_.end()) return false;
    const Duration waited_since = ((**longest).*since)();
    if (waited_since.count() == 0 || now - waited_since < kWaitLeast) return false;
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

Connection::Connection(Socket socket, Shared& shared, std::shared_ptr<Gate> gate)
    : socket_(std::move(socket)),
      timer_(socket_.get_executor()),
      shared_(shared),
      gate_(std::move(gate)),
      buffer_(shared.settings.header_bytes_max + kReadAhead) {}

void Connection::start() {
    error_code ignored;
    socket_.set_option(tcp::no_delay{true}, ignored);
    socket_.non_blocking(true, ignored);
    if (const auto peer = socket_.remote_endpoint(ignored); !ignored)
        peer_ = peer.address().to_string();
    net::dispatch(socket_.get_executor(), [self = shared_from_this()] { self->wait(); });
}

void Connection::turn_away() {
    error_code ignored;
    socket_.non_blocking(true, ignored);
    socket_.write_some(net::buffer(kTooMany), ignored);
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
}

void Connection::make_way() {
    waits_since_ = body_since_ = 0;  // Chosen once.
    net::post(socket_.get_executor(), [self = shared_from_this()] {
        if (waits(self->phase_)) self->close();  // Else it is being answered by now.
    });
}

void Connection::answer(std::uint64_t request, HttpServer::Reply reply) {
    if (phase_ != Phase::kReply || request != request_) return;
    respond(std::move(reply), keep_alive_);
}

void Connection::push(std::string event) {
    if (phase_ != Phase::kEvents) return;
    if (answer_.size() + waiting_.size() + event.size() > kEventBytesMost) return close();
    waiting_ += event;
    if (!writes_) write_events();
}

void Connection::enter(Phase phase, Duration limit) {
    phase_ = phase;
    const Duration now = shared_.clock.steady();
    waits_since_ = waits(phase) ? now.count() : 0;
    deadline_ = now + limit;
    if (!timer_runs_ || deadline_ < timer_at_) start_timer();
}

void Connection::start_timer() {
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

void Connection::wait() {
    release_body();
    parser_.emplace();
    parser_->header_limit(shared_.settings.header_bytes_max);
    parser_->body_limit(shared_.settings.body_bytes_max);
    enter(Phase::kIdle, shared_.settings.idle_timeout);
    if (buffer_.size() > 0) return read_header();  // Sent ahead.
    receive();
}

void Connection::receive() {
    if (buffer_.size() + kReadBytes > buffer_.max_size()) return refuse(400);
    socket_.async_read_some(buffer_.prepare(kReadBytes),
                            [self = shared_from_this()](error_code error, std::size_t bytes) {
                                self->on_received(error, bytes);
                            });
}

void Connection::on_received(error_code error, std::size_t bytes) {
    if (phase_ == Phase::kClosed) return;
    buffer_.commit(bytes);
    if (phase_ == Phase::kDrain || phase_ == Phase::kEvents) return error ? close() : drain();
    // In the middle of headers an end is answered: the client may only have stopped sending.
    if (error == net::error::eof && phase_ == Phase::kHeader) return refuse(400);
    if (error) return close();
    phase_ == Phase::kBody ? parse_body() : read_header();
}

bool Connection::is_parsed() const {
    return phase_ == Phase::kBody ? parser_->is_done() : parser_->is_header_done();
}

unsigned Connection::parse() {
    while (!is_parsed() && buffer_.size() > 0) {
        error_code error;
        const std::size_t taken = parser_->put(buffer_.data(), error);
        buffer_.consume(taken);
        if (error == http::error::need_more || (!error && taken == 0)) return 0;
        if (error) return status_of(error);
    }
    return 0;
}

void Connection::read_header() {
    if (phase_ == Phase::kIdle) enter(Phase::kHeader, shared_.settings.header_timeout);
    if (const unsigned status = parse(); status != 0) return refuse(status);
    if (!parser_->is_header_done()) return receive();
    if (const unsigned status = check_header(); status != 0) return refuse(status);
    const auto& fields = parser_->get();
    if (beast::iequals(fields[http::field::expect], "100-continue")) return send_continue();
    read_body();
}

unsigned Connection::status_of(error_code error) {
    if (error == http::error::header_limit) return 431;
    if (error == http::error::body_limit) return 413;
    return 400;
}

unsigned Connection::check_header() const {
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

void Connection::send_continue() {
    net::async_write(socket_, net::buffer(kContinue),
                     [self = shared_from_this()](error_code error, std::size_t) {
                         if (self->phase_ == Phase::kClosed) return;
                         if (error) return self->close();
                         self->read_body();
                     });
}

void Connection::read_body() {
    enter(Phase::kBody, shared_.settings.body_timeout);
    parser_->eager(true);
    parse_body();
}

void Connection::parse_body() {
    if (const unsigned status = parse(); status != 0) return refuse(status);
    const std::uint64_t bytes = parser_->get().body().size();
    const std::uint64_t more = bytes - std::exchange(body_bytes_, bytes);
    const Duration now = shared_.clock.steady();
    if (more > 0 && body_since_ == 0) body_since_ = now.count();
    const bool too_much = (shared_.body_bytes += more) > shared_.settings.bodies_bytes_max;
    if (too_much && !shared_.connections.drop_body(now)) return refuse(503);
    if (!parser_->is_done()) return receive();
    handle();
}

void Connection::release_body() {
    body_since_ = 0;
    shared_.body_bytes -= std::exchange(body_bytes_, 0);
}

void Connection::handle() {
    body_since_ = 0;  // It is we who let it wait now.
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

void Connection::refuse(unsigned status) {
    draining_ = true;
    release_body();
    parser_.emplace();  // What was read of it is of no use.
    respond({.status = status, .retry_after = status == 503 ? 5s : 0s}, false);
}

void Connection::respond(HttpServer::Reply reply, bool keep_alive) {
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

void Connection::begin_events() {
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

void Connection::write_events() {
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

void Connection::on_written() {
    if (listen_) return begin_events();
    if (keep_alive_) return wait();
    if (!draining_) return close();
    error_code ignored;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
    enter(Phase::kDrain, kDrainLimit);
    drain();
}

void Connection::drain() {
    buffer_.clear();
    receive();
}

void Connection::close() {
    if (std::exchange(phase_, Phase::kClosed) == Phase::kClosed) return;
    error_code ignored;
    if (is_heard_) *is_heard_ = false;
    timer_.cancel();
    socket_.shutdown(tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
    release_body();
    shared_.connections.remove(shared_from_this());
}

}  // namespace http_server
}  // namespace syncline
