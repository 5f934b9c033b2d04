#include <algorithm>

#include "hub/workflow/work.h"
#include "shared/base/sha256.h"
#include "shared/wire/codec.h"

namespace syncline::hub::workflow {
namespace {

using Late = ApproveStep::Late;
constexpr std::size_t kSeenDigits = 32;

const ApproveStep& approve_of(const StepSpec& spec) { return std::get<ApproveStep>(spec.action); }

Fields shown(const Work& work, const ApproveStep& step) {
    if (step.show.empty()) return work.scope();
    Fields fields;
    for (const FieldName& name : step.show) {
        const Value* value = work.state.context.find(name);
        fields.set(name, value == nullptr ? Value{} : *value);
    }
    return fields;
}

/// What `from` is compared with; null if there is none, or it is no number.
Value amount_of(const Work& work, const ApproveStep& step) {
    if (!step.amount) return {};
    const auto value = work.evaluate(*step.amount);
    if (!value) return {};
    if (const auto* whole = value->get<std::int64_t>()) return Decimal{*whole};
    return value->get<Decimal>() != nullptr ? *value : Value{};
}

std::string seen_hash(const Work& work, const ApproveStep& step) {
    std::string bytes;
    wire::append_fields(bytes, shown(work, step));
    bytes += display(amount_of(work, step));
    return hexadecimal(bytes_of(sha256({bytes}))).substr(0, kSeenDigits);
}

/// Is the level asked at all? Where the amount is not known all are.
bool is_asked(const ApproveStep::Level& level, const Value& amount) {
    const auto* number = amount.get<Decimal>();
    return !level.from || number == nullptr || *number >= *level.from;
}

/// The first level from `at` on that is asked; past the end if there is none.
std::uint32_t level_from(const ApproveStep& step, const Value& amount, std::size_t at) {
    while (at < step.chain.size() && !is_asked(step.chain[at], amount)) ++at;
    return static_cast<std::uint32_t>(at);
}

const std::string& role_of(const Frame& frame, const ApproveStep& step) {
    static const std::string kNobody;
    if (frame.escalated) return step.escalate_to;
    return frame.level < step.chain.size() ? step.chain[frame.level].role : kNobody;
}

std::uint32_t missing(const Frame& frame, const ApproveStep& step) {
    if (frame.escalated) return 1;
    const auto given = std::ranges::count(frame.votes, frame.level, &Vote::level);
    return static_cast<std::uint32_t>(std::max<std::ptrdiff_t>(step.quorum - given, 0));
}

std::size_t approvals_of(const std::vector<Frame>& frames) {
    std::size_t count = 0;
    for (const Frame& frame : frames) {
        count += (frame.phase == Phase::kApproving ? 1U : 0U) + approvals_of(frame.inside);
    }
    return count;
}

void ask(Work& work, const Frame& frame, const StepSpec& spec) {
    work.note("asks " + role_of(frame, approve_of(spec)) + " to approve " + work.path_of(frame));
    work.publish(approval_of(work, frame, spec, ApprovalNews::What::kAsked));
}

void start_asking(Work& work, Frame& frame, const ApproveStep& step) {
    frame.votes.clear();
    frame.escalated = false;
    frame.subject = amount_of(work, step);
    frame.level = level_from(step, frame.subject, 0);
    frame.seen = seen_hash(work, step);
}

void decided(Work& work, Frame& frame, const StepSpec& spec, bool approved) {
    const ApproveStep& step = approve_of(spec);
    work.publish(approval_of(work, frame, spec, ApprovalNews::What::kWithdrawn));
    work.close_exceptions(work.path_of(frame));
    frame.phase = Phase::kReady;
    frame.due = frame.remind = {};
    if (!approved && step.on_reject == Recourse::kCompensate) {
        work.ending = Ending{Status::kCompensating, "step `" + spec.name + "` was rejected"};
        work.changed = true;
        return;
    }
    if (!step.into.empty()) {
        if (const auto done = work.assign({{step.into, approved}}); !done) {
            return stuck(work, frame, codes::kStepFailed,
                         "the answer to step `" + spec.name + "` cannot be kept: " +
                             done.error().what + "; correct the workflow and migrate, or cancel");
        }
    }
    next(work, frame);
}

/// The next level is asked, or all have approved.
void level_done(Work& work, Frame& frame, const StepSpec& spec) {
    const ApproveStep& step = approve_of(spec);
    if (!frame.escalated) frame.level = level_from(step, frame.subject, frame.level + 1);
    if (frame.escalated || frame.level >= step.chain.size()) {
        work.note(work.path_of(frame) + " is approved");
        return decided(work, frame, spec, true);
    }
    frame.due = work.now + spec.deadline;
    if (step.remind != Duration{0}) frame.remind = work.now + step.remind;
    ask(work, frame, spec);
}

/// Why the decision does not count; empty: it does.
std::string objection(const Work& work, const Frame& frame, const ApproveStep& step,
                      const Decision& decision) {
    if (frame.due != Timestamp{} && work.now >= frame.due) return "it came after the deadline";
    if (!is_id(decision.who)) return "nobody says whose decision it is";
    const std::string& whose = decision.on_behalf_of.empty() ? decision.who : decision.on_behalf_of;
    const std::string& requester = work.state.requester;
    if (!requester.empty() && (decision.who == requester || whose == requester)) {
        return "nobody decides about their own request";
    }
    const std::string& role = role_of(frame, step);
    const std::vector<std::string>* roles = &decision.roles;
    if (whose != decision.who) {
        const auto at = std::ranges::find_if(work.context.delegations, [&](const Delegation& one) {
            return one.from == whose && one.to == decision.who;
        });
        if (at == work.context.delegations.end()) {
            return decision.who + " does not decide for " + whose;
        }
        roles = &at->roles;
    }
    if (std::ranges::find(*roles, role) == roles->end()) return whose + " is no " + role;
    if (decision.seen != frame.seen) return "it has changed since it was seen: look again";
    const auto same = [&](const Vote& vote) {
        const std::string& voter = vote.on_behalf_of.empty() ? vote.who : vote.on_behalf_of;
        return vote.who == decision.who || vote.who == whose || voter == decision.who ||
               voter == whose;
    };
    if (std::ranges::any_of(frame.votes, same)) return whose + " has decided already";
    return {};
}

}  // namespace

ApprovalNews approval_of(const Work& work, const Frame& frame, const StepSpec& spec,
                         ApprovalNews::What what) {
    const ApproveStep& step = approve_of(spec);
    ApprovalNews news{.what = what, .key = work.key_of(frame)};
    if (what == ApprovalNews::What::kWithdrawn) return news;
    news.role = role_of(frame, step);
    news.missing = missing(frame, step);
    news.shown = shown(work, step);
    news.seen = frame.seen;
    news.requester = work.state.requester;
    news.until = frame.due;
    return news;
}

void begin_approval(Work& work, Frame& frame, const StepSpec& spec) {
    const ApproveStep& step = approve_of(spec);
    if (size_in_bytes(shown(work, step)) > limits::kShownBytes) {
        return stuck(work, frame, codes::kTooLarge,
                     "what step `" + spec.name + "` shows has more than " +
                         std::to_string(limits::kShownBytes) +
                         " bytes; name less in `show` and migrate, or cancel");
    }
    if (approvals_of(work.state.frames) >= limits::kApprovalsMost) {
        return stuck(work, frame, codes::kTooLarge,
                     "step `" + spec.name + "` is one approval too many at once; retry it later");
    }
    frame.phase = Phase::kApproving;
    start_asking(work, frame, step);
    if (spec.deadline != Duration{0}) frame.due = work.now + spec.deadline;
    if (step.remind != Duration{0}) frame.remind = work.now + step.remind;
    if (frame.level < step.chain.size()) return ask(work, frame, spec);
    work.note(work.path_of(frame) + " needs nobody's approval");
    decided(work, frame, spec, true);
}

void take_decision(Work& work, const Decision& decision, const Input& input) {
    bool known = false;
    if (work.state.status == Status::kRunning) {
        visit(work, work.state.frames, [&](Frame& frame, const StepSpec& spec) {
            if (frame.phase != Phase::kApproving || work.key_of(frame) != decision.key)
                return false;
            known = true;
            const ApproveStep& step = approve_of(spec);
            if (const std::string why = objection(work, frame, step, decision); !why.empty()) {
                work.refuse(why, input);
                return true;
            }
            const bool approves = decision.what == Decision::What::kApprove;
            std::string line = decision.who + (approves ? " approves " : " rejects ");
            line += work.path_of(frame);
            if (!decision.on_behalf_of.empty()) line += " for " + decision.on_behalf_of;
            if (!decision.comment.empty()) line += ": " + decision.comment;
            work.note(std::move(line));
            if (!approves) {
                decided(work, frame, spec, false);
                return true;
            }
            frame.votes.push_back({decision.who, decision.on_behalf_of, frame.level});
            if (missing(frame, step) == 0 || frame.escalated) {
                level_done(work, frame, spec);
            } else {
                work.publish(approval_of(work, frame, spec, ApprovalNews::What::kVoted));
            }
            return true;
        });
    }
    if (!known) work.refuse("nothing of that name waits for an approval", input);
}

void approval_expired(Work& work, Frame& frame, const StepSpec& spec) {
    const ApproveStep& step = approve_of(spec);
    const std::string path = work.path_of(frame);
    if (step.on_deadline == Late::kReject || step.on_deadline == Late::kApprove) {
        const bool approves = step.on_deadline == Late::kApprove;
        work.note("nobody answered in time: " + path + " is " +
                  (approves ? "approved" : "rejected"));
        return decided(work, frame, spec, approves);
    }
    if (step.on_deadline == Late::kEscalate && !frame.escalated) {
        frame.escalated = true;
        frame.due = work.now + spec.deadline;
        if (step.remind != Duration{0}) frame.remind = work.now + step.remind;
        work.note("nobody answered in time: " + path + " goes to " + step.escalate_to);
        return ask(work, frame, spec);
    }
    work.publish(approval_of(work, frame, spec, ApprovalNews::What::kWithdrawn));
    stuck(work, frame, codes::kApprovalExpired,
          "nobody answered step `" + spec.name + "` in time; retry it, or cancel");
}

void remind(Work& work, Frame& frame, const StepSpec& spec) {
    frame.remind = work.now + approve_of(spec).remind;
    work.note("reminds " + role_of(frame, approve_of(spec)) + " of " + work.path_of(frame));
    work.publish(approval_of(work, frame, spec, ApprovalNews::What::kReminded));
}

void refresh_approvals(Work& work) {
    visit(work, work.state.frames, [&](Frame& frame, const StepSpec& spec) {
        if (frame.phase != Phase::kApproving) return false;
        if (seen_hash(work, approve_of(spec)) == frame.seen) return false;
        if (size_in_bytes(shown(work, approve_of(spec))) > limits::kShownBytes) {
            work.publish(approval_of(work, frame, spec, ApprovalNews::What::kWithdrawn));
            begin_approval(work, frame, spec);  // A person hears that it is too large.
            return false;
        }
        const bool escalated = frame.escalated;
        start_asking(work, frame, approve_of(spec));
        frame.escalated = escalated;
        work.note("what is to be approved has changed: it is asked again");
        // Asked once, it is not left to nobody by what has changed meanwhile.
        if (frame.level >= approve_of(spec).chain.size()) frame.level = 0;
        ask(work, frame, spec);
        return false;
    });
}

}  // namespace syncline::hub::workflow
