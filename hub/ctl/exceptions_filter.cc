#include "hub/ctl/exceptions_filter.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <utility>

#include "hub/ctl/text.h"
#include "shared/base/base64.h"
#include "shared/policy/exception_rules.h"

namespace syncline::ctl {
namespace {

constexpr ExceptionSeverity kSeverities[] = {ExceptionSeverity::kInfo, ExceptionSeverity::kWarning,
                                             ExceptionSeverity::kError,
                                             ExceptionSeverity::kCritical};

const ExceptionSeverity* severity_of(const std::string& name) {
    const auto* at = std::ranges::find_if(
        kSeverities, [&](ExceptionSeverity one) { return name == syncline::name_of(one); });
    return at == std::end(kSeverities) ? nullptr : at;
}

}  // namespace

bool ExceptionFilter::narrows() const {
    return !kind.empty() || !platform.empty() || !object.empty() || !severity.empty() ||
           !assignee.empty() || !tag.empty() || !search.empty() || !older_than.empty() ||
           unassigned || overdue;
}

void add_filter(CLI::App& command, ExceptionFilter& filter) {
    const char* group = "Which ones";
    command.add_option("--kind", filter.kind, "Only this kind, or kind@platform; * for any text")
        ->group(group);
    command.add_option("--platform", filter.platform, "Only about this platform")->group(group);
    command.add_option("--object", filter.object, "Only about this object")->group(group);
    command
        .add_option("--severity", filter.severity,
                    "Only this severity and above: info, warning, error, critical")
        ->group(group);
    command.add_option("--assignee", filter.assignee, "Only what this one sees to")->group(group);
    command.add_flag("--unassigned", filter.unassigned, "Only what nobody sees to")->group(group);
    command.add_option("--tag", filter.tag, "Only what has this tag")->group(group);
    command.add_flag("--overdue", filter.overdue, "Only what is past its time")->group(group);
    command
        .add_option("--older-than", filter.older_than, "Only what was opened so long ago: 2h, 3d")
        ->group(group);
    command
        .add_option("--search", filter.search,
                    "Only what has this in its entity, record, reason or kind")
        ->group(group);
    command.add_flag("--immaterial", filter.immaterial, "Also what the policy calls not material")
        ->group(group);
}

Result<void> check(const ExceptionFilter& filter) {
    if (!filter.severity.empty() && severity_of(filter.severity) == nullptr) {
        return fail(ErrorKind::kInvalid, "--severity: there is no severity " + filter.severity +
                                             "; there are info, warning, error, critical");
    }
    if (!filter.older_than.empty()) {
        if (auto age = parse_duration(filter.older_than); !age) {
            return fail(age.error(), "--older-than");
        }
    }
    if (!filter.after.empty()) {
        if (auto place = parse_cursor(filter.after); !place) return fail(place.error());
    }
    const std::string kind = filter.kind.substr(0, filter.kind.find('@'));
    const bool known =
        kind.empty() || std::ranges::any_of(kExceptionKinds, [&](const ExceptionKind& one) {
            return is_like(one.code, kind);
        });
    if (known) return {};
    return fail(ErrorKind::kInvalid,
                "--kind: there is no kind " + kind + "; `synclinectl exceptions kinds` lists all");
}

bool is_open(const hub::ExceptionRecord& exception) {
    return exception.status == hub::ExceptionStatus::kOpen;
}

Timestamp opened_at(const hub::ExceptionRecord& exception) {
    return exception.opened_at.ns != 0 ? exception.opened_at : exception.updated_at;
}

bool is_overdue(const hub::ExceptionRecord& exception, Timestamp now) {
    return is_open(exception) && exception.care.due.ns != 0 && exception.care.due < now;
}

bool holds(const ExceptionFilter& filter, const hub::ExceptionRecord& exception, Timestamp now) {
    const hub::Care& care = exception.care;
    if (!filter.all && !is_open(exception)) return false;
    if (!filter.all && !filter.immaterial && !care.material) return false;
    if (!filter.kind.empty() && !is_like(exception.kind, filter.kind) &&
        !is_like(exception.kind + "@" + exception.platform.text, filter.kind)) {
        return false;
    }
    if (!filter.platform.empty() && exception.platform.text != filter.platform) return false;
    if (!filter.object.empty() && exception.entity.object.text != filter.object) return false;
    if (!filter.severity.empty() && care.severity < *severity_of(filter.severity)) return false;
    if (!filter.assignee.empty() && care.assignee != filter.assignee) return false;
    if (filter.unassigned && !care.assignee.empty()) return false;
    if (!filter.tag.empty() && std::ranges::find(care.tags, filter.tag) == care.tags.end()) {
        return false;
    }
    if (!filter.search.empty()) {
        const auto has = [&](const std::string& text) {
            return text.find(filter.search) != std::string::npos;
        };
        if (!has(exception.entity.entity.text) && !has(exception.record) &&
            !has(exception.reason) && !has(exception.kind)) {
            return false;
        }
    }
    if (filter.overdue && !is_overdue(exception, now)) return false;
    return filter.older_than.empty() ||
           now - opened_at(exception) >= *parse_duration(filter.older_than);
}

UrgencyPlace place_of(const ExceptionView& view) {
    const hub::Care& care = view.record.care;
    return {.severity = -static_cast<std::int64_t>(care.severity),
            .due = care.due.ns == 0 ? std::numeric_limits<std::int64_t>::max() : care.due.ns,
            .opened = opened_at(view.record).ns,
            .subject = view.subject};
}

void sort_by_urgency(std::vector<ExceptionView>& views) {
    std::vector<std::pair<UrgencyPlace, std::size_t>> order;
    for (std::size_t i = 0; i < views.size(); ++i) order.emplace_back(place_of(views[i]), i);
    std::ranges::sort(order);
    std::vector<ExceptionView> sorted;
    for (const auto& [place, at] : order) sorted.push_back(std::move(views[at]));
    views = std::move(sorted);
}

void sort_by_urgency(std::vector<const ExceptionView*>& views) {
    std::vector<std::pair<UrgencyPlace, const ExceptionView*>> placed;
    placed.reserve(views.size());
    for (const ExceptionView* view : views) placed.emplace_back(place_of(*view), view);
    std::ranges::sort(placed);
    std::ranges::transform(placed, views.begin(), [](const auto& one) { return one.second; });
}

std::string cursor_of(const UrgencyPlace& place) {
    return base64url(std::to_string(place.severity) + " " + std::to_string(place.due) + " " +
                     std::to_string(place.opened) + " " + place.subject);
}

Result<UrgencyPlace> parse_cursor(std::string_view text) {
    const auto wrong = [] {
        return fail(ErrorKind::kInvalid, "--after: write what the page before gave as `next`");
    };
    const auto read = parse_base64url(text);
    if (!read) return wrong();
    UrgencyPlace place;
    const char* at = read->data();
    const char* const end = at + read->size();
    for (std::int64_t* number : {&place.severity, &place.due, &place.opened}) {
        const auto [next, error] = std::from_chars(at, end, *number);
        if (error != std::errc{} || next == end || *next != ' ') return wrong();
        at = next + 1;
    }
    place.subject.assign(at, end);
    return place;
}

std::string name_of(const hub::ExceptionRecord& exception) {
    return exception.kind + (exception.platform.empty() ? "" : "@" + exception.platform.text);
}

Style style_of(ExceptionSeverity severity) {
    switch (severity) {
        case ExceptionSeverity::kInfo: return Style::kDim;
        case ExceptionSeverity::kWarning: return Style::kYellow;
        case ExceptionSeverity::kError:
        case ExceptionSeverity::kCritical: return Style::kRed;
    }
    return Style::kPlain;
}

}  // namespace syncline::ctl
