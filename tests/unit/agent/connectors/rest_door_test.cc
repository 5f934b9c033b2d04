// Sessions, error classes and writes of the rest connector, against scripted replies.
#include "agent/connectors/rest/door.h"
#include "shared/base/json.h"
#include "tests/unit/agent/connectors/rest_fixture.h"

namespace syncline::agent {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

TEST_F(Rest, ChangesOnlyTheVersionThatItHasCompared) {
    auto settings = settings_of("business_central");
    auto connector = connector_of(settings);
    const auto held = [](const char* name) {
        return reply(200, std::string{R"({"@odata.etag":"W/\"7\"","id":"k1","name":")"} + name +
                              R"(","lastModifiedDateTime":"2026-01-05T09:00:00Z"})");
    };
    Command update = command(CommandKind::kUpdate, "k1");
    update.expected = Fields{{FieldName{"name"}, Value{"Bob"}}};
    step("POST", reply(200, R"({"access_token":"T1"})"));
    step("GET", held("Bob"));
    step("PATCH", reply(200, R"({"id":"k1"})"));
    ASSERT_TRUE(connector->write(update, {}));
    EXPECT_EQ(header(script.sent.back(), "If-Match"), "W/\"7\"");
    step("GET", held("Cid"));
    const auto edited = connector->write(update, {});
    ASSERT_FALSE(edited);
    EXPECT_EQ(edited.error().kind, ErrorKind::kConflict);
    EXPECT_EQ(script.sent.back().method, "GET") << "nothing was written";
    step("GET", reply(404, "{}"));
    EXPECT_EQ(connector->write(update, {}).error().kind, ErrorKind::kNotFound);
    step("GET", reply(404, "{}"));
    EXPECT_TRUE(connector->write(command(CommandKind::kDelete, "k1"), {})) << "as was asked for";
    settings->profile.fetch.etag = "nothing";
    step("GET", held("Bob"));
    EXPECT_EQ(connector->write(update, {}).error().kind, ErrorKind::kInvalid);
}

TEST_F(Rest, RenewsAnEndedSessionOnceAndSendsAgain) {
    auto settings = settings_of("salesforce");
    auto connector = connector_of(settings);
    token("T1");
    step("PATCH", reply(401, R"([{"message":"Session expired or invalid","errorCode":)"
                             R"("INVALID_SESSION_ID"}])"));
    token("T2");
    step("PATCH https://host/services/data/v62.0/sobjects/Account/001", reply(204, ""));
    const auto written = connector->write(command(CommandKind::kUpdate, "001"), {});
    ASSERT_TRUE(written) << written.error().what;
    EXPECT_EQ(header(script.sent[1], "Authorization"), "Bearer T1");
    EXPECT_EQ(header(script.sent[3], "Authorization"), "Bearer T2");
    EXPECT_EQ(script.sent[0].body, "grant_type=client_credentials");
    EXPECT_EQ(header(script.sent[0], "Authorization"), "Basic Y2xpZW50OnMzY3JldA==");
}

TEST_F(Rest, GoesNoFurtherWhereTheProbeSaysWhatMustNotBe) {
    auto connector = connector_of(settings_of("erpnext"));
    for (const HttpResponse& told :
         {reply(200, R"({"message":{"time_zone":"Asia/Kolkata"}})"),
          reply(200, R"({"message":{"time_zone":null}})"), reply(200, R"({"message":[1]})"),
          reply(417, R"({"exc_type":"ValidationError","exception":"no such method"})")}) {
        step("GET https://host/api/method/frappe.client.get_time_zone", told);
        const auto asked = connector->connect({});
        ASSERT_FALSE(asked) << told.body;
        EXPECT_EQ(asked.error().kind, ErrorKind::kDenied) << asked.error().what;
    }
    step("GET", reply(503, "<html>"));
    EXPECT_EQ(connector->connect({}).error().kind, ErrorKind::kUnavailable);
    step("GET", reply(200, R"({"message":{"time_zone":"Etc/UTC"}})"));
    EXPECT_TRUE(connector->connect({}));
}

