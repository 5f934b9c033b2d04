#include "hub/core/event.h"

#include "tests/unit/hub/core/decide_fixture.h"

namespace syncline::hub {
namespace {

const FieldName kStage{"stage"};

class Events : public Decide {
protected:
    Events() {
        use(R"([objects.item.events.born]
on = "created"
fields = ["name"]
[objects.item.events.went_live]
when = 'stage == "live"'
version = 3
[objects.item.events.gone]
on = "deleted"
body = "msgpack"
)");
    }

    void use(const std::string& events) {
        const auto policy = parse_policy({{"test.toml", kPolicy + events}});
        ASSERT_TRUE(policy) << policy.error().what;
        policy_ = *policy;
    }
    Change says(const PlatformId& platform, const char* stage) {
        return change(platform, {{kName, "bolt"}, {kStage, stage}});
    }
    static std::vector<BusinessEvent> told(const Step& step) {
        std::vector<BusinessEvent> events;
        for (const auto& outgoing : step.next.outbox) {
            if (outgoing.what == EntityState::Outgoing::What::kEvent)
                events.push_back(*decode_event(outgoing.body));
        }
        return events;
    }
    static std::vector<std::string> names(const Step& step) {
        std::vector<std::string> names;
        for (const BusinessEvent& event : told(step)) {
            names.push_back(event.name + "." + event.generation);
        }
        return names;
    }
};

TEST_F(Events, AreToldWhenTheyComeTrueAndNotAgain) {
    Step step = take(says(kCrm, "draft"));
    EXPECT_EQ(names(step), std::vector<std::string>{"born.1"});
    step = take(says(kErp, "live"));
    ASSERT_EQ(names(step), std::vector<std::string>{"went_live.2"});
    const BusinessEvent event = told(step)[0];
    EXPECT_EQ(event.entity.entity.text, "e1");
    EXPECT_EQ(event.version, 3U);
    EXPECT_EQ(event.source, "test");
    EXPECT_EQ(event.fields, (Fields{{kName, "bolt"}, {kStage, "live"}}));
    step = take(change(kErp, {{kName, "bolt"}, {kStage, "live"}, {FieldName{"note"}, "x"}}));
    EXPECT_EQ(names(step), std::vector<std::string>{});
    step = take(says(kErp, "draft"));
    EXPECT_EQ(names(step), std::vector<std::string>{});
    step = take(says(kErp, "live"));
    EXPECT_EQ(names(step).size(), 1U) << "it came true again";
}

TEST_F(Events, OfInputsThatAreDecidedTogetherAreEachTold) {
    std::ignore = take(says(kCrm, "draft"));
    const std::vector<Input> inputs{says(kErp, "live"), says(kErp, "draft"), says(kErp, "live")};
    const Step step = decide(policy_, state_, inputs, Context{{now_ * 1'000'000'000}, {}, 7});
    const std::string version = std::to_string(step.next.version);
    EXPECT_EQ(names(step),
              (std::vector<std::string>{"went_live." + version, "went_live." + version + "-2"}));
}

TEST_F(Events, ComeBeforeTheLogEntryThatNamesThem) {
    const Step step = take(says(kCrm, "draft"));
    ASSERT_GE(step.next.outbox.size(), 2U);
    const auto entry = decode_log_entry(step.next.outbox.back().body);
    ASSERT_TRUE(entry);
    EXPECT_EQ(std::ranges::count(entry->notes, "event born told"), 1);
}

TEST_F(Events, AreToldAgainAsTheyWereWhenTheInputComesBack) {
    const Change first = says(kCrm, "draft");
    const auto before = told(take(first));
    const Step again = take(first);
    EXPECT_TRUE(again.replayed);
    EXPECT_EQ(told(again), before);
}

TEST_F(Events, AreInTheStateAsItIsStored) {
    const Step step = take(says(kCrm, "draft"));
    const auto read = decode_entity(encode(step.next));
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_EQ(read->outbox, step.next.outbox);
}

TEST_F(Events, OfAPolicyThatIsNewAreNotToldOfWhatIsSo) {
    use("");
    std::ignore = take(says(kCrm, "draft"));
    std::ignore = take(says(kErp, "live"));
    use("[objects.item.events.went_live]\nwhen = 'stage == \"live\"'\n");
    policy_.version = 2;
    policy_.hash = "another";
    const Step step = take(PolicyChanged{});
    EXPECT_EQ(names(step), std::vector<std::string>{});
}

TEST_F(Events, CanBeRefusedByTheirDecoder) {
    EXPECT_FALSE(decode_event("x"));
    EXPECT_FALSE(decode_event(""));
}

TEST(EventSpecs, AreReadAndCheckedWithTheirPlace) {
    const std::string base = kPolicy;
    const struct {
        const char* text;
        const char* told;
    } cases[] = {
        {"[objects.item.events.x]\n", "is missing, and so is `on`: when is the event told?"},
        {"[objects.item.events.x]\non = \"created\"\nwhen = 'stage == \"live\"'\n",
         "and `when` exclude each other"},
        {"[objects.item.events.x]\non = \"changed\"\n", "objects.item.events.x.on"},
        {"[objects.item.events.x]\non = \"created\"\nfields = [\"nme\"]\n", "is no field"},
        {"[objects.item.events.X]\non = \"created\"\n", "is no name"},
    };
    for (const auto& one : cases) {
        const auto policy = parse_policy({{"a.toml", base + one.text}});
        ASSERT_FALSE(policy) << one.text;
        EXPECT_NE(policy.error().what.find(one.told), std::string::npos) << policy.error().what;
    }
}

}  // namespace
}  // namespace syncline::hub
