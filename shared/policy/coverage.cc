#include "shared/policy/coverage.h"

#include <algorithm>

#include "shared/policy/cases.h"
#include "shared/policy/lifecycle.h"

namespace syncline {
namespace {

/// Tries the rules in every case.
class Trial {
public:
    Trial(const ObjectSpec& object, const std::vector<const OwnershipRule*>& rules)
        : object_(object),
          rules_(rules),
          unreached_stages_(unreached_stages(object)),
          reached_(rules.size(), false),
          first_holds_(rules.size()) {}

    Coverage run() {
        const Cases cases{object_, conditions_of(rules_)};
        cases.each([&](const Fields& entity) { try_case(entity); });
        Coverage coverage{cases.complete(), std::move(unruled_), {}};
        if (!coverage.complete) return coverage;
        for (std::size_t i = 0; i < rules_.size(); ++i) {
            if (reached_[i]) continue;
            auto& [covered_by, example] = first_holds_[i];
            coverage.unreached.push_back({rules_[i], covered_by, std::move(example)});
        }
        return coverage;
    }

private:
    /// The first case in which a rule holds though one before it does; without `by`, one in which
    /// it rules, but whose stage is not reached.
    struct Covered {
        const OwnershipRule* by = nullptr;
        Fields example;
    };

    [[nodiscard]] bool is_unreached(const Fields& entity) const {
        if (unreached_stages_.empty()) return false;
        const Value* value = entity.find(object_.lifecycle->field);
        const std::string* stage = value == nullptr ? nullptr : value->get<std::string>();
        return stage != nullptr &&
               std::ranges::find(unreached_stages_, *stage) != unreached_stages_.end();
    }

    void try_case(const Fields& entity) {
        const bool never = is_unreached(entity);
        const OwnershipRule* first = nullptr;
        for (std::size_t i = 0; i < rules_.size(); ++i) {
            // Whether a rule holds behind the first one matters only until it is known to be used.
            if (first != nullptr && (never || reached_[i] || first_holds_[i].by != nullptr)) {
                continue;
            }
            const auto& when = rules_[i]->when;
            if (when && !when->holds(entity).value_or(false)) continue;
            if (first != nullptr) {
                first_holds_[i] = {first, entity};
                continue;
            }
            first = rules_[i];
            if (!never) {
                reached_[i] = true;
            } else if (first_holds_[i].by == nullptr) {
                first_holds_[i].example = entity;
            }
        }
        if (first == nullptr && !unruled_) unruled_ = entity;
    }

    const ObjectSpec& object_;
    const std::vector<const OwnershipRule*>& rules_;
    const std::vector<std::string> unreached_stages_;
    std::vector<bool> reached_;
    std::vector<Covered> first_holds_;
    std::optional<Fields> unruled_;
};

}  // namespace

std::vector<const OwnershipRule*> rules_of(const ObjectSpec& object, const FieldName& field) {
    std::vector<const OwnershipRule*> rules;
    for (const OwnershipRule& rule : object.ownership) {
        if (std::ranges::find(rule.fields, field) == rule.fields.end()) continue;
        rules.push_back(&rule);
        if (!rule.when) break;
    }
    return rules;
}

Coverage coverage_of(const ObjectSpec& object, const std::vector<const OwnershipRule*>& rules) {
    return Trial{object, rules}.run();
}

}  // namespace syncline
