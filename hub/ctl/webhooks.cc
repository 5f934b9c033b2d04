#include <algorithm>
#include <functional>
#include <map>
#include <memory>

#include "hub/ctl/actor.h"
#include "hub/ctl/cli.h"
#include "hub/ctl/describe.h"
#include "hub/ctl/describe_parts.h"
#include "hub/ctl/program.h"
#include "hub/ctl/text.h"
#include "hub/webhooks/progress.h"
#include "shared/wire/subjects.h"

namespace syncline::ctl {
namespace {

using hub::webhooks::Progress;

struct StoredProgress {
    Progress progress;
    std::uint64_t sequence = 0;
};

struct WebhookOptions {
    std::string name;
    std::string reason;
    std::string from;
    std::uint64_t sequence = 0;
    bool dry_run = false;
};

Result<StoredProgress> read_progress(Session& session, const std::string& name) {
    const auto stored = session.get_last(subjects::kStreamState, subjects::webhook(name));
    if (!stored) return fail(stored.error());
    if (!*stored) {
        return fail(ErrorKind::kNotFound,
                    "nothing is known of a webhook " + name +
                        "; `synclinectl webhooks list` shows those of the policy, and a hub begins "
                        "one as soon as it is in force");
    }
    auto progress = hub::webhooks::decode_progress((*stored)->body);
    if (!progress) return fail(progress.error(), (*stored)->subject);
    return StoredProgress{*std::move(progress), (*stored)->sequence};
}

std::string webhook_state(const Progress& progress) {
    if (!progress.disabled.empty()) return "disabled";
    return progress.failing_since == Timestamp{} ? "well" : "failing";
}

Style webhook_style(const Progress& progress) {
    if (!progress.disabled.empty()) return Style::kRed;
    return progress.failing_since == Timestamp{} ? Style::kGreen : Style::kYellow;
}

Value::Map progress_view(const Progress& progress) {
    return {{"state", webhook_state(progress)},
            {"position", number(progress.position)},
            {"taken", number(progress.taken)},
            {"taken_at", time_value(progress.taken_at)},
            {"refused", number(progress.refused)},
            {"failing_since", time_value(progress.failing_since)},
            {"failures", number(progress.failures)},
            {"why", progress.why},
            {"disabled", progress.disabled}};
}

Result<Exit> list_webhooks(Program& program) {
    const auto policy = program.policy();
    if (!policy) return fail(policy.error());
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const Timestamp now = program.clock().now();
    Table table{{"WEBHOOK", "STATE", "TAKEN", "NEWEST", "REFUSED", "EVENTS", "TO"}, {}};
    Value::List listed;
    for (const WebhookSpec& webhook : (*policy)->webhooks) {
        const auto stored = read_progress(**session, webhook.name);
        if (!stored && stored.error().kind != ErrorKind::kNotFound) return fail(stored.error());
        const Progress progress = stored ? stored->progress : Progress{};
        const std::string target =
            webhook.is_mail() ? "mail to " + joined(webhook.mail_to) : webhook.url;
        const Cell state =
            stored ? Cell{webhook_state(progress), webhook_style(progress)} : Cell{"not begun"};
        table.rows.push_back({webhook.name, state, number_cell(progress.taken),
                              age_text(progress.taken_at, now), number_cell(progress.refused),
                              joined(webhook.events), target});
        Value::Map view = progress_view(progress);
        view.emplace("webhook", webhook.name);
        view.emplace("to", target);
        view.emplace("events", joined(webhook.events));
        listed.emplace_back(std::move(view));
    }
    Output& out = program.out();
    out.set("webhooks", std::move(listed));
    if (table.rows.empty()) {
        out.line("the policy has no webhooks; configs/README.md shows how");
    } else {
        out.table(table);
    }
    return Exit::kFine;
}

Result<Exit> show_webhook(Program& program, const std::string& name) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto stored = read_progress(**session, name);
    if (!stored) return fail(stored.error());
    const Progress& progress = stored->progress;
    const auto info = (*session)->stream_info(subjects::kStreamEvents);
    if (!info) return fail(info.error());
    const Timestamp now = program.clock().now();
    Output& out = program.out();
    out.line({{name + "  "}, {webhook_state(progress), webhook_style(progress)}});
    out.line("taken " + std::to_string(progress.taken) + ", the newest " +
             age_text(progress.taken_at, now) + "; refused and gone by " +
             std::to_string(progress.refused));
    out.line("at " + std::to_string(progress.position) + " of " +
             std::to_string(info->last_sequence) + " in the events' stream");
    if (progress.failing_since != Timestamp{}) {
        out.line("failing since " + time_text(progress.failing_since) + ", " +
                 count_text(progress.failures, "request", "requests") + ": " + progress.why);
    }
    if (!progress.disabled.empty()) out.line("disabled: " + progress.disabled);
    Value::Map view = progress_view(progress);
    view.emplace("webhook", name);
    view.emplace("last", number(info->last_sequence));
    out.set("webhook", Value{std::move(view)});
    return Exit::kFine;
}

/// Stores what `change` makes of it, unless the hub has stored something else meanwhile: then it
/// is tried again on that.
Result<Progress> change_progress(Session& session, const std::string& name,
                                 const std::function<void(Progress&)>& change) {
    constexpr int kTries = 10;
    for (int i = 0; i < kTries; ++i) {
        auto stored = read_progress(session, name);
        if (!stored) return fail(stored.error());
        change(stored->progress);
        const std::string body = encode(stored->progress);
        const auto done = session.publish({subjects::webhook(name), body, {}, stored->sequence});
        if (done) return stored->progress;
        if (done.error().kind != ErrorKind::kConflict) return fail(done.error());
    }
    return fail(ErrorKind::kConflict, "the hub is at it all the time; try again");
}

Result<Exit> tell_changed(Program& program, const std::string& name, const Progress& progress,
                          const std::string& text) {
    program.out().line({{name + ": "}, {text, webhook_style(progress)}});
    Value::Map view = progress_view(progress);
    view.emplace("webhook", name);
    program.out().set("webhook", Value{std::move(view)});
    return Exit::kFine;
}

Result<Exit> enable_webhook(Program& program, const WebhookOptions& options) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const Timestamp now = program.clock().now();
    const auto done = change_progress(**session, options.name, [&](Progress& progress) {
        if (progress.disabled.empty()) return;
        progress.disabled.clear();
        // Until something is taken; counted from now on.
        progress.failing_since = now;
        progress.failures = 0;
        progress.why = "enabled by " + program.actor();
    });
    if (!done) return fail(done.error());
    return tell_changed(program, options.name, *done, "enabled; it goes on where it stopped");
}

