#include "hub/core/rebuild.h"

#include <algorithm>
#include <ranges>
#include <tuple>

#include "hub/core/decide.h"
#include "hub/core/input_name.h"
#include "hub/core/state_codec.h"
#include "shared/base/sha256.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

std::string joined(const std::vector<std::string>& texts) {
    std::string all;
    for (const std::string& text : texts) all += (all.empty() ? "" : "; ") + text;
    return all.empty() ? "nothing" : all;
}

std::string text_of(const FieldDecision& decision) {
    return decision.field.text + " " + name_of(decision.verdict) + " from " +
           (decision.from.empty() ? "a person" : decision.from.text) + " by " + decision.rule;
}

std::string text_of(const LogEntry::Commanded& command) {
    std::string text = command.platform.text + " generation " + std::to_string(command.generation);
    for (const FieldName& field : command.fields) text += " " + field.text;
    return text;
}

/// Empty: the same.
std::string difference(const char* what, const auto& stored, const auto& made) {
    const auto texts = [](const auto& all) {
        std::vector<std::string> out;
        for (const auto& one : all) {
            if constexpr (std::is_same_v<std::decay_t<decltype(one)>, std::string>) {
                out.push_back(one);
            } else {
                out.push_back(text_of(one));
            }
        }
        return out;
    };
    const auto a = texts(stored);
    const auto b = texts(made);
    if (a == b) return {};
    return std::string{what} + " are " + joined(a) + ", and by the inputs " + joined(b);
}

/// Where two entries differ first, for people.
std::string difference(const LogEntry& stored, const LogEntry& made) {
    for (std::string text : {difference("decisions", stored.decisions, made.decisions),
                             difference("commands", stored.commands, made.commands),
                             difference("notes", stored.notes, made.notes),
                             difference("inputs", stored.inputs, made.inputs)}) {
        if (!text.empty()) return text;
    }
    if (stored.previous != made.previous) return "it was written after another entry";
    return "a value differs";
}

bool tell_the_same(const Input& one, const Input& other) {
    if (const auto* change = std::get_if<Change>(&one)) {
        return change->fields == std::get<Change>(other).fields;
    }
    if (const auto* outcome = std::get_if<Outcome>(&one)) {
        return outcome->fields == std::get<Outcome>(other).fields;
    }
    return true;
}

std::string difference(const EntityState& stored, const EntityState& made) {
    for (const CanonicalField& field : stored.canonical) {
        const CanonicalField* other = made.find(field.name);
        if (other == nullptr || !(*other == field)) {
            return "the canonical " + field.name.text + " is not what the inputs make";
        }
    }
    if (stored.canonical.size() != made.canonical.size()) return "a canonical value is missing";
    for (const RecordState& record : stored.records) {
        const RecordState* other = made.record(record.platform);
        if (other == nullptr || !(*other == record)) {
            return "what is known of " + record.platform.text + " is not what the inputs make";
        }
    }
    if (stored.records.size() != made.records.size()) return "a platform's side is missing";
    if (!(stored.exceptions == made.exceptions)) return "other exceptions are open";
    return "it is not what the inputs make";
}

}  // namespace

void Rebuild::take_state(const EntityKey& entity, std::string body) {
    entities_[entity].stored = std::move(body);
}

void Rebuild::take_entry(std::uint64_t sequence, std::string body) {
    std::string hash = bytes_of(sha256({body}));
    // Told once more by a hub that came back, it is the first one that stands in its order.
    if (!by_hash_.emplace(std::move(hash), entries_.size()).second) return;
    entries_.push_back({sequence, std::move(body)});
}

void Rebuild::take_input(std::string_view subject, std::string_view body) {
    using subjects::InputKind;
    const auto about = subjects::parse_input(subject);
    if (!about) return;
    if (about->kind == InputKind::kChange) {
        if (auto change = wire::decode_change(body)) take_input(*std::move(change));
    } else if (about->kind == InputKind::kOutcome) {
        if (auto outcome = wire::decode_outcome(body)) take_input(*std::move(outcome));
    } else if (about->kind == InputKind::kOperation) {
        if (auto operation = decode_operation(body)) take_input(*std::move(operation));
    }
}

