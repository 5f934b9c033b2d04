#include "shared/nats/jetstream_api.h"

#include <algorithm>
#include <array>
#include <charconv>

#include <boost/json.hpp>

#include "shared/nats/replies.h"

namespace syncline::nats::api {
namespace {

namespace json = boost::json;

constexpr std::int64_t kStreamNameInUse = 10058;
constexpr std::int64_t kNoMessageFound = 10037;

/// Servers tell each other every second that they are there.
constexpr std::uint64_t kReplicaSilentNs = 5'000'000'000;

constexpr std::string_view kBase64 =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

constexpr std::array<std::int8_t, 256> make_base64_values() {
    std::array<std::int8_t, 256> out{};
    out.fill(-1);
    for (std::size_t i = 0; i < kBase64.size(); ++i) {
        out[static_cast<unsigned char>(kBase64[i])] = static_cast<std::int8_t>(i);
    }
    return out;
}
constexpr auto kBase64Values = make_base64_values();

std::string subject_of(std::string_view verb, std::string_view rest) {
    std::string out{kPrefix};
    out.append(verb).append(".").append(rest);
    return out;
}

json::string_view as_json(std::string_view text) { return {text.data(), text.size()}; }

std::uint64_t number_in(const json::object& object, const char* name) {
    const json::value* found = object.if_contains(name);
    boost::system::error_code none;
    return found == nullptr ? 0 : found->to_number<std::uint64_t>(none);
}

std::string_view text_in(const json::object& object, const char* name) {
    const json::value* found = object.if_contains(name);
    if (found == nullptr || !found->is_string()) return {};
    return {found->get_string().data(), found->get_string().size()};
}

const json::object* object_in(const json::object& object, const char* name) {
    const json::value* found = object.if_contains(name);
    return found == nullptr ? nullptr : found->if_object();
}

std::unexpected<Error> unreadable(std::string_view body) {
    return fail(ErrorKind::kUnavailable,
                "JetStream's answer cannot be read: " + std::string{body.substr(0, 200)});
}

struct ApiError {
    std::int64_t code = 0;
    std::string text;
};

/// The answer's object; its `error` member, if there is one, in `error`.
Result<json::object> parse_answer(std::string_view body, ApiError& error) {
    boost::system::error_code failed;
    json::value parsed = json::parse(as_json(body), failed);
    if (failed || !parsed.is_object()) return unreadable(body);
    if (const json::object* found = object_in(parsed.get_object(), "error")) {
        error.code = static_cast<std::int64_t>(number_in(*found, "err_code"));
        error.text = "JetStream error " + std::to_string(error.code) + ", " +
                     std::string{text_in(*found, "description").substr(0, 200)};
    }
    return std::move(parsed.get_object());
}

Result<json::object> parse_answer(std::string_view body) {
    ApiError error;
    auto answer = parse_answer(body, error);
    if (!answer || error.text.empty()) return answer;
    return fail(kind_of_jetstream_error(error.code), error.text);
}

Timestamp time_in(const json::object& object, const char* name) {
    return parse_timestamp(text_in(object, name)).value_or(Timestamp{});
}

json::object metadata_of(const StreamConfig& config) {
    json::object out;
    for (const auto& [name, value] : config.metadata) out[name] = value;
    return out;
}

std::vector<std::pair<std::string, std::string>> metadata_in(const json::object& info) {
    std::vector<std::pair<std::string, std::string>> out;
    const json::object* config = object_in(info, "config");
    const json::object* found = config == nullptr ? nullptr : object_in(*config, "metadata");
    if (found == nullptr) return out;
    for (const auto& [name, value] : *found) {
        // Servers from 2.11 on add members of their own.
        if (name.starts_with("_nats.") || !value.is_string()) continue;
        out.emplace_back(std::string{name.data(), name.size()}, value.get_string().c_str());
    }
    return out;
}

int copies_in(const json::object& info) {
    constexpr std::uint64_t kMost = 5;  // A server makes no more.
    const json::object* config = object_in(info, "config");
    const std::uint64_t copies = config == nullptr ? 1 : number_in(*config, "num_replicas");
    return static_cast<int>(std::clamp<std::uint64_t>(copies, 1, kMost));
}

std::string leader_in(const json::object& info) {
    const json::object* cluster = object_in(info, "cluster");
    return cluster == nullptr ? std::string{} : std::string{text_in(*cluster, "leader")};
}

bool flag_in(const json::object& object, const char* name) {
    const json::value* found = object.if_contains(name);
    return found != nullptr && found->is_bool() && found->get_bool();
}

std::vector<StreamReplica> replicas_in(const json::object& info) {
    std::vector<StreamReplica> out;
    const json::object* cluster = object_in(info, "cluster");
    const json::value* found = cluster == nullptr ? nullptr : cluster->if_contains("replicas");
    if (found == nullptr || !found->is_array()) return out;
    for (const json::value& one : found->get_array()) {
        if (!one.is_object()) continue;
        const json::object& replica = one.get_object();
        const bool current = flag_in(replica, "current");
        // A server that was killed is called offline only a minute and more later.
        const bool silent = !current && number_in(replica, "active") > kReplicaSilentNs;
        out.push_back({.server = std::string{text_in(replica, "name")},
                       .current = current,
                       .offline = flag_in(replica, "offline") || silent,
                       .lag = number_in(replica, "lag")});
    }
    return out;
}

}  // namespace

std::string under(std::string_view prefix, std::string_view subject) {
    constexpr std::string_view kEntries = "$KV.";
    std::string out;
    if (subject.starts_with(kPrefix)) {
        out.append(prefix).append(subject.substr(kPrefix.size() - 1));  // With its dot.
    } else if (subject.starts_with(kEntries) && prefix != kPrefix.substr(0, kPrefix.size() - 1)) {
        out.append(prefix).append(".").append(subject);
    } else {
        out = subject;
    }
    return out;
}

Request stream_info(std::string_view stream) { return {subject_of("STREAM.INFO", stream), {}}; }

Request stream_create(const StreamConfig& config) {
    json::object out;
    out["name"] = config.name;
    json::array& subjects = out["subjects"].emplace_array();
    for (const std::string& subject : config.subjects) subjects.emplace_back(subject);
    out["retention"] = "limits";
    out["storage"] = "file";
    out["num_replicas"] = config.replicas;
    out["max_consumers"] = -1;
    out["max_msgs"] = -1;
    out["max_msgs_per_subject"] = config.max_messages_per_subject;
    out["max_bytes"] = config.max_bytes;
    out["max_age"] = config.max_age.count();
    out["max_msg_size"] = config.max_message_bytes;
    out["discard"] = config.refuse_when_full ? "new" : "old";
    out["allow_direct"] = true;
    out["deny_delete"] = false;
    out["deny_purge"] = false;
    // Key-value tools purge an entry with a roll-up.
    out["allow_rollup_hdrs"] = config.name.starts_with("KV_");
    if (!config.metadata.empty()) out["metadata"] = metadata_of(config);
    return {subject_of("STREAM.CREATE", config.name), json::serialize(out)};
}

Result<StreamInfo> parse_stream_info(std::string_view body) {
    ApiError error;
    const auto answer = parse_answer(body, error);
    if (!answer) return fail(answer.error());
    if (error.code == kStreamNameInUse) return fail(ErrorKind::kConflict, error.text);
    if (!error.text.empty()) return fail(kind_of_jetstream_error(error.code), error.text);
    const json::object* state = object_in(*answer, "state");
    if (state == nullptr) return unreadable(body);
    return StreamInfo{.created = time_in(*answer, "created"),
                      .asked = time_in(*answer, "ts"),
                      .first_sequence = number_in(*state, "first_seq"),
                      .last_sequence = number_in(*state, "last_seq"),
                      .messages = number_in(*state, "messages"),
                      .bytes = number_in(*state, "bytes"),
                      .metadata = metadata_in(*answer),
                      .copies_wanted = copies_in(*answer),
                      .leader = leader_in(*answer),
                      .replicas = replicas_in(*answer)};
}

Request last_message(std::string_view stream, std::string_view subject) {
    json::object out;
    out["last_by_subj"] = as_json(subject);
    return {subject_of("STREAM.MSG.GET", stream), json::serialize(out)};
}

Request direct_last(std::string_view stream, std::string_view subject) {
    return {subject_of("DIRECT.GET", std::string{stream} + "." + std::string{subject}), {}};
}

Result<std::optional<StoredMessage>> parse_direct_message(const InMessage& answer) {
    const std::string_view status = answer.header("Status");
    if (status == "404") return std::nullopt;
    const std::string_view digits = answer.header("Nats-Sequence");
    std::uint64_t sequence = 0;
    const auto [end, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), sequence);
    if (!status.empty() || error != std::errc{} || end != digits.data() + digits.size()) {
        return fail(ErrorKind::kUnavailable, "JetStream's answer is no stored message: status '" +
                                                 std::string{status.substr(0, 20)} + "'");
    }
    const std::string_view operation = answer.header("KV-Operation");
    return StoredMessage{
        .subject = std::string{answer.header("Nats-Subject")},
        .body = std::string{answer.body},
        .sequence = sequence,
        .stored_at = parse_timestamp(answer.header("Nats-Time-Stamp")).value_or(Timestamp{}),
        .deleted = operation == "DEL" || operation == "PURGE" ||
                   !answer.header("Nats-Marker-Reason").empty()};
}

