#include "shared/telemetry/tracer.h"

#include <gtest/gtest.h>

#include <chrono>
#include <functional>
#include <thread>

#include "shared/base/json.h"
#include "tests/support/otlp_receiver.h"

namespace syncline::telemetry {
namespace {

using namespace std::chrono_literals;
using test::OtlpReceiver;

bool comes(const std::function<bool()>& condition) {
    for (int i = 0; i < 1'000 && !condition(); ++i) std::this_thread::sleep_for(10ms);
    return condition();
}

Span span_of(const std::string& name) {
    return {.trace_id = "0af7651916cd43dd8448eb211c80319c",
            .span_id = "b7ad6b7169203331",
            .parent_id = {},
            .name = name,
            .kind = Span::Kind::kInternal,
            .start = Timestamp{1},
            .end = Timestamp{2},
            .attributes = {{"a", "\"b\"\n"}},
            .error = {}};
}

std::unique_ptr<Tracer> start(const TracerSettings& settings) {
    auto started = Tracer::start(settings, "syncline-hub", "h1");
    EXPECT_TRUE(started);
    return std::move(*started);
}

TEST(TracerTest, TellsSpansByAndByAndWhatIsLeftAtItsEnd) {
    OtlpReceiver receiver;
    auto tracer = start({.endpoint = receiver.url()});
    tracer->add(span_of("one"));
    ASSERT_TRUE(comes([&] { return receiver.spans().size() == 1; }));
    EXPECT_EQ(receiver.spans()[0].service, "syncline-hub");
    EXPECT_EQ(receiver.spans()[0].name, "one");
    for (int i = 0; i < 1'000; ++i) tracer->add(span_of("more"));
    tracer.reset();
    EXPECT_EQ(receiver.spans().size(), 1'001u);
}

TEST(TracerTest, TriesAgainWhatIsNotTakenNow) {
    OtlpReceiver receiver;
    receiver.answer({503, 429});
    const auto tracer = start({.endpoint = receiver.url()});
    tracer->add(span_of("one"));
    ASSERT_TRUE(comes([&] { return tracer->counts().sent == 1; }));
    EXPECT_EQ(receiver.requests(), 3u);
    EXPECT_EQ(receiver.spans().size(), 1u);
}

TEST(TracerTest, DropsWhatIsRefusedAndGoesOn) {
    OtlpReceiver receiver;
    receiver.answer({400});
    const auto tracer = start({.endpoint = receiver.url()});
    tracer->add(span_of("one"));
    ASSERT_TRUE(comes([&] { return tracer->counts().dropped == 1; }));
    tracer->add(span_of("two"));
    ASSERT_TRUE(comes([&] { return receiver.spans().size() == 1; }));
    EXPECT_EQ(receiver.spans()[0].name, "two");
}

TEST(TracerTest, ReceiverThatIsAwayCostsNeitherMemoryNorTime) {
    const auto before = std::chrono::steady_clock::now();
    {
        const auto tracer = start({.endpoint = "http://127.0.0.1:1"});
        for (int i = 0; i < 100'000; ++i) tracer->add(span_of("one"));
        EXPECT_GE(tracer->counts().dropped, 80'000u);
    }
    EXPECT_LT(std::chrono::steady_clock::now() - before, 10s);
}

TEST(TracerTest, SendsTheAuthorizationItWasGiven) {
    ::setenv("SYNCLINE_TEST_OTLP", "Bearer abc", 1);
    OtlpReceiver receiver;
    auto root = TomlReader::parse("[telemetry]\nendpoint = \"" + receiver.url() +
                                      "/\"\nauthorization = { env = \"SYNCLINE_TEST_OTLP\" }\n",
                                  "hub.toml");
    ASSERT_TRUE(root);
    const TracerSettings settings = read_tracer_settings(root->table("telemetry"));
    ASSERT_TRUE(root->finish());
    const auto tracer = start(settings);
    tracer->add(span_of("one"));
    ASSERT_TRUE(comes([&] { return receiver.spans().size() == 1; }));
    EXPECT_EQ(receiver.authorization(), "Bearer abc");
}

TEST(TracerTest, SaysWhatIsWrongWithItsSettings) {
    for (const char* text :
         {"endpoint = \"collector:4318\"", "endpoint = \"http://a\"\npercent = 101", "ratio = 1"}) {
        auto root = TomlReader::parse("[telemetry]\n" + std::string{text} + "\n", "hub.toml");
        ASSERT_TRUE(root);
        std::ignore = read_tracer_settings(root->table("telemetry"));
        const auto done = root->finish();
        ASSERT_FALSE(done) << text;
        EXPECT_NE(done.error().what.find("hub.toml:"), std::string::npos) << done.error().what;
    }
}

TEST(TracerTest, FollowsSoManyInAHundred) {
    const auto some = start({.endpoint = "http://127.0.0.1:1", .percent = 20});
    const auto none = start({.endpoint = "http://127.0.0.1:1", .percent = 0});
    const auto all = start({.endpoint = "http://127.0.0.1:1", .percent = 100});
    int followed = 0;
    for (std::uint64_t i = 0; i < 1'000; ++i) {
        followed += some->samples(i) ? 1 : 0;
        EXPECT_FALSE(none->samples(i));
        EXPECT_TRUE(all->samples(i));
    }
    EXPECT_EQ(followed, 200);
}

TEST(TracerTest, TheBodyIsJsonWhateverItHolds) {
    Span span = span_of("a \"name\"");
    span.parent_id = "00f067aa0ba902b7";
    span.error = "\x01";
    const auto read = parse_json(otlp_json(otlp_resource("s", "i"), {span, span_of("b")}));
    ASSERT_TRUE(read);
    const std::string text = to_json(*read);
    EXPECT_NE(text.find(R"("parentSpanId":"00f067aa0ba902b7")"), std::string::npos) << text;
    EXPECT_NE(text.find(R"("startTimeUnixNano":"1")"), std::string::npos) << text;
    EXPECT_NE(text.find(R"("code":2)"), std::string::npos) << text;
}

}  // namespace
}  // namespace syncline::telemetry
