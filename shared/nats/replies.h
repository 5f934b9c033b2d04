#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "shared/base/result.h"
#include "shared/base/timestamp.h"

/// What JetStream says on the wire and how often: publish acknowledgements, delivery subjects.
/// Pure functions over untrusted bytes.
namespace syncline::nats {

/// A stream's answer to a publish: the message's stream sequence, or why it was refused, mapped as
/// PublishSink documents. kAmbiguous also for an answer that cannot be read and for a duplicate
/// whose original is not stored yet (sequence 0, from 2.10 clusters).
[[nodiscard]] Result<std::uint64_t> parse_publish_ack(std::string_view body);

/// The kind of a JetStream error code; what it does not know is kUnavailable.
[[nodiscard]] ErrorKind kind_of_jetstream_error(std::int64_t error_code);

/// What a consumer's delivery tells in its reply subject.
struct Delivery {
    std::string_view stream;
    std::string_view consumer;
    std::uint64_t stream_sequence = 0;
    std::uint64_t consumer_sequence = 0;  ///< Counts this consumer's deliveries, from 1.
    Timestamp stored_at;
    std::uint64_t pending = 0;  ///< How many stored ones follow for this consumer.
};

/// Reads `$JS.ACK.<stream>.<consumer>.<delivered>.<stream seq>.<consumer seq>.<time>.<pending>`
/// and the longer form of servers with `js_ack_fc_v2`, which has `<domain>.<account hash>` before
/// the stream and may have more tokens at the end. Nothing if it is neither.
[[nodiscard]] std::optional<Delivery> parse_delivery(std::string_view reply);

}  // namespace syncline::nats
