// A policy's way into force: real hubs, agents and synclinectl.
#include "hub/core/state_codec.h"
#include "shared/policy/policy_version.h"
#include "tests/integration/running_system.h"
#include "tests/integration/synclinectl_test.h"

namespace syncline::test {
namespace {

/// The name that `policy plan` ends with.
std::string plan_in(const std::string& said) {
    const auto at =
        said.find("plan 1-") != std::string::npos ? said.find("plan 1-") : said.find("plan 2-");
    if (at == std::string::npos) return {};
    return said.substr(at + 5, said.find(':', at) - at - 5);
}

class PolicyVersions : public RunningSystem {
protected:
    /// The policy that runs, with who owns the names.
    void propose(const std::string& directory, const std::string& rule) const {
        std::string policy = read("policy/policy.toml");
        const std::string now = "fields    = [\"*\"]\nresolve   = \"latest\"";
        policy.replace(policy.find(now), now.size(), "fields    = [\"*\"]\n" + rule);
        std::filesystem::create_directories(folder / directory);
        write(directory + "/policy.toml", policy);
    }
    [[nodiscard]] std::string plan(const std::string& directory) const {
        return plan_in(ctl({"policy", "plan", folder / directory}));
    }
    [[nodiscard]] std::string apply(const std::string& directory, const std::string& plan) const {
        return ctl({"policy", "apply", folder / directory, "--plan", plan, "--reason", "a test"});
    }
};

TEST_F(PolicyVersions, APlanIsAppliedByAllHubsAndExplainsWhatComesAfter) {
    start_all();
    const auto second = std::make_unique<Program>(
        "syncline-hub", std::vector<std::string>{"--config", folder / "hub.toml", "--id", "second"},
        Program::Setting{.log = folder / "second.log"});
    ASSERT_TRUE(until([&] { return second->says("hub is ready"); }));
    ASSERT_TRUE(ctl_says({"entity", "show", "customer", "0"}, "the first"));
    propose("next", "owner     = \"shop\"\notherwise = \"revert\"");
    const std::string name = plan("next");
    ASSERT_FALSE(name.empty());
    const std::string applied = apply("next", name);
    EXPECT_NE(applied.find("in force from input"), std::string::npos) << applied;
    EXPECT_NE(applied.find("2 of 2 hubs decide by it"), std::string::npos) << applied;
    drop("customers-1.jsonl", row("1", "after"));
    ASSERT_TRUE(arrives({"1"}));
    const std::string blame = ctl({"blame", "customer", "1", "name"});
    EXPECT_NE(blame.find("policy   2 ("), std::string::npos) << blame;
    EXPECT_NE(ctl({"blame", "customer", "0", "name"}).find("policy   1 ("), std::string::npos);
    const std::string history = ctl({"policy", "history"});
    EXPECT_NE(history.find("in force"), std::string::npos) << history;
    EXPECT_NE(history.find("replaced"), std::string::npos) << history;
    EXPECT_NE(history.find("a test"), std::string::npos) << history;
    EXPECT_EQ(second->stop(), 0);
}

TEST_F(PolicyVersions, APolicyMayChangeWhatIsStoredAlready) {
    start_all();
    propose("ignored", "owner     = \"shop\"\notherwise = \"ignore\"");
    ASSERT_NE(apply("ignored", plan("ignored")).find("in force from input"), std::string::npos);
    drop("customers-1.jsonl", row("1", "shop's name"));
    ASSERT_TRUE(arrives({"1"}));
    // Files carry no order: what is dropped while the record is made may be told before that.
    ASSERT_TRUE(ctl_says({"log", "customer", "1"}, "books outcome"));
    drop("customers-1.jsonl", row("1", "books' name"), "books");
    ASSERT_TRUE(ctl_says({"log", "customer", "1"}, "ignored"));
    propose("owned", "owner     = \"books\"\notherwise = \"revert\"");
    const std::string planned = ctl({"policy", "plan", folder / "owned"});
    EXPECT_NE(planned.find("1 with other commands at once"), std::string::npos) << planned;
    ASSERT_NE(apply("owned", plan_in(planned)).find("in force from input"), std::string::npos);
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "1"}, "books' name"));
    EXPECT_TRUE(ctl_says({"log", "customer", "1"}, "policy version 3"));
}

