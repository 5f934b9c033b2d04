#include <algorithm>
#include <charconv>

#include "hub/ctl/doctor.h"
#include "hub/ctl/replicas.h"
#include "hub/ctl/status_findings.h"
#include "hub/ctl/text.h"
#include "shared/nats/server_version.h"
#include "shared/nats/streams.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

using std::chrono::seconds;

Check ok(std::string code, std::string message) {
    return {Health::kOk, "doctor." + std::move(code), std::move(message), {}};
}
Check warn(std::string code, std::string message, std::string hint) {
    return {Health::kWarn, "doctor." + std::move(code), std::move(message), std::move(hint)};
}
Check bad(std::string code, std::string message, std::string hint) {
    return {Health::kFail, "doctor." + std::move(code), std::move(message), std::move(hint)};
}

/// A limit of the stream, where 0 and missing mean "none", which is -1 to us.
std::int64_t limit_in(const Announced& config, std::string_view name) {
    const Value* value = config.find(name);
    const auto* number = value == nullptr ? nullptr : value->get<std::int64_t>();
    return number == nullptr || *number == 0 ? -1 : *number;
}

std::string text_of_limit(std::int64_t limit) {
    return limit < 0 ? "no limit" : std::to_string(limit);
}

bool listens_to(const Announced& config, const std::string& subject) {
    const Value* list = config.find("subjects");
    const auto* subjects = list == nullptr ? nullptr : list->get<Value::List>();
    return subjects != nullptr && std::ranges::find(*subjects, Value{subject}) != subjects->end();
}

void check_partitions(const StreamDetail& found, std::vector<Check>& checks) {
    const std::string partitions = found.config.inner("metadata").text(nats::kPartitionsKey);
    unsigned count = 0;
    const auto [end, error] =
        std::from_chars(partitions.data(), partitions.data() + partitions.size(), count);
    const bool whole = error == std::errc{} && end == partitions.data() + partitions.size();
    if (partitions.empty()) {
        checks.push_back(bad("partitions",
                             found.name + " does not say how many partitions there are",
                             "The stream was not made by a hub; hubs take 64. Add the metadata "
                             "entry `partitions`, with the number that agents use"));
    } else if (!whole || count == 0 || count > UINT16_MAX) {
        checks.push_back(bad("partitions",
                             found.name + " says there are '" + partitions + "' partitions",
                             "Set the metadata entry `partitions` to the number that it was made "
                             "with; any other number moves entities away from their state"));
    } else {
        checks.push_back(ok("partitions", partitions + " partitions"));
    }
}

}  // namespace

const char* name_of(Health health) {
    switch (health) {
        case Health::kOk: return "ok";
        case Health::kWarn: return "warn";
        case Health::kFail: return "FAIL";
    }
    return "?";
}

Check check_server_version(std::string_view version, int replicas) {
    const std::string found = "NATS server " + std::string{version};
    const std::string_view least =
        replicas > 1 ? kNatsServerMinimumReplicated : kNatsServerMinimumSingle;
    const std::string upgrade = "Install nats-server " + std::string{kNatsServerRecommended} +
                                " on the same store directory, with sync_interval: always";
    if (version.empty()) {
        return warn("server_version", "the server does not tell its version",
                    "Allow the user to publish to the server's USER.INFO request; " +
                        std::string{least} + " is the least");
    }
    if (!version_at_least(version, least)) {
        return bad("server_version",
                   found + " is older than " + std::string{least} +
                       (replicas > 1 ? ", the least with replicas" : ", the least"),
                   upgrade);
    }
    if (!version_at_least(version, kNatsServerRecommended)) {
        return warn("server_version",
                    found + " is older than the recommended " + std::string{kNatsServerRecommended},
                    upgrade);
    }
    return ok("server_version", found);
}

