// Bayeux by long polling against scripted replies: what is asked, what is made of the answers.
#include "agent/connectors/rest/push.h"
#include "shared/base/json.h"
#include "tests/unit/agent/connectors/rest_fixture.h"

namespace syncline::agent {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::Not;

constexpr const char* kChannel = "/data/AccountChangeEvent";

class RestPush : public Rest {
protected:
    void SetUp() override {
        Rest::SetUp();
        settings = settings_of("salesforce");
        settings->push = true;
    }
    void make() { connector = connector_of(settings); }
    void answer(const std::string& body, int status = 200) {
        step("POST https://host/cometd/62.0", reply(status, body));
    }
    void shake(const char* client = "c1") {
        answer(std::string{R"([{"channel":"/meta/handshake","successful":true,"clientId":")"} +
               client + R"("}])");
    }
    void subscribe(const char* channel = kChannel) {
        answer(std::string{R"([{"channel":"/meta/subscribe","successful":true,"subscription":")"} +
               channel + R"("}])");
    }
    void refuse_subscription(const std::string& error, const char* channel = kChannel) {
        answer(std::string{R"([{"channel":"/meta/subscribe","successful":false,"subscription":")"} +
               channel + R"(","error":")" + error + "\"}]");
    }
    static std::string connected(const std::string& advice = "") {
        return R"({"channel":"/meta/connect","successful":true)" +
               (advice.empty() ? "" : ",\"advice\":{" + advice + "}") + "}";
    }
    static std::string event(int id, const std::string& record, const std::string& type = "UPDATE",
                             const std::string& origin = "") {
        return std::string{R"({"channel":")"} + kChannel + R"(","data":{"event":{"replayId":)" +
               std::to_string(id) +
               R"(},"payload":{"ChangeEventHeader":{"entityName":"Account","recordIds":[)" +
               record + R"(],"changeType":")" + type + R"(","changeOrigin":")" + origin + "\"}}}}";
    }
    static std::string after(int id) {
        return std::string{R"({"channels":{")"} + kChannel + "\":" + std::to_string(id) +
               R"(},"v":1})";
    }
    /// Handshake, subscription and the first connect, which is answered at once.
    void begin(const std::string& position = "") {
        make();
        token();
        shake();
        subscribe();
        ASSERT_TRUE(listen(position));
        answer("[" + connected() + "]");
        ASSERT_TRUE(listen(position));
        script.sent.clear();
    }
    Result<Pushed> listen(const std::string& position) {
        auto pushed = connector->listen(position, {});
        EXPECT_TRUE(script.steps.empty()) << "not asked for: " << script.steps.front().expect;
        if (!pushed) script.steps.clear();
        return pushed;
    }
    [[nodiscard]] Error failing(const std::string& position) {
        const auto pushed = listen(position);
        if (!pushed) return pushed.error();
        ADD_FAILURE() << "it worked";
        return {};
    }

    std::shared_ptr<rest::Settings> settings;
    std::unique_ptr<Connector> connector;
};

TEST_F(RestPush, ShakesHandsSubscribesAndGoesOnAfterTheStoredReplayId) {
    make();
    token();
    shake();
    subscribe();
    const auto begun = listen(after(1025));
    ASSERT_TRUE(begun) << begun.error().what;
    EXPECT_EQ(begun->position, after(1025));
    ASSERT_EQ(script.sent.size(), 3u);
    EXPECT_EQ(script.sent[1].body,
              R"([{"channel":"/meta/handshake","ext":{"replay":true},"id":"1",)"
              R"("minimumVersion":"1.0","supportedConnectionTypes":["long-polling"],)"
              R"("version":"1.0"}])");
    EXPECT_EQ(script.sent[2].body,
              R"([{"channel":"/meta/subscribe","clientId":"c1","ext":{"replay":{)"
              R"("/data/AccountChangeEvent":1025}},"id":"2",)"
              R"("subscription":"/data/AccountChangeEvent"}])");
    EXPECT_EQ(header(script.sent[2], "Authorization"), "Bearer T1");
    EXPECT_EQ(header(script.sent[2], "Sforce-Call-Options"), "client=Syncline");
    answer("[" + event(1030, R"("001a")") + "," + event(1032, R"("001b","001c")") + "," +
           connected() + "]");
    const auto heard = listen(begun->position);
    ASSERT_TRUE(heard);
    ASSERT_EQ(heard->records.size(), 3u);
    EXPECT_EQ(heard->records[2].record, RecordId{"001c"});
    EXPECT_EQ(heard->records[2].object, ObjectName{"customer"});
    EXPECT_FALSE(heard->records[2].only_if_known);
    EXPECT_EQ(heard->position, after(1032));
    EXPECT_EQ(heard->events, 2u);
    EXPECT_FALSE(heard->read);
    EXPECT_THAT(script.sent[3].body, HasSubstr(R"("connectionType":"long-polling")"));
}

