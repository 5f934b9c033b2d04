#include "shared/policy/exception_rules.h"

namespace syncline {

bool is_like(std::string_view text, std::string_view pattern) {
    const auto star = pattern.find('*');
    if (star == std::string_view::npos) return text == pattern;
    if (!text.starts_with(pattern.substr(0, star))) return false;
    const std::string_view rest = pattern.substr(star + 1);
    for (std::size_t from = star; from <= text.size(); ++from) {
        if (is_like(text.substr(from), rest)) return true;
    }
    return false;
}

bool ExceptionRule::is_for(std::string_view kind) const {
    return kinds.empty() || std::ranges::any_of(kinds, [&](const std::string& pattern) {
               return is_like(kind, pattern);
           });
}

const ExceptionRule* rule_for(const std::vector<ExceptionRule>& rules,
                              const ExceptionSight& sight) {
    const auto holds = [&](const ExceptionRule& rule) {
        if (rule.object && *rule.object != sight.object) return false;
        if (rule.platform && *rule.platform != sight.platform) return false;
        const bool about =
            rule.fields.empty() || std::ranges::any_of(sight.fields, [&](const FieldName& field) {
                return std::ranges::find(rule.fields, field) != rule.fields.end();
            });
        if (!about || !rule.is_for(sight.kind)) return false;
        return !rule.when || rule.when->holds(sight.values).value_or(false);
    };
    const auto at = std::ranges::find_if(rules, holds);
    return at == rules.end() ? nullptr : &*at;
}

}  // namespace syncline
