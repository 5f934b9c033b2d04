#include "agent/core/quota.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace syncline::agent {
namespace {

constexpr std::int64_t kSlots = 48;
/// The rate of late is that of the present slot and so many before it.
constexpr std::int64_t kLateSlots = 2;
/// A call may need a session and look for a record first.
constexpr std::uint32_t kHoldLeast = 3;
constexpr double kDeviations = 2;
constexpr double kShare = 0.75;
constexpr double kShareUnknown = 0.5;
constexpr double kSlowedShare = 1.0 / 16;
constexpr double kBurstShare = 1.0 / 16;
/// What other applications did since the platform told last is taken for so many times the usual.
constexpr double kUnseen = 2;
/// Answers overtake each other, so a figure that is lower by less than this part says nothing.
constexpr std::uint64_t kNoiseDivisor = 100;
/// A lane that rests looks again after such a part of the window.
constexpr std::int64_t kLooks = 1'440;
constexpr Duration kLeastWait{std::chrono::milliseconds{1}};

double seconds_of(Duration duration) { return std::chrono::duration<double>(duration).count(); }

std::size_t at(QuotaLane lane) { return static_cast<std::size_t>(lane); }

/// The greater of the two forecasts, and as much more as calls at random times come to.
double need(double by_rate, double as_before) {
    const double mean = std::max(by_rate, as_before);
    return mean > 0 ? mean + kDeviations * std::sqrt(mean) + kHoldLeast : 0;
}

bool spreads(QuotaLane lane) { return lane >= QuotaLane::kChange; }

Duration rest_of(Duration time, Duration length) {
    const Duration rest = time % length;
    return rest < Duration{0} ? rest + length : rest;
}

}  // namespace

const char* name_of(QuotaLane lane) {
    switch (lane) {
        case QuotaLane::kAsk: return "ask";
        case QuotaLane::kCommand: return "command";
        case QuotaLane::kChange: return "change";
        case QuotaLane::kReconcile: return "reconcile";
        case QuotaLane::kBackfill: return "backfill";
        case QuotaLane::kFree: return "free";
    }
    return "unknown";
}

const char* name_of(Quota::Flow flow) {
    switch (flow) {
        case Quota::Flow::kFlows: return "flows";
        case Quota::Flow::kSlowed: return "slowed";
        case Quota::Flow::kRests: return "rests";
    }
    return "unknown";
}

Quota::Quota(const QuotaSettings& settings) : settings_(settings), window_(settings.window) {}

// ---- The window -----------------------------------------------------------------------------

std::uint64_t Quota::limit() const {
    if (settings_.limit == 0 || told_limit_ == 0) return std::max(settings_.limit, told_limit_);
    return std::min(settings_.limit, told_limit_);
}

std::uint64_t Quota::reserve() const {
    const std::uint64_t hundredths = limit() / 100 * settings_.reserve_percent +
                                     (limit() % 100 * settings_.reserve_percent + 99) / 100;
    return std::min(limit(), std::max(hundredths, settings_.reserve_calls));
}

Duration Quota::slot_length() const { return window_.length / kSlots; }

std::int64_t Quota::index_of(Timestamp time) const { return time.ns / slot_length().count(); }

Timestamp Quota::window_start(Timestamp now) const {
    if (!window_.resets_at) return now - window_.length;
    return now - rest_of(Duration{now.ns} - *window_.resets_at, window_.length);
}

/// The first slot that counts, all of it.
std::int64_t Quota::first_index(Timestamp now) const { return index_of(window_start(now)); }

Duration Quota::until_reset(Timestamp now) const {
    return window_.resets_at ? window_start(now) + window_.length - now : window_.length;
}

Duration Quota::until_next_look(Timestamp now) const {
    return std::min(window_.length / kLooks, until_reset(now));
}

