#include "shared/contracts/compatibility.h"

#include <algorithm>
#include <tuple>

#include "shared/policy/check_parts.h"

namespace syncline::contracts {
namespace {

using checking::tick;

struct Row {
    Difference difference;
    std::string_view name;
    Breaks breaks;
};
// What is removed breaks backward although a reader could pass over it: the hub would drop what it
// was told. Who reads with the contract before loses an optional field without being wrong.
constexpr Row kRows[] = {
    //                                  name                        backward  forward
    {Difference::kObjectRemoved, "object_removed", {true, false}},
    {Difference::kFieldAdded, "field_added", {false, false}},
    {Difference::kRequiredFieldAdded, "required_field_added", {true, false}},
    {Difference::kFieldRemoved, "field_removed", {true, false}},
    {Difference::kRequiredFieldRemoved, "required_field_removed", {true, true}},
    {Difference::kFieldRenamed, "field_renamed", {false, false}},
    {Difference::kRequiredFieldRenamed, "required_field_renamed", {false, true}},
    {Difference::kTypeWidened, "type_widened", {false, true}},
    {Difference::kTypeNarrowed, "type_narrowed", {true, false}},
    {Difference::kTypeChanged, "type_changed", {true, true}},
    {Difference::kEnumValueAdded, "enum_value_added", {false, true}},
    {Difference::kEnumValueRemoved, "enum_value_removed", {true, false}},
    {Difference::kLengthRaised, "length_raised", {false, true}},
    {Difference::kLengthLowered, "length_lowered", {true, false}},
    {Difference::kRequiredAdded, "required_added", {true, false}},
    {Difference::kRequiredDropped, "required_dropped", {false, true}},
};

const Row& row_of(Difference difference) {
    return *std::ranges::find(kRows, difference, &Row::difference);
}

std::string a_type(const FieldSpec& field) {
    const std::string name = name_of(field.type);
    return (name[0] == 'i' || name[0] == 'e' ? "an " : "a ") + name;
}

/// Is every value of `narrow`, which is of another type, one of `wide`?
bool takes_all(const FieldSpec& wide, const FieldSpec& narrow) {
    if (wide.type == FieldType::kDecimal) return narrow.type == FieldType::kInteger;
    if (wide.type != FieldType::kString || narrow.type != FieldType::kEnum) return false;
    return std::ranges::all_of(narrow.enum_values,
                               [&](const std::string& value) { return conforms(wide, value); });
}

std::vector<std::string> only_in(const FieldSpec& these, const FieldSpec& those) {
    std::vector<std::string> out;
    std::ranges::copy_if(these.enum_values, std::back_inserter(out), [&](const std::string& one) {
        return !checking::holds(those.enum_values, one);
    });
    return out;
}

/// Compares the two contracts of one object.
class ObjectComparison {
public:
    ObjectComparison(const ObjectSpec& before, const ObjectSpec& after,
                     std::vector<ContractChange>& out)
        : before_(before), after_(after), out_(out) {}

    void run() {
        for (const FieldSpec& field : after_.fields) {
            const FieldSpec* was = former(field);
            if (was == nullptr) {
                add(field.required ? Difference::kRequiredFieldAdded : Difference::kFieldAdded,
                    field, tick(field.name) + " is new" + (field.required ? " and required" : ""));
                continue;
            }
            if (was->name != field.name) {
                add(was->required ? Difference::kRequiredFieldRenamed : Difference::kFieldRenamed,
                    field, tick(was->name) + " is " + tick(field.name) + " now");
            }
            compare(*was, field);
        }
        for (const FieldSpec& field : before_.fields) {
            if (is_kept(field)) continue;
            ContractChange& change = add(
                field.required ? Difference::kRequiredFieldRemoved : Difference::kFieldRemoved,
                field, tick(field.name) + " is gone" + (field.required ? " and was required" : ""));
            change.place = after_.place;
        }
    }

private:
    /// The field as the contract before has it, perhaps under an earlier name.
    [[nodiscard]] const FieldSpec* former(const FieldSpec& field) const {
        if (const FieldSpec* same = before_.field(field.name)) return same;
        for (const FieldName& was : field.renamed_from) {
            if (const FieldSpec* found = before_.field(was)) return found;
        }
        return nullptr;
    }
    [[nodiscard]] bool is_kept(const FieldSpec& field) const {
        const FieldSpec* now = after_.field(after_.name_now(field.name));
        return now != nullptr && former(*now) == &field;
    }

    void compare(const FieldSpec& was, const FieldSpec& is) {
        const std::string name = tick(is.name);
        if (was.type != is.type) {
            const bool widened = takes_all(is, was);
            const bool narrowed = takes_all(was, is);
            add(widened    ? Difference::kTypeWidened
                : narrowed ? Difference::kTypeNarrowed
                           : Difference::kTypeChanged,
                is, name + " was " + a_type(was) + " and is " + a_type(is));
        } else if (is.type == FieldType::kEnum) {
            compare_values(was, is);
        } else if (was.length_max != is.length_max) {
            const bool raised =
                is.length_max == 0 || (was.length_max != 0 && is.length_max > was.length_max);
            add(raised ? Difference::kLengthRaised : Difference::kLengthLowered, is,
                name + " had " + length(was) + " and has " + length(is));
        }
        if (was.required != is.required) {
            add(is.required ? Difference::kRequiredAdded : Difference::kRequiredDropped, is,
                name + (is.required ? " is required by now" : " is not required any more"));
        }
    }

