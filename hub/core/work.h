#pragma once

#include "hub/core/event.h"
#include "hub/core/start.h"
#include "hub/core/step.h"
#include "shared/policy/policy.h"

namespace syncline::hub {

/// A decision being made: the state so far and what to tell about it. Internal to core/.
struct Work {
    const Policy& policy;
    const ObjectSpec& object;
    const Context& context;
    EntityState state;
    LogEntry log;
    bool changed = false;
    bool replayed = false;
    std::vector<PlatformId> reissue;  ///< Whose pending command must go out again as it is.
    std::vector<std::string> touched_exceptions;  ///< `kind@platform`, to publish.
    std::vector<std::string> rechecked;           ///< The same, even if nothing changed.
    std::vector<ExceptionEvent> events;           ///< See Step::exceptions.
    std::vector<BusinessEvent> told;              ///< That have come true.
    std::vector<WorkflowStart> starts;            ///< Of workflows that a change begins.
    std::vector<WriteAnswer> answers;             ///< See Step.
    std::string actor;                    ///< Who acts; empty: what closes closes by itself.
    std::string doing;                    ///< What they do, and why.
    std::vector<RecordKey> links;         ///< See Step.
    std::optional<RecordKey> revived_by;  ///< See Step.
    std::vector<std::pair<PlatformId, std::uint64_t>> epochs;  ///< See Step.
    std::vector<Handover> handovers;                           ///< See Step.
    bool reviews = false;   ///< What is told differs from what was, and is for a person.
    bool backfill = false;  ///< What is decided comes of a backfill alone.

    /// `rev` was told of the record.
    void compare_epochs(const RecordState& record, const Revision& rev) {
        if (rev == Revision{} || rev.epoch >= record.rev.epoch) return;
        epochs.emplace_back(record.platform, record.rev.epoch);
    }

