#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/source_place.h"
#include "shared/model/ids.h"
#include "shared/model/value.h"
#include "shared/policy/exception_kinds.h"
#include "shared/policy/expression.h"

/// Who sees to which exception, and how soon: the `[[exceptions]]` of a policy.
namespace syncline {

/// One rule. Rules are tried in order; the first that holds for an exception says all about it,
/// and what that one leaves out is as if there were no rule.
struct ExceptionRule {
    std::vector<std::string> kinds;      ///< `*` stands for any text; empty: every kind.
    std::optional<ObjectName> object;    ///< Nothing: every object.
    std::optional<PlatformId> platform;  ///< Nothing: every platform, and none.
    std::vector<FieldName> fields;       ///< It is about one of them at least; empty: whatever.
    std::optional<Expression> when;      ///< Of the entity's canonical fields; needs `object`.

    std::optional<ExceptionSeverity> severity;  ///< Nothing: the kind's own.
    std::string assignee;                       ///< Empty: nobody.
    std::chrono::seconds due{0};                ///< From when it was opened on; 0: whenever.
    bool material = true;                       ///< Shall a person see it without asking for it?
    SourcePlace place;

    [[nodiscard]] bool is_for(std::string_view kind) const;
};

/// An exception as rules see it.
struct ExceptionSight {
    std::string_view kind;
    const ObjectName& object;
    const PlatformId& platform;            ///< Empty: it is about none.
    const std::vector<FieldName>& fields;  ///< What it is about.
    const Fields& values;                  ///< What conditions read.
};

/// The first of `rules` that holds; null if none does. A condition that fails does not hold.
[[nodiscard]] const ExceptionRule* rule_for(const std::vector<ExceptionRule>& rules,
                                            const ExceptionSight& sight);

/// Is `text` what `pattern` says? `*` stands for any text, all else for itself.
[[nodiscard]] bool is_like(std::string_view text, std::string_view pattern);

}  // namespace syncline
