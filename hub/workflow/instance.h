#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "hub/workflow/effect.h"
#include "shared/model/value.h"
#include "shared/policy/policy.h"

/// An instance of a workflow: all that is known of it between two decisions.
namespace syncline::hub::workflow {

/// How the step that a frame stands at goes.
enum class Phase : std::uint8_t {
    kReady = 0,      ///< To be begun.
    kSent = 1,       ///< An answer is awaited.
    kBackOff = 2,    ///< To be sent again at `due`.
    kWaiting = 3,    ///< For an event or a time.
    kApproving = 4,  ///< For people.
    kInside = 5,     ///< Blocks that it runs are not at their end.
    kFailed = 6,     ///< Without effect; a person decides.
    kInDoubt = 7,    ///< Nobody knows whether it had its effect; a person finds out.
    kUnfit = 8,      ///< It had its effect, but what came back cannot be used; a person decides.
};
[[nodiscard]] const char* name_of(Phase phase);  ///< "ready", "sent", ...

struct Vote {
    std::string who;
    std::string on_behalf_of;  ///< Empty: for himself.
    std::uint32_t level = 0;
    friend bool operator==(const Vote&, const Vote&) = default;
};

/// A list of steps that is being run.
struct Frame {
    std::string block;  ///< Empty: the workflow's own steps.
    std::string step;   ///< The one that it stands at; empty: at the end.
    Phase phase = Phase::kReady;
    std::uint32_t attempt = 0;  ///< Newest that was sent.
    std::uint32_t tried = 0;    ///< Of the budget.
    Timestamp due;              ///< 0: nothing happens by itself.
    Timestamp remind;           ///< The same, of kApproving.
    Fields input;               ///< As sent: a repeat is the same.
    /// Key of the entity that it writes, or of the event that it waits for; amount to approve.
    Value subject;
    std::uint32_t level = 0;  ///< Of the chain.
    std::vector<Vote> votes;
    std::string seen;  ///< Hash of what is to be approved.
    bool escalated = false;
    Value::List items;        ///< Of for_each,
    std::uint32_t index = 0;  ///< and the one that `inside` runs for.
    std::vector<Frame> inside;
    friend bool operator==(const Frame&, const Frame&) = default;
};

/// An effect that a step had, in the order of completion.
struct Applied {
    enum class Undo : std::uint8_t {
        kNone = 0,     ///< Not undone, and nothing has to be yet.
        kSent = 1,     ///< An answer is awaited.
        kBackOff = 2,  ///< To be sent again at `due`.
        kFailed = 3,   ///< A person decides.
        kInDoubt = 4,  ///< A person finds out.
        kLeft = 5,     ///< It stays, by the policy's word or a person's.
    };
    std::string path;       ///< As in its key: `lines.3/ship`.
    std::uint32_t run = 1;  ///< Instance::run when it was begun.
    Undo undo = Undo::kNone;
    std::uint32_t attempt = 0;
    std::uint32_t tried = 0;
    Timestamp due;
    Fields input;      ///< Of what undoes it, worked out when it was applied.
    Value subject;     ///< The same: key of the entity. Of a call its key, by which its child goes.
    std::string flaw;  ///< Why that could not be worked out.
    friend bool operator==(const Applied&, const Applied&) = default;
};

/// An event that no step has waited for yet.
struct Heard {
    std::string event;
    std::string key;
    Fields fields;
    friend bool operator==(const Heard&, const Heard&) = default;
};

struct OpenException {
    std::string code;
    std::string step;
    std::string reason;
    friend bool operator==(const OpenException&, const OpenException&) = default;
};

/// What went out with the newest state, for publishing it again.
struct Outbox {
    std::vector<std::uint64_t> inputs;  ///< Hashes of the ids of what was decided.
    Effects effects;
    LogEntry log;
    friend bool operator==(const Outbox&, const Outbox&) = default;
};

struct Instance {
    /// What keeps new steps from being begun, beside those that a person has to see to.
    enum class Hold : std::uint8_t { kNone = 0, kPerson = 1, kDeadline = 2 };

