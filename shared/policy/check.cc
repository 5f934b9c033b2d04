#include "shared/policy/check.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "shared/policy/check_parts.h"
#include "shared/policy/coverage.h"
#include "shared/policy/hub_events.h"

namespace syncline {
namespace {

namespace codes = finding_codes;
using namespace checking;

/// All findings about one object.
class ObjectCheck : Findings {
public:
    ObjectCheck(const Policy& policy, const ObjectSpec& object, Findings findings)
        : Findings(findings), policy_(policy), object_(object) {}

    /// Is everything known that the condition names and compares with?
    bool knows(const Expression& when, const SourcePlace& place) {
        const std::size_t before = count();
        check_condition(when, place, "`when`");
        return count() == before;
    }

    void run() {
        for (const OwnershipRule& rule : object_.ownership) check_rule(rule);
        for (const MatchRule& rule : object_.matches) check_match(rule);
        for (const Binding& binding : object_.bindings) check_binding(binding);
        for (const FieldSpec& field : object_.fields) check_field(field);
        check_coverage();
        check_lifecycle(object_, *this);
        check_life_and_death();
    }

private:
    // ---- Names. ----

    bool known_field(const FieldName& field, const SourcePlace& place, const std::string& where) {
        if (object_.field(field) != nullptr) return true;
        std::vector<std::string> names;
        for (const FieldSpec& spec : object_.fields) names.push_back(spec.name.text);
        error(codes::kUnknownField, place,
              where + " names " + tick(field) + ", which " + tick(object_.name) + " does not have",
              hint_of(field.text, names));
        return false;
    }

    bool known_platform(const PlatformId& platform, const SourcePlace& place,
                        const std::string& where) {
        if (holds(policy_.platforms, platform)) return true;
        std::vector<std::string> names;
        for (const PlatformId& known : policy_.platforms) names.push_back(known.text);
        error(codes::kUnknownPlatform, place,
              where + " names " + tick(platform) + ", which is no platform of this policy",
              hint_of(platform.text, names));
        return false;
    }

    // ---- Expressions. ----

    void check_condition(const std::optional<Expression>& condition, const SourcePlace& place,
                         const std::string& where) {
        if (!condition) return;
        for (const std::string& name : condition->reads()) {
            known_field(FieldName{name}, place, where);
        }
        for (const auto& [name, literal] : condition->comparisons()) {
            const FieldSpec* field = object_.field(FieldName{name});
            if (field != nullptr && !literal.is_null())
                check_literal(*field, literal, place, where);
        }
    }

    void check_literal(const FieldSpec& field, const Value& literal, const SourcePlace& place,
                       const std::string& where) {
        const std::string* text = literal.get<std::string>();
        const std::string subject =
            where + " compares " + tick(field.name) + " with " + display(literal);
        if (field.type == FieldType::kEnum && text != nullptr) {
            if (holds(field.enum_values, *text)) return;
            const std::string hint = hint_of(*text, field.enum_values);
            return error(
                codes::kUnknownEnumValue, place,
                subject + ", which is none of its values (" + listed(field.enum_values) + ")",
                hint);
        }
        // The spec without its length: longer text than fits is odd, but comparable.
        const FieldSpec type{.name = field.name, .type = field.type};
        if (field.type != FieldType::kEnum && conform(type, literal)) return;
        // A whole field against 1.5 is odd, but comparable.
        if (field.type == FieldType::kInteger && literal.get<Decimal>() != nullptr) return;
        // Dates and timestamps compare with each other's text.
        if (text != nullptr &&
            (field.type == FieldType::kDate || field.type == FieldType::kTimestamp) &&
            (parse_date(*text) || parse_timestamp(*text))) {
            return;
        }
        error(codes::kLiteralType, place, subject + ", which is of another type",
              text != nullptr ? "write numbers, true and false without quotes" : "");
    }

    // ---- Rules. ----

    void check_rule(const OwnershipRule& rule) {
        check_condition(rule.when, rule.place, "`when`");
        bool known = true;
        if (rule.resolution == Resolution::kOwner) {
            known = known_platform(rule.owner, rule.place, "`owner`");
        }
        for (const PlatformId& platform : rule.priority) {
            if (!known_platform(platform, rule.place, "`priority`")) continue;
            for (const FieldName& field : rule.fields) {
                if (object_.field(field) != nullptr) check_holder(platform, field, rule.place);
            }
        }
        for (const FieldName& field : rule.fields) {
            if (!known_field(field, rule.place, "a rule") || !known) continue;
            check_reachable(rule, field);
            if (rule.resolution == Resolution::kOwner) check_owner(rule, field);
        }
    }

    void check_reachable(const OwnershipRule& rule, const FieldName& field) {
        for (const OwnershipRule& earlier : object_.ownership) {
            if (&earlier == &rule) return;
            if (earlier.when || !holds(earlier.fields, field)) continue;
            return error(codes::kUnreachableRule, rule.place,
                         "this rule never applies to " + tick(field) + ": the one at " +
                             to_string(earlier.place) + " always holds",
                         "move it up, or give the earlier rule a `when`");
        }
    }

