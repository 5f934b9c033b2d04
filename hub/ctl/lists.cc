#include <algorithm>
#include <memory>

#include "hub/ctl/actor.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"
#include "hub/list_state_codec.h"
#include "shared/base/json.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

struct RefreshOptions {
    std::string list;
    std::string wait = "0s";
    bool whole = false;
};

/// A list of the policy, and what the hubs know of it; they may know nothing yet.
struct ListView {
    const ListSpec* spec = nullptr;
    hub::ListState state;
};

Result<hub::ListState> read_state(Session& session, const ListName& list) {
    const auto found = session.get_last(subjects::kStreamState, subjects::list_state(list));
    if (!found) return fail(found.error());
    if (!*found) return hub::ListState{.list = list};
    return hub::decode_list_state((*found)->body);
}

Result<std::vector<ListView>> read_views(Program& program, Session& session,
                                         const std::string& name) {
    const auto policy = program.policy();
    if (!policy) return fail(policy.error());
    std::vector<ListView> views;
    for (const ListSpec& spec : (*policy)->lists) {
        if (!name.empty() && spec.name.text != name) continue;
        auto state = read_state(session, spec.name);
        if (!state) return fail(state.error());
        views.push_back({&spec, *std::move(state)});
    }
    if (views.empty() && !name.empty()) {
        return fail(ErrorKind::kNotFound, "the policy has no list " + name);
    }
    return views;
}

Value value_of(const wire::ListDifference& changes) {
    Value::List sample;
    for (const auto& row : changes.sample) {
        sample.emplace_back(Value::Map{{"key", row.key}, {"what", name_of(row.what)}});
    }
    return Value::Map{{"added", number(changes.added)},
                      {"changed", number(changes.changed)},
                      {"removed", number(changes.removed)},
                      {"sample", std::move(sample)}};
}

Value time_value(Timestamp time) { return time.ns == 0 ? Value{} : Value{time}; }

Value value_of(const hub::ListGeneration& one) {
    if (one.number == 0 && one.digest.empty()) return {};
    return Value::Map{{"generation", number(one.number)},
                      {"digest", one.digest},
                      {"rows", number(one.rows)},
                      {"read_at", time_value(one.read_at)},
                      {"taken_at", time_value(one.taken_at)},
                      {"actor", one.actor},
                      {"changes", value_of(one.changes)}};
}

Value value_of(const ListView& view) {
    const hub::ListState& state = view.state;
    Value::Map targets;
    for (const PlatformId& platform : view.spec->to) {
        const auto found = state.targets.find(platform);
        const auto target = found == state.targets.end() ? hub::ListTarget{} : found->second;
        targets.emplace(platform.text, Value::Map{{"generation", number(target.has.generation)},
                                                  {"digest", target.has.digest},
                                                  {"at", time_value(target.at)},
                                                  {"trouble", target.why}});
    }
    return Value::Map{{"list", view.spec->name.text},
                      {"from", view.spec->from.text},
                      {"read_at", time_value(state.read_at)},
                      {"current", value_of(state.current)},
                      {"held", state.held ? value_of(*state.held) : Value{}},
                      {"refused", state.refused},
                      {"trouble", state.trouble},
                      {"targets", std::move(targets)}};
}

std::string changes_text(const wire::ListDifference& changes) {
    return "+" + std::to_string(changes.added) + " ~" + std::to_string(changes.changed) + " -" +
           std::to_string(changes.removed);
}

/// What is wrong goes to the findings, as the hubs' exceptions say it.
void judge(Program& program, const ListView& view) {
    if (!view.state.trouble.empty()) {
        program.out().add({Level::kWarning, "lists.unreadable",
                           "its agent could not read it last: " + view.state.trouble,
                           "Correct it at the source; the agent tries again by itself",
                           view.spec->name.text + " " + view.spec->from.text});
    }
    for (const hub::ListTrouble& trouble :
         hub::troubles(view.state, *view.spec, program.clock().now())) {
        const ExceptionKind* kind = exception_kind(trouble.kind);
        program.out().add({Level::kWarning, std::string{trouble.kind}, trouble.reason,
                           kind == nullptr ? "" : std::string{kind->advice},
                           view.spec->name.text + " " + trouble.platform.text});
    }
}

