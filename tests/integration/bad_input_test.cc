// What comes in is wrong, or what we stand on breaks: the programs say so, the rest flows, and
// nothing was lost. Which test shows which is told in tests/README.md, "Bad input".
#include <algorithm>
#include <fstream>

#include "shared/base/json.h"
#include "shared/nats/event_loop.h"
#include "shared/nats/nats_link.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"
#include "tests/integration/running_system.h"
#include "tests/integration/stranger.h"
#include "tests/support/node_server.h"

namespace syncline::test {
namespace {

namespace fs = std::filesystem;

class BadInput : public RunningSystem {
protected:
    explicit BadInput(NatsServer::Options options = {}) : RunningSystem(std::move(options)) {}

    /// The hub tells, through synclinectl, what it kept.
    [[nodiscard]] bool exceptions_say(const std::string& text) const {
        return ctl_says({"--json", "exceptions", "list", "--all"}, text);
    }
    [[nodiscard]] bool rejects_are_shown(Says says = Says::kYes) const {
        return ctl_says({"--json", "status"}, "\"status.rejects\"", says);
    }
};

// ---- The server. ----------------------------------------------------------------------------

TEST_F(BadInput, AnUnreachableServerIsSaidAndChangesAreKept) {
    start_all();
    server.kill9();
    drop("customers-1.jsonl", row("1", "while nobody listens"));
    EXPECT_TRUE(until([&] { return shop->says("no connection to NATS; changes are kept"); }));
    EXPECT_TRUE(until([&] { return hub->says("no connection to NATS; trying again"); }));
    EXPECT_TRUE(until([&] { return !waits("customers-1.jsonl"); })) << "not taken onto our disk";
    shop->kill9();  // What is on the disk outlives the process.
    shop = start_agent("shop");
    server.start();
    EXPECT_TRUE(arrives({"0", "1"}));
}

class OldServer : public BadInput {
protected:
    OldServer() : BadInput({.version = NatsServer::Version::kUnsupported}) {}
};

TEST_F(OldServer, OfAWrongVersionIsRefusedUntilItIsReplaced) {
    hub = start_hub();
    shop = start_agent("shop");
    books = start_agent("books");
    drop("customers-1.jsonl", row("1", "before"));
    for (Program* program : {hub.get(), shop.get()}) {
        EXPECT_TRUE(until([&] { return program->says("install nats-server"); }));
        EXPECT_TRUE(program->says("NATS refuses us; a person must act")) << program->said();
        EXPECT_TRUE(program->says("2.10.20")) << "the oldest that will do";
    }
    EXPECT_TRUE(waits("customers-1.jsonl"));
    server.stop();
    server.set_version(NatsServer::Version::kNewest);
    server.start();
    EXPECT_TRUE(arrives({"1"}));
}

TEST_F(BadInput, MissingStreamsAreSaidMadeAgainAndFilled) {
    start_all();
    hub->kill9();  // So that these are in the stream of inputs only, and undecided.
    drop("customers-1.jsonl", row("1", "published, then lost"));
    EXPECT_TRUE(until([&] { return !waits("customers-1.jsonl"); }));
    Stranger stranger{server};
    for (const char* stream : {"SYNC_IN", "SYNC_CMD"}) {
        const std::string told = stranger.ask(std::string{"$JS.API.STREAM.DELETE."} + stream);
        EXPECT_NE(told.find("\"success\""), std::string::npos) << told;
    }
    EXPECT_TRUE(until([&] { return shop->says("waiting for stream SYNC_IN"); }));
    EXPECT_TRUE(until([&] { return books->says("waiting for stream SYNC_CMD"); }));
    hub = start_hub();
    drop("customers-2.jsonl", row("2", "after"));
    EXPECT_TRUE(arrives({"0", "1", "2"}));
    EXPECT_TRUE(shop->says("the broker has lost inputs")) << shop->said();
}

TEST_F(BadInput, AStreamDeletedUnderARunningHubIsMadeAgain) {
    start_all();
    Stranger stranger{server};
    for (const char* stream : {"SYNC_IN", "SYNC_CMD"}) {
        const std::string told = stranger.ask(std::string{"$JS.API.STREAM.DELETE."} + stream);
        EXPECT_NE(told.find("\"success\""), std::string::npos) << told;
    }
    drop("customers-1.jsonl", row("1", "after"));
    EXPECT_TRUE(until([&] { return hub->says("the broker lost messages; healing"); }));
    EXPECT_TRUE(arrives({"0", "1"}));
    EXPECT_TRUE(exceptions_say("broker.amnesia"));
}

constexpr const char* kAccess = R"(no_auth_user: open
authorization { users: [ { user: open, password: open }, { user: shop, password: "%" } ] })";

std::string access(const std::string& password) {
    std::string text = kAccess;
    return text.replace(text.find('%'), 1, password);
}

class Credentials : public BadInput {
protected:
    Credentials() : BadInput({.config = access("secret-1")}) {
        write("shop.password", "secret-1");
        write_agent("shop", "[nats]\nuser = \"shop\"\npassword = { file = \"" +
                                (folder / "shop.password").string() + "\" }\n");
    }
};

TEST_F(Credentials, ThatExpireAreSaidAndChangesAreKeptUntilTheyAreRenewed) {
    start_all();
    server.set_config(access("secret-2"));
    server.reload();
    EXPECT_TRUE(until([&] { return shop->says("NATS refuses us; a person must act"); }));
    drop("customers-1.jsonl", row("1", "nobody may publish"));
    EXPECT_TRUE(until([&] { return !waits("customers-1.jsonl"); })) << "not taken onto our disk";
    EXPECT_EQ(arrived(), std::set<std::string>{"0"});
    EXPECT_FALSE(shop->says("secret-1")) << shop->said();
    write("shop.password", "secret-2");  // Renewed on our side; nothing is started again.
    EXPECT_TRUE(arrives({"0", "1"}));
    server.set_config(access("secret-3"));
    server.reload();
    drop("customers-2.jsonl", row("2", "not again"));
    EXPECT_TRUE(until([&] { return !waits("customers-2.jsonl"); }));
    EXPECT_EQ(arrived(), (std::set<std::string>{"0", "1"}));
    server.set_config(access("secret-2"));  // Taken back on theirs.
    server.reload();
    EXPECT_TRUE(arrives({"0", "1", "2"}));
    EXPECT_TRUE(shop->runs());
}

// ---- Records. -------------------------------------------------------------------------------

TEST_F(BadInput, AnOversizedRecordIsKeptAndShownAndTheOthersFlow) {
    write_agent("shop", "[spool]\nmessage_bytes = 2048\n");
    start_all();
    EXPECT_TRUE(rejects_are_shown(Says::kNoMore));  // Nobody has one without reason.
    drop("customers-1.jsonl",
         row("1", "before") + row("2", std::string(3'000, 'x')) + row("3", "behind it"));
    EXPECT_TRUE(arrives({"0", "1", "3"}));
    EXPECT_TRUE(until([&] { return shop->says("more than message_bytes allows"); }));
    EXPECT_TRUE(shop->says("customer 2"));
    EXPECT_TRUE(rejects_are_shown());
    drop("customers-2.jsonl", row("2", "shorter"));  // Corrected at the source: it is as any other.
    EXPECT_TRUE(arrives({"0", "1", "2", "3"}));
    EXPECT_TRUE(rejects_are_shown(Says::kNoMore));
}

TEST_F(BadInput, RecordsWithoutKeyOrOfBrokenTextAreKeptAndShownAndTheOthersFlow) {
    start_all();
    drop("customers-1.jsonl", row("1", "before") + "{\"name\":\"no key\"}\n" +
                                  row("", "an empty key") +
                                  "{\"customer_no\":\"4\",\"name\":\"\xFF\xFE\"}\n" +
                                  "{\"customer_no\":\"5\"}\n" + row("6", "behind them"));
    EXPECT_TRUE(arrives({"0", "1", "5", "6"}));
    const char* kept = "shop/failed/customers-1.jsonl.rejects.jsonl";
    EXPECT_TRUE(until([&] { return fs::exists(folder / kept) && !waits("customers-1.jsonl"); }));
    const std::string rejects = read(kept);
    EXPECT_EQ(std::ranges::count(rejects, '\n'), 3) << rejects;
    EXPECT_NE(rejects.find("customer_no"), std::string::npos) << rejects;
    EXPECT_NE(rejects.find("UTF-8"), std::string::npos) << rejects;
    EXPECT_TRUE(until([&] { return shop->says("UTF-8"); })) << shop->said();
    EXPECT_TRUE(rejects_are_shown());
}

/// A change as `shop` could send it, with `body` made of it.
std::string change_of(const std::string& record, const Fields& fields) {
    Change change;
    change.key = {PlatformId{"shop"}, ObjectName{"customer"}, RecordId{record}};
    change.number = {Partition{0}, {1, 1}};
    change.rev = {1, 1};
    change.fields = fields;
    return wire::encode(change);
}

TEST_F(BadInput, HostileMessagesAreKeptAndShownAndTheOthersFlow) {
    start_all();
    std::string field_twice =
        change_of("1", {{FieldName{"name"}, Value{"a"}}, {FieldName{"namf"}, Value{"b"}}});
    field_twice.replace(field_twice.find("namf"), 4, "name");
    std::string key_twice = change_of("2", {});
    ++key_twice[0];  // One entry more: the first once again.
    key_twice.insert(1, key_twice.substr(1, 2));
    struct Message {
        const char* record;
        std::string body;
        const char* reason;
    };
    const Message messages[] = {
        {"deep", std::string(20'000, '\x91'), "nesting deeper than 32"},
        {"wide", "\xDF\xFF\xFF\xFF\xFF", "a container of 4294967295 entries"},
        {"long", "\xDB\xFF\xFF\xFF\xF0x", "cut short"},
        {"field_twice", field_twice, "was there before; names must be sorted"},
        {"key_twice", key_twice, "is a key that was there before"},
        {"text", change_of("3", {{FieldName{"name"}, Value{"a\xFF\xC3("}}}), "not UTF-8"},
        {"html", "<html><body>Sign in</body></html>", "bytes after the end"},
        {"nothing", "", "cut short at byte 0"},
    };
    Stranger stranger{server};
    for (const Message& message : messages) {
        const RecordKey key{PlatformId{"shop"}, ObjectName{"customer"}, RecordId{message.record}};
        stranger.publish(subjects::change(key, record_partition(key, 4)), message.body);
    }
    const EntityKey entity{ObjectName{"customer"}, EntityId{"nobody"}};
    stranger.publish(subjects::command(PlatformId{"books"}, entity), messages[0].body);
    drop("customers-1.jsonl", row("1", "behind them"));
    EXPECT_TRUE(arrives({"0", "1"}));
    for (const Message& message : messages) EXPECT_TRUE(exceptions_say(message.reason));
    EXPECT_TRUE(exceptions_say("input.undecodable"));
    const std::string settled = ctl({"exceptions", "discard", "--kind", "input.undecodable",
                                     "--reason", "a stranger's", "--yes"});
    EXPECT_NE(settled.find("8 exceptions"), std::string::npos) << settled;
    EXPECT_TRUE(ctl_says({"--json", "exceptions", "list"}, "input.undecodable", Says::kNoMore));
    EXPECT_TRUE(exceptions_say("discarded: a stranger's"));
    EXPECT_TRUE(until([&] { return books->says("a command cannot be used: "); }));
    EXPECT_TRUE(hub->runs() && books->runs() && shop->runs());
}

TEST_F(BadInput, APlatformThatAnswersHtmlWith200IsSaidAndReadAgain) {
    NodeServer platform{"salesforce"};
    write("crm.secret", platform.ready("client_secret"));
    write("crm.toml",
          "platform = \"crm\"\nstore = \"crm.db\"\npoll_ms = 100\n[nats]\nurls = [\"" +
              server.url() + "\"]\n[reading]\nretry_first_ms = 50\n" +
              "retry_most_ms = 200\n[connector]\nkind = \"rest\"\nprofile = \"" +
              SYNCLINE_SOURCE_DIR "/configs/profiles/salesforce.toml\"\n" +
              "safety_s = 0\nbase_url = \"" + platform.url() +
              "\"\n[connector.auth]\nclient_id = \"" + platform.ready("client_id") +
              "\"\nclient_secret = { file = \"" + (folder / "crm.secret").string() +
              "\" }\n[objects.customer]\nnative = \"Account\"\n" +
              "[objects.customer.fields]\nnumber = \"AccountNumber\"\nname = \"Name\"\n");
    start_all();
    platform.fault({{"kind", "html_200"}, {"count", "always"}});
    platform.create("Account", {{"AccountNumber", "7"}, {"Name", "behind the sign-in page"}});
    const auto crm = start_agent("crm");
    EXPECT_TRUE(until([&] { return crm->says("reading failed: "); }));
    EXPECT_TRUE(crm->says("JSON")) << crm->said();
    drop("customers-1.jsonl", row("1", "of another platform"));
    EXPECT_TRUE(arrives({"0", "1"}));
    EXPECT_FALSE(arrived().contains("7"));
    platform.clear();
    EXPECT_TRUE(arrives({"0", "1", "7"}));
    EXPECT_TRUE(crm->runs());
}

// ---- The disk. ------------------------------------------------------------------------------

TEST_F(BadInput, ACorruptStoreIsSaidAndLeftAsItIs) {
    start_all();
    server.kill9();
    drop("customers-1.jsonl", row("1", "only in the store"));
    EXPECT_TRUE(until([&] { return !waits("customers-1.jsonl"); }));
    EXPECT_EQ(shop->stop(), 0);
    const std::string good = read("shop.db");
    std::string bad = good;
    std::fill(bad.begin() + 100, bad.end(), '\xA5');
    write("shop.db", bad);
    EXPECT_EQ(start_agent("shop")->wait(), 1);
    EXPECT_NE(read("shop.log").find("shop.db"), std::string::npos);
    EXPECT_NE(read("shop.log").find("malformed"), std::string::npos) << read("shop.log");
    EXPECT_EQ(read("shop.db"), bad) << "somebody may still want to save what is in it";
    write("shop.db", good);  // A person's backup.
    shop = start_agent("shop");
    server.start();
    EXPECT_TRUE(arrives({"0", "1"}));
}

TEST_F(BadInput, AFullDiskIsSaidAndSlowsTheSourceUntilThereIsRoom) {
    write_agent("shop", "store = \"disk/shop.db\"\n");
    hub = start_hub();
    books = start_agent("books");
    shop = start_agent("shop", folder / "disk");
    drop("customers-0.jsonl", row("0", "the first"));
    const bool ready = until([&] { return arrived().contains("0") || !shop->runs(); });
    if (!shop->runs() && shop->wait() == Program::kNoDisk) {
        GTEST_SKIP() << "no disk may be mounted here: it takes root, or user namespaces";
    }
    ASSERT_TRUE(ready);
    const fs::path ballast = shop->seen(folder / "disk" / "ballast");
    std::ofstream{ballast} << std::string(4 << 20, 'b');  // As much as fits.
    std::set<std::string> all{"0"};
    for (int file = 1; file <= 3; ++file) {
        std::string rows;
        for (int i = 0; i < 400; ++i) {
            const std::string number = std::to_string(file * 1'000 + i);
            rows += row(number, std::string(500, 'n'));
            all.insert(number);
        }
        drop("customers-" + std::to_string(file) + ".jsonl", rows);
    }
    EXPECT_TRUE(until([&] { return shop->says("free disk space, nothing was lost"); }));
    EXPECT_TRUE(ctl_says({"status"}, "free disk space"));
    EXPECT_TRUE(waits("customers-3.jsonl")) << "the source is not slowed down";
    EXPECT_TRUE(shop->runs());
    fs::remove(ballast);
    EXPECT_TRUE(arrives(all));
    EXPECT_TRUE(until([&] { return !waits("customers-3.jsonl"); }));
    EXPECT_TRUE(shop->says("the store works again"));
    EXPECT_TRUE(shop->runs());
}

}  // namespace
}  // namespace syncline::test
