#include "hub/ctl/memory.h"

#include <algorithm>

#include "hub/core/state_codec.h"
#include "hub/ctl/exceptions_filter.h"
#include "hub/ctl/policy_store.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

std::uint64_t hash_of(std::string_view subject) { return std::hash<std::string_view>{}(subject); }

/// How many subjects the stream has, with where it ends.
Result<Announced> state_of(Session& session, std::string_view stream) {
    auto info = session.jetstream("STREAM.INFO", stream, Value::Map{});
    if (!info) return fail(info.error());
    return Announced{*info->get<Value::Map>()};
}

}  // namespace

Result<void> ExceptionBoard::look(Session& session, const std::function<void(const View&)>& look) {
    const std::lock_guard lock{mutex_};
    if (auto done = update(session); !done) return done;
    if (!is_sorted_) {
        sorted_.clear();
        for (const auto& [subject, view] : open_) sorted_.push_back(&view);
        sort_by_urgency(sorted_);
        is_sorted_ = true;
    }
    look({sorted_, damaged_});
    return {};
}

void ExceptionBoard::clear() {
    position_ = 0;
    open_.clear();
    subjects_.clear();
    damaged_.clear();
    is_sorted_ = false;
}

Result<void> ExceptionBoard::update(Session& session) {
    const auto info = state_of(session, subjects::kStreamExceptions);
    if (!info && info.error().kind == ErrorKind::kNotFound) {
        clear();
        return {};
    }
    if (!info) return fail(info.error());
    const Announced state = info->inner("state");
    const Timestamp created = info->time("created");
    const std::uint64_t last = state.count("last_seq");
    if (created != created_ || last < position_) clear();
    created_ = created;
    const bool whole = position_ == 0;
    if (auto done = read(session, last); !done) return done;
    // What `forget` removed is told by no message: then there are fewer subjects than we know.
    if (whole || subjects_.size() == state.count("num_subjects")) return {};
    clear();
    return read(session, last);
}

Result<void> ExceptionBoard::read(Session& session, std::uint64_t last) {
    if (last <= position_) return {};
    nats::ConsumeSpec spec{.stream = std::string{subjects::kStreamExceptions},
                           .filters = {subjects::all_exceptions()},
                           .start_sequence = position_ + 1,
                           .last_per_subject = position_ == 0};
    const auto done = session.read_each(std::move(spec), [&](const nats::InMessage& message) {
        take(message);
        return message.sequence >= last ? Session::More::kEnough : Session::More::kWanted;
    });
    if (!done) {
        clear();  // Half of it would pass for all there is.
        return done;
    }
    position_ = last;
    return {};
}

void ExceptionBoard::take(const nats::InMessage& message) {
    const std::string subject{message.subject};
    subjects_.insert(hash_of(subject));
    is_sorted_ = false;
    damaged_.erase(subject);
    if (message.deleted) {
        open_.erase(subject);
        return;
    }
    auto record = hub::decode_exception(message.body);
    if (!record) {
        open_.erase(subject);
        damaged_[subject] =
            subject + " sequence " + std::to_string(message.sequence) + ": " + record.error().what;
        return;
    }
    if (record->status != hub::ExceptionStatus::kOpen) {
        open_.erase(subject);
        return;
    }
    record->raw = {};
    open_.insert_or_assign(subject, ExceptionView{.record = std::move(*record),
                                                  .subject = subject,
                                                  .sequence = message.sequence,
                                                  .stored_at = message.stored_at});
}

const std::string* RegionCache::find(const EntityKey& key, Duration now) const {
    const auto at = known_.find(key);
    return at == known_.end() || now - at->second.at > kFresh ? nullptr : &at->second.region;
}

void RegionCache::keep(const EntityKey& key, std::string region, Duration now) {
    if (known_.size() >= kMost) {
        std::erase_if(known_, [&](const auto& one) { return now - one.second.at > kFresh; });
    }
    if (known_.size() < kMost || known_.contains(key)) {
        known_.insert_or_assign(key, Known{std::move(region), now});
    }
}

Result<std::shared_ptr<const Policy>> Memory::policy_in_force(Session& session) {
    const auto info = session.stream_info(subjects::kStreamPolicy);
    if (!info) return fail(info.error());
    if (policy_ != nullptr && info->created == created_ && info->last_sequence == sequence_) {
        return policy_;
    }
    const auto history = read_history(session);
    if (!history) return fail(history.error());
    const StoredVersion* active = history->active();
    if (active == nullptr) return fail(ErrorKind::kNotFound, "no policy is in force");
    auto policy = read_policy(session, active->version);
    if (!policy) return fail(policy.error());
    policy_ = std::make_shared<const Policy>(*std::move(policy));
    created_ = info->created;
    sequence_ = info->last_sequence;
    return policy_;
}

}  // namespace syncline::ctl
