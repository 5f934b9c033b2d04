#include "hub/kept_exceptions.h"

#include <algorithm>

#include "hub/core/state_codec.h"
#include "shared/base/log.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

/// Entities that were merged one into another are followed so far.
constexpr int kMergesMost = 8;
/// A link is there and the state does not have the record: for five minutes it may still come.
constexpr Duration kStateLookEvery = std::chrono::seconds{5};
constexpr int kStateLooksMost = 60;
/// Lookups that are sent at once.
constexpr std::size_t kLooksMost = 1'000;

std::string now_belongs_to(const EntityId& entity) {
    return "the record belongs to " + entity.text + " now";
}

/// Does the entity whose state this is know the record as its own?
bool has_taken_in(const EntityState& state, const RecordKey& record) {
    const RecordState* side = state.record(record.platform);
    if (side == nullptr) return false;
    const bool stands_for = side->record == record.record && side->presence != Presence::kUnlinked;
    return stands_for || std::ranges::find(side->others, record.record, &OtherRecord::record) !=
                             side->others.end();
}

}  // namespace

bool KeptExceptions::takes(const Operation& operation) {
    const std::string_view token = operation.exception;
    const ExceptionKind* kind = exception_kind(token.substr(0, token.find('@')));
    return kind != nullptr && kind->holder != ExceptionHolder::kEntity;
}

void KeptExceptions::submit(Operation operation, Queued queued) {
    Entry& entry = open_.emplace_back();
    entry.subject = subjects::exception(operation.entity, operation.exception);
    entry.operation = std::move(operation);
    entry.queued = std::move(queued);
    start(entry);
}

// ---- Records that come to belong to an entity. ------------------------------------------------

std::optional<KeptExceptions::Unplaced> KeptExceptions::unplaced_in(
    const ExceptionRecord& exception) {
    const bool places = exception.kind == exceptions::kUnmatched ||
                        exception.kind == exceptions::kAmbiguous ||
                        exception.kind == exceptions::kUnknownObject;
    const bool is_open = exception.status == ExceptionStatus::kOpen;
    if (!places || !is_open || exception.record.empty()) return std::nullopt;
    const RecordId record{exception.record};
    return Unplaced{{exception.platform, exception.entity.object, record}, exception.kind};
}

bool KeptExceptions::is_newer(std::string_view ours, std::string_view theirs) {
    const auto own = decode_exception(ours);
    const auto other = decode_exception(theirs);
    if (!own || !other) return true;
    const auto kept = wire::decode_change(own->raw);
    const auto there = wire::decode_change(other->raw);
    if (!kept || !there || there->key != kept->key) return true;
    return there->rev <= kept->rev;
}

void KeptExceptions::count_opened(const ExceptionRecord& exception) {
    if (const auto unplaced = unplaced_in(exception)) {
        const auto known = unplaced_.find(unplaced->record);
        // Read again, it is no other.
        if (known != unplaced_.end() && known->second.contains(unplaced->kind)) return;
    }
    counters_.count(exception.kind, exception.care.severity, ExceptionEvent::What::kOpened);
}

void KeptExceptions::shown(const ExceptionRecord& exception) {
    if (const auto unplaced = unplaced_in(exception)) return seen(*unplaced);
    const RecordKey record{exception.platform, exception.entity.object, RecordId{exception.record}};
    const auto known = unplaced_.find(record);
    if (known == unplaced_.end()) return;
    known->second.erase(exception.kind);  // Whoever closed it.
    if (known->second.empty()) unplaced_.erase(known);
}

void KeptExceptions::seen(const Unplaced& unplaced) {
    if (unplaced_.size() < kUnplacedMost) unplaced_[unplaced.record].insert(unplaced.kind);
    look_up_entity(unplaced);
}

void KeptExceptions::look_up_entity(const Unplaced& unplaced) {
    link_.get_last(subjects::kStreamState, subjects::link(unplaced.record),
                   [this, unplaced, era = era_](const auto& stored) {
                       if (era != era_) return;
                       if (!stored) return look_again(unplaced);
                       if (!*stored || (*stored)->deleted) return;
                       const auto entity = wire::decode_reference((*stored)->body);
                       if (entity && !entity->empty()) close_if_taken_in(unplaced, *entity);
                   });
}

// The link alone does not say so: it is stored before the state, and who stored it may have died
// between. Then the entity is still to find here what it takes in.
void KeptExceptions::close_if_taken_in(const Unplaced& unplaced, const EntityId& entity,
                                       int merges) {
    const EntityKey key{unplaced.record.object, entity};
    link_.get_last(subjects::kStreamState,
                   subjects::entity(key, entity_partition(key, options_.partitions)),
                   [this, unplaced, entity, merges, era = era_](const auto& stored) {
                       if (era != era_) return;
                       if (!stored) return look_again(unplaced);
                       if (!*stored || (*stored)->deleted) return await_state(unplaced);
                       const auto state = decode_entity((*stored)->body);
                       if (!state) return;
                       if (has_taken_in(*state, unplaced.record)) {
                           return close(unplaced.record, unplaced.kind, now_belongs_to(entity));
                       }
                       if (!state->is_merged() || merges >= kMergesMost) {
                           return await_state(unplaced);
                       }
                       close_if_taken_in(unplaced, state->merged_into, merges + 1);
                   });
}

