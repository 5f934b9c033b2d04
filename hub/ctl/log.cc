#include <memory>

#include "hub/ctl/cli.h"
#include "hub/ctl/decisions.h"
#include "hub/ctl/lookup.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"

namespace syncline::ctl {
namespace {

struct LogOptions {
    std::string object;
    std::string key;
    std::uint64_t limit = 0;
    std::string since;
};

void show_entry(Output& out, const hub::LogEntry& entry, const Secrets& secrets) {
    out.line({Cell{time_text(entry.at), Style::kBold},
              Cell{"  v" + std::to_string(entry.version) + "  "}, Cell{joined(entry.inputs)},
              Cell{"  policy " + policy_text(entry.policy_version, entry.policy), Style::kDim}});
    Table table{{}, {}, 48};
    for (const hub::FieldDecision& decision : entry.decisions) {
        const ObjectName& object = entry.entity.object;
        table.rows.push_back({"   ", decision.field.text,
                              secrets.text(object, decision.field, decision.before) + " -> " +
                                  secrets.text(object, decision.field, decision.value),
                              Cell{hub::name_of(decision.verdict), style_of(decision.verdict)},
                              who_of(decision), Cell{decision.rule, Style::kDim}});
    }
    out.table(table);
    for (const auto& command : entry.commands) {
        out.line("     command " + command.platform.text + " " + name_of(command.kind) +
                     " generation " + std::to_string(command.generation) + ": " +
                     joined(command.fields),
                 Style::kCyan);
    }
    for (const std::string& note : entry.notes) out.line("     " + note);
}

Result<Exit> show(Program& program, const LogOptions& options) {
    Timestamp since{INT64_MIN};
    if (!options.since.empty()) {
        const auto parsed = parse_moment(options.since, program.clock().now());
        if (!parsed) return fail(parsed.error(), "--since");
        since = *parsed;
    }
    const auto secrets = program.secrets();
    if (!secrets) return fail(secrets.error());
    const auto session = program.connect();
    if (!session) return fail(session.error());
    auto located = locate(**session, ObjectName{options.object}, options.key);
    // Decisions may outlive the state; an entity id is enough to find them.
    if (!located && located.error().kind != ErrorKind::kNotFound) return fail(located.error());
    const EntityKey key =
        located ? located->key : EntityKey{ObjectName{options.object}, EntityId{options.key}};
    Output& out = program.out();
    auto entries = read_decisions(**session, out, key);
    if (!entries) return fail(entries.error());
    if (entries->empty() && out.findings().empty() && !located) return fail(located.error());
    std::erase_if(*entries, [&](const hub::LogEntry& entry) { return entry.at < since; });
    const std::uint64_t found = entries->size();
    if (options.limit > 0 && found > options.limit) {
        entries->erase(entries->begin(),
                       entries->end() - static_cast<std::ptrdiff_t>(options.limit));
        out.line("(" + std::to_string(found - options.limit) + " older not shown)", Style::kDim);
    }
    Value::List list;
    for (const hub::LogEntry& entry : *entries) {
        list.push_back(value_of(entry, *secrets));
        show_entry(out, entry, *secrets);
    }
    if (entries->empty()) out.line("no decisions");
    out.set("entity", key.entity.text);
    out.set("found", number(found));
    out.set("entries", std::move(list));
    return verdict(out);
}

}  // namespace

void add_log(CLI::App& app, Program& program) {
    auto* command = app.add_subcommand("log", "What was decided about an entity, oldest first");
    const auto options = std::make_shared<LogOptions>();
    add_key(*command, options->object, options->key);
    command->add_option("--limit", options->limit, "Only the newest N decisions; 0: all");
    command->add_option("--since", options->since,
                        "Only decisions since then: 2h, 2026-01-05, 2026-01-05T10:00:00Z");
    command->callback([&program, options] {
        program.choose("log", [options](Program& p) { return show(p, *options); });
    });
}

}  // namespace syncline::ctl
