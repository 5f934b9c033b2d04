// Questions, with the programs as processes: a real PostgreSQL answers through its agent, the hub
// puts several together, and NATS's own client library sees the services.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <memory>

#include "shared/base/json.h"
#include "shared/http/client.h"
#include "tests/integration/running_system.h"
#include "tests/support/free_port.h"
#include "tests/support/postgres_server.h"

namespace syncline::test {
namespace {

constexpr const char* kAsks = R"([platforms.erp]
[asks.order_check]
description = "May this order be taken?"
owner = "sales"
deadline_ms = 3000
[asks.order_check.input]
customer = { type = "string", required = true }
amount   = { type = "decimal", required = true }
[asks.order_check.parts.credit]
ask  = "erp.credit"
with = { customer = 'customer' }
[asks.order_check.parts.tax]
ask = "erp.tax"
required = false
[[asks.order_check.reasons]]
when = 'credit_ok and credit_status ~= "good"'
text = "the customer is blocked"
[[asks.order_check.reasons]]
when = 'credit_ok and credit_left < amount'
text = "the credit limit is too low"
[asks.order_check.output]
left = 'credit_left - amount'
)";

std::string output_of(const std::string& command) {
    std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe{::popen(command.c_str(), "r"), ::pclose};
    std::string out;
    std::array<char, 4'096> buffer{};
    while (std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr) out += buffer.data();
    return out;
}

constexpr const char* kAboutC1 = R"({"customer":"C-1"})";

class Asks : public RunningSystem {
protected:
    Asks() : db_(postgres_, "postgres") {
        db_.run(
            "CREATE TABLE customers (id text PRIMARY KEY, name text);"
            "CREATE TABLE credit (number text PRIMARY KEY, status text, lim numeric(12,2), "
            "used numeric(12,2));"
            "INSERT INTO credit VALUES ('C-1', 'good', 1000, 749.50), ('C-2', 'blocked', 10, 0);"
            "CREATE FUNCTION take_note() RETURNS text LANGUAGE sql AS "
            "'INSERT INTO credit VALUES (''C-3'') RETURNING number';"
            "CREATE ROLE syncline LOGIN REPLICATION PASSWORD 'secret';"
            "GRANT SELECT, INSERT ON customers, credit TO syncline;"
            "CREATE PUBLICATION syncline FOR TABLE customers");
        write("policy/asks.toml", kAsks);
        write("secret", "secret");
        write("hub.toml", read("hub.toml") + "[api]\nport = " + std::to_string(port_) + "\n");
        write_erp("");
    }
    void write_erp(const std::string& more) const {
        write("erp.toml",
              "platform = \"erp\"\nstore = \"erp.db\"\npresence_ms = 200\n"
              "[nats]\nurls = [\"" +
                  server.url() +
                  "\"]\n"
                  "[connector]\nkind = \"postgres\"\nhost = \"127.0.0.1\"\nport = " +
                  std::to_string(postgres_.port()) + R"(
database = "postgres"
user = "syncline"
password = { file = ")" +
                  (folder / "secret").string() + R"(" }
tls = "disable"
[connector.asks.credit]
sql = "SELECT status, lim - used AS left FROM credit WHERE number = :customer"
[connector.asks.write]
sql = "SELECT take_note() AS number"
[asks.credit]
description = "What a customer may still order for"
owner = "finance"
deadline_ms = 1000
)" + more + R"(
[asks.credit.input]
customer = { type = "string", required = true }
[asks.credit.output]
status = { type = "string", required = true }
left   = { type = "decimal", required = true }
[asks.write.output]
number = "string"
[objects.customer]
native = "customers"
key = "id"
[objects.customer.fields]
name = "name"
)");
    }
    void start() {
        hub = start_hub();
        erp_ = start_agent("erp");
        ASSERT_TRUE(ctl_says({"ask"}, "erp.credit"));
    }
    HttpResponse post(const std::string& path, const std::string& body) {
        const auto response = http_.send({.method = "POST",
                                          .url = "http://127.0.0.1:" + std::to_string(port_) + path,
                                          .headers = {{"Content-Type", "application/json"}},
                                          .body = body},
                                         {});
        return response ? *response : HttpResponse{.status = -1, .body = response.error().what};
    }

