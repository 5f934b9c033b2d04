#include "hub/ctl/facts_core.h"

#include <algorithm>

#include "shared/model/ids.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

/// As LogEntry::inputs names it.
std::uint64_t hash_of(const PlatformId& platform, const char* what, const Numbering& number) {
    return stable_hash(platform.text + what + std::to_string(number.partition.value) + "/" +
                       std::to_string(number.seq.epoch) + "/" + std::to_string(number.seq.n));
}

std::uint64_t hash_of(const EntityKey& entity, const PlatformId& platform) {
    return stable_hash(entity.object.text + "\n" + entity.entity.text + "\n" + platform.text);
}

std::string text_of(const RecordKey& record) {
    return record.platform.text + " " + record.object.text + " " + record.record.text;
}

bool blocks(hub::Verdict verdict) {
    using enum hub::Verdict;
    return verdict == kReverted || verdict == kIgnored || verdict == kInvalid ||
           verdict == kNotNext || verdict == kOutdated;
}

/// Was the platform called for it, as far as is known?
bool was_tried(OutcomeStatus status) {
    return status != OutcomeStatus::kStale && status != OutcomeStatus::kFenced &&
           status != OutcomeStatus::kDiscarded;
}

}  // namespace

const char* name_of(Fact fact) {
    switch (fact) {
        case Fact::kChanges: return "changes";
        case Fact::kDuplicates: return "duplicates";
        case Fact::kEchoes: return "echoes";
        case Fact::kAccepted: return "accepted";
        case Fact::kBlocked: return "blocked";
        case Fact::kHealed: return "healed";
        case Fact::kCommands: return "commands";
        case Fact::kSaved: return "saved";
        case Fact::kExceptionsOpened: return "exceptions-opened";
        case Fact::kExceptionsClosed: return "exceptions-closed";
        case Fact::kExceptionsSettled: return "exceptions-settled";
    }
    return "?";
}

const char* meaning_of(Fact fact) {
    switch (fact) {
        case Fact::kChanges: return "changes that agents told of";
        case Fact::kDuplicates: return "messages that came again and were dropped";
        case Fact::kEchoes: return "changes that told nothing new, and went no further";
        case Fact::kAccepted: return "values that became canonical";
        case Fact::kBlocked: return "values that the policy kept from becoming canonical";
        case Fact::kHealed: return "differences that only a reconciliation found, decided";
        case Fact::kCommands: return "commands that hubs decided";
        case Fact::kSaved: return "of these, replaced by a newer one before a platform was called";
        case Fact::kExceptionsOpened: return "exceptions opened";
        case Fact::kExceptionsClosed: return "exceptions closed by themselves";
        case Fact::kExceptionsSettled: return "exceptions settled by people";
    }
    return "?";
}

void Facts::add(Fact fact, FactEntry entry) {
    ++counts_[static_cast<std::size_t>(fact)];
    if (fact == show_ && shown_.size() < show_most_) shown_.push_back(std::move(entry));
}

void Facts::take(const hub::Mark& mark) {
    for (const hub::Mark::Source& source : mark.sources) {
        done_[{source.platform, mark.partition}] = source.seq;
    }
}

void Facts::take(std::uint64_t sequence, const hub::LogEntry& entry) {
    const Name told_as = stable_hash(entry.entity.object.text + "\n" + entry.entity.entity.text +
                                     "\n" + std::to_string(entry.version));
    if (!entries_.insert(told_as).second) return;  // Told once more.
    for (const std::string& input : entry.inputs) decided_.emplace(stable_hash(input), entry.at);
    const std::string entity = entry.entity.object.text + " " + entry.entity.entity.text;
    for (const auto& command : entry.commands) {
        told_[hash_of(entry.entity, command.platform)].push_back(
            {command.generation, sequence, entry.at,
             command.platform.text + " " + entity + " generation " +
                 std::to_string(command.generation)});
        if (is_in(entry.at)) {
            add(Fact::kCommands,
                {subjects::kStreamLog, sequence, entry.at, command.platform.text + " " + entity});
        }
    }
    if (!is_in(entry.at)) return;
    for (const hub::FieldDecision& decision : entry.decisions) {
        const FactEntry what{subjects::kStreamLog, sequence, entry.at,
                             entity + " " + decision.field.text + " by " +
                                 (decision.from.empty() ? "a person" : decision.from.text) + ", " +
                                 decision.rule};
        if (decision.verdict == hub::Verdict::kAccepted) add(Fact::kAccepted, what);
        if (blocks(decision.verdict)) add(Fact::kBlocked, what);
    }
}

