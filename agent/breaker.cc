#include "agent/breaker.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "shared/wire/codec.h"
#include "shared/wire/hold_codec.h"
#include "shared/wire/subjects.h"

namespace syncline::agent {
namespace {

/// Counting the records of an object goes through all of them.
constexpr Duration kCountEvery{std::chrono::minutes{1}};
/// Changes that are told in one transaction when a lane resumes.
constexpr std::size_t kToldAtOnce = 200;
constexpr Duration kRoomPause{std::chrono::milliseconds{200}};
/// The hub hears how much is held: soon when it has doubled, a while after any change, and again
/// and again, in case that the exception was lost.
constexpr Duration kTellDoubled{std::chrono::seconds{2}};
constexpr Duration kTellChanged{std::chrono::minutes{1}};
constexpr Duration kTellAgain{std::chrono::minutes{10}};

std::uint64_t deletions_under_way(Transaction& transaction, const ObjectName& object) {
    const std::vector<LedgerEntry> begun = transaction.doubtful();
    return static_cast<std::uint64_t>(std::ranges::count_if(begun, [&](const LedgerEntry& entry) {
        const auto command = wire::decode_command(entry.command);
        return command && command->kind == CommandKind::kDelete && command->entity.object == object;
    }));
}

std::string text_of(const Lane& lane) {
    return lane.object.text + " (" + name_of(lane.direction) + ")";
}

Lane in_of(const ObjectName& object) { return {object, Direction::kIn}; }
Lane out_of(const ObjectName& object) { return {object, Direction::kOut}; }

}  // namespace

// ---- Counting -------------------------------------------------------------------------------

bool MassBreaker::holds(const Lane& lane) const {
    const LaneState* state = p_.store.lane(lane);
    return state != nullptr && state->phase != LaneState::Phase::kFlowing;
}

bool MassBreaker::must_hold(Transaction& transaction, const Sight& sight) {
    return holds(sight.lane) || excess(transaction, sight).has_value();
}

/// With the change of `sight`.
std::optional<Excess> MassBreaker::excess(Transaction& transaction, const Sight& sight) {
    const MassSettings& settings = p_.settings.breaker;
    const LaneLimits& limits = settings.of(sight.lane);
    if (!sight.kind || !limits[static_cast<std::size_t>(*sight.kind)].on) return std::nullopt;
    const LaneState* state = p_.store.lane(sight.lane);
    MassCounts counts{};
    if (state != nullptr) counts = state->window.counts(clock_now(), settings.window);
    ++counts[static_cast<std::size_t>(*sight.kind)];
    return excess_of(counts, limits, settings.percent_from,
                     [&] { return records_of(transaction, sight.lane); });
}

/// Those that the window saw deleted were there when it began, and of what is told to the platform
/// those are there still whose deletion is under way.
std::uint64_t MassBreaker::records_of(Transaction& transaction, const Lane& lane) {
    Counted& counted = counted_[lane];
    if (now() < counted.until) return counted.records;
    counted.records = transaction.count_of(lane.object);
    if (const LaneState* state = p_.store.lane(lane)) {
        const MassCounts counts = state->window.counts(clock_now(), p_.settings.breaker.window);
        const std::uint64_t gone = counts[static_cast<std::size_t>(MassKind::kDelete)];
        const std::uint64_t under_way =
            lane.direction == Direction::kOut ? deletions_under_way(transaction, lane.object) : 0;
        counted.records += gone - std::min(gone, under_way);
    }
    counted.until = now() + kCountEvery;
    return counted.records;
}

void MassBreaker::passed(Transaction& transaction, const Sight& sight) {
    const MassSettings& settings = p_.settings.breaker;
    if (!sight.kind || !settings.of(sight.lane)[static_cast<std::size_t>(*sight.kind)].on) return;
    transaction.change_lane(sight.lane).window.add(*sight.kind, clock_now(), settings.window);
}

void MassBreaker::held(Transaction& transaction, const Sight& sight) {
    if (!holds(sight.lane)) trip(transaction, sight);
    if (!sight.kind) return;
    HoldNotice& hold = transaction.change_lane(sight.lane).hold;
    const HoldNotice::Sample sample{*sight.kind, sight.record, sight.entity};
    // Commands come again with each reading of their stream.
    if (std::ranges::find(hold.sample, sample) != hold.sample.end()) return;
    ++hold.counts[static_cast<std::size_t>(*sight.kind)];
    if (hold.sample.size() < HoldNotice::kSampleMost) hold.sample.push_back(sample);
}

bool MassBreaker::wants_sample(const Lane& lane) const {
    return holds(lane) && p_.store.lane(lane)->hold.sample.size() < HoldNotice::kSampleMost;
}

void MassBreaker::trip(Transaction& transaction, const Sight& sight) {
    const MassSettings& settings = p_.settings.breaker;
    const MassKind kind = sight.kind.value_or(MassKind::kDelete);
    const MassLimit& limit = settings.of(sight.lane)[static_cast<std::size_t>(kind)];
    // A running clock may have left something behind since must_hold() said so.
    const Excess why =
        excess(transaction, sight).value_or(Excess{kind, std::to_string(limit.count)});
    LaneState& state = transaction.change_lane(sight.lane);
    const std::uint64_t last = std::max(state.hold.hold, state.answered);
    const auto at = static_cast<std::uint64_t>(std::max<std::int64_t>(clock_now().ns, 0));
    state.phase = LaneState::Phase::kHeld;
    state.blind = false;
    state.hold = {.platform = p_.store.platform(),
                  .lane = sight.lane,
                  .hold = std::max(last + 1, at),
                  .tripped = why.kind,
                  .limit = why.limit,
                  .window = settings.window,
                  .counts = state.window.counts(clock_now(), settings.window),
                  .records = counted_[sight.lane].records,
                  .since = clock_now()};
    state.told = 0;
    told_at_.erase(sight.lane);  // pump() tells it, with what came with it.
    p_.environment.note(NoteLevel::kError, "held: too many " + std::string{name_of(why.kind)} +
                                               " of " + text_of(sight.lane) + ", more than " +
                                               why.limit + "; a person is asked");
}

// ---- Telling the hub ------------------------------------------------------------------------

std::uint64_t MassBreaker::waiting_in(const Lane& lane) const {
    if (lane.direction == Direction::kIn) return p_.store.withheld(lane.object);
    const auto found = waiting_.find(lane.object);
    return found == waiting_.end() ? 0 : found->second;
}

void MassBreaker::set_waiting(const ObjectName& object, std::uint64_t commands) {
    waiting_[object] = commands;
}

void MassBreaker::notify(Transaction& transaction, const Lane& lane, LaneState& state) {
    const Partition partition = entity_partition(lane_entity(lane.object), p_.store.partitions());
    const bool flows = state.phase == LaneState::Phase::kFlowing;
    state.hold.held = flows ? 0 : waiting_in(lane);
    state.told = state.hold.held;
    told_at_[lane] = now();
    HoldNotice notice = state.hold;
    notice.platform = p_.store.platform();
    notice.lane = lane;
    notice.number = transaction.next_number(partition);
    transaction.append(partition, subjects::hold(notice.platform, partition, lane),
                       wire::encode(notice), clock_now());
}

Duration MassBreaker::notice_due(const Lane& lane, const LaneState& state, Duration at) const {
    if (state.phase != LaneState::Phase::kHeld) return kNever;
    // By a clock that nobody sets, so that of before the start nothing is known.
    const auto told_at = told_at_.find(lane);
    if (told_at == told_at_.end()) return at;
    const std::uint64_t held = waiting_in(lane);
    Duration wait = kTellAgain;
    if (held != state.told) wait = kTellChanged;
    if (held >= 2 * state.told && held > 0) wait = kTellDoubled;
    return std::max(at, told_at->second + wait);
}

// ---- Answers --------------------------------------------------------------------------------

bool MassBreaker::stops_commands(const ObjectName& object) const {
    if (holds(out_of(object))) return true;
    const LaneState* in = p_.store.lane(in_of(object));
    return in != nullptr && in->phase != LaneState::Phase::kFlowing && in->blind;
}

std::optional<HoldAnswer::Verdict> MassBreaker::answer_to(const ObjectName& object,
                                                          Timestamp stored_at) const {
    const LaneState* out = p_.store.lane(out_of(object));
    if (out == nullptr || stored_at > out->through) return std::nullopt;
    return out->verdict;
}

void MassBreaker::answer(const Lane& lane, std::string_view text, Timestamp stored_at) {
    const auto answer = parse_hold_answer(text);
    if (!answer) {
        p_.environment.note(NoteLevel::kWarning,
                            "an answer about " + text_of(lane) +
                                " that is not understood: " + std::string{text.substr(0, 100)});
        return;
    }
    const LaneState* state = p_.store.lane(lane);
    const bool old =
        state != nullptr && (answer->hold <= state->answered || answer->hold < state->hold.hold);
    if (old || p_.store.partitions() == 0) return;
    auto ended = std::make_shared<bool>();
    auto blind = std::make_shared<bool>();
    p_.commits.add(
        [this, lane, answer = *answer, stored_at, ended, blind](Transaction& transaction) {
            const LaneState* before = p_.store.lane(lane);
            *blind = before != nullptr && before->blind;
            *ended = decide(transaction, lane, answer, stored_at);
        },
        [this, lane, ended, blind] {
            if (*ended) released(lane, *blind);
        });
}

/// True if the lane flows by it at once.
bool MassBreaker::decide(Transaction& transaction, const Lane& lane, const HoldAnswer& answer,
                         Timestamp stored_at) {
    LaneState& state = transaction.change_lane(lane);
    if (answer.hold <= state.answered || answer.hold < state.hold.hold) return false;
    state.answered = answer.hold;
    if (answer.hold != state.hold.hold) {  // Of a store that is no more.
        LaneState other{.hold = {.hold = answer.hold, .status = HoldNotice::Status::kUnknown}};
        notify(transaction, lane, other);
        if (state.phase == LaneState::Phase::kHeld) renew(lane, state);
        return false;
    }
    if (state.phase != LaneState::Phase::kHeld) return false;
    const bool resume = answer.verdict == HoldAnswer::Verdict::kResume;
    state.verdict = answer.verdict;
    p_.environment.note(NoteLevel::kInfo, text_of(lane) + (resume ? " resumes" : " is discarded"));
    if (lane.direction == Direction::kOut) {
        state.through = stored_at;
    } else if (resume) {
        state.phase = LaneState::Phase::kResuming;
        return false;
    } else {
        state.through = clock_now();
        transaction.drop_withheld(lane.object);
    }
    end(transaction, lane, resume ? HoldNotice::Status::kResumed : HoldNotice::Status::kDiscarded);
    return true;
}

void MassBreaker::end(Transaction& transaction, const Lane& lane, HoldNotice::Status status) {
    LaneState& state = transaction.change_lane(lane);
    state.phase = LaneState::Phase::kFlowing;
    if (state.blind) transaction.set_number(keys::kAcquainted, 0);
    state.blind = false;
    state.window = {};
    state.hold.status = status;
    state.hold.sample.clear();
    notify(transaction, lane, state);
}

void MassBreaker::released(const Lane& lane, bool blind) {
    waiting_.erase(lane.object);
    if (blind) on_told_late();
    on_commands_released();  // Of a lane in, those about records whose change was withheld.
}

void MassBreaker::full_read_begins(Transaction& transaction) {
    for (const auto& [lane, state] : p_.store.lanes()) {
        if (lane.direction == Direction::kIn && holds(lane)) {
            transaction.change_lane(lane).blind = true;
        }
    }
}

void MassBreaker::renew(Transaction& transaction) {
    for (const auto& [lane, state] : p_.store.lanes()) {
        if (state.phase != LaneState::Phase::kHeld) continue;
        renew(lane, transaction.change_lane(lane));
    }
}

void MassBreaker::renew(const Lane& lane, LaneState& state) {
    const auto at = static_cast<std::uint64_t>(std::max<std::int64_t>(clock_now().ns, 0));
    state.hold.hold = std::max({state.hold.hold + 1, state.answered + 1, at});
    told_at_.erase(lane);
}

bool MassBreaker::may_lack(const ObjectName& object, Timestamp since) const {
    const LaneState* in = p_.store.lane(in_of(object));
    if (in == nullptr) return false;
    return in->phase != LaneState::Phase::kFlowing || in->through >= since;
}

// ---- Turns ----------------------------------------------------------------------------------

void MassBreaker::pump() {
    if (busy_ || p_.store.partitions() == 0 || p_.commits.blocked()) return;
    const Duration at = now();  // Read once: two readings of a running clock differ.
    for (const auto& [lane, state] : p_.store.lanes()) {
        if (state.phase == LaneState::Phase::kResuming && at >= again_at_) return drain(lane);
        if (notice_due(lane, state, at) > at) continue;
        busy_ = true;
        p_.commits.add(
            [this, lane = lane](Transaction& transaction) {
                LaneState& held = transaction.change_lane(lane);
                if (held.phase == LaneState::Phase::kHeld) notify(transaction, lane, held);
            },
            [this] { busy_ = false; });
        return;
    }
}

Duration MassBreaker::next_deadline() const {
    if (busy_ || p_.store.partitions() == 0 || p_.commits.blocked()) return kNever;
    const Duration at = now();
    Duration next = kNever;
    for (const auto& [lane, state] : p_.store.lanes()) {
        next = std::min(next, notice_due(lane, state, at));
        if (state.phase == LaneState::Phase::kResuming) {
            next = std::min(next, std::max(again_at_, at));
        }
    }
    return next;
}

/// In the order in which it came. What is withheld meanwhile goes behind it, and is told as well.
void MassBreaker::drain(const Lane& lane) {
    struct Progress {
        bool full = false;
        bool ended = false;
        bool blind = false;
    };
    busy_ = true;
    auto progress = std::make_shared<Progress>();
    p_.commits.add(
        [this, lane, progress](Transaction& transaction) {
            *progress = {};
            const auto bodies = transaction.withheld(lane.object, kToldAtOnce);
            for (const std::string& body : bodies) {
                const auto change = wire::decode_change(body);
                if (!change) {
                    return transaction.fail_with(
                        {ErrorKind::kCorrupt, "a change that is withheld: " + change.error().what});
                }
                progress->full = !tell(transaction, *change);
                if (progress->full) return;
                transaction.release(change->key.object, change->key.record);
            }
            if (p_.store.withheld(lane.object) > 0) return;
            progress->blind = p_.store.lane(lane)->blind;
            progress->ended = true;
            end(transaction, lane, HoldNotice::Status::kResumed);
        },
        [this, lane, progress] {
            busy_ = false;
            if (progress->full) again_at_ = now() + kRoomPause;
            if (progress->ended) released(lane, progress->blind);
        });
}

std::vector<MassBreaker::Status> MassBreaker::status() const {
    std::vector<Status> found;
    for (const auto& [lane, state] : p_.store.lanes()) {
        if (state.phase == LaneState::Phase::kFlowing) continue;
        found.push_back({lane, state.phase == LaneState::Phase::kResuming, waiting_in(lane)});
    }
    return found;
}

}  // namespace syncline::agent
