#include "agent/connectors/registry.h"

#include <algorithm>
#include <array>

#include "agent/connectors/exec/exec_connector.h"
#include "agent/connectors/file/file_connector.h"
#include "agent/connectors/file/file_lists.h"
#include "agent/connectors/postgres/postgres.h"
#include "agent/connectors/postgres/postgres_lists.h"
#include "agent/connectors/rest/rest.h"
#include "agent/connectors/sql/sql.h"
#include "agent/connectors/webhook/webhook.h"
#include "agent/core/mapping_toml.h"

namespace syncline::agent {
namespace {

// By hand: a linker drops the members of an archive that only register themselves.
constexpr std::array kConnectors{
    ConnectorKind{"rest", "HTTP and JSON, described by a profile", make_rest},
    ConnectorKind{"postgres", "logical replication in, SQL out", make_postgres, make_postgres_lists,
                  nullptr, postgres_columns},
    ConnectorKind{"mariadb", "MariaDB and MySQL: polling or triggers in, SQL out", make_mariadb,
                  nullptr, print_mariadb_triggers, mariadb_columns},
    ConnectorKind{"sqlite", "SQLite files: polling or triggers in, SQL out", make_sqlite, nullptr,
                  print_sqlite_triggers, sqlite_columns},
    ConnectorKind{"webhook", "signed push over HTTP", make_webhook},
    ConnectorKind{"file", "CSV, JSONL and fixed-width drops in a directory", make_file,
                  make_file_lists},
    ConnectorKind{"exec", "a program of your own, over JSON lines", make_exec},
};

std::string names() {
    std::string text;
    for (const ConnectorKind& kind : kConnectors) {
        text += (text.empty() ? "\"" : ", \"") + std::string{kind.name} + "\"";
    }
    return text;
}

}  // namespace

std::span<const ConnectorKind> connector_kinds() { return kConnectors; }

Result<ConnectorFactory> make_connector(TomlReader& root, const ConnectorContext& context) {
    TomlReader connector = root.table("connector");
    TomlReader objects = root.table("objects");
    const std::string name = connector.text("kind");
    const auto at = std::ranges::find(kConnectors, name, &ConnectorKind::name);
    if (at == kConnectors.end()) {
        return fail(ErrorKind::kInvalid, to_string(connector.place("kind")) +
                                             ": `connector.kind` must be one of " + names());
    }
    if (objects.keys().empty() && !root.has("lists"))
        root.problem("objects", "must map at least one object");
    return at->make(connector, objects, context);
}

Result<std::string> connector_triggers(TomlReader& root, const ConnectorContext& context) {
    TomlReader connector = root.table("connector");
    TomlReader objects = root.table("objects");
    const std::string name = connector.text("kind");
    const auto at = std::ranges::find(kConnectors, name, &ConnectorKind::name);
    if (at == kConnectors.end() || at->triggers == nullptr) {
        return fail(ErrorKind::kUnsupported, to_string(connector.place("kind")) +
                                                 ": the connector \"" + name +
                                                 "\" needs no triggers");
    }
    std::string sql = at->triggers(connector, objects, context);
    if (sql.empty()) {
        return fail(ErrorKind::kUnsupported,
                    to_string(root.place("objects")) +
                        ": no object has `outbox = true`, so none needs triggers");
    }
    return sql;
}

PlatformLists make_lists(TomlReader& root, const ConnectorContext& context) {
    PlatformLists out;
    TomlReader connector = root.table("connector");
    TomlReader lists = root.table("lists");
    for (const std::string& name : lists.keys()) out.names.emplace_back(name);
    if (out.names.empty()) return out;
    const auto at = std::ranges::find(kConnectors, connector.text("kind"), &ConnectorKind::name);
    if (at->make_lists == nullptr) {
        root.key_problem("lists", "are nothing that the connector \"" + std::string{at->name} +
                                      "\" can read or replace as a whole; use file or postgres");
        std::ignore = read_object_mappings(lists, {});  // One problem will do.
        return out;
    }
    auto made = at->make_lists(connector, lists, context);
    if (made) out.make_door = *std::move(made);
    return out;
}

}  // namespace syncline::agent
