#include <algorithm>

#include "hub/workflow/instance_codec.h"
#include "hub/workflow/work.h"
#include "shared/base/backoff.h"

namespace syncline::hub::workflow {
namespace {

constexpr Duration kAnswerWithin = std::chrono::seconds{30};

/// What can be done about a failed step, for people.
constexpr const char* kWhatToDo = "; retry it, skip it with a reason, or cancel";

/// The time that a value says; nothing if it is none.
std::optional<Timestamp> time_of(const Value& value) {
    if (const auto* time = value.get<Timestamp>()) return *time;
    constexpr std::int64_t kDay = 86'400LL * 1'000'000'000;
    std::optional<Date> day;
    if (const auto* date = value.get<Date>()) day = *date;
    if (const auto* text = value.get<std::string>()) {
        if (const auto time = parse_timestamp(*text)) return *time;
        if (const auto date = parse_date(*text)) day = *date;
    }
    // Beyond the range of timestamps there is no time to wait for.
    constexpr std::int32_t kDaysMost = 106'000;
    if (!day || day->days < -kDaysMost || day->days > kDaysMost) return std::nullopt;
    return Timestamp{day->days * kDay};
}

std::size_t frames_of(const std::vector<Frame>& frames) {
    std::size_t count = frames.size();
    for (const Frame& frame : frames) count += frames_of(frame.inside);
    return count;
}

/// Begins a step whose time has come.
struct Begin {
    Work& work;
    Frame& frame;
    const StepSpec& spec;

    void cannot(const Error& error) const {
        const bool large = error.kind == ErrorKind::kTooLarge;
        stuck(work, frame, large ? codes::kTooLarge : codes::kStepFailed,
              "step `" + spec.name + "` cannot be begun: " + error.what + kWhatToDo);
    }

