#include <gtest/gtest.h>

#include "hub/webhooks/mails.h"
#include "hub/webhooks/progress.h"
#include "hub/webhooks/request.h"
#include "shared/base/json.h"
#include "shared/http/standard_webhooks.h"
#include "shared/model/member.h"
#include "shared/policy/check.h"
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
        request_of(p.webhooks.at(0), *delivery, {}, key, Timestamp{1'700'000'000'500'000'000});
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
    const Verdict barred = judge(fail(ErrorKind::kDenied, "10.0.0.1 is private"), now);
    EXPECT_EQ(barred.what, What::kBarred);
    EXPECT_NE(barred.why.find("10.0.0.1 is private; if it is meant"), std::string::npos);
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
}

constexpr std::string_view kAskedSubject = "sync.evt.approval.asked.C1.i1.approval%2E1";

Delivery asked(const Policy& policy) {
    const auto header = [](std::string_view name) -> std::string_view {
        return name == "ce-time" ? "2026-01-05T10:00:00Z" : "";
    };
    auto delivery = delivery_of(
        policy, kAskedSubject,
        R"({"approval":"credit/i1/approval","workflow":"credit","role":"lead","requester":"rita",)"
        R"("shown":{"amount":12.5}})",
        header);
    EXPECT_TRUE(delivery) << delivery.error().what;
    return *delivery;
}

Policy policy_with_mail() {
    Policy p = policy();
    p.roles["lead"] = {"lea", "luis", "rita"};
    p.people = {{"lea", "lea@example.com"}, {"rita", "rita@example.com"}};
    WebhookSpec mail;
    mail.mail_to = {std::string{kThoseAsked}, "archive@example.com"};
    p.webhooks = {mail};
    return p;
}

TEST(ApprovalMail, GoesToEachWhoMayAnswerWithTheLinkThatIsTheirs) {
    const Policy p = policy_with_mail();
    const Links links{{"lea", "https://s/lea"}, {"luis", "https://s/luis"}};
    const Delivery delivery = asked(p);
    EXPECT_EQ(those_asked(p, delivery, {}), (std::vector<Asked>{{"lea", ""}, {"luis", ""}}));
    const std::vector<Mail> mails =
        mails_of(p.webhooks[0], p, delivery, links, "s@example.com", {});
    ASSERT_EQ(mails.size(), 2U);  // Nobody knows where luis is; rita has asked for it herself.
    EXPECT_EQ(mails[0].to, "lea@example.com");
    EXPECT_NE(mails[0].text.find("https://s/lea"), std::string::npos);
    EXPECT_NE(mails[0].text.find("  amount: 12.5\n"), std::string::npos) << mails[0].text;
    EXPECT_EQ(mails[0].subject, "Your approval: credit C1");
    EXPECT_EQ(mails[1].to, "archive@example.com");
    EXPECT_EQ(mails[1].text.find("https://s"), std::string::npos);
    EXPECT_NE(mails[0].id, mails[1].id);
    EXPECT_EQ(mails_of(p.webhooks[0], p, delivery, links, "s@example.com", {})[0].id, mails[0].id);
}

TEST(ApprovalMail, GoesToThoseToWhomItIsDelegated) {
    Policy p = policy_with_mail();
    const Timestamp now{1'700'000'000'000'000'000};
    p.delegations = {{"luis", "dan", {"lead"}, {}},
                     {"lea", "eve", {"lead"}, now},     // Its time is over.
                     {"lea", "fay", {"director"}, {}},  // Another role.
                     {"rita", "gus", {"lead"}, {}},     // Her own request.
                     {"lea", "rita", {"lead"}, {}}};    // To who has asked for it.
    EXPECT_EQ(those_asked(p, asked(p), now),
              (std::vector<Asked>{{"lea", ""}, {"luis", ""}, {"dan", "luis"}}));
}

TEST(ApprovalMail, WhatTheServerRepliesIsJudged) {
    EXPECT_EQ(judge_mail(250).what, What::kTaken);
    EXPECT_EQ(judge_mail(451).what, What::kAgain);
    EXPECT_EQ(judge_mail(550).what, What::kRefused);
    EXPECT_EQ(judge_mail(535).what, What::kAgain);  // The login is wrong, not the mail.
    EXPECT_EQ(judge_mail(fail(ErrorKind::kUnavailable, "no route")).why, "no route");
}

TEST(ApprovalWebhook, HasALinkForEachWhereItIsAskedFor) {
    const Policy p = policy_with_mail();
    const std::string body = body_of(asked(p), {{"lea", "https://s/lea"}});
    const auto read = parse_json(body);
    ASSERT_TRUE(read);
    EXPECT_EQ(text_member(*member(*read, "links"), "lea"), "https://s/lea");
    EXPECT_EQ(body_of(asked(p), {}).find("links"), std::string::npos);
    // Of an event of anything else there is nobody.
    Delivery other = asked(p);
    other.name = "order.confirmed";
    EXPECT_TRUE(those_asked(p, other, {}).empty());
    EXPECT_TRUE(links_for(p, asked(p), DecisionLinks{}, {}).empty());
}

TEST(Mails, OfThePolicyAreRefusedIfTheyReachNobody) {
    const auto problem = [](const std::string& lines) {
        const auto read = parse_policy({{"p.toml", "[policy]\nname = \"p\"\n" + lines}});
        return read ? std::string{} : read.error().what;
    };
    const std::string mail = "[mails.m]\nevents = [\"alert.*\"]\n";
    EXPECT_EQ(problem(mail + "to = [\"@asked\", \"a@b\"]\n"), "");
    EXPECT_NE(problem(mail + "to = []\n").find("at least one address"), std::string::npos);
    EXPECT_NE(problem(mail + "to = [\"a b@c\"]\n").find("is neither an address"),
              std::string::npos);
    EXPECT_NE(problem(mail).find("`mails.m.to`"), std::string::npos);
    EXPECT_NE(problem("[people]\nlea = \"lea\"\n").find("is no address"), std::string::npos);
}

TEST(Mails, OfThePolicyAreChecked) {
    const auto found = [](const std::string& lines) {
        const auto read = parse_policy({{"p.toml", "[policy]\nname = \"p\"\n" + lines}});
        std::string text;
        for (const Finding& one : read ? check(*read) : std::vector<Finding>{}) {
            text += to_string(one) + "\n";
        }
        return text;
    };
    const std::string mail = "[mails.m]\nevents = [\"approval.asked\"]\nto = [\"@asked\"]\n";
    EXPECT_EQ(found(mail), "");
    EXPECT_NE(found(mail + "[roles]\nlead = [\"lea\"]\n").find("policy.no_address"),
              std::string::npos);
    EXPECT_NE(found("[mails.m]\nevents = [\"approval.askd\"]\nto = [\"a@b\"]\n")
                  .find("did you mean `approval.asked`"),
              std::string::npos);
    EXPECT_NE(found(mail + "[webhooks.m]\nevents = [\"*\"]\nurl = \"http://localhost\"\n"
                           "secret = { env = \"X\" }\n")
                  .find("policy.name_taken"),
              std::string::npos);
    EXPECT_NE(found("[objects.alert.fields]\na = \"string\"\n").find("policy.name_taken"),
              std::string::npos);
}

}  // namespace
}  // namespace syncline::hub::webhooks
