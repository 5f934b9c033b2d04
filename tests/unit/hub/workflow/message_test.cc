#include "hub/workflow/message.h"

#include <gtest/gtest.h>

namespace syncline::hub::workflow {
namespace {

const Fields kFields{{FieldName{"a"}, 1}, {FieldName{"b"}, "x"}};

/// As it comes back.
Message through(const Message& message) {
    const auto read = decode_message(encode(message));
    EXPECT_TRUE(read) << read.error().what;
    return read ? *read : Message{};
}

template <class Kind>
Kind through(Kind what) {
    const Message read = through(Message{"i", "me", {"id", {}, std::move(what)}});
    EXPECT_EQ(read.instance, "i");
    EXPECT_EQ(read.asker, "me");
    EXPECT_EQ(read.input.id, "id");
    const Kind* found = std::get_if<Kind>(&read.input.what);
    EXPECT_NE(found, nullptr);
    return found == nullptr ? Kind{} : *found;
}

TEST(WorkflowMessage, ComesBackWhole) {
    const Start start =
        through(Start{"i", WorkflowName{"w"}, "api", kFields, "rita", "t", "p", "k"});
    EXPECT_EQ(start.context, kFields);
    EXPECT_EQ(start.parent_key, "k");
    EXPECT_EQ(start.requester, "rita");
    const Reply reply = through(Reply{"k", 2, ErrorClass::kDenied, kFields, "no"});
    EXPECT_EQ(reply.error, ErrorClass::kDenied);
    EXPECT_EQ(reply.attempt, 2U);
    EXPECT_EQ(through(Reply{"k", 1, std::nullopt, {}, {}}).error, std::nullopt);
    const OperationOutcome outcome = through(OperationOutcome{
        "k", 3, OperationOutcome::What::kInDoubt, ErrorClass::kTimeout, kFields, "?"});
    EXPECT_EQ(outcome.what, OperationOutcome::What::kInDoubt);
    EXPECT_EQ(outcome.fields, kFields);
    EXPECT_EQ(through(EventArrived{"o.e", "7", kFields}).key, "7");
    const Decision decision =
        through(Decision{"k", Decision::What::kReject, "anna", {"lead"}, "hash", "no", "bert"});
    EXPECT_EQ(decision.what, Decision::What::kReject);
    EXPECT_EQ(decision.on_behalf_of, "bert");
    std::ignore = through(Tick{});
    const Acted acted = through(Acted{Acted::What::kSkip, "anna", "s", "why", kFields});
    EXPECT_EQ(acted.what, Acted::What::kSkip);
    EXPECT_EQ(acted.fields, kFields);
    EXPECT_EQ(through(ChildDone{"k", Status::kCompensated, kFields, "t"}).status,
              Status::kCompensated);
    EXPECT_EQ(through(Message{"i", {}, {"id", {}, Tick{}}, "why"}).fault, "why");
}

TEST(WorkflowMessage, IsRefusedIfItIsNone) {
    EXPECT_FALSE(decode_message(""));
    EXPECT_FALSE(decode_message("\xC0"));
    std::string body = encode(Message{"i", {}, {"id", {}, Tick{}}});
    body.resize(body.size() - 1);
    EXPECT_FALSE(decode_message(body));
}

TEST(WorkflowMessage, KeysAreTakenApart) {
    EXPECT_EQ(workflow_of("w/i/lines.3/ship"), "w");
    EXPECT_EQ(instance_of("w/i/lines.3/ship"), "i");
    EXPECT_EQ(step_of("w/i/lines.3/ship"), "lines.3/ship");
    EXPECT_EQ(split_attempt("w/i/s#12"), (std::pair<std::string, std::uint32_t>{"w/i/s", 12}));
    EXPECT_EQ(split_attempt("w"), (std::pair<std::string, std::uint32_t>{"w", 0}));
    EXPECT_EQ(instance_of("w"), "");
    EXPECT_EQ(step_of(""), "");
}

TEST(WorkflowMessage, AnswersAndApprovalsComeBack) {
    const Told told{Told::What::kRefused, "id", "k", Status::kDone, kFields, "why"};
    EXPECT_EQ(*decode_told(encode(told)), told);
    const ApprovalNews news{
        ApprovalNews::What::kAsked, "w/i/s", "lead", 1, kFields, "hash", "rita", Timestamp{5}};
    EXPECT_EQ(*decode_approval(encode(news)), news);
    EXPECT_FALSE(decode_approval(encode(told)));
}

}  // namespace
}  // namespace syncline::hub::workflow
