#include <algorithm>
#include <utility>

#include "hub/core/decide.h"
#include "hub/core/sorted_walk.h"
#include "hub/core/upcast.h"
#include "hub/core/work.h"

namespace syncline::hub {
namespace {

/// A field that was told this often within this time without staying is not converging.
constexpr Duration kAttemptWindow = std::chrono::hours{1};
/// So many commands without an answer are remembered.
constexpr std::size_t kUnansweredMost = 64;

bool contains(const std::vector<FieldName>& sorted, const FieldName& name) {
    return std::binary_search(sorted.begin(), sorted.end(), name);
}

/// Has the platform a record in this entity, or is it to get one?
bool takes_part(const Work& work, const PlatformId& platform) {
    const Binding* binding = work.object.binding(platform);
    const RecordState* record = work.state.record(platform);
    if (binding == nullptr || work.state.deleted) return false;
    if (record == nullptr) return binding->receives;
    return record->presence == Presence::kPresent || record->presence == Presence::kAbsent;
}

/// What a platform does not tell of a record that it has is empty there.
bool holds(const RecordState& record, const FieldName& field, const Value& value) {
    const Value* held = record.mirror.find(field);
    if (held != nullptr) return *held == value;
    return record.presence == Presence::kPresent && value.is_null();
}

/// Proposals that need no asking: the owner holds the value already, or cannot be asked; then a
/// person decides.
void settle_proposals(Work& work) {
    const Fields view = work.state.fields();
    std::vector<Proposal> kept;
    for (Proposal& proposal : std::exchange(work.state.proposals, {})) {
        const OwnershipRule* rule = work.object.rule(proposal.field, view);
        if (rule != nullptr && takes_part(work, rule->owner)) {
            const RecordState* owner = work.state.record(rule->owner);
            if (owner == nullptr || !holds(*owner, proposal.field, proposal.value)) {
                kept.push_back(std::move(proposal));
            } else {
                FieldDecision decision{proposal.field, owner->platform,    {},
                                       proposal.value, Verdict::kAccepted, to_string(rule->place)};
                decision.before = make_canonical(work, proposal.field, proposal.value,
                                                 {owner->platform, owner->rev, work.context.now});
                work.log.decisions.push_back(std::move(decision));
            }
            continue;
        }
        open_exception(work, exceptions::kReview, work.state.record_or_new(proposal.from),
                       "the owner of this field has no record that it could be proposed to; accept "
                       "or reject",
                       Fields{{proposal.field, proposal.value}});
    }
    work.state.proposals = std::move(kept);
}

/// What the platform is being asked to take for a field that it owns; null if nothing.
const Value* asked(const Work& work, const PlatformId& platform, const FieldName& field,
                   const Fields& view) {
    for (const Proposal& proposal : work.state.proposals) {
        if (proposal.field != field) continue;
        const OwnershipRule* rule = work.object.rule(field, view);
        if (rule != nullptr && rule->owner == platform) return &proposal.value;
    }
    return nullptr;
}

bool same(const Fields::Entry* mirror, const Value& wanted) {
    return mirror == nullptr ? wanted.is_null() : mirror->second == wanted;
}

/// Desired minus mirror, and what a command that is out already covers.
Fields update_fields(const Work& work, const RecordState& record, const Binding& binding,
                     const Fields& view) {
    static const Fields kNone;
    Fields wanted;
    const bool update_out = record.pending && record.pending->kind == CommandKind::kUpdate;
    SortedWalk canonical{work.state.canonical};
    SortedWalk mirror{record.mirror};
    SortedWalk out{update_out ? record.pending->fields : kNone};
    for (const FieldName& name : binding.fields) {
        if (contains(binding.read_only, name) || record.holds(name)) continue;
        const CanonicalField* agreed = canonical.find(name);
        // What is canonical, or what the owner is being asked to take instead.
        const Value* value = asked(work, record.platform, name, view);
        if (value == nullptr && agreed != nullptr) value = &agreed->value;
        if (value == nullptr) continue;
        const bool covered = out.find(name) != nullptr;
        if (covered || !(same(mirror.find(name), *value) || record.stands_for(name, *value))) {
            if (wanted.empty()) wanted.reserve(binding.fields.size());
            wanted.append(name, *value);
        }
    }
    return wanted;
}

/// Everything for a record that is to be made; empty while something required is missing.
Fields create_fields(const Work& work, const Binding& binding) {
    Fields wanted;
    wanted.reserve(binding.fields.size());
    SortedWalk canonical{work.state.canonical};
    SortedWalk specs{work.object.fields};
    for (const FieldName& name : binding.fields) {
        const CanonicalField* agreed = canonical.find(name);
        const bool missing = agreed == nullptr || agreed->value.is_null();
        const FieldSpec* spec = specs.find(name);
        if (missing && spec != nullptr && spec->required) return {};
        if (!missing && !contains(binding.read_only, name)) wanted.append(name, agreed->value);
    }
    return wanted;
}

bool create_allowed(const RecordState& record, const Binding& binding, const Fields& view) {
    if (record.rev != Revision{}) return true;  // It was there, and is to be restored.
    if (!binding.receives) return false;
    return !binding.receives_when || binding.receives_when->holds(view).value_or(false);
}

Command to_command(const EntityState& state, const RecordState& record, const Context& context) {
    Command command;
    command.kind = record.pending->kind;
    command.platform = record.platform;
    command.entity = state.key;
    if (command.kind != CommandKind::kCreate) command.record = record.record;
    command.generation = record.generation;
    command.partition = context.partition;
    command.fence = context.fence;
    command.fields = as_told(record, record.pending->fields);
    command.expected = as_told(record, record.pending->expected);
    command.decided_at = record.pending->decided_at;
    command.doubt_settled = record.doubt_settled;
    command.policy = state.policy;
    if (record.pending->backfill) command.origin = ChangeOrigin::kBackfill;
    return command;
}

/// Is this very command out, under whatever names?
bool is_out(const Work& work, const RecordState& record, CommandKind kind, const Fields& fields) {
    if (!record.pending || record.pending->kind != kind) return false;
    if (work.object.renames.empty()) return record.pending->fields == fields;
    Fields out = record.pending->fields;
    rename_fields(work.object, out);
    return out == fields;
}

void issue(Work& work, RecordState& record, CommandKind kind, Fields fields,
           std::vector<Command>& commands) {
    if (is_out(work, record, kind, fields)) return;
    if (!work.object.renames.empty()) fields = under_all_names(work.object, record, fields);
    Pending pending{kind, std::move(fields), {}, work.context.now};
    // What is out and not of a backfill goes on in this one.
    pending.backfill = work.backfill && (!record.pending || record.pending->backfill);
    pending.expected.reserve(pending.fields.size());
    SortedWalk mirror{record.mirror};
    for (const auto& [name, value] : pending.fields) {
        if (const auto* held = mirror.find(name)) pending.expected.append(name, held->second);
    }
    ++record.generation;
    auto& unanswered = record.unanswered;
    // An agent carries out one of the first that it comes to, and then the newest.
    if (unanswered.size() == kUnansweredMost) unanswered.erase(unanswered.begin() + 1);
    unanswered.push_back(pending.decided_at);
    record.pending = std::move(pending);
    LogEntry::Commanded told{record.platform, kind, record.generation, {}};
    told.fields.reserve(record.pending->fields.size());
    for (const auto& [name, value] : record.pending->fields) told.fields.push_back(name);
    work.log.commands.push_back(std::move(told));
    commands.push_back(to_command(work.state, record, work.context));
    commands.back().trace = work.log.trace;
    work.changed = true;
}

void plan_record(Work& work, RecordState& record, const Binding& binding, const Fields& view,
                 std::vector<Command>& commands) {
    if (record.blocked) return;
    if (work.state.deleted) {
        if (record.presence == Presence::kPresent) {
            issue(work, record, CommandKind::kDelete, {}, commands);
        } else if (record.pending && record.pending->kind == CommandKind::kCreate) {
            // It may exist by now; the outcome tells, and the delete follows.
            return;
        }
        return;
    }
    if (record.presence == Presence::kPresent) {
        Fields wanted = update_fields(work, record, binding, view);
        // The record is there, made by whomever: a create still out must not make another.
        const bool create_out = record.pending && record.pending->kind == CommandKind::kCreate;
        if (!wanted.empty() || create_out) {
            issue(work, record, CommandKind::kUpdate, std::move(wanted), commands);
        }
    } else if (record.presence == Presence::kAbsent && create_allowed(record, binding, view)) {
        Fields wanted = create_fields(work, binding);
        if (!wanted.empty()) {
            issue(work, record, CommandKind::kCreate, std::move(wanted), commands);
        }
    }
}

void plan_records(Work& work, const std::vector<PlatformId>& forgetting,
                  std::vector<Command>& commands) {
    if (!work.state.proposals.empty()) {
        settle_proposals(work);
        settle_transitions(work);
    }
    const bool conditions =
        std::any_of(work.object.bindings.begin(), work.object.bindings.end(),
                    [](const Binding& binding) { return binding.receives_when.has_value(); });
    const bool look = conditions || !work.state.proposals.empty();
    const Fields view = look ? work.state.fields() : Fields{};
    for (const Binding& binding : work.object.bindings) {
        // A platform that has no record and is to get none needs no state.
        if (!binding.receives && work.state.record(binding.platform) == nullptr) continue;
        if (std::ranges::find(forgetting, binding.platform) != forgetting.end()) continue;
        RecordState& record = work.state.record_or_new(binding.platform);
        plan_record(work, record, binding, view, commands);
    }
}

/// What is out, where an input asks for it.
void issue_again(const Work& work, std::vector<Command>& commands) {
    for (const RecordState& record : work.state.records) {
        // An input that came back: whoever decided it may have died before its commands were out.
        const bool again = work.replayed || std::find(work.reissue.begin(), work.reissue.end(),
                                                      record.platform) != work.reissue.end();
        const bool out = std::any_of(commands.begin(), commands.end(), [&](const Command& command) {
            return command.platform == record.platform;
        });
        if (again && record.pending && !out) {
            commands.push_back(to_command(work.state, record, work.context));
        }
    }
}

}  // namespace

bool count_attempt(Work& work, RecordState& record, const FieldName& field) {
    auto& attempts = record.attempts;
    auto at = std::find_if(attempts.begin(), attempts.end(),
                           [&](const Attempts& a) { return a.field == field; });
    if (at == attempts.end()) at = attempts.insert(at, Attempts{field, 0, work.context.now});
    if (work.context.now - at->last > kAttemptWindow) at->count = 0;
    at->last = work.context.now;
    return ++at->count > work.object.attempts_max;
}

void plan_commands(Work& work, std::vector<Command>& commands) {
    // Before all else: what is wanted of the record now is told once the agent has forgotten.
    const std::vector<PlatformId> forgetting = to_be_told(work);
    for (const PlatformId& platform : forgetting) {
        RecordState& record = work.state.record_or_new(platform);
        if (!record.blocked) issue(work, record, CommandKind::kForget, {}, commands);
    }
    if (!work.state.is_merged()) plan_records(work, forgetting, commands);
    issue_again(work, commands);
}

std::vector<Command> pending_commands(const EntityState& state, const Context& context) {
    std::vector<Command> commands;
    for (const RecordState& record : state.records) {
        if (record.pending) commands.push_back(to_command(state, record, context));
    }
    return commands;
}

}  // namespace syncline::hub
