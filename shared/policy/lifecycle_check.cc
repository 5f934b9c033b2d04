#include <map>
#include <optional>
#include <set>

#include "shared/policy/cases.h"
#include "shared/policy/check_parts.h"
#include "shared/policy/coverage.h"
#include "shared/policy/lifecycle.h"

namespace syncline::checking {
namespace {

namespace codes = finding_codes;
using Path = StageGraph::Path;
using Rules = std::vector<const OwnershipRule*>;

const OwnershipRule* first_holding(const Rules& rules, const Fields& entity) {
    for (const OwnershipRule* rule : rules) {
        if (!rule->when || rule->when->holds(entity).value_or(false)) return rule;
    }
    return nullptr;
}

/// The platform whose word counts; null for a shared field.
const PlatformId* owner_of(const OwnershipRule& rule) {
    return rule.resolution == Resolution::kOwner ? &rule.owner : nullptr;
}

bool have_one_owner(const OwnershipRule& one, const OwnershipRule& other) {
    const PlatformId* a = owner_of(one);
    const PlatformId* b = owner_of(other);
    return a == nullptr || b == nullptr ? a == b : *a == *b;
}

/// All findings about one lifecycle.
class LifecycleCheck {
public:
    LifecycleCheck(const ObjectSpec& object, const Lifecycle& lifecycle, const FieldSpec& field,
                   Findings findings)
        : object_(object),
          lifecycle_(lifecycle),
          field_(field),
          graph_(lifecycle, field),
          reached_(graph_.reached_from(graph_.initial())),
          stage_rules_(rules_of(object, field.name)),
          findings_(findings) {}

    void run() {
        check_names(lifecycle_.initial, lifecycle_.place, "`initial`");
        for (const Lifecycle::Stage& stage : lifecycle_.stages) {
            check_names({stage.name}, stage.place, "`next`");
            check_names(stage.next, stage.place, "`next` of `" + stage.name + "`");
        }
        check_all_named();
        check_reached();
        find_rounds();
        find_presence();
        check_stuck();
        check_hand_overs();
    }

private:
    [[nodiscard]] std::string table() const {
        return "[objects." + object_.name.text + ".stages.next]";
    }

    // ---- The graph. ----

    void check_names(const std::vector<std::string>& names, const SourcePlace& place,
                     const std::string& where) {
        for (const std::string& name : names) {
            if (holds(field_.enum_values, name)) continue;
            findings_.error(codes::kUnknownStage, place,
                            where + " names `" + name + "`, which is none of the values of " +
                                tick(field_.name) + " (" + listed(field_.enum_values) + ")",
                            hint_of(name, field_.enum_values));
        }
    }

    void check_all_named() {
        for (const std::string& name : field_.enum_values) {
            if (lifecycle_.stage(name) != nullptr) continue;
            findings_.error(
                codes::kStageWithoutNext, lifecycle_.place,
                "nothing says which stages follow `" + name + "`",
                "write " + name + " = [...] under " + table() + ", and [] if it is a last stage");
        }
    }

    void check_reached() {
        std::vector<std::string> reached;
        for (std::size_t stage = 0; stage < graph_.size(); ++stage) {
            if (reached_[stage]) reached.push_back(graph_.name(stage));
        }
        for (std::size_t stage = 0; stage < graph_.size(); ++stage) {
            if (reached_[stage]) continue;
            std::vector<std::string> before;
            for (std::size_t from = 0; from < graph_.size(); ++from) {
                if (from != stage && holds(graph_.next(from), stage)) {
                    before.push_back(graph_.name(from));
                }
            }
            const Lifecycle::Stage* named = lifecycle_.stage(graph_.name(stage));
            findings_.error(
                codes::kUnreachableStage, named == nullptr ? lifecycle_.place : named->place,
                "no path leads from `initial` (" + listed(lifecycle_.initial) + ") to `" +
                    graph_.name(stage) + "`: " +
                    (before.empty() ? "it is in no stage's `next`"
                                    : "only " + listed(before) +
                                          " would lead there, which no "
                                          "path leads to either"),
                "add \"" + graph_.name(stage) + "\" to the `next` of a stage that is reached (" +
                    listed(reached) + "), or to `initial`");
        }
    }

    /// Stages between which one can go round and round.
    void find_rounds() {
        std::vector<std::vector<bool>> reach;
        for (std::size_t stage = 0; stage < graph_.size(); ++stage) {
            reach.push_back(graph_.reached_from({stage}));
        }
        std::vector<bool> taken(graph_.size(), false);
        for (std::size_t stage = 0; stage < graph_.size(); ++stage) {
            if (taken[stage] || !reached_[stage]) continue;
            Path round;
            for (std::size_t other = stage; other < graph_.size(); ++other) {
                if (!reach[stage][other] || !reach[other][stage]) continue;
                taken[other] = true;
                round.push_back(other);
            }
            if (round.size() > 1) rounds_.push_back(std::move(round));
        }
    }

