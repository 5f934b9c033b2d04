#include <algorithm>
#include <utility>

#include "agent/commands.h"

namespace syncline::agent {
namespace {

/// So many entities are told apart in counting what waits.
constexpr std::size_t kCountedMost = 100'000;

/// By what the hub believes that the record holds.
std::optional<MassKind> mass_kind(const Command& command) {
    if (command.kind == CommandKind::kDelete) return MassKind::kDelete;
    if (command.kind != CommandKind::kUpdate) return std::nullopt;
    std::optional<MassKind> kind;
    for (const auto& [name, value] : command.fields) {
        const Value* held = command.expected.find(name);
        // Of what nobody knows, emptying counts.
        if (is_blank(value) && (held == nullptr || !is_blank(*held))) return MassKind::kBlank;
        if (held == nullptr || is_blank(*held) || *held == value) continue;
        kind = MassKind::kOverwrite;
    }
    return kind;
}

}  // namespace

/// `is_first_time`: it was not begun before, when it was counted.
Commands::Pass Commands::pass(Transaction& transaction, const Job& job, bool is_first_time) {
    const Command& command = job.command;
    const ObjectName& object = command.entity.object;
    // What becomes of the record as the hub knows it is not decided yet.
    if (command.record && transaction.is_withheld(object, *command.record)) return Pass::kPark;
    const MassBreaker::Sight sight{.lane = {object, Direction::kOut},
                                   .kind = mass_kind(command),
                                   .record = command.record.value_or(RecordId{}),
                                   .entity = command.entity.entity};
    if (p_.breaker.stops_commands(object)) {  // Since it was chosen.
        if (p_.breaker.holds(sight.lane)) p_.breaker.held(transaction, sight);
        return Pass::kPark;
    }
    if (const auto verdict = p_.breaker.answer_to(object, job.stored_at)) {
        return *verdict == HoldAnswer::Verdict::kResume ? Pass::kBegin : Pass::kDiscard;
    }
    if (!is_first_time) return Pass::kBegin;
    if (p_.breaker.must_hold(transaction, sight)) {
        p_.breaker.held(transaction, sight);
        return Pass::kPark;
    }
    p_.breaker.passed(transaction, sight);
    return Pass::kBegin;
}

/// The platform is told nothing.
void Commands::answer_at_once(Transaction& transaction, const Job& job, OutcomeStatus status,
                              std::string reason) {
    const Command& command = job.command;
    transaction.save(command.entity, {.generation = command.generation,
                                      .state = LedgerState::kDone,
                                      .status = status,
                                      .attempts = job.attempts,
                                      .record = known_record(job)});
    append_outcome(transaction,
                   {.platform = command.platform,
                    .entity = command.entity,
                    .record = command.record,
                    .generation = command.generation,
                    .decided_at = command.decided_at,
                    .ledger_generation = command.generation,
                    .status = status,
                    .reason = std::move(reason),
                    .done_at = p_.environment.clock.now(),
                    .trace = command.trace},
                   partition_of(command));
    save_position(transaction);
}

/// A person has dropped it with all that was held.
void Commands::discard(Transaction& transaction, const Job& job) {
    answer_at_once(transaction, job, OutcomeStatus::kDiscarded,
                   "held with many others, and discarded by a person");
}

/// What is still to be told of the entity is told before it is forgotten; what was held back of a
/// record that is there is asked for anew.
Commands::Pass Commands::forget(Transaction& transaction, Job& job) {
    auto untold = transaction.forget(job.command.entity, job.command.record);
    if (!untold) return Pass::kForgetLater;
    job.follow.clear();  // The transaction may be begun anew.
    for (const RecordId& record : *untold) {
        job.follow.push_back(key_of(job, record));
        p_.intake.want_fetch(transaction, job.follow.back());
    }
    answer_at_once(transaction, job, OutcomeStatus::kApplied, {});
    return Pass::kForgotten;
}

void Commands::forgotten(const Job& job) {
    for (const RecordKey& record : job.follow) p_.intake.follow(record);
    const auto emptied = p_.store.empty_log();
    if (emptied) return;
    p_.environment.note(NoteLevel::kWarning,
                        "what was forgotten may stand in the store's "
                        "write-ahead log until the next start: " +
                            emptied.error().what);
}

/// It stays in the stream, and does not keep others from being taken.
void Commands::park(const JobPtr& job) {
    if (job->sequence > last_seen_.sequence) {  // Its reading was broken off: it comes again.
        unfinished_.erase(job->sequence);
        return;
    }
    const EntityKey& entity = job->command.entity;
    auto& parked = parked_[entity.object];
    if (parked.size() < kCountedMost) parked.insert(stable_hash(entity.entity.text));
    p_.breaker.set_waiting(entity.object, parked.size());
    if (job->sequence == 0) return;  // The stream is being read anew, this with it.
    if (!parked_from_ || job->sequence < *parked_from_) {
        if (parked_from_) unfinished_.erase(*parked_from_);
        parked_from_ = job->sequence;
    } else if (job->sequence != *parked_from_) {
        unfinished_.erase(job->sequence);
    }
    if (subscription_ && job->credit == credit_) subscription_->processed(1);
}

void Commands::release_parked() {
    if (parked_from_) suspend();
}

}  // namespace syncline::agent
