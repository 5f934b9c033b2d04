#pragma once

// The hub's HTTP API, asked by a client that says what it likes.
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shared/base/json.h"
#include "shared/base/sha256.h"
#include "shared/http/client.h"
#include "shared/model/member.h"
#include "tests/integration/running_system.h"
#include "tests/support/free_port.h"

namespace syncline::test {

using Headers = std::vector<std::pair<std::string, std::string>>;

inline std::string token_toml(const std::string& name, const std::string& roles,
                              const std::string& more = {}) {
    return "[[api.tokens]]\nname = \"" + name + "\"\nsha256 = \"" +
           hexadecimal(bytes_of(sha256({name + "-token"}))) + "\"\nroles = [" + roles + "]\n" +
           more;
}

class HubApi : public RunningSystem {
protected:
    explicit HubApi(const std::string& tokens = {}) {
        write("hub.toml",
              read("hub.toml") + "[api]\nport = " + std::to_string(port_) + "\n" + tokens);
    }
    /// `shop` tells of customers, and deletes the second one: a person decides what that means.
    void start_with_exception() {
        start_all();
        drop("customers-1.jsonl", row("1", "Ada") + row("2", "Bob"));
        ASSERT_TRUE(arrives({"0", "1", "2"}));
        drop("customers-2.jsonl", R"({"op":"delete","customer_no":"2"})"
                                  "\n");
        ASSERT_TRUE(until([&] { return number_member(json("/v1/exceptions"), "total") == 1; },
                          std::chrono::milliseconds{100}));
    }
    HttpResponse send(const std::string& method, const std::string& path, const std::string& body,
                      Headers headers = {}) {
        if (method == "POST") headers.emplace_back("Content-Type", "application/json");
        if (!token_.empty()) headers.emplace_back("Authorization", "Bearer " + token_);
        const auto response = http_.send({.method = method,
                                          .url = "http://127.0.0.1:" + std::to_string(port_) + path,
                                          .headers = std::move(headers),
                                          .body = body},
                                         {});
        return response ? *response : HttpResponse{.status = -1, .body = response.error().what};
    }
    HttpResponse get(const std::string& path, Headers headers = {}) {
        return send("GET", path, "", std::move(headers));
    }
    HttpResponse post(const std::string& path, const std::string& body, Headers headers = {}) {
        return send("POST", path, body, std::move(headers));
    }
    Value json(const std::string& path) {
        const HttpResponse response = get(path);
        const auto read = parse_json(response.body);
        return response.status == 200 && read ? *read : Value{};
    }
    /// What is sent as it is, and all that comes back.
    std::string raw(const std::string& text,
                    std::chrono::seconds most = std::chrono::seconds{5}) const {
        const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port_);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const timeval limit{.tv_sec = most.count(), .tv_usec = 0};
        ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        std::string back;
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 &&
            ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) >= 0) {
            char buffer[4'096];
            for (ssize_t n = 0; (n = ::recv(fd, buffer, sizeof buffer, 0)) > 0;) {
                back.append(buffer, static_cast<std::size_t>(n));
                if (back.find("event: changed") != std::string::npos) break;
            }
        }
        ::close(fd);
        return back;
    }

    const std::uint16_t port_ = free_port();
    std::string token_;
    CurlClient http_;
};

inline std::string kind_of(const HttpResponse& response) {
    EXPECT_EQ(response.header("content-type"), "application/problem+json") << response.body;
    const auto read = parse_json(response.body);
    if (!read) return "no JSON: " + response.body;
    EXPECT_EQ(number_member(*read, "status"), static_cast<std::uint64_t>(response.status));
    EXPECT_FALSE(text_member(*read, "title").empty());
    return text_member(*read, "kind");
}

inline const Value& first(const Value& value, std::string_view list) {
    static const Value none;
    const Value* found = member(value, list);
    const auto* items = found == nullptr ? nullptr : found->get<Value::List>();
    return items == nullptr || items->empty() ? none : items->front();
}

}  // namespace syncline::test
