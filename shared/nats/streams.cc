#include "shared/nats/streams.h"

#include <string>

#include "shared/wire/subjects.h"

namespace syncline::nats {
namespace {

using std::chrono::days;
using std::chrono::seconds;

/// Without store-side limits other than the one that the stream is about.
StreamConfig stream(std::string_view name, std::string subject, const StreamOptions& options) {
    return {.name = std::string{name},
            .subjects = {std::move(subject)},
            .max_bytes = options.bytes_max,
            .replicas = options.replicas};
}

StreamConfig by_age(StreamConfig config, Duration max_age) {
    config.max_age = max_age;
    return config;
}

StreamConfig newest(StreamConfig config, std::int64_t per_subject) {
    config.max_messages_per_subject = per_subject;
    return config;
}

/// A bucket is a stream `KV_<bucket>` that listens to `$KV.<bucket>.>`.
StreamConfig bucket(std::string_view stream_name, std::int64_t history, Duration max_age,
                    const StreamOptions& options) {
    const std::string name{stream_name.substr(std::string_view{"KV_"}.size())};
    StreamConfig config = stream(stream_name, "$KV." + name + ".>", options);
    return newest(by_age(std::move(config), max_age), history);
}

}  // namespace

std::vector<StreamConfig> stream_configs(const StreamOptions& options) {
    namespace s = subjects;
    constexpr Duration kForEver{0};
    constexpr std::int64_t kExceptionsPerSubject = 8;  // Newest is the status; some history.
    constexpr std::int64_t kPolicyVersions = 64;       // The most that a bucket can keep.
    StreamConfig in =
        by_age(stream(s::kStreamIn, s::all_inputs(), options), days{options.keep_inputs_days});
    in.metadata.emplace_back(kPartitionsKey, std::to_string(options.partitions));
    return {
        std::move(in),
        newest(stream(s::kStreamState, s::state_wildcard(), options), 1),
        newest(stream(s::kStreamCommands, s::commands_wildcard(), options), 1),
        by_age(stream(s::kStreamEvents, s::events_wildcard(), options),
               days{options.keep_events_days}),
        newest(stream(s::kStreamExceptions, s::all_exceptions(), options), kExceptionsPerSubject),
        by_age(stream(s::kStreamLog, s::all_logs(), options), days{options.keep_log_days}),
        bucket(s::kStreamLease, 1, seconds{10}, options),
        bucket(s::kStreamAgent, 1, seconds{60}, options),
        bucket(s::kStreamPolicy, kPolicyVersions, kForEver, options),
    };
}

}  // namespace syncline::nats
