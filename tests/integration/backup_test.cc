// Backup, disaster, restore, with the programs as processes: what the platforms hold in the end is
// what counts, and what their own triggers have written down.
#include <fstream>
#include <thread>

#include "hub/ctl/session.h"
#include "shared/base/json.h"
#include "tests/integration/databases_system.h"

namespace syncline::test {
namespace {

namespace fs = std::filesystem;

class Backup : public DatabasesSystem {
protected:
    struct Done {
        int exit = -1;
        std::string said;
        [[nodiscard]] bool says(std::string_view text) const {
            return said.find(text) != std::string::npos;
        }
    };
    [[nodiscard]] Done run(std::vector<std::string> words) const {
        words.insert(words.begin(), {"--server", nats_servers, "--timeout", "5"});
        const fs::path log = folder / "run.out";
        fs::remove(log);
        Program program{"synclinectl", std::move(words), {.log = log}};
        const int exit = program.wait();
        return {exit, program.said()};
    }
    [[nodiscard]] std::string backup() const { return (folder / "backup").string(); }

    /// Traffic, a backup in the middle of it, and traffic that is not in the backup.
    void live_and_back_up() {
        start_programs();
        add(0, 19);
        ASSERT_TRUE(agree(20));
        std::thread traffic{[this] {
            for (int i = 20; i < 40; ++i) {
                add(i, i);
                std::this_thread::sleep_for(std::chrono::milliseconds{20});
            }
        }};
        const Done made = run({"backup", backup(), "--with", (folder / "policy").string(), "--with",
                               (folder / "hub.toml").string()});
        traffic.join();
        ASSERT_EQ(made.exit, 0) << made.said;
        const Done checked = run({"backup", "verify", backup()});
        ASSERT_EQ(checked.exit, 0) << checked.said;
        EXPECT_TRUE(checked.says("every file is what was written")) << checked.said;
        EXPECT_TRUE(fs::exists(folder / "backup/files/policy/policy.toml"));
        add(40, 59);
        for (int i = 0; i < 5; ++i) rename(std::to_string(i), "renamed after the backup");
        ASSERT_TRUE(agree(60));
        rename_in_books("10", "changed in the books");
        ASSERT_TRUE(agree(60));
        ASSERT_EQ(in_shop().at("10"), "changed in the books");
    }
    /// The streams are gone, and the hub with them; at the platforms people go on.
    void lose_everything() {
        hub->kill9();
        server.kill9();
        server.wipe_store();
        add(60, 64);
        rename("30", "renamed in the dark");
        rename_in_books("31", "changed in the dark");
    }
    /// As the drill has it: whose word counts is heard before a hub believes the backup.
    void go_on() {
        if (shop == nullptr) {
            shop = start_agent("shop");
            books = start_agent("books");
        }
        for (const Program* agent : {shop.get(), books.get()}) {
            EXPECT_TRUE(until([&] { return agent->says("asks to read all records again"); }));
        }
        hub = start_hub();
    }
    void expect_all_well() {
        EXPECT_TRUE(agree(65));
        EXPECT_EQ(in_books()["0"], "renamed after the backup");
        EXPECT_EQ(in_books()["10"], "changed in the books");
        EXPECT_EQ(in_books()["30"], "renamed in the dark");
        EXPECT_EQ(in_shop()["31"], "changed in the dark");
        add(65, 69);
        rename("1", "renamed after the restore");
        EXPECT_TRUE(agree(70));
        EXPECT_EQ(in_books()["1"], "renamed after the restore");
        EXPECT_EQ(done_wrong(), "");
        expect_sound_audit();
        EXPECT_EQ(ctl({"--json", "exceptions", "list"}).find("\"kind\""), std::string::npos);
    }
};

TEST_F(Backup, AfterADisasterAllPlatformsAgreeAgainAndNothingIsDoneTwice) {
    live_and_back_up();
    lose_everything();
    server.start();
    const Done plan = run({"restore", backup(), "--dry-run"});
    EXPECT_EQ(plan.exit, 0) << plan.said;
    EXPECT_TRUE(plan.says("nothing was done")) << plan.said;
    const Done done = run({"restore", backup()});  // The agents run all the time.
    ASSERT_EQ(done.exit, 0) << done.said;
    go_on();
    expect_all_well();
}

TEST_F(Backup, AgentsThatLostTheirStoresTooMakeNoRecordTwice) {
    live_and_back_up();
    lose_everything();
    shop->kill9();
    books->kill9();
    for (const char* file :
         {"shop.db", "shop.db-wal", "shop.db-shm", "books.db", "books.db-wal", "books.db-shm"}) {
        fs::remove(folder / file);
    }
    server.start();
    const Done done = run({"restore", backup()});
    ASSERT_EQ(done.exit, 0) << done.said;
    start_programs();
    EXPECT_TRUE(agree(65));
    add(65, 69);
    EXPECT_TRUE(agree(70));
    EXPECT_EQ(done_wrong(), "");
    expect_sound_audit();
}

TEST_F(Backup, IsRestoredToThreeServers) {
    live_and_back_up();
    lose_everything();
    stop_programs();
    NatsCluster cluster;
    use_servers(cluster.urls(), 3);
    ASSERT_TRUE(until([&] { return run({"restore", backup(), "--dry-run"}).exit == 0; }));
    const Done refused = run({"restore", backup(), "--replicas", "5"});
    EXPECT_EQ(refused.exit, 3) << refused.said;
    EXPECT_TRUE(refused.says("the server takes no stream with 5 replicas")) << refused.said;
    const Done done = run({"restore", backup(), "--replicas", "3"});
    ASSERT_EQ(done.exit, 0) << done.said;
    go_on();
    expect_all_well();
    EXPECT_TRUE(ctl_says({"doctor"}, "SYNC_IN as expected, 3 replicas"));
    cluster.server(0).kill9();
    add(70, 74);
    EXPECT_TRUE(agree(75));
}

TEST_F(Backup, NamesWhatIsDamagedAndRestoresNothingOfIt) {
    live_and_back_up();
    stop_programs();
    const fs::path inputs = folder / "backup/streams/SYNC_IN.tar.s2";
    const std::string whole = read("backup/streams/SYNC_IN.tar.s2");
    const auto verify_says = [&](const std::string& text, int exit) {
        const Done checked = run({"backup", "verify", backup()});
        EXPECT_EQ(checked.exit, exit) << checked.said;
        EXPECT_TRUE(checked.says(text)) << text << "\n" << checked.said;
    };
    std::string flipped = whole;
    flipped[flipped.size() / 2] = static_cast<char>(flipped[flipped.size() / 2] ^ 1);
    write("backup/streams/SYNC_IN.tar.s2", flipped);
    verify_says("streams/SYNC_IN.tar.s2 holds other bytes than were written", 1);
    const Done refused = run({"restore", backup(), "--replace"});
    EXPECT_EQ(refused.exit, 1) << refused.said;
    EXPECT_TRUE(refused.says("the backup is damaged; nothing was done")) << refused.said;
    EXPECT_TRUE(ctl_says({"entity", "show", "customer", "10"}, "changed in the books"));
    write("backup/streams/SYNC_IN.tar.s2", whole.substr(0, whole.size() - 1));
    verify_says("streams/SYNC_IN.tar.s2 has " + std::to_string(whole.size() - 1) + " bytes", 1);
    fs::remove(inputs);
    write("backup/files/hub.toml", "policy = \"elsewhere\"\n");
    verify_says("streams/SYNC_IN.tar.s2 cannot be read", 1);  // All that is damaged, not the first.
    verify_says("files/hub.toml has ", 1);
    const std::string manifest = read("backup/manifest.json");
    write("backup/manifest.json", manifest.substr(0, manifest.size() / 2));
    verify_says("manifest.json is not what SHA256SUMS says", 1);
    fs::remove(folder / "backup/manifest.json");
    verify_says("has no manifest.json: the backup was interrupted", 4);
    const Done again = run({"backup", backup()});
    EXPECT_EQ(again.exit, 5) << again.said;
    EXPECT_TRUE(again.says("holds a backup that was interrupted")) << again.said;
    fs::create_directory(folder / "empty");
    const Done none = run({"backup", "verify", (folder / "empty").string()});
    EXPECT_EQ(none.exit, 4) << none.said;
}

TEST_F(Backup, DestroysNothingUnlessItIsToldTo) {
    live_and_back_up();
    const Done running = run({"restore", backup(), "--replace"});
    EXPECT_EQ(running.exit, 5) << running.said;
    EXPECT_TRUE(running.says(" runs: stop every hub first")) << running.said;
    stop_programs();
    const Done kept = run({"restore", backup()});
    EXPECT_EQ(kept.exit, 5) << kept.said;
    EXPECT_TRUE(kept.says("would have to destroy SYNC_IN: ")) << kept.said;
    EXPECT_TRUE(kept.says("--replace destroys it")) << kept.said;
    const Done twice = run({"backup", backup()});
    EXPECT_EQ(twice.exit, 5) << twice.said;
    EXPECT_TRUE(twice.says("holds a backup already")) << twice.said;
    const Done done = run({"--json", "restore", backup(), "--replace"});
    ASSERT_EQ(done.exit, 0) << done.said;
    EXPECT_TRUE(done.says("\"destroys\":[{")) << done.said;
    start_programs();
    EXPECT_TRUE(agree(60));
    EXPECT_EQ(in_books()["0"], "renamed after the backup");
    EXPECT_EQ(done_wrong(), "");
}

/// What others read of the streams goes on where it stood.
TEST_F(Backup, KeepsWhereOthersHadRead) {
    hub = start_hub();
    ASSERT_TRUE(ctl_says({"doctor"}, "hub runs"));
    auto session =
        ctl::Session::open({.urls = {server.url()}, .name = "other"}, std::chrono::seconds{5});
    ASSERT_TRUE(session);
    const Value durable =
        Value::Map{{"stream_name", "SYNC_EVT"},
                   {"config", Value::Map{{"durable_name", "reports"}, {"ack_policy", "explicit"}}}};
    ASSERT_TRUE((*session)->jetstream("CONSUMER.DURABLE.CREATE", "SYNC_EVT.reports", durable));
    const Done made = run({"backup", backup()});
    ASSERT_EQ(made.exit, 0) << made.said;
    hub->stop();
    ASSERT_EQ(run({"restore", backup(), "--replace"}).exit, 0);
    EXPECT_TRUE((*session)->jetstream("CONSUMER.INFO", "SYNC_EVT.reports", Value::Map{}));
}

/// A backup of the oldest server is how an installation moves to a new one.
TEST_F(Backup, OfTheOldestServerIsRestoredToTheNewest) {
    stop_programs();
    server.stop();
    server.wipe_store();
    server.set_version(NatsServer::Version::kOldest);
    server.start();
    live_and_back_up();
    lose_everything();
    server.set_version(NatsServer::Version::kNewest);
    server.start();
    const Done done = run({"restore", backup()});
    ASSERT_EQ(done.exit, 0) << done.said;
    hub = start_hub();
    expect_all_well();
}

}  // namespace
}  // namespace syncline::test
