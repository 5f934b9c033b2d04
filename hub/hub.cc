#include "hub/hub.h"

#include <algorithm>

#include "hub/core/decide.h"
#include "hub/core/state_codec.h"
#include "shared/base/json.h"
#include "shared/base/log.h"
#include "shared/base/version.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

/// Streams that one hub makes at its first start are not further apart.
constexpr Duration kMadeTogether = std::chrono::seconds{5};

}  // namespace

Hub::Hub(nats::Link& link, const Clock& clock, std::vector<PolicyFile> policy, HubOptions options,
         std::vector<nats::StreamConfig> streams, SyncPoints& sync_points)
    : link_(link),
      clock_(clock),
      options_(std::move(options)),
      sync_points_(sync_points),
      started_at_(clock.now()),
      watch_(link, clock, options_.watch_interval, std::move(streams)),
      effects_(link, clock, watch_, counters_, options_.retry_wait),
      policies_(link, clock, watch_, effects_, options_.retry_wait, std::move(policy)),
      entities_(link, clock, watch_, policies_, options_, counters_, sync_points, *this, effects_),
      placing_(link, clock, options_, *this),
      unmatched_(link, clock, options_, *this),
      erasures_(link, clock, policies_, options_, *this),
      kept_exceptions_(link, clock, options_, counters_),
      agent_reports_(link, clock, options_, counters_, effects_),
      lists_(link, clock, options_, counters_, policies_, effects_),
      reconciliations_(link, clock, policies_, effects_, options_.retry_wait, *this),
      time_(clock),
      instances_(
          {link, clock, watch_, policies_, options_, counters_, sync_points, effects_, time_}) {
    instances_.apply_rules = [this](ExceptionRecord& exception) { apply_rules(exception); };
    instances_.keep = [this](const workflow::Message& message, ExceptionCode kind,
                             const std::string& why, Instances::Done then) {
        keep_unused(message, kind, why, std::move(then));
    };
    kept_exceptions_.on_done = [this](const WorkId& work) { on_done(work); };
    kept_exceptions_.on_retry = [this](const ExceptionRecord& kept, Queued queued) {
        take_kept(kept, std::move(queued));
    };
    agent_reports_.on_done = [this](const WorkId& work) { on_done(work); };
    agent_reports_.apply_rules = [this](ExceptionRecord& exception) { apply_rules(exception); };
    lists_.on_done = [this](const WorkId& work) { on_done(work); };
    lists_.apply_rules = [this](ExceptionRecord& exception) { apply_rules(exception); };
    lists_.holds = [this](Partition partition) { return holds(partition); };
    watch_.on_ready = [this] { policies_.start(); };
    policies_.on_ready = [this] { begin(); };
    policies_.on_activated = [this] { on_policy_activated(); };
    policies_.on_refused = [this](std::uint64_t version, const std::string& why) {
        on_policy_refused(version, why);
    };
    watch_.on_loss = [this](const BrokerWatch::Loss& loss) { on_loss(loss); };
    watch_.on_noted = [this] {
        if (partitions_ != nullptr) heal(partitions_->unaware());
    };
    watch_.on_trouble = [](const std::string& stream, const Error& error) {
        log::error("a stream can not be looked at or made", {{"stream", stream}, {"error", error}});
    };
}

Hub::~Hub() = default;

void Hub::begin() {
    const nats::StreamInfo& inputs = *watch_.info(subjects::kStreamIn);
    for (const auto& [name, value] : inputs.metadata) {
        if (name != "partitions") continue;
        const int count = std::atoi(value.c_str());
        if (count > 0 && count <= UINT16_MAX) {
            options_.partitions = static_cast<std::uint16_t>(count);
        }
    }
    partitions_ =
        std::make_unique<Partitions>(link_, clock_, watch_, options_, counters_, sync_points_,
                                     policies_, static_cast<PartitionsHost&>(*this));
    sweep_ = std::make_unique<StateSweep>(link_, watch_, effects_, options_.partitions,
                                          static_cast<StateSweepHost&>(*this));
    triggers_ = std::make_unique<WorkflowTriggers>(
        WorkflowTriggers::Parts{link_, clock_, watch_, policies_, *partitions_, instances_, time_});
    nats::ConsumeSpec spec;
    spec.stream = subjects::kStreamLease;
    spec.filters = {subjects::all_hub_presence()};
    spec.last_per_subject = true;
    announce();
    presence_ = link_.consume(std::move(spec), this);
    // Streams are made together. States that are younger than the inputs were there and are gone.
    const nats::StreamInfo& states = *watch_.info(subjects::kStreamState);
    if (states.messages == 0 && inputs.last_sequence > 0 &&
        states.created > inputs.created + kMadeTogether) {
        on_loss({std::string{subjects::kStreamState}, "holds nothing, and the inputs are older"});
    }
}

