// Two agents of one platform, each with its own store: one is active, the other takes over. By
// databases, which write down what is done to them, and by file drops of their own, which show who
// did it.
#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

#include "shared/base/json.h"
#include "tests/integration/databases_system.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

constexpr const char* kActive = "holds the lease: this agent is the active one";
constexpr const char* kWaits = "stands by: the active agent is on";

std::size_t times(const Program& program, const std::string& text) {
    const std::string said = program.said();
    std::size_t count = 0;
    for (auto at = said.find(text); at != std::string::npos; at = said.find(text, at + 1)) ++count;
    return count;
}

/// How long `program` takes to say it once more than `before` times.
std::chrono::milliseconds until_says(const Program& program, const std::string& text,
                                     std::size_t before = 0) {
    const auto start = Clock::now();
    EXPECT_TRUE(until([&] { return times(program, text) > before; })) << text;
    return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
}

class Standby : public DatabasesSystem {
protected:
    ~Standby() override {
        end_traffic();
        second.reset();
    }

    /// The platform's file gets the line, and another, `<platform>2.toml`, a store of its own.
    /// As `status` tells them.
    [[nodiscard]] std::vector<std::string> standbys() const {
        std::vector<std::string> out;
        const auto said = parse_json(ctl({"--json", "status"}));
        const Value::Map& data = *said.value().get<Value::Map>()->at("data").get<Value::Map>();
        for (const Value& one : *data.at("standbys").get<Value::List>()) {
            const Value::Map& map = *one.get<Value::Map>();
            const bool active = *map.at("active").get<bool>();
            out.push_back(*map.at("platform").get<std::string>() + (active ? " active" : " waits"));
        }
        return out;
    }
    void give_standby(const std::string& platform) const {
        const std::string text = "standby = true\n" + read(platform + ".toml");
        write(platform + ".toml", text);
        std::string other = text;
        const std::string store = platform + ".db";
        other.replace(other.find(store), store.size(), platform + "2.db");
        write(platform + "2.toml", other);
    }
    /// Hub, shop, and the books with a stand-by, which waits.
    void start_with_standby_of(const std::string& platform) {
        give_standby(platform);
        start_programs();
        Program& first = platform == "shop" ? *shop : *books;
        until_says(first, kActive);
        second = start_agent(platform + "2");
        until_says(*second, kWaits);
    }
    /// Customers come all the time, one in 50 ms, until it is told to stop.
    void begin_traffic() {
        traffic_ = std::thread{[this] {
            while (!over_) {
                add(count_, count_);
                ++count_;
                std::this_thread::sleep_for(50ms);
            }
        }};
    }
    void end_traffic() {
        over_ = true;
        if (traffic_.joinable()) traffic_.join();
    }
    /// More of them arrive than there are now.
    void expect_traffic_to_arrive() {
        const auto now = static_cast<std::size_t>(count_);
        EXPECT_TRUE(until([&] { return books_have() > now; })) << books_have() << " of " << now;
    }
    [[nodiscard]] std::size_t books_have() const {
        SqliteClient books_too{folder / "books-platform.db"};
        return std::stoul(books_too.value("SELECT count(*) FROM customers"));
    }
    [[nodiscard]] std::string epoch_of_books() const {
        const std::string said = ctl({"--json", "status"});
        const auto at = said.find("\"epoch\":\"", said.find("\"agents\":"));
        return at == std::string::npos ? "" : said.substr(at, 30);
    }

    std::unique_ptr<Program> second;
    std::atomic<int> count_{0};
    std::atomic<bool> over_{false};
    std::thread traffic_;
};

class StandbyOf : public Standby, public testing::WithParamInterface<const char*> {};

TEST_P(StandbyOf, TakesOverWhenTheActiveOneIsKilledAndNothingIsLostOrMadeTwice) {
    const std::string platform = GetParam();
    start_with_standby_of(platform);
    begin_traffic();
    expect_traffic_to_arrive();
    (platform == "shop" ? shop : books)->kill9();
    const auto took = until_says(*second, kActive);
    // Renewed every 2 s, it lasts 10 s; tried every second.
    EXPECT_GT(took, 7s);
    EXPECT_LT(took, 13s);
    RecordProperty("takeover_ms", static_cast<int>(took.count()));
    expect_traffic_to_arrive();
    end_traffic();
    rename("0", "renamed at the end");
    EXPECT_TRUE(agree(static_cast<std::size_t>(count_)));
    EXPECT_EQ(done_wrong(), "");
    EXPECT_EQ(second->stop(), 0);
}
INSTANTIATE_TEST_SUITE_P(Either, StandbyOf, testing::Values("shop", "books"),
                         [](const auto& row) { return std::string{row.param}; });

