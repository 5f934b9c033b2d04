#include "agent/publisher.h"

#include <algorithm>
#include <tuple>

#include "shared/wire/subjects.h"

namespace syncline::agent {
namespace {

constexpr std::size_t kLoadEntries = 64;
constexpr std::size_t kLoadBytes = 1u << 20;
/// Published and not acknowledged, beside the window's count: what nats.c may have to hold.
constexpr std::size_t kWindowBytes = 4u << 20;
/// Receipts come often and losing one is harmless, so several share a commit.
constexpr Duration kSaveReceipts{std::chrono::milliseconds{100}};
/// A hub that is behind asks again for what it has not reached yet.
constexpr Duration kSameResend{std::chrono::seconds{10}};
/// None is stored as round 0, which no lane is in.
constexpr std::uint64_t kNoRound = 0;

}  // namespace

Publisher::Publisher(const Environment& environment, const AgentSettings::Publishing& settings,
                     Store& store, CommitQueue& commits, nats::Link& link)
    : environment_(environment),
      settings_(settings),
      store_(store),
      commits_(commits),
      link_(link) {
    restart();
}

void Publisher::restart() {
    lanes_.assign(store_.partitions(), {});
    again_.clear();
    new_receipts_.clear();
    save_receipts_at_ = kNever;
    for (std::uint16_t part = 0; part < lanes_.size(); ++part) {
        lanes_[part].quiet_since = environment_.steady();
        go_back({part}, store_.marks({part}).receipted + 1);
    }
}

void Publisher::go_back(Partition partition, std::uint64_t to) {
    Lane& lane = lanes_[partition.value];
    lane.next = to;
    lane.acked = to - 1;
    lane.acked_above.clear();
    lane.round = ++rounds_;
    lane.in_flight = 0;
    lane.failing = false;
}

std::uint64_t Publisher::receipted(Partition partition) const {
    const auto fresh = new_receipts_.find(partition);
    const std::uint64_t stored = store_.marks(partition).receipted;
    return fresh == new_receipts_.end() ? stored : std::max(stored, fresh->second);
}

std::size_t Publisher::room() const {
    if (sent_bytes_ >= kWindowBytes) return 0;
    return settings_.window > sent_.size() ? settings_.window - sent_.size() : 0;
}

// ---- Sending --------------------------------------------------------------------------------

Result<void> Publisher::pump() {
    const Duration now = environment_.steady();
    if (now >= save_receipts_at_) save_receipts();
    const bool returned = link_.connected() && !connected_;
    connected_ = link_.connected();
    if (!connected_) return {};
    for (std::uint16_t part = 0; part < lanes_.size(); ++part) {
        // What failed for want of a connection need not wait now that there is one.
        if (returned) lanes_[part].retry_at = std::min(lanes_[part].retry_at, now);
        revive({part}, now);
        check_receipt_timeout({part}, now);
    }
    if (auto sent = send_again(); !sent) return sent;
    return send_next();
}

void Publisher::revive(Partition partition, Duration now) {
    Lane& lane = lanes_[partition.value];
    // A late answer might still say that a later entry was stored, so the lane is drained first.
    if (!lane.failing || lane.in_flight > 0 || now < lane.retry_at) return;
    go_back(partition, std::max(lane.acked, receipted(partition)) + 1);
}

void Publisher::check_receipt_timeout(Partition partition, Duration now) {
    if (receipt_due(partition) > now) return;
    Lane& lane = lanes_[partition.value];
    const std::uint64_t first = receipted(partition) + 1;
    // The oldest, in case they were lost, and the newest: if any before it were, the hub sees the
    // gap and asks for them. All of them would be a flood whenever the hub is down for long.
    const std::uint64_t last = std::min(lane.acked, first + settings_.probe - 1);
    for (std::uint64_t seq = first; seq <= last; ++seq) again_.emplace_back(partition, seq);
    if (lane.acked > last) again_.emplace_back(partition, lane.acked);
    lane.quiet_since = now;
    ++lane.timeouts;
}

Duration Publisher::receipt_due(Partition partition) const {
    const Lane& lane = lanes_[partition.value];
    if (lane.acked <= receipted(partition)) return kNever;
    return lane.quiet_since + backoff_limit(settings_.receipt, lane.timeouts + 1);
}

Result<void> Publisher::send_again() {
    if (again_.empty()) return {};
    std::vector<std::pair<Partition, SpoolEntry>> loaded;
    const std::size_t most = std::min(room(), again_.size());
    std::size_t count = 0;
    auto read = store_.transaction([&](Transaction& transaction) {
        loaded.clear();
        std::size_t bytes = 0;
        for (count = 0; count < most && bytes < kLoadBytes; ++count) {
            const auto& [partition, seq] = again_[count];
            for (SpoolEntry& entry : transaction.entries(partition, seq, 1, kLoadBytes)) {
                if (entry.seq != seq) continue;
                bytes += entry.body.size();
                loaded.emplace_back(partition, std::move(entry));
            }
        }
    });
    if (!read) return read;
    again_.erase(again_.begin(), again_.begin() + static_cast<std::ptrdiff_t>(count));
    for (const auto& [partition, entry] : loaded) publish(partition, entry, kNoRound);
    return {};
}

Result<void> Publisher::send_next() {
    while (room() > 0) {
        bool any = false;
        for (std::uint16_t part = 0; part < lanes_.size() && !any; ++part) any = has_next({part});
        if (!any) return {};
        std::vector<Load> loads;
        // One transaction for all partitions: a busy agent has a few entries in each.
        auto read = store_.transaction([&](Transaction& transaction) {
            loads.clear();
            load_next(transaction, loads);
        });
        if (!read) return read;
        for (const Load& load : loads) {
            Lane& lane = lanes_[load.partition.value];
            for (const SpoolEntry& entry : load.entries) {
                lane.next = entry.seq + 1;
                ++lane.in_flight;
                publish(load.partition, entry, lane.round);
            }
            turn_ = static_cast<std::uint16_t>((load.partition.value + 1U) % lanes_.size());
        }
    }
    return {};
}

bool Publisher::has_next(Partition partition) const {
    const Lane& lane = lanes_[partition.value];
    return !lane.failing && lane.next < store_.marks(partition).next_seq;
}

/// From the partition whose turn it is on, as much as there is room for and memory is granted.
void Publisher::load_next(Transaction& transaction, std::vector<Load>& loads) const {
    const std::size_t count = lanes_.size();
    std::size_t places = room();
    std::size_t bytes = 0;
    for (std::size_t i = 0; i < count && places > 0 && bytes < kLoadBytes; ++i) {
        const Partition partition{static_cast<std::uint16_t>((turn_ + i) % count)};
        if (!has_next(partition)) continue;
        const std::uint64_t next = lanes_[partition.value].next;
        auto entries = transaction.entries(partition, next, std::min(places, kLoadEntries),
                                           kLoadBytes - bytes);
        if (entries.empty()) {
            return transaction.fail_with({ErrorKind::kCorrupt, "the spool lacks entry " +
                                                                   std::to_string(partition.value) +
                                                                   "/" + std::to_string(next)});
        }
        places -= entries.size();
        for (const SpoolEntry& entry : entries) bytes += entry.body.size();
        loads.push_back({partition, std::move(entries)});
    }
}

void Publisher::publish(Partition partition, const SpoolEntry& entry, std::uint64_t round) {
    const auto parsed = subjects::parse_input(entry.subject);
    const bool outcome = parsed && parsed->kind == subjects::InputKind::kOutcome;
    environment_.before(outcome ? "C6" : "A5");
    const std::uint64_t token = next_token_++;
    sent_.emplace(token, Sent{partition, entry.seq, round, entry.body.size()});
    sent_bytes_ += entry.body.size();
    link_.publish({.subject = entry.subject, .body = entry.body}, this, token);
    environment_.after(outcome ? "C6" : "A5");
}

void Publisher::on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) {
    const auto found = sent_.find(token);
    if (found == sent_.end()) return;
    const Sent sent = found->second;
    sent_.erase(found);
    sent_bytes_ -= sent.bytes;
    if (sent.partition.value >= lanes_.size()) return;
    Lane& lane = lanes_[sent.partition.value];
    if (lane.round != sent.round) return;
    --lane.in_flight;
    if (sequence) {
        on_acknowledged(lane, sent.seq);
    } else {
        on_refused(lane, sequence.error());
    }
}

