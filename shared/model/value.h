#pragma once

#include <compare>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "shared/base/timestamp.h"
#include "shared/model/decimal.h"
#include "shared/model/ids.h"

namespace syncline {

/// The value of a canonical field. Exact: there is no binary floating point.
class Value {
public:
    using List = std::vector<Value>;
    using Map = std::map<std::string, Value, std::less<>>;
    /// Null is a value: "the field is empty".
    using Variant = std::variant<std::monostate, bool, std::int64_t, Decimal, std::string, Date,
                                 Timestamp, List, Map>;

    Value() = default;
    Value(bool value) : data_(value) {}                           // NOLINT
    Value(std::int64_t value) : data_(value) {}                   // NOLINT
    Value(int value) : data_(std::int64_t{value}) {}              // NOLINT
    Value(Decimal value) : data_(value) {}                        // NOLINT
    Value(std::string value) : data_(std::move(value)) {}         // NOLINT
    Value(std::string_view value) : data_(std::string{value}) {}  // NOLINT
    Value(const char* value) : data_(std::string{value}) {}       // NOLINT
    Value(Date value) : data_(value) {}                           // NOLINT
    Value(Timestamp value) : data_(value) {}                      // NOLINT
    Value(List value) : data_(std::move(value)) {}                // NOLINT
    Value(Map value) : data_(std::move(value)) {}                 // NOLINT

    [[nodiscard]] bool is_null() const { return data_.index() == 0; }
    [[nodiscard]] const Variant& data() const { return data_; }
    template <class T>
    [[nodiscard]] const T* get() const {
        return std::get_if<T>(&data_);
    }

    friend bool operator==(const Value&, const Value&) = default;

private:
    Variant data_;
};

/// JSON-like text for people: strings quoted, decimals and times as they are written.
[[nodiscard]] std::string display(const Value& value);
/// A value as keys compare: the text of a number, a date or a string; empty for what is none.
[[nodiscard]] std::string key_text(const Value& value);

/// Fields by name: sorted, each name once. Small, so a sorted vector beats a tree.
class Fields {
public:
    using Entry = std::pair<FieldName, Value>;

    Fields() = default;
    Fields(std::initializer_list<Entry> entries);

    [[nodiscard]] const Value* find(const FieldName& name) const;
    [[nodiscard]] const Value* find(std::string_view name) const;
    void set(FieldName name, Value value);
    /// The same for what the caller keeps; takes no memory if the name is there and its value has
    /// enough.
    void assign(const FieldName& name, const Value& value);
    /// For decoders that deliver sorted names. Returns false, and takes nothing, if `name` is not
    /// greater than the last one.
    bool append(FieldName name, Value value);
    bool erase(const FieldName& name);
    void clear() { entries_.clear(); }
    void reserve(std::size_t count) { entries_.reserve(count); }

    [[nodiscard]] bool empty() const { return entries_.empty(); }
    [[nodiscard]] std::size_t size() const { return entries_.size(); }
    [[nodiscard]] auto begin() const { return entries_.begin(); }
    [[nodiscard]] auto end() const { return entries_.end(); }

    friend bool operator==(const Fields&, const Fields&) = default;

private:
    std::vector<Entry> entries_;
};

}  // namespace syncline
