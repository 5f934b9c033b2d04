// The way of a change from the platform where it was made to the last one that was told of it, as
// an OTLP receiver hears of it from three programs.
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "tests/integration/running_system.h"
#include "tests/support/otlp_receiver.h"

namespace syncline::test {
namespace {

class Telemetry : public RunningSystem {
protected:
    Telemetry() {
        const std::string table =
            "[telemetry]\nendpoint = \"" + receiver_.url() + "\"\npercent = 100\n";
        write_agent("shop", table);
        write_agent("books", table);
        write("hub.toml", read("hub.toml") + table);
    }
    /// The one of that name that follows `parent`, once it is told.
    std::optional<OtlpReceiver::Span> following(const OtlpReceiver::Span& parent,
                                                const std::string& name) {
        std::optional<OtlpReceiver::Span> found;
        std::ignore = until([&] {
            const auto all = receiver_.spans();
            const auto at = std::ranges::find_if(all, [&](const OtlpReceiver::Span& one) {
                return one.name == name && one.parent == parent.id && one.trace == parent.trace;
            });
            if (at != all.end()) found = *at;
            return found.has_value();
        });
        return found;
    }
    OtlpReceiver receiver_;
};

TEST_F(Telemetry, AChangeIsFollowedToTheOutcome) {
    start_all();
    drop("customers.jsonl", row("1", "Ada"));
    ASSERT_TRUE(arrives({"1"}));
    OtlpReceiver::Span change;
    ASSERT_TRUE(until([&] {
        for (const OtlpReceiver::Span& one : receiver_.spans()) {
            if (one.name == "change customer" && one.parent.empty()) change = one;
        }
        return !change.id.empty();
    }));
    EXPECT_EQ(change.service, "syncline-agent");
    const auto decision = following(change, "decide customer");
    ASSERT_TRUE(decision);
    EXPECT_EQ(decision->service, "syncline-hub");
    const auto command = following(*decision, "command customer");
    ASSERT_TRUE(command);
    const auto applied = following(*command, "apply customer");
    ASSERT_TRUE(applied);
    EXPECT_EQ(applied->service, "syncline-agent");
    EXPECT_FALSE(applied->failed);
    EXPECT_TRUE(following(*applied, "decide customer")) << "what the hub made of the outcome";
    EXPECT_TRUE(ctl_says({"timeline", "--trace", change.trace}, "decision"));
    for (const OtlpReceiver::Span& one : receiver_.spans()) {
        EXPECT_EQ(one.name.find("Ada"), std::string::npos);
    }
}

}  // namespace
}  // namespace syncline::test