Cell target_cell(const ListView& view, const PlatformId& platform) {
    const auto found = view.state.targets.find(platform);
    const auto target = found == view.state.targets.end() ? hub::ListTarget{} : found->second;
    const bool same = !target.has.digest.empty() && target.has.digest == view.state.current.digest;
    if (same) return {std::to_string(target.has.generation), Style::kGreen};
    if (target.has.digest.empty()) return {"none", Style::kYellow};
    return {std::to_string(target.has.generation), Style::kYellow};
}

void show_table(Output& out, const std::vector<ListView>& views, Timestamp now) {
    Table table{{"LIST", "FROM", "GENERATION", "ROWS", "CHANGES", "PROVEN", "TO", "HAS"}, {}};
    for (const ListView& view : views) {
        const hub::ListState& state = view.state;
        const bool stale = now - std::max(state.since, state.read_at) > view.spec->stale_after;
        bool first = true;
        for (const PlatformId& platform : view.spec->to) {
            Cell proven = right_cell(age_text(state.read_at, now));
            proven.style = stale ? Style::kRed : Style::kGreen;
            if (first) {
                table.rows.push_back(
                    {view.spec->name.text, view.spec->from.text, number_cell(state.current.number),
                     number_cell(state.current.rows), changes_text(state.current.changes), proven,
                     platform.text, target_cell(view, platform)});
            } else {
                table.rows.push_back(
                    {"", "", "", "", "", "", platform.text, target_cell(view, platform)});
            }
            first = false;
        }
    }
    out.table(table);
}

void show_generation(Output& out, const std::string& heading, const hub::ListGeneration& one) {
    out.heading(heading);
    out.line(std::to_string(one.rows) + " rows, read " + time_text(one.read_at) +
             (one.actor.empty() ? ", by schedule" : ", for " + one.actor) + "; " +
             std::to_string(one.changes.added) + " added, " + std::to_string(one.changes.changed) +
             " changed, " + std::to_string(one.changes.removed) + " removed");
    Table table{{"ROW", "WAS"}, {}};
    for (const auto& row : one.changes.sample) {
        table.rows.push_back({row.key, Cell{name_of(row.what), Style::kYellow}});
    }
    if (!table.rows.empty()) out.table(table);
}

Result<Exit> show(Program& program, const std::string& name) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto views = read_views(program, **session, name);
    if (!views) return fail(views.error());
    Output& out = program.out();
    Value::List values;
    for (const ListView& view : *views) {
        values.push_back(value_of(view));
        judge(program, view);
    }
    out.set("lists", std::move(values));
    if (views->empty()) {
        out.line("the policy has no lists");
        return verdict(out);
    }
    show_table(out, *views, program.clock().now());
    if (name.empty()) return verdict(out);
    const hub::ListState& state = views->front().state;
    if (state.current.number > 0) {
        show_generation(out, "Generation " + std::to_string(state.current.number), state.current);
    }
    if (state.held) show_generation(out, "Held, until a person answers", *state.held);
    return verdict(out);
}

Result<Exit> history(Program& program, const std::string& name) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto views = read_views(program, **session, name);
    if (!views) return fail(views.error());
    const hub::ListState& state = views->front().state;
    std::vector<hub::ListGeneration> all = state.history;
    if (state.current.number > 0) all.insert(all.begin(), state.current);
    Output& out = program.out();
    Table table{{"GENERATION", "ROWS", "ADDED", "CHANGED", "REMOVED", "READ", "FOR"}, {}};
    Value::List values;
    for (const hub::ListGeneration& one : all) {
        values.push_back(value_of(one));
        table.rows.push_back({number_cell(one.number), number_cell(one.rows),
                              number_cell(one.changes.added), number_cell(one.changes.changed),
                              number_cell(one.changes.removed), time_text(one.read_at),
                              one.actor.empty() ? "schedule" : one.actor});
    }
    out.table(table);
    out.set("generations", std::move(values));
    return verdict(out);
}