    bool check_holder(const PlatformId& platform, const FieldName& field,
                      const SourcePlace& place) {
        const Binding* binding = object_.binding(platform);
        if (binding != nullptr && holds(binding->fields, field)) return true;
        error(codes::kOwnerLacksField, place,
              tick(platform) + " shall decide on " + tick(field) + " but does not hold it",
              "add the field to [objects." + object_.name.text + ".on." + platform.text +
                  "] or choose another owner");
        return false;
    }

    void check_owner(const OwnershipRule& rule, const FieldName& field) {
        if (!check_holder(rule.owner, field, rule.place)) return;
        const bool told =
            rule.otherwise == NonOwnerWrite::kPropose || rule.otherwise == NonOwnerWrite::kAccept;
        if (told && holds(object_.binding(rule.owner)->read_only, field)) {
            error(codes::kOwnerReadOnly, rule.place,
                  tick(field) + " is read only on its owner " + tick(rule.owner) +
                      ", which could not be told what others write",
                  "use revert, ignore or review, or make it writable there");
        }
        if (rule.otherwise != NonOwnerWrite::kRevert) return;
        for (const Binding& binding : object_.bindings) {
            if (binding.platform == rule.owner || !holds(binding.read_only, field)) continue;
            warn(codes::kRevertReadOnly, rule.place,
                 "a change of " + tick(field) + " on " + tick(binding.platform) +
                     " cannot be reverted: it is read only there",
                 "use ignore or review for it, or make it writable there");
        }
    }

    [[nodiscard]] bool always_matches(const MatchRule& rule) const {
        return std::ranges::all_of(rule.parts, [&](const MatchRule::Part& part) {
            const FieldSpec* field = object_.field(part.field);
            return field != nullptr && field->required;
        });
    }

    void check_match(const MatchRule& rule) {
        // A record that one rule passes over is no stray if another one takes every record.
        const bool others = std::ranges::any_of(
            object_.matches, [&](const MatchRule& other) { return always_matches(other); });
        for (const MatchRule::Part& part : rule.parts) {
            const bool known =
                known_field(part.field, rule.place, "match rule `" + rule.name + "`");
            if (!known || others || object_.field(part.field)->required) continue;
            warn(codes::kMatchOnOptional, rule.place,
                 "match rule `" + rule.name + "` uses " + tick(part.field) +
                     ", which may be empty; such records match nothing",
                 "make the field required, or add a match rule on required fields only");
        }
    }

    void check_binding(const Binding& binding) {
        const std::string where =
            "[objects." + object_.name.text + ".on." + binding.platform.text + "]";
        known_platform(binding.platform, binding.place, where);
        for (const FieldName& field : binding.fields) known_field(field, binding.place, where);
        check_clearance(binding);
        check_condition(binding.receives_when, binding.place, "`receives_when`");
    }

    /// Who makes one, who deletes one, and what either means.
    void check_life_and_death() {
        if (std::ranges::none_of(object_.bindings, &Binding::founds)) {
            error(codes::kNobodyFounds, object_.place,
                  "no platform founds " + tick(object_.name) + ", so none will ever exist",
                  "write founds = true in one [objects." + object_.name.text + ".on.<platform>]");
        }
        for (const Binding& binding : object_.bindings) {
            const bool joins = !object_.matches.empty();
            if (!binding.founds && !binding.receives && !joins) {
                warn(codes::kTakesNoPart, binding.place,
                     tick(binding.platform) + " never has a record of " + tick(object_.name) +
                         ": it neither founds nor receives one, and no match rule joins those "
                         "that it has",
                     "write founds = true, receives = true or a match rule, or drop the table");
            } else if (!binding.states_on_delete) {
                error(codes::kDeleteNotStated, binding.place,
                      "nothing says what it means when " + tick(binding.platform) +
                          " deletes its record of " + tick(object_.name),
                      "write on_delete = \"propagate\", \"unlink\", \"restore\" or \"review\"");
            }
        }
        const auto keeps = [](const Binding& binding) {
            return binding.on_delete == DeleteMeaning::kUnlink ||
                   binding.on_delete == DeleteMeaning::kRestore;
        };
        if (!object_.bindings.empty() && std::ranges::all_of(object_.bindings, keeps)) {
            warn(codes::kNobodyDeletes, object_.place,
                 "nobody ever deletes " + tick(object_.name) +
                     ": on every platform a deletion only unlinks the record or restores it",
                 "write on_delete = \"propagate\" where a deletion counts, or \"review\"");
        }
    }

    void check_clearance(const Binding& binding) {
        const auto found = policy_.clearances.find(binding.platform);
        if (found == policy_.clearances.end()) return;  // No platform of the policy: reported.
        std::map<Classification, std::vector<const FieldSpec*>> above;
        for (const FieldName& name : binding.fields) {
            const FieldSpec* field = object_.field(name);
            if (field != nullptr && field->classification > found->second) {
                above[field->classification].push_back(field);
            }
        }
        for (const auto& [classification, fields] : above) {
            const std::string level = name_of(classification);
            error(codes::kNotCleared, binding.place,
                  few(fields) + (fields.size() == 1 ? " is " : " are ") + level +
                      " and would flow to " + tick(binding.platform) + ", which is cleared for " +
                      name_of(found->second) + " at most",
                  "leave what must not flow there out of its `fields`, or write clearance = \"" +
                      level + "\" under [platforms." + binding.platform.text + "]");
        }
    }

