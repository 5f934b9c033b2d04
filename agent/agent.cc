#include "agent/agent.h"

#include <algorithm>
#include <charconv>
#include <tuple>
#include <utility>

#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::agent {
namespace {

constexpr Duration kTrimEvery{std::chrono::minutes{1}};
/// So that a large delete is done in pieces, between which other work is committed.
constexpr std::size_t kTrimEntries = 500;
constexpr Duration kTrimMore{std::chrono::milliseconds{50}};
/// How long to wait when the disk is full.
constexpr Duration kFullPause{std::chrono::seconds{1}};
/// How long what is to be stored waits for more, while the platform is at commands: a sync costs as
/// much as several of them. As PostgreSQL's commit_delay with its commit_siblings.
constexpr Duration kGather{std::chrono::milliseconds{2}};
/// Between two looks for a stream that the hub has not made yet.
constexpr Duration kStreamPause{std::chrono::milliseconds{200}};
/// Rounds of work and commit in one on_timer(); what is left then waits for events first.
constexpr int kRounds = 8;
constexpr std::string_view kPartitions = "partitions";
/// A second, as epochs are nanoseconds.
constexpr std::uint64_t kEpochSpread = 1'000'000'000;

std::uint16_t partitions_of(const nats::StreamInfo& info) {
    std::uint16_t count = 0;
    for (const auto& [name, value] : info.metadata) {
        if (name != kPartitions) continue;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), count);
        if (error != std::errc{} || end != value.data() + value.size()) return 0;
    }
    return count;
}

}  // namespace

class Agent::Receipts final : public nats::MessageSink {
public:
    explicit Receipts(Agent& agent) : agent_(agent) {}
    void on_message(const nats::InMessage& message) override {
        const auto receipt = wire::decode_receipt(message.body);
        if (!receipt) {
            return agent_.environment_.note(NoteLevel::kWarning,
                                            "a receipt cannot be read: " + receipt.error().what);
        }
        agent_.on_receipt(*receipt);
    }

private:
    Agent& agent_;
};

Agent::Agent(Parts parts)
    : settings_(parts.settings),
      clock_(parts.clock),
      store_(parts.store),
      link_(parts.link),
      executor_(parts.executor),
      jitter_(parts.seed),
      environment_{parts.clock, parts.points, jitter_, std::move(parts.note), parts.spans},
      commits_(environment_, store_),
      gate_(settings_, clock_),
      guard_(settings_.reading.settle, parts.executor.traits().read_back_lag),
      mass_breaker_({environment_, settings_, store_, commits_}),
      troubles_({environment_, settings_, store_, commits_}),
      publisher_(environment_, settings_.publishing, store_, commits_, link_),
      intake_({environment_, settings_, store_, commits_, executor_, gate_, guard_, mass_breaker_,
               troubles_}),
      operations_({environment_, settings_, store_, commits_, gate_, parts.operation_executor,
                   parts.executor.traits().read_back_lag}),
      commands_({environment_, settings_, store_, commits_, executor_, gate_, guard_, intake_,
                 mass_breaker_, operations_, link_,
                 [this](const nats::InMessage& request) { on_again(request); }}),
      listener_({environment_, settings_, store_, commits_, executor_, intake_}),
      reconciler_({environment_, settings_, store_, commits_, executor_, gate_, guard_, intake_,
                   mass_breaker_, troubles_}),
      backfill_(
          {environment_, settings_, store_, commits_, executor_, gate_, intake_, reconciler_}),
      links_({environment_, store_, commits_, intake_, link_, parts.executor.traits().can_fetch}),
      lists_({environment_, settings_, store_, commits_, link_, parts.list_executor,
              std::move(parts.lists)}),
      asks_({environment_, settings_, gate_, parts.ask_executor, parts.services}),
      quota_({environment_, store_, commits_, gate_}),
      receipts_(std::make_unique<Receipts>(*this)) {
    if (!environment_.note) environment_.note = [](NoteLevel, std::string_view) {};
    mass_breaker_.tell = [this](Transaction& transaction, const Change& change) {
        return intake_.tell_withheld(transaction, change);
    };
    mass_breaker_.on_commands_released = [this] { commands_.release_parked(); };
    mass_breaker_.on_told_late = [this] { intake_.set_back(); };
}

Agent::~Agent() = default;

