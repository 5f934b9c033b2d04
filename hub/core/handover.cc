#include "hub/core/handover.h"

#include <algorithm>
#include <tuple>
#include <utility>

#include "hub/core/decide.h"
#include "hub/core/upcast.h"
#include "hub/core/work.h"
#include "shared/wire/codec.h"

// Which records are an entity's, where a person says so: merged, unmerged, linked, unlinked. The
// entity that has them gives them away (Handover) and remembers that until the other one has stored
// that it took them over.

namespace syncline::hub {
namespace {

using Standing = OtherRecord::Standing;

/// So many that have arrived are remembered, as their operations may come again.
constexpr std::size_t kArrivedMost = 8;

std::string by(const Operation& operation) {
    return (operation.actor.empty() ? "?" : operation.actor) +
           (operation.reason.empty() ? "" : ": " + operation.reason);
}

std::string name_of(const PlatformId& platform, const RecordId& record) {
    return platform.text + " record " + record.text;
}

// ---- Giving. ----------------------------------------------------------------------------------

GivenRecord standing_record(const EntityState& state, const RecordState& record) {
    GivenRecord given{.platform = record.platform, .record = *record.record, .rev = record.rev};
    for (const CanonicalField& field : state.canonical) {
        if (field.from.platform == record.platform) given.at = std::max(given.at, field.from.at);
    }
    for (const auto& [name, value] : record.mirror) {
        const CanonicalField* agreed = state.find(name);
        const bool commanded =
            agreed != nullptr && agreed->value == value && agreed->from.platform != record.platform;
        (commanded ? given.commanded : given.told).set(name, value);
    }
    return given;
}

GivenRecord other_given(const PlatformId& platform, const OtherRecord& other) {
    return {platform, other.record, other.rev, other.at, other.fields, {}, other.standing};
}

auto find_there(RecordState& record, const RecordId& id) {
    return std::ranges::find_if(record.others, [&](const OtherRecord& other) {
        return other.record == id && other.standing != Standing::kGone;
    });
}

/// Nothing is known any more of the record that stood for the entity.
void let_go(Work& work, RecordState& record, Presence presence) {
    close_about_former(work, record);
    close_exception(work, exceptions::kInDoubt, record.platform);
    close_exception(work, exceptions::kDeleteReview, record.platform);
    record.presence = presence;
    record.record.reset();
    record.pending.reset();
    record.mirror.clear();
    record.forms.clear();
    record.held.clear();
    record.left.clear();
    record.attempts.clear();
    record.instead.clear();
    record.blocked = false;
}

/// Gives the record away. If it stood for the entity another one that the platform has does so from
/// now on; if it has none, the platform's `presence` is this. Nothing: it is not the entity's.
std::optional<GivenRecord> give(Work& work, const PlatformId& platform, const RecordId& id,
                                Presence presence) {
    if (work.state.record(platform) == nullptr) return std::nullopt;
    RecordState& record = work.state.record_or_new(platform);
    const auto other = find_there(record, id);
    if (other != record.others.end()) {
        GivenRecord given = other_given(platform, *other);
        record.others.erase(other);
        report_others(work, record);
        return given;
    }
    if (record.presence != Presence::kPresent || record.record != id) return std::nullopt;
    GivenRecord given = standing_record(work.state, record);
    let_go(work, record, presence);
    const auto heir = std::ranges::find(record.others, Standing::kOpen, &OtherRecord::standing);
    if (heir != record.others.end()) succeed(work, record, OtherRecord{*heir});
    return given;
}

/// All of its records.
std::vector<GivenRecord> give_all(Work& work) {
    std::vector<GivenRecord> all;
    for (RecordState& record : work.state.records) {
        if (record.presence == Presence::kPresent && record.record) {
            all.push_back(standing_record(work.state, record));
        }
        for (const OtherRecord& other : record.others) {
            if (other.standing != Standing::kGone) {
                all.push_back(other_given(record.platform, other));
            }
        }
        std::erase_if(record.others,
                      [](const OtherRecord& other) { return other.standing != Standing::kGone; });
        let_go(work, record, Presence::kUnlinked);
    }
    const std::vector<OpenException> open = work.state.exceptions;
    for (const OpenException& one : open) close_exception(work, one.kind, one.platform);
    work.state.proposals.clear();
    return all;
}

auto find_taken_in(EntityState& state, const EntityId& entity) {
    return std::ranges::find(state.taken_in, entity, &TakenIn::entity);
}

std::string why_not(Work& work, const Operation& operation) {
    EntityState& state = work.state;
    const std::string other = state.key.object.text + " " + operation.other.text;
    const std::string record = name_of(operation.platform, operation.record);
    if (state.is_merged()) return "it is merged into " + state.merged_into.text;
    if (state.is_unknown()) return "nothing is known of it";
    if (state.deleted) return "it is deleted";
    switch (operation.kind) {
        case OperationKind::kMerge:
        case OperationKind::kLink:
            if (operation.other.empty()) return "the other entity is not named";
            if (operation.other == state.key.entity) return "it is the same entity";
            break;
        case OperationKind::kUnmerge: {
            const bool known = find_taken_in(state, operation.other) != state.taken_in.end();
            return known ? "" : other + " was not merged into it";
        }
        default: break;
    }
    if (operation.kind == OperationKind::kMerge) return {};
    if (!has_record(state, operation.platform, operation.record)) return record + " is not its";
    if (operation.kind == OperationKind::kLink) return {};
    const Binding* binding = work.object.binding(operation.platform);
    if (binding == nullptr || !binding->founds) {
        return "the policy does not let records of " + operation.platform.text +
               " found an entity; link it to the one whose it is instead";
    }
    return {};
}

/// What the merge made of canonical values is undone where nothing has come since.
void restore(Work& work, const TakenIn& taken, const Operation& operation) {
    for (const TakenIn::Field& field : taken.fields) {
        const CanonicalField* now = work.state.find(field.name);
        const FieldSpec* spec = work.object.field(field.name);
        if (now == nullptr || spec == nullptr || !(now->value == field.after)) continue;
        if (field.before.is_null() && spec->required) continue;
        Provenance from = field.from;
        if (field.before.is_null()) from = {{}, {}, operation.at};
        decide_by_person(work, field.name, field.before, std::move(from), operation);
    }
}

/// What was taken in stood where a create had been in doubt, which nobody has settled.
void doubt_again(Work& work, RecordState& record) {
    if (record.presence != Presence::kAbsent) return;
    record.blocked = true;
    open_exception(work, exceptions::kInDoubt, record,
                   "whether a create from before the merge made a record is still not known. Look "
                   "for it by hand",
                   {});
}

Handover unmerge(Work& work, const Operation& operation) {
    const auto at = find_taken_in(work.state, operation.other);
    const TakenIn taken = *at;
    work.state.taken_in.erase(at);
    Handover handover{operation.id, operation.other, Handover::Why::kUnmerged, by(operation),
                      {},           taken.id};
    for (const auto& [platform, record, before, doubt] : taken.records) {
        auto given = give(work, platform, record, before);
        if (given) handover.records.push_back(*std::move(given));
        if (given && doubt) doubt_again(work, work.state.record_or_new(platform));
    }
    restore(work, taken, operation);
    return handover;
}

/// The id of the entity that the record is from now on; no other operation makes the same.
EntityId parted_entity(const Work& work, const Operation& operation) {
    return founded_entity({operation.platform, work.state.key.object,
                           RecordId{operation.record.text + "\n" + operation.id}});
}

/// What leaves the entity by the operation, which is known to make sense.
Handover handed(Work& work, const Operation& operation) {
    using Why = Handover::Why;
    if (operation.kind == OperationKind::kUnmerge) return unmerge(work, operation);
    // An entity without any record would be nobody's.
    const bool all =
        operation.kind == OperationKind::kMerge ||
        (operation.kind == OperationKind::kLink && all_records(work.state).size() == 1);
    if (all) {
        Handover handover{operation.id, operation.other, Why::kMerged, by(operation),
                          give_all(work)};
        work.state.merged_into = operation.other;
        return handover;
    }
    const bool linked = operation.kind == OperationKind::kLink;
    const EntityId to = linked ? operation.other : parted_entity(work, operation);
    Handover handover{operation.id, to, Why::kMoved, by(operation), {}};
    // The platform is not to be told to make what it has, as another entity's or under no match.
    handover.records.push_back(
        *give(work, operation.platform, operation.record, Presence::kUnlinked));
    return handover;
}

std::string told(const EntityState& state, const Handover& handover) {
    const std::string to = state.key.object.text + " " + handover.to.text;
    if (handover.why == Handover::Why::kMerged) return "merged into " + to;
    if (handover.why == Handover::Why::kUnmerged) return to + " is an entity of its own again";
    const GivenRecord& given = handover.records.front();
    return name_of(given.platform, given.record) + " given to " + to;
}

// ---- Taking. ----------------------------------------------------------------------------------

bool is_foreign(const Work& work, const GivenRecord& given) {
    const RecordKey key{given.platform, work.state.key.object, given.record};
    const auto& foreign = work.context.foreign_records;
    return std::ranges::find(foreign, key) != foreign.end();
}

/// Is what we once wrote there the platform's word all the same? It is if the platform owns the
/// field, or nobody else has a value for it.
bool counts(const Work& work, const PlatformId& platform, const FieldName& field,
            const Fields& view) {
    if (work.state.find(field) == nullptr) return true;
    const OwnershipRule* rule = work.object.rule(field, view);
    return rule != nullptr && rule->resolution == Resolution::kOwner && rule->owner == platform;
}

/// Takes the record in. Nothing: there is nothing new in it.
std::optional<TakenIn::Record> take(Work& work, const GivenRecord& given) {
    RecordState& record = work.state.record_or_new(given.platform);
    const bool stands = record.presence == Presence::kPresent && record.record;
    const bool same = stands && record.record == given.record;
    const bool known = same || record.seen_of(given.record) >= given.rev;
    // If it comes to stand later, it takes the place of one that is gone.
    const bool doubt =
        !stands && find_exception(work, exceptions::kInDoubt, given.platform) != nullptr;
    const TakenIn::Record taken{given.platform, given.record,
                                stands ? Presence::kUnlinked : record.presence, doubt};
    if (known && given.rev != Revision{}) {
        work.replayed = true;
        return has_record(work.state, given.platform, given.record) ? std::optional{taken}
                                                                    : std::nullopt;
    }
    Fields commanded = given.commanded;
    upcast(work.object, commanded);
    Fields all = commanded;
    for (const auto& [name, value] : given.told) all.set(name, value);
    if (stands) {
        work.links.push_back({given.platform, work.state.key.object, given.record});
        other_record(work, record, {given.record, given.rev, given.at, all, given.standing});
        return taken;
    }
    record.rev = given.rev;
    mark_present(work, record, given.record);
    Fields told = given.told;
    const Fields view = seen_by_conditions(work.state, all);
    for (const auto& [name, value] : commanded) {
        (counts(work, given.platform, name, view) ? told : record.mirror).set(name, value);
    }
    take_fields(work, record, told, {given.platform, given.rev, given.at}, {});
    return taken;
}

/// Also if that is undone by now: the entity that gave goes on telling until it knows.
bool has_taken_in(const EntityState& state, const std::string& operation) {
    return std::ranges::count(state.taken_in, operation, &TakenIn::id) > 0 ||
           std::ranges::count(state.handovers, operation, &Handover::undoes) > 0;
}

std::vector<TakenIn::Field> difference(const std::vector<CanonicalField>& before,
                                       const std::vector<CanonicalField>& after) {
    std::vector<TakenIn::Field> out;
    for (const CanonicalField& now : after) {
        const auto was = std::ranges::find(before, now.name, &CanonicalField::name);
        if (was == before.end()) {
            out.push_back({now.name, now.value, {}, {}});
        } else if (!(was->value == now.value)) {
            out.push_back({now.name, now.value, was->value, was->from});
        }
    }
    return out;
}

/// A merged entity that gets records lives again.
void revive(Work& work, const Takeover& takeover) {
    if (!work.state.is_merged()) return;
    const bool home = takeover.from == work.state.key;
    work.note(home ? "not merged into " + work.state.merged_into.text +
                         ": that was merged into this one meanwhile"
                   : "no longer merged into " + work.state.merged_into.text);
    work.state.merged_into = {};
}

/// A record that is nobody's becomes this entity's.
void link_stray(Work& work, const Operation& operation) {
    const auto change = wire::decode_change(operation.change);
    const RecordKey wanted{operation.platform, work.state.key.object, operation.record};
    std::string refused;
    if (!change || change->key != wanted) refused = "what was told of it cannot be read";
    if (work.state.is_unknown()) refused = "nothing is known of the entity";
    if (work.state.deleted) refused = "the entity is deleted";
    if (work.state.is_merged()) refused = "it is merged into " + work.state.merged_into.text;
    const std::string record = name_of(operation.platform, operation.record);
    const std::string who = " by " + by(operation);
    const auto refuse = [&](const std::string& why) {
        work.refuse(operation, record + " not linked" + who + ": " + why);
    };
    if (!refused.empty()) return refuse(refused);
    const GivenRecord given{.platform = operation.platform,
                            .record = operation.record,
                            .rev = change->rev,
                            .at = change->changed_at.ns != 0 ? change->changed_at : change->seen_at,
                            .told = change->fields};
    if (is_foreign(work, given)) return refuse("it is another entity's by now");
    if (!take(work, given) || work.replayed) return;
    work.note(record + " linked" + who);
}

}  // namespace

std::vector<RecordName> all_records(const EntityState& state) {
    std::vector<RecordName> all;
    for (const RecordState& record : state.records) {
        if (record.presence == Presence::kPresent && record.record) {
            all.emplace_back(record.platform, *record.record);
        }
        for (const OtherRecord& other : record.others) {
            if (other.standing != Standing::kGone) all.emplace_back(record.platform, other.record);
        }
    }
    return all;
}

bool has_record(const EntityState& state, const PlatformId& platform, const RecordId& id) {
    return std::ranges::count(all_records(state), RecordName{platform, id}) > 0;
}

void disown(Work& work, const std::vector<RecordKey>& records) {
    for (const RecordKey& foreign : records) {
        if (!has_record(work.state, foreign.platform, foreign.record)) continue;
        std::ignore = give(work, foreign.platform, foreign.record, Presence::kUnlinked);
        work.note(name_of(foreign.platform, foreign.record) + " is another entity's");
    }
}

void claim_records(Work& work) {
    if (work.state.is_merged() || work.state.deleted) return;
    for (const auto& [platform, record] : all_records(work.state)) {
        work.links.push_back({platform, work.state.key.object, record});
    }
}

void hand_over_again(Work& work) {
    for (const Handover& handover : work.state.handovers) {
        if (!handover.records.empty()) work.handovers.push_back(handover);
    }
}

void take_identity_operation(Work& work, const Operation& operation) {
    // A person's word again: whoever decided it may have died before it arrived.
    const auto& handovers = work.state.handovers;
    const auto known = std::ranges::find(handovers, operation.id, &Handover::id);
    if (known != handovers.end()) {
        if (!known->records.empty()) work.handovers.push_back(*known);
        work.replayed = true;
        return;
    }
    if (operation.kind == OperationKind::kLink && !operation.change.empty()) {
        return link_stray(work, operation);
    }
    const std::string who = " by " + by(operation);
    if (const std::string refused = why_not(work, operation); !refused.empty()) {
        work.refuse(operation,
                    "no " + std::string{hub::name_of(operation.kind)} + who + ": " + refused);
        return;
    }
    work.actor = operation.actor.empty() ? "?" : operation.actor;
    work.doing =
        hub::name_of(operation.kind) + (operation.reason.empty() ? "" : ": " + operation.reason);
    Handover handover = handed(work, operation);
    work.actor.clear();
    work.doing.clear();
    work.note(told(work.state, handover) + who);
    if (!handover.records.empty()) work.handovers.push_back(handover);
    work.state.handovers.push_back(std::move(handover));
}

void take_over(Work& work, const Takeover& takeover) {
    const Handover& handover = takeover.handover;
    const bool merges = handover.why == Handover::Why::kMerged && takeover.from != work.state.key;
    if (merges && has_taken_in(work.state, handover.id)) {
        work.replayed = true;
        return;
    }
    revive(work, takeover);
    const std::vector<CanonicalField> before = work.state.canonical;
    TakenIn taken{takeover.from.entity, handover.id, {}, {}};
    for (const GivenRecord& given : handover.records) {
        if (is_foreign(work, given)) continue;
        if (auto record = take(work, given)) taken.records.push_back(*std::move(record));
    }
    if (!merges) {
        if (work.changed) {
            work.note("records of " + takeover.from.entity.text + " taken over" + " by " +
                      handover.by);
        }
        return;
    }
    taken.fields = difference(before, work.state.canonical);
    work.note(work.state.key.object.text + " " + takeover.from.entity.text + " taken in" + " by " +
              handover.by);
    work.state.taken_in.push_back(std::move(taken));
}

void take_handed_over(Work& work, const HandedOver& arrived) {
    auto& handovers = work.state.handovers;
    const auto at = std::ranges::find(handovers, arrived.id, &Handover::id);
    if (at == handovers.end() || at->records.empty()) return;
    at->records.clear();
    work.note("records arrived at " + work.state.key.object.text + " " + at->to.text);
    const auto is_done = [](const Handover& one) { return one.records.empty(); };
    const auto done = static_cast<std::size_t>(std::ranges::count_if(handovers, is_done));
    if (done > kArrivedMost) handovers.erase(std::ranges::find_if(handovers, is_done));
}

}  // namespace syncline::hub