    // ---- Fields. ----

    void check_field(const FieldSpec& field) {
        const auto held = [&](const Binding& binding) { return holds(binding.fields, field.name); };
        if (std::ranges::none_of(object_.bindings, held)) {
            warn(codes::kFieldHeldNowhere, field.place, "no platform holds " + tick(field.name),
                 "add it to a platform's fields, or drop it");
        }
        const auto rules = [&](const OwnershipRule& rule) {
            return holds(rule.fields, field.name);
        };
        if (std::ranges::none_of(object_.ownership, rules)) {
            error(codes::kFieldWithoutRule, field.place,
                  "no rule says who owns " + tick(field.name),
                  "name it in an [[objects." + object_.name.text +
                      ".own]], or end with fields = [\"*\"]");
        }
    }

    // ---- Coverage. ----

    void check_coverage() {
        // Fields with the same rules are ruled alike: tried once, reported once.
        std::map<std::vector<const OwnershipRule*>, std::vector<const FieldSpec*>> alike;
        for (const FieldSpec& field : object_.fields) {
            const auto rules = rules_of(object_, field.name);
            const bool conditional = std::ranges::any_of(
                rules, [](const OwnershipRule* rule) { return rule->when.has_value(); });
            if (conditional) alike[rules].push_back(&field);
        }
        for (const auto& [rules, fields] : alike) {
            report(coverage_of(object_, rules), fields, rules.back()->when.has_value());
        }
    }

    void report(const Coverage& coverage, const std::vector<const FieldSpec*>& fields,
                bool may_end_without) {
        const SourcePlace& place = fields.front()->place;
        const std::string hint =
            "end with a rule without `when`, or have the rules cover every case";
        if (coverage.unruled) {
            error(codes::kNoOwnerWhen, place,
                  few(fields) + (fields.size() == 1 ? " has" : " have") + " no owner when " +
                      in_words(*coverage.unruled) + ": no rule holds then",
                  hint);
        } else if (!coverage.complete && may_end_without) {
            warn(codes::kFieldMayLackOwner, place,
                 few(fields) +
                     " may have no owner: the last rule has a condition, and what the "
                     "conditions calculate is too much to be proven",
                 hint);
        }
        for (const auto& [rule, covered_by, example] : coverage.unreached) {
            const std::string never = "this rule never applies to " + few(fields) + ": ";
            if (covered_by == nullptr && !example.empty()) {
                error(codes::kUnreachableRule, rule->place,
                      never + "it rules only in stages that nothing leads to, as when " +
                          in_words(example),
                      "have a stage lead there, or drop the rule");
            } else if (covered_by == nullptr) {
                error(codes::kUnreachableRule, rule->place, never + "its `when` holds in no case",
                      "correct the condition, or drop the rule");
            } else {
                error(codes::kUnreachableRule, rule->place,
                      never + "in each case that it holds for, an earlier one does; when " +
                          in_words(example) + ", that at " + to_string(covered_by->place),
                      "move it up, or narrow the earlier rules");
            }
        }
    }

    const Policy& policy_;
    const ObjectSpec& object_;
};

void check_name(const ObjectSpec& object, Findings findings) {
    if (!hub_events::is_object(object.name.text)) return;
    findings.error(codes::kNameTaken, object.place,
                   "`" + object.name.text + "` is what hubs tell events of themselves by",
                   "call the object otherwise");
}

}  // namespace

const char* name_of(Severity severity) {
    return severity == Severity::kError ? "error" : "warning";
}

std::string to_string(const Finding& finding) {
    std::string text = to_string(finding.place) + ": " + name_of(finding.severity) + ": " +
                       finding.message + " [" + std::string{finding.code} + "]";
    if (!finding.hint.empty()) text += "; " + finding.hint;
    return text;
}

bool checking::check_condition(const Policy& policy, const ObjectSpec& object,
                               const Expression& when, const SourcePlace& place,
                               Findings findings) {
    return ObjectCheck{policy, object, findings}.knows(when, place);
}

std::vector<Finding> check(const Policy& policy) {
    std::vector<Finding> findings;
    for (const ObjectSpec& object : policy.objects) {
        ObjectCheck{policy, object, Findings{findings}}.run();
        check_name(object, Findings{findings});
        check_events(policy, object, Findings{findings});
    }
    check_lists(policy, Findings{findings});
    check_webhooks(policy, Findings{findings});
    check_indicators(policy, Findings{findings});
    check_asks(policy, Findings{findings});
    check_workflows(policy, Findings{findings});
    check_exceptions(policy, findings);
    std::ranges::stable_sort(findings, [](const Finding& a, const Finding& b) {
        return std::tie(a.place, a.code) < std::tie(b.place, b.code);
    });
    return findings;
}

}  // namespace syncline
