#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "hub/core/rehearsal.h"
#include "hub/core/step.h"
#include "hub/ctl/policy_likeness.h"
#include "shared/policy/policy.h"

/// What another policy would have decided. Pure: the command reads, this decides.
namespace syncline::ctl {

/// A field of an input that the two policies decide differently.
struct PlannedField {
    hub::FieldDecision now;   ///< By the active policy; its `verdict` means nothing if !has_now.
    hub::FieldDecision then;  ///< By the proposed one; the same.
    bool has_now = false;
    bool has_then = false;
};

/// One input, or one stored state, of which the two policies make different things.
struct PlanDifference {
    std::uint64_t sequence = 0;  ///< Of the input; 0: it is about the state as it is stored.
    EntityKey entity;
    PlatformId from;  ///< Whose input it was.
    std::vector<PlannedField> fields;
    std::vector<Command> commands_now;    ///< Those that only the active policy gives, or gives so.
    std::vector<Command> commands_then;   ///< The same of the proposed one.
    std::vector<std::string> opened_now;  ///< Exceptions, `kind@platform`, opened by one alone.
    std::vector<std::string> opened_then;

    [[nodiscard]] bool empty() const {
        return fields.empty() && commands_now.empty() && commands_then.empty() &&
               opened_now.empty() && opened_then.empty();
    }
};

/// Goes through recorded inputs in their order. What happened is what the active policy made of
/// them; at each input the proposed policy is asked what it would have decided instead, on the
/// same state.
class PolicyPlan {
public:
    /// `keep`: how many differences are kept, the first ones.
    PolicyPlan(const Policy& active, const Policy& proposed, std::size_t keep);
    PolicyPlan(const PolicyPlan&) = delete;
    PolicyPlan& operator=(const PolicyPlan&) = delete;

    void take(std::uint64_t sequence, hub::Input input, const hub::Context& context);
    /// A state as it is stored now: what the proposed policy would command at once.
    void take_stored(const hub::EntityState& state, const hub::Context& context);

    struct Row {
        ObjectName object;
        FieldName field;
        PlatformId from;
        std::string now;  ///< Name of the verdict; empty: not decided at all.
        std::string then;
        auto operator<=>(const Row&) const = default;
    };
    struct Commands {
        std::uint64_t now = 0;
        std::uint64_t then = 0;
    };
    std::uint64_t inputs = 0;
    std::uint64_t differing = 0;  ///< Inputs.
    std::uint64_t unplaced = 0;   ///< Changes that belong to no entity, outcomes of unknown ones.
    std::uint64_t unknown = 0;    ///< Of an object or platform that the active policy lacks.
    std::uint64_t dropped = 0;    ///< That the proposed policy lacks.
    std::uint64_t stored = 0;     ///< States as they are stored now.
    std::uint64_t stored_differing = 0;  ///< Of which the proposed policy commands something else.
    std::map<Row, std::uint64_t> rows;
    std::map<PlatformId, Commands> commands;  ///< Of the recorded inputs.
    std::map<PlatformId, Commands> at_once;   ///< Of the stored states.
    std::map<std::string, Commands> opened;   ///< Exceptions by `kind@platform`.
    std::vector<PlanDifference> examples;

private:
    /// The input happens, by the active policy.
    hub::Rehearsal::Taken happen(hub::Input input, const hub::Context& context);
    /// Does the proposed policy plainly make the same of it?
    [[nodiscard]] bool covers(const hub::EntityState& before, const hub::Input& input) const;
    [[nodiscard]] bool knows(const Policy& policy, const hub::Input& input) const;
    void count(PlanDifference difference, std::map<PlatformId, Commands>& commands_of);

    const Policy& active_;
    Policy proposed_;  ///< As if it were in force as long as the active one.
    Policy next_;      ///< The same as the version after it.
    std::size_t keep_;
    hub::Rehearsal history_;
    std::map<ObjectName, Likeness> likeness_;  ///< Of the objects that both policies have.
};

}  // namespace syncline::ctl
