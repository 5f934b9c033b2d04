#include "agent/commands.h"

#include <algorithm>
#include <utility>

#include "agent/core/numbering.h"
#include "agent/spans.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::agent {
namespace {

/// How long, when the platform may be back, others go before the command that failed last: it may
/// be its own fault, and must not keep them out.
constexpr Duration kShunned{std::chrono::seconds{1}};

/// Until what is to be forgotten may have a receipt.
constexpr Duration kReceiptWait{std::chrono::milliseconds{500}};

/// The record that the entity has here already. The hub may not know of it yet, or not any more.
std::optional<RecordId> made_before(Transaction& transaction, const EntityKey& entity,
                                    const std::optional<LedgerEntry>& ledger) {
    if (ledger && ledger->record) {
        const auto known = transaction.record(entity.object, *ledger->record);
        if (!known || !known->deleted) return ledger->record;
    }
    return transaction.record_of(entity);
}

}  // namespace

void Commands::guard(const JobPtr& job) {
    if (job->guarded) return;
    job->guarded = true;
    const Command& command = job->command;
    if (command.record) p_.intake.write_started(key_of(*job, *command.record));
    if (command.kind == CommandKind::kCreate) {
        job->create = p_.guard.create_started(command.entity.object);
    }
}

void Commands::release(const JobPtr& job) {
    if (!job->guarded) return;
    job->guarded = false;
    const Command& command = job->command;
    if (job->written && job->written != command.record) {  // What a create made.
        const RecordKey key = key_of(*job, *job->written);
        p_.intake.write_started(key);
        p_.intake.write_finished(key);
    }
    if (command.record) p_.intake.write_finished(key_of(*job, *command.record));
    if (job->create == 0) return;
    p_.guard.create_finished(command.entity.object, std::exchange(job->create, 0));
    p_.intake.create_finished();
}

void Commands::remove(const JobPtr& job) {
    release(job);
    if (job->due != kNever) due_.erase({job->due, job->command.entity});
    const auto found = slots_.find(job->command.entity);
    found->second.running.reset();
    if (found->second.waiting) {
        ready_.push_back(found->first);
    } else {
        slots_.erase(found);
    }
}

void Commands::drop(const JobPtr& job) {
    unfinished_.erase(job->sequence);
    if (job->admitted) {
        // Else a restart, or the same command coming again, would have to doubt it.
        p_.commits.add([entry = LedgerEntry{.generation = job->command.generation,
                                            .state = LedgerState::kNotApplied,
                                            .attempts = job->attempts,
                                            .record = known_record(*job)},
                        entity = job->command.entity](Transaction& transaction) {
            transaction.save(entity, entry);
        });
    }
    remove(job);
}

void Commands::supersede(const JobPtr& job) {
    ++superseded_;
    settled(job);
    drop(job);
}

// ---- Admission ------------------------------------------------------------------------------

void Commands::begin(const EntityKey& entity) {
    Slot& slot = slots_.at(entity);
    slot.running = std::exchange(slot.waiting, nullptr);
    slot.running->since = now();
    hold(slot.running);
    admit_job(slot.running);
}

