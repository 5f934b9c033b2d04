// Erasure of a person, with the programs as processes: what the streams and the agents' files hold
// is looked for in their very bytes.
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "hub/ctl/session.h"
#include "tests/integration/running_system.h"

namespace syncline::test {
namespace {

namespace fs = std::filesystem;

constexpr const char* kPerson = "Lovelace";

class Forget : public RunningSystem {
protected:
    /// Customers 7, who is to be forgotten, and 8; 7 has a history.
    void start_with_customers() {
        start_all();
        drop("customers-1.jsonl", row("7", "Ada Lovelace"));
        drop("customers-2.jsonl", row("8", "Robert"));
        ASSERT_TRUE(arrives({"7", "8"}));
        drop("customers-3.jsonl", row("7", "Augusta Lovelace"));
        ASSERT_TRUE(ctl_says({"entity", "show", "customer", "7"}, "Augusta"));
        id = entity_of("shop:7");
    }
    /// It is deleted at `shop`, and a person has it deleted everywhere.
    void delete_everywhere() {
        drop("customers-4.jsonl", "{\"op\": \"delete\", \"customer_no\": \"7\"}\n");
        ASSERT_TRUE(ctl_says({"exceptions", "list"}, "delete.review"));
        const std::string said = ctl({"exceptions", "accept", "customer", id, "delete.review"});
        ASSERT_NE(said.find("accepted"), std::string::npos) << said;
        ASSERT_TRUE(ctl_says({"log", "customer", id}, "books record 7 deleted")) << id;
    }
    [[nodiscard]] std::string entity_of(const std::string& key) const {
        const std::string said = ctl({"entity", "show", "customer", key});
        const std::string before = "customer ";
        const auto at = said.find(before);
        return said.substr(at + before.size(), 24);
    }
    [[nodiscard]] std::string forget(const std::string& wait = "30s") const {
        return ctl({"forget", "customer", id, "--yes", "--reason", "case 4711", "--wait", wait});
    }
    /// In which streams a message, or its subject, has the text.
    [[nodiscard]] std::vector<std::string> streams_with(const std::string& text) const {
        auto session =
            ctl::Session::open({.urls = {server.url()}, .name = "looker"}, std::chrono::seconds{5});
        std::vector<std::string> found;
        for (const char* stream :
             {"SYNC_IN", "SYNC_STATE", "SYNC_CMD", "SYNC_EXC", "SYNC_LOG", "SYNC_EVT"}) {
            bool has = false;
            const auto read = (*session)->read_each(
                {.stream = stream, .filters = {}}, [&](const nats::InMessage& message) {
                    has = has || message.body.find(text) != std::string_view::npos ||
                          message.subject.find(text) != std::string_view::npos;
                    return ctl::Session::More::kWanted;
                });
            EXPECT_TRUE(read) << stream << ": " << read.error().what;
            if (has) found.emplace_back(stream);
        }
        return found;
    }
    /// Files below `where` that have the text in whatever page.
    [[nodiscard]] static std::vector<std::string> files_with(const fs::path& where,
                                                             const std::string& text) {
        std::vector<std::string> found;
        for (const auto& file : fs::recursive_directory_iterator{where}) {
            if (!file.is_regular_file()) continue;
            std::ifstream in{file.path(), std::ios::binary};
            const std::string bytes{std::istreambuf_iterator<char>{in}, {}};
            if (bytes.find(text) != std::string::npos) found.push_back(file.path().string());
        }
        return found;
    }
    [[nodiscard]] std::vector<std::string> stores_with(const std::string& text) const {
        std::vector<std::string> found;
        for (const char* platform : {"shop", "books"}) {
            for (const char* end : {".db", ".db-wal"}) {
                const std::string bytes = read(platform + std::string{end});
                if (bytes.find(text) != std::string::npos) found.push_back(platform);
            }
        }
        return found;
    }

    std::string id;
};

TEST_F(Forget, NothingOfAPersonIsLeftAndTheLogProvesIt) {
    start_with_customers();
    const std::string refused = ctl({"forget", "customer", "7"});
    EXPECT_NE(refused.find("books still has record 7: delete it there first"), std::string::npos)
        << refused;
    delete_everywhere();
    EXPECT_FALSE(streams_with(kPerson).empty());
    EXPECT_EQ(stores_with(kPerson), (std::vector<std::string>{"shop", "books"}));
    const std::string plan = ctl({"forget", "customer", id});
    EXPECT_NE(plan.find("nothing was done: add --yes"), std::string::npos) << plan;
    EXPECT_NE(plan.find("the agents of books, shop are told"), std::string::npos) << plan;
    EXPECT_FALSE(streams_with(kPerson).empty()) << "only shown";

    const std::string done = forget();
    EXPECT_NE(done.find("forget done"), std::string::npos) << done;
    EXPECT_EQ(streams_with(kPerson), std::vector<std::string>{});
    EXPECT_EQ(stores_with(kPerson), std::vector<std::string>{});
    EXPECT_FALSE(streams_with("Robert").empty()) << "only 7 is forgotten";
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", id}, "nothing of before is kept"));
    const std::string log = ctl({"log", "customer", id});
    EXPECT_NE(log.find("case 4711"), std::string::npos) << log;
    const std::string audit = ctl({"audit", "verify"});
    EXPECT_NE(audit.find("nothing was altered, removed or moved"), std::string::npos) << audit;
    EXPECT_NE(audit.find("was forgotten: "), std::string::npos) << audit;
    // The server has replaced states and commands of before, and overwrites them when it compacts.
    for (const char* stream : {"SYNC_IN", "SYNC_EXC", "SYNC_LOG"}) {
        for (const std::string& file : files_with(server.folder(), kPerson)) {
            EXPECT_EQ(file.find(stream), std::string::npos) << file;
        }
    }

    drop("customers-5.jsonl", row("7", "Ada again"));
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "7"}, "Ada again")) << "a new life";
    EXPECT_NE(ctl({"audit", "verify"}).find("nothing was altered"), std::string::npos);
}

TEST_F(Forget, WhatWasDoneIsCountedFromWhatIsKept) {
    start_with_customers();
    const std::vector<std::string> facts{"--json", "facts", "--from", "1h", "--show", "commands"};
    EXPECT_TRUE(ctl_says(facts, "\"changes\":4")) << "0, 7, 8, and 7 again";
    EXPECT_TRUE(ctl_says(facts, "SYNC_LOG")) << "the entries are shown";
    EXPECT_NE(ctl(facts).find("\"exceptions-opened\":0"), std::string::npos) << ctl(facts);
    EXPECT_NE(ctl({"facts", "--show", "nonsense"}).find("--show"), std::string::npos);
}

TEST_F(Forget, AnAgentThatIsAwayIsWaitedForAndAHubThatDiesLeavesItToTheNextOne) {
    start_with_customers();
    delete_everywhere();
    books->kill9();
    const std::string said = forget("2s");
    EXPECT_NE(said.find("the agents of books have not forgotten it yet"), std::string::npos)
        << said;
    hub->kill9();
    hub = start_hub();
    books = start_agent("books");
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", id}, "nothing of before is kept"));
    EXPECT_EQ(streams_with(kPerson), std::vector<std::string>{});
    EXPECT_EQ(stores_with(kPerson), std::vector<std::string>{});
    const std::string audit = ctl({"audit", "verify"});
    EXPECT_NE(audit.find("nothing was altered, removed or moved"), std::string::npos) << audit;
}

}  // namespace
}  // namespace syncline::test