    // ---- Who is there. ----

    /// By stage: whether the platform can have a record of what another platform has founded.
    [[nodiscard]] std::vector<bool> presence_of(const Binding& binding) const {
        const bool joins = !object_.matches.empty() && !binding.receives;
        if (joins || (binding.receives && !binding.receives_when)) {
            return std::vector<bool>(graph_.size(), true);
        }
        if (!binding.receives) return std::vector<bool>(graph_.size(), false);
        const Cases cases{object_, {&*binding.receives_when}, &field_};
        Path made_in;
        for (std::size_t stage = 0; stage < graph_.size(); ++stage) {
            bool made = !cases.complete();  // What is not tried may hold.
            cases.each([&](Fields& entity) {
                entity.set(field_.name, graph_.name(stage));
                made = made || binding.receives_when->holds(entity).value_or(false);
            });
            if (made && reached_[stage]) made_in.push_back(stage);
        }
        return graph_.reached_from(made_in);  // Once made it stays.
    }

    void find_presence() {
        for (const Binding& binding : object_.bindings) {
            presence_.emplace(binding.platform, presence_of(binding));
            if (binding.founds) founders_.push_back(&binding.platform);
        }
    }

    [[nodiscard]] bool is_there(const PlatformId& platform, const PlatformId& founder,
                                std::size_t stage) const {
        return platform == founder || presence_.at(platform)[stage];
    }
    [[nodiscard]] bool is_everywhere(const PlatformId& platform) const {
        const auto there = presence_.find(platform);
        return there != presence_.end() && !holds(std::vector<bool>{there->second}, false);
    }
    /// Where a platform has none of the fields that it shall own, that is reported elsewhere.
    [[nodiscard]] bool has_any(const PlatformId& platform,
                               const std::vector<const FieldSpec*>& fields) const {
        const Binding* binding = object_.binding(platform);
        return binding != nullptr && std::ranges::any_of(fields, [&](const FieldSpec* field) {
                   return holds(binding->fields, field->name);
               });
    }

    // ---- Stages that somebody can leave. ----

    /// Who can move the stage by this rule alone. A field that is read only for us is still
    /// changed by the platform itself.
    [[nodiscard]] std::vector<PlatformId> movers_of(const OwnershipRule& rule) const {
        const bool everybody =
            owner_of(rule) == nullptr || rule.otherwise == NonOwnerWrite::kAccept;
        std::vector<PlatformId> movers;
        for (const Binding& binding : object_.bindings) {
            if ((everybody || binding.platform == rule.owner) &&
                holds(binding.fields, field_.name)) {
                movers.push_back(binding.platform);
            }
        }
        return movers;
    }

    void check_stuck() {
        const auto never_stuck = [&](const OwnershipRule* rule) {
            return std::ranges::any_of(
                movers_of(*rule), [&](const PlatformId& mover) { return is_everywhere(mover); });
        };
        if (std::ranges::all_of(stage_rules_, never_stuck)) return;
        const Cases cases{object_, conditions_of(stage_rules_), &field_};
        std::set<std::pair<std::size_t, const PlatformId*>> stuck;
        cases.each([&](Fields& entity) {
            for (std::size_t stage = 0; stage < graph_.size(); ++stage) {
                if (!reached_[stage] || graph_.next(stage).empty()) continue;
                entity.set(field_.name, graph_.name(stage));
                const OwnershipRule* rule = first_holding(stage_rules_, entity);
                if (rule == nullptr || movers_of(*rule).empty()) continue;  // Reported elsewhere.
                for (const PlatformId* founder : founders_) {
                    if (is_left(*rule, *founder, stage)) continue;
                    if (stuck.emplace(stage, founder).second) {
                        report_stuck(*rule, *founder, stage, entity);
                    }
                }
            }
        });
        if (stuck.empty() && !cases.complete()) not_proven({&field_});
    }

    [[nodiscard]] bool is_left(const OwnershipRule& rule, const PlatformId& founder,
                               std::size_t stage) const {
        return std::ranges::any_of(movers_of(rule), [&](const PlatformId& mover) {
            return is_there(mover, founder, stage);
        });
    }

    [[nodiscard]] static std::string ticked(const std::vector<PlatformId>& platforms,
                                            const char* between) {
        std::string text;
        for (const PlatformId& platform : platforms) {
            text += (text.empty() ? "" : between) + tick(platform);
        }
        return text;
    }

