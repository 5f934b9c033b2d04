#include "agent/intake.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "agent/core/digest.h"
#include "agent/core/numbering.h"
#include "agent/spans.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::agent {
namespace {

/// So many different ones are said in the log; a platform may have a million that do not map.
constexpr std::size_t kSaidMax = 100;

/// Changes may fill this much of the spool; the rest is for the outcomes of commands.
std::uint64_t change_bytes(const AgentSettings& settings) { return settings.spool.bytes / 16 * 15; }

}  // namespace

Result<void> Intake::start() {
    std::vector<std::pair<ObjectName, RecordId>> wanted;
    auto loaded = p_.store.transaction([&](Transaction& transaction) {
        cursor_.text = transaction.text(keys::kCursor);
        origin_ = transaction.text(keys::kOrigin);
        tombstones_ = transaction.text(keys::kTombstones);
        unseen_ = transaction.text(keys::kUnseen);
        acquainted_ = transaction.number(keys::kAcquainted) != 0;
        load_read_ = transaction.number(keys::kLoadRead);
        load_began_.ns = static_cast<std::int64_t>(transaction.number(keys::kLoadBegan));
        wanted = transaction.wanted_fetches();
    });
    if (!loaded) return loaded;
    if (origin_.empty()) origin_ = kBackfill;
    for (auto& [object, id] : wanted) {
        add_fetch({p_.store.platform(), std::move(object), std::move(id)}, 0);
    }
    return {};
}

ChangeOrigin Intake::origin() const {
    if (origin_ == kLive) return ChangeOrigin::kLive;
    return origin_ == kReconcile ? ChangeOrigin::kReconcile : ChangeOrigin::kBackfill;
}

// ---- Reading --------------------------------------------------------------------------------

bool Intake::has_room() const {
    return p_.store.waiting_bytes() + p_.store.withheld_bytes() < change_bytes(p_.settings) &&
           p_.store.waiting_entries() < p_.settings.spool.entries_max;
}

bool Intake::may_read() const {
    return p_.store.partitions() > 0 && !p_.commits.blocked() && has_room();
}

void Intake::pump() {
    if (!may_read() || now() < room_at_) return;
    if (pending_ && !pending_->committing) commit_batch();
    start_fetches();
    if (!tombstones_.empty()) return send_tombstones();
    if (looks_for_unseen()) look_for_unseen();
    if (!may_start_read()) return;
    const Duration at = now();
    if (at >= std::max(next_read(), p_.gate.next_call(read_lane(), at))) start_read();
}

Duration Intake::next_deadline() const {
    if (p_.store.partitions() == 0 || p_.commits.blocked()) return kNever;
    // Receipts make room; they come as messages, but are only counted once they are stored.
    if (!has_room()) return pending_ || !reading_ ? now() + kRoomPause : kNever;
    if (now() < room_at_) return room_at_;
    Duration next = kNever;
    if (!due_.empty() && fetching_ < p_.gate.concurrency()) {
        next = std::max(due_.begin()->first.first, p_.gate.next_call(QuotaLane::kChange, now()));
    }
    if (pending_ && !pending_->committing) return now();
    if (!tombstones_.empty()) return going_through_ ? next : now();
    if (looks_for_unseen()) return now();
    if (may_start_read()) {
        next = std::min(next, std::max(next_read(), p_.gate.next_call(read_lane(), now())));
    }
    return next;
}

/// For the progress of a full read; nothing depends on the answer.
void Intake::count_all() {
    if (!is_loading() || counted_) return;
    counted_ = true;
    p_.executor.count([this, round = round_](Executor::Answer<std::uint64_t> answer) {
        if (round == round_ && answer.result) load_total_ = *answer.result;
    });
}

QuotaLane Intake::read_lane() const {
    if (origin_ == kReconcile) return QuotaLane::kReconcile;
    if (origin_ != kLive) return QuotaLane::kBackfill;
    // Then a read waits for what is pushed, and asks the platform for nothing.
    return p_.executor.traits().waits_for_changes ? QuotaLane::kFree : QuotaLane::kChange;
}

/// One at a time, and at most one beside what is being stored.
bool Intake::may_start_read() const {
    if (reading_ || ahead_ || fetches_.size() >= p_.settings.reading.fetches_max) return false;
    if (!pending_) return true;
    return p_.executor.traits().reads_ahead && pending_->batch.more && pending_->round == round_;
}