void Commands::admit_job(const JobPtr& job) {
    ++admitting_;
    auto admission = std::make_shared<Admission>();
    auto pass_ = std::make_shared<Pass>();
    p_.commits.add(
        [this, job, admission, pass_](Transaction& transaction) {
            const Command& command = job->command;
            *pass_ = Pass::kBegin;
            const auto ledger = transaction.ledger(command.entity);
            *admission =
                admit(command, ledger,
                      {.fence_max = transaction.fence(command.partition), .began = began_});
            if (*admission == Admission::kVerify) {
                const auto begun = wire::decode_command(ledger->command);
                if (!begun || !is_same(*begun, command)) *admission = Admission::kStale;
            }
            job->attempts =
                ledger && ledger->generation == command.generation ? ledger->attempts : 0;
            if (*admission == Admission::kExecute && command.kind == CommandKind::kForget) {
                *pass_ = forget(transaction, *job);
            } else if (*admission == Admission::kExecute) {
                *pass_ =
                    pass(transaction, *job, !ledger || ledger->generation != command.generation);
            }
            if (*pass_ == Pass::kDiscard) discard(transaction, *job);
            if (*pass_ != Pass::kBegin) return;
            if (*admission == Admission::kExecute) {
                if (command.kind == CommandKind::kCreate) {
                    job->made = made_before(transaction, command.entity, ledger);
                }
                p_.environment.before("C2");
                transaction.raise_fence(command.partition, command.fence);
                transaction.save(command.entity, {.generation = command.generation,
                                                  .state = LedgerState::kIntent,
                                                  .attempts = job->attempts,
                                                  .record = known_record(*job),
                                                  .command = wire::encode(command)});
            } else {
                answer_unadmitted(transaction, command, *admission, ledger);
            }
        },
        [this, job, admission, pass_] {
            --admitting_;
            if (*pass_ == Pass::kBegin) return after_admission(job, *admission);
            let_go(job);
            if (*pass_ == Pass::kForgetLater) return wait(job, now() + kReceiptWait);
            if (*pass_ != Pass::kPark) settled(job);
            if (*pass_ == Pass::kForgotten) forgotten(*job);
            remove(job);
            if (*pass_ == Pass::kPark) park(job);
        });
}

void Commands::answer_unadmitted(Transaction& transaction, const Command& command,
                                 Admission admission, const std::optional<LedgerEntry>& ledger) {
    const bool stale = admission == Admission::kStale;
    if (!stale && admission != Admission::kFenced) return;
    if (stale && !ledger) remember_refused(transaction, command);
    append_outcome(transaction,
                   {.platform = command.platform,
                    .entity = command.entity,
                    .record = ledger && ledger->record ? ledger->record : command.record,
                    .generation = command.generation,
                    .decided_at = command.decided_at,
                    .ledger_generation = ledger ? ledger->generation : 0,
                    .status = stale ? OutcomeStatus::kStale : OutcomeStatus::kFenced,
                    .done_at = p_.environment.clock.now(),
                    .trace = command.trace,
                    .fence = stale ? 0 : transaction.fence(command.partition)},
                   partition_of(command));
}

void Commands::after_admission(const JobPtr& job, Admission admission) {
    let_go(job);
    const auto traits = p_.executor.traits();
    switch (admission) {
        case Admission::kExecute:
            p_.environment.after("C2");
            job->admitted = job->intent = true;
            job->phase = first_step(job->command.kind, traits) == FirstStep::kLook ? Phase::kLook
                                                                                   : Phase::kWrite;
            // It only takes an older command's place: there is nothing to be set.
            if (job->command.kind == CommandKind::kUpdate && job->command.fields.empty()) {
                return finish(job, {});
            }
            if (!job->made) return wait(job, now());
            job->phase = Phase::kLook;
            return wait(job, now() + traits.read_back_lag);
        case Admission::kVerify:
            job->admitted = job->intent = true;
            job->doubt = true;
            guard(job);
            return prove(job);
        case Admission::kDoubtful:
            return finish(job,
                          {.status = OutcomeStatus::kInDoubt,
                           .reason = "an earlier create of this record is in doubt; look for it "
                                     "by hand"});
        case Admission::kStale:
        case Admission::kFenced: break;
    }
    settled(job);
    remove(job);
}

// ---- Writing --------------------------------------------------------------------------------

