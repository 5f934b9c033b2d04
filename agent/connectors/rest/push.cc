#include "agent/connectors/rest/push.h"

#include <algorithm>
#include <utility>

#include "agent/connectors/rest/reader.h"
#include "agent/connectors/rest/request.h"
#include "agent/core/value_path.h"
#include "shared/base/json.h"

namespace syncline::agent::rest {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

/// Beyond what the server says it holds a poll.
constexpr Duration kPollMargin = seconds{10};
/// A server that answers at once and says nothing is not asked more often.
constexpr Duration kIdlePause = seconds{1};
constexpr std::size_t kReplayIdMax = 256;
/// Channels that were refused: somebody may have allowed them.
constexpr Duration kRefusedPause = minutes{10};

bool is_one_of(const std::vector<std::string>& all, const std::string& one) {
    return std::ranges::find(all, one) != all.end();
}

/// "Invoice__c" is "Invoice__ChangeEvent".
std::string event_name(const PushSpec& spec, const std::string& native) {
    const std::pair<std::string, std::string>* best = nullptr;
    for (const auto& one : spec.event_names) {
        const bool longer = best == nullptr || one.first.size() > best->first.size();
        if (native.ends_with(one.first) && longer) best = &one;
    }
    if (best == nullptr) return native;
    return native.substr(0, native.size() - best->first.size()) + best->second;
}

/// The ids of an event; empty if it names none for certain.
std::vector<std::string> ids_of(const PushSpec& spec, const Value& data) {
    const Value* const at = at_path(data, spec.ids);
    if (at == nullptr) return {};
    const auto* list = at->get<Value::List>();
    std::vector<std::string> ids;
    for (const Value& one : list != nullptr ? *list : Value::List{*at}) {
        std::string id = scalar_text(one).value_or("");
        // Salesforce writes `001*` where the type of a field was changed in all records.
        if (id.empty() || id.find('*') != std::string::npos) return {};
        ids.push_back(std::move(id));
    }
    return ids;
}

/// A number, or a text of sensible length.
bool is_replay_id(const Value& value) {
    const auto* text = value.get<std::string>();
    return value.get<std::int64_t>() != nullptr ||
           (text != nullptr && !text->empty() && text->size() <= kReplayIdMax);
}

void touch(Pushed& pushed, Pushed::Touched one) {
    const auto same = [&](const Pushed::Touched& other) {
        return other.object == one.object && other.record == one.record;
    };
    if (std::ranges::none_of(pushed.records, same)) pushed.records.push_back(std::move(one));
}

}  // namespace

Result<PushPosition> PushPosition::decode(std::string_view text) {
    PushPosition position;
    if (text.empty()) return position;
    const auto json = parse_json(text);
    const Value* const channels = json ? at_path(*json, "channels") : nullptr;
    const auto* map = channels == nullptr ? nullptr : channels->get<Value::Map>();
    if (map == nullptr || text_at(*json, "v") != "1") {
        return fail(ErrorKind::kCorrupt, "the position in the pushes is not one of `rest`");
    }
    for (const auto& [channel, id] : *map) {
        if (is_replay_id(id)) position.replay_ids.emplace(channel, id);
    }
    return position;
}

void PushPosition::take(const PushSpec& spec, const bayeux::Event& event) {
    if (spec.replay_id.empty()) return;
    const Value* const id = at_path(event.data, spec.replay_id);
    // The last one as it came, not the greatest: ids begin anew where an org was moved.
    if (id != nullptr && is_replay_id(*id)) replay_ids.insert_or_assign(event.channel, *id);
}

std::string PushPosition::encode() const {
    if (replay_ids.empty()) return {};
    Value::Map channels;
    for (const auto& [channel, id] : replay_ids) channels.emplace(channel, id);
    return to_json(Value::Map{{"v", 1}, {"channels", std::move(channels)}});
}

void take_event(const PushSpec& spec, const std::vector<ObjectMapping>& objects, const Value& data,
                Pushed& pushed) {
    ++pushed.events;
    const std::string change = text_at(data, spec.change);
    const std::string origin = text_at(data, spec.origin);
    const bool read = is_one_of(spec.read_when, change);
    const bool own = std::ranges::any_of(
        spec.own_origins, [&](const std::string& end) { return origin.ends_with(end); });
    if (own && !read && !is_one_of(spec.gaps, change)) {
        ++pushed.own;
        return;
    }
    const std::string native = text_at(data, spec.native);
    const std::vector<std::string> ids = ids_of(spec, data);
    if (native.empty()) pushed.read = true;  // Something changed, and it does not say what.
    for (const ObjectMapping& object : objects) {
        if (object.native != native) continue;
        if (read || ids.empty() || object.key != spec.key) {
            pushed.read = true;
            continue;
        }
        for (const std::string& id : ids) {
            touch(pushed, {object.object, RecordId{id}, !object.filter.empty()});
        }
    }
}

