// Who may do what at a server that runs on what `synclinectl security` made. Refusals are the
// server's own words, not our silence.
#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include <nats/nats.h>
#include <sys/stat.h>

#include "shared/base/clock.h"
#include "shared/nats/event_loop.h"
#include "shared/nats/nats_link.h"
#include "shared/nats/options_toml.h"
#include "shared/wire/subjects.h"
#include "tests/integration/security_fixture.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;
namespace fs = std::filesystem;

constexpr const char* kDenied = "ermissions Violation";  // nats.c may write it small.

class Security : public SecuredSystem, public testing::WithParamInterface<NatsServer::Version> {
protected:
    Security() : SecuredSystem(GetParam()) {}
};

std::string name_of_version(const testing::TestParamInfo<NatsServer::Version>& info) {
    return info.param == NatsServer::Version::kOldest ? "oldest" : "newest";
}
INSTANTIATE_TEST_SUITE_P(Servers, Security,
                         testing::Values(NatsServer::Version::kNewest,
                                         NatsServer::Version::kOldest),
                         name_of_version);

/// A program of ours as one of the users, for what no command does.
class Somebody {
public:
    explicit Somebody(const std::string& settings) {
        auto file = TomlReader::load(settings);
        EXPECT_TRUE(file) << file.error().what;
        std::ignore = file->text("actor", "");
        nats::NatsOptions options = nats::read_nats_options(file->table("nats"), {});
        options.answer_timeout = 2s;
        options.on_status = [this](const nats::LinkStatus& status) {
            told.push_back(status.error.what);
        };
        link.emplace(loop, std::move(options));
    }
    [[nodiscard]] bool turn_until(const std::function<bool()>& condition) {
        return until([&] {
            if (!condition()) loop.poll(10ms);
            return condition();
        });
    }
    [[nodiscard]] bool connects() {
        return turn_until([&] { return link->connected(); });
    }
    [[nodiscard]] bool is_refused() {
        return turn_until(
            [&] { return link->status().state == nats::LinkStatus::State::kRefused; });
    }
    /// The newest message of the subject; empty: none.
    std::string last(std::string_view stream, const std::string& subject) {
        std::optional<Result<std::optional<nats::StoredMessage>>> found;
        link->get_last(stream, subject, [&](auto answer) { found = std::move(answer); });
        EXPECT_TRUE(turn_until([&] { return found.has_value(); }));
        if (!*found) return "failed: " + found->error().what;
        return **found ? (**found)->body : std::string{};
    }
    bool publish(const std::string& subject, const std::string& body) {
        Stored stored;
        link->publish({.subject = subject, .body = body}, &stored, 1);
        EXPECT_TRUE(turn_until([&] { return stored.told.has_value(); }));
        return stored.told->has_value();
    }

    nats::EventLoop loop;
    std::vector<std::string> told;
    std::optional<nats::NatsLink> link;

private:
    struct Stored final : nats::PublishSink {
        void on_published(std::uint64_t, const Result<std::uint64_t>& sequence) override {
            told = sequence;
        }
        std::optional<Result<std::uint64_t>> told;
    };
};

