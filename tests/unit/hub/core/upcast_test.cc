#include "hub/core/upcast.h"

#include <algorithm>

#include "hub/core/identity.h"
#include "hub/core/work.h"
#include "tests/unit/hub/core/decide_fixture.h"

namespace syncline::hub {
namespace {

/// The policy of the fixture as version 1; then one with other names for some fields as version 2.
class Renaming : public Decide {
protected:
    Renaming() { policy_.version = 1; }

    /// `old` becomes `now` everywhere in the policy.
    void rename(const std::string& old, const std::string& now, const std::string& spec) {
        std::string text = text_;
        replace_all(text, "\n" + old + " = ", "\n" + now + " = ");
        replace_all(text, "\"" + old + "\"", "\"" + now + "\"");
        const auto line = text.find("\n" + now + " = ") + 1;
        text.replace(line, text.find('\n', line) - line, now + " = " + spec);
        adopt(text);
    }
    void adopt(const std::string& text) {
        const auto parsed = parse_policy({{"test.toml", text}});
        ASSERT_TRUE(parsed) << parsed.error().what;
        const std::uint64_t version = policy_.version + 1;
        policy_ = *parsed;
        policy_.version = version;
        text_ = text;
    }
    static void replace_all(std::string& text, const std::string& from, const std::string& to) {
        for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at)) {
            text.replace(at, from.size(), to);
            at += to.size();
        }
    }
    [[nodiscard]] const RecordState& crm() const { return *state_.record(kCrm); }
    static bool mentions(const EntityState& state, const char* name) {
        return encode(state).find(name) != std::string::npos;
    }
    std::string text_ = kPolicy;
};

TEST_F(Renaming, MovesAllThatIsKnownAndCommandsNothing) {
    settle(full_);
    Fields told = with("note", "mine");     // Ignored.
    told.set(FieldName{"colour"}, "blue");  // For a person.
    told.set(FieldName{"size"}, "XL");      // Proposed: a command is out.
    take(change(kCrm, told));
    const EntityState before = state_;
    rename("note", "remark", "{ type = 'string', renamed_from = ['note'] }");
    rename("colour", "tint", "{ type = 'string', renamed_from = ['colour'] }");
    rename("size", "extent", "{ type = 'string', renamed_from = ['size'] }");
    const Step step = take(PolicyChanged{});
    EXPECT_TRUE(step.changed);
    EXPECT_TRUE(step.commands.empty());
    EXPECT_TRUE(step.log.decisions.empty());
    for (const char* old : {"note", "colour", "size"}) {
        EXPECT_EQ(state_.find(FieldName{old}), nullptr) << old;
        EXPECT_EQ(crm().mirror.find(FieldName{old}), nullptr) << old;
    }
    EXPECT_EQ(canonical("remark"), before.find(FieldName{"note"})->value);
    EXPECT_TRUE(crm().holds(FieldName{"remark"}));
    EXPECT_EQ(state_.exceptions.at(0).fields, std::vector{FieldName{"tint"}});
    EXPECT_EQ(*state_.exceptions.at(0).proposed.find("tint"), Value{"blue"});
    EXPECT_EQ(state_.proposals.at(0).field, FieldName{"extent"});
    ASSERT_TRUE(state_.record(kErp)->pending);
    EXPECT_NE(state_.record(kErp)->pending->fields.find("extent"), nullptr);
    EXPECT_FALSE(take(PolicyChanged{}).changed) << "once is enough";
}