    bool take_input(const Assignments& from) const {
        auto input = work.evaluate(from);
        if (!input) return cannot(input.error()), false;
        if (size_in_bytes(*input) > limits::kInputBytes) {
            return too_large("its input would have more than", limits::kInputBytes, "bytes"), false;
        }
        if (!has_room()) return false;
        frame.input = *std::move(input);
        return true;
    }
    void too_large(const std::string& what, std::size_t most, const char* unit) const {
        cannot({ErrorKind::kTooLarge, what + " " + std::to_string(most) + " " + unit});
    }
    /// Can the instance grow?
    bool has_room() const {
        if (encoded_bytes(work.state) <= limits::kStateBytes) return true;
        too_large("the instance has more than", limits::kStateBytes, "bytes");
        return false;
    }
    /// Is there room to note one more effect?
    bool may_apply() const {
        if (work.state.applied.size() < limits::kAppliedMost) return true;
        too_large("an instance has at most", limits::kAppliedMost, "effects");
        return false;
    }
    void operator()(const AskStep&) const {
        if (take_input(spec.with)) send(work, frame, spec);
    }
    void operator()(const OperationStep&) const {
        if (may_apply() && take_input(spec.with)) send(work, frame, spec);
    }
    void operator()(const SetStep& step) const {
        if (!may_apply()) return;
        auto key = work.evaluate(*step.write.key);
        if (!key) return cannot(key.error());
        if (key_text(*key).empty()) {
            return cannot({ErrorKind::kInvalid, "`key` names no " + step.write.object.text});
        }
        frame.subject = *std::move(key);
        if (take_input(step.write.fields)) send(work, frame, spec);
    }
    void operator()(const CallStep&) const {
        if (may_apply() && take_input(spec.with)) send(work, frame, spec);
    }
    void operator()(const LetStep& step) const {
        auto values = work.evaluate(step.values);
        if (!values) return cannot(values.error());
        if (const auto done = work.assign(*values); !done) return cannot(done.error());
        next(work, frame);
    }
    void operator()(const WaitStep& step) const {
        frame.phase = Phase::kWaiting;
        if (!step.event.empty()) return wait_for_event(step);
        frame.due = work.now + step.length;
        if (step.until) {
            const auto value = work.evaluate(*step.until);
            if (!value) return cannot(value.error());
            const auto time = time_of(*value);
            if (!time) return cannot({ErrorKind::kInvalid, "`until` is no time"});
            frame.due = *time;
        }
        if (frame.due <= work.now) return next(work, frame);
        work.note("waits until " + to_string(frame.due));
    }
    void wait_for_event(const WaitStep& step) const {
        auto key = work.evaluate(*step.key);
        if (!key) return cannot(key.error());
        const std::string text = key_text(*key);
        frame.subject = text;
        if (text.empty()) return cannot({ErrorKind::kInvalid, "`key` of the event is empty"});
        if (!is_id(text)) return cannot({ErrorKind::kInvalid, "`key` of the event is no key"});
        if (spec.deadline != Duration{0}) frame.due = work.now + spec.deadline;
        auto& heard = work.state.heard;
        const auto at = std::ranges::find_if(
            heard, [&](const Heard& one) { return one.event == step.event && one.key == text; });
        if (at == heard.end()) return work.note("waits for " + step.event + " of " + text);
        const Fields fields = std::move(at->fields);
        heard.erase(at);
        work.note(step.event + " of " + text + " was there before");
        answered(work, frame, spec, fields);
    }
    void operator()(const ApproveStep&) const { begin_approval(work, frame, spec); }
    void operator()(const ChooseStep& step) const {
        for (const auto& [when, block] : step.choices) {
            const auto chosen = when ? work.holds(*when) : Result<bool>{true};
            if (!chosen) return cannot(chosen.error());
            if (!*chosen) continue;
            work.note("chooses " + block);
            return enter({block});
        }
        next(work, frame);
    }
    void operator()(const ParallelStep& step) const { enter(step.blocks); }
    void operator()(const ForEachStep& step) const {
        const auto value = work.evaluate(*step.of);
        if (!value) return cannot(value.error());
        const auto* list = value->get<Value::List>();
        if (list == nullptr) return cannot({ErrorKind::kInvalid, "`of` is no list"});
        if (list->size() > step.most) {
            return cannot({ErrorKind::kTooLarge, "the list has " + std::to_string(list->size()) +
                                                     " items, and `most` is " +
                                                     std::to_string(step.most)});
        }
        if (list->empty()) return next(work, frame);
        if (!has_room()) return;
        frame.items = *list;
        frame.index = 0;
        enter({step.block});
    }
    void enter(const std::vector<std::string>& blocks) const {
        for (const std::string& block : blocks) {
            if (work.workflow.block(block, {}) == nullptr) {
                return cannot({ErrorKind::kInvalid, "there is no block `" + block + "`"});
            }
        }
        if (work.depth >= limits::kDepth) {
            return cannot({ErrorKind::kTooLarge, "blocks stand inside each other deeper than " +
                                                     std::to_string(limits::kDepth)});
        }
        const std::size_t frames = frames_of(work.state.frames) + blocks.size();
        if (frames > limits::kFramesMost) {
            return too_large("more blocks would run at once than", limits::kFramesMost, "");
        }
        frame.inside.clear();
        for (const std::string& block : blocks) frame.inside.push_back(work.frame_of(block));
        frame.phase = Phase::kInside;
        work.changed = true;
    }
    void operator()(const EmitStep& step) const {
        auto fields = work.evaluate(step.fields);
        if (!fields) return cannot(fields.error());
        if (size_in_bytes(*fields) > limits::kInputBytes) {
            return too_large("its event would have more than", limits::kInputBytes, "bytes");
        }
        work.note("emits " + step.event);
        work.publish(Request{.kind = Request::Kind::kEvent,
                             .key = work.key_of(frame),
                             .name = step.event,
                             .fields = *std::move(fields),
                             .attempt = 1});
        next(work, frame);
    }
    void operator()(const EndStep& step) const {
        std::string reason;
        if (step.reason) {
            const auto value = work.evaluate(*step.reason);
            if (!value) return cannot(value.error());
            reason = cut(key_text(*value));
        }
        const bool done = step.outcome == EndStep::Outcome::kDone;
        if (!done && reason.empty()) reason = "step `" + spec.name + "` ended it as failed";
        work.ending = Ending{done ? Status::kDone : Status::kCompensating, std::move(reason)};
        work.changed = true;
    }
};

void begin(Work& work, Frame& frame, const StepSpec& spec) {
    ++work.begun;
    frame.due = frame.remind = {};
    if (work.key_of(frame).size() > limits::kKeyBytes) {
        return Begin{work, frame, spec}.too_large("its key is longer than", limits::kKeyBytes,
                                                  "bytes");
    }
    if (spec.when) {
        const auto holds = work.holds(*spec.when);
        if (!holds) return Begin{work, frame, spec}.cannot(holds.error());
        if (!*holds) {
            work.note("passes over " + work.path_of(frame));
            return next(work, frame);
        }
    }
    std::visit(Begin{work, frame, spec}, spec.action);
}

bool may_begin(const Work& work) {
    return work.state.status == Status::kRunning && !work.ending &&
           work.begun < limits::kStepsAtOnce && work.published < limits::kEffectBytes &&
           !work.state.is_held();
}

bool run(Work& work, Frame& frame);

/// True if all that the step runs is at its end, and the frame stands behind it.
bool run_inside(Work& work, Frame& frame, const StepSpec& spec) {
    {
        const Inside inside{work, frame, spec};
        for (std::size_t i = 0; i < frame.inside.size();) {
            const bool ended = run(work, frame.inside[i]);
            if (work.ending) return false;
            if (ended) {
                frame.inside.erase(frame.inside.begin() + static_cast<std::ptrdiff_t>(i));
                work.changed = true;
            } else {
                ++i;
            }
        }
    }
    if (!frame.inside.empty()) return false;
    const auto* loop = std::get_if<ForEachStep>(&spec.action);
    if (loop != nullptr && frame.index + 1 < frame.items.size()) {
        ++frame.index;
        frame.inside.push_back(work.frame_of(loop->block));
        return true;
    }
    next(work, frame);
    return true;
}

/// Runs a frame as far as it goes. True if it is at its end.
bool run(Work& work, Frame& frame) {
    while (!frame.step.empty()) {
        const StepSpec* spec = work.spec_of(frame);
        if (spec == nullptr) return false;  // Of another definition: decide() refuses before.
        if (frame.phase == Phase::kInside) {
            if (work.begun >= limits::kStepsAtOnce || !run_inside(work, frame, *spec)) return false;
            ++work.begun;  // Blocks without steps must end, too.
            continue;
        }
        if (frame.phase != Phase::kReady || !may_begin(work)) return false;
        begin(work, frame, *spec);
        if (work.ending) return false;
    }
    return true;
}

}  // namespace

void settle(Work& work) {
    if (work.state.status == Status::kRunning && !work.ending && !work.state.frames.empty() &&
        run(work, work.state.frames.front())) {
        work.ending = Ending{Status::kDone, {}};
    }
    if (const auto ending = std::exchange(work.ending, std::nullopt)) {
        if (ending->status == Status::kDone) {
            work.state.reason = ending->reason;
            return finish(work, Status::kDone);
        }
        start_undo(work, ending->reason);
    }
    if (work.state.status == Status::kCompensating) go_on_undoing(work);
    if (work.state.status == Status::kRunning) refresh_approvals(work);
}

void next(Work& work, Frame& frame) {
    const Steps* steps = work.workflow.block(frame.block, work.state.variant);
    Frame behind;
    behind.block = frame.block;
    // While it is undone nothing follows.
    if (steps != nullptr && work.state.status == Status::kRunning) {
        auto at = std::ranges::find(*steps, frame.step, &StepSpec::name);
        if (at != steps->end() && ++at != steps->end()) behind.step = at->name;
    }
    frame = std::move(behind);
    work.changed = true;
}

Request request_of(const Work& work, const Frame& frame, const StepSpec& spec) {
    Request request{.key = work.key_of(frame, spec),
                    .subject = frame.subject,
                    .fields = frame.input,
                    .attempt = frame.attempt,
                    .until = frame.due};
    if (const auto* ask = std::get_if<AskStep>(&spec.action)) {
        request.name = ask->operation;
    } else if (const auto* operation = std::get_if<OperationStep>(&spec.action)) {
        request.kind = Request::Kind::kOperation;
        request.name = operation->operation;
    } else if (const auto* set = std::get_if<SetStep>(&spec.action)) {
        request.kind = Request::Kind::kWrite;
        request.name = set->write.object.text;
    } else if (const auto* call = std::get_if<CallStep>(&spec.action)) {
        const bool runs = work.state.status == Status::kRunning;
        request.kind = runs ? Request::Kind::kStart : Request::Kind::kCancel;
        request.name = call->workflow.text;
        request.subject = instance_id(call->workflow, request.key);
        if (!runs) request.fields = {};
    }
    // An effect may come at any time: that it is late is told, not decided by.
    if (request.kind != Request::Kind::kAsk) request.until = {};
    return request;
}

void send(Work& work, Frame& frame, const StepSpec& spec) {
    frame.phase = Phase::kSent;
    ++frame.attempt;
    ++frame.tried;
    frame.due = {};
    if (spec.deadline != Duration{0}) {
        frame.due = work.now + spec.deadline;
    } else if (std::holds_alternative<AskStep>(spec.action)) {
        frame.due = work.now + kAnswerWithin;
    }
    Request request = request_of(work, frame, spec);
    work.note(std::string{name_of(request.kind)} + " " + request.name + ", attempt " +
              std::to_string(frame.attempt));
    work.publish(std::move(request));
}

bool answered(Work& work, Frame& frame, const StepSpec& spec, const Fields& fields) {
    Fields values;
    Result<void> taken;
    for (const Assignment& one : spec.into) {
        auto value = one.value.evaluate(fields);
        if (!value) {
            taken = fail(value.error(), "`" + one.field.text + "`");
            break;
        }
        values.set(one.field, *std::move(value));
    }
    if (taken) taken = work.assign(values);
    const std::string path = work.path_of(frame);
    const bool applied = spec.has_effect() || std::holds_alternative<CallStep>(spec.action);
    if (applied) {
        std::erase_if(work.state.applied, [&](const Applied& one) {
            return one.path == path && one.run == work.state.run;  // Told again what came back.
        });
        work.state.applied.push_back(applied_by(work, frame, spec));
    }
    work.close_exceptions(path);
    work.note(path + " is done");
    if (taken || work.state.status != Status::kRunning) return next(work, frame), taken.has_value();
    const bool large = taken.error().kind == ErrorKind::kTooLarge;
    const std::string reason =
        "what came back from step `" + spec.name + "` cannot be used: " + taken.error().what;
    stuck(work, frame, large ? codes::kTooLarge : codes::kStepFailed,
          applied ? reason + "; it was done: say what it gave (applied), or skip that with a reason"
                  : reason + kWhatToDo);
    if (applied) frame.phase = Phase::kUnfit;
    return false;
}

void failed(Work& work, Frame& frame, const StepSpec& spec, ErrorClass error,
            std::string_view text) {
    std::string what = "step `" + spec.name + "`: " + name_of(error);
    if (!text.empty()) what += ", " + std::string{text};
    if (work.state.status != Status::kRunning) {  // It had no effect: nothing to undo.
        work.note(what);
        return next(work, frame);
    }
    if (is_passing(error) && frame.tried < spec.retry.attempts) {
        frame.phase = Phase::kBackOff;
        frame.due = work.now + back_off(work, spec.retry, work.key_of(frame), frame.tried);
        return work.note(what + "; again at " + to_string(frame.due));
    }
    switch (spec.recourse(error)) {
        case Recourse::kPause:
            if (is_passing(error)) what += ", " + std::to_string(frame.tried) + " times";
            return stuck(work, frame, codes::kStepFailed, what + kWhatToDo);
        case Recourse::kContinue: work.note(what + "; goes on"); return next(work, frame);
        case Recourse::kCompensate:
            work.note(what);
            frame.phase = Phase::kFailed;  // Nothing is out of it any more.
            frame.due = {};
            work.ending = Ending{Status::kCompensating, cut(std::move(what))};
    }
}

void stuck(Work& work, Frame& frame, std::string_view code, std::string reason) {
    frame.phase = Phase::kFailed;
    frame.due = frame.remind = {};
    frame.tried = 0;
    frame.inside.clear();
    work.open_exception(code, work.path_of(frame), std::move(reason));
}

Duration back_off(const Work& work, const RetryRule& rule, std::string_view key,
                  std::uint32_t tried) {
    Backoff backoff{{.first = rule.first, .most = rule.most}};
    Duration wait = rule.first;
    // No chance here: the same instance waits the same, and others wait otherwise.
    for (std::uint32_t i = 1; i <= tried; ++i) {
        wait = backoff.next(
            stable_hash(work.state.id + "/" + std::string{key} + "/" + std::to_string(i)));
    }
    return std::max(wait, Duration{1});
}

void finish(Work& work, Status status) {
    work.state.status = status;
    work.state.frames.clear();
    work.state.heard.clear();
    work.state.deadline = {};
    work.state.hold = Instance::Hold::kNone;
    while (!work.state.exceptions.empty()) {
        work.close_exceptions(std::string{work.state.exceptions.front().step});
    }
    work.note(name_of(status));
    if (work.state.parent.empty()) return;
    work.publish(Told{.what = Told::What::kFinished,
                      .to = work.state.parent,
                      .key = work.state.parent_key,
                      .status = status,
                      .fields = work.state.context,
                      .text = work.state.reason});
}

}  // namespace syncline::hub::workflow
