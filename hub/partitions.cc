#include "hub/partitions.h"

#include <algorithm>

#include "hub/core/state_codec.h"
#include "shared/base/log.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

/// A partition without traffic writes its mark this rarely, and only if it fell this far behind.
constexpr Duration kQuietMark = std::chrono::seconds{10};
constexpr std::uint64_t kQuietLag = 10'000;
/// How often agents hear how far the hub is even if nothing has changed: an agent without news
/// could not know that the hub's store went back in time.
constexpr Duration kTellAgain = std::chrono::seconds{30};
constexpr Duration kLookAgain = std::chrono::milliseconds{100};
/// How long what is of a later version is let alone: nothing but an update changes that.
constexpr Duration kLookForUpdate = std::chrono::minutes{1};
constexpr Duration kAwaitUpdate = std::chrono::minutes{10};

/// The hub that should hold a partition: the one with the greatest hash wins (rendezvous hashing),
/// so that a hub that comes or goes moves only its own share.
HubId chosen(const std::set<HubId>& alive, Partition partition) {
    HubId best;
    std::uint64_t best_weight = 0;
    for (const HubId& hub : alive) {
        const std::uint64_t weight = stable_hash(hub.text + "/" + std::to_string(partition.value));
        if (best.empty() || weight > best_weight) {
            best = hub;
            best_weight = weight;
        }
    }
    return best;
}

Mark::Source& source_of(std::vector<Mark::Source>& sources, const PlatformId& platform) {
    const auto at = std::lower_bound(
        sources.begin(), sources.end(), platform,
        [](const Mark::Source& source, const PlatformId& id) { return source.platform < id; });
    if (at != sources.end() && at->platform == platform) return *at;
    return *sources.insert(at, {platform, {}});
}

}  // namespace

Partitions::Partitions(nats::Link& link, const Clock& clock, BrokerWatch& watch,
                       const HubOptions& options, HubCounters& counters, SyncPoints& sync_points,
                       Policies& policies, PartitionsHost& host)
    : link_(link),
      clock_(clock),
      watch_(watch),
      options_(options),
      counters_(counters),
      sync_points_(sync_points),
      policies_(policies),
      host_(host),
      holds_(options.partitions) {}

Partitions::~Partitions() = default;

void Partitions::set_alive(const std::set<HubId>& alive) {
    alive_ = alive;
    for (Hold& hold : holds_) {
        hold.wanted = !stopping_ && chosen(alive_, number_of(hold)) == options_.id;
        if (hold.wanted) continue;
        hold.commands_lost = hold.exceptions_lost = false;
        if (hold.phase == Phase::kHeld) give_back(hold);
    }
}

Mark::StreamPoint Partitions::point_of(std::string_view name) const {
    return {stream(name).created, stream(name).last_sequence};
}

bool Partitions::lacks(std::string_view name, const Mark::StreamPoint& point) const {
    return stream(name).created != point.created || stream(name).last_sequence < point.last;
}

void Partitions::read_mark(Hold& hold) {
    hold.phase = Phase::kReading;
    const Partition partition = number_of(hold);
    link_.get_last(subjects::kStreamState, subjects::mark(partition),
                   [this, partition](auto stored) {
                       Hold& read = hold_of(partition);
                       if (read.phase == Phase::kReading) take(read, stored);
                   });
}

