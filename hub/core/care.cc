#include "hub/core/care.h"

#include <algorithm>
#include <utility>

#include "hub/core/codec_parts.h"
#include "hub/core/step.h"
#include "shared/policy/policy.h"
#include "shared/wire/limits.h"

namespace syncline::hub {

Care care_of(std::string_view kind) {
    Care care;
    if (const ExceptionKind* known = exception_kind(kind)) care.severity = known->severity;
    return care;
}

void apply_rules(Care& care, const Policy& policy, const ExceptionSight& sight, Timestamp opened) {
    const ExceptionRule* rule = rule_for(policy.exceptions, sight);
    static const ExceptionRule kNone;
    const ExceptionRule& says = rule == nullptr ? kNone : *rule;
    care.severity = says.severity.value_or(care_of(sight.kind).severity);
    care.material = says.material;
    if (!care.assigned) care.assignee = says.assignee;
    if (!care.dated) care.due = says.due.count() > 0 ? opened + says.due : Timestamp{};
}

// ---- What people do. ------------------------------------------------------------------------

namespace {

constexpr std::size_t kDoneMost = 16;

void push_bounded(auto& list, auto&& item, std::size_t most) {
    if (list.size() >= most) list.erase(list.begin());
    list.push_back(std::forward<decltype(item)>(item));
}

Result<std::string> tag(Care& care, const std::string& text) {
    const auto place = std::ranges::lower_bound(care.tags, text);
    const bool there = place != care.tags.end() && *place == text;
    if (!there && care.tags.size() >= kTagsMost) {
        return fail(ErrorKind::kInvalid, "it has " + std::to_string(kTagsMost) + " tags already");
    }
    if (!there) care.tags.insert(place, text);
    return "tagged " + text;
}

}  // namespace

bool is_done(const Care& care, const Operation& operation) {
    return !operation.id.empty() && std::ranges::find(care.done, operation.id) != care.done.end();
}

Result<std::string> see_to(Care& care, const Operation& operation) {
    const std::string& text = operation.text;
    const bool is_remark = operation.kind == OperationKind::kNote;
    const std::size_t most = is_remark ? kRemarkBytesMost : kTagBytesMost;
    const bool may_be_empty =
        operation.kind == OperationKind::kAssign || operation.kind == OperationKind::kDue;
    if (text.size() > most || (text.empty() && !may_be_empty)) {
        return fail(ErrorKind::kInvalid, "a text of 1 to " + std::to_string(most) + " bytes");
    }
    Result<std::string> said = std::string{};
    switch (operation.kind) {
        case OperationKind::kAssign:
            care.assignee = text;
            care.assigned = true;
            said = "assigned to " + (text.empty() ? "nobody" : text);
            break;
        case OperationKind::kTag: said = tag(care, text); break;
        case OperationKind::kUntag:
            std::erase(care.tags, text);
            said = "untagged " + text;
            break;
        case OperationKind::kNote:
            push_bounded(care.remarks, Remark{operation.at, operation.actor, text}, kRemarksMost);
            said = "noted";
            break;
        case OperationKind::kDue:
            care.due = operation.due;
            care.dated = true;
            said = operation.due.ns == 0 ? "due whenever" : "due " + to_string(operation.due);
            break;
        default: return fail(ErrorKind::kInvalid, "no such operation");
    }
    if (said && !operation.id.empty()) push_bounded(care.done, operation.id, kDoneMost);
    return said;
}

// ---- On the wire. ---------------------------------------------------------------------------

namespace {

void write_texts(wire::Writer& out, int key, const std::vector<std::string>& texts) {
    out.key(key);
    out.array(size_of(texts));
    for (const std::string& text : texts) out.text(text);
}

std::vector<std::string> read_texts(wire::Decoder& in, const wire::Node& node) {
    std::vector<std::string> texts;
    in.array(node,
             [&](const wire::Node& item) { texts.push_back(in.text(item, wire::kIdBytesMax)); });
    return texts;
}

Remark read_remark(wire::Decoder& in, const wire::Node& node) {
    Remark remark;
    int position = 0;
    in.array(node, [&](const wire::Node& item) {
        if (position == 0) remark.at.ns = in.signed64(item);
        if (position == 1) remark.by = in.text(item, wire::kIdBytesMax);
        if (position == 2) remark.text = in.text(item, wire::kStringBytesMax);
        ++position;
    });
    return remark;
}

void write_flag(wire::Writer& out, int key, bool flag) {
    if (!flag) return;
    out.key(key);
    out.boolean(true);
}

}  // namespace

void write_care(wire::Writer& out, int key, const Care& care) {
    out.key(key);
    out.map(1 + present(!care.material, !care.assignee.empty(), care.due.ns != 0, care.assigned,
                        care.dated, !care.tags.empty(), !care.remarks.empty(), !care.done.empty()));
    out.field(0, static_cast<std::uint64_t>(care.severity));
    write_flag(out, 1, !care.material);
    if (!care.assignee.empty()) out.field(2, care.assignee);
    if (care.due.ns != 0) out.field(3, care.due);
    write_flag(out, 4, care.assigned);
    write_flag(out, 5, care.dated);
    if (!care.tags.empty()) write_texts(out, 6, care.tags);
    if (!care.remarks.empty()) {
        out.key(7);
        out.array(size_of(care.remarks));
        for (const Remark& remark : care.remarks) {
            out.array(3);
            out.signed64(remark.at.ns);
            out.text(remark.by);
            out.text(remark.text);
        }
    }
    if (!care.done.empty()) write_texts(out, 8, care.done);
}

Care read_care(wire::Decoder& in, const wire::Node& node) {
    Care care;
    in.map(node, wire::key_bits(0), [&](int key, const wire::Node& value) {
        switch (key) {
            case 0: care.severity = in.enumeration(value, ExceptionSeverity::kCritical); break;
            case 1: care.material = !in.boolean(value); break;
            case 2: care.assignee = in.text(value, wire::kIdBytesMax); break;
            case 3: care.due.ns = in.signed64(value); break;
            case 4: care.assigned = in.boolean(value); break;
            case 5: care.dated = in.boolean(value); break;
            case 6: care.tags = read_texts(in, value); break;
            case 7:
                in.array(value, [&](const wire::Node& item) {
                    care.remarks.push_back(read_remark(in, item));
                });
                break;
            case 8: care.done = read_texts(in, value); break;
            default: break;
        }
    });
    return care;
}

}  // namespace syncline::hub
