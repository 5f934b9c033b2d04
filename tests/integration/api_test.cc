// The hub's HTTP API with a real hub, agents and nats-server: what it answers, to whom, and what it
// refuses.
#include <gtest/gtest.h>

#include <thread>

#include "hub/api/route.h"
#include "tests/integration/api_fixture.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;

TEST_F(HubApi, ShowsWhatSynclinectlShows) {
    start_with_exception();
    const Value status = json("/v1/status");
    ASSERT_NE(member(status, "hubs"), nullptr);
    EXPECT_EQ(number_member(*member(status, "open_exceptions"), "delete.review"), 1U);
    const Value page = json("/v1/entities/customer?limit=2");
    ASSERT_EQ(member(page, "entities")->get<Value::List>()->size(), 2U);
    const std::string next = text_member(page, "next");
    ASSERT_FALSE(next.empty());
    const Value rest = json("/v1/entities/customer?limit=2&after=" + next);
    EXPECT_EQ(member(rest, "entities")->get<Value::List>()->size(), 1U);
    EXPECT_EQ(*member(rest, "next"), Value{});
    const Value entity = json("/v1/entities/customer/shop%3A1");
    EXPECT_EQ(
        text_member(*member(*member(*member(entity, "entity"), "canonical"), "name"), "value"),
        "Ada");
    const Value log = json("/v1/log?limit=2");
    ASSERT_EQ(member(log, "entries")->get<Value::List>()->size(), 2U);
    const Value older = json("/v1/log?limit=500&before=" + text_member(log, "next"));
    EXPECT_FALSE(member(older, "entries")->get<Value::List>()->empty());
    EXPECT_LT(number_member(first(older, "entries"), "sequence"),
              number_member(first(log, "entries"), "sequence"));
    EXPECT_EQ(number_member(first(json("/v1/policy/versions"), "versions"), "version"), 1U);
    const Value version = json("/v1/policy/versions/1");
    EXPECT_NE(text_member(*member(version, "files"), "policy.toml").find("[policy]"),
              std::string::npos);
}

TEST_F(HubApi, ActsOnExceptionsAsThePersonWhoIsKnown) {
    start_with_exception();
    const Value one = first(json("/v1/exceptions?kind=delete.*"), "exceptions");
    const std::string entity = text_member(one, "entity");
    ASSERT_FALSE(entity.empty());
    const Value shown = json("/v1/exceptions/customer/" + entity);
    EXPECT_EQ(text_member(first(shown, "exceptions"), "kind"), "delete.review");
    EXPECT_EQ(
        post("/v1/exceptions/note", R"({"object":"customer","entity":")" + entity +
                                        R"(","kind":"delete.review","text":"--yes\nasked Ann"})")
            .status,
        200);
    // A dry run changes nothing, of one as of several.
    for (const char* which : {R"("kind":"delete.review")", R"("platform":"shop")"}) {
        const HttpResponse dry =
            post("/v1/exceptions/accept", std::string{"{\"dry_run\":true,"} + which + "}");
        EXPECT_EQ(dry.status, 200) << dry.body;
        EXPECT_NE(dry.body.find("\"dry_run\":true"), std::string::npos) << dry.body;
    }
    EXPECT_EQ(number_member(json("/v1/exceptions"), "total"), 1U);
    const std::string done = R"({"object":"customer","entity":")" + entity +
                             R"(","kind":"delete.review","reason":"gone"})";
    const HttpResponse accepted =
        post("/v1/exceptions/accept", done, {{"Idempotency-Key", "key-1"}});
    EXPECT_EQ(accepted.status, 200) << accepted.body;
    EXPECT_NE(accepted.body.find("\"actor\":\"local\""), std::string::npos) << accepted.body;
    EXPECT_EQ(number_member(json("/v1/exceptions"), "total"), 0U);
    // Sent again it is not done again, but answered as before; another request is not answered so.
    EXPECT_EQ(post("/v1/exceptions/accept", done, {{"Idempotency-Key", "key-1"}}).body,
              accepted.body);
    EXPECT_EQ(post("/v1/exceptions/reject", done, {{"Idempotency-Key", "key-1"}}).status, 422);
    EXPECT_EQ(post("/v1/exceptions/accept", done).status, 409);
    EXPECT_TRUE(ctl_says({"log", "customer", entity}, "gone"));
    EXPECT_TRUE(ctl_says({"log", "customer", entity}, "local"));
}

