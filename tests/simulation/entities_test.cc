#include "hub/entities.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "hub/core/state_codec.h"
#include "hub/erasures.h"
#include "shared/nats/jetstream_api.h"
#include "shared/policy/policy_version.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"
#include "tests/simulation/hub_parts.h"

// A hub's entities alone, at the model of the broker: what they store for one decision.

namespace syncline::sim {
namespace {

using std::chrono::milliseconds;

constexpr const char* kOneObject = R"(
[policy]
name = "test"
[platforms.crm]
[objects.item.fields]
name = { type = "string", required = true }
[[objects.item.own]]
fields = ["name"]
owner = "crm"
[objects.item.on.crm]
fields = ["*"]
founds = true
[[objects.item.match]]
name = "name"
on = ["name"]
)";
const ObjectName kItem{"item"};
const EntityKey kGiver{kItem, EntityId{"giver"}};
const EntityKey kTaker{kItem, EntityId{"taker"}};
const PlatformId kCrm{"crm"};
const FieldName kName{"name"};

class EntitiesAlone : public HubParts, hub::EntitiesHost, hub::ErasuresHost {
protected:
    EntitiesAlone() {
        watch_.on_ready = [this] { policies_.start(); };
        policies_.on_ready = policies_.on_activated = [] {};
        turn_until([this] { return policies_.ready(); });
        link_.published.clear();
    }

    void tick() override {
        policies_.tick();
        entities_.tick();
        erasures_.tick();
    }
    std::optional<hub::EntityState> stored(const EntityKey& entity) {
        const std::string body = last(subjects::kStreamState, subjects::entity(entity, {0}));
        return body.empty() ? std::nullopt : std::optional{*hub::decode_entity(body)};
    }
    static hub::Queued change(const char* record, const char* name) {
        return {.input = Change{.key = {kCrm, kItem, RecordId{record}},
                                .number = {{0}, {1, 1}},
                                .rev = {1, 1},
                                .fields = {{kName, name}}},
                .needs_link = true};
    }

    void on_done(const hub::WorkId&) override { ++done_; }
    void on_erased(const EntityKey&, hub::Queued queued) override {
        ++done_;
        erased_ = std::get<hub::Erased>(std::move(queued.input));
    }
    void on_misplaced(hub::Queued) override { ++misplaced_; }
    void on_linked(const RecordKey&, const EntityId&) override {}
    void on_awaited(const RecordKey&) override {}
    void on_told_first(const EntityKey&, hub::Queued) override { ++told_first_; }
    void on_later_epoch(const PlatformId&, std::uint64_t) override {}
    void on_settled(const RecordKey&) override {}
    [[nodiscard]] bool is_reconsidered(Partition) const override { return false; }
    void on_to_erase(const hub::EntityState&, std::uint64_t, hub::Queued) override {
        ADD_FAILURE();
    }
    void on_start(const hub::WorkflowStart&, hub::DeliverySink*, std::uint64_t) override {
        ADD_FAILURE();
    }
    void on_written(const hub::WriteAnswer&, hub::DeliverySink*, std::uint64_t) override {
        ADD_FAILURE();
    }
    void on_undecidable(hub::Queued, const Error& error) override { ADD_FAILURE() << error.what; }

