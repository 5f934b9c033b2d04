#include "hub/unmatched.h"

#include <algorithm>

#include "hub/core/identity.h"
#include "hub/core/state_codec.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {

void Unmatched::submit(Queued queued) {
    Entry& entry = open_.emplace_back();
    entry.queued = std::move(queued);
    start(entry);
}

Unmatched::Entry* Unmatched::find(std::uint64_t id) {
    const auto at = std::ranges::find(open_, id, &Entry::id);
    return at == open_.end() ? nullptr : &*at;
}

void Unmatched::start(Entry& entry) {
    entry.id = ++ids_;  // What an earlier attempt asked for is no longer waited for.
    entry.found = entry.failed = entry.claimed = entry.exists = false;
    entry.retry_at = Duration{0};
    const auto& change = std::get<Change>(entry.queued.input);
    const std::vector<Claim> keys =
        lookups(*entry.queued.policy->object(change.key.object), change).keys;
    entry.outstanding = keys.size() + 1;  // One for this function.
    for (const Claim& key : keys) {
        const std::string subject = subjects::match_key(key.object, key.rule, key.text);
        link_.get_last(subjects::kStreamState, subject,
                       [this, id = entry.id, subject](auto stored) {
                           if (Entry* asked = find(id)) write(*asked, subject, stored);
                       });
    }
    answered(entry.id);
}

void Unmatched::write(Entry& entry, const std::string& subject,
                      const Result<std::optional<nats::StoredMessage>>& stored) {
    const std::uint64_t id = entry.id;
    if (!stored) {
        entry.failed = true;
        return answered(id);
    }
    EntityId holder;
    std::vector<RecordKey> waiting;
    if (*stored && !(*stored)->deleted) {
        const auto read = wire::decode_reference((*stored)->body);
        if (!read && read.error().kind == ErrorKind::kUnsupported) {
            entry.failed = true;  // Nobody's to overwrite; a hub that is updated can read it.
            return answered(id);
        }
        holder = read.value_or(EntityId{});
        waiting = wire::decode_waiting((*stored)->body).value_or(std::vector<RecordKey>{});
    }
    if (!holder.empty() && holder != entry.queued.not_in) {
        entry.found = true;
        return answered(id);
    }
    const RecordKey& record = std::get<Change>(entry.queued.input).key;
    entry.claimed = entry.claimed || !holder.empty();
    if (std::ranges::find(waiting, record) != waiting.end() || waiting.size() >= kWaitingMost) {
        return holder.empty() ? answered(id) : check(entry);
    }
    waiting.push_back(record);
    link_.publish(
        {subject, wire::encode_reference(holder, waiting), {}, *stored ? (*stored)->sequence : 0},
        this, id);
}

void Unmatched::on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) {
    Entry* entry = find(token);
    if (entry == nullptr) return;
    // Somebody else was first; what holds the key now shows when it is read again.
    entry->failed = entry->failed || !sequence;
    if (entry->claimed) return check(*entry);
    answered(token);
}

// A key is claimed by an entity that had no use for the record: one that did not exist. It may be
// coming to be, has claimed the key before the record was written down there, and does not look
// again.
void Unmatched::check(Entry& entry) {
    const ObjectName& object = std::get<Change>(entry.queued.input).key.object;
    const EntityKey holder{object, *entry.queued.not_in};
    link_.get_last(subjects::kStreamState,
                   subjects::entity(holder, entity_partition(holder, options_.partitions)),
                   [this, id = entry.id](auto stored) {
                       Entry* asked = find(id);
                       if (asked == nullptr) return;
                       asked->failed = asked->failed || !stored;
                       const auto state = stored && *stored ? decode_entity((*stored)->body)
                                                            : fail(ErrorKind::kNotFound, "");
                       asked->exists = asked->exists || (state && !state->deleted);
                       answered(id);
                   });
}

void Unmatched::answered(std::uint64_t id) {
    const auto entry = std::ranges::find(open_, id, &Entry::id);
    if (--entry->outstanding > 0) return;
    const bool found = entry->found || entry->exists;
    const bool may_come = entry->claimed && ++entry->looks < kLooksMost;
    if ((entry->failed || may_come) && !found) {
        entry->retry_at = clock_.steady() + options_.retry_wait;
        return;
    }
    if (entry->exists) entry->queued.not_in.reset();
    Queued queued = std::move(entry->queued);
    open_.erase(entry);
    if (found) return host_.on_found(std::move(queued));
    host_.on_waiting(queued.work);
}

void Unmatched::tick() {
    const Duration now = clock_.steady();
    std::vector<std::uint64_t> due;
    for (const Entry& entry : open_) {
        if (entry.retry_at != Duration{0} && entry.retry_at <= now) due.push_back(entry.id);
    }
    for (const std::uint64_t id : due) start(*find(id));
}

}  // namespace syncline::hub
