#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/workflow/decide.h"

/// What the parts of decide() share. Internal to hub/workflow.
namespace syncline::hub::workflow {

/// Where an instance goes once the frames may be touched: while they are run they stay.
struct Ending {
    Status status = Status::kDone;  ///< kDone, or kCompensating.
    std::string reason;
};

struct Work {
    const Policy& policy;
    const Workflow& workflow;
    const Context& context;
    Instance& state;
    Timestamp now{};
    bool changed = false;  ///< By the input that is being decided.
    Effects effects{};
    Effects answers{};  ///< To inputs; whoever gives one again is answered again.
    std::vector<std::string> decided{};
    std::optional<Ending> ending{};
    std::size_t begun = 0;      ///< Steps.
    std::size_t published = 0;  ///< Bytes of effects, about.
    /// Of the blocks around the frame that is looked at: items by name, and the path.
    std::vector<std::pair<FieldName, Value>> items{};
    std::string prefix{};
    std::size_t depth = 0;

    // ---- What is where. ----
    [[nodiscard]] const StepSpec* spec_of(const Frame& frame) const;
    /// Of a path; names are unique in a workflow.
    [[nodiscard]] const StepSpec* spec_of(std::string_view path) const;
    [[nodiscard]] std::string path_of(const Frame& frame) const { return prefix + frame.step; }
    [[nodiscard]] std::string key_of(std::string_view path, std::uint32_t run) const;
    [[nodiscard]] std::string key_of(const Frame& frame) const;
    /// Of what was sent last. A child that failed is ended: another try is another child.
    [[nodiscard]] std::string key_of(const Frame& frame, const StepSpec& spec) const;
    [[nodiscard]] Frame frame_of(const std::string& block) const;

    // ---- Values. ----
    [[nodiscard]] Fields scope() const;
    [[nodiscard]] Result<Value> evaluate(const Expression& expression) const;
    [[nodiscard]] Result<bool> holds(const Expression& expression) const;
    [[nodiscard]] Result<Fields> evaluate(const Assignments& all) const;
    /// All of the values become context, or none. kInvalid: one does not fit its field. kTooLarge.
    [[nodiscard]] Result<void> assign(const Fields& values);

    // ---- What is told. ----
    void note(std::string what);
    void refuse(std::string why, const Input& input);
    void open_exception(std::string_view code, const std::string& step, std::string reason);
    void close_exceptions(const std::string& step);
    void publish(Effect effect);
};

/// While it lives, `work` looks at what the frame's step runs.
class Inside {
public:
    Inside(Work& work, const Frame& frame, const StepSpec& spec);
    ~Inside();
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

private:
    Work& work_;
    std::size_t prefix_;
    bool item_ = false;
};

/// Calls `take(frame, spec)` with each frame that stands at a step, until it says true.
bool visit(Work& work, std::vector<Frame>& frames, const auto& take) {
    for (Frame& frame : frames) {
        const StepSpec* spec = work.spec_of(frame);
        if (spec == nullptr) continue;
        if (take(frame, *spec)) return true;
        const Inside inside{work, frame, *spec};
        if (visit(work, frame.inside, take)) return true;
    }
    return false;
}

[[nodiscard]] std::size_t size_in_bytes(const Fields& fields);  ///< As they are written.
/// Are no lists and maps deeper inside each other than an instance keeps them?
[[nodiscard]] bool is_flat_enough(const Value& value, std::size_t depth = limits::kValueDepth);
/// May it name something that is kept: not empty, short, without control characters?
[[nodiscard]] bool is_id(std::string_view text);
/// A text cut to what an instance keeps of it.
[[nodiscard]] std::string cut(std::string text);
[[nodiscard]] std::uint64_t id_hash(std::string_view id);

// run.cc
/// Begins what can be begun, and ends or undoes the instance if that is decided.
void settle(Work& work);
/// The frame goes on behind its step.
void next(Work& work, Frame& frame);
/// The same, and with `fields` that came back. False: they cannot be used, and a person decides.
bool answered(Work& work, Frame& frame, const StepSpec& spec, const Fields& fields);
void failed(Work& work, Frame& frame, const StepSpec& spec, ErrorClass error,
            std::string_view text);
/// A person decides about the step.
void stuck(Work& work, Frame& frame, std::string_view code, std::string reason);
void send(Work& work, Frame& frame, const StepSpec& spec);
[[nodiscard]] Request request_of(const Work& work, const Frame& frame, const StepSpec& spec);
[[nodiscard]] Duration back_off(const Work& work, const RetryRule& rule, std::string_view key,
                                std::uint32_t tried);
void finish(Work& work, Status status);

// answers.cc
void take_reply(Work& work, const Reply& reply);
/// Does the step, or what undoes it, ask that platform? Of steps that are not known, too.
[[nodiscard]] bool is_by_whom_it_asked(const Work& work, const OperationOutcome& outcome);
void take_outcome(Work& work, const OperationOutcome& outcome);
void take_event(Work& work, const EventArrived& event);
void take_child(Work& work, const ChildDone& child);

// approvals.cc
void begin_approval(Work& work, Frame& frame, const StepSpec& spec);
void take_decision(Work& work, const Decision& decision, const Input& input);
void approval_expired(Work& work, Frame& frame, const StepSpec& spec);
void remind(Work& work, Frame& frame, const StepSpec& spec);
/// Asks again, from the start, what is not any more as it was seen.
void refresh_approvals(Work& work);
[[nodiscard]] ApprovalNews approval_of(const Work& work, const Frame& frame, const StepSpec& spec,
                                       ApprovalNews::What what);

// timers.cc
void take_tick(Work& work);

// undo.cc
void start_undo(Work& work, std::string reason);
/// Goes on with undoing, once nothing is out any more.
void go_on_undoing(Work& work);
/// True: it was about something that is being undone.
bool take_undo_outcome(Work& work, const OperationOutcome& outcome);
bool take_undone_child(Work& work, const ChildDone& child);
void send_undo(Work& work, Applied& one, const StepSpec& spec);
[[nodiscard]] Request undo_request_of(const Work& work, const Applied& one, const StepSpec& spec);
/// What undoes the step, as things are now.
[[nodiscard]] Applied applied_by(Work& work, const Frame& frame, const StepSpec& spec);

// operators.cc
void take_action(Work& work, const Acted& acted, const Input& input);

// migrate.cc
void migrate(Work& work, const Acted& acted, const Input& input);

}  // namespace syncline::hub::workflow
