#include "shared/nats/permissions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// What the server makes of these is tested against real ones by tests/integration/security_test.cc.

namespace syncline::nats {
namespace {

/// The first word, and what is behind it.
std::pair<std::string_view, std::string_view> cut(std::string_view subject) {
    const auto dot = subject.find('.');
    if (dot == subject.npos) return {subject, {}};
    return {subject.substr(0, dot), subject.substr(dot + 1)};
}

/// Whether a subject can be both, each perhaps with wildcards.
bool overlap(std::string_view a, std::string_view b) {
    while (!a.empty() && !b.empty()) {
        const auto [one, a_rest] = cut(a);
        const auto [other, b_rest] = cut(b);
        if (one == ">" || other == ">") return true;
        if (one != other && one != "*" && other != "*") return false;
        a = a_rest;
        b = b_rest;
    }
    return a.empty() && b.empty();
}

Member agent(const char* platform, std::vector<ListName> lists = {}) {
    return {.role = Role::kAgent,
            .name = std::string{"agent-"} + platform,
            .platform = PlatformId{platform},
            .lists = std::move(lists),
            .actor = {}};
}
Member person(Role role) {
    return {.role = role, .name = "ann", .platform = {}, .lists = {}, .actor = "ann"};
}

/// What he may send into the account that holds the streams.
std::vector<std::string> sends(const Member& member) {
    const Grants grants = grants_of(member);
    if (!grants.fenced) return grants.publish;
    std::vector<std::string> out;
    for (const Door& door : grants.in) {
        if (door.kind != Door::Kind::kMessages) out.push_back(door.subject);
    }
    return out;
}

bool may_send(const Member& member, std::string_view subject) {
    return std::ranges::any_of(sends(member),
                               [&](const std::string& one) { return overlap(one, subject); });
}

struct Row {
    const char* name;
    const char* subject;
    const char* who;  ///< A letter for each who may: crm's agent, hub, operator, viewer, keeper.
};
class Sending : public testing::TestWithParam<Row> {};
TEST_P(Sending, IsForThoseAlone) {
    const std::pair<char, Member> all[] = {{'a', agent("crm", {ListName{"price"}})},
                                           {'h', person(Role::kHub)},
                                           {'o', person(Role::kOperator)},
                                           {'v', person(Role::kViewer)},
                                           {'k', person(Role::kKeeper)}};
    std::string who;
    for (const auto& [letter, member] : all) {
        if (may_send(member, GetParam().subject)) who += letter;
    }
    EXPECT_EQ(who, GetParam().who);
}
INSTANTIATE_TEST_SUITE_P(
    Permissions, Sending,
    testing::Values(
        Row{"Change", "sync.in.crm.3.chg.customer.7", "a"},
        Row{"ChangeOfAnother", "sync.in.erp.3.chg.customer.7", ""},
        Row{"WhatAnOperatorDoes", "sync.in._op.3.discard.x", "ho"},
        Row{"State", "sync.st.entity.3.customer.e", "h"},
        Row{"Link", "sync.st.link.crm.customer.7", "h"},
        Row{"WebhookMark", "sync.st.webhook.shop", "ho"}, Row{"Loss", "sync.st.loss", "hk"},
        Row{"Command", "sync.cmd.crm.set.customer.e", "h"},
        Row{"ReadAgain", "sync.cmd.crm.again.records", "hok"},
        Row{"Exception", "sync.exc.customer.e.conflict", "h"},
        Row{"Event", "sync.evt.order.confirmed.7.e.1", "h"}, Row{"Log", "sync.log.customer.e", "h"},
        Row{"Receipt", "sync.rcv.crm", "ho"}, Row{"Lease", "$KV.sync_lease.agent.crm", "a"},
        Row{"LeaseOfAnother", "$KV.sync_lease.agent.erp", ""},
        Row{"Partition", "$KV.sync_lease.hub.one", "h"},
        Row{"PolicyVersion", "$KV.sync_policy.version.4", "ho"},
        Row{"OwnApproval", "$KV.sync_policy.approval.4.ann", "ho"},
        Row{"ApprovalOfAnother", "$KV.sync_policy.approval.4.eve", "h"},
        Row{"StreamInfo", "$JS.API.STREAM.INFO.SYNC_IN", "ahovk"},
        Row{"StateInfo", "$JS.API.STREAM.INFO.SYNC_STATE", "hovk"},
        Row{"StreamCreate", "$JS.API.STREAM.CREATE.SYNC_IN", "h"},
        Row{"StreamCreateOfAnother", "$JS.API.STREAM.CREATE.OTHER", ""},
        Row{"StreamUpdate", "$JS.API.STREAM.UPDATE.SYNC_IN", ""},
        Row{"StreamDelete", "$JS.API.STREAM.DELETE.SYNC_IN", "k"},
        Row{"StreamPurge", "$JS.API.STREAM.PURGE.SYNC_IN", ""},
        Row{"StatePurge", "$JS.API.STREAM.PURGE.SYNC_STATE", "h"},
        Row{"Erase", "$JS.API.STREAM.MSG.DELETE.SYNC_IN", "h"},
        Row{"EraseOfPolicy", "$JS.API.STREAM.MSG.DELETE.KV_sync_policy", ""},
        Row{"Snapshot", "$JS.API.STREAM.SNAPSHOT.SYNC_STATE", "k"},
        Row{"ReadBySequence", "$JS.API.DIRECT.GET.SYNC_STATE", ""},
        Row{"OwnCommands", "$JS.API.CONSUMER.CREATE.SYNC_CMD.n.sync.cmd.crm.>", "ahovk"},
        Row{"CommandsOfAnother", "$JS.API.CONSUMER.CREATE.SYNC_CMD.n.sync.cmd.erp.>", "hovk"},
        Row{"OwnLinks", "$JS.API.CONSUMER.CREATE.SYNC_STATE.n.sync.st.link.crm.>", "ahovk"},
        Row{"States", "$JS.API.CONSUMER.CREATE.SYNC_STATE.n.sync.st.entity.>", "hovk"},
        Row{"ConsumerDelete", "$JS.API.CONSUMER.DELETE.SYNC_CMD.n", "hk"}),
    [](const testing::TestParamInfo<Row>& made) { return std::string{made.param.name}; });

TEST(Permissions, NoAgentReachesWhatIsAnotherOnes) {
    const auto names_one = [](const std::string& subject) {
        return subject.find("erp") != subject.npos;
    };
    const std::vector<std::string> mine = sends(agent("crm"));
    std::size_t compared = 0;
    for (const std::string& other : sends(agent("erp"))) {
        if (!names_one(other)) continue;
        ++compared;
        for (const std::string& one : mine)
            EXPECT_FALSE(overlap(one, other)) << one << " " << other;
    }
    EXPECT_GT(compared, 5u);
    const Grants crm = grants_of(agent("crm"));
    for (const Door& door : grants_of(agent("erp")).out) {
        EXPECT_EQ(std::ranges::find(crm.out, door), crm.out.end()) << door.subject;
    }
}

TEST(Permissions, AnAgentReadsTheListsThatItTakesAlone) {
    const Member taker = agent("crm", {ListName{"price"}});
    const auto reads = [](const Member& member, const char* list) {
        return std::ranges::any_of(sends(member), [list](const std::string& subject) {
            return subject.find("SYNC_STATE") != subject.npos && subject.find(list) != subject.npos;
        });
    };
    EXPECT_TRUE(reads(taker, "price"));
    EXPECT_FALSE(reads(taker, "tax"));
    EXPECT_FALSE(reads(agent("crm"), "price"));
}

TEST(Permissions, EachHearsAnInboxOfHisOwnAlone) {
    for (const Member& member : {agent("crm"), person(Role::kHub), person(Role::kOperator),
                                 person(Role::kViewer), person(Role::kKeeper)}) {
        for (const std::string& subject : grants_of(member).subscribe) {
            EXPECT_NE(subject, ">") << member.name;
            if (!overlap(subject, "_INBOX.>")) continue;
            EXPECT_EQ(subject, "_INBOX." + member.name + ".>");
        }
    }
}

}  // namespace
}  // namespace syncline::nats
