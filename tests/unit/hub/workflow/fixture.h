#pragma once

#include <gtest/gtest.h>

#include <algorithm>

#include "hub/workflow/decide.h"
#include "hub/workflow/instance_codec.h"
#include "shared/policy/check.h"
#include "shared/policy/policy_toml.h"

namespace syncline::hub::workflow {

using Lines = std::vector<std::string>;
using What = Acted::What;
inline const FieldName kPart{"part"};
inline const FieldName kMade{"made"};
inline const FieldName kNumber{"number"};

inline constexpr const char* kHead = R"([policy]
name = "test"
[platforms.erp]
[platforms.support]
[objects.case.fields]
number = { type = "string", required = true }
status = { type = "enum", values = ["open", "shut"], required = true }
amount = "decimal"
[[objects.case.own]]
fields = ["*"]
owner = "support"
[objects.case.on.support]
fields = ["*"]
founds = true
on_delete = "propagate"
)";

/// A policy with the workflow `w`; `rest` goes on behind its context.
inline std::string workflow_w(const std::string& rest, const std::string& keys = "") {
    return "[workflows.w]\nowner = \"support\"\nkey = \"number\"\n" + keys +
           R"([workflows.w.context]
number = { type = "string", required = true }
part = "string"
amount = "decimal"
yes = "bool"
made = "string"
second = "string"
items = "list"
)" + "[[workflows.w.triggers]]\non = 'api'\n" +
           rest;
}
inline std::string step(const std::string& name, const std::string& rest) {
    return "[[workflows.w.steps]]\nname = '" + name + "'\n" + rest + "\n";
}
inline std::string block(const std::string& name, const std::string& rest) {
    return "[[workflows.w.blocks." + name + "]]\n" + rest + "\n";
}
/// An operation that gives `into` and is undone by `erp.un<name>`.
inline std::string operation(const std::string& name, const std::string& into = "made") {
    return "operation = 'erp." + name + "'\nwith = { part = 'part' }\ninto = { " + into +
           " = 'number' }\ncompensate = { operation = 'erp.un" + name + "', with = { number = '" +
           into + "' } }\n";
}

/// An effect as a line: "ask support.check", "opened workflow.step_failed at fulfil", ...
struct Line {
    std::string operator()(const Request& one) const {
        std::string text = one.undoes ? "undo " : "";
        text += std::string{name_of(one.kind)} + " " + one.name;
        if (one.attempt > 1) text += " #" + std::to_string(one.attempt);
        return text;
    }
    std::string operator()(const ApprovalNews& one) const {
        if (one.what == ApprovalNews::What::kWithdrawn) return "withdrawn";
        const char* what = "reminds ";
        if (one.what == ApprovalNews::What::kAsked) what = "asks ";
        if (one.what == ApprovalNews::What::kVoted) what = "still asks ";
        return what + one.role + " for " + std::to_string(one.missing);
    }
    std::string operator()(const ExceptionNews& one) const {
        const char* what = one.what == ExceptionNews::What::kOpened ? "opened " : "closed ";
        return what + one.code + (one.step.empty() ? "" : " at " + one.step);
    }
    std::string operator()(const Told& one) const {
        if (one.what == Told::What::kRefused) return "refused: " + one.text;
        return std::string{one.what == Told::What::kStarted ? "is " : "tells the parent "} +
               name_of(one.status);
    }
};
inline Lines lines_of(const Effects& effects) {
    Lines lines;
    for (const Effect& effect : effects) lines.push_back(std::visit(Line{}, effect));
    return lines;
}

class Runs : public testing::Test {
protected:
    void use(const std::string& workflows) {
        auto parsed = parse_policy({{"head.toml", kHead}, {"w.toml", workflows}});
        ASSERT_TRUE(parsed) << parsed.error().what;
        for (const Finding& finding : check(*parsed)) {
            ASSERT_NE(finding.severity, Severity::kError) << to_string(finding);
        }
        policy_ = *std::move(parsed);
    }

