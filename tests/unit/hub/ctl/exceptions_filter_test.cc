#include "hub/ctl/exceptions_filter.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace syncline::ctl {
namespace {

constexpr Timestamp kNow{1'000'000'000'000'000};

hub::ExceptionRecord exception() {
    hub::ExceptionRecord out;
    out.kind = "command.rejected";
    out.platform = PlatformId{"erp"};
    out.entity = {ObjectName{"customer"}, EntityId{"e1"}};
    out.opened_at = kNow - std::chrono::hours{3};
    out.care.severity = ExceptionSeverity::kError;
    out.care.assignee = "ann";
    out.care.tags = {"late", "vip"};
    out.care.due = kNow - std::chrono::minutes{1};
    return out;
}

struct FilterCase {
    const char* name;
    ExceptionFilter filter;
    bool holds;
};
void PrintTo(const FilterCase& row, std::ostream* out) { *out << row.name; }
class Filter : public testing::TestWithParam<FilterCase> {};

TEST_P(Filter, Holds) {
    ASSERT_TRUE(check(GetParam().filter));
    EXPECT_EQ(holds(GetParam().filter, exception(), kNow), GetParam().holds);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, Filter,
    testing::Values(FilterCase{"nothing_said", {}, true},
                    FilterCase{"kind", {.kind = "command.rejected"}, true},
                    FilterCase{"kind_at_platform", {.kind = "command.rejected@erp"}, true},
                    FilterCase{"kind_at_another", {.kind = "command.rejected@crm"}, false},
                    FilterCase{"kinds", {.kind = "command.*"}, true},
                    FilterCase{"other_kinds", {.kind = "ownership.*"}, false},
                    FilterCase{"platform", {.platform = "erp"}, true},
                    FilterCase{"another_platform", {.platform = "crm"}, false},
                    FilterCase{"object", {.object = "customer"}, true},
                    FilterCase{"another_object", {.object = "order"}, false},
                    FilterCase{"severity_below", {.severity = "warning"}, true},
                    FilterCase{"severity_above", {.severity = "critical"}, false},
                    FilterCase{"assignee", {.assignee = "ann"}, true},
                    FilterCase{"another_assignee", {.assignee = "bob"}, false},
                    FilterCase{"unassigned", {.unassigned = true}, false},
                    FilterCase{"tag", {.tag = "vip"}, true},
                    FilterCase{"another_tag", {.tag = "vi"}, false},
                    FilterCase{"search", {.search = "rejec"}, true},
                    FilterCase{"search_for_another", {.search = "gave"}, false},
                    FilterCase{"overdue", {.overdue = true}, true},
                    FilterCase{"older", {.older_than = "2h"}, true},
                    FilterCase{"not_so_old", {.older_than = "4h"}, false}),
    [](const auto& row) { return std::string{row.param.name}; });

TEST(ExceptionFilter, HidesWhatIsSettledOrNotMaterialUnlessItIsAskedFor) {
    hub::ExceptionRecord settled = exception();
    settled.status = hub::ExceptionStatus::kResolved;
    EXPECT_FALSE(holds({}, settled, kNow));
    EXPECT_FALSE(holds({.overdue = true, .all = true}, settled, kNow));
    EXPECT_TRUE(holds({.all = true}, settled, kNow));
    hub::ExceptionRecord small = exception();
    small.care.material = false;
    EXPECT_FALSE(holds({}, small, kNow));
    EXPECT_TRUE(holds({.immaterial = true}, small, kNow));
    EXPECT_TRUE(holds({.all = true}, small, kNow));
}

TEST(ExceptionFilter, ThatMakesNoSenseIsRefused) {
    EXPECT_FALSE(check({.severity = "high"}));
    EXPECT_FALSE(check({.older_than = "soon"}));
    EXPECT_FALSE(check({.kind = "comand.*"}));
    EXPECT_FALSE(ExceptionFilter{.immaterial = true}.narrows());
    EXPECT_TRUE(ExceptionFilter{.overdue = true}.narrows());
}

TEST(ExceptionFilter, TheMostUrgentComesFirst) {
    const auto view = [](ExceptionSeverity severity, std::int64_t due, std::int64_t opened) {
        ExceptionView out;
        out.record.care.severity = severity;
        out.record.care.due = {due};
        out.record.opened_at = {opened};
        return out;
    };
    using enum ExceptionSeverity;
    std::vector<ExceptionView> views{view(kError, 0, 5), view(kError, 0, 4), view(kError, 9, 6),
                                     view(kWarning, 1, 1), view(kCritical, 0, 7)};
    sort_by_urgency(views);
    std::vector<std::int64_t> opened;
    for (const ExceptionView& one : views) opened.push_back(one.record.opened_at.ns);
    EXPECT_EQ(opened, (std::vector<std::int64_t>{7, 6, 4, 5, 1}));
}

ExceptionView view_of(const std::string& subject, ExceptionSeverity severity, std::int64_t opened) {
    ExceptionView view{.record = exception(), .subject = subject};
    view.record.care.severity = severity;
    view.record.opened_at = {opened};
    return view;
}

TEST(Urgency, PutsNoTwoAtOnePlaceAndGoesOnBehindAny) {
    std::vector<ExceptionView> views{view_of("b", ExceptionSeverity::kError, 1),
                                     view_of("a", ExceptionSeverity::kError, 1),
                                     view_of("c", ExceptionSeverity::kCritical, 2),
                                     view_of("d", ExceptionSeverity::kWarning, 0)};
    sort_by_urgency(views);
    std::string order;
    for (const ExceptionView& view : views) order += view.subject;
    EXPECT_EQ(order, "cabd");
    for (const ExceptionView& view : views) {
        const auto again = parse_cursor(cursor_of(place_of(view)));
        ASSERT_TRUE(again);
        EXPECT_EQ(*again, place_of(view));
    }
    for (const char* text : {"x", "MQ", "MSAyIDM", "====", "\xff"}) {
        EXPECT_FALSE(parse_cursor(text)) << text;
        EXPECT_FALSE(check(ExceptionFilter{.after = text})) << text;
    }
}

}  // namespace
}  // namespace syncline::ctl