TEST_F(RestPush, ListensFromNowOnWhereNothingIsStored) {
    begin();
    EXPECT_THAT(connector->traits().push, testing::Optional(testing::_));
    make();
    token();
    shake();
    subscribe();
    const auto begun = listen("garbage");
    ASSERT_TRUE(begun);
    EXPECT_TRUE(begun->read);
    EXPECT_THAT(script.sent.back().body, HasSubstr(R"("/data/AccountChangeEvent":-1)"));
}

TEST_F(RestPush, HoldsAPollAsLongAsTheServerSays) {
    begin();
    answer("[" + connected(R"("timeout":40000,"interval":0,"reconnect":"retry")") + "]");
    ASSERT_TRUE(listen(""));
    EXPECT_EQ(script.sent.back().timeout, 120s) << "the profile's, and a margin";
    answer("[" + connected() + "]");
    ASSERT_TRUE(listen(""));
    EXPECT_EQ(script.sent.back().timeout, 50s);
}

TEST_F(RestPush, TellsARecordOnceHoweverOftenItIsNamed) {
    begin();
    answer("[" + event(9, R"("001a")") + "," + event(7, R"("001a")") + "," + event(9, R"("001a")") +
           "," + event(8, R"("001a")") + "," + connected() + "]");
    const auto heard = listen("");
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->records.size(), 1u);
    EXPECT_EQ(heard->events, 4u);
    EXPECT_EQ(heard->position, after(8)) << "what came last; what is behind it may come again";
}

TEST_F(RestPush, AGapIsReadAgainWhoeverMadeItAndAnOverflowReadsTheObject) {
    begin();
    const std::string own = "com/salesforce/api/rest/62.0;client=Syncline";
    answer("[" + event(5, R"("001a")", "UPDATE", own) + "," +
           event(6, R"("001b")", "GAP_UPDATE", own) + "," +
           event(7, R"("001c")", "UPDATE", own + "2") + "," + connected() + "]");
    auto heard = listen("");
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->own, 1u);
    ASSERT_EQ(heard->records.size(), 2u);
    EXPECT_EQ(heard->records[0].record, RecordId{"001b"});
    EXPECT_EQ(heard->records[1].record, RecordId{"001c"}) << "another client's name begins as ours";
    EXPECT_FALSE(heard->read);
    for (const char* ids : {"", R"("001*")"}) {
        answer("[" + event(8, ids, *ids == '\0' ? "GAP_OVERFLOW" : "UPDATE") + "," + connected() +
               "]");
        heard = listen(heard->position);
        ASSERT_TRUE(heard);
        EXPECT_TRUE(heard->read) << ids;
        EXPECT_TRUE(heard->records.empty());
    }
}

