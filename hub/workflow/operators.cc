#include <algorithm>

#include "hub/workflow/work.h"
#include "shared/policy/policy_toml.h"

namespace syncline::hub::workflow {
namespace {

using Hold = Instance::Hold;
using Undo = Applied::Undo;
using What = Acted::What;

bool is_named(std::string_view path, std::string_view wanted) {
    return path == wanted || path.substr(path.rfind('/') + 1) == wanted;
}

std::string because(const Acted& acted) {
    std::string text = acted.who.empty() ? "somebody" : acted.who;
    return acted.reason.empty() ? text : text + ": " + acted.reason;
}

/// One of an operator's actions about a step.
class OnStep {
public:
    OnStep(Work& work, const Acted& acted) : work_(work), acted_(acted) {}

    /// Why nothing was done; empty if it was.
    std::string run() {
        if (acted_.step.empty()) return "say which step";
        if (acted_.what == What::kSkip && acted_.reason.empty()) return "to skip needs a reason";
        std::string why = "no step " + acted_.step + " is being run";
        visit(work_, work_.state.frames, [&](Frame& frame, const StepSpec& spec) {
            if (frame.phase == Phase::kInside || !is_named(work_.path_of(frame), acted_.step))
                return false;
            why = on_frame(frame, spec);
            return true;
        });
        for (Applied& one : work_.state.applied) {
            if (work_.state.status != Status::kCompensating) break;
            if (!is_named(one.path, acted_.step) || !waits(one)) continue;
            return on_undo(one);
        }
        return why;
    }

private:
    static bool waits(const Applied& one) {
        return one.undo == Undo::kFailed || one.undo == Undo::kInDoubt ||
               one.undo == Undo::kBackOff;
    }

    std::string on_frame(Frame& frame, const StepSpec& spec) {
        switch (acted_.what) {
            case What::kRetry: return retry(frame);
            case What::kSkip: return skip(frame, spec);
            default: return applied(frame, spec);
        }
    }

    std::string retry(Frame& frame) {
        if (frame.phase == Phase::kUnfit) {
            return "it was done already: say what it gave (applied), or skip that with a reason";
        }
        const bool again = frame.phase == Phase::kFailed || frame.phase == Phase::kInDoubt ||
                           frame.phase == Phase::kBackOff;
        if (!again) return "it has not failed";
        if (const auto done = work_.assign(acted_.fields); !done) return done.error().what;
        work_.close_exceptions(work_.path_of(frame));
        work_.note("retries " + work_.path_of(frame) + ", by " + because(acted_));
        frame.tried = 0;
        frame.due = {};
        if (work_.state.status != Status::kRunning) return drop(frame);
        frame.phase = Phase::kReady;
        return {};
    }
    /// It was not applied, so that there is nothing to undo.
    std::string drop(Frame& frame) {
        next(work_, frame);
        return {};
    }

    std::string skip(Frame& frame, const StepSpec& spec) {
        if (std::holds_alternative<ApproveStep>(spec.action)) {
            return "an approval cannot be skipped: have it answered, or cancel";
        }
        const bool effect = spec.has_effect() || std::holds_alternative<CallStep>(spec.action);
        if (frame.phase == Phase::kSent && effect) {
            return "what it asked for may be done at any time: wait for the answer, or cancel";
        }
        if (const auto done = work_.assign(acted_.fields); !done) return done.error().what;
        work_.close_exceptions(work_.path_of(frame));
        work_.note("skips " + work_.path_of(frame) + ", by " + because(acted_));
        next(work_, frame);
        return {};
    }

    std::string applied(Frame& frame, const StepSpec& spec) {
        if (frame.phase != Phase::kInDoubt && frame.phase != Phase::kUnfit) {
            return "nobody doubts whether it was done";
        }
        work_.note(work_.path_of(frame) + " was applied, says " + because(acted_));
        answered(work_, frame, spec, acted_.fields);
        return {};
    }