Result<std::vector<std::string>> push_channels(const Settings& settings) {
    if (!settings.push_channels.empty()) return settings.push_channels;
    std::vector<std::string> channels;
    for (const ObjectMapping& object : settings.objects) {
        Variables variables = object_variables(settings.profile, object);
        variables["event"] = event_name(*settings.profile.push, object.native);
        auto channel = settings.profile.push->channel.render(variables, Context::kClause);
        if (!channel) return fail(channel.error(), object.object.text);
        if (!is_one_of(channels, *channel)) channels.push_back(std::move(*channel));
    }
    return channels;
}

PushSession::PushSession(Door& door) : door_(door), spec_(*door.settings().profile.push) {}

Result<Pushed> PushSession::listen(const std::string& position, std::stop_token stop) {
    // What was handed out and is not there did not get stored.
    if (position != told_) client_id_.clear();
    Pushed pushed;
    if (client_id_.empty()) {
        auto decoded = PushPosition::decode(position);
        if (!decoded) {
            pushed.notes.push_back(decoded.error().what + "; listening from now on");
            pushed.read = true;
            decoded = PushPosition{};
        }
        position_ = std::move(*decoded);
    }
    again_ = false;
    auto done = client_id_.empty() ? begin(pushed, stop) : connect(pushed, stop);
    if (!done && again_) {
        client_id_.clear();
        done = begin(pushed, stop);
    }
    if (!done) {
        client_id_.clear();
        return fail(done.error());
    }
    pushed.position = told_ = position_.encode();
    pushed.trouble = trouble();
    return pushed;
}

Result<void> PushSession::begin(Pushed& pushed, const std::stop_token& stop) {
    auto channels = push_channels(door_.settings());
    if (!channels) return fail(channels.error(), "push");
    channels_ = std::move(*channels);
    std::erase_if(position_.replay_ids,
                  [&](const auto& one) { return !is_one_of(channels_, one.first); });
    cookies_.clear();
    advice_ = {};
    connected_ = false;
    for (int attempt = 0;; ++attempt) {
        again_ = false;
        const auto done = handshake(pushed, stop);
        if (done) break;
        if (!again_ || attempt > 0) return done;
    }
    return subscribe(channels_, pushed, stop);
}

Result<void> PushSession::handshake(Pushed& pushed, const std::stop_token& stop) {
    const auto reply = send(bayeux::handshake(++ids_, !spec_.replay_id.empty()),
                            door_.settings().profile.timeout, stop);
    if (!reply) return fail(reply.error());
    take_events(*reply, pushed);
    const bayeux::Meta* const meta = reply->of(bayeux::kHandshakeChannel);
    if (meta == nullptr || (meta->successful && meta->client_id.empty())) {
        return fail(ErrorKind::kUnavailable, "the handshake was not answered by one");
    }
    if (!meta->successful) {
        return fail(advice_.reconnect == bayeux::Reconnect::kNone ? ErrorKind::kDenied
                                                                  : ErrorKind::kUnavailable,
                    "handshake: " + meta->error);
    }
    client_id_ = meta->client_id;
    return {};
}

Result<void> PushSession::subscribe(const std::vector<std::string>& channels, Pushed& pushed,
                                    const std::stop_token& stop) {
    std::vector<std::pair<std::string, Value>> wanted;
    for (const std::string& channel : channels) {
        const auto at = position_.replay_ids.find(channel);
        const bool known = at != position_.replay_ids.end();
        wanted.emplace_back(channel, spec_.replay_id.empty() ? Value{} : known ? at->second : -1);
    }
    const auto reply = send(bayeux::subscribe(ids_ + 1, client_id_, wanted),
                            door_.settings().profile.timeout, stop);
    ids_ += wanted.size();
    if (!reply) return fail(reply.error());
    take_events(*reply, pushed);
    std::vector<std::string> lost;
    bool forgotten = false;
    for (const std::string& channel : channels) {
        const auto meta = std::ranges::find(reply->metas, channel, &bayeux::Meta::subscription);
        const std::string error = meta == reply->metas.end() ? "no answer" : meta->error;
        if (meta != reply->metas.end() && meta->successful) {
            refused_.erase(channel);
            continue;
        }
        forgotten = forgotten || (meta != reply->metas.end() && meta->is_about_client());
        const bool is_lost = std::ranges::any_of(spec_.replay_lost, [&](const std::string& part) {
            return error.find(part) != std::string::npos;
        });
        if (is_lost && position_.replay_ids.erase(channel) > 0) {
            pushed.notes.push_back(channel + ": " + error +
                                   ". It is listened to from now on; what was said since is read");
            pushed.read = true;
            lost.push_back(channel);
        } else {
            refused_[channel] = error;
        }
    }
    if (!lost.empty()) {
        if (auto done = subscribe(lost, pushed, stop); !done) return done;
    }
    refused_again_ = door_.clock().steady() + kRefusedPause;
    if (refused_.size() < channels_.size()) return {};
    return fail(forgotten ? ErrorKind::kUnavailable : ErrorKind::kUnsupported, trouble());
}

