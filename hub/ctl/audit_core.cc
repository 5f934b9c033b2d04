#include "hub/ctl/audit_core.h"

#include <algorithm>

#include "hub/core/state_codec.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

/// A store that went back is found by the entry that it went back to, if that is among so many.
constexpr std::size_t kRemembered = 8;
/// A server removes what is too old a little later than that.
constexpr Duration kAgeSlack = std::chrono::hours{1};

std::string versions(std::uint64_t first, std::uint64_t last) {
    if (first >= last) return "entry " + std::to_string(first);
    return "entries " + std::to_string(first) + " to " + std::to_string(last);
}

}  // namespace

const char* code_of(AuditProblem::Kind kind) {
    using enum AuditProblem::Kind;
    switch (kind) {
        case kDamaged: return "audit.damaged";
        case kAltered: return "audit.altered";
        case kMissing: return "audit.missing";
        case kMoved: return "audit.moved";
        case kTail: return "audit.tail";
        case kRemoved: return "audit.removed";
        case kContradicts: return "audit.contradicts";
        case kBeginsAnew: return "audit.begins_anew";
        case kWentBack: return "audit.went_back";
    }
    return "audit.damaged";
}

bool is_by_loss(AuditProblem::Kind kind) {
    return kind == AuditProblem::Kind::kBeginsAnew || kind == AuditProblem::Kind::kWentBack;
}

Audit::Audit(Stream stream, std::vector<AuditHead> anchor) : stream_(stream) {
    for (AuditHead& head : anchor) {
        const EntityKey entity = head.entity;
        anchor_.insert_or_assign(entity, std::move(head));
    }
}

void Audit::add(AuditProblem::Kind kind, const EntityKey& entity, std::uint64_t sequence,
                std::string what) {
    problems.push_back({kind, entity, sequence, std::move(what)});
}

/// The stream loses messages by age alone, from its beginning, and by a person's word.
void Audit::check_place(std::uint64_t sequence, Timestamp stored_at) {
    const std::uint64_t before = std::exchange(position_, sequence);
    if (sequence <= before + 1) return;
    if (before == 0) {
        const bool early =
            stream_.max_age == Duration{0} || stream_.now - stored_at < stream_.max_age - kAgeSlack;
        if (!early) return;
    }
    gaps_.push_back({before + 1, sequence - 1, sequence,
                     before == 0 ? "are gone, and what follows them is not old enough for that"
                                 : "are gone from inside the stream"});
}

void Audit::judge_gaps() {
    for (const Gap& gap : gaps_) {
        // The parts of it that nobody has asked for.
        std::uint64_t first = gap.first;
        const auto part = [&](std::uint64_t last) {
            if (last < first) return;
            add(AuditProblem::Kind::kRemoved, {}, gap.before,
                "sequences " + std::to_string(first) + " to " + std::to_string(last) + " " +
                    gap.how);
        };
        for (auto at = erased_.lower_bound(gap.first); at != erased_.end() && *at <= gap.last;
             ++at) {
            part(*at - 1);
            first = *at + 1;
        }
        part(gap.last);
    }
}

/// Of an entity's entries before the one that says that they are erased.
void Audit::excuse_erased() {
    std::erase_if(problems, [&](const AuditProblem& problem) {
        if (problem.kind != AuditProblem::Kind::kMissing) return false;
        const auto at = erasures_.find(problem.entity);
        return at != erasures_.end() && problem.sequence <= at->second.sequence;
    });
    std::erase_if(anchor_, [&](const auto& head) { return erasures_.contains(head.first); });
}

void Audit::take(std::string_view subject, std::uint64_t sequence, Timestamp stored_at,
                 std::string_view body) {
    check_place(sequence, stored_at);
    ++entries;
    const auto log = hub::decode_log_entry(body);
    if (!log) {
        return add(AuditProblem::Kind::kDamaged, {}, sequence,
                   std::string{subject} + ": " + log.error().what);
    }
    if (subjects::log(log->entity) != subject) {
        return add(AuditProblem::Kind::kDamaged, log->entity, sequence,
                   "it stands at " + std::string{subject});
    }
    if (!log->erased.empty()) {
        erased_.insert(log->erased.begin(), log->erased.end());
        Erasure& erasure = erasures_[log->entity];
        erasure.sequence = sequence;
        erasure.entries += log->erased.size();
    }
    const Entry entry{log->version, sha256({body})};
    Chain& chain = heads_[log->entity];
    const bool again = std::ranges::any_of(chain.newest, [&](const Entry& known) {
        return known.version == entry.version && known.hash == entry.hash;
    });
    if (again) {
        ++repeated;
        return;
    }
    check_link(chain, log->entity, sequence, entry, log->previous);
    if (const auto anchor = anchor_.find(log->entity);
        anchor != anchor_.end() && anchor->second.version == entry.version) {
        if (anchor->second.hash == bytes_of(entry.hash)) {
            ++anchored;
        } else {
            add(AuditProblem::Kind::kContradicts, log->entity, sequence,
                versions(entry.version, entry.version) + " is another than the anchor says");
        }
        anchor_.erase(anchor);
    }
    chain.newest.push_back(entry);
    if (chain.newest.size() > kRemembered) chain.newest.erase(chain.newest.begin());
}