/// Publishes as a user, answers to go to any subject: what our programs never ask for.
void publish_with_answer_to(const fs::path& key, const std::string& url, const char* subject,
                            const char* answer_to) {
    natsOptions* options = nullptr;
    natsConnection* connection = nullptr;
    ASSERT_EQ(natsOptions_Create(&options), NATS_OK);
    EXPECT_EQ(natsOptions_SetURL(options, url.c_str()), NATS_OK);
    EXPECT_EQ(natsOptions_SetSecure(options, true), NATS_OK);
    EXPECT_EQ(natsOptions_LoadCATrustedCertificates(options, (key / "ca.pem").c_str()), NATS_OK);
    EXPECT_EQ(natsOptions_LoadCertificatesChain(options, (key / "cert.pem").c_str(),
                                                (key / "key.pem").c_str()),
              NATS_OK);
    EXPECT_EQ(natsConnection_Connect(&connection, options), NATS_OK);
    EXPECT_EQ(natsConnection_PublishRequestString(connection, subject, answer_to, "{}"), NATS_OK);
    EXPECT_EQ(natsConnection_FlushTimeout(connection, 5'000), NATS_OK);
    natsConnection_Destroy(connection);
    natsOptions_Destroy(options);
}

TEST_P(Security, AWholeInstallationWorksAndTriesNothingThatItMayNot) {
    start_all();
    // Business goes on; people look and act.
    drop("customers-1.jsonl", row("1", "Ada"));
    ASSERT_TRUE(arrives({"1"}));
    for (const char* person : {"operator-ann", "operator-eve", "viewer-vic"}) {
        EXPECT_TRUE(as_says(person, {"entity", "show", "customer", "1"}, "Ada")) << person;
        EXPECT_TRUE(as_says(person, {"log", "customer", "1"}, "Ada")) << person;
        EXPECT_TRUE(as_says(person, {"timeline", "customer", "1"}, "shop")) << person;
        EXPECT_NE(as(person, {"status"}).find("shop"), std::string::npos) << person;
        EXPECT_NE(as(person, {"policy", "history"}).find("in force"), std::string::npos);
        EXPECT_NE(as(person, {"audit", "verify"}).find("nothing was altered"), std::string::npos)
            << as(person, {"audit", "verify"});
    }
    EXPECT_NE(as("operator-ann", {"doctor"}).find("JetStream is on"), std::string::npos);
    // What a person asks of an agent reaches it, and it can look it up.
    Somebody agent{settings_file("agent-shop")};
    ASSERT_TRUE(agent.connects());
    EXPECT_NE(as("operator-ann", {"reconcile", "run", "shop"}).find("asked shop"),
              std::string::npos);
    const std::string wish = subjects::again(PlatformId{"shop"}, subjects::Again::kReconcile);
    EXPECT_NE(agent.last(subjects::kStreamCommands, wish), "");
    EXPECT_NE(
        as("operator-ann", {"replay", "--full-read", "shop", "--yes"}).find("asked the agent"),
        std::string::npos);
    struct Heard final : nats::MessageSink {
        void on_message(const nats::InMessage& message) override {
            probe = probe || message.body == "a probe";
        }
        bool probe = false;
    } heard;
    const std::string receipts = subjects::receipts_of(PlatformId{"shop"});
    const auto hearing = agent.link->subscribe(receipts, &heard);
    Somebody person{settings_file("operator-ann")};
    ASSERT_TRUE(person.connects());
    EXPECT_TRUE(agent.turn_until([&] {
        person.link->send(receipts, "a probe");
        person.loop.poll(1ms);
        return heard.probe;
    }));
    drop("customers-2.jsonl", row("2", "Bob"));
    ASSERT_TRUE(arrives({"2"}));
    EXPECT_EQ(violations(), "");
}

TEST_P(Security, AStandbyOfTheSameUserTakesOverAndTriesNothingThatItMayNot) {
    write("books.toml", "standby = true\n" + read("books.toml"));
    std::string other = read("books.toml");
    const std::string store = "books.db";
    write("books2.toml", other.replace(other.find(store), store.size(), "books2.db"));
    start_all();
    const auto second = start_agent("books2");
    EXPECT_TRUE(until([&] { return second->says("stands by: the active agent is on"); }));
    EXPECT_TRUE(as_says("viewer-vic", {"status"}, "stands by"));
    EXPECT_EQ(books->stop(), 0);
    EXPECT_TRUE(until([&] { return second->says("holds the lease"); }));
    drop("customers-1.jsonl", row("1", "Ada"));
    EXPECT_TRUE(arrives({"1"}));
    EXPECT_EQ(second->stop(), 0);
    EXPECT_EQ(violations(), "");
}

TEST_P(Security, EachIsRefusedWhatIsNotHis) {
    start_all();
    const Checked all = check();
    EXPECT_TRUE(all.ok) << all.text;
    std::map<std::string, std::size_t> refused;
    for (const Value::Map& one : all.attempts) {
        const std::string user = text_in(one, "user");
        EXPECT_EQ(text_in(one, "outcome"), text_in(one, "expected"))
            << user << ": " << text_in(one, "what") << ": " << text_in(one, "answer");
        if (text_in(one, "outcome") != "refused") continue;
        ++refused[user];
        EXPECT_NE(text_in(one, "answer").find(kDenied), std::string::npos)
            << user << ": " << text_in(one, "what") << ": " << text_in(one, "answer");
    }
    // As many as are listed, or it proves nothing.
    EXPECT_GE(refused["agent-shop"], 60U);
    EXPECT_GE(refused["agent-books"], 60U);
    EXPECT_GE(refused["operator-ann"], 25U);
    EXPECT_GE(refused["operator-eve"], 25U);
    EXPECT_GE(refused["viewer-vic"], 32U);
    EXPECT_GE(refused["hub"], 18U);
    EXPECT_GE(refused["keeper-kim"], 20U);
    // It goes on: nobody has written anything, and nobody's consumer is gone.
    drop("customers-1.jsonl", row("1", "Ada"));
    ASSERT_TRUE(arrives({"1"}));
}

TEST_P(Security, AKeeperBacksUpAndRestoresAndNobodyElseDoes) {
    start_all();
    const std::string place = folder / "backup";
    const std::string denied = as("operator-ann", {"backup", folder / "not"});
    EXPECT_NE(denied.find("no backup was made"), std::string::npos) << denied;
    const std::string made = as("keeper-kim", {"backup", place});
    ASSERT_NE(made.find("a backup of "), std::string::npos) << made;
    hub->stop();
    server.stop();
    server.wipe_store();
    server.start();
    const std::string done = as("keeper-kim", {"restore", place});
    ASSERT_NE(done.find("restored"), std::string::npos) << done;
    const std::string again = as("keeper-kim", {"restore", place, "--replace"});
    ASSERT_NE(again.find("restored"), std::string::npos) << again;
    hub = start_hub();
    drop("customers-1.jsonl", row("1", "Ada"));
    EXPECT_TRUE(arrives({"0", "1"}));
    EXPECT_EQ(violations().find("keeper"), std::string::npos) << violations();
}

TEST_P(Security, AnAnswerGoesNowhereButBack) {
    start_all();
    Somebody hub_too{settings_file("hub")};
    ASSERT_TRUE(hub_too.connects());
    const std::string state = subjects::list_state(ListName{"victim"});
    ASSERT_TRUE(hub_too.publish(state, "the state"));
    const std::string own = "sync.js." + subjects::agent_presence(PlatformId{"shop"});
    const std::string info = "sync.js.STREAM.INFO.SYNC_IN";
    const std::string url = "tls://" + address();
    for (const auto& [user, subject] :
         {std::pair{"agent-shop", own}, std::pair{"agent-shop", info},
          std::pair{"operator-ann", info}, std::pair{"viewer-vic", info}}) {
        publish_with_answer_to(keys() / "users" / user / "1", url, subject.c_str(), state.c_str());
        EXPECT_EQ(hub_too.last(subjects::kStreamState, state), "the state")
            << user << " " << subject;
    }
    // Within the streams' account it does go there, which is why nobody but hubs is in it.
    publish_with_answer_to(keys() / "users/hub/1", url, "$JS.API.STREAM.INFO.SYNC_IN",
                           state.c_str());
    EXPECT_TRUE(until([&] { return hub_too.last(subjects::kStreamState, state) != "the state"; }));
}

TEST_P(Security, AConsumerThatPushesStoresNothingAndDeletesNothing) {
    start_all();
    Somebody agent{settings_file("agent-shop")};
    Somebody hub_too{settings_file("hub")};
    ASSERT_TRUE(agent.connects() && hub_too.connects());
    const PlatformId shop_id{"shop"};
    ASSERT_TRUE(hub_too.publish(subjects::again(shop_id, subjects::Again::kCommands), "once"));
    const std::string filter = subjects::commands_of(shop_id);
    const std::string victim = subjects::list_state(ListName{"victim"});
    int pushed = 0;
    for (const std::string& target :
         {victim,
          subjects::change({PlatformId{"books"}, ObjectName{"customer"}, RecordId{"9"}}, {}),
          std::string{"$JS.API.STREAM.DELETE.SYNC_EVT"}}) {
        const std::string name = "push" + std::to_string(pushed++);
        std::string answer;
        agent.link->request("$JS.API.CONSUMER.CREATE.SYNC_CMD." + name + "." + filter,
                            R"({"stream_name":"SYNC_CMD","config":{"name":")" + name +
                                R"(","ack_policy":"none","headers_only":true,"filter_subject":")" +
                                filter + R"(","deliver_subject":")" + target + R"("}})",
                            {}, [&](auto told) { answer = told ? *told : told.error().what; });
        ASSERT_TRUE(agent.turn_until([&] { return !answer.empty(); }));
        EXPECT_NE(answer.find("\"config\""), std::string::npos) << answer;
    }
    const auto end = SystemClock{}.steady() + 1s;  // Long enough for what would come.
    std::ignore = agent.turn_until([&] { return SystemClock{}.steady() > end; });
    EXPECT_EQ(hub_too.last(subjects::kStreamState, victim), "");
    EXPECT_EQ(hub_too.last(subjects::kStreamIn,
                           subjects::change(
                               {PlatformId{"books"}, ObjectName{"customer"}, RecordId{"9"}}, {})),
              "");
    EXPECT_EQ(hub_too.last(subjects::kStreamEvents, "sync.evt.none"), "");  // It is there.
}

