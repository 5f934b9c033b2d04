#include "hub/event_message.h"

#include "shared/base/json.h"
#include "shared/wire/reader.h"
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

Result<Fields> fields_of_json(std::string_view body) {
    const auto read = parse_json(body);
    if (!read) return fail(read.error());
    const auto* map = read->get<Value::Map>();
    if (map == nullptr) return fail(ErrorKind::kInvalid, "it is no object");
    Fields fields;
    for (const auto& [name, value] : *map) fields.set(FieldName{name}, value);
    return fields;
}

std::string msgpack_of(const Fields& fields) {
    wire::Writer out;
    out.fields(fields);
    return out.take();
}

Result<Fields> fields_of_msgpack(std::string_view body) {
    wire::Document document;
    if (auto parsed = document.parse(body); !parsed) return fail(parsed.error());
    wire::Decoder in{document};
    Fields fields = in.fields(document.root());
    if (!in.good()) return fail(in.error());
    return fields;
}

}  // namespace

Result<ToldEvent> read_event(const Policy& policy, std::string_view subject,
                             std::string_view body) {
    const auto about = subjects::parse_event(subject);
    if (!about) return fail(about.error());
    ToldEvent event{
        .name = about->entity.object.text + "." + about->name, .key = about->key, .fields = {}};
    // No MessagePack map begins as JSON's do.
    const auto fields = body.starts_with('{') ? fields_of_json(body) : fields_of_msgpack(body);
    if (!fields) return fail(fields.error(), std::string{subject});
    const ObjectSpec* object = policy.object(about->entity.object);
    for (const auto& [name, value] : *fields) {
        const FieldSpec* field = object == nullptr ? nullptr : object->field(name);
        auto made = field == nullptr ? Result<Value>{value} : conform(*field, value);
        event.fields.set(name, made ? *std::move(made) : value);
    }
    return event;
}

EventMessage message_of(const BusinessEvent& event) {
    const bool json = event.body == EventSpec::Body::kJson;
    EventMessage out{
        .subject = subjects::event(event.entity, event.name, event.key, event.generation),
        .body = json ? json_of(event.fields) : msgpack_of(event.fields),
        .headers = {}};
    out.headers = {{"ce-specversion", "1.0"},
                   {"ce-id", event.entity.entity.text + "." + event.name + "." + event.generation},
                   {"ce-type", type_of(event.entity.object.text, event.name, event.version)},
                   {"ce-source", "/syncline/" + subjects::encode_token(event.source)},
                   {"ce-subject", event.entity.entity.text},
                   {"ce-partitionkey", event.key},
                   {"ce-time", to_string(event.at)},
                   {"content-type", json ? "application/json" : "application/msgpack"}};
    if (!event.trace.empty()) out.headers.emplace_back("traceparent", event.trace);
    return out;
}

}  // namespace syncline::hub
