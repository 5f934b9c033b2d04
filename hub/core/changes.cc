#include "hub/core/work.h"

namespace syncline::hub {
namespace {

Provenance provenance_of(const Change& change) {
    const Timestamp at = change.changed_at.ns != 0 ? change.changed_at : change.seen_at;
    return {change.key.platform, change.rev, at};
}

constexpr std::string_view kAlso = "also";
constexpr std::string_view kBelong =
    " belong to this entity on the same platform; merge them there or change the match rules";

/// The record is there: links it, and brings back an entity that was deleted.
void mark_present(Work& work, RecordState& record, const RecordId& id) {
    if (record.presence == Presence::kPresent && record.record == id) return;
    work.note(record.platform.text + " record " + id.text + " linked");
    record.presence = Presence::kPresent;
    record.record = id;
    record.blocked = false;
    record.mirror.clear();
    record.forms.clear();
    close_exception(work, exceptions::kDeleteReview, record.platform);
    close_exception(work, exceptions::kInDoubt, record.platform);  // Made after all, or by others.
    if (work.state.deleted) {
        work.state.deleted = false;
        work.note("revived: the record is back on " + record.platform.text);
        for (RecordState& other : work.state.records) {
            if (other.presence == Presence::kGone) other.presence = Presence::kAbsent;
        }
    }
}

}  // namespace

void take_change(Work& work, const Change& change) {
    RecordState& record = work.state.record_or_new(change.key.platform);
    const bool known = record.presence == Presence::kPresent && record.record.has_value();
    if (known && *record.record != change.key.record) {
        return second_record(work, record, change.key.record, change.fields);
    }
    if (change.rev <= record.rev) {
        work.replayed = true;
        return;
    }
    record.rev = change.rev;
    if (change.kind == ChangeKind::kDelete) {
        if (record.presence == Presence::kPresent) take_delete(work, record, /*ours=*/false);
        return;
    }
    mark_present(work, record, change.key.record);
    take_fields(work, record, change.fields, provenance_of(change), {});
}

void second_record(Work& work, const RecordState& record, const RecordId& second,
                   const Fields& fields) {
    std::string which = second.text + ",";
    for (const OpenException& open : work.state.exceptions) {
        if (open.kind != exceptions::kSecondRecord || open.platform != record.platform) continue;
        // It names all of them, at its beginning: "also r1, r2, ...".
        const std::string named = open.reason.substr(0, open.reason.find(kBelong));
        if (named.find(" " + which) == std::string::npos)
            which += named.substr(kAlso.size());
        else
            which = named.substr(kAlso.size() + 1);
    }
    open_exception(work, std::string{exceptions::kSecondRecord}, record,
                   std::string{kAlso} + " " + which + std::string{kBelong}, fields);
}

void take_delete(Work& work, RecordState& record, bool ours) {
    record.pending.reset();
    record.mirror.clear();
    record.forms.clear();
    record.presence = Presence::kGone;
    const std::string where = record.platform.text + " record " +
                              (record.record ? record.record->text : std::string{"?"});
    if (ours || work.state.deleted) {
        work.note(where + " deleted");
        return;
    }
    const Binding* binding = work.object.binding(record.platform);
    const DeleteMeaning meaning = binding == nullptr ? DeleteMeaning::kReview : binding->on_delete;
    switch (meaning) {
        case DeleteMeaning::kPropagate:
            work.state.deleted = true;
            work.note(where + " deleted: the entity is deleted everywhere");
            break;
        case DeleteMeaning::kUnlink:
            record.presence = Presence::kUnlinked;
            work.note(where + " deleted: the platform no longer takes part");
            break;
        case DeleteMeaning::kRestore:
            record.presence = Presence::kAbsent;
            record.record.reset();
            work.note(where + " deleted: it is created again");
            break;
        case DeleteMeaning::kReview:
            work.note(where + " deleted: a person decides");
            open_exception(work, std::string{exceptions::kDeleteReview}, record,
                           "the record was deleted there; accept deletes the entity everywhere, "
                           "reject creates the record again",
                           {});
            break;
    }
}

}  // namespace syncline::hub
