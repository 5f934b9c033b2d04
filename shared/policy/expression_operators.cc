#include "shared/policy/expression_operators.h"

#include <algorithm>
#include <optional>
#include <type_traits>

namespace syncline::expression {
namespace {

using Type = Operand::Type;

static_assert(std::is_trivially_copyable_v<Operand> && std::is_trivially_destructible_v<Operand>);

const char* name_of(Type type) {
    switch (type) {
        case Type::kNil: return "nil (an empty field)";
        case Type::kBool: return "true or false";
        case Type::kNumber: return "a number";
        case Type::kText: return "text";
        case Type::kDate: return "a date";
        case Type::kTimestamp: return "a timestamp";
        case Type::kList: return "a list";
        case Type::kMap: return "a map";
    }
    return "nothing";
}

bool is_moment(Type type) { return type == Type::kDate || type == Type::kTimestamp; }

constexpr Int128 kDayNs = Int128{86'400} * 1'000'000'000;

/// Nanoseconds since 1970 in UTC, a date being its first moment. Wide: a date may be far off.
std::optional<Int128> moment_of(const Operand& operand) {
    if (operand.type == Type::kDate) return operand.date.days * kDayNs;
    if (operand.type == Type::kTimestamp) return operand.timestamp.ns;
    if (operand.type != Type::kText || operand.text_size < 10) return std::nullopt;
    if (operand.text_size == 10) {
        const auto date = parse_date(operand.text());
        if (date) return date->days * kDayNs;
        return std::nullopt;
    }
    const auto time = parse_timestamp(operand.text());
    if (time) return time->ns;
    return std::nullopt;
}

bool answers(Operator operation, std::strong_ordering order) {
    switch (operation) {
        case Operator::kLess: return order < 0;
        case Operator::kLessEqual: return order <= 0;
        case Operator::kGreater: return order > 0;
        default: return order >= 0;
    }
}

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0) == 0x80; }

std::int64_t characters(std::string_view text) {
    return std::ranges::count_if(text, [](char c) { return !is_continuation(c); });
}

/// Offset of the character `position`, counted from 0; the end if there are fewer.
std::size_t offset_of(std::string_view text, std::int64_t position) {
    std::size_t at = 0;
    for (; position > 0 && at < text.size(); --position) {
        do ++at;
        while (at < text.size() && is_continuation(text[at]));
    }
    return at;
}

}  // namespace

Operand Operand::of(bool value) {
    Operand operand;
    operand.type = Type::kBool;
    operand.boolean = value;
    return operand;
}

Operand Operand::of(const Decimal& value) {
    Operand operand;
    operand.type = Type::kNumber;
    operand.number = value;
    return operand;
}

Operand Operand::of(std::string_view text) {
    Operand operand;
    operand.type = Type::kText;
    operand.text_data = text.data();
    operand.text_size = text.size();
    return operand;
}

Operand Operand::of(const Value& value) {
    struct Viewed {
        const Value& whole;
        Operand operator()(std::monostate) const { return {}; }
        Operand operator()(bool b) const { return of(b); }
        Operand operator()(std::int64_t n) const { return of(Decimal{n}); }
        Operand operator()(const Decimal& n) const { return of(n); }
        Operand operator()(const std::string& text) const { return of(std::string_view{text}); }
        Operand operator()(Date day) const { return {.type = Type::kDate, .date = day}; }
        Operand operator()(Timestamp time) const {
            return {.type = Type::kTimestamp, .timestamp = time};
        }
        Operand operator()(const Value::List&) const {
            return {.type = Type::kList, .value = &whole};
        }
        Operand operator()(const Value::Map&) const {
            return {.type = Type::kMap, .value = &whole};
        }
    };
    return std::visit(Viewed{value}, value.data());
}

Value value_of(const Operand& operand) {
    switch (operand.type) {
        case Type::kNil: return {};
        case Type::kBool: return operand.boolean;
        case Type::kNumber: {
            const auto whole = operand.number.to_int64();
            return whole ? Value{*whole} : Value{operand.number};
        }
        case Type::kText: return operand.text();
        case Type::kDate: return operand.date;
        case Type::kTimestamp: return operand.timestamp;
        case Type::kList:
        case Type::kMap: return *operand.value;
    }
    return {};
}

bool equal(const Operand& a, const Operand& b) noexcept {
    if (is_moment(a.type) || is_moment(b.type)) {
        const auto left = moment_of(a);
        return left && left == moment_of(b);
    }
    if (a.type != b.type) return false;
    switch (a.type) {
        case Type::kNil: return true;
        case Type::kBool: return a.boolean == b.boolean;
        case Type::kNumber: return a.number == b.number;
        case Type::kText: return a.text() == b.text();
        default: return *a.value == *b.value;
    }
}

