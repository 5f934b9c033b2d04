#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <limits>
#include <random>
#include <string>

#include "shared/policy/expression.h"

namespace syncline {
namespace {

/// Writes random expressions of the shapes that run natively, and random fields for them.
class Generator {
public:
    explicit Generator(unsigned seed) : random_(seed) {}

    std::string expression(int depth) {
        if (depth == 0 || below(4) == 0) return atom();
        switch (below(3)) {
            case 0: return "not (" + expression(depth - 1) + ")";
            case 1: return "(" + expression(depth - 1) + " and " + expression(depth - 1) + ")";
            default: return expression(depth - 1) + " or " + expression(depth - 1);
        }
    }

    Fields fields() {
        Fields fields;
        for (const char* name : {"a", "b", "c"}) {
            if (below(4) != 0) fields.set(FieldName{name}, value());
        }
        return fields;
    }

private:
    std::size_t below(std::size_t limit) { return random_() % limit; }

    template <std::size_t N>
    const char* any(const std::array<const char*, N>& of) {
        return of[below(N)];
    }
    const char* field() { return any(std::array{"a", "b", "c"}); }
    const char* literal() {
        return any(std::array{"nil", "true", "false", "0", "1", "1.5", "2", "'x'", "'y'", "''",
                              "'2026-01-05'", "'2026-01-05T00:00:00Z'"});
    }
    std::string leaf() { return below(2) == 0 ? field() : literal(); }

    std::string atom() {
        switch (below(5)) {
            case 0: return leaf();
            case 1: return "empty(" + leaf() + ")";
            case 2: return "one_of(" + leaf() + ", " + leaf() + ", " + leaf() + ")";
            default:
                return leaf() + " " + any(std::array{"==", "~=", "<", "<=", ">", ">="}) + " " +
                       leaf();
        }
    }

    Value value() {
        const std::array values{Value{},
                                Value{true},
                                Value{false},
                                Value{1},
                                Value{Decimal{2}},
                                Value{Decimal::parse("1.5").value()},
                                Value{"x"},
                                Value{""},
                                Value{"2026-01-05"},
                                Value{Date{20458}},
                                Value{Timestamp{20458 * 86'400'000'000'000}},
                                Value{Value::List{}},
                                Value{Value::List{1}},
                                Value{Value::Map{}}};
        return values[below(values.size())];
    }

    std::mt19937 random_;
};

TEST(Expression, AnswersTheSameNativelyAndByLua) {
    constexpr unsigned kSeed = 20260105;
    Generator generator{kSeed};
    int failed = 0;
    for (int round = 0; round < 5'000; ++round) {
        const std::string text = generator.expression(3);
        const auto expression = Expression::parse(text);
        ASSERT_TRUE(expression) << "seed " << kSeed << ": " << text << ": "
                                << expression.error().what;
        for (int sample = 0; sample < 4; ++sample) {
            const Fields fields = generator.fields();
            const auto natively = expression->holds(fields);
            const auto by_lua = expression->evaluate(fields);
            ASSERT_EQ(natively.has_value(), by_lua.has_value()) << "seed " << kSeed << ": " << text;
            if (!natively) {
                ASSERT_EQ(natively.error().what, by_lua.error().what) << text;
                ++failed;
                continue;
            }
            const bool* truth = by_lua->get<bool>();
            ASSERT_EQ(*natively, !by_lua->is_null() && (truth == nullptr || *truth))
                << "seed " << kSeed << ": " << text;
        }
    }
    EXPECT_GT(failed, 100);  // Both kinds of answers were really met.
    EXPECT_LT(failed, 19'000);
}

TEST(Expression, OfASimpleShapeCostsNoLua) {
    const auto rule =
        Expression::parse("stage == 'active' and credit_limit > 10000 or region == 'EU'").value();
    const auto by_lua = Expression::parse("upper(stage) == 'ACTIVE'").value();
    const Fields fields{{FieldName{"stage"}, "active"},
                        {FieldName{"credit_limit"}, Decimal::parse("12000.5").value()},
                        {FieldName{"region"}, "CH"}};
    const auto best_ns = [&](const Expression& expression) {
        std::int64_t best = std::numeric_limits<std::int64_t>::max();
        for (int round = 0; round < 50; ++round) {
            const auto start = std::chrono::steady_clock::now();
            int held = 0;
            for (int i = 0; i < 100; ++i) held += expression.holds(fields).value_or(false) ? 1 : 0;
            const auto took = std::chrono::steady_clock::now() - start;
            EXPECT_EQ(held, 100);
            best = std::min<std::int64_t>(
                best, std::chrono::duration_cast<std::chrono::nanoseconds>(took).count() / 100);
        }
        return best;
    };
    const std::int64_t native_ns = best_ns(rule);
    RecordProperty("native_ns", static_cast<int>(native_ns));
    RecordProperty("lua_ns", static_cast<int>(best_ns(by_lua)));
    // The aim is 200 ns; the bound only catches a fast path that is not taken or compiles anew.
    EXPECT_LT(native_ns, 10'000);
}

}  // namespace
}  // namespace syncline