void Commands::call(const JobPtr& job) {
    if (job->ending) return finish(job, *std::exchange(job->ending, std::nullopt));
    if (job->command.kind == CommandKind::kForget) {
        hold(job);
        return admit_job(job);
    }
    if (job->phase == Phase::kWrite && !job->intent) {
        return journal(job, LedgerState::kIntent, [this, job] {
            job->intent = true;
            wait(job, now());
        });
    }
    const Jobs jobs = take_its_like(job);
    for (const JobPtr& one : jobs) hold(one);
    ++calls_;
    p_.gate.take(QuotaLane::kCommand, now());
    if (jobs.size() > 1) return call_all(jobs);
    job->alone = false;
    job->lot.reset();
    if (job->phase == Phase::kWrite) {
        call_write(job);
    } else {
        call_look(job);
    }
}

void Commands::call_write(const JobPtr& job) {
    guard(job);
    job->among_others = false;
    p_.environment.before("C3");
    p_.executor.write(job->command, [this, job](const Executor::Answer<Written>& answer) {
        p_.environment.before("C4");
        on_answer({job}, answer.cost, answer.took);
        on_written(job, answer.result, answer.pause);
        p_.environment.after("C4");
    });
    p_.environment.after("C3");
}

void Commands::on_written(const JobPtr& job, const Result<Written>& result, Duration pause) {
    const AfterWrite next = after_write(job->command.kind, result);
    if (next == AfterWrite::kRetry || next == AfterWrite::kPause || next == AfterWrite::kDenied) {
        return on_unreached(job, result.error(), pause);
    }
    if (next == AfterWrite::kVerify) return enter_doubt(job, result.error());
    if (result && result->record && is_anothers(*job, *result->record)) {
        return enter_doubt(job, {ErrorKind::kAmbiguous, kAnothers});
    }
    p_.gate.succeeded();
    p_.gate.breaker().succeeded();
    if (result) {
        job->doubt = false;
        job->written = result->id;
    }
    const std::string reason = result ? std::string{} : result.error().what;
    switch (next) {
        case AfterWrite::kApplied:
            return finish(job, {.record = result ? result->record : std::nullopt});
        case AfterWrite::kReadBack:
            job->phase = Phase::kReadBack;
            job->looks = 0;
            return wait(job, now() + p_.executor.traits().read_back_lag);
        case AfterWrite::kConflict:
            job->phase = Phase::kReadConflict;
            job->last_error = reason;
            return wait(job, now() + p_.executor.traits().read_back_lag);
        case AfterWrite::kGone:
            return finish(job, {.status = OutcomeStatus::kGone, .reason = reason});
        default: return finish(job, {.status = OutcomeStatus::kRejected, .reason = reason});
    }
}

bool Commands::charge(const JobPtr& job) {
    if (!std::exchange(charged_, true)) {
        p_.gate.breaker().failed(now(), p_.environment.jitter.next());
    }
    if (p_.gate.breaker().state(now()) == Breaker::State::kOpen) {
        shunned_ = job->command.entity;
        shunned_until_ = p_.gate.breaker().open_until() + kShunned;
    }
    // While the platform answers nobody it is no fault of this command.
    const std::uint64_t successes = p_.gate.successes();
    const auto last = successes_at_failure_.try_emplace(job->command.entity, successes).first;
    const bool counts = job->attempts == 0 || std::exchange(last->second, successes) != successes;
    if (counts) ++job->attempts;
    return counts;
}

void Commands::on_unreached(const JobPtr& job, const Error& error, Duration pause) {
    job->last_error = last_error_ = error.what;
    const Duration backoff =
        full_jitter(p_.settings.writing.retry, std::max(job->attempts, 1u), chance(*job));
    if (error.kind == ErrorKind::kDenied) {
        p_.gate.deny(now(), p_.settings.writing.denied_pause);
    } else if (error.kind == ErrorKind::kThrottled) {
        const Duration least = p_.settings.writing.retry.first;
        p_.gate.throttled(now(), std::clamp(pause, least, p_.settings.writing.throttle_max));
    } else if (charge(job) &&
               is_spent(p_.settings.writing.budget, job->attempts, now() - job->since)) {
        return give_up(job);
    }
    const Duration due = now() + backoff;
    if (job->phase != Phase::kWrite || job->doubt) return wait(job, due);
    // Nothing happened. After a restart that could be found out again, except here.
    if (proof_for(job->command.kind, p_.executor.traits()) != Proof::kNone) {
        return retry(job, due);
    }
    job->intent = false;
    journal(job, LedgerState::kNotApplied, [this, job, due] { retry(job, due); });
}

