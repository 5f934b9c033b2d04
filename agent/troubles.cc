#include "agent/troubles.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <tuple>

#include "shared/base/json.h"
#include "shared/base/utf8.h"
#include "shared/model/hold.h"
#include "shared/wire/limits.h"
#include "shared/wire/subjects.h"
#include "shared/wire/trouble_codec.h"

namespace syncline::agent {
namespace {

constexpr Duration kLookEvery{std::chrono::seconds{5}};
/// What has changed of a trouble that the hub knows may wait.
constexpr Duration kTellChanged{std::chrono::minutes{1}};
/// What nothing can clear counts for so long.
constexpr Duration kRemembered{std::chrono::hours{24}};
constexpr std::size_t kReasonsRead = 50;
constexpr std::string_view kToldKey = "troubles";

std::string watch_key(const ObjectName& object) { return "watch." + object.text; }

/// "`Phone__c` (phone)", as the reasons of the mapping begin, and as people read it.
std::string name_of(const MappedObject::Field& field) {
    return "`" + field.path + "` (" + field.field.text + ")";
}
bool is_about(const std::string& reason, const MappedObject& object,
              const MappedObject::Field& field) {
    return reason.starts_with(object.object.text + "." + field.field.text + " (`" + field.path +
                              "`)");
}

std::string over(TroubleKind kind) {
    if (kind == TroubleKind::kRecords) return "all records can be used again";
    return "all mapped fields are there again; what changed in them meanwhile is found by: "
           "synclinectl reconcile run";
}

std::string cut_reason(const std::string& text) {
    return std::string{cut_utf8(text, wire::kReasonBytesMax)};
}

}  // namespace

Result<void> Troubles::start(bool is_new) {
    for (const MappedObject& object : p_.settings.objects) {
        std::vector<FieldName> fields;
        for (const MappedObject::Field& field : object.fields) {
            if (!field.optional) fields.push_back(field.field);
        }
        watches_.emplace(object.object, FieldWatch{fields, is_new});
    }
    return p_.store.transaction([&](Transaction& transaction) {
        for (auto& [object, watch] : watches_) {
            // What cannot be read is counted anew: it is no more than a memory.
            std::ignore = watch.take_up(transaction.text(watch_key(object)));
        }
        take_up(transaction.text(kToldKey));
    });
}

std::optional<Troubles::Sight> Troubles::sight(const Record& record) const {
    const auto watch = watches_.find(record.object);
    if (watch == watches_.end() || record.deleted || record.partial) return std::nullopt;
    return Sight{record.object, watch->second.sight(record.fields)};
}

void Troubles::saw(const std::vector<Sight>& sights) {
    for (const Sight& sight : sights) watches_.at(sight.object).add(sight.fields);
    if (!sights.empty()) is_news_ = true;
}

void Troubles::survey_begins() {
    for (auto& [object, watch] : watches_) watch.begin_survey();
}

void Troubles::surveyed(const std::vector<Record>& records) {
    for (const Record& record : records) {
        if (const auto seen = sight(record)) watches_.at(seen->object).survey(seen->fields);
    }
}

void Troubles::survey_ends() {
    for (auto& [object, watch] : watches_) is_news_ = watch.end_survey() || is_news_;
}

void Troubles::looked(const std::vector<Batch::Looked>& objects) {
    for (const Batch::Looked& one : objects) {
        const auto watch = watches_.find(one.object);
        if (watch != watches_.end() && watch->second.set_absent(one.absent)) is_news_ = true;
    }
}

std::vector<FieldName> Troubles::unseen(const ObjectName& object, bool read_whole) const {
    const auto watch = watches_.find(object);
    if (watch == watches_.end()) return {};
    std::vector<FieldName> fields = watch->second.absent();
    const std::vector<FieldName> missing = watch->second.missing(read_whole);
    fields.insert(fields.end(), missing.begin(), missing.end());
    return fields;
}

void Troubles::pump(bool read_whole) {
    if (p_.store.rejects() != rejects_) is_news_ = true;
    if (busy_ || !is_news_ || p_.environment.steady() < look_at_) return;
    if (p_.store.partitions() == 0 || p_.commits.blocked()) return;
    busy_ = true;
    is_news_ = false;
    rejects_ = p_.store.rejects();
    look_at_ = p_.environment.steady() + kLookEvery;
    auto looked = std::make_shared<Looked>();
    p_.commits.add([this, read_whole,
                    looked](Transaction& transaction) { *looked = look(transaction, read_whole); },
                   [this, looked] {
                       told_ = std::move(looked->told);
                       for (const std::string& note : looked->notes) {
                           p_.environment.note(NoteLevel::kWarning, note);
                       }
                       busy_ = retell_ = false;
                       remembers_ = true;
                   });
}

Duration Troubles::next_deadline() const {
    if (busy_ || p_.store.partitions() == 0 || p_.commits.blocked()) return kNever;
    return is_news_ ? look_at_ : kNever;
}

Troubles::Looked Troubles::look(Transaction& transaction, bool read_whole) {
    Looked looked{told_, {}};
    for (const MappedObject& object : p_.settings.objects) {
        compare(transaction, looked, {object.object, TroubleKind::kFields},
                missing_fields(object, read_whole));
        compare(transaction, looked, {object.object, TroubleKind::kRecords},
                unusable(transaction, object));
        transaction.set_text(watch_key(object.object), watches_.at(object.object).text());
    }
    for (const auto& [place, told] : told_) {
        if (!watches_.contains(place.first)) compare(transaction, looked, place, {});
    }
    const std::string text = text_of(looked.told);
    if (transaction.text(kToldKey) != text) transaction.set_text(kToldKey, text);
    return looked;
}

Troubles::Finding Troubles::missing_fields(const MappedObject& object, bool read_whole) const {
    const FieldWatch& watch = watches_.at(object.object);
    Finding finding;
    const auto take = [&](const std::vector<FieldName>& fields) {
        std::string names;
        for (const FieldName& name : fields) {
            const auto field = std::ranges::find(object.fields, name, &MappedObject::Field::field);
            names += (names.empty() ? "" : ", ") + name_of(*field);
            finding.fields.insert(name.text);
        }
        return names;
    };
    const std::string absent = take(watch.absent());
    const std::string missing = take(watch.missing(read_whole));
    finding.count = finding.fields.size();
    if (!absent.empty()) finding.reason = "the platform has no " + absent;
    if (!missing.empty()) {
        finding.reason +=
            (absent.empty() ? "" : "; ") + ("in the newest records there is no " + missing);
    }
    if (finding.count == 0) return finding;
    finding.reason =
        cut_reason(finding.reason + ": renamed, removed, or hidden from the agent's user");
    return finding;
}

Troubles::Finding Troubles::unusable(Transaction& transaction, const MappedObject& object) const {
    const Timestamp after = p_.environment.clock.now() - kRemembered;
    const RejectSummary summary = transaction.rejects_of(object.object, after, kReasonsRead);
    if (summary.count == 0) return {};
    Finding finding{.count = summary.count};
    std::string names;
    for (const MappedObject::Field& field : object.fields) {
        const bool named = std::ranges::any_of(summary.reasons, [&](const std::string& reason) {
            return is_about(reason, object, field);
        });
        if (!named) continue;
        names += (names.empty() ? " because of " : ", ") + name_of(field);
        finding.fields.insert(field.field.text);
    }
    const bool one = summary.count == 1;
    finding.reason =
        cut_reason(std::to_string(summary.count) + (one ? " record" : " records") +
                   " cannot be used" + names + "; the agent's log says which, and why");
    return finding;
}

void Troubles::compare(Transaction& transaction, Looked& looked, const Place& place,
                       Finding finding) {
    const auto at = looked.told.find(place);
    const Duration now = p_.environment.steady();
    const Timestamp clock = p_.environment.clock.now();
    if (at == looked.told.end()) {
        // A store that is new does not know what the one before has told.
        if (finding.reason.empty() && !remembers_) tell(transaction, place, clock, {});
        if (finding.reason.empty()) return;
        tell(transaction, place, clock, finding.reason);
        looked.notes.push_back(place.first.text + ": " + finding.reason);
        looked.told.emplace(place, Told{clock, std::move(finding), now});
        return;
    }
    Told& told = at->second;
    const bool is_same = told.finding.reason == finding.reason;
    if (is_same && !retell_) return;
    if (!finding.reason.empty() && !retell_ && now < told.at + kTellChanged) {
        is_news_ = true;  // Again when it may be told.
        return;
    }
    // What has grown is another trouble: a person may have settled the one before.
    const bool grew = finding.count > told.finding.count ||
                      !std::ranges::includes(told.finding.fields, finding.fields);
    if (grew) told.since = clock;
    if (!is_same) {
        looked.notes.push_back(place.first.text + ": " +
                               (finding.reason.empty() ? over(place.second) : finding.reason));
    }
    tell(transaction, place, told.since, finding.reason);
    told.finding = std::move(finding);
    told.at = now;
    if (told.finding.reason.empty()) looked.told.erase(at);
}

void Troubles::tell(Transaction& transaction, const Place& place, Timestamp since,
                    const std::string& reason) {
    const Partition partition = entity_partition(lane_entity(place.first), p_.store.partitions());
    const Trouble trouble{.platform = p_.store.platform(),
                          .number = transaction.next_number(partition),
                          .object = place.first,
                          .kind = place.second,
                          .since = since,
                          .reason = reason};
    transaction.append(partition,
                       subjects::trouble(trouble.platform, partition, place.first, place.second),
                       wire::encode(trouble), p_.environment.clock.now());
}

// ---- What the store remembers -----------------------------------------------------------------

std::string Troubles::text_of(const std::map<Place, Told>& told) {
    Value::List list;
    for (const auto& [place, one] : told) {
        Value::List fields{one.finding.fields.begin(), one.finding.fields.end()};
        list.emplace_back(Value::Map{{"object", place.first.text},
                                     {"kind", syncline::name_of(place.second)},
                                     {"since", one.since.ns},
                                     {"count", static_cast<std::int64_t>(one.finding.count)},
                                     {"fields", std::move(fields)},
                                     {"reason", one.finding.reason}});
    }
    return to_json(Value{std::move(list)});
}

void Troubles::take_up(std::string_view text) {
    const auto read = parse_json(text);
    const auto* list = read ? read->get<Value::List>() : nullptr;
    remembers_ = list != nullptr;
    if (list == nullptr) return;
    const auto text_in = [](const Value::Map& map, std::string_view key) {
        const auto at = map.find(key);
        const auto* found = at == map.end() ? nullptr : at->second.get<std::string>();
        return found == nullptr ? std::string{} : *found;
    };
    const auto number_in = [](const Value::Map& map, std::string_view key) {
        const auto at = map.find(key);
        const auto* found = at == map.end() ? nullptr : at->second.get<std::int64_t>();
        return found == nullptr ? 0 : *found;
    };
    for (const Value& value : *list) {
        const auto* map = value.get<Value::Map>();
        if (map == nullptr) continue;
        Told told{.since = {number_in(*map, "since")}};
        told.finding.reason = text_in(*map, "reason");
        told.finding.count = static_cast<std::uint64_t>(number_in(*map, "count"));
        const auto fields = map->find("fields");
        const auto* names = fields == map->end() ? nullptr : fields->second.get<Value::List>();
        for (const Value& name : names == nullptr ? Value::List{} : *names) {
            if (const auto* field = name.get<std::string>()) told.finding.fields.insert(*field);
        }
        const bool records = text_in(*map, "kind") == syncline::name_of(TroubleKind::kRecords);
        told_.emplace(Place{ObjectName{text_in(*map, "object")},
                            records ? TroubleKind::kRecords : TroubleKind::kFields},
                      std::move(told));
    }
}

}  // namespace syncline::agent
