#pragma once

#include <string_view>

/// Every metric of every Syncline program. Nothing else spells one. Units end the name;
/// counters end in `_total`.
namespace syncline::metric {

struct Name {
    std::string_view name;
    std::string_view help;
};

// Both programs.
inline constexpr Name kBuildInfo{"syncline_build_info", "Always 1; the label is the version"};
inline constexpr Name kNatsConnected{"syncline_nats_connected", "1 while NATS can be used"};
inline constexpr Name kNatsConnects{"syncline_nats_connects_total",
                                    "Connections to NATS that were made"};
inline constexpr Name kNatsPublishes{"syncline_nats_publishes_total",
                                     "Messages sent to streams, by what became of them"};
inline constexpr Name kNatsPublishesOpen{"syncline_nats_publishes_open",
                                         "Messages sent to streams and not answered yet"};
inline constexpr Name kNatsDeliveries{"syncline_nats_deliveries_total",
                                      "Messages that streams delivered"};
inline constexpr Name kNatsConsumerRestarts{
    "syncline_nats_consumer_restarts_total",
    "Times a consumer was made anew after a lost connection, a hole or its deletion"};

// The hub.
inline constexpr Name kHubInputs{"syncline_hub_inputs_total", "Inputs decided, by kind"};
inline constexpr Name kHubInputsBehind{"syncline_hub_inputs_behind",
                                       "Inputs stored and not decided yet, by partition"};
inline constexpr Name kHubDecisions{"syncline_hub_decisions_total", "Entity states written"};
inline constexpr Name kHubAmnesia{"syncline_hub_amnesia_total",
                                  "Times a stream turned out to have lost what it had"};
inline constexpr Name kHubCommands{"syncline_hub_commands_total", "Commands written"};
inline constexpr Name kHubEvents{"syncline_hub_events_total", "Business events written"};
inline constexpr Name kHubWebhooks{
    "syncline_hub_webhook_requests_total",
    "Requests to webhooks, by what came of them: taken, failed, refused"};
inline constexpr Name kHubIndicator{
    "syncline_hub_indicator",
    "What an indicator of this hub says, by measure; durations in seconds"};
inline constexpr Name kHubAlert{"syncline_hub_alert_raised",
                                "1 while an alert of an indicator of this hub is raised"};
inline constexpr Name kHubInstances{"syncline_hub_waiting_instances",
                                    "Instances of workflows that wait for a time or an event"};
inline constexpr Name kHubTimers{"syncline_hub_timers_total", "Timers of workflows that came due"};
inline constexpr Name kHubAsks{"syncline_hub_asks_total", "Questions put to this hub, by outcome"};
inline constexpr Name kHubConflicts{"syncline_hub_conflicts_total",
                                    "State writes refused because another hub wrote first"};
inline constexpr Name kHubExceptions{
    "syncline_hub_exceptions_total",
    "Exceptions opened, settled by a person, closed by themselves"};
inline constexpr Name kHubExceptionsOpen{"syncline_hub_exceptions_open",
                                         "Exceptions that wait for a person"};
inline constexpr Name kHubVerifiedThrough{
    "syncline_hub_verified_through_timestamp_seconds",
    "Up to when this hub's partitions of a platform's object are proven equal; 0: never"};
inline constexpr Name kHubListRead{
    "syncline_hub_list_read_timestamp_seconds",
    "Up to when a list of this hub is proven to be what its source holds; 0: never"};
inline constexpr Name kHubListGeneration{"syncline_hub_list_generation",
                                         "The newest generation of a list of this hub"};
inline constexpr Name kHubListRows{"syncline_hub_list_rows", "Rows of that generation"};
inline constexpr Name kHubPartitions{"syncline_hub_partitions", "Partitions held by this hub"};
inline constexpr Name kHubDecideSeconds{"syncline_hub_decide_seconds",
                                        "Time from reading a batch to its last acknowledgement"};
inline constexpr Name kHubEntitiesCached{"syncline_hub_entities_cached", "Entities held in memory"};

// What agents tell hubs of themselves; every hub shows all of it.
inline constexpr Name kQuotaLimit{
    "syncline_quota_limit_calls",
    "Calls that a platform allows in a window, to all applications; NaN: its agent is silent"};
inline constexpr Name kQuotaUsed{"syncline_quota_used_calls",
                                 "Calls of that window that all applications made, as is known"};
inline constexpr Name kQuotaReserve{"syncline_quota_reserve_calls",
                                    "Calls of that window that are left to other applications"};
inline constexpr Name kQuotaUsedUp{
    "syncline_quota_used_up_timestamp_seconds",
    "When all but the reserve will be used up, as is forecast; 0: not in this window"};
inline constexpr Name kQuotaSlowed{"syncline_quota_lane_slowed",
                                   "0 while a lane flows, 1 if it is slowed, 2 if it rests"};

}  // namespace syncline::metric
