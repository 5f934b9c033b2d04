#pragma once

#include "agent/connectors/list_door.h"
#include "agent/connectors/registry.h"

namespace syncline::agent {

/// Lists in CSV or JSONL files of the connector's directory: `native` is the file's name. A list is
/// read where it lies and stays there, once it is complete by the connector's `ready`; it is
/// replaced by a new file that takes its name.
[[nodiscard]] Result<ListDoorFactory> make_file_lists(TomlReader& connector, TomlReader& lists,
                                                      const ConnectorContext& context);

}  // namespace syncline::agent
