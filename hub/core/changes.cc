#include <algorithm>

#include "hub/core/work.h"

namespace syncline::hub {
namespace {

Provenance provenance_of(const Change& change) {
    const Timestamp at = change.changed_at.ns != 0 ? change.changed_at : change.seen_at;
    return {change.key.platform, change.rev, at};
}

using Standing = OtherRecord::Standing;

/// So many records that are gone are remembered.
constexpr std::size_t kGoneMost = 8;

auto find_other(RecordState& record, const RecordId& id) {
    return std::ranges::find(record.others, id, &OtherRecord::record);
}

void remember_gone(RecordState& record, const RecordId& id, Revision rev) {
    std::erase_if(record.others, [&](const OtherRecord& other) { return other.record == id; });
    record.others.push_back({id, rev, {}, {}, Standing::kGone});
    const auto gone = std::ranges::count(record.others, Standing::kGone, &OtherRecord::standing);
    if (static_cast<std::size_t>(gone) <= kGoneMost) return;
    record.others.erase(std::ranges::find(record.others, Standing::kGone, &OtherRecord::standing));
}

}  // namespace

void close_about_former(Work& work, RecordState& record) {
    for (const std::string_view kind :
         {exceptions::kContract, exceptions::kReview, exceptions::kReconcileReview,
          exceptions::kUndecided, exceptions::kTransition, exceptions::kRejected,
          exceptions::kGaveUp, exceptions::kNotConverging}) {
        for (const OpenException& open : work.state.exceptions) {
            if (open.kind != kind || open.platform != record.platform) continue;
            for (const FieldName& field : open.fields) record.release(field);
        }
        close_exception(work, kind, record.platform);
    }
}

void mark_present(Work& work, RecordState& record, const RecordId& id) {
    if (record.presence == Presence::kPresent && record.record == id) return;
    stand(work, record, id, "linked");
    record.mirror.clear();
    record.forms.clear();
    record.instead.clear();
    close_about_former(work, record);
    close_exception(work, exceptions::kDeleteReview, record.platform);
    if (work.state.deleted) {
        work.state.deleted = false;
        work.revived_by = RecordKey{record.platform, work.state.key.object, id};
        work.note("revived: the record is back on " + record.platform.text);
        for (RecordState& other : work.state.records) {
            if (other.presence == Presence::kGone) other.presence = Presence::kAbsent;
            if (other.presence != Presence::kPresent || !other.blocked) continue;
            // That its deletion failed does not matter any more.
            other.blocked = false;
            close_exception(work, exceptions::kRejected, other.platform);
            close_exception(work, exceptions::kGaveUp, other.platform);
        }
    }
}

void succeed(Work& work, RecordState& record, OtherRecord heir) {
    record.pending.reset();
    record.rev = heir.rev;
    mark_present(work, record, heir.record);
    take_fields(work, record, heir.fields, {record.platform, heir.rev, heir.at}, {});
}

void stand(Work& work, RecordState& record, const RecordId& id, std::string_view how) {
    work.note(record.platform.text + " record " + id.text + " " + std::string{how});
    record.presence = Presence::kPresent;
    record.record = id;
    record.blocked = false;
    work.links.push_back({record.platform, work.state.key.object, id});
    // It may have been noted beside the one before.
    const auto known =
        std::erase_if(record.others, [&](const OtherRecord& other) { return other.record == id; });
    if (known > 0) report_others(work, record);
    close_exception(work, exceptions::kInDoubt, record.platform);  // Made after all, or by others.
}

void take_change(Work& work, const Change& change) {
    RecordState& record = work.state.record_or_new(change.key.platform);
    work.compare_epochs(record, change.rev);
    const RecordId& id = change.key.record;
    const bool deletes = change.kind == ChangeKind::kDelete;
    const bool same = record.record == id;
    if (!same && deletes) {
        // Of a record that no entity is known to have had, nobody needs to remember it.
        if (change.entity || !work.state.is_unknown()) delete_other(work, record, id, change.rev);
        return;
    }
    if (!same && record.record && record.presence == Presence::kPresent) {
        return other_record(work, record,
                            {id, change.rev, provenance_of(change).at, change.fields});
    }
    const Revision seen = record.seen_of(id);
    const bool first = !same && record.rev == Revision{};
    if (change.rev <= seen && !first) {
        work.replayed = true;
        return;
    }
    record.rev = std::max(change.rev, seen);
    // The answer to what is out may be older than this, and must be known as such.
    if (record.pending && change.rev > seen) work.changed = true;
    if (deletes) {
        if (record.presence == Presence::kPresent) take_delete(work, record, /*ours=*/false);
        return;
    }
    mark_present(work, record, id);
    take_fields(work, record, change.fields, provenance_of(change), {});
    // That it is gone by now was told first.
    if (change.rev < seen) take_delete(work, record, /*ours=*/false);
}

void delete_other(Work& work, RecordState& record, const RecordId& id, Revision rev) {
    const auto at = find_other(record, id);
    const bool news = at == record.others.end() || rev > at->rev;
    if (!news) {
        work.replayed = true;
        return;
    }
    remember_gone(record, id, rev);
    // If it is another entity's by now, this is for that one.
    work.links.push_back({record.platform, work.state.key.object, id});
    work.note(record.platform.text + " record " + id.text + " deleted");
    report_others(work, record);
}

void other_record(Work& work, RecordState& record, OtherRecord other) {
    const auto at = find_other(record, other.record);
    if (at != record.others.end()) {
        if (other.rev <= at->rev) {
            work.replayed = true;
            return;
        }
        if (at->standing == Standing::kApart) other.standing = Standing::kApart;
        record.others.erase(at);
    }
    // Whoever has told it by this entity may have missed that it is another's by now.
    work.links.push_back({record.platform, work.state.key.object, other.record});
    record.others.push_back(std::move(other));
    work.changed = true;
    report_others(work, record);
}

void report_others(Work& work, RecordState& record) {
    std::string which;
    Fields proposed;
    for (const OtherRecord& other : record.others) {
        if (other.standing != Standing::kOpen) continue;
        which += " " + other.record.text + ",";
        proposed = other.fields;
    }
    if (which.empty()) {
        return close_exception(work, exceptions::kSecondRecord, record.platform);
    }
    open_exception(work, exceptions::kSecondRecord, record,
                   "also" + which +
                       " belong to this entity on the same platform; merge them there or change "
                       "the match rules",
                   proposed);
}

void mark_deleted(Work& work) {
    work.state.deleted = true;
    for (const RecordState& record : work.state.records) {
        close_exception(work, exceptions::kDeleteReview, record.platform);
    }
}

void take_delete(Work& work, RecordState& record, bool ours) {
    if (record.record) remember_gone(record, *record.record, record.rev);
    const auto heir = std::ranges::find(record.others, Standing::kOpen, &OtherRecord::standing);
    if (!ours && !work.state.deleted && heir != record.others.end()) {
        return succeed(work, record, *heir);
    }
    record.pending.reset();
    record.mirror.clear();
    record.forms.clear();
    record.presence = Presence::kGone;
    record.blocked = false;
    close_about_former(work, record);
    close_exception(work, exceptions::kInDoubt, record.platform);
    const std::string where = record.platform.text + " record " +
                              (record.record ? record.record->text : std::string{"?"});
    if (ours || work.state.deleted) {
        work.note(where + " deleted");
        return;
    }
    const Binding* binding = work.object.binding(record.platform);
    const bool reviews = work.reviews || binding == nullptr;
    const DeleteMeaning meaning = reviews ? DeleteMeaning::kReview : binding->on_delete;
    switch (meaning) {
        case DeleteMeaning::kPropagate:
            mark_deleted(work);
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
            open_exception(work, exceptions::kDeleteReview, record,
                           "the record was deleted there; accept deletes the entity everywhere, "
                           "reject creates the record again",
                           {});
            break;
    }
}

}  // namespace syncline::hub
