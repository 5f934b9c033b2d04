#include <algorithm>
#include <initializer_list>
#include <string>
#include <tuple>

#include "agent/agent.h"
#include "shared/base/json.h"
#include "shared/wire/subjects.h"

namespace syncline::agent {
namespace {

Value count(std::uint64_t value) { return static_cast<std::int64_t>(value); }

Value moment(Timestamp time) { return time.ns == 0 ? Value{} : Value{to_string(time)}; }

/// How often it is said while a load is under way and somebody may be watching.
constexpr Duration kPresenceOfLoads{std::chrono::seconds{1}};

Value::Map load_map(const Intake::Status& intake) {
    Value::Map map{{"what", intake.origin},
                   {"records", count(intake.load->records)},
                   {"per_second", count(intake.load->per_second)},
                   {"began_at", moment(intake.load->began_at)}};
    if (intake.load->total) map.emplace("total", count(*intake.load->total));
    return map;
}

Value::Map backfill_map(const Backfill::Status& backfill) {
    Value::Map map{{"request", backfill.request},
                   {"phase", backfill.phase},
                   {"records", count(backfill.counts.read)},
                   {"there", count(backfill.counts.there)},
                   {"known", count(backfill.counts.known)},
                   {"unknown", count(backfill.counts.unknown)},
                   {"different", count(backfill.counts.different)},
                   {"unusable", count(backfill.counts.unusable)},
                   {"per_second", count(backfill.per_second)},
                   {"began_at", moment(backfill.began_at)},
                   {"ended_at", moment(backfill.ended_at)},
                   {"trouble", backfill.trouble}};
    if (backfill.total) map.emplace("total", count(*backfill.total));
    return map;
}

Value::Map push_map(const Listener::Status& push) {
    return {{"state", push.state},         {"trouble", push.trouble},
            {"since", moment(push.since)}, {"events", count(push.events)},
            {"own", count(push.own)},      {"fetched", count(push.fetched)},
            {"reads", count(push.reads)}};
}

/// Presence is said again soon, whatever became of it.
class Ignored final : public nats::PublishSink {
public:
    void on_published(std::uint64_t token, const Result<std::uint64_t>& sequence) override {
        std::ignore = token;
        std::ignore = sequence;
    }
};
Ignored ignored;

/// Null where there is no quota.
Value quota_value(const Quota::Status& quota) {
    if (quota.limit == 0) return {};
    Value::Map spent;
    Value::Map slowed;
    for (std::size_t lane = 0; lane < kQuotaLanes; ++lane) {
        const char* const name = name_of(static_cast<QuotaLane>(lane));
        spent.emplace(name, count(quota.spent[lane]));
        if (quota.flows[lane] == Quota::Flow::kFlows) continue;
        slowed.emplace(name, name_of(quota.flows[lane]));
    }
    return Value::Map{{"limit", count(quota.limit)},
                      {"used", count(quota.used)},
                      {"reserve", count(quota.reserve)},
                      {"learned", quota.learned},
                      {"spent", std::move(spent)},
                      {"slowed", std::move(slowed)},
                      {"resets_at", moment(quota.resets_at.value_or(Timestamp{}))},
                      {"used_up_at", moment(quota.used_up_at.value_or(Timestamp{}))}};
}

}  // namespace

Agent::Status Agent::status() const {
    Status status{.epoch = store_.epoch(),
                  .partitions = store_.partitions(),
                  .spool_bytes = store_.held_bytes(),
                  .waiting_bytes = store_.waiting_bytes(),
                  .waiting_entries = store_.waiting_entries(),
                  .rejects = store_.rejects(),
                  .in_flight = publisher_.in_flight(),
                  .breaker = name_of(gate_.breaker().state(now())),
                  .connected = connected_,
                  .denied = gate_.denied(),
                  .paused = std::max(Duration{0}, gate_.pause_until() - now()),
                  .intake = intake_.status(),
                  .commands = commands_.status(),
                  .operations = operations_.status(),
                  .reconciler = reconciler_.status(),
                  .backfill = backfill_.status(),
                  .asks = asks_.status(),
                  .held = mass_breaker_.status(),
                  .quota = gate_.quota().status(clock_.now()),
                  .push = listener_.status()};
    for (const std::string* trouble : std::initializer_list<const std::string*>{
             &store_trouble_, &input_trouble_, &command_trouble_, &publisher_.trouble(),
             &status.intake.last_error, &status.reconciler.trouble}) {
        if (status.trouble.empty()) status.trouble = *trouble;
    }
    // A request that was refused is over: who asked is told, and nobody else.
    const bool backfills = !status.backfill.phase.empty();
    if (status.trouble.empty() && backfills) status.trouble = status.backfill.trouble;
    if (status.denied) status.trouble = "the platform refuses the credentials: " + status.trouble;
    return status;
}

std::string Agent::presence() const {
    const Status s = status();
    Value::List held;
    for (const MassBreaker::Status& lane : s.held) {
        held.emplace_back(Value::Map{{"object", lane.lane.object.text},
                                     {"direction", name_of(lane.lane.direction)},
                                     {"resuming", lane.resuming},
                                     {"held", count(lane.held)}});
    }
    Value::Map map{
        {"platform", store_.platform().text},
        {"version", settings_.version},
        // Numbers of 64 bits as text: JSON readers elsewhere have 53.
        {"epoch", std::to_string(s.epoch)},
        {"instance", store_.instance()},
        {"run", settings_.run},
        {"started_at", moment(started_at_)},
        {"said_at", moment(clock_.now())},
        {"partitions", count(s.partitions)},
        {"spool_bytes", count(s.spool_bytes)},
        {"waiting_bytes", count(s.waiting_bytes)},
        {"waiting_entries", count(s.waiting_entries)},
        {"in_flight", count(s.in_flight)},
        {"rejects", count(s.rejects)},
        {"last_read_at", moment(s.intake.last_read_at)},
        {"read_origin", s.intake.origin},
        {"reading_paused", s.intake.paused},
        {"fetches_waiting", count(s.intake.fetches)},
        {"changes", count(s.intake.changes)},
        {"commands_waiting", count(s.commands.waiting)},
        {"commands_running", count(s.commands.running)},
        {"commands_in_doubt", count(s.commands.in_doubt)},
        {"commands_position", count(s.commands.position)},
        {"commands_applied", count(s.commands.applied)},
        {"commands_failed", count(s.commands.failed)},
        {"commands_superseded", count(s.commands.superseded)},
        {"operations_waiting", count(s.operations.waiting)},
        {"operations_running", count(s.operations.running)},
        {"operations_in_doubt", count(s.operations.in_doubt)},
        {"operations_applied", count(s.operations.applied)},
        {"operations_refused", count(s.operations.refused)},
        {"operations_told_in_doubt", count(s.operations.told_in_doubt)},
        {"operations_error", s.operations.last_error},
        {"reconciling", s.reconciler.phase},
        {"reconcile_request", s.reconciler.request},
        {"reconcile_read", count(s.reconciler.read)},
        {"held_lanes", std::move(held)},
        {"asked", count(s.asks.asked)},
        {"asks_live", count(s.asks.live)},
        {"asks_cached", count(s.asks.cached)},
        {"asks_stale", count(s.asks.stale)},
        {"asks_fallback", count(s.asks.fallback)},
        {"asks_failed", count(s.asks.failed)},
        {"asks_waiting", count(s.asks.waiting)},
        {"breaker", s.breaker},
        {"paused_ms",
         count(static_cast<std::uint64_t>(
             std::chrono::duration_cast<std::chrono::milliseconds>(s.paused).count()))},
        {"rate_per_second", count(settings_.rate.per_second)},
        {"concurrency", count(gate_.concurrency())},
        {"quota", quota_value(s.quota)},
        {"needs_credentials", s.denied},
        {"trouble", s.trouble},
    };
    if (!s.push.state.empty()) map.emplace("push", push_map(s.push));
    if (s.intake.load) map.emplace("load", load_map(s.intake));
    if (!s.backfill.request.empty()) map.emplace("backfill", backfill_map(s.backfill));
    return to_json(Value{std::move(map)});
}

void Agent::tell_presence() {
    presence_at_ =
        now() + (loading_ ? std::min(kPresenceOfLoads, settings_.presence) : settings_.presence);
    const std::string subject = subjects::agent_presence(store_.platform());
    const std::string body = presence();
    link_.publish({.subject = subject, .body = body}, &ignored, 0);
}

}  // namespace syncline::agent
