// JSON from platforms, senders and the broker: taken and written again as the same, or refused.
#include <algorithm>

#include "shared/base/json.h"
#include "shared/base/utf8.h"
#include "shared/nats/jetstream_api.h"
#include "shared/nats/replies.h"
#include "tests/fuzz/must.h"

namespace syncline::fuzz {
namespace {

void check_json(std::string_view text) {
    const JsonLimits narrow{.bytes_max = 1'024, .depth_max = 8};
    const auto value = parse_json(text);
    if (taken(value)) {
        must(find_invalid_utf8(text) == std::string_view::npos);
        const std::string written = to_json(*value);
        const auto again = parse_json(written);
        must(again && *again == *value && to_json(*again) == written);
        must(!display(*value).empty());
    }
    const auto held = parse_json(text, narrow);
    if (taken(held)) {
        must(text.size() <= narrow.bytes_max && value && *held == *value);
    } else if (value) {  // Only a limit can have refused what is JSON.
        must(held.error().kind == ErrorKind::kTooLarge);
    }
}

/// The broker's answers: whatever comes, asking again is the worst that follows.
void check_broker_answers(std::string_view body) {
    static_cast<void>(taken(nats::parse_publish_ack(body)));
    static_cast<void>(taken(nats::api::parse_stream_info(body)));
    static_cast<void>(taken(nats::api::parse_stored_message(body)));
    static_cast<void>(taken(nats::api::parse_consumer_info(body)));
    static_cast<void>(nats::api::parse_server_version(body));
}

}  // namespace
}  // namespace syncline::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = syncline::fuzz::text_of(data, size);
    syncline::fuzz::check_json(text);
    syncline::fuzz::check_broker_answers(text);
    return 0;
}