void Hub::announce() {
    announce_due_ = clock_.steady() + options_.presence_interval;
    const std::string body = to_json(status());
    link_.publish({subjects::hub_presence(options_.id), body, {}, {}}, this, 0);
}

void Hub::on_message(const nats::InMessage& message) {
    presence_->processed(1);
    note_presence(message);
}

void Hub::note_presence(const nats::InMessage& message) {
    const auto name = subjects::last_token(message.subject);
    if (!name) return;
    const HubId hub{*name};
    if (hub == options_.id) time_.heard(message.stored_at);
    if (message.deleted) {
        alive_changed_ = heard_.erase(hub) > 0 || alive_changed_;
    } else {
        alive_changed_ = heard_.insert_or_assign(hub, clock_.steady()).second || alive_changed_;
    }
    if (message.pending == 0) presence_known_ = true;
}

void Hub::drop_silent() {
    // While we hear nothing at all, nobody is declared gone.
    if (!link_.connected()) {
        for (auto& [hub, heard] : heard_) heard = clock_.steady();
        return;
    }
    const Duration limit = clock_.steady() - options_.presence_timeout;
    const auto dropped = std::erase_if(heard_, [&](const auto& entry) {
        return entry.first != options_.id && entry.second < limit;
    });
    alive_changed_ = alive_changed_ || dropped > 0;
}

void Hub::on_loss(const BrokerWatch::Loss& loss) {
    ++counters_.amnesia;
    log::error("the broker lost messages; healing", {{"stream", loss.stream}, {"what", loss.what}});
    ExceptionRecord exception;
    exception.kind = exceptions::kBroker;
    exception.entity = {ObjectName{"_broker"}, EntityId{loss.stream}};
    exception.reason = "stream " + loss.stream + " " + loss.what +
                       "; what it lost is sent again by the agents. Check the servers' disks, and "
                       "use sync_interval: always";
    show(std::move(exception));
    // For partitions that nobody holds now, or a hub that was down meanwhile.
    effects_.publish(subjects::loss(), loss.stream + " " + loss.what, nullptr, 0);
    if (loss.stream == subjects::kStreamPolicy) policies_.restore();
    if (loss.stream == subjects::kStreamIn) policies_.forget_places();
    if (partitions_ == nullptr) return;
    lists_.forget_seen();
    sweep_->start_over();
    triggers_->start_over();
    if (loss.stream == subjects::kStreamIn) partitions_->read_again();
    if (loss.stream == subjects::kStreamState) {
        entities_.forget_all();
        placing_.forget_all();
        unmatched_.forget_all();
        erasures_.forget_all();
        kept_exceptions_.forget_all();
        agent_reports_.forget_all();
        lists_.forget_all();
        reconciliations_.forget_all();
        instances_.forget_all();
        partitions_->forget_all();
        records_due_ = state_lost_ = true;
    }
    // A power cut takes the end of every stream, and of one that has grown past its end since
    // nobody can tell.
    heal(partitions_->held());
    if (loss.stream == subjects::kStreamCommands) {
        commands_due_ = true;
        records_due_ = records_due_ || state_lost_;  // What was asked for may be lost as well.
    }
    if (loss.stream == subjects::kStreamExceptions) {
        records_due_ = true;  // Inputs that could not be decided were kept there and nowhere else.
    }
    if (loss.stream == subjects::kStreamLease) announce();
}

/// Asks every agent to read again what is due. The request is a message of the stream that every
/// agent reads, so that none misses it for being away.
void Hub::ask_again() {
    const std::string request = options_.id.text + "/" + std::to_string(clock_.now().ns);
    for (const PlatformId& platform : policies_.newest().platforms) {
        using subjects::Again;
        if (commands_due_) {
            effects_.publish(subjects::again(platform, Again::kCommands), request, nullptr, 0);
        }
        if (records_due_) {
            effects_.publish(subjects::again(platform, Again::kRecords), request, nullptr, 0);
        }
    }
    commands_due_ = records_due_ = false;
}

void Hub::heal(const std::vector<Partition>& partitions) {
    for (const Partition partition : partitions) {
        sweep_->heal(partition, partitions_->heal(partition));
        instances_.load(partition, /*heal=*/true);
    }
}

