#include "hub/core/state_codec.h"
#include "hub/kept_exceptions.h"
#include "hub/state_sweep.h"
#include "shared/nats/jetstream_api.h"
#include "shared/policy/exception_kinds.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"
#include "tests/simulation/hub_parts.h"

// What a hub does about exceptions beside deciding, at the model of the broker.

namespace syncline::sim {
namespace {

const ObjectName kItem{"item"};
const PlatformId kErp{"erp"};
const RecordKey kRecord{kErp, kItem, RecordId{"r1"}};
const EntityKey kEntity{kItem, EntityId{"bolt"}};
constexpr Partition kOnly{0};

Change change_of(std::uint64_t rev) {
    return {.key = kRecord, .number = {kOnly, {1, rev}}, .rev = {1, rev}};
}

/// As a hub keeps a change of the record that it cannot place.
hub::ExceptionRecord unmatched(std::uint64_t rev) {
    return {.kind = std::string{exceptions::kUnmatched},
            .entity = {kItem, founded_entity(kRecord)},
            .platform = kErp,
            .record = kRecord.record.text,
            .opened_at = Timestamp{1'000},
            .raw = wire::encode(change_of(rev))};
}

hub::EntityState state_with_record() {
    hub::EntityState state;
    state.key = kEntity;
    state.version = 1;
    hub::RecordState& side = state.record_or_new(kErp);
    side.record = kRecord.record;
    side.presence = hub::Presence::kPresent;
    return state;
}

class ExceptionsAlone : public HubParts {
protected:
    ExceptionsAlone() {
        turn_until([this] { return watch_.ready(); });
    }
    using HubParts::store;
    void store(const hub::ExceptionRecord& exception) {
        store(subjects::exception(exception.entity, exception.kind + "@" + exception.platform.text),
              hub::encode(exception));
    }
};

// ---- Kept by the stream alone. ----------------------------------------------------------------

class Kept : public ExceptionsAlone {
protected:
    void tick() override { kept_.tick(); }
    /// Is the record's exception open, once everything that is about to happen to it has happened?
    bool is_open() {
        turn_for(std::chrono::seconds{2});
        const std::string kept =
            last(subjects::kStreamExceptions,
                 subjects::exception({kItem, founded_entity(kRecord)},
                                     std::string{exceptions::kUnmatched} + "@" + kErp.text));
        return hub::decode_exception(kept)->status == hub::ExceptionStatus::kOpen;
    }
    void link_record() {
        store(subjects::link(kRecord), wire::encode_reference(kEntity.entity, {}));
    }
    void store_state(const hub::EntityState& state) {
        store(subjects::entity(kEntity, kOnly), hub::encode(state));
    }
    void see() { kept_.seen(*hub::KeptExceptions::unplaced_in(unmatched(1))); }

    hub::KeptExceptions kept_{link_, clock_, options_, counters_};
};

// Who stored the link died before the state was stored; the entity is to find what is kept here.
TEST_F(Kept, ALinkAloneClosesNothing) {
    store(unmatched(1));
    link_record();
    see();
    EXPECT_TRUE(is_open());
    hub::EntityState without = state_with_record();
    without.records.clear();
    store_state(without);
    see();
    EXPECT_TRUE(is_open());
}

// The input comes again, and finds the link: nothing is news to whoever decides it.
TEST_F(Kept, AStateThatIsStoredSoonClosesIt) {
    store(unmatched(1));
    link_record();
    see();
    EXPECT_TRUE(is_open());
    store_state(state_with_record());
    turn_for(std::chrono::seconds{10});
    EXPECT_FALSE(is_open());
}

TEST_F(Kept, AStateThatHasTheRecordClosesIt) {
    store(unmatched(1));
    link_record();
    store_state(state_with_record());
    see();
    EXPECT_FALSE(is_open());
}

// It was merged before it could take the record in: the other one is to find it here, or has it.
TEST_F(Kept, OfAMergedEntityTheOneThatHasItsRecordsSaysSo) {
    store(unmatched(1));
    link_record();
    hub::EntityState merged;
    merged.key = kEntity;
    merged.version = 2;
    merged.merged_into = EntityId{"nut"};
    store_state(merged);
    see();
    EXPECT_TRUE(is_open());
    hub::EntityState other = state_with_record();
    other.key.entity = merged.merged_into;
    store(subjects::entity(other.key, kOnly), hub::encode(other));
    see();
    EXPECT_FALSE(is_open());
}

// Another hub has closed it, and this one does not remember it for ever.
TEST_F(Kept, WhatIsShownToBeClosedIsForgotten) {
    hub::ExceptionRecord exception = unmatched(1);
    kept_.shown(exception);
    exception.status = hub::ExceptionStatus::kResolved;
    kept_.shown(exception);
    store(unmatched(2));
    kept_.linked(kRecord, kEntity.entity);
    EXPECT_TRUE(is_open());
}

TEST_F(Kept, ARecordThatWasUnlinkedStaysOpen) {
    store(unmatched(1));
    link_record();
    hub::EntityState parted = state_with_record();
    parted.records[0].presence = hub::Presence::kUnlinked;
    store_state(parted);
    see();
    EXPECT_TRUE(is_open());
}

TEST_F(Kept, WhatIsAskedForWhileTheBrokerIsAwayIsAskedForAgain) {
    store(unmatched(1));
    link_record();
    store_state(state_with_record());
    broker_.stop();
    turn_for(std::chrono::seconds{1});
    see();
    turn_for(std::chrono::seconds{10});
    broker_.start();
    turn_for(std::chrono::seconds{10});
    EXPECT_FALSE(is_open());
}

// This hub has never heard of it: another one keeps the record's partition.
TEST_F(Kept, WhatAnotherHubHasKeptIsClosedByWhoTakesTheRecordIn) {
    store(unmatched(1));
    kept_.linked(kRecord, kEntity.entity);
    EXPECT_TRUE(is_open());
    kept_.awaited(kRecord);
    kept_.linked(kRecord, kEntity.entity);
    EXPECT_FALSE(is_open());
}

bool is_newer(const hub::ExceptionRecord& ours, const hub::ExceptionRecord& theirs) {
    return hub::KeptExceptions::is_newer(hub::encode(ours), hub::encode(theirs));
}

TEST(Newer, IsWhatKeepsALaterChange) {
    EXPECT_TRUE(is_newer(unmatched(2), unmatched(1)));
    EXPECT_FALSE(is_newer(unmatched(1), unmatched(2)));
    EXPECT_TRUE(is_newer(unmatched(1), unmatched(1)));
}

TEST(Newer, IsWhatIsDecidedOnceMoreByAPersonsWord) {
    hub::ExceptionRecord settled = unmatched(1);
    settled.status = hub::ExceptionStatus::kResolved;
    EXPECT_TRUE(is_newer(unmatched(1), settled));
    EXPECT_FALSE(is_newer(unmatched(1), [&] {
        settled.raw = wire::encode(change_of(2));
        return settled;
    }()));
}

TEST(Newer, IsWhatTakesThePlaceOfAnythingElse) {
    hub::ExceptionRecord other = unmatched(2);
    other.raw = "no change";
    EXPECT_TRUE(is_newer(unmatched(1), other));
    EXPECT_TRUE(hub::KeptExceptions::is_newer(hub::encode(unmatched(1)), "no exception"));
}

// ---- Compared with the states. ----------------------------------------------------------------

class Sweep : public ExceptionsAlone, hub::StateSweepHost {
protected:
    Sweep() {
        store(subjects::mark(kOnly), "there");
        sweep_.check_exceptions(kOnly, 0);  // The partition was taken.
        turn_for(std::chrono::seconds{1});
    }
    void tick() override { sweep_.tick(); }
    static hub::ExceptionRecord rejected(const char* entity) {
        return {.kind = std::string{exceptions::kRejected},
                .entity = {kItem, EntityId{entity}},
                .platform = kErp};
    }
    /// Whose exceptions are compared by the next look at what is new.
    std::vector<std::string> look() {
        compared_.clear();
        turn_for(options_.watch_interval * 2);
        sweep_.check_new_exceptions({kOnly});
        turn_for(std::chrono::seconds{1});
        return compared_;
    }

    bool warm(std::uint64_t, std::string_view) override { return true; }
    void recheck(const EntityKey& entity, hub::Recheck, std::uint64_t sweep) override {
        compared_.push_back(entity.entity.text);
        sweep_.rechecked(sweep);
    }
    void on_kept(const hub::ExceptionRecord& exception) override {
        compared_.push_back(exception.record);
    }
    void reconsider(const hub::EntityState&, std::uint64_t, std::uint64_t) override {
        ADD_FAILURE();
    }
    void on_look_begins(Partition) override { ADD_FAILURE(); }
    void look(Partition, const hub::EntityState&) override { ADD_FAILURE(); }
    void on_looked_through(Partition) override { ADD_FAILURE(); }
    void on_reconsidered(Partition, std::uint64_t, std::uint64_t) override { ADD_FAILURE(); }
    void on_healed(Partition, std::uint64_t) override { ++healed_; }
    [[nodiscard]] std::uint64_t fence_of(Partition) const override { return 1; }
    [[nodiscard]] bool doubts_links() const override { return false; }

    std::vector<std::string> compared_;
    std::size_t healed_ = 0;
    hub::StateSweep sweep_{link_, watch_, effects_, 1, *this};
};

using Names = std::vector<std::string>;

TEST_F(Sweep, WhatIsNewIsComparedOnce) {
    store(rejected("one"));
    store(rejected("two"));
    EXPECT_EQ(look(), (Names{"one", "two"}));
    EXPECT_EQ(look(), Names{});
    hub::ExceptionRecord closed = rejected("one");
    closed.status = hub::ExceptionStatus::kResolved;
    store(closed);
    store(unmatched(1));
    EXPECT_EQ(look(), (Names{"one", "r1"}));
    EXPECT_EQ(look(), Names{});
}

// What is erased before it is read is not waited for.
TEST_F(Sweep, APassThatFindsNothingComesToItsEnd) {
    store(rejected("one"));
    turn_for(options_.watch_interval * 2);
    const auto erase = nats::api::erase_message(subjects::kStreamExceptions, 1);
    broker_.publish_core(erase.subject, erase.body);
    sweep_.heal(kOnly, 1);
    turn_for(std::chrono::seconds{1});
    EXPECT_EQ(compared_, Names{});
    EXPECT_EQ(healed_, 1U);
}

}  // namespace
}  // namespace syncline::sim
