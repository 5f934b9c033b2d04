#include "tests/simulation/telling.h"

#include <map>
#include <set>

#include "hub/core/state_codec.h"
#include "shared/wire/subjects.h"

namespace syncline::sim {
namespace {

constexpr std::string_view kNote = "event ";
constexpr std::string_view kNoteEnd = " told";

/// The subjects of the events that the entry names.
std::vector<std::string> named_by(const hub::LogEntry& entry) {
    std::vector<std::string> subjects;
    std::map<std::string, int> times;
    for (const std::string& note : entry.notes) {
        if (!note.starts_with(kNote) || !note.ends_with(kNoteEnd)) continue;
        const std::string name =
            note.substr(kNote.size(), note.size() - kNote.size() - kNoteEnd.size());
        std::string generation = std::to_string(entry.version);
        if (const int time = ++times[name]; time > 1) generation += "-" + std::to_string(time);
        subjects.push_back(
            subjects::event(entry.entity, name, entry.entity.entity.text, generation));
    }
    return subjects;
}

}  // namespace

std::vector<Violation> check_told(MemoryBroker& broker) {
    std::vector<Violation> violations;
    std::set<std::string> told;
    for (const MessagePtr& message : broker.all(subjects::kStreamEvents)) {
        if (told.insert(message->subject).second) continue;
        violations.push_back({"I24", "told twice: " + message->subject, {}});
    }
    // What was lost is not told again, and a version that was lost comes again.
    if (broker.state_losses() + broker.log_losses() + broker.event_losses() > 0) return violations;
    bool forgets = false;
    for (const MessagePtr& message : broker.all(subjects::kStreamState)) {
        if (!subject_matches(subjects::all_entities(), message->subject)) continue;
        const auto state = hub::decode_entity(message->body);
        forgets = forgets || (state && state->forgotten);
    }
    std::set<std::string> named;
    for (const MessagePtr& message : broker.all(subjects::kStreamLog)) {
        const auto entry = hub::decode_log_entry(message->body);
        if (!entry) continue;
        for (std::string& subject : named_by(*entry)) named.insert(std::move(subject));
    }
    for (const std::string& subject : named) {
        if (told.contains(subject) || forgets) continue;
        violations.push_back({"I24", "never told: " + subject, {}});
    }
    for (const std::string& subject : told) {
        if (named.contains(subject) || forgets) continue;
        violations.push_back({"I24", "no entry of the log names " + subject, {}});
    }
    return violations;
}

}  // namespace syncline::sim
