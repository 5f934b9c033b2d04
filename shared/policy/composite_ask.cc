#include <algorithm>

#include "shared/policy/ask.h"
#include "shared/policy/policy_toml.h"
#include "shared/policy/policy_toml_parts.h"

// Questions that are put together of several.

namespace syncline {
namespace {

std::vector<std::pair<FieldName, Expression>> read_expressions(TomlReader in) {
    std::vector<std::pair<FieldName, Expression>> out;
    for (const std::string& name : in.keys()) {
        if (auto read = reading::read_condition(in, name)) {
            out.emplace_back(FieldName{name}, *std::move(read));
        }
    }
    return out;
}

AskPart read_part(TomlReader in, const std::string& name) {
    AskPart part;
    part.name = name;
    part.place = in.place();
    const std::string ask = in.text("ask");
    if (auto parsed = parse_ask_name(ask)) {
        part.ask = *std::move(parsed);
    } else if (in.has("ask")) {
        in.problem("ask", "must be a platform and its question, like \"erp.credit_status\"");
    }
    part.with = read_expressions(in.table("with"));
    part.required = in.boolean("required", part.required);
    return part;
}

/// Evaluates; what fails is told in `wrong`.
Fields evaluated(const std::vector<std::pair<FieldName, Expression>>& wanted, const Fields& seen,
                 std::string& wrong) {
    Fields out;
    for (const auto& [name, expression] : wanted) {
        auto value = expression.evaluate(seen);
        if (value && !value->is_null()) {
            out.set(name, *std::move(value));
        } else if (!value) {
            wrong += (wrong.empty() ? "" : "; ") + ("`" + name.text + "`: " + value.error().what);
        }
    }
    return out;
}

}  // namespace

const char* name_of(AskVerdict verdict) {
    switch (verdict) {
        case AskVerdict::kYes: return "yes";
        case AskVerdict::kNo: return "no";
        case AskVerdict::kUnknown: return "unknown";
    }
    return "unknown";
}

CompositeAsk read_composite_ask(TomlReader& in, std::string_view name) {
    CompositeAsk ask;
    // The fields of the output are expressions here; their types are what these give.
    ask.form = read_ask_form(in, name, AskOutput::kComputed);
    TomlReader parts = in.table("parts");
    for (const std::string& part : parts.keys()) {
        if (!is_policy_name(part))
            parts.key_problem(part, "is no name: small letters, digits, `_`");
        ask.parts.push_back(read_part(parts.table(part), part));
    }
    if (ask.parts.empty()) in.problem("parts", "must hold at least one question to ask");
    for (TomlReader& reason : in.tables("reasons")) {
        auto when = reading::read_condition(reason, "when");
        if (!reason.has("when")) reason.problem("when", "is missing");
        std::string text = reason.text("text");
        if (when) ask.reasons.push_back({*std::move(when), std::move(text), reason.place()});
    }
    ask.output = read_expressions(in.table("output"));
    return ask;
}

Result<Fields> input_of(const AskPart& part, const Fields& input) {
    std::string wrong;
    Fields out = evaluated(part.with, input, wrong);
    if (!wrong.empty()) return fail(ErrorKind::kInvalid, std::move(wrong));
    return out;
}

Judgement judge(const CompositeAsk& ask, const Fields& input, std::span<const PartAnswer> answers) {
    Judgement out{.verdict = AskVerdict::kYes};
    Fields seen = input;
    for (std::size_t i = 0; i < ask.parts.size(); ++i) {
        const AskPart& part = ask.parts[i];
        const PartAnswer& answer = answers[i];
        seen.set(FieldName{part.name + "_ok"}, Value{answer.values.has_value()});
        if (answer.values) {
            for (const auto& [name, value] : *answer.values) {
                seen.set(FieldName{part.name + "_" + name.text}, value);
            }
        } else if (part.required) {
            out.verdict = AskVerdict::kUnknown;
            out.reasons.push_back(part.name + " is not known: " + answer.error);
        }
    }
    std::string wrong;
    for (const CompositeAsk::Reason& reason : ask.reasons) {
        const auto holds = reason.when.holds(seen);
        if (holds && *holds) {
            // What speaks against it does so whatever else is not known.
            out.verdict = AskVerdict::kNo;
            out.reasons.push_back(reason.text);
        } else if (!holds && out.verdict == AskVerdict::kYes) {
            out.verdict = AskVerdict::kUnknown;
            out.reasons.push_back(to_string(reason.place) + ": " + holds.error().what);
        }
    }
    out.values = evaluated(ask.output, seen, wrong);
    return out;
}

}  // namespace syncline
