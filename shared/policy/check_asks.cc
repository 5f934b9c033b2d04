#include "shared/policy/check_parts.h"

namespace syncline::checking {
namespace {

namespace codes = finding_codes;

class AskCheck : Findings {
public:
    AskCheck(const Policy& policy, const CompositeAsk& ask, Findings findings)
        : Findings(findings), policy_(policy), ask_(ask) {
        for (const FieldSpec& field : ask.form.input) input_.push_back(field.name.text);
    }

    void run() {
        for (const AskPart& part : ask_.parts) check_part(part);
        for (const CompositeAsk::Reason& reason : ask_.reasons) {
            check_reads(reason.when, reason.place);
        }
        for (const auto& [name, expression] : ask_.output) {
            check_reads(expression, ask_.form.place);
        }
    }

private:
    void check_part(const AskPart& part) {
        std::vector<std::string> known;
        for (const PlatformId& platform : policy_.platforms) known.push_back(platform.text);
        if (!holds(known, part.ask.platform.text)) {
            error(
                codes::kUnknownPlatform, part.place,
                "`ask` names " + tick(part.ask.platform) + ", which is no platform of this policy",
                hint_of(part.ask.platform.text, known));
        }
        for (const auto& [name, expression] : part.with) {
            for (const std::string& read : expression.reads()) {
                if (holds(input_, read)) continue;
                error(codes::kUnknownField, part.place,
                      "`with` reads `" + read + "`, which is not in the input",
                      hint_of(read, input_));
            }
        }
    }

    /// Of a part it is not known here what it answers.
    void check_reads(const Expression& expression, const SourcePlace& place) {
        for (const std::string& read : expression.reads()) {
            const bool of_part = std::ranges::any_of(
                ask_.parts, [&](const AskPart& part) { return read.starts_with(part.name + "_"); });
            if (of_part || holds(input_, read)) continue;
            error(codes::kUnknownField, place,
                  "`" + read + "` is neither of the input nor of a part's answer",
                  "write <part>_<field>, or <part>_ok");
        }
    }

    const Policy& policy_;
    const CompositeAsk& ask_;
    std::vector<std::string> input_;
};

}  // namespace

void check_asks(const Policy& policy, Findings findings) {
    for (const CompositeAsk& ask : policy.asks) AskCheck{policy, ask, findings}.run();
}

}  // namespace syncline::checking