TEST_F(RestPush, WhatIsNoneOfTheObjectsIsOfNoInterestAndWhatSaysNothingIsRead) {
    settings->objects[0].filter = "Type = 'Customer'";
    begin();
    std::string other = event(5, R"("003a")");
    other.replace(other.find("\"Account\""), 9, "\"Contact\"");
    answer("[" + other + "," + event(6, R"("001a")") + "," + connected() + "]");
    auto heard = listen("");
    ASSERT_TRUE(heard);
    ASSERT_EQ(heard->records.size(), 1u);
    EXPECT_TRUE(heard->records[0].only_if_known) << "it may not fit the filter";
    EXPECT_FALSE(heard->read);
    answer(std::string{R"([{"channel":")"} + kChannel + R"(","data":{"payload":{}}},)" +
           connected() + "]");
    heard = listen(heard->position);
    EXPECT_TRUE(heard->read);
    settings->objects[0].key = "Other_Key__c";
    answer("[" + event(7, R"("001a")") + "," + connected() + "]");
    heard = listen(heard->position);
    EXPECT_TRUE(heard->read) << "its ids are not ours";
    EXPECT_TRUE(heard->records.empty());
}

TEST_F(RestPush, AnExpiredReplayIdBeginsNowAndReads) {
    make();
    token();
    shake();
    refuse_subscription("400::The replayId {12} you provided was invalid. Please provide ...");
    subscribe();
    const auto begun = listen(after(12));
    ASSERT_TRUE(begun) << begun.error().what;
    EXPECT_TRUE(begun->read);
    EXPECT_EQ(begun->position, "");
    ASSERT_EQ(begun->notes.size(), 1u);
    EXPECT_THAT(begun->notes[0], HasSubstr("replayId {12}"));
    EXPECT_THAT(script.sent.back().body, HasSubstr(R"("/data/AccountChangeEvent":-1)"));
}

TEST_F(RestPush, AForgottenClientShakesHandsAgainAtOnceAndAtItsPlace) {
    begin(after(3));
    answer(R"([{"channel":"/meta/connect","successful":false,"error":"403::Unknown client",)"
           R"("advice":{"reconnect":"handshake","interval":0}}])");
    shake("c2");
    subscribe();
    ASSERT_TRUE(listen(after(3)));
    EXPECT_THAT(script.sent.back().body, HasSubstr(R"("/data/AccountChangeEvent":3)"));
    // Forgotten again before it was connected once: not at once.
    answer(R"([{"channel":"/meta/connect","successful":false,"error":"403::Unknown client",)"
           R"("advice":{"reconnect":"handshake","interval":0}}])");
    const Error error = failing(after(3));
    EXPECT_EQ(error.kind, ErrorKind::kUnavailable);
    EXPECT_THAT(error.what, HasSubstr("403::Unknown client"));
}

TEST_F(RestPush, ASessionThatEndsMidFlightIsRenewedOnceForAll) {
    for (const int status : {200, 401}) {
        begin(after(3));
        answer(R"([{"channel":"/meta/connect","successful":false,)"
               R"("error":"401::Authentication invalid",)"
               R"("advice":{"reconnect":"none","interval":0}}])",
               status);
        token("T2");
        shake("c2");
        subscribe();
        ASSERT_TRUE(listen(after(3))) << status;
        EXPECT_EQ(header(script.sent.back(), "Authorization"), "Bearer T2");
    }
}

TEST_F(RestPush, ARefusalThatStaysDoesNotTouchTheSessionOfTheOthers) {
    const std::string denied =
        R"([{"channel":"/meta/handshake","successful":false,"error":"403::Handshake denied",)"
        R"("ext":{"sfdc":{"failureReason":"401::Authentication invalid"}},)"
        R"("advice":{"reconnect":"none"}}])";
    make();
    token("T1");
    answer(denied);
    token("T2");
    answer(denied);
    Error error = failing("");
    EXPECT_EQ(error.kind, ErrorKind::kDenied);
    EXPECT_THAT(error.what, HasSubstr("401::Authentication invalid"));
    answer(denied);
    error = failing("");  // No third session for it.
    EXPECT_EQ(error.kind, ErrorKind::kDenied);
    step("GET https://host/services/data/", reply(200, "{}"));
    EXPECT_TRUE(connector->connect({})) << "reading has the second one";
}

TEST_F(RestPush, ABrokenPollBeginsAnewAtTheStoredPlace) {
    begin(after(3));
    step("POST", fail(ErrorKind::kUnavailable, "connection reset"));
    EXPECT_EQ(failing(after(3)).what, "connection reset");
    shake("c2");
    subscribe();
    ASSERT_TRUE(listen(after(3)));
    EXPECT_THAT(script.sent.back().body, HasSubstr("\"c2\""));
}

TEST_F(RestPush, WhatWasNotStoredIsAskedForAgain) {
    begin(after(3));
    answer("[" + event(4, R"("001a")") + "," + connected() + "]");
    ASSERT_TRUE(listen(after(3)));
    shake("c2");
    subscribe();
    ASSERT_TRUE(listen(after(3)));
    EXPECT_THAT(script.sent.back().body, HasSubstr(R"("/data/AccountChangeEvent":3)"));
}

TEST_F(RestPush, WhatIsNoBayeuxIsAnError) {
    for (const auto& [status, body, part] :
         {std::tuple{200, "<html>Sign in</html>", "HTTP 200"}, std::tuple{200, "", "HTTP 200"},
          std::tuple{200, "[]", "no list of Bayeux"}, std::tuple{200, "{\"a\":1}", "no list"},
          std::tuple{200, "[{\"channel\":7}]", "no Bayeux message"},
          std::tuple{200, "[{\"channel\":\"/meta/conn", "HTTP 200"},
          std::tuple{200, R"([{"channel":"/meta/subscribe","successful":true}])", "something else"},
          std::tuple{503, "<html>busy</html>", "HTTP 503"}, std::tuple{404, "[]", "HTTP 404"}}) {
        begin(after(3));
        answer(body, status);
        EXPECT_THAT(failing(after(3)).what, HasSubstr(part)) << status << " " << body;
        shake("c2");
        subscribe();
        EXPECT_TRUE(listen(after(3))) << "and it begins anew";
    }
}

TEST_F(RestPush, AServerThatNeverWaitsIsNotAskedWithoutEnd) {
    begin();
    answer("[" + connected() + "]");
    auto heard = listen("");
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->pause, 1s);
    answer("[" + connected(R"("interval":5000)") + "]");
    heard = listen("");
    EXPECT_EQ(heard->pause, 5s);
    answer("[" + connected(R"("interval":99999999999)") + "]");
    heard = listen("");
    EXPECT_EQ(heard->pause, 10min);
    answer("[" + event(4, R"("001a")") + "," + connected(R"("interval":0)") + "]");
    heard = listen("");
    EXPECT_EQ(heard->pause, 0s) << "there was something to say";
}

