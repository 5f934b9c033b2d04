#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "shared/base/source_place.h"
#include "shared/base/timestamp.h"
#include "shared/model/decimal.h"
#include "shared/model/ids.h"
#include "shared/model/operation_call.h"
#include "shared/policy/cron.h"
#include "shared/policy/expression.h"
#include "shared/policy/field_spec.h"

/// Workflows as a policy writes them: what hub/workflow runs. How they are written and what they
/// do is told in hub/workflow/README.md.
namespace syncline {

using WorkflowName = Id<struct WorkflowTag>;  ///< `replacement_part`.

/// Blocks inside each other at most.
inline constexpr std::size_t kBlockDepthMost = 8;

/// A field that becomes the value of an expression.
struct Assignment {
    FieldName field;
    Expression value;
};
using Assignments = std::vector<Assignment>;  ///< Sorted by field, no field twice.

/// What to do when something did not come to a good end.
enum class Recourse : std::uint8_t {
    kPause,       ///< Nothing new is begun until a person acts; one exception says so.
    kCompensate,  ///< What was done is undone.
    kContinue,    ///< The step counts as done, without what it would have given.
};
[[nodiscard]] const char* name_of(Recourse recourse);  ///< "pause", "compensate", "continue".

struct RetryRule {
    std::uint32_t attempts = 3;           ///< In all, with the first.
    Duration first{1'000'000'000};        ///< Most that the first wait can be.
    Duration most{60LL * 1'000'000'000};  ///< Most that any wait can be.
};

/// Fields that an entity shall have by a workflow's word.
struct EntityWrite {
    ObjectName object;
    std::optional<Expression> key;  ///< Which one; there whenever the policy could be read.
    Assignments fields;
};

struct AskStep {
    std::string operation;  ///< `platform.operation`, or a composite's name.
};
struct OperationStep {
    std::string operation;  ///< `platform.operation`.
};
struct SetStep {
    EntityWrite write;
};
struct LetStep {
    Assignments values;
};
/// Waits for an event, or until a time.
struct WaitStep {
    std::string event;                ///< Empty: a time.
    std::optional<Expression> key;    ///< Of the event.
    std::optional<Expression> until;  ///< A timestamp; without it, and without event: `length`.
    Duration length{0};
};
struct ApproveStep {
    enum class Late : std::uint8_t { kUnstated, kReject, kEscalate, kApprove };
    struct Level {
        std::string role;
        std::optional<Decimal> from;  ///< Only for this amount or more; absent: always.
    };
    std::vector<Level> chain;          ///< Asked one after the other; one at least.
    std::uint32_t quorum = 1;          ///< People of each level.
    std::optional<Expression> amount;  ///< What `from` is compared with.
    std::vector<FieldName> show;       ///< What is to be seen, sorted; empty: the whole context.
    Late on_deadline = Late::kUnstated;
    std::string escalate_to;  ///< Role that decides alone once it is late.
    Duration remind{0};       ///< 0: nobody is reminded.
    Recourse on_reject = Recourse::kCompensate;
    FieldName into;  ///< Becomes true or false; empty: nothing does.
};
struct ChooseStep {
    struct Choice {
        std::optional<Expression> when;  ///< Absent: always.
        std::string block;
    };
    std::vector<Choice> choices;  ///< The first that holds.
};
struct ParallelStep {
    std::vector<std::string> blocks;
};
/// One item after the other.
struct ForEachStep {
    std::optional<Expression> of;  ///< A list; there whenever the policy could be read.
    FieldName as;
    std::string block;
    std::uint32_t most = 0;  ///< A longer list is a failure, not cut.
};
struct CallStep {
    WorkflowName workflow;
};
struct EmitStep {
    std::string event;
    Assignments fields;
};
struct EndStep {
    enum class Outcome : std::uint8_t { kDone, kFailed };
    Outcome outcome = Outcome::kDone;
    std::optional<Expression> reason;
};

using Action = std::variant<AskStep, OperationStep, SetStep, LetStep, WaitStep, ApproveStep,
                            ChooseStep, ParallelStep, ForEachStep, CallStep, EmitStep, EndStep>;

/// How a step's effect is undone.
struct Compensation {
    std::string operation;  ///< Empty: `write`.
    Assignments with;       ///< Of the operation, over the context after the step.
    std::optional<EntityWrite> write;
    SourcePlace place;
};

struct StepSpec {
    std::string name;
    std::optional<Expression> when;  ///< Else it is passed over.
    Action action;
    Assignments with;  ///< Input, over the context.
    Assignments into;  ///< Context, over what came back.
    RetryRule retry;
    std::map<ErrorClass, Recourse> on_error;  ///< What is not named pauses.
    Duration deadline{0};                     ///< 0: none.
    Recourse on_deadline = Recourse::kPause;  ///< Of a wait.
    std::optional<Compensation> compensate;
    std::string because;  ///< Why nothing undoes it.
    SourcePlace place;

    /// Does it change anything outside that stays? An event only tells.
    [[nodiscard]] bool has_effect() const;
    [[nodiscard]] Recourse recourse(ErrorClass error) const;
};
using Steps = std::vector<StepSpec>;

/// What begins an instance.
struct Trigger {
    enum class On : std::uint8_t { kChange, kEvent, kApi, kSchedule };
    On on = On::kApi;
    ObjectName object;               ///< kChange.
    std::string event;               ///< kEvent: `case.opened`.
    std::optional<Cron> cron;        ///< kSchedule.
    std::optional<Expression> when;  ///< kChange: becomes true; kEvent: holds.
    Assignments set;                 ///< Context, over the entity's or the event's fields.
    SourcePlace place;
};
[[nodiscard]] const char* name_of(Trigger::On on);  ///< "change", "event", "api", "schedule".

/// Steps of its own for some instances; which is chosen when one starts.
struct Variant {
    std::string name;
    std::optional<Expression> when;
    Steps steps;  ///< All of them, with the overlay done.
    SourcePlace place;
};

/// How an instance of an earlier definition goes on under this one.
struct Migration {
    std::string from;                          ///< Hash or version of the earlier one.
    std::map<std::string, std::string> steps;  ///< Old name -> new name; others keep theirs.
    SourcePlace place;
};

struct Workflow {
    WorkflowName name;
    std::uint32_t version = 1;  ///< As people count.
    std::string owner;          ///< Who answers for it.
    FieldName key;              ///< Context field that names an instance; empty: none does.
    Duration deadline{0};       ///< For the whole; 0: none.
    Recourse on_deadline = Recourse::kPause;
    std::vector<FieldSpec> context;  ///< Sorted by name.
    std::vector<Trigger> triggers;
    Steps steps;
    std::map<std::string, Steps> blocks;
    std::map<std::string, SourcePlace> block_places;
    std::vector<Variant> variants;  ///< Tried in order of their names.
    std::optional<Migration> migration;
    /// SHA-256 of what instances run by, its first 32 hexadecimal digits: context, steps, blocks,
    /// variants, deadline. Not of triggers, owner or where in a file it stands.
    std::string hash;
    SourcePlace place;

    [[nodiscard]] const FieldSpec* field(std::string_view field) const;
    [[nodiscard]] const Variant* variant(std::string_view variant) const;
    /// The steps of a block; of the workflow itself if `block` is empty. Null: there is none.
    [[nodiscard]] const Steps* block(std::string_view block, std::string_view variant) const;
};

/// Its `hash`, worked out anew.
[[nodiscard]] std::string definition_hash(const Workflow& workflow);

/// Calls `take(block)` with each block that the step may run.
void each_block(const StepSpec& step, const auto& take) {
    if (const auto* choose = std::get_if<ChooseStep>(&step.action)) {
        for (const auto& choice : choose->choices) take(choice.block);
    } else if (const auto* parallel = std::get_if<ParallelStep>(&step.action)) {
        for (const std::string& block : parallel->blocks) take(block);
    } else if (const auto* loop = std::get_if<ForEachStep>(&step.action)) {
        take(loop->block);
    }
}

/// That somebody may decide for another.
struct Delegation {
    std::string from;
    std::string to;
    std::vector<std::string> roles;  ///< Of `from`, as far as they are given on.
    Timestamp until;                 ///< 0: for ever.
    friend bool operator==(const Delegation&, const Delegation&) = default;
};

/// `platform.operation` in two; nothing if it is not.
[[nodiscard]] std::optional<std::pair<PlatformId, std::string>> split_operation(
    std::string_view text);

}  // namespace syncline
