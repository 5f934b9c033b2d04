#include "hub/core/state.h"

#include <algorithm>
#include <utility>

namespace syncline::hub {
namespace {

void insert(std::vector<FieldName>& sorted, const FieldName& field) {
    const auto at = std::lower_bound(sorted.begin(), sorted.end(), field);
    if (at == sorted.end() || *at != field) sorted.insert(at, field);
}
void erase(std::vector<FieldName>& sorted, const FieldName& field) {
    const auto at = std::lower_bound(sorted.begin(), sorted.end(), field);
    if (at != sorted.end() && *at == field) sorted.erase(at);
}

}  // namespace

bool RecordState::holds(const FieldName& field) const {
    return std::binary_search(held.begin(), held.end(), field);
}

void RecordState::hold(const FieldName& field) { insert(held, field); }
void RecordState::leave(const FieldName& field) {
    hold(field);
    insert(left, field);
}
void RecordState::release(const FieldName& field) {
    erase(held, field);
    erase(left, field);
}
void RecordState::clear_form(const FieldName& field) {
    std::erase_if(forms, [&](const Form& form) { return form.field == field; });
}

void RecordState::set_form(const FieldName& field, Value wanted) {
    clear_form(field);
    forms.push_back({field, std::move(wanted)});
}

bool RecordState::stands_for(const FieldName& field, const Value& wanted) const {
    return std::any_of(forms.begin(), forms.end(), [&](const Form& form) {
        return form.field == field && form.wanted == wanted;
    });
}

namespace {
auto position(auto& canonical, const FieldName& name) {
    return std::lower_bound(
        canonical.begin(), canonical.end(), name,
        [](const CanonicalField& field, const FieldName& key) { return field.name < key; });
}
}  // namespace

Revision RecordState::seen_of(const RecordId& id) const {
    if (record == id) return rev;
    const auto at = std::ranges::find(others, id, &OtherRecord::record);
    return at == others.end() ? Revision{} : at->rev;
}

std::optional<EntityId> EntityState::receiver_of(const PlatformId& platform,
                                                 const RecordId& id) const {
    for (const Handover& handover : handovers) {
        for (const GivenRecord& given : handover.records) {
            if (given.platform == platform && given.record == id) return handover.to;
        }
    }
    return is_merged() ? std::optional{merged_into} : std::nullopt;
}

bool EntityState::is_unknown() const {
    return !is_merged() && !forgotten && canonical.empty() &&
           std::ranges::all_of(records,
                               [](const RecordState& record) { return record.rev == Revision{}; });
}

const CanonicalField* EntityState::find(const FieldName& name) const {
    const auto at = position(canonical, name);
    return at != canonical.end() && at->name == name ? &*at : nullptr;
}

Value EntityState::set(const FieldName& name, Value value, Provenance from) {
    const auto at = position(canonical, name);
    if (at == canonical.end() || at->name != name) {
        canonical.insert(at, CanonicalField{name, std::move(value), std::move(from)});
        return {};
    }
    at->from = std::move(from);
    return std::exchange(at->value, std::move(value));
}

const RecordState* EntityState::record(const PlatformId& platform) const {
    for (const RecordState& record : records) {
        if (record.platform == platform) return &record;
    }
    return nullptr;
}

RecordState& EntityState::record_or_new(const PlatformId& platform) {
    const auto at = std::lower_bound(
        records.begin(), records.end(), platform,
        [](const RecordState& record, const PlatformId& id) { return record.platform < id; });
    if (at != records.end() && at->platform == platform) return *at;
    RecordState fresh;
    fresh.platform = platform;
    return *records.insert(at, std::move(fresh));
}

Fields EntityState::fields() const {
    Fields out;
    out.reserve(canonical.size());
    for (const CanonicalField& field : canonical) out.append(field.name, field.value);
    return out;
}

}  // namespace syncline::hub
