#include <algorithm>

#include "shared/policy/policy_toml.h"
#include "shared/policy/policy_toml_parts.h"

// `[objects.<name>.events]`.

namespace syncline {
namespace {

constexpr TomlReader::Range kVersions{1, 1'000'000};
constexpr TomlReader::Choice<EventSpec::On> kOn[] = {
    {"created", EventSpec::On::kCreated},
    {"deleted", EventSpec::On::kDeleted},
};
constexpr TomlReader::Choice<EventSpec::Body> kBodies[] = {
    {"json", EventSpec::Body::kJson},
    {"msgpack", EventSpec::Body::kMessagePack},
};
constexpr TomlReader::Choice<Classification> kClassifications[] = {
    {"public", Classification::kPublic},
    {"pii", Classification::kPii},
    {"secret", Classification::kSecret},
};

EventSpec read_event(TomlReader in, const std::string& name, const std::vector<FieldSpec>& fields) {
    EventSpec event;
    event.name = name;
    event.place = in.place();
    if (in.has("on") == in.has("when")) {
        in.problem(in.has("on") ? "on" : "when",
                   in.has("on") ? "and `when` exclude each other"
                                : "is missing, and so is `on`: when is the event told?");
    }
    if (in.has("on")) {
        event.on = in.choice("on", kOn);
    } else {
        event.when = reading::read_condition(in, "when");
    }
    event.version = in.integer("version", kVersions, event.version);
    event.clearance = in.choice("clearance", kClassifications, event.clearance);
    event.body = in.choice("body", kBodies, event.body);
    event.owner = in.text("owner", "");
    event.description = in.text("description", "");
    const std::vector<std::string> names = in.texts("fields", {"*"});
    const bool all = names == std::vector<std::string>{"*"};
    for (const FieldSpec& field : fields) {
        // By `*` it carries what it may.
        const bool named = std::ranges::find(names, field.name.text) != names.end();
        if (named || (all && field.classification <= event.clearance)) {
            event.fields.push_back(field.name);
        }
    }
    event.key = FieldName{in.text("key", "")};
    if (!event.key.empty() && std::ranges::find(event.fields, event.key) == event.fields.end()) {
        in.problem("key", "is no field that the event carries");
    }
    for (std::size_t i = 0; i < names.size() && !all; ++i) {
        if (std::ranges::find(event.fields, FieldName{names[i]}) == event.fields.end()) {
            in.problem("fields", i, "is no field of the object");
        }
    }
    return event;
}

}  // namespace

std::vector<EventSpec> reading::read_events(TomlReader in, const std::vector<FieldSpec>& fields) {
    std::vector<EventSpec> events;
    for (const std::string& name : in.keys()) {
        if (!is_policy_name(name)) {
            in.key_problem(name, "is no name: use small letters, digits and `_`, a letter first");
        } else {
            events.push_back(read_event(in.table(name), name, fields));
        }
    }
    return events;
}

}  // namespace syncline