void Intake::start_read() {
    count_all();
    p_.environment.before("A1");
    reading_ = true;
    if (now() >= read_at_) read_at_ = kNever;
    ++reads_begun_;
    const QuotaLane lane = read_lane();
    p_.gate.take(lane, now());
    p_.guard.read_begins(reads_begun_, pending_ ? pending_->read : reads_begun_, now());
    const Cursor& from = pending_ ? pending_->batch.next : cursor_;
    if (origin_ == kReconcile && from == p_.executor.full_read_start()) {
        // Also what was told since it was asked for, by a read before it, is not shown by it.
        p_.commits.add([this](Transaction& transaction) {
            transaction.set_number(keys::kReadFrom, p_.store.revisions());
        });
    }
    p_.executor.read(from, p_.settings.reading.batch_records,
                     [this, lane, round = round_](Executor::Answer<Batch> answer) {
                         p_.gate.answered(lane, answer.cost);
                         on_read(std::move(answer), round);
                     });
}

void Intake::on_read(Executor::Answer<Batch> answer, std::uint64_t round) {
    reading_ = false;
    if (!answer.result) return on_read_error(answer.result.error(), answer.pause);
    p_.environment.after("A1");
    p_.gate.succeeded();
    failures_ = 0;
    last_error_.clear();
    last_read_at_ = p_.environment.clock.now();
    records_read_ += answer.result->records.size();
    const bool at_once = answer.result->more || p_.executor.traits().waits_for_changes;
    next_read_ = at_once ? now() : now() + p_.settings.reading.poll;
    say_notes(answer.result->notes);
    p_.troubles.looked(answer.result->looked);
    Pending came{.batch = std::move(*answer.result), .round = round, .read = reads_begun_};
    if (pending_) {
        ahead_ = std::move(came);
        return;
    }
    pending_ = std::move(came);
    if (may_read() && now() >= room_at_) commit_batch();
}

/// What is so at each reading is said when it begins.
void Intake::say_notes(const std::vector<std::string>& notes) {
    std::set<std::string> said{notes.begin(), notes.end()};
    for (const std::string& text : said) {
        if (!said_notes_.contains(text)) p_.environment.note(NoteLevel::kWarning, text);
    }
    said_notes_ = std::move(said);
}

void Intake::on_read_error(const Error& error, Duration pause) {
    if (last_error_ != error.what) {
        p_.environment.note(NoteLevel::kWarning, "reading failed: " + error.what);
    }
    last_error_ = error.what;
    ++failures_;
    const Duration backoff =
        half_jitter(p_.settings.reading.retry, failures_, p_.environment.jitter.next());
    next_read_ = now() + backoff;
    read_at_ = kNever;  // The next one is that read.
    p_.gate.read_failed(error, now(), backoff, pause, p_.settings.writing);
}

void Intake::commit_batch() {
    pending_->committing = true;
    auto taken = std::make_shared<Taken>();
    p_.commits.add([this, taken](Transaction& transaction) { apply_batch(transaction, *taken); },
                   [this, taken] { after_batch(*taken); });
}

void Intake::apply_batch(Transaction& transaction, Taken& taken) {
    const Batch& batch = pending_->batch;
    taken = {.at = pending_->at};
    while (taken.at < batch.records.size()) {
        if (take(transaction, batch.records[taken.at], pending_->read, origin(), taken) ==
            Took::kNoRoom) {
            return;
        }
        ++taken.at;
    }
    for (const Batch::Reject& reject : batch.rejects) {
        keep_reject(transaction, {reject.object, reject.id, reject.reason, reject.raw,
                                  p_.environment.clock.now()});
    }
    // A full read that was asked for meanwhile has begun at a cursor of its own.
    if (pending_->round != round_) return;
    p_.environment.before("A4");
    if (is_loading()) note_load(transaction);
    if (!(batch.next == cursor_)) transaction.set_text(keys::kCursor, batch.next.text);
    if (!batch.more && origin_ != kLive) transaction.set_text(keys::kOrigin, kLive);
    p_.environment.after("A4");
}

void Intake::note_load(Transaction& transaction) {
    const Timestamp began = load_began_.ns != 0 ? load_began_ : p_.environment.clock.now();
    transaction.set_number(keys::kLoadRead, load_read_ + pending_->batch.records.size());
    transaction.set_number(keys::kLoadBegan, static_cast<std::uint64_t>(began.ns));
}

