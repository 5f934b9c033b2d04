#include "shared/nats/streams.h"

#include <map>
#include <string>

#include <gtest/gtest.h>

#include "shared/wire/subjects.h"

namespace syncline::nats {
namespace {

using namespace std::chrono_literals;

struct StreamCase {
    const char* name;
    const char* subject;
    std::int64_t per_subject;
    Duration max_age;
};

TEST(StreamConfigs, AreThoseOfTheDesign) {
    const auto configs = stream_configs({.partitions = 16, .replicas = 3});
    const StreamCase cases[] = {
        {"SYNC_IN", "sync.in.>", -1, 30 * 24h},
        {"SYNC_STATE", "sync.st.>", 1, 0h},
        {"SYNC_CMD", "sync.cmd.>", 1, 0h},
        {"SYNC_EVT", "sync.evt.>", -1, 90 * 24h},
        {"SYNC_EXC", "sync.exc.>", 8, 0h},
        {"SYNC_LOG", "sync.log.>", -1, 365 * 24h},
        {"KV_sync_lease", "$KV.sync_lease.>", 1, 10s},
        {"KV_sync_agent", "$KV.sync_agent.>", 1, 60s},
        {"KV_sync_policy", "$KV.sync_policy.>", 64, 0h},
    };
    ASSERT_EQ(configs.size(), std::size(cases));
    for (std::size_t i = 0; i < configs.size(); ++i) {
        SCOPED_TRACE(cases[i].name);
        EXPECT_EQ(configs[i].name, cases[i].name);
        EXPECT_EQ(configs[i].subjects, std::vector<std::string>{cases[i].subject});
        EXPECT_EQ(configs[i].max_messages_per_subject, cases[i].per_subject);
        EXPECT_EQ(configs[i].max_age, cases[i].max_age);
        EXPECT_EQ(configs[i].replicas, 3);
        EXPECT_TRUE(configs[i].refuse_when_full);
    }
    ASSERT_EQ(configs[0].metadata.size(), 1U);
    EXPECT_EQ(configs[0].metadata[0].first, kPartitionsKey);
    EXPECT_EQ(configs[0].metadata[0].second, "16");
}

}  // namespace
}  // namespace syncline::nats