TEST_F(Rest, DoesNotLoopOnA401ThatStays) {
    auto connector = connector_of(settings_of("salesforce"));
    token();
    step("PATCH", reply(401, R"([{"message":"This session is not valid for use with the REST API",)"
                             R"("errorCode":"INVALID_SESSION_ID"}])"));
    const auto written = connector->write(command(CommandKind::kUpdate, "001"), {});
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, ErrorKind::kDenied);
    // An expiry that comes again with the new session is none, either.
    const std::string expired =
        R"([{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}])";
    step("PATCH", reply(401, expired));
    token();
    step("PATCH", reply(401, expired));
    EXPECT_EQ(connector->write(command(CommandKind::kUpdate, "001"), {}).error().kind,
              ErrorKind::kDenied);
    // From now on nothing is sent, until the pause is over.
    EXPECT_EQ(connector->write(command(CommandKind::kUpdate, "001"), {}).error().kind,
              ErrorKind::kDenied);
    clock.advance(301s);
    token();
    step("PATCH", reply(204, ""));
    EXPECT_TRUE(connector->write(command(CommandKind::kUpdate, "001"), {}));
}

TEST_F(Rest, StopsAfterOneRefusedPassword) {
    auto connector = connector_of(settings_of("servicenow"));
    step("GET", reply(401, R"({"error":{"message":"User Not Authenticated"},"status":"failure"})"));
    const auto connected = connector->connect({});
    ASSERT_FALSE(connected);
    EXPECT_EQ(connected.error().kind, ErrorKind::kDenied);
    EXPECT_THAT(connected.error().what, testing::Not(HasSubstr("s3cret")));
    EXPECT_EQ(connector->connect({}).error().kind, ErrorKind::kDenied);
}

TEST_F(Rest, TellsATokenServerThatIsDownFromOneThatRefuses) {
    auto connector = connector_of(settings_of("salesforce"));
    step("token", reply(503, "<html>"));
    EXPECT_EQ(connector->connect({}).error().kind, ErrorKind::kUnavailable);
    step("token", fail(ErrorKind::kAmbiguous, "reset"));
    EXPECT_EQ(connector->connect({}).error().kind, ErrorKind::kUnavailable);
    step("token", reply(400, R"({"error":"invalid_grant","error_description":"no user"})"));
    const auto refused = connector->connect({});
    EXPECT_EQ(refused.error().kind, ErrorKind::kDenied);
    EXPECT_THAT(refused.error().what, HasSubstr("invalid_grant no user"));
}