void Commands::retry(const JobPtr& job, Duration due) {
    release(job);
    if (subscription_) return wait(job, due);
    drop(job);  // It comes again from the stream, unless there is a newer one by then.
}

void Commands::journal(const JobPtr& job, LedgerState state, CommitQueue::Done done) {
    hold(job);
    p_.commits.add(
        [job, state](Transaction& transaction) {
            transaction.save(job->command.entity, {.generation = job->command.generation,
                                                   .state = state,
                                                   .attempts = job->attempts,
                                                   .record = known_record(*job),
                                                   .command = wire::encode(job->command)});
        },
        [this, job, done = std::move(done)] {
            let_go(job);
            done();
        });
}

void Commands::give_up(const JobPtr& job) {
    const std::string tries = " (given up after " + std::to_string(job->attempts) + " attempts)";
    Ending ending{.status = OutcomeStatus::kGaveUp, .reason = job->last_error + tries};
    if (job->phase == Phase::kReadBack) {
        ending.status = OutcomeStatus::kApplied;
        ending.reason.clear();
        ending.believed = p_.executor.normal_form(job->command.entity.object, job->command.fields);
    } else if (job->phase == Phase::kReadConflict) {
        ending.status = OutcomeStatus::kConflict;
    } else if (job->doubt) {
        ending.status = OutcomeStatus::kInDoubt;
        return leave_in_doubt(job, std::move(ending));
    }
    finish(job, std::move(ending));
}

/// A write without answer may still be under way within the platform: what the hub decides once it
/// knows of the doubt must not be overtaken by it.
void Commands::leave_in_doubt(const JobPtr& job, Ending ending) {
    job->ending = std::move(ending);
    wait(job, now() + settle_time(job->restored));
}

// ---- The end --------------------------------------------------------------------------------

void Commands::finish(const JobPtr& job, Ending ending) {
    hold(job);
    successes_at_failure_.erase(job->command.entity);
    settled(job);
    auto kept = std::make_shared<Ending>(std::move(ending));
    p_.commits.add(
        [this, job, kept](Transaction& transaction) { write_outcome(transaction, *job, *kept); },
        [this, job, kept] {
            p_.environment.after("C5");
            p_.environment.after("C7");
            saved_position_ = written_position_;
            let_go(job);
            if (kept->status == OutcomeStatus::kApplied) {
                ++applied_;
            } else {
                ++failed_;
                p_.environment.note(
                    NoteLevel::kWarning,
                    "command " + idempotency_key(job->command) + " not applied: " + kept->reason);
            }
            remove(job);
            if (kept->follow) p_.intake.follow(*kept->follow);
        });
}

Partition Commands::partition_of(const Command& command) const {
    // A command of before the number of partitions changed names one that may not exist.
    if (command.partition.value < p_.store.partitions()) return command.partition;
    return entity_partition(command.entity, p_.store.partitions());
}

void Commands::write_outcome(Transaction& transaction, const Job& job, Ending& ending) {
    p_.environment.before("C5");
    const Command& command = job.command;
    const auto known = ending.record ? std::optional{ending.record->id}
                       : job.written ? job.written
                                     : command.record;
    Outcome outcome{.platform = command.platform,
                    .entity = command.entity,
                    .record = known,
                    .generation = command.generation,
                    .decided_at = command.decided_at,
                    .ledger_generation = command.generation,
                    .status = ending.status,
                    .reason = ending.reason,
                    .code = ending.code,
                    .attempts = job.attempts + 1,
                    .done_at = p_.environment.clock.now(),
                    .trace = command.trace};
    const Partition partition = partition_of(command);
    remember(transaction, job, ending, outcome, partition);
    transaction.save(command.entity, {.generation = command.generation,
                                      .state = LedgerState::kDone,
                                      .status = ending.status,
                                      .attempts = job.attempts,
                                      .record = outcome.record});
    append_outcome(transaction, std::move(outcome), partition, now() - job.since);
    save_position(transaction);
}