void Intake::after_batch(const Taken& taken) {
    for (const auto& [key, create] : taken.fetches) add_fetch(key, create);
    changes_ += taken.changes;
    p_.troubles.saw(taken.sights);
    pending_->at = taken.at;
    pending_->committing = false;
    if (taken.at < pending_->batch.records.size()) {
        room_at_ = now() + kRoomPause;
        return;
    }
    if (pending_->round == round_) {
        cursor_ = pending_->batch.next;
        if (is_loading()) {
            if (load_began_.ns == 0) load_began_ = p_.environment.clock.now();
            load_read_ += pending_->batch.records.size();
            load_rate_.add(pending_->batch.records.size(), now());
        }
        if (!pending_->batch.more) {
            if (is_loading()) say_loaded();
            origin_ = kLive;
            read_through_ = pending_->read;
        }
        p_.executor.stored(cursor_);
    }
    pending_ = std::exchange(ahead_, std::nullopt);
    if (pending_ && may_read()) commit_batch();
}

void Intake::say_loaded() const {
    const auto took = std::chrono::duration<double>(p_.environment.clock.now() - load_began_);
    const auto seconds = static_cast<std::uint64_t>(std::max(0.0, took.count()));
    p_.environment.note(NoteLevel::kInfo,
                        "the platform was read whole: " + std::to_string(load_read_) +
                            " records in " + std::to_string(seconds) + " s");
}

SpoolPoint SpoolPoint::of(const Store& store) {
    SpoolPoint point;
    point.epoch_ = store.epoch();
    for (std::uint16_t part = 0; part < store.partitions(); ++part) {
        point.last_.push_back(store.marks({part}).next_seq - 1);
    }
    return point;
}

bool SpoolPoint::is_receipted(const Store& store) const {
    if (!is_of(store) || last_.size() != store.partitions()) return false;
    for (std::uint16_t part = 0; part < store.partitions(); ++part) {
        if (store.marks({part}).receipted < last_[part]) return false;
    }
    return true;
}

bool Intake::is_new() const { return origin_ == kBackfill; }

bool Intake::is_acquainted() {
    if (acquainted_) return true;
    if (set_backs_ > 0) return false;
    const std::uint16_t partitions = p_.store.partitions();
    if (origin_ != kLive || partitions == 0 || p_.commits.blocked()) return false;
    if (!full_read_ || !full_read_->is_of(p_.store)) {
        if (!fetches_.empty()) return false;
        full_read_ = SpoolPoint::of(p_.store);
    }
    if (!full_read_->is_receipted(p_.store)) return false;
    p_.commits.add([](Transaction& transaction) { transaction.set_number(keys::kAcquainted, 1); });
    acquainted_ = true;
    return true;
}

void Intake::set_back() {
    acquainted_ = false;
    full_read_.reset();
    ++set_backs_;
    // What receipts there still are is known when this is stored.
    p_.commits.add([](Transaction& transaction) { transaction.set_number(keys::kAcquainted, 0); },
                   [this] { --set_backs_; });
}

// ---- One record -----------------------------------------------------------------------------

Intake::Shown Intake::shown(Transaction& transaction, const Record& record) const {
    const std::optional<RecordState> state = transaction.record(record.object, record.id);
    if (!state) return Shown::kUnknown;
    if (state->deleted) return Shown::kDifferent;
    const bool same = record.partial ||
                      state->digest == digest_of(record.fields, record.marker, p_.store.sweep());
    return same ? Shown::kKnown : Shown::kDifferent;
}

bool Intake::tell_backfilled(Transaction& transaction, const Record& record, Taken& taken) {
    return take(transaction, record, reads_begun_, ChangeOrigin::kBackfill, taken) == Took::kYes;
}

void Intake::told_backfilled(const Taken& taken) {
    for (const auto& [key, create] : taken.fetches) add_fetch(key, create);
    changes_ += taken.changes;
    p_.troubles.saw(taken.sights);
}

Intake::Took Intake::take(Transaction& transaction, const Record& record,
                          std::optional<std::uint64_t> read, ChangeOrigin as, Taken& taken) {
    const RecordKey key{p_.store.platform(), record.object, record.id};
    const bool can_ask = p_.executor.traits().can_fetch;
    const bool may_be_old = read && can_ask;
    if (may_be_old && (p_.guard.is_writing(key) || fetches_.contains(key))) {
        wish(transaction, key, 0, taken);
        return Took::kYes;
    }
    std::optional<RecordState> state = transaction.record(record.object, record.id);
    if (may_be_old && !state && !record.marker && !record.deleted) {
        const std::uint64_t create = p_.guard.newest_create(record.object);
        if (create != 0) {  // This may be what it makes, and its outcome must come first.
            wish(transaction, key, create, taken);
            return Took::kYes;
        }
    }
    if (record.partial && !record.deleted && can_ask) {
        wish(transaction, key, 0, taken);
        return Took::kYes;
    }
    const Digest digest =
        record.deleted ? Digest{} : digest_of(record.fields, record.marker, p_.store.sweep());
    const bool known =
        state && state->deleted == record.deleted && (record.deleted || state->digest == digest);
    if (!read && witness_ != nullptr) {
        const auto use = witness_->on_fetched(transaction, record, state, !known);
        if (use == FetchWitness::Use::kQuiet) return Took::kYes;
        if (use == FetchWitness::Use::kReconcile) as = ChangeOrigin::kReconcile;
        if (use == FetchWitness::Use::kReview) as = ChangeOrigin::kReview;
    }
    // A part that is as it was told says nothing of another that is withheld.
    const bool is_part =
        record.partial && !record.deleted && transaction.is_withheld(record.object, record.id);
    if (known && !is_part) {
        take_known(transaction, record, *state);
        return Took::kYes;
    }
    if (may_be_old && p_.guard.is_doubtful(key, *read, now())) {
        wish(transaction, key, 0, taken);
        return Took::kYes;
    }
    return take_news(transaction, record, state, digest, as, taken);
}