Quota::Slot& Quota::slot(Timestamp now) {
    const std::int64_t index = index_of(now);
    if (!since_) since_ = now;
    while (!slots_.empty() && slots_.front().index < index - kSlots) slots_.pop_front();
    if (slots_.empty() || slots_.back().index < index) slots_.push_back({.index = index});
    return slots_.back();
}

std::int64_t Quota::counted(Timestamp now) const {
    const std::int64_t first = first_index(now);
    std::uint64_t sum = 0;
    for (const Slot& slot : slots_) {
        if (slot.index < first) continue;
        for (std::size_t lane = 0; lane < kQuotaLanes; ++lane) sum += slot.calls[lane];
    }
    return static_cast<std::int64_t>(sum);
}

/// A fixed window forgets others when it ends. Of a rolling one nothing is known but that theirs
/// leave it as well; evenly is the best guess.
double Quota::others(Timestamp now) const {
    if (!told_) return 0;
    if (window_.resets_at) {
        return others_at_ < window_start(now) ? 0 : static_cast<double>(others_);
    }
    const double age = seconds_of(std::max(Duration{0}, now - others_at_));
    const double remains = std::max(0.0, 1 - age / seconds_of(window_.length));
    return static_cast<double>(others_) * remains;
}

std::uint32_t Quota::hold(const Lane& lane) const { return std::max(lane.dearest, kHoldLeast); }

std::uint64_t Quota::held() const {
    std::uint64_t sum = 0;
    for (const Lane& lane : lanes_) sum += std::uint64_t{lane.in_flight} * hold(lane);
    return sum;
}

/// What is used by all, but for what is under way.
double Quota::known(Timestamp now) const {
    return std::max(0.0, static_cast<double>(counted(now)) + others(now));
}

/// Before the reserve begins; negative within it.
double Quota::left(Timestamp now) const {
    const Duration since = std::clamp(now - others_at_, Duration{0}, window_.length);
    const double unseen = told_ ? kUnseen * others_rate_ * seconds_of(since) : 0;
    return static_cast<double>(limit() - reserve()) - known(now) - unseen -
           static_cast<double>(held());
}

// ---- Who may spend what ---------------------------------------------------------------------

/// Calls a second of late.
double Quota::rate(std::size_t lane, Timestamp now) const {
    const std::int64_t first = index_of(now) - kLateSlots;
    std::uint64_t sum = 0;
    for (const Slot& slot : slots_) {
        if (slot.index >= first) sum += slot.calls[lane];
    }
    const Duration since = Duration{now.ns} - slot_length() * first;
    return static_cast<double>(sum) / seconds_of(since);
}

/// What a rolling window frees until then is what was spent in it a window earlier, and that is
/// also what tells how much will be needed until then.
std::vector<Quota::Ahead> Quota::look_ahead(Timestamp now) const {
    const bool rolling = !window_.resets_at;
    const Duration end = until_reset(now);
    const std::int64_t steps = rolling ? kSlots : 1;
    const std::int64_t from = index_of(now - window_.length);
    const double asks = rate(at(QuotaLane::kAsk), now);
    const double commands = rate(at(QuotaLane::kCommand), now);
    const double others_rate = rate(kOthers, now);
    // Below zero where the vendor's window began later than ours: that much is free already.
    const double others_now = others(now);
    std::vector<Ahead> all;
    std::array<double, kQuotaLanes + 1> before{};
    auto slot = slots_.begin();
    while (slot != slots_.end() && slot->index < from) ++slot;
    for (std::int64_t step = 1; step <= steps; ++step) {
        const Duration length = end * step / steps;
        const double seconds = seconds_of(length);
        // Only what is free when the step begins helps all through it.
        double freed = 0;
        for (std::size_t i = 0; i < kQuotaLanes; ++i) freed += before[i];
        freed += others_now * static_cast<double>(step - 1) / static_cast<double>(steps);
        const std::int64_t to = index_of(now - window_.length + length);
        for (; slot != slots_.end() && slot->index < to; ++slot) {
            for (std::size_t i = 0; i < before.size(); ++i) {
                before[i] += static_cast<double>(slot->calls[i]);
            }
        }
        all.push_back({.seconds = seconds,
                       .freed = rolling ? freed : 0,
                       .asks = need(asks * seconds, before[at(QuotaLane::kAsk)]),
                       .commands = need(commands * seconds, before[at(QuotaLane::kCommand)]),
                       .others = need(others_rate * seconds, before[kOthers])});
    }
    return all;
}

