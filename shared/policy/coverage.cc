#include "shared/policy/coverage.h"

#include <algorithm>
#include <set>

#include "shared/policy/domain.h"

namespace syncline {
namespace {

constexpr std::size_t kCasesMax = 20'000;

/// Tries the rules in every case.
class Trial {
public:
    Trial(const ObjectSpec& object, const std::vector<const OwnershipRule*>& rules)
        : rules_(rules), reached_(rules.size(), false), first_holds_(rules.size()) {
        complete_ = collect(object);
    }

    Coverage run() {
        Fields entity;
        for (const Dimension& dimension : dimensions_) entity.set(dimension.field, Value{});
        if (tryable_) try_all(entity, 0);
        Coverage coverage{complete_, std::move(unruled_), {}};
        if (!coverage.complete) return coverage;
        for (std::size_t i = 0; i < rules_.size(); ++i) {
            if (reached_[i]) continue;
            auto& [covered_by, example] = first_holds_[i];
            coverage.unreached.push_back({rules_[i], covered_by, std::move(example)});
        }
        return coverage;
    }

private:
    struct Dimension {
        FieldName field;
        std::vector<Value> values;
    };
    /// The first case in which a rule holds though one before it does.
    struct Covered {
        const OwnershipRule* by = nullptr;
        Fields example;
    };

    /// The fields that decide, with the values that count. Is that every case?
    bool collect(const ObjectSpec& object) {
        std::set<std::string> reads;
        for (const OwnershipRule* rule : rules_) {
            if (rule->when) reads.insert(rule->when->reads().begin(), rule->when->reads().end());
        }
        bool complete = true;
        std::size_t cases = 1;
        for (const std::string& name : reads) {
            const FieldSpec* spec = object.field(FieldName{name});
            if (spec == nullptr) return tryable_ = false;  // Reported where it is named.
            Domain domain = domain_of(*spec, rules_);
            complete &= domain.complete;
            cases *= std::max<std::size_t>(domain.values.size(), 1);
            if (cases > kCasesMax) return tryable_ = false;
            dimensions_.push_back({spec->name, std::move(domain.values)});
        }
        return complete;
    }

    void try_all(Fields& entity, std::size_t at) {
        if (at == dimensions_.size()) return try_case(entity);
        for (const Value& value : dimensions_[at].values) {
            entity.assign(dimensions_[at].field, value);
            try_all(entity, at + 1);
        }
    }

    void try_case(const Fields& entity) {
        const OwnershipRule* first = nullptr;
        for (std::size_t i = 0; i < rules_.size(); ++i) {
            // Whether a rule holds behind the first one matters only until it is known to be used.
            if (first != nullptr && (reached_[i] || first_holds_[i].by != nullptr)) continue;
            const auto& when = rules_[i]->when;
            if (when && !when->holds(entity).value_or(false)) continue;
            if (first == nullptr) {
                first = rules_[i];
                reached_[i] = true;
            } else {
                first_holds_[i] = {first, entity};
            }
        }
        if (first == nullptr && !unruled_) unruled_ = entity;
    }

    const std::vector<const OwnershipRule*>& rules_;
    std::vector<Dimension> dimensions_;
    bool tryable_ = true;
    bool complete_ = false;
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
