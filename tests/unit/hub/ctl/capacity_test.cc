#include "hub/ctl/capacity.h"

#include <gtest/gtest.h>

namespace syncline::ctl {
namespace {

constexpr CapacityCosts kCosts{.hub_us_per_input = 100,
                               .server_us_per_input = 50,
                               .hub_bytes_per_entity = 1'000,
                               .server_bytes_per_entity = 500};

CapacityInputs some() {
    return {.streams = {{.name = "SYNC_IN",
                         .messages = 1'000,
                         .bytes = 500'000,
                         .bytes_each = 500,
                         .per_day = 1'000,
                         .keep = std::chrono::days{30}},
                        {.name = "SYNC_STATE",
                         .messages = 200,
                         .bytes = 60'000,
                         .bytes_each = 300,
                         .per_day = 900}},
            .inputs_per_day = 86'400,
            .entities = 200,
            .growth = 2,
            .peak = 5};
}

TEST(Capacity, StreamsByAgeGrowWithTimeAndOthersWithWhatThereIs) {
    const Capacity plan = plan_capacity(some(), kCosts);
    ASSERT_EQ(plan.streams.size(), 2u);
    EXPECT_DOUBLE_EQ(plan.streams[0].bytes, 2.0 * 1'000 * 30 * 500);
    EXPECT_DOUBLE_EQ(plan.streams[0].now_bytes, 500'000);
    EXPECT_DOUBLE_EQ(plan.streams[1].bytes, 2.0 * 200 * 300);
    EXPECT_DOUBLE_EQ(plan.server_disk, plan.streams[0].bytes + plan.streams[1].bytes);
}

TEST(Capacity, HubsAreEnoughForThePeakAndOneMayFail) {
    CapacityInputs inputs = some();
    Capacity plan = plan_capacity(inputs, kCosts);
    EXPECT_DOUBLE_EQ(plan.inputs_per_second_peak, 10);
    EXPECT_DOUBLE_EQ(plan.hub_inputs_per_second, 5'000);
    EXPECT_EQ(plan.hubs, 2u);
    inputs.inputs_per_day *= 1'001;  // 10,010 a second at the peak.
    plan = plan_capacity(inputs, kCosts);
    EXPECT_EQ(plan.hubs, 4u);
    EXPECT_DOUBLE_EQ(plan.server_processors, 10'010 * 50 / 1e6 / kBusyMost);
}

TEST(Capacity, HubsKeepNoMoreEntitiesThanTheyMay) {
    CapacityInputs inputs = some();
    const double few = plan_capacity(inputs, kCosts).hub_memory;
    inputs.entities = 100'000'000;
    const double many = plan_capacity(inputs, kCosts).hub_memory;
    EXPECT_DOUBLE_EQ(many - few, (131'072 - 400) * 1'000.0);
}

TEST(Capacity, CostsAreMeasured) {
    EXPECT_GT(kMeasuredCosts.hub_us_per_input, 0);
    EXPECT_GT(kMeasuredCosts.server_us_per_input, 0);
    EXPECT_GT(kMeasuredCosts.hub_bytes_per_entity, 0);
    EXPECT_GT(kMeasuredCosts.server_bytes_per_entity, 0);
}

TEST(Capacity, OfNothingIsTheLeast) {
    const Capacity plan = plan_capacity({}, kCosts);
    EXPECT_EQ(plan.hubs, 2u);
    EXPECT_DOUBLE_EQ(plan.server_disk, 0);
}

}  // namespace
}  // namespace syncline::ctl
