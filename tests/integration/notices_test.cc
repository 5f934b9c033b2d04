// What people are told without asking, with the programs as processes: mails by a real SMTP server
// of those who are asked for their word, links by which they give it, alerts of the business.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "shared/base/json.h"
#include "shared/http/client.h"
#include "shared/model/member.h"
#include "tests/integration/running_system.h"
#include "tests/support/free_port.h"
#include "tests/support/node_server.h"

namespace syncline::test {
namespace {

constexpr const char* kNotices = R"(
[workflows.credit]
owner = "support"
key   = "number"
[workflows.credit.context]
number = { type = "string", required = true }
amount = { type = "decimal", required = true }
iban   = { type = "string", classification = "pii" }
[[workflows.credit.triggers]]
on = "api"
[[workflows.credit.steps]]
name    = "approval"
approve = { role = "lead", quorum = 2, deadline_s = 600, on_deadline = "reject", remind_s = 2 }

[roles]
lead = ["lea", "luis", "rita"]
[people]
lea  = "lea@example.com"
luis = "luis@example.com"
rita = "rita@example.com"

[mails.asked]
events = ["approval.asked", "approval.reminded"]
to     = ["@asked"]
[mails.alerts]
events = ["alert.*"]
to     = ["chief@example.com"]

[objects.customer.events.registered]
on = "created"
[indicators.registrations]
count = "customer.registered"
[indicators.registrations.alerts.rush]
measure = "count"
above   = 3
description = "Übermäßig viele neue Kunden"
)";

class Notices : public RunningSystem {
protected:
    Notices() {
        write("link.key", "0123456789abcdef0123456789abcdef");
        write("hub.toml", read("hub.toml") + "[api]\nport = " + std::to_string(port_) +
                              "\n[links]\nbase = \"" + url() + "\"\nkey = { file = \"" +
                              (folder / "link.key").string() + "\" }\n[mail]\nserver = \"" +
                              post.ready("smtp") + "\"\nfrom = \"syncline@example.com\"\n");
        write("policy/policy.toml", read("policy/policy.toml") + kNotices);
    }
    void start() {
        start_all();
        ASSERT_TRUE(ctl_says({"webhooks", "show", "asked"}, "asked  "));
        ASSERT_TRUE(ctl_says({"webhooks", "show", "alerts"}, "alerts  "));
        ASSERT_TRUE(until([&] { return send("GET", "/v1/processes").body.contains("credit"); }));
    }
    [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
    HttpResponse send(const std::string& method, const std::string& path,
                      const std::string& body = {}, const std::string& type = "application/json") {
        HttpRequest request{.method = method, .url = path.contains("://") ? path : url() + path};
        request.body = body;
        if (!body.empty()) request.headers = {{"Content-Type", type}};
        const auto response = http_.send(request, {});
        return response ? *response : HttpResponse{.status = -1, .body = response.error().what};
    }
    /// Begins one; its id.
    std::string begin(const std::string& number) {
        const HttpResponse told =
            send("POST", "/v1/process/credit",
                 R"({"number":")" + number +
                     R"(","amount":"12.50","iban":"DE02 1203","_requester":"rita"})");
        EXPECT_EQ(told.status, 200) << told.body;
        const auto read = parse_json(told.body);
        return read ? text_member(*read, "instance") : "";
    }

    struct Got {
        std::string to, subject, text, id;
    };
    std::vector<Got> mails(const std::string& subject) {
        std::vector<Got> all;
        const Value answer = post.control("received");
        for (const Value& one : *member(answer, "received")->get<Value::List>()) {
            Got got{text_member(one, "to"), text_member(one, "subject"), text_member(one, "text"),
                    text_member(one, "id")};
            if (got.subject.starts_with(subject)) all.push_back(got);
        }
        return all;
    }
    /// The link in the newest mail to somebody, once there is one.
    std::string link_of(const std::string& to) {
        std::string link;
        EXPECT_TRUE(until([&] {
            for (const Got& mail : mails("Your approval: ")) {
                const auto at = mail.text.find("http://");
                if (mail.to == to) link = mail.text.substr(at, mail.text.find('\n', at) - at);
            }
            return !link.empty();
        })) << to;
        return link;
    }
    HttpResponse answer(const std::string& link, const std::string& verdict) {
        const std::string page = send("GET", link).body;
        constexpr std::string_view kSeen = "name=\"seen\" value=\"";
        const auto at = page.find(kSeen);
        if (at == std::string::npos) return {.status = 0, .body = page};
        const std::string seen =
            page.substr(at + kSeen.size(), page.find('"', at + kSeen.size()) - at - kSeen.size());
        return send("POST", link, "seen=" + seen + "&comment=all+is+fine&verdict=" + verdict,
                    "application/x-www-form-urlencoded");
    }
    [[nodiscard]] bool comes_to(const std::string& instance, const std::string& wanted) {
        return until([&] {
            const auto read = parse_json(send("GET", "/v1/instances/" + instance).body);
            return read && text_member(*read, "status") == wanted;
        });
    }

