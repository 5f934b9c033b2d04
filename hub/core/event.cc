#include "hub/core/event.h"

#include <algorithm>

#include "hub/core/codec_parts.h"
#include "hub/core/work.h"
#include "shared/wire/limits.h"

namespace syncline::hub {
namespace {

using wire::Decoder;
using wire::Node;
using wire::Writer;

bool holds(const EventSpec& event, const Fields& fields, bool lives, bool deleted) {
    switch (event.on) {
        case EventSpec::On::kCreated: return lives;
        case EventSpec::On::kDeleted: return deleted;
        case EventSpec::On::kCondition: break;
    }
    if (!lives || !event.when) return false;
    const auto told = event.when->holds(fields);
    return told && *told;  // What fails at run time does not hold, as everywhere.
}

}  // namespace

std::vector<bool> standing_events(const ObjectSpec& object, const EntityState& state) {
    std::vector<bool> standing;
    if (object.events.empty()) return standing;
    const bool known = !state.is_unknown() && !state.is_merged();
    const Fields fields = known ? state.fields() : Fields{};
    for (const EventSpec& event : object.events) {
        standing.push_back(holds(event, fields, known && !state.deleted, known && state.deleted));
    }
    return standing;
}

void tell_events(Work& work, const std::vector<bool>& before) {
    const std::vector<bool> now = standing_events(work.object, work.state);
    for (std::size_t i = 0; i < now.size(); ++i) {
        if (!now[i] || before[i]) continue;
        const EventSpec& spec = work.object.events[i];
        BusinessEvent event{.entity = work.state.key,
                            .name = spec.name,
                            .key = work.state.key.entity.text,
                            .generation = std::to_string(work.state.version + 1),
                            .version = spec.version,
                            .source = work.policy.name,
                            .at = work.context.now,
                            .trace = work.log.trace,
                            .body = spec.body,
                            .fields = {}};
        // Of inputs that are decided together each may bring it about.
        const auto same = std::ranges::count(work.told, spec.name, &BusinessEvent::name);
        if (same > 0) event.generation += "-" + std::to_string(same + 1);
        for (const FieldName& name : spec.fields) {
            const CanonicalField* field = work.state.find(name);
            if (field != nullptr && !field->value.is_null()) event.fields.set(name, field->value);
        }
        const CanonicalField* key = spec.key.empty() ? nullptr : work.state.find(spec.key);
        if (key != nullptr && !key_text(key->value).empty()) event.key = key_text(key->value);
        work.note("event " + spec.name + " told");
        work.told.push_back(std::move(event));
    }
}

std::string encode(const BusinessEvent& event) {
    Writer out;
    out.map(12);
    out.field(0, wire::kWireVersion);
    out.field(1, event.entity.object.text);
    out.field(2, event.entity.entity.text);
    out.field(3, event.name);
    out.field(4, event.generation);
    out.field(5, event.version);
    out.field(6, event.source);
    out.field(7, event.at);
    out.field(8, static_cast<std::uint64_t>(event.body));
    out.field(9, event.fields);
    out.field(10, event.trace);
    out.field(11, event.key);
    return out.take();
}

Result<BusinessEvent> decode_event(std::string_view body) {
    BusinessEvent event;
    const auto done = wire::decode_message(
        body, "event", wire::key_bits(1, 2, 3, 4, 5, 7, 11),
        [&](Decoder& in, int key, const Node& node) {
            switch (key) {
                case 1: event.entity.object.text = in.id(node); break;
                case 2: event.entity.entity.text = in.id(node); break;
                case 3: event.name = in.id(node); break;
                case 4: event.generation = in.id(node); break;
                case 5: event.version = in.unsigned64(node); break;
                case 6: event.source = in.text(node, wire::kIdBytesMax); break;
                case 7: event.at.ns = in.signed64(node); break;
                case 8:
                    event.body = in.unsigned64(node) == 0 ? EventSpec::Body::kJson
                                                          : EventSpec::Body::kMessagePack;
                    break;
                case 9: event.fields = in.fields(node); break;
                case 10: event.trace = in.text(node, wire::kIdBytesMax); break;
                case 11: event.key = in.text(node, wire::kStringBytesMax); break;
                default: break;
            }
        });
    if (!done) return fail(done.error());
    return event;
}

}  // namespace syncline::hub
