#include "hub/ctl/describe.h"

#include "hub/ctl/describe_parts.h"
#include "hub/ctl/text.h"

namespace syncline::ctl {
namespace {

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
                      {"origin", name_of(command.origin)},
                      {"policy", command.policy},
                      {"trace", command.trace}};
}

std::string line_of(const Command& command, const Secrets& secrets) {
    return command.platform.text + " " + name_of(command.kind) + " " + command.entity.object.text +
           " " + command.entity.entity.text + " generation " + std::to_string(command.generation) +
           (command.origin == ChangeOrigin::kLive ? ""
                                                  : std::string{" "} + name_of(command.origin)) +
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
