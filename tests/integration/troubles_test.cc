// A platform that changes under its mapping, with the programs as processes: what falls silent or
// cannot be used any more becomes an exception, and ends by itself.
#include <gtest/gtest.h>

#include "shared/base/json.h"
#include "tests/integration/running_system.h"

namespace syncline::test {
namespace {

constexpr int kCustomers = 40;

class PlatformThatChanges : public RunningSystem {
protected:
    /// Of each customer; the name under another name than the one that is mapped.
    void drop_all(const std::string& file, const char* named, const char* name) const {
        std::string rows;
        for (int i = 0; i < kCustomers; ++i) {
            rows += to_json(Value::Map{{"customer_no", std::to_string(i)}, {named, name}}) + "\n";
        }
        drop(file, rows);
    }
    void start_with_customers() {
        start_all();
        drop_all("customers-1.jsonl", "name", "ann");
        std::set<std::string> numbers;
        for (int i = 0; i < kCustomers; ++i) numbers.insert(std::to_string(i));
        ASSERT_TRUE(arrives(numbers));
    }
};

TEST_F(PlatformThatChanges, RecordsThatCannotBeUsedAreAnExceptionWithoutWhatTheyHold) {
    start_with_customers();
    drop("customers-2.jsonl", R"({"customer_no":["4711"],"name":"Dora Secret"})"
                              "\n");
    ASSERT_TRUE(ctl_says({"exceptions", "list"}, "platform.records"));
    // It is not lost with the processes, nor opened twice by what is told again.
    shop->kill9();
    hub->kill9();
    hub = start_hub();
    shop = start_agent("shop");
    ASSERT_TRUE(ctl_says({"status"}, "shop"));
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "platform.records"));
    const std::string shown = ctl({"exceptions", "show", "customer", "_lane"});
    EXPECT_NE(shown.find("1 record cannot be used"), std::string::npos) << shown;
    EXPECT_EQ(shown.find("Dora"), std::string::npos) << shown;
    EXPECT_TRUE(ctl_says({"exceptions", "discard", "customer", "_lane", "platform.records",
                          "--reason", "the test's"},
                         "discarded"));
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "no open exceptions"));
}

}  // namespace
}  // namespace syncline::test