TEST_F(RestPush, ChannelsThatAreRefusedAreToldAndTriedAgain) {
    ObjectMapping order = settings->objects[0];
    order.object = ObjectName{"order"};
    order.native = "Order__c";
    settings->objects.push_back(order);
    make();
    token();
    shake();
    answer(R"([{"channel":"/meta/subscribe","successful":true,"subscription":)"
           R"("/data/AccountChangeEvent"},{"channel":"/meta/subscribe","successful":false,)"
           R"("subscription":"/data/Order__ChangeEvent","error":"403::not selected"}])");
    auto heard = listen("");
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->trouble, "/data/Order__ChangeEvent is not heard: 403::not selected");
    answer("[" + connected() + "]");
    EXPECT_NE(listen("")->trouble, "");
    clock.advance(11min);
    subscribe("/data/Order__ChangeEvent");
    answer("[" + connected() + "]");
    EXPECT_EQ(listen("")->trouble, "");
}

TEST_F(RestPush, WithoutAnyChannelItIsAnErrorThatSaysWhy) {
    make();
    token();
    shake();
    refuse_subscription("403::User is not allowed");
    const Error error = failing("");
    EXPECT_EQ(error.kind, ErrorKind::kUnsupported);
    EXPECT_THAT(error.what, HasSubstr("/data/AccountChangeEvent is not heard: 403::User"));
}

TEST_F(RestPush, KeepsTheCookiesOfItsConversation) {
    make();
    token();
    step("POST", reply(200, R"([{"channel":"/meta/handshake","successful":true,"clientId":"c1"}])",
                       {{"set-cookie", "BAYEUX_BROWSER=b1;Path=/cometd/, sfdc=x; Secure"}}));
    subscribe();
    ASSERT_TRUE(listen(""));
    EXPECT_EQ(header(script.sent.back(), "Cookie"), "BAYEUX_BROWSER=b1; sfdc=x");
    EXPECT_EQ(header(script.sent[1], "Cookie"), "");
}

TEST_F(RestPush, TheChannelsOfTheFileTakeThePlaceOfThoseOfTheProfile) {
    settings->push_channels = {"/data/ChangeEvents"};
    EXPECT_EQ(*rest::push_channels(*settings), std::vector<std::string>{"/data/ChangeEvents"});
    settings->push_channels.clear();
    settings->objects.push_back(settings->objects[0]);
    settings->objects[1].native = "Order__c";
    settings->objects.push_back(settings->objects[0]);
    EXPECT_EQ(*rest::push_channels(*settings),
              (std::vector<std::string>{"/data/AccountChangeEvent", "/data/Order__ChangeEvent"}));
}

TEST_F(RestPush, IsOnlyThereWhereItIsTurnedOn) {
    settings->push = false;
    make();
    EXPECT_FALSE(connector->traits().push);
    EXPECT_EQ(failing("").kind, ErrorKind::kUnsupported);
}

}  // namespace
}  // namespace syncline::agent
