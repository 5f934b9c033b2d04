#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "hub/ctl/cluster.h"

/// Which servers of a cluster hold the streams, and which do not as they should. Pure.
namespace syncline::ctl {

/// A server that should hold copies and does not, or not all of them.
struct TroubledServer {
    std::string server;
    bool offline = false;           ///< Else it is behind.
    std::vector<std::string> held;  ///< The streams concerned.
    std::uint64_t lag = 0;          ///< Of the stream that is furthest behind.
};
/// By name. What an operator reads about one.
[[nodiscard]] std::vector<TroubledServer> troubled_servers(const Cluster& cluster);
[[nodiscard]] std::string message_of(const TroubledServer& server);
[[nodiscard]] std::string hint_for(const TroubledServer& server);

/// Streams that fewer servers hold than they were made for, or that have fewer copies than others.
[[nodiscard]] std::vector<std::string> thin_streams(const Cluster& cluster);
inline constexpr const char* kThinHint =
    "nats stream edit NAME --replicas=3, for each; hubs never change a stream that is there";

/// Most copies that a stream was made with.
[[nodiscard]] int most_copies(const Cluster& cluster);

}  // namespace syncline::ctl
