#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "hub/core/care.h"
#include "shared/base/timestamp.h"
#include "shared/model/command.h"
#include "shared/model/ids.h"
#include "shared/model/revision.h"
#include "shared/model/value.h"

/// What the hub knows of one entity. Plain data; everything about it that must survive is here,
/// and it is stored whole by compare-and-set.
namespace syncline::hub {

/// Where a canonical value came from.
struct Provenance {
    PlatformId platform;  ///< Empty: an operator's decision.
    Revision rev;         ///< Of the change that brought it.
    Timestamp at;         ///< The platform's own stamp, else when the agent saw it.
    friend bool operator==(const Provenance&, const Provenance&) = default;
};

struct CanonicalField {
    FieldName name;
    Value value;
    Provenance from;
    friend bool operator==(const CanonicalField&, const CanonicalField&) = default;
};

enum class Presence : std::uint8_t {
    kAbsent = 0,    ///< No record there (yet).
    kPresent = 1,   ///< The record exists as far as is known.
    kGone = 2,      ///< It was deleted there, or we deleted it.
    kUnlinked = 3,  ///< The platform no longer takes part in this entity.
};

/// How often a field was commanded without staying as commanded.
struct Attempts {
    FieldName field;
    std::uint32_t count = 0;
    Timestamp last;
    friend bool operator==(const Attempts&, const Attempts&) = default;
};

/// A field that the platform holds in a form of its own (rounded, trimmed): what it holds stands
/// for `wanted`, so there is nothing to command until one of the two changes.
struct Form {
    FieldName field;
    Value wanted;
    friend bool operator==(const Form&, const Form&) = default;
};

/// A field that the platform's agent calls by a name that it had before.
struct EarlierName {
    FieldName field;
    FieldName name;
    friend bool operator==(const EarlierName&, const EarlierName&) = default;
};

/// The command that is out and not yet answered.
struct Pending {
    CommandKind kind = CommandKind::kUpdate;
    Fields fields;
    Fields expected;
    Timestamp decided_at;
    bool backfill = false;  ///< Command::origin is kBackfill.
    friend bool operator==(const Pending&, const Pending&) = default;
};

/// A record of the platform that belongs to the entity beside the one that stands for it.
struct OtherRecord {
    enum class Standing : std::uint8_t {
        kOpen = 0,   ///< A person must see to it.
        kApart = 1,  ///< A person left it so.
        kGone = 2,   ///< It was deleted, perhaps when it stood for the entity. So that late news of
                     ///< it is known as such.
    };
    RecordId record;
    Revision rev;  ///< Of the newest news of it.
    Timestamp at;
    Fields fields;
    Standing standing = Standing::kOpen;
    friend bool operator==(const OtherRecord&, const OtherRecord&) = default;
};

/// One platform's side of the entity.
struct RecordState {
    PlatformId platform;
    std::optional<RecordId> record;
    Presence presence = Presence::kAbsent;
    Revision rev;                  ///< Newest change or outcome taken in.
    Fields mirror;                 ///< What the record holds, as far as is known.
    std::uint64_t generation = 0;  ///< Of the newest command issued.
    std::optional<Pending> pending;
    /// When the commands were decided that this state has issued and that may be carried out yet,
    /// whatever came in between. Oldest first.
    std::vector<Timestamp> unanswered;
    std::vector<FieldName> held;  ///< Left alone until something about them changes; sorted.
    std::vector<FieldName> left;  ///< Of `held`: a person said so, whatever the policy; sorted.
    std::vector<Attempts> attempts;
    std::vector<Form> forms;  ///< Of what the mirror holds now.
    /// What it was found to hold instead of what it was told, where that may have been somebody's
    /// edit: it was, if the platform takes what it is told the next time.
    Fields instead;
    std::uint64_t doubt_settled = 0;  ///< Newest generation when a person settled a doubt.
    bool blocked = false;  ///< A create or delete failed for good; waits for a change or a person.
    std::vector<OtherRecord> others;   ///< Oldest news first.
    std::vector<EarlierName> told_as;  ///< By field. The agent is told of them as it tells of them.

