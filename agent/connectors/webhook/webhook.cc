#include "agent/connectors/webhook/webhook.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "agent/connectors/webhook/webhook_connector.h"
#include "agent/core/mapping_toml.h"

namespace syncline::agent {
namespace {

/// The factory of `[connector.write]`; an empty one if the table is not there.
Result<ConnectorFactory> make_inner(TomlReader& connector, TomlReader& objects,
                                    const ConnectorContext& context) {
    auto write = connector.optional_table("write");
    if (!write) return ConnectorFactory{};
    const std::string name = write->text("kind");
    for (const ConnectorKind& kind : connector_kinds()) {
        if (kind.name != name || name == "webhook") continue;
        if (write->has("push")) {
            write->key_problem("push", "is for a connector that polls, and this one is pushed to");
        }
        return kind.make(*write, objects, context);
    }
    write->problem("kind", "must be a connector that writes");
    return ConnectorFactory{};
}

/// Of pushed records: what the objects do not say themselves.
MappingDefaults read_defaults(TomlReader& connector) {
    MappingDefaults defaults;
    defaults.key = connector.text("key", defaults.key);
    defaults.marker = connector.text("marker", defaults.marker);
    defaults.changed = connector.text("changed", defaults.changed);
    defaults.changed_format = connector.text("changed_format", defaults.changed_format);
    defaults.timestamp_format = connector.text("timestamp_format", defaults.timestamp_format);
    return defaults;
}

}  // namespace

Result<ConnectorFactory> make_webhook(TomlReader& connector, TomlReader& objects,
                                      const ConnectorContext& context) {
    webhook::WebhookConfig config = webhook::parse_webhook_config(connector);
    const MappingDefaults defaults = read_defaults(connector);
    std::vector<ObjectMapping> mappings = read_object_mappings(objects, defaults);
    auto inner = make_inner(connector, objects, context);
    if (!inner) return fail(inner.error());
    return ConnectorFactory{[config = std::move(config), mappings = std::move(mappings),
                             inner = std::move(*inner),
                             clock = &context.clock]() -> Result<std::unique_ptr<Connector>> {
        std::unique_ptr<Connector> writer;
        if (inner) {
            auto made = inner();
            if (!made) return fail(made.error());
            writer = std::move(*made);
        }
        return webhook::make_webhook(config, mappings, *clock, std::move(writer));
    }};
}

}  // namespace syncline::agent
