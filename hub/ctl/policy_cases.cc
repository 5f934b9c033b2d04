#include "hub/ctl/policy_cases.h"

#include <algorithm>
#include <deque>

#include "hub/core/rehearsal.h"
#include "hub/ctl/describe.h"

namespace syncline::ctl {
namespace {

constexpr std::size_t kCommandsMax = 100;               // Of one step; more is a loop.
constexpr Timestamp kStart{1'767'225'600'000'000'000};  // 2026-01-01.
constexpr Duration kBetween = std::chrono::minutes{1};

std::string shown(const Fields& fields) {
    std::string text;
    for (const auto& [name, value] : fields) {
        text += (text.empty() ? "" : ", ") + name.text + " = " + display(value);
    }
    return text.empty() ? "nothing" : text;
}

std::string shown(const PolicyStep::Told& told) {
    return told.deletes ? "to delete its record" : shown(told.fields);
}

std::string shown(const std::vector<std::string>& texts) {
    return texts.empty() ? "none" : joined(texts);
}

const char* name_of(hub::Placement::Kind kind) {
    using Kind = hub::Placement::Kind;
    switch (kind) {
        case Kind::kLinked: return "linked";
        case Kind::kMatched: return "matched";
        case Kind::kFounds: return "founds";
        case Kind::kAmbiguous: return "ambiguous";
        case Kind::kUnmatched: return "unmatched";
    }
    return "unmatched";
}

/// One test: the platforms, as the steps say, beside a hub in memory.
class CaseRun {
public:
    CaseRun(const Policy& policy, std::map<std::string, std::uint64_t>& decided)
        : rehearsal_(policy), decided_(decided) {}

    std::vector<PolicyCaseFailure> run(const PolicyCase& test) {
        for (const PolicyStep& step : test.steps) {
            ++number_;
            step_ = &step;
            told_.clear();
            decisions_.clear();
            placement_ = {};
            now_ = now_ + kBetween;
            if (!happen()) break;
            compare();
        }
        return std::move(failures_);
    }

private:
    void expect(bool met, const std::string& message) {
        if (met) return;
        failures_.push_back({step_->place, "step " + std::to_string(number_) + ": " + message});
    }

    [[nodiscard]] const hub::EntityState* state() const {
        const auto at = at_hand_.find(step_->object);
        return at == at_hand_.end() ? nullptr : rehearsal_.find(at->second);
    }
    [[nodiscard]] const hub::RecordState* side(const PlatformId& platform) const {
        return state() == nullptr ? nullptr : state()->record(platform);
    }
    [[nodiscard]] hub::Context context() const { return {now_, {}, 1}; }
    Revision next_rev(const PlatformId& platform, const RecordId& record) {
        return {1, ++revs_[{platform, step_->object, record}]};
    }
    RecordId new_record(const PlatformId& platform) {
        return RecordId{platform.text + "-" + std::to_string(++made_)};
    }

    // ---- What happens. ----

    bool happen() {
        if (!step_->action) {
            take_in(rehearsal_.take(change(), context()));
        } else if (state() == nullptr) {
            expect(false, "there is nothing yet to act on");
            return false;
        } else {
            take_in(rehearsal_.take(at_hand_[step_->object], operation(), context()));
        }
        for (std::size_t answered = 0; !commands_.empty(); ++answered) {
            const Command command = std::move(commands_.front());
            commands_.pop_front();
            if (answered == kCommandsMax) {
                expect(false, "it does not come to rest: the hub goes on commanding, at last " +
                                  command.platform.text + ": " + shown(command.fields));
                commands_.clear();
                return false;
            }
            answer(command);
        }
        return true;
    }

    void take_in(hub::Rehearsal::Taken taken) {
        placement_ = taken.placement;
        if (!taken.entity.entity.empty()) at_hand_[step_->object] = taken.entity;
        if (taken.log) {
            for (const hub::FieldDecision& decision : taken.log->decisions) {
                decisions_.insert_or_assign(decision.field, name_of(decision.verdict));
            }
        }
        take_effects(std::move(taken));
    }

    /// What comes of an answer too: rules that were used, and further commands.
    void take_effects(hub::Rehearsal::Taken taken) {
        if (taken.log) {
            for (const hub::FieldDecision& decision : taken.log->decisions) {
                if (!decision.rule.empty()) ++decided_[decision.rule];
            }
        }
        for (Command& command : taken.commands) {
            PolicyStep::Told& told = told_[command.platform];
            told.deletes = command.kind == CommandKind::kDelete;
            for (const auto& [name, value] : command.fields) told.fields.set(name, value);
            commands_.push_back(std::move(command));
        }
    }

    Change change() {
        Change change;
        const hub::RecordState* known = side(step_->from);
        const bool stands = known != nullptr && known->presence == hub::Presence::kPresent;
        const bool same = stands && (!step_->record || known->record == step_->record);
        const RecordId record = step_->record ? *step_->record
                                : same        ? *known->record
                                              : new_record(step_->from);
        change.key = {step_->from, step_->object, record};
        change.rev = next_rev(step_->from, record);
        change.number = {{}, change.rev};
        change.seen_at = change.changed_at = now_;
        if (step_->deletes) {
            change.kind = ChangeKind::kDelete;
            return change;
        }
        if (same) change.fields = known->mirror;
        for (const auto& [name, value] : step_->fields) change.fields.set(name, value);
        return change;
    }