void Hub::tick() {
    watch_.tick();
    policies_.tick();
    if (partitions_ == nullptr) return effects_.tick();
    if (!stopping_ && clock_.steady() >= announce_due_ && link_.connected()) announce();
    drop_silent();
    if (alive_changed_ && presence_known_) {
        alive_changed_ = false;
        std::set<HubId> alive;
        for (const auto& [hub, heard] : heard_) alive.insert(hub);
        partitions_->set_alive(alive);
    }
    effects_.tick();
    release_held_back();
    entities_.tick();
    placing_.tick();
    unmatched_.tick();
    erasures_.tick();
    kept_exceptions_.tick();
    agent_reports_.tick();
    lists_.tick();
    partitions_->tick();
    instances_.tick();
    triggers_->tick();
    reconciliations_.tick();
    if (clock_.steady() >= check_due_) {
        check_due_ = clock_.steady() + options_.check_interval;
        sweep_->check_new_exceptions(partitions_->held());
    }
    sweep_->tick();
    if (commands_due_ || records_due_) ask_again();
    watch_.seen(subjects::kStreamIn, partitions_->position());
}

Duration Hub::next_wait() const { return std::chrono::milliseconds{20}; }

void Hub::stop() {
    if (stopping_) return;
    stopping_ = true;
    if (partitions_ != nullptr) partitions_->stop();
}

void Hub::leave() {
    static constexpr nats::Header kDeleted[] = {{"KV-Operation", "DEL"}};
    link_.publish({subjects::hub_presence(options_.id), {}, kDeleted, {}}, this, 0);
}

bool Hub::stopped() const {
    return stopping_ && (partitions_ == nullptr || (partitions_->idle() && quiescent()));
}

bool Hub::quiescent() const {
    return partitions_ == nullptr ||
           (partitions_->in_work() == 0 && entities_.busy() == 0 && placing_.busy() == 0 &&
            unmatched_.busy() == 0 && erasures_.busy() == 0 && kept_exceptions_.busy() == 0 &&
            agent_reports_.busy() == 0 && lists_.busy() == 0 && instances_.busy() == 0 &&
            effects_.in_flight() == 0);
}

std::vector<Partition> Hub::held() const {
    return partitions_ == nullptr ? std::vector<Partition>{} : partitions_->held();
}

Value Hub::status() const {
    const auto number = [](std::uint64_t value) { return Value{static_cast<std::int64_t>(value)}; };
    Value::List held_list;
    for (const Partition partition : held()) held_list.emplace_back(std::int64_t{partition.value});
    Value::Map counts{{"inputs", number(counters_.inputs)},
                      {"duplicates", number(counters_.duplicates)},
                      {"gaps", number(counters_.gaps)},
                      {"replays", number(counters_.replays)},
                      {"quiet", number(counters_.quiet)},
                      {"decisions", number(counters_.decisions)},
                      {"commands", number(counters_.commands)},
                      {"conflicts", number(counters_.conflicts)},
                      {"exceptions", number(counters_.exceptions)},
                      {"events", number(counters_.events)},
                      {"poisoned", number(counters_.poisoned)},
                      {"amnesia", number(counters_.amnesia)}};
    return Value::Map{{"hub", options_.id.text},
                      {"version", std::string{kVersion}},
                      {"policy", policies_.newest().hash},
                      {"policy_version", number(policies_.newest().version)},
                      {"policy_trouble", policies_.trouble()},
                      {"started_at", started_at_},
                      {"at", clock_.now()},
                      {"partitions", std::move(held_list)},
                      {"in_work", number(partitions_ ? partitions_->in_work() : 0)},
                      {"position", number(partitions_ ? partitions_->position() : 0)},
                      {"cached", number(entities_.cached())},
                      {"counts", std::move(counts)}};
}

void Hub::apply_rules(ExceptionRecord& exception) const {
    exception.care = care_of(exception.kind);
    if (partitions_ == nullptr) return;  // No policy yet.
    std::vector<FieldName> fields;
    for (const auto& [name, value] : exception.proposed) fields.push_back(name);
    hub::apply_rules(
        exception.care, policies_.newest(),
        {exception.kind, exception.entity.object, exception.platform, fields, exception.proposed},
        exception.opened_at);
}

void Hub::show(ExceptionRecord exception) {
    exception.opened_at = exception.updated_at = clock_.now();
    apply_rules(exception);
    counters_.count(exception.kind, exception.care.severity,
                    exception.status == ExceptionStatus::kOpen ? ExceptionEvent::What::kOpened
                                                               : ExceptionEvent::What::kClosed);
    ++counters_.exceptions;
    const std::string kind =
        exception.kind + (exception.record.empty() ? "" : "@" + exception.record);
    effects_.publish_last(subjects::exception(exception.entity, kind), encode(exception), nullptr,
                          0);
}

