#include <algorithm>

#include "hub/core/work.h"

namespace syncline::hub {
namespace {

void release_all(RecordState& record, const OpenException& exception) {
    for (const FieldName& field : exception.fields) {
        record.release(field);
        std::erase_if(record.attempts, [&](const Attempts& a) { return a.field == field; });
    }
    record.blocked = false;
    if (exception.kind == exceptions::kInDoubt) record.doubt_settled = record.generation;
}

void leave_apart(RecordState& record) {
    for (OtherRecord& other : record.others) {
        if (other.standing == OtherRecord::Standing::kOpen) {
            other.standing = OtherRecord::Standing::kApart;
        }
    }
}

void accept(Work& work, RecordState& record, const OpenException& exception,
            const Operation& operation) {
    if (exception.kind == exceptions::kSecondRecord) return leave_apart(record);
    if (exception.kind == exceptions::kDeleteReview) {
        mark_deleted(work);
        return;
    }
    if (exception.kind == exceptions::kInDoubt) {  // "It was applied."
        for (const auto& [name, value] : exception.proposed) {
            record.mirror.set(name, value);
            record.clear_form(name);
            record.release(name);
        }
        return;
    }
    const bool about_our_command =
        exception.kind == exceptions::kRejected || exception.kind == exceptions::kGaveUp;
    // A value that breaks the contract never becomes canonical, whoever wants it.
    if (about_our_command || exception.kind == exceptions::kContract) {
        for (const FieldName& field : exception.fields) record.leave(field);
        return;  // The platform stays as it is.
    }
    for (const auto& [name, value] : exception.proposed) {
        decide_by_person(work, name, value, Provenance{{}, {}, operation.at}, operation);
    }
}

void reject(Work& work, RecordState& record, const OpenException& exception,
            const Operation& operation) {
    if (exception.kind == exceptions::kDeleteReview) {
        record.presence = Presence::kAbsent;
        record.record.reset();
        return;
    }
    release_all(record, exception);
    for (const FieldName& field : exception.fields) {
        // Nobody has a better value: the field is emptied.
        if (work.state.find(field) != nullptr) continue;
        decide_by_person(work, field, {}, {{}, {}, operation.at}, operation);
    }
}

/// Is it about what the platform wanted, rather than about what we want of it?
bool is_about_a_change(const OpenException& exception) {
    return exception.kind == exceptions::kContract || exception.kind == exceptions::kReview ||
           exception.kind == exceptions::kReconcileReview ||
           exception.kind == exceptions::kUndecided || exception.kind == exceptions::kTransition;
}

}  // namespace

void decide_again(Work& work, const OpenException& exception) {
    RecordState& record = work.state.record_or_new(exception.platform);
    close_exception(work, exception.kind, exception.platform);
    Fields told;
    for (const FieldName& name : exception.fields) {
        const Value* mirror = record.mirror.find(name);
        if (mirror == nullptr) continue;  // The record does not hold it any more.
        told.set(name, *mirror);
        record.mirror.erase(name);
    }
    release_all(record, exception);
    take_fields(work, record, told, {record.platform, record.rev, exception.since}, {});
}

namespace {

/// What is done, in the words of the log.
const char* done_by(OperationKind kind) {
    switch (kind) {
        case OperationKind::kAccept: return "accepted";
        case OperationKind::kReject: return "rejected";
        case OperationKind::kRetry: return "retried";
        case OperationKind::kDiscard: return "discarded";
        case OperationKind::kEdit: return "edited";
        default: return "changed";
    }
}

/// The values that a person gives, as the object's fields have them. kInvalid: which does not fit,
/// and why.
Result<Fields> checked(const ObjectSpec& object, const Fields& values) {
    Fields out;
    for (const auto& [name, value] : values) {
        const FieldSpec* spec = object.field(name);
        if (spec == nullptr) {
            return fail(ErrorKind::kInvalid, object.name.text + " has no field " + name.text);
        }
        if (value.is_null() && spec->required) {
            return fail(ErrorKind::kInvalid, name.text + " is required");
        }
        auto made = conform(*spec, value);
        if (!made) return fail(made.error(), name.text);
        out.set(name, *std::move(made));
    }
    if (out.empty()) return fail(ErrorKind::kInvalid, "no values were given");
    return out;
}

/// Why the operation is not to be carried out; empty: it is.
std::string why_not(const Work& work, const OpenException& exception, const Operation& operation) {
    if (operation.seen != 0 && exception.version > operation.seen) {
        return "it has changed since they saw it";
    }
    const ExceptionKind* kind = exception_kind(exception.kind);
    if (kind == nullptr || comes_to(*kind, operation.kind).empty()) {
        return "that does not apply to this kind";
    }
    if (operation.kind == OperationKind::kDiscard && operation.reason.empty()) {
        return "a discard needs a reason";
    }
    if (operation.kind != OperationKind::kEdit) return {};
    const auto values = checked(work.object, operation.values);
    return values ? std::string{} : values.error().what;
}

/// Nothing is told of it, and nothing taken over, until something about it changes.
void discard(RecordState& record, const OpenException& exception) {
    if (exception.kind == exceptions::kSecondRecord) return leave_apart(record);
    for (const FieldName& field : exception.fields) record.leave(field);
}

/// The person's values become canonical; what else the exception is about is tried again.
void edit(Work& work, OpenException exception, const Operation& operation) {
    const Fields values = *checked(work.object, operation.values);
    for (const auto& [name, value] : values) {
        decide_by_person(work, name, value, Provenance{{}, {}, operation.at}, operation);
        work.state.record_or_new(exception.platform).release(name);
        std::erase(exception.fields, name);
    }
    RecordState& record = work.state.record_or_new(exception.platform);
    if (is_about_a_change(exception)) {
        decide_again(work, exception);
    } else {
        release_all(record, exception);
    }
}

/// A person settles it.
void settle(Work& work, const OpenException& exception, const Operation& operation) {
    RecordState& record = work.state.record_or_new(exception.platform);
    if (exception.kind == exceptions::kSharedKey) {
        return tell_again(work, exception);  // Whether the key is free shows when it is claimed.
    }
    close_exception(work, exception.kind, exception.platform);
    const bool again =
        operation.kind == OperationKind::kReject || operation.kind == OperationKind::kRetry;
    if (exception.kind == exceptions::kSecondRecord && again) return report_others(work, record);
    switch (operation.kind) {
        case OperationKind::kAccept: return accept(work, record, exception, operation);
        case OperationKind::kReject: return reject(work, record, exception, operation);
        case OperationKind::kDiscard: return discard(record, exception);
        case OperationKind::kEdit: return edit(work, exception, operation);
        default: break;
    }
    if (is_about_a_change(exception)) return decide_again(work, exception);
    release_all(record, exception);
}

/// So many of a workflow's writes are known again.
constexpr std::size_t kWritesMost = 32;

/// A workflow's values become canonical. Whoever asks again is answered again.
void set(Work& work, const Operation& operation) {
    const auto refuse = [&](ErrorClass error, std::string why) {
        work.answers.push_back({operation.id, std::move(why), error});
    };
    const std::uint64_t id = stable_hash(operation.id);
    auto& writes = work.state.writes;
    if (std::ranges::find(writes, id) != writes.end()) {
        work.replayed = true;
        return work.answers.push_back({operation.id, {}, {}});
    }
    const std::string what = work.object.name.text + " " + work.state.key.entity.text;
    if (work.state.is_unknown() || work.state.deleted) {
        return refuse(ErrorClass::kNotFound, "there is no " + what);
    }
    if (work.state.is_merged()) {
        return refuse(ErrorClass::kNotFound,
                      what + " was merged into " + work.state.merged_into.text);
    }
    const auto values = checked(work.object, operation.values);
    if (!values) return refuse(ErrorClass::kPermanent, values.error().what);
    for (const auto& [name, value] : *values) {
        decide_by_person(work, name, value, Provenance{{}, {}, operation.at}, operation);
    }
    if (writes.size() >= kWritesMost) writes.erase(writes.begin());
    writes.push_back(id);
    work.note("set by " + operation.actor);
    work.answers.push_back({operation.id, {}, {}});
}

void carry_out(Work& work, const OpenException& exception, const Operation& operation) {
    const std::string by = " by " + operation.actor;
    const std::string why = operation.reason.empty() ? "" : ": " + operation.reason;
    const std::string refused = why_not(work, exception, operation);
    if (!refused.empty()) {
        tell_again(work, exception);
        work.note(exception.kind + " not " + done_by(operation.kind) + by + ": " + refused);
        return;
    }
    if (!is_about_care(operation.kind)) {
        work.note(exception.kind + " " + done_by(operation.kind) + by + why);
        work.actor = operation.actor.empty() ? "?" : operation.actor;
        work.doing = done_by(operation.kind) + why;
        settle(work, exception, operation);
        work.actor.clear();
        work.doing.clear();
        return;
    }
    Care& care = find_exception(work, exception.kind, exception.platform)->care;
    const auto said = see_to(care, operation);
    work.note(exception.kind + (said ? " " + *said : std::string{" not changed"}) + by +
              (said ? why : ": " + said.error().what));
    tell_again(work, exception);
}

}  // namespace

const char* name_of(OperationKind kind) {
    switch (kind) {
        case OperationKind::kAccept: return "accept";
        case OperationKind::kReject: return "reject";
        case OperationKind::kRetry: return "retry";
        case OperationKind::kDiscard: return "discard";
        case OperationKind::kEdit: return "edit";
        case OperationKind::kAssign: return "assign";
        case OperationKind::kTag: return "tag";
        case OperationKind::kUntag: return "untag";
        case OperationKind::kNote: return "note";
        case OperationKind::kDue: return "due";
        case OperationKind::kMerge: return "merge";
        case OperationKind::kUnmerge: return "unmerge";
        case OperationKind::kLink: return "link";
        case OperationKind::kUnlink: return "unlink";
        case OperationKind::kForget: return "forget";
        case OperationKind::kSet: return "set";
    }
    return "?";
}

std::string_view comes_to(const ExceptionKind& kind, OperationKind operation) {
    switch (operation) {
        case OperationKind::kAccept: return kind.accept;
        case OperationKind::kReject: return kind.reject;
        case OperationKind::kRetry: return kind.retry;
        case OperationKind::kDiscard: return kind.discard;
        case OperationKind::kEdit: return kind.edit;
        default: return "it stays open";
    }
}

bool operate(ExceptionRecord& exception, const Operation& operation, Timestamp now) {
    const ExceptionKind* kind = exception_kind(exception.kind);
    if (exception.status != ExceptionStatus::kOpen || kind == nullptr) return false;
    if (is_done(exception.care, operation)) return false;
    if (is_about_care(operation.kind)) {
        if (!see_to(exception.care, operation)) return false;
    } else {
        const bool discards = operation.kind == OperationKind::kDiscard && !kind->discard.empty() &&
                              !operation.reason.empty();
        const bool retries = operation.kind == OperationKind::kRetry && !kind->retry.empty();
        if (!discards && !retries) return false;
        exception.status = ExceptionStatus::kResolved;
        exception.closed_by = operation.actor;
        exception.closing = std::string{done_by(operation.kind)} +
                            (operation.reason.empty() ? "" : ": " + operation.reason);
        exception.care.done.push_back(operation.id);
    }
    exception.updated_at = now;
    return true;
}

void take_operation(Work& work, const Operation& operation) {
    if (operation.kind == OperationKind::kForget) return take_forget(work, operation);
    if (operation.kind == OperationKind::kSet) return set(work, operation);
    if (is_about_identity(operation.kind)) return take_identity_operation(work, operation);
    // A copy: carrying out one may close others.
    std::vector<OpenException> chosen;
    for (const OpenException& open : work.state.exceptions) {
        const bool wanted = operation.exception.empty()
                                ? operation.kind == OperationKind::kRetry
                                : open.kind == operation.exception ||
                                      open.kind + "@" + open.platform.text == operation.exception;
        if (wanted) chosen.push_back(open);
    }
    for (const OpenException& exception : chosen) {
        if (is_done(exception.care, operation)) {
            work.replayed = true;
            continue;
        }
        // Settling another one may have closed it.
        if (find_exception(work, exception.kind, exception.platform) == nullptr) continue;
        carry_out(work, exception, operation);
    }
    if (operation.exception.empty() && operation.kind == OperationKind::kRetry) {
        judge_left_alone(work);
    }
}

}  // namespace syncline::hub
