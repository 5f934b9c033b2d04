#include "hub/event_message.h"

#include "shared/base/json.h"
#include "shared/wire/subjects.h"
#include "shared/wire/writer.h"

namespace syncline::hub {
namespace {

std::string type_of(const std::string& object, const std::string& name, std::uint64_t version) {
    return object + "." + name + ".v" + std::to_string(version);
}

std::string json_of(const Fields& fields) {
    Value::Map map;
    for (const auto& [name, value] : fields) map.emplace(name.text, value);
    return to_json(Value{std::move(map)});
}

std::string msgpack_of(const Fields& fields) {
    wire::Writer out;
    out.fields(fields);
    return out.take();
}

}  // namespace

std::string event_type(const ObjectName& object, const EventSpec& event) {
    return type_of(object.text, event.name, event.version);
}

EventMessage message_of(const BusinessEvent& event) {
    const bool json = event.body == EventSpec::Body::kJson;
    EventMessage out{.subject = subjects::event(event.entity, event.name, event.generation),
                     .body = json ? json_of(event.fields) : msgpack_of(event.fields),
                     .headers = {}};
    out.headers = {{"ce-specversion", "1.0"},
                   {"ce-id", event.entity.entity.text + "." + event.name + "." + event.generation},
                   {"ce-type", type_of(event.entity.object.text, event.name, event.version)},
                   {"ce-source", "/syncline/" + subjects::encode_token(event.source)},
                   {"ce-subject", event.entity.entity.text},
                   {"ce-time", to_string(event.at)},
                   {"content-type", json ? "application/json" : "application/msgpack"}};
    if (!event.trace.empty()) out.headers.emplace_back("traceparent", event.trace);
    return out;
}

}  // namespace syncline::hub
