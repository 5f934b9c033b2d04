// Workflows, with the programs as processes: a real PostgreSQL is asked and told what to do through
// its agent, people decide, events arrive, and hubs die.
#include <gtest/gtest.h>
#include <pwd.h>
#include <unistd.h>

#include <memory>

#include "shared/base/json.h"
#include "shared/http/client.h"
#include "shared/model/member.h"
#include "tests/integration/running_system.h"
#include "tests/support/free_port.h"
#include "tests/support/postgres_server.h"

namespace syncline::test {
namespace {

constexpr const char* kWorkflow = R"([platforms.erp]
[objects.fulfilment.fields]
number = "string"
status = "string"
note   = "string"

[[objects.fulfilment.match]]
name = "number"
on   = ["number"]

[[objects.fulfilment.own]]
fields    = ["*"]
owner     = "erp"
otherwise = "revert"

[objects.fulfilment.on.erp]
fields    = ["*"]
founds    = true
on_delete = "propagate"

[objects.fulfilment.events.released]
when   = 'status == "released"'
key    = "number"
fields = ["number", "status"]

[workflows.replacement]
owner = "support"
key   = "case_number"

[workflows.replacement.context]
case_number = { type = "string", required = true }
part        = { type = "string", required = true }
amount      = "decimal"
entitled    = "bool"
fulfilment  = "string"

[[workflows.replacement.triggers]]
on = "api"

[[workflows.replacement.steps]]
name = "entitlement"
ask  = "erp.entitlement"
with = { part = 'part' }
into = { entitled = 'entitled', amount = 'price' }

[[workflows.replacement.steps]]
name   = "route"
choose = [{ when = 'not entitled', do = "refuse" }]

[[workflows.replacement.steps]]
name    = "approval"
when    = 'amount > 100'
approve = { role = "lead", deadline_s = 600, on_deadline = "reject" }

[[workflows.replacement.steps]]
name       = "fulfil"
operation  = "erp.create_fulfilment"
with       = { case_number = 'case_number', part = 'part' }
into       = { fulfilment = 'number' }
compensate = { operation = "erp.cancel_fulfilment", with = { number = 'fulfilment' } }

[[workflows.replacement.steps]]
name      = "book"
operation = "erp.book"
with      = { part = 'part' }
on_error  = { permanent = "compensate" }
compensate = "none"
because    = "booking is only a note"

[[workflows.replacement.steps]]
name = "released"
wait = { event = "fulfilment.released", key = 'fulfilment' }
deadline_s  = 600
on_deadline = "pause"

[[workflows.replacement.blocks.refuse]]
name   = "refused"
end    = "failed"
reason = '"not entitled"'
)";

std::string account() {
    const passwd* who = ::getpwuid(::geteuid());
    return who == nullptr ? "root" : who->pw_name;
}

class Workflows : public RunningSystem {
protected:
    Workflows() : db_(postgres_, "postgres") {
        db_.run(
            "CREATE TABLE fulfilments (number text PRIMARY KEY, status text, note text);"
            "CREATE TABLE parts (part text PRIMARY KEY, entitled boolean, price numeric(12,2));"
            "CREATE TABLE bookings (part text);"
            "CREATE SEQUENCE numbers;"
            "INSERT INTO parts VALUES ('P-1', true, 50), ('P-2', true, 500), ('P-3', false, 1), "
            "('P-4', true, 2);"
            "CREATE FUNCTION no_p4() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN IF NEW.part = "
            "''P-4'' THEN RAISE EXCEPTION ''no booking of P-4''; END IF; RETURN NEW; END';"
            "CREATE TRIGGER no_p4 BEFORE INSERT ON bookings FOR EACH ROW EXECUTE FUNCTION no_p4();"
            "CREATE ROLE syncline LOGIN REPLICATION PASSWORD 'secret';"
            "GRANT ALL ON ALL TABLES IN SCHEMA public TO syncline;"
            "GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO syncline;"
            "GRANT CREATE ON SCHEMA public TO syncline;"
            "CREATE PUBLICATION syncline FOR TABLE fulfilments");
        write("policy/workflows.toml",
              std::string{kWorkflow} + "[roles]\nlead = [\"" + account() + "\"]\n");
        write("secret", "secret");
        write("hub.toml", read("hub.toml") + "[api]\nport = " + std::to_string(port_) + "\n");
        write("erp.toml",
              "platform = \"erp\"\nstore = \"erp.db\"\npresence_ms = 200\n[nats]\nurls = [\"" +
                  server.url() +
                  "\"]\n[connector]\nkind = \"postgres\"\nhost = \"127.0.0.1\"\nport = " +
                  std::to_string(postgres_.port()) + R"(
database = "postgres"
user = "syncline"
password = { file = ")" +
                  (folder / "secret").string() + R"(" }
tls = "disable"
[connector.asks.entitlement]
sql = "SELECT entitled, price FROM parts WHERE part = :part"
[connector.operations.create_fulfilment]
sql = """INSERT INTO fulfilments VALUES ('F-' || nextval('numbers'), 'open',
         :case_number || ' ' || :part) RETURNING number"""
[connector.operations.cancel_fulfilment]
sql = "UPDATE fulfilments SET status = 'cancelled' WHERE number = :number RETURNING number"
[connector.operations.book]
sql = "INSERT INTO bookings VALUES (:part) RETURNING part"
[asks.entitlement.input]
part = { type = "string", required = true }
[asks.entitlement.output]
entitled = { type = "bool", required = true }
price    = { type = "decimal", required = true }
[operations.create_fulfilment.input]
case_number = { type = "string", required = true }
part        = { type = "string", required = true }
[operations.create_fulfilment.output]
number = { type = "string", required = true }
[operations.cancel_fulfilment.input]
number = { type = "string", required = true }
[operations.book.input]
part = { type = "string", required = true }
[objects.fulfilment]
native = "fulfilments"
key = "number"
[objects.fulfilment.fields]
number = "number"
status = "status"
note = "note"
)");
    }
    void start() {
        hub = start_hub();
        erp_ = start_agent("erp");
        ASSERT_TRUE(ctl_says({"ask"}, "erp.entitlement"));
        ASSERT_TRUE(until([&] { return get("/v1/processes").find("replacement") != npos; }));
    }
    HttpResponse send(const std::string& method, const std::string& path,
                      const std::string& body = {}) {
        HttpRequest request{.method = method,
                            .url = "http://127.0.0.1:" + std::to_string(port_) + path};
        request.body = body;
        if (!body.empty()) request.headers = {{"Content-Type", "application/json"}};
        const auto response = http_.send(request, {});
        return response ? *response : HttpResponse{.status = -1, .body = response.error().what};
    }
    std::string get(const std::string& path) { return send("GET", path).body; }
    /// Begins one; its id.
    std::string begin(const std::string& number, const std::string& part) {
        const HttpResponse told = send(
            "POST", "/v1/process/replacement",
            R"({"case_number":")" + number + R"(","part":")" + part + R"(","_requester":"rita"})");
        EXPECT_EQ(told.status, 200) << told.body;
        const auto read = parse_json(told.body);
        return read ? text_member(*read, "instance") : "";
    }
    [[nodiscard]] std::string status(const std::string& instance) {
        const auto read = parse_json(get("/v1/instances/" + instance));
        return read ? text_member(*read, "status") : "";
    }
    [[nodiscard]] bool comes_to(const std::string& instance, const std::string& wanted) {
        return until([&] { return status(instance) == wanted; });
    }
    /// It stands at the step.
    [[nodiscard]] bool stands_at(const std::string& instance, const std::string& step) {
        return until([&] {
            return get("/v1/instances/" + instance).find("\"step\":\"" + step + "\"") != npos;
        });
    }
    void release_all() { db_.run("UPDATE fulfilments SET status = 'released'"); }