Result<void> Agent::start() {
    started_at_ = clock_.now();
    watch_at_ = presence_at_ = now();
    trim_at_ = now() + kTrimEvery;
    auto loaded = store_.transaction([&](Transaction& transaction) {
        input_created_ = transaction.number(keys::kInputCreated);
        again_commands_ = transaction.text(keys::kAgainCommands);
        again_records_ = transaction.text(keys::kAgainRecords);
    });
    if (!loaded) return loaded;
    if (auto started = quota_.start(); !started) return started;
    if (auto started = intake_.start(); !started) return started;
    if (auto started = listener_.start(); !started) return started;
    if (auto started = troubles_.start(intake_.is_new()); !started) return started;
    if (auto started = operations_.start(); !started) return started;
    if (auto started = commands_.start(); !started) return started;
    if (auto started = reconciler_.start(); !started) return started;
    if (auto started = backfill_.start(); !started) return started;
    if (auto started = links_.start(); !started) return started;
    if (auto started = lists_.start(); !started) return started;
    asks_.start();
    receipts_subscription_ =
        link_.subscribe(subjects::receipts_of(store_.platform()), receipts_.get());
    return {};
}

// ---- Turns ----------------------------------------------------------------------------------

Result<void> Agent::on_timer() {
    if (link_.connected() != connected_) {
        connected_ = link_.connected();
        environment_.note(NoteLevel::kInfo, connected_ ? "connected" : "connection lost");
        if (connected_) watch_at_ = presence_at_ = now();
    }
    for (int round = 0; round < kRounds; ++round) {
        if (!stopping_) {
            if (connected_ && now() >= watch_at_) watch_streams();
            if (now() >= trim_at_) trim();
            commands_.pump();
            operations_.pump();
            intake_.pump();
            listener_.pump();
            links_.pump();
            reconciler_.pump();
            backfill_.pump();
            mass_breaker_.pump();
            troubles_.pump(!intake_.is_new());
            lists_.pump();
            asks_.pump();
            quota_.pump();
        }
        if (auto sent = publisher_.pump(); !sent) return sent;
        if (commits_.empty() || now() < flush_at()) break;
        if (auto flushed = flush(); !flushed) return flushed;
    }
    const bool loading = intake_.is_loading() || backfill_.is_under_way();
    if (loading != std::exchange(loading_, loading)) presence_at_ = now();
    if (connected_ && now() >= presence_at_) tell_presence();
    return {};
}

/// When what is to be stored is. A command alone waits for nothing.
Duration Agent::flush_at() const {
    if (commits_.blocked()) return flush_again_at_;
    const bool gathers = commands_.calls() > 1 && !stopping_;
    return gathers ? commits_.since() + kGather : commits_.since();
}

Result<void> Agent::flush() {
    const bool was_blocked = commits_.blocked();
    const Duration since = commits_.since();
    auto flushed = commits_.flush();
    if (flushed) {
        if (!was_blocked) commands_.on_stored(now() - since);
        if (!store_trouble_.empty()) environment_.note(NoteLevel::kInfo, "the store works again");
        store_trouble_.clear();
        return flushed;
    }
    if (flushed.error().kind != ErrorKind::kFull) return flushed;
    note_once(store_trouble_, flushed.error().what);
    flush_again_at_ = now() + kFullPause;
    return {};
}

Duration Agent::next_deadline() const {
    Duration next = kNever;
    if (!commits_.empty()) next = flush_at();
    if (link_.connected() != connected_) return now();
    if (connected_) next = std::min({next, presence_at_, publisher_.next_deadline()});
    if (stopping_) return next;
    if (connected_ && asking_ == 0) next = std::min(next, watch_at_);
    next = std::min({next, trim_at_, intake_.next_deadline(), commands_.next_deadline(),
                     listener_.next_deadline(), operations_.next_deadline(), links_.next_deadline(),
                     reconciler_.next_deadline(), backfill_.next_deadline(),
                     mass_breaker_.next_deadline(), troubles_.next_deadline(),
                     lists_.next_deadline(), asks_.next_deadline(), quota_.next_deadline()});
    return next;
}

bool Agent::is_quiet() const {
    const auto intake = intake_.status();
    return commits_.empty() && publisher_.in_flight() == 0 && !intake.reading &&
           commands_.busy() == 0 && operations_.busy() == 0;
}

void Agent::note_once(std::string& last, const std::string& text) {
    if (last == text) return;
    last = text;
    environment_.note(NoteLevel::kWarning, text);
}

