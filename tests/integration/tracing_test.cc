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
    /// The newest of that name, by that program, that went well; once there is one.
    std::optional<OtlpReceiver::Span> newest(const std::string& service, const std::string& name) {
        std::optional<OtlpReceiver::Span> found;
        std::ignore = until([&] {
            for (const OtlpReceiver::Span& one : receiver_.spans()) {
                if (one.service == service && one.name == name && !one.failed) found = one;
            }
            return found.has_value();
        });
        return found;
    }
    /// The names from it back to where it began, once all of them are told. A command that came to
    /// an agent before it knew its stream is decided again, and the way is longer.
    std::vector<std::string> way_to(const OtlpReceiver::Span& last) {
        std::vector<std::string> names;
        std::ignore = until([&] {
            const auto all = receiver_.spans();
            names = {last.name};
            for (OtlpReceiver::Span at = last; !at.parent.empty();) {
                const auto parent = std::ranges::find_if(all, [&](const OtlpReceiver::Span& one) {
                    return one.id == at.parent && one.trace == at.trace;
                });
                if (parent == all.end()) return false;
                at = *parent;
                names.push_back(at.name);
            }
            return true;
        });
        return names;
    }
    OtlpReceiver receiver_;
};

TEST_F(Telemetry, AChangeIsFollowedToTheOutcome) {
    start_all();
    drop("customers.jsonl", row("1", "Ada"));
    ASSERT_TRUE(arrives({"1"}));
    const auto applied = newest("syncline-agent", "apply customer");
    ASSERT_TRUE(applied);
    const std::vector<std::string> way = way_to(*applied);
    ASSERT_GE(way.size(), 4u);
    EXPECT_EQ(way[1], "command customer");
    EXPECT_EQ(way[2], "decide customer");
    EXPECT_EQ(way.back(), "change customer");
    EXPECT_TRUE(until([&] {  // What the hub made of the outcome.
        const auto all = receiver_.spans();
        return std::ranges::any_of(all, [&](const OtlpReceiver::Span& one) {
            return one.service == "syncline-hub" && one.parent == applied->id;
        });
    }));
    EXPECT_TRUE(ctl_says({"timeline", "--trace", applied->trace}, "decision"));
    for (const OtlpReceiver::Span& one : receiver_.spans()) {
        EXPECT_EQ(one.name.find("Ada"), std::string::npos);
    }
}

}  // namespace
}  // namespace syncline::test
