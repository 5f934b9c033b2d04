#include "hub/core/rebuild.h"

#include <algorithm>

#include "tests/unit/hub/core/decide_fixture.h"

namespace syncline::hub {
namespace {

/// What a hub would have stored of one entity, and the inputs that it was made of.
class Rebuilding : public Decide {
protected:
    using Kind = Rebuild::Finding::Kind;

    /// Takes them in one step.
    Step take_all(std::vector<Input> inputs) {
        for (const Input& input : inputs) inputs_.push_back(input);
        Step step = decide(policy_, state_, inputs, {{now_ * 1'000'000'000}, {}, 7});
        if (!step.changed) return step;  // Nothing is stored.
        state_ = step.next;
        log_.push_back(state_.outbox.back().body);
        return step;
    }
    Outcome answered(const Command& command) {
        Outcome out = outcome(command, command.fields);
        out.number = {{}, {1, 1'000 + inputs_.size()}};
        return out;
    }
    /// CRM and ERP agree on the record, and the CRM was overruled once.
    void fill() {
        const Step made = take_all({change(kCrm, full_)});
        ASSERT_EQ(made.commands.size(), 1U);
        take_all({answered(made.commands[0]), change(kCrm, with("colour", "blue"))});
        Operation reject = act(OperationKind::kReject);
        reject.id = "op1";
        const Step rejected = take_all({reject});
        ASSERT_EQ(rejected.commands.size(), 1U);
        take_all({answered(rejected.commands[0])});
        ASSERT_EQ(log_.size(), 4U);
    }
    Rebuild filled() const {
        Rebuild rebuild;
        rebuild.take_state(state_.key, encode(state_));
        for (std::size_t i = 0; i < log_.size(); ++i) rebuild.take_entry(i + 1, log_[i]);
        for (const Input& input : inputs_) rebuild.take_input(input);
        return rebuild;
    }
    void run(Rebuild& rebuild) const {
        rebuild.run([this](const LogEntry& entry) {
            return entry.policy == policy_.hash ? &policy_ : nullptr;
        });
    }
    Rebuild rebuilt() const {
        Rebuild rebuild = filled();
        run(rebuild);
        return rebuild;
    }

    std::vector<Input> inputs_;
    std::vector<std::string> log_;
};

TEST_F(Rebuilding, FromTheInputsComesOutByteForByte) {
    fill();
    const Rebuild rebuild = rebuilt();
    EXPECT_TRUE(rebuild.findings.empty()) << rebuild.findings.front().what;
    EXPECT_EQ(rebuild.rebuilt, 1U);
    EXPECT_EQ(rebuild.decided, 4U);
}

// The log lost what hubs had told, and they tell it as they come upon it.
TEST_F(Rebuilding, WhatWasToldAgainMayStandBehindWhatFollowedIt) {
    fill();
    std::ranges::reverse(log_);
    const Rebuild rebuild = rebuilt();
    EXPECT_TRUE(rebuild.findings.empty()) << rebuild.findings.front().what;
    EXPECT_EQ(rebuild.decided, 4U);
}

TEST_F(Rebuilding, WhoTookRecordsMayStandBeforeWhoGaveThem) {
    fill();
    const Step given = take_all({merge_into("e2")});
    ASSERT_EQ(given.handovers.size(), 1U);
    const EntityState giver = state_;
    state_ = EntityState{.key = {giver.key.object, EntityId{"e2"}}};
    take_all({Takeover{giver.key, given.handovers.front()}});
    std::ranges::rotate(log_, log_.end() - 1);
    Rebuild rebuild = filled();
    rebuild.take_state(giver.key, encode(giver));
    run(rebuild);
    EXPECT_TRUE(rebuild.findings.empty()) << rebuild.findings.front().what;
    EXPECT_EQ(rebuild.rebuilt, 2U);

    Rebuild without = filled();
    run(without);
    ASSERT_EQ(without.findings.size(), 1U);
    EXPECT_EQ(without.findings[0].what, "who gave it records is out of reach");
}

TEST_F(Rebuilding, TakesWhatMadeNoDifferenceWhereItStood) {
    fill();
    // The same again, then something new; both move the record's revision on.
    Change again = change(kCrm, full_);
    take_all({again, change(kCrm, with("phone", "2")), change(kCrm, with("phone", "2"))});
    const LogEntry entry = *decode_log_entry(log_.back());
    ASSERT_EQ(entry.inputs.size(), 1U);
    ASSERT_EQ(entry.quiet.size(), 2U);
    EXPECT_EQ(entry.quiet[0].place, 0U);
    EXPECT_EQ(entry.quiet[1].place, 1U);
    const Rebuild rebuild = rebuilt();
    EXPECT_TRUE(rebuild.findings.empty()) << rebuild.findings.front().what;
}

TEST_F(Rebuilding, AnotherValueInTheStateIsFound) {
    fill();
    state_.set(FieldName{"note"}, Value{"smuggled in"}, {kErp, {1, 9}, {}});
    const Rebuild rebuild = rebuilt();
    ASSERT_EQ(rebuild.findings.size(), 1U);
    EXPECT_EQ(rebuild.findings[0].kind, Kind::kDiffers);
    EXPECT_EQ(rebuild.findings[0].sequence, 0U);
    EXPECT_EQ(rebuild.findings[0].what, "the canonical note is not what the inputs make");
    EXPECT_EQ(rebuild.rebuilt, 0U);
}

TEST_F(Rebuilding, AnotherInputIsFoundWhereItWasDecided) {
    fill();
    std::get<Change>(inputs_[2]).fields.set(FieldName{"colour"}, Value{"green"});
    const Rebuild rebuild = rebuilt();
    ASSERT_EQ(rebuild.findings.size(), 1U);
    EXPECT_EQ(rebuild.findings[0].kind, Kind::kDiffers);
    EXPECT_EQ(rebuild.findings[0].sequence, 2U);
}

TEST_F(Rebuilding, AnInputThatWasToldAgainWithoutItsContentIsOutOfReach) {
    fill();
    Change forgotten = std::get<Change>(inputs_[0]);  // Its agent has forgotten the record since.
    forgotten.kind = ChangeKind::kDelete;
    forgotten.fields = {};
    inputs_.push_back(forgotten);
    const Rebuild rebuild = rebuilt();
    ASSERT_EQ(rebuild.findings.size(), 1U);
    EXPECT_EQ(rebuild.findings[0].kind, Kind::kOutOfReach);
    EXPECT_NE(rebuild.findings[0].what.find("was asked to forget"), std::string::npos);
}

TEST_F(Rebuilding, AnotherPolicyUnderTheSameNameIsFound) {
    fill();
    std::string other = kPolicy;
    const std::string review = "otherwise = \"review\"";
    other.replace(other.find(review), review.size(), "otherwise = \"ignore\"");
    const std::string hash = policy_.hash;
    policy_ = *parse_policy({{"test.toml", other}});
    policy_.hash = hash;
    const Rebuild rebuild = rebuilt();
    ASSERT_EQ(rebuild.findings.size(), 1U);
    EXPECT_EQ(rebuild.findings[0].kind, Kind::kDiffers);
    EXPECT_NE(rebuild.findings[0].what.find("colour review from crm"), std::string::npos)
        << rebuild.findings[0].what;
    EXPECT_NE(rebuild.findings[0].what.find("colour ignored from crm"), std::string::npos);
}

TEST_F(Rebuilding, WhatIsNotStoredAnyMoreIsOutOfReach) {
    fill();
    const std::vector<Input> all = inputs_;
    inputs_.erase(inputs_.begin());
    ASSERT_EQ(rebuilt().findings.size(), 1U);
    EXPECT_EQ(rebuilt().findings[0].kind, Kind::kOutOfReach);
    EXPECT_EQ(rebuilt().findings[0].what, "the input \"crm change 0/1/1\" is not stored any more");
    inputs_ = all;
    log_.erase(log_.begin());
    EXPECT_EQ(rebuilt().findings.at(0).what, "the log does not reach back to its beginning");
    log_.clear();
    EXPECT_EQ(rebuilt().findings.at(0).what, "its newest entry is not in the log");
}

TEST_F(Rebuilding, WhatAHubHadFoundOutStandsInTheLog) {
    fill();
    Context context{{++now_ * 1'000'000'000}, {}, 7};
    context.foreign_records = {{kErp, state_.key.object, RecordId{"erp-1"}}};
    context.foreign_keys = {{{state_.key.object, "name", "bolt"}, EntityId{"e2"}}};
    const Input input = change(kCrm, with("phone", "3"));
    inputs_.push_back(input);
    const Step step = decide(policy_, state_, {&input, 1}, context);
    state_ = step.next;
    log_.push_back(state_.outbox.back().body);
    ASSERT_EQ(state_.record(kErp)->presence, Presence::kUnlinked);
    const Rebuild rebuild = rebuilt();
    EXPECT_TRUE(rebuild.findings.empty()) << rebuild.findings.front().what;
    EXPECT_EQ(rebuild.decided, 5U);
}

}  // namespace
}  // namespace syncline::hub
