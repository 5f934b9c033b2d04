#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/source_place.h"
#include "shared/policy/policy.h"

namespace syncline {

enum class Severity : std::uint8_t {
    kError,    ///< The policy cannot do what it says: do not activate it.
    kWarning,  ///< Probably not meant.
};
[[nodiscard]] const char* name_of(Severity severity);  ///< "error", "warning".

/// Something wrong with a policy that is well-formed.
struct Finding {
    Severity severity = Severity::kError;
    std::string_view code;  ///< Stable, one of finding_codes.
    SourcePlace place;
    std::string message;
    std::string hint;  ///< What to do about it; may be empty.
};
/// "customer.toml:12:1: error: <message> [policy.unknown_field]; <hint>".
[[nodiscard]] std::string to_string(const Finding& finding);

namespace finding_codes {
// Errors.
inline constexpr std::string_view kUnknownField = "policy.unknown_field";
inline constexpr std::string_view kUnknownPlatform = "policy.unknown_platform";
inline constexpr std::string_view kFieldWithoutRule = "policy.field_without_rule";
inline constexpr std::string_view kNoOwnerWhen = "policy.no_owner_when";
inline constexpr std::string_view kUnreachableRule = "policy.unreachable_rule";
inline constexpr std::string_view kOwnerLacksField = "policy.owner_lacks_field";
inline constexpr std::string_view kOwnerReadOnly = "policy.owner_read_only";
inline constexpr std::string_view kNobodyFounds = "policy.nobody_founds";
inline constexpr std::string_view kUnknownEnumValue = "policy.unknown_enum_value";
inline constexpr std::string_view kLiteralType = "policy.literal_type";
inline constexpr std::string_view kDeleteNotStated = "policy.delete_not_stated";
inline constexpr std::string_view kNotCleared = "policy.not_cleared";
inline constexpr std::string_view kUnknownObject = "policy.unknown_object";
inline constexpr std::string_view kUnknownExceptionKind = "policy.unknown_exception_kind";
inline constexpr std::string_view kStageField = "policy.stage_field";
inline constexpr std::string_view kUnknownStage = "policy.unknown_stage";
inline constexpr std::string_view kStageWithoutNext = "policy.stage_without_next";
inline constexpr std::string_view kUnreachableStage = "policy.unreachable_stage";
inline constexpr std::string_view kStuckStage = "policy.stuck_stage";
inline constexpr std::string_view kHandOver = "policy.hand_over";
inline constexpr std::string_view kToAndFro = "policy.to_and_fro";
inline constexpr std::string_view kListToSource = "policy.list_to_source";
inline constexpr std::string_view kListType = "policy.list_type";
inline constexpr std::string_view kListStaleTooSoon = "policy.list_stale_too_soon";
inline constexpr std::string_view kNameTaken = "policy.name_taken";
// Warnings.
inline constexpr std::string_view kFieldMayLackOwner = "policy.field_may_lack_owner";
inline constexpr std::string_view kRevertReadOnly = "policy.revert_read_only";
inline constexpr std::string_view kMatchOnOptional = "policy.match_on_optional";
inline constexpr std::string_view kFieldHeldNowhere = "policy.field_held_nowhere";
inline constexpr std::string_view kTakesNoPart = "policy.takes_no_part";
inline constexpr std::string_view kNobodyDeletes = "policy.nobody_deletes";
inline constexpr std::string_view kLifecycleNotProven = "policy.lifecycle_not_proven";
inline constexpr std::string_view kNoAddress = "policy.no_address";

inline constexpr std::string_view kAll[] = {
    kUnknownField,     kUnknownPlatform,    kFieldWithoutRule, kNoOwnerWhen,
    kUnreachableRule,  kOwnerLacksField,    kOwnerReadOnly,    kNobodyFounds,
    kUnknownEnumValue, kLiteralType,        kDeleteNotStated,  kNotCleared,
    kStageField,       kUnknownStage,       kStageWithoutNext, kUnreachableStage,
    kStuckStage,       kHandOver,           kToAndFro,         kFieldMayLackOwner,
    kRevertReadOnly,   kMatchOnOptional,    kFieldHeldNowhere, kTakesNoPart,
    kNobodyDeletes,    kLifecycleNotProven, kUnknownObject,    kUnknownExceptionKind,
    kListToSource,     kListType,           kListStaleTooSoon, kNameTaken,
    kNoAddress,
};
}  // namespace finding_codes

/// What is wrong with a policy, in order of place. Empty is clean. Pure; the same policy always
/// gives the same findings.
[[nodiscard]] std::vector<Finding> check(const Policy& policy);

}  // namespace syncline
