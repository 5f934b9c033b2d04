#include "agent/operations.h"

#include <algorithm>

#include "agent/spans.h"
#include "shared/policy/ask.h"
#include "shared/wire/operation_codec.h"
#include "shared/wire/subjects.h"

namespace syncline::agent {
namespace {

using State = StoredOperation::State;
using What = OperationResult::What;

constexpr Duration kForgetEvery{std::chrono::hours{1}};
/// So that a large delete is done in pieces, between which other work is committed.
constexpr std::size_t kForgetEntries = 500;
constexpr Duration kForgetMore{std::chrono::milliseconds{50}};
/// The broker's clock and ours may differ by less.
constexpr Duration kClocksDiffer{std::chrono::hours{1}};
constexpr std::size_t kTextBytesMax = 2'048;

State state_of(What what) {
    switch (what) {
        case What::kApplied: return State::kApplied;
        case What::kRefused: return State::kRefused;
        case What::kInDoubt: break;
    }
    return State::kInDoubt;
}

std::string what_to_do(const std::string& why) {
    return why +
           "; nobody knows whether it was carried out: look at the platform, then tell the "
           "workflow that it was applied, or to retry or skip it if it was not";
}

/// Cuts a text that may be the platform's, between two characters.
std::string cut(std::string text) {
    if (text.size() <= kTextBytesMax) return text;
    std::size_t end = kTextBytesMax;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text.resize(end);
    return text + "...";
}

}  // namespace

Result<void> Operations::start() {
    std::vector<StoredOperation> open;
    auto loaded = p_.store.transaction(
        [&](Transaction& transaction) { open = transaction.open_operations(); });
    if (!loaded) return loaded;
    forget_at_ = now() + kForgetEvery;
    for (const StoredOperation& one : open) {
        auto job = std::make_shared<Job>();
        job->key = one.key;
        job->order = one.order;
        job->doubt = one.state == State::kIntent;
        if (job->doubt) job->last_error = "the agent was stopped before the answer came";
        enqueue(job, job->doubt ? now() + p_.read_back_lag + kOnItsWay : now());
    }
    return {};
}

// ---- Taking -----------------------------------------------------------------------------------

void Operations::take(const OperationCall& call, const Origin& origin, CommitQueue::Done stored) {
    auto taken = std::make_shared<JobPtr>();
    p_.commits.add(
        [this, call, origin, taken](Transaction& transaction) {
            p_.environment.before("O1");
            *taken = accept(transaction, call, origin);
        },
        [this, taken, stored = std::move(stored)] {
            p_.environment.after("O1");
            const JobPtr& job = *taken;
            if (job)
                enqueue(job, now() + (job->doubt ? p_.read_back_lag + kOnItsWay : Duration{0}));
            stored();
        });
}

/// Null: there is nothing to be done that is not under way already.
Operations::JobPtr Operations::accept(Transaction& transaction, const OperationCall& call,
                                      const Origin& origin) {
    auto known = transaction.operation(call.key);
    if (known && !known->has_ended()) {
        if (call.attempt <= known->attempt) return nullptr;
        known->attempt = call.attempt;
        known->call = wire::encode(call);
        transaction.save(*known);
        return nullptr;
    }
    if (known && (known->state == State::kApplied || call.attempt <= known->attempt)) {
        const bool is_asked_again =
            known->state == State::kApplied || call.attempt == known->attempt;
        if (is_asked_again) answer_again(transaction, std::move(*known), call);
        return nullptr;
    }
    auto job = std::make_shared<Job>();
    job->key = call.key;
    job->doubt = !known && origin.is_of_former_store;
    if (job->doubt) job->last_error = "it was asked for before this agent's store began";
    transaction.save({.key = call.key,
                      .state = job->doubt ? State::kIntent : State::kAccepted,
                      .attempt = call.attempt,
                      .call = wire::encode(call),
                      .at = p_.environment.clock.now()});
    const Duration age = p_.environment.clock.now() - origin.stored_at;
    if (!known && age >= p_.settings.operating.retention - kClocksDiffer) {
        job->call = call;
        end(transaction, *job,
            {.what = What::kInDoubt,
             .text = what_to_do("it was asked for so long ago that what became of it may have been "
                                "forgotten")});
        return nullptr;
    }
    const auto stored = transaction.operation(call.key);
    if (!stored) return nullptr;  // The transaction has failed.
    job->order = stored->order;
    return job;
}

void Operations::answer_again(Transaction& transaction, StoredOperation known,
                              const OperationCall& call) {
    auto result = wire::decode_operation_result(known.result);
    if (!result) return transaction.fail_with({ErrorKind::kCorrupt, result.error().what});
    result->attempt = call.attempt;
    tell(transaction, std::move(known), *std::move(result), call.partition);
}

void Operations::enqueue(const JobPtr& job, Duration due) {
    jobs_.insert_or_assign(job->order, job);
    job->due = due;
    due_.emplace(due, job->order);
}

// ---- What runs when ---------------------------------------------------------------------------

bool Operations::may_start() const {
    // Changes fill less of the spool, so there is room for the result of what is started.
    const std::uint64_t limit = p_.settings.spool.bytes / 32 * 31;
    const bool closed = breaker_.state(now()) == Breaker::State::kClosed;
    return p_.store.partitions() > 0 && !p_.commits.blocked() && p_.store.waiting_bytes() < limit &&
           busy_ < (closed ? p_.gate.concurrency() : 1U);
}

Duration Operations::next_call(Duration at) const {
    Duration next = p_.gate.next_call(QuotaLane::kCommand, at);
    for (const Breaker* breaker : {&breaker_, &std::as_const(p_.gate).breaker()}) {
        if (breaker->state(at) == Breaker::State::kOpen) {
            next = std::max(next, breaker->open_until());
        }
    }
    return next;
}

void Operations::pump() {
    const Duration at = now();
    if (at >= forget_at_) forget();
    while (!due_.empty() && due_.begin()->first <= at && may_start() && next_call(at) <= at) {
        const JobPtr job = jobs_.at(due_.begin()->second);
        due_.erase(due_.begin());
        begin(job);
    }
}

Duration Operations::next_deadline() const {
    if (due_.empty() || !may_start()) return forget_at_;
    return std::min(forget_at_, std::max(due_.begin()->first, next_call(now())));
}

void Operations::forget() {
    forget_at_ = now() + kForgetEvery;
    auto count = std::make_shared<std::size_t>(0);
    p_.commits.add(
        [this, count](Transaction& transaction) {
            *count = transaction.forget_operations(
                p_.environment.clock.now() - p_.settings.operating.retention, kForgetEntries);
        },
        [this, count] {
            if (*count >= kForgetEntries) forget_at_ = now() + kForgetMore;
        });
}

Operations::Status Operations::status() const {
    Status status = status_;
    for (const auto& [order, job] : jobs_) {
        if (job->doubt) {
            ++status.in_doubt;
        } else if (job->busy) {
            ++status.running;
        } else {
            ++status.waiting;
        }
    }
    return status;
}

// ---- Carrying out -----------------------------------------------------------------------------

const OperationSettings* Operations::settings_of(const std::string& operation) const {
    if (p_.executor == nullptr) return nullptr;
    const auto& all = p_.settings.operating.operations;
    const auto found = std::ranges::find(
        all, operation, [](const auto& one) -> const auto& { return one.form.name; });
    return found == all.end() ? nullptr : &*found;
}

void Operations::begin(const JobPtr& job) {
    job->busy = true;
    job->begun = p_.environment.steady();
    ++busy_;
    p_.gate.take(QuotaLane::kCommand, now());
    auto next = std::make_shared<Next>();
    p_.commits.add(
        [this, job, next](Transaction& transaction) { *next = prepare(transaction, *job); },
        [this, job, next] {
            if (*next == Next::kEnded) {
                p_.gate.not_made(QuotaLane::kCommand);
                return ended(job);
            }
            p_.environment.after("O2");
            if (*next == Next::kCall) return call(job);
            find(job);
        });
}

/// Everything that precedes the call of the platform.
Operations::Next Operations::prepare(Transaction& transaction, Job& job) {
    auto known = transaction.operation(job.key);
    if (!known) return Next::kEnded;  // The transaction has failed.
    auto call = wire::decode_operation_call(known->call);
    if (!call) {
        transaction.fail_with(
            {ErrorKind::kCorrupt, "operation " + job.key + ": " + call.error().what});
        return Next::kEnded;
    }
    job.call = *std::move(call);
    Ending ending;
    const Next next = step_of(job, ending);
    if (next == Next::kEnded) {
        end(transaction, job, ending);
        return next;
    }
    job.limit = settings_of(job.call.operation)->form.deadline;
    if (next == Next::kCall && known->state != State::kIntent) {
        p_.environment.before("O2");
        known->state = State::kIntent;
        known->at = p_.environment.clock.now();
        transaction.save(*known);
    }
    return next;
}

/// What is to be done next, or how it ends; brings the input into the form that is declared.
Operations::Next Operations::step_of(Job& job, Ending& ending) const {
    const OperationSettings* settings = settings_of(job.call.operation);
    std::string wrong;
    if (settings == nullptr) {
        wrong = "the agent of `" + p_.settings.platform.text + "` has no operation `" +
                job.call.operation + "`";
    } else {
        auto input =
            take_values(settings->form.input, Value{to_map(job.call.input)}, Unknown::kRefuse);
        if (!input) wrong = "the input is not as declared: " + input.error().what;
        if (input) job.call.input = *std::move(input);
    }
    if (!job.doubt) {
        if (wrong.empty()) return Next::kCall;
        ending = {.what = What::kRefused, .text = wrong};
        return Next::kEnded;
    }
    const OnDoubt on_doubt = wrong.empty() ? settings->on_doubt : OnDoubt::kTell;
    if (on_doubt == OnDoubt::kRepeat) return Next::kCall;
    if (on_doubt == OnDoubt::kLook) return Next::kFind;
    ending = {.what = What::kInDoubt,
              .text = what_to_do(job.last_error + (wrong.empty() ? "" : "; " + wrong))};
    return Next::kEnded;
}

void Operations::call(const JobPtr& job) {
    p_.environment.before("O3");
    p_.executor->operate({job->call.operation, job->key, job->call.input, job->limit},
                         [this, job](const Executor::Answer<Value>& answer) {
                             p_.environment.before("O4");
                             on_answer(job, answer);
                             p_.environment.after("O4");
                         });
    p_.environment.after("O3");
}

void Operations::find(const JobPtr& job) {
    p_.executor->find_operation({job->call.operation, job->key, job->call.input, job->limit},
                                [this, job](const Looked& answer) { on_looked(job, answer); });
}

void Operations::on_answer(const JobPtr& job, const Executor::Answer<Value>& answer) {
    p_.gate.answered(QuotaLane::kCommand, answer.cost);
    if (!answer.result) return on_error(job, answer.result.error(), answer.pause);
    finish(job, applied(*job, *answer.result));
}

void Operations::on_looked(const JobPtr& job, const Looked& answer) {
    p_.gate.answered(QuotaLane::kCommand, answer.cost);
    if (!answer.result) {
        const ErrorKind kind = answer.result.error().kind;
        const bool is_passing = kind == ErrorKind::kUnavailable || kind == ErrorKind::kThrottled ||
                                kind == ErrorKind::kDenied || kind == ErrorKind::kFull ||
                                kind == ErrorKind::kAmbiguous;
        if (is_passing) return try_again(job, answer.result.error(), answer.pause);
        return finish(job, {.what = What::kInDoubt,
                            .text = what_to_do(job->last_error + "; it cannot be looked for: " +
                                               answer.result.error().what)});
    }
    if (*answer.result) return finish(job, applied(*job, **answer.result));
    job->doubt = false;
    p_.gate.take(QuotaLane::kCommand, now());
    call(job);
}

/// A platform that gives something else than it should has done what it was asked for all the same.
Operations::Ending Operations::applied(const Job& job, const Value& answer) const {
    const OperationSettings* settings = settings_of(job.call.operation);
    Ending ending;
    auto values = take_values(settings->form.output, answer, Unknown::kDrop);
    if (values) {
        ending.fields = *std::move(values);
        return ending;
    }
    ending.text = "the platform's answer is not as declared: " + values.error().what;
    for (const FieldSpec& field : settings->form.output) {
        const auto one = take_values({&field, 1}, answer, Unknown::kDrop);
        if (!one) continue;
        for (const auto& [name, value] : *one) ending.fields.set(name, value);
    }
    return ending;
}

void Operations::on_error(const JobPtr& job, const Error& error, Duration pause) {
    switch (error.kind) {
        case ErrorKind::kUnavailable:
        case ErrorKind::kThrottled:
        case ErrorKind::kDenied:
        case ErrorKind::kFull: return try_again(job, error, pause);
        case ErrorKind::kConflict:
            // What it meets may be its own effect.
            if (job->doubt) {
                return finish(job, {.what = What::kInDoubt,
                                    .text = what_to_do(job->last_error + "; " + error.what)});
            }
            [[fallthrough]];
        case ErrorKind::kInvalid:
        case ErrorKind::kUnsupported:
        case ErrorKind::kTooLarge: return finish(job, {.what = What::kRefused, .text = error.what});
        case ErrorKind::kNotFound:
            return finish(
                job, {.what = What::kRefused, .error = ErrorClass::kNotFound, .text = error.what});
        case ErrorKind::kAmbiguous:
        case ErrorKind::kCorrupt:
        case ErrorKind::kInternal: break;
    }
    job->doubt = true;
    try_again(job, error, pause);
}

/// Nothing has happened, or that is to be found out.
void Operations::try_again(const JobPtr& job, const Error& error, Duration pause) {
    ++job->failures;
    job->last_error = status_.last_error = error.what;
    const AgentSettings::Writing& writing = p_.settings.writing;
    if (error.kind == ErrorKind::kDenied) {
        p_.gate.deny(now(), writing.denied_pause);
    } else if (error.kind == ErrorKind::kThrottled) {
        p_.gate.throttled(now(), std::clamp(pause, writing.retry.first, writing.throttle_max));
    } else {
        breaker_.failed(now(), p_.environment.jitter.next());
    }
    Duration due = full_jitter(writing.retry, job->failures, p_.environment.jitter.next());
    if (job->doubt) {
        return wait(job, due + p_.read_back_lag + kOnItsWay);
    }
    // Else a restart would have to doubt it.
    p_.commits.add(
        [this, job](Transaction& transaction) {
            auto known = transaction.operation(job->key);
            if (!known) return;  // The transaction has failed.
            known->state = State::kAccepted;
            known->at = p_.environment.clock.now();
            transaction.save(*known);
        },
        [this, job, due] { wait(job, due); });
}

void Operations::wait(const JobPtr& job, Duration pause) {
    job->busy = false;
    --busy_;
    job->call = {};
    enqueue(job, now() + pause);
}

// ---- The end ----------------------------------------------------------------------------------

void Operations::finish(const JobPtr& job, Ending ending) {
    breaker_.succeeded();
    p_.gate.succeeded();
    p_.commits.add([this, job, ending = std::move(ending)](
                       Transaction& transaction) { end(transaction, *job, ending); },
                   [this, job] { ended(job); });
}

void Operations::end(Transaction& transaction, Job& job, const Ending& ending) {
    p_.environment.before("O5");
    auto known = transaction.operation(job.key);
    if (!known) return;  // The transaction has failed.
    job.what = ending.what;
    if (ending.what == What::kRefused && known->attempt > job.call.attempt) {
        job.what.reset();
        // It had no effect, and whoever asked once more may have put right what was wrong.
        known->state = State::kAccepted;
        return transaction.save(*known);
    }
    known->state = state_of(ending.what);
    known->at = p_.environment.clock.now();
    known->call.clear();
    OperationResult result{.platform = p_.store.platform(),
                           .key = job.key,
                           .attempt = known->attempt,
                           .number = {},
                           .what = ending.what,
                           .error = ending.error,
                           .fields = ending.fields,
                           .text = cut(ending.text),
                           .done_at = known->at,
                           .trace = job.call.trace};
    trace_result(p_.environment, result, p_.environment.steady() - job.begun);
    tell(transaction, *std::move(known), std::move(result), job.call.partition);
}

void Operations::ended(const JobPtr& job) {
    p_.environment.after("O5");
    job->busy = false;
    --busy_;
    if (!job->what) {
        job->doubt = false;
        job->failures = 0;
        return enqueue(job, now());
    }
    jobs_.erase(job->order);
    switch (*job->what) {
        case What::kApplied: ++status_.applied; break;
        case What::kRefused: ++status_.refused; break;
        case What::kInDoubt: ++status_.told_in_doubt; break;
    }
    if (*job->what == What::kApplied) return;
    p_.environment.note(NoteLevel::kWarning,
                        "operation " + job->key + " of a workflow is " +
                            (*job->what == What::kRefused ? "refused" : "in doubt"));
}

/// Stores the result and appends it to the spool.
void Operations::tell(Transaction& transaction, StoredOperation known, OperationResult result,
                      Partition partition) {
    // A call of before the number of partitions changed names one that may not exist.
    if (partition.value >= p_.store.partitions()) {
        partition = instance_partition(instance_of(result.key), p_.store.partitions());
    }
    result.number = transaction.next_number(partition);
    std::string body = wire::encode(result);
    if (body.size() > p_.settings.spool.message_bytes) {
        result.fields.clear();
        result.text = "what the platform answered is larger than a message may be";
        body = wire::encode(result);
    }
    known.result = body;
    transaction.save(known);
    transaction.append(partition,
                       subjects::operation_result(result.platform, partition, result.key), body,
                       p_.environment.clock.now());
    transaction.note_told(result.key, result.number);
}

}  // namespace syncline::agent
