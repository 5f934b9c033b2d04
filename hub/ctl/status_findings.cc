#include "hub/ctl/status_findings.h"

#include <map>
#include <set>

#include "hub/ctl/describe.h"
#include "hub/ctl/exceptions_filter.h"
#include "hub/ctl/replicas.h"
#include "hub/ctl/text.h"
#include "shared/model/hold.h"
#include "shared/nats/server_version.h"

namespace syncline::ctl {
namespace {

class Judge {
public:
    explicit Judge(const Cluster& cluster) : cluster_(cluster) {}

    std::vector<Finding> run() {
        streams();
        copies();
        server();
        hubs();
        partitions();
        for (const Presence& agent : cluster_.agents) check_agent(agent);
        absent_agents();
        exceptions();
        return std::move(findings_);
    }

private:
    void tell(Level level, std::string code, std::string message, std::string hint,
              std::string where = {}) {
        findings_.push_back({level, "status." + std::move(code), std::move(message),
                             std::move(hint), std::move(where)});
    }
    void error(std::string code, std::string message, std::string hint, std::string where = {}) {
        tell(Level::kError, std::move(code), std::move(message), std::move(hint), std::move(where));
    }
    void warn(std::string code, std::string message, std::string hint, std::string where = {}) {
        tell(Level::kWarning, std::move(code), std::move(message), std::move(hint),
             std::move(where));
    }

    void streams() {
        std::string missing;
        for (const StreamView& stream : cluster_.streams) {
            if (!stream.info) missing += (missing.empty() ? "" : ", ") + stream.name;
        }
        if (!missing.empty()) {
            error("stream_missing", "these streams do not exist: " + missing,
                  "A hub makes them at its start; is this the right server and account?");
        }
    }

    void copies() {
        for (const TroubledServer& server : troubled_servers(cluster_)) {
            warn(server.offline ? "replica_offline" : "replica_behind", message_of(server),
                 hint_for(server), "server " + server.server);
        }
        const std::vector<std::string> thin = thin_streams(cluster_);
        if (thin.empty()) return;
        warn("few_replicas",
             "fewer servers than should hold " + joined(thin) + ": " +
                 std::to_string(most_copies(cluster_)) + " copies are wanted",
             kThinHint);
    }

    void server() {
        const std::string& version = cluster_.server_version;
        if (version.empty()) return;
        if (!version_at_least(version, kNatsServerRecommended)) {
            tell(Level::kInfo, "server_older",
                 "the NATS server is " + version + "; " + std::string{kNatsServerRecommended} +
                     " with sync_interval: always is recommended",
                 "Until then an acknowledged message may be lost by a power cut; agents send it "
                 "again, so it is only late");
        }
    }

    void hubs() {
        if (cluster_.hubs.empty() && cluster_.installed()) {
            error("no_hub", "no hub runs: nothing is decided",
                  "Start one: systemctl start syncline-hub");
        }
        std::map<std::string, std::string> policies;
        std::map<std::string, std::string> versions;
        for (const Presence& hub : cluster_.hubs) {
            if (!hub.broken.empty()) {
                warn("presence_unreadable", "what the hub announces cannot be read: " + hub.broken,
                     "Is this synclinectl older than the hub?", "hub " + hub.id);
                continue;
            }
            policies[hub.said.text("policy")] += " " + hub.id;
            if (const std::string trouble = hub.said.text("policy_trouble"); !trouble.empty()) {
                error("policy_unreadable",
                      "the hub waits for a policy that it cannot read: " + trouble,
                      "Is the hub older than the synclinectl that applied it? Update it, or: "
                      "synclinectl policy rollback",
                      "hub " + hub.id);
            }
            versions[hub.said.text("version")] += " " + hub.id;
        }
        if (policies.size() > 1) {
            std::string list;
            for (const auto& [hash, ids] : policies) list += "; " + short_of(hash) + ":" + ids;
            warn("policies_differ", "the hubs decide by different policies" + list,
                 "Those that are busy come to the newest by themselves; see policy history");
        }
        if (versions.size() > 1) {
            std::string list;
            for (const auto& [version, ids] : versions) list += "; " + version + ":" + ids;
            tell(Level::kInfo, "versions_differ", "the hubs are of different versions" + list,
                 "Fine while upgrading");
        }
    }

    static std::string short_of(const std::string& hash) {
        return hash.empty() ? "(none)" : hash.substr(0, 12);
    }

