#include "hub/core/history.h"

namespace syncline::hub {

PastState state_at(std::span<const LogEntry> entries, Timestamp when) {
    PastState past;
    std::map<FieldName, PastField>& fields = past.fields;
    std::map<FieldName, Value> replaced;  // By the first decision after `when`.
    for (const LogEntry& entry : entries) {
        const bool later = entry.at > when;
        if (!later) {
            past.version = entry.version;
            past.at = entry.at;
            past.policy = entry.policy;
            past.policy_version = entry.policy_version;
        }
        for (const FieldDecision& decision : entry.decisions) {
            if (decision.verdict != Verdict::kAccepted) continue;
            if (later) {
                replaced.try_emplace(decision.field, decision.before);
            } else {
                fields[decision.field] = {decision.value, decision.from, entry.at, entry.version,
                                          decision.rule};
            }
        }
    }
    // Of what the log says nothing before, who decided it is not known any more.
    for (auto& [field, value] : replaced) {
        if (past.version != 0) fields.try_emplace(field, PastField{.value = std::move(value)});
    }
    std::erase_if(fields, [](const auto& field) { return field.second.value.is_null(); });
    return past;
}

}  // namespace syncline::hub
