#include "shared/policy/domain.h"

#include <algorithm>
#include <array>
#include <limits>
#include <numeric>
#include <set>

namespace syncline {
namespace {

/// The literals that conditions compare one field with, and whether they do more with it.
struct Uses {
    std::vector<Value> literals;
    bool opaque = false;
};

Uses uses_of(const FieldName& field, const std::vector<const Expression*>& conditions) {
    Uses uses;
    for (const Expression* condition : conditions) {
        for (const auto& [name, literal] : condition->comparisons()) {
            if (name == field.text && !literal.is_null()) uses.literals.push_back(literal);
        }
        uses.opaque |= std::ranges::binary_search(condition->opaque_reads(), field.text);
    }
    return uses;
}

template <class T>
std::set<T> literals_of(const Uses& uses) {
    std::set<T> literals;
    for (const Value& literal : uses.literals) {
        if (const T* found = literal.get<T>()) literals.insert(*found);
    }
    return literals;
}

// ---- Numbers. ----

Decimal floor_of(const Decimal& number) {
    const Decimal near = number.rounded(0);
    return near > number ? Decimal::add(near, -1).value_or(near) : near;
}

/// Each literal's floor, and the whole numbers beside it: what lies further away is between the
/// same literals as one of them.
Domain integers(const Uses& uses) {
    std::set<std::int64_t> found{0};
    for (const Decimal& literal : literals_of<Decimal>(uses)) {
        for (const int step : {-1, 0, 1}) {
            const auto beside = Decimal::add(floor_of(literal), step);
            if (!beside) continue;
            if (const auto whole = beside->to_int64()) found.insert(*whole);
        }
    }
    return {{found.begin(), found.end()}, !uses.opaque};
}

/// Each literal, and a number between each two, below the least and above the greatest.
Domain decimals(const Uses& uses) {
    static const Decimal kHalf = Decimal::parse("0.5").value_or(Decimal{});
    const std::set<Decimal> literals = literals_of<Decimal>(uses);
    Domain domain{{}, !uses.opaque};
    const auto take = [&](const Result<Decimal>& number) {
        if (number) domain.values.emplace_back(*number);
        domain.complete &= number.has_value();
    };
    const Decimal* former = nullptr;
    for (const Decimal& literal : literals) {
        if (former == nullptr) {
            take(Decimal::add(literal, -1));
        } else {
            const auto sum = Decimal::add(*former, literal);
            take(sum ? Decimal::multiply(*sum, kHalf) : sum);
        }
        take(literal);
        former = &literal;
    }
    take(former == nullptr ? Result<Decimal>{Decimal{}} : Decimal::add(*former, 1));
    return domain;
}

// ---- Moments. ----

std::optional<Timestamp> moment_of(const std::string& text) {
    constexpr std::int64_t kDay = 86'400'000'000'000;
    if (const auto time = parse_timestamp(text)) return *time;
    const auto date = parse_date(text);
    if (!date || std::abs(date->days) > std::numeric_limits<std::int64_t>::max() / kDay - 1) {
        return std::nullopt;
    }
    return Timestamp{date->days * kDay};
}

std::set<Timestamp> moments(const Uses& uses) {
    std::set<Timestamp> found;
    for (const std::string& literal : literals_of<std::string>(uses)) {
        if (const auto moment = moment_of(literal)) found.insert(*moment);
    }
    return found;
}

Domain timestamps(const Uses& uses) {
    constexpr Duration kAside = std::chrono::seconds{1};
    Domain domain{{}, !uses.opaque};
    std::optional<Timestamp> former;
    for (const Timestamp& moment : moments(uses)) {
        domain.values.emplace_back(former ? Timestamp{std::midpoint(former->ns, moment.ns)}
                                          : moment - kAside);
        domain.values.emplace_back(moment);
        former = moment;
    }
    domain.values.emplace_back(former ? *former + kAside : Timestamp{});
    return domain;
}

/// Each literal's day and the days beside it, as for integers.
Domain dates(const Uses& uses) {
    std::set<Date> found;
    for (const Timestamp& moment : moments(uses)) {
        const auto day = std::chrono::floor<std::chrono::days>(Duration{moment.ns}).count();
        for (const int step : {-1, 0, 1}) found.insert(Date{static_cast<std::int32_t>(day + step)});
    }
    if (found.empty()) found.insert(Date{});
    return {{found.begin(), found.end()}, !uses.opaque};
}

// ---- Texts. ----

/// A text that the field can hold, greater than `low` and less than `high` (null: than nothing).
std::optional<std::string> text_between(const FieldSpec& field, const std::string& low,
                                        const std::string* high) {
    using namespace std::string_literals;
    std::vector<std::string> candidates;
    for (const std::string& suffix : std::array{"a"s, "A"s, "0"s, " "s, "\x01"s}) {
        candidates.push_back(low + suffix);
    }
    if (!low.empty() && low.back() < '~') {  // The next one of the same length.
        candidates.push_back(low);
        ++candidates.back().back();
    }
    for (std::string& candidate : candidates) {
        if (candidate > low && (high == nullptr || candidate < *high) &&
            conforms(field, candidate)) {
            return std::move(candidate);
        }
    }
    return std::nullopt;
}

/// The empty text, each literal, and a text between each two and above the greatest.
Domain texts(const FieldSpec& field, const Uses& uses) {
    std::set<std::string> literals = literals_of<std::string>(uses);
    literals.insert("");
    Domain domain{{}, !uses.opaque};
    for (auto at = literals.begin(); at != literals.end(); ++at) {
        if (conforms(field, *at)) domain.values.emplace_back(*at);
        const auto next = std::next(at);
        auto between = text_between(field, *at, next == literals.end() ? nullptr : &*next);
        domain.complete &= between.has_value();
        if (between) domain.values.emplace_back(*std::move(between));
    }
    return domain;
}

Domain domain_by_type(const FieldSpec& field, const Uses& uses) {
    switch (field.type) {
        case FieldType::kBool: return {{false, true}, true};
        case FieldType::kEnum: return {{field.enum_values.begin(), field.enum_values.end()}, true};
        case FieldType::kInteger: return integers(uses);
        case FieldType::kDecimal: return decimals(uses);
        case FieldType::kDate: return dates(uses);
        case FieldType::kTimestamp: return timestamps(uses);
        case FieldType::kString: return texts(field, uses);
        case FieldType::kList: return {{Value::List{}, Value::List{"x"}}, !uses.opaque};
        case FieldType::kMap: return {{Value::Map{}, Value::Map{{"x", "y"}}}, !uses.opaque};
    }
    return {{}, false};
}

}  // namespace

Domain domain_of(const FieldSpec& field, const std::vector<const Expression*>& conditions) {
    Domain domain = domain_by_type(field, uses_of(field.name, conditions));
    if (!field.required) domain.values.emplace_back();
    return domain;
}

}  // namespace syncline
