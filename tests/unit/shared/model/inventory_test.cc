#include "shared/model/inventory.h"

#include <gtest/gtest.h>

namespace syncline {
namespace {

TEST(BucketSums, AreTheSameInWhateverOrderRecordsCome) {
    BucketSums one{4};
    BucketSums other{4};
    one.add(RecordId{"a"});
    one.add(RecordId{"b"});
    other.add(RecordId{"b"});
    other.add(RecordId{"a"});
    EXPECT_EQ(one, other);
}

TEST(BucketSums, DifferByRecordAndByNumber) {
    const auto sum = [](std::initializer_list<const char*> records) {
        BucketSums sums;
        for (const char* id : records) sums.add(RecordId{id});
        return sums.sums()[0];
    };
    const auto base = sum({"a", "b"});
    EXPECT_NE(base, sum({"a", "c"}));
    EXPECT_NE(base, sum({"a"}));
    EXPECT_NE(base, sum({"a", "b", "b"}));
    EXPECT_NE(sum({"a", "d"}), sum({"b", "c"}));
}

TEST(BucketSums, GrowWithTheNumberOfRecords) {
    EXPECT_EQ(BucketSums::buckets_for(0), 1u);
    EXPECT_EQ(BucketSums::buckets_for(63), 1u);
    EXPECT_EQ(BucketSums::buckets_for(64), 2u);
    EXPECT_EQ(BucketSums::buckets_for(15'625), 256u);
    EXPECT_EQ(BucketSums::buckets_for(1'000'000'000), 1024u);
}

TEST(ReconcileRequest, IsReadAsItWasWritten) {
    for (const ReconcileMode mode : {ReconcileMode::kHeal, ReconcileMode::kReport}) {
        const ReconcileRequest request{Timestamp{1'767'607'200'000'000'000}, mode};
        EXPECT_EQ(parse_reconcile_request(to_text(request)), request);
    }
    for (const char* text : {"", "1", "1 ", "x heal", "1 mend", "1 heal "}) {
        EXPECT_FALSE(parse_reconcile_request(text)) << text;
    }
}

}  // namespace
}  // namespace syncline