TEST_F(PolicyVersions, AnotherNameOfAFieldChangesNothingAndLeavesNoAgentBehind) {
    start_all();
    drop("customers-1.jsonl", row("1", "before"));
    ASSERT_TRUE(arrives({"1"}));
    std::string policy = read("policy/policy.toml");
    const std::string field = policy.substr(policy.find("\nname   ") + 1);
    const std::string line = field.substr(0, field.find('\n'));
    policy.replace(policy.find(line), line.size(),
                   "full_name = { type = \"string\", renamed_from = [\"name\"] }");
    std::filesystem::create_directories(folder / "renamed");
    write("renamed/policy.toml", policy);
    const std::string planned = ctl({"policy", "plan", folder / "renamed"});
    EXPECT_NE(planned.find(" 0 decided otherwise"), std::string::npos) << planned;
    EXPECT_NE(planned.find(" 0 with other commands at once"), std::string::npos) << planned;
    const std::string applied = apply("renamed", plan_in(planned));
    ASSERT_NE(applied.find("in force from input"), std::string::npos) << applied;
    EXPECT_EQ(applied.find("read its records anew"), std::string::npos) << applied;
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "1"}, "full_name"));
    // The agents' mappings say `name` as before: a change of a record, and a new one.
    drop("customers-2.jsonl", row("1", "after"));
    drop("customers-3.jsonl", row("2", "new"));
    ASSERT_TRUE(arrives({"2"}));
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "1"}, "after"));
    EXPECT_TRUE(ctl_says({"blame", "customer", "1", "name"}, "full_name"));
}

TEST_F(PolicyVersions, AChangeThatBreaksAContractIsRefusedUnlessItsVersionIsRaised) {
    start_all();
    std::string policy = read("policy/policy.toml");
    const std::string field = policy.substr(policy.find("\nname   ") + 1);
    const std::string line = field.substr(0, field.find('\n'));
    policy.replace(policy.find(line), line.size(), "name = \"date\"");
    std::filesystem::create_directories(folder / "broken");
    write("broken/policy.toml", policy);
    const std::string planned = ctl({"policy", "plan", folder / "broken"});
    EXPECT_NE(planned.find("policy.contract_broken"), std::string::npos) << planned;
    const std::string refused = apply("broken", plan_in(planned));
    EXPECT_NE(refused.find("policy.contract_broken"), std::string::npos) << refused;
    EXPECT_EQ(refused.find("in force"), std::string::npos) << refused;
    write("broken/policy.toml", policy + "\n[objects.customer]\nversion = 2\n");
    const std::string checked = ctl({"contracts", "check", "active", folder / "broken"});
    EXPECT_NE(checked.find("by version"), std::string::npos) << checked;
    const std::string taken = apply("broken", plan("broken"));
    EXPECT_NE(taken.find("in force from input"), std::string::npos) << taken;
}

TEST_F(PolicyVersions, APlanThatIsOutdatedIsRefused) {
    start_all();
    propose("one", "owner     = \"shop\"\notherwise = \"revert\"");
    propose("two", "owner     = \"books\"\notherwise = \"revert\"");
    const std::string of_one = plan("one");
    const std::string of_two = plan("two");
    EXPECT_NE(apply("two", of_one).find("the plan is of other files"), std::string::npos);
    EXPECT_NE(apply("one", "").find("policy plan"), std::string::npos) << "without any plan";
    ASSERT_NE(apply("one", of_one).find("in force from input"), std::string::npos);
    const std::string late = apply("two", of_two);
    EXPECT_NE(late.find("the plan was made on version 1, and version 2 by"), std::string::npos)
        << late;
    EXPECT_NE(apply("one", of_one).find("is this very policy"), std::string::npos);
    EXPECT_EQ(ctl({"policy", "history"}).find("\n      3  "), std::string::npos);
}

TEST_F(PolicyVersions, ARollbackIsANewVersionWithTheOldFiles) {
    start_all();
    propose("next", "owner     = \"shop\"\notherwise = \"revert\"");
    ASSERT_NE(apply("next", plan("next")).find("in force from input"), std::string::npos);
    const std::string dry = ctl({"policy", "rollback", "--reason", "bad", "--dry-run"});
    EXPECT_NE(dry.find("the files of version 1"), std::string::npos) << dry;
    EXPECT_NE(dry.find("Nothing was published"), std::string::npos) << dry;
    const std::string back = ctl({"policy", "rollback", "--reason", "bad idea"});
    EXPECT_NE(back.find("in force from input"), std::string::npos) << back;
    const std::string history = ctl({"policy", "history"});
    EXPECT_NE(history.find("(as version 1) bad idea"), std::string::npos) << history;
    EXPECT_NE(ctl({"policy", "rollback", "--to", "7", "--reason", "x"}).find("was never in force"),
              std::string::npos);
    // Written as it was.
    std::ignore = ctl({"policy", "export", folder / "exported"});
    EXPECT_EQ(read("exported/policy.toml"), read("policy/policy.toml"));
    EXPECT_NE(ctl({"policy", "export", folder / "exported"}).find("is not empty"),
              std::string::npos);
}

