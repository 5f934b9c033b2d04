#include "tests/integration/running_system.h"

namespace syncline::test {
namespace {

/// Which records are one customer: the real programs, `books` makes none of its own.
class Identity : public RunningSystem {
protected:
    [[nodiscard]] bool unmatched(Says says = Says::kYes) const {
        return ctl_says({"--json", "exceptions", "list"}, "identity.unmatched", says);
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
    std::string config = read("books.toml");
    const std::string line = "number = \"customer_no\"";
    config.replace(config.find(line), line.size(), "number = \"reference\"");
    write("books.toml", config);
    hub = start_hub();
    shop = start_agent("shop");
    books = start_agent("books");
    const auto record = [](const std::string& number) {
        return "{\"customer_no\": \"b1\", \"reference\": \"" + number + "\", \"name\": \"Ada\"}\n";
    };
    drop("customers-1.jsonl", record("7"), "books");
    ASSERT_TRUE(unmatched());
    drop("customers-2.jsonl", record("9"), "books");
    ASSERT_TRUE(ctl_says({"--json", "exceptions", "list"}, "\"9\""));
    drop("customers-1.jsonl", row("7", "Bea"));
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "7"}, "Bea"));
    EXPECT_EQ(ctl({"entity", "show", "customer", "7"}).find("b1"), std::string::npos);
    EXPECT_TRUE(unmatched()) << "it still waits, at its other key";
    drop("customers-2.jsonl", row("9", "Ada"));
    EXPECT_TRUE(unmatched(Says::kNoMore));
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "9"}, "b1"));
}

}  // namespace
}  // namespace syncline::test
