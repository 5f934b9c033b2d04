#pragma once

#include <cstddef>

#include "hub/core/state.h"
#include "shared/policy/policy.h"

namespace syncline::hub {

inline const FieldName& name_of(const FieldName& name) { return name; }
inline const FieldName& name_of(const Fields::Entry& entry) { return entry.first; }
inline const FieldName& name_of(const CanonicalField& field) { return field.name; }
inline const FieldName& name_of(const FieldSpec& field) { return field.name; }

/// Finds names in a list that is sorted by them, if they are asked for in ascending order: all in
/// one walk. What is found lives as long as the list does not change; the name asked for last may
/// be inserted meanwhile.
template <class List>
class SortedWalk {
public:
    explicit SortedWalk(const List& list) : list_(list) {}

    /// Null if the list has no such name.
    const auto* find(const FieldName& name) {
        for (; at_ < list_.size(); ++at_) {
            const auto& item = *(list_.begin() + static_cast<std::ptrdiff_t>(at_));
            const int order = name_of(item).text.compare(name.text);
            if (order >= 0) return order == 0 ? &item : nullptr;
        }
        return static_cast<decltype(&*list_.begin())>(nullptr);
    }

private:
    const List& list_;
    std::size_t at_ = 0;
};

}  // namespace syncline::hub
