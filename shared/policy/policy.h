#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/base/result.h"
#include "shared/base/source_place.h"
#include "shared/model/ids.h"
#include "shared/model/inventory.h"
#include "shared/model/value.h"
#include "shared/policy/ask.h"
#include "shared/policy/cron.h"
#include "shared/policy/event_spec.h"
#include "shared/policy/exception_rules.h"
#include "shared/policy/expression.h"
#include "shared/policy/field_spec.h"
#include "shared/policy/indicator.h"
#include "shared/policy/webhook.h"
#include "shared/policy/workflow.h"

/// A policy, checked: what the hub's core decides by. Parsed by policy_toml.h, judged by check.h.
namespace syncline {

/// What a later version of an object's contract may change without a higher number.
enum class Compatibility : std::uint8_t {
    kNone,      ///< Anything: nothing is promised.
    kBackward,  ///< What was written by the version before is understood, whole.
    kForward,   ///< What is written by it is valid for who knows the version before.
    kFull,      ///< Both.
};
/// "none", "backward", "forward", "full".
[[nodiscard]] const char* name_of(Compatibility compatibility);

/// What becomes of a write by a platform that does not own the field.
enum class NonOwnerWrite : std::uint8_t {
    kRevert,   ///< The platform is told the canonical value again.
    kIgnore,   ///< The platform keeps its own value; it is not told the canonical one meanwhile.
    kReview,   ///< A person decides; until then the platform keeps its value.
    kPropose,  ///< The owner is asked by a command; canonical only if the owner takes it.
    kAccept,   ///< Canonical, as if the owner had written it.
};

/// How a field without single owner is resolved.
enum class Resolution : std::uint8_t {
    kOwner,     ///< Not shared: `owner` owns it.
    kLatest,    ///< The newest write wins, by the platform's own stamp, else by arrival.
    kPriority,  ///< The write of the platform that stands first in `priority` wins.
};

/// One ownership rule. Rules are tried in order; the first whose `when` holds for the entity
/// (absent: always) rules the field.
struct OwnershipRule {
    std::vector<FieldName> fields;
    std::optional<Expression> when;
    Resolution resolution = Resolution::kOwner;
    PlatformId owner;                                  ///< For kOwner.
    std::vector<PlatformId> priority;                  ///< For kPriority, first wins.
    NonOwnerWrite otherwise = NonOwnerWrite::kRevert;  ///< For kOwner.
    SourcePlace place;

    /// Can a write of the platform count, at once or once the owner has taken it?
    [[nodiscard]] bool lets_write(const PlatformId& platform) const;
};

/// The stages of an entity's life: the values of one enum field, and which may follow which.
struct Lifecycle {
    struct Stage {
        std::string name;
        std::vector<std::string> next;  ///< Empty: a last one.
        SourcePlace place;
    };
    FieldName field;
    std::vector<std::string> initial;  ///< Where an entity begins.
    std::vector<Stage> stages;         ///< Sorted by name.
    SourcePlace place;

    [[nodiscard]] const Stage* stage(std::string_view name) const;
};

enum class Normaliser : std::uint8_t {
    kExact,   ///< As it is.
    kLower,   ///< Trimmed, ASCII letters in lower case, inner blanks folded to one.
    kDigits,  ///< Only the digits; leading zeros kept.
    kAlnum,   ///< ASCII letters in lower case and digits, nothing else.
};

/// Records whose normalised `fields` are equal and all non-empty are the same entity.
struct MatchRule {
    std::string name;
    struct Part {
        FieldName field;
        Normaliser normaliser = Normaliser::kExact;
    };
    std::vector<Part> parts;
    SourcePlace place;
};

/// What it means when a platform deletes its record.
enum class DeleteMeaning : std::uint8_t {
    kPropagate,  ///< The entity is deleted: every other platform is told to delete its record.
    kUnlink,     ///< This platform no longer takes part; the entity lives on.
    kRestore,    ///< The platform is told to create the record again.
    kReview,     ///< A person decides.
};

/// How an object lives on one platform.
struct Binding {
    PlatformId platform;
    std::vector<FieldName> fields;     ///< Those the platform holds, sorted.
    std::vector<FieldName> read_only;  ///< Of `fields`: reported but never commanded; sorted.
    bool founds = false;    ///< A record made there that matches nothing founds an entity.
    bool receives = false;  ///< Syncline creates a record there for an entity that has none.
    std::optional<Expression> receives_when;  ///< Only while this holds; absent: always.
    DeleteMeaning on_delete = DeleteMeaning::kReview;
    bool states_on_delete = false;  ///< Else `on_delete` is what is assumed.
    SourcePlace place;
};

/// A field's earlier name: what is told under it is about the field.
struct Rename {
    FieldName was;
    FieldName is;
    friend bool operator==(const Rename&, const Rename&) = default;
};

struct ObjectSpec {
    ObjectName name;
    std::uint32_t contract_version = 1;  ///< Of its fields, as people count.
    Compatibility compatibility = Compatibility::kBackward;
    std::vector<FieldSpec> fields;         ///< Sorted by name.
    std::vector<Rename> renames;           ///< Those of all fields, sorted by `was`, no name twice.
    std::vector<OwnershipRule> ownership;  ///< In order of the file.
    std::vector<MatchRule> matches;        ///< In order of the file.
    std::vector<Binding> bindings;         ///< Sorted by platform.
    std::uint32_t attempts_max = 3;  ///< Commands for one value of a field before it counts as
                                     ///< not converging.
    std::optional<Lifecycle> lifecycle;
    std::vector<EventSpec> events;  ///< Sorted by name.
    FieldName region;  ///< The field that says of which region an entity is; empty: none does.
    SourcePlace place;

