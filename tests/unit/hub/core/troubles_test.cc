#include "hub/core/troubles.h"

#include <gtest/gtest.h>

#include "shared/wire/subjects.h"
#include "shared/wire/trouble_codec.h"

namespace syncline::hub {
namespace {

constexpr Timestamp kTold{1'700'000'000'000'000'000};

Trouble trouble(const char* reason, std::int64_t since = 5) {
    return {.platform = PlatformId{"crm"},
            .number = {{3}, {1, 7}},
            .object = ObjectName{"customer"},
            .kind = TroubleKind::kFields,
            .since = {since},
            .reason = reason};
}

std::optional<ExceptionRecord> opened(const char* reason) {
    std::optional<ExceptionRecord> exception;
    EXPECT_EQ(take(exception, trouble(reason), kTold), ReportNews::kOpened);
    return exception;
}

TEST(TroubleCodec, TakesATroubleAsItWasTold) {
    for (const Trouble& told : {trouble("no `Phone`"), trouble("")}) {
        const auto read = wire::decode_trouble(wire::encode(told));
        ASSERT_TRUE(read) << read.error().what;
        EXPECT_EQ(*read, told);
    }
    EXPECT_FALSE(wire::decode_trouble("x"));
}

TEST(TroubleSubjects, NameObjectAndKindInOneWay) {
    for (const TroubleKind kind : {TroubleKind::kFields, TroubleKind::kRecords}) {
        const auto input = subjects::parse_input(
            subjects::trouble(PlatformId{"crm"}, {3}, ObjectName{"out-of.the way"}, kind));
        ASSERT_TRUE(input) << input.error().what;
        EXPECT_EQ(input->kind, subjects::InputKind::kTrouble);
        EXPECT_EQ(input->object, "out-of.the way");
        EXPECT_EQ(input->key, name_of(kind));
    }
    EXPECT_FALSE(subjects::parse_input("sync.in.crm.3.trouble.customer.weather"));
}

TEST(Troubles, AreAnExceptionOfTheWholeObject) {
    const auto exception = opened("no `Phone`");
    ASSERT_TRUE(exception);
    EXPECT_EQ(exception->kind, "platform.fields");
    EXPECT_EQ(exception->entity.object, ObjectName{"customer"});
    EXPECT_EQ(exception->platform, PlatformId{"crm"});
    EXPECT_EQ(exception->reason, "no `Phone`");
    EXPECT_EQ(kind_of(TroubleKind::kRecords), "platform.records");
}

TEST(Troubles, AreUpdatedAndNotRepeated) {
    auto exception = opened("no `Phone`");
    exception->care.assignee = "ann";
    EXPECT_EQ(take(exception, trouble("no `Phone`"), kTold), ReportNews::kNothing);
    EXPECT_EQ(take(exception, trouble("no `Phone`, `Fax`"), kTold), ReportNews::kUpdated);
    EXPECT_EQ(exception->care.assignee, "ann");
    EXPECT_EQ(exception->reason, "no `Phone`, `Fax`");
}

TEST(Troubles, CloseWhenTheyAreOverAndOpenAnew) {
    auto exception = opened("no `Phone`");
    EXPECT_EQ(take(exception, trouble(""), kTold), ReportNews::kClosed);
    EXPECT_EQ(exception->status, ExceptionStatus::kResolved);
    EXPECT_EQ(take(exception, trouble(""), kTold), ReportNews::kNothing);
    EXPECT_EQ(take(exception, trouble("no `Phone`", 9), kTold), ReportNews::kOpened);
    std::optional<ExceptionRecord> none;
    EXPECT_EQ(take(none, trouble(""), kTold), ReportNews::kNothing);
}

TEST(Troubles, OneThatAPersonHasSettledStaysSettled) {
    auto exception = opened("no `Phone`");
    const Operation discard{.kind = OperationKind::kDiscard,
                            .entity = exception->entity,
                            .exception = "platform.fields@crm",
                            .id = "ctl-1",
                            .actor = "ann",
                            .reason = "we know"};
    ASSERT_TRUE(operate(*exception, discard, kTold));
    EXPECT_EQ(take(exception, trouble("no `Phone`"), kTold), ReportNews::kNothing);
    EXPECT_EQ(take(exception, trouble("no `Phone`, `Fax`", 9), kTold), ReportNews::kOpened);
    EXPECT_TRUE(exception->closed_by.empty());
}

TEST(Troubles, ToldAgainFromAnEarlierOneOnEndAsTheyDid) {
    auto exception = opened("no `Fax`");
    take(exception, trouble(""), kTold);
    take(exception, trouble("no `Phone`", 9), kTold);
    take(exception, trouble("no `Phone`, `Fax`", 12), kTold);
    const std::string reason = exception->reason;
    for (int i = 0; i < 2; ++i) {
        take(exception, trouble("no `Fax`"), kTold);
        take(exception, trouble(""), kTold);
        EXPECT_EQ(exception->status, ExceptionStatus::kResolved);
        take(exception, trouble("no `Phone`", 9), kTold);
        take(exception, trouble("no `Phone`, `Fax`", 12), kTold);
        EXPECT_EQ(exception->status, ExceptionStatus::kOpen);
        EXPECT_EQ(exception->reason, reason);
    }
}

}  // namespace
}  // namespace syncline::hub
