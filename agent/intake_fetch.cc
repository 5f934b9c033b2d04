#include <algorithm>
#include <utility>

#include "agent/intake.h"

namespace syncline::agent {
namespace {

/// How long to wait before fetching again what the spool had no room for.
constexpr Duration kRoomPause{std::chrono::seconds{1}};

}  // namespace

void Intake::add_fetch(const RecordKey& key, std::uint64_t after_create) {
    auto [found, is_new] = fetches_.try_emplace(key);
    Fetch& fetch = found->second;
    if (is_new) fetch.after_create = after_create;
    if (fetch.in_flight) {
        fetch.again = true;
    } else {
        schedule(key, now());
    }
}

void Intake::schedule(const RecordKey& key, Duration at) {
    Fetch& fetch = fetches_.at(key);
    if (fetch.ticket != 0) return;
    // Both are looked at again when the write ends.
    if (p_.guard.is_writing(key)) return;
    if (fetch.after_create != 0 && !p_.guard.created(key.object, fetch.after_create)) return;
    fetch.ticket = ++tickets_;
    // What made this fetch wanted (a write, a batch) may have been seen where reads are ahead of
    // the place that answers this one; it must not be taken back by what was there before.
    const Duration readable = now() + p_.executor.traits().read_back_lag;
    due_.emplace(std::pair{std::max(at, readable), fetch.ticket}, key);
}

void Intake::write_started(const RecordKey& record) {
    p_.guard.started(record);
    const auto found = fetches_.find(record);
    if (found != fetches_.end() && found->second.in_flight) found->second.again = true;
}

void Intake::write_finished(const RecordKey& record) {
    p_.guard.finished(record, now());
    const auto found = fetches_.find(record);
    if (found == fetches_.end()) return;
    if (found->second.in_flight) {
        found->second.again = true;
    } else {
        schedule(record, now());
    }
}

void Intake::create_finished() {
    for (auto& [key, fetch] : fetches_) {
        if (fetch.after_create != 0 && !fetch.in_flight) schedule(key, now());
    }
}

void Intake::want_fetch(Transaction& transaction, const RecordKey& record) {
    if (!p_.executor.traits().can_fetch) return;
    transaction.want_fetch(record.object, record.record);
    const auto found = fetches_.find(record);
    if (found != fetches_.end()) found->second.again = true;
}

void Intake::follow(const RecordKey& record) {
    if (p_.executor.traits().can_fetch) add_fetch(record, 0);
}

void Intake::start_fetches() {
    while (!due_.empty() && fetching_ < p_.gate.concurrency()) {
        const auto first = due_.begin();
        const Duration at = now();  // Read once: two readings of a running clock differ.
        if (first->first.first > at || p_.gate.next_call(QuotaLane::kChange, at) > at) return;
        const RecordKey key = first->second;
        due_.erase(first);
        Fetch& fetch = fetches_.at(key);
        fetch.ticket = 0;
        if (p_.guard.is_writing(key)) continue;
        fetch.in_flight = true;
        fetch.again = false;
        ++fetching_;
        p_.gate.take(QuotaLane::kChange, at);
        p_.executor.fetch(key.object, key.record,
                          [this, key](Executor::Answer<std::optional<Record>> answer) {
                              on_fetched(key, std::move(answer));
                          });
    }
}

void Intake::on_fetched(const RecordKey& key, Executor::Answer<std::optional<Record>> answer) {
    --fetching_;
    p_.gate.answered(QuotaLane::kChange, answer.cost);
    Fetch& fetch = fetches_.at(key);
    const bool gone = !answer.result && answer.result.error().kind == ErrorKind::kNotFound;
    if (!answer.result && !gone) {
        return on_fetch_error(key, answer.result.error(), answer.pause);
    }
    p_.gate.succeeded();
    fetch.failures = 0;
    Record record{.object = key.object, .id = key.record, .deleted = true};
    if (!gone && *answer.result) record = std::move(**answer.result);
    record.partial = false;  // There is no more to be had.
    commit_fetched(key, std::move(record));
}

void Intake::on_fetch_error(const RecordKey& key, const Error& error, Duration pause) {
    Fetch& fetch = fetches_.at(key);
    ++fetch.failures;
    const Duration backoff =
        half_jitter(p_.settings.reading.retry, fetch.failures, p_.environment.jitter.next());
    if (fetch.failures == 1) {
        p_.environment.note(NoteLevel::kWarning, key.object.text + " " + key.record.text +
                                                     " can not be fetched now: " + error.what);
    }
    p_.gate.read_failed(error, now(), backoff, pause, p_.settings.writing);
    switch (error.kind) {
        case ErrorKind::kInvalid:
        case ErrorKind::kTooLarge:
        case ErrorKind::kUnsupported:
            // It will be read again when it changes; until then a person can see it.
            return give_up_fetch(key, error.what);
        default: break;
    }
    fetch.in_flight = false;
    schedule(key, now() + backoff);
}

void Intake::give_up_fetch(const RecordKey& key, const std::string& why) {
    p_.commits.add(
        [this, key, why](Transaction& transaction) {
            if (fetches_.at(key).again) return;
            keep_reject(transaction,
                        {key.object, key.record.text, why, "", p_.environment.clock.now()});
            transaction.fetched(key.object, key.record);
            if (witness_ != nullptr) witness_->on_unreadable(transaction, key);
        },
        [this, key] {
            Fetch& fetch = fetches_.at(key);
            fetch.in_flight = false;
            if (fetch.again) return schedule(key, now());
            fetches_.erase(key);
        });
}

void Intake::commit_fetched(const RecordKey& key, Record record) {
    struct Work {
        Record record;
        Taken taken;
        Took took = Took::kYes;
        bool used = false;
    };
    auto work = std::make_shared<Work>();
    work->record = std::move(record);
    p_.commits.add(
        [this, key, work](Transaction& transaction) {
            work->taken = {};
            work->took = Took::kYes;
            work->used = !fetches_.at(key).again && !p_.guard.is_writing(key);
            if (!work->used) return;
            work->took = take(transaction, work->record, std::nullopt, origin(), work->taken);
            work->used = work->took == Took::kYes;
            if (work->used) transaction.fetched(key.object, key.record);
        },
        [this, key, work] {
            changes_ += work->taken.changes;
            p_.troubles.saw(work->taken.sights);
            Fetch& fetch = fetches_.at(key);
            fetch.in_flight = false;
            // Asked for again after the answer was used: that is in the store already.
            const bool done = work->used && !fetch.again;
            if (!done) {
                return schedule(key, work->took == Took::kNoRoom ? now() + kRoomPause : now());
            }
            fetches_.erase(key);
            p_.guard.fetched(key, now());
        });
}

}  // namespace syncline::agent