    hub::Operation operation() const {
        return {.kind = *step_->action,
                .entity = state()->key,
                .exception = step_->exception,
                .id = std::to_string(number_),
                .actor = "test",
                .reason = "test",
                .at = now_};
    }

    /// What the platform says to a command, as the step wants it.
    void answer(const Command& command) {
        const hub::RecordState* known = side(command.platform);
        const bool out =
            known != nullptr && known->pending && known->generation == command.generation;
        const auto own = step_->answers.find(command.platform);
        const auto said = own == step_->answers.end() ? step_->answer : own->second;
        if (!out || said == PolicyStep::Answer::kNone) return;
        Outcome outcome{.platform = command.platform, .entity = command.entity};
        outcome.record = command.record;
        outcome.generation = outcome.ledger_generation = command.generation;
        outcome.decided_at = command.decided_at;
        outcome.done_at = now_;
        if (said == PolicyStep::Answer::kRejected) {
            outcome.status = OutcomeStatus::kRejected;
            outcome.reason = "refused, as the test says";
        } else {
            if (!outcome.record) outcome.record = new_record(command.platform);
            outcome.rev = next_rev(command.platform, *outcome.record);
            outcome.deleted = command.kind == CommandKind::kDelete;
            if (!outcome.deleted) {
                outcome.fields = known->mirror;
                for (const auto& [name, value] : command.fields) outcome.fields.set(name, value);
            }
            for (const auto& [name, value] : command.fields) outcome.as_commanded.push_back(name);
        }
        take_effects(rehearsal_.take(command.entity, outcome, context()));
    }

    // ---- What is expected of it. ----

    void compare() {
        if (step_->placement) {
            expect(placement_.kind == *step_->placement,
                   std::string{"the record is "} + name_of(placement_.kind) + ", expected " +
                       name_of(*step_->placement) +
                       (placement_.reason.empty() ? "" : " (" + placement_.reason + ")"));
        }
        for (const auto& [field, verdict] : step_->verdicts) {
            const auto found = decisions_.find(field);
            const std::string is = found == decisions_.end() ? "none" : found->second;
            expect(is == verdict,
                   "the verdict on " + field.text + " is " + is + ", expected " + verdict);
        }
        compare_told();
        if (step_->exceptions) {
            const std::vector<std::string> open = open_exceptions();
            expect(open == *step_->exceptions,
                   "open exceptions: " + shown(open) + "; expected " + shown(*step_->exceptions));
        }
        for (const auto& [name, value] : step_->canonical) {
            const auto* canonical = state() == nullptr ? nullptr : state()->find(name);
            const Value is = canonical == nullptr ? Value{} : canonical->value;
            expect(is == value, "canonical " + name.text + " is " + display(is) + ", expected " +
                                    display(value));
        }
    }

    void compare_told() {
        if (!step_->told) return;
        for (const auto& [platform, told] : told_) {
            if (!step_->told->contains(platform)) {
                expect(false, platform.text + " is told " + shown(told) + ", expected nothing");
            }
        }
        for (const auto& [platform, expected] : *step_->told) {
            const auto found = told_.find(platform);
            const bool met = found != told_.end() && found->second == expected;
            if (met) continue;
            expect(false, platform.text + " is told " +
                              (found == told_.end() ? "nothing" : shown(found->second)) +
                              ", expected " + shown(expected));
        }
    }

    [[nodiscard]] std::vector<std::string> open_exceptions() const {
        std::vector<std::string> open;
        using Kind = hub::Placement::Kind;
        const std::string at = "@" + step_->from.text;
        if (placement_.kind == Kind::kAmbiguous) {
            open.push_back(std::string{exceptions::kAmbiguous} + at);
        } else if (placement_.kind == Kind::kUnmatched) {
            open.push_back(std::string{exceptions::kUnmatched} + at);
        } else if (state() != nullptr) {
            for (const hub::OpenException& one : state()->exceptions) {
                open.push_back(one.kind + "@" + one.platform.text);
            }
        }
        std::ranges::sort(open);
        return open;
    }

    hub::Rehearsal rehearsal_;
    std::map<std::string, std::uint64_t>& decided_;
    std::vector<PolicyCaseFailure> failures_;
    std::map<ObjectName, EntityKey> at_hand_;  ///< The last one of each object.
    std::map<RecordKey, std::uint64_t> revs_;
    std::size_t made_ = 0;
    Timestamp now_ = kStart;

    // Of the step at hand.
    std::size_t number_ = 0;
    const PolicyStep* step_ = nullptr;
    hub::Placement placement_;
    std::map<FieldName, std::string> decisions_;
    std::map<PlatformId, PolicyStep::Told> told_;
    std::deque<Command> commands_;
};

}  // namespace

std::vector<PolicyCaseFailure> run(const Policy& policy, const PolicyCase& test,
                                   std::map<std::string, std::uint64_t>& decided) {
    return CaseRun{policy, decided}.run(test);
}

}  // namespace syncline::ctl
