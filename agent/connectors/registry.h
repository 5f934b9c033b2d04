#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "agent/connectors/connector.h"
#include "agent/connectors/list_door.h"
#include "agent/core/mapping_toml.h"
#include "shared/base/clock.h"
#include "shared/base/result.h"
#include "shared/base/toml_reader.h"

namespace syncline::agent {

/// What a connector may need beside its own configuration. `clock` must outlive every connector.
struct ConnectorContext {
    const Clock& clock;
    std::filesystem::path config_dir;   ///< What relative paths in the configuration start from.
    std::filesystem::path profile_dir;  ///< Where profiles are found by name.
    MappingView view = {};              ///< For probing.
};

/// Makes one more connector of the same platform: one for reading, a few for writing. They share
/// what belongs to the platform, such as its session. Call from one thread; touches no network.
using ConnectorFactory = std::function<Result<std::unique_ptr<Connector>>()>;

/// A column of a table, as far as a mapping of it can be proposed.
struct TableColumn {
    std::string name;
    std::string type;         ///< Of a field's mapping; empty: `auto` will do.
    bool is_unique = false;   ///< By itself.
    bool is_counted = false;  ///< The database counts it up.
    bool is_usable = true;    ///< false: bytes and the like, which cannot be kept in agreement.
};

/// One kind of connector that is compiled in.
struct ConnectorKind {
    std::string_view name;     ///< As in `kind = "rest"`.
    std::string_view summary;  ///< One line for `synclinectl connectors`.
    /// From the readers of `[connector]` and `[objects]`, in which problems are noted; touches no
    /// network. kInvalid: a profile has problems, all of which are in the text.
    Result<ConnectorFactory> (*make)(TomlReader& connector, TomlReader& objects,
                                     const ConnectorContext& context);
    /// The same for `[lists]`; null: such a platform has none.
    Result<ListDoorFactory> (*make_lists)(TomlReader& connector, TomlReader& lists,
                                          const ConnectorContext& context) = nullptr;
    /// The SQL that a person runs in the database so that its changes are found, from tables that
    /// make() has found sound; empty: these objects need none. Null: such a platform has none.
    std::string (*triggers)(TomlReader& connector, TomlReader& objects,
                            const ConnectorContext& context) = nullptr;
    /// Asks the database for the columns of a table, from a `[connector]` that make() has found
    /// sound. kNotFound: there is no such table. Null: such a platform has no columns.
    Result<std::vector<TableColumn>> (*columns)(TomlReader& connector, const std::string& native,
                                                const ConnectorContext& context,
                                                const std::stop_token& stop) = nullptr;
};

/// The one list of connectors.
[[nodiscard]] std::span<const ConnectorKind> connector_kinds();

/// Reads `[connector]` and `[objects]` from `root` and finds the maker by `kind`. The caller calls
/// root.finish() afterwards, and uses the factory only if that found nothing.
[[nodiscard]] Result<ConnectorFactory> make_connector(TomlReader& root,
                                                      const ConnectorContext& context);

/// ConnectorKind::triggers of the kind that `[connector]` names. kUnsupported: it has none.
[[nodiscard]] Result<std::string> connector_triggers(TomlReader& root,
                                                     const ConnectorContext& context);

/// The lists of reference data that a platform has, by `[lists]`.
struct PlatformLists {
    std::vector<ListName> names;  ///< Sorted.
    ListDoorFactory make_door;    ///< Empty: there are none.
};
/// Problems are noted in `root`; call it after make_connector() has found no other.
[[nodiscard]] PlatformLists make_lists(TomlReader& root, const ConnectorContext& context);

}  // namespace syncline::agent