    SyncPoints sync_points_;
    hub::Policies policies_{
        link_, clock_, watch_, effects_, options_.retry_wait, {{"test.toml", kOneObject}}};
    hub::Entities entities_{link_,     clock_,       watch_, policies_, options_,
                            counters_, sync_points_, *this,  effects_};
    hub::Erasures erasures_{link_, clock_, policies_, options_, *this};
    std::size_t done_ = 0;
    std::optional<hub::Erased> erased_;  ///< The newest.
    std::size_t misplaced_ = 0;
    std::size_t told_first_ = 0;
};

// Every decision of the giver tells its handover again until it knows that it has arrived. All that
// wait for the taker are decided in one attempt.
TEST_F(EntitiesAlone, AnAttemptClaimsEachLinkOnceHoweverOftenAHandoverIsTold) {
    hub::Handover handover{"op-1", kTaker.entity, hub::Handover::Why::kMerged, "anna", {}};
    for (const char* record : {"r1", "r2"}) {
        handover.records.push_back({.platform = kCrm,
                                    .record = RecordId{record},
                                    .rev = {1, 1},
                                    .told = {{kName, "bolt"}}});
    }
    constexpr std::size_t kTimes = 20;
    for (std::size_t i = 0; i < kTimes; ++i) {
        entities_.submit(kTaker, {.input = hub::Takeover{kGiver, handover}, .insists = true});
    }
    turn_until([this] { return entities_.busy() == 0; });
    const auto taker = stored(kTaker);
    ASSERT_TRUE(taker);
    EXPECT_EQ(taker->version, 1U);
    EXPECT_EQ(taker->records.at(0).record, RecordId{"r1"});
    for (const char* record : {"r1", "r2"}) {
        const std::string link = subjects::link({kCrm, kItem, RecordId{record}});
        EXPECT_EQ(link_.published[link], 1) << link;
    }
}

TEST_F(EntitiesAlone, WhatIsNotStoredHandsNothingOver) {
    entities_.submit({kItem, EntityId{"first"}}, change("r1", "bolt"));
    turn_until([this] { return entities_.busy() == 0; });
    // The record is another's: what is new gives way, with all that was decided.
    hub::Operation merge;
    merge.kind = hub::OperationKind::kMerge;
    merge.entity = kGiver;
    merge.id = "op-1";
    merge.other = kTaker.entity;
    entities_.submit(kGiver, change("r1", "bolt"));
    entities_.submit(kGiver, {.input = merge});
    turn_until([this] { return entities_.busy() == 0; });
    EXPECT_EQ(misplaced_, 1U);
    EXPECT_FALSE(stored(kGiver));
    EXPECT_FALSE(stored(kTaker));
}

// All states were lost, and the deletion was told before the record, whose key is another's by now.
TEST_F(EntitiesAlone, WhatIsKnownToBeGoneIsNotPlacedElsewhere) {
    entities_.submit({kItem, EntityId{"first"}}, change("r9", "bolt"));
    turn_until([this] { return entities_.busy() == 0; });
    hub::EntityState state{.key = kGiver, .version = 1};
    hub::RecordState& record = state.record_or_new(kCrm);
    record.others.push_back({RecordId{"r1"}, {1, 5}, {}, {}, hub::OtherRecord::Standing::kGone});
    store(subjects::entity(kGiver, {0}), hub::encode(state));
    entities_.submit(kGiver, change("r1", "bolt"));
    turn_until([this] { return done_ == 2; });
    EXPECT_EQ(misplaced_, 0U);
    entities_.submit(kGiver, change("r2", "bolt"));
    turn_until([this] { return misplaced_ == 1; });
}

// It had no state when the record was placed anew, and has come to have it beside another since.
TEST_F(EntitiesAlone, ARecordThatAnEntityHasBesideAnotherIsNotTakenFromIt) {
    hub::EntityState state{.key = kGiver, .version = 1};
    hub::RecordState& record = state.record_or_new(kCrm);
    record.presence = hub::Presence::kPresent;
    record.record = RecordId{"r1"};
    record.others.push_back({RecordId{"r2"}, {1, 1}, {}, {{kName, "bolt"}}});
    store(subjects::entity(kGiver, {0}), hub::encode(state));
    const std::string link = subjects::link({kCrm, kItem, RecordId{"r2"}});
    store(link, wire::encode_reference(kGiver.entity, {}));
    hub::Queued placed_anew = change("r2", "bolt");
    placed_anew.not_in = kGiver.entity;
    entities_.submit(kTaker, std::move(placed_anew));
    turn_until([this] { return misplaced_ + done_ == 1; });
    EXPECT_EQ(misplaced_, 1U);
    EXPECT_EQ(wire::decode_reference(last(subjects::kStreamState, link)), kGiver.entity);
}

// A person gave the record away, and the one that stood beside it has succeeded.
TEST_F(EntitiesAlone, WhatAnAnswerTellsOfARecordThatIsAnothersIsPlaced) {
    hub::EntityState state;
    state.key = kGiver;
    state.version = 1;
    hub::RecordState& record = state.record_or_new(kCrm);
    record.presence = hub::Presence::kPresent;
    record.record = RecordId{"r2"};
    store(subjects::entity(kGiver, {0}), hub::encode(state));
    Outcome outcome{.platform = kCrm,
                    .entity = kGiver,
                    .record = RecordId{"r1"},
                    .rev = {1, 5},
                    .generation = 1,
                    .status = OutcomeStatus::kConflict,
                    .fields = {{kName, "bolt"}}};
    entities_.submit(kGiver, {.input = outcome, .work = {{0}, 1, 1}, .fence = 7});
    turn_for(milliseconds{100});
    EXPECT_EQ(misplaced_, 1U);
    EXPECT_EQ(told_first_, 1U) << "what it answers is still to be decided here";
}

// The pass that asks after a loss writes down that all is told once it is done.
TEST_F(EntitiesAlone, ALookAtAnEntityIsDoneOnceWhatItHandsOverHasArrived) {
    hub::EntityState giver;
    giver.key = kGiver;
    giver.version = 2;
    giver.merged_into = kTaker.entity;
    giver.handovers = {
        {"op-1",
         kTaker.entity,
         hub::Handover::Why::kMerged,
         "anna",
         {{.platform = kCrm, .record = RecordId{"r1"}, .rev = {1, 1}, .told = {{kName, "bolt"}}}}}};
    store(subjects::entity(kGiver, {0}), hub::encode(giver));
    entities_.submit(kGiver, {.input = hub::Recheck{}});
    turn_until([this] { return done_ == 1; });
    const auto taker = stored(kTaker);
    ASSERT_TRUE(taker);
    EXPECT_EQ(taker->records.at(0).record, RecordId{"r1"});
    EXPECT_TRUE(stored(kGiver)->handovers.at(0).records.empty()) << "it knows";
}

// Who stored the state died before its command was out. What this hub asks itself has no hold by
// which that can be sent, and what comes then does not change anything.
TEST_F(EntitiesAlone, WhatCannotBeSentYetIsSentByWhoComesNext) {
    hub::EntityState state;
    state.key = kTaker;
    state.version = 1;
    hub::RecordState& record = state.record_or_new(kCrm);
    record.presence = hub::Presence::kPresent;
    record.record = RecordId{"r1"};
    record.generation = 1;
    record.pending = hub::Pending{.fields = {{kName, "bolt"}}};
    state.outbox = {{{}, hub::encode(hub::LogEntry{.entity = kTaker, .version = 1}), {}}};
    store(subjects::entity(kTaker, {0}), hub::encode(state));
    const std::string command = subjects::command(kCrm, kTaker);
    entities_.submit(kTaker, {.input = hub::Recheck{}});
    turn_until([this] { return entities_.busy() == 0; });
    EXPECT_EQ(link_.published[subjects::log(kTaker)], 1);
    EXPECT_EQ(link_.published[command], 0);
    const hub::Operation settled{
        .kind = hub::OperationKind::kAccept, .entity = kTaker, .exception = "ownership.review@crm"};
    entities_.submit(kTaker, {.input = settled, .work = {{0}, 1, 1}, .fence = 7});
    turn_until([this] { return entities_.busy() == 0; });
    ASSERT_EQ(link_.published[command], 1);
    EXPECT_EQ(wire::decode_command(last(subjects::kStreamCommands, command))->fence, 7U);
}

/// An entity that is to be erased, and whose values once made the key "bolt".
class ErasuresAlone : public EntitiesAlone {
protected:
    ErasuresAlone() {
        state_.key = kGiver;
        state_.version = 2;
        state_.forgotten = hub::Forgotten{.id = "op-1", .by = "anna", .version = 2};
        store_entry_of_before();
    }
    std::uint64_t store_entry_of_before() {
        hub::LogEntry before;
        before.entity = kGiver;
        before.version = 1;
        before.decisions = {{kName, kCrm, {}, "bolt", hub::Verdict::kAccepted, {}}};
        return store(subjects::log(kGiver), hub::encode(before));
    }
    std::uint64_t claim() { return store(key_, wire::encode_reference(kGiver.entity, {})); }
    std::uint64_t store_state() {
        return store(subjects::entity(kGiver, {0}), hub::encode(state_));
    }
    void erase_all(std::uint64_t sequence) {
        erasures_.start(state_, sequence, {});
        turn_until([this] { return erasures_.busy() == 0; });
        EXPECT_EQ(done_, 1U);
    }
    /// Does anybody hold the key in the end?
    bool is_held_after(std::uint64_t sequence) {
        erase_all(sequence);
        return broker_.get_last(subjects::kStreamState, key_)->has_value();
    }
    const std::string key_ = subjects::match_key(kItem, "name", "bolt");
    hub::EntityState state_;
};

TEST_F(ErasuresAlone, AKeyOfBeforeIsErased) {
    state_.deleted = true;
    claim();
    EXPECT_FALSE(is_held_after(store_state()));
}

TEST_F(ErasuresAlone, WhatIsGoneWhileItIsReadIsNotWaitedFor) {
    state_.deleted = true;
    const std::uint64_t claimed = claim();
    const std::uint64_t sequence = store_state();
    // Another hub erases the key once the consumer that is to bring it is made.
    link_.on_consume = [&](const nats::ConsumeSpec& spec) {
        if (spec.filters != std::vector{key_}) return;
        link_.on_consume = {};
        world_.after(milliseconds{8}, [&] {
            const auto erase = nats::api::erase_message(subjects::kStreamState, claimed);
            broker_.publish_core(erase.subject, erase.body);
        });
    };
    EXPECT_FALSE(is_held_after(sequence));
}

TEST_F(ErasuresAlone, AKeyThatIsClaimedAnewMeanwhileStays) {
    state_.deleted = true;
    const std::uint64_t sequence = store_state();
    claim();
    EXPECT_TRUE(is_held_after(sequence));
}

TEST_F(ErasuresAlone, AKeyOfOneThatLivesAgainStays) {
    state_.set(kName, "bolt", {});
    claim();
    EXPECT_TRUE(is_held_after(store_state()));
}

/// Its agent was told to forget it by generation 2.
class CommandsOfBefore : public ErasuresAlone {
protected:
    /// Is a command of that generation there in the end?
    bool stays(std::uint64_t generation) {
        state_.record_or_new(kCrm).generation = std::max<std::uint64_t>(generation, 2);
        const Command command{.platform = kCrm,
                              .entity = kGiver,
                              .record = RecordId{"r1"},
                              .generation = generation,
                              .fields = {{kName, "bolt"}}};
        const std::string subject = subjects::command(kCrm, kGiver);
        store(subject, wire::encode(command));
        erase_all(store_state());
        return broker_.get_last(subjects::kStreamCommands, subject)->has_value();
    }
};

TEST_F(CommandsOfBefore, AreErased) {
    state_.deleted = true;
    EXPECT_FALSE(stays(1));
}

TEST_F(CommandsOfBefore, AreNotThoseOfOneThatLivesAgain) {
    state_.set(kName, "bolt", {});
    EXPECT_TRUE(stays(3));
}

// Its state went back in time, so the versions from before go beyond the one that forgets it.
class OlderThanForgotten : public ErasuresAlone {
protected:
    std::uint64_t tell(std::uint64_t version, std::vector<std::string> inputs) {
        hub::LogEntry entry;
        entry.entity = kGiver;
        entry.version = version;
        entry.inputs = std::move(inputs);
        const hub::ExceptionRecord open{
            .kind = "ownership.review", .entity = kGiver, .platform = kCrm, .version = version};
        store(subjects::exception(kGiver, open.kind), hub::encode(open));
        store(subjects::event(kGiver, "made", kGiver.entity.text, std::to_string(version)), "{}");
        return store(subjects::log(kGiver), hub::encode(entry));
    }
    void forget() {
        state_.deleted = true;
        state_.forgotten->at = clock_.now();
    }
    void expect_erased(std::uint64_t before, std::uint64_t since) {
        erase_all(store_state());
        EXPECT_TRUE(std::ranges::binary_search(erased_->log, before));
        EXPECT_FALSE(std::ranges::binary_search(erased_->log, since));
    }
};

TEST_F(OlderThanForgotten, IsErasedWhateverItsVersion) {
    const std::uint64_t before = tell(7, {"crm change 0/1/1"});
    turn_for(std::chrono::seconds{2});
    forget();
    tell(state_.forgotten->version, {"operation op-1"});
    turn_for(milliseconds{10});
    expect_erased(before, tell(8, {"crm change 0/1/9"}));
    EXPECT_EQ(broker_.all(subjects::kStreamExceptions).size(), 2U);
    EXPECT_EQ(broker_.all(subjects::kStreamEvents).size(), 2U);
}

TEST_F(OlderThanForgotten, IsErasedIfTheLogHasLostWhenThatWas) {
    const std::uint64_t before = tell(7, {"crm change 0/1/1"});
    turn_for(std::chrono::seconds{7});
    forget();
    turn_for(milliseconds{10});
    expect_erased(before, tell(8, {"crm change 0/1/9"}));
    EXPECT_EQ(broker_.all(subjects::kStreamEvents).size(), 1U);
}

// By a hub that is no more: it was on its way for so long.
TEST_F(ErasuresAlone, WhatIsStoredLateIsFoundOnceMore) {
    state_.deleted = true;
    state_.forgotten->phase = hub::Forgotten::Phase::kLog;
    erase_all(store_state());
    const std::uint64_t late = store_entry_of_before();
    turn_for(std::chrono::seconds{90});
    EXPECT_EQ(done_, 2U);
    EXPECT_EQ(erased_->phase, hub::Forgotten::Phase::kDone);
    EXPECT_NE(std::ranges::find(erased_->log, late), erased_->log.end());
}

TEST_F(ErasuresAlone, WhatIsErasedIsLookedForOnceMoreAndNoOftener) {
    state_.deleted = true;
    state_.forgotten->phase = hub::Forgotten::Phase::kLog;
    state_.forgotten->log = {1};
    erase_all(store_state());
    turn_for(std::chrono::seconds{90});
    EXPECT_EQ(done_, 1U);
}

}  // namespace
}  // namespace syncline::sim