    static constexpr auto npos = std::string::npos;
    const std::uint16_t port_ = free_port();
    PostgresServer postgres_;
    PostgresClient db_;
    std::unique_ptr<Program> erp_;
    CurlClient http_;
};

TEST_F(Workflows, GoOnByAnswersOperationsAndEvents) {
    start();
    const std::string instance = begin("C-1", "P-1");
    ASSERT_TRUE(stands_at(instance, "released")) << get("/v1/instances/" + instance);
    EXPECT_EQ(db_.value("SELECT note FROM fulfilments"), "C-1 P-1");
    EXPECT_EQ(db_.value("SELECT count(*) FROM bookings"), "1");
    // The same case again finds the same instance, and does nothing.
    EXPECT_EQ(begin("C-1", "P-2"), instance);
    release_all();
    EXPECT_TRUE(comes_to(instance, "done")) << get("/v1/instances/" + instance);
    EXPECT_EQ(db_.value("SELECT count(*) FROM fulfilments"), "1");
    const std::string shown = ctl({"workflows", "show", instance});
    EXPECT_NE(shown.find("fulfilment.released"), npos) << shown;
    EXPECT_NE(ctl({"workflows", "list"}).find(instance), npos);
    // And once it has ended, too.
    EXPECT_EQ(begin("C-1", "P-1"), instance);
}

TEST_F(Workflows, AskPeopleAndNotWhoAsked) {
    start();
    const std::string instance = begin("C-2", "P-2");
    const std::string key = "replacement/" + instance + "/approval";
    ASSERT_TRUE(ctl_says({"approvals", "list"}, key));
    const std::string inbox = get("/v1/approvals/lead");
    const auto read = parse_json(inbox);
    ASSERT_TRUE(read) << inbox;
    const std::string seen = text_member(
        *member(*read, "approvals")->get<Value::List>()->front().get<Value::Map>(), "seen");
    const auto decide = [&](const std::string& who) {
        return send("POST", "/v1/approvals/" + key + "/approve",
                    R"({"who":")" + who + R"(","seen":")" + seen + "\"}");
    };
    EXPECT_EQ(decide("rita").status, 409);
    EXPECT_EQ(decide("nobody").status, 409);
    EXPECT_EQ(db_.value("SELECT count(*) FROM fulfilments"), "0");
    const std::string said = ctl({"approvals", "approve", key, "--comment", "fine"});
    EXPECT_NE(said.find("approved by"), npos) << said;
    ASSERT_TRUE(stands_at(instance, "released")) << get("/v1/instances/" + instance);
    EXPECT_EQ(decide(account()).status, 409);
    EXPECT_TRUE(ctl_says({"approvals", "list"}, "nothing waits"));
}

