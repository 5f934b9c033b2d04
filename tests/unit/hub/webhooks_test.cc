#include <gtest/gtest.h>

#include "hub/webhooks/progress.h"
#include "hub/webhooks/request.h"
#include "shared/base/json.h"
#include "shared/http/standard_webhooks.h"
#include "shared/policy/policy_toml.h"

namespace syncline::hub::webhooks {
namespace {

using What = Verdict::What;

Policy policy() {
    auto policy = parse_policy({{"p.toml", R"([policy]
name = "p"
[platforms.erp]
[objects.order.fields]
number = "string"
total  = "decimal"
[[objects.order.own]]
fields = ["*"]
owner = "erp"
otherwise = "revert"
[objects.order.on.erp]
fields = ["*"]
founds = true
on_delete = "propagate"
[objects.order.events.confirmed]
on = "created"
[webhooks.warehouse]
url = "https://warehouse.example/events"
events = ["order.confirmed"]
secret = { env = "NO_SUCH_VARIABLE" }
)"}});
    EXPECT_TRUE(policy) << policy.error().what;
    return *policy;
}

HttpResponse reply(int status, const std::string& body = {}) {
    return {.status = status, .headers = {}, .body = body};
}

TEST(StandardWebhooks, SignAsTheSpecificationsOwnTestsDo) {
    const auto key = standard_webhooks::key_in("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    ASSERT_TRUE(key);
    EXPECT_EQ(standard_webhooks::signature(*key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330",
                                           R"({"test": 2432232314})"),
              "g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    EXPECT_FALSE(standard_webhooks::key_in("whsec_c2hvcnQ="));
    EXPECT_FALSE(standard_webhooks::key_in("sesame"));
}

TEST(Webhook, RequestCarriesTheEventAndTheSameIdEachTime) {
    const Policy p = policy();
    const auto header = [](std::string_view name) -> std::string_view {
        if (name == "ce-type") return "order.confirmed.v1";
        return name == "traceparent" ? "00-ab-cd-01" : "";
    };
    const auto delivery = delivery_of(p, "sync.evt.order.confirmed.A1.e1.7",
                                      R"({"number":"A1","total":"1.50"})", header);
    ASSERT_TRUE(delivery) << delivery.error().what;
    EXPECT_EQ(delivery->name, "order.confirmed");
    const std::string key(32, 'k');
    const HttpRequest request =
        request_of(p.webhooks.at(0), *delivery, key, Timestamp{1'700'000'000'500'000'000});
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.url, "https://warehouse.example/events");
    std::map<std::string, std::string> headers(request.headers.begin(), request.headers.end());
    EXPECT_EQ(headers["webhook-timestamp"], "1700000000");
    EXPECT_EQ(headers["webhook-id"], delivery->id);
    EXPECT_EQ(headers["traceparent"], "00-ab-cd-01");
    EXPECT_EQ(headers["webhook-signature"],
              "v1," + standard_webhooks::signature(key, delivery->id, "1700000000", request.body));
    const auto body = parse_json(request.body);
    ASSERT_TRUE(body);
    const auto& map = *body->get<Value::Map>();
    EXPECT_EQ(map.at("type"), Value{"order.confirmed.v1"});
    EXPECT_EQ(map.at("key"), Value{"A1"});
    EXPECT_EQ(map.at("data").get<Value::Map>()->at("number"), Value{"A1"});
    const auto again = delivery_of(p, "sync.evt.order.confirmed.A1.e1.7", "{}", header);
    const auto other = delivery_of(p, "sync.evt.order.confirmed.A1.e1.8", "{}", header);
    EXPECT_EQ(again->id, delivery->id);
    EXPECT_NE(other->id, delivery->id);
}

TEST(Webhook, WhatComesBackIsJudged) {
    const Timestamp now{1'700'000'000'000'000'000};
    EXPECT_EQ(judge(reply(204), now).what, What::kTaken);
    EXPECT_EQ(judge(reply(422, "no\nthanks"), now).what, What::kRefused);
    EXPECT_EQ(judge(reply(422, "no\nthanks"), now).why, "it answers 422: no thanks");
    EXPECT_EQ(judge(reply(410), now).what, What::kGone);
    for (const int status : {301, 401, 404, 408, 429, 500, 503}) {
        EXPECT_EQ(judge(reply(status), now).what, What::kAgain) << status;
    }
    HttpResponse busy = reply(429);
    busy.headers["retry-after"] = "120";
    EXPECT_EQ(judge(busy, now).pause, Duration{std::chrono::seconds{120}});
    EXPECT_EQ(judge(fail(ErrorKind::kUnavailable, "no route"), now).why, "no route");
}

TEST(Webhook, ProgressIsReadAsItWasWritten) {
    const Progress progress{.position = 9,
                            .position_at = Timestamp{1'700'000'000'000'000'000},
                            .taken = 7,
                            .refused = 1,
                            .taken_at = Timestamp{1'700'000'001'000'000'000},
                            .failing_since = Timestamp{1'700'000'002'000'000'000},
                            .failures = 3,
                            .why = "it answers 503",
                            .disabled = "by anna: why not",
                            .told = true};
    const auto read = decode_progress(encode(progress));
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, progress);
    EXPECT_EQ(decode_progress(encode(Progress{})), Progress{});
    EXPECT_FALSE(decode_progress("[]"));
    EXPECT_FALSE(decode_progress("\xff"));
}

TEST(Webhook, OfThePolicyIsRefusedIfNobodyCouldTrustIt) {
    const auto problem = [](const std::string& lines) {
        const auto read =
            parse_policy({{"p.toml", "[policy]\nname = \"p\"\n[webhooks.w]\n" + lines}});
        return read ? std::string{} : read.error().what;
    };
    const std::string secret = "secret = { env = \"X\" }\n";
    EXPECT_NE(problem("url = \"http://far.example\"\nevents = [\"*\"]\n" + secret).find("https://"),
              std::string::npos);
    EXPECT_EQ(problem("url = \"http://127.0.0.1:8/x\"\nevents = [\"*\"]\n" + secret), "");
    EXPECT_NE(problem("url = \"http://127.0.0.1.far.example\"\nevents = [\"*\"]\n" + secret), "");
    EXPECT_NE(problem("url = \"https://a.example\"\nevents = [\"order\"]\n" + secret)
                  .find("`order` is no event"),
              std::string::npos);
    EXPECT_NE(problem("url = \"https://a.example\"\nevents = [\"*\"]\nsecret = \"whsec_x\"\n")
                  .find("must not stand in this file"),
              std::string::npos);
    EXPECT_TRUE(is_among("order.confirmed", "order.*"));
    EXPECT_FALSE(is_among("orders.confirmed", "order.*"));
}

}  // namespace
}  // namespace syncline::hub::webhooks
