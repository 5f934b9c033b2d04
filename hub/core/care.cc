#include "hub/core/care.h"

#include "hub/core/codec_parts.h"
#include "shared/policy/policy.h"
#include "shared/wire/limits.h"

namespace syncline::hub {

Care care_of(std::string_view kind) {
    Care care;
    if (const ExceptionKind* known = exception_kind(kind)) care.severity = known->severity;
    return care;
}

void apply_rules(Care& care, const Policy& policy, const ExceptionSight& sight, Timestamp opened) {
    care = care_of(sight.kind);
    const ExceptionRule* rule = rule_for(policy.exceptions, sight);
    if (rule == nullptr) return;
    care.severity = rule->severity.value_or(care.severity);
    care.material = rule->material;
    care.assignee = rule->assignee;
    if (rule->due.count() > 0) care.due = opened + rule->due;
}

void write_care(wire::Writer& out, int key, const Care& care) {
    out.key(key);
    out.map(1 + present(!care.material, !care.assignee.empty(), care.due.ns != 0));
    out.field(0, static_cast<std::uint64_t>(care.severity));
    if (!care.material) {
        out.key(1);
        out.boolean(true);
    }
    if (!care.assignee.empty()) out.field(2, care.assignee);
    if (care.due.ns != 0) out.field(3, care.due);
}

Care read_care(wire::Decoder& in, const wire::Node& node) {
    Care care;
    in.map(node, wire::key_bits(0), [&](int key, const wire::Node& value) {
        switch (key) {
            case 0: care.severity = in.enumeration(value, ExceptionSeverity::kCritical); break;
            case 1: care.material = !in.boolean(value); break;
            case 2: care.assignee = in.text(value, wire::kIdBytesMax); break;
            case 3: care.due.ns = in.signed64(value); break;
            default: break;
        }
    });
    return care;
}

}  // namespace syncline::hub
