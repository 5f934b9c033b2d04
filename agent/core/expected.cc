#include "agent/core/expected.h"

namespace syncline::agent {

std::optional<FieldName> unexpected_field(const ObjectMapping& mapping, const Command& command,
                                          const Record& held) {
    const auto expected = normal_form(mapping, command.expected);
    const auto wanted = normal_form(mapping, command.fields);
    for (const auto& [field, value] : command.expected) {
        const Value* const now = held.fields.find(field);
        if (now == nullptr || *now == value) continue;
        const Value* const normal = expected ? expected->find(field) : nullptr;
        const Value* const target = wanted ? wanted->find(field) : nullptr;
        const bool is_known = normal != nullptr && *normal == *now;
        const bool is_done = target != nullptr && *target == *now;
        if (!is_known && !is_done) return field;
    }
    return std::nullopt;
}

}  // namespace syncline::agent