void Publisher::on_acknowledged(Lane& lane, std::uint64_t seq) {
    environment_.before("A6");
    lane.acked_above.insert(seq);
    while (!lane.acked_above.empty() && *lane.acked_above.begin() <= lane.acked + 1) {
        lane.acked = std::max(lane.acked, *lane.acked_above.begin());
        lane.acked_above.erase(lane.acked_above.begin());
    }
    if (lane.timeouts == 0) lane.quiet_since = environment_.steady();
    if (!lane.failing) {
        lane.failures = 0;
        trouble_.clear();
    }
    if (lane.resend_to != 0 && lane.acked >= lane.resend_to) {
        lane.resend_to = 0;
        lane.resend_again_at = environment_.steady() + kSameResend;
    }
    environment_.after("A6");
}

void Publisher::on_refused(Lane& lane, const Error& error) {
    if (lane.failing) return;
    lane.failing = true;
    ++lane.failures;
    lane.retry_at = environment_.steady() +
                    half_jitter(settings_.retry, lane.failures, environment_.jitter.next());
    if (trouble_ != error.what) {
        trouble_ = error.what;
        environment_.note(NoteLevel::kWarning, "publishing is refused: " + error.what);
    }
}

Duration Publisher::next_deadline() const {
    Duration next = save_receipts_at_;
    if (!connected_) return next;
    if (!again_.empty() && room() > 0) return Duration{0};
    for (std::uint16_t part = 0; part < lanes_.size(); ++part) {
        const Lane& lane = lanes_[part];
        if (lane.failing && lane.in_flight == 0) next = std::min(next, lane.retry_at);
        if (has_next({part}) && room() > 0) return Duration{0};
        next = std::min(next, receipt_due({part}));
    }
    return next;
}

