#include <algorithm>

#include "hub/workflow/work.h"

namespace syncline::hub::workflow {
namespace {

using Undo = Applied::Undo;

constexpr const char* kWhatToDo = "; retry it, or skip it with a reason";

std::string undo_key(const Work& work, const Applied& one) {
    return work.key_of(one.path, one.run) + "/undo";
}

bool is_call(const StepSpec& spec) { return std::holds_alternative<CallStep>(spec.action); }

/// What is not undone yet and is not to stay, as a list; newest first.
std::string remaining(const Work& work) {
    std::string text;
    for (auto one = work.state.applied.rbegin(); one != work.state.applied.rend(); ++one) {
        if (one->undo != Undo::kLeft) text += (text.empty() ? "" : ", ") + one->path;
    }
    return text;
}

void undo_failed(Work& work, Applied& one, Undo undo, const std::string& why) {
    one.undo = undo;
    one.due = {};
    one.tried = 0;
    one.flaw = cut(why);
    work.changed = true;
}

/// Each says what remains by now, so it is told anew when that changes.
void tell_failures(Work& work) {
    for (const Applied& one : work.state.applied) {
        if (one.undo != Undo::kFailed && one.undo != Undo::kInDoubt) continue;
        work.open_exception(codes::kCompensationFailed, one.path,
                            "step `" + one.path + "` is not undone: " + one.flaw +
                                "; to be undone are " + remaining(work) + kWhatToDo);
    }
}

void undone(Work& work, const std::string& path, std::uint32_t run) {
    work.close_exceptions(path);
    work.note(path + " is undone");
    std::erase_if(work.state.applied,
                  [&](const Applied& one) { return one.path == path && one.run == run; });
}

/// Has what was to be undone had its effect, or can it still have one?
bool may_have_effect(const Frame& frame, const StepSpec& spec) {
    const bool effect = spec.has_effect() || is_call(spec);
    return effect && (frame.phase == Phase::kSent || frame.phase == Phase::kInDoubt);
}

/// Drops the frames of which nothing is out. What is out is told apart first.
void prune(Work& work, std::vector<Frame>& frames) {
    std::erase_if(frames, [&](Frame& frame) {
        const StepSpec* spec = work.spec_of(frame);
        if (spec == nullptr) return true;
        {
            const Inside inside{work, frame, *spec};
            prune(work, frame.inside);
        }
        if (!frame.inside.empty() || may_have_effect(frame, *spec)) return false;
        if (frame.phase == Phase::kApproving) {
            work.publish(approval_of(work, frame, *spec, ApprovalNews::What::kWithdrawn));
        }
        work.close_exceptions(work.path_of(frame));
        return true;
    });
}

/// True if an answer is awaited now.
bool begin_undo(Work& work, Applied& one) {
    const StepSpec* spec = work.spec_of(one.path);
    if (spec == nullptr) {
        undo_failed(work, one, Undo::kFailed, "the definition does not have it any more");
        return false;
    }
    if (!is_call(*spec) && !spec->compensate) {
        one.undo = Undo::kLeft;
        work.note(one.path + " stays: " + spec->because);
        return false;
    }
    if (!one.flaw.empty() && one.attempt == 0) {
        undo_failed(work, one, Undo::kFailed, one.flaw);
        return false;
    }
    send_undo(work, one, *spec);
    return true;
}

Applied* find_undo(Work& work, std::string_view key) {
    for (Applied& one : work.state.applied) {
        if (undo_key(work, one) == key) return &one;
        const StepSpec* spec = work.spec_of(one.path);
        if (spec != nullptr && is_call(*spec) && key_text(one.subject) == key) return &one;
    }
    return nullptr;
}

}  // namespace

Applied applied_by(Work& work, const Frame& frame, const StepSpec& spec) {
    Applied one{.path = work.path_of(frame), .run = work.state.run};
    if (is_call(spec)) one.subject = work.key_of(frame, spec);
    if (!spec.compensate) return one;
    const auto flaw = [&](const Error& error) {
        one.flaw = cut("what undoes it cannot be worked out: " + error.what);
    };
    const auto& write = spec.compensate->write;
    auto input = work.evaluate(write ? write->fields : spec.compensate->with);
    if (!input) return flaw(input.error()), one;
    one.input = *std::move(input);
    if (!write) return one;
    auto key = work.evaluate(*write->key);
    if (!key) return flaw(key.error()), one;
    one.subject = *std::move(key);
    return one;
}

Request undo_request_of(const Work& work, const Applied& one, const StepSpec& spec) {
    Request request{.kind = Request::Kind::kOperation,
                    .key = undo_key(work, one),
                    .subject = one.subject,
                    .fields = one.input,
                    .attempt = one.attempt,
                    .undoes = true};
    if (const auto* call = std::get_if<CallStep>(&spec.action)) {
        request.kind = Request::Kind::kCancel;
        request.key = key_text(one.subject);  // As its child knows it.
        request.name = call->workflow.text;
        request.subject = instance_id(call->workflow, request.key);
    } else if (spec.compensate && spec.compensate->write) {
        request.kind = Request::Kind::kWrite;
        request.name = spec.compensate->write->object.text;
    } else if (spec.compensate) {
        request.name = spec.compensate->operation;
    }
    return request;
}

void send_undo(Work& work, Applied& one, const StepSpec& spec) {
    one.undo = Undo::kSent;
    one.due = {};
    one.flaw.clear();
    ++one.attempt;
    ++one.tried;
    work.note("undoes " + one.path + ", attempt " + std::to_string(one.attempt));
    work.publish(undo_request_of(work, one, spec));
}

void start_undo(Work& work, std::string reason) {
    work.state.status = Status::kCompensating;
    work.state.reason = cut(std::move(reason));
    work.state.hold = Instance::Hold::kNone;
    work.state.deadline = {};
    work.close_exceptions({});
    work.note("undoes what was done: " + work.state.reason);
    prune(work, work.state.frames);
    visit(work, work.state.frames, [&](Frame& frame, const StepSpec& spec) {
        frame.due = {};
        if (is_call(spec) && frame.phase == Phase::kSent) {
            work.publish(request_of(work, frame, spec));
        }
        return false;
    });
}

void go_on_undoing(Work& work) {
    prune(work, work.state.frames);
    if (!work.state.frames.empty()) return;
    const auto is_out = [](const Applied& one) {
        return one.undo == Undo::kSent || one.undo == Undo::kBackOff;
    };
    if (std::ranges::any_of(work.state.applied, is_out)) return;
    bool out = false;
    for (auto one = work.state.applied.rbegin(); one != work.state.applied.rend() && !out; ++one) {
        if (one->undo == Undo::kNone) out = begin_undo(work, *one);
    }
    tell_failures(work);
    const auto waits = [](const Applied& one) { return one.undo != Undo::kLeft; };
    if (std::ranges::none_of(work.state.applied, waits)) finish(work, Status::kCompensated);
}

bool take_undo_outcome(Work& work, const OperationOutcome& outcome) {
    using What = OperationOutcome::What;
    Applied* one = find_undo(work, outcome.key);
    if (one == nullptr || one->undo == Undo::kNone || one->undo == Undo::kLeft) return false;
    const StepSpec* spec = work.spec_of(one->path);
    if (outcome.what == What::kApplied) {
        undone(work, std::string{one->path}, one->run);
        return true;
    }
    const bool current = outcome.attempt == one->attempt &&
                         (one->undo == Undo::kSent || one->undo == Undo::kInDoubt);
    if (!current || spec == nullptr) return true;
    const std::string why = std::string{name_of(outcome.error)} + ", " + outcome.text;
    if (outcome.what == What::kInDoubt) {
        if (one->undo == Undo::kSent) {
            undo_failed(work, *one, Undo::kInDoubt,
                        "nobody knows whether that was carried out: look, and say that it was "
                        "(applied), or that it was not");
        }
    } else if (is_passing(outcome.error) && one->tried < spec->retry.attempts &&
               one->undo == Undo::kSent) {
        one->undo = Undo::kBackOff;
        one->due = work.now + back_off(work, spec->retry, undo_key(work, *one), one->tried);
        work.note("undoing " + one->path + ": " + why + "; again at " + to_string(one->due));
    } else {
        undo_failed(work, *one, Undo::kFailed, why);
    }
    return true;
}

bool take_undone_child(Work& work, const ChildDone& child) {
    for (const Applied& one : work.state.applied) {
        const StepSpec* spec = work.spec_of(one.path);
        if (spec == nullptr || !is_call(*spec) || one.undo == Undo::kNone) continue;
        if (key_text(one.subject) != child.key) continue;
        if (child.status == Status::kCompensated) undone(work, std::string{one.path}, one.run);
        return true;
    }
    return false;
}

}  // namespace syncline::hub::workflow
