#include "shared/policy/coverage.h"

#include <algorithm>
#include <set>

namespace syncline {
namespace {

constexpr std::size_t kCombinationsMax = 4096;

struct Dimension {
    FieldName field;
    std::vector<Value> values;
};

/// Every value that the field can have; none if they are too many to list.
std::vector<Value> values_of(const FieldSpec& field) {
    std::vector<Value> values;
    if (field.type == FieldType::kEnum) {
        values.assign(field.enum_values.begin(), field.enum_values.end());
    } else if (field.type == FieldType::kBool) {
        values = {Value{false}, Value{true}};
    }
    if (!values.empty() && !field.required) values.emplace_back();
    return values;
}

/// The fields that decide, with their values; nothing if one has too many.
std::vector<Dimension> dimensions_of(const ObjectSpec& object, const std::set<std::string>& reads) {
    std::vector<Dimension> dimensions;
    std::size_t combinations = 1;
    for (const std::string& name : reads) {
        const FieldSpec* spec = object.field(FieldName{name});
        if (spec == nullptr) return {};
        Dimension dimension{spec->name, values_of(*spec)};
        if (dimension.values.empty()) return {};
        combinations *= dimension.values.size();
        if (combinations > kCombinationsMax) return {};
        dimensions.push_back(std::move(dimension));
    }
    return dimensions;
}

/// Tries all combinations of the dimensions that `entity` does not hold yet.
bool all_ruled(const ObjectSpec& object, const FieldName& field,
               const std::vector<Dimension>& dimensions, Fields& entity) {
    const std::size_t at = entity.size();
    if (at == dimensions.size()) return object.rule(field, entity) != nullptr;
    return std::ranges::all_of(dimensions[at].values, [&](const Value& value) {
        entity.set(dimensions[at].field, value);
        const bool ruled = all_ruled(object, field, dimensions, entity);
        entity.erase(dimensions[at].field);
        return ruled;
    });
}

}  // namespace

bool always_ruled(const ObjectSpec& object, const FieldName& field) {
    std::set<std::string> reads;
    for (const OwnershipRule& rule : object.ownership) {
        if (std::ranges::find(rule.fields, field) == rule.fields.end()) continue;
        if (!rule.when) return true;
        reads.insert(rule.when->reads().begin(), rule.when->reads().end());
    }
    const std::vector<Dimension> dimensions = dimensions_of(object, reads);
    if (dimensions.empty()) return false;
    Fields entity;
    return all_ruled(object, field, dimensions, entity);
}

}  // namespace syncline
