#include "hub/workflow/work.h"

namespace syncline::hub::workflow {
namespace {

/// What a step of the earlier definition is called now.
std::string name_now(const Migration& migration, const std::string& was) {
    const auto at = migration.steps.find(was);
    return at == migration.steps.end() ? was : at->second;
}

/// A path under the names of now: `lines.3/ship`.
std::string path_now(const Migration& migration, std::string_view path) {
    std::string out;
    while (!path.empty()) {
        const std::string_view part = path.substr(0, path.find('/'));
        const std::string_view name = part.substr(0, part.find('.'));
        out += (out.empty() ? "" : "/") + name_now(migration, std::string{name});
        out += part.substr(name.size());
        path.remove_prefix(std::min(part.size() + 1, path.size()));
    }
    return out;
}

/// Can a step of this kind stand where one is in that phase?
bool fits(const StepSpec& spec, Phase phase, const Frame& frame) {
    switch (phase) {
        case Phase::kReady:
        case Phase::kFailed: return true;
        case Phase::kWaiting: {
            const auto* wait = std::get_if<WaitStep>(&spec.action);
            return wait != nullptr && wait->event.empty() == frame.subject.is_null();
        }
        case Phase::kApproving: return std::holds_alternative<ApproveStep>(spec.action);
        case Phase::kInside: {
            bool runs = false;
            each_block(spec, [&](const std::string&) { runs = true; });
            const bool loop = std::holds_alternative<ForEachStep>(spec.action);
            return runs && loop == !frame.items.empty();
        }
        case Phase::kSent:
        case Phase::kBackOff:
        case Phase::kInDoubt:
        case Phase::kUnfit: return true;  // Its kind is compared where the old one is known.
    }
    return false;
}

class Move {
public:
    Move(Work& work, const Migration& migration) : work_(work), migration_(migration) {}

    /// Why they have no place under the definition of now; empty: all have, and stand there.
    std::string run() {
        std::vector<Frame> frames = work_.state.frames;
        std::vector<Applied> applied = work_.state.applied;
        move(frames, {}, {});
        move(applied);
        for (const FieldSpec& field : work_.workflow.context) {
            const Value* value = work_.state.context.find(field.name);
            const bool there = value != nullptr && !value->is_null();
            if (field.required && !there) why_ = "`" + field.name.text + "` is required and empty";
        }
        if (!why_.empty()) return why_;
        for (std::string& key : withdrawn_) {
            work_.publish(ApprovalNews{.what = ApprovalNews::What::kWithdrawn, .key = key});
        }
        work_.state.frames = std::move(frames);
        work_.state.applied = std::move(applied);
        for (OpenException& open : work_.state.exceptions) {
            open.step = path_now(migration_, open.step);
        }
        return {};
    }

private:
    void no_place(const std::string& step, const char* how) {
        why_ = "step `" + step + "` " + how +
               " and has no counterpart: name one under [workflows." + work_.workflow.name.text +
               ".migrate.steps]";
    }

    void move(std::vector<Frame>& frames, const std::string& before, const std::string& now) {
        for (Frame& frame : frames) {
            if (frame.step.empty()) continue;
            const std::string was = frame.step;
            frame.step = name_now(migration_, was);
            const StepSpec* spec = work_.spec_of(frame);
            if (spec == nullptr || !fits(*spec, frame.phase, frame) || !is_request(*spec, frame)) {
                return no_place(was, "is being run");
            }
            const bool renamed = before + was != now + frame.step;
            if (renamed && (frame.phase == Phase::kSent || frame.phase == Phase::kInDoubt)) {
                why_ =
                    "step `" + was + "` is out, and its answer will be to that name: wait for it";
                return;
            }
            if (frame.phase == Phase::kApproving) {  // Asked again, under the definition of now.
                withdrawn_.push_back(work_.key_of(before + was, work_.state.run));
                frame.seen.clear();
            }
            std::string inside = "/";
            if (!frame.items.empty()) inside = "." + std::to_string(frame.index + 1) + "/";
            move(frame.inside, before + was + inside, now + frame.step + inside);
        }
    }
    void move(std::vector<Applied>& applied) {
        for (Applied& one : applied) {
            const std::string path = path_now(migration_, one.path);
            const StepSpec* spec = work_.spec_of(path);
            if (spec == nullptr) return no_place(one.path, "was applied");
            if (path != one.path && one.attempt > 0) {
                why_ = "what undoes step `" + one.path + "` goes by that name: do not rename it";
                return;
            }
            one.path = path;
        }
    }
    /// What is out is answered as what it was: with a subject a write, and else no write.
    static bool is_request(const StepSpec& spec, const Frame& frame) {
        const bool out = frame.phase == Phase::kSent || frame.phase == Phase::kBackOff ||
                         frame.phase == Phase::kInDoubt || frame.phase == Phase::kUnfit;
        if (!out) return true;
        const bool write = std::holds_alternative<SetStep>(spec.action);
        const bool other = std::holds_alternative<AskStep>(spec.action) ||
                           std::holds_alternative<OperationStep>(spec.action) ||
                           std::holds_alternative<CallStep>(spec.action);
        return frame.subject.is_null() ? other : write;
    }

    Work& work_;
    const Migration& migration_;
    std::string why_;
    std::vector<std::string> withdrawn_;  ///< Keys of approvals.
};

}  // namespace

void migrate(Work& work, const Acted& acted, const Input& input) {
    const auto& migration = work.workflow.migration;
    const Instance& state = work.state;
    if (is_end(state.status)) {
        return work.refuse(std::string{"it is "} + name_of(state.status) + " already", input);
    }
    const bool from_it = migration && (migration->from == state.definition ||
                                       migration->from == std::to_string(state.version));
    if (!from_it) {
        return work.refuse("the definition of now does not say how one of version " +
                               std::to_string(state.version) + " goes on: see migrate",
                           input);
    }
    if (work.workflow.block("", state.variant) == nullptr) {
        return work.refuse("it runs as the variant " + state.variant + ", which is not there",
                           input);
    }
    const std::vector<OpenException> before = state.exceptions;
    if (const std::string why = Move{work, *migration}.run(); !why.empty()) {
        return work.refuse(why, input);
    }
    for (const OpenException& open : before) {
        work.publish(ExceptionNews{ExceptionNews::What::kClosed, open.code, open.step, {}});
    }
    for (const OpenException& open : state.exceptions) {
        work.publish(
            ExceptionNews{ExceptionNews::What::kOpened, open.code, open.step, open.reason});
    }
    work.note("goes on under version " + std::to_string(work.workflow.version) + ", by " +
              acted.who);
    work.state.definition = work.workflow.hash;
    work.state.version = work.workflow.version;
    work.state.policy = work.policy.version;
}

}  // namespace syncline::hub::workflow
