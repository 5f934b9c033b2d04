#include "agent/reconciler.h"

#include <algorithm>
#include <utility>

#include "agent/core/digest.h"
#include "agent/core/numbering.h"
#include "shared/wire/codec.h"
#include "shared/wire/retell_codec.h"
#include "shared/wire/subjects.h"

namespace syncline::agent {
namespace {

/// Suspects that are fetched at a time: reading and commands go on beside it.
constexpr std::size_t kJudged = 64;
/// Records of the store that are looked at in one transaction.
constexpr std::size_t kLooked = 2'000;
/// How long to wait before looking again whether something else is done.
constexpr Duration kLookAgain{std::chrono::milliseconds{200}};

constexpr std::array<const char*, 7> kPhases = {"",        "reading", "settling", "unseen",
                                                "judging", "telling", "tallying"};

}  // namespace

Reconciler::Reconciler(const Parts& parts) : p_(parts) { p_.intake.set_witness(this); }

const char* Reconciler::name_of(Phase phase) { return kPhases[static_cast<std::size_t>(phase)]; }

Result<void> Reconciler::start() {
    return p_.store.transaction([&](Transaction& transaction) {
        seen_ = transaction.text(keys::kAgainReconcile);
        const auto request = parse_reconcile_request(seen_);
        if (!request) return;
        request_ = *request;
        const std::string phase = transaction.text(keys::kReconcilePhase);
        const auto at = std::ranges::find(kPhases, phase);
        if (at == kPhases.end()) return;
        phase_ = static_cast<Phase>(at - kPhases.begin());
        cursor_.text = transaction.text(keys::kReconcileCursor);
        began_at_.ns = static_cast<std::int64_t>(transaction.number(keys::kReconcileBegan));
        read_at_.ns = static_cast<std::int64_t>(transaction.number(keys::kReconcileRead));
        sweep_ = transaction.number(keys::kReconcileSweep);
    });
}

void Reconciler::request(std::string_view text) {
    if (seen_ == text) return;
    seen_ = text;
    const auto request = parse_reconcile_request(text);
    if (!p_.executor.traits().can_fetch) {
        trouble_ = "this platform cannot be asked for a record, so it cannot be reconciled";
    } else if (!request) {
        trouble_ =
            "a request to reconcile that is not understood: " + std::string{text.substr(0, 100)};
    } else {
        return begin(*request);
    }
    p_.environment.note(NoteLevel::kWarning, trouble_);
    p_.commits.add([seen = seen_](Transaction& transaction) {
        transaction.set_text(keys::kAgainReconcile, seen);
    });
}

void Reconciler::begin(const ReconcileRequest& request) {
    ++run_;
    request_ = request;
    trouble_.clear();
    judging_.clear();
    read_ = 0;
    failures_ = 0;
    next_read_ = now();
    began_at_ = p_.environment.clock.now();
    sweep_ = p_.store.sweep();
    cursor_ = p_.executor.full_read_start();
    busy_ = true;
    p_.commits.add(
        [this, text = to_text(request), cursor = cursor_, began = began_at_,
         sweep = sweep_](Transaction& transaction) {
            transaction.begin_reconciliation();
            transaction.set_text(keys::kAgainReconcile, text);
            transaction.set_text(keys::kReconcilePhase, name_of(Phase::kReading));
            transaction.set_text(keys::kReconcileCursor, cursor.text);
            transaction.set_number(keys::kReconcileBegan, static_cast<std::uint64_t>(began.ns));
            transaction.set_number(keys::kReconcileSweep, sweep);
        },
        [this, run = run_] {
            if (run != run_) return;
            busy_ = false;
            phase_ = Phase::kReading;
            p_.troubles.survey_begins();
        });
}

bool Reconciler::may_work() const {
    return !busy_ && p_.intake.may_read() && p_.intake.was_acquainted();
}

void Reconciler::pump() {
    if (!retells_.empty() && may_work()) return compare_known();
    if (!may_go_on()) return;
    // Everything is told again meanwhile, and no digest of before matches.
    if (sweep_ != p_.store.sweep()) return begin(request_);
    switch (phase_) {
        case Phase::kIdle: return;
        case Phase::kReading: return read_on();
        case Phase::kSettling: return settle();
        case Phase::kUnseen: return look_for_unseen();
        case Phase::kJudging: return judge();
        case Phase::kTelling: return tell();
        case Phase::kTallying: return tally();
    }
}

Duration Reconciler::next_deadline() const {
    if (!retells_.empty()) return may_work() ? now() : now() + kLookAgain;
    if (!may_go_on()) return phase_ == Phase::kIdle ? kNever : now() + kLookAgain;
    if (phase_ == Phase::kReading)
        return std::max(next_read_, p_.gate.next_call(QuotaLane::kReconcile, now()));
    const bool waits = phase_ == Phase::kSettling || phase_ == Phase::kTelling ||
                       (phase_ == Phase::kJudging && !judging_.empty());
    return waits ? now() + kLookAgain : now();
}

Reconciler::Status Reconciler::status() const {
    return {.phase = name_of(phase_), .request = seen_, .read = read_, .trouble = trouble_};
}

void Reconciler::enter(Phase phase) {
    busy_ = true;
    p_.commits.add(
        [phase](Transaction& transaction) {
            transaction.set_text(keys::kReconcilePhase, name_of(phase));
        },
        [this, phase, run = run_] {
            if (run != run_) return;
            busy_ = false;
            phase_ = phase;
            place_ = {};
            settle_after_.reset();
            told_.reset();
        });
}

// ---- Reading --------------------------------------------------------------------------------

void Reconciler::read_on() {
    const Duration at = now();
    if (at < std::max(next_read_, p_.gate.next_call(QuotaLane::kReconcile, at))) return;
    busy_ = true;
    p_.gate.take(QuotaLane::kReconcile, at);
    p_.executor.survey(
        cursor_, p_.settings.reading.batch_records,
        [this, run = run_](Executor::Answer<Batch> answer) { on_read(std::move(answer), run); });
}

void Reconciler::on_read(Executor::Answer<Batch> answer, std::uint64_t run) {
    p_.gate.answered(QuotaLane::kReconcile, answer.cost);
    if (run != run_) return;
    if (!answer.result) return on_read_error(answer.result.error(), answer.pause);
    p_.gate.succeeded();
    failures_ = 0;
    trouble_.clear();
    compare(std::move(*answer.result));
}

void Reconciler::on_read_error(const Error& error, Duration pause) {
    if (trouble_ != error.what) {
        p_.environment.note(NoteLevel::kWarning, "reconciling: reading failed: " + error.what);
    }
    trouble_ = error.what;
    busy_ = false;
    ++failures_;
    const Duration backoff =
        half_jitter(p_.settings.reading.retry, failures_, p_.environment.jitter.next());
    next_read_ = now() + backoff;
    p_.gate.read_failed(error, now(), backoff, pause, p_.settings.writing);
}

void Reconciler::compare(Batch batch) {
    auto page = std::make_shared<Page>(Page{std::move(batch), run_});
    const Timestamp at = p_.environment.clock.now();
    p_.commits.add(
        [this, page, at](Transaction& transaction) {
            if (page->run != run_) return;
            for (const Record& record : page->batch.records) compare(transaction, record);
            for (const Batch::Reject& reject : page->batch.rejects) {
                if (reject.id.empty()) continue;
                transaction.judge(reject.object, RecordId{reject.id}, DriftKind::kUnreadable);
                transaction.see(reject.object, RecordId{reject.id});
            }
            transaction.set_text(keys::kReconcileCursor, page->batch.next.text);
            if (page->batch.more) return;
            transaction.set_number(keys::kReconcileRead, static_cast<std::uint64_t>(at.ns));
            transaction.set_text(keys::kReconcilePhase, name_of(Phase::kSettling));
        },
        [this, page, at] {
            if (page->run != run_) return;
            busy_ = false;
            read_ += page->batch.records.size();
            cursor_ = page->batch.next;
            p_.troubles.surveyed(page->batch.records);
            if (page->batch.more) return;
            p_.troubles.survey_ends();
            read_at_ = at;
            phase_ = Phase::kSettling;
        });
}

void Reconciler::compare(Transaction& transaction, const Record& record) {
    const RecordKey key{p_.store.platform(), record.object, record.id};
    const std::optional<RecordState> known = transaction.record(record.object, record.id);
    if (record.deleted) {
        if (known && !known->deleted) transaction.suspect(record.object, record.id);
        return;
    }
    const bool sure = !record.partial && !p_.guard.is_writing(key) && known && !known->deleted;
    if (sure && known->digest == digest_of(record.fields, record.marker, p_.store.sweep())) {
        return transaction.see(record.object, record.id);
    }
    transaction.suspect(record.object, record.id);
}

/// What was on its way as a change while everything was read is no drift.
void Reconciler::settle() {
    if (!settle_after_) settle_after_ = p_.intake.reads_begun();
    if (p_.intake.read_through() > *settle_after_) enter(Phase::kUnseen);
}

// ---- Suspects -------------------------------------------------------------------------------

void Reconciler::look_for_unseen() {
    busy_ = true;
    auto last = std::make_shared<std::optional<Place>>();
    p_.commits.add(
        [this, last, after = place_](Transaction& transaction) {
            *last = transaction.suspect_unseen(after.first, after.second, kLooked);
        },
        [this, last, run = run_] {
            if (run != run_) return;
            busy_ = false;
            if (*last) {
                place_ = **last;
            } else {
                enter(Phase::kJudging);
            }
        });
}

void Reconciler::judge() {
    std::erase_if(judging_, [&](const RecordKey& key) { return !p_.intake.is_fetching(key); });
    if (!judging_.empty()) return;
    busy_ = true;
    auto next = std::make_shared<std::vector<Place>>();
    p_.commits.add(
        [this, next](Transaction& transaction) {
            *next = transaction.suspects(kJudged);
            judging_.clear();
            for (const Place& place : *next) {
                judging_.insert(key_of(place));
                p_.intake.want_fetch(transaction, key_of(place));
            }
        },
        [this, next, run = run_] {
            if (run != run_) return;
            busy_ = false;
            for (const Place& place : *next) p_.intake.follow(key_of(place));
            if (next->empty()) enter(Phase::kTelling);
        });
}

FetchWitness::Use Reconciler::on_fetched(Transaction& transaction, const Record& record,
                                         const std::optional<RecordState>& known, bool news) {
    if (!judging_.contains({p_.store.platform(), record.object, record.id})) return Use::kUsual;
    const bool was_there = known && !known->deleted;
    const bool is_there = !record.deleted;
    // It has just changed, and its change is on its way.
    const bool late = record.changed_at.ns != 0 && record.changed_at >= began_at_;
    if (!news || late || (!was_there && !is_there)) {
        transaction.judge(record.object, record.id, std::nullopt);
        transaction.see(record.object, record.id);
        return news && !was_there && !is_there ? Use::kQuiet : Use::kUsual;
    }
    const DriftKind kind = !is_there    ? DriftKind::kMissing
                           : !was_there ? DriftKind::kExtra
                                        : DriftKind::kDifferent;
    transaction.judge(record.object, record.id, kind);
    if (request_.mode == ReconcileMode::kReport) return Use::kQuiet;
    // What was never told of overwrites nothing.
    const bool reviews = request_.mode == ReconcileMode::kReview && kind != DriftKind::kExtra;
    return reviews ? Use::kReview : Use::kReconcile;
}

void Reconciler::on_unreadable(Transaction& transaction, const RecordKey& record) {
    if (!judging_.contains(record)) return;
    transaction.judge(record.object, record.record, DriftKind::kUnreadable);
}

// ---- The inventory --------------------------------------------------------------------------

void Reconciler::tell() {
    if (!told_ || !told_->is_of(p_.store)) told_ = SpoolPoint::of(p_.store);
    if (told_->is_receipted(p_.store)) enter(Phase::kTallying);
}

/// In one transaction, so that the inventories say what was there at one moment of what was told.
void Reconciler::tally() {
    busy_ = true;
    p_.commits.add(
        [this, run = run_](Transaction& transaction) {
            if (run != run_) return;
            write_inventories(transaction);
            transaction.set_text(keys::kReconcilePhase, name_of(Phase::kIdle));
        },
        [this, run = run_] {
            if (run != run_) return;
            busy_ = false;
            phase_ = Phase::kIdle;
            p_.environment.note(NoteLevel::kInfo,
                                "reconciled: " + std::to_string(read_) + " records read");
        });
}

Reconciler::Tallies Reconciler::count(Transaction& transaction) {
    const std::uint16_t partitions = p_.store.partitions();
    Tallies tallies;
    for (const auto& [object, records] : transaction.counts()) {
        const std::size_t buckets = BucketSums::buckets_for(records / partitions);
        for (std::uint16_t part = 0; part < partitions; ++part) {
            tallies[{Partition{part}, object}].sums = BucketSums{buckets};
        }
    }
    Place after;
    for (;;) {
        const auto held = transaction.held(after.first, after.second, kLooked);
        if (held.empty()) return tallies;
        for (const Transaction::Held& record : held) {
            const RecordKey key = key_of({record.object, record.id});
            const Partition home = home_partition(key, record.entity, partitions);
            Inventory::Object& object = tallies[{home, record.object}];
            if (record.entity) {
                ++object.records;
                object.sums.add(record.id);
            } else {
                ++object.unlinked;
            }
        }
        after = {held.back().object, held.back().id};
    }
}

void Reconciler::write_inventories(Transaction& transaction) {
    const std::uint16_t partitions = p_.store.partitions();
    Tallies tallies = count(transaction);
    transaction.for_each_drift([&](const Transaction::Held& drift) {
        const RecordKey key = key_of({drift.object, drift.id});
        const Partition home = home_partition(key, drift.entity, partitions);
        Inventory::Object& object = tallies[{home, drift.object}];
        ++object.found[static_cast<std::size_t>(*drift.found)];
        if (object.drifts.size() < Inventory::kDriftsMost) {
            object.drifts.push_back({drift.id, *drift.found});
        }
    });
    std::map<Partition, Inventory> inventories;
    for (std::uint16_t part = 0; part < partitions; ++part) inventories[{part}];
    for (auto& [at, object] : tallies) {
        object.object = at.second;
        // What is withheld, or was dropped since, is not told, so nothing is proven.
        if (p_.breaker.may_lack(at.second, began_at_)) {
            object.held = p_.store.withheld(at.second) + 1;
        }
        // Of a field that is not there nothing is known, however well the rest agrees.
        object.unseen = p_.troubles.unseen(at.second, /*read_whole=*/true);
        inventories[at.first].objects.push_back(std::move(object));
    }
    const Timestamp at = p_.environment.clock.now();
    const std::string run = std::to_string(request_.asked_at.ns);
    for (auto& [partition, inventory] : inventories) {
        inventory.platform = p_.store.platform();
        inventory.number = transaction.next_number(partition);
        inventory.request = request_;
        inventory.began_at = began_at_;
        inventory.read_at = read_at_;
        inventory.revisions = p_.store.revisions();
        transaction.append(partition, subjects::inventory(p_.store.platform(), partition, run),
                           wire::encode(inventory), at);
    }
}

// ---- What the hub knows otherwise -----------------------------------------------------------

void Reconciler::retell(std::string_view body) {
    auto retell = wire::decode_retell(body);
    if (!retell || retell->platform != p_.store.platform()) {
        p_.environment.note(NoteLevel::kWarning, "what the hub knows of records cannot be used: " +
                                                     (retell ? "it is of " + retell->platform.text
                                                             : retell.error().what));
        return;
    }
    p_.environment.note(NoteLevel::kWarning, "the hub knows other records of partition " +
                                                 std::to_string(retell->partition.value) +
                                                 "; telling them again");
    for (Retell::Object& object : retell->objects) std::ranges::sort(object.known);
    retells_.push_back(*std::move(retell));
}

/// The records of the store against what the hub knows, then what only the hub knows.
void Reconciler::compare_known() {
    busy_ = true;
    auto last = std::make_shared<std::optional<Place>>();
    auto wanted = std::make_shared<std::vector<Place>>();
    p_.commits.add(
        [this, last, wanted, after = retell_place_](Transaction& transaction) {
            last->reset();
            wanted->clear();
            const auto held = transaction.held(after.first, after.second, kLooked);
            for (const Transaction::Held& record : held) {
                if (!knows_the_same(record)) wanted->emplace_back(record.object, record.id);
            }
            if (!held.empty()) last->emplace(held.back().object, held.back().id);
            for (const Retell::Object& object : retells_.front().objects) {
                if (!held.empty()) break;
                for (const RecordId& record : object.known) {
                    const auto state = transaction.record(object.object, record);
                    // Told again without its entity, it is answered with it.
                    const bool same = state && !state->deleted && state->entity;
                    if (!same) wanted->emplace_back(object.object, record);
                }
            }
            for (const Place& place : *wanted) read_again(transaction, place);
        },
        [this, last, wanted] {
            busy_ = false;
            for (const Place& place : *wanted) p_.intake.follow(key_of(place));
            retell_place_ = last->value_or(Place{});
            if (!*last) retells_.pop_front();
        });
}

bool Reconciler::knows_the_same(const Transaction::Held& held) {
    const Retell& retell = retells_.front();
    const auto object = std::ranges::find(retell.objects, held.object, &Retell::Object::object);
    if (object == retell.objects.end()) return true;
    const RecordKey key = key_of({held.object, held.id});
    if (home_partition(key, held.entity, p_.store.partitions()) != retell.partition) return true;
    const std::size_t bucket = BucketSums::bucket_of(held.id, object->buckets);
    if (!std::ranges::binary_search(object->differing, bucket)) return true;
    return std::ranges::binary_search(object->known, held.id);
}

/// As if nothing had been told of it but that it is there.
void Reconciler::read_again(Transaction& transaction, const Place& place) {
    if (auto state = transaction.record(place.first, place.second)) {
        state->deleted = false;
        state->digest = {};
        transaction.save(place.first, place.second, *state);
    }
    p_.intake.want_fetch(transaction, key_of(place));
}

}  // namespace syncline::agent
