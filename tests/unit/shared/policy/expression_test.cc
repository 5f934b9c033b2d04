#include "shared/policy/expression.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace syncline {
namespace {

Decimal number(std::string_view text) { return Decimal::parse(text).value(); }

Fields customer() {
    Fields fields;
    fields.set(FieldName{"name"}, "M\xC3\xBCller & Sons");
    fields.set(FieldName{"stage"}, "active");
    fields.set(FieldName{"amount"}, number("10000.10"));
    fields.set(FieldName{"count"}, 3);
    fields.set(FieldName{"vip"}, true);
    fields.set(FieldName{"blocked"}, false);
    fields.set(FieldName{"nothing"}, Value{});
    fields.set(FieldName{"blank"}, "");
    fields.set(FieldName{"due"}, parse_date("2026-03-01").value());
    fields.set(FieldName{"changed"}, parse_timestamp("2026-03-01T10:11:12.5Z").value());
    fields.set(FieldName{"tags"}, Value::List{"a", 2, number("0.5")});
    fields.set(FieldName{"none"}, Value::List{});
    fields.set(FieldName{"address"}, Value::Map{{"city", "Bern"}, {"zip", "3000"}});
    return fields;
}

struct ValueCase {
    const char* text;
    Value value;
};
class ExpressionValue : public testing::TestWithParam<ValueCase> {};
TEST_P(ExpressionValue, IsExact) {
    const auto expression = Expression::parse(GetParam().text);
    ASSERT_TRUE(expression) << expression.error().what;
    const auto value = expression->evaluate(customer());
    ASSERT_TRUE(value) << value.error().what;
    EXPECT_EQ(*value, GetParam().value) << display(*value);
    // holds() must say the same, natively or not.
    const bool* truth = value->get<bool>();
    EXPECT_EQ(expression->holds(customer()).value(),
              !value->is_null() && (truth == nullptr || *truth));
}

INSTANTIATE_TEST_SUITE_P(
    Literals, ExpressionValue,
    testing::Values(ValueCase{"nil", {}}, ValueCase{"true", true}, ValueCase{"5", 5},
                    ValueCase{"0.10", number("0.1")}, ValueCase{".5", number("0.5")},
                    ValueCase{"1e3", 1000}, ValueCase{"5.0", 5},
                    ValueCase{"999999999999999999999.5", number("999999999999999999999.5")},
                    ValueCase{"'it\\'s'", "it's"}, ValueCase{"\"a\\\\\\n\\t\"", "a\\\n\t"},
                    ValueCase{"'9\xC3\xA4"
                              "7'",
                              "9\xC3\xA4"
                              "7"},
                    ValueCase{"((7))", 7}));

INSTANTIATE_TEST_SUITE_P(
    Fields, ExpressionValue,
    testing::Values(ValueCase{"stage", "active"}, ValueCase{"amount", number("10000.1")},
                    ValueCase{"count", 3}, ValueCase{"nothing", {}}, ValueCase{"absent", {}},
                    ValueCase{"due", parse_date("2026-03-01").value()},
                    ValueCase{"tags", Value::List{"a", 2, number("0.5")}}, ValueCase{"tags[2]", 2},
                    ValueCase{"tags[9]", {}}, ValueCase{"tags[0]", {}},
                    ValueCase{"address.city", "Bern"}, ValueCase{"address['zip']", "3000"},
                    ValueCase{"address.street", {}}));

INSTANTIATE_TEST_SUITE_P(
    Arithmetic, ExpressionValue,
    testing::Values(ValueCase{"0.1 + 0.2 == 0.3", true}, ValueCase{"0.1 + 0.2", number("0.3")},
                    ValueCase{"amount * 1.19", number("11900.119")}, ValueCase{"2 + 3 * 4 - 1", 13},
                    ValueCase{"(2 + 3) * 4", 20}, ValueCase{"10 - 3 - 2", 5},
                    ValueCase{"-count * 2", -6}, ValueCase{"- -count", 3},
                    ValueCase{"9007199254740993 + 0", 9007199254740993},
                    ValueCase{"9223372036854775807 + 1", number("9223372036854775808")},
                    ValueCase{"#'M\xC3\xBC' + #tags", 5}));

INSTANTIATE_TEST_SUITE_P(
    Comparison, ExpressionValue,
    testing::Values(ValueCase{"amount > 10000", true}, ValueCase{"amount > 10000.1", false},
                    ValueCase{"amount >= 10000.10", true}, ValueCase{"count == 3.0", true},
                    ValueCase{"stage ~= 'prospect'", true}, ValueCase{"stage == nil", false},
                    ValueCase{"absent == nil", true}, ValueCase{"nothing == nil", true},
                    ValueCase{"absent == 'x'", false}, ValueCase{"absent ~= 'x'", true},
                    ValueCase{"count == '3'", false}, ValueCase{"'Zebra' < 'apple'", true},
                    ValueCase{"blank == ''", true}, ValueCase{"tags == tags", true},
                    ValueCase{"tags == none", false}));

INSTANTIATE_TEST_SUITE_P(
    Moments, ExpressionValue,
    testing::Values(ValueCase{"due == '2026-03-01'", true}, ValueCase{"due < '2026-03-02'", true},
                    ValueCase{"'2026-02-28' < due", true}, ValueCase{"due == 'soon'", false},
                    ValueCase{"changed > '2026-03-01'", true}, ValueCase{"changed > due", true},
                    ValueCase{"changed == '2026-03-01T11:11:12.500+01:00'", true},
                    ValueCase{"changed < '2026-03-01T10:11:12Z'", false},
                    ValueCase{"due .. ''", "2026-03-01"},
                    ValueCase{"changed .. ''", "2026-03-01T10:11:12.5Z"},
                    ValueCase{"sub(due, 1, 4)", "2026"}));

INSTANTIATE_TEST_SUITE_P(
    Logic, ExpressionValue,
    testing::Values(ValueCase{"vip and not blocked", true}, ValueCase{"blocked or 'else'", "else"},
                    ValueCase{"absent and absent < 5", {}}, ValueCase{"vip or absent < 5", true},
                    ValueCase{"false or nil", {}}, ValueCase{"nil and 1 or 2", 2},
                    ValueCase{"true or false and false", true}, ValueCase{"not absent", true},
                    ValueCase{"not 0", false}, ValueCase{"not (count == 3)", false},
                    ValueCase{"1 and 2 and 3", 3}));

INSTANTIATE_TEST_SUITE_P(
    Text, ExpressionValue,
    testing::Values(
        ValueCase{"name:upper()", "M\xC3\xBCLLER & SONS"}, ValueCase{"lower('ABC')", "abc"},
        ValueCase{"name:sub(1, 2)", "M\xC3\xBC"}, ValueCase{"sub(name, -4)", "Sons"},
        ValueCase{"sub(name, 5, 4)", ""}, ValueCase{"sub(name, 0, 99)", "M\xC3\xBCller & Sons"},
        ValueCase{"name:len()", 13}, ValueCase{"#blank", 0}, ValueCase{"find(name, 'ller')", 3},
        ValueCase{"find(name, 'l', 4)", 4}, ValueCase{"name:find('%a', 1, true)", {}},
        ValueCase{"find(name, '.')", {}}, ValueCase{"('x'):upper()", "X"},
        ValueCase{"name:sub(1,1):lower() .. count .. '/' .. 1.50", "m3/1.5"},
        ValueCase{"contains(name, '&')", true}, ValueCase{"contains(tags, 'a')", true},
        ValueCase{"contains(tags, 2)", true}, ValueCase{"contains(tags, 0.5)", true},
        ValueCase{"contains(tags, 'z')", false}, ValueCase{"contains(absent, 'z')", false},
        ValueCase{"contains(address, 'city')", true},
        ValueCase{"one_of(stage, 'x', 'active')", true}, ValueCase{"one_of(count, 1, 2)", false},
        ValueCase{"one_of(absent, nil)", true},
        ValueCase{"empty(blank) and empty(absent) and empty(none) and empty(nothing)", true},
        ValueCase{"empty(tags) or empty(count) or empty(blocked)", false}));

struct ErrorCase {
    const char* text;
    std::string error;
};
class ExpressionSyntax : public testing::TestWithParam<ErrorCase> {};
TEST_P(ExpressionSyntax, IsRefusedWithAReason) {
    const auto expression = Expression::parse(GetParam().text);
    ASSERT_FALSE(expression);
    EXPECT_EQ(expression.error().kind, ErrorKind::kInvalid);
    EXPECT_EQ(expression.error().what, GetParam().error);
}
const char* const kStatement =
    "` belongs to statements and functions of Lua; only one expression "
    "is allowed here";
const char* const kKnown = "; there are contains, one_of, empty, upper, lower, sub, find, len";
INSTANTIATE_TEST_SUITE_P(
    Forms, ExpressionSyntax,
    testing::Values(
        ErrorCase{"", "at character 1: the expression ends too early"},
        ErrorCase{"a ==", "at character 5: the expression ends too early"},
        ErrorCase{"a = 1", "at character 3: an expression assigns nothing; write `==` to compare"},
        ErrorCase{"a != 1", "at character 3: write `~=` for `not equal`"},
        ErrorCase{"a && b", "at character 3: write `and`"},
        ErrorCase{"a b", "at character 3: `b` does not fit here"},
        ErrorCase{"(a", "at character 3: the expression ends too early"},
        ErrorCase{"a)", "at character 2: `)` does not fit here"},
        ErrorCase{"1 < 2 < 3", "at character 7: comparisons do not chain; write `a < b and b < c`"},
        ErrorCase{"not a == b",
                  "at character 7: `not` binds tighter than a comparison; write `not (a == b)` or "
                  "`a ~= b`"},
        ErrorCase{"amount / 2", "at character 8: division is not exact; multiply instead"},
        ErrorCase{"0x10", "at character 1: not a decimal number; hexadecimal is not accepted"},
        ErrorCase{"1.2.3", "at character 1: not a decimal number; hexadecimal is not accepted"},
        ErrorCase{"Stage", "at character 1: `Stage` is no name of a field"},
        ErrorCase{"'open", "at character 1: unclosed text"},
        ErrorCase{"'\\x41'", "at character 2: the escapes are \\n \\t \\r \\\\ \\\" and \\'"},
        ErrorCase{"'\xFF'", "at character 2: not valid UTF-8"},
        ErrorCase{"empty()", "at character 1: `empty` got a wrong number of arguments"},
        ErrorCase{"empty(a b)", "at character 9: `b` does not fit here"},
        ErrorCase{"one_of('(' a)", "at character 12: `a` does not fit here"},
        ErrorCase{"emtpy(a)", std::string{"at character 1: there is no function `emtpy`"} + kKnown +
                                  "; did you mean `empty`?"},
        ErrorCase{"1e99", "at character 1: a decimal has at most 36 digits"}));

INSTANTIATE_TEST_SUITE_P(
    Escapes, ExpressionSyntax,
    testing::Values(
        ErrorCase{"function() end", std::string{"at character 1: `function"} + kStatement},
        ErrorCase{"(function() return 1 end)()",
                  std::string{"at character 2: `function"} + kStatement},
        ErrorCase{"1 while true do end", std::string{"at character 3: `while"} + kStatement},
        ErrorCase{"for i", std::string{"at character 1: `for"} + kStatement},
        ErrorCase{"goto x", std::string{"at character 1: `goto"} + kStatement},
        ErrorCase{"1 end) os.exit() return (1", std::string{"at character 3: `end"} + kStatement},
        ErrorCase{"('x'):rep(1e9)",
                  std::string{"at character 7: there is no function `rep`"} + kKnown},
        ErrorCase{"name:gsub('a', 'b')",
                  std::string{"at character 6: there is no function `gsub`"} + kKnown +
                      "; did you mean `sub`?"},
        ErrorCase{"name:find('(a+)+$', 1, false)",
                  "at character 6: `find` looks for plain text only, never for a pattern"},
        ErrorCase{"load('x')", std::string{"at character 1: there is no function `load`"} + kKnown},
        ErrorCase{"os.exit()", "at character 8: `(` does not fit here"},
        ErrorCase{"a -- comment",
                  "at character 3: comments are not allowed here; two minus signs need a blank "
                  "between them"},
        ErrorCase{"[[long]]", "at character 1: write text in quotes"},
        ErrorCase{"{1, 2}",
                  "at character 1: there are no table constructors; use one_of(field, ...)"},
        ErrorCase{"a; b", "at character 2: only one expression is allowed here"},
        ErrorCase{"...", "at character 1: `...` has no meaning here"},
        ErrorCase{"_ENV", "at character 1: `_ENV` is no name of a field"},
        ErrorCase{"EQ(1, 1)", std::string{"at character 1: there is no function `EQ`"} + kKnown},
        ErrorCase{"upper 'x'", "at character 7: `x` does not fit here"}));

struct FailureCase {
    const char* text;
    const char* error;
};
class ExpressionFailure : public testing::TestWithParam<FailureCase> {};
TEST_P(ExpressionFailure, IsAnErrorAndNoAnswer) {
    const auto expression = Expression::parse(GetParam().text);
    ASSERT_TRUE(expression) << expression.error().what;
    const auto value = expression->evaluate(customer());
    ASSERT_FALSE(value) << display(*value);
    EXPECT_EQ(value.error().kind, ErrorKind::kInvalid);
    EXPECT_EQ(value.error().what, GetParam().error);
    EXPECT_EQ(expression->holds(customer()).error().what, GetParam().error);
    // The interpreter is as good as before.
    EXPECT_EQ(Expression::parse("1 + 1").value().evaluate({}).value(), Value{2});
}
INSTANTIATE_TEST_SUITE_P(
    Kinds, ExpressionFailure,
    testing::Values(FailureCase{"absent < 5", "nil (an empty field) and a number have no order"},
                    FailureCase{"count < 'x'", "a number and text have no order"},
                    FailureCase{"due < 'soon'", "a date and text have no order"},
                    FailureCase{"vip > blocked", "true or false and true or false have no order"},
                    FailureCase{"name + 1", "cannot calculate with text"},
                    FailureCase{"-absent", "cannot calculate with nil (an empty field)"},
                    FailureCase{"999999999999999999999999999999999999 + 1",
                                "a decimal has at most 36 digits"},
                    FailureCase{"name .. tags", "a list is no text"},
                    FailureCase{"absent:upper()", "nil (an empty field) is no text"},
                    FailureCase{"#count", "a number has no length"},
                    FailureCase{"absent.city", "nil (an empty field) has no elements by text"},
                    FailureCase{"sub(name, 1.5)", "`sub` and `find` count in whole numbers"},
                    FailureCase{"sub(name, absent)", "`sub` and `find` count in whole numbers"},
                    FailureCase{"contains(count, 3)", "a number cannot contain a number"}));

std::string repeated(std::string_view part, int times) {
    std::string text;
    for (int i = 0; i < times; ++i) text += part;
    return text;
}

TEST(ExpressionLimits, StopNestingBeforeItReachesLua) {
    for (const std::string& text :
         {repeated("(", 1000) + "1" + repeated(")", 1000), repeated("not ", 900) + "a",
          repeated("- ", 900) + "1", "1" + repeated(" + 1", 900),
          repeated("upper(", 500) + "a" + repeated(")", 500),
          repeated("1-(", 500) + "1" + repeated(")", 500), "a" + repeated(".a", 900),
          "a" + repeated("[a", 900)}) {
        const auto expression = Expression::parse(text);
        ASSERT_FALSE(expression) << text;
        EXPECT_EQ(expression.error().kind, ErrorKind::kInvalid);
    }
}

TEST(ExpressionLimits, AllowWhatIsJustWithinThem) {
    for (const std::string& text :
         {repeated("(", 60) + "1" + repeated(")", 60), repeated("not ", 60) + "a",
          "1" + repeated(" + 1", 60), repeated("upper(", 60) + "'a'" + repeated(")", 60),
          repeated("1-(", 60) + "1" + repeated(")", 60),
          repeated("not (a and ", 30) + "b" + repeated(")", 30),
          repeated("(a or b and (", 20) + "b" + repeated("))", 20), "a" + repeated(" or a", 800),
          "a == 1" + repeated(" and a ~= 2", 90), "one_of(a" + repeated(", 'x'", 99) + ")"}) {
        const auto expression = Expression::parse(text);
        ASSERT_TRUE(expression) << text << ": " << expression.error().what;
        EXPECT_TRUE(expression->evaluate({})) << expression->evaluate({}).error().what;
    }
}

TEST(ExpressionLimits, RefuseTooMuchText) {
    EXPECT_TRUE(Expression::parse("'" + std::string(4094, 'x') + "'"));
    EXPECT_EQ(Expression::parse("'" + std::string(4095, 'x') + "'").error().what,
              "at character 4097: an expression has at most 4096 bytes");
    EXPECT_FALSE(Expression::parse("1" + repeated(" or 1", 100)));
    EXPECT_FALSE(Expression::parse("a" + repeated(" .. a", 100)));
    // Each call is within its limits, but Lua has no registers for all of them at once.
    const std::string wide = "one_of(a" + repeated(", a", 98) + ", ";
    EXPECT_FALSE(Expression::parse(wide + wide + wide + "a)))"));
}

TEST(ExpressionLimits, RefuseTooMuchMemoryAndGoOn) {
    Fields fields;
    fields.set(FieldName{"big"}, std::string(100'000, 'x'));
    const auto fits = Expression::parse("#(big .. big)").value();
    const auto bomb = Expression::parse("#(big .. big .. big .. big)").value();
    const auto pieces =
        Expression::parse("one_of('', big .. big, big .. big, big .. big, big .. big, big .. big)")
            .value();
    for (int round = 0; round < 100; ++round) {
        EXPECT_EQ(fits.evaluate(fields).value(), Value{200'000}) << round;
        EXPECT_EQ(bomb.evaluate(fields).error().what, "over the limit of memory") << round;
        EXPECT_EQ(pieces.evaluate(fields).error().what, "over the limit of memory") << round;
    }
}

TEST(Expression, KnowsWhatItReads) {
    const auto expression =
        Expression::parse("b == 'x' and one_of(a, 1, 'y') and 5 < c and upper(b) == 'Z' and d")
            .value();
    EXPECT_EQ(expression.reads(), (std::vector<std::string>{"a", "b", "c", "d"}));
    const std::vector<Expression::Comparison> expected{
        {"b", "x"}, {"a", Decimal{1}}, {"a", "y"}, {"c", Decimal{5}}};
    EXPECT_EQ(expression.comparisons(), expected);
    EXPECT_EQ(expression.text().substr(0, 8), "b == 'x'");
}

TEST(Expression, IsUsedFromAnyThread) {
    const auto expression = Expression::parse("upper(stage) == 'ACTIVE'").value();
    std::vector<std::thread> threads;
    std::atomic<int> right = 0;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 200; ++round) {
                right += expression.holds(customer()).value_or(false) ? 1 : 0;
            }
        });
    }
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(right, 800);
}

TEST(Expression, OutlivesManyOthers) {
    const auto kept = Expression::parse("upper(stage) == 'ACTIVE'").value();
    for (int i = 0; i < 3'000; ++i) {
        ASSERT_EQ(Expression::parse(std::to_string(i) + " + 0").value().evaluate({}).value(),
                  Value{i});
    }
    EXPECT_TRUE(kept.holds(customer()).value());
}

}  // namespace
}  // namespace syncline
