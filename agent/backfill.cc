#include "agent/backfill.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace syncline::agent {
namespace {

constexpr QuotaLane kLane = QuotaLane::kBackfill;

/// How long to wait before looking again whether something else is done, or the spool has room.
constexpr Duration kLookAgain{std::chrono::milliseconds{200}};
constexpr std::string_view kReading = "reading";
constexpr std::string_view kDone = "done";

std::string text_of(const Backfill::Counts& counts) {
    std::string text;
    for (const std::uint64_t count : {counts.read, counts.there, counts.known, counts.unknown,
                                      counts.different, counts.unusable}) {
        text += std::to_string(count) + " ";
    }
    return text;
}

Backfill::Counts counts_of(std::string_view text) {
    Backfill::Counts counts;
    for (std::uint64_t* count : {&counts.read, &counts.there, &counts.known, &counts.unknown,
                                 &counts.different, &counts.unusable}) {
        const std::size_t space = std::min(text.find(' '), text.size());
        std::ignore = std::from_chars(text.data(), text.data() + space, *count);
        text.remove_prefix(std::min(space + 1, text.size()));
    }
    return counts;
}

std::uint64_t to_number(Timestamp time) { return static_cast<std::uint64_t>(time.ns); }
Timestamp to_time(std::uint64_t number) { return {static_cast<std::int64_t>(number)}; }

}  // namespace

/// What one transaction did; acted on after its commit.
struct Backfill::Piece {
    std::size_t at = 0;
    Counts counts;
    Intake::Taken taken;
    std::vector<RecordKey> fetches;
    Timestamp stored_at;
    bool no_room = false;
};

Result<void> Backfill::start() {
    return p_.store.transaction([&](Transaction& transaction) {
        seen_ = transaction.text(keys::kAgainBackfill);
        const auto request = parse_backfill_request(seen_);
        if (!request) return;
        request_ = *request;
        const std::string phase = transaction.text(keys::kBackfillPhase);
        phase_ = phase == kReading ? Phase::kReading : phase == kDone ? Phase::kDone : Phase::kIdle;
        cursor_.text = transaction.text(keys::kBackfillCursor);
        counts_ = counts_of(transaction.text(keys::kBackfillCounts));
        began_at_ = to_time(transaction.number(keys::kBackfillBegan));
        ended_at_ = to_time(transaction.number(keys::kBackfillEnded));
    });
}

void Backfill::request(std::string_view text) {
    if (seen_ == text) return;
    seen_ = text;
    const auto request = parse_backfill_request(text);
    if (!request) {
        return refuse("a request for a backfill that is not understood: " +
                      std::string{text.substr(0, 100)});
    }
    if (!p_.executor.traits().can_fetch) {
        return refuse(
            "this platform cannot be asked for a record, so nothing can be read beside what "
            "comes; give it again what shall be read");
    }
    for (const ObjectName& object : request->objects) {
        const auto& mapped = p_.settings.objects;
        if (mapped.empty() ||
            std::ranges::find(mapped, object, &MappedObject::object) != mapped.end()) {
            continue;
        }
        return refuse("the agent's file maps no object `" + object.text + "`");
    }
    begin(*request);
}

void Backfill::refuse(std::string trouble) {
    ++run_;
    trouble_ = std::move(trouble);
    phase_ = Phase::kIdle;
    busy_ = false;
    page_.reset();
    counts_ = {};
    began_at_ = ended_at_ = {};
    p_.environment.note(NoteLevel::kWarning, trouble_);
    p_.commits.add([seen = seen_](Transaction& transaction) {
        transaction.set_text(keys::kAgainBackfill, seen);
        transaction.set_text(keys::kBackfillPhase, "");
    });
}

void Backfill::begin(const BackfillRequest& request) {
    ++run_;
    request_ = request;
    trouble_.clear();
    page_.reset();
    counts_ = {};
    total_.reset();
    counted_ = false;
    rate_.reset();
    failures_ = 0;
    next_read_ = now();
    began_at_ = p_.environment.clock.now();
    ended_at_ = {};
    cursor_ = p_.executor.full_read_start();
    busy_ = true;
    p_.commits.add(
        [this, seen = seen_, began = began_at_](Transaction& transaction) {
            transaction.set_text(keys::kAgainBackfill, seen);
            transaction.set_text(keys::kBackfillPhase, kReading);
            transaction.set_text(keys::kBackfillCursor, p_.executor.full_read_start().text);
            transaction.set_text(keys::kBackfillCounts, "");
            transaction.set_number(keys::kBackfillBegan, to_number(began));
            transaction.set_number(keys::kBackfillEnded, 0);
        },
        [this, run = run_] {
            if (run != run_) return;
            busy_ = false;
            phase_ = Phase::kReading;
        });
}

bool Backfill::may_work() const {
    return !busy_ && p_.intake.may_read() && p_.intake.was_acquainted() &&
           p_.reconciler.is_idle() && p_.intake.status().fetches < p_.settings.reading.fetches_max;
}

void Backfill::pump() {
    if (phase_ != Phase::kReading || !may_work() || now() < next_read_) return;
    if (page_) return store_page();
    read_on();
}

Duration Backfill::next_deadline() const {
    if (phase_ != Phase::kReading) return kNever;
    if (!may_work()) return now() + kLookAgain;
    return page_ ? next_read_ : std::max(next_read_, p_.gate.next_call(kLane, now()));
}

