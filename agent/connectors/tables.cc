#include "agent/connectors/tables.h"

#include <algorithm>

namespace syncline::agent {

Batch::Looked look_of(const ObjectMapping& mapping, const std::vector<std::string>& missing) {
    Batch::Looked looked{mapping.object, {}};
    for (const FieldMapping& field : mapping.fields) {
        const bool absent = std::ranges::any_of(missing, [&](const std::string& column) {
            return field.path == column || field.path.starts_with(column + ".");
        });
        if (absent) looked.absent.push_back(field.field);
    }
    return looked;
}

}  // namespace syncline::agent
