#include "agent/connectors/rest/bayeux.h"

#include <algorithm>

#include "agent/core/value_path.h"
#include "shared/base/json.h"

namespace syncline::agent::rest::bayeux {
namespace {

constexpr std::int64_t kIntervalMaxMs = 600'000;
constexpr std::int64_t kTimeoutMaxMs = 600'000;
constexpr std::size_t kTextMax = 300;

/// Printable, one line, cut: it goes to the log.
std::string clean(std::string_view text) {
    std::string out{text.substr(0, kTextMax)};
    std::ranges::replace_if(
        out, [](char c) { return static_cast<unsigned char>(c) - 0x20u >= 0x5fu; }, ' ');
    return out;
}

void take_advice(const Value& message, Advice& advice) {
    const Value* const told = at_path(message, "advice");
    if (told == nullptr || told->get<Value::Map>() == nullptr) return;
    const std::string reconnect = text_at(*told, "reconnect");
    if (reconnect == "retry") advice.reconnect = Reconnect::kRetry;
    if (reconnect == "handshake") advice.reconnect = Reconnect::kHandshake;
    if (reconnect == "none") advice.reconnect = Reconnect::kNone;
    const auto milliseconds = [&](const char* name, std::int64_t most, Duration& into) {
        const Value* const value = at_path(*told, name);
        const auto* count = value == nullptr ? nullptr : value->get<std::int64_t>();
        if (count == nullptr || *count < 0) return;
        into = std::chrono::milliseconds{std::min(*count, most)};
    };
    milliseconds("interval", kIntervalMaxMs, advice.interval);
    milliseconds("timeout", kTimeoutMaxMs, advice.timeout);
}

Meta meta_of(const Value& message, std::string_view failure_path) {
    const Value* const successful = at_path(message, "successful");
    const auto* flag = successful == nullptr ? nullptr : successful->get<bool>();
    Meta meta{.channel = text_at(message, "channel"),
              .successful = flag != nullptr && *flag,
              .error = clean(text_at(message, "error")),
              .reason = clean(text_at(message, failure_path)),
              .client_id = text_at(message, "clientId"),
              .subscription = text_at(message, "subscription")};
    if (meta.successful) return meta;
    if (meta.error.empty()) meta.error = "refused without a reason";
    if (!meta.reason.empty()) meta.error += " (" + meta.reason + ")";
    return meta;
}

}  // namespace

bool Meta::is_about_client() const {
    return !successful &&
           (error.starts_with("402") || error.find("nknown client") != std::string::npos);
}

const Meta* Reply::of(std::string_view channel) const {
    const auto at = std::ranges::find(metas, channel, &Meta::channel);
    return at == metas.end() ? nullptr : &*at;
}

Result<Reply> read(const Value& json, std::string_view failure_path, Advice& advice) {
    const auto* list = json.get<Value::List>();
    if (list == nullptr || list->empty()) {
        return fail(ErrorKind::kInvalid, "the reply is no list of Bayeux messages");
    }
    Reply reply;
    for (const Value& message : *list) {
        std::string channel = text_at(message, "channel");
        if (!channel.starts_with('/')) {
            return fail(ErrorKind::kInvalid, "the reply holds something that is no Bayeux message");
        }
        if (channel.starts_with("/meta/")) {
            take_advice(message, advice);
            reply.metas.push_back(meta_of(message, failure_path));
            continue;
        }
        const Value* const data = at_path(message, "data");
        if (data != nullptr) reply.events.push_back({std::move(channel), *data});
    }
    return reply;
}

std::string handshake(std::uint64_t id, bool replay) {
    Value::Map message{{"channel", kHandshakeChannel},
                       {"id", std::to_string(id)},
                       {"version", "1.0"},
                       {"minimumVersion", "1.0"},
                       {"supportedConnectionTypes", Value::List{"long-polling"}}};
    if (replay) message.emplace("ext", Value::Map{{"replay", true}});
    return to_json(Value::List{std::move(message)});
}

std::string connect(std::uint64_t id, const std::string& client) {
    return to_json(Value::List{Value::Map{{"channel", kConnectChannel},
                                          {"id", std::to_string(id)},
                                          {"clientId", client},
                                          {"connectionType", "long-polling"}}});
}

std::string subscribe(std::uint64_t first_id, const std::string& client,
                      const std::vector<std::pair<std::string, Value>>& channels) {
    Value::List messages;
    for (const auto& [channel, replay_id] : channels) {
        Value::Map message{{"channel", kSubscribeChannel},
                           {"id", std::to_string(first_id++)},
                           {"clientId", client},
                           {"subscription", channel}};
        if (!replay_id.is_null()) {
            message.emplace("ext", Value::Map{{"replay", Value::Map{{channel, replay_id}}}});
        }
        messages.emplace_back(std::move(message));
    }
    return to_json(std::move(messages));
}

}  // namespace syncline::agent::rest::bayeux
