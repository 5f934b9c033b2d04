#include "agent/connectors/exec/exec_connector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/connectors/exec/cursor.h"
#include "tests/unit/agent/connectors/exec/program_fixture.h"

namespace syncline::agent {
namespace {

using testing::HasSubstr;

class ExecProgram : public test::ProgramFixture {
protected:
    ExecProgram() { settings.capabilities = {.can_fetch = true, .has_marker = true}; }
    Connector& connector() {
        if (!made_) {
            made_ = make_exec_connector(std::make_shared<const exec::Settings>(settings), clock,
                                        [](std::string_view) {});
            EXPECT_TRUE(made_->connect({}));
        }
        return *made_;
    }
    void add_object(const std::string& name) {
        settings.objects.push_back({.object = ObjectName{name},
                                    .native = name + "s",
                                    .key = "no",
                                    .marker = "entity",
                                    .fields = {{.field = FieldName{"name"}, .path = "name"}}});
    }
    static Command command(CommandKind kind) {
        Command result;
        result.kind = kind;
        result.platform = PlatformId{"erp"};
        result.entity = {ObjectName{"customer"}, EntityId{"e1"}};
        result.generation = 3;
        if (kind != CommandKind::kCreate) result.record = RecordId{"1"};
        if (kind != CommandKind::kDelete) result.fields = {{FieldName{"name"}, Value{"Ada"}}};
        return result;
    }

private:
    std::unique_ptr<Connector> made_;
};

TEST_F(ExecProgram, ReadsRecordsDeletionsAndRejects) {
    answering({R"({"id":ID,"result":{"records":[{"no":1,"name":"Ada","entity":"e1"},)"
               R"({"name":"no key"},{"no":2}],"deleted":[3],"next":"c1","more":true,)"
               R"("rejects":[{"id":"4","reason":"unreadable","raw":"..."}]}})",
               R"({"id":ID,"result":{"next":"c2"}})", R"({"id":ID,"result":{"next":"c3"}})"});
    const auto batch = connector().read({}, 10, {});
    ASSERT_TRUE(batch) << batch.error().what;
    ASSERT_EQ(batch->records.size(), 3u);
    EXPECT_EQ(batch->records[0].marker, EntityId{"e1"});
    EXPECT_FALSE(batch->records[0].partial);
    EXPECT_TRUE(batch->records[1].partial) << "it did not tell the name";
    EXPECT_TRUE(batch->records[2].deleted);
    EXPECT_EQ(batch->records[2].id, RecordId{"3"});
    ASSERT_EQ(batch->rejects.size(), 2u);
    EXPECT_THAT(batch->rejects[0].reason, HasSubstr("the key `no` is missing"));
    EXPECT_THAT(batch->rejects[0].raw, HasSubstr("no key"));
    EXPECT_EQ(batch->rejects[1].reason, "unreadable");
    EXPECT_EQ(batch->rejects[1].object, ObjectName{"customer"});
    EXPECT_TRUE(batch->more);
    const auto second = connector().read(batch->next, 10, {});
    ASSERT_TRUE(second);
    EXPECT_FALSE(second->more);
    ASSERT_TRUE(connector().read(second->next, 10, {}));
    const std::string requests = content("requests");
    EXPECT_THAT(requests, HasSubstr(R"("cursor":null,"full":true,"id":2,"max":10,"object":"cust)"));
    EXPECT_THAT(requests, HasSubstr(R"("cursor":"c1","full":true,"id":3)"));
    EXPECT_THAT(requests, HasSubstr(R"("cursor":"c2","full":false,"id":4)"));
}

TEST_F(ExecProgram, ReadsItsObjectsInTurnWithinTheMost) {
    add_object("order");
    answering({R"({"id":ID,"result":{"records":[{"no":1},{"no":2}],"next":"c","more":true}})",
               R"({"id":ID,"result":{"records":[{"no":9}],"next":"o"}})",
               R"({"id":ID,"result":{"records":[{"no":3}],"next":"d"}})"});
    const auto first = connector().read({}, 2, {});
    ASSERT_TRUE(first);
    EXPECT_EQ(first->records.size(), 2u);
    EXPECT_TRUE(first->more);
    const auto second = connector().read(first->next, 2, {});
    ASSERT_TRUE(second) << second.error().what;
    ASSERT_EQ(second->records.size(), 2u) << "the orders first, then the rest of the customers";
    EXPECT_EQ(second->records[0].object, ObjectName{"order"});
    EXPECT_FALSE(second->more);
    EXPECT_THAT(content("requests"), HasSubstr(R"("max":1,"object":"customers")"));
}

TEST_F(ExecProgram, OneObjectThatCannotBeReadKeepsTheOthersOnlyInItsFirstRead) {
    add_object("order");
    answering({R"({"id":ID,"result":{"records":[{"no":1}],"next":"c"}})",
               R"({"id":ID,"error":{"class":"invalid","text":"no orders"}})",
               R"({"id":ID,"result":{"next":"c"}})", R"({"id":ID,"result":{"next":"o"}})",
               R"({"id":ID,"error":{"class":"invalid","text":"no customers"}})",
               R"({"id":ID,"result":{"records":[{"no":9}],"next":"p"}})",
               R"({"id":ID,"error":{"class":"throttled","text":"slowly","pause_ms":9}})"});
    const auto first = connector().read({}, 10, {});
    ASSERT_FALSE(first) << "its end would mean that all orders were seen";
    EXPECT_THAT(first.error().what, HasSubstr("orders: read: no orders"));
    const auto whole = connector().read({}, 10, {});
    ASSERT_TRUE(whole);
    exec::ReadState state = *exec::ReadState::decode(whole->next.text);
    state.turn = "customer";
    const auto third = connector().read({state.encode()}, 10, {});
    ASSERT_TRUE(third) << third.error().what;
    ASSERT_EQ(third->records.size(), 1u);
    EXPECT_EQ(third->records[0].object, ObjectName{"order"});
    const auto fourth = connector().read({state.encode()}, 10, {});
    ASSERT_FALSE(fourth) << "a limit is the whole platform's";
    EXPECT_EQ(fourth.error().kind, ErrorKind::kThrottled);
}

TEST_F(ExecProgram, RefusesToReadForEver) {
    answering({R"({"id":ID,"result":{"next":"c","more":true}})",
               R"({"id":ID,"result":{"next":"c","more":true}})"});
    const auto first = connector().read({}, 10, {});
    ASSERT_TRUE(first);
    const auto second = connector().read(first->next, 10, {});
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().kind, ErrorKind::kUnavailable);
    EXPECT_THAT(second.error().what, HasSubstr("never end"));
}

TEST_F(ExecProgram, RefusesAForeignCursor) {
    answering({});
    for (const char* text : {"x", "{\"v\":2}", "{\"v\":1,\"objects\":{\"customer\":{}}}"}) {
        EXPECT_EQ(connector().read({text}, 1, {}).error().kind, ErrorKind::kCorrupt) << text;
    }
}

TEST_F(ExecProgram, FetchesAndFinds) {
    answering({R"({"id":ID,"result":{"record":{"no":1,"name":"Ada"}}})",
               R"({"id":ID,"result":{"record":null}})",
               R"({"id":ID,"error":{"class":"not_found","text":"gone"}})",
               R"({"id":ID,"result":{"record":{"no":1,"name":"Ada","entity":"e1"}}})",
               R"({"id":ID,"result":{"record":{"no":1,"name":"Ada","entity":"e2"}}})"});
    const ObjectName object{"customer"};
    EXPECT_EQ((*connector().fetch(object, RecordId{"1"}, {}))->id, RecordId{"1"});
    EXPECT_FALSE(*connector().fetch(object, RecordId{"1"}, {}));
    EXPECT_FALSE(*connector().fetch(object, RecordId{"1"}, {}));
    EXPECT_EQ((*connector().find(object, EntityId{"e1"}, {}))->id, RecordId{"1"});
    const auto other = connector().find(object, EntityId{"e1"}, {});
    ASSERT_FALSE(other) << "another's record must not be taken for this entity's";
    EXPECT_THAT(other.error().what, HasSubstr("has `e2` at `entity`, and `e1` was asked for"));
}

TEST_F(ExecProgram, RefusesAnotherRecordThanAskedFor) {
    answering({R"({"id":ID,"result":{"record":{"no":2,"name":"Bob"}}})"});
    const auto other = connector().fetch(ObjectName{"customer"}, RecordId{"1"}, {});
    ASSERT_FALSE(other);
    EXPECT_EQ(other.error().kind, ErrorKind::kUnavailable);
}

TEST_F(ExecProgram, WritesWithMarkerKeyAndWhatIsExpected) {
    answering({R"({"id":ID,"result":{"record":{"no":1,"name":"Ada","entity":"e1"}}})",
               R"({"id":ID,"result":{}})", R"({"id":ID,"result":{}})",
               R"({"id":ID,"error":{"class":"not_found","text":"gone"}})"});
    const auto made = connector().write(command(CommandKind::kCreate), {});
    ASSERT_TRUE(made) << made.error().what;
    EXPECT_EQ(made->id, RecordId{"1"});
    EXPECT_TRUE(made->record);
    Command update = command(CommandKind::kUpdate);
    update.expected = {{FieldName{"name"}, Value{"Eve"}}};
    const auto updated = connector().write(update, {});
    ASSERT_TRUE(updated) << updated.error().what;
    EXPECT_EQ(updated->id, RecordId{"1"});
    EXPECT_FALSE(updated->record) << "it was not told, and is read back";
    EXPECT_TRUE(connector().write(command(CommandKind::kDelete), {}));
    EXPECT_TRUE(connector().write(command(CommandKind::kDelete), {})) << "it is gone already";
    const std::string requests = content("requests");
    EXPECT_THAT(requests, HasSubstr(R"("values":{"entity":"e1","name":"Ada"})"));
    EXPECT_THAT(requests, HasSubstr("\"key\":\"" + idempotency_key(update) + "\""));
    EXPECT_THAT(requests, HasSubstr(R"("expected":{"name":"Eve"})"));
}

TEST_F(ExecProgram, AWriteWhoseAnswerIsNoneIsInDoubt) {
    for (const char* answer :
         {R"({"id":ID,"result":{}})", R"({"id":ID,"result":{"record":{"name":"Ada"}}})",
          R"({"id":ID,"result":{"recrod":{"no":1}}})", R"({"id":9,"result":{}})", "Traceback:"}) {
        answering({answer});
        const auto made = connector().write(command(CommandKind::kCreate), {});
        ASSERT_FALSE(made) << answer;
        EXPECT_EQ(made.error().kind, ErrorKind::kAmbiguous) << made.error().what;
    }
}

TEST_F(ExecProgram, SaysWhatItCannotDo) {
    settings.capabilities = {};
    answering({});
    EXPECT_EQ(connector().fetch(ObjectName{"customer"}, RecordId{"1"}, {}).error().kind,
              ErrorKind::kUnsupported);
    EXPECT_EQ(connector().find(ObjectName{"customer"}, EntityId{"1"}, {}).error().kind,
              ErrorKind::kUnsupported);
    EXPECT_EQ(connector().ask("stock", {}, {}).error().kind, ErrorKind::kUnsupported);
    EXPECT_FALSE(connector().traits().can_fetch);
}

TEST_F(ExecProgram, AnswersQuestions) {
    settings.questions = {"stock"};
    answering({R"({"id":ID,"result":{"output":{"available":7}}})",
               R"({"id":ID,"error":{"class":"not_found","text":"no such part"}})"});
    const auto told = connector().ask("stock", {{FieldName{"part"}, Value{"P-1"}}}, {});
    ASSERT_TRUE(told) << told.error().what;
    EXPECT_EQ(told->get<Value::Map>()->at("available"), Value{7});
    EXPECT_EQ(connector().ask("stock", {}, {}).error().kind, ErrorKind::kNotFound);
    EXPECT_THAT(content("requests"), HasSubstr(R"("input":{"part":"P-1"},"name":"stock")"));
}

TEST_F(ExecProgram, CarriesOutOperationsAndLooksForThem) {
    settings.operations = {{"book", OnDoubt::kLook}, {"mail", OnDoubt::kTell}};
    answering({R"({"id":ID,"result":{"output":{"number":"B-1"}}})",
               R"({"id":ID,"error":{"class":"conflict","text":"closed"}})",
               R"({"id":ID,"result":{"output":{"number":"B-1"}}})",
               R"({"id":ID,"result":{"output":null}})", R"({"id":ID,"result":{"output":null}})"});
    const OperationRequest book{.name = "book", .key = "w/1/book", .input = {}};
    const auto done = connector().operate(book, {});
    ASSERT_TRUE(done) << done.error().what;
    EXPECT_EQ(done->get<Value::Map>()->at("number"), Value{"B-1"});
    EXPECT_EQ(connector().operate(book, {}).error().kind, ErrorKind::kConflict);
    EXPECT_TRUE((*connector().find_operation(book, {})).has_value());
    EXPECT_FALSE((*connector().find_operation(book, {})).has_value());
    EXPECT_EQ(connector().operate(book, {}).error().kind, ErrorKind::kAmbiguous)
        << "null is no output of what was done";
    EXPECT_EQ(
        connector().find_operation({.name = "mail", .key = "k", .input = {}}, {}).error().kind,
        ErrorKind::kUnsupported);
    EXPECT_EQ(connector().operate({.name = "post", .key = "k", .input = {}}, {}).error().kind,
              ErrorKind::kUnsupported);
    EXPECT_THAT(
        content("requests"),
        HasSubstr(R"({"call":"operate","id":2,"input":{},"key":"w/1/book","name":"book"})"));
    EXPECT_THAT(content("requests"), HasSubstr(R"("call":"find_operation","id":4)"));
}

TEST_F(ExecProgram, AnOperationHasALimitOfItsOwn) {
    settings.operations = {{"book", OnDoubt::kTell}};
    program("sleep 60");
    const auto late = connector().operate(
        {.name = "book", .key = "k", .input = {}, .limit = std::chrono::milliseconds{200}}, {});
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, ErrorKind::kAmbiguous);
    EXPECT_THAT(late.error().what, HasSubstr("did not answer within 200 ms"));
}

TEST_F(ExecProgram, WaitsForChangesOnlyInTheReadingThatGoesOn) {
    settings.capabilities.waits_for_changes = true;
    write("program.sh",
          "n=1; read -r line\necho '{\"id\":1,\"result\":{\"protocol\":1,\"capabilities\":["
          "\"can_fetch\",\"has_marker\",\"waits_for_changes\"]}}'\n"
          "while IFS= read -r line; do n=$((n + 1)); echo \"$line\" >>requests\n"
          "echo '{\"id\":'$n',\"result\":{\"next\":\"c\"}}'; done");
    ASSERT_TRUE(connector().read({}, 10, {}));
    EXPECT_THAT(content("requests"), HasSubstr("\"wait_ms\":900"));
    write("requests", "");
    ASSERT_TRUE(connector().survey({}, 10, {}));
    EXPECT_EQ(content("requests").find("wait_ms"), std::string::npos);
}

}  // namespace
}  // namespace syncline::agent
