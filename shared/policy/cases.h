#pragma once

#include <vector>

#include "shared/policy/policy.h"

namespace syncline {

/// The conditions of the rules that have one.
[[nodiscard]] std::vector<const Expression*> conditions_of(
    const std::vector<const OwnershipRule*>& rules);

/// Every combination of the values that some conditions tell apart (domain.h). An entity is like
/// one of them as far as those conditions can see.
class Cases {
public:
    /// `apart`: a field that is left to the caller to set in each case; it still counts for how
    /// many there are.
    Cases(const ObjectSpec& object, const std::vector<const Expression*>& conditions,
          const FieldSpec* apart = nullptr);

    /// Is there a case to try? Not if a condition names a field that the object does not have, or
    /// if they are more than some ten thousands.
    [[nodiscard]] bool tryable() const { return tryable_; }
    /// Does one of the cases stand for each entity that is possible? Not if a condition calculates
    /// with a field of many values.
    [[nodiscard]] bool complete() const { return complete_; }

    /// Calls `take(Fields&)` with each.
    void each(const auto& take) const {
        if (!tryable_) return;
        Fields entity;
        for (const Dimension& dimension : dimensions_) entity.set(dimension.field, Value{});
        from(0, entity, take);
    }

private:
    struct Dimension {
        FieldName field;
        std::vector<Value> values;
    };

    void from(std::size_t at, Fields& entity, const auto& take) const {
        if (at == dimensions_.size()) return take(entity);
        for (const Value& value : dimensions_[at].values) {
            entity.assign(dimensions_[at].field, value);
            from(at + 1, entity, take);
        }
    }

    std::vector<Dimension> dimensions_;
    bool tryable_ = true;
    bool complete_ = true;
};

}  // namespace syncline