void Partitions::take(Hold& hold, const Result<std::optional<nats::StoredMessage>>& stored) {
    const Duration now = clock_.steady();
    hold.phase = Phase::kWaiting;
    hold.look_again = now + kLookAgain;
    if (hold.waiting_since == Duration{0}) hold.waiting_since = now;
    if (!stored || !hold.wanted) return;
    hold.mark = Mark{};
    hold.mark.partition = number_of(hold);
    hold.mark.inputs_created = stream(subjects::kStreamIn).created;
    hold.mark.commands = point_of(subjects::kStreamCommands);
    hold.mark.exceptions = point_of(subjects::kStreamExceptions);
    hold.mark.events = point_of(subjects::kStreamEvents);
    hold.mark.scheduled = clock_.now();
    hold.mark_sequence = hold.aware = 0;
    if (*stored) {
        hold.mark_sequence = hold.aware = (*stored)->sequence;
        auto mark = decode_mark((*stored)->body);
        if (mark) {
            note_loss(hold, *mark, (*stored)->stored_at);
            // A hub that lives and still holds it gives it back by itself; one that is stuck loses
            // it to the greater fence.
            const bool patient = now - hold.waiting_since < options_.presence_timeout;
            const bool other = !mark->holder.empty() && mark->holder != options_.id;
            if (other && alive_.contains(mark->holder) && patient) return;
            if (!can_judge(hold)) return;
            hold.mark = std::move(*mark);
        } else if (mark.error().kind == ErrorKind::kUnsupported) {
            return unspoken(hold, mark.error());
        } else {
            log::error("a mark is damaged; its partition is read again from the start",
                       {{"partition", number_of(hold).value}, {"error", mark.error()}});
        }
    }
    if (hold.commands_lost || lacks(subjects::kStreamCommands, hold.mark.commands)) {
        hold.mark.commands = {};
    }
    if (hold.exceptions_lost || lacks(subjects::kStreamExceptions, hold.mark.exceptions)) {
        hold.mark.exceptions = {};
    }
    hold.mark.fence = std::max(hold.mark.fence, hold.fence_seen) + 1;
    hold.mark.holder = options_.id;
    hold.phase = Phase::kTaking;
    publish_mark(hold);
}

/// Whether the streams lack what the mark tells of: known once they were looked at since it was
/// read. Its holder has stored what we have not heard of.
bool Partitions::can_judge(Hold& hold) {
    const Duration now = clock_.steady();
    const std::uint64_t sequence = hold.mark_sequence;
    if (std::exchange(hold.judged, sequence) != sequence) hold.judged_at = now;
    // The first half may have gone by waiting for its holder, who may write marks all the time.
    const bool patient = now - hold.waiting_since < 2 * options_.presence_timeout;
    if (watch_.asked_since(hold.judged_at) || !patient) return true;
    watch_.look_soon();
    return false;
}

/// What a mark shows once counts until the partition is taken, which may need several tries: what
/// is told again for others meanwhile lets the streams grow past where they ended. Of a mark that
/// is younger than what is known of the streams nothing can be said.
void Partitions::note_loss(Hold& hold, const Mark& mark, Timestamp stored_at) {
    const auto lost = [&](std::string_view name, const Mark::StreamPoint& point) {
        return stream(name).asked > stored_at && lacks(name, point);
    };
    hold.commands_lost |= lost(subjects::kStreamCommands, mark.commands);
    hold.exceptions_lost |= lost(subjects::kStreamExceptions, mark.exceptions);
}

/// Left to hubs that can read it; taken by none it shows in the status.
void Partitions::unspoken(Hold& hold, const Error& error) {
    hold.look_again = clock_.steady() + kLookForUpdate;
    log::error("a partition is not taken: its mark is of another version of hubs",
               {{"partition", number_of(hold).value}, {"error", error}});
}

void Partitions::publish_mark(Hold& hold) {
    hold.mark_out = true;
    hold.mark_token = ++mark_tokens_ << 16 | number_of(hold).value;
    const std::string body = encode(hold.mark);
    hold.mark_least = watch_.newest(subjects::kStreamState);
    link_.publish({subjects::mark(number_of(hold)), body, {}, hold.mark_sequence}, this,
                  hold.mark_token);
}