void Agent::trim() {
    trim_at_ = now() + kTrimEvery;
    if (store_.held_bytes() <= store_.waiting_bytes()) return;
    auto count = std::make_shared<std::size_t>(0);
    commits_.add(
        [this, count](Transaction& transaction) {
            environment_.before("A8");
            *count = transaction.trim(clock_.now(), settings_.spool.retention,
                                      settings_.spool.receipted_bytes, kTrimEntries);
        },
        [this, count] {
            environment_.after("A8");
            if (*count >= kTrimEntries) trim_at_ = now() + kTrimMore;
        });
}

// ---- The hub --------------------------------------------------------------------------------

void Agent::on_receipt(const Receipt& receipt) {
    if (receipt.platform != store_.platform() || epoch_pending_) return;
    if (!receipt.links.empty()) {
        commits_.add([links = receipt.links](Transaction& transaction) {
            for (const Receipt::Link& link : links) {
                std::ignore = transaction.link(link.object, link.record, link.entity);
            }
        });
    }
    raise_fences(receipt);
    std::uint64_t latest = receipt.epoch;
    for (const Receipt::Mark& mark : receipt.marks) latest = std::max(latest, mark.epoch);
    if (latest > store_.epoch()) {
        // Epochs come from the clock, which may stand behind that of a store lost since. Of several
        // that are lost one after the other, none may begin the epoch of another.
        latest += jitter_.next() % kEpochSpread;
        return begin_epoch(store_.partitions(), ReadAgain::kYes,
                           "the hub knows a later one, of a store that is no longer here", latest);
    }
    switch (publisher_.on_receipt(receipt)) {
        case Publisher::History::kHeld: break;
        case Publisher::History::kSetBack: intake_.set_back(); break;
        case Publisher::History::kLost:
            return begin_epoch(store_.partitions(), ReadAgain::kYes,
                               "the hub misses entries that are no longer held here");
    }
    if (receipt.full_read) intake_.request_full_read();
}

void Agent::raise_fences(const Receipt& receipt) {
    std::vector<Receipt::Mark> news;
    for (const Receipt::Mark& mark : receipt.marks) {
        std::uint64_t& fence = fences_[mark.partition];
        if (mark.fence <= fence) continue;
        fence = mark.fence;
        news.push_back(mark);
    }
    if (news.empty()) return;
    commits_.add([news](Transaction& transaction) {
        for (const auto& mark : news) transaction.raise_fence(mark.partition, mark.fence);
    });
}

void Agent::begin_epoch(std::uint16_t partitions, ReadAgain read_again, const std::string& why,
                        std::uint64_t after) {
    if (epoch_pending_) return;
    epoch_pending_ = true;
    const bool full = read_again == ReadAgain::kYes;
    commits_.add(
        [this, partitions, full, after](Transaction& transaction) {
            transaction.restart_numbering(partitions, clock_.now(), after);
            if (!full) return;
            mass_breaker_.renew(transaction);
            intake_.prepare_full_read(transaction);
        },
        [this, full, why] {
            epoch_pending_ = false;
            publisher_.restart();
            troubles_.retell();
            if (full) intake_.restarted();
            environment_.note(NoteLevel::kInfo,
                              "epoch " + std::to_string(store_.epoch()) + " begins: " + why);
        });
}

// ---- Streams --------------------------------------------------------------------------------

void Agent::watch_streams() {
    if (asking_ > 0) return;
    watch_at_ = now() + settings_.watch;
    asking_ = 2;
    const auto when_alive = [this](auto handler) {
        return [this, alive = std::weak_ptr<int>(alive_), handler](Result<nats::StreamInfo> info) {
            if (alive.expired()) return;
            --asking_;
            (this->*handler)(info);
        };
    };
    link_.stream_info(subjects::kStreamIn, when_alive(&Agent::on_input_stream));
    link_.stream_info(subjects::kStreamCommands, when_alive(&Agent::on_command_stream));
}

void Agent::on_input_stream(const Result<nats::StreamInfo>& info) {
    const std::string stream{subjects::kStreamIn};
    if (!info) {
        if (info.error().kind == ErrorKind::kNotFound) await_stream(stream, input_trouble_);
        return;
    }
    const std::uint16_t partitions = partitions_of(*info);
    if (partitions == 0) {
        return note_once(input_trouble_, "stream " + stream +
                                             " does not say how many partitions there are; is it "
                                             "the hub that made it?");
    }
    input_trouble_.clear();
    if (partitions != store_.partitions()) {
        begin_epoch(partitions, ReadAgain::kNo,
                    std::to_string(partitions) + " partitions instead of " +
                        std::to_string(store_.partitions()));
    }
    check_input_identity(*info);
}

