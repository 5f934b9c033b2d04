#include "hub/ctl/replicas.h"

#include <algorithm>
#include <map>

#include "hub/ctl/text.h"

namespace syncline::ctl {

std::vector<TroubledServer> troubled_servers(const Cluster& cluster) {
    std::map<std::string, TroubledServer> found;
    for (const StreamView& stream : cluster.streams) {
        if (!stream.info) continue;
        for (const nats::StreamReplica& replica : stream.info->replicas) {
            if (replica.current && !replica.offline) continue;
            TroubledServer& server = found[replica.server];
            server.server = replica.server;
            server.offline = server.offline || replica.offline;
            server.held.push_back(stream.name);
            server.lag = std::max(server.lag, replica.lag);
        }
    }
    std::vector<TroubledServer> out;
    for (auto& [name, server] : found) out.push_back(std::move(server));
    return out;
}

std::string message_of(const TroubledServer& server) {
    const std::string streams =
        server.held.size() == 1
            ? server.held.front()
            : server.held.front() + " and " +
                  count_text(server.held.size() - 1, "other stream", "other streams");
    if (server.offline) return "server " + server.server + " is offline: a copy less of " + streams;
    return "server " + server.server + " is behind with " + streams + ", by " +
           count_text(server.lag, "message", "messages");
}

std::string hint_for(const TroubledServer& server) {
    if (server.offline) {
        return "Start it again: it takes what it lacks by itself. Until then one more server that "
               "fails stops everything; nothing is lost by that";
    }
    return "It catches up by itself; if the number does not fall, see its disk and its log";
}

int most_copies(const Cluster& cluster) {
    int most = 1;
    for (const StreamView& stream : cluster.streams) {
        if (stream.info) most = std::max(most, stream.info->copies_wanted);
    }
    return most;
}

std::vector<std::string> thin_streams(const Cluster& cluster) {
    std::vector<std::string> thin;
    const auto most = static_cast<std::size_t>(most_copies(cluster));
    for (const StreamView& stream : cluster.streams) {
        if (!stream.info || most == 1) continue;
        // One that has no leader does not say who holds it.
        if (stream.info->leader.empty() || stream.info->replicas.size() + 1 >= most) continue;
        thin.push_back(stream.name);
    }
    return thin;
}

}  // namespace syncline::ctl
