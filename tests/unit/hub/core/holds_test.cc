#include "hub/core/holds.h"

#include <gtest/gtest.h>

#include "shared/wire/hold_codec.h"
#include "shared/wire/subjects.h"

namespace syncline::hub {
namespace {

constexpr Timestamp kNow{1'700'000'000'000'000'000};
using Status = HoldNotice::Status;
using Ruling = HoldAnswer::Verdict;

HoldNotice notice(std::uint64_t hold, Status status = Status::kHeld) {
    return {.platform = PlatformId{"crm"},
            .number = {{3}, {1, 7}},
            .lane = {ObjectName{"customer"}, Direction::kIn},
            .hold = hold,
            .status = status,
            .tripped = MassKind::kDelete,
            .limit = "10 % of 5000 records",
            .window = std::chrono::minutes{10},
            .counts = {501, 2, 0},
            .records = 5'000,
            .held = 12,
            .since = kNow,
            .sample = {{MassKind::kDelete, RecordId{"7"}, EntityId{"e7"}},
                       {MassKind::kBlank, RecordId{"8"}, std::nullopt}}};
}

Operation operation(OperationKind kind, std::uint64_t seen, const char* reason = "it was meant") {
    return {.kind = kind,
            .entity = lane_entity(ObjectName{"customer"}),
            .exception = "breaker.held_in@crm",
            .id = "ctl-1",
            .actor = "ann",
            .reason = reason,
            .seen = seen};
}

std::optional<ExceptionRecord> opened(std::uint64_t hold) {
    std::optional<ExceptionRecord> exception;
    EXPECT_EQ(take(exception, notice(hold), kNow), ReportNews::kOpened);
    return exception;
}

TEST(HoldCodec, TakesANoticeAsItWasTold) {
    const auto read = wire::decode_hold(wire::encode(notice(5)));
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(*read, notice(5));
}

TEST(HoldAnswerText, IsReadAsItIsWritten) {
    for (const Ruling verdict : {Ruling::kResume, Ruling::kDiscard}) {
        const HoldAnswer answer{17, verdict};
        EXPECT_EQ(parse_hold_answer(to_text(answer)), answer);
    }
    for (const char* text : {"", "17", "17 ", "x resume", "17 perhaps", "-1 resume"}) {
        EXPECT_FALSE(parse_hold_answer(text)) << text;
    }
}

TEST(HoldSubjects, NameTheLaneInOneWay) {
    const PlatformId crm{"crm"};
    for (const Lane& lane : {Lane{ObjectName{"customer"}, Direction::kIn},
                             Lane{ObjectName{"out-of.the way"}, Direction::kOut}}) {
        const auto input = subjects::parse_input(subjects::hold(crm, {3}, lane));
        ASSERT_TRUE(input) << input.error().what;
        EXPECT_EQ(input->kind, subjects::InputKind::kHold);
        EXPECT_EQ(input->platform, crm);
        EXPECT_EQ(input->partition, Partition{3});
        EXPECT_EQ(input->object, lane.object.text);
        EXPECT_EQ(input->key, name_of(lane.direction));
        const std::string answer = subjects::hold_answer(crm, lane);
        EXPECT_TRUE(subjects::is_again(answer));
        EXPECT_FALSE(subjects::is_retell(answer));
        EXPECT_EQ(subjects::parse_hold_answer(answer), lane);
    }
    const std::string retell = subjects::retell(crm, {3});
    EXPECT_FALSE(subjects::parse_hold_answer(retell));
}

TEST(Holds, AreAnExceptionThatSaysWhatIsHeld) {
    const auto exception = opened(5);
    EXPECT_EQ(exception->kind, "breaker.held_in");
    EXPECT_EQ(exception->entity.entity.text, "_lane");
    EXPECT_EQ(exception->version, 5u);
    EXPECT_EQ(exception->reason,
              "501 deletions of customer by crm, more than 10 % of 5000 records within 600 s; 12 "
              "changes are held");
    EXPECT_EQ(lane_of(exception->kind, ObjectName{"customer"}), notice(5).lane);
    EXPECT_FALSE(lane_of("broker.amnesia", ObjectName{"customer"}));
}

TEST(Holds, AreUpdatedAndNotRepeated) {
    auto exception = opened(5);
    HoldNotice again = notice(5);
    again.number.seq.n = 9;
    EXPECT_EQ(take(exception, again, kNow), ReportNews::kNothing) << "only its number is another";
    again.held = 400;
    EXPECT_EQ(take(exception, again, kNow), ReportNews::kUpdated);
    EXPECT_NE(exception->reason.find("400 changes are held"), std::string::npos);
    EXPECT_EQ(take(exception, notice(4), kNow), ReportNews::kNothing) << "a former one";
    EXPECT_EQ(take(exception, notice(6), kNow), ReportNews::kOpened) << "a later one";
}

TEST(Holds, CloseWhenTheLaneFlowsAgain) {
    auto exception = opened(5);
    EXPECT_EQ(take(exception, notice(4, Status::kResumed), kNow), ReportNews::kNothing);
    ASSERT_TRUE(answer(*exception, operation(OperationKind::kAccept, 5), kNow));
    EXPECT_EQ(exception->status, ExceptionStatus::kOpen) << "until the agent has done it";
    EXPECT_EQ(take(exception, notice(5, Status::kResumed), kNow), ReportNews::kClosed);
    EXPECT_EQ(exception->status, ExceptionStatus::kResolved);
    EXPECT_EQ(exception->closed_by, "ann");
    EXPECT_EQ(exception->closing, "accepted: it was meant");
    EXPECT_EQ(take(exception, notice(5), kNow), ReportNews::kNothing) << "old news";
}

TEST(Holds, AnAnswerIsToTheHoldThatWasSeen) {
    auto exception = opened(5);
    EXPECT_FALSE(answer(*exception, operation(OperationKind::kAccept, 4), kNow));
    EXPECT_FALSE(answer(*exception, operation(OperationKind::kRetry, 5), kNow));
    EXPECT_FALSE(answer(*exception, operation(OperationKind::kDiscard, 5, ""), kNow));
    EXPECT_EQ(answer(*exception, operation(OperationKind::kDiscard, 5), kNow),
              (HoldAnswer{5, Ruling::kDiscard}));
    EXPECT_FALSE(answer(*exception, operation(OperationKind::kAccept, 5), kNow))
        << "it was answered otherwise";
    EXPECT_EQ(answer(*exception, operation(OperationKind::kDiscard, 5), kNow),
              (HoldAnswer{5, Ruling::kDiscard}))
        << "the same may be said again, in case that it was lost";
}

TEST(Holds, ANewStoreHearsThatItsNumberIsTaken) {
    std::optional<ExceptionRecord> exception = opened(5);
    EXPECT_FALSE(outnumbers(exception, notice(4)));  // The open one will be answered.
    ASSERT_TRUE(answer(*exception, operation(OperationKind::kDiscard, 5), kNow));
    ASSERT_EQ(take(exception, notice(5, Status::kDiscarded), kNow), ReportNews::kClosed);
    EXPECT_EQ(take(exception, notice(4), kNow), ReportNews::kNothing);
    EXPECT_EQ(outnumbers(exception, notice(4)), (HoldAnswer{5, Ruling::kDiscard}));
    EXPECT_FALSE(outnumbers(exception, notice(4, Status::kResumed)));
    EXPECT_FALSE(outnumbers(exception, notice(5)));
    EXPECT_FALSE(outnumbers(exception, notice(6)));
    EXPECT_FALSE(outnumbers(std::nullopt, notice(4)));
}

TEST(Holds, AnAnswerThatNoStoreKnowsClosesItToo) {
    auto exception = opened(5);
    ASSERT_TRUE(answer(*exception, operation(OperationKind::kAccept, 5), kNow));
    EXPECT_EQ(take(exception, notice(5, Status::kUnknown), kNow), ReportNews::kClosed);
    EXPECT_NE(exception->closing.find("knows of no such hold"), std::string::npos);
}

}  // namespace
}  // namespace syncline::hub
