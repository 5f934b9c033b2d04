#include "shared/nats/jetstream_api.h"

#include <string>

#include <gtest/gtest.h>

#include "shared/nats/nkey.h"

namespace syncline::nats::api {
namespace {

using namespace std::chrono_literals;

TEST(StreamCreate, NamesOnlyFieldsThatServersKnow) {
    const Request request = stream_create({.name = "S",
                                           .subjects = {"s.>"},
                                           .max_messages_per_subject = 1,
                                           .max_age = 10s,
                                           .refuse_when_full = false,
                                           .metadata = {{"partitions", "64"}}});
    EXPECT_EQ(request.subject, "$JS.API.STREAM.CREATE.S");
    EXPECT_EQ(request.body,
              R"({"name":"S","subjects":["s.>"],"retention":"limits","storage":"file",)"
              R"("num_replicas":1,"max_consumers":-1,"max_msgs":-1,"max_msgs_per_subject":1,)"
              R"("max_bytes":-1,"max_age":10000000000,"max_msg_size":1048576,"discard":"old",)"
              R"("allow_direct":true,"deny_delete":false,"deny_purge":false,)"
              R"("allow_rollup_hdrs":false,"metadata":{"partitions":"64"}})");
}

TEST(ConsumerCreate, PutsASingleFilterIntoTheSubject) {
    const ConsumeSpec spec{.stream = "S", .filters = {"s.a.>"}};
    const Request request = consumer_create(spec, "n", {.sequence = 7});
    EXPECT_EQ(request.subject, "$JS.API.CONSUMER.CREATE.S.n.s.a.>");
    EXPECT_NE(request.body.find(R"("filter_subject":"s.a.>")"), std::string::npos);
    EXPECT_NE(request.body.find(R"("opt_start_seq":7)"), std::string::npos);
}

TEST(ConsumerCreate, StartsBehindATime) {
    const ConsumeSpec spec{.stream = "S"};
    const Timestamp noon = *parse_timestamp("2026-01-05T12:00:00.123456789Z");
    const Request request = consumer_create(spec, "n", {.stored_after = noon});
    EXPECT_NE(request.body.find(R"("deliver_policy":"by_start_time")"), std::string::npos);
    EXPECT_NE(request.body.find(R"("opt_start_time":"2026-01-05T12:00:00.12345679Z")"),
              std::string::npos);
    EXPECT_EQ(request.body.find("opt_start_seq"), std::string::npos);
}

TEST(ConsumerCreate, ListsSeveralFilters) {
    const ConsumeSpec spec{.stream = "S", .filters = {"s.a", "s.b"}};
    const Request request = consumer_create(spec, "n", {.last_per_subject = true});
    EXPECT_EQ(request.subject, "$JS.API.CONSUMER.CREATE.S.n");
    EXPECT_NE(request.body.find(R"("filter_subjects":["s.a","s.b"])"), std::string::npos);
    EXPECT_NE(request.body.find(R"("deliver_policy":"last_per_subject")"), std::string::npos);
    EXPECT_EQ(request.body.find("opt_start_seq"), std::string::npos);
}

TEST(StreamInfoAnswer, IsRead) {
    const auto info = parse_stream_info(
        R"({"type":"t","config":{"metadata":{"a":"b","_nats.ver":"2"}},)"
        R"("created":"2026-01-05T10:11:12.5Z",)"
        R"("state":{"messages":3,"bytes":99,"first_seq":2,"last_seq":18446744073709551615}})");
    ASSERT_TRUE(info) << info.error().what;
    EXPECT_EQ(to_string(info->created), "2026-01-05T10:11:12.5Z");
    EXPECT_EQ(info->first_sequence, 2U);
    EXPECT_EQ(info->last_sequence, 18'446'744'073'709'551'615ULL);
    EXPECT_EQ(info->messages, 3U);
    EXPECT_EQ(info->bytes, 99U);
    ASSERT_EQ(info->metadata.size(), 1U);
}

TEST(StreamInfoAnswer, TellsWhoHoldsCopies) {
    const auto info = parse_stream_info(
        R"({"config":{"num_replicas":3},"state":{},)"
        R"("cluster":{"name":"c","leader":"n1","replicas":[)"
        R"({"name":"n0","current":true,"active":9000000000},)"
        R"({"name":"n2","offline":true,"lag":17},)"
        R"({"name":"n3","active":100,"lag":9},{"name":"n4","active":6000000000,"lag":8}]}})");
    ASSERT_TRUE(info) << info.error().what;
    EXPECT_EQ(info->copies_wanted, 3);
    EXPECT_EQ(info->leader, "n1");
    const std::vector<StreamReplica> wanted{
        {.server = "n0", .current = true, .offline = false, .lag = 0},
        {.server = "n2", .current = false, .offline = true, .lag = 17},
        {.server = "n3", .current = false, .offline = false, .lag = 9},
        {.server = "n4", .current = false, .offline = true, .lag = 8}};
    EXPECT_EQ(info->replicas, wanted);
    const auto alone = parse_stream_info(R"({"config":{},"state":{},"cluster":{"replicas":7}})");
    ASSERT_TRUE(alone);
    EXPECT_EQ(alone->copies_wanted, 1);
    EXPECT_TRUE(alone->replicas.empty());
}

TEST(StreamInfoAnswer, MapsErrors) {
    const auto kind = [](const char* body) { return parse_stream_info(body).error().kind; };
    EXPECT_EQ(kind(R"({"error":{"err_code":10059}})"), ErrorKind::kNotFound);
    EXPECT_EQ(kind(R"({"error":{"err_code":10058}})"), ErrorKind::kConflict);
    EXPECT_EQ(kind(R"({"error":{"err_code":10025}})"), ErrorKind::kInvalid);
    EXPECT_EQ(kind(R"({"config":{}})"), ErrorKind::kUnavailable);
    EXPECT_EQ(kind("nonsense"), ErrorKind::kUnavailable);
}

TEST(StoredMessageAnswer, IsDecoded) {
    const auto read = parse_stored_message(
        R"({"message":{"subject":"a.b","seq":5,"data":"AP8K","time":"2026-01-05T10:11:12Z"}})");
    ASSERT_TRUE(read && read->has_value());
    EXPECT_EQ((*read)->body, std::string("\x00\xFF\n", 3));
    EXPECT_EQ((*read)->sequence, 5U);
    EXPECT_FALSE((*read)->deleted);
    const auto none = parse_stored_message(R"({"error":{"err_code":10037}})");
    ASSERT_TRUE(none.has_value());
    EXPECT_FALSE(none->has_value());
    EXPECT_FALSE(parse_stored_message(R"({"message":{"data":"A"}})").has_value());
}

TEST(DeleteMarker, IsKnownByItsHeaders) {
    EXPECT_TRUE(is_delete_marker("NATS/1.0\r\nKV-Operation: DEL\r\n\r\n"));
    EXPECT_TRUE(is_delete_marker("NATS/1.0\r\nA: b\r\nKV-Operation:PURGE\r\n\r\n"));
    EXPECT_TRUE(is_delete_marker("NATS/1.0\r\nNats-Marker-Reason: MaxAge\r\n\r\n"));
    EXPECT_FALSE(is_delete_marker("NATS/1.0\r\nKV-Operation: PUT\r\n\r\n"));
    EXPECT_FALSE(is_delete_marker("NATS/1.0\r\nX: KV-Operation: DEL\r\n\r\n"));
    EXPECT_FALSE(is_delete_marker(""));
}

TEST(Base64, DecodesAndRefuses) {
    EXPECT_EQ(*from_base64(""), "");
    EXPECT_EQ(*from_base64("YQ=="), "a");
    EXPECT_EQ(*from_base64("YWI="), "ab");
    EXPECT_EQ(*from_base64("YWJj"), "abc");
    for (const char* bad : {"Y", "YQ=", "YQ", "Y===", "====", "Y Q=", "YQ==YQ=="}) {
        EXPECT_FALSE(from_base64(bad).has_value()) << bad;
    }
}

TEST(ServerVersionAnswer, IsReadOrEmpty) {
    EXPECT_EQ(parse_server_version(R"({"server":{"ver":"2.15.1"}})"), "2.15.1");
    EXPECT_EQ(parse_server_version(R"({"server":{}})"), "");
    EXPECT_EQ(parse_server_version("x"), "");
}

TEST(Nkey, ThePublicKeyFollowsFromTheSeed) {
    // The pair of NATS's own documentation.
    const std::string seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
    const auto key = public_nkey("# comment\n " + seed + "\n");
    ASSERT_TRUE(key) << key.error().what;
    EXPECT_EQ(*key, "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4");
    std::string damaged = seed;
    damaged[20] = damaged[20] == 'A' ? 'B' : 'A';
    EXPECT_FALSE(public_nkey(damaged).has_value());
    EXPECT_FALSE(public_nkey("").has_value());
    EXPECT_FALSE(public_nkey(seed.substr(0, 50)).has_value());
}

}  // namespace
}  // namespace syncline::nats::api
