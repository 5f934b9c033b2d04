#include "shared/nats/replies.h"

#include <string>

#include <gtest/gtest.h>

#include "shared/nats/server_check.h"

namespace syncline::nats {
namespace {

struct AckCase {
    const char* name;
    const char* body;
    std::uint64_t sequence;  ///< 0: refused.
    ErrorKind kind = ErrorKind::kInternal;
};
class PublishAck : public testing::TestWithParam<AckCase> {};

TEST_P(PublishAck, IsRead) {
    const auto answer = parse_publish_ack(GetParam().body);
    if (GetParam().sequence != 0) {
        ASSERT_TRUE(answer.has_value()) << answer.error().what;
        EXPECT_EQ(*answer, GetParam().sequence);
    } else {
        ASSERT_FALSE(answer.has_value());
        EXPECT_EQ(answer.error().kind, GetParam().kind) << answer.error().what;
    }
}
using enum ErrorKind;
INSTANTIATE_TEST_SUITE_P(
    Answers, PublishAck,
    testing::Values(
        AckCase{"usual", R"({"stream":"SYNC_IN","seq":12})", 12},
        AckCase{"usual_with_blank", R"({"stream":"SYNC_IN", "seq":12})", 12},
        AckCase{"largest", R"({"stream":"S","seq":18446744073709551615})",
                18'446'744'073'709'551'615ULL},
        AckCase{"domain", R"({"stream":"S","domain":"hub","seq":3})", 3},
        AckCase{"duplicate", R"({"stream":"S","seq":3,"duplicate":true})", 3},
        AckCase{"duplicate_not_stored_yet", R"({"stream":"S","seq":0,"duplicate":true})", 0,
                kAmbiguous},
        AckCase{"zero", R"({"stream":"S","seq":0})", 0, kAmbiguous},
        AckCase{"too_large", R"({"stream":"S","seq":18446744073709551616})", 0, kAmbiguous},
        AckCase{"negative", R"({"stream":"S","seq":-1})", 0, kAmbiguous},
        AckCase{"no_sequence", R"({"stream":"S"})", 0, kAmbiguous},
        AckCase{"cut", R"({"stream":"S","seq":1)", 0, kAmbiguous},
        AckCase{"empty", "", 0, kAmbiguous}, AckCase{"not_json", "+OK", 0, kAmbiguous},
        AckCase{"array", "[1]", 0, kAmbiguous},
        AckCase{"last_sequence",
                R"({"error":{"code":400,"err_code":10071,"description":"wrong last sequence: 5"},)"
                R"("stream":"S","seq":0})",
                0, kConflict},
        AckCase{"last_sequence_in_flight",
                R"({"error":{"code":400,"err_code":10164,"description":"wrong last sequence"}})", 0,
                kConflict},
        AckCase{"full",
                R"({"error":{"code":503,"err_code":10077,"description":"maximum bytes exceeded"}})",
                0, kFull},
        AckCase{"too_large_a_message", R"({"error":{"code":400,"err_code":10054}})", 0, kTooLarge},
        AckCase{"unknown_error", R"({"error":{"code":500,"err_code":1}})", 0, kUnavailable},
        AckCase{"error_without_code", R"({"error":{}})", 0, kUnavailable}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(Delivery, TheShortFormIsRead) {
    const auto read = parse_delivery("$JS.ACK.SYNC_IN.hub.1.200.100.1767607200000000001.7");
    ASSERT_TRUE(read.has_value());
    EXPECT_EQ(read->stream, "SYNC_IN");
    EXPECT_EQ(read->consumer, "hub");
    EXPECT_EQ(read->stream_sequence, 200U);
    EXPECT_EQ(read->consumer_sequence, 100U);
    EXPECT_EQ(read->stored_at.ns, 1'767'607'200'000'000'001);
    EXPECT_EQ(read->pending, 7U);
}

TEST(Delivery, TheLongFormIsRead) {
    for (const char* tail : {"", ".x7Yz", ".x7Yz.more"}) {
        const std::string text =
            std::string{"$JS.ACK._.AbCd.SYNC_IN.hub.1.200.100.1767607200000000001.7"} + tail;
        const auto read = parse_delivery(text);
        ASSERT_TRUE(read.has_value()) << text;
        EXPECT_EQ(read->stream, "SYNC_IN");
        EXPECT_EQ(read->consumer, "hub");
        EXPECT_EQ(read->stream_sequence, 200U);
        EXPECT_EQ(read->pending, 7U);
    }
}

TEST(Delivery, AnythingElseIsRefused) {
    for (const char* text :
         {"", "$JS.ACK", "$JS.ACK.", "$JS.ACK.S.C.1.2.3.4", "$JS.ACK.S.C.1.2.3.4.5.6",
          "$JS.ACK.S.C.1.x.3.4.5", "$JS.ACK.S.C.1.2.3.4.", "$JS.ACK.S.C.1.2.3.4.5x",
          "$JS.ACK.S.C.1.99999999999999999999.3.4.5", "_INBOX.a.b.c.d.e.f.g.h"}) {
        EXPECT_FALSE(parse_delivery(text).has_value()) << text;
    }
}

TEST(ServerCheck, ComparesByNumber) {
    for (const char* good : {"2.10.20", "2.10.27", "2.11.0", "2.15.1", "3.0.0", "2.15.0-RC.1"}) {
        EXPECT_TRUE(check_server(good).has_value()) << good;
    }
    for (const char* bad : {"", "2", "2.10", "2.10.x", "2.9.25", "2.10.19", "1.99.99", "x"}) {
        const auto checked = check_server(bad);
        ASSERT_FALSE(checked.has_value()) << bad;
        EXPECT_EQ(checked.error().kind, ErrorKind::kUnsupported);
    }
    EXPECT_TRUE(check_replicated_server("2.12.7").has_value());
    EXPECT_FALSE(check_replicated_server("2.12.6").has_value());
}

}  // namespace
}  // namespace syncline::nats
