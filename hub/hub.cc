#include "hub/hub.h"

#include <algorithm>

#include "hub/core/decide.h"
#include "hub/core/state_codec.h"
#include "shared/base/json.h"
#include "shared/base/log.h"
#include "shared/base/version.h"
#include "shared/wire/codec.h"
#include "shared/wire/hold_codec.h"
#include "shared/wire/list_codec.h"
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
      holds_(link, clock, options_, counters_, effects_),
      lists_(link, clock, options_, counters_, policies_, effects_),
      reconciliations_(link, clock, policies_, effects_, options_.retry_wait, *this) {
    kept_exceptions_.on_done = [this](const WorkId& work) { on_done(work); };
    kept_exceptions_.on_retry = [this](const ExceptionRecord& kept, Queued queued) {
        take_kept(kept, std::move(queued));
    };
    holds_.on_done = [this](const WorkId& work) { on_done(work); };
    holds_.apply_rules = [this](ExceptionRecord& exception) { apply_rules(exception); };
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
        log::error("a stream can not be made", {{"stream", stream}, {"error", error}});
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
    exception.opened_at = exception.updated_at = clock_.now();
    apply_rules(exception);
    kept_exceptions_.count_opened(exception);
    ++counters_.exceptions;
    effects_.publish(subjects::exception(exception.entity, exception.kind), encode(exception),
                     nullptr, 0);
    // For partitions that nobody holds now, or a hub that was down meanwhile.
    effects_.publish(subjects::loss(), loss.stream + " " + loss.what, nullptr, 0);
    if (loss.stream == subjects::kStreamPolicy) policies_.restore();
    if (loss.stream == subjects::kStreamIn) policies_.forget_places();
    if (partitions_ == nullptr) return;
    lists_.forget_seen();
    sweep_->start_over();
    if (loss.stream == subjects::kStreamIn) partitions_->read_again();
    if (loss.stream == subjects::kStreamState) {
        entities_.forget_all();
        placing_.forget_all();
        unmatched_.forget_all();
        erasures_.forget_all();
        kept_exceptions_.forget_all();
        holds_.forget_all();
        lists_.forget_all();
        reconciliations_.forget_all();
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
    holds_.tick();
    lists_.tick();
    partitions_->tick();
    reconciliations_.tick();
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
            holds_.busy() == 0 && lists_.busy() == 0 && effects_.in_flight() == 0);
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

// ---- Inputs. ----------------------------------------------------------------------------------

namespace {

/// A record that belongs to no entity, as an exception.
ExceptionRecord about_record(const Change& change, ExceptionCode kind, std::string reason) {
    return {.kind = std::string{kind},
            .entity = {change.key.object, founded_entity(change.key)},
            .platform = change.key.platform,
            .record = change.key.record.text,
            .reason = std::move(reason),
            .proposed = change.fields,
            .raw = wire::encode(change)};
}

}  // namespace

void Hub::on_input(const nats::InMessage& message, const subjects::InputSubject& subject,
                   const WorkId& work, std::uint64_t fence) {
    const Policy* policy = held_back_.empty() ? policies_.at(message.sequence) : nullptr;
    if (policy == nullptr) {
        held_back_.push_back({std::string{message.subject}, std::string{message.body},
                              message.sequence, work, fence});
        return;
    }
    take_input({message.subject, message.body, message.sequence}, subject,
               {.work = work, .fence = fence, .policy = policy});
}

void Hub::release_held_back() {
    while (!held_back_.empty()) {
        const HeldBack& first = held_back_.front();
        const bool ours = partitions_->is_held(first.work);
        const Policy* policy = ours ? policies_.at(first.sequence) : nullptr;
        if (ours && policy == nullptr) return;
        const HeldBack input = std::move(held_back_.front());
        held_back_.pop_front();
        if (!ours) continue;  // Whoever holds the partition by now reads it again.
        take_input({input.subject, input.body, input.sequence},
                   *subjects::parse_input(input.subject),
                   {.work = input.work, .fence = input.fence, .policy = policy});
    }
}

void Hub::take_input(const Raw& raw, const subjects::InputSubject& about, Queued queued) {
    const auto refuse = [&](ExceptionCode kind, const std::string& why) {
        keep({.kind = std::string{kind},
              .entity = {ObjectName{about.object}, EntityId{about.key}},
              .platform = about.platform,
              .reason = std::string{raw.subject} + " sequence " + std::to_string(raw.sequence) +
                        ": " + why,
              .raw = std::string{raw.body}},
             {queued.work, {}});
    };
    const auto undecodable = [&](const std::string& why) {
        ++counters_.poisoned;
        refuse(exceptions::kUndecodable, why);
    };
    // The subject is what the server's permissions hold an agent to, so the body must agree.
    const auto genuine = [&](const PlatformId& platform, const Partition partition) {
        if (platform == about.platform && partition == about.partition) return true;
        refuse(exceptions::kForeignPlatform, "the body says platform " + platform.text +
                                                 ", partition " + std::to_string(partition.value) +
                                                 "; an agent speaks for another");
        return false;
    };
    const auto next = [&](const PlatformId& platform, const Numbering& number) {
        return genuine(platform, number.partition) &&
               partitions_->next_in_order(queued.work, platform, number.seq);
    };
    if (about.kind == subjects::InputKind::kChange) {
        auto change = wire::decode_change(raw.body);
        if (!change) return undecodable(change.error().what);
        if (!next(change->key.platform, change->number)) return;
        take_change(std::move(*change), std::move(queued));
    } else if (about.kind == subjects::InputKind::kOutcome) {
        auto outcome = wire::decode_outcome(raw.body);
        if (!outcome) return undecodable(outcome.error().what);
        if (!next(outcome->platform, outcome->number)) return;
        take_outcome(std::move(*outcome), std::move(queued));
    } else if (about.kind == subjects::InputKind::kInventory) {
        auto inventory = wire::decode_inventory(raw.body);
        if (!inventory) return undecodable(inventory.error().what);
        if (!next(inventory->platform, inventory->number)) return;
        reconciliations_.submit(*std::move(inventory), queued.work);
    } else if (about.kind == subjects::InputKind::kHold) {
        auto notice = wire::decode_hold(raw.body);
        if (!notice) return undecodable(notice.error().what);
        if (!next(notice->platform, notice->number)) return;
        holds_.submit(*std::move(notice), queued.work);
    } else if (about.kind == subjects::InputKind::kList) {
        auto news = wire::decode_list_news(raw.body);
        if (!news) return undecodable(news.error().what);
        if (!next(news->platform, news->number)) return;
        lists_.submit(*std::move(news), queued.work);
    } else {
        auto operation = decode_operation(raw.body);
        if (!operation) return undecodable(operation.error().what);
        if (Lists::takes(*operation)) return lists_.submit(*std::move(operation), queued.work);
        if (Holds::takes(*operation)) return holds_.submit(*std::move(operation), queued.work);
        if (KeptExceptions::takes(*operation)) {
            return kept_exceptions_.submit(*std::move(operation), std::move(queued));
        }
        if (queued.policy->object(operation->entity.object) == nullptr) {
            return undecodable("the policy has no object " + operation->entity.object.text);
        }
        const EntityKey entity = operation->entity;
        queued.input = *std::move(operation);
        entities_.submit(entity, std::move(queued));
    }
}

/// What an exception keeps, by a person's word. Its place among its agent's messages is long past.
void Hub::take_kept(const ExceptionRecord& kept, Queued queued) {
    auto change = wire::decode_change(kept.raw);
    if (change && change->key.platform == kept.platform) {
        return take_change(*std::move(change), std::move(queued));
    }
    auto outcome = wire::decode_outcome(kept.raw);
    if (outcome && outcome->platform == kept.platform) {
        return take_outcome(*std::move(outcome), std::move(queued));
    }
    auto operation = decode_operation(kept.raw);
    const bool ours = operation && queued.policy->object(operation->entity.object) != nullptr;
    if (!ours) {
        ExceptionRecord again = kept;
        again.status = ExceptionStatus::kOpen;
        again.closed_by.clear();
        again.closing.clear();
        return keep(std::move(again), {queued.work, {}});
    }
    const EntityKey entity = operation->entity;
    queued.input = *std::move(operation);
    entities_.submit(entity, std::move(queued));
}

void Hub::take_change(Change change, Queued queued) {
    const ObjectSpec* object = queued.policy->object(change.key.object);
    if (object == nullptr || object->binding(change.key.platform) == nullptr) {
        return keep(about_record(change, exceptions::kUnknownObject,
                                 "the policy has no object " + change.key.object.text +
                                     " on platform " + change.key.platform.text +
                                     "; add it, or take it out of the agent's file"),
                    {queued.work, {}});
    }
    const EntityKey entity{change.key.object, change.entity.value_or(EntityId{})};
    queued.input = std::move(change);
    if (entity.entity.empty()) return placing_.submit(std::move(queued));
    entities_.submit(entity, std::move(queued));
}

void Hub::take_outcome(Outcome outcome, Queued queued) {
    if (queued.policy->object(outcome.entity.object) == nullptr) {
        return keep({.kind = std::string{exceptions::kUnknownObject},
                     .entity = outcome.entity,
                     .platform = outcome.platform,
                     .reason = "the policy has no object " + outcome.entity.object.text,
                     .raw = wire::encode(outcome)},
                    {queued.work, {}});
    }
    if (outcome.status == OutcomeStatus::kFenced && outcome.fence > queued.fence) {
        // Either another hub holds it now, or the marks went back in time and the fences with them.
        return partitions_->outfence(queued.work.partition, outcome.fence);
    }
    const EntityKey entity = outcome.entity;
    queued.input = std::move(outcome);
    entities_.submit(entity, std::move(queued));
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

/// An input that cannot be decided is kept whole and shown; it is done once that is stored.
void Hub::keep(ExceptionRecord exception, Kept kept) {
    exception.source = "partition " + std::to_string(kept.work.partition.value);
    exception.opened_at = exception.updated_at = clock_.now();
    apply_rules(exception);
    ++counters_.exceptions;
    kept.unplaced = KeptExceptions::unplaced_in(exception);
    kept_exceptions_.count_opened(exception);
    const std::uint64_t token = ++kept_tokens_;
    kept_.emplace(token, std::move(kept));
    const std::string kind = exception.kind + "@" + exception.platform.text;
    effects_.publish(subjects::exception(exception.entity, kind), encode(exception), this, token);
}

void Hub::on_delivered(std::uint64_t token) {
    const auto at = kept_.find(token);
    Kept kept = std::move(at->second);
    kept_.erase(at);
    if (kept.unplaced) kept_exceptions_.seen(*kept.unplaced);
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

void Hub::on_undecidable(Queued queued, const Error& error) {
    ++counters_.poisoned;
    EntityKey about;
    PlatformId platform;
    std::string raw;
    if (const auto* change = std::get_if<Change>(&queued.input)) {
        about = {change->key.object, change->entity.value_or(founded_entity(change->key))};
        platform = change->key.platform;
        raw = wire::encode(*change);
    } else if (const auto* outcome = std::get_if<Outcome>(&queued.input)) {
        about = outcome->entity;
        platform = outcome->platform;
        raw = wire::encode(*outcome);
    } else if (const auto* operation = std::get_if<Operation>(&queued.input)) {
        about = operation->entity;
        raw = encode(*operation);
    } else if (const auto* takeover = std::get_if<Takeover>(&queued.input)) {
        about = {takeover->from.object, takeover->handover.to};
    } else {
        return on_done(queued.work);  // Nobody's input: it was ours.
    }
    keep({.kind = std::string{exceptions::kUndecodable},
          .entity = about,
          .platform = platform,
          .reason = error.what,
          .raw = std::move(raw)},
         {queued.work, {}});
}

void Hub::on_unplaceable(Queued queued, ExceptionCode kind, const std::string& reason) {
    const Change change = std::get<Change>(queued.input);
    if (change.kind == ChangeKind::kDelete) {
        return kept_exceptions_.gone(change.key, queued.work);
    }
    const bool waits = kind == exceptions::kUnmatched;
    Kept kept{queued.work, {}};
    if (waits) kept.unmatched = std::move(queued);
    keep(about_record(change, kind, reason), std::move(kept));
}

void Hub::on_taken(Partition partition, Lost lost) {
    if (options_.warm_up) sweep_->warm(partition);
    reconciliations_.take(partition);
    sweep_->check_exceptions(partition, lost.exceptions_until);
    if (lost.commands || lost.exceptions || lost.noted || state_lost_) heal({partition});
    commands_due_ = commands_due_ || lost.commands;
    records_due_ = records_due_ || lost.exceptions;
    // What is told again lets a stream grow past the marks of partitions that are taken later. One
    // note of a hub will do: what is lost while it runs it notices otherwise.
    if ((lost.commands || lost.exceptions) && !std::exchange(loss_told_, true)) {
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