Result<Exit> disable_webhook(Program& program, const WebhookOptions& options) {
    const auto session = program.connect();
    if (!session) return fail(session.error());
    const auto done = change_progress(**session, options.name, [&](Progress& progress) {
        progress.disabled = "by " + program.actor() + ": " + options.reason;
    });
    if (!done) return fail(done.error());
    return tell_changed(program, options.name, *done,
                        "disabled; events wait in their stream (keep_events_days)");
}

Result<Exit> replay_webhook(Program& program, const WebhookOptions& options) {
    if ((options.sequence == 0) == options.from.empty()) {
        return fail(ErrorKind::kInvalid, "say where to begin: --from or --sequence");
    }
    const auto session = program.connect();
    if (!session) return fail(session.error());
    std::uint64_t first = options.sequence;
    if (first == 0) {
        const auto from = parse_moment(options.from, program.clock().now());
        if (!from) return fail(from.error(), "--from");
        const auto at = (*session)->sequence_at(subjects::kStreamEvents, *from);
        if (!at) return fail(at.error());
        first = *at;
    }
    const auto stored = read_progress(**session, options.name);
    if (!stored) return fail(stored.error());
    if (first > stored->progress.position) {
        return fail(ErrorKind::kInvalid, "nothing is to be sent again: it is at " +
                                             std::to_string(stored->progress.position) +
                                             ", before " + std::to_string(first));
    }
    const std::uint64_t again = stored->progress.position + 1 - first;
    const std::string text = "events from " + std::to_string(first) + " on, at most " +
                             std::to_string(again) + ", with the ids that they had";
    program.out().set("first", number(first));
    program.out().set("at_most", number(again));
    program.out().set("dry_run", options.dry_run);
    if (options.dry_run) {
        program.out().line("would send again: " + text);
        return Exit::kFine;
    }
    const auto done = change_progress(**session, options.name, [&](Progress& progress) {
        progress.position = first - 1;
        progress.position_at = {};
    });
    if (!done) return fail(done.error());
    return tell_changed(program, options.name, *done, "sends again: " + text);
}

using WebhookAct = Result<Exit> (*)(Program&, const WebhookOptions&);

CLI::App* add_webhook_act(CLI::App& group, Program& program, const char* name, const char* help,
                          WebhookAct run, const std::shared_ptr<WebhookOptions>& options) {
    auto* command = group.add_subcommand(name, help);
    command->add_option("WEBHOOK", options->name, "Its name in the policy")->required();
    command->callback([&program, options, name, run] {
        program.choose(std::string{"webhooks "} + name,
                       [options, run](Program& p) { return run(p, *options); });
    });
    return command;
}

}  // namespace

void add_webhooks(CLI::App& app, Program& program) {
    auto* group =
        app.add_subcommand("webhooks", "Whom business events are told by HTTP and by mail");
    group->require_subcommand(1);
    auto* list_command = group->add_subcommand("list", "Those of the policy, and how they are");
    list_command->callback([&program] { program.choose("webhooks list", list_webhooks); });
    const auto shown = std::make_shared<WebhookOptions>();
    add_webhook_act(
        *group, program, "show", "How far one is, and what is wrong with it",
        [](Program& p, const WebhookOptions& options) { return show_webhook(p, options.name); },
        shown);
    add_webhook_act(*group, program, "enable", "Go on where it stopped", enable_webhook,
                    std::make_shared<WebhookOptions>());
    const auto disabled = std::make_shared<WebhookOptions>();
    add_webhook_act(*group, program, "disable", "Send nothing until it is enabled again",
                    disable_webhook, disabled)
        ->add_option("--reason", disabled->reason, "Why, for whoever comes after you")
        ->required();
    const auto replayed = std::make_shared<WebhookOptions>();
    auto* command =
        add_webhook_act(*group, program, "replay", "Send events once more, from some point on",
                        replay_webhook, replayed);
    command->add_option("--from", replayed->from, "2026-01-05T10:00:00Z, or how long ago: 2h, 3d");
    command->add_option("--sequence", replayed->sequence, "Of the events' stream");
    command->add_flag("--dry-run", replayed->dry_run, "Say what would be sent, change nothing");
}

}  // namespace syncline::ctl
