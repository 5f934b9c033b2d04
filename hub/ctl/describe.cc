#include "hub/ctl/describe.h"

#include "hub/core/state_codec.h"
#include "hub/ctl/text.h"
#include "shared/wire/codec.h"
#include "shared/wire/hold_codec.h"
#include "shared/wire/list_codec.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

Value time_value(Timestamp time) { return time.ns == 0 ? Value{} : Value{time}; }

Value fields_value(const ObjectName& object, const Fields& fields, const Secrets& secrets) {
    Value::Map map;
    for (const auto& [name, value] : fields) {
        map.emplace(name.text, secrets.shown(object, name, value));
    }
    return map;
}

Value names_value(const std::vector<FieldName>& names) {
    Value::List list;
    for (const FieldName& name : names) list.emplace_back(name.text);
    return list;
}

Value optional_text(const auto& id) { return id ? Value{id->text} : Value{}; }

Value record_value(const ObjectName& object, const hub::RecordState& record,
                   const Secrets& secrets) {
    Value::Map out{{"platform", record.platform.text},
                   {"record", optional_text(record.record)},
                   {"presence", name_of(record.presence)},
                   {"rev", text_of(record.rev)},
                   {"mirror", fields_value(object, record.mirror, secrets)},
                   {"generation", number(record.generation)},
                   {"held", names_value(record.held)},
                   {"blocked", record.blocked},
                   {"pending", Value{}}};
    if (record.pending) {
        out["pending"] =
            Value::Map{{"kind", name_of(record.pending->kind)},
                       {"fields", fields_value(object, record.pending->fields, secrets)},
                       {"expected", fields_value(object, record.pending->expected, secrets)},
                       {"decided_at", time_value(record.pending->decided_at)}};
    }
    Value::Map attempts;
    for (const hub::Attempts& a : record.attempts) attempts.emplace(a.field.text, number(a.count));
    out.emplace("attempts", std::move(attempts));
    return out;
}

std::string value_list(const std::vector<std::string>& texts) {
    std::string out;
    for (const std::string& text : texts) out += (out.empty() ? "" : ", ") + text;
    return out;
}

Value strings(const std::vector<std::string>& texts) {
    Value::List list;
    for (const std::string& text : texts) list.emplace_back(text);
    return list;
}

Value value_of(const hub::Care& care) {
    Value::List remarks;
    for (const hub::Remark& remark : care.remarks) {
        remarks.push_back(
            Value::Map{{"at", time_value(remark.at)}, {"by", remark.by}, {"text", remark.text}});
    }
    return Value::Map{{"severity", name_of(care.severity)}, {"material", care.material},
                      {"assignee", care.assignee},          {"due", time_value(care.due)},
                      {"tags", strings(care.tags)},         {"notes", std::move(remarks)}};
}

Value value_of(const Change& change, const Secrets& secrets) {
    return Value::Map{{"input", "change"},
                      {"platform", change.key.platform.text},
                      {"object", change.key.object.text},
                      {"record", change.key.record.text},
                      {"entity", optional_text(change.entity)},
                      {"partition", number(change.number.partition.value)},
                      {"number", text_of(change.number.seq)},
                      {"rev", text_of(change.rev)},
                      {"kind", name_of(change.kind)},
                      {"origin", name_of(change.origin)},
                      {"fields", fields_value(change.key.object, change.fields, secrets)},
                      {"seen_at", time_value(change.seen_at)},
                      {"changed_at", time_value(change.changed_at)},
                      {"trace", change.trace}};
}

Value value_of(const Outcome& outcome, const Secrets& secrets) {
    return Value::Map{{"input", "outcome"},
                      {"platform", outcome.platform.text},
                      {"object", outcome.entity.object.text},
                      {"entity", outcome.entity.entity.text},
                      {"record", optional_text(outcome.record)},
                      {"partition", number(outcome.number.partition.value)},
                      {"number", text_of(outcome.number.seq)},
                      {"rev", text_of(outcome.rev)},
                      {"generation", number(outcome.generation)},
                      {"status", name_of(outcome.status)},
                      {"fields", fields_value(outcome.entity.object, outcome.fields, secrets)},
                      {"reason", outcome.reason},
                      {"code", outcome.code},
                      {"attempts", number(outcome.attempts)},
                      {"done_at", time_value(outcome.done_at)},
                      {"trace", outcome.trace}};
}