    void report_stuck(const OwnershipRule& rule, const PlatformId& founder, std::size_t stage,
                      const Fields& entity) {
        const Path way = graph_.path(graph_.initial(), stage);
        const std::string movers = ticked(movers_of(rule), " or ");
        findings_.error(codes::kStuckStage, rule.place,
                        "nobody can move what " + tick(founder) + " founds on from `" +
                            graph_.name(stage) + "` (reached by " + graph_.text_of(way) +
                            "): when " + in_words(entity) + ", only " + movers + " may write " +
                            tick(field_.name) + ", and has no record of it by then",
                        "have " + movers + " receive it in that stage or an earlier one, or give " +
                            tick(field_.name) + " another owner there");
    }

    // ---- Hand-overs. ----

    void check_hand_overs() {
        std::map<Rules, std::vector<const FieldSpec*>> alike;
        for (const FieldSpec& field : object_.fields) {
            Rules rules = rules_of(object_, field.name);
            const auto has_condition = [](const OwnershipRule* rule) { return !!rule->when; };
            if (std::ranges::any_of(rules, has_condition)) {
                alike[std::move(rules)].push_back(&field);
            }
        }
        for (const auto& [rules, fields] : alike) {
            const bool to_the_present = check_receivers(rules, fields);
            const bool in_order = check_rounds(rules, fields);
            if (!to_the_present || !in_order) not_proven(fields);
        }
    }

    /// Who gets a field must have a record to keep it in. Is that proven, or reported?
    bool check_receivers(const Rules& rules, const std::vector<const FieldSpec*>& fields) {
        const auto always_there = [&](const OwnershipRule* rule) {
            const PlatformId* owner = owner_of(*rule);
            return owner == nullptr || !has_any(*owner, fields) || is_everywhere(*owner);
        };
        if (std::ranges::all_of(rules, always_there)) return true;
        const Cases cases{object_, conditions_of(rules), &field_};
        std::set<std::pair<const OwnershipRule*, const PlatformId*>> reported;
        cases.each([&](Fields& entity) {
            const std::vector<const OwnershipRule*> by_stage = rules_by_stage(rules, entity);
            for (std::size_t from = 0; from < graph_.size(); ++from) {
                for (const std::size_t to : graph_.next(from)) {
                    const OwnershipRule* before = by_stage[from];
                    const OwnershipRule* after = by_stage[to];
                    if (before == nullptr || after == nullptr || have_one_owner(*before, *after) ||
                        owner_of(*after) == nullptr || !has_any(after->owner, fields)) {
                        continue;
                    }
                    for (const PlatformId* founder : founders_) {
                        if (is_there(after->owner, *founder, to)) continue;
                        if (!reported.emplace(after, founder).second) continue;
                        report_absent(*after, *founder, {from, to}, fields, entity);
                    }
                }
            }
        });
        return cases.complete() || !reported.empty();
    }

    /// Null for a stage that is not reached, or has no rule.
    [[nodiscard]] Rules rules_by_stage(const Rules& rules, Fields& entity) const {
        Rules by_stage;
        for (std::size_t stage = 0; stage < graph_.size(); ++stage) {
            entity.set(field_.name, graph_.name(stage));
            by_stage.push_back(reached_[stage] ? first_holding(rules, entity) : nullptr);
        }
        entity.erase(field_.name);
        return by_stage;
    }

    /// " and region = "EU"": what holds beside the stage; nothing if that is nothing.
    [[nodiscard]] static std::string beside(const Fields& entity) {
        const std::string words = in_words(entity);
        return words.empty() ? "" : " when " + words;
    }

    void report_absent(const OwnershipRule& rule, const PlatformId& founder, const Path& step,
                       const std::vector<const FieldSpec*>& fields, const Fields& entity) {
        Path way = graph_.path(graph_.initial(), step[0]);
        way.push_back(step[1]);
        findings_.error(codes::kHandOver, rule.place,
                        few(fields) + (fields.size() == 1 ? " goes to " : " go to ") +
                            tick(rule.owner) + " by " + graph_.text_of(step) + beside(entity) +
                            ", which has no record by then of what " + tick(founder) +
                            " founds: on the way " + graph_.text_of(way) + " it receives none",
                        "have " + tick(rule.owner) + " receive it in `" + graph_.name(step[1]) +
                            "` or an earlier stage, or hand over later");
    }

    [[nodiscard]] bool has_one_mover(const OwnershipRule& rule) const {
        return movers_of(rule).size() <= 1;
    }