TEST_F(Workflows, UndoWhatTheyDidIfAStepFailsForGood) {
    start();
    const std::string instance = begin("C-4", "P-4");
    ASSERT_TRUE(comes_to(instance, "compensated")) << get("/v1/instances/" + instance);
    EXPECT_EQ(db_.value("SELECT status FROM fulfilments"), "cancelled");
    EXPECT_EQ(db_.value("SELECT count(*) FROM fulfilments"), "1");
    EXPECT_NE(ctl({"workflows", "show", instance}).find("no booking of P-4"), npos);
    const std::string refused = begin("C-3", "P-3");
    EXPECT_TRUE(comes_to(refused, "compensated"));
    EXPECT_NE(get("/v1/instances/" + refused).find("not entitled"), npos);
}

TEST_F(Workflows, WaitForAPlatformThatIsDownAndAreNotForgottenWhenHubsDie) {
    start();
    const std::string instance = begin("C-5", "P-2");
    const std::string key = "replacement/" + instance + "/approval";
    ASSERT_TRUE(ctl_says({"approvals", "list"}, key));
    hub->kill9();
    hub = start_hub();
    postgres_.stop();
    ASSERT_TRUE(until([&] {
        return ctl({"approvals", "approve", key}).find("approved by") != npos;
    }));
    ASSERT_TRUE(stands_at(instance, "fulfil")) << get("/v1/instances/" + instance);
    hub->kill9();
    hub = start_hub();
    erp_->kill9();
    erp_ = start_agent("erp");
    ASSERT_TRUE(stands_at(instance, "fulfil"));
    postgres_.start();
    ASSERT_TRUE(stands_at(instance, "released")) << get("/v1/instances/" + instance);
    PostgresClient db{postgres_, "postgres"};  // The server is another one.
    EXPECT_EQ(db.value("SELECT count(*) FROM fulfilments"), "1");
    EXPECT_EQ(db.value("SELECT count(*) FROM bookings"), "1");
    db.run("UPDATE fulfilments SET status = 'released'");
    EXPECT_TRUE(comes_to(instance, "done")) << get("/v1/instances/" + instance);
}

TEST_F(Workflows, AreActedOnByPeople) {
    start();
    const std::string instance = begin("C-6", "P-1");
    ASSERT_TRUE(stands_at(instance, "released"));
    EXPECT_NE(ctl({"workflows", "pause", instance, "--reason", "wait"}).find("paused"), npos);
    EXPECT_EQ(send("POST", "/v1/instances/" + instance + "/explode", R"({"who":"a"})").status, 404);
    EXPECT_EQ(send("POST", "/v1/instances/" + instance + "/cancel", "[]").status, 400);
    EXPECT_EQ(send("POST", "/v1/instances/" + instance + "/cancel", R"({"who":"a"})").status, 200);
    EXPECT_TRUE(comes_to(instance, "compensated")) << get("/v1/instances/" + instance);
    EXPECT_EQ(db_.value("SELECT status FROM fulfilments"), "cancelled");
}

TEST_F(Workflows, RefuseWhatTheyCannotUse) {
    start();
    EXPECT_EQ(send("POST", "/v1/process/replacment", "{}").status, 404);
    EXPECT_EQ(send("POST", "/v1/process/replacement", "{}").status, 400);
    EXPECT_EQ(send("POST", "/v1/process/replacement", "[").status, 400);
    EXPECT_EQ(send("GET", "/v1/instances/none").status, 404);
    EXPECT_EQ(send("GET", "/v1/process/replacement").status, 405);
}

}  // namespace
}  // namespace syncline::test