Intake::Took Intake::emit(Transaction& transaction, const Record& record, const RecordKey& key,
                          RecordState state, ChangeOrigin as, Taken& taken) {
    const Partition home = home_partition(key, state.entity, p_.store.partitions());
    const std::uint64_t receipted =
        state.last.seq == 0 ? 0 : p_.store.marks(state.last.partition).receipted;
    const Partition partition = next_partition(home, state.last, receipted);
    const Revision rev = transaction.next_revision();
    state.n = rev.n;
    Change change{.key = key,
                  .entity = state.entity,
                  .number = transaction.next_number(partition),
                  .rev = rev,
                  .kind = record.deleted ? ChangeKind::kDelete : ChangeKind::kUpsert,
                  .origin = as,
                  .fields = record.deleted ? Fields{} : record.fields,
                  .marker = record.marker,
                  .seen_at = p_.environment.clock.now(),
                  .changed_at = record.changed_at};
    change.trace = begin_trace(p_.environment);
    const std::string body = wire::encode(change);
    if (is_too_large(transaction, record, body.size())) return Took::kYes;
    const std::uint64_t after = p_.store.waiting_bytes() + body.size();
    if (after > change_bytes(p_.settings)) return Took::kNoRoom;
    p_.environment.before("A2");
    trace_change(p_.environment, change);
    transaction.append(partition, subjects::change(key, partition), body, change.seen_at);
    state.last = {partition, change.number.seq.n};
    transaction.save(record.object, record.id, state);
    transaction.clear_reject(record.object, record.id);
    p_.environment.after("A2");
    ++taken.changes;
    return Took::kYes;
}

bool Intake::is_too_large(Transaction& transaction, const Record& record, std::size_t bytes) {
    if (bytes <= p_.settings.spool.message_bytes) return false;
    keep_reject(transaction, {record.object, record.id.text,
                              "the record takes " + std::to_string(bytes) +
                                  " bytes as a message, more than message_bytes allows",
                              "", p_.environment.clock.now()});
    return true;
}

void Intake::keep_reject(Transaction& transaction, const Reject& reject) {
    transaction.keep_reject(reject, p_.settings.spool.rejects_max);
    p_.troubles.rejected();
    if (said_rejects_.size() > kSaidMax) return;
    const std::string id = reject.record.empty() ? "without id" : reject.record;
    const std::string text =
        "kept and not used: " + reject.object.text + " " + id + ": " + reject.reason;
    if (!said_rejects_.insert(text).second) return;
    p_.environment.note(NoteLevel::kWarning,
                        said_rejects_.size() <= kSaidMax
                            ? text
                            : "more records are kept and not used; from now on they are counted");
}

void Intake::wish(Transaction& transaction, const RecordKey& key, std::uint64_t after_create,
                  Taken& taken) {
    transaction.want_fetch(key.object, key.record);
    // At once, not after the commit: an answer that is committed together with this must not pass
    // for newer. If the commit fails the record is fetched once more than needed.
    const auto found = fetches_.find(key);
    if (found != fetches_.end()) found->second.again = true;
    taken.fetches.emplace_back(key, after_create);
}

Intake::Status Intake::status() const {
    std::optional<Status::Load> load;
    if (is_loading()) {
        load = {load_read_, load_total_, load_rate_.per_second(now()), load_began_};
    }
    return {.last_read_at = last_read_at_,
            .last_error = last_error_,
            .origin = origin_,
            .fetches = fetches_.size(),
            .reading = reading_,
            .paused = !has_room() || now() < room_at_,
            .records_read = records_read_,
            .changes = changes_,
            .load = std::move(load)};
}

}  // namespace syncline::agent