std::vector<Check> check_replicas(const Cluster& cluster) {
    std::vector<Check> checks;
    for (const TroubledServer& server : troubled_servers(cluster)) {
        checks.push_back(warn(server.offline ? "replica_offline" : "replica_behind",
                              message_of(server), hint_for(server)));
    }
    const std::vector<std::string> thin = thin_streams(cluster);
    if (!thin.empty()) {
        checks.push_back(
            warn("few_replicas", "fewer servers than should hold " + joined(thin), kThinHint));
    }
    const int copies = most_copies(cluster);
    if (checks.empty() && copies > 1) {
        checks.push_back(ok("replicas", "all " + std::to_string(copies) +
                                            " copies of each stream are there and current"));
    }
    return checks;
}

Check check_clock(std::optional<Duration> ahead) {
    if (!ahead) {
        return warn("clock", "the server does not tell its time",
                    "Clocks are for display and timers only; 2.10 and later tell it");
    }
    const Duration off = *ahead < Duration{0} ? -*ahead : *ahead;
    const std::string text = "this clock is " + duration_text(off) +
                             (*ahead < Duration{0} ? " behind" : " ahead of") + " the server's";
    if (off >= seconds{2}) {
        return warn("clock", text,
                    "Nothing is ordered by clocks, but ages shown and timers are off; use NTP");
    }
    return ok("clock", text);
}

std::vector<Check> check_stream(const nats::StreamConfig& wanted, const StreamDetail& found) {
    std::vector<Check> checks;
    const auto differs = [&](const std::string& what, const std::string& why) {
        checks.push_back(bad("stream_config", found.name + ": " + what, why));
    };
    for (const std::string& subject : wanted.subjects) {
        if (!listens_to(found.config, subject)) {
            differs("does not listen to " + subject, "Restore its subjects; messages are refused");
        }
    }
    const std::int64_t per_subject = limit_in(found.config, "max_msgs_per_subject");
    if (per_subject != wanted.max_messages_per_subject) {
        differs("keeps " + text_of_limit(per_subject) + " messages per subject instead of " +
                    text_of_limit(wanted.max_messages_per_subject),
                "nats stream edit " + found.name +
                    " --max-msgs-per-subject=" + std::to_string(wanted.max_messages_per_subject));
    }
    const std::string discard = found.config.text("discard");
    const std::string expected = wanted.refuse_when_full ? "new" : "old";
    if (discard != expected) {
        differs("discards " + discard + " messages when full, not " + expected,
                "A full stream would forget what it took; nats stream edit " + found.name +
                    " --discard=" + expected);
    }
    const std::string retention = found.config.text("retention");
    if (!retention.empty() && retention != "limits") {
        differs("its retention is " + retention, "It must be made anew with retention limits");
    }
    const Duration age{std::max<std::int64_t>(limit_in(found.config, "max_age"), 0)};
    if (age != wanted.max_age) {
        const auto text = [](Duration d) { return d.count() == 0 ? "for ever" : duration_text(d); };
        checks.push_back(warn("stream_age",
                              found.name + ": keeps messages " + text(age) + ", " +
                                  text(wanted.max_age) + " is the default",
                              "Fine if that is meant"));
    }
    if (found.config.text("storage") == "memory") {
        differs("is kept in memory", "It must be made anew with file storage");
    }
    const bool fine = checks.empty();
    if (found.name == subjects::kStreamIn) check_partitions(found, checks);
    if (fine) {
        const auto replicas = std::max<std::uint64_t>(found.config.count("num_replicas"), 1);
        checks.insert(checks.begin(),
                      ok("stream_config", found.name + " as expected, " +
                                              count_text(replicas, "replica", "replicas")));
    }
    return checks;
}

Check check_hubs(const Cluster& cluster) {
    const auto count = cluster.hubs.size();
    if (count == 0) {
        return bad("hubs", "no hub runs: nothing is decided",
                   "Start one: systemctl start syncline-hub");
    }
    if (count == 1) {
        return ok("hubs", "1 hub runs: " + cluster.hubs.front().id +
                              "; a second one would take over at once when it fails");
    }
    return ok("hubs", std::to_string(count) + " hubs run");
}