Request erase_message(std::string_view stream, std::uint64_t sequence) {
    json::object out;
    out["seq"] = sequence;
    return {subject_of("STREAM.MSG.DELETE", stream), json::serialize(out)};
}

Request purge(std::string_view stream, std::string_view filter) {
    json::object out;
    out["filter"] = filter;
    return {subject_of("STREAM.PURGE", stream), json::serialize(out)};
}

Result<std::optional<StoredMessage>> parse_stored_message(std::string_view body) {
    ApiError error;
    const auto answer = parse_answer(body, error);
    if (!answer) return fail(answer.error());
    if (error.code == kNoMessageFound) return std::nullopt;
    if (!error.text.empty()) return fail(kind_of_jetstream_error(error.code), error.text);
    const json::object* message = object_in(*answer, "message");
    if (message == nullptr) return unreadable(body);
    auto data = from_base64(text_in(*message, "data"));
    const auto headers = from_base64(text_in(*message, "hdrs"));
    if (!data || !headers) return unreadable(body);
    return StoredMessage{.subject = std::string{text_in(*message, "subject")},
                         .body = *std::move(data),
                         .sequence = number_in(*message, "seq"),
                         .stored_at = time_in(*message, "time"),
                         .deleted = is_delete_marker(*headers)};
}

Request consumer_create(const ConsumeSpec& spec, std::string_view name,
                        const ConsumerStart& start) {
    json::object config;
    config["name"] = as_json(name);
    config["ack_policy"] = "none";
    config["replay_policy"] = "instant";
    config["mem_storage"] = true;
    config["num_replicas"] = 1;
    config["inactive_threshold"] = start.gone_after.count();
    if (start.last_per_subject) {
        config["deliver_policy"] = "last_per_subject";
    } else if (start.stored_after.ns != 0) {
        config["deliver_policy"] = "by_start_time";
        config["opt_start_time"] = to_string(start.stored_after + Duration{1});
    } else {
        config["deliver_policy"] = "by_start_sequence";
        config["opt_start_seq"] = std::max<std::uint64_t>(start.sequence, 1);
    }
    std::string rest = spec.stream + "." + std::string{name};
    if (spec.filters.size() == 1) {
        config["filter_subject"] = spec.filters.front();
        rest += "." + spec.filters.front();
    } else if (!spec.filters.empty()) {
        json::array& filters = config["filter_subjects"].emplace_array();
        for (const std::string& filter : spec.filters) filters.emplace_back(filter);
    } else if (start.last_per_subject) {
        config["filter_subject"] = ">";  // The policy demands a filter.
        rest += ".>";
    }
    json::object out;
    out["stream_name"] = spec.stream;
    out["action"] = "create";
    out["config"] = std::move(config);
    return {subject_of("CONSUMER.CREATE", rest), json::serialize(out)};
}

