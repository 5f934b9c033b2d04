#include "hub/core/upcast.h"

#include <algorithm>
#include <utility>

namespace syncline::hub {
namespace {

/// Brings one state into the terms of one contract, and remembers whether that changed anything.
class Upcast {
public:
    explicit Upcast(const ObjectSpec& object) : object_(object) {}

    [[nodiscard]] bool changed() const { return changed_; }

    void canonical(std::vector<CanonicalField>& fields) {
        for (CanonicalField& field : fields) value(object_.name_now(field.name), field.value);
        if (!any_renamed(fields, &CanonicalField::name)) return;
        // Of two that are one field by now, that which has its name of now.
        std::vector<CanonicalField> out;
        for (CanonicalField& field : fields) {
            const FieldName& now = object_.name_now(field.name);
            const bool own = now == field.name;
            const auto at = std::ranges::find(out, now, &CanonicalField::name);
            if (at == out.end()) {
                out.push_back({now, std::move(field.value), std::move(field.from)});
            } else if (own) {
                *at = std::move(field);
            }
        }
        std::ranges::sort(out, {}, &CanonicalField::name);
        fields = std::move(out);
    }

    void fields(Fields& told) {
        if (any_renamed(told, &Fields::Entry::first)) rename_fields(object_, told);
        std::vector<Fields::Entry> others;
        for (const auto& [field, held] : told) {
            Value made = held;
            if (value(field, made)) others.emplace_back(field, std::move(made));
        }
        for (auto& [field, made] : others) told.set(field, std::move(made));
    }

    void name(FieldName& field) {
        const FieldName& now = object_.name_now(field);
        if (now == field) return;
        field = now;
        changed_ = true;
    }

    /// A sorted list of names.
    void names(std::vector<FieldName>& list) {
        if (!any_renamed(list, std::identity{})) return;
        for (FieldName& field : list) name(field);
        std::ranges::sort(list);
        const auto twice = std::ranges::unique(list);
        list.erase(twice.begin(), twice.end());
    }

    /// True if it is another one by now.
    bool value(const FieldName& field, Value& held) {
        const FieldSpec* spec = object_.field(field);
        if (spec == nullptr || conforms(*spec, held)) return false;
        auto made = conform(*spec, held);
        if (!made) return false;
        held = *std::move(made);
        changed_ = true;
        return true;
    }

    void record(RecordState& record) {
        told_as(record);
        fields(record.mirror);
        if (record.pending) {
            fields(record.pending->fields);
            fields(record.pending->expected);
            record.pending->fields = under_all_names(object_, record, record.pending->fields);
        }
        names(record.held);
        names(record.left);
        for (Attempts& attempts : record.attempts) name(attempts.field);
        fields(record.instead);
        for (Form& form : record.forms) {
            name(form.field);
            value(form.field, form.wanted);
        }
        for (OtherRecord& other : record.others) fields(other.fields);
    }

private:
    template <class List, class Projection>
    bool any_renamed(const List& list, Projection projection) {
        if (object_.renames.empty()) return false;
        const bool any = std::ranges::any_of(list, [&](const auto& item) {
            const FieldName& field = std::invoke(projection, item);
            return object_.name_now(field) != field;
        });
        changed_ = changed_ || any;
        return any;
    }

    /// Who told of a field under its former name goes on doing so until it is heard otherwise.
    void told_as(RecordState& record) {
        const auto before = record.told_as;
        for (EarlierName& told : record.told_as) told.field = object_.name_now(told.field);
        std::erase_if(record.told_as, [&](const EarlierName& told) {
            return object_.name_now(told.name) != told.field || told.name == told.field;
        });
        for (const Rename& rename : object_.renames) {
            const bool former = record.mirror.find(rename.was) != nullptr &&
                                record.mirror.find(rename.is) == nullptr;
            const auto at =
                std::ranges::lower_bound(record.told_as, rename.is, {}, &EarlierName::field);
            const bool known = at != record.told_as.end() && at->field == rename.is;
            if (former && !known) record.told_as.insert(at, {rename.is, rename.was});
        }
        changed_ = changed_ || before != record.told_as;
    }

