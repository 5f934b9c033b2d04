#include <set>
#include <string>

#include "agent/core/packed_entity.h"
#include "agent/store.h"
#include "shared/wire/codec.h"
#include "shared/wire/subjects.h"

// Erasure: what the file holds of an entity beside that its records were there.

namespace syncline::agent {
namespace {

/// What is still told of a change or an outcome, should the hub lose what it had of it; nothing: it
/// is told as it is.
std::optional<std::string> blanked(std::string_view subject, std::string_view body) {
    const auto about = subjects::parse_input(subject);
    if (!about) return std::nullopt;
    if (about->kind == subjects::InputKind::kChange) {
        auto change = wire::decode_change(body);
        if (!change || change->fields.empty()) return std::nullopt;
        change->kind = ChangeKind::kDelete;
        change->fields.clear();
        return wire::encode(*change);
    }
    auto outcome = wire::decode_outcome(body);
    if (!outcome || (outcome->fields.empty() && outcome->reason.empty())) return std::nullopt;
    outcome->fields.clear();
    outcome->as_commanded.clear();
    outcome->reason.clear();
    return wire::encode(*outcome);
}

/// The end of the subject, which is the same in every partition.
std::string end_of(std::string_view subject) {
    constexpr int kTokensBefore = 4;  // sync.in.<platform>.<part>
    for (int i = 0; i < kTokensBefore; ++i) subject.remove_prefix(subject.find('.') + 1);
    return "." + std::string{subject};
}

}  // namespace

std::optional<std::vector<RecordId>> Transaction::forget(const EntityKey& entity,
                                                         const std::optional<RecordId>& record) {
    std::set<RecordId> records;
    if (record) records.insert(*record);
    const std::uint64_t object = object_number(entity.object);
    {
        const std::string key = packed(entity.entity);
        sqlite::Query rows = database_.query(
            "SELECT id FROM records WHERE object = ?1 AND entity = ?2", object, sqlite::Blob{key});
        while (rows.next()) records.insert(RecordId{std::string{rows.text(0)}});
    }
    const PlatformId& platform = store_.platform();
    bool done = blank_entries(end_of(subjects::outcome(platform, entity, {})), blanked);
    for (const RecordId& id : records) {
        if (!done) break;
        done = blank_entries(end_of(subjects::change({platform, entity.object, id}, {})), blanked);
    }
    if (!done) return std::nullopt;
    std::vector<RecordId> untold;
    for (const RecordId& id : records) {
        const bool held = is_withheld(entity.object, id);
        release(entity.object, id);
        if (clear_reject(entity.object, id) || held) untold.push_back(id);
    }
    return untold;
}

}  // namespace syncline::agent
