// Several records in one request: whose a result is, and what is refused in a profile.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/connectors/registry.h"
#include "agent/connectors/rest/batch.h"
#include "shared/base/json.h"
#include "tests/unit/agent/connectors/rest_fixture.h"

namespace syncline::agent {
namespace {

using rest::BatchSpec;
using rest::Parts;
using testing::ElementsAre;
using testing::HasSubstr;

/// For each record: the JSON told of it, with `!` before a failure; `?` if nothing is.
std::vector<std::string> shown(const Parts& parts) {
    std::vector<std::string> out;
    for (const rest::Part& part : parts.each) {
        out.push_back(part.told == nullptr ? "?"
                                           : (part.is_failure ? "!" : "") + to_json(*part.told));
    }
    return out;
}

struct Attributed {
    Value reply;
    Parts parts;
};
Attributed attributed(const BatchSpec& spec, const char* reply,
                      const std::vector<std::string>& keys) {
    Attributed out{*parse_json(reply), {}};
    out.parts = rest::attribute(spec, out.reply, keys);
    return out;
}

BatchSpec ordered() { return {.max = 9, .by = "id", .ordered = true}; }
BatchSpec by_key() {
    return {.max = 9, .results = "ok", .by = "id", .errors = "bad", .errors_by = "of.ids"};
}

TEST(RestBatchOrder, GivesEachItsResult) {
    const auto out = attributed(ordered(), R"([{"id":"a"},{"x":1},null])", {"a", "b", "c"});
    EXPECT_THAT(shown(out.parts), ElementsAre(R"({"id":"a"})", R"({"x":1})", "null"));
}

TEST(RestBatchOrder, IsNotBelievedWhereItCannotBeRight) {
    for (const char* reply : {R"([{"id":"b"},{"id":"a"}])", R"([{"id":"a"}])",
                              R"([{"id":"a"},{},{}])", R"([{},{"id":"c"}])", "{}", "null", "[]"}) {
        const auto out = attributed(ordered(), reply, {"a", "b"});
        EXPECT_THAT(shown(out.parts), ElementsAre("?", "?")) << reply;
        EXPECT_FALSE(out.parts.each[0].why.empty());
    }
}

TEST(RestBatchByKey, FindsEachInAnyOrderAndInBothLists) {
    const auto out = attributed(
        by_key(), R"({"ok":[{"id":"c"},{"id":7}],"bad":[{"of":{"ids":["a","b"]},"m":1}]})",
        {"a", "b", "c", "7"});
    const std::string failure = R"(!{"m":1,"of":{"ids":["a","b"]}})";
    EXPECT_THAT(shown(out.parts), ElementsAre(failure, failure, R"({"id":"c"})", R"({"id":7})"));
    EXPECT_TRUE(out.parts.notes.empty());
}

TEST(RestBatchByKey, KnowsNothingOfWhatIsNotToldOrToldTwice) {
    const auto out = attributed(
        by_key(), R"({"ok":[{"id":"a"},{"id":"b"},{"id":"a"}],"bad":[{"of":{"ids":"b"}}]})",
        {"a", "b", "c"});
    EXPECT_THAT(shown(out.parts), ElementsAre("?", "?", "?"));
    EXPECT_THAT(out.parts.each[0].why, HasSubstr("twice"));
    EXPECT_THAT(out.parts.each[2].why, HasSubstr("does not tell"));
}

TEST(RestBatchByKey, SaysWhatIsToldOfNoRecordThatWasSent) {
    const auto out = attributed(
        by_key(),
        R"({"ok":[{"id":"x\n"},{}],"bad":[{"of":{}},{"of":{"ids":[]}},{"of":{"ids":["y"]}}]})",
        {"a", ""});
    EXPECT_THAT(shown(out.parts), ElementsAre("?", "?")) << "an empty key is never told";
    EXPECT_THAT(out.parts.notes, ElementsAre("the reply tells of `x?`, which was not sent",
                                             "the reply tells of a record without saying which",
                                             "the reply tells of a record without saying which",
                                             "the reply tells of a record without saying which",
                                             "the reply tells of `y`, which was not sent"));
}

constexpr const char* kBatchedProfile = R"(name = "x"
[values]
key = "id"
changed = "at"
[errors]
code_paths = ["error.code"]
message_paths = ["error.message"]
[read]
path = "/records"
all_after = "x"
after = "x"
[fetch]
path = "/records/{id}"
[create]
path = "/records"
)";

/// As OData has it: a response for each request, which holds status and body of its own.
constexpr const char* kBatchOfRequests = R"([update]
path = "/records/{id}"
[update.batch]
max = 100
method = "POST"
path = "/$batch"
body = '{{"requests": [{each}]}}'
each = '{{"id": "{ref}", "method": "PATCH", "url": "records/{id}", "body": {values}}}'
[update.batch.reply]
results = "responses"
by = "id"
status = "status"
body = "body"
[delete]
path = "/records/{id}"
)";

