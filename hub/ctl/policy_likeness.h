#pragma once

#include <vector>

#include "hub/core/step.h"
#include "shared/policy/policy.h"

/// Where two policies cannot but decide alike, so that one of them need not be asked. Pure.
namespace syncline::ctl {

/// Do both policies make the same match keys of a record? A field with another name makes the same.
[[nodiscard]] bool match_alike(const ObjectSpec& before, const ObjectSpec& after);

/// How an object is in two policies.
class Likeness {
public:
    /// Both must outlive it.
    Likeness(const ObjectSpec& active, const ObjectSpec& proposed);

    /// Do both surely make the same of the input, but for the place of the rule that it was decided
    /// by? So it is if they are alike in all but some fields' ownership rules, and each such field
    /// is told as it is already, or both have rules that say the same in the case at hand.
    /// `before`: the state that the input is decided on.
    [[nodiscard]] bool covers(const hub::EntityState& before, const hub::Input& input) const;

    /// Has every field the same name, type and limits in both?
    [[nodiscard]] bool same_contract() const { return same_contract_; }

private:
    [[nodiscard]] bool covers_change(const hub::EntityState& before, const Fields& told) const;
    [[nodiscard]] static bool is_told_otherwise(const hub::EntityState& before, const Fields& told,
                                                const FieldName& field);

    const ObjectSpec& active_;
    const ObjectSpec& proposed_;
    bool same_contract_ = false;
    bool alike_but_for_rules_ = false;
    std::vector<FieldName> ruled_otherwise_;  ///< Their rules are not the same.
};

}  // namespace syncline::ctl
