#include "hub/ctl/doctor.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "shared/nats/server_version.h"
#include "shared/nats/streams.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

using namespace std::chrono_literals;

TEST(ServerVersion, IsHeldToWhatReplicasNeed) {
    EXPECT_EQ(check_server_version(kNatsServerRecommended, 1).health, Health::kOk);
    EXPECT_EQ(check_server_version(kNatsServerMinimumSingle, 1).health, Health::kWarn);
    EXPECT_EQ(check_server_version(kNatsServerMinimumSingle, 3).health, Health::kFail);
    EXPECT_EQ(check_server_version("2.9.10", 1).health, Health::kFail);
    EXPECT_EQ(check_server_version("", 1).health, Health::kWarn);
    EXPECT_NE(check_server_version("2.9.10", 1).hint.find(kNatsServerRecommended),
              std::string::npos);
}

TEST(Clock, MayBeOffByLessThanTwoSeconds) {
    EXPECT_EQ(check_clock(1s).health, Health::kOk);
    EXPECT_EQ(check_clock(-3s).health, Health::kWarn);
    EXPECT_EQ(check_clock(std::nullopt).health, Health::kWarn);
}

/// SYNC_IN as a server would tell it.
Value::Map good_config() {
    const nats::StreamConfig wanted = nats::stream_configs().front();
    return {{"subjects", Value{Value::List{Value{wanted.subjects.front()}}}},
            {"discard", Value{"new"}},
            {"retention", Value{"limits"}},
            {"storage", Value{"file"}},
            {"max_msgs_per_subject", Value{-1}},
            {"max_age", Value{static_cast<std::int64_t>(wanted.max_age.count())}},
            {"num_replicas", Value{1}},
            {"metadata", Value{Value::Map{{"partitions", Value{"64"}}}}}};
}

struct ConfigCase {
    const char* key;
    Value value;
    Health worst;
    const char* code;
};
class StreamConfigured : public testing::TestWithParam<ConfigCase> {};

TEST_P(StreamConfigured, IsComparedWithOurs) {
    Value::Map config = good_config();
    config.insert_or_assign(GetParam().key, GetParam().value);
    const StreamDetail detail{
        .name = std::string{subjects::kStreamIn}, .config = Announced{config}, .consumers = {}};
    const auto checks = check_stream(nats::stream_configs().front(), detail);
    const auto worst = std::ranges::max_element(checks, {}, &Check::health);
    ASSERT_NE(worst, checks.end());
    EXPECT_EQ(worst->health, GetParam().worst) << worst->message;
    if (worst->health != Health::kOk) {
        EXPECT_EQ(worst->code, GetParam().code);
        EXPECT_NE(worst->hint, "");
    }
}

INSTANTIATE_TEST_SUITE_P(
    Rows, StreamConfigured,
    testing::Values(
        ConfigCase{"num_replicas", Value{3}, Health::kOk, ""},
        ConfigCase{"subjects", Value{Value::List{}}, Health::kFail, "doctor.stream_config"},
        ConfigCase{"discard", Value{"old"}, Health::kFail, "doctor.stream_config"},
        ConfigCase{"retention", Value{"workqueue"}, Health::kFail, "doctor.stream_config"},
        ConfigCase{"storage", Value{"memory"}, Health::kFail, "doctor.stream_config"},
        ConfigCase{"max_msgs_per_subject", Value{1}, Health::kFail, "doctor.stream_config"},
        ConfigCase{"max_age", Value{0}, Health::kWarn, "doctor.stream_age"},
        ConfigCase{"metadata", Value{Value::Map{}}, Health::kFail, "doctor.partitions"},
        ConfigCase{"metadata", Value{Value::Map{{"partitions", Value{"0"}}}}, Health::kFail,
                   "doctor.partitions"},
        ConfigCase{"metadata", Value{Value::Map{{"partitions", Value{"many"}}}}, Health::kFail,
                   "doctor.partitions"}));

Cluster with_mark(const hub::Mark& mark) {
    Cluster cluster;
    nats::StreamInfo in{.created = Timestamp{1}, .metadata = {}};
    in.last_sequence = 100;
    cluster.streams = {{std::string{subjects::kStreamIn}, in},
                       {std::string{subjects::kStreamCommands},
                        nats::StreamInfo{.created = Timestamp{2}, .metadata = {}}}};
    cluster.marks = {{.partition = {}, .mark = mark, .broken = {}}};
    return cluster;
}

TEST(Marks, MustFitTheirStreams) {
    hub::Mark mark;
    mark.inputs_created = Timestamp{1};
    mark.commands.created = Timestamp{2};
    mark.floor = 100;
    EXPECT_EQ(check_marks(with_mark(mark)).front().health, Health::kOk);
    mark.floor = 101;
    EXPECT_EQ(check_marks(with_mark(mark)).front().health, Health::kFail);
    mark.floor = 1;
    mark.inputs_created = Timestamp{9};
    EXPECT_EQ(check_marks(with_mark(mark)).front().health, Health::kWarn);
    mark.inputs_created = Timestamp{1};
    mark.commands.created = Timestamp{9};
    EXPECT_EQ(check_marks(with_mark(mark)).front().health, Health::kWarn);
    Cluster broken = with_mark(mark);
    broken.marks[0].broken = "byte 4";
    EXPECT_EQ(check_marks(broken).front().health, Health::kFail);
}

TEST(Consumers, OursAreLeftInPeace) {
    StreamDetail detail{.name = "SYNC_IN", .config = {}, .consumers = {}};
    detail.consumers = {{.name = "sync-abc", .durable = false}};
    EXPECT_TRUE(check_consumers(detail).empty());
    detail.consumers.push_back({.name = "billing", .durable = true, .pending = 12});
    const auto checks = check_consumers(detail);
    ASSERT_EQ(checks.size(), 1U);
    EXPECT_NE(checks[0].message.find("billing"), std::string::npos);
}

}  // namespace
}  // namespace syncline::ctl
