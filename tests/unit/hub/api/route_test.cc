#include "hub/api/route.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "shared/base/json.h"
#include "shared/model/member.h"

namespace syncline::hub::api {
namespace {

using Words = std::vector<std::string>;

struct Asked {
    Result<Call> call;
    std::optional<Wrong> wrong;
};

Asked ask(std::string_view method, std::string_view target, std::string_view body = {}) {
    const auto mark = target.find('?');
    Asked asked{find_route(method, target.substr(0, mark)), {}};
    if (!asked.call) return asked;
    if (mark != std::string_view::npos)
        asked.wrong = take_query(*asked.call, target.substr(mark + 1));
    if (!asked.wrong && method == "POST") asked.wrong = take_body(*asked.call, body);
    if (!asked.wrong) asked.wrong = check_required(*asked.call);
    return asked;
}

Words words(std::string_view method, std::string_view target, std::string_view body = {}) {
    const Asked asked = ask(method, target, body);
    if (!asked.call) return {"no route: " + asked.call.error().what};
    if (asked.wrong) return {"wrong: " + asked.wrong->where + " " + asked.wrong->what};
    return words_of(*asked.call, "/folder");
}

struct Row {
    const char* name;
    const char* method;
    const char* target;
    const char* body;
    Words words;
};

class ApiRoute : public testing::TestWithParam<Row> {};
TEST_P(ApiRoute, BecomesACommandLine) {
    const Row& row = GetParam();
    EXPECT_EQ(words(row.method, row.target, row.body), row.words);
}
INSTANTIATE_TEST_SUITE_P(
    Of, ApiRoute,
    testing::Values(
        Row{"status", "GET", "/v1/status", "", {"status"}},
        Row{"list",
            "GET",
            "/v1/exceptions?kind=command.*&overdue=true&limit=50&all=false",
            "",
            {"exceptions", "list", "--kind=command.*", "--overdue", "--limit=50"}},
        Row{"show",
            "GET",
            "/v1/exceptions/customer/crm%3A0%2F3?kind=a@b",
            "",
            {"exceptions", "show", "--", "customer", "crm:0/3", "a@b"}},
        Row{"kinds_is_no_object", "GET", "/v1/exceptions/kinds", "", {"exceptions", "kinds"}},
        Row{"one",
            "POST",
            "/v1/exceptions/accept",
            R"({"object":"customer","entity":"x","kind":"a@b","reason":"so"})",
            {"exceptions", "accept", "--yes", "--reason=so", "--", "customer", "x", "a@b"}},
        Row{"several",
            "POST",
            "/v1/exceptions/retry",
            R"({"kind":"command.*","platform":"erp","dry_run":true,"most":500})",
            {"exceptions", "retry", "--kind=command.*", "--platform=erp", "--most=500",
             "--dry-run"}},
        Row{"edit",
            "POST",
            "/v1/exceptions/edit",
            R"({"object":"o","entity":"e","kind":"k","set":{"a":"--x","n":3,"z":null}})",
            {"exceptions", "edit", "--yes", "--set=a=--x", "--set=n=3", "--set=z=", "--", "o", "e",
             "k"}},
        Row{"an_option_in_a_text_stays_text",
            "GET",
            "/v1/entities/--server=x/--help",
            "",
            {"entity", "show", "--", "--server=x", "--help"}},
        Row{"files",
            "POST",
            "/v1/policy/plan",
            R"({"files":{"a.toml":"x"},"object":"order"})",
            {"policy", "plan", "--object=order", "--", "/folder"}},
        Row{"version",
            "POST",
            "/v1/policy/versions/7/rollback",
            R"({"reason":"Monday"})",
            {"policy", "rollback", "--to=7", "--reason=Monday"}},
        Row{"list_of_words",
            "POST",
            "/v1/reconciliations",
            R"({"report":true,"platforms":["crm","-x"]})",
            {"reconcile", "run", "--report", "--", "crm", "-x"}},
        Row{"dry_by_default",
            "POST",
            "/v1/replay",
            R"({"from":"1h"})",
            {"replay", "--dry-run", "--from=1h"}},
        Row{"live", "POST", "/v1/replay", R"({"live":true})", {"replay", "--live"}},
        Row{"forget_is_done",
            "POST",
            "/v1/entities/customer/forget",
            R"({"entity":"x"})",
            {"forget", "--yes", "--", "customer", "x"}}),
    [](const auto& row) { return std::string{row.param.name}; });

struct Bad {
    const char* name;
    const char* method;
    const char* target;
    const char* body;
    const char* where;
    const char* what;
};
class BadCall : public testing::TestWithParam<Bad> {};
TEST_P(BadCall, IsToldWhereAndWhat) {
    const Bad& row = GetParam();
    const Asked asked = ask(row.method, row.target, row.body);
    ASSERT_TRUE(asked.call) << asked.call.error().what;
    ASSERT_TRUE(asked.wrong);
    EXPECT_EQ(asked.wrong->where, row.where);
    EXPECT_NE(asked.wrong->what.find(row.what), std::string::npos) << asked.wrong->what;
}
INSTANTIATE_TEST_SUITE_P(
    Of, BadCall,
    testing::Values(
        Bad{"unknown", "GET", "/v1/exceptions?limt=5", "", "query", "did you mean `limit`"},
        Bad{"number", "GET", "/v1/exceptions?limit=five", "", "query.limit", "whole number"},
        Bad{"range", "GET", "/v1/exceptions?limit=501", "", "query.limit", "1 to 500"},
        Bad{"twice", "GET", "/v1/exceptions?tag=a&tag=b", "", "query.tag", "twice"},
        Bad{"choice", "GET", "/v1/exceptions?severity=fatal", "", "query.severity", "info"},
        Bad{"flag", "GET", "/v1/exceptions?overdue=yes", "", "query.overdue", "true or false"},
        Bad{"control", "GET", "/v1/exceptions?tag=a%0d%0aSet-Cookie", "", "query.tag", "control"},
        Bad{"utf8", "GET", "/v1/exceptions?tag=%ff", "", "query.tag", "UTF-8"},
        Bad{"missing", "GET", "/v1/timeline", "", "query.trace", "missing"},
        Bad{"no_json", "POST", "/v1/exceptions/accept", "{", "body", ""},
        Bad{"no_object", "POST", "/v1/exceptions/accept", "[]", "body", "object"},
        Bad{"type", "POST", "/v1/exceptions/accept", R"({"reason":1})", "body.reason", "a text"},
        Bad{"member", "POST", "/v1/exceptions/accept", R"({"reson":"x"})", "body", "`reason`"},
        Bad{"empty", "POST", "/v1/exceptions/discard", R"({"reason":"","kind":"a"})", "body.reason",
            "missing"},
        Bad{"half_named", "POST", "/v1/exceptions/accept", R"({"entity":"e","kind":"k"})",
            "body.object", "missing"},
        Bad{"not_files", "POST", "/v1/policy/check", R"({"files":{"a.toml":1}})", "body.files",
            "texts"}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(ApiRoutes, OnesThatAreNotThereAreToldApart) {
    EXPECT_EQ(find_route("GET", "/v1/nothing").error().kind, ErrorKind::kNotFound);
    EXPECT_EQ(find_route("GET", "/v1/exceptions/").error().kind, ErrorKind::kNotFound);
    EXPECT_EQ(find_route("POST", "/v1/status").error().kind, ErrorKind::kUnsupported);
    EXPECT_EQ(find_route("GET", "/v1/policy/versions/x").error().kind, ErrorKind::kInvalid);
}

TEST(ApiRoutes, AnApprovalsKeyMayHaveSlashes) {
    for (const char* path :
         {"/v1/approvals/part/1f/step/approve", "/v1/approvals/part%2F1f%2Fstep/approve"}) {
        const auto call = find_route("POST", path);
        ASSERT_TRUE(call) << call.error().what;
        EXPECT_EQ(call->text("key"), "part/1f/step");
        EXPECT_EQ(call->text("verdict"), "approve");
    }
}

TEST(ApiRoutes, EachIsDescribedOnce) {
    const Value told = openapi();
    const Value* paths = member(told, "paths");
    ASSERT_NE(paths, nullptr);
    std::set<std::string> ids;
    for (const Route& route : routes()) {
        EXPECT_TRUE(ids.insert(route.id).second) << route.id << " is there twice";
        EXPECT_FALSE(route.about.empty()) << route.id;
        EXPECT_EQ(route.by == Route::By::kDesk, !route.words.empty()) << route.id;
        std::string path = route.path;
        std::erase(path, '*');
        const Value* at = member(*paths, path);
        ASSERT_NE(at, nullptr) << path;
        const Value* operation = member(*at, route.method == Method::kGet ? "get" : "post");
        ASSERT_NE(operation, nullptr) << path;
        EXPECT_EQ(text_member(*operation, "operationId"), route.id);
    }
}

TEST(ApiRoutes, EachStandsInTheReadme) {
    std::ifstream in{std::filesystem::path{SYNCLINE_SOURCE_DIR} / "hub/api/README.md"};
    const std::string text{std::istreambuf_iterator<char>{in}, {}};
    for (const Route& route : routes()) {
        std::string path = route.path;
        std::erase(path, '*');
        // Between blanks, backquotes and the method.
        const bool there = text.find(path + "`") != std::string::npos;
        EXPECT_TRUE(there) << path;
    }
}

/// What changes something is not for whoever only looks.
TEST(ApiRoutes, NothingThatActsIsForViewers) {
    const std::set<std::string> looks{"asks.ask", "login", "logout"};
    for (const Route& route : routes()) {
        if (route.method == Method::kGet || looks.contains(route.id)) continue;
        EXPECT_NE(route.role, Role::kViewer) << route.id;
    }
}

/// What lists tell of how things stand; what they are about is for who sees all.
TEST(Routes, ListsNameNoEntity) {
    const auto picked = [](std::string_view path, const char* json) {
        const auto call = find_route("GET", path);
        EXPECT_TRUE(call && call->route->pick != nullptr) << path;
        const auto data = parse_json(json);
        return to_json(Value{call->route->pick(*data->get<Value::Map>())});
    };
    EXPECT_EQ(picked("/v1/indicators", R"({"indicators":[{"late":[{"key":"4711"}],"open":1}]})"),
              R"({"indicators":[{"open":1}]})");
    EXPECT_EQ(
        picked("/v1/lists", R"({"lists":[{"current":{"changes":{"sample":["a"],"added":1}}}]})"),
        R"({"lists":[{"current":{"changes":{"added":1}}}]})");
    EXPECT_EQ(picked("/v1/lists/price/history", R"({"generations":[{"changes":{"sample":[]}}]})"),
              R"({"generations":[{"changes":{}}]})");
    EXPECT_EQ(picked("/v1/webhooks", R"({"webhooks":[{"why":"no such order 4711","taken":3}]})"),
              R"({"webhooks":[{"taken":3}]})");
}

TEST(Routes, WhatIsAboutEverythingIsForWhoSeesAll) {
    for (const char* path : {"/v1/alerts/late/silence", "/v1/alerts/late/wake",
                             "/v1/lists/price/refresh", "/v1/webhooks/shop/disable"}) {
        const auto call = find_route("POST", path);
        ASSERT_TRUE(call) << path;
        EXPECT_EQ(call->route->scope, Route::Scope::kWhole) << path;
    }
}

}  // namespace
}  // namespace syncline::hub::api
