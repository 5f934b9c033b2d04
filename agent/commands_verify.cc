#include <algorithm>
#include <utility>

#include "agent/commands.h"

/// The part of Commands that reads the platform: before a create, after a write, and to find out
/// what became of a write without answer.
namespace syncline::agent {
namespace {

/// Between two looks for what may not be visible yet, where the platform declares no lag.
constexpr Duration kLookPause{std::chrono::seconds{1}};

}  // namespace

void Commands::enter_doubt(const JobPtr& job, const Error& error) {
    charge(job);
    job->last_error = last_error_ = error.what;
    job->doubt = true;
    job->looks = 0;
    journal(job, LedgerState::kInDoubt, [this, job] { prove(job); });
}

/// After so long a write without answer has had its effect, or never will.
Duration Commands::settle_time(bool by_former) const {
    return p_.executor.traits().read_back_lag + (by_former ? kOnItsWay : Duration{0});
}

void Commands::prove(const JobPtr& job) {
    const auto traits = p_.executor.traits();
    const Duration settled = now() + settle_time(job->restored);
    switch (proof_for(job->command.kind, traits)) {
        case Proof::kFetch:
        case Proof::kFind: job->phase = Phase::kVerify; return wait(job, settled);
        case Proof::kRepeat:
            if (is_spent(p_.settings.writing.budget, job->attempts, now() - job->since)) {
                return give_up(job);
            }
            job->phase = Phase::kWrite;
            return wait(job, settled + full_jitter(p_.settings.writing.retry,
                                                   std::max(job->attempts, 1u), chance(*job)));
        case Proof::kNone: break;
    }
    leave_in_doubt(
        job, {.status = OutcomeStatus::kInDoubt,
              .reason = job->last_error + "; whether the record was made cannot be found out: the "
                                          "platform has no marker field. Look for it by hand"});
}

void Commands::call_look(const JobPtr& job) {
    const EntityKey& entity = job->command.entity;
    const auto done = [this, job](const Executor::Answer<std::optional<Record>>& answer) {
        on_answer({job}, answer.cost, answer.took);
        on_looked(job, answer.result, answer.pause);
    };
    if (const auto id = fetched_by(*job)) return p_.executor.fetch(entity.object, *id, done);
    p_.executor.find(entity.object, entity.entity, done);
}

void Commands::on_looked(const JobPtr& job, const Result<std::optional<Record>>& result,
                         Duration pause) {
    if (result) return on_found(job, *result);
    switch (result.error().kind) {
        case ErrorKind::kNotFound: return on_found(job, std::nullopt);
        case ErrorKind::kInvalid:
        case ErrorKind::kTooLarge:
        case ErrorKind::kCorrupt:
        case ErrorKind::kUnsupported: return on_unreadable(job, result.error());
        default: return on_unreached(job, result.error(), pause);
    }
}

void Commands::on_unreadable(const JobPtr& job, const Error& error) {
    job->last_error = last_error_ = error.what;
    if (job->phase != Phase::kLook) return give_up(job);
    if (error.kind == ErrorKind::kUnsupported) {
        job->phase = Phase::kWrite;
        return wait(job, now());
    }
    finish(job, {.status = OutcomeStatus::kRejected,
                 .reason = "its record could not be looked for: " + error.what});
}

void Commands::on_found(const JobPtr& job, const std::optional<Record>& record) {
    p_.gate.succeeded();
    p_.gate.breaker().succeeded();
    const bool there = record && !record->deleted;
    switch (job->phase) {
        case Phase::kLook:
            if (there) return use_found(job, *record);
            if (!std::exchange(job->made, std::nullopt) ||
                first_step(job->command.kind, p_.executor.traits()) == FirstStep::kWrite) {
                job->phase = Phase::kWrite;  // Else it is looked for by its marker as well.
            }
            return wait(job, now());
        case Phase::kVerify: return on_verified(job, record);
        case Phase::kReadBack:
            if (there && is_anothers(*job, *record)) {
                job->written.reset();
                return enter_doubt(job, {ErrorKind::kAmbiguous, kAnothers});
            }
            if (there) return finish(job, {.record = record});
            if (++job->looks < kLooksBeforeCreate) {
                return wait(job, now() + std::max(p_.executor.traits().read_back_lag, kLookPause));
            }
            return finish(job, {.status = OutcomeStatus::kGone,
                                .reason = "written, but the record is not there any more"});
        case Phase::kReadConflict:
            if (!there)
                return finish(job, {.status = OutcomeStatus::kGone, .reason = job->last_error});
            return finish(
                job,
                {.status = OutcomeStatus::kConflict, .record = record, .reason = job->last_error});
        case Phase::kWrite: break;
    }
}

void Commands::on_verified(const JobPtr& job, const std::optional<Record>& record) {
    ++job->looks;
    const Command& command = job->command;
    Held held = Held::kOther;
    if (record) {
        held = what_holds(*record, command,
                          p_.executor.normal_form(command.entity.object, command.fields));
    }
    switch (after_look(command.kind, record, held, job->looks)) {
        case AfterLook::kApplied:
            if (command.kind == CommandKind::kDelete) return finish(job, {});
            return finish(job, {.record = record});
        case AfterLook::kEdited:
            return finish(job, {.status = OutcomeStatus::kConflict,
                                .record = record,
                                .reason = "edited since it was written or tried"});
        case AfterLook::kFound: return use_found(job, *record);
        case AfterLook::kLookAgain:
            return wait(job, now() + std::max(p_.executor.traits().read_back_lag, kLookPause));
        case AfterLook::kGone:
            return finish(job, {.status = OutcomeStatus::kGone,
                                .reason = "the record does not exist any more"});
        case AfterLook::kWriteAgain: return write_again(job);
    }
}

void Commands::use_found(const JobPtr& job, const Record& record) {
    // The create has its record. What that holds by now may be somebody's edit since, so nothing is
    // set: the hub sees the difference and decides.
    job->doubt = false;
    job->written = record.id;
    job->found = true;
    if (!record.partial) return finish(job, {.record = record});
    job->phase = Phase::kReadBack;
    job->looks = 0;
    wait(job, now());
}

void Commands::write_again(const JobPtr& job) {
    job->doubt = false;
    job->looks = 0;
    job->phase = Phase::kWrite;
    if (is_spent(p_.settings.writing.budget, job->attempts, now() - job->since)) {
        return give_up(job);
    }
    retry(job, now() + full_jitter(p_.settings.writing.retry, std::max(job->attempts, 1u),
                                   chance(*job)));
}

}  // namespace syncline::agent