    const ObjectSpec& object_;
    bool changed_ = false;
};

}  // namespace

void rename_fields(const ObjectSpec& object, Fields& fields) {
    for (const Rename& rename : object.renames) {
        if (fields.find(rename.was) == nullptr) continue;
        // All of its names at once, the newest first.
        Value newest;
        if (const Value* now = fields.find(rename.is)) newest = *now;
        const auto& names = object.field(rename.is)->renamed_from;
        for (auto was = names.rbegin(); was != names.rend(); ++was) {
            const Value* told = fields.find(*was);
            if (told == nullptr) continue;
            if (newest.is_null()) newest = *told;
            fields.erase(*was);
        }
        fields.set(rename.is, std::move(newest));
    }
}

Fields under_all_names(const ObjectSpec& object, const RecordState& record, const Fields& fields) {
    Fields out = fields;
    for (const Rename& rename : object.renames) {
        const Value* value = fields.find(rename.is);
        const bool known = record.mirror.find(rename.is) != nullptr ||
                           std::ranges::any_of(record.told_as, [&](const EarlierName& told) {
                               return told.field == rename.is;
                           });
        if (value != nullptr && !known) out.set(rename.was, *value);
    }
    return out;
}

std::optional<Input> renamed(const ObjectSpec& object, const Input& input) {
    const auto is_old = [&](const FieldName& field) { return object.name_now(field) != field; };
    const auto any_old = [&](const Fields& fields) {
        return std::ranges::any_of(fields, is_old, &Fields::Entry::first);
    };
    if (object.renames.empty()) return std::nullopt;
    if (const auto* change = std::get_if<Change>(&input); change && any_old(change->fields)) {
        Change out = *change;
        rename_fields(object, out.fields);
        return out;
    }
    if (const auto* action = std::get_if<Operation>(&input); action && any_old(action->values)) {
        Operation out = *action;
        rename_fields(object, out.values);
        return out;
    }
    if (const auto* takeover = std::get_if<Takeover>(&input)) {
        Takeover out = *takeover;
        for (GivenRecord& given : out.handover.records) {
            rename_fields(object, given.told);
            rename_fields(object, given.commanded);
        }
        return out;
    }
    const auto* outcome = std::get_if<Outcome>(&input);
    if (outcome == nullptr) return std::nullopt;
    if (!any_old(outcome->fields) && !std::ranges::any_of(outcome->as_commanded, is_old)) {
        return std::nullopt;
    }
    Outcome out = *outcome;
    rename_fields(object, out.fields);
    for (FieldName& field : out.as_commanded) field = object.name_now(field);
    std::ranges::sort(out.as_commanded);
    return out;
}

void upcast(const ObjectSpec& object, Fields& fields) { Upcast{object}.fields(fields); }

// What is handed over stays as it was first told: its receiver may not be that far yet.
bool upcast(const ObjectSpec& object, EntityState& state) {
    Upcast upcast{object};
    upcast.canonical(state.canonical);
    for (RecordState& record : state.records) upcast.record(record);
    for (Proposal& proposal : state.proposals) {
        upcast.name(proposal.field);
        upcast.value(proposal.field, proposal.value);
    }
    for (OpenException& open : state.exceptions) {
        upcast.names(open.fields);
        upcast.fields(open.proposed);
    }
    for (TakenIn& taken : state.taken_in) {
        for (TakenIn::Field& field : taken.fields) {
            upcast.name(field.name);
            upcast.value(field.name, field.before);
            upcast.value(field.name, field.after);
        }
    }
    return upcast.changed();
}

void note_names(const ObjectSpec& object, const Fields& told, RecordState& record) {
    for (const Rename& rename : object.renames) {
        const Value* is = told.find(rename.is);
        const Value* was = told.find(rename.was);
        if (is == nullptr && was == nullptr) continue;
        const bool now = is != nullptr && (was == nullptr || !is->is_null());
        auto& names = record.told_as;
        std::erase_if(names, [&](const EarlierName& one) { return one.field == rename.is; });
        if (now) continue;
        const auto at = std::ranges::lower_bound(names, rename.is, {}, &EarlierName::field);
        names.insert(at, {rename.is, rename.was});
    }
}

Fields as_told(const RecordState& record, const Fields& fields) {
    Fields out = fields;
    for (const EarlierName& told : record.told_as) {
        const Value* value = out.find(told.field);
        if (value == nullptr) continue;
        Value moved = *value;
        out.erase(told.field);
        out.set(told.name, std::move(moved));
    }
    return out;
}

}  // namespace syncline::hub
