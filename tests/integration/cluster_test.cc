// Three nats-servers that hold three copies of each stream, two hubs, two agents: one server after
// the other is killed, and business goes on.
#include "hub/ctl/session.h"
#include "shared/wire/subjects.h"
#include "tests/integration/databases_system.h"

namespace syncline::test {
namespace {

class Cluster : public DatabasesSystem {
protected:
    Cluster() : DatabasesSystem({.start = NatsServer::Options::Start::kLater}) {
        use_servers(cluster.urls(), 3);
    }

    /// Which server leads the stream; nothing while none does.
    [[nodiscard]] std::optional<std::size_t> leader_of(std::string_view stream) const {
        const auto session =
            ctl::Session::open({.urls = cluster.urls(), .name = "looker"}, std::chrono::seconds{5});
        if (!session) return std::nullopt;
        const auto info = (*session)->stream_info(stream);
        if (!info || info->leader.size() != 2) return std::nullopt;
        return static_cast<std::size_t>(info->leader[1] - '0');
    }
    [[nodiscard]] std::size_t leader_at_last(std::string_view stream) const {
        std::optional<std::size_t> leader;
        EXPECT_TRUE(until([&] { return (leader = leader_of(stream)).has_value(); },
                          std::chrono::milliseconds{200}));
        return leader.value_or(0);
    }

    /// The three have found each other, and one of them makes streams.
    void await_cluster() const {
        EXPECT_TRUE(until([&] {
            const auto session = ctl::Session::open({.urls = cluster.urls(), .name = "looker"},
                                                    std::chrono::seconds{2});
            return session && (*session)->jetstream("INFO", "", Value::Map{});
        }));
    }
    /// More of them arrive than there are now.
    void expect_traffic_to_arrive() {
        const std::size_t now = static_cast<std::size_t>(count_);
        EXPECT_TRUE(until([&] { return books_have() > now; })) << books_have() << " of " << now;
    }
    /// By a connection of its own: the others belong to other threads.
    [[nodiscard]] std::size_t books_have() const {
        SqliteClient books_too{folder / "books-platform.db"};
        return std::stoul(books_too.value("SELECT count(*) FROM customers"));
    }

    void kill_all_servers() {
        for (std::size_t i = 0; i < NatsCluster::kServers; ++i) cluster.server(i).kill9();
    }
    void start_all_servers() {
        for (std::size_t i = 0; i < NatsCluster::kServers; ++i) cluster.server(i).start();
        await_cluster();
    }
    void expect_loss_seen() const {
        std::string open;
        EXPECT_TRUE(until([&] {
            open = ctl({"--json", "exceptions", "list"});
            return open.find("\"kind\":\"broker.amnesia\"") != std::string::npos;
        })) << open;
    }

    NatsCluster cluster;
};

TEST_F(Cluster, LosesNothingAndDoesNothingTwiceWhenLeadersAreKilled) {
    await_cluster();
    start_programs();
    const std::unique_ptr<Program> second = start_hub();
    begin_traffic(std::chrono::milliseconds{50});
    expect_traffic_to_arrive();
    EXPECT_TRUE(ctl_says({"doctor"}, "all 3 copies of each stream are there and current"));
    for (const std::string_view stream : {subjects::kStreamState, subjects::kStreamIn}) {
        const std::size_t leader = leader_at_last(stream);
        cluster.server(leader).kill9();
        expect_traffic_to_arrive();
        if (stream == subjects::kStreamState) {  // The others need ten seconds and more to be sure.
            const std::string offline = "server n" + std::to_string(leader) + " is offline";
            EXPECT_TRUE(ctl_says({"doctor"}, offline));
            EXPECT_TRUE(ctl_says({"status"}, offline));
        }
        cluster.server(leader).start();
        if (stream != subjects::kStreamState) continue;
        EXPECT_TRUE(ctl_says({"doctor"}, "all 3 copies of each stream are there and current"));
    }
    end_traffic();
    rename("0", "renamed at the end");
    EXPECT_TRUE(agree(static_cast<std::size_t>(count_)));
    EXPECT_EQ(done_wrong(), "");
    expect_sound_audit();
    std::string open;  // Of the leader that was started last, an answer may take its time.
    EXPECT_TRUE(until([&] {
        open = ctl({"--json", "exceptions", "list"});
        return open.find("\"ok\":true") != std::string::npos;
    })) << open;
    EXPECT_EQ(open.find("\"kind\""), std::string::npos) << open;
}

// As after a loss of power that took the same from all of them. What agents tell before it is
// noticed lets the stream grow again past where it ended.
TEST_F(Cluster, NoticesWhatAllServersHaveLost) {
    await_cluster();
    start_programs();
    add(0, 19);
    EXPECT_TRUE(agree(20));
    kill_all_servers();
    for (std::size_t i = 0; i < NatsCluster::kServers; ++i) cluster.server(i).keep_store();
    start_all_servers();
    add(20, 39);
    rename("7", "renamed and lost");
    EXPECT_TRUE(agree(40));
    kill_all_servers();
    for (std::size_t i = 0; i < NatsCluster::kServers; ++i) {
        cluster.server(i).go_back_to_kept_store();
    }
    start_all_servers();
    count_ = 40;
    begin_traffic(std::chrono::milliseconds{50});
    expect_loss_seen();
    end_traffic();
    EXPECT_TRUE(agree(static_cast<std::size_t>(count_)));
    EXPECT_EQ(in_books().at("7"), "renamed and lost");
    EXPECT_EQ(done_wrong(), "");
}

}  // namespace
}  // namespace syncline::test
