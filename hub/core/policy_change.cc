#include <algorithm>

#include "hub/core/decide.h"
#include "hub/core/work.h"

namespace syncline::hub {
namespace {

/// What was decided about a field that is left alone on a platform.
struct Held {
    Verdict verdict = Verdict::kIgnored;
    Timestamp since;  ///< 0: not known.
};

/// Nothing: it is left alone for what became of a command, or for or by a person; no rule decides
/// that.
std::optional<Held> held_for(const EntityState& state, const RecordState& record,
                             const FieldName& field) {
    if (std::ranges::binary_search(record.left, field)) return std::nullopt;
    static constexpr std::pair<std::string_view, Verdict> kDecided[] = {
        {exceptions::kContract, Verdict::kInvalid},
        {exceptions::kReview, Verdict::kReview},
        {exceptions::kUndecided, Verdict::kUndecided},
    };
    static constexpr std::string_view kNotByRule[] = {
        exceptions::kRejected, exceptions::kGaveUp, exceptions::kNotConverging,
        exceptions::kInDoubt, exceptions::kReconcileReview};
    for (const OpenException& open : state.exceptions) {
        if (open.platform != record.platform) continue;
        if (!std::binary_search(open.fields.begin(), open.fields.end(), field)) continue;
        const auto* decided =
            std::ranges::find(kDecided, open.kind, &std::pair<std::string_view, Verdict>::first);
        if (decided != std::end(kDecided)) return Held{decided->second, open.since};
        if (std::ranges::find(kNotByRule, open.kind) != std::end(kNotByRule)) return std::nullopt;
    }
    const bool asked = std::ranges::any_of(state.proposals, [&](const Proposal& proposal) {
        return proposal.field == field && proposal.from == record.platform;
    });
    return Held{asked ? Verdict::kProposed : Verdict::kIgnored, {}};
}

void let_go(Work& work, RecordState& record, const FieldName& field) {
    record.release(field);
    std::erase_if(record.attempts, [&](const Attempts& one) { return one.field == field; });
    std::erase_if(work.state.proposals, [&](const Proposal& proposal) {
        return proposal.field == field && proposal.from == record.platform;
    });
    for (const std::string_view kind :
         {exceptions::kContract, exceptions::kReview, exceptions::kUndecided}) {
        close_exception(work, kind, record.platform, &field);
    }
    work.changed = true;
}

/// What a platform holds in a field that is left alone is decided once more, if the policy by now
/// says something else about it.
void judge_again(Work& work, RecordState& record, const FieldName& field, const Held& held) {
    const FieldSpec* spec = work.object.field(field);
    const Binding* binding = work.object.binding(record.platform);
    const Value* mirror = record.mirror.find(field);
    const bool bound = spec != nullptr && binding != nullptr && mirror != nullptr &&
                       std::ranges::binary_search(binding->fields, field);
    if (!bound) return let_go(work, record, field);
    const OwnershipRule* rule = work.object.rule(field, work.state.fields());
    const bool latest = rule != nullptr && rule->resolution == Resolution::kLatest;
    // Of what was ignored nobody knows when it was written: it is newer than nothing.
    const bool dated = held.since != Timestamp{} || latest;
    const Provenance from{record.platform, record.rev, dated ? held.since : work.context.now};
    const Value value = *mirror;
    const Verdict verdict = verdict_of(rule, *spec, work.state.find(field), value, from);
    // A proposal that nobody could be asked for is for a person.
    const bool asked = verdict == Verdict::kProposed && held.verdict == Verdict::kReview;
    if (verdict == held.verdict || asked) return;
    let_go(work, record, field);
    record.mirror.erase(field);
    take_fields(work, record, Fields{{field, value}}, from, {});
}

/// A field that only has another name makes the same keys.
const FieldName& first_name(const ObjectSpec& object, const FieldName& name) {
    const FieldSpec* field = object.field(name);
    return field == nullptr || field->renamed_from.empty() ? name : field->renamed_from.front();
}

std::uint64_t fingerprint(const ObjectSpec& object) {
    std::string text;
    for (const MatchRule& rule : object.matches) {
        text += rule.name + "=";
        for (const MatchRule::Part& part : rule.parts) {
            text += first_name(object, part.field).text + ":" +
                    std::to_string(static_cast<int>(part.normaliser)) + ",";
        }
    }
    return stable_hash(text) | 1;
}

}  // namespace

bool is_of(const EntityState& state, const Policy& policy) {
    // A lost number may have been given to another policy. A version of none is nobody's.
    return state.policy_version == policy.version &&
           (policy.version == 0 || state.policy == policy.hash);
}

void settle_ownership(Work& work) {
    if (!work.object.has_conditions()) return;
    struct Question {
        PlatformId platform;
        FieldName field;
        Held held;
    };
    // A list of its own: deciding one may close others.
    std::vector<Question> questions;
    for (const OpenException& open : work.state.exceptions) {
        const bool undecided = open.kind == exceptions::kUndecided;
        if (!undecided && open.kind != exceptions::kReview) continue;
        for (const FieldName& field : open.fields) {
            if (!work.object.has_conditions(field)) continue;
            const Verdict verdict = undecided ? Verdict::kUndecided : Verdict::kReview;
            questions.push_back({open.platform, field, {verdict, open.since}});
        }
    }
    for (const auto& [platform, field, held] : questions) {
        RecordState& record = work.state.record_or_new(platform);
        if (record.holds(field)) judge_again(work, record, field, held);
    }
}

void judge_left_alone(Work& work) {
    EntityState& state = work.state;
    // By name: deciding one field may add records.
    std::vector<PlatformId> platforms;
    for (const RecordState& record : state.records) platforms.push_back(record.platform);
    for (const PlatformId& platform : platforms) {
        const std::vector<FieldName> held = state.record_or_new(platform).held;
        for (const FieldName& field : held) {
            RecordState& record = state.record_or_new(platform);
            if (!record.holds(field)) continue;  // Let go with another one.
            const auto decided = held_for(state, record, field);
            if (decided) judge_again(work, record, field, *decided);
        }
    }
}

MatchRules adopt_policy(Work& work) {
    EntityState& state = work.state;
    if (is_of(state, work.policy)) return MatchRules::kAsClaimed;
    const bool founded = state.is_unknown();
    state.policy_version = work.policy.version;
    const std::uint64_t rules = fingerprint(work.object);
    const std::uint64_t claimed_by = std::exchange(state.match_rules, rules);
    if (founded) return MatchRules::kAsClaimed;
    judge_left_alone(work);
    apply_rules(work);
    // What is stored by none is of before there were versions: by the rules of the first.
    const bool unknown = claimed_by == 0 && work.policy.version > 1 && !work.object.matches.empty();
    const bool other = unknown || (claimed_by != 0 && claimed_by != rules);
    return other ? MatchRules::kChanged : MatchRules::kAsClaimed;
}

}  // namespace syncline::hub
