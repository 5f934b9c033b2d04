#include "shared/contracts/asyncapi.h"

#include <algorithm>
#include <map>
#include <vector>

#include "shared/contracts/json_schema.h"
#include "shared/wire/limits.h"
#include "shared/wire/reader.h"
#include "shared/wire/subjects.h"

namespace syncline::contracts {
namespace {

using List = Value::List;
using Map = Value::Map;

std::string schema_path(const std::string& name) { return "#/components/schemas/" + name; }
std::string channel_path(const std::string& name) { return "#/channels/" + name; }

Value reference(const std::string& to) { return Map{{"$ref", to}}; }
std::int64_t whole(std::size_t number) { return static_cast<std::int64_t>(number); }

// ---- Bodies: maps with whole numbers as keys, see wire/codec.cc. -----------------------------

Value text(std::size_t most = wire::kIdBytesMax) {
    return Map{{"type", "string"}, {"maxLength", whole(most)}};
}
Value count() { return Map{{"type", "integer"}, {"minimum", 0}}; }
Value moment() {
    return Map{{"type", "integer"},
               {"description", "Nanoseconds since 1970-01-01T00:00:00Z; 0: not known."}};
}
Value list_of(Value item) { return Map{{"type", "array"}, {"items", std::move(item)}}; }
/// A list of so many things, each with its own meaning.
Value row(List items) {
    const std::int64_t size = whole(items.size());
    return Map{
        {"type", "array"}, {"items", std::move(items)}, {"minItems", size}, {"maxItems", size}};
}
Value revision() {
    Map schema = *row({count(), count()}).get<Map>();
    schema["description"] = "[epoch, n]: compares by the epoch first.";
    return schema;
}
/// One of the numbers from 0 on, called so.
Value choice(const std::vector<const char*>& names) {
    List numbers;
    List called;
    for (const char* name : names) {
        numbers.emplace_back(whole(numbers.size()));
        called.emplace_back(name);
    }
    return Map{{"enum", std::move(numbers)}, {"x-enum-names", std::move(called)}};
}

enum class Presence { kAlways, kMaybe };
struct Key {
    int number;
    const char* name;
    Presence presence;
    Value schema;
};

Value body(const std::vector<Key>& keys) {
    Map properties;
    List required;
    const auto add = [&](const Key& key) {
        Map schema = *key.schema.get<Map>();
        schema["title"] = key.name;
        properties[std::to_string(key.number)] = std::move(schema);
        if (key.presence == Presence::kAlways) required.emplace_back(std::to_string(key.number));
    };
    add({0, "v", Presence::kAlways, Map{{"const", whole(wire::kWireVersion)}}});
    for (const Key& key : keys) add(key);
    return Map{{"type", "object"},
               {"description", "A MessagePack map; its keys are whole numbers, `0` first."},
               {"properties", std::move(properties)},
               {"required", std::move(required)}};
}

using enum Presence;

Value change_body(const Value& fields) {
    return body({{1, "platform", kAlways, text()},
                 {2, "object", kAlways, text()},
                 {3, "record", kAlways, text()},
                 {4, "entity", kMaybe, text()},
                 {5, "partition", kAlways, count()},
                 {6, "seq", kAlways, revision()},
                 {7, "rev", kAlways, revision()},
                 {8, "kind", kAlways, choice({"upsert", "delete"})},
                 {9, "origin", kAlways, choice({"live", "backfill", "reconcile", "review"})},
                 {10, "fields", kAlways, Map{{"allOf", List{fields}}}},
                 {11, "marker", kMaybe, text()},
                 {12, "seen_at", kAlways, moment()},
                 {13, "changed_at", kMaybe, moment()},
                 {14, "trace", kMaybe, text()}});
}

Value outcome_body(const Value& fields) {
    return body({{1, "platform", kAlways, text()},
                 {2, "object", kAlways, text()},
                 {3, "entity", kAlways, text()},
                 {4, "record", kMaybe, text()},
                 {5, "partition", kAlways, count()},
                 {6, "seq", kAlways, revision()},
                 {7, "rev", kAlways, revision()},
                 {8, "generation", kAlways, count()},
                 {9, "ledger_generation", kAlways, count()},
                 {10, "status", kAlways,
                  choice({"applied", "rejected", "gave_up", "in_doubt", "stale", "fenced",
                          "conflict", "gone", "discarded"})},
                 {11, "fields", kAlways, Map{{"allOf", List{fields}}}},
                 {12, "reason", kMaybe, text(wire::kStringBytesMax)},
                 {13, "code", kMaybe, text()},
                 {14, "attempts", kMaybe, count()},
                 {15, "done_at", kAlways, moment()},
                 {16, "trace", kMaybe, text()},
                 {17, "as_commanded", kMaybe, list_of(text())},
                 {18, "fence", kMaybe, count()},
                 {19, "decided_at", kMaybe, moment()},
                 {20, "deleted", kMaybe, Map{{"type", "boolean"}}}});
}

Value command_body(const Value& fields) {
    return body({{1, "kind", kAlways, choice({"update", "create", "delete"})},
                 {2, "platform", kAlways, text()},
                 {3, "object", kAlways, text()},
                 {4, "entity", kAlways, text()},
                 {5, "record", kMaybe, text()},
                 {6, "generation", kAlways, count()},
                 {7, "partition", kAlways, count()},
                 {8, "fence", kAlways, count()},
                 {9, "fields", kAlways, Map{{"allOf", List{fields}}}},
                 {10, "expected", kMaybe, Map{{"type", "object"}}},
                 {11, "decided_at", kAlways, moment()},
                 {12, "policy", kMaybe, text()},
                 {13, "trace", kMaybe, text()},
                 {14, "doubt_settled", kMaybe, count()},
                 {15, "origin", kMaybe, choice({"live", "backfill", "reconcile", "review"})}});
}

Value receipt_body() {
    return body({{1, "platform", kAlways, text()},
                 {2, "marks", kAlways, list_of(row({count(), count(), count(), count()}))},
                 {3, "resends", kAlways, list_of(row({count(), count(), count()}))},
                 {4, "links", kAlways, list_of(row({text(), text(), text()}))},
                 {5, "full_read", kAlways, Map{{"type", "boolean"}}},
                 {6, "epoch", kMaybe, count()}});
}

// ---- The document. --------------------------------------------------------------------------

/// A subject with names for some of its tokens: "sync.cmd.{platform}.set.order.{entity}".
std::string address_of(std::string_view subject, const std::map<std::size_t, std::string>& named) {
    std::string address;
    std::size_t index = 0;
    while (!subject.empty()) {
        const auto dot = std::min(subject.find('.'), subject.size());
        const auto name = named.find(index++);
        if (!address.empty()) address += '.';
        address +=
            name == named.end() ? std::string{subject.substr(0, dot)} : "{" + name->second + "}";
        subject.remove_prefix(std::min(dot + 1, subject.size()));
    }
    return address;
}

enum class Action { kSend, kReceive };  ///< Of an agent.

struct Channel {
    std::string name;
    std::string message;
    std::string subject;
    std::map<std::size_t, std::string> named;  ///< Tokens of the subject that stand for many.
    std::string what;
    Action action = Action::kSend;
};

class Document {
public:
    explicit Document(const Policy& policy) : policy_(policy) {}

