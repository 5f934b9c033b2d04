#include "tests/unit/agent/store_fixture.h"

namespace syncline::agent {
namespace {

TEST_F(StoreTest, KeepsOperationsInTheirOrderAlsoInAFileOfBefore) {
    using State = StoredOperation::State;
    commit(*open().value(), [&](Transaction& t) { t.restart_numbering(2, kNow); });
    make_former(path_, 4);
    {
        auto store = open().value();
        commit(*store, [&](Transaction& t) {
            for (const char* key : {"w/2/s", "w/1/s", "w/3/s"}) {
                t.save({.key = key, .attempt = 2, .call = std::string{"\0\xff", 2}, .at = kNow});
            }
            auto known = t.operation("w/2/s");
            ASSERT_TRUE(known);
            known->state = State::kApplied;
            known->call.clear();
            known->result = "told";
            t.save(*known);
            t.append({1}, "subject", "told", kNow);
            t.note_told("w/2/s", {{1}, {store->epoch(), 1}});
        });
    }
    auto store = open().value();
    commit(*store, [&](Transaction& t) {
        const auto waiting = t.open_operations();
        ASSERT_EQ(waiting.size(), 2u);
        EXPECT_EQ(waiting[0].key, "w/1/s");
        EXPECT_EQ(waiting[1].key, "w/3/s");
        EXPECT_EQ(t.operation("w/1/s")->call, (std::string{"\0\xff", 2}));
        EXPECT_EQ(t.operation("w/1/s")->attempt, 2u);
        EXPECT_EQ(t.operation("w/2/s")->result, "told");
        EXPECT_FALSE(t.operation("w/4/s"));
        const Timestamp later = kNow + std::chrono::seconds{1};
        EXPECT_EQ(t.forget_operations(later, 10), 0u) << "there is no receipt";
        t.set_receipted({1}, 1, kNow);
    });
    commit(*store, [&](Transaction& t) {
        EXPECT_EQ(t.forget_operations(kNow, 10), 0u) << "it ended then, not before";
        EXPECT_EQ(t.forget_operations(kNow + std::chrono::seconds{1}, 10), 1u);
        EXPECT_FALSE(t.operation("w/2/s"));
        EXPECT_EQ(t.open_operations().size(), 2u);
    });
}

}  // namespace
}  // namespace syncline::agent
