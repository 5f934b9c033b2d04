#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "shared/model/ids.h"
#include "shared/model/value.h"
#include "shared/policy/workflow.h"

/// What a decision about an instance of a workflow asks of the shell.
namespace syncline::hub::workflow {

/// How an instance stands. The last two are ends.
enum class Status : std::uint8_t {
    kRunning = 0,
    kCompensating = 1,  ///< What was done is being undone.
    kDone = 2,
    kCompensated = 3,  ///< All that could be undone is.
};
[[nodiscard]] const char* name_of(Status status);  ///< "running", "compensating", ...
[[nodiscard]] constexpr bool is_end(Status status) { return status >= Status::kDone; }

/// Something for another to do. The same `key` always means the same thing with the same fields,
/// however often it is published: who has done it answers what he answered.
struct Request {
    enum class Kind : std::uint8_t {
        kAsk = 0,        ///< Answered by a Reply.
        kOperation = 1,  ///< Answered by an OperationOutcome, as is the next one.
        kWrite = 2,      ///< Fields of an entity, as by a person's word.
        kEvent = 3,      ///< Not answered.
        kStart = 4,      ///< A child: its `fields` are its context. Answered by ChildDone.
        kCancel = 5,     ///< A child is to be undone. Answered by ChildDone.
    };
    Kind kind = Kind::kAsk;
    std::string key;   ///< `workflow/instance/step`.
    std::string name;  ///< Operation, object, event or workflow.
    Value subject;     ///< kWrite: key of the entity. kStart, kCancel: the child's id.
    Fields fields;
    std::uint32_t attempt = 0;  ///< From 1 on; answers carry it.
    Timestamp until;            ///< No answer is waited for after that; 0: for ever.
    bool undoes = false;        ///< It compensates an earlier one.
    friend bool operator==(const Request&, const Request&) = default;
};
[[nodiscard]] const char* name_of(Request::Kind kind);  ///< "ask", "operation", "write", ...

/// The newest of a key says how an approval stands.
struct ApprovalNews {
    enum class What : std::uint8_t {
        kAsked = 0,
        kReminded = 1,
        kWithdrawn = 2,
        kVoted = 3,  ///< As before, but for fewer who are missing.
    };
    What what = What::kAsked;
    std::string key;
    std::string role;           ///< Whose word is asked for now.
    std::uint32_t missing = 0;  ///< So many more people of that role.
    Fields shown;               ///< What is decided about.
    std::string seen;           ///< Its hash; a Decision names it.
    std::string requester;      ///< Who cannot approve.
    Timestamp until;
    friend bool operator==(const ApprovalNews&, const ApprovalNews&) = default;
};

/// An exception of the instance; `code` and `step` name it, and the newest one counts.
struct ExceptionNews {
    enum class What : std::uint8_t { kOpened = 0, kClosed = 1 };
    What what = What::kOpened;
    std::string code;
    std::string step;    ///< Its path; empty: the whole instance.
    std::string reason;  ///< What happened and what can be done; empty if it is closed.
    friend bool operator==(const ExceptionNews&, const ExceptionNews&) = default;
};

namespace codes {
inline constexpr std::string_view kStepFailed = "workflow.step_failed";
inline constexpr std::string_view kInDoubt = "workflow.in_doubt";
inline constexpr std::string_view kDeadline = "workflow.deadline";
inline constexpr std::string_view kApprovalExpired = "workflow.approval_expired";
inline constexpr std::string_view kCompensationFailed = "workflow.compensation_failed";
inline constexpr std::string_view kTooLarge = "workflow.too_large";
inline constexpr std::string_view kAll[] = {
    kStepFailed, kInDoubt, kDeadline, kApprovalExpired, kCompensationFailed, kTooLarge};
}  // namespace codes

/// An answer to somebody.
struct Told {
    enum class What : std::uint8_t {
        kRefused = 0,   ///< The input `to` changed nothing; `text` says why.
        kStarted = 1,   ///< The start `to` is this instance, begun now or `status` by now. By the
                        ///< shell of other inputs, too: it is taken.
        kFinished = 2,  ///< The parent `to` is told what became of its child `key`.
        kForeign = 3,   ///< The input `to` is an answer by a platform that was not asked.
    };
    What what = What::kRefused;
    std::string to;
    std::string key;  ///< kStarted: the instance. kFinished: of the call.
    Status status = Status::kRunning;
    Fields fields;  ///< kFinished: the context.
    std::string text;
    friend bool operator==(const Told&, const Told&) = default;
};

using Effect = std::variant<Request, ApprovalNews, ExceptionNews, Told>;
using Effects = std::vector<Effect>;

/// What a step of an instance was decided by, and what was decided.
struct LogEntry {
    std::string instance;
    std::uint64_t revision = 0;  ///< Of the state it made.
    Timestamp at;
    std::uint64_t policy = 0;          ///< Version by which it was decided; 0: it has none.
    std::vector<std::string> inputs;   ///< "reply entitlement", ...
    std::vector<std::string> decided;  ///< In order.
    /// The inputs themselves, each a Message: deciding them again, at `at`, makes the same state.
    std::vector<std::string> taken;
    /// SHA-256 of the instance's entry before this one, as it is kept; empty: this is the first.
    std::string previous;
    friend bool operator==(const LogEntry&, const LogEntry&) = default;
};

}  // namespace syncline::hub::workflow