void Partitions::taken(Hold& hold) {
    hold.phase = Phase::kHeld;
    hold.waiting_since = Duration{0};
    hold.id = ++hold_ids_;
    hold.accepted = hold.finished = hold.mark.sources;
    hold.items.clear();
    hold.first = 0;
    hold.asked.clear();
    hold.dirty = false;
    hold.healing = false;
    hold.reconsidering = 0;
    policies_.expect(std::max(hold.mark.policy, hold.mark.reconsidered));
    hold.reader = 0;  // What the reader of today has passed it has not passed for this hold.
    hold.mark_due = Duration{0};
    const nats::StreamInfo& inputs = stream(subjects::kStreamIn);
    const bool lost = lacks(subjects::kStreamIn, {hold.mark.inputs_created, hold.mark.floor});
    hold.floor = hold.read = lost ? 0 : hold.mark.floor;
    hold.mark.inputs_created = inputs.created;
    reader_stale_ = true;
    tell_marks(hold);
    hold.commands_lost = hold.exceptions_lost = false;  // The mark says so from now on.
    host_.on_taken(number_of(hold), {lost, lacks(subjects::kStreamCommands, hold.mark.commands),
                                     lacks(subjects::kStreamExceptions, hold.mark.exceptions),
                                     watch_.noted() > hold.aware, hold.mark.exceptions.last});
}

void Partitions::lose(Hold& hold, const char* why) {
    log::warning("lost a partition", {{"partition", number_of(hold).value}, {"why", why}});
    in_work_ -= hold.items.size();
    hold.items.clear();
    hold.phase = Phase::kFree;
    hold.mark_out = false;
    hold.id = 0;
    reader_stale_ = true;
}

void Partitions::give_back(Hold& hold) {
    hold.phase = Phase::kGivingBack;
    reader_stale_ = true;
}

void Partitions::write_mark(Hold& hold, bool give_back) {
    hold.dirty = false;
    hold.mark.floor = hold.floor;
    hold.mark.policy = std::max(hold.mark.policy, policies_.number_at(hold.floor));
    hold.mark.sources = hold.finished;
    if (!hold.healing) {
        hold.mark.commands = point_of(subjects::kStreamCommands);
        hold.mark.exceptions = point_of(subjects::kStreamExceptions);
    }
    if (give_back) hold.mark.holder = HubId{};
    hold.mark_due = clock_.steady() + options_.mark_interval;
    sync_points_.reached("H7");
    publish_mark(hold);
}

void Partitions::on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) {
    Hold& hold = holds_[token & 0xFFFF];
    if (!hold.mark_out || hold.mark_token != token) return;
    hold.mark_out = false;
    sync_points_.reached("H8");
    if (sequence) {
        ++counters_.publishes;
        watch_.stored(subjects::kStreamState, hold.mark_least, *sequence);
        hold.mark_sequence = *sequence;
        hold.stored = hold.mark.sources;
        if (hold.phase == Phase::kTaking) return taken(hold);
        for (const Mark::Source& source : hold.stored) add_receipt(hold, source.platform);
        if (hold.phase == Phase::kGivingBack && hold.mark.holder.empty()) {
            hold.phase = Phase::kFree;
            hold.id = 0;
            reader_stale_ = true;
        }
        return;
    }
    if (hold.phase == Phase::kTaking) {
        hold.phase = Phase::kWaiting;
        hold.look_again = clock_.steady() + kLookAgain;
        return;
    }
    const ErrorKind kind = sequence.error().kind;
    if (kind == ErrorKind::kConflict) return lose(hold, "another hub holds it");
    if (kind == ErrorKind::kAmbiguous) return lose(hold, "no answer to the mark");
    hold.dirty = true;  // Surely not stored: again at the next tick.
}