class RestBatch : public Rest {
protected:
    static Command update(const char* record, const char* name = "Ada") {
        Command result = command(CommandKind::kUpdate, record);
        result.fields = Fields{{FieldName{"name"}, Value{name}}};
        return result;
    }
    std::unique_ptr<Connector> connector_with(const std::string& rest_of_profile) {
        auto profile = rest::parse_profile(kBatchedProfile + rest_of_profile, "x.toml");
        if (!profile) throw std::runtime_error(profile.error().what);
        settings = std::make_shared<rest::Settings>();
        settings->profile = std::move(*profile);
        settings->base_url = "https://host";
        settings->objects = {
            {.object = ObjectName{"customer"},
             .native = "records",
             .key = "id",
             .changed = "at",
             .fields = {{.field = FieldName{"name"}, .path = "name"},
                        {.field = FieldName{"tier"}, .path = "tier", .type = NativeType::kEnum}}}};
        return connector_of(settings);
    }
    std::shared_ptr<rest::Settings> settings;
};

TEST_F(RestBatch, EachHasAStatusAndABodyOfItsOwn) {
    const auto connector = connector_with(kBatchOfRequests);
    step("POST https://host/$batch", reply(200, R"({"responses":[
        {"id":"3","status":429,"body":{}},
        {"id":"2","status":409,"body":{"error":{"code":"Held","message":"by another"}}},
        {"id":"1","status":200,"body":{"id":"a","name":"Ada"}},
        {"id":"5","status":"?","body":{}}]})"));
    const auto all =
        connector->write_all({update("a"), update("b"), update("c"), update("d"), update("e")}, {});
    ASSERT_TRUE(all) << all.error().what;
    EXPECT_EQ(to_json(*parse_json(script.sent[0].body)), to_json(*parse_json(R"({"requests":[
        {"id":"1","method":"PATCH","url":"records/a","body":{"name":"Ada"}},
        {"id":"2","method":"PATCH","url":"records/b","body":{"name":"Ada"}},
        {"id":"3","method":"PATCH","url":"records/c","body":{"name":"Ada"}},
        {"id":"4","method":"PATCH","url":"records/d","body":{"name":"Ada"}},
        {"id":"5","method":"PATCH","url":"records/e","body":{"name":"Ada"}}]})")));
    EXPECT_TRUE(all->results[0]);
    EXPECT_EQ(all->results[1].error().kind, ErrorKind::kConflict);
    EXPECT_THAT(all->results[1].error().what, HasSubstr("Held: by another"));
    EXPECT_EQ(all->results[2].error().kind, ErrorKind::kThrottled);
    EXPECT_EQ(all->results[3].error().kind, ErrorKind::kAmbiguous) << "it is not told";
    EXPECT_EQ(all->results[4].error().kind, ErrorKind::kAmbiguous) << "its status is none";
    EXPECT_EQ(connector->take_cost().calls, 1u);
}

TEST_F(RestBatch, WhatCannotBeWrittenIsNotSentAndTheOthersAre) {
    const auto connector = connector_with(kBatchOfRequests);
    step("/$batch", reply(200, R"({"responses":[{"id":"2","status":204}]})"));
    Command odd = update("a");
    odd.fields = Fields{{FieldName{"tier"}, Value{"nobody knows this one"}}};
    const auto all = connector->write_all({odd, update("b")}, {});
    ASSERT_TRUE(all) << all.error().what;
    ASSERT_FALSE(all->results[0]);
    EXPECT_EQ(all->results[0].error().kind, ErrorKind::kInvalid);
    EXPECT_TRUE(all->results[1]);
}