void Rebuild::take_input(Input input) {
    std::string name = name_of(input);
    const auto [at, fresh] = inputs_.try_emplace(name, input);
    if (fresh) return;
    if (!tell_the_same(at->second, input)) ambiguous_.insert(std::move(name));
    at->second = std::move(input);
}

void Rebuild::fail_with(const EntityKey& key, Entity& entity, Finding::Kind kind,
                        std::uint64_t sequence, std::string what) {
    entity.failed = true;
    findings.push_back({kind, key, sequence, std::move(what)});
}

/// From the newest one back to the first, by the hash that each names.
void Rebuild::want_entries_of(const EntityKey& key, Entity& entity) {
    using Kind = Finding::Kind;
    const auto state = decode_entity(entity.stored);
    if (!state) return fail_with(key, entity, Kind::kDiffers, 0, state.error().what);
    entity.state.key = key;
    if (state->forgotten) {
        return fail_with(key, entity, Kind::kOutOfReach, 0, "it was forgotten by a person's word");
    }
    std::string hash = state->log_hash;
    Entry* later = nullptr;
    if (hash.empty()) {
        return fail_with(key, entity, Kind::kOutOfReach, 0,
                         "it was decided before there was a log");
    }
    while (!hash.empty()) {
        const auto at = by_hash_.find(hash);
        if (at == by_hash_.end()) {
            return fail_with(key, entity, Kind::kOutOfReach, later ? later->sequence : 0,
                             later ? "the log does not reach back to its beginning"
                                   : "its newest entry is not in the log");
        }
        Entry& entry = entries_[at->second];
        const auto decoded = decode_log_entry(entry.body);
        if (!decoded) {
            return fail_with(key, entity, Kind::kDiffers, entry.sequence, decoded.error().what);
        }
        entry.wanted = true;
        if (later != nullptr) later->former = &entry;
        later = &entry;
        hash = decoded->previous;
    }
}

Result<Input> Rebuild::find_input(const std::string& name) const {
    constexpr std::string_view kArrival = "arrival of operation ";
    constexpr std::string_view kRecords = "records by operation ";
    constexpr std::string_view kRefused = " refused";
    if (name.starts_with(kArrival)) return HandedOver{name.substr(kArrival.size())};
    if (name.starts_with(kRecords)) {
        const auto at = handovers_.find(name.substr(kRecords.size()));
        if (at != handovers_.end()) return at->second;
        return fail(ErrorKind::kUnavailable, "who gave it records is out of reach");
    }
    if (ambiguous_.contains(name)) {
        return fail(ErrorKind::kNotFound, "the input \"" + name +
                                              "\" is stored with and without what it told: its "
                                              "agent was asked to forget that");
    }
    if (const auto at = inputs_.find(name); at != inputs_.end()) return at->second;
    if (name.ends_with(kRefused)) {
        const auto told = inputs_.find(name.substr(0, name.size() - kRefused.size()));
        if (told != inputs_.end()) {
            Outcome outcome = std::get<Outcome>(told->second);
            refuse_as_foreign(outcome);
            return outcome;
        }
    }
    // What an outcome told of another entity's record was passed on as a change.
    if (const auto change = name.find(" change "); change != std::string::npos) {
        std::string outcome = name;
        outcome.replace(change, 8, " outcome ");
        if (const auto told = inputs_.find(outcome); told != inputs_.end()) {
            auto made = told_by(std::get<Outcome>(told->second));
            if (made) return *std::move(made);
        }
    }
    return fail(ErrorKind::kNotFound, "the input \"" + name + "\" is not stored any more");
}