Value value_of(const hub::Operation& operation) {
    return Value::Map{{"input", "operation"},
                      {"kind", name_of(operation.kind)},
                      {"object", operation.entity.object.text},
                      {"entity", operation.entity.entity.text},
                      {"exception", operation.exception},
                      {"other", operation.other.text},
                      {"platform", operation.platform.text},
                      {"record", operation.record.text},
                      {"id", operation.id},
                      {"actor", operation.actor},
                      {"reason", operation.reason},
                      {"at", time_value(operation.at)}};
}

std::string line_of(const Change& change, const Secrets& secrets) {
    return change.key.platform.text + " change " + change.key.object.text + " " +
           change.key.record.text + " " + name_of(change.kind) + " rev " + text_of(change.rev) +
           (change.origin == ChangeOrigin::kLive ? "" : std::string{" "} + name_of(change.origin)) +
           (change.fields.empty() ? ""
                                  : ": " + fields_text(change.key.object, change.fields, secrets));
}

std::string line_of(const Outcome& outcome, const Secrets&) {
    return outcome.platform.text + " outcome " + outcome.entity.object.text + " " +
           outcome.entity.entity.text + " generation " + std::to_string(outcome.generation) + " " +
           name_of(outcome.status) + (outcome.reason.empty() ? "" : ": " + outcome.reason);
}

Value value_of(const Inventory& inventory) {
    Value::Map objects;
    for (const Inventory::Object& object : inventory.objects) {
        Value::Map counts{{"records", number(object.records)}};
        for (std::size_t kind = 0; kind < kDriftKinds; ++kind) {
            counts.emplace(name_of(static_cast<DriftKind>(kind)), number(object.found[kind]));
        }
        objects.emplace(object.object.text, std::move(counts));
    }
    return Value::Map{{"platform", inventory.platform.text},
                      {"partition", number(inventory.number.partition.value)},
                      {"run", std::to_string(inventory.request.asked_at.ns)},
                      {"began_at", inventory.began_at},
                      {"read_at", inventory.read_at},
                      {"objects", std::move(objects)}};
}

std::string line_of(const Inventory& inventory) {
    std::string out = inventory.platform.text + " inventory of partition " +
                      std::to_string(inventory.number.partition.value) + ":";
    for (const Inventory::Object& object : inventory.objects) {
        out += " " + object.object.text + " " + std::to_string(object.records);
    }
    return out;
}

Value value_of(const HoldNotice& notice) {
    Value::Map counts;
    for (std::size_t kind = 0; kind < kMassKinds; ++kind) {
        counts.emplace(name_of(static_cast<MassKind>(kind)), number(notice.counts[kind]));
    }
    Value::List sample;
    for (const HoldNotice::Sample& one : notice.sample) {
        sample.emplace_back(Value::Map{{"kind", name_of(one.kind)},
                                       {"record", one.record.text},
                                       {"entity", optional_text(one.entity)}});
    }
    return Value::Map{
        {"platform", notice.platform.text},
        {"object", notice.lane.object.text},
        {"direction", name_of(notice.lane.direction)},
        {"hold", std::to_string(notice.hold)},
        {"status", name_of(notice.status)},
        {"tripped", name_of(notice.tripped)},
        {"limit", notice.limit},
        {"window_ms",
         number(static_cast<std::uint64_t>(notice.window / std::chrono::milliseconds{1}))},
        {"counts", std::move(counts)},
        {"records", number(notice.records)},
        {"held", number(notice.held)},
        {"since", time_value(notice.since)},
        {"sample", std::move(sample)}};
}

std::string line_of(const HoldNotice& notice) {
    return notice.platform.text + " hold " + std::to_string(notice.hold) + " of " +
           notice.lane.object.text + " (" + name_of(notice.lane.direction) + ") " +
           name_of(notice.status) + ": " + std::to_string(notice.held) + " held, more than " +
           notice.limit + " " + name_of(notice.tripped);
}

