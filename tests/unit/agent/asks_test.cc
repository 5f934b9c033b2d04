#include "agent/asks.h"

#include <gtest/gtest.h>

#include <deque>
#include <map>

#include "shared/base/json.h"
#include "tests/support/manual_clock.h"

namespace syncline::agent {
namespace {

using namespace std::chrono_literals;

/// The platform, which answers when the test wants.
class Platform final : public AskExecutor {
public:
    struct Question {
        std::string name;
        Fields input;
        Executor::Done<Value> done;
    };
    void ask(const std::string& name, const Fields& input, Executor::Done<Value> done) override {
        asked.push_back({name, input, std::move(done)});
    }
    void answer(const std::string& json) { end({.result = *parse_json(json)}); }
    void fail_with(ErrorKind kind, Duration pause = Duration{0}) {
        end({.result = fail(kind, "it says no"), .pause = pause});
    }
    std::deque<Question> asked;

private:
    void end(Executor::Answer<Value> answer) {
        Question question = std::move(asked.front());
        asked.pop_front();
        question.done(std::move(answer));
    }
};

/// NATS, as far as services need it.
class Wire final : public nats::Services {
public:
    class Ended final : public nats::Subscription {
    public:
        void processed(std::size_t) override {}
    };
    std::unique_ptr<nats::Subscription> serve(std::string_view subject, std::string_view,
                                              nats::MessageSink* sink) override {
        sinks[std::string{subject}] = sink;
        return std::make_unique<Ended>();
    }
    void reply(std::string_view to, std::string_view body,
               std::span<const nats::Header> headers) override {
        std::string told{body};
        for (const nats::Header& header : headers) {
            told += "|" + std::string{header.name} + ":" + std::string{header.value};
        }
        replies[std::string{to}] = told;
    }
    void request(std::string_view, std::string_view, std::span<const nats::Header>,
                 nats::Link::Done<std::string_view>) override {}
    std::unique_ptr<nats::Subscription> ask_all(std::string_view, std::string_view,
                                                nats::MessageSink*) override {
        return nullptr;
    }
    [[nodiscard]] bool connected() const override { return true; }

    std::map<std::string, nats::MessageSink*> sinks;
    std::map<std::string, std::string> replies;
};

class AsksTest : public testing::Test {
protected:
    AsksTest() {
        settings.platform = PlatformId{"erp"};
        settings.version = "1.2.3";
        settings.run = "run1";
        settings.asking.breaker = {.failures_max = 2, .pause = {10s, 10s}};
        AskSettings ask;
        ask.form.name = "credit";
        ask.form.input = {field("customer", FieldType::kString)};
        ask.form.output = {field("limit", FieldType::kDecimal)};
        ask.form.deadline = 2s;
        settings.asking.asks = {ask};
    }
    static FieldSpec field(const char* name, FieldType type) {
        FieldSpec spec;
        spec.name = FieldName{name};
        spec.type = type;
        spec.required = true;
        return spec;
    }
    AskSettings& credit() { return settings.asking.asks[0]; }
    void start() {
        asks.emplace(Asks::Parts{environment, settings, gate, &platform, &wire});
        asks->start();
    }
    /// Its answer comes to the reply subject `to`.
    void ask(const std::string& to, const std::string& body = R"({"customer":"C-1"})") {
        wire.sinks.at("sync.ask.erp.credit")
            ->on_message({.subject = "sync.ask.erp.credit", .reply = to, .body = body});
    }
    std::string told(const std::string& to) { return wire.replies[to]; }
    void pass(Duration time) {
        clock.advance(time);
        asks->pump();
    }

