// Who is bound to regions sees and acts on what is of these, by whatever door.
#include <gtest/gtest.h>

#include <thread>

#include "tests/integration/api_fixture.h"

namespace syncline::test {
namespace {

using namespace std::chrono_literals;

class RegionalApi : public HubApi {
protected:
    RegionalApi()
        : HubApi("per_second = 1000\n" + token_toml("root", "\"admin\"") +
                 token_toml("eu", "\"operator\"", "regions = [\"EU\", \"UK\"]\n") +
                 token_toml("eu_admin", "\"admin\"", "regions = [\"EU\"]\n")) {
        std::string policy = read("policy/policy.toml");
        const std::string name = "name   = \"string\"";
        policy.replace(policy.find(name), name.size(), name + "\nregion = \"string\"");
        write("policy/policy.toml", policy);
        for (const char* agent : {"shop.toml", "books.toml"}) {
            write(agent, read(agent) + "region = \"region\"\n");
        }
    }
    void with_region() {
        const std::string policy = read("policy/policy.toml");
        write("policy/policy.toml", "[objects.customer]\nregion = \"region\"\n" + policy);
    }
    void as(const std::string& name) { token_ = name + "-token"; }

    static std::string regional(const std::string& number, const std::string& name,
                                const std::string& region) {
        Value::Map row{{"customer_no", number}, {"name", name}};
        if (!region.empty()) row.emplace("region", region);
        return to_json(Value{std::move(row)}) + "\n";
    }
    /// Ada of the EU, Bob of the US, and Cyd of nowhere, whom the shop has all deleted.
    void start_with_three() {
        start_all();
        drop("customers-1.jsonl",
             regional("1", "Ada", "EU") + regional("2", "Bob", "US") + regional("3", "Cyd", ""));
        ASSERT_TRUE(arrives({"1", "2", "3"}));
        std::string gone;
        for (const char* number : {"1", "2", "3"}) {
            gone += "{\"op\":\"delete\",\"customer_no\":\"" + std::string{number} + "\"}\n";
        }
        drop("customers-2.jsonl", gone);
        as("root");
        ASSERT_TRUE(
            until([&] { return number_member(json("/v1/exceptions"), "total") == 3; }, 100ms));
        const Value page = json("/v1/entities/customer");
        for (const Value& one : *member(page, "entities")->get<Value::List>()) {
            ids_[text_member(*member(one, "fields"), "name")] = text_member(one, "entity");
        }
        ASSERT_EQ(ids_.size(), 4U);
    }
    std::vector<std::string> names(const std::string& path, const char* list) {
        const Value page = json(path);
        std::vector<std::string> out;
        const Value* found = member(page, list);
        for (const Value& one : found == nullptr ? Value::List{} : *found->get<Value::List>()) {
            out.push_back(text_member(one, "entity"));
        }
        return out;
    }
    std::string one(const std::string& name, const std::string& more = {}) {
        return R"({"object":"customer","kind":"delete.review","entity":")" + ids_[name] + "\"" +
               more + "}";
    }

