#include "shared/policy/exception_rules.h"

namespace syncline {

bool is_like(std::string_view text, std::string_view pattern) {
    // Only the last star is ever tried again, so that many of them cost no more than one.
    std::size_t at = 0;
    std::size_t wanted = 0;
    std::size_t star = std::string_view::npos;
    std::size_t tried = 0;
    while (at < text.size()) {
        if (wanted < pattern.size() && pattern[wanted] == '*') {
            star = wanted++;
            tried = at;
        } else if (wanted < pattern.size() && pattern[wanted] == text[at]) {
            ++wanted;
            ++at;
        } else if (star != std::string_view::npos) {
            wanted = star + 1;
            at = ++tried;
        } else {
            return false;
        }
    }
    return pattern.find_first_not_of('*', wanted) == std::string_view::npos;
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
