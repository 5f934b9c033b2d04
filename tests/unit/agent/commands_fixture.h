#pragma once

#include <gtest/gtest.h>

#include "tests/unit/agent/world.h"

namespace syncline::test {

class CommandsTest : public testing::Test {
protected:
    /// An agent that knows record "1", whose name is "old".
    void begin() {
        world.auto_receipts = true;
        world.platform.put("1", named("old"));
        world.start();
        world.run_seconds(1);
        ASSERT_EQ(world.changes().size(), world.platform.records.size());
    }
    [[nodiscard]] Outcome only_outcome() const {
        const auto outcomes = world.outcomes();
        EXPECT_EQ(outcomes.size(), 1u);
        return outcomes.empty() ? Outcome{} : outcomes.front();
    }
    [[nodiscard]] std::string name_of_record(const char* id) const {
        const auto* record = world.platform.find_record(id);
        if (record == nullptr) return "(none)";
        return *record->fields.find("name")->get<std::string>();
    }

    World world;
};

}  // namespace syncline::test
