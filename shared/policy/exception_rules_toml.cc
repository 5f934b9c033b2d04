#include "shared/policy/policy_toml_parts.h"

namespace syncline::reading {
namespace {

constexpr std::size_t kAssigneeMax = 64;
constexpr TomlReader::Range kDue{1, 366LL * 24 * 60 * 60};

constexpr TomlReader::Choice<ExceptionSeverity> kSeverities[] = {
    {"info", ExceptionSeverity::kInfo},
    {"warning", ExceptionSeverity::kWarning},
    {"error", ExceptionSeverity::kError},
    {"critical", ExceptionSeverity::kCritical},
};

/// One text, or a list of texts; absent is empty.
std::vector<std::string> read_one_or_more(TomlReader& in, std::string_view key) {
    if (in.kind(key) == TomlReader::Kind::kText) return {in.text(key)};
    std::vector<std::string> all = in.texts(key, {});
    if (in.kind(key) == TomlReader::Kind::kList && all.empty()) {
        in.problem(key, "must name at least one");
    }
    return all;
}

void read_match(TomlReader& in, ExceptionRule& rule) {
    rule.kinds = read_one_or_more(in, "kind");
    const std::string object = in.text("object", "");
    if (in.has("object")) rule.object = ObjectName{object};
    const std::string platform = in.text("platform", "");
    if (in.has("platform")) rule.platform = PlatformId{platform};
    for (std::string& field : read_one_or_more(in, "fields")) {
        rule.fields.push_back(FieldName{std::move(field)});
    }
    rule.when = read_condition(in, "when");
    for (const char* key : {"fields", "when"}) {
        if (in.has(key) && !rule.object) in.key_problem(key, "needs `object`: whose fields?");
    }
}

void read_handling(TomlReader& in, ExceptionRule& rule) {
    const auto severity = in.choice("severity", kSeverities, ExceptionSeverity::kError);
    if (in.has("severity")) rule.severity = severity;
    rule.assignee = in.text("assignee", "");
    const bool fits = !rule.assignee.empty() && rule.assignee.size() <= kAssigneeMax;
    if (in.has("assignee") && !fits) in.problem("assignee", "must have 1 to 64 bytes");
    rule.due = in.seconds("due_s", kDue, rule.due);
    rule.material = in.boolean("material", rule.material);
    const bool says =
        in.has("severity") || in.has("assignee") || in.has("due_s") || in.has("material");
    if (says) return;
    in.problem("severity",
               "is missing, and so are `assignee`, `due_s` and `material`: the rule "
               "says nothing");
}

}  // namespace

std::vector<ExceptionRule> read_exception_rules(TomlReader& root) {
    std::vector<ExceptionRule> rules;
    for (TomlReader& in : root.tables("exceptions")) {
        ExceptionRule& rule = rules.emplace_back();
        rule.place = in.place();
        read_match(in, rule);
        read_handling(in, rule);
    }
    return rules;
}

}  // namespace syncline::reading