TEST_P(Security, QuestionsAndListsPassTheAccounts) {
    write("policy/policy.toml", read("policy/policy.toml") + R"([lists.price]
from = "shop"
to = ["books"]
every_s = 3600
stale_after_s = 7200
[lists.price.fields]
amount = { type = "decimal", required = true }
)");
    for (const char* platform : {"shop", "books"}) {
        const std::string file = std::string{platform} + ".toml";
        write(file, read(file) + R"([lists.price]
native = "price.csv"
key = "sku"
[lists.price.fields]
amount = { path = "amount", type = "decimal" }
)");
    }
    write("shop/price.csv", "sku,amount\na,1.50\nb,2.50\n");
    start_all();
    EXPECT_TRUE(until([&] {
        return fs::exists(folder / "books/price.csv") &&
               read("books/price.csv").find("2.5") != std::string::npos;
    })) << as("operator-ann", {"lists", "show", "price"});
    // A question of an operator reaches an agent, and its answer comes back.
    Somebody agent{settings_file("agent-shop")};
    ASSERT_TRUE(agent.connects());
    struct Answering final : nats::MessageSink {
        explicit Answering(nats::NatsLink& given) : link(given) {}
        void on_message(const nats::InMessage& message) override {
            link.reply(message.reply, R"({"ok":true})", {});
            ++asked;
        }
        nats::NatsLink& link;
        int asked = 0;
    } answering{*agent.link};
    const auto serving =
        agent.link->serve(subjects::ask(PlatformId{"shop"}, "credit"), "q", &answering);
    agent.loop.poll(10ms);
    std::string answer;
    Somebody person{settings_file("operator-ann")};
    ASSERT_TRUE(person.connects());
    person.link->request(subjects::ask(PlatformId{"shop"}, "credit"), "{}", {},
                         [&](auto told) { answer = told ? *told : told.error().what; });
    ASSERT_TRUE(person.turn_until([&] {
        agent.loop.poll(1ms);
        return !answer.empty();
    }));
    EXPECT_EQ(answer, R"({"ok":true})");
    EXPECT_EQ(violations(), "");
}

