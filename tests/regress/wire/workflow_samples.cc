#include "hub/workflow/instance_codec.h"
#include "hub/workflow/message.h"
#include "tests/regress/wire/samples.h"

namespace syncline::test {
namespace {

using namespace hub::workflow;

const Fields kContext{{FieldName{"a"}, 1}, {FieldName{"b"}, "x"}};

Request request(Request::Kind kind) {
    return {kind, "w/i/step", "reserve", "C-1", kContext, 2, Timestamp{30}, true};
}

ApprovalNews approval() {
    return {ApprovalNews::What::kVoted,
            "w/i/approve",
            "lead",
            2,
            kContext,
            "hash",
            "rita",
            Timestamp{40}};
}

Told told() {
    return {Told::What::kFinished, "asker", "w/i/call", Status::kCompensated, kContext, "text"};
}

LogEntry workflow_log() {
    return {.instance = "w/i",
            .revision = 4,
            .at = Timestamp{5},
            .policy = 3,
            .inputs = {"reply check"},
            .decided = {"step ship is begun"},
            .taken = {"message"},
            .previous = std::string(32, '\x5A')};
}

Frame frame() {
    Frame inner{.block = "lines", .step = "ship", .phase = Phase::kBackOff, .attempt = 1};
    return {.block = "",
            .step = "each",
            .phase = Phase::kApproving,
            .attempt = 2,
            .tried = 3,
            .due = Timestamp{6},
            .remind = Timestamp{7},
            .input = kContext,
            .subject = "C-1",
            .level = 1,
            .votes = {{"anna", "bert", 1}},
            .seen = "hash",
            .escalated = true,
            .items = {1, "two"},
            .index = 1,
            .inside = {inner}};
}

Instance instance() {
    Instance one{.id = "w/i",
                 .workflow = WorkflowName{"w"},
                 .definition = "definition-hash",
                 .version = 2,
                 .policy = 3,
                 .variant = "eu",
                 .revision = 4,
                 .status = Status::kCompensating,
                 .hold = Instance::Hold::kDeadline,
                 .started_at = Timestamp{1},
                 .clock = Timestamp{5},
                 .deadline = Timestamp{90},
                 .requester = "rita",
                 .trace = "00-ab-cd-01",
                 .parent = "p/i",
                 .parent_key = "p/i/call",
                 .context = kContext,
                 .run = 2};
    one.frames = {frame()};
    one.applied = {{"lines.3/ship", 2, Applied::Undo::kInDoubt, 1, 2, Timestamp{8}, kContext, "C-1",
                    "no price"}};
    one.heard = {{"order.paid", "C-1", kContext}};
    one.exceptions = {{"workflow.step_failed", "ship", "refused"}};
    one.seen = {1, UINT64_MAX};
    one.reason = "cancelled";
    one.compacted = true;
    one.log_hash = std::string(32, '\xA5');
    one.awaits = {{"order.paid", "C-1"}};
    one.outbox = {
        {9},
        {request(Request::Kind::kWrite), approval(),
         ExceptionNews{ExceptionNews::What::kClosed, "workflow.in_doubt", "ship", ""}, told()},
        workflow_log()};
    return one;
}

}  // namespace

std::vector<Sample> workflow_samples() {
    const auto write = [](const auto& value) { return encode(value); };
    const auto input = [&](const char* kind, auto what) {
        return sample_of(kind, Message{"w/i", "me", {"id", {}, std::move(what)}, "fault"}, write,
                         decode_message);
    };
    return {
        sample_of("instance", instance(), write, decode_instance),
        sample_of("workflow_log", workflow_log(), write,
                  [](std::string_view body) { return decode_log_entry(body); }),
        sample_of("told", told(), write, decode_told),
        sample_of("approval", approval(), write, decode_approval),
        input("input_start",
              Start{"w/i", WorkflowName{"w"}, "api", kContext, "rita", "t", "p/i", "p/i/call"}),
        input("input_reply", Reply{"w/i/check", 2, ErrorClass::kDenied, kContext, "no"}),
        input("input_outcome",
              OperationOutcome{"w/i/ship", 3, OperationOutcome::What::kInDoubt,
                               ErrorClass::kTimeout, kContext, "?", PlatformId{"erp"}}),
        input("input_event", EventArrived{"order.paid", "C-1", kContext}),
        input("input_decision",
              Decision{
                  "w/i/approve", Decision::What::kReject, "anna", {"lead"}, "hash", "no", "bert"}),
        input("input_acted", Acted{Acted::What::kMigrate, "anna", "ship", "why", kContext}),
        input("input_child_done", ChildDone{"w/i/call", Status::kCompensated, kContext, "t"}),
    };
}

}  // namespace syncline::test
