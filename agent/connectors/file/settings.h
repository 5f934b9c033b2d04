#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "agent/connectors/file/encoding.h"
#include "agent/connectors/file/fixed.h"
#include "agent/core/mapping.h"
#include "shared/base/timestamp.h"

namespace syncline::agent::file {

/// How a sender says that a file is complete.
enum class Ready : std::uint8_t {
    kStable,    ///< Its size has not changed for `stable`.
    kDoneFile,  ///< `<name>.done` is there.
    kRename,    ///< It appears under its name by a rename: at once.
};

struct Settings {
    std::filesystem::path inbox, done, failed, outbox;
    Ready ready = Ready::kStable;
    Duration stable = std::chrono::seconds{2};
    char separator = ',';
    std::size_t line_bytes_max = 1u << 20;
    Encoding encoding = Encoding::kUtf8;  ///< Of CSV and fixed width.
    std::string suffix;  ///< Not empty: files of fixed width, whose names end so, and no others.
    std::map<ObjectName, FixedLayout> layouts;  ///< Of fixed width, one for each object.
    std::string op_field = "op";                ///< A row in which it is `delete` is a deletion.
    std::vector<ObjectMapping> objects;
};

}  // namespace syncline::agent::file