TEST_F(Standby, TakesOverAtOnceWhenTheActiveOneStopsAndAStoreThatComesBackWritesNothingOfLongAgo) {
    start_with_standby_of("books");
    add(1, 20);
    EXPECT_TRUE(agree(20));
    rename("1", "one");
    EXPECT_TRUE(until([&] { return in_books()["1"] == "one"; }));
    EXPECT_EQ(books->stop(), 0);
    const auto took = until_says(*second, kActive);
    EXPECT_LT(took, 2s);
    RecordProperty("takeover_ms", static_cast<int>(took.count()));
    EXPECT_TRUE(ctl_says({"--json", "status"}, "status.standby_missing"));
    rename("1", "customer, renamed in the shop");
    add(21, 25);
    EXPECT_TRUE(agree(25));
    rename_in_books("1", "two");  // What was commanded last is not what is there.
    EXPECT_TRUE(until([&] { return in_shop()["1"] == "two"; }));

    books = start_agent("books");  // With a store that knows nothing of that.
    until_says(*books, kWaits);
    EXPECT_TRUE(ctl_says({"--json", "status"}, "status.standby_missing", Says::kNoMore));
    EXPECT_EQ(standbys(), (std::vector<std::string>{"books active", "books waits"}));
    const std::size_t before = times(*books, kActive);
    EXPECT_EQ(second->stop(), 0);
    EXPECT_LT(until_says(*books, kActive, before), 2s);
    add(26, 30);
    EXPECT_TRUE(agree(30));
    EXPECT_EQ(in_books()["1"], "two");
    EXPECT_EQ(done_wrong(), "");
    const std::string written = books_db->value(
        "SELECT count(*) FROM written WHERE number = '1' AND what = 'changed' AND name <> was");
    EXPECT_EQ(written, "3");  // "one", "customer, renamed in the shop", "two".
}

TEST_F(Standby, AStoreThatComesBackDoesNotMakeAgainWhatWasMadeAndDeletedMeanwhile) {
    start_with_standby_of("books");
    add(1, 5);
    EXPECT_TRUE(agree(5));
    EXPECT_EQ(books->stop(), 0);
    until_says(*second, kActive);
    add(6, 6);  // The command for it stays in its stream.
    EXPECT_TRUE(agree(6));
    add(7, 7);  // After it, or SQLite would give the number of the deleted row to another.
    EXPECT_TRUE(agree(7));
    books_db->run("DELETE FROM customers WHERE number = '6'");
    books = start_agent("books");
    until_says(*books, kWaits);
    const std::size_t before = times(*books, kActive);
    EXPECT_EQ(second->stop(), 0);
    until_says(*books, kActive, before);
    add(8, 8);
    EXPECT_TRUE(until([&] { return in_books().contains("8"); }));
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "delet"));  // The full read has shown it.
    EXPECT_FALSE(in_books().contains("6"));
    EXPECT_EQ(done_wrong(), "");
}

TEST_F(Standby, OneThatIsKilledAndComesBackInTimeGoesOnWithItsStore) {
    start_with_standby_of("books");
    add(1, 5);
    EXPECT_TRUE(agree(5));
    const std::string epoch = epoch_of_books();
    EXPECT_NE(epoch, "");
    const std::size_t before = times(*books, kActive);
    books->kill9();
    books = start_agent("books");
    EXPECT_LT(until_says(*books, kActive, before), 3s);
    add(6, 10);
    EXPECT_TRUE(agree(10));
    EXPECT_EQ(epoch_of_books(), epoch);
    EXPECT_EQ(times(*second, kActive), 0u);
    EXPECT_EQ(done_wrong(), "");
}

TEST_F(Standby, NewSettingsMoveNoLease) {
    start_with_standby_of("books");
    add(1, 5);
    EXPECT_TRUE(agree(5));
    const std::string epoch = epoch_of_books();
    const auto look_every = [&](Program& program, const std::string& file, const char* ms) {
        std::string text = read(file);
        const auto at = text.find("poll_ms = ");
        write(file, text.replace(at, text.find('\n', at) - at, std::string{"poll_ms = "} + ms));
        program.signal(SIGHUP);
    };
    for (std::size_t times_before = 1; times_before <= 2; ++times_before) {
        const char* ms = times_before == 1 ? "50" : "60";
        look_every(*books, "books.toml", ms);
        EXPECT_LT(until_says(*books, kActive, times_before), 3s);
        look_every(*second, "books2.toml", ms);
        until_says(*second, kWaits, times_before);
    }
    add(6, 10);
    EXPECT_TRUE(agree(10));
    EXPECT_EQ(epoch_of_books(), epoch);
    EXPECT_EQ(times(*second, kActive), 0u);
    for (Program* program : {books.get(), second.get()}) {
        EXPECT_EQ(times(*program, "applied by a new start"), 2u) << program->said();
        EXPECT_EQ(times(*program, "those of before hold"), 0u) << program->said();
    }
}

