#include <algorithm>

#include "hub/workflow/work.h"

namespace syncline::hub::workflow {
namespace {

/// Something that is due.
struct Alarm {
    Timestamp due;
    enum class What : std::uint8_t { kDeadline, kFrame, kRemind, kUndo } what = What::kDeadline;
    std::string path;
};

/// The first that is due by now.
std::optional<Alarm> first_alarm(Work& work) {
    std::optional<Alarm> first;
    const auto note = [&](Timestamp due, Alarm::What what, std::string path) {
        if (due == Timestamp{} || due > work.now || (first && first->due <= due)) return;
        first = Alarm{due, what, std::move(path)};
    };
    note(work.state.deadline, Alarm::What::kDeadline, {});
    const bool begins = work.state.status == Status::kRunning && !work.state.is_held();
    visit(work, work.state.frames, [&](const Frame& frame, const StepSpec&) {
        // A person is waited for: what would be sent again waits with the rest.
        if (frame.phase != Phase::kBackOff || begins) {
            note(frame.due, Alarm::What::kFrame, work.path_of(frame));
        }
        // Of what is too late nobody is reminded.
        if (frame.due == Timestamp{} || frame.due > work.now) {
            note(frame.remind, Alarm::What::kRemind, work.path_of(frame));
        }
        return false;
    });
    for (const Applied& one : work.state.applied) note(one.due, Alarm::What::kUndo, one.path);
    return first;
}

void deadline(Work& work) {
    work.state.deadline = {};
    work.note("the deadline of the workflow is past");
    if (work.workflow.on_deadline == Recourse::kCompensate) {
        work.ending = Ending{Status::kCompensating, "it was not done in time"};
        return;
    }
    work.state.hold = Instance::Hold::kDeadline;
    work.open_exception(codes::kDeadline, {},
                        "it was not done in time; resume it without a deadline, or cancel");
}

void wait_is_over(Work& work, Frame& frame, const StepSpec& spec, const WaitStep& wait) {
    frame.due = {};
    if (wait.event.empty()) return next(work, frame);
    std::string what = "step `" + spec.name + "`: " + wait.event + " of " +
                       key_text(frame.subject) + " did not come in time";
    switch (spec.on_deadline) {
        case Recourse::kContinue: work.note(what + "; goes on"); return next(work, frame);
        case Recourse::kCompensate:
            work.note(what);
            work.ending = Ending{Status::kCompensating, std::move(what)};
            return;
        case Recourse::kPause:
            stuck(work, frame, codes::kDeadline,
                  what + "; wait again (retry), skip it with a reason, or cancel");
    }
}

void frame_is_due(Work& work, Frame& frame, const StepSpec& spec) {
    if (frame.phase == Phase::kBackOff) return send(work, frame, spec);
    if (frame.phase == Phase::kApproving) return approval_expired(work, frame, spec);
    if (const auto* wait = std::get_if<WaitStep>(&spec.action)) {
        return wait_is_over(work, frame, spec, *wait);
    }
    frame.due = {};
    if (std::holds_alternative<AskStep>(spec.action)) {
        return failed(work, frame, spec, ErrorClass::kTimeout, "no answer");
    }
    // What has an effect may have it yet: it is waited for, and told.
    work.open_exception(codes::kDeadline, work.path_of(frame),
                        "step `" + spec.name +
                            "` is not answered in time; it is waited for: see "
                            "that whoever does it runs, or cancel");
}

void fire(Work& work, const Alarm& alarm) {
    work.changed = true;
    if (alarm.what == Alarm::What::kDeadline) return deadline(work);
    if (alarm.what == Alarm::What::kUndo) {
        for (Applied& one : work.state.applied) {
            if (one.path != alarm.path || one.due != alarm.due) continue;
            one.due = {};
            if (const StepSpec* spec = work.spec_of(one.path)) send_undo(work, one, *spec);
            return;
        }
        return;
    }
    visit(work, work.state.frames, [&](Frame& frame, const StepSpec& spec) {
        if (work.path_of(frame) != alarm.path) return false;
        if (alarm.what == Alarm::What::kRemind) {
            remind(work, frame, spec);
        } else {
            frame_is_due(work, frame, spec);
        }
        return true;
    });
}

}  // namespace

void take_tick(Work& work) {
    if (is_end(work.state.status)) return;
    settle(work);  // What a decision before left over.
    // Each fires once and is then due later or never, so that few rounds are enough; the bound is
    // for what nobody has thought of.
    for (std::size_t i = 0; i < limits::kStepsAtOnce; ++i) {
        const auto alarm = first_alarm(work);
        if (!alarm) return;
        fire(work, *alarm);
        settle(work);
        if (is_end(work.state.status)) return;
    }
}

}  // namespace syncline::hub::workflow