TEST_F(RestBatch, TheAgentsFileMayAllowLess) {
    const auto connector = connector_with(kBatchOfRequests);
    EXPECT_EQ(connector->write_max(update("a")), 100u);
    EXPECT_EQ(connector->traits().batch_max, 100u);
    settings->batch_max = 5;
    EXPECT_EQ(connector->write_max(update("a")), 5u);
    settings->batch_max = 1;
    EXPECT_EQ(connector->traits().batch_max, 1u);
    EXPECT_EQ(connector->write_max(command(CommandKind::kDelete, "a")), 1u);
    EXPECT_EQ(connector->fetch_max(ObjectName{"customer"}, RecordId{"a"}), 1u);
}

constexpr const char* kInQuery = R"([update]
path = "/records/{id}"
[delete]
path = "/records/{id}"
[delete.batch]
max = 10
path = "/records"
query = { ids = "{each}" }
each = "{id}"
reply = { ordered = true, success = "done" }
)";

TEST_F(RestBatch, AnIdThatCannotStandInAListGoesByItself) {
    const auto connector = connector_with(kInQuery);
    EXPECT_EQ(connector->write_max(command(CommandKind::kDelete, "a")), 10u);
    EXPECT_EQ(connector->write_max(command(CommandKind::kDelete, "a,b")), 1u);
    step("DELETE https://host/records?ids=a%2Cb", reply(200, R"([{"done":true},{}])"));
    const auto all = connector->write_all(
        {command(CommandKind::kDelete, "a"), command(CommandKind::kDelete, "b")}, {});
    ASSERT_TRUE(all);
    EXPECT_TRUE(all->results[0]);
    ASSERT_FALSE(all->results[1]) << "only true is a success";
    EXPECT_EQ(all->results[1].error().kind, ErrorKind::kAmbiguous);
}

/// What `[connector] batch_max` makes of 200, or why it is refused.
std::string batch_max_of(const std::string& number) {
    static const test::ManualClock clock;
    auto root = TomlReader::parse(
        "[connector]\nkind = \"rest\"\nprofile = \"salesforce\"\n"
        "base_url = \"https://host\"\nbatch_max = " +
            number +
            "\n[connector.auth]\nclient_id = \"x\"\n"
            "client_secret = { env = \"X\" }\n[objects.customer]\n"
            "native = \"Account\"\n[objects.customer.fields]\n"
            "name = \"Name\"\n",
        "agent.toml");
    const std::filesystem::path source{SYNCLINE_SOURCE_DIR};
    const auto factory = make_connector(*root, {clock, source, source / "configs" / "profiles"});
    if (const auto done = root->finish(); !done) return done.error().what;
    return std::to_string((*(*factory)())->traits().batch_max);
}

TEST(RestBatchSettings, TheFileAllowsLessAndIsChecked) {
    EXPECT_EQ(batch_max_of("10_000"), "200");
    EXPECT_EQ(batch_max_of("50"), "50");
    EXPECT_EQ(batch_max_of("1"), "1");
    EXPECT_EQ(batch_max_of("0"),
              "agent.toml:5:13: `connector.batch_max` must be a whole number from 1 to 10000");
}

TEST(RestBatchProfile, TellsEveryProblemWithItsPlace) {
    const auto profile =
        rest::parse_profile(std::string{kBatchedProfile} + R"(on_backfill = { body = "x" }
batch = { max = 5 }
[update]
path = "/records/{id}"
headers = { If-Match = "{etag}" }
[update.batch]
max = 1
path = "/batch"
body = "[{each}]"
each = '{values}'
[update.batch.reply]
errors = "errors"
[delete]
path = "/records/{id}"
on_backfill = { body = "x" }
[delete.batch]
max = 10
path = "/batch"
each = "{id}"
[delete.batch.reply]
ordered = true
errors = "x"
errors_by = "y"
odd = 1
)",
                            "bad.toml");
    ASSERT_FALSE(profile);
    for (const char* part :
         {"bad.toml:17:", "[upsert.batch] makes each once",
          "bad.toml:21:", "cannot say which version", "bad.toml:22:", "update.batch.max",
          "bad.toml:25:", "must have {id}, {marker} or {ref}", "update.batch.reply.by",
          "told of the wrong record", "update.batch.reply.errors_by", "has no place in a batch",
          "delete.batch.each", "must stand once", "delete.batch.reply.errors", "not `ordered`",
          "odd"}) {
        EXPECT_THAT(profile.error().what, HasSubstr(part));
    }
}

}  // namespace
}  // namespace syncline::agent