TEST_F(Renaming, UnderstandsWhoUsesTheNameOfBefore) {
    settle(full_);
    rename("price", "amount", "{ type = 'decimal', renamed_from = ['price'] }");
    take(PolicyChanged{});
    const Step same = take(change(kErp, full_));
    EXPECT_TRUE(same.commands.empty()) << "nothing has changed there";
    Fields dearer = full_;
    dearer.set(FieldName{"price"}, *Decimal::parse("7.5"));
    take(change(kCrm, with("stage", "live")));
    const Step step = take(change(kErp, dearer));
    EXPECT_EQ(state_.find(FieldName{"price"}), nullptr);
    EXPECT_EQ(state_.record(kErp)->mirror.find("price"), nullptr);
    EXPECT_EQ(*state_.record(kErp)->mirror.find("amount"), Value{*Decimal::parse("7.5")});
}

TEST_F(Renaming, TellsAnAgentByTheNameThatItUses) {
    settle(full_);
    rename("note", "remark", "{ type = 'string', renamed_from = ['note'] }");
    take(PolicyChanged{});
    const Step old = take(change(kErp, with("note", "hear")));
    ASSERT_EQ(old.commands.size(), 1U);
    EXPECT_EQ(old.commands[0].platform, kCrm);
    EXPECT_EQ(old.commands[0].fields, (Fields{{FieldName{"note"}, "hear"}}));
    EXPECT_NE(old.commands[0].expected.find("note"), nullptr);
    // Its agent is brought up to date, and tells so.
    Fields told = full_;
    told.erase(FieldName{"note"});
    told.set(FieldName{"remark"}, "n");
    const Step answered = take(outcome(old.commands[0], with("note", "hear")));
    EXPECT_TRUE(answered.commands.empty());
    told.set(FieldName{"remark"}, "hear");
    take(change(kCrm, told));
    EXPECT_TRUE(crm().told_as.empty());
    const Step now = take(change(kErp, with("note", "again")));
    ASSERT_EQ(now.commands.size(), 1U);
    EXPECT_EQ(now.commands[0].fields, (Fields{{FieldName{"remark"}, "again"}}));
}

TEST_F(Renaming, MakesARecordUnderAllNames) {
    rename("note", "remark", "{ type = 'string', renamed_from = ['note'] }");
    Step made = take(change(kCrm, full_));
    const auto to_erp = [&](const Step& step) {
        return std::ranges::find(step.commands, kErp, &Command::platform);
    };
    const Command create = *to_erp(made);
    EXPECT_EQ(*create.fields.find("note"), Value{"n"});
    EXPECT_EQ(*create.fields.find("remark"), Value{"n"});
    // Its agent knows the former name only, and says of the other that it is empty.
    Fields told = full_;
    told.set(FieldName{"remark"}, {});
    EXPECT_TRUE(take(outcome(create, told)).commands.empty());
    EXPECT_EQ(*state_.record(kErp)->mirror.find("remark"), Value{"n"});
    EXPECT_EQ(state_.record(kErp)->told_as,
              (std::vector<EarlierName>{{FieldName{"remark"}, FieldName{"note"}}}));
}

TEST_F(Renaming, LeavesACreateThatIsOutAsItIs) {
    Step made = take(change(kCrm, full_));
    rename("note", "remark", "{ type = 'string', renamed_from = ['note'] }");
    const Step step = take(PolicyChanged{});
    EXPECT_TRUE(step.commands.empty());
    EXPECT_TRUE(take(outcome(made.commands.front(), full_)).commands.empty());
}

TEST_F(Renaming, FollowsSeveralNamesOfAField) {
    settle(full_);
    rename("note", "remark", "{ type = 'string', renamed_from = ['note'] }");
    rename("remark", "words", "{ type = 'string', renamed_from = ['note', 'remark'] }");
    take(PolicyChanged{});
    EXPECT_EQ(canonical("words"), Value{"n"});
    for (const char* name : {"note", "remark", "words"}) {
        Fields told = full_;
        told.erase(FieldName{"note"});
        told.set(FieldName{name}, name);
        take(change(kErp, told));
        EXPECT_EQ(canonical("words"), Value{name});
    }
    Fields both = with("note", "older");
    both.set(FieldName{"remark"}, "newer");
    take(change(kErp, both));
    EXPECT_EQ(canonical("words"), Value{"newer"});
}

