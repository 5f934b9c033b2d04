#include <algorithm>
#include <utility>

#include "agent/commands.h"
#include "shared/wire/codec.h"
#include "shared/wire/operation_codec.h"
#include "shared/wire/subjects.h"

namespace syncline::agent {
namespace {

/// More than these and the oldest are forgotten; a command done before is then answered "stale".
constexpr std::size_t kFinishedMax = 4096;
/// A position that is only kept to save work need not cost a commit of its own at once.
constexpr Duration kSavePosition{std::chrono::seconds{1}};
constexpr std::size_t kRawMax = 16u << 10;

void write_position(Transaction& transaction, std::uint64_t sequence, Timestamp read_until) {
    transaction.set_number(keys::kCommandsPosition, sequence);
    transaction.set_number(keys::kCommandsReadUntil, static_cast<std::uint64_t>(read_until.ns));
}

}  // namespace

Result<void> Commands::start() {
    std::vector<LedgerEntry> doubtful;
    auto loaded = p_.store.transaction([&](Transaction& transaction) {
        doubtful = transaction.doubtful();
        created_ = transaction.number(keys::kCommandsCreated);
        before_ = transaction.number(keys::kCommandsBefore);
        began_ = {static_cast<std::int64_t>(transaction.number(keys::kCommandsBegan))};
        saved_position_ = {
            transaction.number(keys::kCommandsPosition),
            {static_cast<std::int64_t>(transaction.number(keys::kCommandsReadUntil))}};
        read_unspoken(transaction);
    });
    if (!loaded) return loaded;
    last_seen_ = saved_position_;
    let_former_end();
    for (const LedgerEntry& entry : doubtful) {
        auto command = wire::decode_command(entry.command);
        if (!command) {
            return fail(ErrorKind::kCorrupt, "the ledger's command: " + command.error().what);
        }
        auto job = std::make_shared<Job>();
        job->command = std::move(*command);
        job->admitted = true;
        job->intent = true;
        job->doubt = job->restored = true;
        job->attempts = entry.attempts;
        job->since = now();
        job->last_error = "the agent was stopped before the result was known";
        guard(job);
        slots_[job->command.entity].running = job;
        prove(job);
    }
    return {};
}

/// This program may be a later one than that which came upon commands of a version that it did not
/// speak: what was stored since is read again, and what was done of it is in the ledger.
void Commands::read_unspoken(Transaction& transaction) {
    const std::uint64_t first = transaction.number(keys::kCommandsUnspoken);
    if (first == 0) return;
    const Timestamp at{static_cast<std::int64_t>(transaction.number(keys::kCommandsUnspokenAt))};
    if (first <= saved_position_.sequence) saved_position_ = {first - 1, at - Duration{1}};
    transaction.set_number(keys::kCommandsUnspoken, 0);
    write_position(transaction, saved_position_.sequence, saved_position_.stored_at);
}

/// The hub decides again once it is told, and what it decides must not be overtaken.
void Commands::let_former_end() {
    if (last_seen_.sequence < before_) quiet_until_ = now() + settle_time(/*by_former=*/true);
}

void Commands::on_stream(const nats::StreamInfo& info) {
    const auto created = static_cast<std::uint64_t>(info.created.ns);
    const bool another = created_ != created || info.last_sequence < position().sequence;
    if (another) {
        if (created_ == 0) {
            before_ = info.last_sequence;
            began_ = info.asked;
        } else {
            p_.environment.note(NoteLevel::kWarning,
                                "the command stream is not the one of before; reading it anew");
            before_ = created_ == created ? std::min(before_, info.last_sequence) : 0;
        }
        created_ = created;
        read_again();
        let_former_end();
    }
    started_ = true;
}

void Commands::read_again() { read_from({}); }

/// The stream lost what stood behind `position`, and other messages may have its numbers.
void Commands::read_from(Position position) {
    suspend();
    last_seen_ = position;
    unfinished_.clear();
    finished_.clear();
    // What still runs was told before the loss; its number says nothing any more.
    for (auto& [entity, slot] : slots_) {
        if (slot.running) slot.running->sequence = 0;
    }
    for (const JobPtr& job : handed_over_) job->sequence = 0;
    p_.commits.add(
        [created = created_, before = before_, began = began_, position](Transaction& transaction) {
            transaction.set_number(keys::kCommandsCreated, created);
            transaction.set_number(keys::kCommandsBefore, before);
            transaction.set_number(keys::kCommandsBegan, static_cast<std::uint64_t>(began.ns));
            write_position(transaction, position.sequence, position.stored_at);
        });
    saved_position_ = written_position_ = position;
}

void Commands::subscribe() {
    ++credit_;
    const Position read = position();
    nats::ConsumeSpec spec{.stream = std::string{subjects::kStreamCommands},
                           .filters = {subjects::commands_of(p_.store.platform())},
                           .start_sequence = read.sequence + 1,
                           .read_until = read.stored_at,
                           .window = p_.settings.writing.window};
    subscription_ = p_.link.consume(std::move(spec), this);
}

void Commands::suspend() {
    last_seen_ = position();
    subscription_.reset();
    ready_.clear();
    if (parked_from_) unfinished_.erase(*parked_from_);
    parked_from_.reset();
    parked_.clear();
    for (auto it = slots_.begin(); it != slots_.end();) {
        Slot& slot = it->second;
        if (slot.waiting) unfinished_.erase(slot.waiting->sequence);
        slot.waiting.reset();
        // A job that had no effect comes again from the stream, if it is still the newest by then.
        const JobPtr job = slot.running;
        ++it;
        if (!job) {
            slots_.erase(std::prev(it));
        } else if (!job->busy && !job->guarded) {
            drop(job);
        }
    }
}

Commands::Position Commands::position() const {
    if (unfinished_.empty()) return last_seen_;
    const auto& [sequence, stored_at] = *unfinished_.begin();
    if (last_seen_.sequence < sequence) return last_seen_;
    return {sequence - 1, stored_at - Duration{1}};
}

void Commands::save_position(Transaction& transaction) {
    // What is finished by the same commit may be beyond it by the time that this is done.
    const Position reached = written_position_ = position();
    if (reached == saved_position_) return;
    p_.environment.before("C7");
    write_position(transaction, reached.sequence, reached.stored_at);
}

void Commands::on_message(const nats::InMessage& message) {
    p_.environment.before("C1");
    if (message.sequence <= last_seen_.sequence) {
        p_.environment.note(NoteLevel::kWarning,
                            "the command stream lost messages; reading it again from there");
        before_ = std::min(before_, message.sequence - 1);
        return read_from({message.sequence - 1, message.stored_at - Duration{1}});
    }
    last_seen_ = {message.sequence, message.stored_at};
    if (message.deleted || message.body.empty() || finished_.contains(message.sequence)) {
        subscription_->processed(1);
        return;
    }
    if (subjects::is_again(message.subject)) {
        subscription_->processed(1);
        return p_.on_again(message);
    }
    if (subjects::is_operation_call(message.subject)) return take_operation(message);
    auto command = wire::decode_command(message.body);
    if (!command) return reject_message(message, command.error());
    if (command->platform != p_.store.platform()) {
        return reject_message(message, "it is for platform '" + command->platform.text + "'");
    }
    take(std::move(*command), message);
    p_.environment.after("C1");
}

/// The stream is not gone past it before the store has it.
void Commands::take_operation(const nats::InMessage& message) {
    const auto call = wire::decode_operation_call(message.body);
    if (!call) return reject_message(message, call.error());
    if (call->platform != p_.store.platform()) {
        return reject_message(message, "it is for platform '" + call->platform.text + "'");
    }
    auto job = std::make_shared<Job>();
    job->sequence = message.sequence;
    job->credit = credit_;
    unfinished_.emplace(message.sequence, message.stored_at);
    handed_over_.insert(job);
    // What a hub asks for again stands behind what it asked for first.
    const bool former =
        message.sequence <= before_ || (call->again && call->decided_at <= began_ + kHubClockOff);
    p_.operations.take(*call, {.stored_at = message.stored_at, .is_of_former_store = former},
                       [this, job] {
                           handed_over_.erase(job);
                           settled(job);
                       });
}

void Commands::reject_message(const nats::InMessage& message, const Error& why) {
    p_.environment.note(NoteLevel::kError, "a command cannot be used: " + why.what);
    Reject reject{.object = ObjectName{"(command)"},
                  .record = std::string{message.subject},
                  .reason = why.what,
                  .raw = std::string{message.body.substr(0, kRawMax)},
                  .at = p_.environment.clock.now()};
    const bool unspoken = why.kind == ErrorKind::kUnsupported;
    const Position at{message.sequence, message.stored_at};
    p_.commits.add([this, reject, unspoken, at](Transaction& transaction) {
        transaction.keep_reject(reject, p_.settings.spool.rejects_max);
        if (unspoken && transaction.number(keys::kCommandsUnspoken) == 0) {
            transaction.set_number(keys::kCommandsUnspoken, at.sequence);
            transaction.set_number(keys::kCommandsUnspokenAt,
                                   static_cast<std::uint64_t>(at.stored_at.ns));
        }
        save_position(transaction);
    });
    subscription_->processed(1);
}

void Commands::take(Command command, const nats::InMessage& message) {
    const EntityKey entity = command.entity;
    const auto known = slots_.find(entity);
    const JobPtr running = known == slots_.end() ? nullptr : known->second.running;
    if (running && is_same(running->command, command)) {
        // The stream tells again what the ledger has brought up, or what a pause left running.
        if (running->sequence == 0 && !running->settled) {
            running->sequence = message.sequence;
            running->credit = credit_;
            unfinished_.emplace(message.sequence, message.stored_at);
        } else {
            subscription_->processed(1);
        }
        return;
    }
    auto job = std::make_shared<Job>();
    job->command = std::move(command);
    job->sequence = message.sequence;
    job->stored_at = message.stored_at;
    job->credit = credit_;
    unfinished_.emplace(message.sequence, message.stored_at);
    if (message.sequence <= before_) return refuse_former(job);
    Slot& slot = slots_[entity];
    if (slot.waiting) {
        // Who holds the partition now knows better than who held it before.
        const Command& waiting = slot.waiting->command;
        if (job->command.partition == waiting.partition && job->command.fence < waiting.fence) {
            return refuse(job, OutcomeStatus::kFenced, waiting.generation, waiting.fence);
        }
        ++superseded_;
        // A hub whose states went back in time: it hears which generation it must go beyond.
        if (job->command.generation < waiting.generation) {
            return refuse(job, OutcomeStatus::kStale, waiting.generation, 0);
        }
        settled(slot.waiting);
    } else if (!slot.running) {
        ready_.push_back(entity);
    }
    slot.waiting = job;
}

/// It is not tried: the hub has to decide again.
void Commands::refuse(const JobPtr& job, OutcomeStatus status, std::uint64_t ledger_generation,
                      std::uint64_t fence) {
    p_.commits.add([this, job, status, ledger_generation, fence](Transaction& transaction) {
        append_outcome(transaction,
                       Outcome{.platform = job->command.platform,
                               .entity = job->command.entity,
                               .record = job->command.record,
                               .generation = job->command.generation,
                               .decided_at = job->command.decided_at,
                               .ledger_generation = ledger_generation,
                               .status = status,
                               .done_at = p_.environment.clock.now(),
                               .trace = job->command.trace,
                               .fence = fence},
                       partition_of(job->command));
    });
    settled(job);
}

/// It was told to a store that is no more, which may have carried it out.
void Commands::refuse_former(const JobPtr& job) {
    p_.commits.add([job](Transaction& transaction) {
        const Command& command = job->command;
        if (!transaction.ledger(command.entity)) remember_refused(transaction, command);
    });
    refuse(job, OutcomeStatus::kStale, 0, 0);
}

/// So that it is refused under another number, too: a hub that is not sure that it was stored tells
/// it again.
void Commands::remember_refused(Transaction& transaction, const Command& command) {
    transaction.save(command.entity, {.generation = command.generation,
                                      .state = LedgerState::kDone,
                                      .status = OutcomeStatus::kStale,
                                      .record = command.record});
}

void Commands::settled(const JobPtr& job) {
    job->settled = true;
    if (job->sequence == 0) return;
    // The position is only stored together with, or after, what settled the command.
    if (unfinished_.erase(job->sequence) > 0) finished_.insert(job->sequence);
    finished_.erase(finished_.begin(), finished_.upper_bound(position().sequence));
    if (finished_.size() > kFinishedMax) finished_.erase(finished_.begin());
    if (subscription_ && job->credit == credit_) subscription_->processed(1);
    save_position_at_ = std::min(save_position_at_, now() + kSavePosition);
}

Commands::Status Commands::status() const {
    Status status{.position = position().sequence,
                  .applied = applied_,
                  .failed = failed_,
                  .superseded = superseded_,
                  .last_error = last_error_};
    for (const auto& [entity, slot] : slots_) {
        if (slot.waiting) ++status.waiting;
        if (slot.running) ++status.running;
        if (slot.running && slot.running->doubt) ++status.in_doubt;
    }
    return status;
}

}  // namespace syncline::agent