TEST_F(HubApi, ChecksPlansAndAppliesAPolicy) {
    start_all();
    const std::string policy = read("policy/policy.toml");
    const auto body = [&](const std::string& text, Value::Map more = {}) {
        more.emplace("files", Value::Map{{"policy.toml", text}});
        return to_json(Value{std::move(more)});
    };
    const HttpResponse wrong = post("/v1/policy/check", body("[policy]\nnme = 1\n"));
    EXPECT_EQ(wrong.status, 200);
    EXPECT_NE(wrong.body.find("\"where\":\"policy.toml:2:1\""), std::string::npos) << wrong.body;
    EXPECT_EQ(wrong.body.find("/tmp"), std::string::npos) << wrong.body;
    EXPECT_EQ(post("/v1/policy/apply", body("[policy]\n", {{"reason", "x"}})).status, 400);
    const std::string other = policy + "[objects.customer.fields.more]\ntype = \"string\"\n";
    const HttpResponse planned = post("/v1/policy/plan", body(other));
    ASSERT_EQ(planned.status, 200) << planned.body;
    const std::string plan = text_member(*parse_json(planned.body), "plan");
    EXPECT_EQ(post("/v1/policy/apply", body(other, {{"reason", "more"}})).status, 403);
    const HttpResponse applied =
        post("/v1/policy/apply", body(other, {{"reason", "more"}, {"plan", plan}}));
    ASSERT_EQ(applied.status, 200) << applied.body;
    EXPECT_EQ(number_member(*parse_json(applied.body), "version"), 2U);
    const Value newest = first(json("/v1/policy/versions"), "versions");
    EXPECT_EQ(text_member(newest, "author"), "local");
    EXPECT_EQ(text_member(newest, "standing"), "in force");
    EXPECT_EQ(post("/v1/policy/versions/1/rollback", R"({"reason":"back"})").status, 200);
    for (const char* name : {"../x.toml", "/etc/x.toml", "tests/../x.toml", ".x.toml", "x.txt"}) {
        const HttpResponse refused = post(
            "/v1/policy/check", to_json(Value::Map{{"files", Value::Map{{name, "[policy]"}}}}));
        EXPECT_EQ(refused.status, 400) << name;
        EXPECT_EQ(kind_of(refused), "invalid");
    }
}

TEST_F(HubApi, TellsListenersWhatChanges) {
    start_all();
    std::string heard;
    std::thread listener{
        [&] { heard = raw("GET /v1/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", 20s); }};
    // Until the listener has its first status; then something happens.
    EXPECT_TRUE(until([&] { return get("/v1/status").status == 200; }, 100ms));
    std::this_thread::sleep_for(3s);
    drop("customers-1.jsonl", row("1", "Ada"));
    EXPECT_TRUE(arrives({"1"}));
    drop("customers-2.jsonl", R"({"op":"delete","customer_no":"1"})"
                              "\n");
    listener.join();
    EXPECT_NE(heard.find("Content-Type: text/event-stream"), std::string::npos) << heard;
    EXPECT_NE(heard.find("event: status\ndata: {"), std::string::npos);
    EXPECT_NE(heard.find("event: changed\ndata: {\"what\":\"exceptions\"}"), std::string::npos);
}