    Value build() {
        schemas_["value"] = any_wire_value(schema_path("value"));
        for (const ObjectSpec& object : policy_.objects) add_object(object);
        add_receipts();
        for (const CatalogueEvent& event : event_catalogue(policy_)) add_event(event);
        return Map{{"asyncapi", "3.0.0"},
                   {"info", info()},
                   {"defaultContentType", kContentType},
                   {"channels", std::move(channels_)},
                   {"operations", std::move(operations_)},
                   {"components",
                    Map{{"messages", std::move(messages_)}, {"schemas", std::move(schemas_)}}}};
    }

private:
    static constexpr const char* kContentType = "application/msgpack";

    [[nodiscard]] Value info() const {
        return Map{
            {"title", "Syncline: " + policy_.name},
            {"version", std::to_string(policy_.version)},
            {"description",
             "What agents and hubs tell each other under this policy, and the business events "
             "that whoever wants may read. Operations are those "
             "of an agent, or of a reader; a hub has the other side. In the schemas `[1, "
             "\"12.5\"]` is a "
             "decimal, `[2, days]` a date, `[3, nanoseconds]` a timestamp, both since "
             "1970-01-01, `[4, ...]` a list and `[5, {...}]` a map."},
            {"x-policy-hash", policy_.hash}};
    }

    [[nodiscard]] Value parameter(const std::string& name, const ObjectSpec* object) const {
        if (name == "partition") return Map{{"description", "A whole number: part of the work."}};
        if (name == "record") return Map{{"description", "The platform's own id of the record."}};
        if (name == "entity") return Map{{"description", "The entity's id."}};
        List platforms;
        for (const PlatformId& platform : policy_.platforms) {
            if (object == nullptr || object->binding(platform) != nullptr) {
                platforms.emplace_back(platform.text);
            }
        }
        return Map{{"description", "An external system."}, {"enum", std::move(platforms)}};
    }

