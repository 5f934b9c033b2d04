#include <algorithm>
#include <utility>

#include "agent/intake.h"

namespace syncline::agent {
namespace {

/// Tombstones sent again in one transaction.
constexpr std::size_t kTombstones = 256;
/// Records that are looked for at a time: reading and commands go on beside it.
constexpr std::size_t kUnseen = 64;

/// Where going through the records of the store stands: the last one that was looked at. Not empty
/// even at the beginning.
struct Place {
    static constexpr char kSeparator = '\n';
    static std::string first() { return {kSeparator}; }
    static std::string of(const ObjectName& object, const RecordId& id) {
        return object.text + kSeparator + id.text;
    }
    explicit Place(const std::string& text) {
        const auto split = text.find(kSeparator);
        object.text = text.substr(0, split);
        id.text = text.substr(split + 1);
    }
    ObjectName object;
    RecordId id;
};

}  // namespace

void Intake::request_full_read() {
    if (origin() == ChangeOrigin::kReconcile) return;
    // So that a second request in the same receipt finds one running already, and no command is
    // begun that was decided before the hub has seen what is here.
    begin_full_read();
    p_.commits.add([this](Transaction& transaction) { prepare_full_read(transaction); },
                   [this] { restarted(); });
}

void Intake::prepare_full_read(Transaction& transaction) {
    transaction.forget_digests();
    transaction.set_text(keys::kCursor, p_.executor.full_read_start().text);
    transaction.set_text(keys::kOrigin, kReconcile);
    transaction.set_text(keys::kTombstones, Place::first());
    transaction.set_number(keys::kAcquainted, 0);
    transaction.set_number(keys::kLoadRead, 0);
    transaction.set_number(keys::kLoadBegan, 0);
    transaction.set_number(keys::kReadFrom, p_.store.revisions());
    want_unseen(transaction);
    transaction.set_number(keys::kLinksRead, 0);
    p_.breaker.full_read_begins(transaction);
    // What is being read or gone through belongs to what was before. Harmless if the commit fails.
    ++round_;
}

void Intake::restarted() {
    begin_full_read();
    cursor_ = p_.executor.full_read_start();
    load_read_ = 0;
    load_began_ = {};
    load_total_.reset();
    counted_ = false;
    load_rate_.reset();
    tombstones_ = Place::first();
    follow_unseen();
    next_read_ = now();
}

void Intake::want_unseen(Transaction& transaction) {
    if (!p_.executor.traits().can_fetch) return;
    transaction.set_text(keys::kUnseen, Place::first());
}

void Intake::follow_unseen() {
    if (p_.executor.traits().can_fetch) unseen_ = Place::first();
}

void Intake::begin_full_read() {
    origin_ = kReconcile;
    acquainted_ = false;
    full_read_.reset();
}

/// Goes on through the records of the store from where `place` stands, in a transaction: `step`
/// does the next ones and answers how far it came, empty when there are no more.
void Intake::go_through(std::string Intake::*place, std::string_view key, Step step) {
    going_through_ = true;
    auto next = std::make_shared<std::string>();
    auto taken = std::make_shared<Taken>();
    p_.commits.add(
        [this, key, next, taken, step = std::move(step), round = round_](Transaction& transaction) {
            if (round != round_) return;
            *taken = {};
            *next = step(transaction, *taken);
            transaction.set_text(key, *next);
        },
        [this, place, next, taken, round = round_] {
            going_through_ = false;
            if (round != round_) return;
            this->*place = *next;
            changes_ += taken->changes;
            for (const auto& [record, create] : taken->fetches) add_fetch(record, create);
        });
}

/// A full read shows what is there; what is gone only the store remembers.
void Intake::send_tombstones() {
    if (going_through_) return;
    go_through(&Intake::tombstones_, keys::kTombstones,
               [this](Transaction& transaction, Taken& taken) {
                   const Place after{tombstones_};
                   std::string next;
                   const auto found = transaction.tombstones(after.object, after.id, kTombstones);
                   for (const auto& [object, id] : found) {
                       const RecordKey key{p_.store.platform(), object, id};
                       const Record record{.object = object, .id = id, .deleted = true};
                       auto state = transaction.record(object, id).value_or(RecordState{});
                       if (emit(transaction, record, key, std::move(state), origin(), taken) ==
                           Took::kNoRoom) {
                           room_at_ = now() + kRoomPause;
                           return next.empty() ? tombstones_ : next;
                       }
                       next = Place::of(object, id);
                   }
                   return next;
               });
}

bool Intake::looks_for_unseen() const {
    return !unseen_.empty() && !going_through_ && origin() == ChangeOrigin::kLive &&
           fetches_.size() < kUnseen;
}

/// What the store knows and a full read did not show may have been deleted while nobody was told:
/// between the last look and the full read, or by a platform that does not tell. Each is asked for.
void Intake::look_for_unseen() {
    go_through(&Intake::unseen_, keys::kUnseen, [this](Transaction& transaction, Taken& taken) {
        const Place after{unseen_};
        const auto found = transaction.unseen(after.object, after.id,
                                              transaction.number(keys::kReadFrom), kUnseen);
        for (const auto& [object, id] : found) {
            wish(transaction, {p_.store.platform(), object, id}, 0, taken);
        }
        return found.empty() ? std::string{} : Place::of(found.back().first, found.back().second);
    });
}

}  // namespace syncline::agent
