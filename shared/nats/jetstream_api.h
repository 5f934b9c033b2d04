#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/nats/link.h"

/// Requests to JetStream's API as subjects and JSON, and what comes back. Written by hand because
/// nats.c 3.4.1 does not know the fields of newer servers (and js_UpdateStream would drop them),
/// and because servers from 2.12 on refuse fields they do not know.
/// Pure functions; answers are untrusted bytes. An answer that is not what the API promises is
/// kUnavailable: asking again is all one can do.
namespace syncline::nats::api {

/// What every subject of the API begins with; NatsOptions::jetstream_prefix stands in its place on
/// the wire.
inline constexpr std::string_view kPrefix = "$JS.API.";
/// The subject under another prefix ("$JS.hub.API", without a dot at the end), as NATS's own
/// libraries and the server's domains have it: key-value entries stand below the prefix, too.
[[nodiscard]] std::string under(std::string_view prefix, std::string_view subject);

/// Where pieces of a snapshot are acknowledged, and pieces of a restore are sent to: the server
/// makes a subject for each below these.
inline constexpr std::string_view kSnapshotAcks = "$JS.SNAPSHOT.ACK.>";
inline constexpr std::string_view kRestorePieces = "$JS.SNAPSHOT.RESTORE.>";

struct Request {
    std::string subject;
    std::string body;
};

[[nodiscard]] Request stream_info(std::string_view stream);
/// Files, limits retention; no duplicate window is asked for, as no message carries an id.
[[nodiscard]] Request stream_create(const StreamConfig& config);
/// kNotFound: no such stream. kConflict (create): it is there with another configuration.
[[nodiscard]] Result<StreamInfo> parse_stream_info(std::string_view body);

/// Asks the stream's leader, so it sees every acknowledged write.
[[nodiscard]] Request last_message(std::string_view stream, std::string_view subject);
/// Nothing: the subject has no message. kNotFound: no such stream.
[[nodiscard]] Result<std::optional<StoredMessage>> parse_stored_message(std::string_view body);

/// The same of any replica; the answer is the message itself.
[[nodiscard]] Request direct_last(std::string_view stream, std::string_view subject);
[[nodiscard]] Result<std::optional<StoredMessage>> parse_direct_message(const InMessage& answer);

/// Removes one message of a stream and overwrites it on disk.
[[nodiscard]] Request erase_message(std::string_view stream, std::uint64_t sequence);

/// Removes the messages whose subject the filter matches.
[[nodiscard]] Request purge(std::string_view stream, std::string_view filter);

/// Where a consumer starts.
struct ConsumerStart {
    bool last_per_subject = false;
    std::uint64_t sequence = 1;  ///< If not last_per_subject.
    Timestamp stored_after;      ///< If not 0, instead of `sequence`: what was stored later.
    Duration gone_after = std::chrono::seconds{30};  ///< Since its last request.
};
/// A consumer in the server's memory that acknowledges nothing and goes away by itself. With a
/// single filter the filter stands in the subject too, so that permissions can hold a client to it.
[[nodiscard]] Request consumer_create(const ConsumeSpec& spec, std::string_view name,
                                      const ConsumerStart& start);
[[nodiscard]] Request consumer_delete(std::string_view stream, std::string_view name);
/// Where its messages are asked for.
[[nodiscard]] std::string next_messages(std::string_view stream, std::string_view consumer);
struct ConsumerInfo {
    std::uint64_t pending = 0;       ///< Messages it will deliver, as known now.
    std::uint64_t before_start = 0;  ///< Stream sequence before the first it looks at.
};
[[nodiscard]] Result<ConsumerInfo> parse_consumer_info(std::string_view body);

/// Version of the server that we are connected to; empty if it cannot be asked (before 2.10).
inline constexpr std::string_view kUserInfoSubject = "$SYS.REQ.USER.INFO";
[[nodiscard]] std::string parse_server_version(std::string_view body);

/// Whether the headers of a stored message make it a key-value marker for "deleted" or "purged",
/// or a server's marker that the last message of a subject went. `headers` as on the wire.
[[nodiscard]] bool is_delete_marker(std::string_view headers);

/// Standard base64 with padding. kInvalid: anything else.
[[nodiscard]] Result<std::string> from_base64(std::string_view text);

}  // namespace syncline::nats::api