TEST_P(Security, AViewerCannotOperate) {
    start_all();
    const std::string asked = as("viewer-vic", {"reconcile", "run", "shop"});
    EXPECT_NE(asked.find(kDenied), std::string::npos) << asked;
    const std::string refresh = as("viewer-vic", {"backfill", "run", "shop"});
    EXPECT_NE(refresh.find(kDenied), std::string::npos) << refresh;
    EXPECT_NE(as("operator-ann", {"backfill", "run", "shop"}).find("asked the agent"),
              std::string::npos);
}

TEST_P(Security, ARevokedUserIsRefusedOnceTheServerHasReadIt) {
    // Its files are where it runs, as they would be on another machine.
    const std::string here = (keys() / "users/agent-books/1").string();
    const std::string there = (folder / "elsewhere").string();
    fs::copy(here, there);
    std::string text = read("books.toml");
    for (auto at = text.find(here); at != std::string::npos; at = text.find(here, at)) {
        text.replace(at, here.size(), there);
    }
    write("books.toml", text);
    start_all();
    const std::string said = manage({"revoke", "agent-books"});
    EXPECT_NE(said.find("revoked/agent-books/1"), std::string::npos) << said;
    use_server_files();
    // It is thrown out, and not let in again.
    EXPECT_TRUE(until([&] { return books->says("uthorization") || books->says("uthentication"); }))
        << books->said();
    const Checked all = check();
    EXPECT_TRUE(all.ok) << all.text;
    const auto gone = std::ranges::find_if(all.attempts, [](const Value::Map& one) {
        return text_in(one, "user") == "agent-books (revoked)";
    });
    ASSERT_NE(gone, all.attempts.end());
    EXPECT_EQ(text_in(*gone, "outcome"), "refused");
    // Back again, with another key; the old one stays refused.
    expect_written(manage({"agent", "add", "books", "--list", "price"}));
    use_server_files();
    EXPECT_TRUE(fs::exists(settings_file("agent-books", 2)));
    books->stop();
    use_settings("books", "agent-books", 2);
    books = start_agent("books");
    drop("customers-1.jsonl", row("1", "Ada"));
    EXPECT_TRUE(arrives({"1"}));
    const Checked later = check();
    EXPECT_TRUE(later.ok) << later.text;
}