void Audit::check_link(Chain& chain, const EntityKey& entity, std::uint64_t sequence,
                       const Entry& entry, const std::string& previous) {
    if (previous.empty()) {
        const bool begins = chain.newest.empty() && entry.version == 1;
        // Hubs chain them since a version of theirs; what is chained once stays so.
        if (!chain.chained && entry.version > 1) ++unchained;
        if (chain.chained && entry.version > 1) {
            add(AuditProblem::Kind::kAltered, entity, sequence,
                versions(entry.version, entry.version) + " names none before it");
        } else if (!begins && entry.version == 1) {
            add(AuditProblem::Kind::kBeginsAnew, entity, sequence,
                "it begins anew: the state was lost");
        }
        return;
    }
    const bool was_chained = std::exchange(chain.chained, true);
    if (chain.newest.empty()) {
        if (stream_.first > 1) return;  // Older ones are no longer kept.
        return add(AuditProblem::Kind::kMissing, entity, sequence,
                   versions(1, entry.version - 1) + " are not there");
    }
    const Entry last = chain.newest.back();
    if (bytes_of(last.hash) == previous) return;
    const auto earlier = std::ranges::find_if(
        chain.newest, [&](const Entry& known) { return bytes_of(known.hash) == previous; });
    if (earlier != chain.newest.end()) {
        add(AuditProblem::Kind::kWentBack, entity, sequence,
            versions(earlier->version + 1, last.version) +
                " were given up: the store went back to version " +
                std::to_string(earlier->version));
    } else if (entry.version == last.version + 1) {
        if (!was_chained) return;
        add(AuditProblem::Kind::kAltered, entity, sequence,
            versions(last.version, last.version) + " is not the one that " +
                std::to_string(entry.version) + " was written after");
    } else if (entry.version > last.version) {
        add(AuditProblem::Kind::kMissing, entity, sequence,
            versions(last.version + 1, entry.version - 1) + " are not there");
    } else {
        add(AuditProblem::Kind::kMoved, entity, sequence,
            versions(entry.version, entry.version) + " stands behind " +
                std::to_string(last.version));
    }
}

void Audit::end_of_log() {
    if (position_ != 0 && position_ < stream_.last) {
        gaps_.push_back(
            {position_ + 1, stream_.last, stream_.last, "are gone from the end of the stream"});
    }
    judge_gaps();
    excuse_erased();
    for (const auto& [entity, head] : anchor_) {
        add(AuditProblem::Kind::kContradicts, entity, 0,
            versions(head.version, head.version) + ", which the anchor has, is not there");
    }
}

bool Audit::take_state(const hub::EntityState& state) {
    if (state.log_hash.empty()) return true;
    ++states;
    const auto at = heads_.find(state.key);
    return at != heads_.end() && bytes_of(at->second.newest.back().hash) == state.log_hash;
}

void Audit::take_newest(const hub::EntityState& state, std::optional<std::string_view> body) {
    if (body && bytes_of(sha256({*body})) == state.log_hash) return;
    const auto at = heads_.find(state.key);
    const std::uint64_t last = at == heads_.end() ? 0 : at->second.newest.back().version;
    if (last > state.version) {
        return add(AuditProblem::Kind::kWentBack, state.key, 0,
                   versions(state.version + 1, last) + " were given up: the store went back");
    }
    add(AuditProblem::Kind::kTail, state.key, 0,
        last == state.version
            ? "its newest entry is not the one that its state was stored with"
            : versions(last + 1, state.version) + " are not there, and its state says they were");
}

std::vector<AuditHead> Audit::heads() const {
    std::vector<AuditHead> out;
    for (const auto& [entity, chain] : heads_) {
        out.push_back({entity, chain.newest.back().version, bytes_of(chain.newest.back().hash)});
    }
    std::ranges::sort(out, {}, &AuditHead::entity);
    return out;
}

}  // namespace syncline::ctl
