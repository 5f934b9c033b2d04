#include "hub/core/list_state.h"

#include <algorithm>
#include <chrono>

#include "shared/policy/exception_kinds.h"

namespace syncline::hub {
namespace {

std::string seconds_of(Duration duration) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(duration).count()) +
           " s";
}

void add_garbage(ListState& state, const std::string& digest) {
    if (digest.empty()) return;
    std::erase(state.garbage, digest);
    state.garbage.push_back(digest);
}

/// What is kept by nobody any more is garbage; what is kept again is none.
void sweep(ListState& state) {
    const auto wanted = state.wanted();
    std::erase_if(state.garbage, [&](const std::string& digest) {
        return std::ranges::find(wanted, digest) != wanted.end();
    });
}

void make_current(ListState& state, ListGeneration next, Timestamp now) {
    if (state.current.number != 0) {
        if (!state.history.empty()) add_garbage(state, state.history.front().digest);
        state.history.insert(state.history.begin(), state.current);
        state.history.front().changes.sample.clear();
        if (state.history.size() > ListState::kHistoryMost) state.history.pop_back();
    }
    next.number = state.current.number + 1;
    next.taken_at = now;
    state.read_at = std::max(state.read_at, next.read_at);
    state.current = std::move(next);
    state.held.reset();
    state.dropped.clear();
    state.refused.clear();
    sweep(state);
}

void drop_held(ListState& state) {
    if (!state.held) return;
    add_garbage(state, state.held->digest);
    state.held.reset();
    sweep(state);
}

std::uint64_t percent_gone(const ListState& state, const ListGeneration& read) {
    const std::uint64_t before = state.current.rows;
    if (before == 0) return 0;
    const std::uint64_t fewer = before - std::min(before, read.rows);
    // Rounded up: of a thousand rows one is more than nothing.
    return (std::max(read.changes.removed, fewer) * 100 + before - 1) / before;
}

}  // namespace

std::vector<std::string> ListState::wanted() const {
    std::vector<std::string> out;
    if (current.number != 0) out.push_back(current.digest);
    if (!history.empty()) out.push_back(history.front().digest);
    if (held) out.push_back(held->digest);
    return out;
}

std::string problem_of(const ListSpec& list, const ListRows& rows, std::size_t index,
                       std::size_t parts) {
    for (const ListRow& row : rows) {
        const std::string where = "the row `" + row.key + "`: ";
        if (stable_hash(row.key) % parts != index) return where + "stands in another's part";
        for (const auto& [name, value] : row.fields) {
            const FieldSpec* field = list.field(name);
            if (field == nullptr) return where + "the list has no field `" + name.text + "`";
            if (auto fits = conform(*field, value); !fits) return where + fits.error().what;
        }
        for (const FieldSpec& field : list.fields) {
            if (!field.required) continue;
            const Value* value = row.fields.find(field.name);
            if (value == nullptr || value->is_null()) {
                return where + "`" + field.name.text + "` is required and empty";
            }
        }
    }
    return {};
}

bool note_read(ListState& state, const std::string& digest, Timestamp at) {
    state.trouble.clear();
    if (state.current.number != 0 && state.current.digest == digest) {
        state.read_at = std::max(state.read_at, at);
        state.refused.clear();
        state.dropped.clear();
        drop_held(state);
        return true;
    }
    if (state.held && state.held->digest == digest) return true;
    return state.dropped == digest || (!state.refused.empty() && state.refused_digest == digest);
}

void note_generation(ListState& state, const ListSpec& list, ListGeneration read, Timestamp now) {
    note_incomplete(state, {});
    drop_held(state);
    state.refused.clear();
    if (percent_gone(state, read) <= list.shrink_percent_most) {
        return make_current(state, std::move(read), now);
    }
    read.taken_at = now;
    state.held = std::move(read);
    sweep(state);
}

void note_incomplete(ListState& state, const std::string& digest) {
    // Its parts are not deleted at once: they are about to be sent again.
    if (state.incomplete != digest) add_garbage(state, state.incomplete);
    state.incomplete = digest;
    sweep(state);
}

void note_refused(ListState& state, const std::string& digest, std::string why) {
    drop_held(state);
    add_garbage(state, digest);
    sweep(state);
    state.refused = std::move(why);
    state.refused_digest = digest;
}

void note_target(ListState& state, const ListNews& news) {
    ListTarget& target = state.targets[news.platform];
    if (news.kind == ListNews::Kind::kApplied) {
        target.has = news.take;
        target.at = news.at;
        target.failed = {};
        target.why.clear();
    } else {
        target.failed = news.take;
        target.failed_at = news.at;
        target.why = news.why;
    }
}

bool answer(ListState& state, ListAnswer answer, const std::string& actor,
            const std::string& reason, Timestamp now) {
    if (!state.held) return false;
    const bool accepts = answer == ListAnswer::kAccept;
    state.settled_by = actor;
    state.settled_at = now;
    state.settled =
        std::string{accepts ? "accepted" : "discarded"} + (reason.empty() ? "" : ": " + reason);
    if (accepts) {
        make_current(state, *std::move(state.held), now);
    } else {
        const std::string digest = state.held->digest;
        drop_held(state);
        state.dropped = digest;
    }
    return true;
}

bool is_due(const ListSpec& list, Timestamp asked_at, Timestamp now) {
    if (asked_at.ns == 0) return true;
    if (!list.cron) return now - asked_at >= list.every;
    const auto latest = list.cron->latest(now);
    return latest && asked_at < *latest;
}

std::vector<ListTrouble> troubles(const ListState& state, const ListSpec& list, Timestamp now) {
    std::vector<ListTrouble> out;
    const Timestamp proven = std::max(state.since, state.read_at);
    if (now - proven > list.stale_after) {
        std::string why = state.read_at.ns == 0 ? "it was never read"
                                                : "proven last at " + to_string(state.read_at);
        why += ", and more than " + seconds_of(list.stale_after) + " ago is too long";
        if (!state.trouble.empty()) why += "; its agent says: " + state.trouble;
        out.push_back({exceptions::kListStale, list.from, std::move(why)});
    }
    if (!state.refused.empty()) {
        out.push_back({exceptions::kListRefused, list.from, state.refused});
    }
    if (state.held) {
        std::string why = std::to_string(state.held->changes.removed) + " of " +
                          std::to_string(state.current.rows) + " rows are gone, more than " +
                          std::to_string(list.shrink_percent_most) + " % at once; as";
        for (const auto& row : state.held->changes.sample) {
            if (row.what != wire::ListDifference::Row::What::kRemoved) continue;
            why += " `" + row.key + "`";
        }
        out.push_back({exceptions::kListShrunk, list.from, std::move(why)});
    }
    for (const PlatformId& platform : list.to) {
        if (state.current.number == 0) break;
        const auto found = state.targets.find(platform);
        const ListTarget target = found == state.targets.end() ? ListTarget{} : found->second;
        if (target.has.digest == state.current.digest) continue;
        const std::string which = "generation " + std::to_string(state.current.number) + ": ";
        if (target.failed.digest == state.current.digest) {
            out.push_back({exceptions::kListNotApplied, platform, which + target.why});
        } else if (now - state.current.taken_at > list.stale_after) {
            out.push_back({exceptions::kListNotApplied, platform,
                           which + "its agent has not answered for more than " +
                               seconds_of(list.stale_after)});
        }
    }
    return out;
}

}  // namespace syncline::hub
