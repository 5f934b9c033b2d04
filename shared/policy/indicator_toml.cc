#include "shared/policy/indicator.h"
#include "shared/policy/policy_toml.h"
#include "shared/policy/policy_toml_parts.h"

// `[indicators.<name>]`.

namespace syncline {

const char* name_of(Measure measure) {
    switch (measure) {
        case Measure::kCount: return "count";
        case Measure::kShare: return "share";
        case Measure::kMean: return "mean";
        case Measure::kMedian: return "p50";
        case Measure::kP90: return "p90";
        case Measure::kLongest: return "longest";
        case Measure::kOldest: return "oldest";
        case Measure::kOpen: return "open";
    }
    return "";
}

bool IndicatorSpec::has(Measure measure) const {
    if (measure == Measure::kCount) return true;
    if (measure == Measure::kShare) return !per.empty();
    return is_duration();
}

namespace {

constexpr TomlReader::Range kWindow{60, 365LL * 24 * 3600};
constexpr TomlReader::Range kHold{0, 30LL * 24 * 3600};
constexpr TomlReader::Range kNumbers{-1'000'000'000'000, 1'000'000'000'000};
constexpr TomlReader::Choice<Measure> kNames[] = {
    {"count", Measure::kCount},   {"share", Measure::kShare}, {"mean", Measure::kMean},
    {"p50", Measure::kMedian},    {"p90", Measure::kP90},     {"longest", Measure::kLongest},
    {"oldest", Measure::kOldest}, {"open", Measure::kOpen},
};

/// A number, written as one (`5`) or, if it is no whole one, as text (`"0.5"`).
Decimal read_number(TomlReader& in, std::string_view key) {
    if (in.kind(key) != TomlReader::Kind::kText) return in.integer(key, kNumbers);
    const auto number = Decimal::parse(in.text(key));
    if (!number) in.problem(key, "is no number: write 5 or \"0.5\"");
    return number.value_or(Decimal{});
}

AlertSpec read_alert(TomlReader in, const std::string& name, const IndicatorSpec& indicator) {
    AlertSpec alert;
    alert.name = name;
    alert.place = in.place();
    alert.measure = in.choice("measure", kNames);
    if (!indicator.has(alert.measure)) {
        in.problem("measure", std::string{"is nothing that this indicator has: "} +
                                  (indicator.is_duration() ? "`share` is of what is counted `per`"
                                   : indicator.per.empty() ? "it counts, so there is `count`"
                                                           : "there are `count` and `share`"));
    }
    if (in.has("above") == in.has("below")) {
        in.problem("above", in.has("above") ? "and `below` exclude each other"
                                            : "is missing, and so is `below`: what is the limit?");
    }
    alert.above = in.has("above") || !in.has("below");
    if (in.has("above")) alert.limit = read_number(in, "above");
    if (in.has("below")) alert.limit = read_number(in, "below");
    alert.back = in.has("back_at") ? read_number(in, "back_at") : alert.limit;
    if (alert.above ? alert.back > alert.limit : alert.back < alert.limit) {
        in.problem("back_at", "is on the wrong side of the limit: it says where all is well again");
    }
    alert.hold = in.seconds("for_s", kHold, std::chrono::seconds{0});
    alert.description = in.text("description", "");
    return alert;
}

}  // namespace

IndicatorSpec reading::read_indicator(TomlReader in, const std::string& name) {
    IndicatorSpec indicator;
    indicator.name = name;
    indicator.place = in.place();
    if (in.has("from") == in.has("count")) {
        in.problem("from", in.has("from") ? "and `count` exclude each other"
                                          : "is missing, and so is `count`: what is measured?");
    }
    if (in.has("count")) {
        indicator.event = in.text("count");
        indicator.per = in.text("per", "");
    } else {
        indicator.event = in.text("from");
        indicator.until = in.text("to");
        indicator.event_key = FieldName{in.text("from_key", "")};
        indicator.until_key = FieldName{in.text("to_key", "")};
    }
    for (const char* key : {"from", "count", "to", "per"}) {
        if (!in.has(key) || in.kind(key) != TomlReader::Kind::kText) continue;
        if (!is_event_name(in.text(key))) in.problem(key, "is no event: write order.confirmed");
    }
    indicator.when = reading::read_condition(in, "when");
    indicator.window = in.seconds("window_s", kWindow, std::chrono::hours{24});
    indicator.owner = in.text("owner", "");
    indicator.description = in.text("description", "");
    TomlReader alerts = in.table("alerts");
    for (const std::string& alert : alerts.keys()) {
        if (!is_policy_name(alert)) {
            alerts.key_problem(alert,
                               "is no name: use small letters, digits and `_`, a letter first");
        } else {
            indicator.alerts.push_back(read_alert(alerts.table(alert), alert, indicator));
        }
    }
    return indicator;
}

}  // namespace syncline
