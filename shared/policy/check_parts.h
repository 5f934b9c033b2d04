#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "shared/base/nearest_name.h"
#include "shared/policy/check.h"

/// What the parts of check() share. Internal to shared/policy.
namespace syncline::checking {

template <class Name>
bool holds(const std::vector<Name>& names, const Name& name) {
    return std::ranges::find(names, name) != names.end();
}

inline std::string tick(const auto& name) { return "`" + name.text + "`"; }

inline std::string listed(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text;
}

inline std::string hint_of(const std::string& word, const std::vector<std::string>& names) {
    const std::string nearest = nearest_name(word, names);
    return nearest.empty() ? "" : "did you mean `" + nearest + "`?";
}

/// "`a`, `b`, `c` and 7 more".
inline std::string few(const std::vector<const FieldSpec*>& fields) {
    constexpr std::size_t kNamed = 3;
    std::string text;
    for (std::size_t i = 0; i < std::min(fields.size(), kNamed); ++i) {
        text += (i == 0 ? "" : ", ") + tick(fields[i]->name);
    }
    if (fields.size() <= kNamed) return text;
    return text + " and " + std::to_string(fields.size() - kNamed) + " more";
}

/// "stage = "new" and amount is empty".
inline std::string in_words(const Fields& entity) {
    std::string text;
    for (const auto& [name, value] : entity) {
        text += (text.empty() ? "" : " and ") + name.text;
        text += value.is_null() ? " is empty" : " = " + display(value);
    }
    return text;
}

/// Collects what is found.
class Findings {
public:
    explicit Findings(std::vector<Finding>& all) : all_(all) {}

    void error(std::string_view code, const SourcePlace& place, std::string message,
               std::string hint = {}) {
        all_.push_back({Severity::kError, code, place, std::move(message), std::move(hint)});
    }
    void warn(std::string_view code, const SourcePlace& place, std::string message,
              std::string hint = {}) {
        all_.push_back({Severity::kWarning, code, place, std::move(message), std::move(hint)});
    }

    [[nodiscard]] std::size_t count() const { return all_.size(); }

private:
    std::vector<Finding>& all_;
};

/// Does a condition over the object's fields name and compare what there is? Tells what is wrong.
bool check_condition(const Policy& policy, const ObjectSpec& object, const Expression& when,
                     const SourcePlace& place, Findings findings);

/// What is wrong with the rules for exceptions (check_exceptions.cc).
void check_exceptions(const Policy& policy, std::vector<Finding>& findings);

/// What is wrong with the lists (check_lists.cc).
void check_lists(const Policy& policy, Findings findings);

/// What is wrong with the object's events (check_events.cc).
void check_events(const Policy& policy, const ObjectSpec& object, Findings findings);

/// What is wrong with the webhooks (check_events.cc).
void check_webhooks(const Policy& policy, Findings findings);

/// What is wrong with the questions (check_asks.cc).
void check_asks(const Policy& policy, Findings findings);

/// What is wrong with the workflows (check_workflows.cc).
void check_workflows(const Policy& policy, Findings findings);

/// Beside what is told on the events' stream.
enum class Sees : std::uint8_t { kNothingElse, kExceptions };

/// Is the event one that the policy tells of, with these fields? `where` says who asks. An event of
/// what is no object of the policy or of the hubs comes from elsewhere, and nothing is known of it.
/// (check_workflow_events.cc)
void check_event(const Policy& policy, const std::string& event,
                 const std::vector<std::string>& fields, const SourcePlace& place,
                 const std::string& where, Findings findings, Sees sees = Sees::kNothingElse);

/// What is wrong with the indicators (check_indicators.cc).
void check_indicators(const Policy& policy, Findings findings);

/// What is wrong with one step of a workflow (check_workflow_steps.cc). `items`: the names that
/// stand for an item where the step runs, beside the fields of the context.
void check_step(const Policy& policy, const Workflow& workflow,
                const std::vector<std::string>& items, const StepSpec& step, Findings findings);

/// What is wrong with the object's lifecycle, if it has one (lifecycle_check.cc).
void check_lifecycle(const ObjectSpec& object, Findings findings);

}  // namespace syncline::checking
