#include <filesystem>

#include "shared/base/text_file.h"
#include "shared/policy/workflow_codes.h"
#include "tests/unit/hub/workflow/fixture.h"

namespace syncline::hub::workflow {
namespace {

std::string readme() {
    const auto text = read_text_file(
        std::filesystem::path{SYNCLINE_SOURCE_DIR} / "hub/workflow/README.md", 1 << 20);
    EXPECT_TRUE(text) << text.error().what;
    return text.value_or("");
}

/// A case as the example's trigger and steps know it.
constexpr const char* kPolicy = R"([policy]
name = "readme"
[platforms.erp]
[platforms.support]
[objects.case.fields]
number = { type = "string", required = true }
part = "string"
status = { type = "enum", values = ["new", "in_progress", "resolved"], required = true }
[[objects.case.own]]
fields = ["*"]
owner = "support"
[objects.case.on.support]
fields = ["*"]
founds = true
on_delete = "propagate"
)";

class Example : public Runs {
protected:
    void SetUp() override {
        const std::string text = readme();
        const std::size_t begin = text.find("```toml\n") + 8;
        const std::string example = text.substr(begin, text.find("```\n", begin) - begin);
        auto parsed = parse_policy({{"policy.toml", kPolicy}, {"README.md", example}});
        ASSERT_TRUE(parsed) << parsed.error().what;
        policy_ = *std::move(parsed);
    }
    Lines begin() {
        return give(Start{"i",
                          WorkflowName{"replacement_part"},
                          "change",
                          {{FieldName{"case_number"}, "C1"},
                           {FieldName{"part"}, "VALVE"},
                           {FieldName{"quantity"}, 1}},
                          "rita",
                          ""});
    }
    static std::string of(const std::string& step) { return "replacement_part/i/" + step; }
};

TEST_F(Example, HasNoFindings) {
    for (const Finding& finding : check(policy_)) ADD_FAILURE() << to_string(finding);
}

TEST_F(Example, RunsToItsEnd) {
    EXPECT_EQ(begin(), (Lines{"ask support.entitlement", "is running"}));
    EXPECT_EQ(give(Reply{of("entitlement"),
                         1,
                         {},
                         {{FieldName{"entitled"}, true}, {FieldName{"price"}, Decimal{250}}},
                         ""}),
              Lines{"asks lead for 1"});
    const std::string seen = std::get<ApprovalNews>(step_.effects[0]).seen;
    EXPECT_EQ(give(Decision{of("approval"), Decision::What::kApprove, "lea", {"lead"}, seen, ""}),
              (Lines{"withdrawn", "operation erp.create_fulfilment"}));
    EXPECT_EQ(give(OperationOutcome{of("fulfil"),
                                    1,
                                    OperationOutcome::What::kApplied,
                                    {},
                                    {{FieldName{"number"}, "F7"}},
                                    ""}),
              Lines{});
    EXPECT_EQ(event("shipment.released", "F7"), Lines{"write case"});
    EXPECT_EQ(give(OperationOutcome{of("resolve"), 1}), Lines{});
    EXPECT_EQ(state_.status, Status::kDone);
}

TEST_F(Example, RefusesWhoIsNotEntitled) {
    begin();
    EXPECT_EQ(give(Reply{of("entitlement"), 1, {}, {{FieldName{"entitled"}, false}}, ""}),
              Lines{"event case.refused"});
    EXPECT_EQ(state_.status, Status::kCompensated);
    EXPECT_EQ(state_.reason, "not entitled");
}

TEST(WorkflowReference, NamesEveryFindingExceptionAndState) {
    const std::string text = readme();
    const auto expect_named = [&](std::string_view word) {
        EXPECT_NE(text.find("`" + std::string{word} + "`"), std::string::npos) << word;
    };
    for (const std::string_view code : finding_codes::kOfWorkflows) expect_named(code);
    for (const std::string_view code : codes::kAll) expect_named(code);
    for (std::uint8_t i = 0; i <= 3; ++i) expect_named(name_of(static_cast<Status>(i)));
    for (std::uint8_t i = 1; i <= 8; ++i) expect_named(name_of(static_cast<Phase>(i)));
    for (std::uint8_t i = 0; i <= 5; ++i) expect_named(name_of(static_cast<Request::Kind>(i)));
    for (std::uint8_t i = 0; i <= 7; ++i) expect_named(name_of(static_cast<Acted::What>(i)));
    for (std::uint8_t i = 0; i <= 4; ++i) expect_named(name_of(static_cast<ErrorClass>(i)));
}

}  // namespace
}  // namespace syncline::hub::workflow