    test::ManualClock clock;
    SyncPoints points;
    Jitter jitter{7};
    Environment environment{clock, points, jitter, [](NoteLevel, std::string_view) {}};
    AgentSettings settings;
    PlatformGate gate{settings, clock};
    Platform platform;
    Wire wire;
    std::optional<Asks> asks;
};

TEST_F(AsksTest, AreAnsweredByThePlatform) {
    start();
    ask("r1");
    EXPECT_EQ(told("r1"), "");
    ASSERT_EQ(platform.asked.size(), 1U);
    platform.answer(R"({"limit":"250.50","more":1})");
    EXPECT_EQ(told("r1"), R"({"age_ms":0,"ask":"erp.credit","source":"live",)"
                          R"("values":{"limit":250.5},"version":"1.0.0"})");
    EXPECT_EQ(asks->status().live, 1U);
    ask("r2");
    EXPECT_EQ(platform.asked.size(), 1U) << "nothing is kept unless it is wanted";
}

TEST_F(AsksTest, AreRefusedIfTheInputIsNotAsDeclared) {
    start();
    for (const auto& [body, told_of] : std::map<std::string, std::string>{
             {"{", "not JSON"},
             {"{}", "`customer` is missing"},
             {R"({"customer":"C-1","x":1})", "there is no field `x`"}}) {
        ask("r", body);
        EXPECT_NE(told("r").find("\"status\":400"), std::string::npos) << told("r");
        EXPECT_NE(told("r").find("Nats-Service-Error-Code:400"), std::string::npos);
        if (body != "{") {
            EXPECT_NE(told("r").find(told_of), std::string::npos) << told("r");
        }
    }
    EXPECT_TRUE(platform.asked.empty());
}

TEST_F(AsksTest, AreRefusedIfTheAnswerIsNotAsDeclared) {
    start();
    ask("r");
    platform.answer(R"({"limit":"much"})");
    EXPECT_NE(told("r").find("\"status\":502"), std::string::npos) << told("r");
    EXPECT_NE(told("r").find("the platform's answer is not as declared"), std::string::npos);
}

TEST_F(AsksTest, SayThatThePlatformDoesNotKnow) {
    credit().fallback = Fields{{FieldName{"limit"}, Value{0}}};
    start();
    ask("r");
    platform.fail_with(ErrorKind::kNotFound);
    EXPECT_NE(told("r").find("\"status\":404"), std::string::npos)
        << "that is an answer, for which nothing else is said: " << told("r");
}

TEST_F(AsksTest, AreAnsweredOnceForAllWhoAskTheSame) {
    start();
    ask("r1");
    ask("r2");
    ask("r3", R"({"customer":"C-2"})");
    ASSERT_EQ(platform.asked.size(), 2U);
    platform.answer(R"({"limit":1})");
    EXPECT_NE(told("r1"), "");
    EXPECT_EQ(told("r1"), told("r2"));
    EXPECT_EQ(told("r3"), "");
}

TEST_F(AsksTest, AreAnsweredByWhatWasSaidJustBefore) {
    credit().fresh = 5s;
    start();
    ask("r1");
    platform.answer(R"({"limit":1})");
    pass(4999ms);
    ask("r2");
    EXPECT_NE(told("r2").find(R"("source":"cache")"), std::string::npos);
    EXPECT_NE(told("r2").find(R"("age_ms":4999)"), std::string::npos);
    pass(1ms);
    ask("r3");
    EXPECT_EQ(platform.asked.size(), 1U);
}

TEST_F(AsksTest, AreAnsweredByOldNewsIfThePlatformIsSilent) {
    credit().stale = 1min;
    start();
    ask("r1");
    platform.answer(R"({"limit":1})");
    ask("r2");
    pass(1999ms);
    EXPECT_EQ(told("r2"), "");
    EXPECT_EQ(asks->next_deadline(), clock.steady() + 1ms);
    pass(1ms);
    EXPECT_NE(told("r2").find(R"("source":"stale")"), std::string::npos) << told("r2");
    platform.answer(R"({"limit":2})");  // Too late for r2, in time for whoever asks next.
    ask("r3");
    platform.fail_with(ErrorKind::kUnavailable);
    EXPECT_NE(told("r3").find(R"("limit":2)"), std::string::npos) << told("r3");
}

TEST_F(AsksTest, AreAnsweredByTheFallbackIfNothingElseIsKnown) {
    credit().fallback = Fields{{FieldName{"limit"}, Value{0}}};
    start();
    ask("r");
    platform.fail_with(ErrorKind::kUnavailable);
    EXPECT_NE(told("r").find(R"("source":"fallback")"), std::string::npos);
    EXPECT_NE(told("r").find(R"("limit":0)"), std::string::npos);
    EXPECT_EQ(asks->status().fallback, 1U);
}

TEST_F(AsksTest, StayAwayFromAPlatformThatIsDown) {
    start();
    for (const char* to : {"r1", "r2"}) {
        ask(to);
        platform.fail_with(ErrorKind::kUnavailable);
        EXPECT_NE(told(to).find("\"status\":503"), std::string::npos);
    }
    ask("r3");
    EXPECT_TRUE(platform.asked.empty());
    EXPECT_NE(told("r3").find("\"status\":503"), std::string::npos);
    pass(11s);
    ask("r4");
    ASSERT_EQ(platform.asked.size(), 1U);
    platform.answer(R"({"limit":1})");
    EXPECT_NE(told("r4").find("live"), std::string::npos);
}

TEST_F(AsksTest, KeepToTheirOwnRate) {
    credit().form.per_second = 2;
    credit().form.burst = 1;
    start();
    ask("r1");
    platform.answer(R"({"limit":1})");
    ask("r2");
    EXPECT_NE(told("r2").find("\"status\":429"), std::string::npos);
    pass(500ms);
    ask("r3");
    EXPECT_EQ(platform.asked.size(), 1U);
}

TEST_F(AsksTest, TakeTheNextTokenBeforeAnythingElse) {
    settings.rate = {.per_second = 1, .burst = 1};
    PlatformGate narrow{settings, clock};
    asks.emplace(Asks::Parts{environment, settings, narrow, &platform, &wire});
    asks->start();
    narrow.take(QuotaLane::kAsk, clock.steady());
    ask("r");
    EXPECT_EQ(platform.asked.size(), 1U);
    EXPECT_EQ(narrow.next_call(QuotaLane::kCommand, clock.steady()), clock.steady() + 2s);
}

TEST_F(AsksTest, SpendWhatIsLeftOfTheQuotaButNotItsReserve) {
    settings.quota.limit = 10;
    PlatformGate narrow{settings, clock};
    asks.emplace(Asks::Parts{environment, settings, narrow, &platform, &wire});
    asks->start();
    for (const char* reply : {"r1", "r2", "r3", "r4", "r5", "r6", "r7"}) {
        ask(reply);
        platform.answer(R"({"limit":1})");
    }
    EXPECT_EQ(narrow.quota().status(clock.now()).used, 7U);
    ask("r8");  // It might take three, and one is a reserve.
    EXPECT_TRUE(platform.asked.empty());
    EXPECT_NE(told("r8").find("\"status\":429"), std::string::npos) << told("r8");
    EXPECT_NE(told("r8").find("quota is used up"), std::string::npos) << told("r8");
    pass(25h);
    ask("r9");
    EXPECT_EQ(platform.asked.size(), 1U);
}

TEST_F(AsksTest, HeedAPauseOfThePlatform) {
    start();
    ask("r1");
    platform.fail_with(ErrorKind::kThrottled, 30s);
    EXPECT_NE(told("r1").find("\"status\":429"), std::string::npos);
    pass(29s);
    ask("r2");
    EXPECT_TRUE(platform.asked.empty());
    pass(1s);
    ask("r3");
    EXPECT_EQ(platform.asked.size(), 1U);
}

TEST_F(AsksTest, AreOfferedToTheToolsOfNats) {
    start();
    ask("r");
    platform.answer(R"({"limit":1})");
    for (const char* verb : {"PING", "INFO", "STATS"}) {
        for (const std::string& tail :
             {std::string{}, std::string{".sync-erp"}, std::string{".sync-erp.run1"}}) {
            const std::string subject = "$SRV." + std::string{verb} + tail;
            ASSERT_TRUE(wire.sinks.contains(subject)) << subject;
            wire.sinks.at(subject)->on_message(
                {.subject = subject, .reply = verb + tail, .body = ""});
        }
        EXPECT_EQ(told(verb), told(verb + std::string{".sync-erp.run1"}));
    }
    EXPECT_NE(told("PING").find("io.nats.micro.v1.ping_response"), std::string::npos);
    EXPECT_NE(told("INFO").find(R"("queue_group":"q")"), std::string::npos);
    EXPECT_NE(told("INFO").find(R"("class":"system")"), std::string::npos);
    EXPECT_NE(told("STATS").find(R"("num_requests":1)"), std::string::npos);
}

}  // namespace
}  // namespace syncline::agent