TEST_F(PolicyVersions, AHubThatIsStartedWithAnotherDirectoryDecidesByWhatIsInForce) {
    start_all();
    hub->stop();
    propose("policy", "owner     = \"shop\"\notherwise = \"revert\"");
    hub = start_hub();
    EXPECT_TRUE(until([&] { return hub->says("differs from the version in force"); }));
    drop("customers-1.jsonl", row("1", "after"));
    ASSERT_TRUE(arrives({"1"}));
    EXPECT_NE(ctl({"blame", "customer", "1", "name"}).find("policy   1 ("), std::string::npos);
}

TEST_F(PolicyVersions, TheFirstPolicyMayBeAppliedToAHubWithoutAny) {
    std::string config = read("hub.toml");
    config.erase(0, config.find('\n') + 1);
    write("hub.toml", config);
    hub = start_hub();
    ASSERT_TRUE(until([&] { return hub->says("there is no policy yet"); }));
    const std::string applied = ctl({"policy", "apply", folder / "policy", "--reason", "first"});
    EXPECT_NE(applied.find("in force from the first input on"), std::string::npos) << applied;
    ASSERT_TRUE(until([&] { return hub->says("hub is ready"); }));
    start_all();
}

// ---- What hubs hold operators to. -------------------------------------------------------------

class PolicyBucket : public SynclinectlTest {
protected:
    PolicyBucket() {
        std::string pattern = (std::filesystem::temp_directory_path() / "policy-XXXXXX").string();
        folder_ = ::mkdtemp(pattern.data());
        write(2, "revert");
        hub_ = std::make_unique<Child>(
            std::vector<std::string>{"--server", server.url(), "--policy", folder_ / "2"},
            "syncline-hub");
        EXPECT_TRUE(until([&] { return hub_->err().find("hub is ready") != std::string::npos; }));
    }
    ~PolicyBucket() override { std::filesystem::remove_all(folder_); }

    /// A policy that `approvals` people must want another after; each `otherwise` makes another.
    void write(int approvals, const std::string& otherwise) const {
        const auto directory = folder_ / std::to_string(approvals);
        std::filesystem::create_directories(directory);
        std::ofstream{directory / "policy.toml"} << text(approvals, otherwise);
    }
    static std::string text(int approvals, const std::string& otherwise) {
        return "[policy]\nname = \"p\"\napprovals = " + std::to_string(approvals) + R"(
[platforms.crm]
[platforms.erp]
[objects.customer.fields]
name = "string"
[[objects.customer.own]]
fields = ["*"]
owner = "crm"
otherwise = ")" +
               otherwise + R"("
[objects.customer.on.crm]
fields = ["*"]
founds = true
on_delete = "review"
[objects.customer.on.erp]
fields = ["*"]
receives = true
on_delete = "review"
)";
    }
    static PolicyFile file() { return {"policy.toml", text(1, "accept")}; }
    /// Version `number` by somebody else.
    void put_version(std::uint64_t number, const std::string& author, std::uint64_t base) {
        const std::vector<PolicyFile> files{file()};
        PolicyVersion version = version_of(number, "p", files);
        version.author = author;
        version.base = base;
        put(subjects::policy_file(version.files[0].hash), files[0].text);
        put(subjects::policy_version(number), to_text(version));
    }
    void activate(std::uint64_t version, std::vector<std::string> approved_by) {
        put(subjects::policy_activation(),
            to_text(PolicyActivation{version, policy_hash({file()}), std::move(approved_by),
                                     "mallory", clock.now()}));
    }
    [[nodiscard]] std::string standing(std::uint64_t number) {
        const Value::Map envelope = ctl_json({"policy", "history"}).json();
        const Value::Map& data = map_in(envelope.at("data"));
        for (const Value& version : *data.at("versions").get<Value::List>()) {
            if (map_in(version).at("version") == Value{static_cast<std::int64_t>(number)}) {
                return *map_in(version).at("standing").get<std::string>();
            }
        }
        return "missing";
    }

    std::filesystem::path folder_;
    std::unique_ptr<Child> hub_;
};