// ---- Receipts -------------------------------------------------------------------------------

Publisher::History Publisher::on_receipt(const Receipt& receipt) {
    History history = History::kHeld;
    for (const Receipt::Mark& mark : receipt.marks) {
        if (history != History::kLost) history = std::max(history, on_mark(mark));
    }
    for (const Receipt::Resend& resend : receipt.resends) {
        if (history != History::kLost) history = std::max(history, on_resend(resend));
    }
    return history;
}

Publisher::History Publisher::on_mark(const Receipt::Mark& mark) {
    if (mark.partition.value >= lanes_.size()) return History::kHeld;
    // A hub that knows of an older epoch only, or of none, has nothing of this one.
    const std::uint64_t has = mark.epoch == store_.epoch() ? mark.seq : 0;
    const std::uint64_t seq = std::min(has, store_.marks(mark.partition).next_seq - 1);
    if (seq < receipted(mark.partition)) {
        return on_resend({mark.partition, store_.epoch(), seq + 1});
    }
    if (seq == receipted(mark.partition)) return History::kHeld;
    Lane& lane = lanes_[mark.partition.value];
    lane.quiet_since = environment_.steady();
    lane.timeouts = 0;
    if (lane.acked < seq) {  // The hub has it: the acknowledgement was lost or is late.
        lane.acked = seq;
        lane.next = std::max(lane.next, seq + 1);
        lane.acked_above.erase(lane.acked_above.begin(), lane.acked_above.upper_bound(seq));
    }
    new_receipts_[mark.partition] = seq;
    save_receipts_at_ = std::min(save_receipts_at_, environment_.steady() + kSaveReceipts);
    return History::kHeld;
}

Publisher::History Publisher::on_resend(const Receipt::Resend& resend) {
    if (resend.epoch != store_.epoch() || resend.partition.value >= lanes_.size() ||
        resend.from == 0) {
        return History::kHeld;
    }
    const Marks& marks = store_.marks(resend.partition);
    Lane& lane = lanes_[resend.partition.value];
    if (resend.from >= lane.next || lane.failing) return History::kHeld;  // On its way anyway.
    if (resend.from <= marks.trimmed) return History::kLost;
    const bool under_way = resend.from > lane.acked;
    const Duration now = environment_.steady();
    const bool repeated = lane.resend_from != 0 && resend.from >= lane.resend_from &&
                          (lane.resend_to != 0 || now < lane.resend_again_at);
    if (under_way || repeated) return History::kHeld;
    lane.resend_from = resend.from;
    lane.resend_to = lane.next - 1;
    const std::uint64_t has = resend.from - 1;
    const bool set_back = has < receipted(resend.partition);
    if (set_back) {
        new_receipts_.erase(resend.partition);
        commits_.add([this, resend, has](Transaction& transaction) {
            if (resend.epoch != store_.epoch()) return;
            transaction.set_receipted(resend.partition, has, environment_.clock.now());
        });
    }
    go_back(resend.partition, resend.from);
    return set_back ? History::kSetBack : History::kHeld;
}

void Publisher::save_receipts() {
    save_receipts_at_ = kNever;
    if (new_receipts_.empty()) return;
    const auto receipts = new_receipts_;
    const std::uint64_t epoch = store_.epoch();
    commits_.add(
        [this, receipts, epoch](Transaction& transaction) {
            if (epoch != store_.epoch()) return;
            environment_.before("A7");
            for (const auto& [partition, seq] : receipts) {
                // A resend asked for meanwhile has set the mark back: that is the truth now.
                if (new_receipts_.contains(partition)) {
                    transaction.set_receipted(partition, seq, environment_.clock.now());
                }
            }
        },
        [this, receipts] {
            environment_.after("A7");
            for (const auto& [partition, seq] : receipts) {
                const auto found = new_receipts_.find(partition);
                if (found != new_receipts_.end() && found->second <= seq) {
                    new_receipts_.erase(found);
                }
            }
        });
}

}  // namespace syncline::agent
