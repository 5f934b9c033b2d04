#include "hub/ctl/audit_core.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "hub/core/decide.h"
#include "hub/core/state_codec.h"
#include "shared/policy/policy_toml.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

using Kind = AuditProblem::Kind;

/// Entries as a hub makes them, of one entity.
class AuditTest : public testing::Test {
protected:
    AuditTest()
        : policy_(*parse_policy({{"p.toml", R"([policy]
name = "p"
[platforms.crm]
[objects.item.fields]
name = "string"
[[objects.item.own]]
fields = ["*"]
owner = "crm"
[objects.item.on.crm]
fields = ["*"]
founds = true
on_delete = "review"
)"}})) {
        state_.key = {ObjectName{"item"}, EntityId{"e1"}};
    }
    /// The hub decides a change to `name`; its entry.
    std::string decide_one(const std::string& name) {
        Change change;
        change.key = {PlatformId{"crm"}, ObjectName{"item"}, RecordId{"1"}};
        change.rev = {1, ++revision_};
        change.fields = Fields{{FieldName{"name"}, Value{name}}};
        const hub::Input input{change};
        state_ = decide(policy_, state_, {&input, 1}, {}).next;
        return state_.outbox.back().body;
    }
    std::vector<std::string> decide_all(int count) {
        std::vector<std::string> bodies;
        for (int i = 0; i < count; ++i) bodies.push_back(decide_one("name " + std::to_string(i)));
        return bodies;
    }
    [[nodiscard]] std::string subject() const { return subjects::log(state_.key); }
    Audit audit(const std::vector<std::string>& bodies, std::vector<AuditHead> anchor = {}) {
        Audit out{{1, bodies.size(), {}, {}}, std::move(anchor)};
        std::uint64_t sequence = 0;
        for (const std::string& body : bodies) out.take(subject(), ++sequence, {}, body);
        out.end_of_log();
        if (!out.take_state(state_)) out.take_newest(state_, bodies.back());
        return out;
    }
    static std::vector<Kind> kinds(const Audit& audit) {
        std::vector<Kind> out;
        for (const AuditProblem& problem : audit.problems) out.push_back(problem.kind);
        return out;
    }

    Policy policy_;
    hub::EntityState state_;
    std::uint64_t revision_ = 0;
};

TEST_F(AuditTest, FindsNothingInWhatHubsWrite) {
    std::vector<std::string> bodies = decide_all(20);
    bodies.insert(bodies.begin() + 4, bodies[3]);  // A hub that came back tells it again.
    const Audit judged = audit(bodies);
    EXPECT_TRUE(judged.problems.empty()) << judged.problems.front().what;
    EXPECT_EQ(judged.entries, 21U);
    EXPECT_EQ(judged.repeated, 1U);
    EXPECT_EQ(judged.states, 1U);
}

TEST_F(AuditTest, FindsAnEntryThatWasAltered) {
    std::vector<std::string> bodies = decide_all(5);
    auto entry = *hub::decode_log_entry(bodies[2]);
    entry.decisions[0].value = Value{"forged"};
    bodies[2] = encode(entry);
    const Audit judged = audit(bodies);
    EXPECT_EQ(kinds(judged), std::vector{Kind::kAltered});
    EXPECT_EQ(judged.problems[0].sequence, 4U) << "the next one shows it";
    EXPECT_NE(judged.problems[0].what.find("entry 3 is not the one"), std::string::npos);
}

TEST_F(AuditTest, FindsTheNewestEntryAltered) {
    std::vector<std::string> bodies = decide_all(3);
    auto entry = *hub::decode_log_entry(bodies[2]);
    entry.at = {12'345};
    bodies[2] = encode(entry);
    EXPECT_EQ(kinds(audit(bodies)), std::vector{Kind::kTail});
}

TEST_F(AuditTest, FindsEntriesThatAreNotThere) {
    std::vector<std::string> bodies = decide_all(6);
    bodies.erase(bodies.begin() + 2, bodies.begin() + 4);
    const Audit judged = audit(bodies);
    EXPECT_EQ(kinds(judged), std::vector{Kind::kMissing});
    EXPECT_NE(judged.problems[0].what.find("entries 3 to 4"), std::string::npos);
}

TEST_F(AuditTest, FindsTheNewestEntriesMissing) {
    std::vector<std::string> bodies = decide_all(6);
    bodies.resize(4);
    const Audit judged = audit(bodies);
    EXPECT_EQ(kinds(judged), std::vector{Kind::kTail});
    EXPECT_NE(judged.problems[0].what.find("entries 5 to 6"), std::string::npos);
}

TEST_F(AuditTest, FindsEntriesThatChangedPlaces) {
    std::vector<std::string> bodies = decide_all(5);
    std::swap(bodies[1], bodies[2]);
    const std::vector<Kind> found = kinds(audit(bodies));
    EXPECT_NE(std::ranges::find(found, Kind::kMissing), found.end());
    EXPECT_GE(found.size(), 2U);
    for (const Kind kind : found) EXPECT_FALSE(is_by_loss(kind) && found.size() == 1);
}

TEST_F(AuditTest, FindsWhatIsGoneFromInsideTheStream) {
    const std::vector<std::string> bodies = decide_all(3);
    Audit judged{{1, 9, {}, {}}, {}};
    judged.take(subject(), 1, {}, bodies[0]);
    judged.take(subject(), 2, {}, bodies[1]);
    judged.take(subject(), 8, {}, bodies[2]);
    judged.end_of_log();
    EXPECT_EQ(kinds(judged), (std::vector{Kind::kRemoved, Kind::kRemoved}));
    EXPECT_NE(judged.problems[0].what.find("3 to 7"), std::string::npos);
    EXPECT_NE(judged.problems[1].what.find("9 to 9"), std::string::npos);
}

TEST_F(AuditTest, KnowsWhatIsTooOldFromWhatWasPurged) {
    const std::vector<std::string> bodies = decide_all(4);
    const Duration age = std::chrono::hours{24 * 365};
    for (const bool old : {true, false}) {
        const Timestamp now = Timestamp{0} + 2 * age;
        const Timestamp stored = old ? now - age + std::chrono::minutes{5} : now - age / 2;
        Audit judged{{7, 8, now, age}, {}};
        judged.take(subject(), 7, stored, bodies[2]);
        judged.take(subject(), 8, stored, bodies[3]);
        judged.end_of_log();
        EXPECT_EQ(kinds(judged), old ? std::vector<Kind>{} : std::vector{Kind::kRemoved});
    }
}

TEST_F(AuditTest, ExplainsAStoreThatWentBack) {
    std::vector<std::string> bodies = decide_all(2);
    const hub::EntityState before = state_;
    bodies.push_back(decide_one("lost"));
    state_ = before;
    bodies.push_back(decide_one("decided anew"));
    const Audit judged = audit(bodies);
    EXPECT_EQ(kinds(judged), std::vector{Kind::kWentBack});
    EXPECT_TRUE(is_by_loss(judged.problems[0].kind));
}

TEST_F(AuditTest, ExplainsALostState) {
    std::vector<std::string> bodies = decide_all(3);
    const EntityKey key = state_.key;
    state_ = {};
    state_.key = key;
    bodies.push_back(decide_one("anew"));
    bodies.push_back(decide_one("anew, again"));
    EXPECT_EQ(kinds(audit(bodies)), std::vector{Kind::kBeginsAnew});
}

TEST_F(AuditTest, HoldsTheLogToAnAnchor) {
    const std::vector<std::string> bodies = decide_all(3);
    const std::vector<AuditHead> anchor = audit(bodies).heads();
    ASSERT_EQ(anchor.size(), 1U);
    std::vector<std::string> more = bodies;
    more.push_back(decide_one("later"));
    Audit judged = audit(more, anchor);
    EXPECT_TRUE(judged.problems.empty());
    EXPECT_EQ(judged.anchored, 1U);
    // Whoever writes the whole chain anew, states and all, still has the anchor against them.
    const EntityKey key = state_.key;
    state_ = {};
    state_.key = key;
    const std::vector<std::string> forged{decide_one("a"), decide_one("b"), decide_one("c")};
    EXPECT_EQ(kinds(audit(forged, anchor)), std::vector{Kind::kContradicts});
    const std::vector<Kind> cut = kinds(audit({bodies[0]}, anchor));
    EXPECT_NE(std::ranges::find(cut, Kind::kContradicts), cut.end());
}

TEST_F(AuditTest, TakesEntriesFromBeforeTheyWereChained) {
    std::vector<std::string> bodies;
    for (std::uint64_t version = 1; version <= 3; ++version) {
        hub::LogEntry entry;
        entry.entity = state_.key;
        entry.version = version;
        bodies.push_back(encode(entry));
    }
    state_.version = 3;
    bodies.push_back(decide_one("chained from here on"));
    bodies.push_back(decide_one("and on"));
    Audit judged = audit(bodies);
    EXPECT_TRUE(judged.problems.empty()) << judged.problems.front().what;
    EXPECT_GE(judged.unchained, 2U);
}

TEST_F(AuditTest, ShowsWhatCannotBeRead) {
    std::vector<std::string> bodies = decide_all(2);
    Audit judged{{1, 2, {}, {}}, {}};
    judged.take(subject(), 1, {}, "\xc1");
    judged.take("sync.log.item.other", 2, {}, bodies[0]);
    EXPECT_EQ(kinds(judged), (std::vector{Kind::kDamaged, Kind::kDamaged}));
}

/// The entries 1 to `last` are gone, and the newest entry says `erased` of them.
class ErasureTest : public AuditTest {
protected:
    Audit audit_erased(std::vector<std::string> bodies, std::uint64_t last,
                       std::vector<std::uint64_t> erased, std::vector<AuditHead> anchor = {}) {
        auto entry = *hub::decode_log_entry(bodies.back());
        entry.erased = std::move(erased);
        bodies.back() = encode(entry);
        state_.log_hash = bytes_of(sha256({bodies.back()}));
        Audit out{{last + 1, bodies.size(), {}, {}}, std::move(anchor)};
        for (std::uint64_t sequence = last + 1; sequence <= bodies.size(); ++sequence) {
            out.take(subject(), sequence, {}, bodies[sequence - 1]);
        }
        out.end_of_log();
        if (!out.take_state(state_)) out.take_newest(state_, bodies.back());
        return out;
    }
};

TEST_F(ErasureTest, WhatAPersonHadErasedIsNotMissed) {
    std::vector<std::string> bodies = decide_all(6);
    const AuditHead anchor{state_.key, 2, "x"};
    const Audit judged = audit_erased(bodies, 3, {1, 2, 3}, {anchor});
    EXPECT_TRUE(judged.problems.empty()) << judged.problems.front().what;
    ASSERT_EQ(judged.erasures().size(), 1U);
    EXPECT_EQ(judged.erasures().begin()->second.sequence, 6U);
    EXPECT_EQ(judged.erasures().begin()->second.entries, 3U);
}

TEST_F(ErasureTest, WhatNobodyAskedForIs) {
    const std::vector<std::string> bodies = decide_all(6);
    const Audit judged = audit_erased(bodies, 3, {1, 3});
    EXPECT_EQ(kinds(judged), std::vector{Kind::kRemoved});
    EXPECT_NE(judged.problems[0].what.find("sequences 2 to 2"), std::string::npos)
        << judged.problems[0].what;
}

TEST_F(ErasureTest, WhatIsGoneAfterItIsMissedAllTheSame) {
    std::vector<std::string> bodies = decide_all(6);
    auto entry = *hub::decode_log_entry(bodies[2]);
    entry.erased = {1, 2};
    bodies[2] = encode(entry);
    Audit judged{{3, 6, {}, {}}, {}};
    for (const std::uint64_t sequence : {3U, 6U}) {
        judged.take(subject(), sequence, {}, bodies[sequence - 1]);
    }
    judged.end_of_log();
    EXPECT_EQ(kinds(judged), (std::vector{Kind::kMissing, Kind::kRemoved}));
}

}  // namespace
}  // namespace syncline::ctl