// What the link speaks of may be about to be stored, by an input that finds the link there.
void KeptExceptions::await_state(const Unplaced& unplaced) {
    if (unplaced.looks >= kStateLooksMost) return;
    Unplaced next = unplaced;
    ++next.looks;
    looks_.emplace(clock_.steady() + kStateLookEvery, std::move(next));
}

void KeptExceptions::look_again(const Unplaced& unplaced) {
    looks_.emplace(clock_.steady() + options_.retry_wait, unplaced);
}

void KeptExceptions::awaited(const RecordKey& record) {
    unplaced_[record].insert(
        {std::string{exceptions::kUnmatched}, std::string{exceptions::kAmbiguous}});
}

void KeptExceptions::linked(const RecordKey& record, const EntityId& entity) {
    if (unplaced_.empty()) return;  // Nearly always.
    const auto kinds = unplaced_.extract(record);
    if (kinds.empty()) return;
    for (const std::string& kind : kinds.mapped()) {
        close(record, kind, now_belongs_to(entity));
    }
}

void KeptExceptions::gone(const RecordKey& record, const WorkId& work) {
    unplaced_.erase(record);
    const std::string why = "the record was deleted";
    close(record, exceptions::kAmbiguous, why);
    close(record, exceptions::kUnmatched, why, Queued{.input = Operation{}, .work = work});
}

void KeptExceptions::close(const RecordKey& record, std::string_view kind, const std::string& why,
                           std::optional<Queued> queued) {
    Entry& entry = open_.emplace_back();
    entry.subject = subjects::exception({record.object, founded_entity(record)},
                                        std::string{kind} + "@" + record.platform.text);
    entry.why = why;
    entry.queued = std::move(queued);
    start(entry);
}

// ---- One change of one message. ---------------------------------------------------------------

KeptExceptions::Entry* KeptExceptions::find(std::uint64_t id) {
    const auto at = std::ranges::find(open_, id, &Entry::id);
    return at == open_.end() ? nullptr : &*at;
}

void KeptExceptions::start(Entry& entry) {
    entry.id = ++ids_;  // What an earlier attempt asked for is no longer waited for.
    entry.retry_at = Duration{0};
    link_.get_last(subjects::kStreamExceptions, entry.subject, [this, id = entry.id](auto stored) {
        if (Entry* asked = find(id)) found(*asked, stored);
    });
}

void KeptExceptions::found(Entry& entry, const Result<std::optional<nats::StoredMessage>>& stored) {
    if (!stored) {
        entry.retry_at = clock_.steady() + options_.retry_wait;
        return;
    }
    if (!*stored || (*stored)->deleted) return finish(entry.id);
    auto exception = decode_exception((*stored)->body);
    if (!exception) {
        log::error("an exception cannot be changed",
                   {{"subject", entry.subject}, {"error", exception.error()}});
        return finish(entry.id);
    }
    const bool retries = entry.operation && entry.operation->kind == OperationKind::kRetry;
    // Whoever closed it may have died before what it keeps was decided.
    const bool again = retries && is_done(exception->care, *entry.operation);
    const bool changed = !again && change(entry, *exception);
    if (retries && (again || changed)) entry.retried = *exception;
    if (!changed) return finish(entry.id);
    entry.kind = exception->kind;
    entry.severity = exception->care.severity;
    link_.publish({entry.subject, encode(*exception), {}, (*stored)->sequence}, this, entry.id);
}

bool KeptExceptions::change(const Entry& entry, ExceptionRecord& exception) {
    if (entry.operation) return operate(exception, *entry.operation, clock_.now());
    if (exception.status != ExceptionStatus::kOpen) return false;
    exception.status = ExceptionStatus::kResolved;
    exception.closing = entry.why;
    exception.updated_at = clock_.now();
    return true;
}

void KeptExceptions::on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) {
    Entry* entry = find(token);
    if (entry == nullptr) return;
    if (sequence && !(entry->operation && is_about_care(entry->operation->kind))) {
        using What = ExceptionEvent::What;
        counters_.count(entry->kind, entry->severity,
                        entry->operation ? What::kSettled : What::kClosed);
    }
    if (sequence || sequence.error().kind == ErrorKind::kTooLarge) return finish(token);
    entry->retried.reset();
    // Somebody else was first, or nobody knows: what there is now shows when it is read again.
    entry->retry_at = clock_.steady() + options_.retry_wait;
}

void KeptExceptions::finish(std::uint64_t id) {
    const auto entry = std::ranges::find(open_, id, &Entry::id);
    const Entry done = std::move(*entry);
    open_.erase(entry);
    if (!done.queued) return;
    if (done.retried) return on_retry(*done.retried, *done.queued);
    on_done(done.queued->work);
}

void KeptExceptions::tick() {
    const Duration now = clock_.steady();
    std::vector<std::uint64_t> due;
    for (const Entry& entry : open_) {
        if (entry.retry_at != Duration{0} && entry.retry_at <= now) due.push_back(entry.id);
    }
    for (const std::uint64_t id : due) start(*find(id));
    if (!link_.connected()) return;
    for (std::size_t i = 0; i < kLooksMost && !looks_.empty(); ++i) {
        if (looks_.begin()->first > now) return;
        look_up_entity(looks_.extract(looks_.begin()).mapped());
    }
}

}  // namespace syncline::hub
