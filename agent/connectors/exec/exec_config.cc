#include <algorithm>

#include "agent/connectors/exec/exec_connector.h"
#include "agent/connectors/exec/protocol.h"
#include "agent/core/mapping_toml.h"
#include "shared/base/log.h"

namespace syncline::agent {
namespace {

using std::chrono::milliseconds;

bool is_variable_name(std::string_view name) {
    const auto letter = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    };
    return !name.empty() && letter(name.front()) &&
           std::ranges::all_of(name, [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

std::vector<exec::Variable> read_environment(TomlReader table) {
    std::vector<exec::Variable> variables;
    for (const std::string& name : table.keys()) {
        exec::Variable variable{.name = name, .text = {}, .secret = {}};
        if (table.kind(name) == TomlReader::Kind::kTable) {
            variable.secret = table.secret(name);
        } else {
            variable.text = table.text(name, "");
        }
        if (!is_variable_name(name)) {
            table.key_problem(name, "is no name of a variable: letters, digits and `_`");
        }
        if (variable.text.find('\0') != std::string::npos) {
            table.problem(name, "must not hold a NUL character");
        }
        variables.push_back(std::move(variable));
    }
    return variables;
}

exec::Capabilities read_capabilities(TomlReader& connector) {
    exec::Capabilities capabilities;
    const std::vector<std::string> names = connector.texts("capabilities", {});
    for (std::size_t i = 0; i < names.size(); ++i) {
        if (exec::set_capability(capabilities, names[i])) continue;
        connector.problem("capabilities", i,
                          "must be of " + exec::to_text({true, true, true, true}));
    }
    return capabilities;
}

std::vector<OperationTraits> read_operations(TomlReader operations) {
    std::vector<OperationTraits> all;
    for (const std::string& name : operations.keys()) {
        TomlReader table = operations.table(name);
        const bool idempotent = table.boolean("idempotent", false);
        const bool find = table.boolean("find", false);
        if (idempotent && find) {
            table.problem("find", "is never used of what is `idempotent`; leave out one of them");
        }
        all.push_back({name, idempotent ? OnDoubt::kRepeat
                             : find     ? OnDoubt::kLook
                                        : OnDoubt::kTell});
    }
    return all;
}

/// A program by its path is looked for from the file's folder, as all paths are; one without a
/// slash in PATH.
std::vector<std::string> read_command(TomlReader& connector, const ConnectorContext& context) {
    std::vector<std::string> command = connector.texts("command");
    if (command.empty()) {
        if (connector.has("command")) connector.problem("command", "must name a program");
    } else if (command.front().find('/') != std::string::npos) {
        command.front() = (context.config_dir / command.front()).lexically_normal().string();
    }
    for (std::size_t i = 0; i < command.size(); ++i) {
        if (command[i].find('\0') == std::string::npos) continue;
        connector.problem("command", i, "must not hold a NUL character");
    }
    return command;
}

}  // namespace

exec::Settings read_exec_settings(TomlReader& connector, TomlReader& objects,
                                  const ConnectorContext& context) {
    exec::Settings settings;
    settings.command = read_command(connector, context);
    settings.working_directory = context.config_dir / connector.text("working_directory", ".");
    settings.environment = read_environment(connector.table("environment"));
    settings.capabilities = read_capabilities(connector);
    settings.start_timeout =
        connector.milliseconds("start_timeout_ms", {10, 600'000}, settings.start_timeout);
    settings.timeout = connector.milliseconds("timeout_ms", {10, 600'000}, settings.timeout);
    settings.read_back_lag =
        connector.milliseconds("read_back_lag_ms", {0, 3'600'000}, milliseconds{0});
    settings.line_bytes_max = connector.integer<std::size_t>("line_bytes_max", {1'024, 64 << 20},
                                                             settings.line_bytes_max);
    TomlReader asks = connector.table("asks");
    settings.questions = asks.keys();
    // There is nothing to say about one, but that the program answers it.
    for (const std::string& name : settings.questions) std::ignore = asks.table(name);
    settings.operations = read_operations(connector.table("operations"));
    settings.objects = read_object_mappings(objects, {}, context.view);
    for (const ObjectMapping& mapping : settings.objects) {
        if (!settings.capabilities.has_marker || !mapping.marker.empty()) continue;
        objects.problem(mapping.object.text,
                        "needs a `marker`, as `capabilities` in [connector] has \"has_marker\"");
    }
    return settings;
}

Result<ConnectorFactory> make_exec(TomlReader& connector, TomlReader& objects,
                                   const ConnectorContext& context) {
    const auto settings =
        std::make_shared<const exec::Settings>(read_exec_settings(connector, objects, context));
    const Clock& clock = context.clock;
    return [settings, &clock]() -> Result<std::unique_ptr<Connector>> {
        return make_exec_connector(settings, clock, [settings](std::string_view line) {
            log::info("the program says",
                      {{"program", settings->command.front()}, {"line", std::string{line}}});
        });
    };
}

}  // namespace syncline::agent
