#include "shared/base/json.h"
#include "tests/integration/running_system.h"

namespace syncline::test {
namespace {

/// Which records are one customer: the real programs, `books` makes none of its own.
class Identity : public RunningSystem {
protected:
    [[nodiscard]] bool shown(const std::string& kind, Says says = Says::kYes) const {
        return ctl_says({"--json", "exceptions", "list"}, kind, says);
    }
    [[nodiscard]] bool unmatched(Says says = Says::kYes) const {
        return shown("identity.unmatched", says);
    }
    /// The platform's records are named by one column and match by another.
    void match_by_reference(const std::string& platform) const {
        std::string config = read(platform + ".toml");
        const std::string line = "number = \"customer_no\"";
        config.replace(config.find(line), line.size(), "number = \"reference\"");
        write(platform + ".toml", config);
    }
    [[nodiscard]] std::string entity_of(const std::string& key) const {
        const auto said = parse_json(ctl({"--json", "entity", "show", "customer", key}));
        EXPECT_TRUE(said) << said.error().what;
        if (!said) return {};
        const Value::Map& data = *said->get<Value::Map>()->at("data").get<Value::Map>();
        const Value::Map& entity = *data.at("entity").get<Value::Map>();
        return *entity.at("entity").get<std::string>();
    }
    static std::string record(const std::string& id, const std::string& number) {
        return R"({"customer_no": ")" + id + R"(", "reference": ")" + number +
               R"(", "name": "Ada"})" + "\n";
    }
};

TEST_F(Identity, ARecordThatCameFirstIsTakenInInsteadOfMadeAgain) {
    start_all();
    drop("customers-1.jsonl", row("7", "Ada"), "books");
    ASSERT_TRUE(unmatched());
    drop("customers-1.jsonl", row("7", "Ada"));
    EXPECT_TRUE(unmatched(Says::kNoMore)) << "nothing is left for a person";
    drop("customers-2.jsonl", row("8", "Bea"));
    EXPECT_TRUE(arrives({"8"}));
    EXPECT_FALSE(arrived().contains("7")) << "books was told to make what it had";
    EXPECT_NE(ctl({"entity", "show", "customer", "7"}).find("books"), std::string::npos);
}

TEST_F(Identity, ARecordThatCameFirstAndGotAnotherKeyIsLeftAlone) {
    match_by_reference("books");
    hub = start_hub();
    shop = start_agent("shop");
    books = start_agent("books");
    drop("customers-1.jsonl", record("b1", "7"), "books");
    ASSERT_TRUE(unmatched());
    drop("customers-2.jsonl", record("b1", "9"), "books");
    ASSERT_TRUE(ctl_says({"--json", "exceptions", "list"}, "\"9\""));
    drop("customers-1.jsonl", row("7", "Bea"));
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "7"}, "Bea"));
    EXPECT_EQ(ctl({"entity", "show", "customer", "7"}).find("b1"), std::string::npos);
    EXPECT_TRUE(unmatched()) << "it still waits, at its other key";
    drop("customers-2.jsonl", row("9", "Ada"));
    EXPECT_TRUE(unmatched(Says::kNoMore));
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "9"}, "b1"));
}

TEST_F(Identity, ARecordThatIsCorrectedLaterClosesWhatWasOpenAboutIt) {
    match_by_reference("books");
    hub = start_hub();
    shop = start_agent("shop");
    books = start_agent("books");
    drop("customers-1.jsonl", record("b1", "7"), "books");
    ASSERT_TRUE(unmatched());
    hub->kill9();
    hub = start_hub();  // Another one, that has not opened it.
    drop("customers-1.jsonl", row("9", "Ada"));
    ASSERT_TRUE(ctl_says({"entity", "show", "customer", "9"}, "Ada"));
    EXPECT_TRUE(unmatched());
    drop("customers-2.jsonl", record("b1", "9"), "books");
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "9"}, "b1"));
    EXPECT_TRUE(unmatched(Says::kNoMore));
}

TEST_F(Identity, TwoThatComeToHaveOneKeyAreForAPersonUntilOneIsCorrected) {
    match_by_reference("shop");
    hub = start_hub();
    shop = start_agent("shop");
    drop("customers-1.jsonl", record("s1", "7"));
    drop("customers-2.jsonl", record("s2", "8"));
    ASSERT_TRUE(ctl_says({"entity", "show", "customer", "8"}, "s2"));
    drop("customers-2.jsonl", record("s2", "7"));
    ASSERT_TRUE(shown("identity.shared_key"));
    EXPECT_TRUE(ctl_says({"exceptions", "show", "customer", "shop:s2", "identity.shared_key"},
                         "its number is also that of customer"));
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "7"}, "s1")) << "the key is the first's";
    drop("customers-1.jsonl", record("s1", "9"));
    ASSERT_TRUE(ctl_says({"entity", "show", "customer", "9"}, "s1"));
    // The key is given up just after that is stored.
    EXPECT_TRUE(until([&] {
        const std::string said =
            ctl({"exceptions", "retry", "customer", "shop:s2", "identity.shared_key"});
        return said.find("still_open") == std::string::npos;
    }));
    EXPECT_TRUE(shown("identity.shared_key", Says::kNoMore)) << "the key is free";
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "7"}, "s2"));
}