    std::string id;
    WorkflowName workflow;
    std::string definition;      ///< Hash.
    std::uint32_t version = 0;   ///< Of the definition, as people count.
    std::uint64_t policy = 0;    ///< Version of the policy that it was taken from; 0: it has none.
    std::string variant;         ///< Empty: none.
    std::uint64_t revision = 0;  ///< 0: it does not exist yet.
    Status status = Status::kRunning;
    Hold hold = Hold::kNone;
    Timestamp started_at;
    Timestamp clock;     ///< Of its newest input.
    Timestamp deadline;  ///< 0: none, or past.
    std::string requester;
    std::string trace;
    std::string parent;      ///< Instance that called it; empty: none,
    std::string parent_key;  ///< and the key of the call.
    Fields context;
    std::uint32_t run = 1;         ///< One more with each restart from a step.
    std::vector<Frame> frames;     ///< One while it runs.
    std::vector<Applied> applied;  ///< Oldest first.
    std::vector<Heard> heard;      ///< The newest, oldest first.
    std::vector<OpenException> exceptions;
    std::vector<std::uint64_t>
        seen;                ///< Hashes of ids of people's and events' inputs, newest last.
    std::string reason;      ///< Why it is undone, or ended.
    bool compacted = false;  ///< Only how it ended is left.
    std::string log_hash;    ///< Of the newest log entry, as kept; the next one names it.
    /// Names and keys of the events that are its input; see events_of().
    std::vector<std::pair<std::string, std::string>> awaits;
    Outbox outbox;
    friend bool operator==(const Instance&, const Instance&) = default;

    /// Is no new step begun until a person acts?
    [[nodiscard]] bool is_held() const;
};

namespace limits {
inline constexpr std::size_t kContextBytes = 64u << 10;  ///< Of all its values.
inline constexpr std::size_t kInputBytes = 64u << 10;    ///< Of one request.
inline constexpr std::size_t kStateBytes = 256u << 10;   ///< Of all that it keeps, about.
inline constexpr std::size_t kEffectBytes = 128u << 10;  ///< Of one decision, about.
inline constexpr std::size_t kValueDepth = 4;            ///< Lists and maps inside each other.
inline constexpr std::size_t kFramesMost = 500;          ///< At once.
inline constexpr std::size_t kApprovalsMost = 32;        ///< At once.
inline constexpr std::size_t kShownBytes = 4u << 10;     ///< Of one approval.
inline constexpr std::size_t kKeyBytes = 240;            ///< Of a request; `/undo` may follow.
inline constexpr std::size_t kNotesMost = 100;           ///< Lines of a log entry.
inline constexpr std::size_t kAppliedMost = 1'000;       ///< Effects of one instance.
inline constexpr std::size_t kHeardMost = 64;            ///< Events that wait for a step.
inline constexpr std::size_t kHeardBytes = 64u << 10;    ///< The same.
inline constexpr std::size_t kSeenMost = 32;             ///< Inputs that are known again.
inline constexpr std::size_t kDepth = kBlockDepthMost;   ///< Blocks inside each other.
inline constexpr std::size_t kStepsAtOnce = 500;         ///< Begun by one decision.
inline constexpr std::size_t kReasonBytes = 400;
}  // namespace limits

/// The id of the instance that has this value of the workflow's key, so that a second start finds
/// the first one.
[[nodiscard]] std::string instance_id(const WorkflowName& workflow, std::string_view key);

/// What is left of an ended instance when nobody needs more of it: how it ended, so that a start
/// with the same key is still answered. A parent cannot have it undone any more.
[[nodiscard]] Instance compact(const Instance& instance);

/// The instance as a shell may keep it once all of its newest step is published.
[[nodiscard]] Instance without_outbox(Instance instance);

/// When a Tick is due; nothing: never.
[[nodiscard]] std::optional<Timestamp> next_due(const Instance& instance);

}  // namespace syncline::hub::workflow
