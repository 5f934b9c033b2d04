#pragma once

#include <string_view>

/// Codes of what check() finds in workflows, told in hub/workflow/README.md. Where a workflow names
/// an object, a field or a platform that is not there the codes are those of check.h.
namespace syncline::finding_codes {

// Errors.
inline constexpr std::string_view kUnknownBlock = "policy.unknown_block";
inline constexpr std::string_view kUnknownContextField = "policy.unknown_context_field";
inline constexpr std::string_view kUnknownWorkflow = "policy.unknown_workflow";
inline constexpr std::string_view kUnknownAsk = "policy.unknown_ask";
inline constexpr std::string_view kUnknownEvent = "policy.unknown_event";
inline constexpr std::string_view kUnknownStep = "policy.unknown_step";
inline constexpr std::string_view kBlockCycle = "policy.block_cycle";
inline constexpr std::string_view kCallCycle = "policy.call_cycle";
inline constexpr std::string_view kNesting = "policy.nesting";
inline constexpr std::string_view kStepTwice = "policy.step_twice";
inline constexpr std::string_view kNoCompensation = "policy.no_compensation";
inline constexpr std::string_view kCompensationInput = "policy.compensation_input";
inline constexpr std::string_view kChainOrder = "policy.chain_order";
inline constexpr std::string_view kApprovalOutcome = "policy.approval_outcome";
inline constexpr std::string_view kAssignsItself = "policy.assigns_itself";
inline constexpr std::string_view kUnreachableStep = "policy.unreachable_step";
inline constexpr std::string_view kEndInParallel = "policy.end_in_parallel";
inline constexpr std::string_view kContextNotGiven = "policy.context_not_given";
inline constexpr std::string_view kWorkflowKey = "policy.workflow_key";
inline constexpr std::string_view kContextType = "policy.context_type";
// Warnings.
inline constexpr std::string_view kUnusedBlock = "policy.unused_block";
inline constexpr std::string_view kNeverStarts = "policy.never_starts";
inline constexpr std::string_view kNobodyHasRole = "policy.nobody_has_role";

inline constexpr std::string_view kOfWorkflows[] = {
    kUnknownBlock,    kUnknownContextField, kUnknownWorkflow, kUnknownStep, kBlockCycle,
    kCallCycle,       kStepTwice,           kNoCompensation,  kChainOrder,  kCompensationInput,
    kApprovalOutcome, kAssignsItself,       kUnreachableStep, kNesting,     kUnknownEvent,
    kUnknownAsk,      kUnusedBlock,         kContextNotGiven, kWorkflowKey, kContextType,
    kEndInParallel,   kNeverStarts,         kNobodyHasRole,
};

}  // namespace syncline::finding_codes