/// An input that cannot be decided is kept whole and shown; it is done once that is stored.
void Hub::keep(ExceptionRecord exception, Kept kept) {
    exception.source = "partition " + std::to_string(kept.work.partition.value);
    exception.opened_at = exception.updated_at = clock_.now();
    apply_rules(exception);
    ++counters_.exceptions;
    kept.unplaced = KeptExceptions::unplaced_in(exception);
    kept_exceptions_.count_opened(exception);
    const std::uint64_t token = ++kept_tokens_;
    if (kept.unplaced) newest_kept_[kept.unplaced->record] = token;
    kept_.emplace(token, std::move(kept));
    const std::string kind = exception.kind + "@" + exception.platform.text;
    // A copy that is late must not open it again once its record is placed, or a person settled it.
    effects_.publish_last(subjects::exception(exception.entity, kind), encode(exception), this,
                          token);
}

/// What a record was before must not take the place of what it is.
bool Hub::is_wanted(std::uint64_t token) const {
    const Kept& kept = kept_.at(token);
    if (!kept.unplaced) return true;
    const auto newest = newest_kept_.find(kept.unplaced->record);
    const bool is_newest = newest != newest_kept_.end() && newest->second == token;
    return is_newest && partitions_->is_held(kept.work);
}

bool Hub::may_replace(std::uint64_t token, std::string_view ours, std::string_view theirs) const {
    return !kept_.at(token).unplaced || KeptExceptions::is_newer(ours, theirs);
}

void Hub::on_delivered(std::uint64_t token) {
    const auto at = kept_.find(token);
    Kept kept = std::move(at->second);
    kept_.erase(at);
    if (kept.unplaced) {
        const auto newest = newest_kept_.find(kept.unplaced->record);
        if (newest != newest_kept_.end() && newest->second == token) newest_kept_.erase(newest);
        kept_exceptions_.seen(*kept.unplaced);
    }
    if (kept.then) return kept.then();
    if (kept.unmatched) return unmatched_.submit(*std::move(kept.unmatched));
    on_done(kept.work);
}

void Hub::on_done(const WorkId& work) {
    if (work.hold == kNoHold) return sweep_->rechecked(work.index);
    const auto then = told_first_.extract({work.hold, work.index});
    if (then.empty() || !partitions_->is_held(work)) return partitions_->done(work);
    entities_.submit(then.mapped().entity, std::move(then.mapped().then));
}

void Hub::on_told_first(const EntityKey& entity, Queued then) {
    // Of a partition that was lost meanwhile nothing more is done.
    std::erase_if(told_first_, [this](const auto& entry) {
        return !partitions_->is_held(entry.second.then.work);
    });
    const WorkId work = then.work;
    told_first_.insert_or_assign({work.hold, work.index}, TellFirst{entity, std::move(then)});
}

void Hub::on_misplaced(Queued queued) { placing_.submit(std::move(queued)); }

void Hub::on_linked(const RecordKey& record, const EntityId& entity) {
    placing_.remember(record, entity);
    partitions_->linked(record, entity);
    kept_exceptions_.linked(record, entity);
}

void Hub::on_later_epoch(const PlatformId& platform, std::uint64_t epoch) {
    partitions_->tell_epoch(platform, epoch);
}

void Hub::on_settled(const RecordKey& record) { placing_.settled(record); }

void Hub::on_placed(const EntityKey& entity, Queued queued) {
    // A link that is stored already but not known to the agent: tell it again.
    if (!queued.needs_link) partitions_->linked(std::get<Change>(queued.input).key, entity.entity);
    entities_.submit(entity, std::move(queued));
}

void Hub::on_taken(Partition partition, Lost lost) {
    entities_.drop_untold(partition);
    if (options_.warm_up) sweep_->warm(partition);
    instances_.load(partition, /*heal=*/false);
    reconciliations_.take(partition);
    sweep_->check_exceptions(partition, lost.exceptions_until);
    const bool lost_any = lost.inputs || lost.commands || lost.exceptions;
    if (lost_any || lost.noted || state_lost_) heal({partition});
    commands_due_ = commands_due_ || lost.commands;
    records_due_ = records_due_ || lost.exceptions;
    // What is told again lets a stream grow past the marks of partitions that are taken later. One
    // note of a hub will do: what is lost while it runs it notices otherwise.
    if (lost_any && !std::exchange(loss_told_, true)) {
        effects_.publish(subjects::loss(), "by the mark of " + std::to_string(partition.value),
                         nullptr, 0);
    }
}

void Hub::on_reconsider(Partition partition, std::uint64_t hold) {
    const std::uint64_t version = policies_.newest().version;
    sweep_->reconsider(partition, hold, version);
    if (partition != Partition{0}) return;  // One hub for all; asked twice, agents do it once.
    for (const std::string& platform : policies_.to_read_again()) {
        effects_.publish(subjects::again(PlatformId{platform}, subjects::Again::kRecords),
                         "policy version " + std::to_string(version), nullptr, 0);
    }
}

}  // namespace syncline::hub