Request consumer_delete(std::string_view stream, std::string_view name) {
    return {subject_of("CONSUMER.DELETE", std::string{stream} + "." + std::string{name}), ""};
}

std::string next_messages(std::string_view stream, std::string_view consumer) {
    return subject_of("CONSUMER.MSG.NEXT", std::string{stream} + "." + std::string{consumer});
}

Result<ConsumerInfo> parse_consumer_info(std::string_view body) {
    const auto answer = parse_answer(body);
    if (!answer) return fail(answer.error());
    const json::object* delivered = object_in(*answer, "delivered");
    if (delivered == nullptr) return unreadable(body);
    return ConsumerInfo{.pending = number_in(*answer, "num_pending"),
                        .before_start = number_in(*delivered, "stream_seq")};
}

std::string parse_server_version(std::string_view body) {
    const auto answer = parse_answer(body);
    const json::object* server = answer ? object_in(*answer, "server") : nullptr;
    return server == nullptr ? std::string{} : std::string{text_in(*server, "ver")};
}

bool is_delete_marker(std::string_view headers) {
    while (!headers.empty()) {
        const auto end = headers.find("\r\n");
        const std::string_view line = headers.substr(0, end);
        const auto colon = line.find(':');
        if (colon != std::string_view::npos) {
            const std::string_view name = line.substr(0, colon);
            std::string_view value = line.substr(colon + 1);
            while (value.starts_with(' ')) value.remove_prefix(1);
            if (name == "KV-Operation" && (value == "DEL" || value == "PURGE")) return true;
            if (name == "Nats-Marker-Reason") return true;
        }
        if (end == std::string_view::npos) break;
        headers.remove_prefix(end + 2);
    }
    return false;
}

Result<std::string> from_base64(std::string_view text) {
    const auto bad = [] { return fail(ErrorKind::kInvalid, "not base64"); };
    if (text.size() % 4 != 0) return bad();
    const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
    std::string out;
    out.reserve(text.size() / 4 * 3);
    std::uint32_t buffer = 0;
    int bits = 0;
    for (const char c : text.substr(0, text.size() - padding)) {
        const int value = kBase64Values[static_cast<unsigned char>(c)];
        if (value < 0) return bad();
        buffer = (buffer << 6) | static_cast<std::uint32_t>(value);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            out += static_cast<char>((buffer >> bits) & 0xFF);
        }
    }
    return out;
}

}  // namespace syncline::nats::api