TEST_F(Identity, TwoThatAreOneAreMergedAndTakenApartAgain) {
    write_agent("crm");
    hub = start_hub();
    shop = start_agent("shop");
    books = start_agent("crm");
    drop("customers-1.jsonl", row("7", "Ada"));
    drop("customers-1.jsonl", row("8", "Ada L."), "crm");
    ASSERT_TRUE(ctl_says({"entity", "show", "customer", "7"}, "shop"));
    ASSERT_TRUE(ctl_says({"entity", "show", "customer", "8"}, "crm"));
    const std::string other = entity_of("8");
    const std::string plan = ctl({"merge", "customer", "7", "8"});
    EXPECT_NE(plan.find("nothing was done"), std::string::npos) << plan;
    EXPECT_NE(plan.find("then has crm:8, shop:7"), std::string::npos) << plan;
    EXPECT_EQ(entity_of("8"), other) << "only shown";

    const std::string merged =
        ctl({"merge", "customer", "7", "8", "--yes", "--reason", "one person", "--wait", "20s"});
    EXPECT_NE(merged.find("merge done"), std::string::npos) << merged;
    EXPECT_EQ(entity_of("crm:8"), entity_of("shop:7"));
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "shop:7"}, other + " was merged into it"));
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", other}, "merged into customer"));
    EXPECT_TRUE(ctl_says({"log", "customer", other}, "one person"));
    EXPECT_TRUE(ctl_says({"merge", "customer", other, "shop:7"}, "is merged into"));
    // Later news of the record is for the one that has it by now.
    drop("customers-2.jsonl", row("8", "Ada Lovelace"), "crm");
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "shop:7"}, "Ada Lovelace"));

    const std::string apart =
        ctl({"unmerge", "customer", other, "--yes", "--reason", "two after all", "--wait", "20s"});
    EXPECT_NE(apart.find("unmerge done"), std::string::npos) << apart;
    EXPECT_EQ(entity_of("crm:8"), other);
    EXPECT_NE(entity_of("shop:7"), other);
    EXPECT_NE(ctl({"unmerge", "customer", other}).find("is not merged into another"),
              std::string::npos);
}

TEST_F(Identity, ARecordThatMatchesNobodyIsLinkedByAPerson) {
    start_all();
    drop("customers-1.jsonl", row("7", "Ada"));
    ASSERT_TRUE(arrives({"7"}));
    drop("customers-1.jsonl", row("77", "Ada"), "books");
    ASSERT_TRUE(unmatched());
    const std::string said =
        ctl({"link", "customer", "books:77", "7", "--yes", "--reason", "known", "--wait", "20s"});
    EXPECT_NE(said.find("link done"), std::string::npos) << said;
    EXPECT_TRUE(unmatched(Says::kNoMore));
    EXPECT_EQ(entity_of("books:77"), entity_of("7"));
    EXPECT_TRUE(shown("identity.second_record")) << "books has two for her now";
    EXPECT_NE(ctl({"link", "customer", "books:99", "7"}).find("no exception keeps it"),
              std::string::npos);
}

TEST_F(Identity, ARecordThatIsSomebodyElsesIsUnlinked) {
    match_by_reference("shop");
    hub = start_hub();
    shop = start_agent("shop");
    drop("customers-1.jsonl", record("s1", "7"));
    drop("customers-2.jsonl", record("s2", "7"));
    ASSERT_TRUE(shown("identity.second_record"));
    const std::string first = entity_of("shop:s1");
    ASSERT_EQ(entity_of("shop:s2"), first);
    const std::string said = ctl({"unlink", "customer", "shop:s2", "--yes", "--wait", "20s"});
    EXPECT_NE(said.find("unlink done"), std::string::npos) << said;
    EXPECT_TRUE(shown("identity.second_record", Says::kNoMore));
    EXPECT_TRUE(shown("identity.shared_key"));
    EXPECT_NE(entity_of("shop:s2"), first);
    EXPECT_EQ(entity_of("shop:s1"), first);
    EXPECT_NE(ctl({"unlink", "customer", "shop:s9"}).find("belongs to no customer"),
              std::string::npos);
}

}  // namespace
}  // namespace syncline::test