Result<std::vector<Input>> Rebuild::inputs_of(const LogEntry& entry) const {
    std::vector<Input> inputs;
    auto quiet = entry.quiet.begin();
    const auto add = [&](const std::string& name) -> Result<void> {
        if (name.starts_with("policy version ")) return {};  // Deciding by it adopts it.
        if (name == "recheck") {
            inputs.emplace_back(PolicyChanged{});
            return {};
        }
        auto input = find_input(name);
        if (!input) return fail(input.error());
        inputs.push_back(*std::move(input));
        return {};
    };
    for (std::size_t i = 0; i <= entry.inputs.size(); ++i) {
        for (; quiet != entry.quiet.end() && quiet->place <= i; ++quiet) {
            if (auto added = add(quiet->input); !added) return fail(added.error());
        }
        if (i == entry.inputs.size()) break;
        if (auto added = add(entry.inputs[i]); !added) return fail(added.error());
    }
    return inputs;
}

/// What the log had lost and was told again stands behind what followed it. False: it waits.
bool Rebuild::decide_in_order(Entry& entry, const PolicyOf& policy_of) {
    std::vector<Entry*> newest_first;
    for (Entry* at = &entry; at != nullptr && !at->decided; at = at->former) {
        newest_first.push_back(at);
    }
    for (Entry* one : std::views::reverse(newest_first)) {
        if (!decide_again(*one, policy_of)) return false;
        one->decided = true;
    }
    return true;
}

/// False: it waits for what is decided of another entity.
bool Rebuild::decide_again(const Entry& entry, const PolicyOf& policy_of) {
    using Kind = Finding::Kind;
    const LogEntry stored = *decode_log_entry(entry.body);
    const EntityKey& key = stored.entity;
    const auto at = entities_.find(key);
    if (at == entities_.end() || at->second.failed) return true;
    Entity& entity = at->second;
    const Policy* policy = policy_of(stored);
    if (policy == nullptr || policy->object(key.object) == nullptr) {
        fail_with(key, entity, Kind::kOutOfReach, entry.sequence,
                  "version " + std::to_string(stored.policy_version) +
                      " of the policy is not known any more");
        return true;
    }
    const auto inputs = inputs_of(stored);
    if (!inputs) {
        if (may_wait_ && inputs.error().kind == ErrorKind::kUnavailable) return false;
        fail_with(key, entity, Kind::kOutOfReach, entry.sequence, inputs.error().what);
        return true;
    }
    Context context{stored.at, {}, 0};
    context.foreign_keys = stored.foreign_keys;
    context.foreign_records = stored.foreign_records;
    Step step = decide(*policy, std::move(entity.state), *inputs, context);
    for (Handover& handover : step.handovers) {
        std::string id = handover.id;
        handovers_.try_emplace(std::move(id), Takeover{key, std::move(handover)});
    }
    entity.state = std::move(step.next);
    if (!step.changed || encode(step.log) != entry.body) {
        fail_with(key, entity, Kind::kDiffers, entry.sequence,
                  step.changed ? difference(stored, step.log) : "its inputs make no difference");
        return true;
    }
    ++decided;
    return true;
}

void Rebuild::decide_all(const PolicyOf& policy_of) {
    std::vector<Entry*> left;
    for (Entry& entry : entries_) {
        if (entry.wanted) left.push_back(&entry);
    }
    while (!left.empty()) {
        std::vector<Entry*> waiting;
        for (Entry* entry : left) {
            if (!entry->decided && !decide_in_order(*entry, policy_of)) waiting.push_back(entry);
        }
        may_wait_ = waiting.size() < left.size();
        left = std::move(waiting);
    }
}

void Rebuild::compare_state(const EntityKey& key, Entity& entity) {
    if (entity.failed) return;
    if (encode(entity.state) == entity.stored) {
        ++rebuilt;
        return;
    }
    fail_with(key, entity, Finding::Kind::kDiffers, 0,
              difference(*decode_entity(entity.stored), entity.state));
}

void Rebuild::run(const PolicyOf& policy_of) {
    for (auto& [key, entity] : entities_) want_entries_of(key, entity);
    decide_all(policy_of);
    for (auto& [key, entity] : entities_) compare_state(key, entity);
}

}  // namespace syncline::hub