void Facts::take(std::uint64_t sequence, Timestamp stored_at, const Change& change) {
    const Name name = hash_of(change.key.platform, " change ", change.number);
    const bool again = !seen_.insert(name).second;
    if (!is_in(stored_at)) return;
    const FactEntry what{subjects::kStreamIn, sequence, stored_at, text_of(change.key)};
    if (again) return add(Fact::kDuplicates, what);
    add(Fact::kChanges, what);
    if (change.changed_at.ns != 0 && change.origin == ChangeOrigin::kLive) {
        until_seen_.push_back(change.seen_at - change.changed_at);
    }
    const auto decided = decided_.find(name);
    if (decided == decided_.end()) {
        if (!kept_.contains(name) && !is_undecided(change)) add(Fact::kEchoes, what);
        return;
    }
    until_decided_.push_back(decided->second - change.seen_at);
    if (change.origin == ChangeOrigin::kReconcile) add(Fact::kHealed, what);
}

bool Facts::is_undecided(const Change& change) const {
    const auto done = done_.find({change.key.platform, change.number.partition});
    return done == done_.end() || change.number.seq > done->second;
}

void Facts::take(std::uint64_t sequence, Timestamp stored_at, const Outcome& outcome) {
    const Name name = hash_of(outcome.platform, " outcome ", outcome.number);
    const bool again = !seen_.insert(name).second;
    if (was_tried(outcome.status)) {
        answered_[hash_of(outcome.entity, outcome.platform)].insert(outcome.generation);
    }
    if (!again || !is_in(stored_at)) return;
    add(Fact::kDuplicates, {subjects::kStreamIn, sequence, stored_at,
                            outcome.platform.text + " outcome of " + outcome.entity.object.text +
                                " " + outcome.entity.entity.text});
}

/// A command without an answer beside a newer one that has one was never carried out.
void Facts::end_of_inputs() {
    for (const auto& [name, commands] : told_) {
        const auto answers = answered_.find(name);
        if (answers == answered_.end()) continue;
        const std::uint64_t newest = std::ranges::max(answers->second);
        for (const Told& told : commands) {
            const bool replaced =
                told.generation < newest && !answers->second.contains(told.generation);
            if (replaced && is_in(told.at)) {
                add(Fact::kSaved, {subjects::kStreamLog, told.sequence, told.at, told.what});
            }
        }
    }
    std::ranges::sort(shown_, {}, &FactEntry::sequence);
}

void Facts::take(std::uint64_t sequence, const hub::ExceptionRecord& exception) {
    const std::string about = exception.kind + " " + exception.entity.object.text + " " +
                              exception.entity.entity.text + " " + exception.platform.text;
    const auto once = [&](const char* what) {
        return exceptions_
            .insert(stable_hash(about + what + std::to_string(exception.opened_at.ns)))
            .second;
    };
    const auto entry = [&](Timestamp at) {
        return FactEntry{subjects::kStreamExceptions, sequence, at, about};
    };
    if (is_in(exception.opened_at) && once(" opened ")) {
        add(Fact::kExceptionsOpened, entry(exception.opened_at));
    }
    if (const auto change = wire::decode_change(exception.raw)) {
        kept_.insert(hash_of(change->key.platform, " change ", change->number));
    }
    const bool ended = exception.status != hub::ExceptionStatus::kOpen;
    if (!ended || !is_in(exception.updated_at) || !once(" ended ")) return;
    add(exception.closed_by.empty() ? Fact::kExceptionsClosed : Fact::kExceptionsSettled,
        entry(exception.updated_at));
}

Facts::Times Facts::times_of(std::vector<Duration> all) {
    if (all.empty()) return {};
    const auto at = [&](std::size_t rank) {
        const auto where = all.begin() + static_cast<std::ptrdiff_t>(rank);
        std::ranges::nth_element(all, where);
        return *where;
    };
    const std::size_t last = all.size() - 1;
    return {all.size(), at(last / 2), at(last * 99 / 100)};
}

}  // namespace syncline::ctl
