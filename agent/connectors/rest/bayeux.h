#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/timestamp.h"
#include "shared/model/value.h"

/// The messages of Bayeux 1.0 (CometD), as a client that polls long writes and reads them. Pure.
namespace syncline::agent::rest::bayeux {

inline constexpr std::string_view kHandshakeChannel = "/meta/handshake";
inline constexpr std::string_view kConnectChannel = "/meta/connect";
inline constexpr std::string_view kSubscribeChannel = "/meta/subscribe";

/// What a server wants a client to do next.
enum class Reconnect : std::uint8_t { kRetry, kHandshake, kNone };

struct Advice {
    Reconnect reconnect = Reconnect::kRetry;
    Duration interval{0};  ///< Before the next connect.
    Duration timeout{0};   ///< How long it holds a connect; 0: it has not said.
};

/// A server's answer to one message of ours.
struct Meta {
    std::string channel;
    bool successful = false;
    std::string error;   ///< "403::Unknown client", with the reason that stands beside it.
    std::string reason;  ///< That alone; often empty.
    std::string client_id;
    std::string subscription;
    /// Is that what we are not known by?
    [[nodiscard]] bool is_about_session() const {
        return !successful && (error.starts_with("401") || reason.starts_with("401"));
    }
    /// Has the server forgotten the client?
    [[nodiscard]] bool is_about_client() const;
};

struct Event {
    std::string channel;
    Value data;
};

struct Reply {
    std::vector<Meta> metas;
    std::vector<Event> events;  ///< As they were delivered.
    [[nodiscard]] const Meta* of(std::string_view channel) const;
};

/// A list of messages. What it advises goes into `advice`, with values within sense.
/// `failure_path`: of a reason beside `error`. kInvalid: it is no list of Bayeux messages.
[[nodiscard]] Result<Reply> read(const Value& json, std::string_view failure_path, Advice& advice);

/// Messages to be sent, as JSON. `id` tells them apart.
[[nodiscard]] std::string handshake(std::uint64_t id, bool replay);
[[nodiscard]] std::string connect(std::uint64_t id, const std::string& client);
/// Of channels with the replay id after which to go on: null where the server keeps none.
[[nodiscard]] std::string subscribe(std::uint64_t first_id, const std::string& client,
                                    const std::vector<std::pair<std::string, Value>>& channels);

}  // namespace syncline::agent::rest::bayeux
