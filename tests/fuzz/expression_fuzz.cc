// An expression of a policy: refused with its place, or run with the same answer natively and by
// Lua, every time.
#include <array>

#include "shared/policy/expression.h"
#include "shared/policy/expression_native.h"
#include "shared/policy/expression_syntax.h"
#include "tests/fuzz/must.h"

namespace syncline::fuzz {
namespace {

/// Entities that the expressions of the corpus look at, and one that has nothing.
const std::array<Fields, 3>& entities() {
    static const std::array<Fields, 3> all{
        Fields{},
        Fields{{FieldName{"amount"}, Value{*Decimal::parse("10000.50")}},
               {FieldName{"region"}, Value{"EU"}},
               {FieldName{"since"}, Value{Date{20458}}},
               {FieldName{"stage"}, Value{"prospect"}},
               {FieldName{"tags"}, Value{Value::List{"vip", "new"}}}},
        Fields{{FieldName{"amount"}, Value{3}},
               {FieldName{"name"}, Value{"\xc3\x84pfel & \"more\""}},
               {FieldName{"region"}, Value{}},
               {FieldName{"since"}, Value{Timestamp{1'767'607'872'000'000'000}}},
               {FieldName{"stage"}, Value{true}},
               {FieldName{"tags"}, Value{Value::Map{{"a", 1}}}}}};
    return all;
}

bool truthy(const Value& value) {
    const bool* truth = value.get<bool>();
    return !value.is_null() && (truth == nullptr || *truth);
}

void check_answers(const Expression& expression, const expression::Node& root,
                   const Fields& fields) {
    const auto value = expression.evaluate(fields);
    const auto again = expression.evaluate(fields);
    must(taken(value) == again.has_value());
    if (value) must(*value == *again);
    const auto holds = expression.holds(fields);
    must(taken(holds) == value.has_value());
    if (holds) must(*holds == truthy(*value));
    if (!expression::runs_natively(root)) return;
    const auto native = expression::holds_natively(root, fields);
    must(taken(native) == value.has_value());
    if (native) must(*native == truthy(*value));
}

}  // namespace
}  // namespace syncline::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace syncline;
    using fuzz::must;
    const std::string_view text = fuzz::text_of(data, size);
    const auto root = expression::parse(text);
    const auto parsed = Expression::parse(text);
    if (!fuzz::taken(root)) {
        must(!parsed && parsed.error().kind == ErrorKind::kInvalid);
        return 0;
    }
    must(text.size() <= expression::Limits::kBytesMax);
    must(root->depth <= expression::Limits::kDepthMax);
    if (!fuzz::taken(parsed)) return 0;  // More parts than Lua's compiler takes.
    must(parsed->text() == text);
    for (const std::string& field : parsed->reads()) must(!expression::is_reserved_word(field));
    for (const Fields& fields : fuzz::entities()) fuzz::check_answers(*parsed, *root, fields);
    return 0;
}
