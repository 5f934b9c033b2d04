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

void accept(Work& work, RecordState& record, const OpenException& exception, Timestamp at) {
    if (exception.kind == exceptions::kSecondRecord) {
        for (OtherRecord& other : record.others) {
            if (other.standing == OtherRecord::Standing::kOpen) {
                other.standing = OtherRecord::Standing::kApart;
            }
        }
        return;
    }
    if (exception.kind == exceptions::kDeleteReview) {
        work.state.deleted = true;
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
        make_canonical(work, name, value, Provenance{{}, {}, at});
    }
}

void reject(Work& work, RecordState& record, const OpenException& exception, Timestamp at) {
    if (exception.kind == exceptions::kDeleteReview) {
        record.presence = Presence::kAbsent;
        record.record.reset();
        return;
    }
    release_all(record, exception);
    for (const FieldName& field : exception.fields) {
        // Nobody has a better value: the field is emptied.
        if (work.state.find(field) == nullptr) make_canonical(work, field, {}, {{}, {}, at});
    }
}

/// Is it about what the platform wanted, rather than about what we want of it?
bool is_about_a_change(const OpenException& exception) {
    return exception.kind == exceptions::kContract || exception.kind == exceptions::kReview ||
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

void take_operation(Work& work, const Operation& operation) {
    // A copy: carrying out one may close others.
    std::vector<OpenException> chosen;
    for (const OpenException& open : work.state.exceptions) {
        const bool wanted = operation.exception.empty()
                                ? operation.kind == OperationKind::kRetry
                                : open.kind == operation.exception ||
                                      open.kind + "@" + open.platform.text == operation.exception;
        if (wanted) chosen.push_back(open);
    }
    static constexpr const char* kNames[] = {"accepted", "rejected", "retried"};
    for (const OpenException& exception : chosen) {
        RecordState& record = work.state.record_or_new(exception.platform);
        if (operation.seen != 0 && exception.version > operation.seen) {
            tell_again(work, exception);
            work.note(exception.kind + " not " + kNames[static_cast<int>(operation.kind)] + " by " +
                      operation.actor + ": it has changed since they saw it");
            continue;
        }
        work.note(exception.kind + " " + kNames[static_cast<int>(operation.kind)] + " by " +
                  operation.actor + (operation.reason.empty() ? "" : ": " + operation.reason));
        if (exception.kind == exceptions::kSharedKey) {
            tell_again(work, exception);  // Whether the key is free shows when it is claimed.
            continue;
        }
        close_exception(work, exception.kind, exception.platform);
        if (exception.kind == exceptions::kSecondRecord &&
            operation.kind != OperationKind::kAccept) {
            report_others(work, record);
            continue;
        }
        switch (operation.kind) {
            case OperationKind::kAccept: accept(work, record, exception, operation.at); break;
            case OperationKind::kReject: reject(work, record, exception, operation.at); break;
            case OperationKind::kRetry:
                if (is_about_a_change(exception)) {
                    decide_again(work, exception);
                } else {
                    release_all(record, exception);
                }
                break;
        }
    }
}

}  // namespace syncline::hub
