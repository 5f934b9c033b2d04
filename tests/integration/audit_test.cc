// The decision log of real hubs, and what somebody does to it.
#include "hub/ctl/session.h"
#include "tests/integration/running_system.h"

namespace syncline::test {
namespace {

class AuditVerify : public RunningSystem {
protected:
    /// Removes the message from SYNC_LOG, as whoever may speak to JetStream's API can.
    void remove(std::uint64_t sequence) {
        auto session = ctl::Session::open({.urls = {server.url()}, .name = "intruder"},
                                          std::chrono::seconds{5});
        ASSERT_TRUE(session) << session.error().what;
        const auto done = (*session)->jetstream(
            "STREAM.MSG.DELETE", "SYNC_LOG",
            Value::Map{{"seq", static_cast<std::int64_t>(sequence)}, {"no_erase", true}});
        ASSERT_TRUE(done) << done.error().what;
    }
    [[nodiscard]] std::string verify(std::vector<std::string> more = {}) const {
        more.insert(more.begin(), {"audit", "verify"});
        return ctl(more);
    }
};

TEST_F(AuditVerify, FindsARemovedEntryAndHoldsTheLogToAnAnchor) {
    start_all();
    for (const char* name : {"one", "two", "three", "four"}) {
        drop("customers-1.jsonl", row("1", name));
        ASSERT_TRUE(ctl_says({"entity", "show", "customer", "1"}, name));
    }
    // So that the third entry of the log is nobody's last, whoever's it is.
    drop("customers-1.jsonl", row("0", "five"));
    ASSERT_TRUE(ctl_says({"entity", "show", "customer", "0"}, "five"));
    const std::string anchor = folder / "anchor.jsonl";
    const std::string clean = verify({"--write-anchor", anchor});
    EXPECT_NE(clean.find("nothing was altered, removed or moved"), std::string::npos) << clean;
    EXPECT_NE(clean.find("2 entities"), std::string::npos) << clean;
    drop("customers-2.jsonl", row("2", "another"));
    ASSERT_TRUE(ctl_says({"entity", "show", "customer", "2"}, "another"));
    const std::string later = verify({"--anchor", anchor});
    EXPECT_NE(later.find("2 are as the anchor says"), std::string::npos) << later;
    EXPECT_NE(later.find("nothing was altered"), std::string::npos) << later;
    remove(3);
    const std::string found = verify({"--anchor", anchor});
    EXPECT_NE(found.find("sequences 3 to 3 are gone from inside the stream"), std::string::npos)
        << found;
    EXPECT_NE(found.find("audit.removed"), std::string::npos) << found;
    EXPECT_NE(found.find("audit.missing"), std::string::npos) << "whose it was: " << found;
    write("bad.jsonl", "{\"entity\":\"x\"}\n");
    EXPECT_NE(verify({"--anchor", folder / "bad.jsonl"}).find("bad.jsonl:1: no line of an anchor"),
              std::string::npos);
}

}  // namespace
}  // namespace syncline::test