    /// Where a field is handed to and fro, one platform at a time must move the stage. Is that
    /// proven, or reported?
    bool check_rounds(const Rules& rules, const std::vector<const FieldSpec*>& fields) {
        const auto orderly = [&](const OwnershipRule* rule) { return has_one_mover(*rule); };
        if (rounds_.empty() || std::ranges::all_of(stage_rules_, orderly)) return true;
        std::vector<const Expression*> conditions = conditions_of(rules);
        for (const Expression* condition : conditions_of(stage_rules_)) {
            conditions.push_back(condition);
        }
        const Cases cases{object_, conditions, &field_};
        std::set<std::pair<const Path*, const OwnershipRule*>> reported;
        cases.each([&](Fields& entity) {
            const Rules by_stage = rules_by_stage(rules, entity);
            const Rules movers = rules_by_stage(stage_rules_, entity);
            for (const Path& round : rounds_) {
                const auto change = hand_over_in(round, by_stage);
                const auto contested = std::ranges::find_if(round, [&](std::size_t stage) {
                    return movers[stage] != nullptr && !has_one_mover(*movers[stage]);
                });
                if (!change || contested == round.end()) continue;
                const OwnershipRule& rule = *movers[*contested];
                if (!reported.emplace(&round, &rule).second) continue;
                report_round(rule, {change->first, change->second, *contested}, fields, by_stage,
                             entity);
            }
        });
        return cases.complete() || !reported.empty();
    }

    /// Two stages of the round in which the field has different owners. A shared field has none
    /// that anything could be taken from.
    [[nodiscard]] static std::optional<std::pair<std::size_t, std::size_t>> hand_over_in(
        const Path& round, const Rules& by_stage) {
        std::optional<std::size_t> first;
        for (const std::size_t stage : round) {
            if (by_stage[stage] == nullptr || owner_of(*by_stage[stage]) == nullptr) continue;
            if (!first) first = stage;
            if (by_stage[*first]->owner != by_stage[stage]->owner) return std::pair{*first, stage};
        }
        return std::nullopt;
    }

    /// `through`: two stages with different owners, and the one that several platforms can leave.
    void report_round(const OwnershipRule& rule, const Path& through,
                      const std::vector<const FieldSpec*>& fields, const Rules& by_stage,
                      const Fields& entity) {
        Path round{through[0]};
        for (const std::size_t to : {through[1], through[2], through[0]}) {
            const Path way = graph_.path({round.back()}, to);
            round.insert(round.end(), way.begin() + 1, way.end());
        }
        findings_.error(
            codes::kToAndFro, rule.place,
            few(fields) + (fields.size() == 1 ? " goes" : " go") + " to and fro round " +
                graph_.text_of(round) + beside(entity) + " (" + tick(by_stage[through[0]]->owner) +
                " in `" + graph_.name(through[0]) + "`, " + tick(by_stage[through[1]]->owner) +
                " in `" + graph_.name(through[1]) + "`), while in `" + graph_.name(through[2]) +
                "` each of " + ticked(movers_of(rule), ", ") + " may move " + tick(field_.name) +
                ": both at once, and each would have what it wrote in between reverted",
            "give " + tick(field_.name) +
                " one owner in each of these stages, and none of accept, latest or priority");
    }

    void not_proven(const std::vector<const FieldSpec*>& fields) {
        findings_.warn(codes::kLifecycleNotProven, lifecycle_.place,
                       "whether " + few(fields) +
                           " can be moved and handed over in every stage is not proven: what the "
                           "conditions calculate is too much for it",
                       "compare fields with literals");
    }

    const ObjectSpec& object_;
    const Lifecycle& lifecycle_;
    const FieldSpec& field_;
    const StageGraph graph_;
    const std::vector<bool> reached_;
    const Rules stage_rules_;
    Findings findings_;
    std::vector<Path> rounds_;
    std::map<PlatformId, std::vector<bool>> presence_;
    std::vector<const PlatformId*> founders_;
};

}  // namespace

void check_lifecycle(const ObjectSpec& object, Findings findings) {
    if (!object.lifecycle) return;
    const Lifecycle& lifecycle = *object.lifecycle;
    const FieldSpec* field = object.field(lifecycle.field);
    if (field == nullptr) {
        std::vector<std::string> names;
        for (const FieldSpec& spec : object.fields) names.push_back(spec.name.text);
        return findings.error(codes::kUnknownField, lifecycle.place,
                              "`stages` names " + tick(lifecycle.field) + ", which " +
                                  tick(object.name) + " does not have",
                              hint_of(lifecycle.field.text, names));
    }
    if (field->type != FieldType::kEnum || !field->required) {
        return findings.error(
            codes::kStageField, lifecycle.place,
            tick(field->name) +
                " cannot be the stage: it must be a required enum, so that an "
                "entity is always in one of known stages",
            "write " + field->name.text +
                " = { type = \"enum\", values = [...], required = true } under [objects." +
                object.name.text + ".fields]");
    }
    LifecycleCheck{object, lifecycle, *field, findings}.run();
}

}  // namespace syncline::checking
