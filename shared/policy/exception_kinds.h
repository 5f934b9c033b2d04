#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <string_view>

/// The catalogue of exceptions: every kind that there is, in one table. What opens an exception
/// names its kind by a constant of `exceptions`, and these are made from the table alone.
namespace syncline {

/// How much an exception matters, the least first.
enum class ExceptionSeverity : std::uint8_t { kInfo, kWarning, kError, kCritical };
[[nodiscard]] const char* name_of(ExceptionSeverity severity);  ///< "info", "warning", ...

/// Where an exception lives until it is settled.
enum class ExceptionHolder : std::uint8_t {
    kEntity,        ///< In the state of its entity; a person's action is decided with it.
    kInput,         ///< Nowhere else than in its message, which keeps an input nobody could decide.
    kInstallation,  ///< The same, and it is about no record.
    kInstance,      ///< In the instance of a workflow, which a person acts on.
};
[[nodiscard]] const char* name_of(
    ExceptionHolder holder);  ///< "entity", "input", "installation", ...

/// One kind, in words for people. An action whose text is empty does not apply.
struct ExceptionKind {
    std::string_view code;                                   ///< Stable: `ownership.review`.
    ExceptionSeverity severity = ExceptionSeverity::kError;  ///< If no rule of the policy has one.
    ExceptionHolder holder = ExceptionHolder::kEntity;
    std::string_view meaning;  ///< One line.
    std::string_view advice;   ///< What to do about it.
    std::string_view accept;   ///< What the action comes to.
    std::string_view reject;
    std::string_view retry;
    std::string_view discard;
    std::string_view edit;    ///< Giving values of one's own, and trying again with them.
    std::string_view closes;  ///< When it closes by itself.
};

inline constexpr ExceptionKind kExceptionKinds[] = {
    {.code = "breaker.held_in",
     .severity = ExceptionSeverity::kCritical,
     .holder = ExceptionHolder::kInstallation,
     .meaning = "a platform deleted, blanked or overwrote so much that none of it is taken yet",
     .advice = "accept if it was meant; else put it right at the platform, then accept, or discard",
     .accept = "what is held is taken, and the lane flows again",
     .discard = "what is held is dropped, and the lane flows again; a reconciliation still finds "
                "what differs",
     .closes = "when the agent has done what was answered"},
    {.code = "breaker.held_out",
     .severity = ExceptionSeverity::kCritical,
     .holder = ExceptionHolder::kInstallation,
     .meaning = "a platform was commanded to delete, blank or overwrite so much that none of it is "
                "done yet",
     .advice =
         "look at the sample, and at what decided it: synclinectl log; accept if it is meant, "
         "else discard",
     .accept = "the commands are carried out, and the lane flows again",
     .discard = "the commands are dropped; the platform stays as it is until something about it "
                "changes",
     .closes = "when the agent has done what was answered"},
    {.code = "broker.amnesia",
     .severity = ExceptionSeverity::kCritical,
     .holder = ExceptionHolder::kInstallation,
     .meaning = "a stream of the broker lost messages",
     .advice = "agents and hubs send again what was lost; check the servers' disks, and use "
               "sync_interval: always",
     .discard = "somebody has seen it",
     .closes = "never"},
    {.code = "change.contract",
     .meaning = "a platform's value does not fit the field's contract",
     .advice = "mend the value at the platform, or change the field in the policy",
     .accept = "the platform keeps its value, which never becomes canonical",
     .reject = "the platform is told the canonical value",
     .retry = "it is decided again",
     .discard = "the platform keeps its value until either side changes",
     .edit = "the values become canonical, and the platform is told",
     .closes = "when the platform tells a value that fits, or its record is gone"},
    {.code = "command.gave_up",
     .meaning = "a command was tried until its budget was spent",
     .advice = "see that the platform answers, then retry",
     .accept = "the platform stays as it is",
     .reject = "the platform is told again",
     .retry = "the platform is told again",
     .discard = "nothing is told until something about it changes",
     .edit = "the values become canonical and are told",
     .closes = "when the platform holds what is canonical, the canonical value changes, or the "
               "record is gone"},
    {.code = "command.in_doubt",
     .severity = ExceptionSeverity::kCritical,
     .meaning = "nobody can tell whether a command was carried out",
     .advice = "look at the platform: accept if it was, reject if it was not",
     .accept = "it was carried out",
     .reject = "it was not: the platform is told again",
     .retry = "it was not: the platform is told again",
     .closes =
         "when the record turns up or is gone, or the platform holds or answers what was wanted"},
    {.code = "command.rejected",
     .meaning = "a platform refused a command for good",
     .advice = "correct what it refuses, here or at the platform, then retry",
     .accept = "the platform stays as it is",
     .reject = "the platform is told again",
     .retry = "the platform is told again",
     .discard = "nothing is told until something about it changes",
     .edit = "the values become canonical and are told",
     .closes = "when the platform holds what is canonical, the canonical value changes, or the "
               "record is gone"},
    {.code = "convergence.field",
     .meaning = "a field does not stay as it was commanded",
     .advice = "stop what sets it at the platform, or change its owner, then retry",
     .accept = "the platform's value becomes canonical",
     .reject = "the platform is told the canonical value",
     .retry = "the platform is told the canonical value",
     .discard = "the platform keeps its value until either side changes",
     .edit = "the values become canonical and are told",
     .closes = "when the platform holds what is canonical, the canonical value changes, or the "
               "record is gone"},
    {.code = "delete.review",
     .severity = ExceptionSeverity::kWarning,
     .meaning = "a record was deleted, and a person decides what that means",
     .advice = "accept to delete the entity everywhere, reject to have the record made again",
     .accept = "the entity is deleted everywhere",
     .reject = "the record is made again",
     .retry = "the record stays deleted, the entity lives on without it",
     .discard = "the record stays deleted, the entity lives on without it",
     .closes = "when the record is back, or the entity is deleted"},
    {.code = "identity.ambiguous",
     .holder = ExceptionHolder::kInput,
     .meaning = "the keys of a record belong to several entities",
     .advice =
         "correct a key at the platform, and the record's next change is placed anew; or link it "
         "(synclinectl link)",
     .retry = "it is placed again, by the keys of now",
     .discard = "the record stays out until it changes",
     .closes = "when the record belongs to an entity, or is deleted"},
    {.code = "identity.second_record",
     .severity = ExceptionSeverity::kWarning,
     .meaning = "a platform has several records of one entity",
     .advice =
         "merge them at the platform, unlink the one that is not its (synclinectl unlink), or "
         "change the match rules",
     .accept = "the other records stay apart",
     .reject = "it stays open while they are there",
     .retry = "it stays open while they are there",
     .discard = "the other records stay apart",
     .closes = "when the other records are gone"},
    {.code = "identity.shared_key",
     .meaning = "two entities have come to have one match key",
     .advice = "merge the two (synclinectl merge), or correct the one that is wrong, then retry",
     .accept = "it stays open while the key is another's",
     .reject = "it stays open while the key is another's",
     .retry = "it stays open while the key is another's",
     .closes = "when the entity's own key changes"},
    {.code = "identity.unmatched",
     .severity = ExceptionSeverity::kWarning,
     .holder = ExceptionHolder::kInput,
     .meaning = "a record matches no entity and may not found one",
     .advice =
         "correct its keys at the platform, link it (synclinectl link), or let the platform found "
         "entities",
     .discard = "the record stays out until it changes",
     .closes = "when the record belongs to an entity, or is deleted"},
    {.code = "input.foreign_platform",
     .severity = ExceptionSeverity::kCritical,
     .holder = ExceptionHolder::kInput,
     .meaning = "an agent speaks for another platform than its own",
     .advice = "check the agent's configuration and its permissions on the server",
     .discard = "the input stays undecided",
     .closes = "never"},
    {.code = "input.undecodable",
     .severity = ExceptionSeverity::kCritical,
     .holder = ExceptionHolder::kInput,
     .meaning = "an input could not be decided and is kept as it is",
     .advice = "correct what made it, then retry, or have the platform read again",
     .retry = "it is read and decided again",
     .discard = "the input stays undecided",
     .closes = "never"},
    {.code = "input.unknown_object",
     .holder = ExceptionHolder::kInput,
     .meaning = "an agent tells of an object that the policy does not have on its platform",
     .advice = "add it to the policy, or take it out of the agent's configuration",
     .retry = "it is decided again, by the policy of now",
     .discard = "the input stays undecided",
     .closes = "when the record belongs to an entity"},
    {.code = "lifecycle.transition",
     .meaning = "a platform moved to a stage that may not follow the canonical one",
     .advice = "accept to force the stage, reject to have the platform told the one that counts",
     .accept = "the stage becomes canonical all the same",
     .reject = "the platform is told the canonical stage",
     .retry = "it is decided again",
     .discard = "the platform keeps its value until either side changes",
     .edit = "the values become canonical, and the platform is told",
     .closes = "when the platform goes back, the stage may follow by now, or the record is gone"},
    {.code = "list.not_applied",
     .holder = ExceptionHolder::kInstallation,
     .meaning = "a platform could not be given a list's newest generation",
     .advice = "correct what it refuses; its agent tries again by itself",
     .closes = "when the platform has the newest generation, or is given the list no more"},
    {.code = "list.refused",
     .holder = ExceptionHolder::kInstallation,
     .meaning = "what was read of a list does not fit its fields, so nobody is given it",
     .advice = "correct the row that is named at the source, then: synclinectl list refresh",
     .closes = "when a reading fits"},
    {.code = "list.shrunk",
     .severity = ExceptionSeverity::kCritical,
     .holder = ExceptionHolder::kInstallation,
     .meaning = "so many rows are gone from a list that nobody is given it yet",
     .advice = "look at the sample; accept if it was meant, else correct it at the source",
     .accept = "the list becomes the newest generation",
     .discard = "the list stays as it was until its source says something else",
     .closes = "when the source says something else, or was answered"},
    {.code = "list.stale",
     .holder = ExceptionHolder::kInstallation,
     .meaning = "for too long nothing has proven that a list is what its source holds",
     .advice = "see that the source's agent runs and can read it: synclinectl list show",
     .closes = "when the list was read"},
    {.code = "ownership.review",
     .severity = ExceptionSeverity::kWarning,
     .meaning = "a platform that does not own a field changed it",
     .advice = "accept the value, or reject it",
     .accept = "the platform's value becomes canonical",
     .reject = "the platform is told the canonical value",
     .retry = "it is decided again",
     .discard = "the platform keeps its value until either side changes",
     .edit = "the values become canonical, and the platform is told",
     .closes =
         "when platform and canonical value agree, another rule holds, or the record is gone"},
    {.code = "ownership.undecided",
     .meaning = "no ownership rule holds for a field that a platform changed",
     .advice = "add a rule to the policy, or accept or reject the value",
     .accept = "the platform's value becomes canonical",
     .reject = "the platform is told the canonical value",
     .retry = "it is decided again",
     .discard = "the platform keeps its value until either side changes",
     .edit = "the values become canonical, and the platform is told",
     .closes = "when platform and canonical value agree, a rule holds, or the record is gone"},
    {.code = "platform.fields",
     .severity = ExceptionSeverity::kWarning,
     .holder = ExceptionHolder::kInstallation,
     .meaning = "a platform no longer tells a field that is mapped, or never did",
     .advice = "syncline-agent probe shows what comes; the values of before stay as they are",
     .discard = "it is left so, until another field is missing",
     .closes = "when the field is told again, or mapped no more"},
    {.code = "platform.records",
     .holder = ExceptionHolder::kInstallation,
     .meaning = "a platform has records that cannot be used as they are mapped",
     .advice = "correct them at the platform, or the mapping; the agent's log names them",
     .discard = "they are left so, until there are more of them",
     .closes = "when each of them could be used; those without an id a day after they came"},
    {.code = "policy.refused",
     .holder = ExceptionHolder::kInstallation,
     .meaning = "a version of the policy did not come into force",
     .advice = "plan and apply it again",
     .discard = "somebody has seen it",
     .closes = "when a version comes into force"},
    {.code = "reconcile.review",
     .severity = ExceptionSeverity::kWarning,
     .meaning = "a reconciliation found a value that no change had told of",
     .advice = "accept the value, or reject it; retry has the policy's rule decide",
     .accept = "the platform's value becomes canonical",
     .reject = "the platform is told the canonical value",
     .retry = "the policy decides it like any change",
     .discard = "the platform keeps its value until either side changes",
     .edit = "the values become canonical, and the platform is told",
     .closes =
         "when platform and canonical value agree, the canonical value changes, or the record "
         "is gone"},
    {.code = "webhook.failing",
     .holder = ExceptionHolder::kInstallation,
     .meaning = "a webhook has taken nothing for some time",
     .advice =
         "see why: synclinectl webhooks show; mend that, and if it is disabled, webhooks enable",
     .discard = "somebody has seen it",
     .closes = "when an event is taken"},
    {.code = "webhook.refused",
     .holder = ExceptionHolder::kInput,
     .meaning = "a webhook refuses an event again and again, and goes on without it",
     .advice = "mend what the reason says, then synclinectl webhooks replay",
     .discard = "that one is not delivered",
     .closes = "never"},
    {.code = "workflow.approval_expired",
     .holder = ExceptionHolder::kInstance,
     .meaning = "an approval was answered neither in time nor by whom it was escalated to",
     .advice = "synclinectl workflows retry asks again, cancel undoes what was done",
     .closes = "when a person has acted"},
    {.code = "workflow.compensation_failed",
     .severity = ExceptionSeverity::kCritical,
     .holder = ExceptionHolder::kInstance,
     .meaning = "what a workflow has done could not be undone",
     .advice =
         "undo it by hand and say so (synclinectl workflows applied), retry, or skip: it stays",
     .closes = "when it is undone, or a person has acted"},
    {.code = "workflow.deadline",
     .severity = ExceptionSeverity::kWarning,
     .holder = ExceptionHolder::kInstance,
     .meaning = "a workflow, or a step of it, takes longer than it may",
     .advice = "see what it waits for: synclinectl workflows show; resume, retry, skip or cancel",
     .closes = "when the step ends, or a person has acted"},
    {.code = "workflow.in_doubt",
     .severity = ExceptionSeverity::kCritical,
     .holder = ExceptionHolder::kInstance,
     .meaning = "nobody knows whether an operation of a workflow was carried out",
     .advice = "look at the platform; then synclinectl workflows applied (it was), retry or skip "
               "(it was not)",
     .closes = "when the agent finds out, or a person has acted"},
    {.code = "workflow.not_started",
     .holder = ExceptionHolder::kInput,
     .meaning = "a change, an event or a schedule should begin a workflow and could not",
     .advice = "mend what the reason says, then retry",
     .retry = "it is tried again",
     .discard = "that one is not begun",
     .closes = "never"},
    {.code = "workflow.step_failed",
     .holder = ExceptionHolder::kInstance,
     .meaning = "a step of a workflow failed for good, and the workflow is held",
     .advice = "synclinectl workflows retry, skip or cancel; applied, if it was done by hand",
     .closes = "when a person has acted"},
    {.code = "workflow.too_large",
     .holder = ExceptionHolder::kInstance,
     .meaning = "a workflow holds more than it may",
     .advice = "synclinectl workflows retry with a smaller context, skip or cancel",
     .closes = "when a person has acted"},
};

/// The kind of that code; null if there is none.
[[nodiscard]] constexpr const ExceptionKind* exception_kind(std::string_view code) {
    const auto* at = std::ranges::find(kExceptionKinds, code, &ExceptionKind::code);
    return at == std::end(kExceptionKinds) ? nullptr : at;
}

/// The code of a kind that the catalogue has.
class ExceptionCode {
public:
    /// Does not compile for a code that the catalogue does not have.
    consteval explicit ExceptionCode(std::string_view code) {
        while (index_ < std::size(kExceptionKinds) && kExceptionKinds[index_].code != code) {
            ++index_;
        }
        if (index_ == std::size(kExceptionKinds)) throw "no such kind in the catalogue";
    }
    [[nodiscard]] constexpr const ExceptionKind& kind() const { return kExceptionKinds[index_]; }
    constexpr operator std::string_view() const { return kind().code; }  // NOLINT: it is a name.
    friend constexpr bool operator==(ExceptionCode code, std::string_view text) {
        return code.kind().code == text;
    }

private:
    // No pointer: with UBSan, GCC 12 takes no comparison of one for a constant.
    std::size_t index_ = 0;
};

namespace exceptions {
inline constexpr ExceptionCode kHeldIn{"breaker.held_in"};
inline constexpr ExceptionCode kHeldOut{"breaker.held_out"};
inline constexpr ExceptionCode kBroker{"broker.amnesia"};
inline constexpr ExceptionCode kContract{"change.contract"};
inline constexpr ExceptionCode kGaveUp{"command.gave_up"};
inline constexpr ExceptionCode kInDoubt{"command.in_doubt"};
inline constexpr ExceptionCode kRejected{"command.rejected"};
inline constexpr ExceptionCode kNotConverging{"convergence.field"};
inline constexpr ExceptionCode kDeleteReview{"delete.review"};
inline constexpr ExceptionCode kAmbiguous{"identity.ambiguous"};
inline constexpr ExceptionCode kSecondRecord{"identity.second_record"};
inline constexpr ExceptionCode kSharedKey{"identity.shared_key"};
inline constexpr ExceptionCode kUnmatched{"identity.unmatched"};
inline constexpr ExceptionCode kForeignPlatform{"input.foreign_platform"};
inline constexpr ExceptionCode kUndecodable{"input.undecodable"};
inline constexpr ExceptionCode kUnknownObject{"input.unknown_object"};
inline constexpr ExceptionCode kTransition{"lifecycle.transition"};
inline constexpr ExceptionCode kListNotApplied{"list.not_applied"};
inline constexpr ExceptionCode kListRefused{"list.refused"};
inline constexpr ExceptionCode kListShrunk{"list.shrunk"};
inline constexpr ExceptionCode kListStale{"list.stale"};
inline constexpr ExceptionCode kReview{"ownership.review"};
inline constexpr ExceptionCode kUndecided{"ownership.undecided"};
inline constexpr ExceptionCode kPlatformFields{"platform.fields"};
inline constexpr ExceptionCode kPlatformRecords{"platform.records"};
inline constexpr ExceptionCode kPolicyRefused{"policy.refused"};
inline constexpr ExceptionCode kReconcileReview{"reconcile.review"};
inline constexpr ExceptionCode kWebhookFailing{"webhook.failing"};
inline constexpr ExceptionCode kWebhookRefused{"webhook.refused"};
inline constexpr ExceptionCode kNotStarted{"workflow.not_started"};
}  // namespace exceptions

/// Is an exception of this kind held by its entity's state? Else its message is all there is.
[[nodiscard]] bool is_held(std::string_view code);

}  // namespace syncline
