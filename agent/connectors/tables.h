#pragma once

#include <string>
#include <vector>

#include "agent/connectors/connector.h"
#include "agent/core/mapping.h"

/// What the connectors of databases have in common.
namespace syncline::agent {

/// What a look at an object's table found, which lacks the columns of that name. The path of a
/// field is a column, or begins with one.
[[nodiscard]] Batch::Looked look_of(const ObjectMapping& mapping,
                                    const std::vector<std::string>& missing);
[[nodiscard]] std::vector<Batch::Looked> looks_of(const auto& tables) {
    std::vector<Batch::Looked> looks;
    for (const auto& table : tables) looks.push_back(look_of(table.mapping, table.missing));
    return looks;
}

}  // namespace syncline::agent