    std::string on_undo(Applied& one) {
        const std::string path = one.path;
        if (work_.spec_of(path) == nullptr) return "the definition does not have it any more";
        for (const auto& [name, value] : acted_.fields) {
            if (!is_policy_name(name.text) || !is_flat_enough(value)) {
                return "`" + name.text + "` cannot be given to what undoes it";
            }
        }
        if (size_in_bytes(acted_.fields) > limits::kInputBytes) return "that is too large";
        work_.close_exceptions(path);
        if (acted_.what == What::kRetry) {
            work_.note("undoes " + path + " again, by " + because(acted_));
            // A person may give what could not be worked out. It goes out when its turn comes.
            for (const auto& [name, value] : acted_.fields) one.input.set(name, value);
            one.undo = Undo::kNone;
            one.tried = 0;
            one.due = {};
            one.flaw.clear();
        } else if (acted_.what == What::kSkip) {
            work_.note("leaves " + path + " as it is, by " + because(acted_));
            one.undo = Undo::kLeft;
            one.due = {};
        } else {
            work_.note(path + " is undone, says " + because(acted_));
            const std::uint32_t run = one.run;
            std::erase_if(work_.state.applied, [&](const Applied& each) {
                return each.path == path && each.run == run;
            });
        }
        return {};
    }
    Work& work_;
    const Acted& acted_;
};

std::string resume(Work& work, const Acted& acted) {
    bool any = work.state.hold != Hold::kNone;
    work.state.hold = Hold::kNone;
    if (any) work.close_exceptions({});
    visit(work, work.state.frames, [&](Frame& frame, const StepSpec&) {
        if (frame.phase != Phase::kFailed) return false;
        work.close_exceptions(work.path_of(frame));
        frame.phase = Phase::kReady;
        frame.tried = 0;
        any = true;
        return false;
    });
    if (work.state.status == Status::kCompensating) {
        for (Applied& one : work.state.applied) {
            if (one.undo != Undo::kFailed) continue;
            work.close_exceptions(one.path);
            one.undo = Undo::kNone;
            one.tried = 0;
            any = true;
        }
    }
    if (!any) return "it is not paused; what is in doubt is told apart first";
    work.note("resumed by " + because(acted));
    return {};
}

std::string pause(Work& work, const Acted& acted) {
    if (work.state.status != Status::kRunning) return "what is being undone cannot be paused";
    if (work.state.hold == Hold::kPerson) return "it is paused already";
    work.state.hold = Hold::kPerson;
    work.note("paused by " + because(acted));
    return {};
}

/// Has something been sent out that may still have an effect?
bool is_out(Work& work) {
    return visit(work, work.state.frames, [&](const Frame& frame, const StepSpec& spec) {
        const bool effect = spec.has_effect() || std::holds_alternative<CallStep>(spec.action);
        return effect && (frame.phase == Phase::kSent || frame.phase == Phase::kInDoubt);
    });
}

std::string restart(Work& work, const Acted& acted) {
    const Steps& steps = *work.workflow.block("", work.state.variant);
    const auto at = std::ranges::find(steps, acted.step, &StepSpec::name);
    if (at == steps.end()) return "`" + acted.step + "` is no step of the workflow itself";
    if (work.state.status == Status::kCompensating) return "it is being undone";
    if (!work.state.parent.empty() && is_end(work.state.status)) {
        return "its end was told to " + work.state.parent;
    }
    if (is_out(work)) return "a step is out that may have its effect yet";
    std::string left;
    for (const Applied& one : work.state.applied) {
        const std::string first = one.path.substr(0, one.path.find_first_of("./"));
        const auto of = std::ranges::find(steps, first, &StepSpec::name);
        if (of >= at) left += (left.empty() ? "" : ", ") + one.path;
    }
    if (!left.empty()) return "what came after has effects that are not undone: " + left;
    visit(work, work.state.frames, [&](Frame& frame, const StepSpec& spec) {
        if (frame.phase == Phase::kApproving) {
            work.publish(approval_of(work, frame, spec, ApprovalNews::What::kWithdrawn));
        }
        work.close_exceptions(work.path_of(frame));
        return false;
    });
    work.close_exceptions({});
    Frame frame;
    frame.step = acted.step;
    work.state.frames = {std::move(frame)};
    ++work.state.run;
    work.state.status = Status::kRunning;
    work.state.hold = Hold::kNone;
    work.state.reason.clear();
    work.note("goes on from " + acted.step + ", by " + because(acted));
    return {};
}

void tell_parent_again(Work& work) {
    work.publish(Told{.what = Told::What::kFinished,
                      .to = work.state.parent,
                      .key = work.state.parent_key,
                      .status = work.state.status,
                      .fields = work.state.context,
                      .text = work.state.reason});
}

std::string cancel(Work& work, const Acted& acted) {
    const bool by_parent =
        !work.state.parent.empty() && acted.who == parent_actor(work.state.parent);
    const Status status = work.state.status;
    if (status == Status::kCompensated && by_parent) return tell_parent_again(work), "";
    if (status == Status::kCompensating && by_parent) return "";
    if (status != Status::kRunning && !(status == Status::kDone && by_parent)) {
        return std::string{"it is "} + name_of(status) + " already";
    }
    work.ending = Ending{Status::kCompensating, "cancelled by " + because(acted)};
    work.changed = true;
    return {};
}

}  // namespace

const char* name_of(Acted::What what) {
    switch (what) {
        case What::kPause: return "pause";
        case What::kResume: return "resume";
        case What::kRetry: return "retry";
        case What::kSkip: return "skip";
        case What::kApplied: return "applied";
        case What::kRestart: return "restart";
        case What::kCancel: return "cancel";
        case What::kMigrate: return "migrate";
    }
    return "unknown";
}

Result<Acted::What> action_named(std::string_view name) {
    std::string all;
    for (int i = 0; i <= static_cast<int>(Acted::What::kMigrate); ++i) {
        const auto what = static_cast<Acted::What>(i);
        if (name == name_of(what)) return what;
        all += std::string{all.empty() ? "" : ", "} + name_of(what);
    }
    return fail(ErrorKind::kNotFound, "there is no action `" + std::string{name} + "`: " + all);
}

std::string parent_actor(std::string_view instance) { return "workflow:" + std::string{instance}; }

void take_action(Work& work, const Acted& acted, const Input& input) {
    std::string why;
    if (work.state.compacted) {
        why = "only how it ended is kept of it";
    } else if (acted.what == What::kCancel) {
        why = cancel(work, acted);
    } else if (is_end(work.state.status) && acted.what != What::kRestart) {
        why = std::string{"it is "} + name_of(work.state.status) + " already";
    } else if (work.state.status == Status::kDone) {
        why = "it is done already";
    } else {
        switch (acted.what) {
            case What::kPause: why = pause(work, acted); break;
            case What::kResume: why = resume(work, acted); break;
            case What::kRetry:
            case What::kSkip:
            case What::kApplied: why = OnStep{work, acted}.run(); break;
            case What::kRestart: why = restart(work, acted); break;
            case What::kMigrate: why = "it has this definition already"; break;
            case What::kCancel: break;
        }
    }
    if (!why.empty()) work.refuse(std::move(why), input);
}

}  // namespace syncline::hub::workflow
