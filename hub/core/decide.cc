#include "hub/core/decide.h"

#include <algorithm>
#include <map>

#include "hub/core/input_name.h"
#include "hub/core/state_codec.h"
#include "hub/core/upcast.h"
#include "hub/core/work.h"
#include "shared/base/sha256.h"

namespace syncline::hub {
namespace {

/// The match keys of the canonical values.
std::vector<Claim> keys_of(const ObjectSpec& object, const EntityState& state) {
    std::vector<Claim> keys;
    if (object.matches.empty() || state.deleted || state.is_merged()) return keys;
    Fields wanted;
    for (const MatchRule& rule : object.matches) {
        for (const MatchRule::Part& part : rule.parts) {
            if (const CanonicalField* field = state.find(part.field)) {
                wanted.set(part.field, field->value);
            }
        }
    }
    for (const MatchRule& rule : object.matches) {
        if (auto text = match_text(rule, wanted)) {
            keys.push_back({object.name, rule.name, *std::move(text)});
        }
    }
    return keys;
}

std::vector<Claim> minus(const std::vector<Claim>& from, const std::vector<Claim>& what) {
    std::vector<Claim> rest;
    for (const Claim& claim : from) {
        if (std::find(what.begin(), what.end(), claim) == what.end()) rest.push_back(claim);
    }
    return rest;
}

bool says_shared_key(const EntityState& state) {
    return std::ranges::any_of(state.exceptions, [](const OpenException& open) {
        return open.kind == exceptions::kSharedKey;
    });
}

/// Whose value made the key, else whoever has a record.
const RecordState* source_of(const Work& work, const Claim& key) {
    for (const MatchRule& rule : work.object.matches) {
        if (rule.name != key.rule) continue;
        for (const MatchRule::Part& part : rule.parts) {
            const CanonicalField* field = work.state.find(part.field);
            if (field == nullptr) continue;
            if (const auto* record = work.state.record(field->from.platform)) return record;
        }
    }
    return work.state.records.empty() ? nullptr : &work.state.records.front();
}

/// Two entities with one match key are for a person: which of them has it wrongly, or whether they
/// are one, no rule can tell. `keys`: those of this one.
void report_shared_keys(Work& work, const std::vector<Claim>& keys) {
    std::map<PlatformId, std::string> reasons;
    for (const Claim& key : keys) {
        const auto& foreign = *work.context.foreign_keys;
        const auto at = std::ranges::find(foreign, key, &ForeignKey::key);
        const RecordState* record = source_of(work, key);
        if (at == foreign.end() || record == nullptr) continue;
        std::string& reason = reasons[record->platform];
        reason += (reason.empty() ? "its " : "; its ") + key.rule + " is also that of " +
                  key.object.text + " " + at->holder.text;
    }
    std::vector<PlatformId> settled;
    std::map<PlatformId, std::string> open_reasons;
    for (const OpenException& open : work.state.exceptions) {
        if (open.kind != exceptions::kSharedKey) continue;
        open_reasons[open.platform] = open.reason;
        if (!reasons.contains(open.platform)) settled.push_back(open.platform);
    }
    for (const PlatformId& platform : settled) {
        close_exception(work, exceptions::kSharedKey, platform);
    }
    for (auto& [platform, reason] : reasons) {
        reason += ": merge the two, or correct the one that is wrong";
        if (open_reasons[platform] == reason) continue;
        open_exception(work, exceptions::kSharedKey, *work.state.record(platform),
                       std::move(reason), {});
    }
}

void take_answer(Work& work, const Outcome& outcome) {
    if (!work.state.is_unknown()) return take_outcome(work, outcome);
    // What tells nothing of a record would make an empty entity, which no record can join.
    const std::optional<Change> told = told_by(outcome);
    if (!told) return;
    take_change(work, *told);
    work.state.record_or_new(outcome.platform).generation = outcome.ledger_generation;
}

/// What it is decided by beside the inputs.
void name_grounds(Work& work) {
    work.log.entity = work.state.key;
    work.log.version = work.state.version;
    work.log.at = work.context.now;
    work.log.policy = work.policy.hash;
    work.log.policy_version = work.policy.version;
    work.log.foreign_keys = work.context.foreign_keys;
    work.log.foreign_records = work.context.foreign_records;
}

void fill_outbox(Work& work) {
    for (const BusinessEvent& event : work.told) {
        work.state.outbox.push_back({{}, encode(event), EntityState::Outgoing::What::kEvent});
    }
    for (const WorkflowStart& start : work.starts) {
        work.state.outbox.push_back({{}, encode(start), EntityState::Outgoing::What::kStart});
    }
    for (const std::string& token : work.touched_exceptions) {
        work.state.outbox.push_back(exception_message(work, token));
    }
    work.log.previous = work.state.log_hash;
    work.state.outbox.push_back({{}, encode(work.log), {}});
    work.state.log_hash = bytes_of(sha256({work.state.outbox.back().body}));
}

/// What an agent tells of shows what it calls the fields. Only of what is news, as an older change
/// may be of an agent before.
void hear_names(Work& work, const PlatformId& platform, const Revision& rev, const Fields& told) {
    if (work.object.renames.empty() || work.state.record(platform) == nullptr) return;
    RecordState& record = work.state.record_or_new(platform);
    if (rev == Revision{} || record.rev != rev) return;
    const auto before = record.told_as;
    note_names(work.object, told, record);
    work.changed = work.changed || before != record.told_as;
}

void take(Work& work, const Input& told) {
    const bool changed_before = work.changed;
    work.changed = false;
    const std::vector<bool> events = standing_events(work.object, work.state);
    const Fields before = starting_fields(work);
    const std::optional<Input> now = renamed(work.object, told);
    const Input& input = now ? *now : told;
    if (const auto* change = std::get_if<Change>(&input)) {
        work.reviews = change->origin == ChangeOrigin::kReview;
        take_change(work, *change);
        work.reviews = false;
        if (work.log.trace.empty()) work.log.trace = change->trace;
    } else if (const auto* outcome = std::get_if<Outcome>(&input)) {
        take_answer(work, *outcome);
        if (work.log.trace.empty()) work.log.trace = outcome->trace;
    } else if (const auto* operation = std::get_if<Operation>(&input)) {
        take_operation(work, *operation);
    } else if (const auto* recheck = std::get_if<Recheck>(&input)) {
        recheck_exceptions(work, *recheck);
        if (recheck->links) claim_records(work);
    } else if (const auto* takeover = std::get_if<Takeover>(&input)) {
        take_over(work, *takeover);
    } else if (const auto* arrived = std::get_if<HandedOver>(&input)) {
        take_handed_over(work, *arrived);
    } else if (const auto* erased = std::get_if<Erased>(&input)) {
        take_erased(work, *erased);
    }
    if (const auto* change = std::get_if<Change>(&told)) {
        hear_names(work, change->key.platform, change->rev, change->fields);
    } else if (const auto* outcome = std::get_if<Outcome>(&told)) {
        hear_names(work, outcome->platform, outcome->rev, outcome->fields);
    }
    if (!work.state.exceptions.empty()) {
        settle_transitions(work);
        settle_ownership(work);
    }
    if (!events.empty()) tell_events(work, events);
    tell_starts(work, before);
    if (work.changed) {
        work.log.inputs.push_back(name_of(input));
    } else if (was_told(input)) {
        work.log.quiet.push_back({work.log.inputs.size(), name_of(input)});
    }
    work.changed = work.changed || changed_before;
}

/// A change of a backfill, or the answer to a command that came of one.
bool is_of_backfill(const EntityState& state, const Input& input) {
    if (const auto* change = std::get_if<Change>(&input)) {
        return change->origin == ChangeOrigin::kBackfill;
    }
    const auto* outcome = std::get_if<Outcome>(&input);
    const RecordState* record = outcome == nullptr ? nullptr : state.record(outcome->platform);
    return record != nullptr && record->pending && record->pending->backfill &&
           outcome->generation == record->generation &&
           outcome->decided_at == record->pending->decided_at;
}

/// That the state has other names or types by now is stored, and what is open told under them.
void tell_upcast(Work& work) {
    work.note("its fields are named and typed by the contract of now");
    for (const OpenException& open : work.state.exceptions) {
        if (!open.fields.empty()) tell_again(work, open);
    }
}

}  // namespace

std::optional<Change> told_by(const Outcome& outcome) {
    const bool tells = outcome.deleted || !outcome.fields.empty();
    if (!outcome.record || outcome.rev == Revision{} || !tells) return std::nullopt;
    return Change{.key = {outcome.platform, outcome.entity.object, *outcome.record},
                  .entity = outcome.entity.entity,
                  .number = outcome.number,
                  .rev = outcome.rev,
                  .kind = outcome.deleted ? ChangeKind::kDelete : ChangeKind::kUpsert,
                  .fields = outcome.fields,
                  .seen_at = outcome.done_at,
                  .trace = outcome.trace};
}

bool has_key(const ObjectSpec& object, const EntityState& state, const Claim& key) {
    return minus({key}, keys_of(object, state)).empty();
}

bool keeps_keys(const Policy& policy, const EntityState& state, const Input& input) {
    const bool rests = !state.is_unknown() && !state.deleted && !state.is_merged() &&
                       is_of(state, policy) && !says_shared_key(state);
    const auto* change = std::get_if<Change>(&input);
    const auto* outcome = std::get_if<Outcome>(&input);
    if (!rests || (change == nullptr && outcome == nullptr)) return false;
    const ObjectSpec& object = *policy.object(state.key.object);
    if (object.matches.empty()) return true;
    const bool deletes = change != nullptr ? change->kind == ChangeKind::kDelete : outcome->deleted;
    if (deletes || !object.renames.empty()) return false;
    const Fields& told = change != nullptr ? change->fields : outcome->fields;
    for (const MatchRule& rule : object.matches) {
        for (const MatchRule::Part& part : rule.parts) {
            const Value* value = told.find(part.field);
            const CanonicalField* canonical = state.find(part.field);
            if (value != nullptr && (canonical == nullptr || canonical->value != *value)) {
                return false;
            }
        }
    }
    return true;
}

Step decide(const Policy& policy, EntityState state, std::span<const Input> inputs,
            const Context& context) {
    const ObjectSpec* object = policy.object(state.key.object);
    // Before all else: its keys are made of fields, too.
    const bool upcasted = !is_of(state, policy) && upcast(*object, state);
    const std::vector<Claim> before = keys_of(*object, state);
    const bool shared = says_shared_key(state);
    const bool founds = state.is_unknown();
    Work work{.policy = policy,
              .object = *object,
              .context = context,
              .state = std::move(state),
              .log = {}};
    // While a step is made, the last one's outbox stays aside: it goes out again if this step
    // turns out to change nothing.
    auto last_outbox = std::move(work.state.outbox);
    work.state.outbox.clear();
    const bool adopts = !founds && !is_of(work.state, policy);
    if (upcasted) tell_upcast(work);
    const MatchRules match_rules = adopt_policy(work);
    disown(work, context.foreign_records);
    work.backfill = !inputs.empty() && std::ranges::all_of(inputs, [&](const Input& input) {
        return is_of_backfill(work.state, input);
    });
    for (const Input& input : inputs) take(work, input);
    // Whatever the input: nobody else may ask for it again.
    if (work.handovers.empty()) hand_over_again(work);
    Step step;
    step.founds = founds;
    work.state.policy = policy.hash;
    plan_commands(work, step.commands);
    const std::vector<Claim> after = keys_of(*object, work.state);
    const bool claims_all = shared || (match_rules == MatchRules::kChanged && !after.empty());
    if (claims_all && !shared) work.note("claims its keys by the match rules of now");
    if (context.foreign_keys) report_shared_keys(work, after);
    if (work.changed) {
        ++work.state.version;
        name_grounds(work);
        if (adopts) {
            work.log.inputs.push_back("policy version " + std::to_string(policy.version));
        }
        if (context.publishing == Context::Publishing::kYes) fill_outbox(work);
        step.log = std::move(work.log);
        // One that was another's may be free by now.
        step.claims = claims_all ? after : minus(after, before);
        if (context.foreign_keys) {
            for (const auto& [key, holder] : *context.foreign_keys) std::erase(step.claims, key);
        }
        step.keys_unsure = shared && !context.foreign_keys;
        step.releases = minus(before, after);
        step.exceptions = std::move(work.events);
        step.revived_by = std::move(work.revived_by);
    } else {
        work.state.outbox = std::move(last_outbox);
    }
    // Whoever decided the input before may have died before its exceptions were out.
    if (work.replayed) recheck_exceptions(work, {});
    for (const std::string& token : work.rechecked) {
        step.rechecked.push_back(exception_message(work, token));
    }
    step.answers = std::move(work.answers);
    step.epochs = std::move(work.epochs);
    step.handovers = std::move(work.handovers);
    step.links = std::move(work.links);
    step.changed = work.changed;
    step.replayed = work.replayed;
    step.next = std::move(work.state);
    return step;
}

}  // namespace syncline::hub
