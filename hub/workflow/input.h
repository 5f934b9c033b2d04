#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hub/workflow/effect.h"
#include "shared/base/result.h"

/// What a decision about an instance is made of.
namespace syncline::hub::workflow {

/// Begins an instance. For one that has begun it is answered by how that stands.
struct Start {
    std::string instance;  ///< See instance_id().
    WorkflowName workflow;
    std::string trigger;    ///< "change", "api", ..., for the log.
    Fields context;         ///< Conforms, or the start is refused.
    std::string requester;  ///< Who asks; empty: nobody knows.
    std::string trace;      ///< `traceparent`, if any.
    std::string parent = {};
    std::string parent_key = {};
};

/// To an ask.
struct Reply {
    std::string key;
    std::uint32_t attempt = 0;
    std::optional<ErrorClass> error;
    Fields fields;
    std::string text;  ///< Of the error.
};

/// Of an operation or a write.
struct OperationOutcome {
    enum class What : std::uint8_t {
        kApplied = 0,
        kRefused = 1,  ///< It had no effect; `error` says whether it is worth another try.
        kInDoubt = 2,
    };
    std::string key;
    std::uint32_t attempt = 0;
    What what = What::kApplied;
    ErrorClass error = ErrorClass::kPermanent;
    Fields fields;
    std::string text;
    PlatformId platform;  ///< Whose word it is; empty: the hub's own.
};

struct EventArrived {
    std::string event;
    std::string key;
    Fields fields;
};

/// A person's word on an approval.
struct Decision {
    enum class What : std::uint8_t { kApprove = 0, kReject = 1 };
    std::string key;
    What what = What::kApprove;
    std::string who;
    std::vector<std::string> roles;  ///< Of `who`.
    std::string seen;                ///< ApprovalNews::seen of what was looked at.
    std::string comment;
    std::string on_behalf_of = {};  ///< Counts if Context says so.
};

/// Time passes.
struct Tick {};

/// An operator's action.
struct Acted {
    enum class What : std::uint8_t {
        kPause = 0,
        kResume = 1,   ///< Goes on; what has failed is tried again.
        kRetry = 2,    ///< `step` has a new budget. In doubt: it was not applied.
        kSkip = 3,     ///< `step` counts as done without effect. Needs a reason.
        kApplied = 4,  ///< `step` was applied, and `fields` came back.
        kRestart = 5,  ///< Goes on from `step`, and forgets what came after.
        kCancel = 6,   ///< What was done is undone.
        kMigrate = 7,  ///< Goes on under the policy's definition.
    };
    What what = What::kPause;
    std::string who;
    std::string step = {};  ///< Path, or name if there is one of it.
    std::string reason = {};
    Fields fields = {};  ///< kRetry, kSkip: context that becomes so first.
};
[[nodiscard]] const char* name_of(Acted::What what);  ///< "pause", "resume", ...
/// kNotFound: no action is called so; the text lists them.
[[nodiscard]] Result<Acted::What> action_named(std::string_view name);

/// Acted::who of the instance that called this one, for kCancel.
[[nodiscard]] std::string parent_actor(std::string_view instance);

struct ChildDone {
    std::string key;
    Status status = Status::kDone;
    Fields fields;  ///< Its context.
    std::string text;
};

struct Input {
    std::string id;  ///< Of its message: one that comes back has the same. Empty for a Tick.
    Timestamp at;
    std::variant<Start, Reply, OperationOutcome, EventArrived, Decision, Tick, Acted, ChildDone>
        what;
};

/// "reply to w/i/check", ...: for the log.
[[nodiscard]] std::string name_of(const Input& input);

/// What a decision may know beside policy, instance and input.
struct Context {
    std::vector<Delegation> delegations;  ///< That hold now.
};

}  // namespace syncline::hub::workflow