TEST_F(PolicyBucket, AVersionNeedsAnotherPersonWhereThePolicyInForceSaysSo) {
    write(1, "accept");
    const std::string plan = plan_in(ctl({"policy", "plan", folder_ / "1"}).out);
    const Ran applied =
        ctl({"policy", "apply", folder_ / "1", "--plan", plan, "--reason", "quicker"});
    EXPECT_EQ(applied.exit, 0) << applied;
    EXPECT_TRUE(applied.says("waits for 1 more person")) << applied;
    EXPECT_EQ(standing(2), "waits");
    const Ran mine = ctl({"policy", "approve", "2", "--reason", "I like it"});
    EXPECT_EQ(mine.exit, 5) << mine;
    EXPECT_TRUE(mine.says("is by you")) << mine;
    // One by somebody else, which I want too.
    put_version(3, "bea@elsewhere", 1);
    const Ran theirs = ctl({"policy", "approve", "3", "--reason", "fine"});
    EXPECT_EQ(theirs.exit, 0) << theirs;
    EXPECT_TRUE(theirs.says("in force from input")) << theirs;
    EXPECT_EQ(standing(3), "in force");
    EXPECT_EQ(standing(2), "outdated");
    const Ran late = ctl({"policy", "approve", "2", "--reason", "late"});
    EXPECT_EQ(late.exit, 5) << late;
    EXPECT_TRUE(late.says("was made on version 1, and version 3 by bea@elsewhere")) << late;
}

TEST_F(PolicyBucket, HubsRefuseWhatTooFewPeopleWant) {
    put_version(2, "mallory", 1);
    activate(2, {"bea@elsewhere"});  // Who never said so.
    EXPECT_TRUE(until([&] { return standing(2) == "refused"; }));
    // Of something else.
    put(subjects::policy_approval(2, "bea@elsewhere"),
        to_text(PolicyApproval{"bea@elsewhere", "another", "fine", clock.now()}));
    activate(2, {"bea@elsewhere"});
    // Herself, on another host.
    put(subjects::policy_approval(2, "mallory@other"),
        to_text(PolicyApproval{"mallory@other", policy_hash({file()}), "", clock.now()}));
    activate(2, {"mallory@other"});
    // She has now.
    put(subjects::policy_approval(2, "bea@elsewhere"),
        to_text(PolicyApproval{"bea@elsewhere", policy_hash({file()}), "fine", clock.now()}));
    activate(2, {"bea@elsewhere"});
    EXPECT_TRUE(until([&] { return standing(2) == "in force"; }));
}

TEST_F(PolicyBucket, HubsRefuseWhatWasMadeOnAnotherVersion) {
    put_version(2, "mallory", 7);
    activate(2, {});
    EXPECT_TRUE(until([&] {
        return ctl_json({"policy", "history"}).says("it was made on version 7, and 1 was in force");
    }));
}

TEST_F(PolicyBucket, WhatCannotBeReadChangesNothing) {
    put(subjects::policy_activation(), "{not json");
    put(subjects::policy_activation(), "{}");
    activate(9, {});  // There is none.
    put_version(2, "mallory", 1);
    put(subjects::policy_approval(2, "bea"),
        to_text(PolicyApproval{"bea", policy_hash({file()}), "", clock.now()}));
    activate(2, {"bea"});
    EXPECT_TRUE(until([&] { return standing(2) == "in force"; })) << "hubs went on";
    put(subjects::policy_version(3), "\xff");
    const Ran history = ctl({"policy", "history"});
    EXPECT_EQ(history.exit, 1) << history;
    EXPECT_TRUE(history.says("$KV.sync_policy.version.3")) << history;
}

TEST_F(PolicyBucket, OfTwoWhoApplyAtOnceOneIsTold) {
    write(1, "accept");
    const std::string plan = plan_in(ctl({"policy", "plan", folder_ / "1"}).out);
    const auto command = words({"policy", "apply", folder_ / "1", "--plan", plan, "--reason", "x"});
    Child one{command};
    Child other{command};
    const Ran first = one.wait();
    const Ran second = other.wait();
    EXPECT_EQ(first.exit + second.exit == 5 || (first.exit == 0 && second.exit == 0), true)
        << first << second;
    EXPECT_TRUE(first.exit == 0 || first.says("just now")) << first;
    EXPECT_TRUE(second.exit == 0 || second.says("just now")) << second;
}

TEST_F(PolicyBucket, AFileThatNoMessageHoldsIsRefused) {
    write(1, "accept");
    std::ofstream{folder_ / "1" / "big.toml"} << "# " << std::string(1'048'560, 'x') << "\n";
    const std::string plan = plan_in(ctl({"policy", "plan", folder_ / "1"}).out);
    const Ran applied =
        ctl({"policy", "apply", folder_ / "1", "--plan", plan, "--reason", "too much"});
    EXPECT_EQ(applied.exit, 5) << applied;
    EXPECT_TRUE(applied.says("big.toml is 1048563 bytes, more than one message holds")) << applied;
    EXPECT_EQ(standing(2), "missing");
}

}  // namespace
}  // namespace syncline::test