TEST_F(Standby, OfTwoThatAreStartedAtOnceOneIsActive) {
    give_standby("books");
    hub = start_hub();
    shop = start_agent("shop");
    for (std::size_t round = 1; round <= 3; ++round) {
        books = start_agent("books");
        second = start_agent("books2");
        const auto both = [&](const char* text) {
            return times(*books, text) + times(*second, text);
        };
        EXPECT_TRUE(until([&] { return both(kActive) >= round && both(kWaits) >= round; }));
        std::this_thread::sleep_for(3s);  // Two would show by now: each tries once a second.
        EXPECT_EQ(both(kActive), round);
        EXPECT_EQ(both("the lease is lost"), 0u);
        if (round == 1) {
            EXPECT_TRUE(ctl_says({"status"}, "stands by"));
            const std::string said = ctl({"status"});
            EXPECT_NE(said.find("Stand-by"), std::string::npos) << said;
            EXPECT_NE(said.find("active"), std::string::npos) << said;
            EXPECT_EQ(said.find("standby_missing"), std::string::npos) << said;
        }
        books->kill9();
        second->kill9();
        // Both are gone; the next two wait for the lease to expire, or take up their own.
    }
}

TEST_F(Standby, WithoutABrokerNobodyIsActiveAndBusinessGoesOnWhenItIsBack) {
    start_with_standby_of("books");
    add(1, 5);
    EXPECT_TRUE(agree(5));
    server.stop();
    const auto took = until_says(*books, "the lease is lost");
    EXPECT_LT(took, 7s);
    add(6, 10);
    server.start();
    EXPECT_TRUE(agree(10));
    EXPECT_EQ(done_wrong(), "");
    EXPECT_TRUE(books->runs());
    EXPECT_TRUE(second->runs());
}

/// Both have file drops of their own, so that it shows who wrote.
class StandbyFiles : public RunningSystem {
protected:
    ~StandbyFiles() override { second.reset(); }
    [[nodiscard]] std::set<std::string> files_of(const char* directory) const {
        std::set<std::string> names;
        for (const auto& file : std::filesystem::directory_iterator{folder / directory / "out"}) {
            const std::string name = file.path().filename();
            if (!name.starts_with(".")) names.insert(name);  // Else it is being written.
        }
        return names;
    }
    std::unique_ptr<Program> second;
};

TEST_F(StandbyFiles, AnAgentThatWakesUpWritesNothingAndStandsBy) {
    write_agent("books", "standby = true\n");
    write_agent("books2", "standby = true\n");
    std::string other = read("books2.toml");
    const std::string name = "platform = \"books2\"";
    write("books2.toml", other.replace(other.find(name), name.size(), "platform = \"books\""));
    // Slow, so that it has much to write when it is stopped, and stands between two writes.
    write("books.toml", read("books.toml") + "[rate]\nper_second = 5\nburst = 1\n");
    start_all();
    second = start_agent("books2");
    until_says(*second, kWaits);
    std::string rows;
    for (int i = 1; i <= 50; ++i) rows += row(std::to_string(i), "name " + std::to_string(i));
    drop("customers-a.jsonl", rows);
    EXPECT_TRUE(until([&] { return files_of("books").size() >= 5; }, 1ms));
    books->signal(SIGSTOP);  // One is written, the next is not begun: within a call nothing helps.
    const std::set<std::string> before = files_of("books");
    EXPECT_LT(before.size(), 40u);
    const auto took = until_says(*second, kActive);
    EXPECT_LT(took, 13s);
    EXPECT_TRUE(until([&] { return files_of("books2").size() >= 51 - before.size(); }));
    const std::size_t waited = times(*books, kWaits);
    books->signal(SIGCONT);
    drop("customers-b.jsonl", row("51", "name 51"));
    until_says(*books, kWaits, waited);
    EXPECT_TRUE(until([&] { return files_of("books2").size() >= 52 - before.size(); }));
    EXPECT_EQ(files_of("books"), before);
    EXPECT_TRUE(books->says("the lease is lost"));
    EXPECT_EQ(times(*second, "the lease is lost"), 0u);

    EXPECT_EQ(second->stop(), 0);  // And it takes over again.
    until_says(*books, kActive, 1);
    drop("customers-c.jsonl", row("52", "name 52"));
    EXPECT_TRUE(arrives({"52"}));
}

}  // namespace
}  // namespace syncline::test
