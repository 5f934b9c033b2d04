#include "shared/policy/workflow.h"

#include <algorithm>

#include "shared/base/sha256.h"

namespace syncline {
namespace {

constexpr std::size_t kHashDigits = 32;

/// What instances run by, as one text: each part with its length in front, so that no two
/// definitions have the same.
class DefinitionText {
public:
    std::string out;

    void text(std::string_view value) {
        out += std::to_string(value.size()) + ":";
        out += value;
    }
    void number(std::int64_t value) { text(std::to_string(value)); }
    void expression(const std::optional<Expression>& value) {
        text(value ? value->text() : std::string{});
    }
    void assignments(const Assignments& all) {
        number(static_cast<std::int64_t>(all.size()));
        for (const Assignment& one : all) {
            text(one.field.text);
            text(one.value.text());
        }
    }
    void write(const EntityWrite& value) {
        text(value.object.text);
        expression(value.key);
        assignments(value.fields);
    }
    void fields(const std::vector<FieldSpec>& all) {
        number(static_cast<std::int64_t>(all.size()));
        for (const FieldSpec& field : all) {
            text(field.name.text);
            number(static_cast<std::int64_t>(field.type));
            number(field.required ? 1 : 0);
            number(static_cast<std::int64_t>(field.length_max));
            number(static_cast<std::int64_t>(field.enum_values.size()));
            for (const std::string& value : field.enum_values) text(value);
        }
    }
    void steps(const Steps& all) {
        number(static_cast<std::int64_t>(all.size()));
        for (const StepSpec& step : all) one(step);
    }

    // Each kind of step.
    void operator()(const AskStep& step) { text(step.operation); }
    void operator()(const OperationStep& step) { text(step.operation); }
    void operator()(const SetStep& step) { write(step.write); }
    void operator()(const LetStep& step) { assignments(step.values); }
    void operator()(const WaitStep& step) {
        text(step.event);
        expression(step.key);
        expression(step.until);
        number(step.length.count());
    }
    void operator()(const ApproveStep& step) {
        number(static_cast<std::int64_t>(step.chain.size()));
        for (const auto& [role, from] : step.chain) {
            text(role);
            text(from ? from->text() : "");
        }
        number(step.quorum);
        expression(step.amount);
        number(static_cast<std::int64_t>(step.show.size()));
        for (const FieldName& field : step.show) text(field.text);
        number(static_cast<std::int64_t>(step.on_deadline));
        text(step.escalate_to);
        number(step.remind.count());
        number(static_cast<std::int64_t>(step.on_reject));
        text(step.into.text);
    }
    void operator()(const ChooseStep& step) {
        number(static_cast<std::int64_t>(step.choices.size()));
        for (const auto& [when, block] : step.choices) {
            expression(when);
            text(block);
        }
    }
    void operator()(const ParallelStep& step) {
        number(static_cast<std::int64_t>(step.blocks.size()));
        for (const std::string& block : step.blocks) text(block);
    }
    void operator()(const ForEachStep& step) {
        expression(step.of);
        text(step.as.text);
        text(step.block);
        number(step.most);
    }
    void operator()(const CallStep& step) { text(step.workflow.text); }
    void operator()(const EmitStep& step) {
        text(step.event);
        assignments(step.fields);
    }
    void operator()(const EndStep& step) {
        number(static_cast<std::int64_t>(step.outcome));
        expression(step.reason);
    }

private:
    void one(const StepSpec& step) {
        text(step.name);
        expression(step.when);
        number(static_cast<std::int64_t>(step.action.index()));
        std::visit(*this, step.action);
        assignments(step.with);
        assignments(step.into);
        number(step.retry.attempts);
        number(step.retry.first.count());
        number(step.retry.most.count());
        for (const auto& [error, recourse] : step.on_error) {
            number(static_cast<std::int64_t>(error));
            number(static_cast<std::int64_t>(recourse));
        }
        text("");
        number(step.deadline.count());
        number(static_cast<std::int64_t>(step.on_deadline));
        if (step.compensate) {
            text(step.compensate->operation);
            assignments(step.compensate->with);
            if (step.compensate->write) write(*step.compensate->write);
        }
        text(step.because);
    }
};

}  // namespace

const char* name_of(Recourse recourse) {
    switch (recourse) {
        case Recourse::kPause: return "pause";
        case Recourse::kCompensate: return "compensate";
        case Recourse::kContinue: return "continue";
    }
    return "unknown";
}

const char* name_of(Trigger::On on) {
    switch (on) {
        case Trigger::On::kChange: return "change";
        case Trigger::On::kEvent: return "event";
        case Trigger::On::kApi: return "api";
        case Trigger::On::kSchedule: return "schedule";
    }
    return "unknown";
}

bool StepSpec::has_effect() const {
    return std::holds_alternative<OperationStep>(action) || std::holds_alternative<SetStep>(action);
}

Recourse StepSpec::recourse(ErrorClass error) const {
    const auto at = on_error.find(error);
    return at == on_error.end() ? Recourse::kPause : at->second;
}

const FieldSpec* Workflow::field(std::string_view wanted) const {
    const auto at = std::ranges::lower_bound(context, wanted, {}, [](const FieldSpec& spec) {
        return std::string_view{spec.name.text};
    });
    return at != context.end() && at->name.text == wanted ? &*at : nullptr;
}

const Variant* Workflow::variant(std::string_view wanted) const {
    const auto at = std::ranges::find(variants, wanted, &Variant::name);
    return at == variants.end() ? nullptr : &*at;
}

const Steps* Workflow::block(std::string_view wanted, std::string_view chosen) const {
    if (!wanted.empty()) {
        const auto at = blocks.find(std::string{wanted});
        return at == blocks.end() ? nullptr : &at->second;
    }
    if (chosen.empty()) return &steps;
    const Variant* own = variant(chosen);
    return own == nullptr ? nullptr : &own->steps;
}

std::string definition_hash(const Workflow& workflow) {
    DefinitionText text;
    text.text(workflow.name.text);
    text.text(workflow.key.text);
    text.number(workflow.deadline.count());
    text.number(static_cast<std::int64_t>(workflow.on_deadline));
    text.fields(workflow.context);
    text.steps(workflow.steps);
    for (const auto& [name, steps] : workflow.blocks) {
        text.text(name);
        text.steps(steps);
    }
    for (const Variant& variant : workflow.variants) {
        text.text(variant.name);
        text.expression(variant.when);
        text.steps(variant.steps);
    }
    return hexadecimal(bytes_of(sha256({text.out}))).substr(0, kHashDigits);
}

std::optional<std::pair<PlatformId, std::string>> split_operation(std::string_view text) {
    const auto dot = text.find('.');
    if (dot == std::string_view::npos || dot == 0 || dot + 1 == text.size()) return std::nullopt;
    if (text.find('.', dot + 1) != std::string_view::npos) return std::nullopt;
    return std::pair{PlatformId{text.substr(0, dot)}, std::string{text.substr(dot + 1)}};
}

}  // namespace syncline
