#include "hub/ctl/status_findings.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace syncline::ctl {
namespace {

using namespace std::chrono_literals;

constexpr Timestamp kLooked{1'767'607'872'000'000'000};

/// Two partitions, one hub that holds both, one agent, all well.
Cluster healthy() {
    Cluster cluster;
    cluster.now = kLooked;
    cluster.server_version = "99.0.0";
    cluster.partitions = 2;
    cluster.streams = {{"SYNC_IN", nats::StreamInfo{}}};
    cluster.hubs = {{.id = "h1",
                     .said = Announced{{{"policy", Value{"abc"}}, {"version", Value{"1"}}}},
                     .heard_at = kLooked,
                     .broken = {}}};
    cluster.agents = {{.id = "crm",
                       .said = Announced{{{"breaker", Value{"closed"}}}},
                       .heard_at = kLooked - 5s,
                       .broken = {}}};
    for (std::uint16_t i = 0; i < 2; ++i) {
        PartitionView view{.partition = Partition{i}, .mark = hub::Mark{}, .broken = {}};
        view.mark->holder = HubId{"h1"};
        view.mark->sources = {{PlatformId{"crm"}, {1, 1}}};
        cluster.marks.push_back(view);
    }
    return cluster;
}

/// Three servers, of which `n2` is as given.
void hold(Cluster& cluster, nats::StreamReplica n2) {
    n2.server = "n2";
    nats::StreamInfo info;
    info.copies_wanted = 3;
    info.leader = "n0";
    info.replicas = {{.server = "n1", .current = true, .offline = false, .lag = 0}, n2};
    cluster.streams = {{"SYNC_IN", info}, {"SYNC_LOG", info}};
}

/// Sets one thing that the agent says.
void say(Cluster& cluster, const char* name, Value value) {
    Value::Map fields = cluster.agents[0].said.fields();
    fields.insert_or_assign(name, std::move(value));
    cluster.agents[0].said = Announced{fields};
}

struct JudgeCase {
    const char* code;  ///< Expected, besides nothing else; empty: none.
    Level level;
    void (*spoil)(Cluster&);
};
class Judge : public testing::TestWithParam<JudgeCase> {};

TEST_P(Judge, FindsWhatIsWrongAndNothingElse) {
    Cluster cluster = healthy();
    GetParam().spoil(cluster);
    const auto findings = judge(cluster);
    if (std::string_view{GetParam().code}.empty()) {
        EXPECT_TRUE(findings.empty()) << findings.front().code;
        return;
    }
    ASSERT_EQ(findings.size(), 1U);
    EXPECT_EQ(findings[0].code, GetParam().code);
    EXPECT_EQ(findings[0].level, GetParam().level);
    EXPECT_NE(findings[0].hint, "");
}

void add_exception(Cluster& cluster, const char* kind, Timestamp at) {
    ExceptionView view{.record = {}, .subject = {}, .stored_at = {}};
    view.record.kind = kind;
    view.record.updated_at = at;
    cluster.open_exceptions.push_back(view);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Judge,
    testing::Values(
        JudgeCase{"", Level::kInfo, [](Cluster&) {}},
        JudgeCase{"status.stream_missing", Level::kError,
                  [](Cluster& c) {
                      c.streams.push_back({"SYNC_CMD", std::nullopt});
                  }},
        JudgeCase{"", Level::kInfo,
                  [](Cluster& c) {
                      hold(c, {.server = {}, .current = true, .offline = false, .lag = 0});
                  }},
        JudgeCase{"status.replica_offline", Level::kWarning,
                  [](Cluster& c) {
                      hold(c, {.server = {}, .current = false, .offline = true, .lag = 0});
                  }},
        JudgeCase{"status.replica_behind", Level::kWarning,
                  [](Cluster& c) {
                      hold(c, {.server = {}, .current = false, .offline = false, .lag = 17});
                  }},
        JudgeCase{"status.few_replicas", Level::kWarning,
                  [](Cluster& c) {
                      hold(c, {.server = {}, .current = true, .offline = false, .lag = 0});
                      c.streams[1].info->copies_wanted = 1;
                      c.streams[1].info->replicas.clear();
                  }},
        JudgeCase{"status.server_older", Level::kInfo,
                  [](Cluster& c) { c.server_version = "2.10.27"; }},
        JudgeCase{"status.no_hub", Level::kError, [](Cluster& c) { c.hubs.clear(); }},
        JudgeCase{"status.presence_unreadable", Level::kWarning,
                  [](Cluster& c) { c.hubs[0].broken = "not JSON"; }},
        JudgeCase{"status.policies_differ", Level::kWarning,
                  [](Cluster& c) {
                      c.hubs.push_back(
                          {.id = "h2",
                           .said = Announced{{{"policy", Value{"other"}}, {"version", Value{"1"}}}},
                           .heard_at = kLooked,
                           .broken = {}});
                  }},
        JudgeCase{"status.versions_differ", Level::kInfo,
                  [](Cluster& c) {
                      c.hubs.push_back(
                          {.id = "h2",
                           .said = Announced{{{"policy", Value{"abc"}}, {"version", Value{"2"}}}},
                           .heard_at = kLooked,
                           .broken = {}});
                  }},
        JudgeCase{"status.partition_unheld", Level::kError,
                  [](Cluster& c) { c.marks[1].mark->holder = HubId{"gone"}; }},
        JudgeCase{"status.partition_lagging", Level::kWarning,
                  [](Cluster& c) { c.marks[1].lag = kLagMuch; }},
        JudgeCase{"status.agent_silent", Level::kWarning,
                  [](Cluster& c) { c.agents[0].heard_at = kLooked - 31s; }},
        JudgeCase{"status.agent_absent", Level::kWarning, [](Cluster& c) { c.agents.clear(); }},
        JudgeCase{"status.agent_trouble", Level::kWarning,
                  [](Cluster& c) { say(c, "trouble", Value{"disk full"}); }},
        JudgeCase{"status.agent_denied", Level::kError,
                  [](Cluster& c) { say(c, "needs_credentials", Value{true}); }},
        JudgeCase{"status.lane_held", Level::kWarning,
                  [](Cluster& c) {
                      say(c, "held_lanes",
                          Value::List{Value::Map{{"object", "customer"}, {"direction", "in"}}});
                  }},
        JudgeCase{"status.quota_short", Level::kWarning,
                  [](Cluster& c) {
                      say(c, "quota",
                          Value::Map{{"limit", number(100)},
                                     {"slowed", Value::Map{{"backfill", "rests"}}}});
                  }},
        JudgeCase{"status.quota_short", Level::kWarning,
                  [](Cluster& c) {
                      say(c, "quota",
                          Value::Map{{"limit", number(100)},
                                     {"used_up_at", Value{"2026-01-05T10:11:12Z"}}});
                  }},
        JudgeCase{"status.push_down", Level::kWarning,
                  [](Cluster& c) {
                      say(c, "push", Value::Map{{"state", "down"}, {"trouble", "HTTP 503"}});
                  }},
        JudgeCase{"status.push_down", Level::kWarning,
                  [](Cluster& c) {
                      say(c, "push", Value::Map{{"state", "up"}, {"trouble", "/data/X: 403"}});
                  }},
        JudgeCase{"status.breaker_open", Level::kWarning,
                  [](Cluster& c) { say(c, "breaker", Value{"open"}); }},
        JudgeCase{"status.spool_filling", Level::kWarning,
                  [](Cluster& c) { say(c, "reading_paused", Value{true}); }},
        JudgeCase{"status.spool_filling", Level::kWarning,
                  [](Cluster& c) { say(c, "waiting_bytes", number(kSpoolBytesMuch)); }},
        JudgeCase{"status.in_doubt", Level::kWarning,
                  [](Cluster& c) { say(c, "commands_in_doubt", Value{1}); }},
        JudgeCase{"status.rejects", Level::kWarning,
                  [](Cluster& c) { say(c, "rejects", Value{2}); }},
        JudgeCase{"status.exceptions_open", Level::kInfo,
                  [](Cluster& c) { add_exception(c, "command.rejected", kLooked); }},
        JudgeCase{"status.broker_lost_messages", Level::kWarning,
                  [](Cluster& c) { add_exception(c, "broker.amnesia", kLooked - 1h); }},
        JudgeCase{"status.exceptions_open", Level::kInfo,
                  [](Cluster& c) { add_exception(c, "broker.amnesia", kLooked - 48h); }},
        JudgeCase{"status.exception_damaged", Level::kError,
                  [](Cluster& c) { c.damaged.emplace_back("somewhere"); }}));

TEST(JudgeMarks, ADamagedMarkIsToldWithItsPartition) {
    Cluster cluster = healthy();
    cluster.marks[1].mark.reset();
    cluster.marks[1].broken = "byte 3";
    const auto findings = judge(cluster);
    const auto at = std::ranges::find(findings, "status.mark_damaged", &Finding::code);
    ASSERT_NE(at, findings.end());
    EXPECT_EQ(at->where, "partition 1");
}

TEST(AnnouncedFields, AreReadWhateverIsThere) {
    const Announced said{{{"epoch", Value{"17000000000000000001"}},
                          {"count", Value{-4}},
                          {"text", Value{7}},
                          {"at", Value{"2026-01-05T10:11:12Z"}}}};
    EXPECT_EQ(said.count("epoch"), 17'000'000'000'000'000'001U);
    EXPECT_EQ(said.count("count"), 0U);
    EXPECT_EQ(said.count("missing"), 0U);
    EXPECT_EQ(said.text("text"), "");
    EXPECT_EQ(said.time("at"), kLooked);
    EXPECT_EQ(said.time("text"), Timestamp{});
    EXPECT_FALSE(said.flag("text"));
}

}  // namespace
}  // namespace syncline::ctl