TEST_F(Renaming, KeepsTheNameAgentsUseInTheState) {
    settle(full_);
    rename("note", "remark", "{ type = 'string', renamed_from = ['note'] }");
    take(PolicyChanged{});
    const auto decoded = decode_entity(encode(state_));
    ASSERT_TRUE(decoded) << decoded.error().what;
    EXPECT_EQ(decoded->record(kCrm)->told_as,
              (std::vector<EarlierName>{{FieldName{"remark"}, FieldName{"note"}}}));
    EXPECT_EQ(*decoded, state_);
}

// Its receiver may decide by the version of then, or by that of now.
TEST_F(Renaming, LeavesWhatIsHandedOverInTheTermsOfThen) {
    std::string text = text_;
    replace_all(text, "phone = \"string\"", "phone = \"integer\"");
    adopt(text);
    Fields held = full_;
    held.set(FieldName{"phone"}, 41);
    settle(held);
    take(merge_into("e2"));
    const Policy then = policy_;
    rename("colour", "tint", "{ type = 'string', renamed_from = ['colour'] }");
    text = text_;
    replace_all(text, "phone = \"integer\"", "phone = \"decimal\"");
    adopt(text);
    take(PolicyChanged{});
    const Step told = take(Recheck{});
    ASSERT_EQ(told.handovers.size(), 1U);
    const Input input = Takeover{state_.key, told.handovers.front()};
    EntityState receiver{.key = {state_.key.object, EntityId{"e2"}}};
    const auto takes = [&](const Policy& policy, const char* name) {
        const EntityState taken = decide(policy, receiver, {&input, 1}, {}).next;
        const CanonicalField* field = taken.find(FieldName{name});
        return field != nullptr && field->value == Value{"red"} &&
               taken.record(kErp)->mirror.find(name) != nullptr;
    };
    EXPECT_TRUE(takes(then, "colour"));
    EXPECT_TRUE(takes(policy_, "tint"));
    const EntityState taken = decide(policy_, receiver, {&input, 1}, {}).next;
    EXPECT_EQ(*taken.record(kErp)->mirror.find("phone"), (Value{*Decimal::parse("41")}))
        << "what was commanded there";
}

TEST_F(Renaming, GivesValuesTheTypeOfNow) {
    std::string text = kPolicy;
    replace_all(text, "phone = \"string\"", "phone = \"integer\"");
    adopt(text);
    policy_.version = 1;
    Fields told = full_;
    told.set(FieldName{"phone"}, 41);
    settle(told);
    replace_all(text, "phone = \"integer\"", "phone = \"decimal\"");
    adopt(text);
    const Step step = take(PolicyChanged{});
    EXPECT_TRUE(step.commands.empty());
    EXPECT_EQ(canonical("phone"), (Value{*Decimal::parse("41")}));
    EXPECT_TRUE(take(change(kErp, told)).commands.empty()) << "41 is 41";
}

TEST_F(Renaming, MatchesByTheNameOfBefore) {
    std::string text = kPolicy;
    text += "[[objects.item.match]]\nname = \"m\"\non = [\"rank\"]\n";
    adopt(text);
    policy_.version = 1;
    settle(with("rank", "7"));
    Fields told{{FieldName{"rank"}, "7"}};
    const auto keys = lookups(policy_.objects[0], change(kCrm, told)).keys;
    ASSERT_EQ(keys.size(), 1U);
    rename("rank", "place", "{ type = 'string', renamed_from = ['rank'] }");
    EXPECT_EQ(lookups(policy_.objects[0], change(kCrm, told)).keys, keys);
    const Step step = take(PolicyChanged{});
    EXPECT_TRUE(step.claims.empty()) << "the keys are the same";
    EXPECT_TRUE(step.releases.empty());
}

}  // namespace
}  // namespace syncline::hub