void Partitions::read_inputs() {
    reader_stale_ = false;
    reader_.reset();
    for (Hold& hold : holds_) skip_quiet(hold);
    ++reader_id_;
    nats::ConsumeSpec spec;
    spec.stream = subjects::kStreamIn;
    spec.window = options_.window;
    std::uint64_t start = UINT64_MAX;
    for (Hold& hold : holds_) {
        if (hold.phase != Phase::kHeld) continue;
        hold.reader = reader_id_;
        spec.filters.push_back(subjects::inputs_of(number_of(hold)));
        start = std::min(start, hold.read + 1);
    }
    if (spec.filters.empty()) return;
    if (spec.filters.size() == holds_.size()) {
        spec.filters = {subjects::all_inputs()};
    } else {
        spec.filters.push_back(subjects::policy_activation());
    }
    spec.start_sequence = start;
    position_ = start - 1;
    reader_ = link_.consume(std::move(spec), this);
}

// What was delivered to the reader of a partition and was not for it, it has passed all the same.
void Partitions::skip_quiet(Hold& hold) {
    if (hold.phase != Phase::kHeld || hold.reader != reader_id_) return;
    hold.read = std::max(hold.read, position_);
    if (hold.items.empty()) hold.floor = std::max(hold.floor, hold.read);
}

void Partitions::on_message(const nats::InMessage& message) {
    position_ = message.sequence;
    if (message.subject == subjects::policy_activation()) {
        if (reader_) reader_->processed(1);
        return host_.on_activation(message);
    }
    const auto subject = subjects::parse_input(message.subject);
    const bool known = subject && subject->partition.value < holds_.size();
    Hold* hold = known ? &hold_of(subject->partition) : nullptr;
    // A reader of before the partition was taken has passed inputs that this hold has not had.
    const bool ours = hold != nullptr && hold->phase == Phase::kHeld && hold->reader == reader_id_;
    if (!ours || message.sequence <= hold->read) {
        if (reader_) reader_->processed(1);
        return;
    }
    hold->read = message.sequence;
    ++counters_.inputs;
    hold->items.push_back({message.sequence, {}, {}, reader_id_, false});
    ++in_work_;
    const WorkId work{subject->partition, hold->id, hold->first + hold->items.size() - 1};
    sync_points_.reached("H1");
    host_.on_input(message, *subject, work, hold->mark.fence);
}

bool Partitions::next_in_order(const WorkId& work, const PlatformId& platform,
                               const Revision& seq) {
    Hold& hold = hold_of(work.partition);
    Revision& accepted = source_of(hold.accepted, platform).seq;
    const bool next = seq.epoch == accepted.epoch ? seq.n == accepted.n + 1
                                                  : seq.epoch > accepted.epoch && seq.n == 1;
    if (next) {
        accepted = seq;
        Item& item = hold.items[work.index - hold.first];
        item.platform = platform;
        item.seq = seq;
        return true;
    }
    if (seq <= accepted) {
        ++counters_.duplicates;
        add_receipt(hold, platform);  // The agent repeats what it has no receipt for.
    } else {
        ++counters_.gaps;
        ask_resend(hold, platform, seq);
    }
    done(work);
    return false;
}

void Partitions::ask_resend(Hold& hold, const PlatformId& platform, const Revision& seen) {
    Duration& asked = hold.asked[platform];
    const Duration now = clock_.steady();
    if (asked != Duration{0} && now - asked < options_.resend_wait) return;  // Or await_update().
    asked = now;
    const Revision accepted = source_of(hold.accepted, platform).seq;
    const std::uint64_t from = seen.epoch == accepted.epoch ? accepted.n + 1 : 1;
    receipt_for(platform).resends.push_back({number_of(hold), seen.epoch, from});
}

void Partitions::await_update(Partition partition, const PlatformId& platform) {
    hold_of(partition).asked[platform] = clock_.steady() + kAwaitUpdate;
}

void Partitions::outfence(Partition partition, std::uint64_t fence) {
    Hold& hold = hold_of(partition);
    hold.fence_seen = std::max(hold.fence_seen, fence);
    lose(hold, "an agent knows a greater fence");
}

