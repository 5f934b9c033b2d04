#include "hub/ctl/reconciled.h"

#include <algorithm>

#include "hub/ctl/text.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

void add_counts(auto& sum, const auto& counts) {
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += counts[i];
}

void add(ReconciledView& view, const hub::Reconciliation& one,
         const hub::ReconciledObject& object) {
    view.requests.insert(one.request);
    // Of the run before, until this partition has its result of the newest one.
    if (one.compared_at.ns == 0 || one.request != *view.requests.rbegin()) return;
    ++view.partitions;
    view.began_at = one.began_at;
    view.compared_at = std::max(view.compared_at, one.compared_at);
    view.sum.records += object.records;
    view.sum.known += object.known;
    view.sum.unlinked += object.unlinked;
    view.sum.buckets += object.buckets;
    view.sum.differing += object.differing;
    add_counts(view.sum.found, object.found);
    add_counts(view.sum.agreements, object.agreements);
    for (const Drift& drift : object.drifts) view.drifts.emplace_back(one.partition, drift);
    for (const FieldName& field : object.unseen) {
        const bool known = std::ranges::find(view.sum.unseen, field) != view.sum.unseen.end();
        if (!known) view.sum.unseen.push_back(field);
    }
    if (object.differing > 0) view.differing.insert(one.partition);
}

}  // namespace

std::vector<ReconciledView> gather(const std::vector<hub::Reconciliation>& all,
                                   std::uint16_t partitions) {
    std::map<PlatformId, ReconcileRequest> newest;
    std::map<PlatformId, std::uint64_t> told;
    for (const hub::Reconciliation& one : all) {
        ++told[one.platform];
        newest[one.platform] = std::max(newest[one.platform], one.request);
    }
    std::map<std::pair<ObjectName, PlatformId>, ReconciledView> views;
    std::map<std::pair<ObjectName, PlatformId>, std::uint64_t> proven;
    for (const hub::Reconciliation& one : all) {
        for (const hub::ReconciledObject& object : one.objects) {
            const std::pair key{object.object, one.platform};
            ReconciledView& view = views[key];
            view.platform = one.platform;
            view.object = object.object;
            view.requests.insert(newest[one.platform]);
            const Timestamp through = object.verified_through;
            Timestamp& least = view.sum.verified_through;
            least = proven[key]++ == 0 ? through : std::min(least, through);
            add(view, one, object);
        }
    }
    std::vector<ReconciledView> out;
    for (auto& [key, view] : views) {
        // A partition in which the object does not occur has nothing to say of it.
        if (told[view.platform] < partitions) view.sum.verified_through = {};
        out.push_back(std::move(view));
    }
    return out;
}

std::vector<VerifiedPair> pairs_of(const std::vector<ReconciledView>& views) {
    std::vector<VerifiedPair> pairs;
    for (auto one = views.begin(); one != views.end(); ++one) {
        for (auto other = one + 1; other != views.end(); ++other) {
            if (one->object != other->object) continue;
            pairs.push_back({one->object, one->platform, other->platform,
                             std::min(one->sum.verified_through, other->sum.verified_through)});
        }
    }
    return pairs;
}

Result<std::vector<hub::Reconciliation>> read_reconciliations(Session& session,
                                                              std::vector<std::string>& damaged) {
    nats::ConsumeSpec spec;
    spec.stream = subjects::kStreamState;
    spec.filters = {subjects::all_reconciliations()};
    spec.last_per_subject = true;
    const auto stored = session.read_all(std::move(spec));
    if (!stored) return fail(stored.error());
    std::vector<hub::Reconciliation> out;
    for (const nats::StoredMessage& message : *stored) {
        if (message.deleted) continue;
        auto one = hub::decode_reconciliation(message.body);
        if (one) {
            out.push_back(*std::move(one));
        } else {
            damaged.push_back(message.subject + ": " + one.error().what);
        }
    }
    return out;
}

void show_pairs(Output& out, const std::vector<ReconciledView>& views) {
    Value::List list;
    Table table{{"OBJECT", "BETWEEN", "VERIFIED THROUGH"}, {}};
    for (const VerifiedPair& pair : pairs_of(views)) {
        const bool never = pair.through.ns == 0;
        table.rows.push_back(
            {pair.object.text, pair.one.text + " - " + pair.other.text,
             never ? Cell{"never", Style::kRed} : Cell{time_text(pair.through), Style::kGreen}});
        list.push_back(Value::Map{{"object", pair.object.text},
                                  {"platforms", Value::List{pair.one.text, pair.other.text}},
                                  {"verified_through", never ? Value{} : Value{pair.through}}});
    }
    if (!table.rows.empty()) {
        out.heading("Proven equal");
        out.table(table);
    }
    out.set("pairs", std::move(list));
}

}  // namespace syncline::ctl