Value value_of(const ListNews& news) {
    return Value::Map{{"platform", news.platform.text},
                      {"list", news.list.text},
                      {"kind", name_of(news.kind)},
                      {"parts", number(news.bodies.size())},
                      {"rows", number(news.manifest.rows)},
                      {"request", to_text(news.request)},
                      {"generation", number(news.take.generation)},
                      {"digest", news.take.digest},
                      {"at", time_value(news.at)},
                      {"why", news.why}};
}

std::string line_of(const ListNews& news) {
    return news.platform.text + " list " + news.list.text + " " + name_of(news.kind) +
           (news.bodies.empty() ? "" : ": " + std::to_string(news.bodies.size())) +
           (news.take.digest.empty() ? "" : " " + news.take.digest) +
           (news.why.empty() ? "" : ": " + news.why);
}

std::string line_of(const hub::Operation& operation) {
    return std::string{"operation "} + name_of(operation.kind) + " " +
           operation.entity.object.text + " " + operation.entity.entity.text + " " +
           operation.exception + operation.other.text +
           (operation.record.empty()
                ? ""
                : " " + operation.platform.text + ":" + operation.record.text) +
           " by " + operation.actor + (operation.reason.empty() ? "" : ": " + operation.reason);
}

template <class T>
DecodedInput decoded(Result<T> result) {
    if (!result) return {{}, result.error().what};
    return {std::move(*result), {}};
}

}  // namespace

Secrets::Secrets(const Policy& policy, Hides hides) {
    for (const ObjectSpec& object : policy.objects) {
        for (const FieldSpec& field : object.fields) {
            const bool secret = field.classification == Classification::kSecret;
            const bool personal = field.classification == Classification::kPii;
            if (!secret && !(personal && hides == Hides::kPersonal)) continue;
            const char* instead = secret ? "(secret)" : "(personal)";
            fields_.emplace(std::pair{object.name.text, field.name.text}, instead);
            for (const FieldName& was : field.renamed_from) {
                fields_.emplace(std::pair{object.name.text, was.text}, instead);
            }
        }
    }
}

const char* Secrets::instead(const ObjectName& object, const FieldName& field,
                             const Value& value) const {
    const auto at = fields_.find({object.text, field.text});
    return value.is_null() || at == fields_.end() ? nullptr : at->second;
}

Value Secrets::shown(const ObjectName& object, const FieldName& field, const Value& value) const {
    const char* other = instead(object, field, value);
    return other == nullptr ? value : Value{other};
}

std::string Secrets::text(const ObjectName& object, const FieldName& field,
                          const Value& value) const {
    const char* other = instead(object, field, value);
    return other == nullptr ? display(value) : other;
}

const char* name_of(hub::Presence presence) {
    switch (presence) {
        case hub::Presence::kAbsent: return "absent";
        case hub::Presence::kPresent: return "present";
        case hub::Presence::kGone: return "gone";
        case hub::Presence::kUnlinked: return "unlinked";
    }
    return "?";
}

const char* name_of(hub::ExceptionStatus status) {
    switch (status) {
        case hub::ExceptionStatus::kOpen: return "open";
        case hub::ExceptionStatus::kResolved: return "resolved";
        case hub::ExceptionStatus::kRejected: return "rejected";
    }
    return "?";
}

const char* name_of(CommandKind kind) {
    switch (kind) {
        case CommandKind::kUpdate: return "update";
        case CommandKind::kCreate: return "create";
        case CommandKind::kDelete: return "delete";
        case CommandKind::kForget: return "forget";
    }
    return "?";
}

const char* name_of(ChangeKind kind) { return kind == ChangeKind::kDelete ? "delete" : "upsert"; }

const char* name_of(ChangeOrigin origin) {
    switch (origin) {
        case ChangeOrigin::kLive: return "live";
        case ChangeOrigin::kBackfill: return "backfill";
        case ChangeOrigin::kReconcile: return "reconcile";
        case ChangeOrigin::kReview: return "review";
    }
    return "?";
}

