#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/free_port.h"
#include "tests/support/nats_server.h"

namespace syncline::test {

/// Three real nats-servers that keep streams together, each on free ports of the loopback.
class NatsCluster {
public:
    static constexpr std::size_t kServers = 3;

    NatsCluster() {
        std::array<std::uint16_t, kServers> ports{};
        std::string routes;
        for (std::uint16_t& port : ports) {
            port = free_port();
            routes += (routes.empty() ? "\"" : ", \"") + std::string{"nats-route://127.0.0.1:"} +
                      std::to_string(port) + "\"";
        }
        for (std::size_t i = 0; i < kServers; ++i) {
            const std::string config = "server_name: \"n" + std::to_string(i) +
                                       "\"\ncluster {\n  name: \"tests\"\n" +
                                       "  listen: \"127.0.0.1:" + std::to_string(ports[i]) +
                                       "\"\n  routes: [" + routes + "]\n}\n";
            servers_[i] = std::make_unique<NatsServer>(
                NatsServer::Options{.config = config, .start = NatsServer::Options::Start::kLater});
        }
        for (const auto& server : servers_) server->start();
    }

    [[nodiscard]] NatsServer& server(std::size_t index) { return *servers_.at(index); }
    [[nodiscard]] std::vector<std::string> urls() const {
        std::vector<std::string> urls;
        for (const auto& server : servers_) urls.push_back(server->url());
        return urls;
    }

private:
    std::array<std::unique_ptr<NatsServer>, kServers> servers_;
};

}  // namespace syncline::test