std::uint64_t Partitions::heal(Partition partition) {
    Hold& hold = hold_of(partition);
    hold.healing = true;
    hold.aware = watch_.noted();
    hold.mark.commands = hold.mark.exceptions = {};
    hold.dirty = true;
    hold.mark_due = Duration{0};
    return hold.id;
}

void Partitions::healed(Partition partition, std::uint64_t hold_id) {
    Hold& hold = hold_of(partition);
    if (hold.id != hold_id || !hold.healing) return;
    hold.healing = false;
    hold.dirty = true;
}

void Partitions::reconsidered(Partition partition, std::uint64_t hold_id, std::uint64_t version) {
    Hold& hold = hold_of(partition);
    if (hold.id != hold_id || hold.reconsidering != version) return;
    hold.mark.reconsidered = version;
    hold.dirty = true;
}

// Inputs from before the newest policy are decided by the one before, so the states wait for them.
void Partitions::reconsider(Hold& hold) {
    const std::uint64_t version = policies_.newest().version;
    if (hold.mark.reconsidered >= version || hold.reconsidering >= version) return;
    const std::uint64_t start = policies_.newest_start();
    const bool passed = hold.read >= start || stream(subjects::kStreamIn).first_sequence > start ||
                        (hold.reader == reader_id_ && position_ >= start);
    if (!passed || (!hold.items.empty() && hold.items.front().sequence <= start)) return;
    hold.reconsidering = version;
    host_.on_reconsider(number_of(hold), hold.id);
}

bool Partitions::is_reconsidered(Partition partition) const {
    const Hold& hold = holds_[partition.value];
    const std::uint64_t version = policies_.newest().version;
    return !is_ours(hold) || hold.reconsidering >= version || hold.mark.reconsidered >= version;
}

void Partitions::done(const WorkId& work) {
    Hold& hold = hold_of(work.partition);
    if (hold.id != work.hold || work.index < hold.first) return;
    Item& item = hold.items[work.index - hold.first];
    item.done = true;
    if (reader_ && item.reader == reader_id_) reader_->processed(1);
    if (work.index == hold.first) advance_floor(hold);
}

void Partitions::advance_floor(Hold& hold) {
    while (!hold.items.empty() && hold.items.front().done) {
        const Item& item = hold.items.front();
        if (!item.platform.empty()) source_of(hold.finished, item.platform).seq = item.seq;
        hold.floor = item.sequence;
        hold.items.pop_front();
        ++hold.first;
        --in_work_;
    }
    hold.dirty = true;
}

void Partitions::linked(const RecordKey& record, const EntityId& entity) {
    receipt_for(record.platform).links.push_back({record.object, record.record, entity});
}

void Partitions::tell_epoch(const PlatformId& platform, std::uint64_t epoch) {
    Receipt& receipt = receipt_for(platform);
    receipt.epoch = std::max(receipt.epoch, epoch);
}

Receipt& Partitions::receipt_for(const PlatformId& platform) {
    Receipt& receipt = receipts_[platform];
    receipt.platform = platform;
    return receipt;
}

void Partitions::add_receipt(const Hold& hold, const PlatformId& platform) {
    const auto source = std::ranges::find(hold.stored, platform, &Mark::Source::platform);
    const Revision seq = source == hold.stored.end() ? Revision{} : source->seq;
    Receipt& receipt = receipt_for(platform);
    std::erase_if(receipt.marks,
                  [&](const auto& mark) { return mark.partition == number_of(hold); });
    receipt.marks.push_back({number_of(hold), seq.epoch, seq.n, hold.mark.fence});
}

// Also of agents that the mark does not know: one that it knew before the store lost it must hear.
void Partitions::tell_marks(const Hold& hold) {
    for (const PlatformId& platform : policies_.newest().platforms) add_receipt(hold, platform);
}

void Partitions::send_receipts() {
    for (const auto& [platform, receipt] : receipts_) {
        link_.send(subjects::receipts_of(platform), wire::encode(receipt));
    }
    receipts_.clear();
}