const char* name_of(OutcomeStatus status) {
    switch (status) {
        case OutcomeStatus::kApplied: return "applied";
        case OutcomeStatus::kRejected: return "rejected";
        case OutcomeStatus::kGaveUp: return "gave_up";
        case OutcomeStatus::kInDoubt: return "in_doubt";
        case OutcomeStatus::kStale: return "stale";
        case OutcomeStatus::kFenced: return "fenced";
        case OutcomeStatus::kConflict: return "conflict";
        case OutcomeStatus::kGone: return "gone";
        case OutcomeStatus::kDiscarded: return "discarded";
    }
    return "?";
}

Style style_of(hub::Verdict verdict) {
    switch (verdict) {
        case hub::Verdict::kAccepted: return Style::kGreen;
        case hub::Verdict::kIgnored:
        case hub::Verdict::kOutdated:
        case hub::Verdict::kProposed: return Style::kPlain;
        case hub::Verdict::kReverted:
        case hub::Verdict::kReview: return Style::kYellow;
        case hub::Verdict::kUndecided:
        case hub::Verdict::kInvalid:
        case hub::Verdict::kNotNext: return Style::kRed;
    }
    return Style::kPlain;
}

std::string who_of(const hub::FieldDecision& decision) {
    return decision.from.empty() ? "operator" : decision.from.text;
}

std::string text_of(const Revision& revision) {
    return std::to_string(revision.epoch) + "/" + std::to_string(revision.n);
}

std::string short_hash(std::string_view hash) { return std::string{hash.substr(0, 12)}; }

std::string joined(const std::vector<FieldName>& names) {
    std::string out;
    for (const FieldName& name : names) out += (out.empty() ? "" : ", ") + name.text;
    return out;
}

std::string policy_text(std::uint64_t version, std::string_view hash) {
    if (version == 0) return short_hash(hash);
    return std::to_string(version) + " (" + short_hash(hash) + ")";
}

std::string joined(const std::vector<std::string>& texts) {
    std::string all;
    for (const std::string& text : texts) all += (all.empty() ? "" : ", ") + text;
    return all;
}

std::string fields_text(const ObjectName& object, const Fields& fields, const Secrets& secrets) {
    std::string out;
    for (const auto& [name, value] : fields) {
        out += (out.empty() ? "" : ", ") + name.text + " = " + secrets.text(object, name, value);
    }
    return out;
}

Value value_of(const hub::Forgotten& forgotten) {
    Value::List waits_for;
    for (const PlatformId& platform : forgotten.waits_for) waits_for.emplace_back(platform.text);
    return Value::Map{{"by", forgotten.by},
                      {"at", time_value(forgotten.at)},
                      {"operation", forgotten.id},
                      {"waits_for", std::move(waits_for)},
                      {"done", forgotten.phase == hub::Forgotten::Phase::kDone}};
}

std::string standing_of(const hub::Forgotten& forgotten) {
    std::string text = "forgotten by " + forgotten.by + " at " + to_string(forgotten.at);
    if (forgotten.phase == hub::Forgotten::Phase::kDone) {
        return text + ": nothing of before is kept";
    }
    std::vector<std::string> agents;
    for (const PlatformId& platform : forgotten.waits_for) agents.push_back(platform.text);
    if (agents.empty()) return text + ": the streams are being erased";
    return text + ": the agents of " + joined(agents) + " have not forgotten it yet";
}

