// Requests to the webhook connector's server. Its parser is one with its sockets, so every input
// goes through a real connection: the server answers in HTTP or closes, always soon, and hands over
// only what is a whole POST of JSON to a path of its own within the limits.
#include <algorithm>
#include <array>
#include <atomic>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/http/server.h"
#include "tests/fuzz/must.h"

namespace syncline::fuzz {
namespace {

using namespace agent::webhook;
using namespace std::chrono_literals;

constexpr std::size_t kBodyMax = 512;
constexpr std::array kPaths{"/in", "/hook/a"};

void handle(const HttpServer::Request& request, const HttpServer::Answer& answer) {
    must(request.method == "POST" && request.body.size() <= kBodyMax);
    must(std::ranges::find(kPaths, request.path) != kPaths.end());
    must(request.target.starts_with(request.path));
    must(!request.header("content-TYPE").empty());
    answer({.status = 204});
}

HttpServer& server() {
    static const auto started = HttpServer::start({.body_bytes_max = kBodyMax,
                                                   .header_bytes_max = 1'024,
                                                   .paths = {kPaths.begin(), kPaths.end()}},
                                                  handle);
    must(started.has_value());
    return **started;
}

sockaddr_in address(std::uint32_t host, std::uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_addr.s_addr = htonl(host);
    out.sin_port = htons(port);
    return out;
}

/// Repeats what libFuzzer's own alarm interrupted; its time limit is the one that then holds.
ssize_t uninterrupted(const auto& call) {
    ssize_t result = 0;
    do {
        result = call();
    } while (result < 0 && errno == EINTR);
    return result;
}

int connect_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    must(fd >= 0);
    // From many addresses of the loopback in turn: the ports of one would run out.
    static std::uint32_t turn = 0;
    const sockaddr_in from = address(INADDR_LOOPBACK + 1 + turn++ % 200, 0);
    must(::bind(fd, reinterpret_cast<const sockaddr*>(&from), sizeof from) == 0);
    const timeval limit{.tv_sec = 4, .tv_usec = 0};  // Shorter than any time limit of the server.
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const sockaddr_in to = address(INADDR_LOOPBACK, port);
    must(uninterrupted([&] {
             return ::connect(fd, reinterpret_cast<const sockaddr*>(&to), sizeof to);
         }) == 0);
    return fd;
}

/// All that the server says to `request` until it closes.
std::string exchange(std::string_view request) {
    const int fd = connect_to(server().port());
    while (!request.empty()) {
        const ssize_t sent =
            uninterrupted([&] { return ::send(fd, request.data(), request.size(), MSG_NOSIGNAL); });
        if (sent <= 0) break;  // It has heard enough.
        request.remove_prefix(static_cast<std::size_t>(sent));
    }
    ::shutdown(fd, SHUT_WR);
    std::string reply;
    std::array<char, 4'096> piece{};
    ssize_t got = 0;
    const auto receive = [&] { return ::recv(fd, piece.data(), piece.size(), 0); };
    while ((got = uninterrupted(receive)) > 0) {
        reply.append(piece.data(), static_cast<std::size_t>(got));
    }
    must(got == 0 || errno == ECONNRESET);  // Not a time limit: it never leaves a sender waiting.
    ::close(fd);
    return reply;
}

void check_reply(std::string_view reply) {
    constexpr std::array kStatuses{"100", "204", "400", "404", "405", "411", "413", "415", "431"};
    constexpr std::string_view kVersion = "HTTP/1.1 ";
    while (!reply.empty()) {
        must(reply.starts_with(kVersion));
        const std::string_view status = reply.substr(kVersion.size(), 3);
        must(std::ranges::find(kStatuses, status) != kStatuses.end());
        const std::size_t end = reply.find("\r\n\r\n");
        must(end != std::string_view::npos);
        reply.remove_prefix(end + 4);  // No answer of these has a body.
    }
}

}  // namespace
}  // namespace syncline::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace syncline::fuzz;
    check_reply(exchange(text_of(data, size)));
    return 0;
}
