// Reference data, with the programs as processes: `shop` owns a price list in a CSV file, `books`
// is given it, and somebody reads it there all the time, who must never see half of one.
#include <gtest/gtest.h>

#include <atomic>
#include <fstream>
#include <sstream>
#include <thread>

#include "shared/nats/purge.h"
#include "shared/wire/subjects.h"
#include "tests/integration/running_system.h"
#include "tests/integration/stranger.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr int kRows = 2'000;

struct Schedule {
    int every_s = 3'600;
    int stale_after_s = 7'200;
};

class Lists : public RunningSystem {
protected:
    Lists() {
        use({});
        for (const char* platform : {"shop", "books"}) {
            const std::string file = std::string{platform} + ".toml";
            write(file, read(file) + R"([lists.price]
native = "price.csv"
key = "sku"
[lists.price.fields]
amount = { path = "amount", type = "decimal" }
issue = "issue"
)");
        }
    }
    ~Lists() override {
        reading_ = false;
        if (reader_.joinable()) reader_.join();
    }

    void use(const Schedule& schedule) {
        if (head_.empty()) head_ = read("policy/policy.toml");
        write("policy/policy.toml",
              head_ + "[lists.price]\nfrom = \"shop\"\nto = [\"books\"]\n" +
                  "every_s = " + std::to_string(schedule.every_s) +
                  "\nstale_after_s = " + std::to_string(schedule.stale_after_s) + R"(
[lists.price.fields]
amount = { type = "decimal", required = true }
issue  = "string"
)");
    }
    void start() {
        hub = start_hub();
        shop = start_agent("shop");
        books = start_agent("books");
    }

    static std::string text(const std::string& issue, int rows = kRows) {
        std::string out = "sku,amount,issue\n";
        for (int i = 0; i < rows; ++i) {
            out += "sku-" + std::to_string(i) + "," + std::to_string(i) + ".50," + issue + "\n";
        }
        return out;
    }
    /// The list is there at once and whole, but what it says may be half of something.
    void offer(const std::string& content) const {
        write("shop/.price", content);
        fs::rename(folder / "shop/.price", folder / "shop/price.csv");
    }
    [[nodiscard]] std::string refresh() const { return ctl({"lists", "refresh", "price"}); }
    [[nodiscard]] std::string refresh_and_wait() const {
        return ctl({"lists", "refresh", "price", "--wait", "40s"});
    }

    struct Seen {
        std::size_t rows = 0;
        std::set<std::string> issues;
    };
    /// What a reader of the file sees.
    [[nodiscard]] Seen seen() const {
        std::ifstream in{folder / "books/price.csv"};
        Seen out;
        std::string line;
        std::getline(in, line);
        while (std::getline(in, line)) {
            ++out.rows;
            out.issues.insert(line.substr(line.rfind(',') + 1));
        }
        return out;
    }
    [[nodiscard]] bool arrives_issue(const std::string& issue, std::size_t rows = kRows) const {
        const bool done = until([&] {
            const Seen now = seen();
            return now.rows == rows && now.issues == std::set{issue};
        });
        if (!done) ADD_FAILURE() << ctl({"lists", "show", "price"});
        return done;
    }
    /// Reads the list over and over, until the end of the test.
    void begin_reading() {
        reading_ = true;
        reader_ = std::thread{[this] {
            while (reading_) {
                const Seen now = seen();
                ++reads_;
                const bool none = now.rows == 0 && now.issues.empty();
                const bool whole = now.rows == kRows && now.issues.size() == 1;
                if (!none && !whole) ++halves_;
                std::this_thread::sleep_for(1ms);
            }
        }};
    }
    void expect_only_whole_ones() {
        reading_ = false;
        reader_.join();
        EXPECT_GT(reads_, 100);
        EXPECT_EQ(halves_, 0) << "of " << reads_;
    }

    std::string head_;
    std::thread reader_;
    std::atomic<bool> reading_ = false;
    std::atomic<int> reads_ = 0;
    std::atomic<int> halves_ = 0;
};

TEST_F(Lists, AreReadByScheduleAndByHandAndTellWhatChanged) {
    offer(text("first"));
    start();
    EXPECT_TRUE(arrives_issue("first"));
    EXPECT_TRUE(ctl_says({"lists", "show"}, "books"));
    std::string next = text("first", kRows - 1);
    next.replace(next.find("sku-7,7.50"), 10, "sku-7,8.50");
    offer(next + "other,1,first\n");
    const std::string told = refresh_and_wait();
    EXPECT_NE(told.find("1 added, 1 changed, 1 removed"), std::string::npos) << told;
    EXPECT_NE(told.find("sku-1999"), std::string::npos) << told;
    EXPECT_NE(told.find("sku-7"), std::string::npos) << told;
    EXPECT_TRUE(arrives_issue("first"));
    EXPECT_NE(read("books/price.csv").find("sku-7,8.5,"), std::string::npos);
    // Nothing has changed: it is proven, and no generation more.
    const std::string again = refresh_and_wait();
    EXPECT_NE(ctl({"--json", "lists", "show", "price"}).find("\"generation\":2"), std::string::npos)
        << again;
    EXPECT_TRUE(ctl_says({"lists", "history", "price"}, "schedule"));
    // Somebody has edited it there.
    write("books/price.csv", "sku,amount,issue\n");
    std::ignore = ctl({"lists", "refresh", "price", "--whole"});
    EXPECT_TRUE(arrives_issue("first"));
}

