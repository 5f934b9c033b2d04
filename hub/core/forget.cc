#include <algorithm>

#include "hub/core/decide.h"
#include "hub/core/work.h"

// Nothing of an entity is kept, by a person's word: its state becomes a tombstone, the agents are
// told, and when they have done it the streams are erased (hub/erasures.*). What stays is which
// records it had and how new the news of them was, so that late ones are known as such.

namespace syncline::hub {
namespace {

using Standing = OtherRecord::Standing;

/// Why it must not be forgotten yet; empty: it may be.
std::string why_not(const Work& work, const Operation& operation) {
    const EntityState& state = work.state;
    if (state.is_unknown()) return "nothing is known of it";
    // Alone, what it gave away would stay. `other` says that whom it was merged into goes too.
    if (state.is_merged() && operation.other != state.merged_into) {
        return "it is merged into " + state.merged_into.text + "; forget that one, and it goes too";
    }
    for (const Handover& handover : state.handovers) {
        if (!handover.records.empty()) return "its records are on their way to another entity";
    }
    for (const RecordState& record : state.records) {
        if (work.object.binding(record.platform) == nullptr) continue;
        const std::string& platform = record.platform.text;
        const auto advice = [&](const RecordId& id) {
            return platform + " still has record " + id.text + ": delete it there first";
        };
        if (record.presence == Presence::kPresent && record.record) return advice(*record.record);
        for (const OtherRecord& other : record.others) {
            if (other.standing != Standing::kGone) return advice(other.record);
        }
        if (record.pending && record.pending->kind == CommandKind::kCreate) {
            return "a record is being made on " + platform;
        }
    }
    return {};
}

void forget_record(RecordState& record) {
    record.mirror.clear();
    record.pending.reset();
    record.held.clear();
    record.left.clear();
    record.attempts.clear();
    record.instead.clear();
    record.forms.clear();
    record.blocked = false;
    std::erase_if(record.others,
                  [](const OtherRecord& other) { return other.standing != Standing::kGone; });
    for (OtherRecord& other : record.others) other.fields.clear();
}

}  // namespace

void take_forget(Work& work, const Operation& operation) {
    EntityState& state = work.state;
    if (state.forgotten && state.forgotten->id == operation.id) {
        work.replayed = true;
        return;
    }
    const std::string who = operation.actor.empty() ? "?" : operation.actor;
    const std::string by = who + (operation.reason.empty() ? "" : ": " + operation.reason);
    if (const std::string refused = why_not(work, operation); !refused.empty()) {
        work.refuse(operation, "no forget by " + by + ": " + refused);
        return;
    }
    work.actor = who;
    work.doing = "forget";
    const std::vector<OpenException> open = state.exceptions;
    for (const OpenException& one : open) close_exception(work, one.kind, one.platform);
    work.actor.clear();
    work.doing.clear();
    // What was decided in the same step goes into the same entry.
    work.log.decisions.clear();
    work.log.commands.clear();
    work.log.notes.clear();
    work.log.trace.clear();
    state.canonical.clear();
    state.proposals.clear();
    state.handovers.clear();
    state.taken_in.clear();
    if (!state.is_merged()) state.deleted = true;
    Forgotten forgotten{operation.id, who, work.context.now, state.version + 1, {}, {}, {}};
    for (RecordState& record : state.records) {
        forget_record(record);
        forgotten.waits_for.push_back(record.platform);
    }
    state.forgotten = std::move(forgotten);
    work.note("forgotten by " + by);
}

std::vector<PlatformId> to_be_told(Work& work) {
    if (!work.state.forgotten) return {};
    auto& waits_for = work.state.forgotten->waits_for;
    const auto dropped = std::erase_if(waits_for, [&](const PlatformId& platform) {
        return work.object.binding(platform) == nullptr;
    });
    if (dropped > 0) work.changed = true;
    return waits_for;
}

void take_forgotten(Work& work, const PlatformId& platform) {
    if (!work.state.forgotten) return;
    if (std::erase(work.state.forgotten->waits_for, platform) == 0) return;
    work.note("the agent of " + platform.text + " has forgotten it");
}

void take_erased(Work& work, const Erased& erased) {
    auto& forgotten = work.state.forgotten;
    if (!forgotten || forgotten->id != erased.id || forgotten->phase != erased.phase ||
        !forgotten->waits_for.empty()) {
        work.replayed = true;
        return;
    }
    using Phase = Forgotten::Phase;
    if (forgotten->phase != Phase::kLog && !erased.log.empty()) {
        const std::string entries = std::to_string(erased.log.size()) + " entries of this log ";
        work.note(forgotten->phase == Phase::kDone
                      ? entries + "were stored late; they follow"
                      : std::to_string(erased.messages) +
                            " messages erased of what was told, commanded and shown; " + entries +
                            "follow");
        forgotten->phase = Phase::kLog;
        forgotten->log = erased.log;
        work.log.erased = erased.log;
        return;
    }
    const bool has_log = forgotten->phase == Phase::kLog;
    forgotten->phase = Phase::kDone;
    forgotten->log.clear();
    work.note(std::to_string(erased.messages) +
              (has_log ? " entries of this log erased: nothing of it is kept"
                       : " messages erased: nothing of it is kept"));
}

}  // namespace syncline::hub
