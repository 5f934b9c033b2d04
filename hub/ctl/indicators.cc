#include <algorithm>
#include <memory>
#include <optional>

#include "hub/ctl/actor.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"
#include "hub/indicators/alert.h"
#include "shared/base/json.h"
#include "shared/base/nearest_name.h"
#include "shared/model/member.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

using hub::indicators::AlertState;

/// A hub that has an indicator says anew how it stands every ten seconds.
constexpr Duration kSilent = std::chrono::minutes{1};

struct SilenceOptions {
    std::string alert;
    std::string length;
    std::string reason;
};

struct StoredAlert {
    AlertState state;
    std::uint64_t sequence = 0;
};

/// As the hub keeps it; nothing if it does not yet.
Result<std::optional<Value>> read_indicator(Session& session, const std::string& name) {
    const auto stored = session.get_last(subjects::kStreamState, subjects::indicator(name));
    if (!stored) return fail(stored.error());
    if (!*stored) return std::optional<Value>{};
    auto read = parse_json((*stored)->body);
    if (!read) return fail(read.error(), (*stored)->subject);
    return std::optional<Value>{*std::move(read)};
}

Result<StoredAlert> read_alert(Session& session, const std::string& name) {
    const auto stored = session.get_last(subjects::kStreamState, subjects::alert(name));
    if (!stored) return fail(stored.error());
    if (!*stored) return StoredAlert{};
    auto state = hub::indicators::decode_alert((*stored)->body);
    if (!state) return fail(state.error(), (*stored)->subject);
    return StoredAlert{*std::move(state), (*stored)->sequence};
}

/// "5 h" of seconds as text; a dash if there is nothing to measure.
std::string seconds_text(const Value& view, const char* name) {
    const Value* value = member(view, name);
    if (value == nullptr || value->is_null()) return "-";
    const double amount = std::stod(display(*value));
    return duration_text(Duration{static_cast<std::int64_t>(amount * 1e9)});
}

std::string number_text(const Value& view, const char* name) {
    const Value* value = member(view, name);
    return value == nullptr || value->is_null() ? "-" : display(*value);
}

std::string what_of(const IndicatorSpec& spec) {
    if (spec.is_duration()) return spec.event + " to " + spec.until;
    return spec.event + (spec.per.empty() ? "" : " per " + spec.per);
}

Result<Exit> list_indicators(Program& program) {
    const auto policy = program.policy();
    if (!policy) return fail(policy.error());
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const Timestamp now = program.clock().now();
    Table table{{"INDICATOR", "COUNT", "SHARE %", "P50", "P90", "OPEN", "OLDEST", "SEEN", "OF"},
                {}};
    Value::List listed;
    for (const IndicatorSpec& spec : (*policy)->indicators) {
        const auto read = read_indicator(**session, spec.name);
        if (!read) return fail(read.error());
        const Value view =
            read->value_or(Value{Value::Map{{"indicator", spec.name}, {"at", Value{}}}});
        const Timestamp at = time_member(view, "at");
        const bool silent = now - at > kSilent;
        table.rows.push_back({spec.name, number_text(view, "count"), number_text(view, "share"),
                              seconds_text(view, "p50_s"), seconds_text(view, "p90_s"),
                              number_text(view, "open"), seconds_text(view, "oldest_s"),
                              Cell{at == Timestamp{} ? "never" : age_text(at, now),
                                   silent ? Style::kYellow : Style::kPlain},
                              what_of(spec)});
        listed.push_back(view);
    }
    Output& out = program.out();
    out.set("indicators", std::move(listed));
    if (table.rows.empty()) {
        out.line("the policy has no indicators; configs/README.md shows how");
    } else {
        out.table(table);
    }
    return Exit::kFine;
}

Result<Exit> show_indicator(Program& program, const std::string& name) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto read = read_indicator(**session, name);
    if (!read) return fail(read.error());
    if (!*read) {
        return fail(ErrorKind::kNotFound, "nothing is known of an indicator " + name +
                                              "; `synclinectl indicators list` shows those of the "
                                              "policy");
    }
    const Value& view = **read;
    Output& out = program.out();
    out.line({{name + "  ", Style::kBold}, {"as of " + text_member(view, "at")}});
    for (const auto& [key, value] : *view.get<Value::Map>()) {
        if (key == "indicator" || key == "at" || key == "late") continue;
        const bool in_seconds = key.ends_with("_s");
        out.line("  " + key.substr(0, in_seconds ? key.size() - 2 : key.size()) + ": " +
                 (in_seconds ? seconds_text(view, key.c_str()) : number_text(view, key.c_str())));
    }
    const Value* late = member(view, "late");
    const auto* list = late == nullptr ? nullptr : late->get<Value::List>();
    if (list != nullptr && !list->empty()) out.line("open for the longest:");
    for (const Value& one : list == nullptr ? Value::List{} : *list) {
        const std::string key = text_member(one, "key");
        out.line("  " + key + ", " + seconds_text(one, "seconds") + ": synclinectl timeline " +
                 key);
    }
    out.set("indicator", view);
    return Exit::kFine;
}

Cell state_cell(const AlertState& state, Timestamp now) {
    if (state.raised && now < state.silent_until) return {"raised, silent", Style::kYellow};
    if (state.raised) return {"raised", Style::kRed};
    if (now < state.silent_until) return {"silent", Style::kYellow};
    return {"well", Style::kGreen};
}

