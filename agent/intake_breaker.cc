#include <algorithm>
#include <utility>

#include "agent/core/digest.h"
#include "agent/intake.h"
#include "shared/wire/codec.h"

namespace syncline::agent {
namespace {

/// Full reads ago that a record may have been told last.
constexpr std::uint64_t kSweepsBack = 4;

/// A platform may tell some of the fields at a time: those that it tells later count.
Fields over(Fields earlier, const Fields& later) {
    for (const auto& [name, value] : later) earlier.set(name, value);
    return earlier;
}

}  // namespace

/// Nothing, or what the record came to be, if it was told before.
std::optional<MassKind> Intake::mass_kind(Transaction& transaction, const Record& record,
                                          const std::optional<RecordState>& before) const {
    // Of what only the hub knows it is known that it was there.
    const bool was_there = before && !before->deleted && (before->n > 0 || before->entity);
    if (!was_there || origin() == ChangeOrigin::kBackfill) return std::nullopt;
    if (record.deleted) return MassKind::kDelete;
    if (transaction.blanks(record.object, before->filled, record.fields)) return MassKind::kBlank;
    // A full read sends what is as it was, too.
    if (origin() == ChangeOrigin::kReconcile) return std::nullopt;
    return MassKind::kOverwrite;
}

/// Digests of before do not match while a full read sends everything again; does what it says?
bool Intake::is_as_told(const Record& record, const std::optional<RecordState>& before) const {
    if (origin() != ChangeOrigin::kReconcile || !before) return false;
    if (record.deleted || before->deleted) return record.deleted && before->deleted;
    const std::uint64_t sweep = p_.store.sweep();
    for (std::uint64_t back = 1; back <= std::min(sweep, kSweepsBack); ++back) {
        if (before->digest == digest_of(record.fields, record.marker, sweep - back)) return true;
    }
    return false;
}

/// It is as it was told: what was withheld of it is undone.
void Intake::take_known(Transaction& transaction, const Record& record, const RecordState& state) {
    transaction.clear_reject(record.object, record.id);
    transaction.release(record.object, record.id);
    if (record.deleted || !state.filled.bytes().empty()) return;
    // An older version told it.
    RecordState known = state;
    known.filled = transaction.filled(record.object, {}, record.fields);
    if (!known.filled.bytes().empty()) transaction.save(record.object, record.id, known);
}

Intake::Took Intake::take_news(Transaction& transaction, const Record& record,
                               const std::optional<RecordState>& before, const Digest& digest,
                               ChangeOrigin as, Taken& taken) {
    const RecordKey key{p_.store.platform(), record.object, record.id};
    RecordState next = before.value_or(RecordState{});
    const MassBreaker::Sight sight{.lane = {record.object, Direction::kIn},
                                   .kind = mass_kind(transaction, record, before),
                                   .record = record.id,
                                   .entity = next.entity};
    if (p_.breaker.must_hold(transaction, sight)) {
        if (!is_as_told(record, before)) return withhold(transaction, record, next, as, sight);
        transaction.release(record.object, record.id);
    }
    next.digest = digest;
    next.filled = transaction.filled(record.object, next.filled, record.fields);
    next.deleted = record.deleted;
    const Took took = emit(transaction, record, key, std::move(next), as, taken);
    if (took != Took::kYes) return took;
    p_.breaker.passed(transaction, sight);
    if (auto seen = p_.troubles.sight(record)) taken.sights.push_back(*std::move(seen));
    return took;
}

/// What the store knows of the record stays as it was told: each later read finds it to differ.
Intake::Took Intake::withhold(Transaction& transaction, const Record& record,
                              const RecordState& state, ChangeOrigin as, MassBreaker::Sight sight) {
    Change change{.key = {p_.store.platform(), record.object, record.id},
                  .entity = state.entity,
                  .kind = record.deleted ? ChangeKind::kDelete : ChangeKind::kUpsert,
                  .origin = as,
                  .fields = record.deleted ? Fields{} : record.fields,
                  .marker = record.marker,
                  .seen_at = p_.environment.clock.now(),
                  .changed_at = record.changed_at};
    if (const auto before = transaction.withheld_of(record.object, record.id)) {
        sight.kind.reset();  // It is counted.
        const auto earlier = wire::decode_change(*before);
        if (!earlier) {
            transaction.fail_with(
                {ErrorKind::kCorrupt, "a change that is withheld: " + earlier.error().what});
            return Took::kNoRoom;
        }
        if (!record.deleted) change.fields = over(earlier->fields, change.fields);
    }
    const std::string body = wire::encode(change);
    if (is_too_large(transaction, record, body.size())) return Took::kYes;
    if (!has_room()) return Took::kNoRoom;
    p_.environment.before("A2");
    transaction.withhold(record.object, record.id, body);
    p_.breaker.held(transaction, sight);
    transaction.clear_reject(record.object, record.id);
    p_.environment.after("A2");
    return Took::kYes;
}

bool Intake::tell_withheld(Transaction& transaction, const Change& change) {
    const Record record{.object = change.key.object,
                        .id = change.key.record,
                        .deleted = change.kind == ChangeKind::kDelete,
                        .fields = change.fields,
                        .marker = change.marker,
                        .changed_at = change.changed_at};
    RecordState state = transaction.record(record.object, record.id).value_or(RecordState{});
    state.deleted = record.deleted;
    state.digest =
        record.deleted ? Digest{} : digest_of(record.fields, record.marker, p_.store.sweep());
    state.filled = transaction.filled(record.object, state.filled, record.fields);
    Taken taken;
    return emit(transaction, record, change.key, std::move(state), change.origin, taken) ==
           Took::kYes;
}

}  // namespace syncline::agent
