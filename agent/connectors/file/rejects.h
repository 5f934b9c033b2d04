#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "agent/connectors/file/row_reader.h"
#include "shared/base/result.h"

namespace syncline::agent::file {

/// Writes the bad rows of a file, with their reasons, as `<name>.rejects.jsonl` into `folder` for
/// whoever sent it. Rows that were written there before, since reading went back after a crash, are
/// not written again. kUnavailable: perhaps some were written.
[[nodiscard]] Result<void> write_rejects(const std::filesystem::path& folder,
                                         const std::string& name, const std::string& identity,
                                         const std::vector<Row>& rows);

}  // namespace syncline::agent::file
