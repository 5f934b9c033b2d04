#include "shared/http/server.h"

#include <boost/asio/executor_work_guard.hpp>
#include <thread>
#include <utility>

#include "shared/http/server_connection.h"

namespace syncline {
namespace {

using namespace http_server;
using namespace std::chrono_literals;

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