    NodeServer post{"mail"};
    const std::uint16_t port_ = free_port();
    CurlClient http_;
};

TEST_F(Notices, PeopleAreAskedByMailAndAnswerByTheirOwnLinks) {
    start();
    const std::string instance = begin("C-1");
    const std::string lea = link_of("lea@example.com");
    const std::string luis = link_of("luis@example.com");
    ASSERT_NE(lea, luis);
    for (const Got& mail : mails("")) {
        EXPECT_NE(mail.to, "rita@example.com") << "nobody decides about their own request";
        EXPECT_TRUE(mail.text.contains("amount: 12.5")) << mail.text;
        EXPECT_FALSE(mail.text.contains("DE02")) << mail.text;  // Whoever decides sees it there.
    }
    const HttpResponse page = send("GET", lea);
    EXPECT_EQ(page.status, 200);
    EXPECT_TRUE(page.body.contains("DE02 1203")) << page.body;
    EXPECT_TRUE(page.header("content-security-policy").contains("default-src 'none'"));
    // Looking decides nothing, and what was changed in a link opens nothing.
    EXPECT_TRUE(ctl_says({"approvals", "list"}, "credit/" + instance));
    std::string forged = lea;
    forged.replace(forged.find("/lea/"), 5, "/luis/");
    EXPECT_EQ(send("GET", forged).status, 403);
    EXPECT_EQ(send("GET", "/v1/decide/x/lea/99999999999/credit").status, 403);
    const HttpResponse told = answer(lea, "approve");
    EXPECT_EQ(told.status, 200) << told.body;
    EXPECT_TRUE(told.body.contains("Approved")) << told.body;
    EXPECT_EQ(answer(lea, "approve").status, 409);  // Two people are wanted.
    EXPECT_TRUE(until([&] { return !mails("Still open").empty(); }));
    EXPECT_EQ(answer(luis, "approve").status, 200);
    EXPECT_TRUE(comes_to(instance, "done"));
    EXPECT_EQ(send("GET", luis).status, 410);
    EXPECT_TRUE(ctl({"workflows", "show", instance}).contains("all is fine"));
}

TEST_F(Notices, OneWhoIsNotReachedDoesNotKeepTheOthers) {
    start();
    post.control(
        "answer",
        {{"code", std::int64_t{550}}, {"times", std::int64_t{5}}, {"only", "luis@example.com"}});
    post.control(
        "answer",
        {{"code", std::int64_t{451}}, {"times", std::int64_t{2}}, {"only", "lea@example.com"}});
    std::ignore = begin("C-2");
    EXPECT_FALSE(link_of("lea@example.com").empty());
    EXPECT_TRUE(ctl_says({"exceptions", "list"}, "webhook.refused"));
    std::map<std::string, std::size_t> ids;
    for (const Got& mail : mails("Your approval: ")) ++ids[mail.id + mail.to];
    for (const auto& [id, count] : ids) EXPECT_EQ(count, 1U) << id;
}

TEST_F(Notices, AnIndicatorRaisesAnAlertOnceThoughHubsDie) {
    start();
    drop("customers-a.jsonl", row("1", "a") + row("2", "b"));
    ASSERT_TRUE(arrives({"1", "2"}));
    EXPECT_TRUE(ctl_says({"alerts", "list"}, "well"));
    std::ignore = ctl({"alerts", "silence", "rush", "--for", "1h", "--reason", "a fair"});
    drop("customers-b.jsonl", row("3", "c") + row("4", "d"));
    ASSERT_TRUE(ctl_says({"alerts", "list"}, "raised, silent"));
    EXPECT_TRUE(mails("Alert: ").empty());
    EXPECT_TRUE(ctl({"alerts", "list"}).contains("a fair"));
    std::ignore = ctl({"alerts", "wake", "rush"});
    ASSERT_TRUE(until([&] { return !mails("Alert: ").empty(); }));
    hub->kill9();
    hub = start_hub();
    EXPECT_TRUE(ctl_says({"indicators", "list"}, "registrations"));
    EXPECT_TRUE(ctl_says({"indicators", "show", "registrations"}, "count: 5"));
    const std::vector<Got> got = mails("Alert: ");
    ASSERT_FALSE(got.empty());
    for (const Got& one : got) EXPECT_EQ(one.id, got[0].id);  // Sent again, it is the same mail.
    EXPECT_EQ(got[0].to, "chief@example.com");
    EXPECT_EQ(got[0].subject, "Alert: rush, count is 5, limit 3");
    EXPECT_TRUE(got[0].text.contains("Übermäßig viele neue Kunden")) << got[0].text;
    EXPECT_TRUE(ctl({"alerts", "silence", "rusch", "--for", "1h", "--reason", "x"})
                    .contains("did you mean"));
    EXPECT_TRUE(ctl({"--json", "events", "show", "--event", "alert"}).contains("\"count\":1"));
    EXPECT_TRUE(ctl({"events", "list"}).contains("alert.raised"));
}

}  // namespace
}  // namespace syncline::test
