#include "hub/ctl/policy_likeness.h"

#include <algorithm>
#include <optional>

#include "hub/core/decide.h"
#include "shared/policy/coverage.h"

namespace syncline::ctl {
namespace {

// Members are named one by one, so that a new one does not compile before it is compared here.

bool are_alike(const std::optional<Expression>& one, const std::optional<Expression>& other) {
    return one.has_value() == other.has_value() && (!one || one->text() == other->text());
}

bool are_alike(const FieldSpec& one, const FieldSpec& other) {
    const auto& [name, type, classification, required, enum_values, length_max, renamed_from,
                 place] = one;
    return name == other.name && type == other.type && classification == other.classification &&
           required == other.required && enum_values == other.enum_values &&
           length_max == other.length_max && renamed_from == other.renamed_from;
}

bool are_alike(const MatchRule& one, const MatchRule& other, const ObjectSpec& after) {
    const auto& [name, parts, place] = one;
    return name == other.name &&
           std::ranges::equal(
               parts, other.parts, [&](const MatchRule::Part& a, const MatchRule::Part& b) {
                   return after.name_now(a.field) == b.field && a.normaliser == b.normaliser;
               });
}

bool are_alike(const Binding& one, const Binding& other) {
    const auto& [platform, fields, read_only, founds, receives, receives_when, on_delete,
                 states_on_delete, place] = one;
    return platform == other.platform && fields == other.fields && read_only == other.read_only &&
           founds == other.founds && receives == other.receives &&
           are_alike(receives_when, other.receives_when) && on_delete == other.on_delete;
}

bool are_alike(const std::optional<Lifecycle>& one, const std::optional<Lifecycle>& other) {
    if (!one || !other) return !one && !other;
    const auto& [field, initial, stages, place] = *one;
    return field == other->field &&
           std::ranges::equal(stages, other->stages,
                              [](const Lifecycle::Stage& a, const Lifecycle::Stage& b) {
                                  return a.name == b.name && a.next == b.next;
                              });
}

/// Do they say the same where both hold?
bool say_the_same(const OwnershipRule& one, const OwnershipRule& other) {
    const auto& [fields, when, resolution, owner, priority, otherwise, place] = one;
    return resolution == other.resolution && owner == other.owner && priority == other.priority &&
           otherwise == other.otherwise;
}

bool have_alike_rules(const ObjectSpec& one, const ObjectSpec& other, const FieldName& field) {
    return std::ranges::equal(rules_of(one, field), rules_of(other, field),
                              [](const OwnershipRule* a, const OwnershipRule* b) {
                                  return say_the_same(*a, *b) && are_alike(a->when, b->when);
                              });
}

/// Nothing about the entity that rules are asked about beside the fields of an input.
bool is_settled(const hub::EntityState& state) {
    return state.proposals.empty() && state.exceptions.empty() &&
           std::ranges::all_of(
               state.records, [](const hub::RecordState& record) { return record.others.empty(); });
}

}  // namespace

bool match_alike(const ObjectSpec& before, const ObjectSpec& after) {
    return std::ranges::equal(
        before.matches, after.matches,
        [&](const MatchRule& one, const MatchRule& other) { return are_alike(one, other, after); });
}

Likeness::Likeness(const ObjectSpec& active, const ObjectSpec& proposed)
    : active_(active), proposed_(proposed) {
    // Which version the contract has, and what it promises, decides nothing by itself, nor does
    // what is told as an event, nor who may see it; `renames` are those of the fields.
    const auto& [name, contract_version, compatibility, fields, renames, ownership, matches,
                 bindings, attempts_max, lifecycle, events, region, place] = active;
    const auto alike = [](const auto& a, const auto& b) { return are_alike(a, b); };
    same_contract_ = std::ranges::equal(fields, proposed.fields, alike);
    alike_but_for_rules_ = same_contract_ && attempts_max == proposed.attempts_max &&
                           match_alike(active, proposed) &&
                           std::ranges::equal(bindings, proposed.bindings, alike) &&
                           are_alike(lifecycle, proposed.lifecycle);
    for (const FieldSpec& field : fields) {
        if (!have_alike_rules(active, proposed, field.name)) ruled_otherwise_.push_back(field.name);
    }
}

bool Likeness::covers(const hub::EntityState& before, const hub::Input& input) const {
    if (!alike_but_for_rules_) return false;
    if (ruled_otherwise_.empty()) return true;
    if (!is_settled(before)) return false;
    if (const auto* change = std::get_if<Change>(&input)) {
        return change->kind == ChangeKind::kUpsert && covers_change(before, change->fields);
    }
    const auto* outcome = std::get_if<Outcome>(&input);
    return outcome != nullptr && outcome->status == OutcomeStatus::kApplied && !outcome->deleted &&
           std::ranges::none_of(ruled_otherwise_, [&](const FieldName& field) {
               return is_told_otherwise(before, outcome->fields, field);
           });
}

bool Likeness::is_told_otherwise(const hub::EntityState& before, const Fields& told,
                                 const FieldName& field) {
    const Value* value = told.find(field);
    if (value == nullptr) return false;
    const hub::CanonicalField* canonical = before.find(field);
    return canonical == nullptr || *value != canonical->value;
}

bool Likeness::covers_change(const hub::EntityState& before, const Fields& told) const {
    std::optional<Fields> view;
    for (const FieldName& field : ruled_otherwise_) {
        if (!is_told_otherwise(before, told, field)) continue;
        // What other stages lead to is another question than the case at hand.
        if (active_.lifecycle && active_.lifecycle->field == field) return false;
        if (!view) view = hub::seen_by_conditions(before, told);
        const OwnershipRule* now = active_.rule(field, *view);
        const OwnershipRule* then = proposed_.rule(field, *view);
        if (now == nullptr || then == nullptr || !say_the_same(*now, *then)) return false;
        // Whom it is proposed to is asked once more after the input.
        if (now->otherwise == NonOwnerWrite::kPropose) return false;
    }
    return true;
}

}  // namespace syncline::ctl