    [[nodiscard]] const FieldSpec* field(const FieldName& name) const;
    /// What a field of this name is called now; the name itself if it was never another's.
    [[nodiscard]] const FieldName& name_now(const FieldName& name) const;
    [[nodiscard]] const Binding* binding(const PlatformId& platform) const;
    /// The first rule for `field` whose condition holds; null if none does. An error of the
    /// condition (a missing field compared, out of steps) counts as "does not hold".
    [[nodiscard]] const OwnershipRule* rule(const FieldName& field, const Fields& entity) const;
    /// Does any ownership rule have a condition? If not, rule() does not look at the entity.
    [[nodiscard]] bool has_conditions() const;
    /// The same, of the rules for one field.
    [[nodiscard]] bool has_conditions(const FieldName& field) const;
};

/// Reference data: a list of rows that one platform owns and others are given, whole.
struct ListSpec {
    ListName name;
    std::vector<FieldSpec> fields;  ///< Sorted by name.
    PlatformId from;                ///< Whose list it is.
    std::vector<PlatformId> to;     ///< Who is given it.
    Duration every{0};              ///< How often it is read; 0: by `cron`.
    std::optional<Cron> cron;
    Duration stale_after{0};  ///< Not proven for so long, a person hears of it.
    /// More than so many of a hundred rows gone at once, and a person is asked first.
    std::uint32_t shrink_percent_most = 20;
    SourcePlace place;

    [[nodiscard]] const FieldSpec* field(const FieldName& name) const;
};

struct Policy {
    std::string name;
    std::string hash;                   ///< SHA-256 of its files, hex.
    std::uint64_t version = 0;          ///< Of those that hubs keep; 0: of none.
    std::uint32_t approvals = 1;        ///< So many people must want a version after this one.
    std::vector<PlatformId> platforms;  ///< Sorted.
    /// Of each platform: the most that may flow there.
    std::map<PlatformId, Classification> clearances;
    /// When a platform's records are all read and compared.
    struct Reconcile {
        Duration every{0};  ///< 0: only when a person asks.
        ReconcileMode mode = ReconcileMode::kHeal;
        friend bool operator==(const Reconcile&, const Reconcile&) = default;
    };
    std::map<PlatformId, Reconcile> reconcile;
    std::vector<ObjectSpec> objects;  ///< Sorted by name.
    std::vector<ListSpec> lists;      ///< Sorted by name.
    std::vector<CompositeAsk> asks;   ///< The same.
    std::vector<Workflow> workflows;  ///< Sorted by name.
    /// Who has a role that approvals are asked of.
    std::map<std::string, std::vector<std::string>> roles;
    std::vector<Delegation> delegations;
    std::map<std::string, std::string> people;  ///< Their addresses, of those who have one here.
    std::vector<WebhookSpec> webhooks;          ///< Those by mail, too. Sorted by name.
    std::vector<IndicatorSpec> indicators;      ///< Sorted by name.
    std::vector<ExceptionRule> exceptions;      ///< In order of the files' names, and of each file.

    [[nodiscard]] const ObjectSpec* object(const ObjectName& name) const;
    [[nodiscard]] const ListSpec* list(const ListName& name) const;
    [[nodiscard]] const CompositeAsk* ask(std::string_view name) const;
    [[nodiscard]] const Workflow* workflow(const WorkflowName& name) const;
};

/// The normalised key of a rule, or nullopt if one of its parts is absent or empty.
[[nodiscard]] std::optional<std::string> match_text(const MatchRule& rule, const Fields& fields);

}  // namespace syncline