    const std::uint16_t port_ = free_port();
    PostgresServer postgres_;
    PostgresClient db_;
    std::unique_ptr<Program> erp_;
    CurlClient http_;
};

TEST_F(Asks, AreAnsweredByThePlatformOverEveryDoor) {
    start();
    const std::string told = ctl({"ask", "erp.credit", "customer=C-1", "--json"});
    EXPECT_NE(told.find("\"source\":\"live\""), std::string::npos) << told;
    EXPECT_NE(told.find("\"left\":250.5"), std::string::npos) << told;
    const HttpResponse response = post("/v1/ask/erp.credit", R"({"customer":"C-1"})");
    EXPECT_EQ(response.status, 200);
    EXPECT_EQ(response.header("content-type"), "application/json");
    EXPECT_NE(response.body.find("\"left\":250.5"), std::string::npos) << response.body;
    EXPECT_EQ(post("/v1/ask/erp.credit", R"({"customer":"C-9"})").status, 404);
    EXPECT_EQ(post("/v1/ask/erp.credit", R"({"custmer":"C-1"})").status, 400);
    EXPECT_EQ(post("/v1/ask/erp.nothing", "{}").status, 503);
    EXPECT_EQ(post("/v1/ask/nothing", "{}").status, 404);
    EXPECT_EQ(post("/v1/other", "{}").status, 404);
}

TEST_F(Asks, ArePutTogetherWithAVerdict) {
    start();
    EXPECT_TRUE(ctl_says({"ask"}, "order_check"));
    std::string told = ctl({"ask", "order_check", "customer=C-1", "amount=250.50"});
    EXPECT_NE(told.find("order_check  yes"), std::string::npos) << told;
    told = ctl({"ask", "order_check", "customer=C-1", "amount=250.51"});
    EXPECT_NE(told.find("the credit limit is too low"), std::string::npos) << told;
    told = ctl({"ask", "order_check", "customer=C-2", "amount=1"});
    EXPECT_NE(told.find("the customer is blocked"), std::string::npos) << told;
    const HttpResponse unknown = post("/v1/ask/order_check", R"({"customer":"C-9","amount":1})");
    EXPECT_EQ(unknown.status, 200);
    EXPECT_NE(unknown.body.find("\"verdict\":\"unknown\""), std::string::npos) << unknown.body;
    erp_->kill9();
    const HttpResponse silent = post("/v1/ask/order_check", R"({"customer":"C-1","amount":1})");
    EXPECT_NE(silent.body.find("credit is not known"), std::string::npos) << silent.body;
}

TEST_F(Asks, CannotChangeAnything) {
    start();
    const HttpResponse refused = post("/v1/ask/erp.write", "{}");
    EXPECT_GE(refused.status, 400);
    EXPECT_NE(refused.body.find("read-only transaction"), std::string::npos) << refused.body;
    EXPECT_EQ(db_.value("SELECT count(*) FROM credit"), "2");
}

TEST_F(Asks, AreAnsweredByANewServerAtOnce) {
    start();
    for (int i = 0; i < 4; ++i) EXPECT_EQ(post("/v1/ask/erp.credit", kAboutC1).status, 200);
    postgres_.stop();
    postgres_.start();
    // Each connection that is kept for questions is a dead one.
    for (int i = 0; i < 8; ++i) {
        const HttpResponse response = post("/v1/ask/erp.credit", kAboutC1);
        EXPECT_EQ(response.status, 200) << response.body;
    }
}

TEST_F(Asks, AreAnsweredWhileThePlatformIsDown) {
    write_erp("cache_ms = 1\nstale_ms = 600000\nfallback = { status = \"unknown\", left = 0 }\n");
    start();
    EXPECT_EQ(post("/v1/ask/erp.credit", R"({"customer":"C-1"})").status, 200);
    postgres_.stop();
    const std::string known = post("/v1/ask/erp.credit", R"({"customer":"C-1"})").body;
    EXPECT_NE(known.find("\"source\":\"stale\""), std::string::npos) << known;
    const std::string other = post("/v1/ask/erp.credit", R"({"customer":"C-2"})").body;
    EXPECT_NE(other.find("\"source\":\"fallback\""), std::string::npos) << other;
    postgres_.start();
    EXPECT_TRUE(until([&] {
        return post("/v1/ask/erp.credit", R"({"customer":"C-2"})").body.find("live") !=
               std::string::npos;
    }));
}

TEST_F(Asks, AreSeenByTheClientLibraryOfNats) {
    start();
    EXPECT_TRUE(ctl_says({"ask"}, "order_check"));
    std::ignore = ctl({"ask", "erp.credit", "customer=C-1"});
    const std::string said = output_of("node " + std::string{SYNCLINE_SOURCE_DIR} +
                                       "/tests/support/services.mjs " + server.url() + " 2>&1");
    const auto seen = parse_json(said);
    ASSERT_TRUE(seen) << said;
    for (const char* part : {"\"sync-erp\"", "\"sync-hub\"", "\"sync.ask.erp.credit\"",
                             "\"num_requests\":1", "\"experience\"", "\"system\""}) {
        EXPECT_NE(said.find(part), std::string::npos) << part << ":\n" << said;
    }
}

TEST_F(Asks, AreRefusedWithTheirPlaceIfNobodyKnowsHowToPutThem) {
    write("erp.toml", read("erp.toml") + "[asks.crdit]\n");
    const auto agent = start_agent("erp");
    EXPECT_EQ(agent->wait(), 2);
    EXPECT_TRUE(agent->says("`asks.crdit` is asked in no way")) << agent->said();
    EXPECT_TRUE(agent->says("did you mean `credit`?")) << agent->said();
}

}  // namespace
}  // namespace syncline::test