Value value_of(const hub::EntityState& state, const Secrets& secrets) {
    const ObjectName& object = state.key.object;
    Value::Map canonical;
    for (const hub::CanonicalField& field : state.canonical) {
        canonical.emplace(field.name.text,
                          Value::Map{{"value", secrets.shown(object, field.name, field.value)},
                                     {"from", field.from.platform.text},
                                     {"rev", text_of(field.from.rev)},
                                     {"at", time_value(field.from.at)}});
    }
    Value::List records;
    for (const hub::RecordState& record : state.records) {
        records.push_back(record_value(object, record, secrets));
    }
    Value::List proposals;
    for (const hub::Proposal& proposal : state.proposals) {
        proposals.push_back(
            Value::Map{{"field", proposal.field.text},
                       {"value", secrets.shown(object, proposal.field, proposal.value)},
                       {"from", proposal.from.text}});
    }
    Value::List exceptions;
    for (const hub::OpenException& open : state.exceptions) {
        exceptions.push_back(Value::Map{{"kind", open.kind},
                                        {"platform", open.platform.text},
                                        {"fields", names_value(open.fields)},
                                        {"reason", open.reason},
                                        {"proposed", fields_value(object, open.proposed, secrets)},
                                        {"since", time_value(open.since)},
                                        {"care", value_of(open.care)}});
    }
    Value::List taken_in;
    for (const hub::TakenIn& taken : state.taken_in) taken_in.emplace_back(taken.entity.text);
    return Value::Map{{"object", object.text},
                      {"entity", state.key.entity.text},
                      {"version", number(state.version)},
                      {"deleted", state.deleted},
                      {"merged_into", state.is_merged() ? Value{state.merged_into.text} : Value{}},
                      {"taken_in", std::move(taken_in)},
                      {"forgotten", state.forgotten ? value_of(*state.forgotten) : Value{}},
                      {"policy", state.policy},
                      {"policy_version", number(state.policy_version)},
                      {"canonical", std::move(canonical)},
                      {"records", std::move(records)},
                      {"proposals", std::move(proposals)},
                      {"exceptions", std::move(exceptions)}};
}

Value value_of(const hub::LogEntry& entry, const Secrets& secrets) {
    const ObjectName& object = entry.entity.object;
    Value::List decisions;
    for (const hub::FieldDecision& decision : entry.decisions) {
        decisions.push_back(
            Value::Map{{"field", decision.field.text},
                       {"from", decision.from.text},
                       {"before", secrets.shown(object, decision.field, decision.before)},
                       {"value", secrets.shown(object, decision.field, decision.value)},
                       {"verdict", hub::name_of(decision.verdict)},
                       {"rule", decision.rule}});
    }
    Value::List commands;
    for (const hub::LogEntry::Commanded& command : entry.commands) {
        commands.push_back(Value::Map{{"platform", command.platform.text},
                                      {"kind", name_of(command.kind)},
                                      {"generation", number(command.generation)},
                                      {"fields", names_value(command.fields)}});
    }
    return Value::Map{{"object", object.text},
                      {"entity", entry.entity.entity.text},
                      {"version", number(entry.version)},
                      {"at", time_value(entry.at)},
                      {"policy", entry.policy},
                      {"policy_version", number(entry.policy_version)},
                      {"inputs", strings(entry.inputs)},
                      {"decisions", std::move(decisions)},
                      {"commands", std::move(commands)},
                      {"notes", strings(entry.notes)},
                      {"trace", entry.trace}};
}

Value value_of(const hub::ExceptionRecord& exception, const Secrets& secrets) {
    const ObjectName& object = exception.entity.object;
    return Value::Map{{"kind", exception.kind},
                      {"object", object.text},
                      {"entity", exception.entity.entity.text},
                      {"platform", exception.platform.text},
                      {"record", exception.record},
                      {"status", name_of(exception.status)},
                      {"reason", exception.reason},
                      {"proposed", fields_value(object, exception.proposed, secrets)},
                      {"canonical", fields_value(object, exception.canonical, secrets)},
                      {"opened_at", time_value(exception.opened_at)},
                      {"updated_at", time_value(exception.updated_at)},
                      {"source", exception.source},
                      {"care", value_of(exception.care)},
                      {"closed_by", exception.closed_by},
                      {"closing", exception.closing},
                      {"raw_bytes", number(exception.raw.size())}};
}

Value value_of(const Command& command, const Secrets& secrets) {
    const ObjectName& object = command.entity.object;
    return Value::Map{{"platform", command.platform.text},
                      {"object", object.text},
                      {"entity", command.entity.entity.text},
                      {"record", optional_text(command.record)},
                      {"kind", name_of(command.kind)},
                      {"generation", number(command.generation)},
                      {"partition", number(command.partition.value)},
                      {"fields", fields_value(object, command.fields, secrets)},
                      {"expected", fields_value(object, command.expected, secrets)},
                      {"decided_at", time_value(command.decided_at)},
                      {"policy", command.policy},
                      {"trace", command.trace}};
}

