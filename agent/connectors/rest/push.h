#pragma once

#include <map>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "agent/connectors/connector.h"
#include "agent/connectors/rest/auth.h"
#include "agent/connectors/rest/bayeux.h"
#include "agent/connectors/rest/door.h"

namespace syncline::agent::rest {

/// Where listening stands: the last replay id of each channel, as it was told.
struct PushPosition {
    std::map<std::string, Value, std::less<>> replay_ids;

    /// Moves to an event. What is no id is passed over.
    void take(const PushSpec& spec, const bayeux::Event& event);

    /// Empty text is the beginning. kCorrupt: it is not one of ours.
    static Result<PushPosition> decode(std::string_view text);
    /// Empty if nothing is known.
    [[nodiscard]] std::string encode() const;
};

/// Makes of the events what the agent is told. See README.md, "How push works".
void take_event(const PushSpec& spec, const std::vector<ObjectMapping>& objects, const Value& data,
                Pushed& pushed);

/// The channels that are listened to: those of the agent's file, else one of each object, each
/// once. kInvalid: one cannot be made.
[[nodiscard]] Result<std::vector<std::string>> push_channels(const Settings& settings);

/// A client of Bayeux by long polling. One call is one answer of the server; a connection that
/// broke begins anew after the position that the agent has stored, so that what was in a lost
/// answer comes again. Threading: as Connector; the door is used by nobody else meanwhile.
class PushSession {
public:
    /// `door` must outlive it, and its settings have a `push`.
    explicit PushSession(Door& door);

    /// As Connector::listen().
    Result<Pushed> listen(const std::string& position, std::stop_token stop);

private:
    Result<void> begin(Pushed& pushed, const std::stop_token& stop);
    Result<void> handshake(Pushed& pushed, const std::stop_token& stop);
    Result<void> subscribe(const std::vector<std::string>& channels, Pushed& pushed,
                           const std::stop_token& stop);
    Result<void> connect(Pushed& pushed, const std::stop_token& stop);
    Result<void> connect_failed(const bayeux::Meta& meta);
    Result<bayeux::Reply> send(const std::string& body, Duration limit,
                               const std::stop_token& stop);
    Result<bayeux::Reply> judged(const HttpRequest& request, const Door::Exchange& exchange);
    /// The session does not do. kDenied: neither does a new one. Else `again_` is set.
    std::unexpected<Error> lost_session(std::uint64_t generation, const std::string& why);
    void take_events(const bayeux::Reply& reply, Pushed& pushed);
    [[nodiscard]] std::string trouble() const;

    Door& door_;
    const PushSpec& spec_;
    std::vector<std::string> channels_;
    PushPosition position_;
    std::string told_;  ///< The position that was handed out last.
    std::string client_id_;
    Cookies cookies_;
    bayeux::Advice advice_;
    std::uint64_t ids_ = 0;
    bool connected_ = false;  ///< Since the last handshake.
    bool renewed_ = false;    ///< The session was, and nothing has shown that it helped.
    bool again_ = false;      ///< What failed may work from a new handshake on, at once.
    std::map<std::string, std::string> refused_;  ///< Channels, and why.
    Duration refused_again_{0};                   ///< When those are tried again.
};

}  // namespace syncline::agent::rest