    void partitions() {
        std::set<std::string> alive;
        for (const Presence& hub : cluster_.hubs) alive.insert(hub.id);
        std::string unheld;
        std::uint64_t unheld_count = 0;
        for (const PartitionView& view : cluster_.marks) {
            const std::string name = std::to_string(view.partition.value);
            if (!view.broken.empty()) {
                error("mark_damaged", "the mark cannot be read: " + view.broken,
                      "The hub that takes the partition reads it again from the start; inputs come "
                      "back as duplicates and are dropped",
                      "partition " + name);
            }
            const bool held =
                view.mark && !view.mark->holder.empty() && alive.contains(view.mark->holder.text);
            if (!held) {
                ++unheld_count;
                unheld += (unheld.empty() ? "" : ",") + name;
            }
            if (view.lag >= kLagMuch) {
                warn("partition_lagging", std::to_string(view.lag) + " inputs wait to be decided",
                     "Is its hub busy, or stuck on NATS? Another hub would share the work",
                     "partition " + name);
            }
        }
        // Without any hub that is said already, and once is enough.
        if (unheld_count > 0 && !cluster_.hubs.empty()) {
            error("partition_unheld",
                  count_text(unheld_count, "partition is", "partitions are") +
                      " held by no living hub: " + clipped(unheld, 80),
                  "Hubs take over within about ten seconds; if this stays, look at their logs");
        }
    }

    void check_agent(const Presence& agent) {
        const std::string where = "agent " + agent.id;
        const Announced& said = agent.said;
        if (!agent.broken.empty()) {
            warn("presence_unreadable", "what the agent announces cannot be read: " + agent.broken,
                 "Is this synclinectl older than the agent?", where);
            return;
        }
        if (cluster_.now - agent.heard_at > kAgentSilent) {
            warn("agent_silent", "last heard of " + age_text(agent.heard_at, cluster_.now),
                 "systemctl status syncline-agent@" + agent.id, where);
        }
        const std::string trouble = said.text("trouble");
        if (said.flag("needs_credentials")) {
            error("agent_denied", "the platform refuses its credentials: " + trouble,
                  "Renew them; the agent picks them up by itself", where);
        } else if (!trouble.empty()) {
            warn("agent_trouble", trouble, "The agent's log says more", where);
        }
        held_lanes(said, where);
        short_quota(said.inner("quota"), where);
        deaf(said.inner("push"), where);
        const std::string breaker = said.text("breaker");
        if (!breaker.empty() && breaker != "closed") {
            warn("breaker_open", "its circuit breaker is " + breaker + ": writes wait",
                 "The platform fails; the breaker tries it again by itself", where);
        }
        if (said.flag("reading_paused") || said.count("waiting_entries") >= kSpoolEntriesMuch ||
            said.count("waiting_bytes") >= kSpoolBytesMuch) {
            warn("spool_filling",
                 count_text(said.count("waiting_entries"), "entry", "entries") + " (" +
                     bytes_text(said.count("waiting_bytes")) + ") wait for a receipt" +
                     (said.flag("reading_paused") ? "; reading is paused" : ""),
                 "Do hubs run and hold all partitions? Nothing is lost; the source is slowed down",
                 where);
        }
        if (const auto doubts = said.count("commands_in_doubt"); doubts > 0) {
            warn("in_doubt", count_text(doubts, "command is", "commands are") + " in doubt",
                 "The agent reads back before it tries anything else; if it cannot, an exception "
                 "command.in_doubt is opened",
                 where);
        }
        if (const auto rejects = said.count("rejects"); rejects > 0) {
            warn("rejects", count_text(rejects, "record was", "records were") + " not understood",
                 "The agent keeps them with their reasons; correct its mapping", where);
        }
    }

    void held_lanes(const Announced& said, const std::string& where) {
        const auto at = said.fields().find("held_lanes");
        const auto* lanes = at == said.fields().end() ? nullptr : at->second.get<Value::List>();
        if (lanes == nullptr) return;
        for (const Value& value : *lanes) {
            const auto* map = value.get<Value::Map>();
            if (map == nullptr) continue;
            const Announced lane{*map};
            warn("lane_held",
                 lane.text("object") + " (" + lane.text("direction") + ") " +
                     (lane.flag("resuming") ? "is resuming" : "is held") + ": too many changes; " +
                     std::to_string(lane.count("held")) + " wait",
                 "synclinectl exceptions show " + lane.text("object") + " " +
                     lane_entity(ObjectName{}).entity.text,
                 where);
        }
    }