    void note(std::string text) {
        log.notes.push_back(std::move(text));
        changed = true;
    }
    /// The operation about the entity is not carried out.
    void refuse(const Operation& operation, std::string why) {
        log.refused = {operation.id, why};
        note(std::move(why));
    }
};

// ownership.cc
/// A record's fields as a platform told them: takes in what is new against the mirror and decides
/// each such field by its rule. `effects`: what of it a command of ours has done.
struct Effects {
    /// Of the command that is out, which this answers; null if it answers none or an older one.
    const Fields* commanded = nullptr;
    /// The command was told to a record that was there: what it holds otherwise may be an edit.
    bool updates = false;
    /// Fields that hold what some command told, or the platform's form of it: nobody's edit.
    std::vector<FieldName> as_commanded;
    /// It answers an older command that this very state has issued.
    bool former = false;
};
void take_fields(Work& work, RecordState& record, const Fields& fields, Provenance from,
                 const Effects& effects);
/// Decides again what a platform wanted of the stage, if the lifecycle allows it by now.
void settle_transitions(Work& work);
/// Makes a value canonical: releases what was held back for the field everywhere. Returns what was
/// canonical until now.
Value make_canonical(Work& work, const FieldName& field, const Value& value, Provenance from);

/// The same by a person's word, which the log says.
void decide_by_person(Work& work, const FieldName& field, const Value& value, Provenance from,
                      const Operation& operation);

/// What a value of `from` in the field comes to, while `current` is canonical: kAccepted also if
/// the two agree. `rule`: the field's, null if none holds.
[[nodiscard]] Verdict verdict_of(const OwnershipRule* rule, const FieldSpec& spec,
                                 const CanonicalField* current, const Value& value,
                                 const Provenance& from);

// policy_change.cc
/// Decides again what is open for want of a rule, or for another's, where by the values of now
/// another rule holds.
void settle_ownership(Work& work);

/// Has what a rule left alone judged by the rules and the values of now.
void judge_left_alone(Work& work);

/// Are the match rules those by which the entity has claimed its keys?
enum class MatchRules : std::uint8_t { kAsClaimed, kChanged };
/// If another version of the policy decided the state: judges again what is left alone by it.
[[nodiscard]] MatchRules adopt_policy(Work& work);

// changes.cc, outcomes.cc, operations.cc
/// From now on `id` stands for the entity on the record's platform. `how` it came to that goes into
/// the log.
void stand(Work& work, RecordState& record, const RecordId& id, std::string_view how);
/// The same of a record that is there, perhaps of an entity that was deleted.
void mark_present(Work& work, RecordState& record, const RecordId& id);
/// What was open about a record that is gone, or that another one has followed, is about nothing
/// any more.
void close_about_former(Work& work, RecordState& record);
/// Another record of the platform stands for the entity from now on.
void succeed(Work& work, RecordState& record, OtherRecord heir);
void take_change(Work& work, const Change& change);
void take_outcome(Work& work, const Outcome& outcome);
void take_operation(Work& work, const Operation& operation);
/// Decides what the platform holds once more, and closes the exception: the policy, the canonical
/// values, or who is to decide, may be others now.
void decide_again(Work& work, const OpenException& exception);
/// The platform has another record of the entity than the one that stands for it: a person must
/// see to it.
void other_record(Work& work, RecordState& record, OtherRecord other);
/// A record that does not stand for the entity is gone: remembered, as what it once held may be
/// told later.
void delete_other(Work& work, RecordState& record, const RecordId& id, Revision rev);
/// Brings the exception about other records in line with what there is.
void report_others(Work& work, RecordState& record);
/// The entity is deleted: whether it should be is no question any more.
void mark_deleted(Work& work);
/// The platform's record is gone: what that means by the policy.
void take_delete(Work& work, RecordState& record, bool ours);

// handover.cc
void take_identity_operation(Work& work, const Operation& operation);
/// None of `records`, which are other entities', is this one's.
void disown(Work& work, const std::vector<RecordKey>& records);
/// Has the links of all its records claimed.
void claim_records(Work& work);
/// What has not arrived, as far as is known.
void hand_over_again(Work& work);
void take_over(Work& work, const Takeover& takeover);
void take_handed_over(Work& work, const HandedOver& arrived);

// forget.cc
void take_forget(Work& work, const Operation& operation);
void take_erased(Work& work, const Erased& erased);
/// The platform's agent has forgotten it.
void take_forgotten(Work& work, const PlatformId& platform);
/// Whose agent must still be told to; those that the policy has dropped are told nothing.
[[nodiscard]] std::vector<PlatformId> to_be_told(Work& work);

// desired.cc
/// Desired minus mirror for every platform: sets what is pending and collects the commands.
void plan_commands(Work& work, std::vector<Command>& commands);
/// Counts a command for `field` that did not stay; true once it counts as not converging.
bool count_attempt(Work& work, RecordState& record, const FieldName& field);

// exceptions.cc
void open_exception(Work& work, ExceptionCode kind, const RecordState& record, std::string reason,
                    const Fields& proposed);
/// Closes what is open of `kind` for a platform; with `field`, only that field's part.
void close_exception(Work& work, std::string_view kind, const PlatformId& platform,
                     const FieldName* field = nullptr);
/// What is open of `kind` for a platform; null if nothing is.
[[nodiscard]] OpenException* find_exception(Work& work, std::string_view kind,
                                            const PlatformId& platform);
/// Brings all that is open in line with the policy's rules for exceptions.
void apply_rules(Work& work);
/// Has the exception published as it stands.
void tell_again(Work& work, const OpenException& open);
[[nodiscard]] bool is_open(const EntityState& state, std::string_view kind,
                           const PlatformId& platform, const FieldName& field);
void recheck_exceptions(Work& work, const Recheck& recheck);
/// The message that tells how the exception `kind@platform` stands.
[[nodiscard]] EntityState::Outgoing exception_message(const Work& work, const std::string& token);

}  // namespace syncline::hub
