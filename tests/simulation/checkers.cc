#include "tests/simulation/checkers.h"

#include <algorithm>
#include <set>
#include <utility>

#include "hub/core/history.h"
#include "hub/core/state_codec.h"
#include "hub/core/work.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"
#include "tests/simulation/forgetting.h"
#include "tests/simulation/rebuilding.h"
#include "tests/simulation/telling.h"

namespace syncline::sim {
namespace {

bool same(const Value* a, const Value& b) { return a == nullptr ? b.is_null() : *a == b; }

const Value& or_null(const Value* value) {
    static const Value null;
    return value == nullptr ? null : *value;
}

std::string text_of(const RecordKey& key) { return key.platform.text + "/" + key.record.text; }

}  // namespace

// ---- At every moment. -----------------------------------------------------------------------

void Checkers::watch() {
    for (const auto& platform : cast_.platforms) {
        std::size_t& seen = seen_[platform->name()];
        for (; seen < platform->log().size(); ++seen) watch_mutation(platform->log()[seen]);
    }
    watch_receipts();
}

// I11: an agent has a receipt only for what a mark covers.
void Checkers::watch_receipts() {
    if (broker_.state_losses() > 0) return;  // A mark may have been lost before it was seen here.
    for (const MessagePtr& message : broker_.all(subjects::kStreamState)) {
        if (!subject_matches(subjects::all_marks(), message->subject)) continue;
        const auto mark = hub::decode_mark(message->body);
        if (!mark) continue;
        for (const hub::Mark::Source& source : mark->sources) {
            Revision& newest = marked_[{mark->partition, source.platform}];
            newest = std::max(newest, source.seq);
        }
    }
    for (const auto& agent : cast_.agents) {
        if (agent->store() == nullptr) continue;
        const agent::Store& store = *agent->store();
        const PlatformId& platform = agent->platform().nature().id;
        for (std::uint16_t part = 0; part < store.partitions(); ++part) {
            const Revision receipted{store.epoch(), store.marks({part}).receipted};
            if (receipted.n == 0 || receipted <= marked_[{{part}, platform}]) continue;
            world_.violate("I11",
                           agent->name() + " has a receipt up to " + std::to_string(receipted.n) +
                               " in partition " + std::to_string(part) + ", no mark had that",
                           agent->name());
        }
    }
}

void Checkers::watch_mutation(const Mutation& mutation) {
    if (mutation.writer != Writer::kSyncline) {
        // Somebody took it out of the bin: from now on it is theirs.
        for (auto& [key, made] : made_) {
            if (mutation.created && key.first == mutation.key.platform) {
                std::erase(made, mutation.key.record);
            }
        }
        return;
    }
    watch_create(mutation);
    watch_order(mutation);
    watch_owner(mutation);
}

// I2: a command makes at most one record, and an entity has at most one on a platform.
void Checkers::watch_create(const Mutation& mutation) {
    if (!mutation.created) return;
    const auto& rows = platform(mutation.key.platform)->rows();
    auto& made = made_[{mutation.key.platform, mutation.entity}];
    for (const RecordId& id : made) {
        const Platform::Version* then = rows.at(id).as_of(mutation.at);
        if (then == nullptr || then->deleted) continue;
        if (workload_.was_denied(mutation.entity.entity, mutation.key.platform)) continue;
        if (is_anothers({mutation.key.platform, mutation.entity.object, id}, mutation.entity)) {
            continue;
        }
        world_.violate("I2",
                       "two records of entity " + mutation.entity.entity.text + " on " +
                           mutation.key.platform.text + ": " + id.text + " and " +
                           mutation.key.record.text + " (" + mutation.kid + ")",
                       mutation.entity.entity.text);
    }
    made.push_back(mutation.key.record);
}

/// Was the record, made for the entity, placed with another one after the states were lost, or the
/// store of the agent that had made it at a platform that names no entity? Told by its match key
/// alone, it joins whom that belongs to, or stands beside what that one has.
bool Checkers::is_anothers(const RecordKey& key, const EntityKey& entity) {
    const bool nameless = wiped(key.platform) && !platform(key.platform)->nature().marker;
    if (broker_.state_losses() == 0 && !nameless) return false;
    return std::ranges::any_of(broker_.all(subjects::kStreamState), [&](const MessagePtr& message) {
        if (!subject_matches(subjects::all_entities(), message->subject)) return false;
        const auto state = hub::decode_entity(message->body);
        if (!state || state->key == entity) return false;
        const hub::RecordState* record = state->record(key.platform);
        if (record == nullptr || record->presence != hub::Presence::kPresent) return false;
        return record->record == key.record ||
               std::ranges::any_of(record->others, [&](const hub::OtherRecord& other) {
                   return other.record == key.record &&
                          other.standing != hub::OtherRecord::Standing::kGone;
               });
    });
}

// I4, I13: neither an older generation after a newer one, nor a smaller fence after a greater.
void Checkers::watch_order(const Mutation& mutation) {
    // Where hub and agent have both lost their memory, counting begins again.
    if (broker_.state_losses() > 0 && wiped(mutation.key.platform)) return;
    const std::pair key{mutation.key.platform, mutation.entity};
    std::uint64_t& generation = generations_[key];
    if (mutation.generation < generation) {
        world_.violate("I4",
                       "generation " + std::to_string(mutation.generation) + " after " +
                           std::to_string(generation) + " on " + text_of(mutation.key),
                       mutation.entity.entity.text);
    }
    generation = std::max(generation, mutation.generation);
    std::uint64_t& fence = fences_[{mutation.key.platform, mutation.entity, mutation.partition}];
    if (mutation.fence < fence) {
        world_.violate("I13",
                       "fence " + std::to_string(mutation.fence) + " after " +
                           std::to_string(fence) + " on " + text_of(mutation.key),
                       mutation.entity.entity.text);
    }
    fence = std::max(fence, mutation.fence);
}

// I3: what a platform owns without condition, nobody else's value replaces.
void Checkers::watch_owner(const Mutation& mutation) {
    if (mutation.created || workload_.was_accepted(mutation.entity.entity)) return;
    const ObjectSpec& object = policies_.first().objects[0];
    for (const Mutation::Field& field : mutation.fields) {
        const OwnershipRule* rule = object.rule(field.name, {});
        const bool conditional = std::any_of(
            object.ownership.begin(), object.ownership.end(), [&](const OwnershipRule& one) {
                return one.when && std::ranges::find(one.fields, field.name) != one.fields.end();
            });
        if (rule == nullptr || conditional || rule->resolution != Resolution::kOwner) continue;
        const bool owns = rule->owner == mutation.key.platform;
        const bool may_change = rule->otherwise == NonOwnerWrite::kPropose ||
                                rule->otherwise == NonOwnerWrite::kAccept ||
                                rule->otherwise == NonOwnerWrite::kReview;
        if (!owns || may_change || field.before.is_null() || field.before == field.after) continue;
        // Edited while the command was on its way, on a platform that cannot write on condition.
        if (!(field.before == field.expected)) continue;
        const auto& nature = platform(mutation.key.platform)->nature();
        const bool automation =
            nature.stubborn == field.name ||
            std::any_of(nature.derived.begin(), nature.derived.end(),
                        [&](const auto& derived) { return derived.set == field.name; });
        const EntityId& entity = mutation.entity.entity;
        // A command that overtook the owner's word is made good.
        if (is_ours(mutation, field.name)) continue;
        if (automation || workload_.was_decided(entity, rule->owner, field.name)) continue;
        world_.violate("I3",
                       "the owner's " + field.name.text + " of " + text_of(mutation.key) +
                           " was changed from " + display(field.before) + " to " +
                           display(field.after),
                       mutation.entity.entity.text);
    }
}

/// Was it Syncline that last wrote the field before this mutation?
bool Checkers::is_ours(const Mutation& mutation, const FieldName& field) const {
    const auto& log = platform(mutation.key.platform)->log();
    const auto before = std::make_reverse_iterator(log.begin() + (&mutation - log.data()));
    for (auto earlier = before; earlier != log.rend(); ++earlier) {
        if (earlier->key != mutation.key) continue;
        if (std::ranges::find(earlier->fields, field, &Mutation::Field::name) !=
            earlier->fields.end()) {
            return earlier->writer == Writer::kSyncline;
        }
    }
    return false;
}

bool Checkers::wiped(const PlatformId& platform) const {
    return std::ranges::any_of(cast_.agents, [&](const auto& agent) {
        return agent->platform().nature().id == platform && agent->wipes > 0;
    });
}

const Platform* Checkers::platform(const PlatformId& id) const {
    for (const auto& platform : cast_.platforms) {
        if (platform->nature().id == id) return platform.get();
    }
    return nullptr;
}

// ---- In the end. ----------------------------------------------------------------------------

void Checkers::find(std::string invariant, std::string what, std::string about) {
    findings_.push_back({std::move(invariant), std::move(what), std::move(about)});
}

std::vector<Violation> Checkers::final_findings() {
    findings_.clear();
    read_broker();
    for (const hub::EntityState& state : states_) check_entity(state);
    check_rows();
    check_keys();
    check_exceptions();
    check_bounds();
    check_spools();
    // It takes a while, so only of a world that is well.
    if (findings_.empty()) findings_ = check_forgotten(broker_);
    if (findings_.empty()) findings_ = check_told(broker_);
    if (findings_.empty()) findings_ = check_rebuild(broker_, policies_);
    return std::move(findings_);
}

void Checkers::read_broker() {
    states_.clear();
    open_.clear();
    for (const MessagePtr& message : broker_.all(subjects::kStreamState)) {
        if (!subject_matches(subjects::all_entities(), message->subject)) continue;
        auto state = hub::decode_entity(message->body);
        if (state) {
            states_.push_back(std::move(*state));
        } else {
            find("I9", "a stored state cannot be read: " + state.error().what, message->subject);
        }
    }
    std::map<std::string, MessagePtr> newest;
    for (const MessagePtr& message : broker_.all(subjects::kStreamExceptions)) {
        newest[message->subject] = message;
    }
    for (const auto& [subject, message] : newest) {
        auto exception = hub::decode_exception(message->body);
        if (!exception) {
            find("I9", "an exception cannot be read: " + exception.error().what, subject);
        } else if (exception->status == hub::ExceptionStatus::kOpen) {
            open_.push_back(std::move(*exception));
        }
    }
}

/// Does an open exception, or what the policy or a person decided, explain a difference?
bool Checkers::excused(const hub::EntityState& state, const PlatformId& platform,
                       const FieldName* field) const {
    for (const hub::ExceptionRecord& exception : open_) {
        if (!(exception.entity == state.key) || exception.platform != platform) continue;
        if (field == nullptr || exception.proposed.empty()) return true;
        if (exception.proposed.find(*field) != nullptr) return true;
    }
    return workload_.left_alone(state.key.entity, platform);
}

// I21: the decision log says of every canonical value how it came to be.
void Checkers::check_history(const hub::EntityState& state) {
    if (broker_.state_losses() > 0 || broker_.log_losses() > 0) return;
    const ObjectSpec* object = policies_.in_force().object(state.key.object);
    std::map<std::uint64_t, hub::LogEntry> by_version;
    for (const MessagePtr& message : broker_.all(subjects::kStreamLog)) {
        if (message->subject != subjects::log(state.key)) continue;
        auto entry = hub::decode_log_entry(message->body);
        if (entry) by_version.emplace(entry->version, *std::move(entry));
    }
    std::vector<hub::LogEntry> entries;
    for (auto& [version, entry] : by_version) {
        for (hub::FieldDecision& decision : entry.decisions) {
            decision.field = object->name_now(decision.field);
        }
        entries.push_back(std::move(entry));
    }
    const hub::PastState told = hub::state_at(entries, Timestamp{INT64_MAX});
    for (const hub::CanonicalField& field : state.canonical) {
        const auto at = told.fields.find(field.name);
        if (at == told.fields.end() ? field.value.is_null() : at->second.value == field.value) {
            continue;
        }
        find("I21",
             field.name.text + " is " + display(field.value) + ", by the log it is " +
                 (at == told.fields.end() ? "nothing" : display(at->second.value)),
             state.key.entity.text);
    }
}

// I20: what an entity gave away has arrived, and a merged one leads to one that lives.
void Checkers::check_handovers(const hub::EntityState& state) {
    for (const hub::Handover& handover : state.handovers) {
        if (handover.records.empty()) continue;
        find("I20", "records are still on their way to " + handover.to.text, state.key.entity.text);
    }
    const hub::EntityState* at = &state;
    for (std::size_t steps = 0; at->is_merged(); ++steps) {
        const auto next = std::ranges::find_if(states_, [&](const hub::EntityState& other) {
            return other.key.entity == at->merged_into;
        });
        if (next != states_.end() && steps <= states_.size()) {
            at = &*next;
            continue;
        }
        return find("I20", "it is merged into nothing that lives", state.key.entity.text);
    }
}

void Checkers::check_entity(const hub::EntityState& state) {
    check_handovers(state);
    check_history(state);
    if (state.is_merged()) return;
    const ObjectSpec* object = policies_.in_force().object(state.key.object);
    for (const hub::RecordState& record : state.records) {
        const Binding* binding = object->binding(record.platform);
        if (record.pending) {
            find("I16",
                 "a command to " + record.platform.text + " is still not answered, generation " +
                     std::to_string(record.generation),
                 state.key.entity.text);
        }
        check_record(state, record, *binding);
    }
    if (state.deleted) return;
    for (const Binding& binding : object->bindings) {
        const hub::RecordState* record = state.record(binding.platform);
        const bool there = record != nullptr && record->presence != hub::Presence::kAbsent;
        if (there || !binding.receives || excused(state, binding.platform, nullptr)) continue;
        const bool complete =
            std::all_of(object->fields.begin(), object->fields.end(), [&](const FieldSpec& field) {
                const auto* canonical = state.find(field.name);
                return !field.required || (canonical != nullptr && !canonical->value.is_null());
            });
        if (complete) {
            find("I5", "there is no record on " + binding.platform.text, state.key.entity.text);
        }
    }
}

void Checkers::check_record(const hub::EntityState& state, const hub::RecordState& record,
                            const Binding& binding) {
    if (record.presence != hub::Presence::kPresent) return;
    const auto& rows = platform(record.platform)->rows();
    const auto row = record.record ? rows.find(*record.record) : rows.end();
    if (row == rows.end() || row->second.current().deleted) {
        if (!excused(state, record.platform, nullptr)) {
            find("I5", "its record on " + record.platform.text + " does not exist",
                 state.key.entity.text);
        }
        return;
    }
    if (state.deleted) {
        if (!excused(state, record.platform, nullptr)) {
            find("I5", "it is deleted, but lives on " + record.platform.text,
                 state.key.entity.text);
        }
        return;
    }
    const Fields& fields = row->second.current().fields;
    for (const FieldName& field : binding.fields) {
        check_field(state, record, binding, field, or_null(fields.find(native_name(field))));
    }
}

void Checkers::check_field(const hub::EntityState& state, const hub::RecordState& record,
                           const Binding& binding, const FieldName& field, const Value& truth) {
    const std::string where =
        field.text + " on " + record.platform.text + "/" + record.record->text;
    if (!same(record.mirror.find(field), truth)) {
        find("I1",
             where + " is " + display(truth) + ", the hub believes " +
                 display(or_null(record.mirror.find(field))),
             state.key.entity.text);
        return;
    }
    const hub::CanonicalField* canonical = state.find(field);
    const Value wanted = canonical == nullptr ? Value{} : canonical->value;
    const FieldName native = native_name(field);
    const Fields normal = platform(record.platform)->normal_form(Fields{{native, wanted}});
    if (truth == wanted || truth == *normal.find(native)) return;
    if (std::binary_search(binding.read_only.begin(), binding.read_only.end(), field)) return;
    if (excused(state, record.platform, &field)) return;
    const OwnershipRule* rule =
        policies_.in_force().object(state.key.object)->rule(field, state.fields());
    if (rule != nullptr && rule->resolution == Resolution::kOwner &&
        rule->owner != record.platform && rule->otherwise == NonOwnerWrite::kIgnore) {
        return;
    }
    // Its owner cannot be asked while it has no record there, and an exception says why.
    const bool proposed = std::ranges::any_of(
        state.proposals, [&](const hub::Proposal& proposal) { return proposal.field == field; });
    if (proposed && rule != nullptr && excused(state, rule->owner, nullptr)) return;
    find("I5", where + " is " + display(truth) + ", wanted is " + display(wanted),
         state.key.entity.text);
}

// Every living record belongs to exactly one entity, or an exception says why not.
void Checkers::check_rows() {
    std::map<RecordKey, std::uint32_t> claimed;
    std::set<RecordKey> apart;
    for (const hub::EntityState& state : states_) {
        for (const hub::RecordState& record : state.records) {
            for (const hub::OtherRecord& other : record.others) {
                if (other.standing != hub::OtherRecord::Standing::kApart) continue;
                if (!workload_.was_left_apart(record.platform)) continue;
                apart.insert({record.platform, state.key.object, other.record});
            }
            if (record.presence != hub::Presence::kPresent || !record.record) continue;
            ++claimed[{record.platform, state.key.object, *record.record}];
        }
    }
    for (const auto& platform : cast_.platforms) {
        for (const auto& [id, row] : platform->rows()) {
            const std::uint32_t count = claimed[row.key];
            if (row.current().deleted || count == 1) continue;
            const EntityId founded = founded_entity(row.key);
            const bool excused =
                std::any_of(open_.begin(), open_.end(), [&](const hub::ExceptionRecord& exception) {
                    if (exception.platform != row.key.platform) return false;
                    return exception.entity.entity == founded || exception.record == id.text ||
                           exception.reason.find(id.text + ",") != std::string::npos;
                });
            const bool decided = apart.contains(row.key) || workload_.was_decided(id);
            if (count == 0 && !excused && !decided) {
                find("I1", "record " + text_of(row.key) + " belongs to no entity", id.text);
            }
            if (count > 1) {
                find("I2",
                     "record " + text_of(row.key) + " belongs to " + std::to_string(count) +
                         " entities",
                     id.text);
            }
        }
    }
}

// I2: one match key makes one entity; of those that have it all the same, all but one say so.
void Checkers::check_keys() {
    std::map<std::string, EntityId> holders;
    for (const hub::EntityState& state : states_) {
        const hub::CanonicalField* number = state.find(FieldName{"number"});
        const bool lives = std::ranges::any_of(state.records, [](const hub::RecordState& record) {
            return record.presence == hub::Presence::kPresent;
        });
        const bool shown = std::ranges::any_of(
            state.exceptions, [](const auto& open) { return open.kind == exceptions::kSharedKey; });
        if (state.deleted || !lives || number == nullptr || shown) continue;
        const auto [holder, first] = holders.emplace(display(number->value), state.key.entity);
        if (first) continue;
        find("I2",
             "two entities have the number " + holder->first + ", also " + holder->second.text,
             state.key.entity.text);
    }
}

// I8: an exception about a record that belongs to no entity is closed once it does, and keeps the
// newest that was told of it.
void Checkers::check_unplaced(const hub::ExceptionRecord& exception) {
    if (exception.kind != exceptions::kUnmatched && exception.kind != exceptions::kAmbiguous)
        return;
    if (const auto kept = wire::decode_change(exception.raw)) {
        for (const MessagePtr& message : broker_.all(subjects::kStreamIn)) {
            const auto told = wire::decode_change(message->body);
            if (!told || told->key != kept->key || told->rev <= kept->rev) continue;
            find("I8", exception.kind + " keeps what was before " + message->subject,
                 exception.record);
        }
    }
    for (const hub::EntityState& state : states_) {
        const hub::RecordState* record = state.record(exception.platform);
        const bool has = record != nullptr && record->record == RecordId{exception.record} &&
                         record->presence == hub::Presence::kPresent;
        if (!has) continue;
        find("I8", exception.kind + " is open, and the record belongs to " + state.key.entity.text,
             exception.record);
    }
}

// I8: what a state holds open is on the exceptions stream, and the other way round.
void Checkers::check_exceptions() {
    std::set<std::string> published;
    for (const hub::ExceptionRecord& exception : open_) {
        if (exception_kind(exception.kind) == nullptr) {
            find("I8", "of a kind that is in no catalogue: " + exception.kind,
                 exception.entity.entity.text);
        }
        check_unplaced(exception);
        if (!is_held(exception.kind)) continue;
        published.insert(exception.entity.entity.text + " " + exception.kind + "@" +
                         exception.platform.text);
    }
    std::set<std::string> held;
    for (const hub::EntityState& state : states_) {
        for (const hub::OpenException& open : state.exceptions) {
            held.insert(state.key.entity.text + " " + open.kind + "@" + open.platform.text);
        }
    }
    for (const std::string& one : held) {
        if (!published.contains(one))
            find("I8", "open and not published: " + one, one.substr(0, 24));
    }
    for (const std::string& one : published) {
        if (!held.contains(one)) {
            find("I8", "published as open and not held: " + one, one.substr(0, 24));
        }
    }
}

// I10: what is kept does not grow with the number of changes.
void Checkers::check_bounds() {
    std::size_t records = 0;
    for (const auto& platform : cast_.platforms) records += platform->rows().size();
    // Not of instances, and not what there is of each partition.
    const std::size_t stored =
        std::ranges::count_if(broker_.all(subjects::kStreamState), [](const MessagePtr& message) {
            return !subject_matches(subjects::all_instances(), message->subject) &&
                   !subject_matches(subjects::all_marks(), message->subject) &&
                   !subject_matches(subjects::all_reconciliations(), message->subject);
        });
    const std::size_t most = records * 4 + 8;
    if (stored > most) {
        find("I10",
             std::to_string(stored) + " messages of state for " + std::to_string(records) +
                 " records",
             {});
    }
    for (const hub::EntityState& state : states_) {
        const std::size_t size = hub::encode(state).size();
        if (size > 32'768) {
            find("I10", "a state of " + std::to_string(size) + " bytes", state.key.entity.text);
        }
    }
}

// I11: everything has its receipt, and nothing went without one.
void Checkers::check_spools() {
    for (const auto& agent : cast_.agents) {
        if (agent->store() == nullptr) continue;
        const agent::Store& store = *agent->store();
        for (std::uint16_t part = 0; part < store.partitions(); ++part) {
            const agent::Marks& marks = store.marks({part});
            if (marks.trimmed > marks.receipted) {
                find("I11",
                     agent->name() + " trimmed " + std::to_string(marks.trimmed) +
                         ", receipts are up to " + std::to_string(marks.receipted),
                     agent->name());
            }
            if (marks.waiting() > 0) {
                find("I16",
                     agent->name() + " has " + std::to_string(marks.waiting()) +
                         " entries without receipt in partition " + std::to_string(part),
                     agent->name());
            }
        }
    }
}

}  // namespace syncline::sim
