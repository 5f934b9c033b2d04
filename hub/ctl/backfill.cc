#include <algorithm>
#include <memory>

#include "hub/ctl/cli.h"
#include "hub/ctl/cluster.h"
#include "hub/ctl/loads.h"
#include "hub/ctl/lookup.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"
#include "hub/ctl/ticker.h"
#include "shared/base/json.h"
#include "shared/base/nearest_name.h"
#include "shared/model/backfill.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

/// An agent that was asked says so within this time, or is too old to know the question.
constexpr Duration kAnswerWait = std::chrono::seconds{30};

struct BackfillOptions {
    std::string platform;
    std::vector<std::string> objects;
    bool dry_run = false;
    bool watch = false;
};

Result<Presence> presence_of(Session& session, const PlatformId& platform) {
    const auto found = session.get_last(subjects::kStreamAgent, subjects::agent_presence(platform));
    if (!found && found.error().kind != ErrorKind::kNotFound) return fail(found.error());
    if (!found || !*found || (*found)->deleted) {
        return fail(ErrorKind::kNotFound, "no agent of platform " + platform.text +
                                              " is there; synclinectl status lists them");
    }
    Presence presence{.id = platform.text};
    const auto said = parse_json((*found)->body);
    const auto* map = said ? said->get<Value::Map>() : nullptr;
    if (map == nullptr) {
        return fail(ErrorKind::kInvalid, "what the agent of " + platform.text +
                                             " announces cannot be read; is this synclinectl "
                                             "older than the agent?");
    }
    presence.said = Announced{*map};
    return presence;
}

const char* outcome_text(bool dry_run) {
    return dry_run ? "would be told; nothing was" : "told, as a backfill";
}

Exit tell_result(Output& out, const Announced& said, const BackfillRequest& request) {
    out.set("backfill", said.fields());
    if (const std::string trouble = said.text("trouble"); !trouble.empty()) {
        out.add({Level::kError, "backfill.refused", trouble, {}, {}});
        return Exit::kFindings;
    }
    const std::string phase = said.text("phase");
    if (phase != "done") {
        if (!phase.empty()) out.line("it goes on; --watch follows it");
        return verdict(out);
    }
    Table table{{"", "RECORDS", ""}, {}};
    const auto row = [&](const char* name, const char* key, const std::string& meaning) {
        table.rows.push_back({name, right_cell(grouped(said.count(key))), meaning});
    };
    row("there", "there", "on the platform");
    row("known", "known", "as they were told; nothing to do");
    row("unknown", "unknown", outcome_text(request.dry_run));
    row("different", "different",
        request.dry_run ? "told otherwise: would be read one by one, and told"
                        : "told otherwise: being read one by one, and told");
    if (said.count("unusable") > 0) {
        row("unusable", "unusable", "cannot be mapped: synclinectl exceptions list");
    }
    out.table(table);
    const Duration took = said.time("ended_at") - said.time("began_at");
    out.line("took " + duration_text(took));
    return verdict(out);
}

/// Until it is done, refused, or somebody has seen enough.
Result<Exit> follow(Program& program, Session& session, const PlatformId& platform,
                    const std::string& request) {
    Output& out = program.out();
    Ticker ticker{out, session.clock()};
    const Duration heard_until = session.clock().steady() + kAnswerWait;
    for (;;) {
        const auto presence = presence_of(session, platform);
        if (!presence) return fail(presence.error());
        const Announced said = presence->said.inner("backfill");
        const bool heard = said.text("request") == request;
        const std::string phase = said.text("phase");
        const bool ended = phase == "done" || (phase.empty() && !said.text("trouble").empty());
        if (heard && (ended || interrupted())) {
            ticker.end();
            const auto asked = parse_backfill_request(request);
            return tell_result(out, said, asked.value_or(BackfillRequest{}));
        }
        if (!heard && session.clock().steady() >= heard_until) {
            ticker.end();
            out.add({Level::kWarning,
                     "backfill.not_heard",
                     "the agent of " + platform.text + " has not heard of it yet",
                     "It finds the request when it is back; an agent of a version before this "
                     "one does not know it",
                     {}});
            return verdict(out);
        }
        if (interrupted()) return Exit::kFine;
        const std::vector<Load> loads = loads_of(*presence);
        // A first load comes before it, and is what there is to see.
        ticker.show(loads.empty() ? platform.text + ": asked" : line_of(loads.front()));
        std::ignore = session.until([] { return interrupted(); }, std::chrono::seconds{1});
    }
}

