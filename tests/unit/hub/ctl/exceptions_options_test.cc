#include <gtest/gtest.h>

#include "hub/ctl/exceptions_act.h"

namespace syncline::ctl {
namespace {

using hub::OperationKind;

constexpr Timestamp kToday{1'000'000'000'000'000};

ObjectSpec object() {
    ObjectSpec spec;
    spec.name = ObjectName{"order"};
    spec.fields = {{.name = FieldName{"amount"}, .type = FieldType::kDecimal},
                   {.name = FieldName{"count"}, .type = FieldType::kInteger},
                   {.name = FieldName{"name"}, .required = true},
                   {.name = FieldName{"open"}, .type = FieldType::kBool}};
    return spec;
}

TEST(ValuesOf, AreAsTheFieldsHaveThem) {
    const auto values = values_of(object(), {"amount=12.50", "count=3", "name=a=b", "open=true"});
    ASSERT_TRUE(values) << values.error().what;
    EXPECT_EQ(*values, (Fields{{FieldName{"amount"}, *Decimal::parse("12.5")},
                               {FieldName{"count"}, Value{std::int64_t{3}}},
                               {FieldName{"name"}, Value{"a=b"}},
                               {FieldName{"open"}, Value{true}}}));
    EXPECT_EQ(*values_of(object(), {"count="}), (Fields{{FieldName{"count"}, Value{}}}));
}

TEST(ValuesOf, ThatDoNotFitAreRefused) {
    for (const char* set : {"amount", "amount=x", "count=1.5", "count=many", "name=", "nam=x"}) {
        const auto values = values_of(object(), {set});
        ASSERT_FALSE(values) << set;
        EXPECT_NE(values.error().what.find(set), std::string::npos) << values.error().what;
    }
}

TEST(OperationOf, SaysUntilWhen) {
    ActOptions options{.kind = OperationKind::kDue};
    EXPECT_FALSE(operation_of(options, kToday));
    options.due_in = "4h";
    EXPECT_EQ(operation_of(options, kToday)->due, kToday + std::chrono::hours{4});
    options.never = true;
    EXPECT_FALSE(operation_of(options, kToday));
    options.due_in.clear();
    EXPECT_EQ(operation_of(options, kToday)->due, Timestamp{});
    options.never = false;
    options.due_at = "2026-01-05T10:00:00Z";
    EXPECT_EQ(operation_of(options, kToday)->due, *parse_timestamp(options.due_at));
}

TEST(OperationOf, SaysWho) {
    ActOptions options{.kind = OperationKind::kAssign};
    EXPECT_FALSE(operation_of(options, kToday));
    options.text = "ann";
    EXPECT_EQ(operation_of(options, kToday)->text, "ann");
    options.nobody = true;
    EXPECT_FALSE(operation_of(options, kToday));
    options.text.clear();
    EXPECT_TRUE(operation_of(options, kToday));
}

}  // namespace
}  // namespace syncline::ctl
