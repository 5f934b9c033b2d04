#include "shared/wire/operation_codec.h"

#include <gtest/gtest.h>

#include "shared/wire/subjects.h"

namespace syncline::wire {
namespace {

OperationCall call() {
    return {.platform = PlatformId{"erp"},
            .operation = "create_fulfilment",
            .key = "order_to_cash/C-1 2/fulfil~2",
            .attempt = 3,
            .partition = {7},
            .input = {{FieldName{"amount"}, *Decimal::parse("1.50")}, {FieldName{"sku"}, "A-1"}},
            .undoes = true,
            .decided_at = Timestamp{5},
            .trace = "00-ab-cd-01",
            .again = true};
}

OperationResult result() {
    return {.platform = PlatformId{"erp"},
            .key = call().key,
            .attempt = 3,
            .number = {{7}, {9, 11}},
            .what = OperationResult::What::kRefused,
            .error = ErrorClass::kTimeout,
            .fields = {{FieldName{"number"}, "F-1"}},
            .text = "it says no",
            .done_at = Timestamp{6},
            .trace = "00-ab-cd-01"};
}

TEST(OperationCodec, GivesBackWhatItWasGiven) {
    EXPECT_EQ(decode_operation_call(encode(call())), call());
    EXPECT_EQ(decode_operation_result(encode(result())), result());
}

TEST(OperationCodec, RefusesWhatIsCutOrSomethingElse) {
    const std::string whole = encode(call());
    const std::string told = encode(result());
    for (std::size_t size = 0; size < whole.size(); ++size) {
        EXPECT_FALSE(decode_operation_call(whole.substr(0, size))) << size;
    }
    for (std::size_t size = 0; size < told.size(); ++size) {
        EXPECT_FALSE(decode_operation_result(told.substr(0, size))) << size;
    }
    EXPECT_FALSE(decode_operation_call(encode(OperationCall{})));
    EXPECT_FALSE(decode_operation_result(encode(OperationResult{})));
    OperationResult wrong = result();
    wrong.what = static_cast<OperationResult::What>(3);
    EXPECT_FALSE(decode_operation_result(encode(wrong)));
}

TEST(OperationSubjects, NameInstanceAndStepWhateverStandsInTheKey) {
    const std::string key = call().key;
    const std::string asked = subjects::operation_call(PlatformId{"erp"}, key);
    EXPECT_EQ(asked, "sync.cmd.erp.op.order_to_cash.C-1=202.fulfil=7E2");
    EXPECT_TRUE(subjects::is_operation_call(asked));
    EXPECT_FALSE(subjects::is_operation_call(
        subjects::command(PlatformId{"erp"}, {ObjectName{"op"}, EntityId{"e"}})));
    EXPECT_FALSE(
        subjects::is_operation_call(subjects::again(PlatformId{"erp"}, subjects::Again::kRecords)));
    const auto told =
        subjects::parse_input(subjects::operation_result(PlatformId{"erp"}, {7}, key));
    ASSERT_TRUE(told);
    EXPECT_EQ(told->kind, subjects::InputKind::kOperationResult);
    EXPECT_EQ(told->platform, PlatformId{"erp"});
    EXPECT_EQ(told->partition.value, 7);
    EXPECT_EQ(told->object, "C-1 2");
    EXPECT_EQ(told->key, "fulfil~2");
    const auto input = subjects::parse_input(subjects::instance_input({7}, "C-1 2"));
    ASSERT_TRUE(input);
    EXPECT_EQ(input->kind, subjects::InputKind::kInstance);
    EXPECT_EQ(input->key, "C-1 2");
}

TEST(OperationKey, NamesItsInstance) {
    EXPECT_EQ(instance_of("order_to_cash/C-1/fulfil"), "C-1");
    EXPECT_EQ(instance_of("order_to_cash/C-1"), "C-1");
    EXPECT_EQ(instance_of("order_to_cash"), "");
    EXPECT_EQ(instance_of(""), "");
    EXPECT_LT(instance_partition("C-1", 16).value, 16);
}

}  // namespace
}  // namespace syncline::wire