std::uint64_t Partitions::events_of(Partition partition) const {
    const Mark& mark = holds_[partition.value].mark;
    return lacks(subjects::kStreamEvents, mark.events) ? 0 : mark.events.last;
}

void Partitions::events_done(Partition partition, std::uint64_t sequence, bool store) {
    Hold& hold = hold_of(partition);
    if (!is_ours(hold)) return;
    hold.mark.events = {stream(subjects::kStreamEvents).created, sequence};
    hold.dirty = hold.dirty || store;
}

void Partitions::scheduled(Partition partition, Timestamp until) {
    Hold& hold = hold_of(partition);
    if (!is_ours(hold)) return;
    hold.mark.scheduled = until;
    hold.dirty = true;
}

void Partitions::forget_all() {
    for (Hold& hold : holds_) {
        if (hold.phase != Phase::kFree) lose(hold, "the state store went back in time");
    }
}

void Partitions::read_again() {
    for (Hold& hold : holds_) {
        if (hold.phase != Phase::kHeld) continue;
        in_work_ -= hold.items.size();
        hold.items.clear();
        hold.id = ++hold_ids_;
        hold.first = 0;
        hold.read = hold.floor = 0;
        hold.reconsidering = 0;
        hold.accepted = hold.finished;
        hold.mark.inputs_created = stream(subjects::kStreamIn).created;
        hold.dirty = true;
        for (const Mark::Source& source : hold.finished)
            ask_resend(hold, source.platform, source.seq);
    }
    position_ = 0;
    reader_stale_ = true;
}

void Partitions::tick() {
    if (!link_.connected()) return;
    const Duration now = clock_.steady();
    for (Hold& hold : holds_) {
        if (hold.wanted && hold.phase == Phase::kFree) read_mark(hold);
        if (hold.phase == Phase::kWaiting && now >= hold.look_again) {
            if (hold.wanted) {
                read_mark(hold);
            } else {
                hold.phase = Phase::kFree;
            }
        }
        const bool quiet = hold.phase == Phase::kHeld && hold.items.empty() && !hold.dirty;
        if (quiet && now >= hold.mark_due + kQuietMark && position_ > hold.floor + kQuietLag) {
            skip_quiet(hold);
            hold.dirty = true;
        }
        if (hold.phase == Phase::kHeld) reconsider(hold);
        if (hold.mark_out) continue;
        if (hold.phase == Phase::kGivingBack && hold.items.empty()) {
            write_mark(hold, /*give_back=*/true);
        } else if (hold.dirty && now >= hold.mark_due && is_ours(hold)) {
            write_mark(hold, /*give_back=*/false);
        }
    }
    const bool settling = std::any_of(holds_.begin(), holds_.end(), [](const Hold& hold) {
        return hold.phase == Phase::kReading || hold.phase == Phase::kTaking;
    });
    if (reader_stale_ && !settling) read_inputs();
    if (now >= tell_due_) {
        tell_due_ = now + kTellAgain;
        for (const Hold& hold : holds_) {
            if (hold.phase == Phase::kHeld) tell_marks(hold);
        }
    }
    if (!receipts_.empty()) send_receipts();
}

void Partitions::stop() {
    stopping_ = true;
    set_alive(alive_);
}

bool Partitions::idle() const {
    return std::all_of(holds_.begin(), holds_.end(), [](const Hold& hold) {
        return hold.phase == Phase::kFree || hold.phase == Phase::kWaiting;
    });
}

std::vector<Partition> Partitions::unaware() const {
    std::vector<Partition> out = held();
    std::erase_if(out, [this](Partition partition) {
        return holds_[partition.value].aware >= watch_.noted();
    });
    return out;
}

std::vector<Partition> Partitions::held() const {
    std::vector<Partition> out;
    for (const Hold& hold : holds_) {
        if (is_ours(hold)) out.push_back(number_of(hold));
    }
    return out;
}

}  // namespace syncline::hub
