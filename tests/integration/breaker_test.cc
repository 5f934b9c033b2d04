// Too many changes at once, with the programs as processes: `shop` deletes or blanks a thousand
// customers, and `books`, which follows it, is to be spared until a person has said so.
#include <gtest/gtest.h>

#include <fstream>

#include "shared/base/json.h"
#include "tests/integration/running_system.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr int kCustomers = 1'000;

class Breaker : public RunningSystem {
protected:
    Breaker() {
        std::string policy = read("policy/policy.toml");
        constexpr std::string_view kReview = "\"review\"";
        for (auto at = policy.find(kReview); at != std::string::npos; at = policy.find(kReview)) {
            policy.replace(at, kReview.size(), "\"propagate\"");
        }
        write("policy/policy.toml", policy);
        write_agent("books", "[breaker]\nwindow_ms = 3600000\n");
        write_agent("shop", "[breaker]\nwindow_ms = 3600000\n");
    }
    void start_with_customers() {
        start_all();
        std::string rows;
        std::set<std::string> numbers;
        for (int i = 0; i < kCustomers; ++i) {
            rows += row(std::to_string(i), "somebody");
            numbers.insert(std::to_string(i));
        }
        drop("customers-1.jsonl", rows);
        ASSERT_TRUE(arrives(numbers));
        ASSERT_TRUE(until([&] { return told().size() >= std::size_t{kCustomers}; }));
    }
    void delete_all() const {
        std::string rows;
        for (int i = 0; i < kCustomers; ++i) {
            rows +=
                to_json(Value::Map{{"op", "delete"}, {"customer_no", std::to_string(i)}}) + "\n";
        }
        drop("customers-deleted.jsonl", rows);
    }
    void blank_all() const {
        std::string rows;
        for (int i = 0; i < kCustomers; ++i) {
            rows +=
                to_json(Value::Map{{"customer_no", std::to_string(i)}, {"name", Value{}}}) + "\n";
        }
        drop("customers-blanked.jsonl", rows);
    }
    /// What `books` was commanded, one after the other.
    [[nodiscard]] std::vector<Value::Map> told() const {
        std::vector<Value::Map> found;
        for (const auto& file : fs::directory_iterator{folder / "books/out"}) {
            std::ifstream in{file.path()};
            const auto read = parse_json(std::string{std::istreambuf_iterator<char>{in}, {}});
            if (read && read->get<Value::Map>()) found.push_back(*read->get<Value::Map>());
        }
        return found;
    }
    [[nodiscard]] std::size_t deletions_told() const {
        std::size_t count = 0;
        for (const Value::Map& row : told()) {
            const auto op = row.find("op");
            count += op != row.end() && op->second == Value{"delete"} ? 1 : 0;
        }
        return count;
    }
    [[nodiscard]] std::size_t blankings_told() const {
        std::size_t count = 0;
        for (const Value::Map& row : told()) {
            const auto name = row.find("name");
            count += name != row.end() && name->second.is_null() ? 1 : 0;
        }
        return count;
    }
    /// The agent may have done it before we look.
    [[nodiscard]] bool answers(const std::string& verb, const std::string& kind) const {
        const std::string said =
            ctl({"exceptions", verb, "customer", "_lane", kind, "--reason", "asked Ann"});
        const bool done = said.find(" " + verb + "ed") != std::string::npos;
        if (!done) ADD_FAILURE() << said;
        return done;
    }
    /// Waits until the lane is held, and nothing more is on its way.
    void expect_held(const std::string& kind, int waiting) const {
        ASSERT_TRUE(ctl_says({"exceptions", "list"}, kind));
        ASSERT_TRUE(ctl_says({"exceptions", "show", "customer", "_lane", kind},
                             std::to_string(waiting) + " are held"));
    }
};

/// More than 10 % of 1000.
constexpr int kAllowed = 100;

TEST_F(Breaker, DeletionsAreHeldBothWaysAndResumed) {
    start_with_customers();
    delete_all();
    expect_held("breaker.held_in", kCustomers - kAllowed);
    EXPECT_TRUE(ctl_says({"status"}, "customer (in) is held"));
    ASSERT_TRUE(until([&] { return deletions_told() == kAllowed; }));
    // Nothing of it is lost with the processes.
    shop->kill9();
    hub->kill9();
    hub = start_hub();
    shop = start_agent("shop");
    EXPECT_TRUE(ctl_says({"status"}, "customer (in) is held"));
    EXPECT_EQ(deletions_told(), std::size_t{kAllowed});
    EXPECT_TRUE(answers("accept", "breaker.held_in"));
    // What it comes to is too much for the other side as well.
    expect_held("breaker.held_out", kCustomers - kAllowed);
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "breaker.held_in", Says::kNoMore));
    EXPECT_EQ(deletions_told(), std::size_t{kAllowed});
    books->kill9();
    books = start_agent("books");
    EXPECT_TRUE(ctl_says({"status"}, "customer (out) is held"));
    EXPECT_TRUE(answers("accept", "breaker.held_out"));
    EXPECT_TRUE(until([&] { return deletions_told() == kCustomers; }));
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "no open exceptions"));
    EXPECT_TRUE(ctl_says({"exceptions", "show", "customer", "_lane"}, "accepted: asked Ann"));
}

TEST_F(Breaker, BlankingsAreDiscardedAndTheLaneFlows) {
    start_with_customers();
    blank_all();
    expect_held("breaker.held_in", kCustomers - kAllowed);
    ASSERT_TRUE(until([&] { return blankings_told() == kAllowed; }));
    EXPECT_TRUE(answers("discard", "breaker.held_in"));
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "no open exceptions"));
    EXPECT_EQ(blankings_told(), std::size_t{kAllowed});
    drop("customers-2.jsonl", row("new", "a new one"));
    EXPECT_TRUE(arrives({"new"}));
}

TEST_F(Breaker, CommandsAreDiscardedWithoutAStormOfExceptions) {
    start_with_customers();
    delete_all();
    expect_held("breaker.held_in", kCustomers - kAllowed);
    EXPECT_TRUE(answers("accept", "breaker.held_in"));
    expect_held("breaker.held_out", kCustomers - kAllowed);
    EXPECT_TRUE(answers("discard", "breaker.held_out"));
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "no open exceptions"));
    EXPECT_EQ(deletions_told(), std::size_t{kAllowed});
    drop("customers-2.jsonl", row("new", "a new one"));
    EXPECT_TRUE(arrives({"new"}));
}

}  // namespace
}  // namespace syncline::test
