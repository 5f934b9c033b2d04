#include "shared/policy/cases.h"

#include <algorithm>
#include <set>

#include "shared/policy/domain.h"

namespace syncline {
namespace {

constexpr std::size_t kCasesMax = 20'000;

}  // namespace

std::vector<const Expression*> conditions_of(const std::vector<const OwnershipRule*>& rules) {
    std::vector<const Expression*> conditions;
    for (const OwnershipRule* rule : rules) {
        if (rule->when) conditions.push_back(&*rule->when);
    }
    return conditions;
}

Cases::Cases(const ObjectSpec& object, const std::vector<const Expression*>& conditions,
             const FieldSpec* apart) {
    std::set<std::string> reads;
    for (const Expression* condition : conditions) {
        reads.insert(condition->reads().begin(), condition->reads().end());
    }
    std::size_t cases = 1;
    if (apart != nullptr) {
        reads.erase(apart->name.text);
        cases = std::max<std::size_t>(domain_of(*apart, conditions).values.size(), 1);
    }
    for (const std::string& name : reads) {
        const FieldSpec* spec = object.field(FieldName{name});
        Domain domain = spec == nullptr ? Domain{{}, false} : domain_of(*spec, conditions);
        complete_ &= domain.complete;
        cases *= std::max<std::size_t>(domain.values.size(), 1);
        if (spec == nullptr || cases > kCasesMax) {  // Reported where it is named.
            tryable_ = complete_ = false;
            return;
        }
        dimensions_.push_back({spec->name, std::move(domain.values)});
    }
}

}  // namespace syncline
