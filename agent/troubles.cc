#include "agent/troubles.h"

#include <algorithm>
#include <charconv>
#include <memory>
#include <tuple>

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
constexpr std::size_t kRejectsShown = 5;
constexpr std::string_view kToldKey = "troubles";

std::string watch_key(const ObjectName& object) { return "watch." + object.text; }

/// What stands in quotes is a value of a record.
std::string without_values(std::string_view text) {
    std::string out;
    bool quoted = false;
    for (const char c : text) {
        if (c == '"') out += quoted ? "...\"" : "\"";
        if (c == '"') quoted = !quoted;
        const bool is_control = static_cast<unsigned char>(c) < 0x20;
        if (!quoted && c != '"') out += is_control ? ' ' : c;
    }
    return out;
}

std::string cut_reason(const std::string& text) {
    return std::string{cut_utf8(text, wire::kReasonBytesMax)};
}

std::string records_reason(const RejectSummary& summary) {
    if (summary.count == 0) return {};
    std::string text =
        std::to_string(summary.count) +
        (summary.count == 1 ? " record cannot be used: " : " records cannot be used: ");
    std::size_t shown = 0;
    for (const auto& [record, reason] : summary.newest) {
        text += shown++ == 0 ? "" : "; ";
        text += (record.empty() ? "one without id" : record) + ": " + without_values(reason);
    }
    if (summary.count > shown) text += "; and others";
    return cut_reason(text);
}

}  // namespace

Result<void> Troubles::start() {
    for (const MappedObject& object : p_.settings.objects) {
        std::vector<FieldName> fields;
        for (const MappedObject::Field& field : object.fields) fields.push_back(field.field);
        watches_.emplace(object.object, FieldWatch{fields});
    }
    return p_.store.transaction([&](Transaction& transaction) {
        for (auto& [object, watch] : watches_) {
            // What cannot be read is counted anew: it is no more than a memory.
            std::ignore = watch.take_up(transaction.text(watch_key(object)));
        }
        take_up(transaction.text(kToldKey));
    });
}

void Troubles::read(const Record& record) {
    const auto watch = watches_.find(record.object);
    if (watch == watches_.end() || record.deleted) return;
    watch->second.add(record.fields);
    is_news_ = true;
}

void Troubles::pump(bool read_whole) {
    if (p_.store.rejects() != rejects_) is_news_ = true;
    if (busy_ || !is_news_ || p_.environment.steady() < look_at_) return;
    if (p_.store.partitions() == 0 || p_.commits.blocked()) return;
    busy_ = true;
    is_news_ = false;
    rejects_ = p_.store.rejects();
    look_at_ = p_.environment.steady() + kLookEvery;
    auto after = std::make_shared<AllTold>();
    p_.commits.add([this, read_whole,
                    after](Transaction& transaction) { *after = look(transaction, read_whole); },
                   [this, after] {
                       told_ = std::move(*after);
                       busy_ = false;
                       retell_ = false;
                   });
}

Duration Troubles::next_deadline() const {
    return is_news_ && !busy_ && p_.store.partitions() != 0 ? look_at_ : kNever;
}

Troubles::AllTold Troubles::look(Transaction& transaction, bool read_whole) {
    AllTold all = told_;
    for (const auto& [object, watch] : watches_) {
        compare(transaction, all, {object, TroubleKind::kFields},
                fields_reason(object, read_whole));
        compare(transaction, all, {object, TroubleKind::kRecords},
                records_reason(transaction.rejects_of(object, kRejectsShown)));
        transaction.set_text(watch_key(object), watch.text());
    }
    for (const auto& [place, told] : told_) {
        const bool is_mapped = watches_.contains(place.first);
        if (!is_mapped) compare(transaction, all, place, {});
    }
    save(transaction, all);
    return all;
}

std::string Troubles::fields_reason(const ObjectName& object, bool read_whole) const {
    const std::vector<FieldName> missing = watches_.at(object).missing(read_whole);
    const auto mapped = std::ranges::find(p_.settings.objects, object, &MappedObject::object);
    std::string text;
    for (const FieldName& name : missing) {
        const auto field = std::ranges::find(mapped->fields, name, &MappedObject::Field::field);
        text +=
            (text.empty() ? "" : ", ") + std::string{"`"} + field->path + "` (" + name.text + ")";
    }
    if (text.empty()) return {};
    return cut_reason("in the newest records there is no " + text +
                      ": renamed, removed, or hidden from the agent's user");
}

void Troubles::compare(Transaction& transaction, AllTold& all, const Place& place,
                       std::string reason) {
    const auto at = all.find(place);
    const Duration now = p_.environment.steady();
    if (at == all.end()) {
        if (reason.empty()) return;
        Told told{p_.environment.clock.now(), std::move(reason), now};
        tell(transaction, place, told);
        all.emplace(place, std::move(told));
        return;
    }
    Told& told = at->second;
    if (told.reason == reason && !retell_) return;
    if (!reason.empty() && !retell_ && now < told.at + kTellChanged) {
        is_news_ = true;  // Again when it may be told.
        return;
    }
    told.reason = std::move(reason);
    told.at = now;
    tell(transaction, place, told);
    if (told.reason.empty()) all.erase(at);
}

void Troubles::tell(Transaction& transaction, const Place& place, const Told& told) {
    const Partition partition = entity_partition(lane_entity(place.first), p_.store.partitions());
    const Trouble trouble{.platform = p_.store.platform(),
                          .number = transaction.next_number(partition),
                          .object = place.first,
                          .kind = place.second,
                          .since = told.since,
                          .reason = told.reason};
    transaction.append(partition,
                       subjects::trouble(trouble.platform, partition, place.first, place.second),
                       wire::encode(trouble), p_.environment.clock.now());
    if (told.reason.empty() || retell_) return;
    p_.environment.note(NoteLevel::kWarning, place.first.text + ": " + told.reason);
}

// ---- What the store remembers: a line each, of object, kind, since and reason. ----------------

void Troubles::save(Transaction& transaction, const AllTold& all) {
    std::string text;
    for (const auto& [place, told] : all) {
        text += place.first.text + "\t" + std::to_string(static_cast<int>(place.second)) + "\t" +
                std::to_string(told.since.ns) + "\t" + told.reason + "\n";
    }
    if (transaction.text(kToldKey) != text) transaction.set_text(kToldKey, text);
}

void Troubles::take_up(const std::string& text) {
    std::size_t at = 0;
    const auto next = [&](char end) {
        const std::size_t to = std::min(text.find(end, at), text.size());
        std::string part = text.substr(at, to - at);
        at = std::min(to + 1, text.size());
        return part;
    };
    while (at < text.size()) {
        const ObjectName object{next('\t')};
        const bool records = next('\t') == "1";
        const std::string since = next('\t');
        Told told;
        std::from_chars(since.data(), since.data() + since.size(), told.since.ns);
        told.reason = next('\n');
        told_.emplace(Place{object, records ? TroubleKind::kRecords : TroubleKind::kFields},
                      std::move(told));
    }
}

}  // namespace syncline::agent
