#include <map>
#include <set>

#include "shared/policy/cases.h"
#include "shared/policy/check_parts.h"

namespace syncline::checking {
namespace {

namespace codes = finding_codes;

/// A kind of exception as one may be opened: what rules without `when` tell apart.
struct Slot {
    const ExceptionKind* kind = nullptr;
    const ObjectSpec* object = nullptr;  ///< Null: of the installation.
    PlatformId platform;
    std::vector<FieldName> fields;  ///< One or none: what holds of each one holds of several.
};

std::string in_words(const Slot& slot) {
    std::string text = "`" + std::string{slot.kind->code} + "`";
    if (slot.object != nullptr) text += " of " + tick(slot.object->name);
    if (!slot.platform.empty()) text += " on " + tick(slot.platform);
    if (!slot.fields.empty()) text += ", about " + tick(slot.fields.front());
    return text;
}

/// Calls `take(Slot)` with all that can be opened about one object, until it says that it has
/// enough. Rather one too many than one too few: what is no slot is said never to happen.
bool each_slot_of(const ObjectSpec& object, const ExceptionKind& kind, const auto& take) {
    const bool is_stage = kind.code == exceptions::kTransition;
    if (is_stage && !object.lifecycle) return false;
    // What an agent tells that the policy does not have may be about any platform and field.
    const bool any = kind.holder != ExceptionHolder::kEntity;
    for (const Binding& binding : object.bindings) {
        if (!is_stage && take(Slot{&kind, &object, binding.platform, {}})) return true;
        for (const FieldName& field : binding.fields) {
            if (is_stage && field != object.lifecycle->field) continue;
            if (take(Slot{&kind, &object, binding.platform, {field}})) return true;
        }
    }
    return any && take(Slot{&kind, &object, {}, {}});
}

bool matches(const ExceptionRule& rule, const Slot& slot) {
    if (rule.object && (slot.object == nullptr || *rule.object != slot.object->name)) return false;
    if (rule.platform && *rule.platform != slot.platform) return false;
    const bool about =
        rule.fields.empty() || (!slot.fields.empty() && holds(rule.fields, slot.fields.front()));
    return about && rule.is_for(slot.kind->code);
}

class RulesCheck : Findings {
public:
    RulesCheck(const Policy& policy, std::vector<Finding>& all) : Findings(all), policy_(policy) {
        for (const ObjectSpec& object : policy.objects) {
            // What is required may be missing while there is an exception about it.
            ObjectSpec& open = open_.emplace_back(object);
            for (FieldSpec& field : open.fields) field.required = false;
        }
    }

    void run() {
        for (std::size_t i = 0; i < policy_.exceptions.size(); ++i) {
            const bool known = check_names(policy_.exceptions[i]);
            if (known) check_reachable(i);
        }
    }

private:
    bool check_names(const ExceptionRule& rule) {
        bool known = true;
        const auto unknown = [&](std::string_view code, const std::string& key,
                                 const std::string& word, const std::string& what,
                                 const std::vector<std::string>& names) {
            known = false;
            error(code, rule.place, key + " names `" + word + "`, which is no " + what,
                  hint_of(word, names));
        };
        std::vector<std::string> kinds;
        for (const ExceptionKind& kind : kExceptionKinds) kinds.emplace_back(kind.code);
        for (const std::string& pattern : rule.kinds) {
            const bool found = std::ranges::any_of(
                kinds, [&](const std::string& kind) { return is_like(kind, pattern); });
            if (!found) {
                unknown(codes::kUnknownExceptionKind, "`kind`", pattern, "kind of exception",
                        kinds);
            }
        }
        if (rule.platform && !holds(policy_.platforms, *rule.platform)) {
            unknown(codes::kUnknownPlatform, "`platform`", rule.platform->text,
                    "platform of this policy", texts_of(policy_.platforms));
        }
        if (!rule.object) return known;
        const ObjectSpec* object = policy_.object(*rule.object);
        if (object == nullptr) {
            std::vector<std::string> names;
            for (const ObjectSpec& one : policy_.objects) names.push_back(one.name.text);
            unknown(codes::kUnknownObject, "`object`", rule.object->text, "object of this policy",
                    names);
            return false;
        }
        std::vector<std::string> names;
        for (const FieldSpec& field : object->fields) names.push_back(field.name.text);
        for (const FieldName& field : rule.fields) {
            if (object->field(field) != nullptr) continue;
            unknown(codes::kUnknownField, "`fields`", field.text, "field of " + tick(object->name),
                    names);
        }
        if (rule.when) known &= check_condition(policy_, *object, *rule.when, rule.place, *this);
        return known;
    }

