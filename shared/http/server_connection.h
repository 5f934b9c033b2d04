#pragma once

#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "shared/base/clock.h"
#include "shared/http/server.h"

/// What an HttpServer is made of: see there.
namespace syncline::http_server {

namespace net = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = net::ip::tcp;
using boost::system::error_code;

// The executor by its own type: the one that may be any executor costs more than the requests.
using Executor = net::io_context::executor_type;
using Socket = net::basic_stream_socket<tcp, Executor>;
using Timer = net::basic_waitable_timer<std::chrono::steady_clock,
                                        net::wait_traits<std::chrono::steady_clock>, Executor>;

/// What a connection waits for; each has a time limit of its own.
enum class Phase : std::uint8_t { kIdle, kHeader, kBody, kReply, kWrite, kEvents, kDrain, kClosed };
class Connection;

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
    bool add(const std::shared_ptr<Connection>& connection, Duration now);
    /// Too much of bodies is here: one that lets us wait for the rest of it is given up. False:
    /// there is none.
    bool drop_body(Duration now);
    void remove(const std::shared_ptr<Connection>& connection);

private:
    using Since = Duration (Connection::*)() const;
    bool make_room(Duration now, Since since);

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
    Connection(Socket socket, Shared& shared, std::shared_ptr<Gate> gate);
    void start();

    /// Too many are open: says so, as far as the socket's buffer takes it, and closes.
    void turn_away();

    /// Since when the client lets us wait, for a request or the rest of it; 0: it does not. Any
    /// thread.
    [[nodiscard]] Duration waits_since() const { return Duration{waits_since_.load()}; }
    /// The same of a body that is here in part.
    [[nodiscard]] Duration body_waits_since() const { return Duration{body_since_.load()}; }
    /// Another one gets its place. Any thread.
    void make_way();
    void answer(std::uint64_t request, HttpServer::Reply reply);

    /// An event for who listens. One that takes nothing for too long listens no more.
    void push(std::string event);

private:
    void enter(Phase phase, Duration limit);

    /// The timer is left alone when the deadline moves back, which it does several times a
    /// request: having come too early, it is set anew.
    void start_timer();

    /// Who listens is left alone, unless an event is on its way for too long.
    void start_timer_anew() { enter(Phase::kEvents, shared_.settings.body_timeout); }

    void wait();
    void receive();
    void on_received(error_code error, std::size_t bytes);

    /// What this phase wants is here. The parser must not be given more then: with an empty body
    /// the message ends with its headers, and what follows is the next request.
    [[nodiscard]] bool is_parsed() const;

    /// 0: fine, or more is needed.
    unsigned parse();
    void read_header();
    static unsigned status_of(error_code error);

    /// 0: fine.
    [[nodiscard]] unsigned check_header() const;
    void send_continue();
    void read_body();
    void parse_body();
    void release_body();

    void handle();
    void refuse(unsigned status);
    void respond(HttpServer::Reply reply, bool keep_alive);

    /// From now on nothing is read but the client's leaving.
    void begin_events();
    void write_events();
    void on_written();
    void drain();
    void close();

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
    std::atomic<Duration::rep> body_since_ = 0;
    Phase phase_ = Phase::kIdle;
    Duration deadline_{0};
    Duration timer_at_{0};
    bool timer_runs_ = false;
    bool keep_alive_ = false;
    bool draining_ = false;
};

}  // namespace syncline::http_server