TEST_F(Lists, HalfAFileIsNothing) {
    offer(text("first"));
    start();
    ASSERT_TRUE(arrives_issue("first"));
    begin_reading();
    const std::string whole = text("second");
    offer(whole.substr(0, whole.find("sku-1000,") + 12));  // Ends within a row.
    EXPECT_NE(refresh_and_wait().find("fields, the header 3"), std::string::npos);
    offer("sku,amount\nsku-1,1\n");
    EXPECT_NE(refresh_and_wait().find("has no column `issue`"), std::string::npos);
    offer("sku,amount,issue\nsku-1,,second\n");
    EXPECT_NE(refresh_and_wait().find("`amount` is required and empty"), std::string::npos);
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "list.refused"));
    EXPECT_TRUE(arrives_issue("first"));
    offer(whole.substr(0, whole.find("sku-1000,")));  // Whole rows, too few of them.
    EXPECT_NE(refresh_and_wait().find("[list.shrunk]"), std::string::npos);
    EXPECT_TRUE(arrives_issue("first"));
    offer(whole);
    std::ignore = refresh_and_wait();
    EXPECT_TRUE(arrives_issue("second"));
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "no open exceptions"));
    expect_only_whole_ones();
}

TEST_F(Lists, KilledProcessesGoOn) {
    offer(text("0"));
    start();
    ASSERT_TRUE(arrives_issue("0"));
    begin_reading();
    for (int round = 1; round <= 9; ++round) {
        offer(text(std::to_string(round)));
        std::ignore = refresh();
        // At another moment each time.
        std::this_thread::sleep_for(std::chrono::milliseconds{7 * round});
        if (round % 3 == 0) shop->kill9();
        if (round % 3 == 1) hub->kill9();
        if (round % 3 == 2) books->kill9();
        if (round % 3 == 0) shop = start_agent("shop");
        if (round % 3 == 1) hub = start_hub();
        if (round % 3 == 2) books = start_agent("books");
        EXPECT_TRUE(arrives_issue(std::to_string(round)));
    }
    expect_only_whole_ones();
}

TEST_F(Lists, AStaleOneIsToldAndClosesByItself) {
    use({.every_s = 1, .stale_after_s = 4});
    offer(text("first"));
    start();
    ASSERT_TRUE(arrives_issue("first"));
    shop->kill9();
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "list.stale"));
    shop = start_agent("shop");
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "no open exceptions"));
    // And where the agent runs and the list is not there.
    fs::remove(folder / "shop/price.csv");
    EXPECT_TRUE(ctl_says({"exceptions", "show", "_list", "price"}, "its agent says"));
    EXPECT_TRUE(arrives_issue("first"));
    offer(text("second"));
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "no open exceptions"));
    EXPECT_TRUE(arrives_issue("second"));
}

TEST_F(Lists, OneThatShrinksIsHeldUntilAPersonAnswers) {
    offer(text("first"));
    start();
    ASSERT_TRUE(arrives_issue("first"));
    offer(text("second", kRows / 2));
    std::ignore = refresh_and_wait();
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "list.shrunk"));
    EXPECT_TRUE(arrives_issue("first"));
    hub->kill9();
    hub = start_hub();
    std::ignore = ctl({"exceptions", "discard", "_list", "price", "list.shrunk", "--reason", "no"});
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "no open exceptions"));
    std::ignore = refresh_and_wait();
    EXPECT_TRUE(arrives_issue("first")) << "what was dropped comes no more";
    offer(text("third", kRows / 2));
    std::ignore = refresh_and_wait();
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "list.shrunk"));
    std::ignore =
        ctl({"exceptions", "accept", "_list", "price", "list.shrunk", "--reason", "asked Ann"});
    EXPECT_TRUE(arrives_issue("third", kRows / 2));
    EXPECT_TRUE(ctl_says({"exceptions", "show", "_list", "price"}, "accepted: asked Ann"));
}

TEST_F(Lists, WhatTheStreamsLoseIsSentWhole) {
    offer(text("first"));
    start();
    ASSERT_TRUE(arrives_issue("first"));
    begin_reading();
    Stranger stranger{server};
    for (const char* stream : {"SYNC_STATE", "SYNC_CMD"}) {
        const std::string told = stranger.ask(std::string{"$JS.API.STREAM.DELETE."} + stream);
        EXPECT_NE(told.find("\"success\""), std::string::npos) << told;
        ASSERT_TRUE(until([&] { return hub->says("the broker lost messages; healing"); }));
        offer(text(stream));
        EXPECT_TRUE(until([&] {
            return ctl({"lists", "show"}).find("price") != std::string::npos;
        }));
        std::ignore = refresh_and_wait();
        EXPECT_TRUE(arrives_issue(stream));
    }
    // Only parts of it: nobody notices before it is wanted by somebody who has nothing.
    const std::string told =
        stranger.ask(nats::purge_subject(subjects::kStreamState),
                     "{\"filter\":\"" + subjects::list_parts_of(ListName{"price"}) + "\"}");
    EXPECT_NE(told.find("\"success\""), std::string::npos) << told;
    books->kill9();
    for (const char* end : {"", "-wal", "-shm"})
        fs::remove(folder / ("books.db" + std::string{end}));
    fs::remove(folder / "books/price.csv");
    books = start_agent("books");
    EXPECT_TRUE(arrives_issue("SYNC_CMD"));
    expect_only_whole_ones();
}

}  // namespace
}  // namespace syncline::test