bool Quota::knows_a_window(Timestamp now) const {
    return since_ && now - *since_ >= window_.length;
}

/// Of `left` calls, what the lane may have until `ahead`.
double Quota::share(QuotaLane lane, const Ahead& ahead, double left, Timestamp now) const {
    double share = left + ahead.freed - ahead.asks;
    if (lane == QuotaLane::kCommand) return share;
    share -= ahead.commands + ahead.others;
    if (!knows_a_window(now)) share = std::min(share, left * kShareUnknown);
    for (const QuotaLane above : {QuotaLane::kChange, QuotaLane::kReconcile}) {
        if (above >= lane) break;
        const double need = rate(at(above), now) * ahead.seconds;
        share -= std::clamp(need, 0.0, std::max(0.0, share * kShare));
    }
    return share;
}

Quota::Outlook Quota::outlook(QuotaLane lane, Timestamp now) const {
    const double left_now = left(now);
    const double least = hold(lanes_[at(lane)]);
    Outlook outlook{.room = left_now};
    if (lane == QuotaLane::kAsk) {
        outlook.flow = left_now >= least ? Flow::kFlows : Flow::kRests;
        return outlook;
    }
    const double slowed = left_now * kSlowedShare;
    const double part = lane == QuotaLane::kBackfill ? 1 : kShare;
    outlook.pace = HUGE_VAL;
    for (const Ahead& ahead : look_ahead(now)) {
        const double mine = share(lane, ahead, left_now, now);
        outlook.room = std::min(outlook.room, mine);
        outlook.pace = std::min(outlook.pace, std::max(mine * part, slowed) / ahead.seconds);
    }
    if (outlook.room >= least) return outlook;
    outlook.flow = slowed >= least ? Flow::kSlowed : Flow::kRests;
    return outlook;
}

Duration Quota::wait(QuotaLane lane, Timestamp now) {
    if (lane == QuotaLane::kFree || !limited()) return Duration{0};
    Lane& mine = lanes_[at(lane)];
    const bool is_covered = settled_ + held() + hold(mine) <= covered_;
    if (!is_covered && lane != QuotaLane::kAsk) return Duration::max();
    if (now < mine.rests_until) return mine.rests_until - now;
    const Outlook outlook = this->outlook(lane, now);
    mine.flow = outlook.flow;
    if (outlook.flow == Flow::kRests) {
        mine.rests_until = now + until_next_look(now);
        return mine.rests_until - now;
    }
    if (outlook.flow == Flow::kFlows && !spreads(lane)) {
        mine.credit_at.reset();
        return Duration{0};
    }
    const double most = outlook.pace * seconds_of(until_reset(now)) * kBurstShare;
    const double passed =
        mine.credit_at ? seconds_of(std::max(Duration{0}, now - *mine.credit_at)) : 0;
    mine.credit = mine.credit_at ? std::min(mine.credit + outlook.pace * passed, most) : most;
    mine.credit_at = now;
    if (mine.credit >= 0) return Duration{0};
    const double missing = -mine.credit / outlook.pace;  // The pace is above zero: it flows.
    const Duration look = until_next_look(now);
    if (missing >= seconds_of(look)) return look;
    return std::max(kLeastWait,
                    std::chrono::duration_cast<Duration>(std::chrono::duration<double>(missing)));
}

void Quota::take(QuotaLane lane, Timestamp now) {
    if (lane == QuotaLane::kFree) return;
    Lane& mine = lanes_[at(lane)];
    slot(now);
    ++mine.in_flight;
    mine.credit -= hold(mine);
}