DecodedInput decode_input(std::string_view subject, std::string_view body) {
    const auto parsed = subjects::parse_input(subject);
    if (!parsed) return {{}, parsed.error().what};
    switch (parsed->kind) {
        case subjects::InputKind::kChange: return decoded(wire::decode_change(body));
        case subjects::InputKind::kOutcome: return decoded(wire::decode_outcome(body));
        case subjects::InputKind::kInventory: return decoded(wire::decode_inventory(body));
        case subjects::InputKind::kHold: return decoded(wire::decode_hold(body));
        case subjects::InputKind::kList: return decoded(wire::decode_list_news(body));
        case subjects::InputKind::kOperation: return decoded(hub::decode_operation(body));
    }
    return {};
}

DecodedInput decode_raw(std::string_view body) {
    DecodedInput change = decoded(wire::decode_change(body));
    if (change.error.empty()) return change;
    DecodedInput outcome = decoded(wire::decode_outcome(body));
    if (outcome.error.empty()) return outcome;
    DecodedInput hold = decoded(wire::decode_hold(body));
    if (hold.error.empty()) return hold;
    DecodedInput list = decoded(wire::decode_list_news(body));
    if (list.error.empty()) return list;
    DecodedInput operation = decoded(hub::decode_operation(body));
    return operation.error.empty() ? operation : change;
}

Value value_of(const InputBody& input, const Secrets& secrets) {
    if (const auto* change = std::get_if<Change>(&input)) return value_of(*change, secrets);
    if (const auto* outcome = std::get_if<Outcome>(&input)) return value_of(*outcome, secrets);
    if (const auto* inventory = std::get_if<Inventory>(&input)) return value_of(*inventory);
    if (const auto* hold = std::get_if<HoldNotice>(&input)) return value_of(*hold);
    if (const auto* list = std::get_if<ListNews>(&input)) return value_of(*list);
    if (const auto* action = std::get_if<hub::Operation>(&input)) return value_of(*action);
    return {};
}

std::string line_of(const InputBody& input, const Secrets& secrets) {
    if (const auto* change = std::get_if<Change>(&input)) return line_of(*change, secrets);
    if (const auto* outcome = std::get_if<Outcome>(&input)) return line_of(*outcome, secrets);
    if (const auto* inventory = std::get_if<Inventory>(&input)) return line_of(*inventory);
    if (const auto* hold = std::get_if<HoldNotice>(&input)) return line_of(*hold);
    if (const auto* list = std::get_if<ListNews>(&input)) return line_of(*list);
    if (const auto* action = std::get_if<hub::Operation>(&input)) return line_of(*action);
    return "not decodable";
}

std::string line_of(const Command& command, const Secrets& secrets) {
    return command.platform.text + " " + name_of(command.kind) + " " + command.entity.object.text +
           " " + command.entity.entity.text + " generation " + std::to_string(command.generation) +
           (command.fields.empty()
                ? ""
                : ": " + fields_text(command.entity.object, command.fields, secrets));
}

std::string line_of(const hub::LogEntry& entry, const Secrets& secrets) {
    std::string out = entry.entity.object.text + " " + entry.entity.entity.text + " v" +
                      std::to_string(entry.version) + ": " + value_list(entry.inputs);
    for (const hub::FieldDecision& decision : entry.decisions) {
        const ObjectName& object = entry.entity.object;
        out += "; " + decision.field.text + " " +
               secrets.text(object, decision.field, decision.before) + " -> " +
               secrets.text(object, decision.field, decision.value) + " " +
               hub::name_of(decision.verdict);
    }
    for (const auto& command : entry.commands) {
        out += "; command " + command.platform.text + " " + name_of(command.kind);
    }
    for (const std::string& note : entry.notes) out += "; " + note;
    return out;
}

std::string line_of(const hub::ExceptionRecord& exception, const Secrets&) {
    return std::string{name_of(exception.status)} + " " + exception.kind +
           (exception.platform.empty() ? "" : "@" + exception.platform.text) + " " +
           exception.entity.object.text + " " + exception.entity.entity.text +
           (exception.reason.empty() ? "" : ": " + exception.reason);
}

}  // namespace syncline::ctl
