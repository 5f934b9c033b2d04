// What a server of pushes says, and where listening stands with it: nothing that it says makes the
// agent wait longer than it must, fetch what has no id, or store what it cannot read again.
#include "agent/connectors/rest/push.h"
#include "shared/base/json.h"
#include "tests/fuzz/must.h"

namespace syncline::fuzz {
namespace {

using namespace agent;

const rest::PushSpec& spec_of_all() {
    static const rest::PushSpec spec = [] {
        rest::PushSpec made;
        made.native = "payload.ChangeEventHeader.entityName";
        made.ids = "payload.ChangeEventHeader.recordIds";
        made.replay_id = "event.replayId";
        made.change = "payload.ChangeEventHeader.changeType";
        made.origin = "payload.ChangeEventHeader.changeOrigin";
        made.read_when = {"GAP_OVERFLOW"};
        made.gaps = {"GAP_UPDATE"};
        made.own_origins = {";client=Syncline"};
        return made;
    }();
    return spec;
}

void check_messages(std::string_view text) {
    const auto json = parse_json(text);
    if (!json) return;
    rest::bayeux::Advice advice;
    const auto reply = rest::bayeux::read(*json, "ext.sfdc.failureReason", advice);
    must(advice.interval >= Duration{0} && advice.interval <= std::chrono::minutes{10});
    must(advice.timeout >= Duration{0} && advice.timeout <= std::chrono::minutes{10});
    if (!taken(reply)) return;
    const std::vector<ObjectMapping> objects{
        {.object = ObjectName{"customer"}, .native = "Account", .key = "Id"}};
    rest::PushPosition position;
    Pushed pushed;
    for (const rest::bayeux::Meta& meta : reply->metas) {
        must(meta.channel.starts_with("/meta/"));
        must(meta.successful || !meta.error.empty());
        must(meta.error.find('\n') == std::string::npos);
    }
    for (const rest::bayeux::Event& event : reply->events) {
        must(event.channel.starts_with('/'));
        rest::take_event(spec_of_all(), objects, event.data, pushed);
        position.take(spec_of_all(), event);
    }
    must(pushed.events == reply->events.size() && pushed.own <= pushed.events);
    for (const Pushed::Touched& one : pushed.records) must(!one.record.text.empty());
    const std::string stored = position.encode();
    const auto again = rest::PushPosition::decode(stored);
    must(again && again->encode() == stored);
}

void check_position(std::string_view text) {
    must_round_trip(
        rest::PushPosition::decode(text),
        [](const rest::PushPosition& position) { return position.encode(); },
        [](const std::string& again) { return rest::PushPosition::decode(again); });
}

}  // namespace
}  // namespace syncline::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string_view text = syncline::fuzz::text_of(data, size);
    syncline::fuzz::check_messages(text);
    syncline::fuzz::check_position(text);
    return 0;
}