void Quota::settle(QuotaLane lane, const CallCost& cost, Timestamp now) {
    if (lane != QuotaLane::kFree) {
        Lane& mine = lanes_[at(lane)];
        if (mine.in_flight > 0) --mine.in_flight;
        mine.credit += static_cast<double>(hold(mine)) - cost.calls;
        mine.dearest = std::max(mine.dearest, cost.calls);
        slot(now).calls[at(lane)] += cost.calls;
        settled_ += cost.calls;
    }
    learn(cost.told, now);
}

// ---- What the platform tells ----------------------------------------------------------------

void Quota::learn(const QuotaTold& told, Timestamp now) {
    if (told.limit && *told.limit > 0 && *told.limit <= kCallsMost) told_limit_ = *told.limit;
    if (told.resets_in && *told.resets_in <= window_.length) {
        const Duration phase = rest_of(Duration{now.ns} + *told.resets_in, window_.length);
        const Duration off = window_.resets_at ? rest_of(phase - *window_.resets_at, window_.length)
                                               : window_.length / 2;
        // To the slot is near enough; a second more or less is the way of the answer.
        if (std::min(off, window_.length - off) > slot_length()) {
            window_.resets_at = phase;
            told_reset_ = true;
        }
    }
    std::optional<std::uint64_t> used = told.used;
    if (!used && told.remaining) {
        const std::uint64_t of = told_limit_ > 0 ? told_limit_ : settings_.limit;
        if (of > 0) used = of - std::min(of, *told.remaining);
    }
    if (!used || *used > kCallsMost) return;
    const std::int64_t ours = counted(now);
    const auto others_before = static_cast<std::int64_t>(std::llround(others(now)));
    const std::int64_t more = static_cast<std::int64_t>(*used) - ours - others_before;
    const auto noise = static_cast<std::int64_t>(limit() / kNoiseDivisor);
    const bool known = std::exchange(told_, true);
    others_at_ = now;
    others_ = others_before;
    const bool corrects = more > 0 || more < -noise || !known;
    if (corrects) others_ += more;
    if (known && more > 0) slot(now).calls[kOthers] += static_cast<std::uint64_t>(more);
    others_rate_ = rate(kOthers, now);
    if (!corrects || more >= 0) return;
    for (Lane& lane : lanes_) lane.rests_until = {};  // There is more than was believed.
}

// ---- Seen from outside ----------------------------------------------------------------------

Quota::Status Quota::status(Timestamp now) const {
    Status status{.limit = limit()};
    if (!limited()) return status;
    status.reserve = reserve();
    status.used = static_cast<std::uint64_t>(std::llround(known(now)));
    status.learned = told_;
    const std::int64_t first = first_index(now);
    for (const Slot& slot : slots_) {
        if (slot.index < first) continue;
        for (std::size_t lane = 0; lane < kQuotaLanes; ++lane) {
            status.spent[lane] += slot.calls[lane];
        }
    }
    for (std::size_t lane = 0; lane < kQuotaLanes; ++lane) {
        // A lane that asked for nothing since does not rest any more.
        if (lanes_[lane].flow == Flow::kFlows) continue;
        status.flows[lane] =
            std::min(lanes_[lane].flow, outlook(static_cast<QuotaLane>(lane), now).flow);
    }
    if (window_.resets_at) status.resets_at = now + until_reset(now);
    const double rest = left(now);
    if (rest <= 0) {
        status.used_up_at = now;
        return status;
    }
    for (const Ahead& ahead : look_ahead(now)) {
        const double need = ahead.asks + ahead.commands + ahead.others;
        const double there = rest + ahead.freed;
        if (need <= there) continue;
        status.used_up_at = now + std::chrono::duration_cast<Duration>(
                                      std::chrono::duration<double>(ahead.seconds * there / need));
        break;
    }
    return status;
}

}  // namespace syncline::agent