Result<bool> ordered(Operator operation, const Operand& a, const Operand& b) {
    if (a.type == Type::kNumber && b.type == Type::kNumber) {
        return answers(operation, a.number <=> b.number);
    }
    if (a.type == Type::kText && b.type == Type::kText) {
        return answers(operation, a.text() <=> b.text());
    }
    if (is_moment(a.type) || is_moment(b.type)) {
        const auto left = moment_of(a);
        const auto right = moment_of(b);
        if (left && right) return answers(operation, *left <=> *right);
    }
    return fail(ErrorKind::kInvalid,
                std::string{name_of(a.type)} + " and " + name_of(b.type) + " have no order");
}

Result<Decimal> arithmetic(Operator operation, const Operand& a, const Operand& b) {
    if (a.type != Type::kNumber || b.type != Type::kNumber) {
        return fail(ErrorKind::kInvalid, std::string{"cannot calculate with "} +
                                             name_of(a.type != Type::kNumber ? a.type : b.type));
    }
    if (operation == Operator::kAdd) return Decimal::add(a.number, b.number);
    if (operation == Operator::kSubtract) return Decimal::add(a.number, b.number.negated());
    return Decimal::multiply(a.number, b.number);
}

bool is_empty(const Operand& operand) noexcept {
    switch (operand.type) {
        case Type::kNil: return true;
        case Type::kText: return operand.text_size == 0;
        case Type::kList: return operand.value->get<Value::List>()->empty();
        case Type::kMap: return operand.value->get<Value::Map>()->empty();
        default: return false;
    }
}

Result<bool> contains(const Operand& in, const Operand& item) {
    switch (in.type) {
        case Type::kNil: return false;
        case Type::kList:
            return std::ranges::any_of(*in.value->get<Value::List>(), [&](const Value& element) {
                return equal(Operand::of(element), item);
            });
        case Type::kMap:
            return item.type == Type::kText && in.value->get<Value::Map>()->contains(item.text());
        case Type::kText:
            if (item.type == Type::kText) {
                return in.text().find(item.text()) != std::string_view::npos;
            }
            break;
        default: break;
    }
    return fail(ErrorKind::kInvalid,
                std::string{name_of(in.type)} + " cannot contain " + name_of(item.type));
}

Result<Decimal> length(const Operand& operand) {
    switch (operand.type) {
        case Type::kText: return Decimal{characters(operand.text())};
        case Type::kList:
            return Decimal{static_cast<std::int64_t>(operand.value->get<Value::List>()->size())};
        case Type::kMap:
            return Decimal{static_cast<std::int64_t>(operand.value->get<Value::Map>()->size())};
        default:
            return fail(ErrorKind::kInvalid, std::string{name_of(operand.type)} + " has no length");
    }
}

Result<Operand> index(const Operand& in, const Operand& key) {
    if (in.type == Type::kMap && key.type == Type::kText) {
        const auto& map = *in.value->get<Value::Map>();
        const auto at = map.find(key.text());
        return at == map.end() ? Operand{} : Operand::of(at->second);
    }
    if (in.type == Type::kList && key.type == Type::kNumber) {
        const auto& list = *in.value->get<Value::List>();
        const auto at = key.number.to_int64();
        if (!at || *at < 1 || std::cmp_greater(*at, list.size())) return Operand{};
        return Operand::of(list[static_cast<std::size_t>(*at - 1)]);
    }
    return fail(ErrorKind::kInvalid,
                std::string{name_of(in.type)} + " has no elements by " + name_of(key.type));
}

Result<std::string> text_of(const Operand& operand) {
    switch (operand.type) {
        case Type::kText: return std::string{operand.text()};
        case Type::kNumber: return operand.number.text();
        case Type::kDate: return to_string(operand.date);
        case Type::kTimestamp: return to_string(operand.timestamp);
        default:
            return fail(ErrorKind::kInvalid, std::string{name_of(operand.type)} + " is no text");
    }
}

std::string upper(std::string text) {
    for (char& c : text) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return text;
}

std::string lower(std::string text) {
    for (char& c : text) {
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    }
    return text;
}

std::string_view sub(std::string_view text, std::int64_t from, std::int64_t to) {
    const std::int64_t count = characters(text);
    if (from < 0) from = std::max<std::int64_t>(count + from + 1, 1);
    if (to < 0) to = count + to + 1;
    from = std::max<std::int64_t>(from, 1);
    to = std::min(to, count);
    if (from > to) return {};
    const std::size_t begin = offset_of(text, from - 1);
    const std::string_view rest = text.substr(begin);
    return rest.substr(0, offset_of(rest, to - from + 1));
}

std::int64_t position_of(std::string_view text, std::string_view part, std::int64_t from) {
    const std::int64_t count = characters(text);
    if (from < 0) from = count + from + 1;
    from = std::max<std::int64_t>(from, 1);
    if (from > count + 1) return 0;
    const std::size_t at = text.find(part, offset_of(text, from - 1));
    return at == std::string_view::npos ? 0 : characters(text.substr(0, at)) + 1;
}

}  // namespace syncline::expression
