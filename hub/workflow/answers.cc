#include <algorithm>

#include "hub/workflow/message.h"
#include "hub/workflow/work.h"

namespace syncline::hub::workflow {
namespace {

/// Calls `take(frame, spec)` with the frame whose step has the key, if it stands there.
bool with_frame(Work& work, std::string_view key, const auto& take) {
    return visit(work, work.state.frames, [&](Frame& frame, const StepSpec& spec) {
        if (frame.phase == Phase::kInside || work.key_of(frame, spec) != key) return false;
        take(frame, spec);
        return true;
    });
}

/// Is the answer to what was sent last, while one is awaited?
bool is_to(const Frame& frame, std::uint32_t attempt) {
    return frame.phase == Phase::kSent && frame.attempt == attempt;
}

bool waits_for_effect(const Frame& frame) {
    return frame.phase == Phase::kSent || frame.phase == Phase::kBackOff ||
           frame.phase == Phase::kInDoubt || frame.phase == Phase::kFailed;
}

/// Does some step of the definition wait for such events?
bool is_waited_for(const Workflow& workflow, std::string_view event) {
    const auto waits = [&](const StepSpec& step) {
        const auto* wait = std::get_if<WaitStep>(&step.action);
        return wait != nullptr && wait->event == event;
    };
    const auto some = [&](const Steps& steps) { return std::ranges::any_of(steps, waits); };
    return some(workflow.steps) ||
           std::ranges::any_of(workflow.blocks,
                               [&](const auto& block) { return some(block.second); }) ||
           std::ranges::any_of(workflow.variants,
                               [&](const Variant& variant) { return some(variant.steps); });
}

std::size_t bytes_of_event(const Heard& heard) {
    return heard.event.size() + heard.key.size() + size_in_bytes(heard.fields);
}

/// Those of the event's fields that a step would take.
Fields wanted(const Workflow& workflow, const EventArrived& event) {
    Fields fields;
    const auto look = [&](const Steps& steps) {
        for (const StepSpec& step : steps) {
            const auto* wait = std::get_if<WaitStep>(&step.action);
            if (wait == nullptr || wait->event != event.event) continue;
            for (const Assignment& one : step.into) {
                for (const std::string& name : one.value.reads()) {
                    const Value* value = event.fields.find(std::string_view{name});
                    if (value != nullptr) fields.set(FieldName{name}, *value);
                }
            }
        }
    };
    look(workflow.steps);
    for (const auto& [name, steps] : workflow.blocks) look(steps);
    for (const Variant& variant : workflow.variants) look(variant.steps);
    return fields;
}

/// Keeps it for a step that comes to wait for it, at the cost of the oldest.
void keep(Work& work, const EventArrived& event) {
    Heard heard{event.event, event.key, wanted(work.workflow, event)};
    std::size_t bytes = bytes_of_event(heard);
    const bool flat = std::ranges::all_of(
        heard.fields, [](const Fields::Entry& entry) { return is_flat_enough(entry.second); });
    if (bytes > limits::kHeardBytes || !flat) {
        return work.note(event.event + " is too large to be kept");
    }
    auto& all = work.state.heard;
    for (const Heard& one : all) bytes += bytes_of_event(one);
    while (!all.empty() && (all.size() >= limits::kHeardMost || bytes > limits::kHeardBytes)) {
        bytes -= bytes_of_event(all.front());
        work.note("forgets " + all.front().event + " of " + all.front().key);
        all.erase(all.begin());
    }
    all.push_back(std::move(heard));
    work.note("keeps " + event.event + " of " + event.key);
}

}  // namespace

void take_reply(Work& work, const Reply& reply) {
    with_frame(work, reply.key, [&](Frame& frame, const StepSpec& spec) {
        if (!std::holds_alternative<AskStep>(spec.action) || !is_to(frame, reply.attempt)) return;
        if (reply.error) {
            failed(work, frame, spec, *reply.error, reply.text);
        } else {
            answered(work, frame, spec, reply.fields);
        }
    });
}

bool is_by_whom_it_asked(const Work& work, const OperationOutcome& outcome) {
    if (outcome.platform.empty()) return true;
    std::string path = step_of(outcome.key);
    const bool undoes = path.ends_with("/undo");
    if (undoes) path.resize(path.size() - std::string_view{"/undo"}.size());
    path.resize(std::min(path.size(), path.rfind('~')));
    const StepSpec* spec = work.spec_of(path);
    if (spec == nullptr) return true;
    std::string asked;
    if (undoes) {
        if (spec->compensate) asked = spec->compensate->operation;
    } else if (const auto* step = std::get_if<OperationStep>(&spec->action)) {
        asked = step->operation;
    }
    const auto name = split_operation(asked);
    return name && name->first == outcome.platform;
}

void take_outcome(Work& work, const OperationOutcome& outcome) {
    using What = OperationOutcome::What;
    const bool known = with_frame(work, outcome.key, [&](Frame& frame, const StepSpec& spec) {
        if (!spec.has_effect()) return;
        // Whichever attempt it was: it is the same operation, and it is applied.
        if (outcome.what == What::kApplied) {
            if (waits_for_effect(frame)) answered(work, frame, spec, outcome.fields);
        } else if (outcome.what == What::kRefused) {
            const bool settles = frame.phase == Phase::kInDoubt && outcome.attempt == frame.attempt;
            if (!is_to(frame, outcome.attempt) && !settles) return;
            work.close_exceptions(work.path_of(frame));
            failed(work, frame, spec, outcome.error, outcome.text);
        } else if (is_to(frame, outcome.attempt)) {
            std::string reason = "nobody knows whether step `" + spec.name + "` was carried out";
            if (!outcome.text.empty()) reason += ": " + outcome.text;
            work.close_exceptions(work.path_of(frame));
            stuck(work, frame, codes::kInDoubt,
                  reason +
                      "; look, and say that it was (applied), or that it was not (retry, or "
                      "skip with a reason)");
            frame.phase = Phase::kInDoubt;
        }
    });
    if (!known) take_undo_outcome(work, outcome);
}

void take_event(Work& work, const EventArrived& event) {
    if (work.state.status != Status::kRunning) return;
    bool used = false;
    visit(work, work.state.frames, [&](Frame& frame, const StepSpec& spec) {
        const auto* wait = std::get_if<WaitStep>(&spec.action);
        if (wait == nullptr || frame.phase != Phase::kWaiting || wait->event != event.event ||
            frame.subject != Value{event.key}) {
            return false;
        }
        used = true;
        answered(work, frame, spec, event.fields);
        return false;  // Others may wait for the same.
    });
    const bool matters = is_id(event.key) && is_waited_for(work.workflow, event.event);
    if (!used && matters) keep(work, event);
}

void take_child(Work& work, const ChildDone& child) {
    if (!is_end(child.status)) return;
    const bool known = with_frame(work, child.key, [&](Frame& frame, const StepSpec& spec) {
        if (!std::holds_alternative<CallStep>(spec.action)) return;
        if (frame.phase != Phase::kSent) return;
        if (child.status == Status::kDone) {
            // While this one is undone: it was done before it heard, and is one more to undo.
            answered(work, frame, spec, child.fields);
        } else {
            work.close_exceptions(work.path_of(frame));
            failed(
                work, frame, spec, ErrorClass::kPermanent,
                "the workflow it called is undone" + (child.text.empty() ? "" : ": " + child.text));
        }
    });
    if (!known) take_undone_child(work, child);
}

}  // namespace syncline::hub::workflow