std::vector<Check> check_agents(const Cluster& cluster) {
    std::vector<Check> checks;
    for (const Presence& agent : cluster.agents) {
        const std::string age = age_text(agent.heard_at, cluster.now);
        if (!agent.broken.empty()) {
            checks.push_back(warn("agents", "agent " + agent.id + ": " + agent.broken,
                                  "Is this synclinectl older than the agent?"));
        } else if (cluster.now - agent.heard_at > kAgentSilent) {
            checks.push_back(warn("agents", "agent " + agent.id + " was last heard of " + age,
                                  "systemctl status syncline-agent@" + agent.id));
        } else {
            checks.push_back(ok("agents", "agent " + agent.id + " heard of " + age));
        }
    }
    if (checks.empty()) {
        checks.push_back(
            warn("agents", "no agent is heard of",
                 "Start one for each platform: systemctl start syncline-agent@PLATFORM"));
    }
    return checks;
}

std::vector<Check> check_marks(const Cluster& cluster) {
    std::vector<Check> checks;
    const StreamView* in = cluster.stream(subjects::kStreamIn);
    const StreamView* commands = cluster.stream(subjects::kStreamCommands);
    if (in == nullptr || !in->info) return checks;
    std::uint64_t present = 0;
    for (const PartitionView& view : cluster.marks) {
        const std::string name = "the mark of partition " + std::to_string(view.partition.value);
        if (!view.broken.empty()) {
            checks.push_back(
                bad("marks", name + " cannot be read: " + view.broken,
                    "The hub that takes the partition starts it over; restart its hub"));
            continue;
        }
        if (!view.mark) continue;
        ++present;
        if (view.mark->inputs_created != in->info->created) {
            checks.push_back(warn("marks", name + " is about another " + in->name,
                                  "The stream was made anew; its hub starts over. If this stays, "
                                  "no hub holds the partition"));
        } else if (view.mark->floor > in->info->last_sequence) {
            checks.push_back(bad("marks",
                                 name + " is at " + std::to_string(view.mark->floor) +
                                     ", but the stream ends at " +
                                     std::to_string(in->info->last_sequence),
                                 "The broker lost messages; a running hub heals this. Check the "
                                 "server's disk and use sync_interval: always"));
        }
        if (commands != nullptr && commands->info &&
            view.mark->commands.created != commands->info->created) {
            checks.push_back(warn("marks", name + " is about another " + commands->name,
                                  "The hub that takes the partition publishes its commands again"));
        }
    }
    if (checks.empty()) {
        checks.push_back(ok("marks", std::to_string(present) + " of " +
                                         std::to_string(cluster.marks.size()) +
                                         " partitions have a mark, all sane"));
    }
    return checks;
}

std::vector<Check> check_consumers(const StreamDetail& found) {
    std::vector<Check> checks;
    constexpr std::uint64_t kMany = 1'000;
    for (const StreamDetail::Consumer& consumer : found.consumers) {
        // Ours start so, are never durable, and end with their connection.
        if (!consumer.durable && consumer.name.starts_with("sync-")) continue;
        checks.push_back(
            warn("consumers",
                 found.name + " has a consumer that is not Syncline's: " + consumer.name +
                     (consumer.durable ? ", durable" : "") + ", " +
                     std::to_string(consumer.pending) + " messages behind",
                 "Fine if it is meant; else nats consumer rm " + found.name + " " + consumer.name));
    }
    if (found.consumers_total > kMany) {
        checks.push_back(
            warn("consumers",
                 found.name + " has " + std::to_string(found.consumers_total) + " consumers",
                 "Who makes them? Each costs the server memory"));
    }
    return checks;
}

}  // namespace syncline::ctl