TEST_P(Security, BothKeysAreGoodUntilTheRotationIsFinished) {
    start_all();
    expect_written(manage({"rotate", "agent-shop", "--auth", "nkey"}));
    use_server_files();
    Somebody before{settings_file("agent-shop", 1)};
    Somebody after{settings_file("agent-shop", 2)};
    EXPECT_TRUE(before.connects());
    EXPECT_TRUE(after.connects());
    EXPECT_NE(manage({"rotate", "agent-shop"}).find("two keys already"), std::string::npos);
    shop->stop();
    use_settings("shop", "agent-shop", 2);
    shop = start_agent("shop");
    drop("customers-1.jsonl", row("1", "Ada"));
    ASSERT_TRUE(arrives({"1"}));
    expect_written(manage({"rotate", "agent-shop", "--finish"}));
    use_server_files();
    EXPECT_TRUE(before.is_refused()) << before.link->status().error.what;
    EXPECT_TRUE(after.connects());
    drop("customers-2.jsonl", row("2", "Bob"));
    EXPECT_TRUE(arrives({"2"}));
    EXPECT_NE(manage({"rotate", "agent-shop", "--finish"}).find("one key only"), std::string::npos);
}

TEST_P(Security, ARenewedAuthorityIsGoodBesideTheOneBefore) {
    const std::string file = "keys/users/agent-shop/1/ca.pem";
    const std::string before = read(file);
    const auto connects = [this] { return Somebody{settings_file("agent-shop")}.connects(); };
    expect_written(security({"init", keys().string(), "--renew-authority"}));
    ASSERT_NE(read(file), before);
    EXPECT_EQ(read(file), read("keys/server/ca.pem"));
    EXPECT_TRUE(connects()) << "the server has the one before";
    use_server_files();
    EXPECT_TRUE(connects());
    write(file, before);
    EXPECT_TRUE(connects()) << "he has the one before";
}

TEST_P(Security, AnAgentThatLiesAboutItsPlatformIsRefused) {
    start_all();
    books->stop();
    // `books` with the key of shop: it says that it is books.
    use_settings("books", "agent-shop", 1);
    books = start_agent("books");
    EXPECT_TRUE(until([&] { return books->says(kDenied); })) << books->said();
    drop("lies.jsonl", row("7", "A lie"), "books");
    drop("customers-1.jsonl", row("1", "Ada"));
    // Of the truth books hears nothing, and nobody hears its lie.
    EXPECT_TRUE(as_says("operator-ann", {"entity", "show", "customer", "1"}, "Ada"));
    EXPECT_FALSE(arrived().contains("1"));
    EXPECT_NE(as("operator-ann", {"entity", "show", "customer", "7"}).find("no customer is known"),
              std::string::npos);
    EXPECT_TRUE(until([&] { return violations().find("sync.in.books.") != std::string::npos; }))
        << violations();
}

