#include <algorithm>

#include "hub/core/upcast.h"
#include "hub/core/work.h"

namespace syncline::hub {
namespace {

const char* name_of(OutcomeStatus status) {
    switch (status) {
        case OutcomeStatus::kApplied: return "applied";
        case OutcomeStatus::kRejected: return "rejected";
        case OutcomeStatus::kGaveUp: return "gave up";
        case OutcomeStatus::kInDoubt: return "in doubt";
        case OutcomeStatus::kStale: return "stale";
        case OutcomeStatus::kFenced: return "fenced";
        case OutcomeStatus::kConflict: return "conflict";
        case OutcomeStatus::kGone: return "gone";
        case OutcomeStatus::kDiscarded: return "discarded";
    }
    return "unknown";
}

/// Is it about the command that is out? Else about a former one; a store that went back in time may
/// have given both the same generation.
bool is_of_pending(const RecordState& record, const Outcome& outcome) {
    return record.pending && outcome.generation == record.generation &&
           outcome.decided_at == record.pending->decided_at;
}

/// True if it answers a command that this very state has issued: one of before all the states were
/// lost may have the same generation. What was in doubt may turn out to have been carried out.
bool drop_answered(RecordState& record, const Outcome& outcome) {
    if (outcome.status == OutcomeStatus::kInDoubt) return false;
    return std::erase(record.unanswered, outcome.decided_at) > 0;
}

/// The answer to the command that is out: it is no longer pending. Empty if it answers a former
/// one.
std::optional<Pending> settle(Work& work, RecordState& record, const Outcome& outcome) {
    if (!is_of_pending(record, outcome)) return std::nullopt;
    std::optional<Pending> pending = std::move(record.pending);
    record.pending.reset();
    const bool ends =
        pending->kind == CommandKind::kDelete || pending->kind == CommandKind::kForget;
    if (outcome.rev != Revision{} || ends) {
        record.unanswered.clear();  // What an earlier one did is older than this.
    } else {
        drop_answered(record, outcome);
    }
    rename_fields(work.object, pending->fields);  // It may be out under several names.
    work.changed = true;
    return pending;
}

/// Up to where what it tells of its record is known. Where ours is gone that may be another one,
/// made before ours or after it.
Revision known_of(const RecordState& record, const Outcome& outcome) {
    const bool of_another =
        record.presence != Presence::kPresent && outcome.record && outcome.record != record.record;
    if (!of_another) return record.rev;
    const auto other = std::ranges::find(record.others, *outcome.record, &OtherRecord::record);
    if (other == record.others.end()) {
        // One that was given away is not this entity's news.
        return record.record ? Revision{} : record.rev;
    }
    // That it is gone may have been told before it was heard of at all.
    const bool may_be_unheard = record.rev == Revision{} || is_of_pending(record, outcome);
    const bool is_gone = other->standing == OtherRecord::Standing::kGone;
    return is_gone && may_be_unheard ? Revision{} : other->rev;
}

/// Is it about another record than the one that stands for the entity?
bool is_of_another(const RecordState& record, const Outcome& outcome) {
    return outcome.record && record.record && record.presence == Presence::kPresent &&
           *outcome.record != *record.record;
}

void close_about(Work& work, const RecordState& record, const Pending& answered) {
    for (const std::string_view kind :
         {exceptions::kRejected, exceptions::kGaveUp, exceptions::kInDoubt}) {
        for (const auto& [name, value] : answered.fields) {
            close_exception(work, kind, record.platform, &name);
        }
        if (answered.kind != CommandKind::kUpdate) close_exception(work, kind, record.platform);
    }
}

/// `former`: it answers an older command that this very state has issued.
void applied(Work& work, RecordState& record, const Outcome& outcome,
             const std::optional<Pending>& answered, bool former, bool fresh) {
    if (answered && answered->kind == CommandKind::kForget) {
        close_about(work, record, *answered);
        return take_forgotten(work, record.platform);
    }
    const bool ours = answered && answered->kind == CommandKind::kDelete;
    const bool stood = record.record == outcome.record;
    if (outcome.deleted && outcome.record && !ours && !stood) {
        return delete_other(work, record, *outcome.record, outcome.rev);
    }
    if ((ours || outcome.deleted) && outcome.record) {
        // If it is another entity's by now, this is for that one too.
        work.links.push_back({record.platform, work.state.key.object, *outcome.record});
    }
    if (ours) return take_delete(work, record, /*ours=*/true);
    if (outcome.deleted) {  // By a command that the store has forgotten: as if others had done it.
        if (fresh && stood) take_delete(work, record, /*ours=*/false);
        return;
    }
    if (is_of_another(record, outcome)) {
        other_record(work, record, {*outcome.record, outcome.rev, outcome.done_at, outcome.fields});
        return;
    }
    const bool stands = outcome.record && record.presence != Presence::kPresent && fresh;
    const Revision gone = stands ? record.seen_of(*outcome.record) : Revision{};
    if (stands) {
        stand(work, record, *outcome.record, "created");
        record.rev = outcome.rev;
    }
    const Provenance from{record.platform, outcome.rev, outcome.done_at};
    if (answered && fresh) {
        // What the platform did not tell back holds as commanded.
        for (const auto& [name, value] : answered->fields) {
            if (outcome.fields.find(name) != nullptr) continue;
            record.mirror.set(name, value);
            record.clear_form(name);
        }
    }
    if (fresh) {
        take_fields(
            work, record, outcome.fields, from,
            {answered ? &answered->fields : nullptr,
             answered && answered->kind == CommandKind::kUpdate, outcome.as_commanded, former});
    }
    if (answered) close_about(work, record, *answered);
    if (gone > outcome.rev) {  // It was deleted since, and that was told before.
        record.rev = gone;
        take_delete(work, record, /*ours=*/false);
    }
}

/// What the record holds, by an answer that nothing was done. It may come when the record has
/// become another entity's: then it says nothing of ours. One that was gone is back.
void take_told(Work& work, RecordState& record, const Outcome& outcome) {
    if (record.presence != Presence::kPresent) {
        const bool is_back = outcome.record && outcome.record == record.record &&
                             !outcome.deleted && !outcome.fields.empty();
        if (!is_back) return;
        mark_present(work, record, *outcome.record);
    }
    take_fields(work, record, outcome.fields, {record.platform, outcome.rev, outcome.done_at}, {});
}

/// A proposal that the owner's platform refused is off; its author is told so.
void drop_refused(Work& work, RecordState& owner, const FieldName& field, const Value& value) {
    std::erase_if(work.state.proposals, [&](const Proposal& p) {
        if (p.field != field || p.value != value) return false;
        work.state.record_or_new(p.from).release(field);
        owner.release(field);
        return true;
    });
}

/// A person has dropped it with all that a lane held. They have said so once, for all of them: no
/// exception says it again of each. It is left alone until something about it changes.
void discarded(Work& work, RecordState& record, const std::optional<Pending>& answered) {
    const bool there = record.presence == Presence::kPresent;
    if (!answered || (answered->kind == CommandKind::kCreate && there)) return;
    if (answered->kind != CommandKind::kUpdate) {
        record.blocked = true;
        return;
    }
    for (const auto& [name, value] : answered->fields) {
        record.leave(name);
        drop_refused(work, record, name, value);
    }
}

/// It failed for good: what was to be set is left alone until something about it changes.
void failed(Work& work, RecordState& record, const Outcome& outcome, const Pending& answered) {
    const bool there = record.presence == Presence::kPresent;
    if (answered.kind == CommandKind::kCreate && there) return;  // Made after all, or by others.
    ExceptionCode kind = exceptions::kRejected;
    if (outcome.status == OutcomeStatus::kGaveUp) kind = exceptions::kGaveUp;
    if (outcome.status == OutcomeStatus::kInDoubt) kind = exceptions::kInDoubt;
    if (answered.kind == CommandKind::kUpdate) {
        for (const auto& [name, value] : answered.fields) {
            record.hold(name);
            drop_refused(work, record, name, value);
        }
    } else {
        record.blocked = true;
    }
    std::string reason = outcome.reason;
    if (!outcome.code.empty()) reason += " (" + outcome.code + ")";
    open_exception(work, kind, record, std::move(reason), answered.fields);
}

}  // namespace

void take_outcome(Work& work, const Outcome& outcome) {
    RecordState& record = work.state.record_or_new(outcome.platform);
    work.compare_epochs(record, outcome.rev);
    const bool another = is_of_another(record, outcome);
    const Revision known = known_of(record, outcome);
    const bool told = outcome.rev != Revision{} && outcome.rev <= known;
    // A record that it made may be news all the same.
    if (told && !record.pending && !another) {
        work.replayed = true;
        return;
    }
    const bool fresh = outcome.rev > known && !another;
    if (fresh && (!outcome.record || outcome.record == record.record)) record.rev = outcome.rev;
    if (outcome.generation > record.generation) {
        // Our store went back in time; the agent remembers more.
        record.generation = outcome.generation;
        work.changed = true;
    }
    const bool fenced = outcome.status == OutcomeStatus::kFenced;
    if (record.pending && (fenced || !is_of_pending(record, outcome))) {
        work.reissue.push_back(record.platform);  // A former command has taken its place.
    }
    if (fenced) return;
    const std::optional<Pending> answered = settle(work, record, outcome);
    const bool former = !answered && drop_answered(record, outcome);
    if (former) work.changed = true;
    // A failure may say nothing of the record that would tell whether it is news.
    const bool failure = outcome.rev == Revision{} && outcome.status != OutcomeStatus::kStale;
    if ((told || failure) && !answered) work.replayed = true;
    if (answered) {
        work.note(record.platform.text + " generation " + std::to_string(outcome.generation) + " " +
                  name_of(outcome.status));
    }
    switch (outcome.status) {
        case OutcomeStatus::kApplied:
            applied(work, record, outcome, answered, former, fresh);
            break;
        case OutcomeStatus::kRejected:
        case OutcomeStatus::kGaveUp:
        case OutcomeStatus::kInDoubt:
            if (fresh) take_told(work, record, outcome);
            if (answered) failed(work, record, outcome, *answered);
            break;
        case OutcomeStatus::kConflict:
            if (answered) {
                for (const auto& [name, value] : answered->fields) {
                    if (count_attempt(work, record, name)) {
                        record.hold(name);
                        open_exception(work, exceptions::kNotConverging, record,
                                       "every write met a concurrent edit; retry when it is quiet",
                                       Fields{{name, value}});
                    }
                }
            }
            if (fresh) take_told(work, record, outcome);
            break;
        case OutcomeStatus::kGone:
            if (answered && record.presence == Presence::kPresent) {
                take_delete(work, record, answered->kind == CommandKind::kDelete);
            }
            break;
        case OutcomeStatus::kDiscarded: discarded(work, record, answered); break;
        case OutcomeStatus::kStale:
            record.generation = std::max(record.generation, outcome.ledger_generation);
            break;
        case OutcomeStatus::kFenced: break;  // Handled above.
    }
}

}  // namespace syncline::hub