TEST_F(Rest, UsesTheBaseUrlThatTheTokenNames) {
    auto connector = connector_of(settings_of("salesforce"));
    step("https://host/services/oauth2/token",
         reply(200, R"({"access_token":"T","instance_url":"https://pod7/"})"));
    step("GET https://pod7/services/data/", reply(200, "{}"));
    EXPECT_TRUE(connector->connect({}));
}

struct ErrorCase {
    const char* name;
    const char* profile;
    int status;
    const char* body;
    ErrorKind write;  ///< What a write says.
    ErrorKind read;   ///< What a read says.
};
class RestErrors : public Rest, public testing::WithParamInterface<ErrorCase> {};

TEST_P(RestErrors, SteerTheAgent) {
    const ErrorCase& row = GetParam();
    auto settings = settings_of(row.profile);
    auto connector = connector_of(settings);
    if (settings->profile.auth.fetches_token()) token();
    step("PATCH", reply(row.status, row.body));
    const auto written = connector->write(command(CommandKind::kUpdate, "001"), {});
    ASSERT_FALSE(written);
    EXPECT_EQ(written.error().kind, row.write) << written.error().what;
    step("GET", reply(row.status, row.body));
    const auto read = connector->find(ObjectName{"customer"}, EntityId{"e1"}, {});
    if (row.read == ErrorKind::kNotFound) {
        EXPECT_TRUE(read && !*read);
        return;
    }
    ASSERT_FALSE(read);
    EXPECT_EQ(read.error().kind, row.read) << read.error().what;
}

using enum ErrorKind;
INSTANTIATE_TEST_SUITE_P(
    Classes, RestErrors,
    testing::Values(
        ErrorCase{"sf_lock", "salesforce", 400,
                  R"([{"message":"unable to obtain","errorCode":"UNABLE_TO_LOCK_ROW"}])",
                  kUnavailable, kUnavailable},
        ErrorCase{"sf_limit", "salesforce", 403,
                  R"([{"message":"TotalRequests","errorCode":"REQUEST_LIMIT_EXCEEDED"}])",
                  kThrottled, kThrottled},
        ErrorCase{"sf_access", "salesforce", 403,
                  R"([{"message":"no","errorCode":"INSUFFICIENT_ACCESS_OR_READONLY"}])", kInvalid,
                  kDenied},
        ErrorCase{"sf_api_off", "salesforce", 403,
                  R"([{"message":"no","errorCode":"API_DISABLED_FOR_ORG"}])", kDenied, kDenied},
        ErrorCase{"sf_duplicate", "salesforce", 400,
                  R"([{"message":"duplicate value found","errorCode":"DUPLICATE_VALUE"}])",
                  kConflict, kConflict},
        ErrorCase{"sf_validation", "salesforce", 400,
                  R"([{"message":"no","errorCode":"FIELD_CUSTOM_VALIDATION_EXCEPTION"}])", kInvalid,
                  kInvalid},
        ErrorCase{"sf_gone", "salesforce", 404,
                  R"([{"message":"entity is deleted","errorCode":"ENTITY_IS_DELETED"}])", kNotFound,
                  kNotFound},
        ErrorCase{"sf_several", "salesforce", 300, R"(["/a","/b"])", kInvalid, kInvalid},
        ErrorCase{"sf_edge", "salesforce", 420, "", kUnavailable, kUnavailable},
        ErrorCase{"sf_error_in_200", "salesforce", 200,
                  R"([{"message":"no","errorCode":"UNKNOWN_EXCEPTION"}])", kAmbiguous,
                  kUnavailable},
        ErrorCase{"html_200", "salesforce", 200, "<html><body>Sign in</body></html>", kAmbiguous,
                  kUnavailable},
        ErrorCase{"html_503", "salesforce", 503, "<html>down</html>", kAmbiguous, kUnavailable},
        ErrorCase{"redirect", "servicenow", 302, "", kUnavailable, kUnavailable},
        ErrorCase{"sn_cut", "servicenow", 200, R"({"result":[{"sys_id":"1"},{"sys)", kAmbiguous,
                  kUnavailable},
        ErrorCase{"sn_error_in_200", "servicenow", 200,
                  R"({"result":[],"error":{"message":"Transaction cancelled"}})", kAmbiguous,
                  kUnavailable},
        ErrorCase{"sn_500", "servicenow", 500, R"({"error":{"message":"Transaction cancelled"}})",
                  kAmbiguous, kUnavailable},
        ErrorCase{"sn_acl", "servicenow", 403,
                  R"({"error":{"message":"Operation Failed","detail":"ACL Exception"}})", kInvalid,
                  kDenied},
        ErrorCase{"sn_unique", "servicenow", 403,
                  R"({"error":{"message":"Operation Failed","detail":"Unique Key violation"}})",
                  kConflict, kConflict},
        ErrorCase{"sn_rate", "servicenow", 429, R"({"error":{"message":"Rate limit exceeded"}})",
                  kThrottled, kThrottled},
        ErrorCase{"precondition", "servicenow", 412, "{}", kConflict, kConflict},
        ErrorCase{"bad_gateway", "servicenow", 502, "", kAmbiguous, kUnavailable},
        ErrorCase{"teapot", "servicenow", 418, "", kInvalid, kInvalid}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST_F(Rest, TakesThePauseFromWhateverTellsIt) {
    auto connector = connector_of(settings_of("servicenow"));
    const auto pause = [&](std::map<std::string, std::string, std::less<>> headers) {
        step("PATCH", reply(429, "{}", std::move(headers)));
        std::ignore = connector->write(command(CommandKind::kUpdate, "001"), {});
        return connector->throttle_pause();
    };
    EXPECT_EQ(pause({{"retry-after", "17"}}), 17s);
    EXPECT_EQ(pause({{"retry-after", "Mon, 05 Jan 2026 10:00:30 GMT"}}), 30s);
    EXPECT_EQ(pause({{"retry-after", "999999999999999999999"}}), 3'600s);
    EXPECT_EQ(pause({{"retry-after", "soon"}, {"x-ratelimit-reset", "1767607245"}}), 45s);
    EXPECT_EQ(pause({}), 60s);
    clock.advance(20s);
    EXPECT_EQ(connector->throttle_pause(), 40s);
}

TEST_F(Rest, CreatesByUpsertWhereThePlatformCan) {
    auto connector = connector_of(settings_of("salesforce"));
    EXPECT_TRUE(connector->traits().create_is_idempotent);
    token();
    step("PATCH https://host/services/data/v62.0/sobjects/Account/Syncline_Id__c/e1",
         reply(201, R"({"id":"001","success":true,"errors":[],"created":true})"));
    const auto created = connector->write(command(CommandKind::kCreate), {});
    ASSERT_TRUE(created) << created.error().what;
    EXPECT_EQ(created->id, RecordId{"001"});
    EXPECT_FALSE(created->existed);
    EXPECT_EQ(script.sent[1].body, R"({"name":"Ada"})");
    step("PATCH", reply(200, R"({"id":"001","success":true,"errors":[],"created":false})"));
    EXPECT_TRUE(connector->write(command(CommandKind::kCreate), {})->existed);
}

TEST_F(Rest, LooksForTheMarkerBeforeACreateThatIsNotIdempotent) {
    auto connector = connector_of(settings_of("servicenow"));
    EXPECT_FALSE(connector->traits().create_is_idempotent);
    EXPECT_TRUE(connector->traits().has_marker);
    step("GET https://host/api/now/v2/table/core_company?", reply(200, R"({"result":[]})"));
    step("POST", reply(201, R"({"result":{"sys_id":"a1","name":"Ada","correlation_id":"e1",)"
                            R"("sys_updated_on":"2026-01-05 10:00:00"}})"));
    const auto created = connector->write(command(CommandKind::kCreate), {});
    ASSERT_TRUE(created) << created.error().what;
    EXPECT_EQ(created->id, RecordId{"a1"});
    ASSERT_TRUE(created->record);
    EXPECT_EQ(created->record->marker, EntityId{"e1"});
    EXPECT_EQ(script.sent[1].body, R"({"correlation_id":"e1","name":"Ada"})");
    // The second time it is there, and is made to hold the fields.
    step("GET", reply(200, R"({"result":[{"sys_id":"a1","correlation_id":"e1"}]})"));
    step("PATCH https://host/api/now/v2/table/core_company/a1",
         reply(200, R"({"result":{"sys_id":"a1","name":"Ada"}})"));
    EXPECT_TRUE(connector->write(command(CommandKind::kCreate), {})->existed);
    // A look-up that fails has written nothing.
    step("GET", reply(500, ""));
    EXPECT_EQ(connector->write(command(CommandKind::kCreate), {}).error().kind, kUnavailable);
}

TEST_F(Rest, DoesNotTakeAnotherRecordForTheOneItLooksFor) {
    auto connector = connector_of(settings_of("servicenow"));
    const auto found = [&](const char* body) {
        step("GET", reply(200, body));
        return connector->find(ObjectName{"customer"}, EntityId{"e1"}, {});
    };
    // The whole table, since the platform did not know the field.
    EXPECT_EQ(found(R"({"result":[{"sys_id":"a","correlation_id":"other"}]})").error().kind,
              kUnsupported);
    const auto twice = found(R"({"result":[{"sys_id":"a","correlation_id":"e1"},)"
                             R"({"sys_id":"b","correlation_id":"e1"}]})");
    EXPECT_EQ(twice.error().kind, kInvalid);
    EXPECT_THAT(twice.error().what, HasSubstr("a and b"));
}

TEST_F(Rest, DeletingWhatIsGoneIsDone) {
    auto connector = connector_of(settings_of("servicenow"));
    step("DELETE", reply(404, R"({"error":{"message":"No Record found"}})"));
    EXPECT_TRUE(connector->write(command(CommandKind::kDelete, "a1"), {}));
    step("PATCH", reply(404, R"({"error":{"message":"No Record found"}})"));
    EXPECT_EQ(connector->write(command(CommandKind::kUpdate, "a1"), {}).error().kind, kNotFound);
    step("GET", reply(200, R"({"result":[]})"));
    step("POST", reply(404, "{}"));
    EXPECT_EQ(connector->write(command(CommandKind::kCreate), {}).error().kind, kInvalid);
}

TEST_F(Rest, ACreateWithoutAnIdInTheReplyIsInDoubt) {
    auto connector = connector_of(settings_of("servicenow"));
    step("GET", reply(200, R"({"result":[]})"));
    step("POST", reply(201, R"({"result":{}})"));
    EXPECT_EQ(connector->write(command(CommandKind::kCreate), {}).error().kind, kAmbiguous);
}

TEST_F(Rest, GoesOnFromTheKeysetWhenALocatorHasExpired) {
    auto connector = connector_of(settings_of("salesforce"));
    const std::string stamp = "2026-01-05T09:00:00.000+0000";
    token();
    step("GET https://host/services/data/v62.0/", reply(200, "{}"));
    step("GET https://host/services/data/v62.0/queryAll?q=SELECT",
         reply(200, R"({"done":false,"nextRecordsUrl":"/services/data/v62.0/query/L-2000",)"
                    R"("records":[{"Id":"001","SystemModstamp":")" +
                        stamp + R"(","IsDeleted":false,"name":"a"}]})"));
    const auto first = connector->read({}, 2'000, {});
    ASSERT_TRUE(first) << first.error().what;
    EXPECT_TRUE(first->more);
    step(
        "GET https://host/services/data/v62.0/query/L-2000",
        reply(400, R"([{"message":"invalid query locator","errorCode":"INVALID_QUERY_LOCATOR"}])"));
    step("Id%20%3E%20%27001%27", reply(200, R"({"done":true,"records":[]})"));
    const auto second = connector->read(first->next, 2'000, {});
    ASSERT_TRUE(second) << second.error().what;
    EXPECT_FALSE(second->more);
}

TEST(RestPageUrl, IsOfTheListWhereItIsRelative) {
    const std::string list = "https://host/odata/0001/Set?$top=1&x=a/b";
    const std::pair<const char*, const char*> rows[] = {
        {"https://HOST/x?y", "https://HOST/x?y"},
        {"/x?y", "https://host/x?y"},
        {"Set?$skiptoken=100", "https://host/odata/0001/Set?$skiptoken=100"},
        {"?$skiptoken=2022-01-01T10:00:00Z",
         "https://host/odata/0001/Set?$skiptoken=2022-01-01T10:00:00Z"},
        {"a/b", "https://host/odata/0001/a/b"},
    };
    for (const auto& [url, wanted] : rows) {
        EXPECT_EQ(rest::page_url(url, list).value_or("refused"), wanted) << url;
    }
    for (const char* url : {"https://evil/x", "//evil/x", "ftp:x", "#x", ":x"}) {
        EXPECT_FALSE(rest::page_url(url, list)) << url;
    }
}

TEST_F(Rest, TakesNoPageFromAnotherHost) {
    for (const char* url : {"https://evil/x", "//evil/x", "http://host/x", "https://host@evil/x",
                            "https://host:444/x"}) {
        auto connector = connector_of(settings_of("salesforce"));
        token();
        step("GET https://host/services/data/v62.0/", reply(200, "{}"));
        step("queryAll", reply(200, R"({"done":false,"nextRecordsUrl":")" + std::string{url} +
                                        R"(","records":[]})"));
        const auto first = connector->read({}, 2'000, {});
        ASSERT_TRUE(first) << first.error().what;
        const auto second = connector->read(first->next, 2'000, {});
        ASSERT_FALSE(second) << url;
        EXPECT_EQ(second.error().kind, kUnsupported);
        script = {};
    }
}

TEST_F(Rest, PutsAQuestionAndTakesTheAnswerFromItsPlace) {
    auto settings = settings_of("salesforce");
    rest::AskSpec credit{.name = "credit", .reply = {{"left", "Left__c"}, {"none", "Nothing"}}};
    credit.request.path = *rest::Template::parse("/q/{input.customer}");
    credit.request.query = {{"q", *rest::Template::parse("Id = '{input.customer}'")}};
    credit.root = "records.0";
    settings->profile.asks = {credit};
    auto connector = connector_of(settings);
    EXPECT_EQ(connector->questions(), std::vector<std::string>{"credit"});
    const Fields input{{FieldName{"customer"}, Value{"O'Neil/1"}}};
    token();
    step("GET https://host/q/O%27Neil%2F1?q=Id%20%3D%20%27O%5C%27Neil%2F1%27",
         reply(200, R"({"records":[{"Left__c":250.50}]})"));
    const auto told = connector->ask("credit", input, {});
    ASSERT_TRUE(told) << told.error().what;
    EXPECT_EQ(to_json(*told), R"({"left":250.5})");
    step("GET", reply(200, R"({"records":[]})"));
    EXPECT_EQ(connector->ask("credit", input, {}).error().kind, ErrorKind::kNotFound);
    step("GET", reply(503, "busy"));
    EXPECT_EQ(connector->ask("credit", input, {}).error().kind, ErrorKind::kUnavailable);
    EXPECT_EQ(connector->ask("other", input, {}).error().kind, ErrorKind::kUnsupported);
}

class RestOperation : public Rest {
protected:
    void SetUp() override {
        Rest::SetUp();
        settings_ = settings_of("salesforce");
        rest::OperationSpec make{.name = "make"};
        make.call.request.method = "POST";
        make.call.request.path = *rest::Template::parse("/orders/{input.order}/fulfil");
        make.call.request.headers = {
            {"Idempotency-Key", *rest::Template::parse("{idempotency_key}")}};
        make.call.request.body = *rest::Template::parse("{values}");
        make.call.root = "data";
        make.call.reply = {{"number", "id"}};
        make.find = rest::AskSpec{.reply = {{"number", "id"}}, .root = "list.0"};
        make.find->request.path = *rest::Template::parse("/fulfilments");
        make.find->request.query = {{"key", *rest::Template::parse("{idempotency_key}")}};
        settings_->profile.operations = {make};
    }
    void make() {
        connector_ = connector_of(settings_);
        token();
    }
    OperationRequest request() const {
        return {"make", "flow/i 1/make", {{FieldName{"order"}, Value{"A/1"}}}, 5s};
    }
    std::shared_ptr<rest::Settings> settings_;
    std::unique_ptr<Connector> connector_;
};

TEST_F(RestOperation, IsOneRequestThatCarriesItsKey) {
    make();
    step("POST https://host/orders/A%2F1/fulfil", reply(201, R"({"data":{"id":"F-1"}})"));
    const auto done = connector_->operate(request(), {});
    ASSERT_TRUE(done) << done.error().what;
    EXPECT_EQ(to_json(*done), R"({"number":"F-1"})");
    const HttpRequest& sent = script.sent.back();
    EXPECT_EQ(sent.timeout, Duration{5s});
    EXPECT_EQ(sent.body, R"({"order":"A/1"})");
    EXPECT_EQ(header(sent, "Idempotency-Key"), "flow/i 1/make");
    step("POST", reply(204, ""));
    EXPECT_EQ(to_json(connector_->operate(request(), {}).value()), "{}")
        << "it was carried out, whatever is answered";
}

TEST_F(RestOperation, IsRefusedOrInDoubtByWhatThePlatformAnswers) {
    make();
    const struct {
        int status;
        ErrorKind kind;
    } rows[] = {{400, ErrorKind::kInvalid},     {404, ErrorKind::kNotFound},
                {429, ErrorKind::kUnavailable}, {503, ErrorKind::kAmbiguous},
                {504, ErrorKind::kAmbiguous},   {500, ErrorKind::kAmbiguous}};
    for (const auto& row : rows) {
        step("POST", reply(row.status, "{}"));
        const auto done = connector_->operate(request(), {});
        ASSERT_FALSE(done);
        EXPECT_EQ(done.error().kind, row.kind) << row.status << " " << done.error().what;
    }
    OperationRequest other = request();
    other.name = "other";
    EXPECT_EQ(connector_->operate(other, {}).error().kind, ErrorKind::kUnsupported);
}

TEST_F(RestOperation, IsLookedForByItsKey) {
    make();
    step("GET https://host/fulfilments?key=flow%2Fi%201%2Fmake",
         reply(200, R"({"list":[{"id":"F-1"}]})"));
    const auto found = connector_->find_operation(request(), {});
    ASSERT_TRUE(found) << found.error().what;
    ASSERT_TRUE(*found);
    EXPECT_EQ(to_json(**found), R"({"number":"F-1"})");
    for (const auto& [status, body] : {std::pair{200, R"({"list":[]})"}, {404, "{}"}}) {
        step("GET", reply(status, body));
        const auto none = connector_->find_operation(request(), {});
        ASSERT_TRUE(none) << none.error().what;
        EXPECT_FALSE(*none);
    }
    step("GET", reply(503, "busy"));
    EXPECT_EQ(connector_->find_operation(request(), {}).error().kind, ErrorKind::kUnavailable);
}

TEST_F(RestOperation, SaysWhatMayBeDoneInDoubt) {
    EXPECT_EQ(connector_of(settings_)->operations()[0].on_doubt, OnDoubt::kLook);
    settings_->profile.operations[0].find.reset();
    EXPECT_EQ(connector_of(settings_)->operations()[0].on_doubt, OnDoubt::kTell);
    settings_->profile.operations[0].idempotent = true;
    const auto operations = connector_of(settings_)->operations();
    ASSERT_EQ(operations.size(), 1u);
    EXPECT_EQ(operations[0].name, "make");
    EXPECT_EQ(operations[0].on_doubt, OnDoubt::kRepeat);
}

}  // namespace
}  // namespace syncline::agent