    void compare_values(const FieldSpec& was, const FieldSpec& is) {
        for (const auto& [difference, values, text] :
             {std::tuple{Difference::kEnumValueAdded, only_in(is, was), " may be "},
              std::tuple{Difference::kEnumValueRemoved, only_in(was, is), " may no longer be "}}) {
            if (values.empty()) continue;
            add(difference, is, tick(is.name) + text + checking::listed(values));
        }
    }

    static std::string length(const FieldSpec& field) {
        return field.length_max == 0 ? "no length_max"
                                     : "length_max = " + std::to_string(field.length_max);
    }

    ContractChange& add(Difference difference, const FieldSpec& field, std::string what) {
        return out_.emplace_back(
            ContractChange{.object = after_.name,
                           .field = field.name,
                           .difference = difference,
                           .what = std::move(what),
                           .place = field.place,
                           .promised = before_.compatibility,
                           .broken = breaks(difference, before_.compatibility),
                           .raised = after_.contract_version > before_.contract_version});
    }

    const ObjectSpec& before_;
    const ObjectSpec& after_;
    std::vector<ContractChange>& out_;
};

ContractChange removal_of(const ObjectSpec& object) {
    return {.object = object.name,
            .difference = Difference::kObjectRemoved,
            .what = "the object " + tick(object.name) + " is gone",
            .place = object.place,
            .promised = object.compatibility,
            .broken = breaks(Difference::kObjectRemoved, object.compatibility)};
}

/// "compatibility = "backward" promises that what version 1 wrote is understood".
std::string promise(Compatibility promised, std::uint32_t version) {
    const std::string before = "version " + std::to_string(version) + " of the contract";
    std::string what;
    switch (promised) {
        case Compatibility::kNone: return "nothing";
        case Compatibility::kBackward:
            what = "what " + before + " wrote is understood, whole";
            break;
        case Compatibility::kForward:
            what = "who knows " + before + " can read what is written now";
            break;
        case Compatibility::kFull:
            what = "what " + before +
                   " wrote is understood, and who knows it can read what is written now";
            break;
    }
    return "compatibility = \"" + std::string{name_of(promised)} + "\" promises that " + what;
}

Finding finding_of(const ContractChange& change, const Policy& before) {
    const ObjectSpec& object = *before.object(change.object);
    Finding finding{change.is_refused() ? Severity::kError : Severity::kWarning,
                    change.is_refused() ? kBroken : kBrokenByVersion,
                    change.place,
                    change.what + " (" + std::string{name_of(change.difference)} + "), and " +
                        promise(change.promised, object.contract_version),
                    {}};
    const std::string table = "[objects." + change.object.text + "]";
    if (change.difference == Difference::kObjectRemoved) {
        finding.hint = "put compatibility = \"none\" into force under " + table + " first";
    } else if (change.is_refused()) {
        finding.hint = "write version = " + std::to_string(object.contract_version + 1) +
                       " under " + table + " if that is meant";
        if (change.difference == Difference::kFieldRemoved ||
            change.difference == Difference::kRequiredFieldRemoved) {
            finding.hint +=
                ", or renamed_from = [\"" + change.field.text + "\"] at the field that it is now";
        }
    } else {
        finding.hint =
            "version was raised, so it is taken: tell who writes or reads " + change.object.text;
    }
    return finding;
}

}  // namespace

std::string_view name_of(Difference difference) { return row_of(difference).name; }

Breaks breaks(Difference difference) { return row_of(difference).breaks; }

bool breaks(Difference difference, Compatibility promised) {
    const Breaks broken = breaks(difference);
    const bool backward = promised == Compatibility::kBackward || promised == Compatibility::kFull;
    const bool forward = promised == Compatibility::kForward || promised == Compatibility::kFull;
    return (backward && broken.backward) || (forward && broken.forward);
}

std::vector<ContractChange> changes_between(const Policy& before, const Policy& after) {
    std::vector<ContractChange> changes;
    for (const ObjectSpec& object : before.objects) {
        const ObjectSpec* now = after.object(object.name);
        if (now == nullptr) {
            changes.push_back(removal_of(object));
        } else {
            ObjectComparison{object, *now, changes}.run();
        }
    }
    std::ranges::stable_sort(changes, {}, &ContractChange::place);
    return changes;
}

std::vector<Finding> check_evolution(const Policy& before, const Policy& after) {
    std::vector<Finding> findings;
    for (const ContractChange& change : changes_between(before, after)) {
        if (change.broken) findings.push_back(finding_of(change, before));
    }
    for (const ObjectSpec& object : after.objects) {
        const ObjectSpec* was = before.object(object.name);
        if (was == nullptr || object.contract_version >= was->contract_version) continue;
        findings.push_back({Severity::kError, kVersionLowered, object.place,
                            "the contract of " + tick(object.name) + " has version " +
                                std::to_string(object.contract_version) + " and had " +
                                std::to_string(was->contract_version),
                            "versions only go up; `policy rollback` goes back as a whole"});
    }
    std::ranges::stable_sort(findings, [](const Finding& a, const Finding& b) {
        return std::tie(a.place, a.code) < std::tie(b.place, b.code);
    });
    return findings;
}

}  // namespace syncline::contracts
