#include <algorithm>
#include <thread>

#include "agent/connectors/exec/check_report.h"
#include "agent/core/value_path.h"
#include "shared/base/json.h"

namespace syncline::agent::exec {
namespace {

/// Two values of a field's type that a platform may take.
Value value_for(const FieldMapping& field, bool second) {
    switch (field.type) {
        case NativeType::kAuto:
        case NativeType::kString: return second ? "Syncline test 2" : "Syncline test";
        case NativeType::kInteger: return second ? 2 : 1;
        case NativeType::kDecimal: return *Decimal::parse(second ? "2.5" : "1.5");
        case NativeType::kBool: return !second;
        case NativeType::kDate: return *parse_date(second ? "2026-01-06" : "2026-01-05");
        case NativeType::kTimestamp:
            return *parse_timestamp(second ? "2026-01-06T10:00:00Z" : "2026-01-05T10:00:00Z");
        case NativeType::kEnum: break;
    }
    if (field.table.empty()) return {};
    return second ? field.table.rbegin()->first : field.table.begin()->first;
}

class WritingChecks {
public:
    WritingChecks(CheckReport& report, const ObjectMapping& mapping, std::string end,
                  const Clock& clock)
        : report_(report),
          mapping_(mapping),
          door_(report.door()),
          end_(std::move(end)),
          clock_(clock) {}

    void run(const Fields& set) {
        if (!prepare(set) || !create()) return;
        check_repeated_create();
        check_seen();
        check_update();
        check_conflict();
        check_delete();
    }

private:
    bool prepare(const Fields& set) {
        for (const FieldMapping& field : mapping_.fields) {
            if (!field.write) continue;
            const Value* const given = set.find(field.field);
            first_.set(field.field, given == nullptr ? value_for(field, false) : *given);
            const Fields second{{field.field, value_for(field, true)}};
            const auto a = normal_form(mapping_, first_);
            const auto b = normal_form(mapping_, second);
            // A field that was given is left as it is: its other values are not known.
            if (given != nullptr || !a || !b || *a->find(field.field) == *b->find(field.field)) {
                continue;
            }
            if (second_.empty()) second_ = second;
        }
        command_.platform = PlatformId{"test"};
        std::string number = std::to_string(clock_.now().ns);
        command_.entity = {
            mapping_.object,
            EntityId{std::string(24 - std::min<std::size_t>(number.size(), 24), 'a') + number}};
        if (!first_.empty()) return true;
        return report_.fails("a record can be made", "a field that may be written",
                             "every field has `write = false`");
    }

    Result<Effect> write(CommandKind kind, const Fields& fields, const Fields& expected = {}) {
        command_.kind = kind;
        ++command_.generation;
        command_.fields = fields;
        command_.expected = expected;
        if (kind == CommandKind::kCreate) {
            command_.record.reset();
        } else {
            command_.record = id_;
        }
        return again();
    }
    Result<Effect> again() { return door_.write(mapping_, command_, {}); }

    void wait_for_lag() { std::this_thread::sleep_for(door_.settings().read_back_lag); }

    /// What of `wanted` a record does not hold; empty: nothing.
    std::string lacks(const Value::Map& native, const Fields& wanted) {
        const auto record = to_canonical(mapping_, native);
        if (!record) return record.error().what;
        const auto normal = normal_form(mapping_, wanted);
        if (!normal) return normal.error().what;
        for (const auto& [field, value] : *normal) {
            const Value* const held = record->fields.find(field);
            if (held != nullptr && *held == value) continue;
            return field.text + " is " + (held == nullptr ? "missing" : display(*held)) +
                   " instead of " + display(value);
        }
        return {};
    }

    /// The same of the record as it is fetched now.
    std::string fetched_lacks(const Fields& wanted) {
        wait_for_lag();
        const auto one = door_.fetch(mapping_, id_, {});
        if (!one) return error_text(one.error());
        if (!*one) return "there is no record " + shown(id_.text, 60);
        return lacks(**one, wanted);
    }
    [[nodiscard]] bool can_fetch() const { return door_.settings().capabilities.can_fetch; }

    bool create() {
        const std::string name = "create makes a record";
        const auto made = write(CommandKind::kCreate, first_);
        if (!made) {
            return report_.fails(name, "a result with the `record`", error_text(made.error()));
        }
        id_ = RecordId{text_at(Value{*made->record}, mapping_.key)};
        report_.holds(name + ": " + id_.text);
        if (can_fetch()) {
            report_.check("it holds what was written", "each field as the mapping reads it back",
                          fetched_lacks(first_));
        }
        return true;
    }

    void check_repeated_create() {
        const Capabilities& can = door_.settings().capabilities;
        const std::string twice = "the same create again makes no second record";
        if (can.create_is_idempotent) {
            const auto second = again();
            std::string found = second ? "" : error_text(second.error());
            const std::string id =
                second ? text_at(Value{*second->record}, mapping_.key) : std::string{};
            if (second && id != id_.text) found = "another record, " + shown(id, 60);
            report_.check(twice, "the record " + shown(id_.text, 60), found);
        } else {
            report_.left_out(twice, "`capabilities` has no \"create_is_idempotent\"");
        }
        if (!can.has_marker) return;
        wait_for_lag();
        const auto one = door_.find(mapping_, command_.entity.entity, {});
        std::string found = one ? "" : error_text(one.error());
        if (one && !*one) found = "nothing";
        if (one && *one && text_at(Value{**one}, mapping_.key) != id_.text) {
            found = to_json(Value{**one});
        }
        report_.check("find tells it by its marker", "the record " + shown(id_.text, 60), found);
    }

