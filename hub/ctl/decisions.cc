#include "hub/ctl/decisions.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "hub/core/state_codec.h"
#include "hub/core/upcast.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

using hub::FieldDecision;
using hub::LogEntry;
using hub::Verdict;

const FieldDecision* decision_in(const LogEntry& entry, const FieldName& field, Verdict verdict,
                                 const Value& value) {
    // The last one: an entry may hold several inputs.
    const FieldDecision* found = nullptr;
    for (const FieldDecision& decision : entry.decisions) {
        if (decision.field == field && decision.verdict == verdict && decision.value == value) {
            found = &decision;
        }
    }
    return found;
}

Blame blame_one(const hub::CanonicalField& field, const std::vector<LogEntry>& entries) {
    Blame blame{.field = field};
    for (std::size_t at = entries.size(); at > 0 && blame.entry == nullptr;) {
        const LogEntry& entry = entries[--at];
        blame.decision = decision_in(entry, field.name, Verdict::kAccepted, field.value);
        if (blame.decision != nullptr) blame.entry = &entry;
    }
    if (blame.entry == nullptr) return blame;
    const auto from = entries.begin() + (blame.entry - entries.data());
    for (auto before = from; before != entries.begin() && blame.proposal == nullptr; --before) {
        const LogEntry& entry = *std::prev(before);
        if (decision_in(entry, field.name, Verdict::kAccepted, field.value) != nullptr) break;
        blame.proposal = decision_in(entry, field.name, Verdict::kProposed, field.value);
    }
    for (auto entry = from; entry != entries.end(); ++entry) {
        for (const auto& command : entry->commands) {
            if (std::ranges::find(command.fields, field.name) == command.fields.end()) continue;
            blame.told.push_back({command.platform, command.generation});
        }
        blame.refused += static_cast<std::uint64_t>(
            std::ranges::count_if(entry->decisions, [&](const FieldDecision& decision) {
                return decision.field == field.name && decision.verdict != Verdict::kAccepted;
            }));
    }
    return blame;
}

}  // namespace

Result<std::vector<LogEntry>> read_decisions(Session& session, Output& out, const EntityKey& key) {
    const auto all = session.read_all(
        {.stream = std::string{subjects::kStreamLog}, .filters = {subjects::log(key)}});
    if (!all) return fail(all.error());
    std::vector<LogEntry> entries;
    std::set<std::uint64_t> versions;
    for (const nats::StoredMessage& message : *all) {
        auto entry = hub::decode_log_entry(message.body);
        if (!entry) {
            out.add({Level::kError, "log.damaged",
                     "a decision cannot be read: " + entry.error().what,
                     "Is this synclinectl older than the hub?",
                     message.subject + " sequence " + std::to_string(message.sequence)});
            continue;
        }
        // A hub that came back after a crash tells its last decision again.
        if (versions.insert(entry->version).second) entries.push_back(std::move(*entry));
    }
    std::ranges::stable_sort(entries, {}, &LogEntry::version);
    return entries;
}

void upcast(const ObjectSpec& object, std::vector<LogEntry>& entries) {
    const auto now = [&](const FieldName& field, const Value& value) {
        Fields fields{{field, value}};
        hub::upcast(object, fields);
        return *fields.begin();
    };
    for (LogEntry& entry : entries) {
        for (FieldDecision& decision : entry.decisions) {
            decision.before = now(decision.field, decision.before).second;
            std::tie(decision.field, decision.value) = now(decision.field, decision.value);
        }
        for (auto& command : entry.commands) {
            for (FieldName& field : command.fields) field = object.name_now(field);
        }
    }
}

std::vector<Blame> blame(const hub::EntityState& state, const std::vector<LogEntry>& entries) {
    std::vector<Blame> lines;
    for (const hub::CanonicalField& field : state.canonical) {
        lines.push_back(blame_one(field, entries));
    }
    return lines;
}

}  // namespace syncline::ctl
