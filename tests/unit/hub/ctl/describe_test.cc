#include "hub/ctl/describe.h"

#include <gtest/gtest.h>

#include "hub/core/state_codec.h"
#include "shared/base/json.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

const ObjectName kCustomer{"customer"};

Change change() {
    Change change;
    change.key = {PlatformId{"crm"}, kCustomer, RecordId{"003"}};
    change.rev = {1, 4};
    change.fields = Fields{{FieldName{"name"}, Value{"Ada"}}, {FieldName{"token"}, Value{"s3"}}};
    return change;
}

/// `token` is secret.
Secrets secrets() {
    Policy policy;
    ObjectSpec object;
    object.name = kCustomer;
    FieldSpec field;
    field.name = FieldName{"token"};
    field.classification = Classification::kSecret;
    object.fields.push_back(field);
    policy.objects.push_back(object);
    return Secrets{policy};
}

TEST(Describe, AChangeIsOneLine) {
    EXPECT_EQ(line_of(InputBody{change()}, {}),
              "crm change customer 003 upsert rev 1/4: name = \"Ada\", token = \"s3\"");
}

TEST(Describe, SecretFieldsAreNeverShown) {
    const std::string line = line_of(InputBody{change()}, secrets());
    const std::string json = to_json(value_of(InputBody{change()}, secrets()));
    hub::LogEntry entry;
    entry.entity.object = kCustomer;
    entry.decisions.push_back({FieldName{"token"}, PlatformId{"crm"}, Value{"s3"}, Value{"s3"},
                               hub::Verdict::kAccepted, "customer.toml:3"});
    hub::ExceptionRecord exception;
    exception.entity.object = kCustomer;
    exception.proposed = exception.canonical = change().fields;
    Command command;
    command.entity.object = kCustomer;
    command.fields = command.expected = change().fields;
    hub::EntityState state;
    state.key.object = kCustomer;
    state.set(FieldName{"token"}, Value{"s3"}, {});
    state.record_or_new(PlatformId{"crm"}).mirror = change().fields;
    state.proposals.push_back({FieldName{"token"}, Value{"s3"}, PlatformId{"crm"}});
    for (const std::string& text :
         {line, json, line_of(entry, secrets()), to_json(value_of(entry, secrets())),
          to_json(value_of(exception, secrets())), line_of(command, secrets()),
          to_json(value_of(command, secrets())), to_json(value_of(state, secrets()))}) {
        EXPECT_EQ(text.find("s3"), std::string::npos) << text;
        EXPECT_NE(text.find("(secret)"), std::string::npos) << text;
    }
}

TEST(Describe, AnInputIsDecodedByItsSubject) {
    const Change sent = change();
    const std::string subject = subjects::change(sent.key, Partition{3});
    const DecodedInput good = decode_input(subject, wire::encode(sent));
    EXPECT_EQ(good.error, "");
    EXPECT_NE(std::get_if<Change>(&good.body), nullptr);
    EXPECT_NE(decode_input(subject, "nonsense").error, "");
    EXPECT_NE(decode_input("else.where", wire::encode(sent)).error, "");
}

TEST(Describe, RawInputsAreRecognisedOrNot) {
    EXPECT_EQ(decode_raw(wire::encode(change())).error, "");
    hub::Operation operation;
    operation.entity = {kCustomer, EntityId{"E"}};
    operation.id = "ctl-1";
    operation.actor = "ada@host";
    EXPECT_NE(decode_raw(std::string{"\xff\x00garbage", 9}).error, "");
}

TEST(Describe, AStateKeepsItsShape) {
    hub::EntityState state;
    state.key = {kCustomer, EntityId{"E1"}};
    state.version = 3;
    state.set(FieldName{"name"}, Value{"Ada"}, {PlatformId{"crm"}, {1, 4}, Timestamp{1}});
    hub::RecordState& record = state.record_or_new(PlatformId{"erp"});
    record.pending = hub::Pending{CommandKind::kCreate, change().fields, {}, Timestamp{1}};
    const std::string json = to_json(value_of(state, {}));
    EXPECT_NE(json.find(R"("canonical":{"name":{)"), std::string::npos) << json;
    EXPECT_NE(json.find(R"("from":"crm")"), std::string::npos);
    EXPECT_NE(json.find(R"("kind":"create")"), std::string::npos);
    EXPECT_NE(json.find(R"("version":3)"), std::string::npos);
}

}  // namespace
}  // namespace syncline::ctl