TEST_P(Security, AnAgentBehindALeafNodeGoesOnWhenTheLineIsBackAndIsHeldToItsName) {
    const std::string conf = read("keys/users/agent-shop/1/leaf.conf");
    NatsServer site{{.version = GetParam(), .config = conf.substr(conf.find("leafnodes:"))}};
    std::string settings_there = read("keys/users/agent-shop/1/leaf.toml");
    const std::string url = "nats://127.0.0.1:4222";
    ASSERT_NE(settings_there.find(url), std::string::npos);
    settings_there.replace(settings_there.find(url), url.size(), site.url());
    const std::string text = read("shop.toml");
    const auto begin = text.find("[nats]");
    write("shop.toml", text.substr(0, begin) +
                           settings_there.substr(settings_there.find("[nats]")) +
                           text.substr(text.find("\n[", begin) + 1));
    start_all();
    EXPECT_TRUE(as_says("operator-ann", {"status"}, "shop"));  // Its presence passes, too.
    EXPECT_NE(as("operator-ann", {"reconcile", "run", "shop"}).find("asked shop"),
              std::string::npos);
    // The line is gone: what is told is kept, and nothing is lost.
    site.stop();
    drop("customers-1.jsonl", row("1", "Ada"));
    EXPECT_TRUE(until([&] { return !waits("customers-1.jsonl"); }));
    EXPECT_FALSE(arrived().contains("1"));
    site.start();
    ASSERT_TRUE(arrives({"1"}));
    // Somebody else at the site is shop, and no other.
    write("site.toml", settings_there);
    Somebody at_site{(folder / "site.toml").string()};
    ASSERT_TRUE(at_site.connects());
    const RecordKey own{PlatformId{"shop"}, ObjectName{"security"}, RecordId{"leaf"}};
    const RecordKey other{PlatformId{"books"}, ObjectName{"security"}, RecordId{"leaf"}};
    EXPECT_TRUE(at_site.publish(subjects::change(own, {}), "junk"));
    EXPECT_FALSE(at_site.publish(subjects::change(other, {}), "junk"));
    Somebody person{settings_file("operator-ann")};
    ASSERT_TRUE(person.connects());
    EXPECT_EQ(person.last(subjects::kStreamIn, subjects::change(own, {})), "junk");
    EXPECT_EQ(person.last(subjects::kStreamIn, subjects::change(other, {})), "");
}

TEST_P(Security, WithoutACertificateNobodyIsLetIn) {
    const std::string said = ctl({"status"});
    EXPECT_NE(said.find("cannot be used"), std::string::npos) << said;
    // One of another authority.
    expect_written(security({"init", (folder / "other").string(), "--listen", address()}));
    expect_written(security({"hub", "add", "--dir", (folder / "other").string()}));
    const std::string other = (folder / "other/users/hub/1").string();
    const std::string mixed = ctl({"--tls-ca", keys() / "ca/ca.pem", "--tls-cert",
                                   other + "/cert.pem", "--tls-key", other + "/key.pem", "status"});
    EXPECT_NE(mixed.find("cannot be used"), std::string::npos) << mixed;
    // A certificate of ours, of somebody who is known by an nkey, without it.
    const std::string eve = (keys() / "users/operator-eve/1").string();
    const std::string half = ctl({"--tls-ca", eve + "/ca.pem", "--tls-cert", eve + "/cert.pem",
                                  "--tls-key", eve + "/key.pem", "status"});
    EXPECT_NE(half.find("cannot be used"), std::string::npos) << half;
}

TEST_P(Security, TheCheckFindsAHole) {
    start_all();
    // Somebody has helped himself.
    std::string accounts = read("keys/server/syncline-accounts.conf");
    const std::string own = "\"" + subjects::inputs_from(PlatformId{"shop"}) + "\"";
    const std::string all = "\"" + subjects::all_inputs() + "\"";
    for (auto at = accounts.find(own); at != std::string::npos;
         at = accounts.find(own, at + all.size())) {
        accounts.replace(at, own.size(), all);
    }
    server.set_config(read("keys/server/syncline-tls.conf") + accounts +
                      read("keys/server/syncline-leaf.conf"));
    server.reload();
    const Checked found = check();
    EXPECT_FALSE(found.ok);
    const bool told = std::ranges::any_of(found.attempts, [](const Value::Map& one) {
        return text_in(one, "user") == "agent-shop" && text_in(one, "outcome") == "allowed" &&
               text_in(one, "what") == "tell a change as books";
    });
    EXPECT_TRUE(told) << found.text;
    // What it tried was not stored all the same.
    Somebody person{settings_file("operator-ann")};
    ASSERT_TRUE(person.connects());
    const RecordKey record{PlatformId{"books"}, ObjectName{"security"}, RecordId{"check"}};
    EXPECT_EQ(person.last(subjects::kStreamIn, subjects::change(record, {})), "");
}

}  // namespace
}  // namespace syncline::test
