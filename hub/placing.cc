#include "hub/placing.h"

#include "hub/core/state_codec.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {

void Placing::submit(Queued queued) {
    const RecordKey record = std::get<Change>(queued.input).key;
    const auto searching = open_.find(record);
    if (searching != open_.end()) {
        searching->second.waiting.push_back(std::move(queued));
        return;
    }
    if (queued.not_in) known_.erase(record);
    if (const auto known = known_.find(record); known != known_.end()) {
        return host_.on_placed({record.object, known->second}, std::move(queued));
    }
    if (const auto before = underway_.find(record); before != underway_.end() && !queued.not_in) {
        return give(record, before->second.entity, std::move(queued));
    }
    Search& search = open_[record];
    search.waiting.push_back(std::move(queued));
    start(record, search);
}

void Placing::remember(const RecordKey& record, const EntityId& entity) {
    const auto [at, fresh] = known_.insert_or_assign(record, entity);
    if (!fresh) return;
    known_order_.push_back(record);
    while (known_.size() > options_.cache_entities && !known_order_.empty()) {
        known_.erase(known_order_.front());
        known_order_.pop_front();
    }
}

void Placing::forget_all() {
    known_.clear();
    known_order_.clear();
    underway_.clear();
    open_.clear();
}

void Placing::look_up(const RecordKey& record, const std::string& subject, auto take) {
    link_.get_last(subjects::kStreamState, subject,
                   [this, record, attempt = attempts_, take](auto stored) {
                       const auto at = open_.find(record);
                       if (at == open_.end() || at->second.attempt != attempt) return;
                       Search& search = at->second;
                       if (!stored) {
                           search.failed = true;
                       } else if (*stored && !(*stored)->deleted) {
                           take(search, **stored);
                       }
                       if (--search.outstanding == 0) answered(record, search);
                   });
}

void Placing::start(const RecordKey& record, Search& search) {
    const auto& change = std::get<Change>(search.waiting.front().input);
    const ObjectSpec& object = *search.waiting.front().policy->object(record.object);
    search.attempt = ++attempts_;
    search.wanted = lookups(object, change);
    search.found = {};
    search.found.keys.resize(search.wanted.keys.size());
    search.failed = false;
    search.unspoken.reset();
    search.retry_at = Duration{0};
    const std::optional<EntityId>& not_in = search.waiting.front().not_in;
    const bool is_marked = change.marker && change.marker != not_in;
    search.outstanding = 1 + search.wanted.keys.size() + (is_marked ? 1 : 0);
    const auto entity_in = [not_in](Search& s, const nats::StoredMessage& stored) {
        auto entity = wire::decode_reference(stored.body);
        if (!entity && entity.error().kind == ErrorKind::kUnsupported) s.unspoken = entity.error();
        const bool none = !entity || entity->empty() || *entity == not_in;
        return none ? std::nullopt : std::optional{*entity};
    };
    look_up(record, subjects::link(record),
            [entity_in](Search& s, const auto& stored) { s.found.link = entity_in(s, stored); });
    for (std::size_t i = 0; i < search.wanted.keys.size(); ++i) {
        const Claim& key = search.wanted.keys[i];
        look_up(record, subjects::match_key(key.object, key.rule, key.text),
                [entity_in, i](Search& s, const auto& stored) {
                    s.found.keys[i] = entity_in(s, stored);
                });
    }
    if (!is_marked) return;
    const EntityKey marked{record.object, *change.marker};
    look_up(record, subjects::entity(marked, entity_partition(marked, options_.partitions)),
            [entity = *change.marker](Search& s, const auto&) { s.found.marked = entity; });
}

void Placing::answered(const RecordKey& record, Search& search) {
    if (search.failed) {
        search.retry_at = clock_.steady() + options_.retry_wait;
        return;
    }
    if (search.unspoken) {
        Search refused = std::move(search);
        open_.erase(record);
        for (Queued& queued : refused.waiting) {
            host_.on_undecidable(std::move(queued), *refused.unspoken);
        }
        return;
    }
    const auto& change = std::get<Change>(search.waiting.front().input);
    const ObjectSpec& object = *search.waiting.front().policy->object(record.object);
    hand_over(record, search, place(object, change, search.found));
}

void Placing::hand_over(const RecordKey& record, Search& search, const Placement& placement) {
    std::deque<Queued> waiting = std::move(search.waiting);
    const RecordKey key = record;  // `record` may live in what is erased next.
    open_.erase(key);
    using Kind = Placement::Kind;
    if (placement.kind == Kind::kAmbiguous || placement.kind == Kind::kUnmatched) {
        const auto kind =
            placement.kind == Kind::kAmbiguous ? exceptions::kAmbiguous : exceptions::kUnmatched;
        Queued first = std::move(waiting.front());
        waiting.pop_front();
        host_.on_unplaceable(std::move(first), kind, placement.reason);
        for (Queued& queued : waiting) submit(std::move(queued));  // A later one may fit.
        return;
    }
    if (placement.kind != Kind::kLinked) {
        for (Queued& queued : waiting) give(key, placement.entity, std::move(queued));
        return;
    }
    remember(key, placement.entity);
    for (Queued& queued : waiting) {
        host_.on_placed({key.object, placement.entity}, std::move(queued));
    }
}

/// That the record is of the entity is news, and its link yet to be stored.
void Placing::give(const RecordKey& record, EntityId entity, Queued queued) {
    Underway& underway = underway_[record];
    underway.entity = entity;
    ++underway.changes;
    queued.needs_link = true;
    if (queued.not_in == entity) queued.insists = true;  // It founded it, and is nobody else's.
    host_.on_placed({record.object, std::move(entity)}, std::move(queued));
}

void Placing::settled(const RecordKey& record) {
    const auto underway = underway_.find(record);
    if (underway != underway_.end() && --underway->second.changes == 0) underway_.erase(underway);
}

void Placing::tick() {
    const Duration now = clock_.steady();
    std::vector<RecordKey> due;
    for (const auto& [record, search] : open_) {
        if (search.retry_at != Duration{0} && search.retry_at <= now) due.push_back(record);
    }
    for (const RecordKey& record : due) start(record, open_.at(record));
}

}  // namespace syncline::hub