void Commands::remember(Transaction& transaction, const Job& job, Ending& ending, Outcome& outcome,
                        Partition partition) {
    const bool deleted =
        ending.status == OutcomeStatus::kApplied && job.command.kind == CommandKind::kDelete;
    if (!outcome.record || !(ending.record || ending.believed || deleted)) return;
    const ObjectName& object = job.command.entity.object;
    auto state = transaction.record(object, *outcome.record).value_or(RecordState{});
    // Of a record that was told already the create's effect is known: what differs is an edit.
    transaction.release(object, *outcome.record);  // This is newer, or the fetch that follows is.
    const bool made_before = state.n > 0 && (job.found || job.command.kind == CommandKind::kCreate);
    outcome.rev = transaction.next_revision();
    ending.follow.reset();
    // That it was deleted since may have been told while the platform's answer was under way.
    if (ending.believed || (state.deleted && !deleted)) {
        ending.follow = key_of(job, *outcome.record);
        p_.intake.want_fetch(transaction, *ending.follow);
    }
    state.n = outcome.rev.n;
    state.entity = job.command.entity.entity;
    state.deleted = outcome.deleted = deleted;
    state.digest = {};
    if (ending.status == OutcomeStatus::kApplied && !deleted && !made_before) {
        note_effects(job, ending, outcome);
    }
    if (ending.record) {
        outcome.fields = ending.record->fields;
        // The hub takes what is not told for set, but here nothing was.
        for (const auto& [name, value] : job.command.fields) {
            if (job.found && outcome.fields.find(name) == nullptr) outcome.fields.set(name, {});
        }
        // So that the next read of what was just written is no news.
        state.digest = digest_of(ending.record->fields, ending.record->marker, p_.store.sweep());
        state.filled = transaction.filled(object, state.filled, ending.record->fields);
    } else if (ending.believed) {
        outcome.fields = *ending.believed;
    }
    const bool elsewhere = state.last.seq > 0 && state.last.partition != partition &&
                           state.last.seq > p_.store.marks(state.last.partition).receipted;
    if (!elsewhere) state.last = {partition, transaction.next_number(partition).seq.n};
    transaction.save(object, *outcome.record, state);
}

/// Says what is the effect of this command, so that the hub does not take it for somebody's edit,
/// even if it has commanded something else meanwhile.
void Commands::note_effects(const Job& job, const Ending& ending, Outcome& outcome) const {
    const Fields& held = ending.record ? ending.record->fields : *ending.believed;
    const Fields wanted = p_.executor.normal_form(job.command.entity.object, job.command.fields);
    for (const auto& [name, value] : job.command.fields) {
        const Value* is = held.find(name);
        const Value* form = wanted.find(name);
        if (is == nullptr) continue;
        if (*is == value || (form != nullptr && *is == *form)) outcome.as_commanded.push_back(name);
    }
}

void Commands::append_outcome(Transaction& transaction, Outcome outcome, Partition partition,
                              Duration took) {
    trace_outcome(p_.environment, outcome, took);
    outcome.number = transaction.next_number(partition);
    std::string body = wire::encode(outcome);
    if (body.size() > p_.settings.spool.message_bytes) {
        // What became of the command matters more than what the record holds.
        outcome.fields.clear();
        outcome.as_commanded.clear();
        outcome.rev = {};
        body = wire::encode(outcome);
    }
    transaction.append(partition, subjects::outcome(outcome.platform, outcome.entity, partition),
                       body, outcome.done_at);
}

}  // namespace syncline::agent