    std::map<std::string, std::string> ids_;
};

TEST_F(RegionalApi, ShowsWhatIsOfTheRegionsAlone) {
    with_region();
    start_with_three();
    as("eu");
    EXPECT_EQ(to_json(*member(json("/v1/session"), "regions")), R"(["EU","UK"])");
    const std::vector<std::string> ada{ids_["Ada"]};
    EXPECT_EQ(names("/v1/entities/customer", "entities"), ada);
    EXPECT_EQ(names("/v1/exceptions", "exceptions"), ada);
    EXPECT_EQ(number_member(json("/v1/exceptions"), "total"), 1U);
    EXPECT_EQ(names("/v1/exceptions?all=true", "exceptions"), ada);
    for (const std::string& entity : names("/v1/log", "entries")) EXPECT_EQ(entity, ids_["Ada"]);
    EXPECT_FALSE(names("/v1/log", "entries").empty());

    const std::string entity = "/v1/entities/customer/";
    for (const char* way : {"", "/log", "/timeline", "/blame"}) {
        EXPECT_EQ(get(entity + "shop%3A1" + way).status, 200) << way;
        for (const std::string& key : {std::string{"shop%3A2"}, std::string{"2"}, ids_["Bob"],
                                       std::string{"shop%3A3"}, ids_["Cyd"]}) {
            const HttpResponse answer = get(entity + key + way);
            EXPECT_EQ(answer.status, 404) << key << way << answer.body;
            EXPECT_EQ(answer.body.find("Bob"), std::string::npos) << key << way;
        }
        // Nor does it say which of what is not seen there is.
        std::string there = get(entity + "shop%3A2" + way).body;
        const std::string none = get(entity + "shop%3A9" + way).body;
        there.replace(there.find("shop:2"), 6, "shop:9");
        EXPECT_EQ(there, none) << way;
    }
    EXPECT_EQ(get(entity + "shop%3A2?at=1s").status, 404);
    EXPECT_EQ(get("/v1/exceptions/customer/" + ids_["Ada"]).status, 200);
    EXPECT_EQ(get("/v1/exceptions/customer/" + ids_["Bob"]).status, 404);
    EXPECT_EQ(get("/v1/exceptions/customer/shop%3A2").status, 404);
    for (const char* whole : {"/v1/reconciliations/shop/customer", "/v1/facts", "/v1/approvals",
                              "/v1/timeline?trace=0af7651916cd43dd8448eb211c80319c"}) {
        EXPECT_EQ(get(whole).status, 403) << whole;
    }
}

TEST_F(RegionalApi, ActsOnWhatIsOfTheRegionsAlone) {
    with_region();
    start_with_three();
    as("eu");
    EXPECT_EQ(post("/v1/exceptions/note", one("Bob", R"(,"text":"x")")).status, 404);
    EXPECT_EQ(post("/v1/exceptions/accept", one("Bob")).status, 404);
    EXPECT_EQ(post("/v1/exceptions/to-rule", one("Ada", R"(,"as":"accept")")).status, 403);
    const std::string other = R"(","dry_run":true})";
    const std::string merge = R"({"keep":"shop:1","other":"shop:2)";
    EXPECT_EQ(post("/v1/entities/customer/merge", merge + other).status, 404);
    EXPECT_EQ(
        post("/v1/entities/customer/merge", R"({"keep":"shop:2","other":"shop:1)" + other).status,
        404);
    EXPECT_EQ(post("/v1/entities/customer/unlink", R"({"record":"books:2)" + other).status, 404);
    EXPECT_EQ(
        post("/v1/entities/customer/link", R"({"record":"shop:2","entity":")" + ids_["Ada"] + other)
            .status,
        404);
    as("eu_admin");
    EXPECT_EQ(post("/v1/entities/customer/forget", R"({"entity":"shop:2)" + other).status, 404);
    const HttpResponse ours = post("/v1/entities/customer/forget", R"({"entity":"shop:1)" + other);
    EXPECT_NE(ours.status, 404) << "that one is found: " << ours.body;
    as("root");
    EXPECT_EQ(post("/v1/entities/customer/merge", merge + other).status, 200) << "it would work";
    // All that a filter finds is all that is seen.
    as("eu");
    const HttpResponse all = post("/v1/exceptions/reject", R"({"kind":"delete.review"})");
    EXPECT_EQ(all.status, 200) << all.body;
    EXPECT_EQ(all.body.find(ids_["Bob"]), std::string::npos) << all.body;
    as("root");
    EXPECT_EQ(number_member(json("/v1/exceptions"), "total"), 2U) << "Ada's alone is settled";
}

TEST_F(RegionalApi, AnEntityThatMovesIsSeenByTheOthersFromThenOn) {
    with_region();
    start_all();
    drop("customers-1.jsonl", regional("2", "Bob", "US"));
    ASSERT_TRUE(arrives({"2"}));
    as("eu");
    EXPECT_EQ(get("/v1/entities/customer/shop%3A2").status, 404);
    drop("customers-2.jsonl", regional("2", "Bob", "UK"));
    EXPECT_TRUE(until([&] { return get("/v1/entities/customer/shop%3A2").status == 200; }, 100ms));
    drop("customers-3.jsonl", regional("2", "Bob", "US"));
    EXPECT_TRUE(until([&] { return get("/v1/entities/customer/shop%3A2").status == 404; }, 100ms));
}

TEST_F(RegionalApi, WhatIsToldToListenersNamesNobody) {
    with_region();
    start_with_three();
    std::string heard;
    std::thread listener{[&] {
        heard = raw("GET /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer eu-token\r\n\r\n",
                    20s);
    }};
    std::this_thread::sleep_for(3s);
    as("root");
    EXPECT_EQ(post("/v1/exceptions/note", one("Bob", R"(,"text":"of Bob")")).status, 200);
    listener.join();
    EXPECT_NE(heard.find("event: changed\ndata: {\"what\":\"exceptions\"}"), std::string::npos);
    EXPECT_NE(heard.find("event: status"), std::string::npos);
    for (const std::string& secret : {ids_["Bob"], std::string{"Bob"}, std::string{"\"US\""}}) {
        EXPECT_EQ(heard.find(secret), std::string::npos) << secret;
    }
}

TEST_F(RegionalApi, WithoutARegionInThePolicyNothingIsOfAny) {
    start_with_three();
    as("eu");
    EXPECT_TRUE(names("/v1/entities/customer", "entities").empty());
    EXPECT_TRUE(names("/v1/exceptions", "exceptions").empty());
    EXPECT_TRUE(names("/v1/log", "entries").empty());
    EXPECT_EQ(get("/v1/entities/customer/shop%3A1").status, 404);
}

}  // namespace
}  // namespace syncline::test