Value::Map alert_view(const std::string& name, const AlertState& state, Timestamp now) {
    return {{"alert", name},
            {"state", state_cell(state, now).text},
            {"raised", state.raised},
            {"episode", static_cast<std::int64_t>(state.episode)},
            {"since", time_as_text(state.since)},
            {"value", state.value},
            {"silent_until", time_as_text(state.silent_until)},
            {"silenced", state.silenced}};
}

Result<Exit> list_alerts(Program& program) {
    const auto policy = program.policy();
    if (!policy) return fail(policy.error());
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const Timestamp now = program.clock().now();
    Table table{{"ALERT", "STATE", "SINCE", "VALUE", "IF", "INDICATOR", "SILENCED"}, {}};
    Value::List listed;
    for (const IndicatorSpec& spec : (*policy)->indicators) {
        for (const AlertSpec& alert : spec.alerts) {
            const auto stored = read_alert(**session, alert.name);
            if (!stored) return fail(stored.error());
            const AlertState& state = stored->state;
            const bool silent = now < state.silent_until;
            const std::string limit = std::string{name_of(alert.measure)} +
                                      (alert.above ? " > " : " < ") + alert.limit.text();
            table.rows.push_back(
                {alert.name, state_cell(state, now), state.raised ? age_text(state.since, now) : "",
                 state.episode == 0 ? "" : state.value.text(), limit, spec.name,
                 silent ? state.silenced + ", until " + to_string(state.silent_until) : ""});
            Value::Map view = alert_view(alert.name, state, now);
            view.emplace("indicator", spec.name);
            view.emplace("if", limit);
            listed.emplace_back(std::move(view));
        }
    }
    Output& out = program.out();
    out.set("alerts", std::move(listed));
    if (table.rows.empty()) {
        out.line("the policy has no alerts; configs/README.md shows how");
    } else {
        out.table(table);
    }
    return Exit::kFine;
}

/// Nobody is told of it until then; 0: people are again.
Result<Exit> silence(Program& program, const SilenceOptions& options, Duration length) {
    const auto policy = program.policy();
    if (!policy) return fail(policy.error());
    std::vector<std::string> names;
    for (const IndicatorSpec& spec : (*policy)->indicators) {
        for (const AlertSpec& alert : spec.alerts) names.push_back(alert.name);
    }
    if (std::ranges::find(names, options.alert) == names.end()) {
        return fail(ErrorKind::kNotFound, "the policy has no alert " + options.alert +
                                              did_you_mean(options.alert, names));
    }
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const Timestamp now = program.clock().now();
    constexpr int kTries = 10;
    for (int i = 0; i < kTries; ++i) {
        auto stored = read_alert(**session, options.alert);
        if (!stored) return fail(stored.error());
        AlertState& state = stored->state;
        state.silent_until = length == Duration{0} ? Timestamp{} : now + length;
        state.silenced = length == Duration{0} ? "" : program.actor() + ": " + options.reason;
        const std::string body = encode(state);
        const auto done =
            (*session)->publish({subjects::alert(options.alert), body, {}, stored->sequence});
        if (!done && done.error().kind == ErrorKind::kConflict) continue;
        if (!done) return fail(done.error());
        program.out().line(length == Duration{0} ? options.alert + ": people are told again"
                                                 : options.alert + ": nobody is told until " +
                                                       to_string(state.silent_until));
        program.out().set("alert", Value{alert_view(options.alert, state, now)});
        return Exit::kFine;
    }
    return fail(ErrorKind::kConflict, "the hub is at it all the time; try again");
}

}  // namespace

void add_indicators(CLI::App& app, Program& program) {
    auto* group = app.add_subcommand("indicators", "How the business does, by its events");
    group->require_subcommand(1);
    group->add_subcommand("list", "Those of the policy, and what they say")->callback([&program] {
        program.choose("indicators list", list_indicators);
    });
    auto* show = group->add_subcommand("show", "One of them, and what is open for the longest");
    const auto name = std::make_shared<std::string>();
    show->add_option("INDICATOR", *name, "Its name in the policy")->required();
    show->callback([&program, name] {
        program.choose("indicators show", [name](Program& p) { return show_indicator(p, *name); });
    });
}

void add_alerts(CLI::App& app, Program& program) {
    auto* group = app.add_subcommand("alerts", "When an indicator leaves its limits");
    group->require_subcommand(1);
    group->add_subcommand("list", "Those of the policy, and how they stand")->callback([&program] {
        program.choose("alerts list", list_alerts);
    });
    const auto options = std::make_shared<SilenceOptions>();
    auto* silent = group->add_subcommand("silence", "Tell nobody of it for a while");
    silent->add_option("ALERT", options->alert, "Its name in the policy")->required();
    silent->add_option("--for", options->length, "How long: 30m, 2h, 3d")->required();
    silent->add_option("--reason", options->reason, "Why, for whoever comes after you")->required();
    silent->callback([&program, options] {
        program.choose("alerts silence", [options](Program& p) -> Result<Exit> {
            const auto length = parse_duration(options->length);
            if (!length) return fail(length.error(), "--for");
            return silence(p, *options, *length);
        });
    });
    const auto woken = std::make_shared<SilenceOptions>();
    auto* wake = group->add_subcommand("wake", "Tell people of it again");
    wake->add_option("ALERT", woken->alert, "Its name in the policy")->required();
    wake->callback([&program, woken] {
        program.choose("alerts wake",
                       [woken](Program& p) { return silence(p, *woken, Duration{0}); });
    });
}

}  // namespace syncline::ctl