Result<void> PushSession::connect(Pushed& pushed, const std::stop_token& stop) {
    const Duration began = door_.clock().steady();
    if (!refused_.empty() && began >= refused_again_) {
        std::vector<std::string> channels;
        for (const auto& [channel, why] : refused_) channels.push_back(channel);
        if (auto done = subscribe(channels, pushed, stop); !done) return done;
    }
    const Duration wait = advice_.timeout > Duration{0} ? advice_.timeout : spec_.wait;
    const auto reply = send(bayeux::connect(++ids_, client_id_), wait + kPollMargin, stop);
    if (!reply) return fail(reply.error());
    take_events(*reply, pushed);
    const bayeux::Meta* const meta = reply->of(bayeux::kConnectChannel);
    if (meta == nullptr && reply->events.empty()) {
        return fail(ErrorKind::kUnavailable, "the poll was answered by something else");
    }
    if (meta != nullptr && !meta->successful) return connect_failed(*meta);
    pushed.pause = advice_.interval;
    const bool in_vain = connected_ && reply->events.empty();
    if (in_vain && door_.clock().steady() - began < kIdlePause) {
        pushed.pause = std::max(pushed.pause, kIdlePause);
    }
    connected_ = true;
    renewed_ = false;
    return {};
}

Result<void> PushSession::connect_failed(const bayeux::Meta& meta) {
    // A client that was never connected is forgotten again at once: no use in haste.
    again_ = connected_ && advice_.reconnect != bayeux::Reconnect::kNone &&
             advice_.interval == Duration{0};
    return fail(ErrorKind::kUnavailable, "connect: " + meta.error);
}

Result<bayeux::Reply> PushSession::send(const std::string& body, Duration limit,
                                        const std::stop_token& stop) {
    const Profile& profile = door_.settings().profile;
    RequestSpec spec{.method = "POST", .path = spec_.path, .timeout = limit};
    auto request = render_request(profile, spec, {{"api", profile.api}});
    if (!request) return fail(request.error(), "push");
    request->body = body;
    if (const std::string cookies = cookie_text(cookies_); !cookies.empty()) {
        request->headers.emplace_back("Cookie", cookies);
    }
    const auto exchange = door_.exchange(*request, stop);
    if (!exchange) return fail(exchange.error());
    take_cookies(exchange->response.header("set-cookie"), cookies_);
    return judged(*request, *exchange);
}

Result<bayeux::Reply> PushSession::judged(const HttpRequest& request,
                                          const Door::Exchange& exchange) {
    const HttpResponse& response = exchange.response;
    const auto json = parse_json(response.body, {door_.settings().profile.response_bytes_max, 64});
    auto reply = json ? bayeux::read(*json, spec_.failure_path, advice_)
                      : Result<bayeux::Reply>{fail(json.error())};
    // A server may say the same by its status, or within a 200.
    if (reply) {
        const auto at = std::ranges::find_if(reply->metas, &bayeux::Meta::is_about_session);
        if (at != reply->metas.end()) return lost_session(exchange.generation, at->error);
    }
    if (response.status == 401) {
        return lost_session(exchange.generation, door_.refusal(request, response).what);
    }
    if (reply && (!reply->metas.empty() || response.status < 300)) return reply;
    if (response.status >= 200 && response.status < 300) {
        return fail(ErrorKind::kUnavailable,
                    "HTTP " + std::to_string(response.status) + ": " + reply.error().what);
    }
    return fail(door_.refusal(request, response));
}

std::unexpected<Error> PushSession::lost_session(std::uint64_t generation, const std::string& why) {
    if (std::exchange(renewed_, true)) {
        return fail(ErrorKind::kDenied, why + ", also with a new session");
    }
    if (const auto renewed = door_.renew(generation); !renewed) {
        return fail(ErrorKind::kDenied, why);
    }
    again_ = true;
    return fail(ErrorKind::kUnavailable, why);
}

void PushSession::take_events(const bayeux::Reply& reply, Pushed& pushed) {
    for (const bayeux::Event& event : reply.events) {
        if (!is_one_of(channels_, event.channel)) continue;
        take_event(spec_, door_.settings().objects, event.data, pushed);
        position_.take(spec_, event);
    }
}

std::string PushSession::trouble() const {
    std::string text;
    for (const auto& [channel, why] : refused_) {
        text += (text.empty() ? "" : "; ") + channel + " is not heard: " + why;
    }
    return text;
}

}  // namespace syncline::agent::rest
