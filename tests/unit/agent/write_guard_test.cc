#include "agent/write_guard.h"

#include <gtest/gtest.h>

namespace syncline::agent {
namespace {

using namespace std::chrono_literals;

const RecordKey kRecord{PlatformId{"crm"}, ObjectName{"customer"}, RecordId{"7"}};

TEST(WriteGuard, DoubtsWhatBeganToBeReadBeforeTheRecordWasFetched) {
    WriteGuard guard{1min, Duration{0}};
    guard.read_begins(1, 1, 1s);
    guard.fetched(kRecord, 2s);
    EXPECT_TRUE(guard.is_doubtful(kRecord, 1, 3s));
    guard.read_begins(2, 2, 4s);
    EXPECT_FALSE(guard.is_doubtful(kRecord, 2, 5s));
}

TEST(WriteGuard, ForgetsNothingForABatchThatIsNotStoredYet) {
    WriteGuard guard{1min, Duration{0}};
    guard.read_begins(1, 1, 1s);
    guard.fetched(kRecord, 2s);
    guard.read_begins(2, 1, 3s);  // Ahead.
    EXPECT_TRUE(guard.is_doubtful(kRecord, 1, 4s));
    EXPECT_FALSE(guard.is_doubtful(kRecord, 2, 4s));
    guard.fetched(kRecord, 5s);
    EXPECT_TRUE(guard.is_doubtful(kRecord, 1, 6s));
    EXPECT_TRUE(guard.is_doubtful(kRecord, 2, 6s));
    guard.read_begins(3, 3, 7s);
    EXPECT_FALSE(guard.is_doubtful(kRecord, 3, 8s));
}

TEST(WriteGuard, DoubtsEveryReadForAWhileAfterAWrite) {
    WriteGuard guard{1min, 10s};
    guard.started(kRecord);
    EXPECT_TRUE(guard.is_writing(kRecord));
    guard.finished(kRecord, 1s);
    guard.read_begins(1, 1, 2s);
    EXPECT_TRUE(guard.is_doubtful(kRecord, 1, 70s));
    EXPECT_FALSE(guard.is_doubtful(kRecord, 1, 72s));
}

}  // namespace
}  // namespace syncline::agent
