#include "agent/core/apply_plan.h"

#include <algorithm>

namespace syncline::agent {
namespace {

/// A create of then is refused also where the hub's clock may have been ahead: it alone makes two.
bool is_of_former_store(const Command& command, Timestamp began) {
    const bool makes = command.kind == CommandKind::kCreate;
    return began != Timestamp{} && command.decided_at < began + (makes ? kHubClockOff : Duration{});
}

}  // namespace

Admission admit(const Command& command, const std::optional<LedgerEntry>& ledger,
                const Admitting& admitting) {
    if (command.fence < admitting.fence_max) return Admission::kFenced;
    if (!ledger) {
        const bool former = is_of_former_store(command, admitting.began);
        return former ? Admission::kStale : Admission::kExecute;
    }
    const bool in_doubt = ledger->state == LedgerState::kDone &&
                          ledger->status == OutcomeStatus::kInDoubt && !ledger->record;
    if (command.kind == CommandKind::kCreate && command.generation > ledger->generation &&
        in_doubt && ledger->generation > command.doubt_settled) {
        return Admission::kDoubtful;
    }
    if (command.generation > ledger->generation) return Admission::kExecute;
    if (command.generation < ledger->generation) return Admission::kStale;
    switch (ledger->state) {
        case LedgerState::kNotApplied: return Admission::kExecute;
        case LedgerState::kIntent:
        case LedgerState::kInDoubt: return Admission::kVerify;
        case LedgerState::kDone: break;
    }
    return Admission::kStale;
}

FirstStep first_step(CommandKind kind, const Connector::Traits& traits) {
    const bool twice = kind == CommandKind::kCreate && !traits.create_is_idempotent;
    return twice && traits.has_marker ? FirstStep::kLook : FirstStep::kWrite;
}

AfterWrite after_write(CommandKind kind, const Result<Written>& result) {
    if (result) {
        if (kind == CommandKind::kDelete) return AfterWrite::kApplied;
        const bool told = result->record && !result->record->partial && !result->record->deleted;
        return told ? AfterWrite::kApplied : AfterWrite::kReadBack;
    }
    switch (result.error().kind) {
        case ErrorKind::kUnavailable:
        case ErrorKind::kFull: return AfterWrite::kRetry;
        case ErrorKind::kThrottled: return AfterWrite::kPause;
        // A defect of ours may have struck after the request went out.
        case ErrorKind::kAmbiguous:
        case ErrorKind::kInternal: return AfterWrite::kVerify;
        case ErrorKind::kDenied: return AfterWrite::kDenied;
        case ErrorKind::kConflict: return AfterWrite::kConflict;
        case ErrorKind::kNotFound:
            if (kind == CommandKind::kDelete) return AfterWrite::kApplied;
            return kind == CommandKind::kUpdate ? AfterWrite::kGone : AfterWrite::kRejected;
        case ErrorKind::kInvalid:
        case ErrorKind::kTooLarge:
        case ErrorKind::kCorrupt:
        case ErrorKind::kUnsupported: break;
    }
    return AfterWrite::kRejected;
}

Proof proof_for(CommandKind kind, const Connector::Traits& traits) {
    if (kind != CommandKind::kCreate) return Proof::kFetch;
    // Looking is better than repeating: what was made may have been edited since.
    if (traits.has_marker) return Proof::kFind;
    return traits.create_is_idempotent ? Proof::kRepeat : Proof::kNone;
}

AfterLook after_look(CommandKind kind, const std::optional<Record>& found, Held held,
                     std::uint32_t looks) {
    const bool there = found && !found->deleted;
    switch (kind) {
        case CommandKind::kDelete: return there ? AfterLook::kWriteAgain : AfterLook::kApplied;
        case CommandKind::kUpdate:
            if (!there) return AfterLook::kGone;
            if (held == Held::kWanted) return AfterLook::kApplied;
            return held == Held::kExpected ? AfterLook::kWriteAgain : AfterLook::kEdited;
        case CommandKind::kForget: return AfterLook::kApplied;  // The platform is not asked.
        case CommandKind::kCreate: break;
    }
    if (there) return AfterLook::kFound;
    return looks < kLooksBeforeCreate ? AfterLook::kLookAgain : AfterLook::kWriteAgain;
}

bool holds(const Record& record, const Fields& wanted) {
    return std::all_of(wanted.begin(), wanted.end(), [&](const Fields::Entry& entry) {
        const Value* held = record.fields.find(entry.first);
        return held != nullptr && *held == entry.second;
    });
}

Held what_holds(const Record& record, const Command& command, const Fields& wanted) {
    if (holds(record, wanted)) return Held::kWanted;
    const bool as_before =
        std::all_of(command.fields.begin(), command.fields.end(), [&](const Fields::Entry& entry) {
            const Value* is = record.fields.find(entry.first);
            const Value* was = command.expected.find(entry.first);
            return (is == nullptr ? Value{} : *is) == (was == nullptr ? Value{} : *was);
        });
    return as_before ? Held::kExpected : Held::kOther;
}

}  // namespace syncline::agent