    /// How much of the record `id` is known. What is known of another one says nothing of it.
    [[nodiscard]] Revision seen_of(const RecordId& id) const;
    [[nodiscard]] bool holds(const FieldName& field) const;
    void hold(const FieldName& field);
    void release(const FieldName& field);
    /// Holds it by a person's word.
    void leave(const FieldName& field);
    void set_form(const FieldName& field, Value wanted);
    void clear_form(const FieldName& field);
    /// Does what the record holds in `field` stand for `wanted`?
    [[nodiscard]] bool stands_for(const FieldName& field, const Value& wanted) const;
    friend bool operator==(const RecordState&, const RecordState&) = default;
};

/// A non-owner's write that the owner is being asked to take.
struct Proposal {
    FieldName field;
    Value value;
    PlatformId from;
    friend bool operator==(const Proposal&, const Proposal&) = default;
};

/// An exception that is open on this entity; its full text is on the exceptions stream.
struct OpenException {
    std::string kind;               ///< Stable code: `command.rejected`, ...
    PlatformId platform;            ///< Whose write or command it is about.
    std::vector<FieldName> fields;  ///< Sorted; empty if it is about the whole record.
    std::string reason;
    Fields proposed;  ///< What the platform wanted or was told.
    Timestamp since;
    std::uint64_t version = 0;  ///< Of the state in which it became what it is.
    Care care;
    friend bool operator==(const OpenException&, const OpenException&) = default;
};

/// A record as one entity gives it to another.
struct GivenRecord {
    PlatformId platform;
    RecordId record;
    Revision rev;
    Timestamp at;
    Fields told;       ///< What it holds by the platform's own word,
    Fields commanded;  ///< and what we wrote there.
    OtherRecord::Standing standing = OtherRecord::Standing::kOpen;
    friend bool operator==(const GivenRecord&, const GivenRecord&) = default;
};

/// Records that an entity gives to another one, by a person's word.
struct Handover {
    enum class Why : std::uint8_t {
        kMerged = 0,    ///< All that it has: the two are one.
        kUnmerged = 1,  ///< Those that it took in from the other: the two are not one.
        kMoved = 2,     ///< One that is the other's, or nobody's.
    };
    std::string id;  ///< Of the operation that asks for it.
    EntityId to;
    Why why = Why::kMerged;
    std::string by;  ///< Who asks for it, and why.
    std::vector<GivenRecord> records;
    /// Of kUnmerged: the operation whose handover is undone, and may be told again all the same.
    std::string undoes = {};
    friend bool operator==(const Handover&, const Handover&) = default;
};

/// What an entity took in when another one was merged into it, so that it can be undone.
struct TakenIn {
    struct Record {
        PlatformId platform;
        RecordId record;
        Presence before = Presence::kAbsent;  ///< Of the platform, without the record.
        bool doubt = false;  ///< A create there was in doubt: there may be one that nobody knows.
        friend bool operator==(const Record&, const Record&) = default;
    };
    /// A canonical value that came to be another by it.
    struct Field {
        FieldName name;
        Value after;
        Value before;
        Provenance from;  ///< Of `before`.
        friend bool operator==(const Field&, const Field&) = default;
    };
    EntityId entity;
    std::string id;  ///< Of the operation that asked for it.
    std::vector<Record> records;
    std::vector<Field> fields;
    friend bool operator==(const TakenIn&, const TakenIn&) = default;
};

/// That nothing is kept of the entity, by a person's word, and how far that is done. Until its
/// state says kDone each look at it goes on.
struct Forgotten {
    enum class Phase : std::uint8_t {
        kStreams = 0,  ///< What was told, commanded and shown is to be erased,
        kLog = 1,      ///< then the decision log of before, as `log` says.
        kDone = 2,
    };
    std::string id;  ///< Of the operation that asks for it.
    std::string by;  ///< Who asks for it.
    Timestamp at;
    std::uint64_t version = 0;          ///< The first one of the state that knows nothing.
    std::vector<PlatformId> waits_for;  ///< Whose agents have not forgotten it yet; sorted.
    Phase phase = Phase::kStreams;
    std::vector<std::uint64_t> log;  ///< Sequences.
    friend bool operator==(const Forgotten&, const Forgotten&) = default;
};

struct EntityState {
    EntityKey key;
    std::uint64_t version = 0;  ///< Counts the writes of this state, from 1.
    bool deleted = false;
    /// The entity that has its records by now, and is told whatever comes for this one. Its own
    /// values stay as they were. Empty: it lives.
    EntityId merged_into;
    std::vector<CanonicalField> canonical;  ///< Sorted by name.
    std::vector<RecordState> records;       ///< Sorted by platform.
    std::vector<Proposal> proposals;
    std::vector<OpenException> exceptions;
    std::vector<Handover> handovers;  ///< That may not have arrived yet. News of them go there.
    std::vector<TakenIn> taken_in;    ///< Oldest first.
    std::optional<Forgotten> forgotten;
    std::string policy;                ///< Hash of the policy that decided last.
    std::uint64_t policy_version = 0;  ///< Its number; 0: it has none.
    /// Fingerprint of the match rules by which the entity has claimed its keys; 0: not known.
    std::uint64_t match_rules = 0;
    /// SHA-256 of the newest log entry, 32 bytes, which the next one names; empty: there is none.
    std::string log_hash;
    /// Hashes of the ids of workflows' writes that were carried out, newest last.
    std::vector<std::uint64_t> writes;
    /// Bodies for the log and the exceptions stream that belong to this version: published after
    /// the state is stored, and again when an input comes back.
    struct Outgoing {
        std::string exception;  ///< Its kind; empty for what is none.
        std::string body;
        enum class What : std::uint8_t {
            kStatus = 0,  ///< An exception, or the log entry.
            kEvent = 1,   ///< A BusinessEvent.
            kStart = 2,   ///< A WorkflowStart.
        };
        What what = What::kStatus;
        friend bool operator==(const Outgoing&, const Outgoing&) = default;
    };
    std::vector<Outgoing> outbox;

    [[nodiscard]] bool is_merged() const { return !merged_into.empty(); }
    /// Have all agents forgotten it, and the streams not yet?
    [[nodiscard]] bool is_to_erase() const {
        return forgotten && forgotten->waits_for.empty() &&
               forgotten->phase != Forgotten::Phase::kDone;
    }
    /// Whom news of the record are for, if not for this entity.
    [[nodiscard]] std::optional<EntityId> receiver_of(const PlatformId& platform,
                                                      const RecordId& record) const;
    /// Is nothing known of the entity but, perhaps, which of its records are gone? Then it is new,
    /// or the store has lost its state.
    [[nodiscard]] bool is_unknown() const;
    [[nodiscard]] const CanonicalField* find(const FieldName& name) const;
    /// Sets or adds a canonical value. Returns what it was until now.
    Value set(const FieldName& name, Value value, Provenance from);
    [[nodiscard]] const RecordState* record(const PlatformId& platform) const;
    RecordState& record_or_new(const PlatformId& platform);
    /// The canonical values, for conditions.
    [[nodiscard]] Fields fields() const;
    friend bool operator==(const EntityState&, const EntityState&) = default;
};

}  // namespace syncline::hub