/// Has what was asked for come to something?
bool is_answered(const ListView& view, const ListRequest& request) {
    const hub::ListState& state = view.state;
    if (state.answered < request.asked_at) return false;
    if (!state.trouble.empty() || !state.refused.empty() || state.held) return true;
    return std::ranges::all_of(view.spec->to, [&](const PlatformId& platform) {
        const auto target = state.targets.find(platform);
        return target != state.targets.end() &&
               (target->second.has.digest == state.current.digest ||
                target->second.failed.digest == state.current.digest);
    });
}

Result<Exit> refresh(Program& program, const RefreshOptions& options) {
    const auto wait = parse_duration(options.wait);
    if (!wait) return fail(wait.error(), "--wait");
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto views = read_views(program, **session, options.list);
    if (!views) return fail(views.error());
    const ListSpec& spec = *views->front().spec;
    const ListRequest request{
        program.clock().now(),
        options.whole ? ListRequest::Mode::kWhole : ListRequest::Mode::kDifferent, program.actor()};
    const std::string subject =
        subjects::list_wish(spec.from, subjects::ListWish::kRead, spec.name);
    const std::string body = to_text(request);
    const auto published = (*session)->publish({.subject = subject, .body = body});
    if (!published) return fail(published.error());
    Output& out = program.out();
    out.line("asked " + spec.from.text + " to read the list " + spec.name.text);
    out.flush();
    out.set("asked_at", request.asked_at);
    if (wait->count() == 0) {
        out.line("synclinectl lists show " + spec.name.text + " shows what it comes to");
        return verdict(out);
    }
    const Duration end = (*session)->clock().steady() + *wait;
    for (;;) {
        const auto now = read_views(program, **session, options.list);
        if (!now) return fail(now.error());
        if (is_answered(now->front(), request)) return show(program, options.list);
        if ((*session)->clock().steady() >= end || interrupted()) break;
        std::ignore = (*session)->until([] { return interrupted(); }, std::chrono::seconds{1});
    }
    out.add({Level::kWarning,
             "lists.not_done_yet",
             "it is not done after " + duration_text(*wait),
             "It goes on: synclinectl lists show; what an agent is doing: synclinectl status",
             {}});
    return verdict(out);
}

}  // namespace

void add_lists(CLI::App& app, Program& program) {
    auto* group =
        app.add_subcommand("lists", "Reference data: lists that one platform owns and others get");
    group->require_subcommand(1);
    auto* show_command = group->add_subcommand(
        "show", "The newest generation of each list, how old it is, and who has it");
    const auto shown = std::make_shared<std::string>();
    show_command->add_option("LIST", *shown, "One list, with what changed in it last: price");
    show_command->callback([&program, shown] {
        program.choose("lists show", [shown](Program& p) { return show(p, *shown); });
    });
    auto* history_command = group->add_subcommand("history", "The generations before");
    const auto told = std::make_shared<std::string>();
    history_command->add_option("LIST", *told, "The list: price")->required();
    history_command->callback([&program, told] {
        program.choose("lists history", [told](Program& p) { return history(p, *told); });
    });
    auto* refresh_command = group->add_subcommand("refresh", "Have a list read now");
    const auto options = std::make_shared<RefreshOptions>();
    refresh_command->add_option("LIST", options->list, "The list: price")->required();
    refresh_command->add_flag("--whole", options->whole,
                              "Send every row again, and judge again what was refused");
    refresh_command->add_option("--wait", options->wait, "How long to wait for the result: 30s, 2h")
        ->capture_default_str();
    refresh_command->callback([&program, options] {
        program.choose("lists refresh", [options](Program& p) { return refresh(p, *options); });
    });
}

}  // namespace syncline::ctl
