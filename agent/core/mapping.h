#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/connectors/connector.h"
#include "shared/base/result.h"
#include "shared/model/value.h"

namespace syncline::agent {

/// What the platform's side of a field looks like.
enum class NativeType : std::uint8_t {
    kAuto,  ///< As it comes: JSON types, SQL types.
    kString,
    kInteger,
    kDecimal,
    kBool,
    kDate,
    kTimestamp,
    kEnum,  ///< By `table`, canonical name to platform's value.
};

/// Name of a type as it stands in TOML ("auto", "string", ...).
[[nodiscard]] const char* name_of(NativeType type);

/// The object that a platform makes of a value for which JSON has no type.
struct BoxForm {
    using Names = std::vector<std::pair<std::string, std::string>>;
    std::string at;  ///< Path of the value's text in it; empty: it is in parts.
    Names parts;     ///< Of a time: names of numbers, and which (`%Y`), as time_format.h has them.
    Names with;      ///< What else is in one that is written.
    [[nodiscard]] bool is_used() const { return !at.empty() || !parts.empty(); }
};

/// kInvalid: not the parts of a day, or of a moment, each once.
[[nodiscard]] Result<void> check_parts(const BoxForm::Names& parts);

struct FieldMapping {
    FieldName field;
    std::string path;        ///< Dotted path in the platform's record: `Account.Name`.
    std::string write_path;  ///< Where a command puts it; empty: at `path`.
    NativeType type = NativeType::kAuto;
    bool write = true;          ///< Commands may set it.
    std::string empty = "";     ///< How the platform writes "empty": text taken as null on reading.
    bool empty_is_null = true;  ///< Reading: `empty` means null.
    /// The platform writes false for "empty", whatever the type (Odoo). Not of kBool.
    bool false_is_null = false;
    bool text_only = false;  ///< The platform wants and gives every value as text (ServiceNow).
    bool trim = false;       ///< The platform drops blanks at both ends of a text.
    int length = -1;         ///< Characters that the platform keeps of a text; -1: all.
    std::string format;  ///< Of a date or timestamp, see time_format.h; empty: RFC 3339 and kin.
    /// Digits after the point that the platform keeps, of a decimal or of a timestamp's seconds;
    /// -1: all.
    int decimals = -1;
    /// For kEnum canonical to native; for kBool what is written for "true" and "false".
    std::map<std::string, std::string, std::less<>> table;
    BoxForm box;

    [[nodiscard]] const std::string& written_at() const {
        return write_path.empty() ? path : write_path;
    }
};

/// One canonical object on this platform.
struct ObjectMapping {
    ObjectName object;
    std::string native;             ///< `Account`, `incident`, `erp.customers`.
    std::string singular;           ///< What the platform calls one of them: `ticket` of `tickets`.
    std::string key;                ///< Path of the record's id.
    std::string marker;             ///< Path of the field that holds the entity id; empty: none.
    std::string marker_write_path;  ///< Where a create puts it; empty: at `marker`.
    std::string changed;            ///< Path of the stamp of the last change; empty: none.
    std::string changed_format;     ///< As FieldMapping::format.
    std::string filter;  ///< Condition in the platform's own language; empty: every record.
    std::vector<FieldMapping> fields;
    /// What a new record holds beside its fields, by path: what the platform wants to make one.
    std::vector<std::pair<std::string, Value>> created_with;
    /// Reading: what no field maps comes too, as a field named by kUnmapped and its path.
    bool with_unmapped = false;

    [[nodiscard]] const std::string& marker_written_at() const {
        return marker_write_path.empty() ? marker : marker_write_path;
    }
};

inline constexpr std::string_view kUnmapped = "unmapped: ";

/// What an object's table says of its fields, whatever the connector.
struct MappedObject {
    struct Field {
        FieldName field;
        std::string path;
        bool write = true;
        bool optional = false;  ///< It may be in no record: that is no trouble.
    };
    ObjectName object;
    std::string native;
    std::vector<Field> fields;
};

/// The canonical record. kInvalid, with path and value: a key is missing or empty, a value does
/// not convert. Paths that are absent give no field; null gives a null field, and so does the first
/// (`.0`) of a list that is empty. Numbers of kAuto that
/// are whole become integers, since platforms write 100 and 100.0 for the same number. `version` is
/// the stamp's own text.
[[nodiscard]] Result<Record> to_canonical(const ObjectMapping& mapping, const Value::Map& native);

/// The platform's values for `fields`, nested by path. kInvalid: a value does not convert.
/// Fields that are not mapped or not writable are left out.
[[nodiscard]] Result<Value::Map> to_native(const ObjectMapping& mapping, const Fields& fields);

/// What `fields` read back as after the platform stored them: rounded, cut and emptied by the
/// mapping's own rules. So that a write and its echo compare equal. Fields that are not mapped or
/// not writable are left out. to_canonical(to_native(x)).fields == normal_form(x), and normal_form
/// of a normal form is itself.
[[nodiscard]] Result<Fields> normal_form(const ObjectMapping& mapping, const Fields& fields);

}  // namespace syncline::agent