    /// What the platform says by itself is not heard, or not all of it.
    void deaf(const Announced& push, const std::string& where) {
        const std::string trouble = push.text("trouble");
        const bool down = push.text("state") == "down";
        if (!down && trouble.empty()) return;
        const Timestamp since = push.time("since");
        std::string text = down ? "the platform's pushes are not heard" : "push";
        if (down && since.ns != 0) text += ", since " + age_text(since, cluster_.now);
        warn("push_down", text + ": " + trouble,
             "Nothing is lost: polling finds what changed, only later. agent/README.md, \"Push\"",
             where);
    }

    void short_quota(const Announced& quota, const std::string& where) {
        std::string lanes;
        const Announced slowed = quota.inner("slowed");
        for (const auto& [lane, flow] : slowed.fields()) {
            const auto* const text = flow.get<std::string>();
            lanes += (lanes.empty() ? "" : ", ") + lane + " " + (text == nullptr ? "" : *text);
        }
        const Timestamp ends = quota.time("used_up_at");
        if (quota.count("limit") == 0 || (lanes.empty() && ends.ns == 0)) return;
        std::string text = "of its quota of " + std::to_string(quota.count("limit")) + " calls " +
                           std::to_string(quota.count("used")) + " are used, and " +
                           std::to_string(quota.count("reserve")) + " are a reserve";
        if (!lanes.empty()) text += "; " + lanes;
        if (ends.ns != 0 && ends <= cluster_.now) text += "; nothing else is left";
        if (ends > cluster_.now) {
            text += "; asks, commands and other applications use up the rest at " + time_text(ends);
        }
        const Timestamp resets = quota.time("resets_at");
        warn("quota_short", std::move(text),
             resets.ns == 0 ? "It comes back bit by bit. Who else calls the platform? "
                              "agent/README.md, \"Quota\""
                            : "The window ends at " + time_text(resets) +
                                  ". Who else calls the platform? agent/README.md, \"Quota\"",
             where);
    }

    void absent_agents() {
        std::set<std::string> absent;
        for (const PartitionView& view : cluster_.marks) {
            if (!view.mark) continue;
            for (const auto& source : view.mark->sources) absent.insert(source.platform.text);
        }
        for (const Presence& agent : cluster_.agents) absent.erase(agent.id);
        for (const std::string& platform : absent) {
            warn("agent_absent", "it sent inputs before, and is not heard of now",
                 "systemctl status syncline-agent@" + platform, "agent " + platform);
        }
    }

    void exceptions() {
        for (const std::string& damaged : cluster_.damaged) {
            error("exception_damaged", "an exception cannot be read: " + damaged,
                  "Is this synclinectl older than the hub?");
        }
        std::uint64_t open = 0;
        for (const ExceptionView& view : cluster_.open_exceptions) {
            // Nobody can close these; they matter while they are fresh.
            const bool fresh = cluster_.now - view.record.updated_at < std::chrono::days{1};
            if (view.record.kind == exceptions::kBroker && fresh) {
                warn("broker_lost_messages", view.record.reason,
                     "This warning ends a day after " + time_text(view.record.updated_at),
                     "stream " + view.record.entity.entity.text);
            } else if (view.record.care.material) {
                ++open;
            }
        }
        if (const std::uint64_t late = waiting_of(cluster_).overdue; late > 0) {
            warn("exceptions_overdue",
                 count_text(late, "exception is", "exceptions are") + " past the time set for them",
                 "synclinectl exceptions list --overdue");
        }
        if (open > 0) {
            tell(Level::kInfo, "exceptions_open",
                 count_text(open, "exception waits", "exceptions wait") + " for a person",
                 "synclinectl exceptions list");
        }
    }

    const Cluster& cluster_;
    std::vector<Finding> findings_;
};

}  // namespace

Waiting waiting_of(const Cluster& cluster) {
    Waiting waiting;
    for (const ExceptionView& view : cluster.open_exceptions) {
        const hub::Care& care = view.record.care;
        if (!care.material) {
            ++waiting.immaterial;
            continue;
        }
        ++waiting.all;
        ++waiting.by_severity[care.severity];
        waiting.overdue += is_overdue(view.record, cluster.now) ? 1 : 0;
        waiting.unassigned += care.assignee.empty() ? 1 : 0;
    }
    return waiting;
}

std::vector<Finding> judge(const Cluster& cluster) { return Judge{cluster}.run(); }

}  // namespace syncline::ctl