bool Backfill::is_wanted(const ObjectName& object) const {
    const auto& objects = request_.objects;
    return objects.empty() || std::ranges::find(objects, object) != objects.end();
}

// ---- Reading --------------------------------------------------------------------------------

void Backfill::read_on() {
    const Duration at = now();
    if (at < p_.gate.next_call(kLane, at)) return;
    if (!counted_) {
        counted_ = true;
        p_.executor.count([this, run = run_](Executor::Answer<std::uint64_t> answer) {
            if (run == run_ && answer.result) total_ = *answer.result;
        });
    }
    busy_ = true;
    p_.gate.take(kLane, at);
    p_.executor.survey(
        cursor_, p_.settings.reading.batch_records,
        [this, run = run_](Executor::Answer<Batch> answer) { on_read(std::move(answer), run); });
}

void Backfill::on_read(Executor::Answer<Batch> answer, std::uint64_t run) {
    p_.gate.answered(kLane, answer.cost);
    if (run != run_) return;
    busy_ = false;
    if (answer.result) {
        p_.gate.succeeded();
        failures_ = 0;
        trouble_.clear();
        page_ = Page{std::move(*answer.result), run, 0, counts_};
        return store_page();
    }
    const Error& error = answer.result.error();
    if (trouble_ != error.what) {
        p_.environment.note(NoteLevel::kWarning, "backfill: reading failed: " + error.what);
    }
    trouble_ = error.what;
    ++failures_;
    const Duration backoff =
        half_jitter(p_.settings.reading.retry, failures_, p_.environment.jitter.next());
    next_read_ = now() + backoff;
    p_.gate.read_failed(error, now(), backoff, answer.pause, p_.settings.writing);
}

void Backfill::store_page() {
    busy_ = true;
    auto piece = std::make_shared<Piece>();
    p_.commits.add(
        [this, piece, run = run_](Transaction& transaction) {
            if (run == run_) store_piece(transaction, *page_, *piece);
        },
        [this, piece, run = run_] {
            if (run == run_) after_piece(*piece);
        });
}

void Backfill::store_piece(Transaction& transaction, const Page& page, Piece& piece) {
    piece = {.at = page.at, .counts = page.counts, .stored_at = p_.environment.clock.now()};
    const auto& records = page.batch.records;
    for (; piece.at < records.size(); ++piece.at) {
        const Record& record = records[piece.at];
        if (record.deleted || !is_wanted(record.object)) continue;
        const Intake::Shown shown = p_.intake.shown(transaction, record);
        if (shown == Intake::Shown::kUnknown && !request_.dry_run &&
            !p_.intake.tell_backfilled(transaction, record, piece.taken)) {
            piece.no_room = true;
            return;  // What is told so far is stored; the counts when the page is through.
        }
        ++piece.counts.there;
        if (shown == Intake::Shown::kKnown) ++piece.counts.known;
        if (shown == Intake::Shown::kUnknown) ++piece.counts.unknown;
        if (shown != Intake::Shown::kDifferent) continue;
        ++piece.counts.different;
        if (request_.dry_run) continue;
        piece.fetches.push_back({p_.store.platform(), record.object, record.id});
        p_.intake.want_fetch(transaction, piece.fetches.back());
    }
    piece.counts.read += records.size();
    piece.counts.unusable += static_cast<std::uint64_t>(std::ranges::count_if(
        page.batch.rejects,
        [this](const Batch::Reject& reject) { return is_wanted(reject.object); }));
    transaction.set_text(keys::kBackfillCursor, page.batch.next.text);
    transaction.set_text(keys::kBackfillCounts, text_of(piece.counts));
    if (page.batch.more) return;
    transaction.set_text(keys::kBackfillPhase, kDone);
    transaction.set_number(keys::kBackfillEnded, to_number(piece.stored_at));
}

void Backfill::after_piece(const Piece& piece) {
    busy_ = false;
    p_.intake.told_backfilled(piece.taken);
    for (const RecordKey& key : piece.fetches) p_.intake.follow(key);
    page_->at = piece.at;
    page_->counts = piece.counts;
    if (piece.no_room) {
        next_read_ = now() + kLookAgain;
        return;
    }
    rate_.add(page_->batch.records.size(), now());
    counts_ = piece.counts;
    cursor_ = page_->batch.next;
    const bool more = page_->batch.more;
    page_.reset();
    if (more) return;
    phase_ = Phase::kDone;
    ended_at_ = piece.stored_at;
    p_.environment.note(NoteLevel::kInfo,
                        std::string{request_.dry_run ? "backfill, dry run: " : "backfill: "} +
                            std::to_string(counts_.there) + " records there, " +
                            std::to_string(counts_.known) + " known, " +
                            std::to_string(counts_.unknown) + " unknown, " +
                            std::to_string(counts_.different) + " different");
}

Backfill::Status Backfill::status() const {
    Status status{.request = seen_,
                  .counts = counts_,
                  .total = total_,
                  .per_second = rate_.per_second(now()),
                  .began_at = began_at_,
                  .ended_at = ended_at_,
                  .trouble = trouble_};
    if (phase_ == Phase::kDone) status.phase = kDone;
    if (phase_ == Phase::kReading) {
        const bool waits = !p_.intake.was_acquainted() || !p_.reconciler.is_idle();
        status.phase = waits ? "waiting" : kReading;
    }
    return status;
}

}  // namespace syncline::agent