    /// Reads on from where reading stood; what is told of the record: "deleted", its text, or
    /// nothing.
    Result<std::string> read_on() {
        std::string told;
        for (int pages = 0; pages < 1'000; ++pages) {
            const auto page = door_.read(mapping_, {end_, false}, 500, Duration{0}, {});
            if (!page) return fail(page.error());
            for (const Value::Map& record : page->records) {
                if (text_at(Value{record}, mapping_.key) == id_.text) {
                    told = to_json(Value{record});
                }
            }
            if (std::ranges::find(page->deleted, id_.text) != page->deleted.end()) {
                told = "deleted";
            }
            end_ = page->next;
            if (!page->more) break;
        }
        return told;
    }

    void check_seen() {
        wait_for_lag();
        const auto told = read_on();
        std::string found = told ? "" : error_text(told.error());
        if (told && (told->empty() || *told == "deleted")) found = "nothing of it";
        report_.check("reading on tells of it", "the record, as it is new", found);
    }

    void check_update() {
        const std::string name = "update changes a field, and repeating it is harmless";
        if (second_.empty()) {
            report_.left_out(name, "no field has a second value that we know");
            return;
        }
        const auto [field, value] = *second_.begin();
        const auto changed =
            write(CommandKind::kUpdate, second_, Fields{{field, *first_.find(field)}});
        std::string found = changed ? "" : error_text(changed.error());
        if (changed) {
            first_.set(field, value);
            const auto repeated = again();
            if (!repeated) found = "repeated: " + error_text(repeated.error());
            if (repeated && can_fetch()) found = fetched_lacks(first_);
        }
        report_.check(name, field.text + " is " + display(value) + ", all else as before", found);
    }

    void check_conflict() {
        const std::string name = "update refuses what is not as expected, and changes nothing";
        if (second_.empty()) return;
        const FieldName& field = second_.begin()->first;
        Fields other;
        for (const FieldMapping& one : mapping_.fields) {
            if (one.field == field) other.set(field, value_for(one, false));
        }
        const auto changed = write(CommandKind::kUpdate, other, other_than(field));
        std::string found;
        if (changed) found = "a result";
        if (!changed && changed.error().kind != ErrorKind::kConflict) {
            found = error_text(changed.error());
        }
        if (found.empty() && can_fetch()) found = fetched_lacks(first_);
        report_.check(name, "an error of class `conflict`", found);
    }

    /// What the field never held.
    Fields other_than(const FieldName& field) {
        for (const FieldMapping& one : mapping_.fields) {
            const bool text = one.type == NativeType::kAuto || one.type == NativeType::kString;
            if (one.field == field && text) return {{field, Value{"Syncline test 3"}}};
            if (one.field == field && one.type == NativeType::kInteger) return {{field, Value{3}}};
        }
        return {{field, Value{}}};
    }

    void check_delete() {
        const auto gone = write(CommandKind::kDelete, {});
        std::string found = gone ? "" : error_text(gone.error());
        if (gone) {
            const auto repeated = again();
            const bool well = repeated || repeated.error().kind == ErrorKind::kNotFound;
            if (!well) found = "repeated: " + error_text(repeated.error());
        }
        if (gone && found.empty() && can_fetch()) {
            wait_for_lag();
            const auto one = door_.fetch(mapping_, id_, {});
            if (!one) found = error_text(one.error());
            if (one && *one) found = "it is still there: " + to_json(Value{**one});
        }
        if (!found.empty()) found += "; remove the record " + shown(id_.text, 60) + " by hand";
        if (!report_.check("delete makes it be gone, and repeating it is harmless",
                           "no record any more", found)) {
            return;
        }
        const auto late = write(CommandKind::kUpdate, first_);
        const bool said = !late && late.error().kind == ErrorKind::kNotFound;
        report_.check("update of what is gone is refused", "an error of class `not_found`",
                      said   ? ""
                      : late ? "a result"
                             : error_text(late.error()));
        const auto told = read_on();
        const std::string name = "reading on tells the deletion";
        if (told && *told == "deleted") {
            report_.holds(name);
        } else if (told && told->empty()) {
            report_.left_out(name,
                             "it does not; with `can_fetch` the agent finds it in its next"
                             " full read");
        } else {
            report_.fails(name, "its id in `deleted`", told ? *told : error_text(told.error()));
        }
    }

    CheckReport& report_;
    const ObjectMapping& mapping_;
    Door& door_;
    std::string end_;
    const Clock& clock_;
    Fields first_;   ///< What the record holds.
    Fields second_;  ///< One field of it with another value.
    Command command_;
    RecordId id_;
};

}  // namespace

void check_writes(CheckReport& report, const ObjectMapping& mapping, const std::string& end,
                  const Fields& set, const Clock& clock) {
    WritingChecks{report, mapping, end, clock}.run(set);
}

}  // namespace syncline::agent::exec