    static std::vector<std::string> texts_of(const std::vector<PlatformId>& platforms) {
        std::vector<std::string> texts;
        for (const PlatformId& platform : platforms) texts.push_back(platform.text);
        return texts;
    }

    /// Calls `take(Slot)` until it says that it has enough.
    void each_slot(const auto& take) const {
        for (const ExceptionKind& kind : kExceptionKinds) {
            if (kind.holder != ExceptionHolder::kEntity && take(Slot{&kind, nullptr, {}, {}})) {
                return;
            }
            if (kind.holder == ExceptionHolder::kInstallation ||
                kind.holder == ExceptionHolder::kInstance) {
                continue;
            }
            for (const ObjectSpec& object : open_) {
                if (each_slot_of(object, kind, take)) return;
            }
            if (kind.holder != ExceptionHolder::kInput) continue;
            for (const PlatformId& platform : policy_.platforms) {
                if (take(Slot{&kind, nullptr, platform, {}})) return;
            }
        }
    }

    /// That a rule never applies is said only where each slot that it matches is proven to be
    /// settled by the rules before it.
    void check_reachable(std::size_t index) {
        const ExceptionRule& rule = policy_.exceptions[index];
        std::optional<Slot> example;
        const ExceptionRule* covered_by = nullptr;
        bool reached = false;
        each_slot([&](const Slot& slot) {
            if (!matches(rule, slot)) return false;
            if (!example) example = slot;
            const ExceptionRule* cover = cover_of(index, slot);
            reached = cover == nullptr;
            if (covered_by == nullptr) covered_by = cover;
            return reached;
        });
        if (reached) return;
        if (!example) {
            error(codes::kUnreachableRule, rule.place,
                  "this rule never applies: no exception is of these kinds, object, platform and "
                  "fields",
                  "see `synclinectl exceptions kinds`, and which platforms hold the fields");
        } else if (covered_by == &rule) {
            error(codes::kUnreachableRule, rule.place,
                  "this rule never applies: its `when` holds in no case, or only where an earlier "
                  "rule does",
                  "correct the condition, move the rule up, or drop it");
        } else {
            error(codes::kUnreachableRule, rule.place,
                  "this rule never applies: in each case an earlier one does; for " +
                      in_words(*example) + ", that at " + to_string(covered_by->place),
                  "move it up, or narrow the earlier rules");
        }
    }

    /// Which rule has the slot before the rule of `index` can. Itself: its condition never holds
    /// where theirs do not. Null: nothing that is proven.
    const ExceptionRule* cover_of(std::size_t index, const Slot& slot) {
        const ExceptionRule& rule = policy_.exceptions[index];
        std::vector<const ExceptionRule*> before;
        for (std::size_t i = 0; i < index; ++i) {
            const ExceptionRule& earlier = policy_.exceptions[i];
            if (!matches(earlier, slot)) continue;
            if (!earlier.when) return &earlier;
            before.push_back(&earlier);
        }
        if (slot.object == nullptr || (before.empty() && !rule.when)) return nullptr;
        const auto [at, fresh] = proven_.try_emplace({index, slot.object, before}, false);
        if (fresh) at->second = is_never_first(*slot.object, rule, before);
        if (!at->second) return nullptr;
        return before.empty() || rule.when ? &rule : before.front();
    }

    static bool is_never_first(const ObjectSpec& object, const ExceptionRule& rule,
                               const std::vector<const ExceptionRule*>& before) {
        std::vector<const Expression*> conditions;
        for (const ExceptionRule* earlier : before) conditions.push_back(&*earlier->when);
        if (rule.when) conditions.push_back(&*rule.when);
        const Cases cases{object, conditions};
        if (!cases.complete()) return false;
        bool first = false;
        cases.each([&](const Fields& entity) {
            const auto is_held = [&](const Expression* when) {
                return when->holds(entity).value_or(false);
            };
            const auto own = conditions.begin() + static_cast<std::ptrdiff_t>(before.size());
            first = first || (std::none_of(conditions.begin(), own, is_held) &&
                              std::all_of(own, conditions.end(), is_held));
        });
        return !first;
    }

    using Question = std::tuple<std::size_t, const ObjectSpec*, std::vector<const ExceptionRule*>>;

    const Policy& policy_;
    std::vector<ObjectSpec> open_;  ///< The objects, with nothing required.
    std::map<Question, bool> proven_;
};

}  // namespace

void check_exceptions(const Policy& policy, std::vector<Finding>& findings) {
    if (!policy.exceptions.empty()) RulesCheck{policy, findings}.run();
}

}  // namespace syncline::checking
