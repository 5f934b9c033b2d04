#include "hub/workflow/instance.h"

#include <algorithm>

#include "shared/base/sha256.h"

namespace syncline::hub::workflow {
namespace {

constexpr std::size_t kIdDigits = 24;

bool any_frame(const std::vector<Frame>& frames, const auto& is) {
    return std::ranges::any_of(
        frames, [&](const Frame& frame) { return is(frame) || any_frame(frame.inside, is); });
}

bool waits_for_person(const Frame& frame) {
    return frame.phase == Phase::kFailed || frame.phase == Phase::kInDoubt ||
           frame.phase == Phase::kUnfit;
}

}  // namespace

const char* name_of(Status status) {
    switch (status) {
        case Status::kRunning: return "running";
        case Status::kCompensating: return "compensating";
        case Status::kDone: return "done";
        case Status::kCompensated: return "compensated";
    }
    return "unknown";
}

const char* name_of(Request::Kind kind) {
    switch (kind) {
        case Request::Kind::kAsk: return "ask";
        case Request::Kind::kOperation: return "operation";
        case Request::Kind::kWrite: return "write";
        case Request::Kind::kEvent: return "event";
        case Request::Kind::kStart: return "start";
        case Request::Kind::kCancel: return "cancel";
    }
    return "unknown";
}

const char* name_of(Phase phase) {
    switch (phase) {
        case Phase::kReady: return "ready";
        case Phase::kSent: return "sent";
        case Phase::kBackOff: return "back_off";
        case Phase::kWaiting: return "waiting";
        case Phase::kApproving: return "approving";
        case Phase::kInside: return "inside";
        case Phase::kFailed: return "failed";
        case Phase::kInDoubt: return "in_doubt";
        case Phase::kUnfit: return "unfit";
    }
    return "unknown";
}

bool Instance::is_held() const {
    return hold != Hold::kNone || any_frame(frames, waits_for_person);
}

std::string instance_id(const WorkflowName& workflow, std::string_view key) {
    return hexadecimal(bytes_of(sha256({workflow.text, "/", key}))).substr(0, kIdDigits);
}

Instance compact(const Instance& instance) {
    if (!is_end(instance.status)) return instance;
    Instance rest;
    rest.id = instance.id;
    rest.workflow = instance.workflow;
    rest.definition = instance.definition;
    rest.version = instance.version;
    rest.policy = instance.policy;
    rest.revision = instance.revision;
    rest.status = instance.status;
    rest.started_at = instance.started_at;
    rest.clock = instance.clock;
    rest.reason = instance.reason;
    rest.log_hash = instance.log_hash;
    rest.compacted = true;
    return rest;
}

Instance without_outbox(Instance instance) {
    instance.outbox = {};
    return instance;
}

std::optional<Timestamp> next_due(const Instance& instance) {
    if (is_end(instance.status)) return std::nullopt;
    std::optional<Timestamp> first;
    const auto note = [&](Timestamp due) {
        if (due != Timestamp{} && (!first || due < *first)) first = due;
    };
    const bool running = instance.status == Status::kRunning;
    const bool begins = running && !instance.is_held();
    note(instance.deadline);
    static_cast<void>(any_frame(instance.frames, [&](const Frame& frame) {
        // What is ready was left over: a decision begins so many steps at most.
        if (frame.phase == Phase::kReady && begins) note(instance.clock);
        if (frame.phase != Phase::kBackOff || begins) note(frame.due);
        note(frame.remind);
        return false;
    }));
    for (const Applied& one : instance.applied) note(one.due);
    return first;
}

}  // namespace syncline::hub::workflow