/// An object that the policy in force does not know is no object of any agent.
Result<void> check_objects(Program& program, const std::vector<std::string>& objects) {
    const auto policy = program.policy();
    if (!policy) {
        if (policy.error().kind == ErrorKind::kNotFound) return {};
        return fail(policy.error());
    }
    std::vector<std::string> names;
    for (const ObjectSpec& one : (*policy)->objects) names.push_back(one.name.text);
    for (const std::string& object : objects) {
        if (std::ranges::find(names, object) != names.end()) continue;
        return fail(ErrorKind::kNotFound,
                    "the policy knows no object `" + object + "`" + did_you_mean(object, names));
    }
    return {};
}

Result<Exit> run(Program& program, const BackfillOptions& options) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    if (auto known = check_objects(program, options.objects); !known) return fail(known.error());
    const PlatformId platform{options.platform};
    if (const auto there = presence_of(**session, platform); !there) return fail(there.error());
    BackfillRequest request{.asked_at = program.clock().now(), .dry_run = options.dry_run};
    for (const std::string& object : options.objects) request.objects.emplace_back(object);
    const std::string body = to_text(request);
    const std::string subject = subjects::again(platform, subjects::Again::kBackfill);
    const auto published = (*session)->publish({.subject = subject, .body = body});
    if (!published) return fail(published.error());
    Output& out = program.out();
    out.set("platform", platform.text);
    out.set("request", body);
    out.line("asked the agent of " + platform.text + " to read everything, and to " +
             (options.dry_run ? "count" : "tell") + " what it never told");
    out.flush();
    if (options.watch) return follow(program, **session, platform, body);
    out.line("synclinectl backfill show " + platform.text + " --watch follows it");
    return verdict(out);
}

Result<Exit> show(Program& program, const BackfillOptions& options) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const PlatformId platform{options.platform};
    const auto presence = presence_of(**session, platform);
    if (!presence) return fail(presence.error());
    const Announced said = presence->said.inner("backfill");
    const std::vector<Load> loads = loads_of(*presence);
    Output& out = program.out();
    out.set("platform", platform.text);
    if (presence->said.find("load") != nullptr) {
        out.set("load", presence->said.inner("load").fields());
    }
    const std::string request = said.text("request");
    if (options.watch && !request.empty() && said.text("phase") != "done") {
        return follow(program, **session, platform, request);
    }
    for (const Load& load : loads) out.line(line_of(load));
    if (request.empty()) {
        if (loads.empty()) {
            out.line(
                "no load is under way, and no backfill was asked for: synclinectl backfill run " +
                platform.text);
        }
        return verdict(out);
    }
    return tell_result(out, said, parse_backfill_request(request).value_or(BackfillRequest{}));
}

}  // namespace

void add_backfill(CLI::App& app, Program& program) {
    auto* group = app.add_subcommand(
        "backfill", "Have an agent tell all records that it never told, and follow loads");
    group->require_subcommand(1);
    auto* run_command = group->add_subcommand(
        "run", "Read the platform whole, beside everything else; tell what was never told");
    const auto run_options = std::make_shared<BackfillOptions>();
    run_command->add_option("PLATFORM", run_options->platform, "The platform: crm")->required();
    run_command->add_option("OBJECT", run_options->objects, "Only these; without it, all");
    run_command->add_flag("--dry-run,-n", run_options->dry_run, "Only count; tell nothing");
    run_command->add_flag("--watch,-w", run_options->watch, "Follow it until it is done");
    run_command->callback([&program, run_options] {
        program.choose("backfill run", [run_options](Program& p) { return run(p, *run_options); });
    });
    auto* show_command = group->add_subcommand("show", "What is being loaded, and the last result");
    const auto show_options = std::make_shared<BackfillOptions>();
    show_command->add_option("PLATFORM", show_options->platform, "The platform: crm")->required();
    show_command->add_flag("--watch,-w", show_options->watch, "Follow it until it is done");
    show_command->callback([&program, show_options] {
        program.choose("backfill show",
                       [show_options](Program& p) { return show(p, *show_options); });
    });
}

}  // namespace syncline::ctl