/// Of an installation in which nothing has happened yet.
TEST_F(HubApi, EveryOperationOfTheDescriptionIsThere) {
    hub = start_hub();
    ASSERT_TRUE(until([&] { return get("/readyz").status == 200; }, 100ms));
    const Value described = json("/v1/openapi.json");
    const Value* paths = member(described, "paths");
    ASSERT_NE(paths, nullptr);
    std::size_t seen = 0;
    for (const hub::api::Route& route : hub::api::routes()) {
        std::string path = route.path;
        std::erase(path, '*');
        const bool is_get = route.method == hub::api::Method::kGet;
        const Value* at = member(*paths, path);
        ASSERT_NE(at, nullptr) << path;
        ASSERT_NE(member(*at, is_get ? "get" : "post"), nullptr) << path;
        ++seen;
        if (route.id == "events") continue;  // It has no end.
        for (const hub::api::Parameter& one : route.parameters) {
            if (one.in != hub::api::Parameter::In::kPath) continue;
            const auto from = path.find('{');
            const bool number = one.type == hub::api::Parameter::Type::kInteger;
            path.replace(from, path.find('}') - from + 1, number ? "1" : "customer");
        }
        // With nothing in them those that act refuse; what looks finds something, or says what not.
        const HttpResponse answer = is_get ? get(path) : post(path, "{}");
        EXPECT_NE(answer.status, 405) << path;
        EXPECT_LT(answer.status, 500) << path << " " << answer.body;
        if (answer.status >= 400) {
            EXPECT_NE(kind_of(answer), "") << path << " " << answer.body;
        }
        if (answer.status == 404) {
            EXPECT_EQ(answer.body.find("nothing at that path"), std::string::npos) << path;
        }
    }
    EXPECT_GT(seen, 60U);
}

