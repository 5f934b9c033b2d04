#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "hub/core/state.h"
#include "shared/model/change.h"
#include "shared/model/command.h"
#include "shared/model/operation_call.h"
#include "shared/model/outcome.h"
#include "shared/policy/exception_kinds.h"

/// What goes into a decision and what comes out of it.
namespace syncline::hub {

enum class OperationKind : std::uint8_t {
    kAccept = 0,   ///< Take what the platform wanted as canonical.
    kReject = 1,   ///< Keep the canonical value and tell the platform so.
    kRetry = 2,    ///< Try again what failed.
    kDiscard = 3,  ///< Leave everything as it is until something changes. Needs a reason.
    kEdit = 4,     ///< Make `values` canonical, and try again with them.
    // How it is seen to; it stays open.
    kAssign = 5,  ///< To `text`; empty: to nobody.
    kTag = 6,     ///< `text` is put on it,
    kUntag = 7,   ///< or taken off.
    kNote = 8,    ///< `text` is kept with it.
    kDue = 9,     ///< Until `due`; 0: whenever.
    // Which records are whose. Asked of the entity that has them.
    kMerge = 10,    ///< It is the entity `other`, which gets all its records.
    kUnmerge = 11,  ///< `other`, which was merged into it, is an entity of its own.
    kLink = 12,     ///< `record` is of the entity `other`; or of this one, if it is nobody's.
    kUnlink = 13,   ///< `record` is an entity of its own.
    kForget = 14,   ///< Nothing of it is kept; see Forgotten.
    // By a workflow.
    kSet = 15,  ///< Make `values` canonical. Answered; see Step::answers.
};
/// "accept", ...: as people type it.
[[nodiscard]] const char* name_of(OperationKind kind);
/// Is it about how an exception is seen to, and does not settle it?
[[nodiscard]] constexpr bool is_about_care(OperationKind kind) {
    return kind >= OperationKind::kAssign && kind <= OperationKind::kDue;
}
/// Is it about the entity itself, and not about an exception?
[[nodiscard]] constexpr bool is_about_identity(OperationKind kind) {
    return kind >= OperationKind::kMerge && kind <= OperationKind::kForget;
}

/// What the operation comes to by the catalogue; empty: it does not apply to the kind.
[[nodiscard]] std::string_view comes_to(const ExceptionKind& kind, OperationKind operation);

/// An operator's action on an open exception of an entity, or on which records are its.
struct Operation {
    OperationKind kind = OperationKind::kRetry;
    EntityKey entity;
    /// Its kind. Empty for kRetry: all of the entity's, and what else is left alone by a rule.
    std::string exception;
    std::string id;  ///< Unique; names the action in the log.
    std::string actor;
    std::string reason;
    Timestamp at;
    /// ExceptionRecord::version of what the operator saw: what has changed since is not decided by
    /// it. 0: whatever it is by now.
    std::uint64_t seen = 0;
    std::string text = {};  ///< For kAssign, kTag, kUntag, kNote.
    Timestamp due = {};     ///< For kDue.
    Fields values = {};     ///< For kEdit, kSet.
    /// For kMerge, kUnmerge, kLink; for kForget of a merged one whom it was merged into.
    EntityId other = {};
    PlatformId platform = {};  ///< Of the record, for kLink and kUnlink.
    RecordId record = {};
    std::string change = {};  ///< For kLink: of a record that is nobody's, as it was told.
};

/// Has an entity publish again what it holds open, after the exceptions stream lost messages or
/// the entity's own state did, and hand over again what it gave away.
struct Recheck {
    /// `kind@platform` of one that is open on the stream; resolved if the entity does not hold it.
    /// Empty: all that the entity holds.
    std::string exception;
    /// Sequence of the stored state that it was told of, 0 for none; while that is the newest there
    /// is nothing to do.
    std::optional<std::uint64_t> told_of;
    /// Also whether the links still name it as the one that has its records.
    bool links = false;
};

/// Has an entity decided again by the policy that is in force by now.
struct PolicyChanged {
    std::uint64_t stored =
        0;  ///< Sequence of the state that was seen; an older one is loaded anew.
};

/// What another entity gives to this one.
struct Takeover {
    EntityKey from;
    Handover handover;
};

/// The handover of that id has arrived.
struct HandedOver {
    std::string id;
};

/// What was to be erased by Forgotten in `phase` is erased; of kDone: entries of the log came late.
struct Erased {
    std::string id;
    Forgotten::Phase phase = Forgotten::Phase::kStreams;
    std::uint64_t messages = 0;      ///< How many were found.
    std::vector<std::uint64_t> log;  ///< What is still to be erased; see Forgotten.
};

using Input =
    std::variant<Change, Outcome, Operation, Recheck, PolicyChanged, Takeover, HandedOver, Erased>;

/// A normalised match key that must belong to the entity before its state is stored.
struct Claim {
    ObjectName object;
    std::string rule;
    std::string text;
    friend bool operator==(const Claim&, const Claim&) = default;
};

/// A match key that another entity has.
struct ForeignKey {
    Claim key;
    EntityId holder;
};

/// What a decision may know beside policy, state and input.
struct Context {
    Timestamp now;
    Partition partition;      ///< Where the input was read; commands carry it.
    std::uint64_t fence = 0;  ///< Of this hub's hold on `partition`.
    /// Keys that the entity cannot have. Nothing: not known; claiming its keys finds it out.
    std::optional<std::vector<ForeignKey>> foreign_keys = {};
    /// Records that stand for another entity, as far as known.
    std::vector<RecordKey> foreign_records = {};
    /// Is anything published of the step? If not, its state's outbox stays empty.
    enum class Publishing : std::uint8_t { kYes, kNo };
    Publishing publishing = Publishing::kYes;
};

enum class Verdict : std::uint8_t {
    kAccepted = 0,   ///< Canonical now.
    kReverted = 1,   ///< The platform is told the canonical value.
    kIgnored = 2,    ///< The platform keeps its own value.
    kReview = 3,     ///< A person decides.
    kProposed = 4,   ///< The owner is asked.
    kOutdated = 5,   ///< A shared field's write that lost.
    kUndecided = 6,  ///< No rule of the policy holds.
    kInvalid = 7,    ///< The value breaks the contract.
    kNotNext = 8,    ///< The lifecycle does not let this stage follow the canonical one.
};
[[nodiscard]] const char* name_of(Verdict verdict);

/// One field of one input, as decided.
struct FieldDecision {
    FieldName field;
    PlatformId from;  ///< Empty: a person decided.
    Value before;     ///< Canonical until now.
    Value value;      ///< What the platform says.
    Verdict verdict = Verdict::kAccepted;
    std::string rule;  ///< Where the rule stands: `customer.toml:12`; or who decided, and why.
};

/// One line of the decision log: everything that one write of the state decided.
struct LogEntry {
    EntityKey entity;
    std::uint64_t version = 0;  ///< Of the state it made; two with one version are one entry.
    Timestamp at;
    std::string policy;                ///< Hash.
    std::uint64_t policy_version = 0;  ///< 0: it has none.
    std::vector<std::string> inputs;   ///< `crm change 5/3/17`, ...; see hub/core/input_name.h.
    /// Those that made no difference, decided with the others: before inputs[`place`].
    struct Quiet {
        std::uint64_t place = 0;
        std::string input;
    };
    std::vector<Quiet> quiet;
    std::vector<FieldDecision> decisions;
    struct Commanded {
        PlatformId platform;
        CommandKind kind = CommandKind::kUpdate;
        std::uint64_t generation = 0;
        std::vector<FieldName> fields;
    };
    std::vector<Commanded> commands;
    std::vector<std::string> notes;  ///< Deletes, exceptions opened and closed, outcomes.
    std::string trace;
    /// Sequences in the log's stream of earlier entries of the entity, which are erased by a
    /// person's word: the audit misses them no more.
    std::vector<std::uint64_t> erased;
    /// The operation about the entity that was not carried out.
    struct Refusal {
        std::string operation;  ///< Its id.
        std::string why;        ///< A note, too.
    };
    std::optional<Refusal> refused;
    /// What it was decided by beside the inputs; see Context.
    std::optional<std::vector<ForeignKey>> foreign_keys;
    std::vector<RecordKey> foreign_records;
    /// SHA-256 of the entity's entry before this one, as it is stored; empty: this is the first
    /// one. So none can be altered, removed or moved without the next one showing it.
    std::string previous;
};

enum class ExceptionStatus : std::uint8_t { kOpen = 0, kResolved = 1, kRejected = 2 };

/// The newest message on an exception's subject is its status.
struct ExceptionRecord {
    std::string kind;
    EntityKey entity;
    ExceptionStatus status = ExceptionStatus::kOpen;
    PlatformId platform;
    std::string record;  ///< Native id, if known.
    std::string reason;  ///< What happened and what to do.
    Fields proposed;     ///< The platform's values.
    Fields canonical;    ///< Ours, of the same fields.
    Timestamp opened_at;
    Timestamp updated_at;
    std::string source;  ///< Subject and sequence of the input, for what could not be decided.
    std::string raw;     ///< The input itself, for what could not be decoded; may be binary.
    std::uint64_t version = 0;  ///< Of the entity's state; 0 if it is not held by one.
    Care care;                  ///< While it is open.
    std::string closed_by;      ///< Who has settled it; empty: it is open, or closed by itself.
    std::string closing;        ///< What they did, and why.
    friend bool operator==(const ExceptionRecord&, const ExceptionRecord&) = default;
};

/// Does a person's operation on an exception that no state holds. False: there is nothing to do, or
/// it does not apply.
[[nodiscard]] bool operate(ExceptionRecord& exception, const Operation& operation, Timestamp now);

/// An exception that came or went.
struct ExceptionEvent {
    enum class What : std::uint8_t {
        kOpened = 0,
        kSettled = 1,  ///< By a person.
        kClosed = 2,   ///< By itself: what it was about is gone.
    };
    What what = What::kOpened;
    std::string kind;
    PlatformId platform;
    ExceptionSeverity severity = ExceptionSeverity::kError;
    std::string by;   ///< For kSettled: who,
    std::string how;  ///< and what they did and why.
};
[[nodiscard]] const char* name_of(ExceptionEvent::What what);  ///< "opened", "settled", "closed".

/// What became of an operation kSet.
struct WriteAnswer {
    std::string operation;  ///< Its id.
    std::string refused;    ///< Why it changed nothing; empty: it is done.
    ErrorClass error = ErrorClass::kPermanent;
    friend bool operator==(const WriteAnswer&, const WriteAnswer&) = default;
};

/// The result of deciding a run of inputs for one entity.
struct Step {
    EntityState next;
    bool changed = false;   ///< `next` must be stored (its version was raised).
    LogEntry log;           ///< What was decided, if anything `changed`.
    bool founds = false;    ///< Nothing was known of the entity.
    bool replayed = false;  ///< An input came back: publish the outbox again.
    /// A key is said to be another entity's, and whether it still is was not known. To be decided
    /// again with what claiming all of them finds out.
    bool keys_unsure = false;
    std::vector<Command> commands;                 ///< To publish after `next` is stored.
    std::vector<WriteAnswer> answers;              ///< The same, also if nothing changed.
    std::vector<EntityState::Outgoing> rechecked;  ///< Exceptions to publish, whatever changed.
    std::vector<Claim> claims;                     ///< To hold before `next` is stored.
    std::vector<ExceptionEvent> exceptions;        ///< In the order of the inputs.
    std::vector<RecordKey> links;  ///< Records that stand for the entity from now on; the same.
    std::vector<Claim> releases;   ///< No longer the entity's, after `next` is stored.
    /// Of platforms whose input is of an older epoch than what is known: that one. Old news, or the
    /// agent has a new store and a clock that stands behind.
    std::vector<std::pair<PlatformId, std::uint64_t>> epochs;
    std::optional<RecordKey> revived_by;  ///< The record that brought a deleted entity back.
    /// For other entities, after `next` is stored; each is asked for by the operation of its id.
    std::vector<Handover> handovers;
};

}  // namespace syncline::hub
