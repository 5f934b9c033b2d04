#include "hub/core/reconciliation.h"

#include <algorithm>
#include <span>

#include "hub/core/codec_parts.h"
#include "hub/core/sorted_walk.h"
#include "shared/wire/drift_codec.h"
#include "shared/wire/limits.h"
#include "shared/wire/reader.h"
#include "shared/wire/writer.h"

namespace syncline::hub {
namespace {

using wire::Decoder;
using wire::key_bits;
using wire::Node;
using wire::Writer;

/// Is every field that the platform has as it should be? Else: does something hold it back?
Agreement agreement_of_fields(const Binding& binding, const EntityState& state,
                              const RecordState& record) {
    Agreement agreement = Agreement::kAgreed;
    SortedWalk canonical{state.canonical};
    SortedWalk mirror{record.mirror};
    for (const FieldName& name : binding.fields) {
        const CanonicalField* agreed = canonical.find(name);
        if (agreed == nullptr) continue;  // Nobody has said anything of it yet.
        const Fields::Entry* held = mirror.find(name);
        const bool same = held == nullptr ? agreed->value.is_null() : held->second == agreed->value;
        if (same || record.stands_for(name, agreed->value)) continue;
        const bool left = record.holds(name) || std::ranges::binary_search(binding.read_only, name);
        if (!left) return Agreement::kWaiting;
        agreement = Agreement::kLeft;
    }
    return agreement;
}

/// Records told of later than an inventory was made, of one bucket: more are not tried out.
constexpr std::size_t kUnsureMost = 12;

/// The entity's records that are there, also those beside the one that stands for it, and those
/// that are gone: take(id, revision, there).
void for_each_record(const RecordState& record, const auto& take) {
    if (record.presence == Presence::kPresent && record.record) {
        take(*record.record, record.rev, /*there=*/true);
    }
    for (const OtherRecord& other : record.others) {
        take(other.record, other.rev, other.standing != OtherRecord::Standing::kGone);
    }
}

/// Is `sum` made of some of the hashes?
bool is_sum_of_some(std::uint64_t sum, std::span<const std::uint64_t> hashes) {
    if (sum == 0) return true;
    if (hashes.empty()) return false;
    return is_sum_of_some(sum, hashes.subspan(1)) ||
           is_sum_of_some(sum - hashes.front(), hashes.subspan(1));
}

void write_object(Writer& out, const ReconciledObject& object) {
    out.map(object.unseen.empty() ? 10 : 11);
    out.field(0, object.object.text);
    out.field(1, object.records);
    out.field(2, object.known);
    wire::write_counts(out, 3, object.found);
    wire::write_counts(out, 4, object.agreements);
    wire::write_drifts(out, 5, object.drifts);
    out.field(6, object.buckets);
    out.field(7, object.differing);
    out.field(8, object.verified_through);
    out.field(9, object.unlinked);
    if (!object.unseen.empty()) wire::write_fields(out, 10, object.unseen);
}

ReconciledObject read_object(Decoder& in, const Node& node) {
    ReconciledObject object;
    in.map(node, key_bits(0, 1, 2, 8), [&](int key, const Node& value) {
        switch (key) {
            case 0: object.object.text = in.id(value); break;
            case 1: object.records = in.unsigned64(value); break;
            case 2: object.known = in.unsigned64(value); break;
            case 3: wire::read_counts(in, value, object.found); break;
            case 4: wire::read_counts(in, value, object.agreements); break;
            case 5: wire::read_drifts(in, value, object.drifts); break;
            case 6: object.buckets = in.unsigned64(value); break;
            case 7: object.differing = in.unsigned64(value); break;
            case 8: object.verified_through.ns = in.signed64(value); break;
            case 9: object.unlinked = in.unsigned64(value); break;
            case 10: wire::read_fields(in, value, object.unseen); break;
            default: break;
        }
    });
    return object;
}

}  // namespace

const char* name_of(Agreement agreement) {
    static constexpr const char* kNames[kAgreements] = {"agreed", "left", "waiting", "open"};
    return kNames[static_cast<std::size_t>(agreement)];
}

Agreement agreement_of(const ObjectSpec& object, const EntityState& state,
                       const RecordState& record, Timestamp through) {
    const bool open = std::ranges::any_of(state.exceptions, [&](const OpenException& exception) {
        return exception.platform == record.platform && exception.since <= through;
    });
    if (open) return Agreement::kOpen;
    if (record.pending) {
        return record.pending->decided_at <= through ? Agreement::kWaiting : Agreement::kAgreed;
    }
    const Binding* binding = object.binding(record.platform);
    if (binding == nullptr || record.presence != Presence::kPresent) return Agreement::kAgreed;
    if (state.deleted) return Agreement::kLeft;
    return agreement_of_fields(*binding, state, record);
}

std::string encode(const Reconciliation& reconciliation) {
    Writer out{1024};
    out.map(8 + present(!reconciliation.inventory.empty()));
    out.field(0, wire::kWireVersion);
    out.field(1, reconciliation.platform.text);
    out.field(2, std::uint64_t{reconciliation.partition.value});
    out.field(3, to_text(reconciliation.request));
    out.field(4, reconciliation.began_at);
    out.field(5, reconciliation.read_at);
    out.field(6, reconciliation.compared_at);
    out.key(7);
    out.array(size_of(reconciliation.objects));
    for (const ReconciledObject& object : reconciliation.objects) write_object(out, object);
    if (!reconciliation.inventory.empty()) {
        out.key(8);
        out.bytes(reconciliation.inventory);
    }
    return out.take();
}

Result<Reconciliation> decode_reconciliation(std::string_view body) {
    Reconciliation out;
    auto read = [&](Decoder& in, int key, const Node& node) {
        switch (key) {
            case 1: out.platform.text = in.id(node); break;
            case 2: out.partition = in.partition(node); break;
            case 3: {
                const auto request = parse_reconcile_request(in.text(node, wire::kIdBytesMax));
                if (!request) return in.problem(node, "is no request to reconcile");
                out.request = *request;
                break;
            }
            case 4: out.began_at.ns = in.signed64(node); break;
            case 5: out.read_at.ns = in.signed64(node); break;
            case 6: out.compared_at.ns = in.signed64(node); break;
            case 7:
                in.array(node,
                         [&](const Node& item) { out.objects.push_back(read_object(in, item)); });
                break;
            case 8: out.inventory = in.bytes(node, wire::kBodyBytesMax); break;
            default: break;
        }
    };
    auto done = wire::decode_message(body, "reconciliation", key_bits(1, 2, 3, 4, 5, 6, 7), read);
    if (!done) return fail(std::move(done.error()));
    return out;
}

// ---- What the hub knows. ------------------------------------------------------------------------

Collection::Collection(const Inventory& inventory, std::vector<Retell::Object> differing) {
    retell_.platform = inventory.platform;
    retell_.partition = inventory.number.partition;
    retell_.request = inventory.request;
    retell_.objects = std::move(differing);
}

void Collection::add(const EntityState& state) {
    const RecordState* record = state.record(retell_.platform);
    const auto object =
        std::ranges::find(retell_.objects, state.key.object, &Retell::Object::object);
    if (record == nullptr || object == retell_.objects.end()) return;
    for_each_record(*record, [&](const RecordId& id, const Revision&, bool there) {
        if (there) add(*object, id);
    });
}

void Collection::add(Retell::Object& object, const RecordId& id) {
    const std::uint64_t bucket = BucketSums::bucket_of(id, object.buckets);
    const auto at = std::ranges::lower_bound(object.differing, bucket);
    if (at == object.differing.end() || *at != bucket) return;
    object.known.push_back(id);
    if (++records_ <= Retell::kRecordsMost) return;
    // Too much for one message: the bucket waits for the next run.
    object.differing.erase(at);
    records_ -= std::erase_if(object.known, [&](const RecordId& known) {
        return BucketSums::bucket_of(known, object.buckets) == bucket;
    });
}

// ---- Comparison. --------------------------------------------------------------------------------

Comparison::Comparison(Inventory inventory) : inventory_(std::move(inventory)) {
    for (const Inventory::Object& object : inventory_.objects) {
        Known& known = known_[object.object];
        known.sums = BucketSums{object.sums.sums().size()};
        // What follows from what was found began after the run and is about what was before it.
        const bool drifted =
            std::ranges::any_of(object.found, [](auto count) { return count > 0; });
        known.through = drifted ? Timestamp{INT64_MAX} : inventory_.began_at;
    }
}

void Comparison::add(const Policy& policy, const EntityState& state) {
    const RecordState* record = state.record(inventory_.platform);
    const ObjectSpec* object = policy.object(state.key.object);
    if (record == nullptr || object == nullptr) return;
    // Of an object that the inventory does not name the agent has nothing; the hub may.
    const auto [at_object, is_new] = known_.try_emplace(state.key.object);
    Known& known = at_object->second;
    if (is_new) known.through = inventory_.began_at;

    const std::size_t buckets = known.sums.sums().size();
    const Revision last{inventory_.number.seq.epoch, inventory_.revisions};
    for_each_record(*record, [&](const RecordId& id, const Revision& rev, bool there) {
        if (there) ++known.records;
        if (rev > last) {
            known.unsure[BucketSums::bucket_of(id, buckets)].push_back(BucketSums::hash_of(id));
        } else if (there) {
            known.sums.add(id);
        }
    });
    const Agreement agreement = agreement_of(*object, state, *record, known.through);
    ++known.agreements[static_cast<std::size_t>(agreement)];
}

Reconciliation Comparison::result(const Reconciliation& before, Timestamp now) const {
    Reconciliation out;
    out.platform = inventory_.platform;
    out.partition = inventory_.number.partition;
    out.request = inventory_.request;
    out.began_at = inventory_.began_at;
    out.read_at = inventory_.read_at;
    out.compared_at = now;
    for (const auto& [name, known] : known_) {
        const auto last = std::ranges::find(before.objects, name, &ReconciledObject::object);
        out.objects.push_back(
            result_of(told_of(name), known,
                      last == before.objects.end() ? Timestamp{} : last->verified_through));
    }
    return out;
}

std::vector<Retell::Object> Comparison::differing() const {
    std::vector<Retell::Object> out;
    for (const auto& [name, known] : known_) {
        const Inventory::Object told = told_of(name);
        auto buckets = differing(told, known);
        if (!buckets.empty()) {
            out.push_back({name, told.sums.sums().size(), std::move(buckets), {}});
        }
    }
    return out;
}

std::vector<std::uint64_t> Comparison::differing(const Inventory::Object& told,
                                                 const Known& known) {
    std::vector<std::uint64_t> out;
    for (std::size_t i = 0; i < told.sums.sums().size(); ++i) {
        const std::uint64_t rest = told.sums.sums()[i] - known.sums.sums()[i];
        if (rest == 0) continue;
        const auto unsure = known.unsure.find(i);
        const bool same = unsure != known.unsure.end() && unsure->second.size() <= kUnsureMost &&
                          is_sum_of_some(rest, unsure->second);
        if (!same) out.push_back(i);
    }
    return out;
}

/// Nothing, if the agent has said nothing of the object.
Inventory::Object Comparison::told_of(const ObjectName& name) const {
    const auto told = std::ranges::find(inventory_.objects, name, &Inventory::Object::object);
    if (told != inventory_.objects.end()) return *told;
    Inventory::Object nothing;
    nothing.object = name;
    return nothing;
}

ReconciledObject Comparison::result_of(const Inventory::Object& told, const Known& known,
                                       Timestamp before) const {
    ReconciledObject out;
    out.object = told.object;
    out.records = told.records;
    out.known = known.records;
    out.unlinked = told.unlinked;
    out.found = told.found;
    out.drifts = told.drifts;
    out.unseen = told.unseen;
    out.agreements = known.agreements;
    out.buckets = known.sums.sums().size();
    out.differing = differing(told, known).size();
    const std::uint64_t found = out.count(DriftKind::kDifferent) + out.count(DriftKind::kMissing) +
                                out.count(DriftKind::kExtra);
    // What was found and only reported is not in; what was found and told is.
    const bool reported = inventory_.request.mode == ReconcileMode::kReport && found > 0;
    const bool proven = out.differing == 0 && !reported && out.unlinked == 0 && told.held == 0 &&
                        out.unseen.empty() && out.count(DriftKind::kUnreadable) == 0 &&
                        out.count(Agreement::kWaiting) == 0 && out.count(Agreement::kOpen) == 0;
    out.verified_through = proven ? std::max(before, inventory_.began_at) : before;
    return out;
}

}  // namespace syncline::hub