TEST_F(HubApi, RefusesWhatIsWrong) {
    start_all();
    struct Row {
        std::string path;
        int status;
        std::string kind;
    };
    const std::vector<Row> rows{{"/v1/nothing", 404, "not_found"},
                                {"/v1/entities/customer/nobody", 404, "not_found"},
                                {"/v1/entities/nothing", 404, "not_found"},
                                {"/v1/exceptions?limt=1", 400, "invalid"},
                                {"/v1/exceptions?after=x", 400, "invalid"},
                                {"/v1/entities/customer?after=x", 400, "invalid"},
                                {"/v1/policy/versions/99", 404, "not_found"},
                                {"/v1/log?before=-1", 400, "invalid"},
                                {"/../../etc/passwd", 404, "not_found"},
                                {"/assets/%2e%2e/%2e%2e/etc/passwd", 404, "not_found"},
                                {"/v1/logout", 405, "unsupported"}};
    for (const Row& row : rows) {
        const HttpResponse answer = get(row.path);
        EXPECT_EQ(answer.status, row.status) << row.path << " " << answer.body;
        EXPECT_EQ(kind_of(answer), row.kind) << row.path;
    }
    EXPECT_NE(get("/v1/exceptions?limt=1").body.find("did you mean `limit`"), std::string::npos);
    EXPECT_EQ(post("/v1/exceptions/accept", std::string(3u << 20, ' ')).status, 413);
    EXPECT_EQ(post("/v1/exceptions/accept", "{\"kind\":").status, 400);
    EXPECT_NE(raw("POST /v1/login HTTP/1.1\r\nHost: localhost\r\n\r\n", 1s).find(" 411 "),
              std::string::npos);
    EXPECT_NE(
        raw("GET / HTTP/1.1\r\nHost: localhost\r\nX: " + std::string(20'000, 'x') + "\r\n\r\n", 1s)
            .find(" 431 "),
        std::string::npos);
    // A name of somebody else that leads here, and a page of another site.
    EXPECT_EQ(get("/v1/status", {{"Host", "evil.example"}}).status, 421);
    EXPECT_EQ(
        post("/v1/exceptions/accept", R"({"kind":"a"})", {{"Sec-Fetch-Site", "cross-site"}}).status,
        403);
    // Nothing of a request becomes a line of its own in the log or a header of the answer.
    const std::string split =
        raw("GET /v1/x%0d%0aSet-Cookie:%20a=b HTTP/1.1\r\nHost: localhost\r\nConnection: close"
            "\r\n\r\n",
            1s);
    EXPECT_NE(split.find(" 404 "), std::string::npos);
    EXPECT_EQ(split.find("\r\nSet-Cookie"), std::string::npos) << split;
    EXPECT_EQ(get("/v1/status").status, 200);
}

TEST_F(HubApi, AnswersFromMemoryWhatHasNotChanged) {
    start_all();
    const HttpResponse before = get("/v1/policy/versions");
    const std::string mark{before.header("etag")};
    ASSERT_FALSE(mark.empty());
    EXPECT_EQ(get("/v1/policy/versions", {{"If-None-Match", mark}}).status, 304);
    EXPECT_EQ(get("/v1/policy/versions", {{"If-None-Match", "\"x\""}}).status, 200);
    EXPECT_EQ(before.header("x-content-type-options"), "nosniff");
    EXPECT_FALSE(before.header("ratelimit").empty());
    EXPECT_EQ(get("/livez").body, "alive\n");
    EXPECT_TRUE(until([&] { return get("/readyz").status == 200; }, 100ms));
    EXPECT_NE(get("/metrics").body.find("syncline_hub_inputs_total"), std::string::npos);
    const HttpResponse page = get("/");
    EXPECT_EQ(page.status, 200);
    const std::string rules{page.header("content-security-policy")};
    EXPECT_NE(rules.find("script-src 'self'"), std::string::npos) << rules;
    EXPECT_EQ(rules.find("unsafe"), std::string::npos) << rules;
    EXPECT_NE(rules.find("frame-ancestors 'none'"), std::string::npos) << rules;
    int refused = 0;
    for (int i = 0; i < 400 && refused == 0; ++i) {
        const HttpResponse answer = get("/v1/exceptions/kinds");
        if (answer.status != 429) continue;
        ++refused;
        EXPECT_FALSE(answer.header("retry-after").empty());
    }
    EXPECT_GT(refused, 0);
}

class GuardedApi : public HubApi {
protected:
    GuardedApi()
        : HubApi("per_second = 1000\n" + token_toml("vera", "\"viewer\"") +
                 token_toml("otto", "\"operator\"") + token_toml("root", "\"admin\"") +
                 token_toml("some", "\"operator\"", "objects = [\"order\"]\n") +
                 token_toml("late", "\"admin\"", "expires = \"2026-01-01T00:00:00Z\"\n")) {
        std::string policy = read("policy/policy.toml");
        const std::string name = "name   = \"string\"";
        policy.replace(policy.find(name), name.size(),
                       "name = { type = \"string\", classification = \"pii\" }");
        write("policy/policy.toml", policy);
    }
    void as(const std::string& name) { token_ = name.empty() ? "" : name + "-token"; }
};

TEST_F(GuardedApi, AsksWhoItIsAndWhatTheyMay) {
    as("root");
    start_with_exception();
    as("");
    EXPECT_EQ(get("/v1/status").status, 401);
    EXPECT_EQ(get("/v1/status").header("www-authenticate"), "Bearer");
    EXPECT_EQ(get("/metrics").status, 401);
    EXPECT_EQ(get("/livez").status, 200);
    EXPECT_EQ(get("/v1/openapi.json").status, 200);
    EXPECT_EQ(get("/").status, 200) << "the console's files hold nothing of anybody";
    as("late");
    EXPECT_EQ(get("/v1/status").status, 401);
    as("vera");
    EXPECT_EQ(get("/v1/status").status, 200);
    EXPECT_EQ(text_member(json("/v1/session"), "name"), "vera");
    const std::string all = R"({"kind":"delete.review"})";
    EXPECT_EQ(post("/v1/exceptions/accept", all).status, 403);
    EXPECT_EQ(post("/v1/policy/check", R"({"files":{"a.toml":""}})").status, 403);
    // What the policy calls personal is not for who only looks.
    std::string told = get("/v1/entities/customer/shop%3A1").body;
    EXPECT_EQ(told.find("Ada"), std::string::npos) << told;
    EXPECT_NE(told.find("(personal)"), std::string::npos) << told;
    EXPECT_EQ(get("/v1/entities/customer").body.find("Ada"), std::string::npos);
    EXPECT_EQ(get("/v1/log").body.find("Ada"), std::string::npos);
    as("otto");
    told = get("/v1/entities/customer/shop%3A1").body;
    EXPECT_NE(told.find("Ada"), std::string::npos) << told;
    EXPECT_EQ(post("/v1/policy/check", R"({"files":{"a.toml":""}})").status, 403);
    as("some");
    EXPECT_EQ(get("/v1/entities/customer").status, 403);
    EXPECT_EQ(number_member(json("/v1/exceptions"), "total"), 0U);
    EXPECT_EQ(get("/v1/exceptions?object=customer").status, 403);
    EXPECT_EQ(get("/v1/facts").status, 403);
    EXPECT_EQ(post("/v1/exceptions/accept", all).status, 200);
    EXPECT_TRUE(member(json("/v1/log"), "entries")->get<Value::List>()->empty());
    as("otto");
    EXPECT_EQ(number_member(json("/v1/exceptions"), "total"), 1U) << "it was not theirs to settle";
    const HttpResponse accepted = post("/v1/exceptions/accept", all);
    EXPECT_NE(accepted.body.find("\"actor\":\"otto\""), std::string::npos) << accepted.body;
}

TEST_F(GuardedApi, LetsABrowserLogInAndOut) {
    start_all();
    EXPECT_EQ(post("/v1/login", R"({"token":"wrong"})").status, 401);
    EXPECT_EQ(post("/v1/login", R"({})").status, 400);
    const HttpResponse in = post("/v1/login", R"({"token":"otto-token"})");
    ASSERT_EQ(in.status, 200) << in.body;
    const std::string set{in.header("set-cookie")};
    for (const char* part : {"HttpOnly", "SameSite=Strict", "Path=/"}) {
        EXPECT_NE(set.find(part), std::string::npos) << set;
    }
    EXPECT_EQ(set.find("Secure"), std::string::npos) << "it is this machine, without TLS";
    EXPECT_NE(post("/v1/login", R"({"token":"otto-token"})", {{"X-Forwarded-Proto", "https"}})
                  .header("set-cookie")
                  .find("; Secure"),
              std::string_view::npos);
    const std::string cookie = set.substr(0, set.find(';'));
    const std::string csrf = text_member(*parse_json(in.body), "csrf");
    EXPECT_EQ(get("/v1/status", {{"Cookie", cookie}}).status, 200);
    const std::string all = R"({"kind":"delete.review","dry_run":true})";
    EXPECT_EQ(post("/v1/exceptions/retry", all, {{"Cookie", cookie}}).status, 403);
    EXPECT_EQ(post("/v1/exceptions/retry", all, {{"Cookie", cookie}, {"X-CSRF-Token", "x"}}).status,
              403);
    EXPECT_EQ(
        post("/v1/exceptions/retry", all, {{"Cookie", cookie}, {"X-CSRF-Token", csrf}}).status,
        200);
    EXPECT_EQ(post("/v1/logout", "{}", {{"Cookie", cookie}, {"X-CSRF-Token", csrf}}).status, 200);
    EXPECT_EQ(get("/v1/status", {{"Cookie", cookie}}).status, 401);
    int throttled = 0;
    for (int i = 0; i < 12; ++i) {
        throttled += post("/v1/login", R"({"token":"wrong"})").status == 429 ? 1 : 0;
    }
    EXPECT_GT(throttled, 0);
}

}  // namespace
}  // namespace syncline::test