    /// Decides one input, and that it comes again: nothing changes, and the same goes out.
    Lines give(decltype(Input::what) what) {
        const bool tick = std::holds_alternative<Tick>(what);
        const std::string id = tick ? "" : "in" + std::to_string(++inputs_);
        return give(Input{id, {now_}, std::move(what)});
    }
    Lines give(const Input& input) {
        step_ = decide(policy_, state_, {{input}}, context_);
        const Instance before = std::exchange(state_, step_.next);
        if (!step_.changed) {
            EXPECT_EQ(before, state_);
        }
        if (step_.changed && !input.id.empty()) {
            const Step again = decide(policy_, state_, {{input}}, context_);
            EXPECT_FALSE(again.changed);
            EXPECT_TRUE(again.replayed);
            EXPECT_EQ(again.effects, step_.effects);
            EXPECT_EQ(again.log, step_.log);
            EXPECT_EQ(again.next, state_);
        }
        if (state_.revision > 0) {
            const auto read = decode_instance(encode(state_));
            EXPECT_TRUE(read && *read == state_) << (read ? "another" : read.error().what);
        }
        return lines_of(step_.effects);
    }

    Lines start(Fields context = {}, const std::string& requester = "rita") {
        if (context.find("number") == nullptr) context.set(FieldName{"number"}, "C1");
        return give(Start{"i", WorkflowName{"w"}, "api", std::move(context), requester, ""});
    }
    static std::string key(const std::string& path) { return "w/i/" + path; }
    /// What was sent last for the step.
    [[nodiscard]] std::uint32_t attempt(const std::string& name) const {
        return attempt_in(state_.frames, name);
    }
    Lines reply(const std::string& path, Fields fields = {}) {
        return give(Reply{key(path), attempt(path), {}, std::move(fields), ""});
    }
    Lines no_reply(const std::string& path, ErrorClass error, const std::string& why = "no") {
        return give(Reply{key(path), attempt(path), error, {}, why});
    }
    Lines applied(const std::string& path, Fields fields = {}) {
        return give(OperationOutcome{
            key(path), attempt(path), OperationOutcome::What::kApplied, {}, std::move(fields), ""});
    }
    Lines refused(const std::string& path, ErrorClass error, const std::string& why = "no") {
        return give(OperationOutcome{
            key(path), attempt(path), OperationOutcome::What::kRefused, error, {}, why});
    }
    Lines in_doubt(const std::string& path) {
        return give(OperationOutcome{key(path),
                                     attempt(path),
                                     OperationOutcome::What::kInDoubt,
                                     {},
                                     {},
                                     "the line went dead"});
    }
    Lines undone(const std::string& path,
                 OperationOutcome::What what = OperationOutcome::What::kApplied,
                 ErrorClass error = ErrorClass::kPermanent) {
        std::uint32_t newest = 0;
        for (const Applied& one : state_.applied) {
            if (one.path == path) newest = one.attempt;
        }
        return give(OperationOutcome{key(path) + "/undo", newest, what, error, {}, "no"});
    }
    Lines act(Acted::What what, const std::string& at = "", const std::string& why = "",
              Fields fields = {}) {
        return give(Acted{what, "oscar", at, why, std::move(fields)});
    }
    Lines event(const std::string& name, const std::string& of, Fields fields = {}) {
        return give(EventArrived{name, of, std::move(fields)});
    }
    /// Lets seconds pass, and a Tick comes.
    Lines pass(std::int64_t seconds) {
        now_ += seconds * 1'000'000'000;
        return give(Tick{});
    }
    /// The same up to when one is due.
    Lines pass_to_due() {
        if (!step_.due) return {"nothing is due"};
        now_ = std::max(now_, step_.due->ns);
        return give(Tick{});
    }

    [[nodiscard]] const Request& request(std::size_t at = 0) const {
        return std::get<Request>(step_.effects.at(at));
    }
    [[nodiscard]] std::string value(const std::string& field) const {
        const Value* found = state_.context.find(field);
        return found == nullptr ? "none" : display(*found);
    }
    [[nodiscard]] Lines open() const {
        Lines lines;
        for (const OpenException& one : state_.exceptions) {
            lines.push_back(one.code + (one.step.empty() ? "" : " at " + one.step));
        }
        return lines;
    }
    [[nodiscard]] Lines applied_paths() const {
        Lines lines;
        for (const Applied& one : state_.applied) lines.push_back(one.path);
        return lines;
    }

    Policy policy_;
    Instance state_;
    Context context_;
    Step step_;
    std::int64_t now_ = 1'000'000'000'000'000'000;
    int inputs_ = 0;

private:
    static std::uint32_t attempt_in(const std::vector<Frame>& frames, const std::string& path) {
        const std::string name = path.substr(path.rfind('/') + 1);
        for (const Frame& frame : frames) {
            if (frame.step == name) return frame.attempt;
            if (const auto inside = attempt_in(frame.inside, path)) return inside;
        }
        return 0;
    }
};

}  // namespace syncline::hub::workflow