    void add(const Channel& channel, const Value& payload, const ObjectSpec* object) {
        messages_[channel.message] =
            Map{{"name", channel.message}, {"contentType", kContentType}, {"payload", payload}};
        Map parameters;
        for (const auto& [index, name] : channel.named) parameters[name] = parameter(name, object);
        const Value message = reference("#/components/messages/" + channel.message);
        channels_[channel.name] = Map{{"address", address_of(channel.subject, channel.named)},
                                      {"description", channel.what},
                                      {"parameters", std::move(parameters)},
                                      {"messages", Map{{channel.message, message}}}};
        const bool sends = channel.action == Action::kSend;
        const std::string sent = channel_path(channel.name) + "/messages/" + channel.message;
        operations_[(sends ? "send_" : "receive_") + channel.name] =
            Map{{"action", sends ? "send" : "receive"},
                {"channel", reference(channel_path(channel.name))},
                {"messages", List{reference(sent)}}};
    }

    void add_object(const ObjectSpec& object) {
        const std::string& name = object.name.text;
        Map fields = *change_schema(object, Form::kWire).get<Map>();
        fields["x-contract-version"] = static_cast<std::int64_t>(object.contract_version);
        fields["x-compatibility"] = name_of(object.compatibility);
        schemas_[contract_name(object)] = std::move(fields);
        const Value contract = reference(schema_path(contract_name(object)));
        const EntityKey entity{object.name, EntityId{"entity"}};
        const PlatformId platform{"platform"};
        add({name + "_changes",
             name + "_change",
             subjects::change({platform, object.name, RecordId{"record"}}, {}),
             {{2, "platform"}, {3, "partition"}, {6, "record"}},
             "What an agent saw on a record, in canonical fields.",
             Action::kSend},
            change_body(contract), &object);
        add({name + "_outcomes",
             name + "_outcome",
             subjects::outcome(platform, entity, {}),
             {{2, "platform"}, {3, "partition"}, {6, "entity"}},
             "What became of a command.",
             Action::kSend},
            outcome_body(contract), &object);
        add({name + "_commands",
             name + "_command",
             subjects::command(platform, entity),
             {{2, "platform"}, {5, "entity"}},
             "What a record shall hold; of two for an entity the newer generation counts.",
             Action::kReceive},
            command_body(contract), &object);
    }

    void add_receipts() {
        add({"receipts",
             "receipt",
             subjects::receipts_of(PlatformId{"platform"}),
             {{2, "platform"}},
             "How far the hub has decided what the agent sent, and what it misses; not stored.",
             Action::kReceive},
            receipt_body(), nullptr);
    }

    /// A CloudEvent 1.0 in binary mode: its attributes are headers.
    void add_event(const CatalogueEvent& event) {
        std::string name = event.name + ".v" + std::to_string(event.version);
        std::ranges::replace(name, '.', '_');
        if (channels_.contains(name)) return;  // Several tell it.
        const auto dot = event.name.find('.');
        const std::string subject =
            subjects::event({ObjectName{event.name.substr(0, dot)}, EntityId{"entity"}},
                            event.name.substr(dot + 1), "key", "generation");
        Map headers;
        for (const char* header : {"ce-specversion", "ce-id", "ce-type", "ce-source", "ce-subject",
                                   "ce-partitionkey", "ce-time", "traceparent"}) {
            headers[header] = Map{{"type", "string"}};
        }
        const bool packed =
            event.spec != nullptr && event.spec->body == EventSpec::Body::kMessagePack;
        messages_[name] = Map{{"name", event.name},
                              {"contentType", packed ? kContentType : "application/json"},
                              {"headers", Map{{"type", "object"}, {"properties", headers}}},
                              {"payload", event_schema(policy_, event)}};
        Map parameters;
        for (const auto& [parameter, what] :
             {std::pair{"key", "What business knows it by."},
              std::pair{"entity", "The entity's or the instance's id."},
              std::pair{"generation", "With it the event is the only one of its subject."}}) {
            parameters[parameter] = Map{{"description", what}};
        }
        channels_[name] =
            Map{{"address", address_of(subject, {{4, "key"}, {5, "entity"}, {6, "generation"}})},
                {"description", "Told by " + event.told_by + "; for whoever wants to know."},
                {"parameters", std::move(parameters)},
                {"messages", Map{{name, reference("#/components/messages/" + name)}}}};
        operations_["receive_" + name] =
            Map{{"action", "receive"},
                {"channel", reference(channel_path(name))},
                {"messages", List{reference(channel_path(name) + "/messages/" + name)}}};
    }

    const Policy& policy_;
    Map channels_;
    Map operations_;
    Map messages_;
    Map schemas_;
};

}  // namespace

Value asyncapi_document(const Policy& policy) { return Document{policy}.build(); }

}  // namespace syncline::contracts