void Agent::check_input_identity(const nats::StreamInfo& info) {
    const auto created = static_cast<std::uint64_t>(info.created.ns);
    const bool another = input_created_ != 0 && created != input_created_;
    if (another || info.last_sequence < input_last_) {
        environment_.note(
            NoteLevel::kWarning,
            "the broker has lost inputs; publishing everything without receipt again");
        if (!epoch_pending_) publisher_.restart();
    }
    input_last_ = info.last_sequence;
    if (created == input_created_) return;
    input_created_ = created;
    commits_.add([created](Transaction& transaction) {
        transaction.set_number(keys::kInputCreated, created);
    });
}

void Agent::on_command_stream(const Result<nats::StreamInfo>& info) {
    if (info) {
        command_trouble_.clear();
        commands_.on_stream(*info);
        const auto created = static_cast<std::uint64_t>(info->created.ns);
        if (std::exchange(commands_created_, created) != created) again_at_.clear();
        std::erase_if(again_at_, [&](const auto& at) { return at.second > info->last_sequence; });
        look_for_request(subjects::Again::kCommands);
        look_for_request(subjects::Again::kRecords);
        look_for_request(subjects::Again::kReconcile);
        look_for_request(subjects::Again::kBackfill);
        lists_.look();
        return look_for_answers();
    }
    if (info.error().kind != ErrorKind::kNotFound) return;
    await_stream(subjects::kStreamCommands, command_trouble_);
}

/// Soon again: what a new store finds in a stream of commands may have been told to a former one,
/// and is done late.
void Agent::await_stream(std::string_view stream, std::string& trouble) {
    note_once(trouble, "waiting for stream " + std::string{stream} + ", which the hub makes");
    watch_at_ = std::min(watch_at_, now() + kStreamPause);
}

void Agent::look_for_request(subjects::Again what) {
    link_.get_last(subjects::kStreamCommands, subjects::again(store_.platform(), what),
                   [this, what, alive = std::weak_ptr<int>(alive_)](auto found) {
                       if (alive.expired() || !found || !*found || (*found)->deleted) return;
                       std::uint64_t& at = again_at_[(*found)->subject];
                       if ((*found)->sequence < at) return;
                       at = (*found)->sequence;
                       on_request(what, (*found)->body);
                   });
}

void Agent::look_for_answers() {
    for (const MassBreaker::Status& held : mass_breaker_.status()) {
        link_.get_last(subjects::kStreamCommands,
                       subjects::hold_answer(store_.platform(), held.lane),
                       [this, lane = held.lane, alive = std::weak_ptr<int>(alive_)](auto found) {
                           if (alive.expired() || !found || !*found || (*found)->deleted) return;
                           mass_breaker_.answer(lane, (*found)->body, (*found)->stored_at);
                       });
    }
}

void Agent::on_again(const nats::InMessage& request) {
    using subjects::Again;
    if (subjects::is_retell(request.subject)) return reconciler_.retell(request.body);
    if (const auto lane = subjects::parse_hold_answer(request.subject)) {
        return mass_breaker_.answer(*lane, request.body, request.stored_at);
    }
    if (const auto list = subjects::parse_list_wish(request.subject)) {
        return lists_.wish(*list, request.body, Lists::Seen::kStored);
    }
    for (const Again what :
         {Again::kCommands, Again::kRecords, Again::kReconcile, Again::kBackfill}) {
        if (request.subject == subjects::again(store_.platform(), what)) {
            std::uint64_t& at = again_at_[std::string{request.subject}];
            at = std::max(at, request.sequence);
            on_request(what, request.body);
        }
    }
}

/// Level, not edge: whoever was away when the hub asked finds the request when it is back.
void Agent::on_request(subjects::Again what, std::string_view request) {
    if (what == subjects::Again::kReconcile) return reconciler_.request(request);
    if (what == subjects::Again::kBackfill) return backfill_.request(request);
    const bool commands = what == subjects::Again::kCommands;
    std::string& seen = commands ? again_commands_ : again_records_;
    if (seen == request) return;
    seen = request;
    const bool news = !intake_.is_new();  // A new store reads everything in any case.
    if (news && commands) {
        environment_.note(NoteLevel::kWarning, "the hub asks to read all commands again");
        commands_.read_again();
    }
    if (news && !commands) {
        environment_.note(NoteLevel::kWarning, "the hub asks to read all records again");
        intake_.request_full_read();
    }
    commits_.add([commands, body = seen](Transaction& transaction) {
        transaction.set_text(commands ? keys::kAgainCommands : keys::kAgainRecords, body);
    });
}

}  // namespace syncline::agent
